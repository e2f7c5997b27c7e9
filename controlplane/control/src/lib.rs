//! Control plane: drain, batch, NATS, EVE, rule store, API.
