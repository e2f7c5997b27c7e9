#!/usr/bin/env bash
# The quick benchmarks that guard against regressions: half a minute a repetition, programs already built.
#
#   benches/quick.sh build PROGRAMS            builds this checkout's, and copies them to the folder PROGRAMS
#   benches/quick.sh run PROGRAMS RESULTS      runs them once; results are in RESULTS/criterion
#
# QUICK_SECONDS is the time of each measurement, whole seconds (3).
set -euo pipefail

die() { printf 'quick: %s\n' "$*" >&2; exit 2; }

# The benchmarks, with the cases that are run.
readonly DETECTION='^(detect_1000|stages_1000|pipeline_1000)$'
readonly END_TO_END='^e2e_load_10000$'

# Builds the benchmarks and prints `name path` of each.
built_benches() {
    cargo bench --locked --no-run --message-format=json -p benches \
        --bench detection_overhead --bench e2e_latency |
        sed -nE 's/.*"kind":\["bench"\].*"name":"([^"]+)".*"executable":"([^"]+)".*/\1 \2/p'
}

build() {
    local programs=$1 name path found=0
    mkdir -p "$programs"
    while read -r name path; do
        install "$path" "$programs/$name"
        found=$((found + 1))
    done < <(built_benches)
    [[ $found -eq 2 ]] || die "cargo named $found benchmarks, not 2"
    # An older commit may not have it.
    if cargo build --release --locked -p benches --bin hot_paths; then
        install "${CARGO_TARGET_DIR:-target}/release/hot_paths" "$programs/hot_paths"
    fi
}

run() {
    local programs=$1 results=$2 seconds=${QUICK_SECONDS:-3}
    mkdir -p "$results"
    # Criterion and the benchmarks write below it.
    CARGO_TARGET_DIR=$(realpath "$results")
    export CARGO_TARGET_DIR
    "$programs/detection_overhead" --bench --noplot --sample-size 20 --warm-up-time 1 \
        --measurement-time "$seconds" "$DETECTION"
    # Alerts overlap: what Criterion counts as five seconds is over in less than one.
    "$programs/e2e_latency" --bench --noplot --warm-up-time 1 \
        --measurement-time "$((5 * seconds))" "$END_TO_END"
}

case ${1:-} in
    build) [[ $# -eq 2 ]] || die "build PROGRAMS"; build "$2" ;;
    run) [[ $# -eq 3 ]] || die "run PROGRAMS RESULTS"; run "$2" "$3" ;;
    *) die "build or run, not ${1:-nothing}" ;;
esac
