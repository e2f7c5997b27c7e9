//! Behaviour of the whole engine.

mod peer_cases;
mod random;
mod whole;
