//! One literal of a program: where it may be, and where it is.

use memchr::memmem::Finder;
use rules::hir::{Content, PlaceVariables};

use super::workspace::{Variables, Work};
use super::{Place, moves_position};

/// A compiled `content`.
#[derive(Debug)]
pub(super) struct ContentStep {
    /// Finds the literal; in lower case for a caseless one.
    finder: Finder<'static>,
    window: Window,
    nocase: bool,
    negated: bool,
    endswith: bool,
    moves_position: bool,
}

/// Where a content may be, as offsets of the payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    offset: u32,
    depth: Option<u32>,
    distance: Option<i32>,
    within: Option<i32>,
    variables: PlaceVariables,
}

impl Window {
    /// The window of `content`.
    pub(crate) fn new(content: &Content) -> Self {
        Self {
            offset: content.offset.unwrap_or(0),
            depth: content.depth,
            distance: content.distance,
            within: content.within,
            variables: content.variables,
        }
    }

    /// The window with what the variables hold; numbers are cut to the width of literals, as in the peer.
    fn resolved(mut self, variables: &Variables) -> Self {
        let names = self.variables;
        if let Some(name) = names.offset {
            self.offset = variables.get(name) as u32;
        }
        if let Some(name) = names.depth {
            // An end that wraps around lies before the start.
            let end = self.offset.wrapping_add(variables.get(name) as u32);
            self.depth = Some(end.saturating_sub(self.offset));
        }
        if let Some(name) = names.distance {
            self.distance = Some(variables.get(name) as i32);
        }
        if let Some(name) = names.within {
            self.within = Some(variables.get(name) as i32);
        }
        self
    }

    /// Start and end in a payload of `length` bytes, after a match that ended at `position`. The start
    /// may lie behind the end: then nothing fits.
    ///
    /// `within` counts from where `distance` begins. Where that lies before the payload's start, the
    /// peer's unsigned arithmetic makes it the whole payload, and so it is here.
    pub(crate) fn at(self, position: usize, length: usize) -> (usize, usize) {
        let saturated = |value: i64| usize::try_from(value).unwrap_or(0);
        if self.distance.is_none() && self.within.is_none() {
            let start = self.offset as usize;
            let end = self.depth.map_or(length, |depth| start.saturating_add(depth as usize));
            return (start, end.min(length));
        }
        let from = (position as i64).saturating_add(self.distance.unwrap_or(0).into());
        // The peer adds where a variable `distance` begins once more.
        let again = if self.variables.distance.is_some() { from.max(0) as i32 } else { 0 };
        let end = |within: i32| (from as i32).wrapping_add(within).wrapping_add(again);
        let end = match self.within.map(end) {
            Some(end) if end >= 0 => saturated(end.into()).min(length),
            _ => length,
        };
        (saturated(from).max(self.offset as usize), end)
    }

    /// For a content that depends on no other: the smallest start and the largest end in any payload.
    pub(crate) fn bounds(self) -> (u32, u32) {
        if self.distance.is_some()
            || self.within.is_some()
            || self.variables != PlaceVariables::default()
        {
            return (0, u32::MAX);
        }
        (self.offset, self.depth.map_or(u32::MAX, |depth| self.offset.saturating_add(depth)))
    }
}

impl ContentStep {
    pub(super) fn new(content: &Content) -> Self {
        let bytes =
            if content.nocase { content.bytes.to_ascii_lowercase() } else { content.bytes.clone() };
        Self {
            finder: Finder::new(&bytes).into_owned(),
            window: Window::new(content),
            nocase: content.nocase,
            negated: content.negated,
            endswith: content.endswith,
            moves_position: moves_position(content),
        }
    }

    /// Whether the payload is to be searched in lower case.
    pub(super) const fn nocase(&self) -> bool {
        self.nocase
    }

    /// The first place at or after `resume` (or the window's start); for a negated content, a place
    /// that moves nothing where the literal is not.
    pub(super) fn find(
        &self,
        payload: &[u8],
        position: usize,
        resume: Option<usize>,
        variables: &Variables,
        work: &mut Work,
    ) -> Option<Place> {
        let (start, end) = self.window.resolved(variables).at(position, payload.len());
        let start = resume.unwrap_or(start);
        if self.negated {
            work.spend(end.saturating_sub(start));
            let there = self.negation_finds(payload, start, end);
            return (!there).then_some(Place { next: start, end: None });
        }
        let length = self.finder.needle().len();
        let at = if self.endswith {
            let at = payload.len().checked_sub(length)?;
            (end == payload.len() && at >= start && payload.ends_with(self.finder.needle()))
                .then_some(at)?
        } else {
            let window = payload.get(start..end)?;
            let found = self.finder.find(window);
            work.spend(found.unwrap_or(window.len()));
            start + found?
        };
        Some(Place { next: at + 1, end: self.moves_position.then_some(at + length) })
    }

    /// Whether what must not be there is there.
    ///
    /// With `endswith` the peer looks at the first occurrence alone, and adds the window's start to
    /// its end before it compares that with the payload's length; a window that ends earlier finds
    /// nothing.
    fn negation_finds(&self, payload: &[u8], start: usize, end: usize) -> bool {
        let Some(found) = payload.get(start..end).and_then(|window| self.finder.find(window))
        else {
            return false;
        };
        let found_end = start + found + self.finder.needle().len();
        !self.endswith || (end == payload.len() && found_end + start == payload.len())
    }
}

#[cfg(test)]
mod tests {
    use rules::hir::PlaceVariables;

    use super::Window;

    fn relative(distance: Option<i32>, within: Option<i32>) -> Window {
        let variables = PlaceVariables::default();
        Window { offset: 0, depth: None, distance, within, variables }
    }

    #[test]
    fn relative_windows() {
        assert_eq!(relative(Some(2), None).at(3, 10), (5, 10));
        assert_eq!(relative(None, Some(2)).at(3, 10), (3, 5));
        assert_eq!(relative(Some(2), Some(3)).at(3, 10), (5, 8));
        assert_eq!(relative(Some(-5), Some(10)).at(7, 20), (2, 12));
        assert_eq!(relative(Some(-5), Some(3)).at(1, 20), (0, 20), "wraps in the peer");
        assert_eq!(relative(Some(i32::MAX), Some(i32::MAX)).at(9, 9).1, 7, "wraps around");
    }

    #[test]
    fn absolute_windows() {
        let window = Window { offset: 4, depth: Some(u32::MAX), ..relative(None, None) };
        assert_eq!(window.at(7, 10), (4, 10));
        assert_eq!(window.bounds(), (4, u32::MAX));
    }
}
