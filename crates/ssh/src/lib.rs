//! The russh client behind the engine's [`Dialer`](engine::Dialer).
//!
//! Must not know the web, tickets or who watches a session.

mod algorithms;
mod asking;
mod auth;
mod callbacks;
mod connection;
mod dial;
mod dialer;
mod fault;
mod gate;
mod host_key;
mod kdf;
mod keyboard;
mod keys;
mod known_hosts;
mod learned_hosts;
mod link;
mod login;
mod options;
mod pem;
mod private_key;
mod socket;
mod prompts;
mod public_key;
mod server_time;
mod text;
mod transport;
mod watch;
mod user_certificate;

pub use dialer::SshDialer;
pub use options::{HostKeyPolicy, KeyLife, Options, Patience};
