//! Calls of ONC RPC.

use rules::hir::Rpc;

use crate::Inspect;
use crate::header::number;

/// Bytes of the record mark before a message over TCP (RFC 5531 section 11).
const RECORD_MARK_BYTES: usize = 4;

/// `msg_type` of a call (RFC 5531 section 9).
const CALL: u32 = 0;

/// Whether the payload of `view` begins with a call that `rpc` describes. As in the peer, it has to be
/// TCP or UDP, and the version of RPC itself may be any.
pub(crate) fn rpc_matches(rpc: &Rpc, view: &Inspect<'_>) -> bool {
    let message = match view.tuple.protocol {
        number::TCP => view.payload.get(RECORD_MARK_BYTES..),
        number::UDP => Some(view.payload),
        _ => None,
    };
    let (Some(message), true) = (message, view.has_transport) else { return false };
    // Six words, the first ones of a call.
    let mut words = message.as_chunks().0.iter().copied().map(u32::from_be_bytes);
    let mut word = || words.next();
    let (Some(_xid), Some(kind), Some(_rpc_version)) = (word(), word(), word()) else {
        return false;
    };
    let (Some(program), Some(program_version), Some(procedure)) = (word(), word(), word()) else {
        return false;
    };
    kind == CALL
        && program == rpc.program
        && rpc.version.is_none_or(|wanted| wanted == program_version)
        && rpc.procedure.is_none_or(|wanted| wanted == procedure)
}

#[cfg(test)]
mod tests {
    use rules::hir::Rpc;

    use super::rpc_matches;
    use crate::testing::{packet, tuple};

    fn call(words: [u32; 6]) -> Vec<u8> {
        words.into_iter().flat_map(u32::to_be_bytes).collect()
    }

    /// Each was put to the peer.
    #[test]
    fn calls() {
        let whole = Rpc { program: 100_000, version: Some(2), procedure: Some(3) };
        let any = Rpc { version: None, procedure: None, ..whole };
        let cases = [
            ([7, 0, 2, 100_000, 2, 3], true, true),
            ([7, 1, 2, 100_000, 2, 3], false, false),
            ([7, 0, 3, 100_000, 2, 3], true, true),
            ([7, 0, 2, 100_001, 2, 3], false, false),
            ([7, 0, 2, 100_000, 3, 3], false, true),
            ([7, 0, 2, 100_000, 2, 4], false, true),
        ];
        for (words, by_all, by_program) in cases {
            let message = call(words);
            let marked = [&[0x80, 0, 0, 24][..], &message].concat();
            for view in [packet(tuple(17, 1, 2), &message), packet(tuple(6, 1, 2), &marked)] {
                assert_eq!(rpc_matches(&whole, &view), by_all, "{words:?}");
                assert_eq!(rpc_matches(&any, &view), by_program, "{words:?}");
            }
            assert!(!rpc_matches(&any, &packet(tuple(6, 1, 2), &message)), "no mark");
            assert!(!rpc_matches(&any, &packet(tuple(132, 1, 2), &message)), "SCTP");
        }
        let message = call([7, 0, 2, 100_000, 2, 3]);
        assert!(!rpc_matches(&any, &packet(tuple(17, 1, 2), &message[..23])), "too short");
    }
}
