#!/usr/bin/env bash
# What looks at Baton, checked with the real tools: rules, tests of rules, routes, and one alert from end to end.
#
#   observe.sh rules    rules and their tests, where each alert goes, which ones keep others from being told
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
check=observe
# shellcheck source-path=SCRIPTDIR source=say.sh
. "$root/deploy/checks/say.sh"

clean_up() {
    if [ -n "$group" ]; then
        kill -TERM -- "-$group" 2>/dev/null || true
        while kill -0 -- "-$group" 2>/dev/null; do sleep 0.1; done
    fi
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

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

# --- Rules ----------------------------------------------------------------------------------

# Whether an alert of team $1 and severity $2 goes to $3.
goes_to() {
    [ "$(amtool config routes test --config.file "$files/alertmanager/alertmanager.yaml" "team=$1" "severity=$2" 2>"$work/out")" = "$3" ] ||
        fail "$2 for $1 goes elsewhere than to $3"
    ok "$2 for $1 goes to $3"
}

# Tells an Alertmanager with the routes that ship of a few alerts at once, and asks it which it keeps to itself.
inhibitions() {
    local server url try told alert
    server=$(type -P prometheus-alertmanager || type -P alertmanager || true)
    [ -n "$server" ] || skip 'no alertmanager (Debian: apt-get install prometheus-alertmanager)'
    url=http://127.0.0.1:$(($(ports) + 1))
    set -m
    "$server" --config.file "$files/alertmanager/alertmanager.yaml" --storage.path "$work/alertmanager" \
        --web.listen-address "${url#http://}" --cluster.listen-address '' >"$work/out" 2>&1 </dev/null &
    group=$!
    set +m
    told='BatonSourcesSilent BatonConsumerDown,consumer=identify BatonConsumerDown,consumer=score BatonConsumerLags,consumer=score BatonConsumerLags,consumer=watch
        BatonNoHandoffs BatonFunnelStands'
    for try in $(seq 1 300); do
        if amtool --alertmanager.url "$url" alert query >/dev/null 2>&1; then break; fi
        [ "$try" -lt 300 ] || fail 'Alertmanager does not answer'
        sleep 0.1
    done
    for alert in $told; do
        # shellcheck disable=SC2046 # its labels are words
        amtool --alertmanager.url "$url" alert add $(tr ',' ' ' <<<"alertname=$alert") severity=page
    done
    amtool --alertmanager.url "$url" -o json alert query --inhibited |
        python3 -c 'import json, sys
for alert in json.load(sys.stdin): print(alert["labels"]["alertname"], alert["labels"].get("consumer", "all"))' | sort >"$work/out"
    printf '%s\n' 'BatonConsumerLags score' 'BatonFunnelStands all' 'BatonNoHandoffs all' 'BatonSourcesSilent all' | diff - "$work/out" >/dev/null ||
        fail 'what follows from another alert is told, or what does not follow is not'
    ok 'what follows from another alert is not told, and all else is'
    kill -TERM -- "-$group"
    while kill -0 -- "-$group" 2>/dev/null; do sleep 0.1; done
    group=
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
    inhibitions
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

live() {
    command -v prometheus >/dev/null || skip 'no prometheus (Debian: apt-get install prometheus prometheus-alertmanager)'
    local base left
    base=$(ports)
    export OBSERVE_DIR=$work/observe OBSERVE_PORT=$base OBSERVE_BIN=${OBSERVE_BIN:?the binary to try} OBSERVE_RATE=10
    set -m
    "$observe" >"$work/out" 2>&1 </dev/null &
    group=$!
    set +m
    hears 'who is told of what' 120
    # Longer than the watchdog's alert takes. Its 471st line is one that cannot be read.
    sleep 80
    left=$((SECONDS + 120))
    until [ "$(asked $((base + 6)) 'sum(baton_dead_letters_total{consumer="identify"}) > 0')" = 1 ]; do
        [ "$SECONDS" -lt "$left" ] || fail 'no line was set aside'
        sleep 1
    done
    sleep 16
    if grep -q ALERT "$work/out"; then fail 'somebody was told something although all is well'; fi
    [ "$(asked $((base + 6)) 'up{job="baton"} == 1')" = 5 ] || fail 'not all five consumers are scraped'
    ok 'five consumers are scraped, and nobody is told anything'
    [ "$(asked $((base + 6)) 'sum(increase(baton_records_total{consumer="identify"}[15s])) > 20')" = 1 ] ||
        fail 'the source tells nothing more'
    ok 'the source goes on behind a line that cannot be read'

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
summed_up
