//! Workers that exist only as their rings, and waiting.

#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use contract::record::{FlowFacts, PacketFacts, RECORD_SLOTS_MAX, SLOT_BYTES, encode_tuple};
use contract::{
    AlertDrop, FieldKind, FiveTuple, Header, Kind, RecordBuilder, Slot, WorkerCounters, crash,
};
use control::config::{
    ApiConfig, EveConfig, NatsConfig, ProfilingConfig, RuleStoreConfig, SpoolConfig,
};
use control::stats::{NoPorts, Snapshot};
use control::{
    Control, FixedLevels, LoadedRules, Parts, SensorIdentity, SpoolDirectory, WorkerLink,
};
use detect::{CompileCache, Generation, SignatureLosses};
use ring::{Consumer, Page, Producer, RecordProducer, record_ring, spsc};
use rules::Environment;

/// Three rules of three severities.
pub const RULES: &str = r#"alert tcp any any -> any any (msg:"one"; content:"abc"; priority:1; sid:1; rev:1;)
alert tcp any any -> any any (msg:"two"; content:"def"; priority:2; sid:2; rev:1;)
alert tcp any any -> any any (msg:"three"; content:"ghi"; priority:3; sid:3; rev:1;)
"#;

/// Longest wait for anything in a test.
pub const LIMIT: Duration = Duration::from_secs(20);

/// A worker as the control plane sees it: rings, mailbox and counters.
pub struct SimWorker {
    pub index: u16,
    pub counters: Arc<WorkerCounters>,
    lanes: [RecordProducer; 3],
    generations: Consumer<Box<Generation>>,
    retired: Producer<Box<Generation>>,
    current: Option<Box<Generation>>,
    first_losses: Arc<SignatureLosses>,
    sequence: u64,
    slots: Vec<Slot>,
}

impl SimWorker {
    /// A worker and its link.
    pub fn new(index: u16) -> (Self, WorkerLink) {
        let counters = Arc::new(WorkerCounters::default());
        counters.generation.store(1, Ordering::Release);
        let rings = [record_ring(8_192), record_ring(1_024), record_ring(1_024)];
        let (producers, consumers): (Vec<_>, Vec<_>) = rings.into_iter().unzip();
        let (mailbox, generations) = spsc(4);
        let (retired, left) = spsc(6);
        let first_losses = Arc::new(SignatureLosses::new(3));
        let link = WorkerLink {
            index,
            counters: Arc::clone(&counters),
            lanes: consumers.try_into().ok().unwrap(),
            generations: mailbox,
            retired: left,
            losses: Arc::clone(&first_losses),
        };
        let worker = Self {
            index,
            counters,
            lanes: producers.try_into().ok().unwrap(),
            generations,
            retired,
            current: None,
            first_losses,
            sequence: 0,
            slots: vec![[0; SLOT_BYTES]; RECORD_SLOTS_MAX],
        };
        (worker, link)
    }

    /// One poll: switches to a generation that waits; whether there was one.
    pub fn poll(&mut self) -> bool {
        self.counters.idle_polls.increment();
        let Some(next) = self.generations.pop() else { return false };
        let number = next.number;
        if let Some(left) = self.current.replace(next) {
            assert!(self.retired.push(left).is_ok(), "the way back is never full");
        }
        let header = self.header(Kind::Switch);
        for lane in &mut self.lanes {
            let record = RecordBuilder::new(&mut self.slots).finish(header);
            lane.push(record).unwrap();
        }
        self.counters.generation.store(number, Ordering::Release);
        true
    }

    /// Switches until the generation is `number`.
    pub fn switch_to(&mut self, number: u32) {
        eventually("the worker gets the generation", || {
            self.poll();
            self.counters.generation.load(Ordering::Acquire) >= number
        });
    }

    fn header(&self, kind: Kind) -> Header {
        Header {
            kind,
            flags: Header::TO_SERVER,
            length: 0,
            generation: self.current.as_ref().map_or(1, |generation| generation.number),
            signature: 0,
            flow: 0,
            sequence: 0,
            packet: self.sequence,
            wall_ns: 1_700_000_000_000_000_000,
            rx_ns: 0,
            raised_after_ns: 1_000,
            worker: self.index,
        }
    }

