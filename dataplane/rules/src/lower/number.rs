//! Numbers in options.

use crate::hir::NumberTest;

/// A number as C's `strtol` reads it with base 0: a sign, then decimal, `0x` hexadecimal or `0` octal.
/// `None` if there is anything else, or it does not fit.
pub(super) fn c_integer(text: &str) -> Option<i32> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, radix) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if digits.len() > 1 && digits.starts_with('0') => (digits, 8),
        None => (digits, 10),
    };
    // `from_str_radix` would take a second sign.
    let number =
        i64::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with(['+', '-']))?;
    i32::try_from(if negative { -number } else { number }).ok()
}

/// A number as C's `strtoull` reads it with base 0, without a sign. `None` if there is anything else.
pub(super) fn c_unsigned(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    // `from_str_radix` would take a sign.
    u64::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with('+'))
}

/// A test of a number up to `maximum`: `n`, `=n`, `!n`, `!=n`, `<n`, `<=n`, `>n`, `>=n`, `a<>b`, `a-b`.
///
/// Both forms of range are strictly between their bounds. A test that every number or none passes is
/// refused, as Suricata does where the bound is the smallest or the largest number.
pub(super) fn number_test(text: &str, maximum: u32) -> Result<NumberTest, String> {
    let read = |text: &str, number: Option<u32>| {
        number
            .filter(|&number| number <= maximum)
            .ok_or_else(|| format!("`{text}` is not a number of at most {maximum}"))
    };
    let number = |text: &str| read(text, digits(text));
    if let Some((low, high)) = text.split_once("<>").or_else(|| text.split_once('-')) {
        let (low, high) = (number(low.trim_end())?, number(high.trim_start())?);
        if low.saturating_add(1) >= high {
            return Err(format!("there is no number between {low} and {high}"));
        }
        return Ok(NumberTest::Between(low, high));
    }
    // Units are for equality only.
    let plain = text.strip_prefix('=').map_or(text, str::trim_start);
    if plain.starts_with(|c: char| c.is_ascii_digit()) {
        return read(plain, scaled(plain)).map(NumberTest::Equal);
    }
    let (sign, rest) =
        text.split_at(text.find(|c: char| !"<>!=".contains(c)).unwrap_or(text.len()));
    let rest = number(rest.trim_start())?;
    let test = match sign {
        "<=" => NumberTest::LessOrEqual(rest),
        ">=" => NumberTest::GreaterOrEqual(rest),
        "<" => NumberTest::Less(rest),
        ">" => NumberTest::Greater(rest),
        "!" | "!=" => NumberTest::NotEqual(rest),
        _ => return Err(format!("`{sign}` is not a comparison")),
    };
    let idle = match test {
        NumberTest::Less(n) | NumberTest::GreaterOrEqual(n) => n == 0,
        NumberTest::Greater(n) | NumberTest::LessOrEqual(n) => n == maximum,
        _ => false,
    };
    if idle { Err(format!("`{text}` is always or never true")) } else { Ok(test) }
}

/// Decimal digits, and perhaps a unit right after them.
fn scaled(text: &str) -> Option<u32> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale = match unit.to_ascii_lowercase().as_str() {
        "" => 1,
        "kb" => 1 << 10,
        "mb" => 1 << 20,
        "gb" => 1 << 30,
        _ => return None,
    };
    digits(number)?.checked_mul(scale)
}

/// Decimal digits and nothing else.
fn digits(text: &str) -> Option<u32> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::{c_integer, number_test};
    use crate::hir::NumberTest::{
        Between, Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual,
    };

    #[test]
    fn integers_as_c_reads_them() {
        let cases = [
            ("5", Some(5)),
            ("-5", Some(-5)),
            ("+5", Some(5)),
            ("0", Some(0)),
            ("010", Some(8)),
            ("0x1F", Some(31)),
            ("-0x1", Some(-1)),
            ("", None),
            ("-", None),
            ("0x", None),
            ("--5", None),
            ("0x-5", None),
            ("5x", None),
            ("1.5", None),
            ("09", None),
            ("99999999999", None),
        ];
        for (text, expected) in cases {
            assert_eq!(c_integer(text), expected, "{text}");
        }
    }

    #[test]
    fn number_tests() {
        let cases = [
            ("5", Some(Equal(5))),
            ("=5", Some(Equal(5))),
            ("!5", Some(NotEqual(5))),
            ("!= 5", Some(NotEqual(5))),
            ("<5", Some(Less(5))),
            ("> 5", Some(Greater(5))),
            ("<=5", Some(LessOrEqual(5))),
            (">=5", Some(GreaterOrEqual(5))),
            ("5<>9", Some(Between(5, 9))),
            ("5 - 9", Some(Between(5, 9))),
            ("5<>7", Some(Between(5, 7))),
            ("05", Some(Equal(5))),
            ("255", Some(Equal(255))),
            (">254", Some(Greater(254))),
            ("256", None),
            ("<0", None),
            (">255", None),
            (">=0", None),
            ("<=255", None),
            ("5<>6", None),
            ("9<>5", None),
            ("!5-9", None),
            ("!<5", None),
            ("5-", None),
            ("-5", None),
            ("", None),
            ("x", None),
            ("0x10", None),
            ("5,6", None),
            ("1kb", None),
        ];
        for (text, expected) in cases {
            assert_eq!(number_test(text, 255).ok(), expected, "{text}");
        }
        assert_eq!(number_test("1KB", 65_535), Ok(Equal(1024)));
        assert_eq!(number_test("=1kb", 65_535), Ok(Equal(1024)));
        for text in ["1 kb", "1mb", ">1kb", "!1kb", "1kb<>2kb", "1kib"] {
            assert!(number_test(text, 65_535).is_err(), "{text}");
        }
    }
}
