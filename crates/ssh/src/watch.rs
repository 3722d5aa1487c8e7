//! Notices a target that is there no more: asks a silent one for a sign of life, and gives it up.
//!
//! The system notices a dead machine and a dead network by itself (`dial.rs`); this is for what it
//! cannot know, a server that hangs while its system goes on.

use std::sync::Arc;

use russh::client::Handle;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::{callbacks::Callbacks, link::Pulse, options::Patience};

/// How often a silent target is asked.
pub(crate) const QUESTIONS: u32 = 3;
/// From this question on the target may be waiting for something that waits behind the gate: half
/// a key exchange.
const WIDEN_AT: u32 = 2;

/// Watches a connection until it is gone. Its life is the last of these, behind those of the connections
/// that it runs through: if one of them is as silent, it is that one which is given up.
///
/// Time counts from question to question and not by the clock: a gateway that was itself stopped
/// for minutes asks first.
pub(crate) async fn watch(
    handle: Arc<Handle<Callbacks>>,
    pulses: Vec<Pulse>,
    patience: Patience,
    gone: CancellationToken,
) {
    let Some(pulse) = pulses.last() else { return };
    let Some(mut heard) = pulse.heard() else { return };
    let mut next = heard + patience.question_after;
    let mut asked = 0;
    loop {
        tokio::select! {
            () = sleep_until(next) => {}
            () = gone.cancelled() => return,
        }
        let Some(last) = pulse.heard() else { return };
        if last > heard {
            (heard, asked, next) = (last, 0, last + patience.question_after);
            continue;
        }
        if asked == QUESTIONS {
            let since = patience.question_after + patience.last_answer;
            let is_silent = |pulse: &&Pulse| pulse.heard().is_some_and(|heard| heard.elapsed() >= since);
            return pulses.iter().find(is_silent).unwrap_or(pulse).give_up();
        }
        asked += 1;
        let answer_in = if asked == QUESTIONS { patience.last_answer } else { patience.question_after };
        next = Instant::now() + answer_in;
        if asked == WIDEN_AT {
            pulse.widen();
        }
        // While russh cannot take the question, it is not asked; the time runs all the same.
        let _ = timeout_at(next, handle.send_keepalive(true)).await;
    }
}
