//! The time that a server may take for a handshake or a login, which stands still while a person is asked.
//!
//! Must not know what the time is for, nor what is asked.

use std::time::Duration;

use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

/// Runs, and runs out, for whoever waits for the server.
pub(crate) struct Clock {
    left: Duration,
    is_held: watch::Receiver<bool>,
}

/// Holds a clock.
pub(crate) struct Brake(watch::Sender<bool>);

/// The clock stands still until this is dropped.
pub(crate) struct Hold<'a>(&'a Brake);

/// A clock that runs, and its brake.
pub(crate) fn clock(limit: Duration) -> (Clock, Brake) {
    let (sender, is_held) = watch::channel(false);
    (Clock { left: limit, is_held }, Brake(sender))
}

impl Clock {
    /// What the work comes to, unless the time is up before.
    pub(crate) async fn bound<T>(self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.run_out() => None,
        }
    }

    /// Waits until the time is up.
    async fn run_out(mut self) {
        loop {
            // Without a brake nothing holds the clock any more.
            let _ = self.is_held.wait_for(|is_held| !is_held).await;
            let since = Instant::now();
            let is_held = async {
                if self.is_held.wait_for(|is_held| *is_held).await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = sleep(self.left) => return,
                () = is_held => {}
            }
            self.left = self.left.saturating_sub(since.elapsed());
        }
    }
}

impl Brake {
    /// Holds the clock. Once at a time.
    pub(crate) fn hold(&self) -> Hold<'_> {
        self.0.send_replace(true);
        Hold(self)
    }

    /// Waits until nobody looks at the clock any more: whoever waited is gone.
    pub(crate) async fn abandoned(&self) {
        self.0.closed().await;
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.0.0.send_replace(false);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(15);

    #[tokio::test(start_paused = true)]
    async fn a_clock_runs_out() {
        let start = Instant::now();
        let (clock, _brake) = clock(LIMIT);
        clock.run_out().await;
        assert_eq!(start.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn time_under_a_hold_does_not_count_and_all_other_time_does() {
        let start = Instant::now();
        let (clock, brake) = clock(LIMIT);
        let hold_twice = async {
            for _ in 0..2 {
                sleep(Duration::from_secs(4)).await;
                let _hold = brake.hold();
                sleep(Duration::from_secs(90)).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = clock.run_out() => {}
            () = hold_twice => {}
        }
        assert_eq!(start.elapsed(), LIMIT + 2 * Duration::from_secs(90));
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_bound_by_the_time_that_counts() {
        let (running, brake) = clock(LIMIT);
        let work = async {
            for _ in 0..2 {
                sleep(Duration::from_secs(7)).await;
                let _hold = brake.hold();
                sleep(Duration::from_secs(90)).await;
            }
            "done"
        };
        assert_eq!(running.bound(work).await, Some("done"));
        let (running, _brake) = clock(LIMIT);
        assert_eq!(running.bound(sleep(LIMIT + Duration::from_secs(1))).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_without_a_brake_runs_on() {
        let start = Instant::now();
        let (clock, brake) = clock(LIMIT);
        drop(brake);
        clock.run_out().await;
        assert_eq!(start.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_brake_knows_when_its_clock_is_gone() {
        let (clock, brake) = clock(LIMIT);
        assert!(timeout(LIMIT, brake.abandoned()).await.is_err());
        drop(clock);
        brake.abandoned().await;
    }
}
