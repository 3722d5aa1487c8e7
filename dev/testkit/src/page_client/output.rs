//! What a page received: an unbroken piece of the session's output, of which it keeps the end and
//! can take the SHA-256.

use anyhow::ensure;
use aws_lc_rs::digest::{Context, SHA256};

use super::PageClient;

/// What is kept of much output, at least, in bytes.
const KEPT: usize = 4 * 1024 * 1024;

/// Output up to some offset.
#[derive(Default)]
pub(super) struct Received {
    end: u64,
    /// The last of it.
    kept: Vec<u8>,
    tally: Option<Tally>,
}

/// The SHA-256 of the next bytes.
struct Tally {
    left: usize,
    context: Context,
}

impl Received {
    /// The offset of the next byte.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Takes output that must begin where what came before ended.
    pub(super) fn take(&mut self, offset: u64, bytes: &[u8]) -> anyhow::Result<()> {
        ensure!(!bytes.is_empty(), "an event without output");
        ensure!(offset == self.end, "output at {offset} after {}: a hole or a repetition", self.end);
        self.end += bytes.len() as u64;
        if let Some(tally) = &mut self.tally {
            let counted = tally.left.min(bytes.len());
            tally.context.update(&bytes[..counted]);
            tally.left -= counted;
        }
        self.kept.extend_from_slice(bytes);
        if self.kept.len() > 2 * KEPT {
            self.kept.drain(..self.kept.len() - KEPT);
        }
        Ok(())
    }

    /// Goes on from somewhere else.
    pub(super) fn restart(&mut self, offset: u64) {
        self.end = offset;
        self.kept.clear();
        self.tally = None;
    }

    /// Whether `words` stand in what is kept from this offset on.
    pub(super) fn contains(&self, words: &str, from: u64) -> bool {
        let begin = self.end - self.kept.len() as u64;
        let skipped = usize::try_from(from.saturating_sub(begin)).unwrap_or(usize::MAX);
        let rest = self.kept.get(skipped..).unwrap_or_default();
        rest.windows(words.len()).any(|window| window == words.as_bytes())
    }

    /// The last few characters.
    pub(super) fn tail(&self) -> String {
        String::from_utf8_lossy(&self.kept[self.kept.len().saturating_sub(300)..]).into_owned()
    }
}

/// Output.
impl PageClient {
    /// The output since it was cleared or began with a screen; of very much the last 4 MiB at least.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.received.kept
    }

    /// The same as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.received.kept).into_owned()
    }

    /// Forgets the output so far, so that what follows can be waited for.
    pub fn clear(&mut self) {
        self.received.kept.clear();
    }

    /// The offset of the next byte of output.
    #[must_use]
    pub fn have(&self) -> u64 {
        self.received.end
    }

    /// The offset behind all output that it acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Takes the SHA-256 of the next so many bytes of output.
    pub fn tally(&mut self, bytes: usize) {
        self.received.tally = Some(Tally { left: bytes, context: Context::new(&SHA256) });
    }

    /// That SHA-256 in hexadecimal, once all these bytes are there.
    #[must_use]
    pub fn tallied(&self) -> Option<String> {
        let tally = self.received.tally.as_ref().filter(|tally| tally.left == 0)?;
        Some(crate::hexadecimal(tally.context.clone().finish().as_ref()))
    }
}
