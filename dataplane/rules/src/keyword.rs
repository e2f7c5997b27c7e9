//! Keywords: the one table that drives parsing, refusals and `docs/rule-support.md`.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::diagnostic::Fault;
use crate::lower::{Argument, Lowering};

mod page;
mod table;

pub use page::page;

/// What a keyword is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// What a rule says of itself.
    Meta,
    /// Tests of packet properties.
    Packet,
    /// Tests of bytes, and their modifiers.
    Payload,
    /// State across packets, and what happens on a match.
    State,
    /// Sticky buffers.
    Buffer,
    /// Buffers chosen after the content (the older form).
    Modifier,
    /// Transforms of buffers.
    Transform,
    /// Other tests of application protocols and files.
    App,
}

/// How a keyword's value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// No value.
    Bare,
    /// A value without quotes.
    Plain,
    /// A value without quotes, or none.
    Optional,
    /// A value in double quotes.
    Quoted,
    /// A value in double quotes, `!` before them negates.
    Negatable,
    /// As `Negatable`, and the quotes may be missing.
    Loose,
}

/// How a supported keyword is read.
#[derive(Debug)]
pub struct Support {
    /// How its value is written.
    pub form: Form,
    /// The version that supports it first.
    pub since: &'static str,
    /// Values and limits, for the page.
    pub note: &'static str,
    pub(crate) apply: fn(&mut Lowering<'_>, Argument<'_>) -> Result<(), Fault>,
}

/// A keyword of Suricata.
#[derive(Debug)]
pub struct Keyword {
    /// Its current name.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// What it is for.
    pub category: Category,
    /// Page and anchor under `rules/` of Suricata's manual; empty where it has none.
    pub section: &'static str,
    /// How it is read; `None` where it is not supported yet.
    pub support: Option<Support>,
}

static BY_NAME: LazyLock<HashMap<&'static str, &'static Keyword>> = LazyLock::new(|| {
    let names = |keyword: &'static Keyword| {
        keyword.aliases.iter().chain([&keyword.name]).map(move |&name| (name, keyword))
    };
    all().iter().flat_map(names).collect()
});

/// Every keyword.
#[must_use]
pub fn all() -> &'static [Keyword] {
    table::KEYWORDS
}

/// The keyword of this name or alias, in any case.
#[must_use]
pub fn find(name: &str) -> Option<&'static Keyword> {
    BY_NAME.get(name).or_else(|| BY_NAME.get(name.to_ascii_lowercase().as_str())).copied()
}

/// The known name that `name` most likely was meant to be.
#[must_use]
pub fn nearest(name: &str) -> Option<&'static str> {
    closest(&name.to_ascii_lowercase(), BY_NAME.keys().copied())
}

/// The one of `names` that `name` most likely was meant to be.
pub(crate) fn closest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    // A third of the letters may be wrong, two at most.
    let most = (name.chars().count() / 3).min(2);
    names
        .map(|known| (distance(name, known), known))
        .filter(|&(distance, _)| distance <= most)
        .min()
        .map(|(_, known)| known)
}

/// Letters to insert, delete or replace to get from `a` to `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{all, distance, find, nearest};

    #[test]
    fn names_are_unique_and_found_in_any_case() {
        let mut names: Vec<&str> = all()
            .iter()
            .flat_map(|keyword| keyword.aliases.iter().chain([&keyword.name]))
            .copied()
            .collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(all().len(), 279, "keywords of Suricata 7.0.10");
        assert_eq!(find("FLAGS").map(|keyword| keyword.name), Some("tcp.flags"));
        assert!(find("nonesuch").is_none());
    }

    #[test]
    fn misspelt_names_have_a_neighbour() {
        assert_eq!(nearest("contnt"), Some("content"));
        assert_eq!(nearest("http_url"), Some("http_uri"));
        assert_eq!(nearest("xyz"), None);
        assert_eq!(nearest("completely_else"), None);
        assert_eq!((distance("kitten", "sitting"), distance("", "ab")), (3, 2));
    }
}
