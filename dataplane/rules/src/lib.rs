//! The rule language: text to AST (as written, with spans) to HIR (as meant, with its class).

#![forbid(unsafe_code)]

pub mod hir;
