//! The connection of `alerts tail`, by the keys of `[nats]`.

use async_nats::{Client, Event, ServerAddr};
use control::config::NatsConfig;

use super::args::Tail;
use crate::exit::{Exit, Failure};

/// Name of the connection, which the server's monitoring shows.
const NAME: &str = "sensor-gateway alerts tail";

/// The settings of `[nats]`, with the servers of the command line where it names any.
///
/// # Errors
/// [`Exit::Usage`] where the configuration is wrong, or no server is named.
pub(super) fn settings(args: &Tail) -> Result<NatsConfig, Failure> {
    let mut nats = args.config.load()?.nats;
    if !args.server.is_empty() {
        nats.servers.clone_from(&args.server);
    }
    if nats.servers.is_empty() {
        let message = "no NATS server; name one with --server nats://HOST:4222, or a configuration with \
                       nats.servers (-c FILE)";
        return Err(Failure::new(Exit::Usage, message));
    }
    nats.validate().map_err(|error| Failure::new(Exit::Usage, error))?;
    Ok(nats)
}

/// A connection to one of the servers. What happens to it later is said on the standard error.
///
/// # Errors
/// [`Exit::Service`] where none can be made.
pub(super) async fn connect(nats: &NatsConfig) -> Result<Client, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(Exit::Service, error);
    let options = control::nats_options(nats, NAME.to_owned());
    let options = options.map_err(|error| failed(&error))?.event_callback(say);
    let servers: Vec<ServerAddr> =
        nats.servers.iter().filter_map(|server| server.parse().ok()).collect();
    let named = named(&servers);
    options.connect(servers).await.map_err(|error| failed(&format!("NATS at {named}: {error}")))
}

/// The servers without the passwords that their addresses may hold.
fn named(servers: &[ServerAddr]) -> String {
    let hosts = servers.iter().map(|server| format!("{}:{}", server.host(), server.port()));
    hosts.collect::<Vec<_>>().join(", ")
}

/// The servers of `nats` to be shown.
pub(super) fn shown(nats: &NatsConfig) -> String {
    let servers: Vec<_> = nats.servers.iter().filter_map(|server| server.parse().ok()).collect();
    named(&servers)
}

async fn say(event: Event) {
    match event {
        Event::Draining | Event::Closed => {}
        Event::SlowConsumer(_) => {
            eprintln!("alerts come faster than they are printed: some are lost");
        }
        event => eprintln!("NATS: {event}"),
    }
}
