# The verbs of this repository; `make` lists them. CI runs `make test` and nothing else.

SHELL := /bin/bash
CARGO ?= cargo
TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))

.DEFAULT_GOAL := help
# Two steps at once would only fight over the target folder and the cores.
.NOTPARALLEL:
.PHONY: help build demo docs-metrics observe observe-files verify-observe test check unit fuzz-order verify-deploy verify-scripts verify-mutants broker-test failpoints-bin bench bench-smoke chaos-failpoints fixture chaos-smoke chaos chaos-cluster chaos-storm chaos-livez chaos-detect mutants mutants-pure fuzz-calendar fuzz-fairness clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

build: ## Build the release binary: target/release/baton
	$(CARGO) build --release --locked -p baton

demo: ## Everything at work: Kafka, five consumers, the sample, the report
	@deploy/demo/demo.sh

test: check unit verify-deploy verify-scripts verify-observe verify-mutants broker-test chaos-smoke chaos-detect ## All that CI runs

check: ## Formatting and lints, warnings denied
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) clippy --workspace --all-targets --locked --features baton/otel,baton/failpoints -- -D warnings

# The second line takes the whole workspace too, so that only what knows the feature is built anew.
unit: ## Unit, property and scenario tests; no broker
	$(CARGO) test --workspace --locked
	$(CARGO) test --workspace --lib --bins --locked --features baton/otel spans

verify-deploy: ## Dockerfile, compose file and scripts, checked offline
	@deploy/checks/run.sh

verify-scripts: ## The broker and demo scripts, tried with signals and faults
	@deploy/checks/broker.sh
	@deploy/checks/demo.sh

verify-observe: ## Rules and routes by the tools that will read them; a killed watchdog is told, and that it is back
	@deploy/checks/observe.sh rules
	$(CARGO) build --workspace --bins --locked
	@OBSERVE_BIN=$(TARGET)/debug/baton deploy/checks/observe.sh live

verify-mutants: ## Every planted mutant still applies to the code
	@tests/mutants/run --check

# A broker that is missing here is a failure, not a reason to skip. The whole workspace is named
# so that features, and with them what is already built, stay those of `unit`.
broker-test: ## End-to-end tests on a throwaway Kafka (or KAFKA_BOOTSTRAP=host:port)
	$(CARGO) build --workspace --bins --tests --locked
	E2E_BIN=$(TARGET)/debug/baton E2E_REQUIRED=1 \
		deploy/kafka/with-broker.sh $(CARGO) test --workspace --locked --test e2e -- --test-threads=1
	$(MAKE) --no-print-directory failpoints-bin
	FAILPOINTS_BIN=$(TARGET)/debug/baton-failpoints E2E_REQUIRED=1 \
		deploy/kafka/with-broker.sh $(CARGO) test --workspace --locked --test failpoints -- --test-threads=1 --nocapture

# Only the two crates that know the feature are built anew; the binary that ships is left alone.
failpoints-bin:
	$(CARGO) build --workspace --bins --locked --features baton/failpoints
	cp $(TARGET)/debug/baton $(TARGET)/debug/baton-failpoints
	$(CARGO) build --workspace --bins --locked

observe: ## A live Baton with Prometheus, Alertmanager and, if there is one, Grafana; until Ctrl-C
	@deploy/observe/observe.sh

observe-files: ## Write the dashboards and Grafana's alerts in deploy/observe from the code
	$(CARGO) run --locked -q -p baton-observe

docs-metrics: ## Write docs/METRICS.md from the inventory of metrics
	BATON_WRITE_DOCS=1 $(CARGO) test --locked -p baton-runtime docs_metrics_md

fixture: ## Write the state of today's format as a fixture for the tests of later ones: DIR=tests/fixtures/state-vN
	@test -n "$(DIR)" || { echo 'say where: make fixture DIR=tests/fixtures/state-vN' >&2; exit 64; }
	$(CARGO) build --workspace --bins --tests --locked
	BATON_WRITE_FIXTURE=$(abspath $(DIR)) E2E_BIN=$(TARGET)/debug/baton E2E_REQUIRED=1 \
		deploy/kafka/with-broker.sh $(CARGO) test --workspace --locked --test e2e the_state_of_today -- --nocapture

chaos-failpoints: failpoints-bin ## Each consumer killed, panicking, stalled at each point: over an hour (BATON_SWEEP=route, :waking:, ...)
	BATON_SWEEP=$(or $(BATON_SWEEP),all) FAILPOINTS_BIN=$(TARGET)/debug/baton-failpoints E2E_REQUIRED=1 \
		deploy/kafka/with-broker.sh $(CARGO) test --workspace --locked --test failpoints the_sweep -- --nocapture

