//! `classification.config` and `reference.config`, in Suricata's format.

use std::collections::BTreeMap;

/// What a `classtype` stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classification {
    /// The alert's category.
    pub description: String,
    /// Priority of rules that do not say their own, 1 (highest) to 255.
    pub priority: u8,
}

/// A line that could not be read; the others are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Line, from 1.
    pub line: u32,
    /// What is wrong.
    pub message: String,
}

/// Reads `config classification: short name,description,priority` lines; keys are in lower case. The
/// first of two lines with the same name counts.
#[must_use]
pub fn parse_classifications(text: &str) -> (BTreeMap<String, Classification>, Vec<ConfigError>) {
    entries(text, "classification", |rest| {
        let mut fields = rest.splitn(3, ',').map(str::trim);
        let (name, description) = (fields.next()?, fields.next()?);
        let priority = fields.next()?.parse().ok().filter(|&priority| priority > 0)?;
        let key = name.to_ascii_lowercase();
        Some((key, Classification { description: description.to_owned(), priority }))
    })
}

/// Reads `config reference: scheme prefix` lines; keys are in lower case. The first of two lines with the
/// same scheme counts.
#[must_use]
pub fn parse_references(text: &str) -> (BTreeMap<String, String>, Vec<ConfigError>) {
    entries(text, "reference", |rest| {
        let (scheme, prefix) = rest.trim().split_once(char::is_whitespace)?;
        Some((scheme.to_ascii_lowercase(), prefix.trim().to_owned()))
    })
}

fn entries<T>(
    text: &str,
    what: &str,
    parse: impl Fn(&str) -> Option<(String, T)>,
) -> (BTreeMap<String, T>, Vec<ConfigError>) {
    let (mut known, mut errors) = (BTreeMap::new(), Vec::new());
    for (line, text) in (1..).zip(text.lines().map(str::trim)) {
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let entry = text
            .strip_prefix("config")
            .and_then(|rest| rest.trim_start().strip_prefix(what))
            .and_then(|rest| rest.trim_start().strip_prefix(':'))
            .and_then(&parse)
            .filter(|(key, _)| !key.is_empty());
        match entry {
            Some((key, value)) => {
                known.entry(key).or_insert(value);
            }
            None => errors.push(ConfigError { line, message: format!("not a {what}: `{text}`") }),
        }
    }
    (known, errors)
}

#[cfg(test)]
mod tests {
    use super::{Classification, parse_classifications, parse_references};

    #[test]
    fn classifications() {
        let text = "# c\n\nconfig classification: Bad-Thing,Something bad, 2\r\n\
                    config classification:other,A,1\nconfig classification: other,B,3\n\
                    config classification: x,y\nconfig classification: x,y,0\nclassification: x,y,1\n";
        let (known, errors) = parse_classifications(text);
        let bad = Classification { description: "Something bad".into(), priority: 2 };
        assert_eq!(known.get("bad-thing"), Some(&bad));
        assert_eq!(known.get("other").map(|other| other.description.as_str()), Some("A"));
        assert_eq!(errors.iter().map(|error| error.line).collect::<Vec<_>>(), [6, 7, 8]);
    }

    #[test]
    fn references() {
        let (known, errors) =
            parse_references("config reference: CVE   https://x/?id=CVE-\nconfig reference: url\n");
        assert_eq!(known.get("cve").map(String::as_str), Some("https://x/?id=CVE-"));
        assert_eq!(errors[0].to_owned().line, 2);
    }
}
