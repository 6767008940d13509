#!/usr/bin/env bash
# A live Baton with everything that looks at it: Prometheus, Alertmanager, a stand-in for who is told, Grafana if there is one.
#
#   observe.sh                start all of it, print what is told; Ctrl-C ends it
#   observe.sh kill STAGE     (in another terminal) kill -9 a consumer
#   observe.sh start STAGE    start it again
#
# Holds: however it ends, no process that it started is left; the rules, routes and dashboards are those that ship.
# Absent on purpose: anything for production; metrics are kept for as long as it runs.
#
# Environment:
#   KAFKA_BOOTSTRAP=host:port  use this Kafka; the topics get a prefix of their own
#   OBSERVE_BIN=path           use this binary; nothing is built
#   OBSERVE_DIR=.work/observe  where it works; what was there is deleted
#   OBSERVE_PORT=9500          consumers answer at the next five ports; what looks at them, at the four after
#   OBSERVE_RATE=5             lines of the sample a second
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)
kafka=$root/deploy/kafka/kafka.sh
work=${OBSERVE_DIR:-$root/.work/observe}
baton=${OBSERVE_BIN:-${CARGO_TARGET_DIR:-$root/target}/release/baton}
base=${OBSERVE_PORT:-9500}
stages='identify aggregate score route watch'
prometheus_port=$((base + 6))
alertmanager_port=$((base + 7))
receiver_port=$((base + 8))
grafana_port=$((base + 9))
reader=

say() { printf '%s\n' "$*"; }
die() { printf 'observe: %s\n' "$*" >&2; exit 1; }

tool() { type -P "$1" || type -P "$2" || die "$1 is not installed (Debian: apt-get install prometheus prometheus-alertmanager)"; }

# --- Processes ------------------------------------------------------------------------------

# Each leads a process group, so that a signal reaches what it started, and Ctrl-C reaches this script alone.
launch() {
    local name=$1
    shift
    set -m
    "$@" </dev/null >>"$work/logs/$name.log" 2>&1 &
    set +m
    printf '%s\n' "$!" >"$work/pids/$name"
    disown "$!"
}

pid_of() { cat "$work/pids/$1" 2>/dev/null; }
runs() { local pid; pid=$(pid_of "$1") && kill -0 -- "-$pid" 2>/dev/null; }

start_stage() {
    local port=$base stage
    for stage in $stages; do
        port=$((port + 1))
        if [ "$stage" = "$1" ]; then break; fi
    done
    # shellcheck disable=SC1091 # written by this script when it began
    . "$work/settings"
    export BATON_KAFKA__BOOTSTRAP BATON_TOPICS__PREFIX
    BATON_STATE_DIR="$work/state/$1" BATON_HTTP__LISTEN="127.0.0.1:$port" launch "$1" "$baton" run "$1"
}

end_all() {
    trap '' INT TERM HUP
    set +e
    local file name deadline=$((SECONDS + 15))
    if [ -n "$reader" ]; then kill "$reader"; fi
    for file in "$work"/pids/*; do kill -TERM -- "-$(cat "$file")" 2>/dev/null; done
    for file in "$work"/pids/*; do
        name=${file##*/}
        while runs "$name" && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.1; done
        kill -KILL -- "-$(cat "$file")" 2>/dev/null
        rm -f "$file"
    done
    if [ -z "${KAFKA_BOOTSTRAP:-}" ]; then "$kafka" stop --dir "$work/kafka"; fi
}

answers() {
    local try
    for try in $(seq 1 600); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return; fi
        sleep 0.1
    done
    die "$2 does not answer at port $1; see $work/logs/$2.log ($try tries)"
}

free() { if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then die "port $1 is taken; OBSERVE_PORT moves all of them"; fi; }

# --- Steps ----------------------------------------------------------------------------------

broker() {
    BATON_TOPICS__PREFIX=
    if [ -n "${KAFKA_BOOTSTRAP:-}" ]; then
        BATON_KAFKA__BOOTSTRAP=$KAFKA_BOOTSTRAP
        BATON_TOPICS__PREFIX=observe.$(date -u +%Y%m%d-%H%M%S).
        say "Kafka: yours, at $KAFKA_BOOTSTRAP; all topics begin with $BATON_TOPICS__PREFIX"
    else
        say 'starting a throwaway Apache Kafka (one node, loopback only)'
        BATON_KAFKA__BOOTSTRAP=$("$kafka" start --dir "$work/kafka" --profile demo) || die 'no broker'
    fi
    printf 'BATON_KAFKA__BOOTSTRAP=%q\nBATON_TOPICS__PREFIX=%q\n' "$BATON_KAFKA__BOOTSTRAP" "$BATON_TOPICS__PREFIX" >"$work/settings"
    export BATON_KAFKA__BOOTSTRAP BATON_TOPICS__PREFIX
    "$baton" topics apply >/dev/null
}

