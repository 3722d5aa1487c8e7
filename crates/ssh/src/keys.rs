//! How old the keys of a connection are: by what they have carried, and by the clock.
//!
//! Must not know what is done about it.

use std::sync::atomic::Ordering;

use tokio::time::Instant;

use crate::{link::Carried, options::KeyLife};

/// The age of the keys that are in use.
pub(crate) struct Keys {
    life: KeyLife,
    carried: Carried,
    /// What the keys before them carried.
    carried_before: u64,
    since: Instant,
}

impl Keys {
    /// Of a connection that counts what it carries here.
    pub(crate) fn new(life: KeyLife, carried: Carried) -> Self {
        Self { life, carried, carried_before: 0, since: Instant::now() }
    }

    /// Whether they have lived their life.
    pub(crate) fn are_old(&self) -> bool {
        self.carried() - self.carried_before >= self.life.bytes || self.since.elapsed() >= self.life.time
    }

    /// New ones are in use.
    pub(crate) fn changed(&mut self) {
        self.carried_before = self.carried();
        self.since = Instant::now();
    }

    fn carried(&self) -> u64 {
        self.carried.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn they_grow_old_by_bytes_or_by_time_and_new_ones_are_young() {
        let carried = Carried::default();
        let mut keys = Keys::new(KeyLife::default(), carried.clone());
        carried.store((1 << 30) - 1, Ordering::Relaxed);
        tokio::time::advance(Duration::from_secs(3599)).await;
        assert!(!keys.are_old());
        carried.store(1 << 30, Ordering::Relaxed);
        assert!(keys.are_old());
        keys.changed();
        assert!(!keys.are_old());
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert!(keys.are_old());
        keys.changed();
        assert!(!keys.are_old());
    }
}
