//! From the first FIN to the end: RFC 9293 section 3.6.

use contract::Event;

use super::step::{Outcome, Step};
use super::{Segment, TcpState, flag, mark, seq};

impl Step<'_> {
    /// The server has sent a FIN.
    pub(super) fn fin_wait_1(&mut self) -> Outcome {
        let segment = self.segment;
        if segment.has(flag::FIN) {
            let state = if segment.has(flag::ACK) { TcpState::TimeWait } else { TcpState::Closing };
            self.fin_in_fin_wait(Event::StreamFin1FinWrongSeq, Event::StreamFin1InvalidAck, state)
        } else if segment.has(flag::ACK) {
            self.ack_in_fin_wait(Event::StreamFin1AckWrongSeq, Event::StreamFin1InvalidAck)
        } else {
            Ok(())
        }
    }

    /// The server's FIN was acknowledged.
    pub(super) fn fin_wait_2(&mut self) -> Outcome {
        let segment = self.segment;
        if segment.has(flag::FIN) {
            self.fin_in_fin_wait(
                Event::StreamFin2FinWrongSeq,
                Event::StreamFin2InvalidAck,
                TcpState::TimeWait,
            )
        } else if segment.has(flag::ACK) {
            self.ack_in_fin_wait(Event::StreamFin2AckWrongSeq, Event::StreamFin2InvalidAck)
        } else {
            Ok(())
        }
    }

    /// A RST or a SYN, which are treated alike in all states from the first FIN on.
    pub(super) fn reset_or_syn(&mut self) -> Option<Outcome> {
        if self.segment.has(flag::RST) {
            return Some(self.reset());
        }
        let fin = self.segment.has(flag::FIN) && self.session.state != TcpState::Closing;
        let syn = self.segment.has(flag::SYN) && !fin;
        syn.then(|| self.refuse(Event::StreamShutdownSynResend))
    }

    /// Another FIN after the server's.
    fn fin_in_fin_wait(&mut self, wrong_seq: Event, invalid_ack: Event, next: TcpState) -> Outcome {
        self.require_stamp()?;
        let again = self.is_fin_again() || self.is_retransmission();
        // The peer lets a FIN come one early before the server's was acknowledged.
        let early = u32::from(self.session.state == TcpState::FinWait1);
        if !again && self.is_outside_window(early) {
            return self.refuse(wrong_seq);
        }
        self.require_ack(invalid_ack)?;
        let fin = self.counted_fin();
        if !again {
            self.enter(next);
            self.note_fin();
        }
        self.take_ack();
        self.take_stamp();
        self.catch_up(1);
        let counts = fin > 0 || (self.to_server() && self.segment.has(flag::ACK));
        if !again && counts {
            self.advance(fin);
        }
        self.accept();
        Ok(())
    }

    /// 1 where the server's FIN is in its next number and the peer compares with the number before: until the FIN
    /// is acknowledged.
    fn counted_fin(&self) -> u32 {
        u32::from(self.session.state == TcpState::FinWait1 && !self.to_server())
    }

    /// The FIN that was taken comes again, with nothing new.
    fn is_fin_again(&mut self) -> bool {
        let Segment { seq: at, ack, .. } = self.segment;
        let acked = ack == self.receiver().last_ack;
        let known = self.session.state == TcpState::FinWait2 || !self.to_server();
        known
            && acked
            && self.segment.has(flag::ACK)
            && at == self.sender().next_seq.wrapping_sub(1)
    }

    fn ack_in_fin_wait(&mut self, wrong_seq: Event, invalid_ack: Event) -> Outcome {
        self.require_stamp()?;
        let again = self.is_retransmission();
        self.require_ack(invalid_ack)?;
        let relaxed = self.session.bits & (mark::MIDSTREAM | mark::ASYNC) != 0;
        let end = self.segment.end();
        if seq::after(end, self.sender().next_win) && !relaxed {
            return self.refuse(wrong_seq);
        }
        let first = self.session.state == TcpState::FinWait1;
        let fin = self.counted_fin();
        let in_order = self.segment.seq == self.sender().next_seq.wrapping_sub(fin);
        // The client's ACK counts the FIN; one of the server shows that the FIN was not its last.
        let moves_on =
            in_order && (!self.to_server() || self.segment.ack == self.receiver().next_seq);
        if first && !again && moves_on {
            self.enter(TcpState::FinWait2);
        }
        self.take_ack();
        self.take_stamp();
        if first {
            self.catch_up(0);
        }
        self.advance(fin);
        self.receiver().widen();
        self.accept();
        Ok(())
    }

    /// Both have sent a FIN before either was acknowledged.
    pub(super) fn closing(&mut self) -> Outcome {
        if !self.segment.has(flag::ACK) {
            return Ok(());
        }
        self.require_stamp()?;
        let again = self.is_retransmission();
        if self.segment.seq != self.sender().next_seq {
            return self.refuse(Event::StreamClosingAckWrongSeq);
        }
        self.require_ack(Event::StreamClosingInvalidAck)?;
        if !again {
            self.enter(TcpState::TimeWait);
        }
        self.conclude(1)
    }

    /// The client has sent a FIN.
    pub(super) fn close_wait(&mut self) -> Outcome {
        if self.segment.has(flag::FIN) {
            self.require_stamp()?;
            let again = self.is_retransmission();
            if !again && self.is_outside_window(0) {
                return self.refuse(Event::StreamClosewaitFinOutOfWindow);
            }
            self.require_ack(Event::StreamClosewaitInvalidAck)?;
            if !again && !self.to_server() {
                self.enter(TcpState::LastAck);
                self.note_fin();
            }
        } else if self.segment.has(flag::ACK) {
            self.require_stamp()?;
            self.is_retransmission();
            let sender = *self.sender();
            let repeats =
                self.segment.payload_len > 0 && !seq::after(self.segment.end(), sender.last_ack);
            if repeats {
                return self.refuse(Event::StreamClosewaitPktBeforeLastAck);
            }
            if seq::after(self.segment.seq, sender.allowed()) {
                return self.refuse(Event::StreamClosewaitAckOutOfWindow);
            }
            self.require_ack(Event::StreamClosewaitInvalidAck)?;
        } else {
            return Ok(());
        }
        self.take_ack();
        self.take_stamp();
        self.catch_up(0);
        if !self.segment.has(flag::FIN) {
            self.advance(0);
        }
        self.accept();
        Ok(())
    }

    /// Both have sent a FIN, the client first; the client's ACK is due.
    pub(super) fn last_ack(&mut self) -> Outcome {
        let fin = self.segment.has(flag::FIN);
        if fin || !self.segment.has(flag::ACK) {
            return Ok(());
        }
        self.require_stamp()?;
        if !self.to_server() {
            return Ok(());
        }
        let again = self.is_retransmission();
        self.require_ack(Event::StreamLastackInvalidAck)?;
        let next = self.sender().next_seq;
        if !again && !seq::before(self.segment.seq, next) {
            if !seq::within(self.segment.seq, next, next.wrapping_add(1)) {
                return self.refuse(Event::StreamLastackAckWrongSeq);
            }
            self.enter(TcpState::Closed);
        }
        self.conclude(1)
    }

    /// Both have sent a FIN, the server first.
    pub(super) fn time_wait(&mut self) -> Outcome {
        let fin = self.segment.has(flag::FIN);
        if fin || !self.segment.has(flag::ACK) {
            return Ok(());
        }
        self.require_stamp()?;
        let again = self.is_retransmission();
        // The server's FIN is counted in its next number already, the client's is not.
        let counted = u32::from(!self.to_server());
        let next = self.sender().next_seq.wrapping_sub(counted);
        if !again && !seq::within(self.segment.seq, next, next.wrapping_add(1)) {
            return self.refuse(Event::StreamTimewaitAckWrongSeq);
        }
        self.require_ack(Event::StreamTimewaitInvalidAck)?;
        if !again {
            self.enter(TcpState::Closed);
        }
        self.conclude(1)
    }

    /// A FIN that does not begin in the sender's window, or `early` before it.
    fn is_outside_window(&mut self, early: u32) -> bool {
        let at = self.segment.seq;
        let sender = self.sender();
        seq::before(at, sender.next_seq.wrapping_sub(early)) || seq::after(at, sender.allowed())
    }

    /// The segment belongs to the stream: what it tells of its sender and of the other side counts, as
    /// [`Step::catch_up`] has it with `slack`.
    pub(super) fn conclude(&mut self, slack: u32) -> Outcome {
        self.take_ack();
        self.take_stamp();
        self.catch_up(slack);
        self.accept();
        Ok(())
    }

    /// What the segment acknowledges was sent, though it was missed; a FIN's number is not counted where
    /// `slack` is 1. Of a FIN the peer takes the field even without ACK.
    fn catch_up(&mut self, slack: u32) {
        let ack = self.segment.ack;
        let receiver = self.receiver();
        if seq::before(receiver.next_seq.wrapping_sub(slack), ack) {
            receiver.next_seq = ack;
        }
    }

    /// A segment that is the next one in order moves the sender's next number, `fin` of which is a FIN.
    fn advance(&mut self, fin: u32) {
        let Segment { seq: at, payload_len, .. } = self.segment;
        let sender = self.sender();
        if sender.next_seq.wrapping_sub(fin) == at {
            sender.next_seq = at.wrapping_add(payload_len);
        }
    }
}
