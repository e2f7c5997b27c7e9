# Every way to build, run and judge the sensor. `make help` lists them.
#
# On a fresh Debian 12 machine `make run` and `make test` need no other step: what they lack is
# installed first (deploy/setup.sh), which takes a moment where nothing is missing.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

# Where rustup puts its tools, for the run that has just installed them.
export PATH := $(PATH):$(HOME)/.cargo/bin

# Data that is shared between checkouts: the conformance corpus. Tests that need it skip without it.
SENSOR_SHARED ?= $(abspath ../shared)
export SENSOR_SHARED

TARGET := $(or $(CARGO_TARGET_DIR),target)
CARGO := cargo
# The sensor and what looks at it from outside; one set for all that need some of it.
BUILD_RELEASE = $(CARGO) build --release --locked -p sensor-gateway -p benches \
	--bin sensor-gateway --bin conformance
# Flags for the test harness, for example TEST_FLAGS=--show-output.
TEST_FLAGS ?=
# Cases to score, and the committed score that they are held against.
CASES ?= $(SENSOR_SHARED)/conformance/cases
BASELINE ?= $(if $(filter file,$(origin CASES)),benches/conformance-score.json)

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 20

.PHONY: setup
setup: ## Install the Debian packages and Rust tools that are missing
	@deploy/setup.sh

# What building and running needs. Quick when all is there, and silent then.
.PHONY: ready
ready:
	@deploy/setup.sh packages rust

.PHONY: run
run: ready ## Run the sensor over DPDK on the demo capture; alerts on NATS, API on loopback
	$(BUILD_RELEASE)
	@deploy/run.sh $(TARGET)/release

.PHONY: clean-run
clean-run: ## `make run` from a clean clone of HEAD: alerts must arrive, ledgers must balance
	@.ci/clean-run

.PHONY: test
test: ready ## Every test, with DPDK and without; the ring under loom, valgrind, and miri if it is there
	$(CARGO) test --workspace --all-features --locked -- $(TEST_FLAGS)
	$(CARGO) test -p sensor-gateway --no-default-features --locked -- $(TEST_FLAGS)
	@$(MAKE) loom memcheck miri

.PHONY: test-long
test-long: ready ## The tests that are too slow for every day, and more cases of the property tests
	PROPTEST_CASES=20000 SENSOR_LONG=1 $(CARGO) test --workspace --all-features --locked --release -- \
		--include-ignored $(TEST_FLAGS)

.PHONY: loom
loom: ready ## Model-check the ring's memory ordering
	RUSTFLAGS="--cfg loom" $(CARGO) test -p ring --release --locked --test loom \
		--target-dir $(TARGET)/loom -- $(TEST_FLAGS)

# What cargo calls the test through. Leaks that are only possible are the runtime's own.
.PHONY: memcheck
memcheck: export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER = valgrind -q --error-exitcode=9 \
	--leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite
memcheck: ready ## Run the ring's unit tests under valgrind: its unsafe code on real memory
	$(CARGO) test -p ring --lib --locked -- $(TEST_FLAGS)

.PHONY: miri
miri: ## Run the ring's tests under miri (needs a nightly toolchain with miri)
	@if ! $(CARGO) +nightly miri --version >/dev/null 2>&1; then \
		echo "SKIPPED: miri is not installed (rustup +nightly component add miri)"; \
	else \
		$(CARGO) +nightly miri test -p ring --lib --target-dir $(TARGET)/miri; \
	fi

.PHONY: check
check: ready ## Formatting, lints, docs, dependencies, generated code, house rules
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --all-features --locked -- -D warnings
	$(CARGO) clippy -p sensor-gateway --all-targets --no-default-features --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --all-features --no-deps --locked
	flatbuffers/generate.sh --check
	$(CARGO) package -p sensor-contract -p alert-schema --locked --offline --allow-dirty --no-verify --quiet
	@$(MAKE) deny
	$(CARGO) test --workspace --all-features --locked \
		--test dependency_graph --test documentation --test house_rules

.PHONY: deny
deny: ## Licences, bans, sources and advisories of the dependencies
	@deploy/setup.sh rust cargo-deny
	$(CARGO) deny --locked --log-level error check --hide-inclusion-graph licenses bans sources
	@.ci/advisories

