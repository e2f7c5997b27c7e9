#!/usr/bin/env bash
# Compares this commit with another on this machine: both are built in worktrees of their own, and their
# quick benchmarks run in turn, A B B A, so that what drifts meanwhile falls on both.
#
#   benches/compare.sh BASE
#
# BASE is any commit. ROUNDS is how often A B B A runs (2: four runs a side, about five minutes after the
# builds). What is not committed is not measured. Exits with 1 on a regression, with 2 where it could not be
# judged.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() { printf 'compare: %s\n' "$*" >&2; exit 2; }

[[ $# -eq 1 ]] || die "usage: benches/compare.sh BASE"
base=$(git rev-parse --verify --quiet "$1^{commit}") || die "$1 is no commit here"
head=$(git rev-parse HEAD)
[[ -z $(git status --porcelain --untracked-files=no) ]] || echo "compare: uncommitted changes are left out"

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
work=$target/compare
script=$PWD/benches/quick.sh
rm -rf "$work"
mkdir -p "$work"
# Ours only, and also where it is cut short.
trap 'git worktree remove --force "$work/base" 2>/dev/null || true
      git worktree remove --force "$work/head" 2>/dev/null || true' EXIT

# build SIDE COMMIT: the programs of a commit. Each side keeps its target directory: the next comparison
# compiles what has changed.
build() {
    local side=$1 commit=$2
    git worktree add --quiet --force --detach "$work/$side" "$commit"
    (cd "$work/$side" && CARGO_TARGET_DIR=$target/compare-$side "$script" build "$work/programs-$side") ||
        die "$side ($commit) does not build"
}
build base "$base"
build head "$head"
cargo build --release --locked -p benches --bin regress

declare -A runs=([base]=0 [head]=0)
for ((round = 1; round <= ${ROUNDS:-2}; round++)); do
    for side in base head head base; do
        runs[$side]=$((runs[$side] + 1))
        echo "compare: round $round, $side"
        "$script" run "$work/programs-$side" "$work/results/$side/${runs[$side]}"
    done
done
# Counts do not vary: once a side is enough, and the same for all its runs.
for side in base head; do
    if [[ -x $work/programs-$side/hot_paths ]] && command -v valgrind >/dev/null; then
        CARGO_TARGET_DIR=$work/results/$side/1 "$work/programs-$side/hot_paths" >/dev/null
    fi
done
"$target/release/regress" compare --json "$target/compare.json" \
    --base "$work/results/base"/*/criterion --head "$work/results/head"/*/criterion
