//! RST: which are obeyed, and what follows one that its sender did not mean.

use contract::Event;

use super::half::bit;
use super::settings::ResetRule;
use super::step::{Outcome, Refused, Step};
use super::{Segment, TcpState, flag, mark, seq};

impl Step<'_> {
    /// The receiver obeys this RST. One out of place is refused without an event, as the peer does.
    fn require_reset(&mut self) -> Outcome {
        let Segment { seq: at, ack, payload_len, options, .. } = self.segment;
        self.require_stamp()?;
        if payload_len > 0 {
            // RFC 9293 section 3.5.3 allows a cause as text.
            self.raise(Event::StreamRstWithData);
        }
        if ack != 0 {
            self.require_ack(Event::StreamRstInvalidAck)?;
        }
        if options.signed {
            // The signature cannot be checked: the sender shows whether the RST was its own.
            self.sender().set(bit::RESET);
        }
        let one_sided = self.session.has(mark::ASYNC);
        let rule = if one_sided { ResetRule::NextOrAfter } else { self.target.reset_rule() };
        let sender = *self.sender();
        let obeyed = match rule {
            ResetRule::Exact => at == sender.next_seq,
            ResetRule::NextOrAfter => !seq::before(at, sender.next_seq),
            ResetRule::InWindow => {
                !seq::before(self.segment.end(), sender.last_ack)
                    && seq::before(at, sender.next_seq.wrapping_add(sender.window))
            }
        };
        if obeyed || self.session.has(mark::LOSSY) { Ok(()) } else { Err(Refused) }
    }

    fn end_by_reset(&mut self) {
        self.enter(TcpState::Closed);
        self.verdict.reset = true;
    }

    /// A RST while data may flow, or flows out.
    pub(super) fn reset(&mut self) -> Outcome {
        let Segment { seq: at, ack, .. } = self.segment;
        self.require_reset()?;
        self.end_by_reset();
        let (end, acked) = (self.segment.end(), self.segment.has(flag::ACK));
        let receiver = self.receiver();
        if acked {
            receiver.next_seq = ack;
            receiver.acknowledge(ack);
        }
        let sender = self.sender();
        // For the peer a RST counts as one, as a FIN does.
        sender.next_seq = end.wrapping_add(1);
        sender.acknowledge(at);
        self.take_stamp();
        self.accept();
        Ok(())
    }

    /// RFC 9293 section 3.10.7.3: the server's RST acknowledges the SYN.
    pub(super) fn reset_in_syn_sent(&mut self) -> Outcome {
        self.require_reset()?;
        let Segment { seq: at, ack, window, .. } = self.segment;
        if self.to_server() {
            let isn = self.client().isn;
            if at == isn && window == 0 && ack == isn.wrapping_add(1) {
                self.client().set(bit::RESET);
                self.end_by_reset();
            }
        } else {
            self.server().set(bit::RESET);
            self.end_by_reset();
        }
        Ok(())
    }

    pub(super) fn reset_in_syn_recv(&mut self) -> Outcome {
        self.require_reset()?;
        if !(self.session.has(mark::EVASION) && self.target.ignores_reset_after_evasion()) {
            self.end_by_reset();
            self.take_stamp();
        }
        Ok(())
    }

    /// A segment after the end. Where its sender has reset the connection, and goes on, the RST was not the
    /// sender's, and the state before it holds.
    pub(super) fn closed(&mut self) -> Outcome {
        if self.segment.has(flag::RST) {
            return Ok(());
        }
        let answers_reset = self.receiver().has(bit::RESET);
        if self.sender().has(bit::RESET) && !answers_reset {
            let earlier = self.session.earlier;
            if earlier != TcpState::Closed {
                self.dispatch(earlier)?;
            }
            if self.session.state == TcpState::Closed {
                self.session.state = earlier;
            }
        }
        Ok(())
    }

    /// Something that is no RST comes from the side that has reset the connection.
    pub(super) fn check_after_reset(&mut self) {
        if self.segment.has(flag::RST) || !self.sender().has(bit::RESET) {
            return;
        }
        self.sender().clear(bit::RESET);
        self.session.halves.iter_mut().for_each(|half| half.clear(bit::ENDED));
        self.raise(Event::StreamSuspectedRstInject);
    }
}
