//! The established state (RFC 9293 section 3.10.7.4): data in the window, repeated handshakes, the first FIN.

use contract::Event;

use super::half::bit;
use super::step::{Outcome, Step};
use super::{Segment, TcpState, flag, mark, seq};

impl Step<'_> {
    pub(super) fn established(&mut self) -> Outcome {
        let segment = self.segment;
        if segment.has(flag::RST) {
            self.reset()
        } else if segment.has(flag::FIN) {
            self.require_stamp()?;
            self.first_fin()
        } else if segment.has(flag::SYN | flag::ACK) {
            self.late_syn_ack()
        } else if segment.has(flag::SYN) {
            let event = if !self.to_server() {
                Event::StreamEstSynToclient
            } else if segment.seq == self.client().isn {
                Event::StreamEstSynResend
            } else {
                Event::StreamEstSynResendDiffSeq
            };
            self.refuse(event)
        } else if segment.has(flag::ACK) {
            self.require_stamp()?;
            if !self.to_server() {
                self.session.put(mark::CONFIRMED, true);
            }
            self.data_segment()
        } else {
            Ok(())
        }
    }

    /// A SYN/ACK that is repeated, which is in order only while the server does not know of the connection.
    fn late_syn_ack(&mut self) -> Outcome {
        let segment = self.segment;
        if self.to_server() {
            return self.refuse(Event::StreamEstSynackToserver);
        }
        if segment.ack != self.client().last_ack {
            return self.refuse(Event::StreamEstSynackResendWithDiffAck);
        }
        if segment.seq != self.server().isn {
            return self.refuse(Event::StreamEstSynackResendWithDiffSeq);
        }
        if self.session.has(mark::CONFIRMED) {
            return self.refuse(Event::StreamEstSynackResend);
        }
        Ok(())
    }

    fn data_segment(&mut self) -> Outcome {
        let Segment { seq: at, window, payload_len, .. } = self.segment;
        let end = self.segment.end();
        if self.session.has(mark::HALF_PICKED_UP) && !self.to_server() {
            // The window of the side that the session was picked up from is a guess until now.
            self.session.put(mark::HALF_PICKED_UP, false);
            let server = self.server();
            server.window = server.scaled(window);
            server.next_win = server.allowed();
        }
        self.require_ack(Event::StreamEstInvalidAck)?;
        self.require_unacknowledged()?;
        let relaxed = self.session.bits & (mark::MIDSTREAM | mark::ASYNC) != 0;
        let sender = self.sender();
        // RFC 9293 section 3.8.6.1: one byte beyond a closed window asks for its size.
        if payload_len == 1 && at == sender.next_seq && sender.window == 0 {
            self.accept();
            return Ok(());
        }
        if !seq::before(end, sender.next_seq) {
            sender.next_seq = end;
        }
        if seq::after(end, sender.next_win) && !relaxed {
            return self.refuse(Event::StreamEstPacketOutOfWindow);
        }
        self.take_ack();
        self.take_stamp();
        self.receiver().widen();
        self.accept();
        Ok(())
    }

    /// The segment does not end before what the other side has acknowledged.
    fn require_unacknowledged(&mut self) -> Outcome {
        let Segment { seq: at, payload_len, .. } = self.segment;
        let end = self.segment.end();
        let sender = *self.sender();
        let keep_alive = payload_len <= 1 && at == sender.next_seq.wrapping_sub(1);
        if keep_alive || self.answers_probe() || !seq::before(end, sender.last_ack) {
            return Ok(());
        }
        if self.session.has(mark::ASYNC) {
            self.sender().last_ack = at;
            return Ok(());
        }
        let picked_up = self.settings.async_oneside && self.session.has(mark::MIDSTREAM);
        if picked_up && (at == sender.next_seq || sender.last_ack == sender.isn.wrapping_add(1)) {
            self.session.put(mark::ASYNC, true);
            self.sender().last_ack = at;
            return Ok(());
        }
        // What was acknowledged and not seen is news.
        let missed =
            seq::after(sender.last_ack, sender.next_seq) && seq::after(end, sender.next_seq);
        if missed { Ok(()) } else { self.refuse(Event::StreamEstPktBeforeLastAck) }
    }

    /// The byte that probed a closed window was taken, which did not count as sent (RFC 9293 section 3.8.6.1).
    fn answers_probe(&mut self) -> bool {
        let Segment { seq: at, ack, payload_len, .. } = self.segment;
        let in_order = at == self.sender().next_seq;
        let probed = self.receiver().next_seq.wrapping_add(1);
        payload_len == 0 && in_order && ack == probed
    }

    /// The first FIN, of either side.
    pub(super) fn first_fin(&mut self) -> Outcome {
        let at = self.segment.seq;
        let end = self.segment.end();
        self.require_ack(Event::StreamFinInvalidAck)?;
        let sender = *self.sender();
        if seq::before(at, sender.last_ack) || seq::after(end, sender.next_win) {
            return self.refuse(Event::StreamFinOutOfWindow);
        }
        let to_server = self.to_server();
        if to_server && self.segment.has(flag::SYN) {
            return self.refuse(Event::StreamFinSyn);
        }
        self.enter(if to_server { TcpState::CloseWait } else { TcpState::FinWait1 });
        let sender = self.sender();
        sender.next_seq = end.wrapping_add(u32::from(!to_server));
        self.note_fin();
        self.conclude(0)
    }

    /// The FIN of the sender is taken.
    pub(super) fn note_fin(&mut self) {
        let end = self.segment.end();
        let sender = self.sender();
        if !sender.has(bit::FIN) {
            sender.set(bit::FIN);
            sender.fin = end;
            self.verdict.fin = Some(end);
        }
    }
}
