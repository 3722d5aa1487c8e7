//! What a page typed: kept until the gateway says that it has it, and sent again after a cut.

use anyhow::ensure;
use bytes::{Buf as _, Bytes, BytesMut};
use wire::limits;

use super::{PageClient, Seat};

/// The largest piece of input that is sent at once.
const PIECE: usize = 16 * 1024;

/// Input from the offset that the gateway acknowledged on.
#[derive(Default)]
pub(super) struct Typing {
    kept: BytesMut,
    /// Offsets of the first byte that is kept, and of the next to be sent on this socket.
    base: u64,
    sent: u64,
}

impl Typing {
    /// What was typed so far, if anything, was before others typed: what is typed now goes on here.
    pub(super) fn restart(&mut self, offset: u64) {
        *self = Self { base: offset, sent: offset, ..Self::default() };
    }

    /// The gateway took all input before this offset, and nothing behind it.
    pub(super) fn attached(&mut self, offset: u64) -> anyhow::Result<()> {
        ensure!(offset >= self.base, "input up to {} was taken, and now only up to {offset}", self.base);
        self.acknowledged(offset)?;
        self.sent = self.base;
        Ok(())
    }

    /// The gateway handed all input before this offset on; of what it took it may have told before.
    pub(super) fn acknowledged(&mut self, offset: u64) -> anyhow::Result<()> {
        let end = self.base + self.kept.len() as u64;
        ensure!(offset <= end, "the gateway has input up to {offset}, and only {end} was typed");
        if offset > self.base {
            self.kept.advance(usize::try_from(offset - self.base)?);
            self.base = offset;
            self.sent = self.sent.max(offset);
        }
        Ok(())
    }

    /// The next piece that may be sent, with its offset.
    fn next_piece(&mut self) -> Option<(u64, Bytes)> {
        let from = usize::try_from(self.sent - self.base).ok()?;
        let window = usize::try_from(limits::INPUT_WINDOW).ok()?;
        let to = self.kept.len().min(window).min(from + PIECE);
        if from >= to {
            return None;
        }
        let offset = self.sent;
        self.sent += (to - from) as u64;
        Some((offset, Bytes::copy_from_slice(&self.kept[from..to])))
    }
}

/// Input.
impl PageClient {
    /// Types, at once if it can, and else as soon as it can.
    ///
    /// # Errors
    /// There is none.
    pub async fn type_keys(&mut self, keys: impl AsRef<[u8]>) -> anyhow::Result<()> {
        self.typing.kept.extend_from_slice(keys.as_ref());
        self.pump().await;
        Ok(())
    }

    /// How much more it can keep of what was not acknowledged.
    #[must_use]
    pub fn room_to_type(&self) -> usize {
        (limits::INPUT_WINDOW as usize).saturating_sub(self.typing.kept.len())
    }

    /// The offset of what will be typed next.
    #[must_use]
    pub fn typed(&self) -> u64 {
        self.typing.base + self.typing.kept.len() as u64
    }

    /// The offset up to which the gateway said that it has the input.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.typing.base
    }

    /// Sends what may be sent.
    pub(super) async fn pump(&mut self) {
        while self.seat == Seat::Attached
            && let Some((offset, bytes)) = self.typing.next_piece()
        {
            if let Some(socket) = &mut self.socket
                && socket.emit_input_at(offset, bytes).await.is_err()
            {
                self.lose();
            }
        }
    }
}
