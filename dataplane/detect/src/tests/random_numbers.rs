//! Generated tests of numbers, sizes and encoded data on generated payloads: the engine and its slow twin
//! say the same.

use proptest::prelude::*;
use rules::hir::{
    Base, Base64, ByteComparison, ByteExtract, ByteJump, ByteMath, ByteTest, Content, DataAt,
    Encoding, JumpFrom, NumberTest, Operator, PayloadTest, PlaceVariables, Protocol, Quantity,
    ReadNumber, Variable,
};

use crate::testing::{alerts, compile, content, pcre, rule, udp};

/// Variables that tests set and read.
const VARIABLES: u8 = 2;

fn a_variable() -> impl Strategy<Value = Variable> {
    (0..VARIABLES).prop_map(Variable)
}

fn a_quantity<T: Clone + std::fmt::Debug>(
    literal: impl Strategy<Value = T>,
) -> impl Strategy<Value = Quantity<T>> {
    prop_oneof![
        4 => literal.prop_map(Quantity::Literal),
        1 => a_variable().prop_map(Quantity::Variable),
    ]
}

fn a_number() -> impl Strategy<Value = ReadNumber> {
    let bases = vec![Base::Prefix, Base::Octal, Base::Decimal, Base::Hexadecimal];
    let encoding = prop_oneof![
        3 => Just(Encoding::BigEndian),
        2 => Just(Encoding::LittleEndian),
        2 => prop::sample::select(bases).prop_map(Encoding::Text),
    ];
    let bytes = prop_oneof![6 => 1..3_u8, 1 => 0..24_u8];
    let mask = prop::option::weighted(0.2, prop_oneof![0..16_u32, any::<u32>()]);
    (a_quantity(bytes), a_quantity(-4..8_i32), any::<bool>(), encoding, mask).prop_map(
        |(bytes, offset, relative, encoding, bitmask)| ReadNumber {
            bytes,
            offset,
            relative,
            encoding,
            bitmask,
        },
    )
}

fn a_byte_test() -> impl Strategy<Value = PayloadTest> {
    let comparisons = vec![
        ByteComparison::Equal,
        ByteComparison::Less,
        ByteComparison::LessOrEqual,
        ByteComparison::Greater,
        ByteComparison::GreaterOrEqual,
        ByteComparison::And,
        ByteComparison::Xor,
    ];
    let value = prop_oneof![5 => 0..10_u64, 1 => any::<u64>()];
    (a_number(), prop::sample::select(comparisons), any::<bool>(), a_quantity(value)).prop_map(
        |(number, comparison, negated, value)| {
            PayloadTest::ByteTest(ByteTest { number, comparison, negated, value })
        },
    )
}

fn a_byte_jump() -> impl Strategy<Value = PayloadTest> {
    let from = vec![JumpFrom::Number, JumpFrom::Number, JumpFrom::Beginning, JumpFrom::End];
    let shift = prop_oneof![3 => Just(0), 1 => -9..4_i32];
    (a_number(), 0..4_u32, any::<bool>(), prop::sample::select(from), shift).prop_map(
        |(number, multiplier, align, from, post_offset)| {
            PayloadTest::ByteJump(ByteJump { number, multiplier, align, from, post_offset })
        },
    )
}

fn a_byte_extract() -> impl Strategy<Value = PayloadTest> {
    let align = prop::sample::select(vec![1_u8, 1, 2, 4]);
    (a_number(), a_variable(), 0..4_u32, align).prop_map(|(number, variable, multiplier, align)| {
        PayloadTest::ByteExtract(ByteExtract { number, variable, multiplier, align })
    })
}

fn a_byte_math() -> impl Strategy<Value = PayloadTest> {
    let operators = vec![
        Operator::Add,
        Operator::Subtract,
        Operator::Multiply,
        Operator::Divide,
        Operator::ShiftLeft,
        Operator::ShiftRight,
    ];
    let operand = a_quantity(prop_oneof![4 => 0..4_u32, 1 => any::<u32>()]);
    (a_number(), prop::sample::select(operators), operand, a_variable()).prop_map(
        |(number, operator, operand, variable)| {
            PayloadTest::ByteMath(ByteMath { number, operator, operand, variable })
        },
    )
}

