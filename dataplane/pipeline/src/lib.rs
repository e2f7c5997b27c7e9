//! The worker: every stage of a packet in one visible order.
