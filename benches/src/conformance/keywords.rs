//! Which keywords the rules of a file use, for the table of what went wrong.
//!
//! This reads rules far more leniently than the sensor does: a rule that the sensor refuses must
//! still be named by its keywords, and the table must not share a mistake with what it measures.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Options that carry no detection logic; they are left out of the breakdown.
const PLAIN: [&str; 9] =
    ["msg", "sid", "rev", "gid", "classtype", "reference", "metadata", "priority", "target"];

/// Keywords of the rules in a file, by sid.
pub type Keywords = BTreeMap<u64, BTreeSet<String>>;

/// Keywords of every rule in the file at `path`; empty if it cannot be read.
#[must_use]
pub fn of_file(path: &Path) -> Keywords {
    let text = fs::read(path).unwrap_or_default();
    of_text(&String::from_utf8_lossy(&text))
}

/// Keywords of every rule in `text`. A line that ends with a backslash goes on in the next one.
#[must_use]
pub fn of_text(text: &str) -> Keywords {
    let mut table = Keywords::new();
    let mut joined = String::new();
    for line in text.lines() {
        let line = line.trim_end();
        if let Some(start) = line.strip_suffix('\\') {
            joined.push_str(start);
            continue;
        }
        joined.push_str(line);
        if let Some((sid, words)) = of_rule(joined.trim()) {
            table.entry(sid).or_default().extend(words);
        }
        joined.clear();
    }
    table
}

/// Sid and keywords of one rule; none for comments, blank lines and rules without a sid.
fn of_rule(rule: &str) -> Option<(u64, BTreeSet<String>)> {
    if rule.starts_with('#') {
        return None;
    }
    let (header, rest) = rule.split_once('(')?;
    let protocol = header.split_whitespace().nth(1)?;
    let (body, _) = rest.rsplit_once(')')?;
    let mut words = BTreeSet::from([format!("proto:{}", protocol.to_lowercase())]);
    let mut sid = None;
    for option in options(body) {
        let (name, value) = option.split_once(':').unwrap_or((option, ""));
        let name = name.trim().to_lowercase();
        if name == "sid" {
            sid = sid.or_else(|| value.trim().parse().ok());
        } else if !name.is_empty() && !PLAIN.contains(&name.as_str()) {
            words.insert(name);
        }
    }
    Some((sid?, words))
}

/// Splits at every `;` that no backslash precedes, quoted or not, as the language does.
fn options(body: &str) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    body.split(move |c: char| {
        let ends = c == ';' && !escaped;
        escaped = c == '\\';
        ends
    })
}

#[cfg(test)]
mod tests {
    use super::of_text;

    #[test]
    fn keywords_of_rules_by_sid() {
        let text = "# alert tcp any any -> any any (sid:9;)\n\
                    alert HTTP [1.1.1.1, 2.2.2.2] any -> any any (msg:\"a\\; b\"; content:\"x\"; \\\n\
                    \tNoCase; sid: 7; rev:1;)\n\
                    alert tcp any any -> any any (flags:S; sid:8;)\n\
                    alert tcp any any -> any any (flags:S;)\n";
        let table = of_text(text);
        assert_eq!(table.keys().copied().collect::<Vec<_>>(), [7, 8]);
        assert_eq!(
            table[&7].iter().map(String::as_str).collect::<Vec<_>>(),
            ["content", "nocase", "proto:http"]
        );
        assert!(table[&8].contains("flags"));
    }
}
