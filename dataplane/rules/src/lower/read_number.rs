//! The options by which the `byte_*` keywords say how a number is written.

use super::Argument;
use super::fields::{named, unsigned, wrong};
use crate::ast::Word;
use crate::diagnostic::{Fault, Kind};
use crate::hir::{Base, Encoding, Quantity, ReadNumber};

/// Bytes of a binary number.
const BINARY_BYTES_MAX: u8 = 8;

/// Bytes of a number as text: the octal digits of 64 bits, and a leading zero.
pub(super) const TEXT_BYTES_MAX: u8 = 23;

/// How far a keyword goes in accepting options that say the same thing twice, or the opposite, or have
/// no effect. Each is as in Suricata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strictness {
    /// The last one counts, and text ignores the byte order (`byte_test`, `byte_jump`).
    Loose,
    /// Each once; text ignores the byte order (`byte_math`).
    Once,
    /// Each once, text has no byte order and is decimal unless the rule says (`byte_extract`).
    Strict,
}

/// A [`ReadNumber`] on its way.
pub(super) struct Draft<'a> {
    keyword: Word<'a>,
    count: Word<'a>,
    bytes: Quantity<u8>,
    offset: Quantity<i32>,
    pub(super) relative: bool,
    little: Option<bool>,
    text: bool,
    base: Option<Base>,
    bitmask: Option<u32>,
    strictness: Strictness,
}

impl<'a> Draft<'a> {
    /// A number of `count` bytes at `offset`.
    pub(super) const fn new(
        argument: &Argument<'a>,
        count: Word<'a>,
        bytes: Quantity<u8>,
        offset: Quantity<i32>,
        strictness: Strictness,
    ) -> Self {
        Self {
            keyword: argument.name,
            count,
            bytes,
            offset,
            relative: false,
            little: None,
            text: false,
            base: None,
            bitmask: None,
            strictness,
        }
    }

    fn once(&self, field: Word<'_>, before: bool) -> Result<(), Fault> {
        once(field, before && self.strictness != Strictness::Loose)
    }

    /// Applies `field`, if it is one of the options that all keywords share.
    pub(super) fn option(&mut self, field: Word<'_>) -> Result<bool, Fault> {
        let (name, value) = named(field);
        match (name, value.text) {
            ("relative", "") => {
                let before = std::mem::replace(&mut self.relative, true);
                self.once(field, before)?;
            }
            ("big" | "little", "") => {
                let before = self.little.replace(name == "little");
                self.once(field, before.is_some())?;
            }
            ("string", "") => {
                let before = std::mem::replace(&mut self.text, true);
                self.once(field, before)?;
            }
            ("hex" | "dec" | "oct", "") => {
                let before = self.base.replace(match name {
                    "hex" => Base::Hexadecimal,
                    "dec" => Base::Decimal,
                    _ => Base::Octal,
                });
                once(field, before.is_some())?;
            }
            ("dce", "") => {
                let message = "`dce` (the byte order of DCE/RPC) is not supported yet";
                return Err(Fault::new(Kind::Unsupported, field.span(), message));
            }
            ("bitmask", _) => {
                let mask = unsigned(value, u32::MAX.into())? as u32;
                let before = self.bitmask.replace(mask);
                self.once(field, before.is_some())?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// `endian …` of `byte_math`.
    pub(super) fn endian(&mut self, value: Word<'_>) -> Result<(), Fault> {
        if !matches!(value.text, "big" | "little" | "dce") {
            return Err(wrong(value, "not `big`, `little` or `dce`"));
        }
        self.option(value).map(drop)
    }

    /// `string …` of `byte_math`.
    pub(super) fn string(&mut self, value: Word<'_>) -> Result<(), Fault> {
        if !matches!(value.text, "hex" | "dec" | "oct") {
            return Err(wrong(value, "not `hex`, `dec` or `oct`"));
        }
        self.text = true;
        self.option(value).map(drop)
    }

    /// Checks what only all options together tell. `bytes_max` says how many bytes text may have.
    pub(super) fn finish(self, bytes_max: impl Fn(Base) -> u8) -> Result<ReadNumber, Fault> {
        let encoding = self.encoding()?;
        let most = match encoding {
            Encoding::Text(base) => bytes_max(base),
            // Suricata loads a `byte_math` of 9 or 10 binary bytes, which never matches.
            _ if self.strictness == Strictness::Once => bytes_max(Base::Prefix),
            Encoding::BigEndian | Encoding::LittleEndian => BINARY_BYTES_MAX,
        };
        if let Quantity::Literal(bytes) = self.bytes
            && bytes > most
        {
            return Err(wrong(self.count, format!("a number of more than {most} bytes")));
        }
        Ok(ReadNumber {
            bytes: self.bytes,
            offset: self.offset,
            relative: self.relative,
            encoding,
            bitmask: self.bitmask,
        })
    }

    fn encoding(&self) -> Result<Encoding, Fault> {
        let conflict = |message| Fault::new(Kind::Conflict, self.keyword.span(), message);
        if !self.text {
            return match (self.base, self.little) {
                (Some(_), _) => Err(conflict("a base is for a number with `string`")),
                (None, Some(true)) => Ok(Encoding::LittleEndian),
                (None, _) => Ok(Encoding::BigEndian),
            };
        }
        if self.little.is_some() && self.strictness == Strictness::Strict {
            return Err(conflict("`string` has no byte order"));
        }
        let default = match self.strictness {
            Strictness::Strict => Base::Decimal,
            Strictness::Loose | Strictness::Once => Base::Prefix,
        };
        Ok(Encoding::Text(self.base.unwrap_or(default)))
    }
}

/// A field that was there before.
pub(super) fn once(field: Word<'_>, before: bool) -> Result<(), Fault> {
    if !before {
        return Ok(());
    }
    let message = format!("`{}` is there twice, or with its opposite", named(field).0);
    Err(Fault::new(Kind::Conflict, field.span(), message))
}
