#!/usr/bin/env bash
# The whole pipeline at work: a real Kafka, five consumers, a month of clicks, and what came of it.
#
# Holds: however it ends, no process that it started is left, but for the broker of a demo that
# went well with DEMO_KEEP=1; a consumer that dies ends the demo at once, with its last words.
# Absent on purpose: any judgement of the result; `baton report` reads that from the topics.
#
# Environment:
#   KAFKA_BOOTSTRAP=host:port  use this Kafka; the topics get a prefix of their own
#   DEMO_KILL=score            kill -9 this consumer half way through the sample, start it again
#   DEMO_KEEP=1                leave the throwaway broker running, to look around
#   DEMO_TIMEOUT=600           seconds the consumers may take to read to the end
#   DEMO_BIN=path              use this binary; nothing is built
#   DEMO_DIR=.work/demo        where it works; what an earlier demo left there is deleted
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
kafka=$root/deploy/kafka/kafka.sh
sample=$root/deploy/demo/clickstream.jsonl.gz
work=${DEMO_DIR:-$root/.work/demo}
baton=${DEMO_BIN:-${CARGO_TARGET_DIR:-$root/target}/release/baton}
stages='identify aggregate score route watch'
child=
locked=
finished=
launching=
interrupted=

say() { printf '%s\n' "$*"; }
step() { printf '\n[%s/6] %s\n' "$1" "$2"; }
die() { printf '\ndemo: %s\n' "$*" >&2; exit 1; }

# --- Processes ------------------------------------------------------------------------------

# Every child leads a process group: Ctrl-C is for this script, which ends them in order, and
# a signal to the group reaches whatever the child started.
spawn() {
    launching=1
    set -m
    "$@" &
    child=$!
    set +m
    launched
}

# A signal between a launch and the note of the pid would leave a process nobody knows of.
on_signal() {
    interrupted=$1
    if [ -z "$launching" ]; then exit "$interrupted"; fi
}

launched() {
    launching=
    if [ -n "$interrupted" ]; then exit "$interrupted"; fi
}

# In the background, so that a signal is answered at once and not when the child is done.
run() {
    local code=0
    spawn "$@"
    wait "$child" || code=$?
    child=
    return "$code"
}

start_stage() {
    local stage=$1
    mkdir -p "$work/state/$stage"
    launching=1
    set -m
    BATON_STATE_DIR="$work/state/$stage" "$baton" run "$stage" </dev/null >>"$work/logs/$stage.log" 2>&1 &
    printf '%s\n' "$!" >"$work/pids/$stage"
    # The shell must not announce the end of a job; the demo says itself what happened.
    disown "$!"
    set +m
    # Until the new process has become baton, it does not look like a consumer.
    while kill -0 "$!" 2>/dev/null && ! stage_runs "$stage"; do sleep 0.05; done
    launched
}

# The command line ends with "run STAGE": nobody else's process is meant by an old pid file.
stage_runs() {
    local pid
    pid=$(cat "$work/pids/$1" 2>/dev/null) || return 1
    ps -ww -o args= -p "$pid" 2>/dev/null | grep -q -e "run $1\$"
}

signal_stage() { kill "-$2" "$(cat "$work/pids/$1")" 2>/dev/null || true; }

stop_stages() {
    local stage deadline
    for stage in $stages; do if stage_runs "$stage"; then signal_stage "$stage" TERM; fi; done
    deadline=$((SECONDS + 12))
    for stage in $stages; do
        while stage_runs "$stage" && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.1; done
        if stage_runs "$stage"; then
            say "demo: $stage did not stop in time: KILL" >&2
            signal_stage "$stage" KILL
        fi
        rm -f "$work/pids/$stage"
    done
}

check_stages() {
    local stage
    for stage in $stages; do
        if ! stage_runs "$stage"; then
            printf '\n--- the end of %s\n' "$work/logs/$stage.log" >&2
            tail -n 20 "$work/logs/$stage.log" >&2
            die "the consumer '$stage' ended"
        fi
    done
}

# Waits for the child and watches the consumers meanwhile; $1 names what takes too long.
attend() {
    local code=0 deadline=$((SECONDS + ${DEMO_TIMEOUT:-600}))
    while kill -0 "$child" 2>/dev/null; do
        check_stages
        if [ "$SECONDS" -ge "$deadline" ]; then
            die "$1 took more than ${DEMO_TIMEOUT:-600} s; the logs are in $work/logs"
        fi
        sleep 0.2
    done
    wait "$child" || code=$?
    child=
    if [ "$code" != 0 ]; then die "$1 failed (exit code $code)"; fi
}

end_child() {
    if [ -z "$child" ]; then return; fi
    local deadline=$((SECONDS + 20))
    # The shell must not announce the end of a job that is ended on purpose.
    disown "$child" 2>/dev/null
    kill -TERM -- "-$child" 2>/dev/null
    while kill -0 -- "-$child" 2>/dev/null && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.1; done
    kill -KILL -- "-$child" 2>/dev/null
    child=
}

clean_up() {
    local code=$?
    if [ -n "$interrupted" ]; then printf '\ndemo: stopping\n' >&2; fi
    # One Ctrl-C is enough: what follows takes seconds, and a second one must not cut it short.
    trap '' INT TERM HUP
    set +e
    end_child
    if [ -n "$locked" ]; then
        stop_stages
        if [ -z "${KAFKA_BOOTSTRAP:-}" ] && ! { [ -n "$finished" ] && [ -n "${DEMO_KEEP:-}" ]; }; then
            "$kafka" stop --dir "$work/kafka"
        fi
        rm -f "$work.lock"
    fi
    exit "$code"
}

