//! SIGTERM, SIGINT and SIGHUP: the first asks for an orderly end, the second ends at once.

use std::{io, process, thread, time::Duration};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// An orderly end may take this long; a supervisor is promised 10 s.
const DEADLINE: Duration = Duration::from_secs(9);

/// Cancels `stop` at the first signal.
///
/// # Errors
/// The system does not let the process watch its signals.
pub(crate) fn watch(stop: CancellationToken) -> io::Result<()> {
    let mut signals = Signals {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
        hangup: signal(SignalKind::hangup())?,
    };
    tokio::spawn(async move {
        let first = signals.next().await;
        tracing::info!(signal = first.name, "stopping; a second signal ends at once");
        end_at_deadline();
        stop.cancel();
        let second = signals.next().await;
        process::exit(second.exit_code);
    });
    Ok(())
}

/// A thread of its own, because what hangs could be the runtime.
fn end_at_deadline() {
    thread::spawn(|| {
        thread::sleep(DEADLINE);
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
    exit_code: i32,
}

impl Signals {
    async fn next(&mut self) -> Received {
        tokio::select! {
            _ = self.terminate.recv() => Received { name: "SIGTERM", exit_code: 143 },
            _ = self.interrupt.recv() => Received { name: "SIGINT", exit_code: 130 },
            _ = self.hangup.recv() => Received { name: "SIGHUP", exit_code: 129 },
        }
    }
}
