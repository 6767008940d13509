#!/usr/bin/env bash
# Runs one command against a throwaway broker: with-broker.sh COMMAND [ARGUMENT...]
#
# Holds: the command finds the broker in BATON_TEST_BOOTSTRAP, and in BATON_TEST_PROXY where a proxy
# is to listen and where it is to pass its clients on to; its exit code is ours; the broker
# and its data are gone afterwards, but a failed run keeps the data folder and says where.
# Absent on purpose: a choice of broker, but for KAFKA_BOOTSTRAP, which is used as it is and has no
# door for a proxy.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)
child=
dir=
launching=
interrupted=

# Each child has a process group of its own: a signal to it reaches what it started too.
run() {
    local code=0
    launching=1
    set -m
    "$@" &
    child=$!
    set +m
    launching=
    if [ -n "$interrupted" ]; then exit 130; fi
    wait "$child" || code=$?
    child=
    return "$code"
}

# A signal between a launch and the note of the pid would leave a process nobody knows of.
on_signal() {
    interrupted=1
    if [ -z "$launching" ]; then exit 130; fi
}

clean_up() {
    local code=$?
    trap '' INT TERM HUP
    if [ -n "$child" ]; then
        kill -TERM -- "-$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    fi
    if [ -z "$dir" ]; then exit "$code"; fi
    if [ "$code" = 0 ] || [ -n "$interrupted" ]; then
        "$here/kafka.sh" wipe --dir "$dir"
    else
        "$here/kafka.sh" stop --dir "$dir"
        printf 'with-broker: the broker kept its log and data in %s\n' "$dir" >&2
    fi
    exit "$code"
}

[ $# -gt 0 ] || { sed -n 's/^# \{0,1\}//; 2p' "${BASH_SOURCE[0]}" >&2; exit 64; }
trap clean_up EXIT
trap on_signal INT TERM HUP
if [ -n "${KAFKA_BOOTSTRAP:-}" ]; then
    BATON_TEST_BOOTSTRAP=$KAFKA_BOOTSTRAP
else
    dir=$root/.work/test-kafka.$$
    run "$here/kafka.sh" start --dir "$dir" --profile test >/dev/null
    BATON_TEST_BOOTSTRAP=$(cat "$dir/bootstrap")
    BATON_TEST_PROXY=$(cat "$dir/proxy")
    export BATON_TEST_PROXY
fi
export BATON_TEST_BOOTSTRAP
run "$@"
