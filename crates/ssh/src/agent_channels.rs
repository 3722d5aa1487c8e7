//! The channels on which a target asks the agent that it was lent: how many there may be, what may
//! wait on them, and what is read from them.
//!
//! The gate does not weigh them: it is for what a person reads. So a channel on which more arrives than
//! is answered is closed, and what a target does there holds up nobody else.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicIsize, Ordering},
    },
};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use russh::{Channel, ChannelId, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Error, client::Msg};
use tokio_util::sync::CancellationToken;

use crate::{agent::Agent, gate::weight};

/// How many there may be at a time. One that we had to close counts for the rest of the connection,
/// because russh keeps something of it for as long.
const MAX_CHANNELS: usize = 16;
/// The longest message, in bytes: as long as OpenSSH's agent takes.
const MAX_MESSAGE: usize = 256 * 1024;
/// What may wait on one while a request is answered, in bytes: the next request, whole.
const MAX_WAITING: isize = 2 * MAX_MESSAGE as isize;
/// The length in front of each message, in bytes.
const LENGTH: usize = 4;

/// The channels of one connection.
#[derive(Default)]
pub(crate) struct AgentChannels(HashMap<ChannelId, Arc<Waiting>>);

/// What arrived on a channel and was not read yet.
struct Waiting {
    /// Below zero for a moment, when something is read before its arrival was counted.
    weight: AtomicIsize,
    /// Cancelled with the connection, and when too much waits.
    over: CancellationToken,
}

impl AgentChannels {
    /// Takes a channel on, until the connection is gone. False: there are too many.
    pub(crate) fn open(
        &mut self,
        agent: Arc<Agent>,
        channel: Channel<Msg>,
        gone: &CancellationToken,
    ) -> bool {
        if self.0.len() >= MAX_CHANNELS {
            return false;
        }
        let waiting = Arc::new(Waiting { weight: AtomicIsize::new(0), over: gone.child_token() });
        self.0.insert(channel.id(), Arc::clone(&waiting));
        tokio::spawn(async move {
            let serving = Serving { agent, waiting: &waiting };
            waiting.over.run_until_cancelled(serving.serve(channel)).await;
        });
        true
    }

    /// Something arrived. None: on another channel than these. False: too much waits now.
    pub(crate) fn arrived(&self, channel: ChannelId, length: usize) -> Option<bool> {
        self.0.get(&channel).map(|waiting| waiting.arrived(length))
    }

    /// The target closed it.
    pub(crate) fn closed(&mut self, channel: ChannelId) {
        self.0.remove(&channel);
    }
}

impl Waiting {
    fn arrived(&self, length: usize) -> bool {
        let weight = weight(length);
        let fits = self.weight.fetch_add(weight, Ordering::AcqRel) + weight <= MAX_WAITING;
        if !fits {
            self.over.cancel();
        }
        fits
    }

    fn taken(&self, length: usize) {
        self.weight.fetch_sub(weight(length), Ordering::AcqRel);
    }
}

/// A target broke the protocol, or went away.
struct Broken;

impl From<Error> for Broken {
    fn from(_: Error) -> Self {
        Self
    }
}

/// Answers on one channel, one request after the other.
struct Serving<'a> {
    agent: Arc<Agent>,
    waiting: &'a Waiting,
}

impl Serving<'_> {
    async fn serve(&self, channel: Channel<Msg>) {
        let (reader, writer) = channel.split();
        if self.read(reader, &writer).await.is_err() {
            // A connection that is gone needs no farewell.
            let _ = writer.close().await;
        }
    }

    /// Reads until the target closes the channel.
    async fn read(&self, mut reader: ChannelReadHalf, writer: &ChannelWriteHalf<Msg>) -> Result<(), Broken> {
        let mut unread = BytesMut::new();
        while let Some(message) = reader.wait().await {
            match message {
                ChannelMsg::Data { data } => {
                    self.waiting.taken(data.len());
                    unread.extend_from_slice(&data);
                    while let Some(request) = next(&mut unread)? {
                        writer.data_bytes(framed(&self.agent.answer(&request).await)).await?;
                    }
                }
                ChannelMsg::ExtendedData { .. } => return Err(Broken),
                // The target closes the channel once both sides have said so.
                ChannelMsg::Eof => writer.eof().await?,
                ChannelMsg::Close => return Ok(()),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The next message, if it is there whole.
fn next(unread: &mut BytesMut) -> Result<Option<Bytes>, Broken> {
    let Some(length) = unread.first_chunk::<LENGTH>() else { return Ok(None) };
    let length = u32::from_be_bytes(*length) as usize;
    if !(1..=MAX_MESSAGE).contains(&length) {
        return Err(Broken);
    }
    if unread.len() < LENGTH + length {
        return Ok(None);
    }
    unread.advance(LENGTH);
    Ok(Some(unread.split_to(length).freeze()))
}

fn framed(answer: &[u8]) -> Bytes {
    let mut message = BytesMut::with_capacity(LENGTH + answer.len());
    message.put_u32(u32::try_from(answer.len()).unwrap_or_default());
    message.put_slice(answer);
    message.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(bytes: &[u8]) -> (Vec<Bytes>, bool) {
        let mut unread = BytesMut::from(bytes);
        let mut all = Vec::new();
        loop {
            match next(&mut unread) {
                Ok(Some(message)) => all.push(message),
                Ok(None) => return (all, true),
                Err(Broken) => return (all, false),
            }
        }
    }

    #[test]
    fn a_message_is_taken_when_it_is_whole_and_not_too_long() {
        assert_eq!(messages(b""), (vec![], true));
        assert_eq!(messages(b"\0\0\0\x02ab\0\0\0\x01"), (vec![Bytes::from("ab")], true));
        assert_eq!(messages(b"\0\0\0\x01a\0\0\0\0"), (vec![Bytes::from("a")], false));
        assert_eq!(messages(b"\0\x04\0\0"), (vec![], true));
        assert_eq!(messages(b"\0\x04\0\x01"), (vec![], false));
        assert_eq!(messages(b"SSH-2.0-"), (vec![], false));
    }

    #[test]
    fn what_waits_is_bounded() {
        let waiting = Waiting { weight: AtomicIsize::new(0), over: CancellationToken::new() };
        let whole = usize::try_from(MAX_WAITING).unwrap() - crate::gate::MESSAGE;
        assert!(waiting.arrived(whole));
        waiting.taken(whole);
        assert!(waiting.arrived(whole) && !waiting.over.is_cancelled());
        assert!(!waiting.arrived(0) && waiting.over.is_cancelled());
    }
}
