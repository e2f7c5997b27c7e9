//! The variables of one flow, of one fixed size.

use super::names::{FLOW_BITS_MAX, FLOW_INTEGERS_MAX};

const WORDS: usize = FLOW_BITS_MAX.div_ceil(64);

/// What rules have noted in one flow: `flowbits` and `flowint`. Whoever keeps the flow keeps this with
/// it, across generations of the rules, and lends it to each inspection of the flow's packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowVariables {
    bits: [u64; WORDS],
    integers: [u32; FLOW_INTEGERS_MAX],
    /// The integers that have a value, a bit each.
    valued: u16,
}

const _: () = assert!(FLOW_INTEGERS_MAX <= 16, "`valued` has a bit for each integer");

impl FlowVariables {
    /// Whether bit `number` is set.
    #[inline]
    pub(crate) fn bit(&self, number: u16) -> bool {
        let word = self.bits.get(usize::from(number / 64));
        word.is_some_and(|word| word >> (number % 64) & 1 != 0)
    }

    /// Sets bit `number`, or clears it.
    #[inline]
    pub(crate) fn set_bit(&mut self, number: u16, set: bool) {
        if let Some(word) = self.bits.get_mut(usize::from(number / 64)) {
            let bit = 1_u64 << (number % 64);
            *word = if set { *word | bit } else { *word & !bit };
        }
    }

    /// The value of integer `number`, where it has one.
    #[inline]
    pub(crate) fn integer(&self, number: u16) -> Option<u32> {
        let value = self.integers.get(usize::from(number)).copied()?;
        (self.valued >> number & 1 != 0).then_some(value)
    }

    /// Gives integer `number` a value.
    #[inline]
    pub(crate) fn set_integer(&mut self, number: u16, value: u32) {
        if let Some(integer) = self.integers.get_mut(usize::from(number)) {
            *integer = value;
            self.valued |= 1 << number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FLOW_BITS_MAX, FLOW_INTEGERS_MAX, FlowVariables};

    #[test]
    fn each_variable_is_by_itself() {
        let mut flow = FlowVariables::default();
        for number in (0..FLOW_BITS_MAX as u16).step_by(3) {
            flow.set_bit(number, true);
        }
        flow.set_bit(63, false);
        for number in 0..FLOW_BITS_MAX as u16 {
            assert_eq!(flow.bit(number), number % 3 == 0 && number != 63, "{number}");
        }
        for number in (0..FLOW_INTEGERS_MAX as u16).step_by(2) {
            flow.set_integer(number, number.into());
        }
        for number in 0..FLOW_INTEGERS_MAX as u16 {
            let expected = (number % 2 == 0).then_some(number.into());
            assert_eq!(flow.integer(number), expected, "{number}");
        }
    }

    #[test]
    fn what_is_not_there_changes_nothing() {
        let mut flow = FlowVariables::default();
        flow.set_bit(u16::MAX, true);
        flow.set_integer(u16::MAX, 1);
        assert_eq!(flow, FlowVariables::default());
        assert!(!flow.bit(u16::MAX) && flow.integer(u16::MAX).is_none());
    }
}