    /// Raises an alert of signature `signature`, as a worker does.
    pub fn raise(&mut self, signature: u32) {
        self.sequence += 1;
        self.counters.bursts.increment();
        self.counters.rx_packets.increment();
        self.counters.inspected.increment();
        self.counters.raised.increment();
        let header = Header {
            signature,
            flow: self.sequence,
            sequence: self.sequence,
            ..self.header(Kind::Alert)
        };
        let tuple = FiveTuple {
            source: Ipv4Addr::new(10, 0, 0, 1).into(),
            destination: Ipv4Addr::new(10, 0, 0, 2).into(),
            source_port: 40_000,
            destination_port: 80,
            protocol: 6,
        };
        let packet = PacketFacts { wire_length: 60, payload_length: 3, vlan: [0, 0], port: 0 };
        let mut builder = RecordBuilder::new(&mut self.slots);
        builder
            .field(FieldKind::Tuple, &encode_tuple(&tuple))
            .field(FieldKind::Packet, &packet.encode())
            .field(FieldKind::Flow, &FlowFacts::default().encode())
            .field(FieldKind::PayloadSha256, &[7; 32])
            .field(FieldKind::Payload, b"abc");
        let record = builder.finish(header);
        if self.lanes[0].push(record).is_err() {
            self.lose(signature, AlertDrop::RingFull);
        }
    }

    /// Loses an alert of signature `signature` that was raised.
    pub fn lose(&self, signature: u32, cause: AlertDrop) {
        self.counters.drop_alert(cause);
        let losses = self.current.as_ref().map_or(&self.first_losses, |current| &current.losses);
        losses.count(signature, cause);
    }

    /// Raises `count` alerts, of signatures in turn.
    pub fn raise_many(&mut self, count: u32) {
        for number in 0..count {
            self.raise(number % 3);
        }
    }
}

/// Rules, compiled.
pub fn load(text: &str) -> LoadedRules {
    let environment = Environment::default();
    LoadedRules::compile(text.as_bytes(), "test", &environment, &mut CompileCache::new()).unwrap()
}

/// A sensor with `workers` workers, no NATS, no EVE output and no API, to be changed by the test.
pub fn parts(workers: u16) -> (Vec<SimWorker>, Parts) {
    let page = Page::heap(crash::cells(workers));
    let (workers, links) = (0..workers).map(SimWorker::new).unzip();
    let parts = Parts {
        identity: SensorIdentity { site: "lab".into(), sensor: "s1".into(), boot: "b00t".into() },
        version: "0.0.0-test".into(),
        workers: links,
        page,
        interfaces: vec!["port0".into()],
        ports: Arc::new(NoPorts),
        environment: Environment::default(),
        initial: (load(RULES), 1, "test".into()),
        nats: NatsConfig::default(),
        spool: SpoolConfig::default(),
        spool_directory: None,
        eve: EveConfig::default(),
        api: ApiConfig { enabled: false, ..ApiConfig::default() },
        profiling: ProfilingConfig { enabled: false, ..ProfilingConfig::default() },
        store: RuleStoreConfig::default(),
        log: Arc::new(FixedLevels),
    };
    (workers, parts)
}

/// Gives the sensor a spool in `directory`.
pub fn spool_in(parts: &mut Parts, directory: &Path) {
    parts.spool.path = Some(directory.to_owned());
    let locked = SpoolDirectory::lock(&parts.spool).unwrap().unwrap();
    parts.page = locked.page(&parts.identity.boot, parts.workers.len() as u16).unwrap();
    parts.spool_directory = Some(locked);
}

/// Waits for `holds`; the test fails when it does not come to hold.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < LIMIT, "{what}: not within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The same for what the stats show; fails with what they show.
pub fn eventually_shows(control: &Control, what: &str, holds: impl Fn(&Snapshot) -> bool) {
    let start = Instant::now();
    loop {
        let snapshot = control.snapshot();
        if holds(&snapshot) {
            return;
        }
        let (ledgers, nats) = (&snapshot.ledgers.alerts, &snapshot.nats);
        assert!(start.elapsed() < LIMIT, "{what}: not within {LIMIT:?}: {ledgers:?} {nats:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Settings that give up fast.
pub fn nats_config(url: String) -> NatsConfig {
    NatsConfig {
        servers: vec![url],
        lanes: 2,
        ack_timeout_ms: 1_000,
        reconnect_max_ms: 100,
        ..NatsConfig::default()
    }
}
