//! Packet sources over DPDK ports.
