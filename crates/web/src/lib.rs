//! HTTP and Socket.IO in front of the engine's registry.
//!
//! Must not know SSH, the command line or the environment.

mod algorithms;
mod assets;
mod auth;
mod body;
mod closing;
mod config;
mod connection;
mod create;
mod departures;
mod error;
mod exec;
mod fields;
mod front;
mod hash;
mod headers;
mod inbound;
mod inline;
mod jump;
mod login;
mod members;
mod meter;
mod metrics;
mod namespace;
mod order;
mod origin;
mod outbound;
mod program;
mod routes;
mod server;
mod terminal;
mod text;
mod transport;

pub use config::{ApiToken, Config, FrameAncestors, Limits, Permits, PublicUrl};
pub use program::EnvPattern;
pub use server::Server;

/// What only the micro benchmarks reach for besides.
#[doc(hidden)]
pub mod measured {
    pub use crate::text::{Utf8Decoder, json_length};
}
