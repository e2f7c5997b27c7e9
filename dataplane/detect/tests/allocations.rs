//! Inspection allocates nothing once a worker is warm, whatever the engine of a regular expression. (What
//! has to warm up is the state stack of simulated expressions; all else is allocated beforehand.)

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::net::IpAddr;

use allocation_counter::measure;
use contract::{EventSet, FiveTuple};
use detect::{
    CompileCache, CompileOptions, FlowVariables, FlowView, Headers, Inspect, RuleSet, Scope,
};
use rules::Environment;

const RULES: &[u8] = br#"
alert udp any any -> any any (content:"abc"; nocase; content:"d"; distance:1; within:9; sid:1;)
alert udp any any -> any 1:100 (content:"x"; content:!"abcdef"; sid:2;)
alert udp any any -> any any (pcre:"/[a-d]{2,9}z+/i"; sid:3;)
alert udp any any -> any any (pcre:"/a[^y]{300}(b|c)*[bd]{200}q/"; sid:4;)
alert udp any any -> any any (content:"a"; pcre:"/b[^y]{250}(b|c)*[bd]{180}/R"; sid:5;)
alert udp any any -> any any (content:"aa"; pcre:"/c(?:a|d)*/R"; content:"e"; distance:0; sid:6;)
alert udp 10.0.0.0/8 any -> any any (dsize:>4; ttl:64; sid:7;)
alert ip any any -> any any (sid:8;)
alert udp any any -> any any (flow:to_server; content:"b"; flowbits:toggle,t; flowint:bs,+,1; sid:9;)
alert udp any any -> any any (flowbits:isset,s|t; flowint:bs,>,20; sid:10;)
alert udp any any -> any any (content:"a"; byte_extract:1,0,v,relative; content:"B"; nocase; distance:v; byte_test:1,=,v,0,relative; sid:11;)
alert udp any any -> any any (content:"ab"; base64_decode:relative; base64_data; content:"I"; nocase; pcre:"/[a-z]{3}/"; sid:12;)
alert udp any any -> any any (byte_math:bytes 2, offset 0, oper >>, rvalue 3, result v; byte_jump:0,v,string,hex; isdataat:!v; sid:13;)
"#;

/// Packets of each length before the count begins.
const WARM_UP_PACKETS: usize = 6;

#[test]
fn a_warm_scratch_does_not_grow() {
    let loaded = rules::load(RULES, "test.rules", &Environment::default());
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    // Small tables, so that the larger expressions are simulated.
    let options = CompileOptions { regex_bytes_max: 20_000, ..CompileOptions::default() };
    let rules = RuleSet::compile(loaded.rules, &options, &mut CompileCache::new()).unwrap();
    assert!(rules.refused().is_empty(), "{:?}", rules.refused());
    let mut scratch = rules.new_scratch();
    let mut variables = FlowVariables::default();
    let mut raised = 0;
    let mut seed = 1_u32;
    let mut payload = vec![0; 60_000];
    for turn in 0..60 {
        for byte in &mut payload {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = b'a' + (seed >> 24) as u8 % 5;
        }
        let length = [0, 1, 40, 700, 1_500, 60_000][turn % 6];
        let view = view(&payload[..length], turn as u16);
        let inspection = measure(|| {
            rules.inspect(&view, &mut variables, &mut scratch);
        });
        raised += scratch.alerts().len();
        if turn >= WARM_UP_PACKETS {
            assert_eq!(inspection.count_total, 0, "packet {turn}");
        }
    }
    assert!(raised > 100, "{raised}");
}

fn view(payload: &[u8], port: u16) -> Inspect<'_> {
    Inspect {
        tuple: FiveTuple {
            source: IpAddr::from([10, 0, 0, 1]),
            destination: IpAddr::from([10, 0, 0, 2]),
            source_port: 1_000,
            destination_port: port,
            protocol: 17,
        },
        ttl: 64,
        tcp_flags: None,
        icmp: None,
        payload,
        headers: Headers::default(),
        payload_bytes: payload.len() as u32,
        in_stream: false,
        chunks: &[],
        chunks_only: false,
        has_transport: true,
        first_in_direction: true,
        flow: Some(FlowView { to_server: true, established: false, age_s: 0, stream_sizes: None }),
        reassembled: false,
        events: EventSet::EMPTY,
        scope: Scope::Whole,
    }
}
