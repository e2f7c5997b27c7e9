//! Files that are cut or wrong: what came before is delivered, the place is named, nothing loops.

use proptest::prelude::*;
use testkit::{PcapFile, PcapngFile, Traffic};

use super::{drain, frames, source};
use crate::SourceError;

fn files() -> [Vec<u8>; 4] {
    let traffic = Traffic::new(5).payload_max(40).frames(12);
    let big = PcapFile { big_endian: true, nanoseconds: true, ..PcapFile::default() };
    let extras = PcapngFile { big_endian: true, extras: true, ..PcapngFile::default() };
    [
        PcapFile::default().bytes(&traffic),
        big.bytes(&traffic),
        PcapngFile::default().bytes(&traffic),
        extras.bytes(&traffic),
    ]
}

#[test]
fn a_cut_file_gives_its_whole_packets() {
    for file in files() {
        let whole = frames(&file);
        let mut ends = 0;
        for length in 24..file.len() {
            let (read, error) = drain(source(&file[..length]).unwrap(), 5);
            assert_eq!(read, whole[..read.len()]);
            match error {
                None => ends += 1,
                Some(SourceError::Damaged { offset, packets, .. }) => {
                    assert!(offset <= length as u64);
                    assert_eq!(packets as usize, read.len());
                }
                Some(other) => panic!("{other}"),
            }
        }
        assert!(ends >= whole.len(), "a cut between two records is an orderly end");
    }
}

#[test]
fn nonsense_in_the_middle_is_named_with_its_place() {
    let mut bytes = PcapFile::default().bytes(Traffic::new(5).frames(3));
    let offset = bytes.len() as u64;
    bytes.extend([0xff; 40]);
    let (read, error) = drain(source(&bytes).unwrap(), 64);
    assert_eq!(read.len(), 3);
    let text = error.unwrap().to_string();
    assert!(text.contains(&format!("byte {offset}, after packet 3")), "{text}");
    assert!(text.contains("longer than any capture"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn arbitrary_bytes_after_a_header_end(
        head in prop::sample::select(vec![0_usize, 24, 48]),
        file in 0_usize..4,
        tail in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut bytes = files()[file][..head].to_vec();
        bytes.extend(tail);
        if let Ok(source) = source(&bytes) {
            let (read, _) = drain(source, 3);
            prop_assert!(read.len() <= bytes.len() / 16);
        }
    }

    #[test]
    fn mutated_files_end(
        file in 0_usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = files()[file].clone();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(source) = source(&bytes) {
            let (read, _) = drain(source, 5);
            prop_assert!(read.len() <= bytes.len() / 16);
        }
    }
}
