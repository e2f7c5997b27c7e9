//! Style that matters is a test: where `unsafe` may be, how long a file may be, what a document
//! must say.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test may fail by panicking")]

mod workspace;

use std::fs;
use std::path::{Path, PathBuf};

use contract::{AlertDrop, FlowEnd, PacketDrop};
use sensor_gateway::exit::Exit;
use workspace::{assert_none, files, metadata, root};

/// Crates whose job needs `unsafe`: the bindings, the frames that point into DPDK's memory, the
/// ring's cells, and what the flatbuffers compiler generates. All others forbid it.
const MAY_USE_UNSAFE: &[&str] = &["dpdk-sys", "dpdk", "capture-dpdk", "ring", "alert-schema"];

/// Lines that a source file may have; beyond, it is two files.
const FILE_LINES_MAX: usize = 500;

/// Starts of paths that exist on one machine only. Written in halves, so that this file is clean.
const MACHINE_PATHS: &[&str] =
    &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/tmp/t", "-")];

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|e| e == extension)
}

/// Rust sources that people write.
fn sources() -> Vec<(PathBuf, String)> {
    files(|path| has_extension(path, "rs") && !path.to_string_lossy().contains("generated"))
        .into_iter()
        .map(|(path, text)| (path, String::from_utf8(text).unwrap()))
        .collect()
}

#[test]
fn unsafe_is_forbidden_where_it_has_no_job() {
    let metadata = metadata();
    let careful = metadata.packages.iter().filter(|p| !MAY_USE_UNSAFE.contains(&p.name.as_str()));
    let roots = careful.flat_map(|p| &p.targets).filter(|t| t.is_lib() || t.is_bin());
    let complaints: Vec<_> = roots
        .filter(|t| !fs::read_to_string(&t.src_path).unwrap().contains("#![forbid(unsafe_code)]"))
        .map(|t| format!("{} lacks #![forbid(unsafe_code)]", t.src_path))
        .collect();
    assert_none("unsafe has its crates; every other crate root forbids it:", &complaints);
}

/// Whether a source starts with its module's documentation.
fn has_module_docs(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.find(|line| !line.starts_with("#!")).is_some_and(|line| line.starts_with("//!"))
}

#[test]
fn every_file_says_what_it_is_for_and_is_short_enough_to_read() {
    let complaints: Vec<_> = sources()
        .iter()
        .flat_map(|(path, text)| {
            let (path, lines) = (path.display(), text.lines().count());
            let undocumented =
                (!has_module_docs(text)).then(|| format!("{path} does not start with //!"));
            let long = (lines > FILE_LINES_MAX)
                .then(|| format!("{path} has {lines} lines, at most {FILE_LINES_MAX} are allowed"));
            undocumented.into_iter().chain(long)
        })
        .collect();
    assert_none("every source file starts with its module's docs and fits a reader:", &complaints);
}

#[test]
fn no_file_names_a_path_of_one_machine() {
    let complaints: Vec<_> = files(|path| !has_extension(path, "pcap"))
        .into_iter()
        .filter_map(|(path, text)| Some((path, String::from_utf8(text).ok()?)))
        .flat_map(|(path, text)| {
            let named = MACHINE_PATHS.iter().filter(move |start| text.contains(*start));
            named.map(move |start| format!("{} names {start}", path.display()))
        })
        .collect();
    assert_none("paths are relative to the repository, or come from the user:", &complaints);
}

/// Targets of the links in a Markdown text that lead into the repository.
fn local_links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| {
        let target = rest.split([')', '#', ' ']).next()?;
        (!target.is_empty() && !target.contains("://")).then_some(target)
    })
}

#[test]
fn links_between_documents_lead_somewhere() {
    let complaints: Vec<_> = files(|path| has_extension(path, "md"))
        .into_iter()
        .flat_map(|(path, text)| {
            let text = String::from_utf8(text).unwrap();
            let folder = root().join(path.parent().unwrap());
            let broken = local_links(&text).filter(|target| !folder.join(target).exists());
            broken.map(|target| format!("{} links {target}", path.display())).collect::<Vec<_>>()
        })
        .collect();
    assert_none("a link leads nowhere:", &complaints);
}

#[test]
fn every_document_is_in_the_index() {
    let index = fs::read_to_string(root().join("docs/README.md")).unwrap();
    let listed: Vec<_> = local_links(&index).collect();
    let complaints: Vec<_> = files(|path| has_extension(path, "md"))
        .into_iter()
        .filter_map(|(path, _)| Some(path.strip_prefix("docs").ok()?.display().to_string()))
        .filter(|path| path != "README.md")
        // A listed folder lists what is in it.
        .filter(|path| !path.split('/').any(|part| listed.contains(&part)))
        .filter(|path| !listed.contains(&path.as_str()))
        .map(|path| format!("docs/README.md does not list {path}"))
        .collect();
    assert_none("a document that nothing lists is not found:", &complaints);
}

#[test]
fn every_drop_cause_is_explained() {
    let text = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let causes = PacketDrop::ALL
        .iter()
        .map(|cause| ("packet", cause.name()))
        .chain(AlertDrop::ALL.iter().map(|cause| ("alert", cause.name())));
    let complaints: Vec<_> = causes
        .filter(|(ledger, name)| {
            let row = format!("| {ledger} | `{name}` | ");
            !text.lines().any(|line| line.strip_prefix(&row).is_some_and(|rest| rest.len() > 40))
        })
        .map(|(ledger, name)| format!("no row `| {ledger} | `{name}` | meaning and mend |`"))
        .collect();
    assert_none("docs/operations.md explains every cause of a drop:", &complaints);
}

#[test]
fn every_end_of_a_flow_is_explained() {
    let text = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let complaints: Vec<_> = FlowEnd::ALL
        .iter()
        .filter(|end| !text.contains(&format!("| `{}` | ", end.name())))
        .map(|end| format!("no row `| {} | meaning |`", end.name()))
        .collect();
    assert_none("docs/operations.md explains every end of a flow:", &complaints);
}

#[test]
fn the_readme_has_every_exit_code() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let rows = Exit::ALL.map(|exit| format!("| {} | {} |", exit as u8, exit.meaning()));
    let missing: Vec<_> = rows.into_iter().filter(|row| !text.contains(row)).collect();
    assert_none("README.md lacks exit codes:", &missing);
}

#[test]
fn the_sample_configuration_is_valid() {
    let loaded =
        sensor_gateway::config::load(Some(&root().join("deploy/sensor-gateway.toml")), &[]);
    assert_none(
        "the sample configuration is wrong:",
        &Vec::from_iter(loaded.err().map(|e| e.to_string())),
    );
}
