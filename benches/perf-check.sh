#!/usr/bin/env bash
# Runs the quick benchmarks a few times, appends what they measured to a history, and judges it.
#
#   benches/perf-check.sh
#
# HISTORY is the history (perf-history.jsonl in the target directory), REPETITIONS how often they run (3),
# ACCEPT names metrics whose new values are taken from now on (`all`: every one). Exits with 1 on a
# regression or a budget that is not kept, with 2 where it could not be judged.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
history=${HISTORY:-$target/perf-history.jsonl}
work=$target/perf-check
rm -rf "$work"

benches/quick.sh build "$work/programs"
cargo build --release --locked -p benches --bin regress
results=()
for ((repetition = 1; repetition <= ${REPETITIONS:-3}; repetition++)); do
    echo "perf-check: repetition $repetition"
    benches/quick.sh run "$work/programs" "$work/$repetition"
    results+=("$work/$repetition/criterion")
done
# Counts do not vary: once is enough.
if command -v valgrind >/dev/null; then
    CARGO_TARGET_DIR=$work/1 "$work/programs/hot_paths"
else
    echo "perf-check: valgrind is not installed: no instruction counts"
fi

accept=()
for metric in ${ACCEPT:-}; do
    accept+=(--accept "$metric")
done
"$target/release/regress" record --history "$history" "${accept[@]}" "${results[@]}"
"$target/release/regress" judge --history "$history" --json "$target/perf-check.json"
