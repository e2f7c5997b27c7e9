//! A whole TCP connection from its chunks of data.

use std::net::SocketAddr;

use crate::packet::{Packet, tcp_flags};

/// One segment of data in a conversation.
#[derive(Clone, Copy, Debug)]
pub enum Chunk<'a> {
    /// The client sends.
    Client(&'a [u8]),
    /// The server sends.
    Server(&'a [u8]),
}

/// One end of a TCP conversation: makes its segments and counts its sequence numbers.
#[derive(Clone, Debug)]
pub struct Side {
    here: SocketAddr,
    there: SocketAddr,
    /// Next sequence number to send.
    pub seq: u32,
    /// Next sequence number expected from the other side.
    pub ack: u32,
}

impl Side {
    /// The side `here` of a connection to `there`, each as "address:port".
    ///
    /// # Panics
    /// If one of them is not a socket address.
    #[must_use]
    pub fn new(here: &str, there: &str, seq: u32) -> Self {
        Self { here: socket(here), there: socket(there), seq, ack: 0 }
    }

    /// The next Ethernet segment with `flags` and `data`; data, SYN and FIN advance the sequence number.
    pub fn send(&mut self, flags: u8, data: &[u8]) -> Packet {
        let packet = Packet::ethernet()
            .ip(self.here.ip(), self.there.ip())
            .tcp(self.here.port(), self.there.port())
            .flags(flags)
            .seq(self.seq)
            .ack(self.ack)
            .payload(data);
        let control = u32::from(flags & (tcp_flags::SYN | tcp_flags::FIN) != 0);
        self.seq = self.seq.wrapping_add(data.len() as u32).wrapping_add(control);
        packet
    }
}

fn socket(text: &str) -> SocketAddr {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is not address:port"))
}

/// The Ethernet frames of a connection from `client` to `server` ("address:port"): handshake, each chunk
/// followed by its acknowledgement, and an orderly end.
///
/// # Panics
/// If an address cannot be read.
#[must_use]
pub fn tcp_conversation(client: &str, server: &str, chunks: &[Chunk<'_>]) -> Vec<Vec<u8>> {
    use tcp_flags::{ACK, FIN, PSH, SYN};
    let mut ends = [Side::new(client, server, 1_000), Side::new(server, client, 5_000)];
    let mut frames = Vec::with_capacity(2 * chunks.len() + 6);
    let mut send = |from: usize, flags: u8, data: &[u8]| {
        frames.push(ends[from].send(flags, data).build());
        ends[1 - from].ack = ends[from].seq;
    };
    send(0, SYN, b"");
    send(1, SYN | ACK, b"");
    send(0, ACK, b"");
    for chunk in chunks {
        let (from, data) = match chunk {
            Chunk::Client(data) => (0, data),
            Chunk::Server(data) => (1, data),
        };
        send(from, PSH | ACK, data);
        send(1 - from, ACK, b"");
    }
    send(0, FIN | ACK, b"");
    send(1, FIN | ACK, b"");
    send(0, ACK, b"");
    frames
}

#[cfg(test)]
mod tests {
    use super::{Chunk, tcp_conversation};

    #[test]
    fn sequence_numbers_follow_the_data() {
        let frames = tcp_conversation(
            "10.0.0.1:4000",
            "10.0.0.2:80",
            &[Chunk::Client(b"12345"), Chunk::Server(b"678")],
        );
        assert_eq!(frames.len(), 10);
        let word = |frame: &[u8], at| u32::from_be_bytes(frame[at..at + 4].try_into().unwrap());
        let numbers: Vec<_> = frames.iter().map(|f| (word(f, 38), word(f, 42))).collect();
        assert_eq!(
            numbers,
            [
                (1_000, 0),
                (5_000, 1_001),
                (1_001, 5_001),
                (1_001, 5_001),
                (5_001, 1_006),
                (5_001, 1_006),
                (1_006, 5_004),
                (1_006, 5_004),
                (5_004, 1_007),
                (1_007, 5_005),
            ]
        );
    }
}
