//! One segment on its way through a session.

use contract::Event;

use super::half::{Half, bit};
use super::{Host, Segment, Session, SessionSettings, Stage, TcpState, Verdict, flag, mark, seq};
use crate::Direction;

/// The segment does not belong to the stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused;

pub(super) type Outcome = Result<(), Refused>;

/// The segment, its session, and what is known of the verdict.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) session: &'a mut Session,
    pub(super) segment: Segment,
    pub(super) target: Host,
    pub(super) settings: &'a SessionSettings,
    pub(super) verdict: Verdict,
}

impl<'a> Step<'a> {
    pub(super) fn new(
        session: &'a mut Session,
        segment: &Segment,
        target: Host,
        settings: &'a SessionSettings,
    ) -> Self {
        Self { session, segment: *segment, target, settings, verdict: Verdict::default() }
    }

    pub(super) fn run(mut self) -> Verdict {
        // The peer tells rules of the state before the segment: the handshake's last ACK is not in it.
        self.verdict.established = self.session.stage() != Stage::New;
        // RFC 9293 section 3.1: without ACK the field means nothing.
        if !self.segment.has(flag::ACK) && self.segment.ack != 0 {
            self.raise(Event::StreamPktBrokenAck);
        }
        let opened = self.session.state != TcpState::None;
        let outcome = if opened {
            self.note_side();
            self.follow()
        } else {
            self.open()
        };
        self.verdict.refused = outcome.is_err();
        self.verdict.state = self.session.state;
        self.report_ends();
        self.verdict
    }

    /// Once both sides are seen, since the session began, it is not one-sided.
    fn note_side(&mut self) {
        self.sender().set(bit::SEEN);
        if self.session.halves.iter().all(|half| half.has(bit::SEEN)) {
            self.session.put(mark::ASYNC, false);
        }
    }

    /// A segment of a session that exists.
    fn follow(&mut self) -> Outcome {
        if !self.is_told_apart() {
            self.dispatch(self.session.state)?;
        }
        self.check_after_reset();
        Ok(())
    }

    pub(super) fn dispatch(&mut self, state: TcpState) -> Outcome {
        if state.is_after_fin()
            && let Some(outcome) = self.reset_or_syn()
        {
            return outcome;
        }
        match state {
            TcpState::None => Ok(()),
            TcpState::SynSent => self.syn_sent(),
            TcpState::SynRecv => self.syn_recv(),
            TcpState::Established => self.established(),
            TcpState::FinWait1 => self.fin_wait_1(),
            TcpState::FinWait2 => self.fin_wait_2(),
            TcpState::TimeWait => self.time_wait(),
            TcpState::LastAck => self.last_ack(),
            TcpState::CloseWait => self.close_wait(),
            TcpState::Closing => self.closing(),
            TcpState::Closed => self.closed(),
        }
    }

    /// Tells which halves ended with this segment.
    fn report_ends(&mut self) {
        let closed = self.session.state == TcpState::Closed;
        for (half, ended) in self.session.halves.iter_mut().zip(&mut self.verdict.ended) {
            if !half.has(bit::ENDED) && (closed || half.fin_acked()) {
                half.set(bit::ENDED);
                *ended = true;
            }
        }
    }

    pub(super) fn raise(&mut self, event: Event) {
        self.verdict.events.insert(event);
    }

    /// Raises `event`; the segment does not belong to the stream.
    pub(super) fn refuse(&mut self, event: Event) -> Outcome {
        self.raise(event);
        Err(Refused)
    }

    pub(super) fn enter(&mut self, state: TcpState) {
        if state != self.session.state {
            self.session.earlier = self.session.state;
            self.session.state = state;
        }
    }

    pub(super) fn to_server(&self) -> bool {
        self.segment.direction == Direction::ToServer
    }

    /// The half that the segment is part of.
    pub(super) fn sender(&mut self) -> &mut Half {
        self.session.half(self.segment.direction)
    }

    /// The half that the segment acknowledges.
    pub(super) fn receiver(&mut self) -> &mut Half {
        let opposite = 1 - self.segment.direction.index();
        &mut self.session.halves[opposite]
    }

    pub(super) fn client(&mut self) -> &mut Half {
        self.session.half(Direction::ToServer)
    }

    pub(super) fn server(&mut self) -> &mut Half {
        self.session.half(Direction::ToClient)
    }

    /// The segment's payload goes into the stream, and its acknowledgement counts.
    pub(super) fn accept(&mut self) {
        let Segment { seq: at, payload_len, flags, .. } = self.segment;
        // RFC 9293 section 3.4: a SYN has the number before the data's.
        let first = at.wrapping_add(u32::from(flags & flag::SYN != 0));
        self.verdict.valid = true;
        // RFC 9293 section 3.10.7.4: what a RST carries is no data of the stream.
        if payload_len > 0 && flags & flag::RST == 0 {
            let end = first.wrapping_add(payload_len);
            self.verdict.data = Some(first);
            let sender = self.sender();
            if seq::after(end, sender.data_end) {
                sender.data_end = end;
            }
        }
        if flags & flag::ACK != 0 {
            self.verdict.acked = Some(self.receiver().last_ack);
        }
    }

    /// The acknowledgement is none that the other side can have sent: `event`, beside `pkt_invalid_ack`.
    pub(super) fn require_ack(&mut self, event: Event) -> Outcome {
        if self.is_ack_valid() {
            return Ok(());
        }
        self.raise(Event::StreamPktInvalidAck);
        self.refuse(event)
    }

    /// RFC 9293 section 3.10.7.4 takes what is unacknowledged and sent; an observer may have missed some of it, so
    /// that all that the window allowed is taken, and old ones of a window's width (RFC 5961 section 5.2).
    fn is_ack_valid(&mut self) -> bool {
        let Segment { ack, flags, .. } = self.segment;
        let opening = self.session.state == TcpState::SynSent;
        let to_client = !self.to_server();
        let one_sided = self.session.has(mark::ASYNC);
        let half = *self.receiver();
        if flags & flag::ACK == 0 || ack == half.last_ack {
            return true;
        }
        if seq::before(ack, half.last_ack) {
            let oldest = half.last_ack.wrapping_sub(half.window);
            return half.window == 0 || !seq::before(ack, oldest);
        }
        if !seq::after(ack, half.next_win) || one_sided {
            return true;
        }
        // The RST that answers a SYN: no window is known yet.
        opening && to_client && flags & flag::RST != 0 && ack == half.isn.wrapping_add(1)
    }

    /// The window and the acknowledgement of the segment count for the opposite half.
    pub(super) fn take_ack(&mut self) {
        let Segment { ack, window, flags, .. } = self.segment;
        let receiver = self.receiver();
        receiver.window = receiver.scaled(window);
        if flags & flag::ACK != 0 {
            receiver.acknowledge(ack);
        }
    }
}