SEED ?= 1

# On what `unit` and `broker-test` have built already: a release build takes longer than the whole run.
chaos-smoke: ## Kills, a broker kill, a long stop, a held commit under load; exact (SEED=n)
	$(CARGO) build --workspace --bins --tests --locked
	@deploy/checks/chaos.sh $(TARGET)/debug --size smoke --seed $(SEED)

chaos: ## 1,000,000 events under some 200 faults; exact (SEED=n; SIZE, EVENTS, PERCENT of faults, SPAN in s)
	$(CARGO) build --release --locked -p baton -p acceptance --bins
	@deploy/checks/chaos.sh $(TARGET)/release --size $(or $(SIZE),full) --seed $(SEED) \
		$(if $(EVENTS),--events $(EVENTS)) $(if $(SPAN),--seconds $(SPAN)) $(if $(PERCENT),--percent $(PERCENT)) --json .work/chaos-$(SEED).json

chaos-cluster: ## Three brokers, three copies of everything; they die in turn, and two at once (SEED=n; EVENTS, SPAN)
	$(MAKE) chaos SIZE=cluster

chaos-storm: ## A minute of nothing but bad input beside the good, then no schema registry (SPAN in seconds)
	$(CARGO) build --release --locked -p baton -p acceptance --bins
	@deploy/checks/chaos.sh $(TARGET)/release --size storm --seed $(SEED) $(if $(SPAN),--seconds $(SPAN))

chaos-livez: ## Ten minutes in which a scorer joins every three seconds and another is killed: no /livez calls that a stall (SPAN in seconds)
	$(CARGO) build --workspace --bins --tests --locked
	BATON_LIVEZ_SECONDS=$(or $(SPAN),600) E2E_BIN=$(TARGET)/debug/baton E2E_REQUIRED=1 \
		deploy/kafka/with-broker.sh $(CARGO) test --workspace --locked --test e2e a_storm_of_real -- --nocapture

chaos-detect: ## A finished run is spoilt in three ways; each must be noticed
	$(CARGO) build --workspace --bins --tests --locked
	@deploy/checks/chaos.sh $(TARGET)/debug --size smoke --events 5000 --seconds 30 --seed $(SEED) --plants

RUNS ?= 3

bench: ## What it costs, beside Kafka Streams where PEER=folder names it; writes docs/BENCHMARKS.md (RUNS=n; ONLY=parts)
	$(CARGO) build --release --locked -p baton -p baton-bench --bins
	@CARGO_TARGET_DIR=$(TARGET) deploy/bench/bench.py --runs $(RUNS) $(if $(ONLY),--only $(ONLY))

bench-smoke: ## Every microbenchmark once, to see that it still runs
	$(CARGO) test --locked -p baton-bench --bench hot

fuzz-order: ## A million histories, shuffled and repeated: the same scores (PROPTEST_CASES=n)
	@CARGO_TARGET_DIR=$(TARGET) PROPTEST_CASES=$${PROPTEST_CASES:-1000000} $(CARGO) test --release --locked -p baton-score neither_order_nor_repetition

mutants: ## Plants known defects one at a time; a test must catch each (minutes)
	@CARGO_TARGET_DIR=$(TARGET) tests/mutants/run

mutants-pure: ## cargo-mutants on the crates without I/O; CRATES="score route" for some (hours)
	@CARGO_TARGET_DIR=$(TARGET) tests/mutants/pure $(CRATES)

fuzz-calendar: ## A million random promises, zones, pauses and owners against a walk through the hours
	BATON_CALENDAR_CASES=1000000 $(CARGO) test --release --locked -p baton-watch deadlines_agree

fuzz-fairness: ## A hundred thousand days of a pool: shares at every moment, and nobody back is flooded
	BATON_FAIR_DAYS=100000 $(CARGO) test --release --locked -p baton-route over_a_life_of_days

clean: ## Remove what was built and what demo and tests left; Kafka's jars stay
	@for dir in .work/demo/kafka .work/test-kafka.* .work/chaos.*/kafka; do \
		if [ -d "$$dir" ]; then deploy/kafka/kafka.sh wipe --dir "$$dir"; fi; done
	rm -rf .work/demo .work/chaos* .work/check-* .work/mutants .work/mutants.lock .work/mutants-pure
	$(CARGO) clean
