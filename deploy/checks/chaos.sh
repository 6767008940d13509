#!/usr/bin/env bash
# One run of the fault driver: chaos.sh BIN_DIR [OPTION...]; BIN_DIR has `baton` and `chaos`.
#
# Holds: the broker of the run is stopped whatever happens; a run without differences leaves nothing,
# any other keeps its folder and says where. Exit: that of `chaos` (0 no difference, 65 some, 70 not judged).
# Absent on purpose: any judgement; that is `tests/chaos`.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
bin=${1:?chaos.sh BIN_DIR [OPTION...]}
shift
dir=$root/.work/chaos.$$
child=

clean_up() {
    local code=$?
    trap '' INT TERM HUP
    if [ -n "$child" ] && kill -0 "$child" 2>/dev/null; then
        kill -TERM -- "-$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    fi
    # A second broker may have been on its way when the run was ended.
    for broker in "$dir/kafka" "$dir"/kafka/node-*; do
        if [ -d "$broker" ]; then "$root/deploy/kafka/kafka.sh" stop --dir "$broker"; fi
    done
    exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

mkdir -p "$root/.work"
# A process group of its own: a signal to it reaches every consumer, also one that is stopped.
set -m
"$bin/chaos" --bin "$bin/baton" --dir "$dir" "$@" &
child=$!
set +m
wait "$child"
