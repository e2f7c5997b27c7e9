/* What bindgen reads: the DPDK headers, and the functions and constants of DPDK that exist only in C. */
#ifndef SENSOR_DPDK_SHIM_H
#define SENSOR_DPDK_SHIM_H

#include <stdint.h>
#include <sys/types.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <rte_mempool.h>
#include <rte_ring.h>
#include <rte_version.h>

/* bindgen drops every constant that is made by RTE_BIT64. */
static const uint64_t SHIM_RSS_IP = RTE_ETH_RSS_IP;
static const uint64_t SHIM_RSS_TCP = RTE_ETH_RSS_TCP;
static const uint64_t SHIM_RSS_UDP = RTE_ETH_RSS_UDP;
static const uint64_t SHIM_RSS_SCTP = RTE_ETH_RSS_SCTP;
static const uint64_t SHIM_RX_OFFLOAD_SCATTER = RTE_ETH_RX_OFFLOAD_SCATTER;
static const uint64_t SHIM_DEV_NO_OWNER = RTE_ETH_DEV_NO_OWNER;

/* rte_errno of the calling thread. */
int shim_errno(void);

/* rte_eth_rx_burst. */
uint16_t shim_rx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count);

/* rte_pktmbuf_free. */
void shim_pktmbuf_free(struct rte_mbuf *mbuf);

/* A new mbuf of one segment that holds a copy of the bytes. NULL when the pool is empty or the bytes
 * do not fit one mbuf. */
struct rte_mbuf *shim_pktmbuf_from_bytes(struct rte_mempool *pool, const void *bytes, uint16_t length);

/* rte_ring_enqueue_burst for pointers to mbufs: how many found room. */
unsigned int shim_ring_enqueue(struct rte_ring *ring, struct rte_mbuf *const *mbufs, unsigned int count);

/* Sends DPDK's log to `write` (with the meaning of write(2)) in place of stderr and syslog.
 * 0 or -1. */
int shim_log_to(ssize_t (*write)(void *cookie, const char *bytes, size_t size));

#endif
