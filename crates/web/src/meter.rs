//! What has really left for a browser, and whether its connection still stands.
//!
//! A client that cannot acknowledge is metered by the transport: bytes written to its TCP
//! connection, or handed out in its polling responses. Must not know what the bytes mean.

use std::{
    collections::HashMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Counts the bytes that left for one Engine.IO session.
#[derive(Default)]
pub(crate) struct Meter {
    written: AtomicU64,
    changed: Notify,
    closed: CancellationToken,
}

impl Meter {
    pub(crate) fn add(&self, bytes: usize) {
        self.written.fetch_add(bytes as u64, Ordering::Relaxed);
        self.changed.notify_one();
    }

    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Resolves when more was written since it resolved last.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The WebSocket's TCP connection is gone.
    pub(crate) fn close(&self) {
        self.closed.cancel();
    }

    /// Resolves when the WebSocket's TCP connection is gone.
    pub(crate) async fn closed(&self) {
        self.closed.cancelled().await;
    }
}

/// The meters of the sessions that began with polling, by their Engine.IO session id. They live
/// as long as somebody else holds them.
#[derive(Default)]
pub(crate) struct Meters {
    by_sid: Mutex<ById>,
}

#[derive(Default)]
struct ById {
    meters: HashMap<String, Weak<Meter>>,
    /// Dead entries are swept when the map has grown to this.
    sweep_at: usize,
}

impl Meters {
    /// The session's meter, the same for everybody who asks while somebody holds it.
    pub(crate) fn of(&self, sid: &str) -> Arc<Meter> {
        let mut by_sid = self.by_sid.lock();
        if let Some(meter) = by_sid.meters.get(sid).and_then(Weak::upgrade) {
            return meter;
        }
        if by_sid.meters.len() >= by_sid.sweep_at {
            by_sid.meters.retain(|_, meter| meter.strong_count() > 0);
            by_sid.sweep_at = 2 * by_sid.meters.len() + 64;
        }
        let meter = Arc::new(Meter::default());
        by_sid.meters.insert(sid.to_owned(), Arc::downgrade(&meter));
        meter
    }

    /// The session's meter, if somebody holds it.
    pub(crate) fn known(&self, sid: &str) -> Option<Arc<Meter>> {
        self.by_sid.lock().meters.get(sid).and_then(Weak::upgrade)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_is_shared_while_somebody_holds_it_and_forgotten_after() {
        let meters = Meters::default();
        let meter = meters.of("a");
        meters.of("a").add(5);
        assert_eq!(meter.written(), 5);
        drop(meter);
        assert!(meters.known("a").is_none());
        assert_eq!(meters.of("a").written(), 0);
    }

    #[test]
    fn dead_entries_do_not_pile_up() {
        let meters = Meters::default();
        for sid in 0..10_000 {
            meters.of(&sid.to_string());
        }
        assert!(meters.by_sid.lock().meters.len() <= 64);
    }
}
