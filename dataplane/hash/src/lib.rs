//! Payload digests and their LRU.
