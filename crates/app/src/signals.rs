//! SIGTERM, SIGINT and SIGHUP: the first asks for an orderly end, the second ends at once.

use std::{
    io::{self, IsTerminal},
    process, thread,
    time::Duration,
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

/// An orderly end may take this long once sessions may go on no longer; a supervisor is promised 10 s.
const DEADLINE: Duration = Duration::from_secs(9);

/// The end that somebody asks for.
pub(crate) struct Stop(watch::Receiver<Option<Duration>>);

impl Stop {
    /// Resolves when it is asked for, with how long sessions may go on.
    pub(crate) async fn asked(&mut self) -> Duration {
        match self.0.wait_for(Option::is_some).await {
            Ok(drain) => drain.unwrap_or_default(),
            // Nobody watches for signals any more.
            Err(_) => std::future::pending().await,
        }
    }
}

/// Watches for signals; `drain` is how long sessions may go on after the first.
///
/// Ctrl-C at the terminal that the gateway was started in grants nothing: whoever sits there waits.
///
/// # Errors
/// The system does not let the process watch its signals.
pub(crate) fn watch(drain: Duration) -> io::Result<Stop> {
    let mut signals = Signals {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
        hangup: signal(SignalKind::hangup())?,
    };
    let (ask, asked) = watch::channel(None);
    tokio::spawn(async move {
        let first = signals.next().await;
        let from_keyboard = first.number == SignalKind::interrupt() && io::stdin().is_terminal();
        let drain = if from_keyboard { Duration::ZERO } else { drain };
        let seconds = drain.as_secs();
        tracing::info!(signal = first.name, drain_s = seconds, "stopping; a second signal ends at once");
        end_at(drain + DEADLINE);
        ask.send_replace(Some(drain));
        let second = signals.next().await;
        process::exit(128 + second.number.as_raw_value());
    });
    Ok(Stop(asked))
}

/// A thread of its own, because what hangs could be the runtime.
fn end_at(deadline: Duration) {
    thread::spawn(move || {
        thread::sleep(deadline);
        tracing::warn!("some connections did not end in time and are cut");
        process::exit(0);
    });
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// The terminal that the gateway was started in is gone.
    hangup: Signal,
}

struct Received {
    name: &'static str,
    number: SignalKind,
}

impl Signals {
    async fn next(&mut self) -> Received {
        tokio::select! {
            _ = self.terminate.recv() => Received { name: "SIGTERM", number: SignalKind::terminate() },
            _ = self.interrupt.recv() => Received { name: "SIGINT", number: SignalKind::interrupt() },
            _ = self.hangup.recv() => Received { name: "SIGHUP", number: SignalKind::hangup() },
        }
    }
}
