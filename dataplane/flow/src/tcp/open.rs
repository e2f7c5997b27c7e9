//! The first segment of a session, and the one that begins a new connection on the same addresses and ports.

use contract::Event;

use super::half::{WINDOW_SCALE_MAX, bit};
use super::step::{Outcome, Step};
use super::{Segment, Session, SessionSettings, TcpState, flag, mark};
use crate::Direction;

impl Session {
    /// `segment` begins a new connection: the flow of this session has ended, and the segment opens another, whose
    /// client is its sender. Nothing is changed.
    ///
    /// The peer takes a bare SYN with a number of its own as a beginning once both sides have closed, or the
    /// connection was reset. RFC 9293 section 3.6.1 lets it come from TIME-WAIT on; the peer does not.
    #[must_use]
    pub fn is_superseded(&self, segment: &Segment, settings: &SessionSettings) -> bool {
        let over = self.state >= TcpState::LastAck;
        let to_client = segment.direction == Direction::ToClient;
        let opening = segment.flags & (flag::SYN | flag::ACK | flag::RST | flag::FIN);
        let syn = opening == flag::SYN;
        let picked_up =
            (settings.midstream || settings.async_oneside) && opening == flag::SYN | flag::ACK;
        if self.state == TcpState::None {
            return syn && to_client;
        }
        if syn {
            over && (to_client || segment.seq != self.halves[Direction::ToServer.index()].isn)
        } else {
            picked_up && over && segment.seq != self.halves[Direction::ToClient.index()].isn
        }
    }
}

impl Step<'_> {
    /// A segment of a flow that has no session yet.
    pub(super) fn open(&mut self) -> Outcome {
        self.begin()?;
        if self.session.state != TcpState::None {
            self.sender().set(bit::SEEN);
        }
        Ok(())
    }

    fn begin(&mut self) -> Outcome {
        let segment = self.segment;
        if segment.has(flag::RST) {
            return self.refuse(Event::StreamRstButNoSession);
        }
        if segment.has(flag::FIN) {
            if !self.settings.midstream || segment.payload_len == 0 {
                return self.refuse(Event::StreamFinButNoSession);
            }
            self.pick_up();
            self.enter(TcpState::FinWait1);
            self.note_fin();
            let sender = self.sender();
            sender.next_seq = sender.next_seq.wrapping_add(1);
        } else if segment.has(flag::SYN | flag::ACK) {
            if self.settings.midstream || self.settings.async_oneside {
                self.pick_up_at_syn_ack();
            }
        } else if segment.has(flag::SYN) {
            self.open_at_syn();
        } else if segment.has(flag::ACK) && self.settings.midstream {
            self.pick_up();
        }
        Ok(())
    }

    fn open_at_syn(&mut self) {
        let segment = self.segment;
        let options = segment.options;
        self.enter(TcpState::SynSent);
        self.session.put(mark::ASYNC, self.settings.async_oneside);
        self.note_syn();
        self.session.put(mark::FAST_OPEN, options.fast_open);
        let client = self.client();
        client.start(segment.seq);
        let first = client.next_seq;
        if options.fast_open && segment.payload_len > 0 {
            // RFC 7413 section 4.2: data in the SYN is the first data of the stream.
            client.next_seq = first.wrapping_add(segment.payload_len);
            self.accept();
        }
        self.verdict.begin[0] = Some(first);
    }

    /// What the client's SYN says of itself: timestamps, window, its scale, SACK.
    pub(super) fn note_syn(&mut self) {
        let Segment { options, window, .. } = self.segment;
        let now_s = self.segment.now_s();
        self.session.put(mark::SCALES, options.window_scale.is_some());
        self.session.put(mark::SACK_OFFERED, options.sack_permitted);
        let client = self.client();
        if let Some(stamps) = options.timestamps {
            client.last_stamp = stamps.value;
            client.last_stamp_s = now_s;
            client.set(bit::STAMPED);
            client.put(bit::ZERO_STAMP, stamps.value == 0);
        }
        let server = self.server();
        // RFC 7323 section 2.2: the window of a segment with SYN is never scaled.
        server.window = u32::from(window);
        server.scale = scale_of(options.window_scale);
    }

    /// A connection from its SYN/ACK on: the sender is the server, whoever opened the flow.
    fn pick_up_at_syn_ack(&mut self) {
        let segment = self.segment;
        let options = segment.options;
        let now_s = segment.now_s();
        if self.to_server() {
            self.verdict.reversed = true;
            self.session.halves.swap(0, 1);
            self.segment.direction = Direction::ToClient;
        }
        self.enter(TcpState::SynRecv);
        self.session.put(mark::MIDSTREAM | mark::FROM_SYN_ACK, true);
        self.session.put(mark::ASYNC, self.settings.async_oneside);
        let stamps = options.timestamps;
        self.session.put(mark::STAMPS, stamps.is_some());
        self.session.put(mark::SACK, options.sack_permitted);
        let server = self.server();
        server.start(segment.seq);
        server.window = u32::from(segment.window);
        server.last_ack = segment.seq;
        server.next_win = server.allowed();
        let client = self.client();
        client.start(segment.ack.wrapping_sub(1));
        client.last_ack = segment.ack;
        if let Some(shift) = options.window_scale {
            client.scale = scale_of(Some(shift));
            // The client's shift is unknown: the largest refuses nothing that might be valid.
            self.server().scale = WINDOW_SCALE_MAX;
        }
        if let Some(stamps) = stamps {
            self.server().begin_stamps(stamps.value, now_s);
            self.client().begin_stamps(stamps.echo, now_s);
        }
        self.verdict.begin = [Some(segment.ack), Some(segment.seq.wrapping_add(1))];
    }

    /// A connection in its midst: the sender counts as the client.
    fn pick_up(&mut self) {
        let segment = self.segment;
        let now_s = segment.now_s();
        self.enter(TcpState::Established);
        self.session.put(mark::MIDSTREAM | mark::HALF_PICKED_UP | mark::SACK, true);
        self.session.put(mark::ASYNC, self.settings.async_oneside);
        self.session.put(mark::STAMPS, segment.options.timestamps.is_some());
        let sender = self.sender();
        sender.start(segment.seq.wrapping_sub(1));
        sender.next_seq = segment.end();
        sender.scale = WINDOW_SCALE_MAX;
        sender.window = sender.scaled(segment.window);
        sender.last_ack = segment.seq;
        sender.next_win = sender.allowed();
        let receiver = self.receiver();
        receiver.start(segment.ack.wrapping_sub(1));
        receiver.scale = WINDOW_SCALE_MAX;
        receiver.last_ack = segment.ack;
        receiver.next_win = receiver.last_ack;
        if let Some(stamps) = segment.options.timestamps {
            self.sender().begin_stamps(stamps.value, now_s);
            self.receiver().begin_stamps(stamps.echo, now_s);
        }
        let own = segment.direction.index();
        self.verdict.begin[own] = Some(segment.seq);
        self.verdict.begin[1 - own] = Some(segment.ack);
        self.accept();
    }
}

/// The shift that counts. One that is larger than RFC 7323 section 2.3 allows is none.
pub(super) const fn scale_of(option: Option<u8>) -> u8 {
    match option {
        Some(shift) if shift <= WINDOW_SCALE_MAX => shift,
        _ => 0,
    }
}
