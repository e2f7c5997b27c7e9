//! `flowbits` and `flowint`: the variables of a flow.

use super::flow::{at, fields};
use super::{Argument, Lowering};
use crate::ast::Word;
use crate::diagnostic::Fault;
use crate::hir::{Change, Comparison, Effect, FlowTest, IntegerTest, Operand};

pub(crate) fn flowbits(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let whole = argument.value;
    // A name may have commas, but no white space stands before the first.
    let (command, name) = match whole.text.split_once(',') {
        Some((command, name)) => {
            (command, Some(Word::trimmed(name, whole.start + command.len() + 1)))
        }
        None => (whole.text, None),
    };
    let command = Word { text: command, start: whole.start };
    let name = name.filter(|name| !name.text.is_empty());
    if command.text == "noalert" {
        if name.is_some() {
            return Err(argument.invalid("`flowbits:noalert` takes no name"));
        }
        lowering.flow.silence();
        return Ok(());
    }
    let Some(name) = name else {
        return Err(argument.invalid(format!("`{}` needs the name of a bit", command.text)));
    };
    let flow = &mut lowering.flow;
    match command.text {
        "isset" | "isnotset" => {
            let set = command.text == "isset";
            flow.tests.push(FlowTest::Bits { names: names(name, &argument)?, set });
        }
        "set" => flow.effects.push(Effect::SetBit(one(name, &argument)?)),
        "unset" => flow.effects.push(Effect::UnsetBit(one(name, &argument)?)),
        "toggle" => flow.effects.push(Effect::ToggleBit(one(name, &argument)?)),
        other => {
            let message = format!("`{other}` is not a command of `flowbits`");
            return Err(at(command, &argument, message)
                .hint("commands are set, unset, toggle, isset, isnotset, noalert"));
        }
    }
    Ok(())
}

/// The name of one bit.
fn one(name: Word<'_>, argument: &Argument<'_>) -> Result<String, Fault> {
    if name.text.contains('|') {
        return Err(at(name, argument, "several names are for `isset` and `isnotset` only"));
    }
    checked(name, argument)
}

/// The names of bits, `|` between them.
fn names(list: Word<'_>, argument: &Argument<'_>) -> Result<Vec<String>, Fault> {
    let mut start = list.start;
    let mut names = Vec::new();
    for text in list.text.split('|') {
        let name = Word::trimmed(text, start);
        start += text.len() + 1;
        if !name.text.is_empty() {
            names.push(checked(name, argument)?);
        }
    }
    if names.is_empty() {
        return Err(at(list, argument, "no bit is named"));
    }
    Ok(names)
}

fn checked(name: Word<'_>, argument: &Argument<'_>) -> Result<String, Fault> {
    if name.text.contains(char::is_whitespace) {
        return Err(at(name, argument, "the name of a bit has no white space in it"));
    }
    Ok(name.text.to_owned())
}

/// What a `flowint` does with its variable.
enum Use {
    Test(IntegerTest),
    Compare(Comparison),
    Change(Change),
}

fn modifier(text: &str) -> Option<Use> {
    Some(match text {
        "isset" => Use::Test(IntegerTest::Set),
        "notset" | "isnotset" => Use::Test(IntegerTest::NotSet),
        "==" => Use::Compare(Comparison::Equal),
        "!=" => Use::Compare(Comparison::NotEqual),
        "<" => Use::Compare(Comparison::Less),
        "<=" => Use::Compare(Comparison::LessOrEqual),
        ">" => Use::Compare(Comparison::Greater),
        ">=" => Use::Compare(Comparison::GreaterOrEqual),
        "=" => Use::Change(Change::Set),
        "+" => Use::Change(Change::Add),
        "-" => Use::Change(Change::Subtract),
        _ => return None,
    })
}

pub(crate) fn flowint(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let mut parts = fields(argument.value);
    let name = parts.next().unwrap_or(argument.value);
    if !is_name(name.text, "._/") {
        return Err(at(name, &argument, "not the name of a `flowint`")
            .hint("a name is a letter and then at least one letter, digit, `_`, `.` or `/`"));
    }
    let Some(rest) = parts.next() else {
        return Err(argument.invalid("not `name,modifier,value`"));
    };
    let (sign, joined) = split_modifier(rest);
    let Some(used) = modifier(sign.text) else {
        let message = format!("`{}` is not a modifier of `flowint`", sign.text);
        return Err(at(sign, &argument, message)
            .hint("modifiers are + - = == != < <= > >= isset notset isnotset"));
    };
    let value = joined.or_else(|| parts.next()).filter(|value| !value.text.is_empty());
    if let Some(extra) = parts.next() {
        return Err(at(extra, &argument, "one value is enough"));
    }
    let operand = value.map(|value| operand(value, &argument)).transpose()?;
    let needed = || argument.invalid("a number or the name of another `flowint` is missing");
    let name = name.text.to_owned();
    let test = match used {
        // As in the peer, a value is let be here.
        Use::Test(test) => test,
        Use::Compare(comparison) => IntegerTest::Compare(comparison, operand.ok_or_else(needed)?),
        Use::Change(change) => {
            let operand = operand.ok_or_else(needed)?;
            lowering.flow.effects.push(Effect::Integer { name, change, operand });
            return Ok(());
        }
    };
    lowering.flow.tests.push(FlowTest::Integer { name, test });
    Ok(())
}

/// A modifier, and the value right after it where no comma stands between the two.
fn split_modifier(field: Word<'_>) -> (Word<'_>, Option<Word<'_>>) {
    let sign = |c: char| "+-=!<>".contains(c);
    let text = field.text;
    let end = if text.starts_with(sign) {
        text.find(|c| !sign(c))
    } else {
        text.find(|c: char| !c.is_ascii_alphabetic())
    };
    let end = end.filter(|end| *end > 0).unwrap_or(text.len());
    let (head, tail) = text.split_at(end);
    let tail = Word::trimmed(tail, field.start + end);
    (Word { text: head, start: field.start }, (!tail.text.is_empty()).then_some(tail))
}

/// Whether `text` can name an integer: a letter, and at least one letter, digit or one of `more`.
fn is_name(text: &str, more: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && !letters.as_str().is_empty()
        && letters.all(|c| c.is_ascii_alphanumeric() || more.contains(c))
}

fn operand(value: Word<'_>, argument: &Argument<'_>) -> Result<Operand, Fault> {
    let text = value.text;
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text
            .parse()
            .map(Operand::Number)
            .map_err(|_| at(value, argument, format!("`{text}` is more than {}", u32::MAX)));
    }
    if is_name(text, "_") {
        return Ok(Operand::Variable(text.to_owned()));
    }
    Err(at(value, argument, format!("`{text}` is neither a number nor a name")))
}
