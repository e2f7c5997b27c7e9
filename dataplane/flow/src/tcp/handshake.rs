//! The handshake: RFC 9293 section 3.5, repeats with other numbers, fast open, one-sided traffic.

use contract::Event;

use super::alternatives::Offer;
use super::half::bit;
use super::step::{Outcome, Step};
use super::{Segment, TcpState, flag, mark, seq};

impl Step<'_> {
    /// The client has sent a SYN.
    pub(super) fn syn_sent(&mut self) -> Outcome {
        let segment = self.segment;
        if segment.has(flag::SYN | flag::ACK) {
            return if self.to_server() { self.split_syn_ack() } else { self.syn_ack() };
        }
        if !self.to_server() && !self.echoes_any() {
            return self.refuse(Event::StreamPktInvalidTimestamp);
        }
        if segment.has(flag::RST) {
            self.reset_in_syn_sent()
        } else if segment.has(flag::FIN) {
            Ok(())
        } else if segment.has(flag::SYN) {
            if self.to_server() { self.syn_again() } else { self.split_syn() }
        } else if segment.has(flag::ACK) && self.settings.async_oneside {
            self.ack_without_syn_ack()
        } else {
            Ok(())
        }
    }

    /// The segment echoes the timestamp of one of the SYNs.
    fn echoes_any(&self) -> bool {
        let again = self.session.alternatives.find(|offer| self.echoes(offer.stamp()));
        again.is_some() || self.echoes(self.client_stamp())
    }

    /// Timestamp of the client's SYN.
    fn client_stamp(&self) -> Option<u32> {
        let client = &self.session.halves[0];
        client.has(bit::STAMPED).then_some(client.last_stamp)
    }

    /// The server answers: one of the SYNs, told by its timestamp (RFC 7323 section 3.2).
    fn syn_ack(&mut self) -> Outcome {
        let segment = self.segment;
        let client = *self.client();
        let first = client.isn.wrapping_add(1);
        let repeated = !self.session.alternatives.is_empty();
        // RFC 7413 section 4.2: of a SYN with data the server acknowledges the data too, or the SYN alone.
        let fast_open =
            !repeated && (segment.options.fast_open || self.session.has(mark::FAST_OPEN));
        let whole = if fast_open { client.next_seq } else { first };
        if segment.ack != whole && segment.ack != first {
            return self.refuse(Event::StreamHandshake3SynackWithWrongAck);
        }
        let again = self.session.alternatives.find(|offer| self.echoes(offer.stamp()));
        match again {
            Some(offer) => self.take_syn(offer),
            None if self.echoes(self.client_stamp()) => {}
            None => return self.refuse(Event::StreamPktInvalidTimestamp),
        }
        if segment.ack != whole {
            self.raise(Event::StreamHandshake3SynackTfoDataIgnored);
            self.client().next_seq = first;
        }
        self.session.put(mark::FAST_OPEN, fast_open);
        self.session.alternatives.clear();
        self.take_syn_ack(Offer::of(&segment));
        Ok(())
    }

    /// Another SYN than the first one is the one that counts.
    fn take_syn(&mut self, offer: Offer) {
        let now_s = self.segment.now_s();
        self.session.put(mark::SCALES, offer.scale().is_some());
        self.session.put(mark::SACK_OFFERED, offer.sack());
        let client = self.client();
        client.last_stamp = offer.stamp().unwrap_or(0);
        client.last_stamp_s = now_s;
        client.put(bit::STAMPED, offer.stamp().is_some());
        client.put(bit::ZERO_STAMP, offer.stamp() == Some(0));
        let server = self.server();
        server.window = u32::from(offer.window);
        server.scale = offer.scale().unwrap_or(0);
    }

    /// The session's SYN/ACK is `offer`, the server's numbers start with it.
    fn take_syn_ack(&mut self, offer: Offer) {
        let now_s = self.segment.now_s();
        // An offer is queued only with the acknowledgement of the first SYN/ACK.
        let ack = if self.to_server() { self.client().last_ack } else { self.segment.ack };
        self.enter(TcpState::SynRecv);
        let stamped = offer.stamp().filter(|_| self.client().has(bit::STAMPED));
        self.session.put(mark::STAMPS, stamped.is_some());
        let scale = offer.scale().filter(|_| self.session.has(mark::SCALES));
        let sack = offer.sack() && self.session.has(mark::SACK_OFFERED);
        self.session.put(mark::SACK, sack);
        // The server has answered as in a handshake of three.
        self.session.put(mark::SPLIT, false);
        let server = self.server();
        server.start(offer.seq);
        server.last_ack = server.next_seq;
        server.next_win = server.allowed();
        let first = server.next_seq;
        match stamped {
            Some(value) => server.begin_stamps(value, now_s),
            None => {
                server.last_stamp = 0;
                self.client().forget_stamps();
            }
        }
        let client = self.client();
        client.window = u32::from(offer.window);
        client.last_ack = ack;
        client.scale = scale.unwrap_or(0);
        client.next_win = client.allowed();
        self.verdict.begin[1] = Some(first);
    }

    /// Another SYN; they are told apart by their timestamps. The latest may be answered even if there are too many.
    fn syn_again(&mut self) -> Outcome {
        let offer = Offer::of(&self.segment);
        let alternatives = &mut self.session.alternatives;
        if alternatives.find(|kept| kept.stamp() == offer.stamp()).is_some() {
            return Ok(());
        }
        let flood = alternatives.count() >= self.settings.syn_queued_max;
        alternatives.push(offer);
        if flood { self.refuse(Event::StreamHandshake3SynFlood) } else { Ok(()) }
    }

    /// An ACK of the client though its SYN was not answered: the server's side is not seen.
    fn ack_without_syn_ack(&mut self) -> Outcome {
        let segment = self.segment;
        if segment.seq != self.client().next_seq {
            return self.refuse(Event::StreamHandshake3AsyncWrongSeq);
        }
        self.session.put(mark::ASYNC, true);
        self.enter(TcpState::Established);
        let stamped = segment.options.timestamps.is_some() && self.client().has(bit::STAMPED);
        self.session.put(mark::STAMPS, stamped);
        let sack = self.session.has(mark::SACK_OFFERED);
        self.session.put(mark::SACK, sack);
        let client = self.client();
        if stamped {
            client.last_stamp_s = segment.now_s();
        } else {
            client.forget_stamps();
        }
        client.window = u32::from(segment.window);
        client.last_ack = segment.seq;
        client.next_win = client.allowed();
        let server = self.server();
        server.start(segment.ack.wrapping_sub(1));
        server.last_ack = server.next_seq;
        server.next_win = server.last_ack;
        self.verdict.begin[1] = Some(segment.ack);
        self.accept();
        Ok(())
    }

    /// The server has answered; the handshake's last ACK is due.
    pub(super) fn syn_recv(&mut self) -> Outcome {
        let segment = self.segment;
        if segment.has(flag::RST) {
            self.reset_in_syn_recv()
        } else if segment.has(flag::FIN) {
            self.require_stamp()?;
            self.first_fin()
        } else if segment.has(flag::SYN | flag::ACK) {
            self.syn_ack_again()
        } else if segment.has(flag::SYN) {
            if !self.to_server() {
                return self.refuse(Event::StreamHandshake3SynToclientOnSynRecv);
            }
            if segment.seq != self.client().isn {
                return self.refuse(Event::StreamHandshake3SynResendDiffSeqOnSynRecv);
            }
            Ok(())
        } else if segment.has(flag::ACK) {
            self.handshake_ack()
        } else {
            Ok(())
        }
    }

    fn syn_ack_again(&mut self) -> Outcome {
        let segment = self.segment;
        if self.to_server() {
            return self.refuse(Event::StreamHandshake3SynackToserverOnSynRecv);
        }
        if segment.ack != self.client().last_ack {
            return self.refuse(Event::StreamHandshake3SynackResendWithDiffAck);
        }
        let offer = Offer::of(&segment);
        let known = segment.seq == self.server().isn
            || self.session.alternatives.find(|kept| *kept == offer).is_some();
        if known {
            return Ok(());
        }
        if self.session.alternatives.count() >= self.settings.synack_queued_max {
            return self.refuse(Event::StreamHandshake3SynackFlood);
        }
        self.session.alternatives.push(offer);
        Ok(())
    }

    fn handshake_ack(&mut self) -> Outcome {
        let ack = self.segment.ack;
        let acked = self.session.alternatives.find(|offer| offer.seq.wrapping_add(1) == ack);
        if let Some(offer) = acked.filter(|_| self.to_server()) {
            self.take_syn_ack(offer);
        }
        self.require_stamp()?;
        if !self.to_server() && self.session.has(mark::SPLIT) {
            return self.split_ack();
        }
        let Segment { seq: at, .. } = self.segment;
        let (client, server) = (*self.client(), *self.server());
        let to_client = !self.to_server();
        if at == client.next_seq && ack == server.next_seq {
            self.take_stamp();
            // For the peer data in the handshake's last ACK is data of an established connection.
            self.verdict.established |= self.segment.payload_len > 0;
            self.enter_established();
        } else if self.settings.async_oneside && at == server.next_seq {
            self.one_sided_from_syn_ack();
        } else if at == client.next_seq {
            self.session.put(mark::EVASION, true);
            return self.refuse(Event::StreamHandshake3RightSeqWrongAckEvasion);
        } else if to_client && seq::after(at, client.next_seq) && seq::after(ack, client.last_ack) {
            // The client's ACK and data were missed.
            self.take_stamp();
            self.established_by_server();
        } else if seq::after(at, client.next_seq)
            && !seq::after(at, client.next_win)
            && ack == server.next_seq
        {
            // The client's first segments were missed.
            self.take_stamp();
            self.client().next_seq = at;
            self.enter_established();
        } else if to_client
            && ack == client.last_ack
            && at == server.next_seq
            && !self.session.has(mark::FROM_SYN_ACK)
        {
            // The client's ACK alone was missed, or it is not needed (RFC 7413 section 4.2).
            self.established_by_server();
        } else {
            return self.refuse(Event::StreamHandshake3WrongSeqWrongAck);
        }
        Ok(())
    }

    /// The ACK of the client completes the handshake.
    fn enter_established(&mut self) {
        let Segment { ack, window, payload_len, .. } = self.segment;
        let client = self.client();
        client.next_seq = client.next_seq.wrapping_add(payload_len);
        let server = self.server();
        server.acknowledge(ack);
        server.window = server.scaled(window);
        server.next_win = server.allowed();
        if self.session.has(mark::MIDSTREAM) {
            let window = self.server().window;
            let client = self.client();
            client.window = window;
            client.next_win = client.allowed();
        }
        self.enter(TcpState::Established);
        self.accept();
    }

    /// A segment of the server completes the handshake.
    pub(super) fn established_by_server(&mut self) {
        let Segment { ack, window, .. } = self.segment;
        let end = self.segment.end();
        self.server().next_seq = end;
        let client = self.client();
        client.acknowledge(ack);
        client.window = client.scaled(window);
        client.next_win = client.allowed();
        self.enter(TcpState::Established);
        self.accept();
    }

    /// The server goes on though the client's ACK is not seen: one side only.
    fn one_sided_from_syn_ack(&mut self) {
        let Segment { seq: at, ack, window, payload_len, .. } = self.segment;
        self.session.put(mark::ASYNC, true);
        let server = self.server();
        server.next_seq = server.next_seq.wrapping_add(payload_len);
        server.last_ack = at;
        let client = self.client();
        client.window = client.scaled(window);
        client.last_ack = ack;
        self.take_stamp();
        self.enter(TcpState::Established);
        self.accept();
    }
}
