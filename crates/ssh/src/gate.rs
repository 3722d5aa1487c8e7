//! How much of what a target prints may wait for its reader; at the bound a gate shuts.
//!
//! russh takes a message off the connection, gives its window back, and then waits inside the
//! connection's own loop until the channel's queue has room: a reader that stops would stop
//! keepalives, input and the notice of an end with it. So that queue never fills up. What stops
//! instead is the link below, which hands russh nothing more while the gate is shut.
//!
//! Nor does russh send anything in the middle of a key exchange, so the gate stands open until one
//! is done. An exchange of ours is known from its first moment. One of the target's needs no such
//! care: russh reads packet by packet, and behind the message that begins it comes nothing that
//! could shut the gate before it ends. What comes in between is bounded either way: a target sends
//! no more than its window, and russh gives none back before the end.

use std::{
    sync::atomic::{AtomicBool, AtomicIsize, Ordering},
    task::{Context, Poll},
};

use futures_util::task::AtomicWaker;

use crate::algorithms::WINDOW;

/// The gate is shut while so much waits, in bytes: less than what is on its way in a window.
pub(crate) const SHUT_AT: usize = 64 * 1024;
/// A gate that was widened is shut while so much waits. Each exchange that the target begins while
/// nobody reads takes a window of it.
pub(crate) const FULL_AT: usize = SHUT_AT + 8 * WINDOW as usize;
/// No target that keeps to its window has so much waiting, in bytes, not even one whose connection
/// ended while the keys were changed and every message has one byte. One that does not could make a
/// thousand times of what was read ahead, where that is compressed.
const TOO_MUCH: usize = 8 * 1024 * 1024;
/// The link is told when no more than this is left.
const OPEN_AT: usize = SHUT_AT / 2;
/// What a message weighs beside its bytes, so that many small ones shut the gate too.
pub(crate) const MESSAGE: usize = 64;

/// Counts what arrived on a channel and was not taken yet.
#[derive(Default)]
pub(crate) struct Gate {
    /// Below zero for a moment, when a message is taken before its arrival was counted.
    waiting: AtomicIsize,
    /// More may wait, until keys are changed or the reader goes on.
    wide: AtomicBool,
    /// We change the keys.
    exchange: AtomicBool,
    link: AtomicWaker,
}

impl Gate {
    /// A message of this length went to the reader's queue. Says whether the target may have sent it.
    pub(crate) fn arrived(&self, length: usize) -> bool {
        let weight = weight(length);
        self.waiting.fetch_add(weight, Ordering::AcqRel) + weight <= signed(TOO_MUCH)
    }

    /// The reader took it.
    pub(crate) fn taken(&self, length: usize) {
        let weight = weight(length);
        let before = self.waiting.fetch_sub(weight, Ordering::AcqRel);
        let open_at = signed(OPEN_AT);
        if before > open_at && before - weight <= open_at {
            self.wide.store(false, Ordering::Release);
            self.link.wake();
        }
    }

    /// Lets more pass than usual, until keys are changed or the reader goes on: the target may wait for an answer to
    /// something that lies behind the gate, as it does once it has begun a key exchange.
    pub(crate) fn widen(&self) {
        if !self.is_open() {
            self.wide.store(true, Ordering::Release);
            self.link.wake();
        }
    }

    /// Whether the gate was widened, and is shut all the same.
    pub(crate) fn is_full(&self) -> bool {
        self.wide.load(Ordering::Acquire) && !self.is_open()
    }

    /// We are about to change the keys, unless we are at it: nothing is held back until that is done.
    pub(crate) fn begin_exchange(&self) -> bool {
        !self.exchange.swap(true, Ordering::AcqRel)
    }

    /// The keys were changed, whoever began.
    pub(crate) fn end_exchange(&self) {
        self.exchange.store(false, Ordering::Release);
        self.wide.store(false, Ordering::Release);
    }

