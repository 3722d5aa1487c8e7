//! The russh client behind the engine's [`Dialer`](engine::Dialer).
//!
//! Must not know the web, tickets or who watches a session.

mod agent;
mod agent_channels;
mod agreement;
mod algorithms;
mod allowance;
mod asking;
mod auth;
mod callbacks;
mod charset;
mod check;
mod clock;
mod connection;
mod dial;
mod dialer;
mod erase;
mod fault;
mod gate;
mod glob;
mod greeting;
mod host_certificate;
mod host_key;
mod inbox;
mod kdf;
mod kexinit;
mod keyboard;
mod keys;
mod known_hosts;
mod learned_hosts;
mod link;
mod login;
mod options;
mod pem;
mod policy;
mod private_key;
mod prompts;
mod pty;
mod public_key;
mod randomart;
mod short_number;
mod socket;
mod stream;
mod string;
mod text;
mod translated;
mod transport;
mod tunnel;
mod user_certificate;
mod watch;
mod way;

pub use algorithms::AlgorithmPolicy;
pub use check::{Address, Finding, check};
pub use dialer::SshDialer;
pub use options::{AddressFamily, HostKeyPolicy, KeyLife, Options, Patience, Reach};
pub use policy::{OwnListener, TargetPattern, TargetPolicy};
