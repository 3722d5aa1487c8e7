//! What has really left for a browser, when it was heard last, and whether its connection still
//! stands.
//!
//! A client that cannot acknowledge is metered by the transport: bytes written to its TCP
//! connection, or handed out in its polling responses. Must not know what the bytes mean.

use std::{
    collections::HashMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// A browser that is heard of not at all for this long is gone: it answers a ping every 10 s, and what
/// it gets meanwhile. The library would wait for longer, and tell only once its writer is free, which
/// waits for a browser that stopped reading.
const SILENCE_LIMIT: Duration = Duration::from_secs(22);

/// Counts the bytes that left for one Engine.IO session.
pub(crate) struct Meter {
    written: AtomicU64,
    /// Somebody waits for the next write.
    watched: AtomicBool,
    changed: Notify,
    closed: CancellationToken,
    /// When something came from the browser, in milliseconds from `born`.
    heard: AtomicU64,
    born: Instant,
    /// Cuts the WebSocket's TCP connection, if there is one.
    cut: Mutex<Option<CancellationToken>>,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            written: AtomicU64::default(),
            watched: AtomicBool::default(),
            changed: Notify::default(),
            closed: CancellationToken::default(),
            heard: AtomicU64::default(),
            born: Instant::now(),
            cut: Mutex::default(),
        }
    }
}

impl Meter {
    pub(crate) fn add(&self, bytes: usize) {
        self.written.fetch_add(bytes as u64, Ordering::SeqCst);
        if self.watched.load(Ordering::SeqCst) && self.watched.swap(false, Ordering::SeqCst) {
            self.changed.notify_one();
        }
    }

    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::SeqCst)
    }

    /// From now on the next write is told of, once. Who asks looks at [`written`](Self::written) again:
    /// what was written before is not told of.
    pub(crate) fn watch(&self) {
        self.watched.store(true, Ordering::SeqCst);
    }

    /// Resolves when something was written while it was watched.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Lets the next one that waits look, in case that the last one took news with it.
    pub(crate) fn pass_on(&self) {
        self.changed.notify_one();
    }

    /// Something came from the browser.
    pub(crate) fn hear(&self) {
        let elapsed = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard.store(elapsed, Ordering::Relaxed);
    }

    /// Resolves when the browser was silent for longer than one that lives can be.
    pub(crate) async fn silent(&self) {
        loop {
            let heard = self.born + Duration::from_millis(self.heard.load(Ordering::Relaxed));
            let limit = heard + SILENCE_LIMIT;
            if Instant::now() >= limit {
                return;
            }
            sleep_until(limit).await;
        }
    }

    /// The session's WebSocket runs on the connection that this token cuts.
    pub(crate) fn carried_by(&self, cut: CancellationToken) {
        *self.cut.lock() = Some(cut);
    }

    /// Cuts the WebSocket's TCP connection, whatever its writer waits for; `false` if there is none.
    pub(crate) fn cut(&self) -> bool {
        let cut = self.cut.lock();
        cut.as_ref().inspect(|cut| cut.cancel()).is_some()
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

    #[tokio::test(start_paused = true)]
    async fn silence_counts_from_what_was_heard_last() {
        let meter = Meter::default();
        let begun = Instant::now();
        let answers = async {
            for _ in 0..5 {
                tokio::time::sleep(SILENCE_LIMIT - Duration::from_secs(1)).await;
                meter.hear();
            }
            Instant::now()
        };
        let ((), last) = tokio::join!(meter.silent(), answers);
        assert_eq!(last - begun, 5 * (SILENCE_LIMIT - Duration::from_secs(1)));
        assert!(Instant::now() - last >= SILENCE_LIMIT);
    }

    #[test]
    fn a_meter_cuts_what_carries_it() {
        let meter = Meter::default();
        assert!(!meter.cut());
        let connection = CancellationToken::new();
        meter.carried_by(connection.clone());
        assert!(meter.cut() && connection.is_cancelled());
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
