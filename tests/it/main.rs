//! Integration tests: the gateway between real clients and real SSH servers.
//!
//! Each test starts what it needs on free loopback ports and waits for events, never for time.

#![allow(clippy::unwrap_used)]

mod api;
mod setup;

mod cli;
mod dead_target;
mod dead_target_end_to_end;
mod dead_target_network;
mod dead_target_stage;
mod ends;
mod failures;
mod http_create;
mod http_guard;
mod http_pages;
mod input;
mod limits;
mod logs;
mod memory;
mod open;
mod output;
mod shutdown;
mod sockets;
mod ssh_auth;
mod ssh_dial;
mod ssh_dialing;
mod ssh_ends;
mod ssh_host_key;
mod ssh_odd_server;
mod tickets;
