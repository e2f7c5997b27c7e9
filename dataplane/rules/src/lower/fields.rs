//! Values that are lists of fields: `4, >, 128, 20, relative`.

use super::number::{c_integer, c_unsigned};
use super::{Argument, Lowering};
use crate::ast::Word;
use crate::diagnostic::{Fault, Kind};
use crate::hir::{BufferName, Quantity, Variable};
use crate::limits::VARIABLES_MAX;

/// The fields between the commas of a value, each with its place.
pub(super) fn fields<'a>(argument: &Argument<'a>) -> Vec<Word<'a>> {
    let (text, mut start) = (argument.value.text, argument.value.start);
    let field = |field: &'a str| {
        let word = Word::trimmed(field, start);
        start += field.len() + 1;
        word
    };
    text.split(',').map(field).collect()
}

/// The first word of a field, and what follows it.
pub(super) fn named<'a>(field: Word<'a>) -> (&'a str, Word<'a>) {
    let split = field.text.find(char::is_whitespace).unwrap_or(field.text.len());
    let (name, rest) = field.text.split_at(split);
    (name, Word::trimmed(rest, field.start + split))
}

/// `word` is wrong.
pub(super) fn wrong(word: Word<'_>, message: impl Into<String>) -> Fault {
    Fault::new(Kind::Value, word.span(), message)
}

/// A number of at most `most`.
pub(super) fn unsigned(word: Word<'_>, most: u64) -> Result<u64, Fault> {
    c_unsigned(word.text)
        .filter(|number| *number <= most)
        .ok_or_else(|| wrong(word, format!("`{}` is not a number from 0 to {most}", word.text)))
}

/// A number of at most `most`, in decimal digits.
pub(super) fn decimal(word: Word<'_>, most: u64) -> Result<u64, Fault> {
    let digits = word.text.bytes().all(|byte| byte.is_ascii_digit());
    let number = word.text.parse().ok().filter(|number| digits && *number <= most);
    number.ok_or_else(|| {
        wrong(word, format!("`{}` is not a decimal number from 0 to {most}", word.text))
    })
}

/// A number between `least` and `most`.
pub(super) fn signed(word: Word<'_>, least: i32, most: i32) -> Result<i32, Fault> {
    c_integer(word.text).filter(|number| (least..=most).contains(number)).ok_or_else(|| {
        wrong(word, format!("`{}` is not a number from {least} to {most}", word.text))
    })
}

/// Whether a value is the name of a variable.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// The keywords that set variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VariableKind {
    Extract,
    Math,
}

/// A variable of a rule.
#[derive(Debug)]
pub(crate) struct Named {
    name: String,
    number: Variable,
    kind: VariableKind,
    in_base64: bool,
    /// The sticky buffer that it was read from.
    buffer: Option<BufferName>,
}

impl Lowering<'_> {
    /// The variable `word`, which a test before has to set.
    pub(super) fn variable(&self, word: Word<'_>) -> Result<Variable, Fault> {
        let known = self.variables.iter().find(|variable| variable.name == word.text);
        let Some(known) = known else {
            let message = format!("no variable `{}` is known here", word.text);
            return Err(Fault::new(Kind::Conflict, word.span(), message)
                .hint("`byte_extract` or `byte_math` have to set it before"));
        };
        if known.buffer != self.buffer_name() {
            let message =
                format!("variable `{}` of another buffer is not supported yet", word.text);
            return Err(Fault::new(Kind::Unsupported, word.span(), message));
        }
        Ok(known.number)
    }

    /// A variable, or the number that `number` reads.
    pub(super) fn quantity<T>(
        &self,
        word: Word<'_>,
        number: impl FnOnce(Word<'_>) -> Result<T, Fault>,
    ) -> Result<Quantity<T>, Fault> {
        if is_name(word.text) {
            return self.variable(word).map(Quantity::Variable);
        }
        number(word).map(Quantity::Literal)
    }

    /// A variable that `word` names and a test of `kind` sets. Of several of a name, the first is read.
    ///
    /// As in Suricata, each kind of test and each buffer number their variables from 0, so that the first
    /// `byte_math` writes over what the first `byte_extract` has read.
    pub(super) fn new_variable(
        &mut self,
        word: Word<'_>,
        kind: VariableKind,
    ) -> Result<Variable, Fault> {
        if word.text.is_empty() || word.text.contains(char::is_whitespace) {
            return Err(wrong(word, format!("`{}` is not a name for a variable", word.text)));
        }
        let (in_base64, buffer) = (self.in_base64, self.buffer_name());
        let alike = |known: &&Named| {
            known.kind == kind && known.in_base64 == in_base64 && known.buffer == buffer
        };
        let count = self.variables.iter().filter(alike).count();
        if count == VARIABLES_MAX {
            let message = format!("more than {VARIABLES_MAX} variables");
            return Err(Fault::new(Kind::Limit, word.span(), message));
        }
        let number = Variable(count as u8);
        let name = word.text.to_owned();
        self.variables.push(Named { name, number, kind, in_base64, buffer });
        Ok(number)
    }
}
