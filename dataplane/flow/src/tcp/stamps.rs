//! Timestamps: protection against old duplicates (RFC 7323 section 5).

use contract::Event;

use super::half::{Half, bit};
use super::settings::ZeroStart;
use super::step::{Outcome, Step};
use super::{Host, Timestamps, mark};

/// After this much silence the other side's clock may have gone round (RFC 7323 section 5.5): 24 days, s.
const OUTDATED_S: u32 = 24 * 24 * 60 * 60;

impl Half {
    /// A session that was picked up starts with these.
    pub(super) const fn begin_stamps(&mut self, value: u32, now_s: u32) {
        self.last_stamp = value;
        self.last_stamp_s = now_s;
        self.put(bit::ZERO_STAMP, value == 0);
    }

    pub(super) const fn forget_stamps(&mut self) {
        self.last_stamp = 0;
        self.clear(bit::ZERO_STAMP);
    }
}

/// What comes of a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stamp {
    /// It is not compared; it may be the first that counts.
    Free {
        first: bool,
    },
    Newer,
    /// Old by its value, but nothing was heard for so long that the value means nothing.
    AfterSilence,
    Old,
}

impl Step<'_> {
    /// The segment's timestamp may be what the sender's clock shows now; `pkt_invalid_timestamp` where not.
    pub(super) fn require_stamp(&mut self) -> Outcome {
        if !self.session.has(mark::STAMPS) {
            return Ok(());
        }
        let Some(stamps) = self.segment.options.timestamps else { return Ok(()) };
        match self.judge_stamp(stamps) {
            Stamp::Old => self.refuse(Event::StreamPktInvalidTimestamp),
            _ => Ok(()),
        }
    }

    /// The sender's clock is what the segment says. The segment was taken, so that a bad one is told and no more.
    pub(super) fn take_stamp(&mut self) {
        if !self.session.has(mark::STAMPS) {
            return;
        }
        let Some(stamps) = self.segment.options.timestamps else {
            if self.target.missing_stamp_turns_off() {
                self.session.put(mark::STAMPS, false);
            }
            return;
        };
        let now_s = self.segment.now_s();
        let seq = self.segment.seq;
        let stamp = self.judge_stamp(stamps);
        let takes_next = self.target.zero_start() == ZeroStart::TakesNext;
        let sender = self.sender();
        let next = sender.next_seq == seq;
        if takes_next {
            sender.clear(bit::ZERO_STAMP);
        }
        match stamp {
            Stamp::Free { first } => {
                if first {
                    sender.last_stamp = stamps.value;
                }
            }
            Stamp::Newer => {
                if next {
                    sender.last_stamp = stamps.value;
                }
                sender.last_stamp_s = now_s;
            }
            Stamp::AfterSilence => {
                sender.last_stamp = stamps.value;
                sender.last_stamp_s = now_s;
            }
            Stamp::Old => self.raise(Event::StreamPktInvalidTimestamp),
        }
    }

    fn judge_stamp(&mut self, stamps: Timestamps) -> Stamp {
        let target = self.target;
        let slack = u32::from(target == Host::Linux || self.settings.liberal_timestamps);
        let (seq, now_s) = (self.segment.seq, self.segment.now_s());
        let sender = *self.sender();
        let next = sender.next_seq == seq;
        let mut first = false;
        let mut free = target.stamps_in_order_only() && !next;
        if sender.has(bit::ZERO_STAMP) {
            match target.zero_start() {
                ZeroStart::TurnsOff => {
                    self.session.put(mark::STAMPS, false);
                    free = true;
                }
                ZeroStart::TakesNext => {
                    first = next;
                    free |= next;
                }
                ZeroStart::Counts => {}
            }
        }
        if stamps.value == 0 && !target.takes_zero() {
            return Stamp::Old;
        }
        if free {
            return Stamp::Free { first };
        }
        let ahead = stamps.value.wrapping_sub(sender.last_stamp).wrapping_add(slack) as i32;
        let silent = now_s > sender.last_stamp_s.saturating_add(OUTDATED_S);
        if ahead >= 0 && (sender.last_stamp == 0 || !silent) {
            Stamp::Newer
        } else if next && silent {
            Stamp::AfterSilence
        } else {
            Stamp::Old
        }
    }

    /// A SYN/ACK echoes the timestamp of the SYN, or has none where that had none (RFC 7323 section 3.2).
    pub(super) fn echoes(&self, syn: Option<u32>) -> bool {
        let Some(stamps) = self.segment.options.timestamps else { return true };
        match syn {
            Some(value) => value == 0 || stamps.echo == 0 || stamps.echo == value,
            None => stamps.echo == 0,
        }
    }
}