consumers() {
    local stage
    for stage in $stages; do start_stage "$stage"; done
    # shellcheck disable=SC2016 # the inner shell is to expand it
    launch trickle bash -c '"$0" "$1" "$2" | "$3" ingest -' "$here/trickle.py" "$root/deploy/demo/clickstream.jsonl.gz" "${OBSERVE_RATE:-5}" "$baton"
}

# The files that ship, at other addresses.
readdressed() {
    sed -e "s/127\.0\.0\.1:950\([1-5]\)/127.0.0.1:@\1/g" -e "s/127\.0\.0\.1:9093/127.0.0.1:$alertmanager_port/" \
        -e "s/127\.0\.0\.1:9095/127.0.0.1:$receiver_port/" "$1" |
        sed -e "s/@1/$((base + 1))/" -e "s/@2/$((base + 2))/" -e "s/@3/$((base + 3))/" -e "s/@4/$((base + 4))/" -e "s/@5/$((base + 5))/"
}

onlookers() {
    readdressed "$here/prometheus/prometheus.yaml" | sed 's/_interval: 15s/_interval: 2s/' >"$work/prometheus.yaml"
    cp "$here"/prometheus/recording.yaml "$here"/prometheus/alerts.yaml "$work"
    readdressed "$here/alertmanager/alertmanager.yaml" | sed -e 's/group_wait: 10s/group_wait: 1s/' -e 's/group_interval: 1m/group_interval: 5s/' \
        >"$work/alertmanager.yaml"
    launch receiver "$here/receiver.py" "$receiver_port"
    launch alertmanager "$alertmanager" --config.file "$work/alertmanager.yaml" --storage.path "$work/alertmanager" \
        --web.listen-address "127.0.0.1:$alertmanager_port" --cluster.listen-address ''
    launch prometheus "$prometheus" --config.file "$work/prometheus.yaml" --storage.tsdb.path "$work/prometheus" \
        --web.listen-address "127.0.0.1:$prometheus_port"
    answers "$receiver_port" receiver
    answers "$alertmanager_port" alertmanager
    answers "$prometheus_port" prometheus
    say "Prometheus:   http://127.0.0.1:$prometheus_port/alerts"
    say "Alertmanager: http://127.0.0.1:$alertmanager_port"
}

look() {
    local server home
    server=$(type -P grafana || true)
    if [ -z "$server" ]; then
        say 'Grafana:      not installed; its files are in deploy/observe/grafana'
        return
    fi
    home=${GRAFANA_HOME:-/usr/share/grafana}
    # Prometheus has the rules: Grafana would tell of everything a second time.
    mkdir -p "$work/provisioning"
    cp -r "$here/grafana/provisioning/datasources" "$here/grafana/provisioning/dashboards" "$work/provisioning"
    PROMETHEUS_URL="http://127.0.0.1:$prometheus_port" BATON_DASHBOARDS="$here/grafana/dashboards" \
        GF_PATHS_PROVISIONING="$work/provisioning" GF_PATHS_DATA="$work/grafana" GF_PATHS_LOGS="$work/logs" \
        GF_SERVER_HTTP_ADDR=127.0.0.1 GF_SERVER_HTTP_PORT="$grafana_port" GF_AUTH_ANONYMOUS_ENABLED=true \
        launch grafana "$server" server --homepath "$home"
    answers "$grafana_port" grafana
    say "Grafana:      http://127.0.0.1:$grafana_port/dashboards"
}

up() {
    local port
    prometheus=$(tool prometheus prometheus)
    alertmanager=$(tool prometheus-alertmanager alertmanager)
    for port in $(seq $((base + 1)) $((base + 9))); do free "$port"; done
    if [ -z "${OBSERVE_BIN:-}" ]; then cargo build --release --locked -p baton --manifest-path "$root/Cargo.toml"; fi
    "$kafka" wipe --dir "$work/kafka"
    rm -rf "$work"
    mkdir -p "$work/logs" "$work/pids" "$work/state"
    trap end_all EXIT
    trap 'exit 130' INT TERM HUP
    broker
    consumers
    onlookers
    look
    say "try:          $0 kill watch      (and then: $0 start watch)"
    say 'who is told of what:'
    # A reader of its own, so that a signal is answered at once.
    tail -n +1 -F "$work/logs/receiver.log" 2>/dev/null &
    reader=$!
    wait "$reader"
}

case ${1:-up} in
up) up ;;
kill)
    runs "${2:-}" || die "no consumer '${2:-}' runs here: one of $stages"
    kill -KILL -- "-$(pid_of "$2")"
    say "$2 is dead"
    ;;
start)
    case " $stages " in *" ${2:-} "*) ;; *) die "which? one of $stages" ;; esac
    [ -f "$work/settings" ] || die 'nothing runs here: observe.sh first'
    if runs "$2"; then die "$2 runs"; fi
    start_stage "$2"
    say "$2 is started"
    ;;
*) sed -n '2,20s/^# \{0,1\}//p' "$0"; exit 64 ;;
esac
