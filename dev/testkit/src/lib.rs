//! What tests need around the product: SSH servers, a gateway, sockets, HTTP, processes.
//!
//! Must not test anything itself: assertions live in `tests/`.

pub mod process;
pub mod sshd;

pub use sshd::{Sshd, SshdConfig};
