//! Names of flow variables and the numbers that stand for them.
//!
//! The registry only grows, across all generations of a sensor's rules, so that what a flow remembers
//! keeps its meaning when the rules change under it.

use std::collections::HashMap;

use crate::error::RefusalReason;

/// Names of `flowbits` that all generations together may have. A rule with one more is refused.
pub const FLOW_BITS_MAX: usize = 512;

/// Names of `flowint` that all generations together may have. A rule with one more is refused.
pub const FLOW_INTEGERS_MAX: usize = 16;

/// The registry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) bits: HashMap<String, u16>,
    pub(crate) integers: HashMap<String, u16>,
}

impl Names {
    /// Number of the bit `name`, given now unless it has one.
    ///
    /// # Errors
    /// There is no number left.
    pub(crate) fn bit(&mut self, name: &str) -> Result<u16, RefusalReason> {
        number(&mut self.bits, name, "flowbits", FLOW_BITS_MAX)
    }

    /// Number of the integer `name`, given now unless it has one.
    ///
    /// # Errors
    /// There is no number left.
    pub(crate) fn integer(&mut self, name: &str) -> Result<u16, RefusalReason> {
        number(&mut self.integers, name, "flowint", FLOW_INTEGERS_MAX)
    }
}

fn number(
    numbers: &mut HashMap<String, u16>,
    name: &str,
    keyword: &'static str,
    names_max: usize,
) -> Result<u16, RefusalReason> {
    if let Some(number) = numbers.get(name) {
        return Ok(*number);
    }
    let next = u16::try_from(numbers.len()).ok().filter(|next| usize::from(*next) < names_max);
    let next = next.ok_or(RefusalReason::TooManyNames { keyword, names_max })?;
    numbers.insert(name.to_owned(), next);
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::{FLOW_BITS_MAX, FLOW_INTEGERS_MAX, Names};
    use crate::error::RefusalReason;

    #[test]
    fn names_keep_their_numbers_and_the_last_one_is_the_last() {
        let mut names = Names::default();
        for bit in (0..FLOW_BITS_MAX).chain([0, 7]) {
            assert_eq!(names.bit(&format!("bit {bit}")), Ok(bit as u16));
        }
        for integer in (0..FLOW_INTEGERS_MAX).chain([0, 7]) {
            assert_eq!(names.integer(&format!("bit {integer}")), Ok(integer as u16));
        }
        let refused = |keyword, names_max| Err(RefusalReason::TooManyNames { keyword, names_max });
        assert_eq!(names.bit("one more"), refused("flowbits", FLOW_BITS_MAX));
        assert_eq!(names.integer("one more"), refused("flowint", FLOW_INTEGERS_MAX));
    }
}
