//! Raw DPDK bindings, generated at build time from the installed headers.
//!
//! Only what the crate `dpdk` calls is bound. DPDK keeps its fast path in inline functions, which no
//! library exports; `shim/shim.c` has one C function for each of them that is needed (`shim_*`), called
//! once per burst. Linking is dynamic; EAL loads the drivers from its plug-in directory.

mod bindings {
    #![allow(
        non_camel_case_types,
        non_upper_case_globals,
        non_snake_case,
        missing_docs,
        unused_qualifications,
        clippy::all,
        clippy::undocumented_unsafe_blocks,
        clippy::too_many_lines,
        clippy::semicolon_if_nothing_returned,
        reason = "generated from C: the names and the documentation are DPDK's"
    )]
    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
}

pub use bindings::*;
