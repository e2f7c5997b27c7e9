//! What decoding and stream tracking notice about a packet, by the peer's names.

mod names;

macro_rules! define {
    ($($variant:ident $name:literal)*) => {
        /// Something unusual about a packet, or about the stream that it belongs to.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Event {
            $(#[doc = concat!("`", $name, "`.")] $variant,)*
        }

        impl Event {
            /// Every event, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name, with its family: `decoder.ipv4.pkt_too_small`, `stream.est_invalid_ack`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

names::events!(define);

/// Other spellings that the peer takes in rules.
const SPELLINGS: [(&str, Event); 2] = [
    ("3whs_synack_resend_with_different_ack", Event::StreamHandshake3SynackResendWithDiffAck),
    ("est_synack_resend_with_different_ack", Event::StreamEstSynackResendWithDiffAck),
];

impl Event {
    /// The event that `decode-event` (alias `engine-event`) calls `name`, such as `ipv4.pkt_too_small`.
    #[must_use]
    pub fn decoder(name: &str) -> Option<Self> {
        Self::find("decoder.", name)
    }

    /// The event that `stream-event` calls `name`, such as `est_invalid_ack`.
    #[must_use]
    pub fn stream(name: &str) -> Option<Self> {
        let spelled = SPELLINGS.iter().find(|(spelling, _)| *spelling == name);
        spelled.map(|(_, event)| *event).or_else(|| Self::find("stream.", name))
    }

    fn find(family: &str, name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|event| event.name().strip_prefix(family) == Some(name))
    }
}

/// Words of an [`EventSet`].
const WORDS: usize = Event::ALL.len().div_ceil(u64::BITS as usize);

/// A set of events: a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventSet([u64; WORDS]);

impl EventSet {
    /// No event.
    pub const EMPTY: Self = Self([0; WORDS]);

    /// Whether there is none.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::EMPTY
    }

    /// Adds `event`.
    #[inline]
    pub const fn insert(&mut self, event: Event) {
        self.0[event as usize / 64] |= 1 << (event as usize % 64);
    }

    /// Whether `event` is in it.
    #[inline]
    #[must_use]
    pub const fn contains(&self, event: Event) -> bool {
        self.0[event as usize / 64] & 1 << (event as usize % 64) != 0
    }

    /// Adds all of `other`.
    #[inline]
    pub fn merge(&mut self, other: &Self) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }

    /// The events in it, by their numbers.
    pub fn iter(&self) -> impl Iterator<Item = Event> + use<> {
        let words = self.0;
        words.into_iter().enumerate().flat_map(|(index, word)| {
            let mut rest = word;
            core::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                Event::ALL.get(index * 64 + bit as usize).copied()
            })
        })
    }
}

impl FromIterator<Event> for EventSet {
    fn from_iter<I: IntoIterator<Item = Event>>(events: I) -> Self {
        let mut set = Self::EMPTY;
        for event in events {
            set.insert(event);
        }
        set
    }
}

#[cfg(test)]
mod tests;
