//! Text and signatures that the alerts of a batch have in common are written once.
//!
//! Small direct-mapped tables find what was written before. A place remembers where its text lies in the
//! message, and is believed only if the same bytes are found there; two texts that fall on one place
//! take turns, which costs message bytes and nothing else.

use flatbuffers::{FlatBufferBuilder, WIPOffset};

use crate::fields::SignatureFields;
use crate::wire;

pub(crate) type Builder = FlatBufferBuilder<'static>;
type Text = WIPOffset<&'static str>;

/// Places for the texts of rules, for those of flows and ports, and for signatures.
const RULE_TEXTS: usize = 256;
const OTHER_TEXTS: usize = 256;
const SIGNATURES: usize = 256;

/// What the open batch has written.
pub(crate) struct Shared {
    rules: Texts<RULE_TEXTS>,
    others: Texts<OTHER_TEXTS>,
    signatures: Box<[Place; SIGNATURES]>,
}

/// A signature in the message. Offsets count from the message's end; 0 is none.
#[derive(Clone, Copy, Default)]
struct Place {
    at: u32,
    msg: u32,
    category: u32,
    gid: u32,
    sid: u32,
    rev: u32,
    severity: u8,
    action: u8,
}

impl Shared {
    pub(crate) fn new() -> Self {
        let signatures = Box::new([Place::default(); SIGNATURES]);
        Self { rules: Texts::new(), others: Texts::new(), signatures }
    }

    /// Forgets the last batch.
    pub(crate) fn clear(&mut self) {
        self.rules.0.fill(0);
        self.others.0.fill(0);
        for place in &mut *self.signatures {
            place.at = 0;
        }
    }

    /// A text of a flow or a port; `None` if it is empty.
    pub(crate) fn text(&mut self, builder: &mut Builder, text: &str) -> Option<Text> {
        self.others.write(builder, text)
    }

    /// A signature, with its texts.
    pub(crate) fn signature(
        &mut self,
        builder: &mut Builder,
        fields: &SignatureFields<'_>,
    ) -> WIPOffset<wire::Signature<'static>> {
        let place = &mut self.signatures[place_of(mix(u64::from(fields.sid)), SIGNATURES)];
        if place.is(builder, fields) {
            return WIPOffset::new(place.at);
        }
        let msg = self.rules.write(builder, fields.msg);
        let category = self.rules.write(builder, fields.category);
        let args = wire::SignatureArgs {
            gid: fields.gid,
            sid: fields.sid,
            rev: fields.rev,
            msg,
            category,
            severity: fields.severity,
            action: fields.action,
        };
        let written = wire::Signature::create(builder, &args);
        *place = Place {
            at: written.value(),
            msg: msg.map_or(0, |text| text.value()),
            category: category.map_or(0, |text| text.value()),
            gid: fields.gid,
            sid: fields.sid,
            rev: fields.rev,
            severity: fields.severity,
            action: fields.action.0,
        };
        written
    }
}

impl Place {
    fn is(&self, builder: &Builder, fields: &SignatureFields<'_>) -> bool {
        self.at != 0
            && (self.sid, self.gid, self.rev) == (fields.sid, fields.gid, fields.rev)
            && (self.severity, self.action) == (fields.severity, fields.action.0)
            && lies_at(builder, self.msg, fields.msg)
            && lies_at(builder, self.category, fields.category)
    }
}

/// Where texts lie, by their hash.
struct Texts<const PLACES: usize>(Box<[u32; PLACES]>);

impl<const PLACES: usize> Texts<PLACES> {
    fn new() -> Self {
        Self(Box::new([0; PLACES]))
    }

    fn write(&mut self, builder: &mut Builder, text: &str) -> Option<Text> {
        if text.is_empty() {
            return None;
        }
        let place = &mut self.0[place_of(hash(text.as_bytes()), PLACES)];
        if *place == 0 || !lies_at(builder, *place, text) {
            *place = builder.create_string(text).value();
        }
        Some(WIPOffset::new(*place))
    }
}

/// Whether the string at `at`, counted from the end, is `text`. An empty text is not written at all.
fn lies_at(builder: &Builder, at: u32, text: &str) -> bool {
    if at == 0 || text.is_empty() {
        return at == 0 && text.is_empty();
    }
    let written = builder.unfinished_data();
    let Some(start) = written.len().checked_sub(at as usize) else { return false };
    let Some((length, rest)) = written[start..].split_first_chunk::<4>() else { return false };
    u32::from_le_bytes(*length) as usize == text.len() && rest.starts_with(text.as_bytes())
}

fn place_of(hash: u64, places: usize) -> usize {
    (hash >> 32) as usize % places
}

fn mix(word: u64) -> u64 {
    word.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Spreads texts over places; whoever chooses a text may choose its place too, which is harmless here.
fn hash(bytes: &[u8]) -> u64 {
    let mut hash = bytes.len() as u64;
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        let mut eight = [0; 8];
        eight.copy_from_slice(word);
        hash = mix(hash.rotate_left(5) ^ u64::from_le_bytes(eight));
    }
    for byte in words.remainder() {
        hash = mix(hash.rotate_left(5) ^ u64::from(*byte));
    }
    hash
}
