#!/usr/bin/env bash
# Installs what building, testing and running the sensor needs on Debian 12 and is not there yet.
#
#   deploy/setup.sh [packages|rust|cargo-deny]...     (all of them if none is named)
#
# It asks first what is there, so that a second run takes a moment and changes nothing. It uses sudo
# only when it has to install Debian packages and is not root.
set -euo pipefail

# Build: DPDK's headers and libraries, libclang for bindgen, a C compiler for the shim.
# Run and test: DPDK's drivers and tools, a NATS server, a veth pair, a replayer, callgrind.
readonly PACKAGES=(
    build-essential clang libclang-dev pkg-config
    dpdk dpdk-dev libdpdk-dev libnuma-dev libpcap-dev
    nats-server iproute2 ethtool tcpreplay valgrind
    ca-certificates curl git make python3 python3-venv
)
# The oldest compiler that the workspace takes; Cargo.toml says the same.
readonly RUST_MIN=1.95.0
readonly CARGO_DENY_VERSION=0.20.2

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    else
        command -v sudo >/dev/null || die "needs root to run: $* (no sudo here)"
        sudo "$@"
    fi
}

# Names of those among "$@" that dpkg does not have installed.
missing_packages() {
    local package
    for package in "$@"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            printf '%s\n' "$package"
    done
}

packages() {
    command -v dpkg-query >/dev/null || {
        say "not a Debian system: install what matches these by hand: ${PACKAGES[*]}"
        return
    }
    local missing
    mapfile -t missing < <(missing_packages "${PACKAGES[@]}")
    if [[ ${#missing[@]} -eq 0 ]]; then
        return
    fi
    say "installing Debian packages: ${missing[*]}"
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "${missing[@]}"
    # The packaged unit of the NATS server is not wanted: every run starts its own.
    if [[ " ${missing[*]} " == *" nats-server "* && -d /run/systemd/system ]]; then
        as_root systemctl disable --now nats-server || say "nats-server's unit was left as it is"
    fi
}

# Whether version $1 is at least version $2.
at_least() { [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]; }

rust() {
    if ! command -v cargo >/dev/null && [[ -x $HOME/.cargo/bin/cargo ]]; then
        PATH=$HOME/.cargo/bin:$PATH
    fi
    if ! command -v cargo >/dev/null; then
        say "installing Rust with rustup into $HOME/.cargo"
        curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
            sh -s -- -y --profile minimal --component clippy,rustfmt
        PATH=$HOME/.cargo/bin:$PATH
    fi
    local version
    version=$(rustc --version | cut -d ' ' -f 2)
    at_least "$version" "$RUST_MIN" ||
        die "Rust $RUST_MIN or newer is needed, $version is here: run 'rustup update stable'"
}

cargo_deny() {
    if cargo deny --version >/dev/null 2>&1; then
        return
    fi
    say "building cargo-deny $CARGO_DENY_VERSION (some minutes)"
    # A folder of its own, and no frame pointers: what is installed does not depend on where from.
    (cd / && cargo install --quiet --locked cargo-deny --version "$CARGO_DENY_VERSION")
}

main() {
    [[ $# -gt 0 ]] || set -- packages rust cargo-deny
    local part
    for part in "$@"; do
        case $part in
            packages) packages ;;
            rust) rust ;;
            cargo-deny) cargo_deny ;;
            *) die "unknown part '$part': packages, rust or cargo-deny" ;;
        esac
    done
    say "$* in place"
}

main "$@"
