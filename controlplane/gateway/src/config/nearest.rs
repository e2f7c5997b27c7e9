//! The nearest of some names, for hints.

/// Words that are less alike than this (0 to 1, Jaro-Winkler) are not worth a hint.
const LIKENESS_MIN: f64 = 0.75;

/// The one of `known` that `written` was most likely meant to be.
pub(super) fn nearest<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(written, name), name))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn hints_only_what_is_alike() {
        let known = ["count", "cores", "idle", "burst_max"];
        assert_eq!(nearest("cont", known), Some("count"));
        assert_eq!(nearest("core", known), Some("cores"));
        assert_eq!(nearest("burst", known), Some("burst_max"));
        assert_eq!(nearest("zebra", known), None);
    }
}