fn a_content() -> impl Strategy<Value = PayloadTest> {
    let bytes = prop::sample::select(vec!["a", "b", "ab", "A", "1", "\x02"]);
    let place = prop_oneof![
        2 => Just((None, None, None, None)),
        1 => (0..5_u32, prop::option::of(1..6_u32)).prop_map(|(o, d)| (Some(o), d, None, None)),
        2 => (-3..4_i32, prop::option::of(1..6_i32)).prop_map(|(d, w)| (None, None, Some(d), w)),
    ];
    let names = || prop::option::weighted(0.15, a_variable());
    let variables = (names(), names(), names(), names());
    let flags = (prop::bool::weighted(0.2), any::<bool>(), prop::bool::weighted(0.1));
    (bytes, place, variables, flags).prop_map(|(bytes, place, variables, flags)| {
        let mut content = Content { bytes: bytes.into(), ..content(b"") };
        (content.offset, content.depth, content.distance, content.within) = place;
        let (offset, depth, distance, within) = variables;
        content.variables = PlaceVariables { offset, depth, distance, within };
        (content.negated, content.nocase, content.endswith) = flags;
        PayloadTest::Content(content)
    })
}

fn a_size() -> impl Strategy<Value = PayloadTest> {
    let at = (a_quantity(0..8_u32), any::<bool>(), any::<bool>());
    prop_oneof![
        5 => at.prop_map(|(position, relative, negated)| {
            PayloadTest::DataAt(DataAt { position, relative, negated })
        }),
        1 => (0..20_u32).prop_map(|size| PayloadTest::BufferSize(NumberTest::Less(size))),
    ]
}

fn a_test() -> impl Strategy<Value = PayloadTest> {
    let patterns = prop::sample::select(vec!["a+b", "[12]", "b", "^a"]);
    let flags = prop::sample::select(vec!["", "R", "!", "R!"]);
    prop_oneof![
        5 => a_content(),
        1 => (patterns, flags).prop_map(|(p, f)| PayloadTest::Pcre(pcre(p, f))),
        3 => a_byte_test(),
        2 => a_byte_jump(),
        2 => a_byte_extract(),
        1 => a_byte_math(),
        2 => a_size(),
    ]
}

fn tests() -> impl Strategy<Value = Vec<PayloadTest>> {
    let decode = (prop::option::of(0..12_u32), 0..3_u32, any::<bool>());
    let base64 = (decode, prop::collection::vec(a_test(), 0..4));
    let base64 = base64.prop_map(|((bytes, offset, relative), data)| {
        PayloadTest::Base64(Base64 { bytes, offset, relative, data })
    });
    (prop::collection::vec(a_test(), 0..5), prop::option::weighted(0.2, base64)).prop_map(
        |(mut tests, base64)| {
            tests.extend(base64);
            tests
        },
    )
}

fn a_payload() -> impl Strategy<Value = Vec<u8>> {
    let number = prop::sample::select(vec![0_u8, 1, 2, 3, 4, 5, 8, 255]);
    let letter = prop::sample::select(b"abA012x -=".to_vec());
    prop::collection::vec(prop_oneof![1 => number, 2 => letter], 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]
    #[test]
    fn engine_and_reference_agree_on_numbers(
        rules in prop::collection::vec(tests(), 1..10),
        payloads in prop::collection::vec(a_payload(), 1..10),
    ) {
        let rules = rules.into_iter().map(|tests| rule(Protocol::Udp, Vec::new(), defined(tests)));
        let rules = compile(rules.filter(|rule| !rule.payload.is_empty()).collect());
        for payload in &payloads {
            alerts(&rules, &udp(payload));
        }
    }
}

/// `tests`, with what sets all variables before them, as the rule language wants it.
fn defined(tests: Vec<PayloadTest>) -> Vec<PayloadTest> {
    let read = |offset| ReadNumber {
        bytes: Quantity::Literal(1),
        offset: Quantity::Literal(offset),
        relative: false,
        encoding: Encoding::BigEndian,
        bitmask: Some(15),
    };
    let set = (0..VARIABLES).map(|n| {
        let (number, variable) = (read(i32::from(n)), Variable(n));
        let (operator, operand) = (Operator::Add, Quantity::Literal(0));
        PayloadTest::ByteMath(ByteMath { number, operator, operand, variable })
    });
    set.chain(tests).collect()
}
