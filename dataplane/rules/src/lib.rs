//! The rule language: text to AST (as written, with spans) to HIR (as meant, with its class).
//!
//! ```text
//! rules file ─ source ─► logical line ─ parse ─► ast::Rule ─ lower ─► hir::Rule
//!                                                   │            ├─ environment: variables → sets
//!                                                   │            └─ keyword: the one table
//!                                                   └─ every problem ─► Diagnostic (file:line:col)
//! ```
//!
//! The language is Suricata's, and Suricata 7.0.10 is the judge of what a rule means and whether it is
//! valid. What this crate does not know is refused with its reason; one bad rule never stops the others.
//! `docs/rule-support.md` is generated from the keyword table.

#![forbid(unsafe_code)]

pub mod ast;
mod config;
mod diagnostic;
mod environment;
mod group;
pub mod hir;
pub mod keyword;
pub mod limits;
mod load;
mod lower;
mod parse;
mod ranges;
mod sets;
mod source;

pub use config::{Classification, ConfigError, parse_classifications, parse_references};
pub use diagnostic::{Diagnostic, Kind, Severity};
pub use environment::Environment;
pub use load::{Counts, Loaded, load};
pub use parse::{SyntaxError, parse};
