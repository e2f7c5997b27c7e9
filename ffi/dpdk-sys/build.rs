//! Finds DPDK, compiles the shim of its inline functions, and generates the bindings.

use std::{env, error::Error, ops::RangeInclusive, panic, path::PathBuf, process::Command};

/// The DPDK releases (year, month) that the bindings and the shim are tested with. The API changes
/// between long-term releases, so that an untested one is refused and not guessed at.
const TESTED_RELEASES: RangeInclusive<(u32, u32)> = (22, 11)..=(22, 11);

/// What to install on Debian.
const PACKAGES: &str = "libdpdk-dev libclang-dev pkg-config";

/// The libraries of DPDK that the binding calls. Drivers are loaded at run time by EAL from its
/// plug-in directory.
const LIBRARIES: &[&str] = &["rte_ethdev", "rte_mbuf", "rte_mempool", "rte_ring", "rte_eal"];

const FUNCTIONS: &[&str] = &[
    "rte_eal_(init|cleanup)",
    "rte_strerror",
    "rte_thread_(register|unregister)",
    "rte_dev_(probe|name)",
    "rte_pktmbuf_(pool_create|free_bulk|copy)",
    "rte_mempool_(free|in_use_count)",
    "rte_mbuf_dyn_rx_timestamp_register",
    "rte_ring_lookup",
    "rte_eth_dev_(info_get|configure|start|stop|close|socket_id|adjust_nb_rx_tx_desc)",
    "rte_eth_dev_(callback_register|callback_unregister|rss_hash_conf_get|rss_hash_update)",
    "rte_eth_rx_queue_setup",
    "rte_eth_promiscuous_enable",
    "rte_eth_stats_get",
    "rte_eth_xstats_(get|get_names)",
    "rte_eth_find_next_owned_by",
    "rte_eth_link_get_nowait",
    "shim_.*",
];

const TYPES: &[&str] = &[
    "rte_(mbuf|mempool|ring)",
    "rte_eth_(conf|dev_info|stats|xstat|xstat_name|rxconf|rss_conf|link|event_type)",
];

const CONSTANTS: &[&str] = &[
    "RTE_PKTMBUF_HEADROOM",
    "RTE_MAX_ETHPORTS",
    "RTE_ETHER_(HDR_LEN|CRC_LEN)",
    "RTE_ETH_MQ_RX_(NONE|RSS)",
    "RTE_ETH_EVENT_.*",
    "RTE_MBUF_F_RX_.*",
    "SHIM_.*",
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=shim");
    println!("cargo::rerun-if-env-changed=PKG_CONFIG_PATH");
    if let Err(sentence) = build() {
        println!("cargo::error={sentence}");
        std::process::exit(1);
    }
}

fn build() -> Result<(), Box<dyn Error>> {
    let library = pkg_config::Config::new()
        .cargo_metadata(false)
        .probe("libdpdk")
        .map_err(|_| format!("DPDK was not found by pkg-config; install {PACKAGES}"))?;
    check_release(&library.version)?;
    for path in &library.link_paths {
        println!("cargo::rustc-link-search=native={}", path.display());
    }
    for name in LIBRARIES {
        println!("cargo::rustc-link-lib=dylib={name}");
    }
    require_libclang()?;
    let flags = compiler_flags()?;
    compile_shim(&flags)?;
    generate_bindings(&flags)
}

/// Refuses a DPDK whose release is not in [`TESTED_RELEASES`].
fn check_release(version: &str) -> Result<(), String> {
    let mut numbers = version.split('.').map(|number| number.parse::<u32>());
    let release = match (numbers.next(), numbers.next()) {
        (Some(Ok(year)), Some(Ok(month))) => (year, month),
        _ => return Err(format!("the version of DPDK, {version:?}, is not understood")),
    };
    if TESTED_RELEASES.contains(&release) {
        return Ok(());
    }
    let ((from_year, from_month), (to_year, to_month)) =
        (*TESTED_RELEASES.start(), *TESTED_RELEASES.end());
    Err(format!(
        "DPDK {version} is installed, but only {from_year}.{from_month:02} to {to_year}.{to_month:02} \
         are tested; install such a release, or set PKG_CONFIG_PATH to one"
    ))
}

/// Every word of `pkg-config --cflags`: the pkg-config crate keeps only include paths and defines, but
/// DPDK's headers do not compile without `-include rte_config.h` and `-march`.
fn compiler_flags() -> Result<Vec<String>, Box<dyn Error>> {
    let program = env::var_os("PKG_CONFIG").unwrap_or_else(|| "pkg-config".into());
    let output = Command::new(program).args(["--cflags", "libdpdk"]).output()?;
    if !output.status.success() {
        return Err(format!("pkg-config --cflags libdpdk failed; install {PACKAGES}").into());
    }
    let words = String::from_utf8(output.stdout)?;
    Ok(words.split_whitespace().map(str::to_owned).collect())
}

/// Compiles the shim, optimised in every profile: it is on the path of each burst.
fn compile_shim(flags: &[String]) -> Result<(), Box<dyn Error>> {
    let mut shim = cc::Build::new();
    shim.file("shim/shim.c").opt_level(3).warnings(true);
    for flag in flags {
        shim.flag(flag);
    }
    shim.try_compile("dpdk_shim").map_err(|error| {
        format!("the C compiler refused the DPDK shim ({error}); install gcc and {PACKAGES}").into()
    })
}

fn generate_bindings(flags: &[String]) -> Result<(), Box<dyn Error>> {
    let mut builder = bindgen::Builder::default()
        .header("shim/shim.h")
        .clang_args(flags)
        .rust_edition(bindgen::RustEdition::Edition2024)
        .default_enum_style(bindgen::EnumVariation::Consts)
        .prepend_enum_name(false)
        .derive_default(true)
        .generate_comments(false)
        .layout_tests(true);
    for pattern in FUNCTIONS {
        builder = builder.allowlist_function(pattern);
    }
    for pattern in TYPES {
        builder = builder.allowlist_type(pattern);
    }
    for pattern in CONSTANTS {
        builder = builder.allowlist_var(pattern);
    }
    let bindings = builder
        .generate()
        .map_err(|error| format!("no bindings could be made from DPDK's headers: {error}"))?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    bindings.write_to_file(out.join("bindings.rs"))?;
    Ok(())
}

/// bindgen panics without libclang; this says what to install instead.
fn require_libclang() -> Result<(), String> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let loaded = panic::catch_unwind(bindgen::clang_version);
    panic::set_hook(hook);
    match loaded {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("libclang was not found; install {PACKAGES}")),
    }
}
