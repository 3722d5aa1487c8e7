//! Integration tests: the gateway between real clients and real SSH servers.
//!
//! Each test starts what it needs on free loopback ports and waits for events, never for time.

#![allow(clippy::unwrap_used)]
#![allow(clippy::print_stdout, reason = "a test that measures says what it found")]

mod api;
mod resume_setup;
mod setup;

mod agent;
mod agent_abused;
mod charset;
mod check;
mod cli;
mod dead_target;
mod dead_target_end_to_end;
mod dead_target_network;
mod dead_target_stage;
mod drain;
mod ends;
mod evil_handshake;
mod evil_login;
mod evil_shell;
mod evil_stage;
mod exec;
mod failures;
mod fairness;
mod http_create;
mod http_guard;
mod http_metrics;
mod http_pages;
mod inline;
mod input;
mod jump;
mod jump_http;
mod limits;
mod limits_sessions;
mod logs;
mod memory;
mod open;
mod output;
mod policy;
mod program;
mod pty_modes;
mod rekey;
mod respondent;
mod resume_cuts;
mod resume_detached;
mod resume_input;
mod resume_screen;
mod resume_token;
mod screen;
mod screen_grammar;
mod screen_programs;
mod shutdown;
mod sockets;
mod ssh_algorithms;
mod ssh_auth;
mod ssh_auth_asking;
mod ssh_auth_certificates;
mod ssh_auth_end_to_end;
mod ssh_dial;
mod ssh_dialing;
mod ssh_ends;
mod ssh_host_key;
mod ssh_host_key_asked;
mod ssh_host_key_certificates;
mod ssh_odd_server;
mod ssh_other_servers;
mod ssh_pam;
mod stalled;
mod stopped_client;
mod takeover;
mod tickets;
mod warnings;
