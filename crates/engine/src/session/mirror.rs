//! The screen of one session, kept beside the bytes and never on their way.
//!
//! It lags behind: output is fed in long runs, on threads of its own, when enough of it waits or
//! somebody needs the screen. A session that nobody looks at anew never makes one.

use std::{collections::VecDeque, future, sync::Arc};

use bytes::Bytes;
use screen::Screen;
use tokio::{
    sync::Semaphore,
    task::{JoinError, JoinHandle, spawn_blocking},
};

use super::backlog::Backlog;
use crate::target::TermSize;

/// Output is fed when so much of it waits, in bytes: in long runs most of a flood is skipped.
const RUN: u64 = 768 * 1024;
/// So much at its end may be left for the next, in bytes: less than a run, so that each goes on. The
/// last lines of a run of a flood are what is costly, and those of the next scroll them away.
const LEFT: usize = 384 * 1024;
/// While a run is fed, so much more is read, in bytes: with the run it is about what is kept in any
/// case, so that a run is never in memory for itself.
const BEHIND: u64 = 256 * 1024;
/// So many changes of size may wait; from then on the last is replaced.
const MAX_SIZES: usize = 256;

/// One session's screen.
pub(crate) struct Mirror {
    state: State,
    /// The offset behind all output that was fed.
    fed: u64,
    /// The offset behind all output that was handed over to be fed.
    handed: u64,
    /// The size that the screen begins with, and the sizes after it with where they came.
    first_size: TermSize,
    sizes: VecDeque<(u64, TermSize)>,
    wanted: bool,
    /// How many screens are fed at a time.
    turns: Arc<Semaphore>,
}

enum State {
    Resting(Option<Box<Screen>>),
    Feeding(JoinHandle<FeedResult>),
    /// It panicked.
    Lost,
}

/// A screen with its history.
pub(crate) struct Snapshot {
    /// The size of the terminal that it is for.
    pub(crate) size: TermSize,
    /// Escape sequences that make it on such a terminal that was just reset.
    pub(crate) bytes: Bytes,
}

struct Fed {
    screen: Box<Screen>,
    /// Bytes at the end that were not fed yet.
    left: usize,
    snapshot: Option<Snapshot>,
}

/// Whether the screen came through.
type FeedResult = Result<Fed, JoinError>;

/// A feed that is done.
pub(crate) struct Finished(FeedResult);

/// What a feed gave.
pub(crate) enum Mirrored {
    /// The screen is further; nobody had asked for it.
    Further,
    /// The screen as of the offset up to which it was fed.
    Snapshot(Snapshot),
    /// There is no screen and never will be.
    Lost,
}

/// What is to be fed.
struct Run {
    /// Output, and the size after it.
    sized: Vec<(Vec<Bytes>, TermSize)>,
    rest: Vec<Bytes>,
}

impl Mirror {
    pub(crate) fn new(first_size: TermSize, turns: Arc<Semaphore>) -> Self {
        let (state, sizes) = (State::Resting(None), VecDeque::new());
        Self { state, fed: 0, handed: 0, first_size, sizes, wanted: false, turns }
    }

    /// The offset behind all output that was fed to the screen: what follows must be kept.
    pub(crate) fn fed(&self) -> u64 {
        if matches!(self.state, State::Lost) { u64::MAX } else { self.fed }
    }

    /// Whether the screen is so far behind that the shell should not be read for a moment.
    pub(crate) fn is_behind(&self, end: u64) -> bool {
        matches!(self.state, State::Feeding(_)) && end - self.handed >= BEHIND
    }

    /// Whether there is no screen and never will be.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self.state, State::Lost)
    }

    /// The terminal has this size from `end` on.
    pub(crate) fn resize(&mut self, end: u64, size: TermSize) {
        if self.sizes.back().is_some_and(|(at, _)| *at == end) || self.sizes.len() >= MAX_SIZES {
            self.sizes.pop_back();
        }
        self.sizes.push_back((end, size));
    }

    /// Somebody needs the screen as it is now.
    pub(crate) fn want(&mut self, backlog: &mut Backlog) {
        self.wanted = true;
        self.feed(backlog);
    }

    /// Nobody needs it any more.
    pub(crate) fn want_no_more(&mut self) {
        self.wanted = false;
    }

    /// Feeds what waits, if it is enough or the screen is wanted.
    pub(crate) fn feed(&mut self, backlog: &mut Backlog) {
        let end = backlog.end();
        let State::Resting(screen) = &mut self.state else { return };
        if !self.wanted && end - self.fed < RUN {
            return;
        }
        let screen = screen
            .take()
            .unwrap_or_else(|| Box::new(Screen::new(self.first_size.cols(), self.first_size.rows())));
        let run = self.run(backlog, end);
        let (wanted, turns) = (self.wanted, Arc::clone(&self.turns));
        self.handed = end;
        self.state = State::Feeding(tokio::spawn(async move {
            let _turn = turns.acquire_owned().await;
            spawn_blocking(move || feed(screen, &run, wanted)).await
        }));
    }

    /// Resolves when a feed is done, with what [`settle`](Self::settle) takes.
    pub(crate) async fn finished(&mut self) -> Finished {
        match &mut self.state {
            State::Feeding(feeding) => Finished(feeding.await.and_then(|fed| fed)),
            State::Resting(_) | State::Lost => future::pending().await,
        }
    }

    /// Takes the screen back.
    pub(crate) fn settle(&mut self, finished: Finished, backlog: &mut Backlog) -> Mirrored {
        let Finished(Ok(Fed { screen, left, snapshot })) = finished else {
            tracing::error!("the screen of a session panicked and is lost; its shell goes on");
            self.state = State::Lost;
            return Mirrored::Lost;
        };
        self.state = State::Resting(Some(screen));
        self.fed = self.handed - left as u64;
        if let Some(snapshot) = snapshot.filter(|_| self.wanted) {
            self.wanted = false;
            return Mirrored::Snapshot(snapshot);
        }
        self.feed(backlog);
        Mirrored::Further
    }

    /// Output and sizes in the order in which they came.
    fn run(&mut self, backlog: &mut Backlog, end: u64) -> Run {
        let mut at = self.fed;
        let sized = self.sizes.drain(..).map(|(offset, size)| {
            let output = backlog.range(std::mem::replace(&mut at, offset), offset);
            (output, size)
        });
        let sized = sized.collect();
        Run { sized, rest: backlog.range(at, end) }
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        if let State::Feeding(feeding) = &self.state {
            feeding.abort();
        }
    }
}

fn feed(mut screen: Box<Screen>, run: &Run, wanted: bool) -> Fed {
    for (output, size) in &run.sized {
        screen.feed_run(output);
        screen.resize(size.cols(), size.rows());
    }
    let most_left = if wanted { 0 } else { LEFT };
    let length: usize = run.rest.iter().map(Bytes::len).sum();
    let left = length - screen.skim_run(&run.rest, most_left);
    let snapshot = wanted.then(|| {
        let (cols, rows) = screen.size();
        Snapshot { size: TermSize::clamped(cols, rows), bytes: screen.snapshot().into() }
    });
    Fed { screen, left, snapshot }
}
