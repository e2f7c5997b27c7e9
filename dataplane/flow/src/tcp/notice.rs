//! What is told apart before the state machine: keep-alives, probes, window updates, repeats.

use contract::Event;

use super::half::bit;
use super::seq::within;
use super::step::Step;
use super::{Segment, TcpState, flag, mark, seq};

impl Step<'_> {
    /// The segment changes nothing, so that the state machine does not see it.
    pub(super) fn is_told_apart(&mut self) -> bool {
        if self.is_keep_alive() || self.is_keep_alive_answer() {
            return true;
        }
        self.sender().clear(bit::KEEP_ALIVE);
        if self.is_outdated() {
            return true;
        }
        if self.is_fin_answer() || self.is_window_update() {
            return false;
        }
        if self.is_bad_window_update() {
            self.raise(Event::StreamPktBadWindowUpdate);
            return true;
        }
        self.is_spurious()
    }

    /// RFC 9293 section 3.8.4: one byte or none before the next one, to be answered.
    fn is_keep_alive(&mut self) -> bool {
        let Segment { seq, ack, payload_len, .. } = self.segment;
        if payload_len > 1 || !self.segment.is_plain() {
            return false;
        }
        if ack != self.receiver().last_ack {
            return false;
        }
        let sender = self.sender();
        let found = seq == sender.next_seq.wrapping_sub(1);
        if found {
            sender.set(bit::KEEP_ALIVE);
        }
        found
    }

    fn is_keep_alive_answer(&mut self) -> bool {
        let Segment { seq, ack, window, payload_len, .. } = self.segment;
        if payload_len > 0 || !self.segment.is_plain() || window == 0 {
            return false;
        }
        let expected = seq == self.sender().next_seq;
        let receiver = self.receiver();
        let found = expected
            && receiver.has(bit::KEEP_ALIVE)
            && ack == receiver.last_ack
            && receiver.scaled(window) == receiver.window;
        if found {
            receiver.clear(bit::KEEP_ALIVE);
        }
        found
    }

    /// Of SYN, FIN, RST and ACK only ACK is set.
    fn is_plain_ack(&self) -> bool {
        self.segment.is_plain() && self.segment.has(flag::ACK)
    }

    /// A bare ACK that was overtaken by a later one.
    fn is_outdated(&mut self) -> bool {
        let Segment { seq: at, ack, payload_len, .. } = self.segment;
        self.session.state >= TcpState::Established
            && payload_len == 0
            && self.is_plain_ack()
            && at == self.sender().next_seq
            && seq::before(ack, self.receiver().last_ack)
    }

    /// The bare ACK of a FIN, whether or not the sender's own FIN is counted.
    fn is_fin_answer(&mut self) -> bool {
        let Segment { seq, ack, payload_len, flags, .. } = self.segment;
        let closing = matches!(
            self.session.state,
            TcpState::TimeWait | TcpState::CloseWait | TcpState::LastAck
        );
        closing
            && flags == flag::ACK
            && payload_len == 0
            && within(seq, self.sender().next_seq, self.sender().next_seq.wrapping_add(1))
            && ack == self.receiver().next_seq.wrapping_add(1)
    }

    fn is_window_update(&mut self) -> bool {
        let Segment { seq, ack, window, payload_len, .. } = self.segment;
        if self.session.state < TcpState::Established || payload_len > 0 || window == 0 {
            return false;
        }
        let next = self.sender().next_seq;
        let plain = self.is_plain_ack();
        let receiver = self.receiver();
        plain
            && receiver.scaled(window) != receiver.window
            && ack == receiver.last_ack
            && seq == next
    }

    /// The window shrinks by more than the segment carries, with numbers that both lie ahead: from elsewhere.
    fn is_bad_window_update(&mut self) -> bool {
        let Segment { seq: at, ack, window, payload_len, .. } = self.segment;
        if self.session.state < TcpState::Established
            || self.session.state == TcpState::Closed
            || !self.is_plain_ack()
        {
            return false;
        }
        let next = self.sender().next_seq;
        let receiver = self.receiver();
        let lost = receiver.window.saturating_sub(receiver.scaled(window));
        lost > payload_len
            && seq::after(ack, receiver.next_seq)
            && !seq::after(ack, receiver.next_win)
            && seq::after(at, next)
    }

    /// All of the payload has been acknowledged already, which is told; what is before the window goes no further.
    fn is_spurious(&mut self) -> bool {
        let end = self.segment.end();
        let one_sided = self.session.has(mark::ASYNC);
        let sender = *self.sender();
        let has_data = self.segment.payload_len > 0;
        let gone = has_data && !seq::after(end, sender.base);
        let acked = has_data && !seq::after(end, sender.last_ack);
        // Without acknowledgements data is looked at as it comes.
        let seen = has_data && one_sided && !seq::after(end, sender.data_end);
        if gone || acked || seen {
            self.raise(Event::StreamPktSpuriousRetransmission);
        }
        gone
    }

    /// The payload was seen before; `pkt_retransmission` where so.
    pub(super) fn is_retransmission(&mut self) -> bool {
        let end = self.segment.end();
        let sender = *self.sender();
        let repeats = self.segment.payload_len > 0
            && (seq::before(self.segment.seq, sender.last_ack)
                || !seq::after(end, sender.next_seq));
        if repeats {
            self.raise(Event::StreamPktRetransmission);
        }
        repeats
    }
}
