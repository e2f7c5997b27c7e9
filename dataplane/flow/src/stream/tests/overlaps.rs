//! What the peer was seen to make of overlaps, as data.
//!
//! Each line of `overlaps.txt` is `policies | segments | stream`. A segment is `offset:bytes`; none is
//! acknowledged before all have come. Suricata 7.0.10 was asked with `host-os-policy`, one connection for each case
//! and a rule whose content is the whole stream.

use super::{OverlapPolicy, Stream};

const CASES: &str = include_str!("overlaps.txt");

fn assembled(policy: OverlapPolicy, segments: &str) -> String {
    let mut stream = Stream::roomy(policy, 7);
    for segment in segments.split_whitespace() {
        let (offset, bytes) = segment.split_once(':').unwrap();
        let _ = stream.insert(offset.parse().unwrap(), bytes.as_bytes());
    }
    String::from_utf8(stream.end()).unwrap()
}

#[test]
fn overlaps_are_settled_as_the_peer_does() {
    let mut cases = 0;
    for line in CASES.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let mut fields = line.split('|').map(str::trim);
        let mut field = || fields.next().unwrap();
        let (policies, segments, expected) = (field(), field(), field());
        for policy in policies.split_whitespace() {
            let policy = policy.parse().unwrap();
            assert_eq!(assembled(policy, segments), expected, "{} {segments}", policy.name());
            cases += 1;
        }
    }
    assert!(cases > 100, "the file has {cases} cases");
}

#[test]
fn policies_have_names_and_no_others() {
    for policy in OverlapPolicy::ALL {
        assert_eq!(policy.name().parse(), Ok(policy));
        assert_eq!(policy.name().to_uppercase().parse(), Ok(policy));
    }
    let error = "windows95".parse::<OverlapPolicy>().unwrap_err().to_string();
    assert!(error.contains("\"windows95\"") && error.contains("windows2k3"), "{error}");
}
