//! What every session of one gateway is held to.

use std::time::Duration;

/// What every session of one gateway is held to.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a ticket may wait to be redeemed.
    pub ticket_ttl: Duration,
    /// How long a session waits for its browser to come back; zero ends it with its socket.
    pub detach_grace: Duration,
    /// How much recent output a session keeps for a browser that comes back, in bytes.
    pub backlog: usize,
    /// What happens to output while nobody is attached.
    pub detached_output: DetachedOutput,
    /// How long a session may go without input, unless its order names less.
    pub idle_timeout: Option<Duration>,
    /// How long a session may last, unless its order names less.
    pub max_duration: Option<Duration>,
    /// How many sessions there may be.
    pub quotas: Quotas,
}

/// What happens to output while nobody is attached.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum DetachedOutput {
    /// It is read on, and the oldest beyond the backlog is dropped; the screen stays exact.
    #[default]
    Latest,
    /// Once the backlog is full the target is slowed down; nothing is dropped.
    Keep,
}

/// How many sessions there may be, those included to which nobody is attached.
#[derive(Clone, Copy, Debug)]
pub struct Quotas {
    /// In all.
    pub sessions: usize,
    /// Started from one address.
    pub per_address: Option<usize>,
    /// Ordered by one caller.
    pub per_caller: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ticket_ttl: Duration::from_secs(120),
            detach_grace: Duration::from_secs(300),
            backlog: 1024 * 1024,
            detached_output: DetachedOutput::default(),
            idle_timeout: None,
            max_duration: None,
            quotas: Quotas::default(),
        }
    }
}

impl Default for Quotas {
    fn default() -> Self {
        Self { sessions: 1000, per_address: Some(50), per_caller: None }
    }
}
