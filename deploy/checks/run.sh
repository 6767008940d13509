#!/usr/bin/env bash
# Checks what is under deploy/ without an engine: Dockerfile, compose file, scripts, versions.
#
# Holds: each tool is also given something wrong and must refuse it; a check that lets
# everything pass fails here. Exit: 0 good (or tools not to be had, said so), 1 otherwise.
# Absent on purpose: building an image, starting a container.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
venv=$root/.work/checks-venv
wanted=$root/deploy/checks/requirements.txt
compose=$root/deploy/compose.yaml
dockerfile=$root/deploy/Dockerfile
work=
check=deploy
# shellcheck source-path=SCRIPTDIR source=say.sh
. "$root/deploy/checks/say.sh"

tools() {
    if cmp -s "$wanted" "$venv/installed.txt"; then return; fi
    command -v python3 >/dev/null || skip 'no python3'
    rm -rf "$venv"
    mkdir -p "$root/.work"
    python3 -m venv "$venv" >/dev/null 2>&1 || skip 'python3 has no venv (Debian: apt-get install python3-venv)'
    "$venv/bin/python" -m pip install -q -r "$wanted" || skip 'the tools in deploy/checks/requirements.txt could not be installed'
    cp "$wanted" "$venv/installed.txt"
}

# $1 from a file by the sed expression $2; one value, or nothing.
value() { sed -n "$2" "$1" | sort -u; }

same() {
    local what=$1 first=$2
    shift 2
    [ -n "$first" ] || fail "$what: not found"
    local other
    for other in "$@"; do [ "$other" = "$first" ] || fail "$what: '$other' beside '$first'"; done
    ok "$what is $first everywhere"
}

schema() { "$venv/bin/check-jsonschema" -q --builtin-schema vendor.compose-spec "$1"; }
docker_lint() { "$venv/bin/hadolint" "$1"; }
shell_lint() { "$venv/bin/shellcheck" -x "$@"; }

# Each consumer of the demo is a service that runs just that.
runs_every_consumer() {
    local stage
    for stage in $(value "$root/deploy/demo/demo.sh" "s/^stages='\(.*\)'/\1/p"); do
        grep -A 2 "^  $stage:\$" "$1" | grep -Fq "command: [run, $stage]" || return 1
    done
}

tools
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

passes 'compose.yaml follows the compose specification' schema "$compose"
sed 's/^    healthcheck:/    healthcheks:/' "$compose" >"$work/unknown-key.yaml"
refuses 'a compose file with an unknown key' schema "$work/unknown-key.yaml"

passes 'compose.yaml runs every consumer of the demo' runs_every_consumer "$compose"
sed 's/\[run, score\]/[run, route]/' "$compose" >"$work/no-score.yaml"
refuses 'a compose file without one consumer' runs_every_consumer "$work/no-score.yaml"

passes 'Dockerfile is clean' docker_lint "$dockerfile"
printf 'FROM debian\nRUN cd /tmp\n' >"$work/Dockerfile"
refuses 'a careless Dockerfile' docker_lint "$work/Dockerfile"

passes 'the scripts are clean' shell_lint "$root"/deploy/*/*.sh "$root/.ci/run"
# shellcheck disable=SC2016 # it is the flaw
printf '#!/bin/bash\nrm -rf $1/*\n' >"$work/careless.sh"
refuses 'a careless script' shell_lint "$work/careless.sh"

same 'the version of Rust' \
    "$(value "$root/rust-toolchain.toml" 's/^channel = "\(.*\)"/\1/p')" \
    "$(value "$dockerfile" 's/^FROM rust:\([0-9.]*\)-.*/\1/p')" \
    "$(value "$dockerfile" 's/^ENV RUSTUP_TOOLCHAIN=//p')"
same 'the version of Kafka' \
    "$(value "$compose" 's|.*image: apache/kafka:||p')" \
    "$(value "$root/deploy/kafka/jars.sha256" 's|.*/kafka_2.13-\(.*\)\.jar|\1|p')" \
    "$(grep -A 1 'kafka_2.13' "$root/deploy/kafka/pom.xml" | sed -n 's|.*<version>\(.*\)</version>|\1|p')"
summed_up
