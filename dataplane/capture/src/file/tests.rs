//! Capture files: every form that testkit writes, pcap-file as oracle, and files that are cut or wrong.

mod damage;
mod oracle;
mod pcapng_blocks;

use std::io::Read;

use contract::LinkType;
use testkit::{FIRST_TIMESTAMP_NS, Frame, PcapFile, TIMESTAMP_STEP_NS, Traffic};

use super::{FRAME_BYTES_MAX, FileSource, WINDOW_BYTES};
use crate::{Burst, FrameMeta, PacketSource, Polled, SourceError};

/// A frame as it was read.
type Read1 = (FrameMeta, Vec<u8>);

fn source(bytes: &[u8]) -> Result<FileSource<&[u8]>, SourceError> {
    FileSource::new(bytes, "test.pcap".to_owned(), Some(bytes.len() as u64))
}

/// All frames, and the error that ended the reading, if one did.
fn drain<R: Read>(mut source: FileSource<R>, max: usize) -> (Vec<Read1>, Option<SourceError>) {
    let mut all = Vec::new();
    loop {
        match source.poll(max) {
            Ok(Polled::Burst(burst)) => {
                assert!(!burst.is_empty() && burst.len() <= max);
                for index in 0..burst.len() {
                    let frame = burst.frame(index).unwrap();
                    all.push((frame.meta, frame.bytes.to_vec()));
                }
            }
            Ok(Polled::Idle) => panic!("a file is never idle"),
            Ok(Polled::Exhausted) => return (all, None),
            Err(error) => {
                assert!(matches!(source.poll(max), Ok(Polled::Exhausted)), "an error ends it");
                return (all, Some(error));
            }
        }
    }
}

/// All frames of a file that is whole.
fn frames(bytes: &[u8]) -> Vec<Read1> {
    let (frames, error) = drain(source(bytes).unwrap(), 64);
    assert!(error.is_none(), "{error:?}");
    frames
}

#[test]
fn a_frame_has_its_time_number_and_lengths() {
    let file = PcapFile { snap_length: 50, link: LinkType::RAW, ..PcapFile::default() };
    let read = frames(&file.bytes([vec![1; 40], vec![2; 90]]));
    let meta = |number, wire_length| FrameMeta {
        timestamp_ns: Some(FIRST_TIMESTAMP_NS + (number - 1) * TIMESTAMP_STEP_NS),
        number,
        wire_length,
        link: LinkType::RAW,
        port: 0,
    };
    assert_eq!(read, [(meta(1, 40), vec![1; 40]), (meta(2, 90), vec![2; 50])]);
}

#[test]
fn bursts_are_bounded_by_count_and_window() {
    let big = vec![7; FRAME_BYTES_MAX];
    let written: Vec<_> = (0..20).map(|index| big[..FRAME_BYTES_MAX - index].to_vec()).collect();
    let bytes = PcapFile::default().bytes(written.clone());
    assert!(bytes.len() > 4 * WINDOW_BYTES);
    for max in [1, 3, 64] {
        let (read, error) = drain(source(&bytes).unwrap(), max);
        assert!(error.is_none());
        assert!(read.iter().map(|(_, bytes)| bytes).eq(&written));
    }
    let mut source = source(&bytes).unwrap();
    let Polled::Burst(burst) = source.poll(64).unwrap() else { panic!("no burst") };
    assert_eq!(burst.len(), 3, "three such frames fit into the window whole");
}

#[test]
fn a_detached_frame_leaves_its_burst() {
    let bytes = PcapFile::default().bytes([vec![1; 40], vec![2; 90]]);
    let mut source = source(&bytes).unwrap();
    assert!(matches!(source.poll(0), Ok(Polled::Idle)));
    let Polled::Burst(mut burst) = source.poll(64).unwrap() else { panic!("no burst") };
    assert_eq!(burst.detach(1).as_deref(), Some(&[2; 90][..]));
    assert!(burst.frame(1).is_none() && burst.detach(1).is_none() && burst.frame(2).is_none());
    assert_eq!((burst.len(), burst.linearised()), (2, 0));
    assert_eq!(burst.frame(0).unwrap().bytes, [1; 40]);
}

/// A reader that gives at most 7 bytes at a time and is interrupted in between.
struct Slow<'a>(&'a [u8], bool);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let room = buffer.len().min(7);
        self.0.read(&mut buffer[..room])
    }
}

#[test]
fn short_and_interrupted_reads_are_no_end() {
    let bytes = PcapFile::default().bytes(Traffic::new(1).frames(50));
    let slow = FileSource::new(Slow(&bytes, false), String::new(), None).unwrap();
    assert_eq!(drain(slow, 64).0, frames(&bytes));
}

#[test]
fn a_file_on_disk_tells_its_progress() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("traffic.pcap");
    testkit::write_pcap(&path, Traffic::new(1).frames(500));
    let length = std::fs::metadata(&path).unwrap().len();
    let mut source = FileSource::open(&path).unwrap();
    let progress = source.progress();
    assert_eq!((progress.bytes_read(), progress.bytes_total()), (0, Some(length)));
    assert!(matches!(source.poll(64), Ok(Polled::Burst(_))));
    assert!((1..length).contains(&progress.bytes_read()));
    assert_eq!(drain(source, 64).0.len(), 500 - 64);
    assert_eq!(progress.bytes_read(), length);
}

#[test]
fn what_is_no_capture_is_refused_with_a_reason() {
    let missing = FileSource::open("/nonexistent/file.pcap").unwrap_err();
    assert!(matches!(missing, SourceError::Open { .. }), "{missing}");
    let reason = |bytes: &[u8]| source(bytes).unwrap_err().to_string();
    assert!(reason(b"").contains("it is empty"));
    assert!(reason(b"GET / HTTP/1.1\r\n\r\n and more").contains("no known format"));
    assert!(
        reason(&PcapFile::default().bytes(Vec::<Frame>::new())[..23]).contains("header is cut")
    );
    assert!(reason(&[0xd4, 0xc3, 0xb2, 0xa1, 9, 0, 4, 0].repeat(4)).contains("version is not 2"));
    assert!(frames(&PcapFile::default().bytes(Vec::<Frame>::new())).is_empty());
    assert_eq!(frames(&PcapFile::default().bytes([Frame::from(vec![])])).len(), 1);
}
