#!/usr/bin/env bash
# What demo.sh promises about its processes, tried with a stand-in for the binary.
#
# Holds: every claim is one function; a failed one is named and ends the run with 1.
# Absent on purpose: the pipeline; the stand-in only starts, waits and obeys.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
demo=$root/deploy/demo/demo.sh
mkdir -p "$root/.work"
work=$(mktemp -d "$root/.work/check-demo.XXXXXX")
passed=0

# Processes that a demo started here: each one's command line has this folder in it.
left() { ps -ww -eo pid=,args= | awk -v a="$work/" '{ for (i = 2; i <= NF; i++) if (index($i, a)) { print; next } }' | grep -v -e awk || true; }

clean_up() {
    left | awk '{ print $1 }' | while read -r pid; do kill -KILL "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

fail() {
    printf 'FAILED %s\n' "$*" >&2
    if [ -s "$work/out" ]; then sed 's/^/    /' "$work/out" >&2; fi
    exit 1
}

nothing_is_left() {
    # What was told to stop may need a moment to be gone.
    local try
    for try in 1 2 3 4 5 6 7 8 9 10; do
        if [ -z "$(left)" ]; then return; fi
        if [ "$try" = 10 ]; then fail "$claim: left behind: $(left)"; fi
        sleep 0.1
    done
}

ends_with() {
    local want=$1 got=0
    shift
    env DEMO_BIN="$work/baton" DEMO_DIR="$work/demo" "$@" "$demo" >"$work/out" 2>&1 || got=$?
    [ "$got" = "$want" ] || fail "$claim: ended with $got, not $want"
    nothing_is_left
}

says() { grep -q -e "$1" "$work/out" || fail "$claim: it did not say '$1'"; }

# A shell cannot undo that a signal was ignored when it began, as it is for what runs in the
# background of CI; env can, where it is GNU's.
fresh=
if env --default-signal=INT true 2>/dev/null; then fresh=--default-signal=INT; fi

# Sends signal $1 to the whole process group after $2 s, as a terminal does on Ctrl-C.
interrupted_by() {
    local signal=$1 after=$2 group got=0
    shift 2
    set -m
    # shellcheck disable=SC2086 # no word when there is no such flag
    env $fresh DEMO_BIN="$work/baton" DEMO_DIR="$work/demo" "$@" "$demo" >"$work/out" 2>&1 &
    group=$!
    set +m
    sleep "$after"
    kill "-$signal" -- "-$group" 2>/dev/null || fail "$claim: it had ended before $after s"
    wait "$group" || got=$?
    case $got in 130 | 143) ;; *) fail "$claim: after $after s it ended with $got" ;; esac
    nothing_is_left
}

stand_in() {
    cat >"$work/baton" <<'EOF'
#!/usr/bin/env bash
trap 'echo drained; exit 0' TERM
case $1 in
run)
    echo "$2 at $BATON_KAFKA__BOOTSTRAP in $BATON_STATE_DIR"
    if [ "${FAKE_DIES:-}" = "$2" ]; then sleep 1; echo "the last words of $2"; exit 70; fi
    if [ "${FAKE_STUBBORN:-}" = "$2" ]; then trap '' TERM; fi
    while :; do sleep 0.1; done
    ;;
topics) echo "topics under '${BATON_TOPICS__PREFIX:-}'" ;;
ingest) if [ "$2" = - ]; then cat; else gzip -dc "$2"; fi | sed -n '$=' | sed 's/^/lines fed: /' ;;
report) for _ in 1 2 3 4 5 6 7 8; do sleep 0.25; done ;;
esac
EOF
    chmod +x "$work/baton"
}

a_demo_on_its_own_broker_leaves_nothing() {
    ends_with 0 A=1
    says 'lines fed: '
}

ctrl_c_leaves_nothing_while_the_broker_starts() {
    local after
    for after in 0.4 2 4; do interrupted_by INT "$after" A=1; done
}

ctrl_c_leaves_nothing_while_consumers_run() {
    local after
    for after in 0.2 0.5 0.8 1.2 2; do interrupted_by INT "$after" KAFKA_BOOTSTRAP=127.0.0.1:1; done
    interrupted_by TERM 1 KAFKA_BOOTSTRAP=127.0.0.1:1 DEMO_KILL=score
}

a_consumer_that_ignores_term_is_killed() {
    interrupted_by INT 1.5 KAFKA_BOOTSTRAP=127.0.0.1:1 FAKE_STUBBORN=watch
    says 'watch did not stop in time'
}

a_dead_consumer_ends_the_demo_with_its_last_words() {
    ends_with 1 KAFKA_BOOTSTRAP=127.0.0.1:1 FAKE_DIES=route
    says 'the last words of route'
    says "the consumer 'route' ended"
}

a_consumer_killed_half_way_runs_again_and_no_line_is_lost() {
    local lines
    lines=$(gzip -dc "$root/deploy/demo/clickstream.jsonl.gz" | sed -n '$=')
    ends_with 0 KAFKA_BOOTSTRAP=127.0.0.1:1 DEMO_KILL=score
    says 'kill -9 score'
    says "lines fed: $lines\$"
    [ "$(grep -c '^score at' "$work/demo/logs/score.log")" = 2 ] || fail "$claim: score was not started twice"
}

somebody_elses_cluster_gets_topics_of_its_own() {
    ends_with 0 KAFKA_BOOTSTRAP=127.0.0.1:1
    says "topics under 'demo\.[0-9]*-[0-9]*\.'"
}

stand_in
for claim in \
    a_demo_on_its_own_broker_leaves_nothing \
    ctrl_c_leaves_nothing_while_the_broker_starts \
    ctrl_c_leaves_nothing_while_consumers_run \
    a_consumer_that_ignores_term_is_killed \
    a_dead_consumer_ends_the_demo_with_its_last_words \
    a_consumer_killed_half_way_runs_again_and_no_line_is_lost \
    somebody_elses_cluster_gets_topics_of_its_own; do
    "$claim"
    passed=$((passed + 1))
    printf 'ok %s\n' "$claim"
done
printf 'demo: %d passed, 0 failed\n' "$passed"
