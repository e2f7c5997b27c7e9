//! Thin safe types over DPDK.
