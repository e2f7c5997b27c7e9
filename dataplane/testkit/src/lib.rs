//! Packet and capture builders for tests.
