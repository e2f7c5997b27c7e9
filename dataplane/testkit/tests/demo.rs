//! The committed demo is what the example writes.

#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;

use testkit::PcapFile;

#[path = "../examples/demo.rs"]
#[allow(dead_code, reason = "its main is not run here")]
mod demo;

#[test]
fn the_committed_demo_is_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/demo");
    let mend = "run: cargo run -p testkit --example demo -- deploy/demo";
    let capture = std::fs::read(folder.join("demo.pcap")).unwrap();
    assert!(capture == PcapFile::default().bytes(demo::frames()), "{mend}");
    assert!(std::fs::read_to_string(folder.join("demo.rules")).unwrap() == demo::RULES, "{mend}");
}
