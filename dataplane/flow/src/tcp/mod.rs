//! TCP connections: the state of a flow as the peer, Suricata 7.0.10, tracks it, without the payload.
//!
//! ```text
//! segment ─ none ──────────── open.rs: SYN, SYN/ACK and ACK in the middle of a connection
//!         ─ keep-alive, probe, bad window update ─ notice.rs: looked at first, and go no further
//!         ─ handshake ─────── handshake.rs, split.rs (SYN from both ends), alternatives.rs (repeats that differ)
//!         ─ established ───── established.rs: data, windows, FIN
//!         ─ closing ───────── closing.rs: after the first FIN
//!         ─ RST ───────────── reset.rs
//!         ─ timestamps ────── stamps.rs (RFC 7323), before anything else is believed
//! ```
//!
//! A [`Session`] holds no payload and takes no memory beyond itself. What each segment did is its [`Verdict`]. The
//! caller starts a new flow where [`Session::is_superseded`] says so, puts payload into the stream's window, and
//! tells the session where that window begins ([`Session::slide`]) and of gaps ([`Session::note_gap`]).
//!
//! Where the peer is stricter or laxer than the RFCs the session is like the peer, because rules are written for its
//! events; `tests.rs` compares the two. Five of its events are never raised: `3whs_ack_data_inject` and
//! `3whs_ack_in_wrong_dir` need inline operation, `wrong_thread` cannot be because a flow has one worker, and
//! `3whs_synack_resend_with_diff_seq` and `est_ack_zwp_data` are names that the peer was never seen to raise.
//! `reassembly_*` come of the window.
//!
//! ```
//! use flow::Direction;
//! use flow::tcp::{Host, Segment, SegmentOptions, Session, SessionSettings, TcpState, flag};
//!
//! let settings = SessionSettings::default();
//! let mut session = Session::default();
//! let syn = Segment {
//!     direction: Direction::ToServer,
//!     seq: 1_000,
//!     ack: 0,
//!     window: 65_535,
//!     flags: flag::SYN,
//!     payload_len: 0,
//!     options: SegmentOptions::default(),
//!     now_ns: 0,
//! };
//! assert!(!session.is_superseded(&syn, &settings));
//! let verdict = session.packet(&syn, Host::Linux, &settings);
//! assert_eq!(verdict.state, TcpState::SynSent);
//! assert_eq!(verdict.begin, [Some(1_001), None]);
//! ```

mod alternatives;
mod closing;
mod established;
mod half;
mod handshake;
mod notice;
mod open;
mod reset;
mod segment;
mod seq;
mod settings;
mod split;
mod stamps;
mod state;
mod step;
mod verdict;

pub use alternatives::ALTERNATIVES_MAX;
pub use segment::{Segment, SegmentOptions, Timestamps, flag};
pub use settings::{Host, SessionSettings};
pub use state::{Stage, TcpState};
pub use verdict::Verdict;

use crate::Direction;
use alternatives::Alternatives;
use half::Half;
use step::Step;

/// Bits of [`Session::bits`].
mod mark {
    /// Picked up after its handshake, or in it.
    pub(super) const MIDSTREAM: u16 = 1 << 0;
    /// Picked up at its SYN/ACK.
    pub(super) const FROM_SYN_ACK: u16 = 1 << 1;
    /// Only one direction is seen.
    pub(super) const ASYNC: u16 = 1 << 2;
    /// Timestamps are in use.
    pub(super) const STAMPS: u16 = 1 << 3;
    /// Both ends sent a SYN.
    pub(super) const SPLIT: u16 = 1 << 4;
    /// The SYN that counts had a window scale.
    pub(super) const SCALES: u16 = 1 << 5;
    /// TCP fast open.
    pub(super) const FAST_OPEN: u16 = 1 << 6;
    /// The handshake's last ACK acknowledged what was never sent.
    pub(super) const EVASION: u16 = 1 << 7;
    /// The server has sent a segment after the handshake.
    pub(super) const CONFIRMED: u16 = 1 << 8;
    /// The SYN permits SACK.
    pub(super) const SACK_OFFERED: u16 = 1 << 9;
    /// Both ends permit SACK.
    pub(super) const SACK: u16 = 1 << 10;
    /// Data was lost, so that the numbers are not sure.
    pub(super) const LOSSY: u16 = 1 << 12;
    /// Picked up, and the other side has sent nothing yet.
    pub(super) const HALF_PICKED_UP: u16 = 1 << 11;
}

/// The connection of one flow. The default has seen nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Session {
    state: TcpState,
    /// The state before this one.
    earlier: TcpState,
    bits: u16,
    /// What each side sends, by [`Direction::index`].
    halves: [Half; 2],
    alternatives: Alternatives,
}

impl Session {
    /// Takes the flow's next segment, which goes to a host that behaves like `target`. Ask
    /// [`Session::is_superseded`] before.
    #[inline]
    pub fn packet(
        &mut self,
        segment: &Segment,
        target: Host,
        settings: &SessionSettings,
    ) -> Verdict {
        Step::new(self, segment, target, settings).run()
    }

    /// The window of the half that runs in `direction` begins at `base` from now on: a segment that ends before is a
    /// repeat of what was looked at already.
    #[inline]
    pub const fn slide(&mut self, direction: Direction, base: u32) {
        self.halves[direction.index()].base = base;
    }

    /// Data of one of the halves was acknowledged and is not in its window, a gap (`reassembly_seq_gap`). From now on
    /// a RST is obeyed whatever its number, as the peer does.
    #[inline]
    pub const fn note_gap(&mut self) {
        self.put(mark::LOSSY, true);
    }

    /// State after the latest segment.
    #[inline]
    #[must_use]
    pub const fn state(&self) -> TcpState {
        self.state
    }

    /// The stage of the flow. A fast open (RFC 7413) is established with the SYN/ACK.
    #[inline]
    #[must_use]
    pub const fn stage(&self) -> Stage {
        match self.state {
            TcpState::SynRecv if self.has(mark::FAST_OPEN) => Stage::Established,
            state => state.stage(),
        }
    }

    /// How far the sequence numbers of client and server have come from their first, SYN counted; `None`
    /// without a connection.
    #[must_use]
    pub const fn sizes(&self) -> Option<[u32; 2]> {
        match self.state {
            TcpState::None => None,
            _ => {
                let [client, server] = &self.halves;
                Some([
                    client.next_seq.wrapping_sub(client.isn),
                    server.next_seq.wrapping_sub(server.isn),
                ])
            }
        }
    }

    /// Only one direction is seen, so that no acknowledgement will release its data.
    #[inline]
    #[must_use]
    pub const fn is_one_sided(&self) -> bool {
        self.bits & mark::ASYNC != 0
    }

    /// Both sides permit selective acknowledgements (RFC 2018).
    #[inline]
    #[must_use]
    pub const fn uses_sack(&self) -> bool {
        self.bits & mark::SACK != 0
    }

    const fn has(&self, bits: u16) -> bool {
        self.bits & bits == bits
    }

    const fn put(&mut self, bits: u16, on: bool) {
        if on {
            self.bits |= bits;
        } else {
            self.bits &= !bits;
        }
    }

    fn half(&mut self, direction: Direction) -> &mut Half {
        &mut self.halves[direction.index()]
    }
}

#[cfg(test)]
mod tests;
