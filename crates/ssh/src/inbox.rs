//! What arrives on a channel, weighed as it is taken.

use std::sync::Arc;

use russh::{ChannelMsg, ChannelReadHalf, Sig};

use crate::gate::Gate;

/// The reading side of a channel, which tells the gate of its connection what it took.
pub(crate) struct Inbox {
    reader: ChannelReadHalf,
    gate: Arc<Gate>,
}

impl Inbox {
    pub(crate) fn new(reader: ChannelReadHalf, gate: Arc<Gate>) -> Self {
        Self { reader, gate }
    }

    /// The next message; none once the channel or its connection is gone. Nothing is lost if it is not
    /// waited for to the end.
    pub(crate) async fn next(&mut self) -> Option<ChannelMsg> {
        let message = self.reader.wait().await?;
        match &message {
            ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. } => {
                self.gate.taken(data.len());
            }
            ChannelMsg::ExitSignal { signal_name, error_message, lang_tag, .. } => {
                self.gate.taken(words_of_signal(signal_name, error_message, lang_tag));
            }
            // They are small, and the channel holds only so many.
            _ => {}
        }
        Some(message)
    }
}

/// How long the words are that come with a signal, in bytes: up to a packet.
pub(crate) fn words_of_signal(name: &Sig, message: &str, language: &str) -> usize {
    let name = if let Sig::Custom(name) = name { name.len() } else { 0 };
    name + message.len() + language.len()
}
