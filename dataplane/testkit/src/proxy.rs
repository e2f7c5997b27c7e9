//! A TCP proxy that misbehaves as it is told: between a client and a server that both think of a bad network.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Longest time until a thread sees what it is told.
const TICK: Duration = Duration::from_millis(10);
/// Bytes that are passed on at once.
const CHUNK: usize = 16 << 10;

/// What all threads of a proxy look at.
#[derive(Debug)]
struct Orders {
    stop: AtomicBool,
    refuse: AtomicBool,
    /// Connections of an earlier number are cut.
    epoch: AtomicU64,
    /// Pause before each chunk, µs.
    delay_us: AtomicU64,
    /// Bytes that clients may still send before their connection is cut, in the middle of whatever that is.
    budget: AtomicU64,
    /// Connections that were made.
    accepted: AtomicU64,
}

/// A listening proxy. It ends, and cuts its connections, when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    orders: Arc<Orders>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A proxy before the server on `port` of loopback, which need not listen yet.
    ///
    /// # Panics
    /// If it cannot listen itself.
    #[must_use]
    pub fn before(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port to listen on");
        let own = listener.local_addr().expect("its address").port();
        listener.set_nonblocking(true).expect("a listener that can be asked");
        let orders = Arc::new(Orders {
            stop: AtomicBool::new(false),
            refuse: AtomicBool::new(false),
            epoch: AtomicU64::new(0),
            delay_us: AtomicU64::new(0),
            budget: AtomicU64::new(u64::MAX),
            accepted: AtomicU64::new(0),
        });
        let shared = Arc::clone(&orders);
        let thread = std::thread::spawn(move || listen(&listener, port, &shared));
        Self { port: own, orders, thread: Some(thread) }
    }

    /// Its address, as a NATS URL.
    #[must_use]
    pub fn nats_url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Cuts all connections; new ones are taken.
    pub fn cut(&self) {
        self.orders.epoch.fetch_add(1, Ordering::Relaxed);
    }

    /// Cuts all connections and takes no new ones, or does again.
    pub fn refuse(&self, refuse: bool) {
        self.orders.refuse.store(refuse, Ordering::Relaxed);
        if refuse {
            self.cut();
        }
    }

    /// Holds each chunk back for so long, both ways.
    pub fn delay(&self, pause: Duration) {
        let pause = u64::try_from(pause.as_micros()).unwrap_or(u64::MAX);
        self.orders.delay_us.store(pause, Ordering::Relaxed);
    }

    /// Passes `bytes` more from clients on, and then cuts the connection whose turn it is, in the middle of its
    /// message. The others go on, without a limit.
    pub fn truncate_after(&self, bytes: u64) {
        self.orders.budget.store(bytes, Ordering::Relaxed);
    }

    /// Connections that were made so far.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.orders.accepted.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.orders.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It panics only where a test has failed already.
            let _ = thread.join();
        }
    }
}

fn listen(listener: &TcpListener, port: u16, orders: &Arc<Orders>) {
    let mut pumps: Vec<JoinHandle<()>> = Vec::new();
    while !orders.stop.load(Ordering::Relaxed) {
        pumps.retain(|pump| !pump.is_finished());
        let Ok((client, _)) = listener.accept() else {
            std::thread::sleep(TICK);
            continue;
        };
        if orders.refuse.load(Ordering::Relaxed) {
            continue;
        }
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { continue };
        orders.accepted.fetch_add(1, Ordering::Relaxed);
        let (Ok(from_client), Ok(from_server)) = (client.try_clone(), server.try_clone()) else {
            continue;
        };
        let epoch = orders.epoch.load(Ordering::Relaxed);
        for (from, to, limited) in [(from_client, server, true), (from_server, client, false)] {
            let orders = Arc::clone(orders);
            pumps.push(std::thread::spawn(move || {
                pump(&from, &to, epoch, limited, &orders);
                let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
            }));
        }
    }
    for pump in pumps {
        let _ = pump.join();
    }
}

/// Passes bytes on until the connection ends, or is to be cut.
fn pump(mut from: &TcpStream, mut to: &TcpStream, epoch: u64, limited: bool, orders: &Orders) {
    if from.set_nonblocking(false).is_err() || from.set_read_timeout(Some(TICK)).is_err() {
        return;
    }
    let mut chunk = [0; CHUNK];
    loop {
        let is_over =
            orders.stop.load(Ordering::Relaxed) || orders.epoch.load(Ordering::Relaxed) != epoch;
        if is_over {
            return;
        }
        let read = match from.read(&mut chunk) {
            Ok(0) => return,
            Ok(read) => read,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                continue;
            }
            Err(_) => return,
        };
        let pause = orders.delay_us.load(Ordering::Relaxed);
        if pause > 0 {
            std::thread::sleep(Duration::from_micros(pause));
        }
        let left = if limited { spend(&orders.budget, read as u64) } else { read };
        if to.write_all(&chunk[..left]).is_err() || left < read {
            return;
        }
    }
}

/// Takes up to `wanted` from the budget; what was left of it. An exhausted budget is unlimited again.
fn spend(budget: &AtomicU64, wanted: u64) -> usize {
    let before = budget.load(Ordering::Relaxed);
    if before == u64::MAX {
        return wanted as usize;
    }
    let granted = before.min(wanted);
    let after = if granted < wanted { u64::MAX } else { before - granted };
    // Where two connections spend at once, the cut comes a chunk later.
    budget.store(after, Ordering::Relaxed);
    granted as usize
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::time::Duration;

    use super::Proxy;

    /// A server that sends back what it gets, one connection after another.
    fn echo() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || {
                    let mut answers = stream.try_clone().unwrap();
                    let _ = std::io::copy(&mut &stream, &mut answers);
                });
            }
        });
        port
    }

    fn connect(proxy: &Proxy) -> TcpStream {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    fn echoed(stream: &mut TcpStream, text: &[u8]) -> Option<Vec<u8>> {
        stream.write_all(text).ok()?;
        let mut back = vec![0; text.len()];
        stream.read_exact(&mut back).ok()?;
        Some(back)
    }

    #[test]
    fn it_passes_cuts_refuses_and_truncates() {
        let proxy = Proxy::before(echo());
        let mut one = connect(&proxy);
        assert_eq!(echoed(&mut one, b"hello").as_deref(), Some(&b"hello"[..]));
        proxy.cut();
        assert_eq!(one.read(&mut [0; 1]).unwrap_or(0), 0, "the connection has ended");
        let mut two = connect(&proxy);
        proxy.truncate_after(3);
        two.write_all(b"hello").unwrap();
        let mut rest = Vec::new();
        let _ = two.read_to_end(&mut rest);
        assert!(b"hel".starts_with(&rest), "{rest:?}");
        assert!(echoed(&mut connect(&proxy), b"hello").is_some(), "once only");
        proxy.refuse(true);
        assert_eq!(echoed(&mut connect(&proxy), b"hello"), None);
        proxy.refuse(false);
        assert!(echoed(&mut connect(&proxy), b"hello").is_some());
        assert!(proxy.accepted() >= 4);
    }
}
