//! Flows in rules: their variables, the names of these, and what a rule asks and changes of them.

mod names;
mod program;
mod variables;

pub(crate) use self::names::Names;
pub use self::names::{FLOW_BITS_MAX, FLOW_INTEGERS_MAX};
pub(crate) use self::program::{FlowProgram, way_and_state_pass};
pub use self::variables::FlowVariables;
