//! SYNs from both ends: simultaneous open (RFC 9293 section 3.5, figure 8) and the split handshake, in which
//! the server answers with a SYN of its own and the client sends the SYN/ACK.

use contract::Event;

use super::half::bit;
use super::open::scale_of;
use super::step::{Outcome, Step};
use super::{Segment, TcpState, mark};

impl Step<'_> {
    /// A SYN of the server, which has not acknowledged the client's.
    pub(super) fn split_syn(&mut self) -> Outcome {
        let Segment { seq, window, options, .. } = self.segment;
        let now_s = self.segment.now_s();
        self.session.put(mark::SPLIT, true);
        self.session.put(mark::SCALES, options.window_scale.is_some());
        self.session.put(mark::SACK_OFFERED, options.sack_permitted);
        let server = self.server();
        server.start(seq);
        if let Some(stamps) = options.timestamps {
            server.begin_stamps(stamps.value, now_s);
            server.set(bit::STAMPED);
        }
        server.window = u32::from(window);
        server.scale = scale_of(options.window_scale);
        let first = server.next_seq;
        self.verdict.begin[1] = Some(first);
        Ok(())
    }

    /// The SYN/ACK of the client.
    pub(super) fn split_syn_ack(&mut self) -> Outcome {
        let Segment { seq, ack, window, options, .. } = self.segment;
        if !self.session.has(mark::SPLIT) {
            return self.refuse(Event::StreamHandshake3SynackInWrongDirection);
        }
        if ack != self.server().isn.wrapping_add(1) {
            return self.refuse(Event::StreamHandshake4SynackWithWrongAck);
        }
        if seq != self.client().isn {
            return self.refuse(Event::StreamHandshake4SynackWithWrongSyn);
        }
        self.enter(TcpState::SynRecv);
        let stamps = options.timestamps.filter(|_| self.server().has(bit::STAMPED));
        self.session.put(mark::STAMPS, stamps.is_some());
        let scale = options.window_scale.filter(|_| self.session.has(mark::SCALES));
        let sack = options.sack_permitted && self.session.has(mark::SACK_OFFERED);
        self.session.put(mark::SACK, sack);
        let now_s = self.segment.now_s();
        let client = self.client();
        client.start(seq);
        client.last_ack = client.next_seq;
        let first = client.next_seq;
        match stamps {
            Some(stamps) => client.begin_stamps(stamps.value, now_s),
            None => {
                client.forget_stamps();
                self.server().forget_stamps();
            }
        }
        let client = self.client();
        client.next_win = client.allowed();
        let server = self.server();
        server.window = u32::from(window);
        server.last_ack = ack;
        server.scale = scale_of(scale);
        server.next_win = server.allowed();
        self.verdict.begin[0] = Some(first);
        Ok(())
    }

    /// The ACK of the server, with which the connection is established.
    pub(super) fn split_ack(&mut self) -> Outcome {
        if self.segment.seq != self.server().next_seq {
            return self.refuse(Event::StreamHandshake4WrongSeq);
        }
        self.require_ack(Event::StreamHandshake4InvalidAck)?;
        self.take_stamp();
        self.established_by_server();
        Ok(())
    }
}