    /// Resolves when the gate is open.
    pub(crate) fn poll_open(&self, cx: &Context<'_>) -> Poll<()> {
        if self.is_open() {
            return Poll::Ready(());
        }
        self.link.register(cx.waker());
        // It may have opened before there was anybody to tell.
        if self.is_open() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Makes whoever waits look again.
    pub(crate) fn wake(&self) {
        self.link.wake();
    }

    fn is_open(&self) -> bool {
        let bound = if self.wide.load(Ordering::Acquire) { FULL_AT } else { SHUT_AT };
        self.exchange.load(Ordering::Acquire) || self.waiting.load(Ordering::Acquire) < signed(bound)
    }
}

/// What a message of this length weighs.
pub(crate) fn weight(length: usize) -> isize {
    signed(length + MESSAGE)
}

fn signed(length: usize) -> isize {
    isize::try_from(length).unwrap_or(isize::MAX)
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, atomic::AtomicUsize},
        task::{Wake, Waker},
    };

    use super::*;

    #[derive(Default)]
    struct Told(AtomicUsize);

    impl Wake for Told {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_target_that_sends_more_than_any_window_is_found_out() {
        let gate = Gate::default();
        let honest = TOO_MUCH / (WINDOW as usize + MESSAGE);
        for _ in 0..honest {
            assert!(gate.arrived(WINDOW as usize));
        }
        assert!(!gate.arrived(WINDOW as usize));
        for _ in 0..=honest {
            gate.taken(WINDOW as usize);
        }
        assert!(gate.arrived(WINDOW as usize));
    }

    #[test]
    fn it_shuts_at_the_bound_and_tells_when_half_is_taken() {
        let (gate, told) = (Gate::default(), Arc::new(Told::default()));
        let waker = Waker::from(told.clone());
        let cx = Context::from_waker(&waker);
        let length = SHUT_AT / 8 - MESSAGE;
        for _ in 0..8 {
            assert!(gate.poll_open(&cx).is_ready());
            gate.arrived(length);
        }
        assert!(gate.poll_open(&cx).is_pending());
        for _ in 0..3 {
            gate.taken(length);
        }
        assert_eq!(told.0.load(Ordering::Relaxed), 0);
        gate.taken(length);
        assert_eq!(told.0.load(Ordering::Relaxed), 1);
        assert!(gate.poll_open(&cx).is_ready());
    }

    #[test]
    fn a_wide_gate_lets_more_pass_until_the_reader_goes_on() {
        let (gate, told) = (Gate::default(), Arc::new(Told::default()));
        let waker = Waker::from(told.clone());
        let cx = Context::from_waker(&waker);
        gate.arrived(SHUT_AT);
        assert!(gate.poll_open(&cx).is_pending());
        gate.widen();
        assert_eq!(told.0.load(Ordering::Relaxed), 1);
        assert!(gate.poll_open(&cx).is_ready() && !gate.is_full());
        gate.arrived(FULL_AT - SHUT_AT);
        assert!(gate.poll_open(&cx).is_pending() && gate.is_full());
        gate.taken(FULL_AT - SHUT_AT);
        gate.taken(SHUT_AT);
        assert_eq!(told.0.load(Ordering::Relaxed), 2);
        gate.arrived(SHUT_AT);
        assert!(gate.poll_open(&cx).is_pending() && !gate.is_full());
    }

    #[test]
    fn new_keys_make_a_wide_gate_narrow() {
        let gate = Gate::default();
        let cx = Context::from_waker(Waker::noop());
        gate.arrived(SHUT_AT);
        gate.widen();
        assert!(gate.poll_open(&cx).is_ready());
        gate.end_exchange();
        assert!(gate.poll_open(&cx).is_pending());
    }

    #[test]
    fn nothing_is_held_back_while_keys_are_changed() {
        let gate = Gate::default();
        let cx = Context::from_waker(Waker::noop());
        assert!(gate.begin_exchange());
        assert!(!gate.begin_exchange());
        gate.arrived(FULL_AT);
        assert!(gate.poll_open(&cx).is_ready());
        gate.end_exchange();
        assert!(gate.poll_open(&cx).is_pending());
        assert!(gate.begin_exchange());
    }

    #[test]
    fn empty_messages_shut_it_too() {
        let gate = Gate::default();
        let cx = Context::from_waker(Waker::noop());
        for _ in 0..SHUT_AT / MESSAGE {
            assert!(gate.poll_open(&cx).is_ready());
            gate.arrived(0);
        }
        assert!(gate.poll_open(&cx).is_pending());
    }

    #[test]
    fn a_reader_that_is_faster_than_the_count_opens_nothing_too_far() {
        let gate = Gate::default();
        let cx = Context::from_waker(Waker::noop());
        gate.taken(SHUT_AT);
        gate.arrived(SHUT_AT);
        gate.arrived(SHUT_AT);
        assert!(gate.poll_open(&cx).is_pending());
    }
}
