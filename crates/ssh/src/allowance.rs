//! How much a server may say before its login is over: enough for one that means it, and too little to
//! fill the memory with what somebody has to read first.
//!
//! Must not know SSH.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
};

/// In bytes. Greeting, keys, banner and every question together are a few hundred kilobytes at the most.
pub(crate) const LIMIT: u64 = 1 << 20;
const WITHOUT_END: u64 = u64::MAX;

/// What is left of it.
pub(crate) struct Allowance(AtomicU64);

impl Default for Allowance {
    fn default() -> Self {
        Self(AtomicU64::new(LIMIT))
    }
}

impl Allowance {
    /// Takes what came off it.
    ///
    /// # Errors
    /// It is used up.
    pub(crate) fn spend(&self, length: usize) -> io::Result<()> {
        let left = self.0.load(Ordering::Relaxed);
        if left == WITHOUT_END {
            return Ok(());
        }
        let left = left.checked_sub(length as u64).ok_or(io::ErrorKind::QuotaExceeded)?;
        // It may have been lifted meanwhile, and stays so.
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| (now != WITHOUT_END).then_some(left));
        Ok(())
    }

    /// From now on the server may say what it likes.
    pub(crate) fn lift(&self) {
        self.0.store(WITHOUT_END, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_spent_to_the_last_byte_unless_it_is_lifted() {
        let allowance = Allowance::default();
        allowance.spend(usize::try_from(LIMIT).unwrap()).unwrap();
        allowance.spend(0).unwrap();
        assert_eq!(allowance.spend(1).unwrap_err().kind(), io::ErrorKind::QuotaExceeded);
        allowance.lift();
        allowance.spend(usize::MAX).unwrap();
        allowance.spend(usize::MAX).unwrap();
    }
}
