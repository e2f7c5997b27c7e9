//! Receive-side scaling: what a device hashes to choose a queue, and with which key.

use dpdk_sys::{SHIM_RSS_IP, SHIM_RSS_SCTP, SHIM_RSS_TCP, SHIM_RSS_UDP, rte_eth_rss_conf};

use crate::info::PortInfo;

/// Two bytes that, repeated, make a Toeplitz key under which both directions of a flow have one hash: with
/// a period of 16 bits, addresses (32 or 128 bits apart) and ports (16 bits apart) can change places.
const SYMMETRIC_KEY: [u8; 2] = [0x6d, 0x5a];
/// Length of a key where the driver does not say it.
const KEY_LEN_DEFAULT: usize = 40;
/// What is hashed: addresses, and ports where there are any.
const TYPES: u64 = SHIM_RSS_IP | SHIM_RSS_TCP | SHIM_RSS_UDP | SHIM_RSS_SCTP;

/// Whether the device hashes any of the packet types that matter.
pub(crate) fn can_spread(info: &PortInfo) -> bool {
    info.rss_types & TYPES != 0
}

/// The symmetric key, `length` bytes long; 0 means that the driver does not say.
pub(crate) fn symmetric_key(length: u8) -> Vec<u8> {
    let length = if length == 0 { KEY_LEN_DEFAULT } else { usize::from(length) };
    SYMMETRIC_KEY.into_iter().cycle().take(length).collect()
}

/// The setting for DPDK, which reads (or writes) `key` through a raw pointer.
pub(crate) fn conf(key: &mut [u8], info: &PortInfo) -> rte_eth_rss_conf {
    rte_eth_rss_conf {
        rss_key: key.as_mut_ptr(),
        // At most the `u8` that the driver told, or the default.
        rss_key_len: key.len() as u8,
        rss_hf: info.rss_types & TYPES,
    }
}

#[cfg(test)]
mod tests {
    use super::symmetric_key;

    /// The Toeplitz hash bit by bit: for every bit of the input that is set, the 32 bits of the key that
    /// begin there.
    fn toeplitz(key: &[u8], input: &[u8]) -> u32 {
        let bit = |bytes: &[u8], at: usize| u32::from(bytes[at / 8] >> (7 - at % 8) & 1);
        let window = |at: usize| (at..at + 32).fold(0, |word, at| word << 1 | bit(key, at));
        (0..input.len() * 8).filter(|at| bit(input, *at) == 1).fold(0, |hash, at| hash ^ window(at))
    }

    #[test]
    fn both_directions_have_one_hash() {
        let v4 = ([10, 1, 2, 3].as_slice(), [192, 168, 77, 9].as_slice());
        let v6 =
            ([0x20; 16].as_slice(), [0xfe, 0x80, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
        let v6 = (v6.0, v6.1.as_slice());
        for length in [40, 52] {
            let key = symmetric_key(length);
            assert_eq!(key.len(), usize::from(length));
            for (a, b) in [v4, v6] {
                let (p, q) = ([0x1f, 0x90].as_slice(), [0xd4, 0x31].as_slice());
                let there = toeplitz(&key, &[a, b, p, q].concat());
                assert_eq!(there, toeplitz(&key, &[b, a, q, p].concat()));
                assert_ne!(there, toeplitz(&key, &[a, b, p, p].concat()));
            }
        }
        assert_eq!(symmetric_key(0).len(), 40);
    }
}
