#!/usr/bin/env bash
# Shows the sensor at work on one machine: the demo capture through a DPDK port, alerts on NATS, the
# API on loopback. `make run` builds first and then calls this with the folder of the binaries.
#
#   NATS_URL=nats://host:4222   use this server; default: one of our own, with JetStream, on a free port
#   API_PORT=8080               port of the API; default: a free one
#   PPROF_PORT=6060             port of the profiles; default: a free one, which the log names
#   RUN_SECONDS=60              end by itself: 0 once alerts arrived and both ledgers balance, else 1
#
# Ctrl-C ends everything: the sensor first, so that it can hand over what it still holds.
set -euo pipefail

bin=$(realpath "${1:?usage: run.sh FOLDER_OF_BINARIES}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d "${TMPDIR:-/tmp}/sensor-gateway.XXXXXX")
sensor='' tail='' nats=''

say() { printf '\033[1m%s\033[0m\n' "$*"; }
die() { printf 'run: %s\n' "$*" >&2; exit 1; }

# Ends process $1 if it is ours and still there, and waits for it.
stop() {
    [[ -n $1 ]] || return 0
    kill -TERM "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

finish() {
    local status=$?
    trap - EXIT
    stop "$sensor"
    stop "$tail"
    stop "$nats"
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT
# A terminal sends Ctrl-C to the whole group; the processes below have sessions of their own, so that
# only this script gets it and the order above holds.
trap 'exit 130' INT
trap 'exit 143' TERM

# Polls "$@" up to 30 s, as long as process $pid lives.
await() {
    local pid=$1 i
    shift
    for ((i = 0; i < 300; i++)); do
        "$@" && return 0
        kill -0 "$pid" 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# The port that nats-server chose; it writes a file of JSON once it listens.
nats_url_of() {
    python3 -c 'import glob, json, sys
for name in glob.glob(sys.argv[1] + "/*.ports"):
    print(json.load(open(name))["nats"][0])' "$work" 2>/dev/null
}

nats_is_up() { [[ -n $(nats_url_of) ]]; }
start_nats() {
    if [[ -n ${NATS_URL:-} ]]; then
        return
    fi
    setsid nats-server --addr 127.0.0.1 --port -1 --ports_file_dir "$work" \
        --jetstream --store_dir "$work/jetstream" --log "$work/nats.log" &
    nats=$!
    await "$nats" nats_is_up || { cat "$work/nats.log" >&2; die "nats-server did not start"; }
    NATS_URL=$(nats_url_of)
}

write_config() {
    (umask 077; head -c 24 /dev/urandom | base64 >"$work/api-token")
    cat >"$work/sensor.toml" <<TOML
[sensor]
site = "demo"
name = "demo"

[capture]
source = "dpdk"

[capture.dpdk]
devices = [{ vdev = "net_pcap0,rx_pcap=$PWD/deploy/demo/demo.pcap" }]
memory = "no-huge"
file_prefix = "sensor-demo-$$"

[rules]
files = ["$PWD/deploy/demo/demo.rules"]

[nats]
servers = ["$NATS_URL"]

[spool]
path = "$work/spool"

[api]
listen = "127.0.0.1:$API_PORT"
token_file = "$work/api-token"

[profiling]
listen = "127.0.0.1:${PPROF_PORT:-0}"
TOML
}

tail_listens() { grep -q '^listening' "$work/tail.err"; }
start_tail() {
    # Through a file as well as to the terminal, so that alerts can be counted.
    # --core: there is no stream before the sensor makes it.
    setsid "$bin/sensor-gateway" alerts tail --server "$NATS_URL" --core --site demo --sensor demo \
        > >(tee "$work/alerts.txt") 2>"$work/tail.err" &
    tail=$!
    await "$tail" tail_listens || { cat "$work/tail.err" >&2; die "cannot subscribe at $NATS_URL"; }
}

api() { curl -sf -H "Authorization: Bearer $(<"$work/api-token")" "http://127.0.0.1:$API_PORT$1"; }
sensor_is_ready() { api /readyz >/dev/null; }
start_sensor() {
    setsid "$bin/sensor-gateway" run -c "$work/sensor.toml" &
    sensor=$!
    await "$sensor" sensor_is_ready || die "the sensor did not become ready; it says why above"
}

show_api() {
    local header="-H \"Authorization: Bearer \$(cat $work/api-token)\"" url="http://127.0.0.1:$API_PORT"
    say "The API is up. Try:"
    cat <<TEXT
  curl $header $url/api/v1/stats
  curl $header $url/api/v1/rules
  curl $header -X PUT --data-binary @deploy/demo/demo.rules $url/api/v1/rules
  curl $header $url/metrics
TEXT
}

alerts_arrived() { [[ -s $work/alerts.txt ]]; }
ledgers_balance() {
    api /api/v1/stats >"$work/stats.json" &&
        python3 deploy/ledgers.py "$work/stats.json" >"$work/ledgers.txt"
}

API_PORT=${API_PORT:-$(free_port)}
start_nats
write_config
start_tail
say "Alerts on $NATS_URL, subject sensor.demo.demo.alert.*:"
start_sensor
show_api

if [[ -z ${RUN_SECONDS:-} ]]; then
    say "Ctrl-C ends it."
    # Returns when the sensor ends; the traps take over on a signal.
    wait "$sensor" || die "the sensor ended with status $?"
    sensor=''
    exit 0
fi

deadline=$((SECONDS + RUN_SECONDS))
until alerts_arrived && ledgers_balance; do
    kill -0 "$sensor" 2>/dev/null || die "the sensor ended"
    ((SECONDS < deadline)) || {
        cat "$work/tail.err" "$work/stats.json" >&2 || true
        die "no alerts, or ledgers that do not balance, within $RUN_SECONDS s"
    }
    sleep 0.2
done
say "$(wc -l <"$work/alerts.txt") alerts arrived, both ledgers balance:"
cat "$work/ledgers.txt"
