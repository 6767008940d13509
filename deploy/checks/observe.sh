#!/usr/bin/env bash
# What looks at Baton, checked with the real tools: rules, tests of rules, routes, and one alert from end to end.
#
#   observe.sh rules    rules and their tests, where each alert goes
#   observe.sh live     a killed watchdog is told to who must know, and that it is back; at rest nobody is told anything
#
# Holds: each check is also given something wrong and must refuse it.
# Absent on purpose: Grafana; its files are checked by `cargo test -p baton-observe`.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
files=$root/deploy/observe
observe=$files/observe.sh
mkdir -p "$root/.work"
work=$(mktemp -d "$root/.work/check-observe.XXXXXX")
group=
passed=0

skip() {
    # A checker that is missing in CI is a hole, not a convenience.
    if [ -n "${CI:-}" ]; then printf 'observe: %s\n' "$*" >&2; exit 1; fi
    printf 'observe: SKIPPED: %s\n' "$*"
    exit 0
}

fail() {
    printf 'FAILED observe: %s\n' "$*" >&2
    if [ -s "$work/out" ]; then tail -n 40 "$work/out" | sed 's/^/    /' >&2; fi
    exit 1
}

ok() {
    passed=$((passed + 1))
    printf 'ok %s\n' "$*"
}

clean_up() {
    if [ -n "$group" ]; then
        kill -TERM -- "-$group" 2>/dev/null || true
        while kill -0 -- "-$group" 2>/dev/null; do sleep 0.1; done
    fi
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

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

# --- Rules ----------------------------------------------------------------------------------

# Whether an alert of team $1 and severity $2 goes to $3.
goes_to() {
    [ "$(amtool config routes test --config.file "$files/alertmanager/alertmanager.yaml" "team=$1" "severity=$2" 2>"$work/out")" = "$3" ] ||
        fail "$2 for $1 goes elsewhere than to $3"
    ok "$2 for $1 goes to $3"
}

rules() {
    command -v promtool >/dev/null || skip 'no promtool (Debian: apt-get install prometheus)'
    command -v amtool >/dev/null || skip 'no amtool (Debian: apt-get install prometheus-alertmanager)'
    passes 'the configuration of Prometheus and its rules' promtool check config "$files/prometheus/prometheus.yaml"
    passes 'each alert fires when it should, and not before' promtool test rules "$files/prometheus/alerts.test.yaml"
    passes 'so do those that look back over weeks' promtool test rules "$files/prometheus/alerts-of-weeks.test.yaml"
    cp "$files"/prometheus/*.yaml "$work"
    sed -i 's/\(baton_ledger_error_records)) >\) 0/\1 1/' "$work/alerts.yaml"
    refuses 'a rule with another threshold' promtool test rules "$work/alerts.test.yaml"
    printf 'groups: [{ name: broken, rules: [{ alert: Broken, expr: "sum(rate(x)" }] }]\n' >"$work/alerts.yaml"
    refuses 'a rule that is no expression' promtool check config "$work/prometheus.yaml"

    passes 'the configuration of Alertmanager' amtool check-config "$files/alertmanager/alertmanager.yaml"
    sed 's/receiver: page/receiver: nobody/' "$files/alertmanager/alertmanager.yaml" >"$work/alertmanager.yaml"
    refuses 'a route to nobody' amtool check-config "$work/alertmanager.yaml"
    goes_to platform page page
    goes_to platform ticket tickets
    goes_to sales-ops page sales-ops
    goes_to sales-ops ticket sales-ops
    goes_to marketing-ops ticket marketing-ops
}

# --- Live -----------------------------------------------------------------------------------

# Waits for a line of what was printed; $2 is the most seconds that it may take.
hears() {
    local deadline=$((SECONDS + $2))
    until grep -q -e "$1" "$work/out"; do
        [ "$SECONDS" -lt "$deadline" ] || fail "nobody was told '$1' within $2 s"
        kill -0 -- "-$group" 2>/dev/null || fail 'observe.sh ended'
        sleep 0.5
    done
    ok "told: $(grep -m 1 -e "$1" "$work/out")"
}

asked() {
    python3 - "$1" "$2" <<'PY'
import json, sys, urllib.parse, urllib.request
port, query = sys.argv[1:]
url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": query})
result = json.load(urllib.request.urlopen(url, timeout=10))["data"]["result"]
print(len(result))
PY
}

# Nine ports in a row that nobody has.
ports() {
    python3 - <<'PY'
import socket
for base in range(21000, 32000, 10):
    held = []
    try:
        for port in range(base + 1, base + 10):
            door = socket.socket()
            held.append(door)
            door.bind(("127.0.0.1", port))
    except OSError:
        continue
    finally:
        for door in held:
            door.close()
    print(base)
    break
PY
}

live() {
    command -v prometheus >/dev/null || skip 'no prometheus (Debian: apt-get install prometheus prometheus-alertmanager)'
    local base left
    base=$(ports)
    export OBSERVE_DIR=$work/observe OBSERVE_PORT=$base OBSERVE_BIN=${OBSERVE_BIN:?the binary to try}
    set -m
    "$observe" >"$work/out" 2>&1 </dev/null &
    group=$!
    set +m
    hears 'who is told of what' 120
    # Longer than the watchdog's alert takes.
    sleep 80
    if grep -q ALERT "$work/out"; then fail 'somebody was told something although all is well'; fi
    [ "$(asked $((base + 6)) 'up{job="baton"} == 1')" = 5 ] || fail 'not all five consumers are scraped'
    ok 'five consumers are scraped, and nobody is told anything'

    "$observe" kill watch >/dev/null
    hears 'ALERT page firing BatonWatchdogDead' 150
    "$observe" start watch >/dev/null
    hears 'ALERT page resolved BatonWatchdogDead' 150

    kill -INT -- "-$group"
    while kill -0 -- "-$group" 2>/dev/null; do sleep 0.1; done
    group=
    left=$(pgrep -af "$work/" || true)
    [ -z "$left" ] || fail "left behind: $left"
    ok 'nothing is left'
}

case ${1:-} in
rules) rules ;;
live) live ;;
*) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 64 ;;
esac
printf 'observe: %d passed, 0 failed\n' "$passed"
