//! What a server says to a message: stored, or why not.

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use async_nats::{Message, StatusCode};

/// The answer to a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The stream holds it.
    Stored {
        /// It held it before.
        duplicate: bool,
    },
    /// No stream listens.
    NoStream,
    /// The stream takes nothing for now (it is full, the server lacks resources …), in words.
    Later(String),
    /// This message is taken by no stream of these settings, in words.
    Never(String),
}

impl Answer {
    /// Reads an answer.
    pub(super) fn of(message: &Message) -> Self {
        if message.status == Some(StatusCode::NO_RESPONDERS) {
            return Self::NoStream;
        }
        Self::of_payload(&message.payload)
    }

    fn of_payload(payload: &[u8]) -> Self {
        match serde_json::from_slice(payload) {
            Ok(Response::Ok(PublishAck { duplicate, .. })) => Self::Stored { duplicate },
            Ok(Response::Err { error }) => match error.error_code() {
                ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM
                | ErrorCode::STREAM_HEADER_EXCEEDS_MAXIMUM => Self::Never(error.to_string()),
                _ => Self::Later(error.to_string()),
            },
            // A server that cannot be understood may be understood after its update.
            Err(error) => Self::Later(format!("an answer that is none of JetStream's: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::Answer;

    fn of(payload: &str) -> Answer {
        Answer::of_payload(payload.as_bytes())
    }

    #[test]
    fn answers_are_told_apart() {
        // As nats-server 2.9.10 writes them.
        assert_eq!(of(r#"{"stream":"S","seq":1}"#), Answer::Stored { duplicate: false });
        assert_eq!(
            of(r#"{"stream":"S","seq":1,"duplicate":true}"#),
            Answer::Stored { duplicate: true }
        );
        let full = of(
            r#"{"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"},"stream":"S","seq":0}"#,
        );
        assert!(matches!(full, Answer::Later(reason) if reason.contains("maximum bytes exceeded")));
        let large = of(
            r#"{"error":{"code":400,"err_code":10054,"description":"message size exceeds maximum allowed"},"stream":"S","seq":0}"#,
        );
        assert!(matches!(large, Answer::Never(_)), "{large:?}");
        assert!(matches!(of("+OK"), Answer::Later(_)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer(payload: Vec<u8>, cut in any::<proptest::sample::Index>()) {
            Answer::of_payload(&payload);
            let ack = br#"{"stream":"S","seq":1,"duplicate":true}"#;
            let part = &ack[..cut.index(ack.len())];
            assert!(matches!(Answer::of_payload(part), Answer::Later(_)));
        }
    }
}
