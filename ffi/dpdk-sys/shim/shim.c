/* DPDK's inline functions, one call per burst. */
#define _GNU_SOURCE
#include "shim.h"

#include <stdio.h>

#include <rte_log.h>

int shim_errno(void)
{
	return rte_errno;
}

uint16_t shim_rx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count)
{
	return rte_eth_rx_burst(port, queue, mbufs, count);
}

void shim_pktmbuf_free(struct rte_mbuf *mbuf)
{
	rte_pktmbuf_free(mbuf);
}

struct rte_mbuf *shim_pktmbuf_from_bytes(struct rte_mempool *pool, const void *bytes, uint16_t length)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
	char *room;

	if (mbuf == NULL)
		return NULL;
	room = rte_pktmbuf_append(mbuf, length);
	if (room == NULL) {
		rte_pktmbuf_free(mbuf);
		return NULL;
	}
	rte_memcpy(room, bytes, length);
	return mbuf;
}

unsigned int shim_ring_enqueue(struct rte_ring *ring, struct rte_mbuf *const *mbufs, unsigned int count)
{
	return rte_ring_enqueue_burst(ring, (void *const *)mbufs, count, NULL);
}

int shim_log_to(ssize_t (*write)(void *cookie, const char *bytes, size_t size))
{
	cookie_io_functions_t functions = { .write = write };
	FILE *stream = fopencookie(NULL, "w", functions);

	if (stream == NULL)
		return -1;
	/* One write per message: rte_vlog flushes after each. */
	return rte_openlog_stream(stream);
}
