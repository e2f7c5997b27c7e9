//! Keys and places in a TOML text: from a byte to the key that it belongs to, and back.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::error::Origin;

/// A byte offset of `text` as an origin in `path`.
pub(super) fn origin(path: &Path, text: &str, offset: usize) -> Origin {
    let before = text.get(..offset).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Origin::File {
        path: path.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before[start..].chars().count() + 1,
    }
}

/// The dotted key to which byte `offset` of `text` belongs: the deepest whose key or value covers it.
/// Empty when none does.
pub(super) fn key_at(text: &str, offset: usize) -> String {
    let mut path = Vec::new();
    if let Ok(document) = DeTable::parse(text) {
        descend(document.get_ref(), offset, &mut path);
    }
    path.join(".")
}

fn descend(table: &DeTable<'_>, offset: usize, path: &mut Vec<String>) -> bool {
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        let inside = match value.get_ref() {
            DeValue::Table(inner) => descend(inner, offset, path),
            _ => false,
        };
        if inside || key.span().contains(&offset) || value.span().contains(&offset) {
            return true;
        }
        path.pop();
    }
    false
}

/// Where the value of the dotted `key` is written in `text`.
pub(super) fn offset_of(text: &str, key: &str) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    let mut found = None;
    for part in key.split('.') {
        let (name, value) = table.iter().find(|(name, _)| name.get_ref() == part)?;
        found = Some(name.span().start);
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => return found,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{key_at, offset_of, origin};
    use crate::config::Origin;

    const TEXT: &str = "# head\n[workers]\ncount = 2\n\n[capture.pcap]\npath = \"a.pcap\"\n";

    #[test]
    fn finds_the_key_of_a_byte_and_back() {
        let at = TEXT.find("a.pcap").unwrap();
        assert_eq!(key_at(TEXT, at), "capture.pcap.path");
        assert_eq!(key_at(TEXT, 0), "");
        assert_eq!(offset_of(TEXT, "workers.count"), TEXT.find("count"));
        assert_eq!(offset_of(TEXT, "workers.cores"), None);
    }

    #[test]
    fn counts_lines_and_columns_from_one() {
        let at = TEXT.find("2\n").unwrap();
        let file = |line, column| Origin::File { path: "c".into(), line, column };
        assert_eq!(origin(Path::new("c"), TEXT, at), file(3, 9));
        assert_eq!(origin(Path::new("c"), TEXT, 0), file(1, 1));
    }
}
