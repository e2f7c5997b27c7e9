//! Spans of the control plane reach an OTLP collector.

#![cfg(all(feature = "dpdk", feature = "otlp"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use support::common::wait_for;
use support::scene::{RULES, endless_device};
use support::sensor::Setup;

/// Bodies that were posted, with their paths.
type Posted = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A collector that takes everything, for the life of the test.
fn collector() -> (SocketAddr, Posted) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, posted) = (listener.local_addr().unwrap(), Posted::default());
    let target = Arc::clone(&posted);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let target = Arc::clone(&target);
            std::thread::spawn(move || take(stream.unwrap(), &target));
        }
    });
    (address, posted)
}

/// Takes one request after another; `None` at the end of the connection.
fn take(stream: TcpStream, posted: &Posted) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut request, mut length) = (String::new(), 0);
        reader.read_line(&mut request).ok().filter(|read| *read > 0)?;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let line = line.trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        posted.lock().unwrap().push((request, body));
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        reader.get_mut().write_all(answer).ok()?;
    }
}

#[test]
fn an_activation_is_a_span_at_the_collector() {
    let (address, posted) = collector();
    let setup = Setup::new("traces", RULES)
        .device(|scratch| endless_device(scratch, &["MARK"]))
        .set(format!("traces.otlp_endpoint=http://{address}/v1/traces"));
    let sensor = setup.start();
    assert_eq!(sensor.put_rules(RULES).status, 200);
    // What waits is sent at the end.
    sensor.stop_in_order();
    let has =
        |body: &[u8], name: &str| body.windows(name.len()).any(|window| window == name.as_bytes());
    wait_for("the span", || {
        let posted = posted.lock().unwrap();
        let spans = posted.iter().filter(|(request, _)| request.starts_with("POST /v1/traces"));
        let mut bodies = spans.map(|(_, body)| body);
        bodies
            .any(|body| {
                ["sensor-gateway", "activate rules", "compile rules"]
                    .iter()
                    .all(|name| has(body, name))
            })
            .then_some(())
    });
}
