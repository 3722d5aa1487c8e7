//! A transport for a target that speaks otherwise than the rest of the gateway: whoever reads it and
//! types into it knows UTF-8 only, and a Backspace key that types DEL.

use std::{future, sync::Arc};

use bytes::Bytes;
use engine::{Charset, Erase, Shell, ShellEvent, ShellGone, TermSize, Terminal, Transport};
use futures_util::{Stream, StreamExt as _, future::BoxFuture, stream};
use parking_lot::Mutex;

use crate::{
    charset::{Decoder, Encoder},
    erase::Backspace,
};

/// The transport of a target that has this terminal.
pub(crate) fn translated(transport: Transport, terminal: &Terminal) -> Transport {
    let Transport { events, shell, facts } = transport;
    let keys = Keys {
        backspace: (terminal.erase == Erase::Backspace).then(Backspace::default),
        encoder: terminal.charset.map(Encoder::new),
    };
    Transport {
        facts,
        events: match terminal.charset {
            Some(charset) => Box::pin(printed(events, charset)),
            None => events,
        },
        shell: match keys {
            Keys { backspace: None, encoder: None } => shell,
            keys => Arc::new(Typed { shell, keys: Mutex::new(keys) }),
        },
    }
}

/// What the target prints. A piece is translated when it is taken, so that what waits for its reader
/// is what the target sent.
fn printed(
    events: impl Stream<Item = ShellEvent> + Send + Unpin,
    charset: Charset,
) -> impl Stream<Item = ShellEvent> + Send {
    let printed = Printed { events, decoder: Some(Decoder::new(charset)), end: None };
    stream::unfold(printed, async |mut printed| printed.next().await.map(|event| (event, printed))).fuse()
}

struct Printed<E> {
    events: E,
    /// None behind the last output.
    decoder: Option<Decoder>,
    /// What comes behind it.
    end: Option<ShellEvent>,
}

impl<E: Stream<Item = ShellEvent> + Unpin> Printed<E> {
    async fn next(&mut self) -> Option<ShellEvent> {
        while let Some(decoder) = &mut self.decoder {
            let text = match self.events.next().await {
                Some(ShellEvent::Output(bytes) | ShellEvent::Error(bytes)) => decoder.decode(&bytes),
                Some(exit @ ShellEvent::Exit(_)) => return Some(exit),
                end => {
                    self.end = end;
                    self.decoder.take()?.end()
                }
            };
            if !text.is_empty() {
                return Some(ShellEvent::Output(text));
            }
        }
        self.end.take()
    }
}

/// What is typed.
struct Typed {
    shell: Arc<dyn Shell>,
    keys: Mutex<Keys>,
}

/// From what a page types to what the target takes.
struct Keys {
    backspace: Option<Backspace>,
    encoder: Option<Encoder>,
}

impl Keys {
    fn translate(&mut self, mut typed: Bytes) -> Bytes {
        if let Some(backspace) = &mut self.backspace {
            typed = backspace.replace(&typed).into();
        }
        match &mut self.encoder {
            Some(encoder) => encoder.encode(&typed),
            None => typed,
        }
    }
}

impl Shell for Typed {
    fn write(self: Arc<Self>, bytes: Bytes) -> BoxFuture<'static, Result<(), ShellGone>> {
        // At once, so that characters stay in the order in which they were typed.
        let bytes = self.keys.lock().translate(bytes);
        if bytes.is_empty() {
            return Box::pin(future::ready(Ok(())));
        }
        Arc::clone(&self.shell).write(bytes)
    }

    fn resize(self: Arc<Self>, size: TermSize) -> BoxFuture<'static, Result<(), ShellGone>> {
        Arc::clone(&self.shell).resize(size)
    }

    fn close(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Arc::clone(&self.shell).close()
    }

    fn gone(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Arc::clone(&self.shell).gone()
    }
}

#[cfg(test)]
mod tests {
    use engine::Exit;

    use super::*;

    async fn events(events: Vec<ShellEvent>) -> Vec<ShellEvent> {
        let charset = Charset::parse("gbk").unwrap().unwrap();
        printed(stream::iter(events), charset).collect().await
    }

    fn output(bytes: &'static [u8]) -> ShellEvent {
        ShellEvent::Output(Bytes::from_static(bytes))
    }

    #[tokio::test]
    async fn half_a_character_waits_for_the_other_half_and_is_none_at_the_end() {
        let exit = || ShellEvent::Exit(Exit::Status(0));
        let halves = vec![output(b"a\xd6"), exit(), output(b"\xd0\xd6")];
        assert_eq!(
            events(halves).await,
            [output(b"a"), exit(), output("中".as_bytes()), output("\u{fffd}".as_bytes())]
        );
        let lost = vec![output(b"\xd6"), ShellEvent::LinkLost];
        assert_eq!(events(lost).await, [output("\u{fffd}".as_bytes()), ShellEvent::LinkLost]);
        assert_eq!(events(vec![output(b"a")]).await, [output(b"a")]);
    }
}
