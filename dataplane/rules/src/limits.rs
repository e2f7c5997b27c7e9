//! Bounds on what a rules file may ask for. Crossing one refuses the rule (or ends the file), with a
//! diagnostic of kind [`Limit`](crate::Kind::Limit) that names the bound.

/// Bytes of one rule, its continuation lines joined.
pub const RULE_BYTES_MAX: usize = 64 * 1024;

/// Rules of one file; the rest of the file is not read.
pub const RULES_MAX: usize = 1_000_000;

/// Options of one rule.
pub const OPTIONS_MAX: usize = 1_024;

/// Tests of bytes (`content`, `pcre`, `byte_test` …) of one rule.
pub const PAYLOAD_TESTS_MAX: usize = 256;

/// Variables of `byte_extract` and `byte_math` of one rule.
pub const VARIABLES_MAX: usize = 32;

/// Brackets inside brackets of an address or port list; 64 in Suricata too.
pub const LIST_DEPTH_MAX: usize = 64;

/// Variables that name variables that name variables ….
pub const VARIABLE_DEPTH_MAX: usize = 32;

/// Bytes of one variable's value.
pub const VARIABLE_BYTES_MAX: usize = 1024 * 1024;

/// Largest `offset` and `depth`.
pub const OFFSET_MAX: u32 = 65_535;

/// Largest `within`, and largest `distance` to either side.
pub const DISTANCE_MAX: i32 = 1024 * 1024;
