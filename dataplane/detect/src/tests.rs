//! Behaviour of the whole engine.

mod flows;
mod peer_cases;
mod peer_cases_numbers;
mod random;
mod random_headers;
mod random_numbers;
mod streams;
mod whole;
