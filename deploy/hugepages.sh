#!/usr/bin/env bash
# Reserves hugepages for DPDK on every NUMA node, or shows what is reserved.
#
#   sudo deploy/hugepages.sh [MIB]      reserve MIB on every node (HUGEPAGES_MIB or 1024)
#   deploy/hugepages.sh --show          show what is reserved and free
#   sudo deploy/hugepages.sh 0          give them back
#
# It takes pages of the default size (2 MiB on x86-64) and lasts until the next boot; the unit
# sensor-gateway-hugepages.service does the same at each boot. capture.dpdk.memory = "in-memory" needs
# nothing else; "hugepages" needs a mounted hugetlbfs too, which systemd mounts at /dev/hugepages.
set -euo pipefail

readonly NODES=/sys/devices/system/node
size_kib=$(awk '/^Hugepagesize:/ { print $2 }' /proc/meminfo)

show() {
    local node
    for node in "$NODES"/node[0-9]*; do
        printf '%s: %s pages of %s KiB, %s free\n' "${node##*/}" \
            "$(<"$node/hugepages/hugepages-${size_kib}kB/nr_hugepages")" "$size_kib" \
            "$(<"$node/hugepages/hugepages-${size_kib}kB/free_hugepages")"
    done
}

reserve() {
    local pages=$(($1 * 1024 / size_kib)) node got file
    for node in "$NODES"/node[0-9]*; do
        file=$node/hugepages/hugepages-${size_kib}kB/nr_hugepages
        echo "$pages" >"$file"
        got=$(<"$file")
        if [[ $got -lt $pages ]]; then
            echo "hugepages: ${node##*/} gave $got of $pages pages: its memory is in use or in pieces;" \
                "reserve at boot (default_hugepagesz, hugepages on the kernel command line)" >&2
            exit 1
        fi
    done
}

[[ -n $size_kib && -d $NODES ]] || { echo "hugepages: this kernel has none" >&2; exit 1; }
if [[ ${1:-} == --show ]]; then
    show
    exit
fi
mib=${1:-${HUGEPAGES_MIB:-1024}}
[[ $mib =~ ^[0-9]+$ ]] || { echo "hugepages: '$mib' is not a number of MiB" >&2; exit 2; }
[[ $EUID -eq 0 ]] || { echo "hugepages: must be run as root" >&2; exit 1; }
reserve "$mib"
show