# Two demos would share folders; a link is made whole or not at all, holder included.
claim() {
    mkdir -p "$(dirname "$work")"
    if ! ln -s "$$" "$work.lock" 2>/dev/null; then
        local holder
        holder=$(readlink "$work.lock" || true)
        if [ -n "$holder" ] && kill -0 "$holder" 2>/dev/null; then die "another demo is running (pid $holder)"; fi
        rm -f "$work.lock"
        ln -s "$$" "$work.lock"
    fi
    locked=1
}

# What an earlier demo left, even one that was killed before it could clean up.
start_afresh() {
    stop_stages
    "$kafka" wipe --dir "$work/kafka"
    rm -rf "$work/state" "$work/logs" "$work/pids"
    mkdir -p "$work/logs" "$work/pids"
}

# --- Steps ----------------------------------------------------------------------------------

build() {
    if [ -n "${DEMO_BIN:-}" ]; then
        step 1 "binary: $baton, as it is"
        return
    fi
    step 1 'building the release binary'
    run cargo build --release --locked -p baton --manifest-path "$root/Cargo.toml" || die 'the build failed'
}

broker() {
    if [ -n "${KAFKA_BOOTSTRAP:-}" ]; then
        step 2 "Kafka: yours, at $KAFKA_BOOTSTRAP"
        BATON_TOPICS__PREFIX=demo.$(date -u +%Y%m%d-%H%M%S).
        export BATON_KAFKA__BOOTSTRAP=$KAFKA_BOOTSTRAP BATON_TOPICS__PREFIX
        say "all topics begin with $BATON_TOPICS__PREFIX"
        return
    fi
    step 2 'starting a throwaway Apache Kafka (one node, loopback only)'
    run "$kafka" start --dir "$work/kafka" --profile demo >/dev/null || die 'no broker'
    BATON_KAFKA__BOOTSTRAP=$(cat "$work/kafka/bootstrap")
    export BATON_KAFKA__BOOTSTRAP
}

consumers() {
    step 4 "starting the consumers, each its own process: $stages"
    local stage
    for stage in $stages; do start_stage "$stage"; done
    say "logs: $work/logs"
    sleep 0.5
    check_stages
}

# The sample up to its middle, then nothing until $work/half has come and gone.
by_halves() {
    local lines
    lines=$(gzip -dc "$sample" | wc -l)
    gzip -dc "$sample" | awk -v middle="$((lines / 2))" -v mark="$work/half" '
        { print }
        NR == middle { fflush(); system("touch " mark "; while [ -e " mark " ]; do sleep 0.1; done") }'
}

feed_by_halves() { by_halves | "$baton" ingest -; }

kill_half_way() {
    local stage=$1
    rm -f "$work/half"
    spawn feed_by_halves
    while [ ! -e "$work/half" ]; do
        kill -0 "$child" 2>/dev/null || break
        check_stages
        sleep 0.1
    done
    # Time to be in the middle of it: reading, with state made and a transaction open.
    sleep 0.5
    check_stages
    say "kill -9 $stage (pid $(cat "$work/pids/$stage")), half way through the sample"
    signal_stage "$stage" KILL
    while stage_runs "$stage"; do sleep 0.1; done
    start_stage "$stage"
    say "$stage runs again (pid $(cat "$work/pids/$stage"))"
    rm -f "$work/half"
    attend 'feeding the sample'
}

feed() {
    step 5 'feeding the sample clickstream'
    say "log time: the sample's 31 days pass as fast as they are read"
    if [ -n "${DEMO_KILL:-}" ]; then
        kill_half_way "$DEMO_KILL"
    else
        spawn "$baton" ingest "$sample"
        attend 'feeding the sample'
    fi
}

summary() {
    step 6 'waiting for the consumers to read to the end, then the report'
    spawn "$baton" report --wait
    attend 'the report'
    finished=1
    printf '\n'
    if [ -n "${KAFKA_BOOTSTRAP:-}" ]; then
        say "The topics $BATON_TOPICS__PREFIX* stay on your cluster; delete them when you are done."
    elif [ -n "${DEMO_KEEP:-}" ]; then
        say "Kafka still runs. Look around:  BATON_KAFKA__BOOTSTRAP=$BATON_KAFKA__BOOTSTRAP $baton tap lead.handoff"
        say "Ask about a lead of lead.handoff: the same with  lead explain ID,  route why ID,  sla ID"
        say "Stop it:                        ${kafka#"$root"/} stop --dir ${work#"$root"/}/kafka"
    else
        say "The throwaway Kafka is stopped. To look around with the commands above: DEMO_KEEP=1 make demo"
    fi
}

case " $stages " in
*" ${DEMO_KILL:-score} "*) ;;
*) die "DEMO_KILL names one of: $stages" ;;
esac
trap clean_up EXIT
trap 'on_signal 130' INT
trap 'on_signal 143' TERM HUP
claim
start_afresh
export BATON_CLOCK=log BATON_POLICY="${BATON_POLICY:-$root/deploy/policy/starter.yaml}"
build
broker
step 3 'creating the topics'
run "$baton" topics apply || die 'the topics could not be created'
consumers
feed
summary
