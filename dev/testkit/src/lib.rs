//! What tests need around the product: SSH servers, gateways, sockets, HTTP, Node, processes.
//!
//! Must not test anything itself: assertions live in `tests/`.

mod account;
mod binary;
mod counters;
pub mod evil;
mod gateway;
mod http_client;
mod node;
mod others;
mod page;
mod page_client;
pub mod process;
mod proxy;
mod referee;
mod socket;
pub mod sshd;

pub use account::Account;
pub use binary::{Binary, BinaryOptions};
pub use counters::{CounterBase, Counters};
pub use demo_sshd;
pub use gateway::{GatewayOptions, TestGateway};
pub use http_client::{Http, Part, Reply, multipart};
pub use node::{ClientVersion, NodeClient};
pub use others::{Dropbear, TinySsh};
pub use page::{Page, Protocol};
pub use page_client::{PageClient, Snapshot};
pub use proxy::{Cut, Direction, Proxy};
pub use referee::Referee;
pub use socket::{Event, Incoming, SocketClient};
pub use sshd::{Sshd, SshdConfig};

use std::time::Duration;

/// How long a test waits for an event before it gives up. Nothing sleeps for it.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The SHA-256 of bytes in hexadecimal, as `sha256sum` prints it.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    hexadecimal(digest.as_ref())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
