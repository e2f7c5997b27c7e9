//! The text form of the configuration, and what is refused before DPDK starts.

use super::{Device, DpdkConfig, Memory};

fn parse(text: &str) -> Result<DpdkConfig, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

#[test]
fn an_empty_table_is_the_default() {
    assert_eq!(parse("").unwrap(), DpdkConfig::default());
}

#[test]
fn memory_and_devices_are_read() {
    let config = parse(
        r#"
        memory = { huge_dir = "/dev/hugepages" }
        devices = [{ vdev = "net_pcap0,rx_pcap=a.pcap,rx_pcap=b.pcap" }, { pci = "0000:03:00.0" }]
        "#,
    )
    .unwrap();
    assert_eq!(config.memory, Memory::HugeDir("/dev/hugepages".into()));
    let [pcap, card] = config.devices.as_slice() else { panic!("two devices") };
    assert_eq!(pcap.name(), "net_pcap0");
    assert_eq!(pcap.arguments("rx_pcap").collect::<Vec<_>>(), ["a.pcap", "b.pcap"]);
    assert_eq!(*card, Device::Pci("0000:03:00.0".to_owned()));
    assert_eq!(parse("memory = 'no-huge'").unwrap().memory, Memory::NoHuge);
    assert_eq!(parse("memory = 'in-memory'").unwrap().memory, Memory::InMemory);
}

#[test]
fn what_is_written_is_read_again() {
    let config =
        DpdkConfig { devices: vec![Device::Vdev("net_null0".to_owned())], ..Default::default() };
    assert_eq!(parse(&toml::to_string(&config).unwrap()).unwrap(), config);
}

#[test]
fn unknown_words_are_refused() {
    for text in ["mbuf = 1", "memory = 'huge'", "devices = [{ usb = '1' }]"] {
        assert!(parse(text).unwrap_err().contains("unknown"), "{text}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let one = vec![Device::Vdev("net_null0".to_owned())];
    let good = DpdkConfig { devices: one.clone(), ..Default::default() };
    assert!(good.validate(1).is_ok());
    let cases = [
        (DpdkConfig::default(), 1, "no device"),
        (DpdkConfig { devices: [one.clone(), one].concat(), ..good.clone() }, 1, "twice"),
        (good.clone(), 0, "workers"),
        (good.clone(), 128, "workers"),
        (DpdkConfig { mbuf_data_room: 100, ..good.clone() }, 1, "mbuf_data_room"),
        (DpdkConfig { mbuf_data_room: 65_500, ..good.clone() }, 1, "mbuf_data_room"),
        (DpdkConfig { mbufs: 2_943, ..good.clone() }, 2, "at least 2944"),
    ];
    for (config, workers, part) in cases {
        let message = config.validate(workers).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn cards_turn_the_pci_bus_on() {
    let with = |device| DpdkConfig { devices: vec![device], ..Default::default() }.eal_arguments();
    let card = with(Device::Pci("0000:03:00.0,sq=1".to_owned()));
    assert!(card.ends_with(&["-a".to_owned(), "0000:03:00.0,sq=1".to_owned()]));
    let vdev = with(Device::Vdev("net_null0".to_owned()));
    assert!(vdev.contains(&"--no-pci".to_owned()));
    assert!(!vdev.contains(&"net_null0".to_owned()));
}
