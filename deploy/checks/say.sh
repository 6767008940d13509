# What the checks have in common: they say what holds, show what a failure printed, and count.
# To be sourced by one that has its name in `check` and a folder of its own in `work`.
# shellcheck shell=bash disable=SC2154 # who sources it sets both

passed=0

skip() {
    # A checker that is missing in CI is a hole, not a convenience.
    if [ -n "${CI:-}" ]; then printf '%s: %s\n' "$check" "$*" >&2; exit 1; fi
    printf '%s: SKIPPED: %s\n' "$check" "$*"
    exit 0
}

fail() {
    printf 'FAILED %s: %s\n' "$check" "$*" >&2
    if [ -s "$work/out" ]; then tail -n 40 "$work/out" | sed 's/^/    /' >&2; fi
    exit 1
}

ok() {
    passed=$((passed + 1))
    printf 'ok %s\n' "$*"
}

# $1 is what the command behind it shows by ending well.
passes() {
    local what=$1
    shift
    "$@" >"$work/out" 2>&1 || fail "$what"
    ok "$what"
}

refuses() {
    local what=$1
    shift
    if "$@" >"$work/out" 2>&1; then fail "$what was not refused"; fi
    ok "$what is refused"
}

summed_up() { printf '%s: %d passed, 0 failed\n' "$check" "$passed"; }