.PHONY: conformance
conformance: ready ## Score the rule cases (CASES=DIR any folder of cases, UPDATE=1 keeps a rise)
	@test -d "$(CASES)" || { \
		echo "no cases in $(CASES): set CASES=DIR or SENSOR_SHARED=DIR" >&2; exit 2; }
	$(BUILD_RELEASE)
	$(TARGET)/release/conformance --cases "$(CASES)" \
		$(if $(BASELINE),--baseline $(BASELINE) $(if $(UPDATE),--update)) $(ARGS)

.PHONY: bench
bench: ready ## The sensor's cost, latency, rates, beside the targets: about 8 minutes, one table at the end
	$(CARGO) build --release --locked -p sensor-gateway -p benches --bins
	$(CARGO) bench --locked -p benches --bench detection_overhead --bench e2e_latency -- $(ARGS)
	$(TARGET)/release/dpdk_rate
	$(TARGET)/release/whole_events
	$(TARGET)/release/alert_rate
	$(TARGET)/release/nats_ceiling
	@$(TARGET)/release/bench_summary

# What the profiling targets inspect: a capture and its rules.
PROFILE_PCAP ?= deploy/demo/demo.pcap
PROFILE_RULES ?= deploy/demo/demo.rules
PROFILES := $(TARGET)/profiles
REPLAY = $(TARGET)/release/sensor-gateway replay -r $(PROFILE_PCAP) -S $(PROFILE_RULES)

.PHONY: flamegraph
flamegraph: ready ## Where the CPU time of detection goes: a flame graph of each case (ARGS=CASE picks)
	$(CARGO) bench --locked --bench detection_overhead -- --profile-time=10 $(ARGS)

.PHONY: massif
massif: ready ## What a replay holds in memory, over time (PROFILE_PCAP=FILE PROFILE_RULES=FILE)
	$(CARGO) build --release --locked -p sensor-gateway
	@mkdir -p $(PROFILES)
	valgrind -q --tool=massif --massif-out-file=$(PROFILES)/massif.out $(REPLAY)
	@ms_print $(PROFILES)/massif.out >$(PROFILES)/massif.txt
	@echo "memory over time: $(PROFILES)/massif.txt"

.PHONY: callgrind
callgrind: ready ## Instructions of a replay, by function (PROFILE_PCAP=FILE PROFILE_RULES=FILE)
	$(CARGO) build --release --locked -p sensor-gateway
	@mkdir -p $(PROFILES)
	valgrind -q --tool=callgrind --callgrind-out-file=$(PROFILES)/callgrind.out $(REPLAY)
	@callgrind_annotate $(PROFILES)/callgrind.out >$(PROFILES)/callgrind.txt
	@echo "instructions by function: $(PROFILES)/callgrind.txt (kcachegrind reads callgrind.out)"

.PHONY: bench-instructions
bench-instructions: ready ## Instructions of the hot paths beside the baseline (UPDATE=1 keeps them), and per packet by number of rules
	$(CARGO) build --release --locked -p benches -p detect \
		--bin hot_paths --bin instructions --example instructions
	$(TARGET)/release/hot_paths --baseline benches/instructions.json $(if $(UPDATE),--update)
	$(TARGET)/release/instructions

.PHONY: instructions-check
instructions-check: ready ## The first half of bench-instructions: needs no corpora, takes a minute
	$(CARGO) build --release --locked -p benches --bin hot_paths
	$(TARGET)/release/hot_paths --baseline benches/instructions.json $(if $(UPDATE),--update)

.PHONY: bench-parts
bench-parts: ready ## Single parts: the ring beside rtrb's, payload digests, the alert path, hotspots with and without remedy
	$(CARGO) bench --locked --manifest-path dataplane/ring/Cargo.toml --bench spsc -- $(ARGS)
	$(CARGO) bench --locked -p benches --bench payload_digest --bench alert_path --bench hotspots -- $(ARGS)

.PHONY: soak
soak: ready ## 20 minutes at 50,000 alerts/s in 4 GB: none lost, no growth (SOAK_SECONDS, SOAK_RATE, SOAK_SHARED=true)
	$(CARGO) build --release --locked -p benches --bin soak
	$(TARGET)/release/soak

.PHONY: perf-check
perf-check: ready ## Quick benches into HISTORY=FILE, judged by the runs before (ACCEPT="METRIC…" takes new values)
	@benches/perf-check.sh

.PHONY: bench-compare
bench-compare: ready ## This commit beside BASE=COMMIT, both built and measured in turn (ROUNDS=2)
	@test -n "$(BASE)" || { echo "set BASE=COMMIT" >&2; exit 2; }
	@benches/compare.sh "$(BASE)"
