//! When a session ends by the clock, and when its browser is warned of it: pure arithmetic.

use std::time::Duration;

use tokio::time::Instant;

use crate::{client::EndingCause, reason::CloseReason};

/// The browser is warned this long before the end, and at half time of what is shorter than two of it.
const WARN_BEFORE: Duration = Duration::from_secs(60);

/// The times of one session.
pub(crate) struct Clock {
    idle: Option<Timer>,
    max: Option<Timer>,
    /// When the gateway goes down, which it sees to itself.
    drain: Option<Instant>,
}

/// What the clock says.
#[derive(Debug, PartialEq)]
pub(crate) enum Due {
    Warn(EndingCause, Instant),
    End(CloseReason),
}

struct Timer {
    limit: Duration,
    ends: Instant,
    warned: bool,
}

impl Clock {
    /// The session begins now.
    pub(crate) fn new(idle: Option<Duration>, max: Option<Duration>, now: Instant) -> Self {
        let timer = |limit| Timer { limit, ends: now + limit, warned: false };
        Self { idle: idle.map(timer), max: max.map(timer), drain: None }
    }

    /// The user did something.
    pub(crate) fn active(&mut self, now: Instant) {
        if let Some(idle) = &mut self.idle {
            *idle = Timer { limit: idle.limit, ends: now + idle.limit, warned: false };
        }
    }

    /// The gateway goes down then.
    pub(crate) fn drain(&mut self, at: Instant) {
        self.drain = Some(at);
    }

    /// When there will be something due.
    pub(crate) fn next(&self) -> Option<Instant> {
        let next = |timer: &Option<Timer>| timer.as_ref().map(Timer::next);
        next(&self.idle).into_iter().chain(next(&self.max)).min()
    }

    /// What is due now: an end before a warning, and one thing at a time.
    pub(crate) fn due(&mut self, now: Instant) -> Option<Due> {
        let ended = |timer: &Option<Timer>| timer.as_ref().is_some_and(|timer| now >= timer.ends);
        if ended(&self.max) {
            return Some(Due::End(CloseReason::MaxDuration));
        }
        if ended(&self.idle) {
            return Some(Due::End(CloseReason::TimedOut));
        }
        let warn = |timer: &mut Option<Timer>, cause| {
            let timer = timer.as_mut().filter(|timer| !timer.warned && now >= timer.next())?;
            timer.warned = true;
            Some(Due::Warn(cause, timer.ends))
        };
        warn(&mut self.max, EndingCause::MaxDuration).or_else(|| warn(&mut self.idle, EndingCause::Idle))
    }

    /// The warnings that stand, for a browser that has not heard them.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = (EndingCause, Instant)> + use<> {
        let stands =
            |timer: &Option<Timer>| timer.as_ref().filter(|timer| timer.warned).map(|timer| timer.ends);
        let all = [
            (EndingCause::Idle, stands(&self.idle)),
            (EndingCause::MaxDuration, stands(&self.max)),
            (EndingCause::Drain, self.drain),
        ];
        all.into_iter().filter_map(|(cause, ends)| Some((cause, ends?)))
    }
}

impl Timer {
    fn next(&self) -> Instant {
        if self.warned { self.ends } else { self.ends - WARN_BEFORE.min(self.limit / 2) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn minutes(count: u64) -> Duration {
        Duration::from_secs(60 * count)
    }

    #[tokio::test(start_paused = true)]
    async fn idle_warns_a_minute_before_and_begins_again_with_input() {
        let start = Instant::now();
        let mut clock = Clock::new(Some(minutes(10)), None, start);
        assert_eq!(clock.next(), Some(start + minutes(9)));
        assert_eq!(clock.due(start + minutes(9) - Duration::from_millis(1)), None);
        assert_eq!(clock.due(start + minutes(9)), Some(Due::Warn(EndingCause::Idle, start + minutes(10))));
        assert_eq!(clock.due(start + minutes(9)), None);
        assert_eq!(clock.warnings().count(), 1);
        clock.active(start + minutes(9));
        assert_eq!(clock.warnings().count(), 0);
        assert_eq!(clock.next(), Some(start + minutes(18)));
        assert_eq!(clock.due(start + minutes(19)), Some(Due::End(CloseReason::TimedOut)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_duration_stands_whatever_is_typed_and_goes_before_idleness() {
        let start = Instant::now();
        let mut clock = Clock::new(Some(minutes(1)), Some(minutes(1)), start);
        let half = start + minutes(1) / 2;
        assert_eq!(clock.next(), Some(half));
        assert_eq!(clock.due(half), Some(Due::Warn(EndingCause::MaxDuration, start + minutes(1))));
        assert_eq!(clock.due(half), Some(Due::Warn(EndingCause::Idle, start + minutes(1))));
        clock.active(half);
        assert_eq!(clock.due(start + minutes(1)), Some(Due::End(CloseReason::MaxDuration)));
    }

    #[tokio::test(start_paused = true)]
    async fn without_limits_nothing_is_ever_due() {
        let start = Instant::now();
        let mut clock = Clock::new(None, None, start);
        clock.active(start);
        assert_eq!((clock.next(), clock.due(start + minutes(1_000_000))), (None, None));
    }
}
