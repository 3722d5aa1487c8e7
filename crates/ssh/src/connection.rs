//! A connection whose handshake is done and whose host is proved; nobody has logged in on it yet.

use std::sync::Arc;

use engine::{ConnectionFacts, DialError, Preset};
use russh::client::{self, Handle};

use crate::{
    agreement::{self, Terms},
    algorithms::{self, HostProofs, Offer},
    allowance::Allowance,
    callbacks::{Callbacks, Notes},
    clock::clock,
    dial::seconds,
    fault::{Fault, lost, not_ssh},
    gate::Gate,
    greeting::Greeting,
    host_key::HostKeyCheck,
    keys::Keys,
    link::{Link, Switch},
    options::Limits,
    stream::Stream,
    text,
};

/// An encrypted connection to the right host; dropping it cuts it.
pub(crate) struct Connection {
    /// Sends commands to russh's task.
    pub(crate) handle: Handle<Callbacks>,
    /// What that task found out.
    pub(crate) notes: Arc<Notes>,
    /// Shut while too much waits for the reader.
    pub(crate) gate: Arc<Gate>,
    /// Lifted when somebody has logged in.
    pub(crate) allowance: Arc<Allowance>,
    /// Cuts the connection when dropped.
    pub(crate) switch: Switch,
    /// `host:port`, for sentences.
    pub(crate) target: String,
    /// What was agreed on.
    pub(crate) facts: ConnectionFacts,
    /// The weakest preset that might have been used.
    pub(crate) ceiling: Preset,
}

impl Connection {
    /// Does the handshake: greetings, key exchange, and one of these proofs of the host. What a person
    /// takes to think about it is not the server's time.
    ///
    /// # Errors
    /// What speaks there is no SSH server, not the expected one, or too slow.
    pub(crate) async fn open(
        stream: Stream,
        check: Arc<HostKeyCheck>,
        offer: Offer,
        proofs: HostProofs,
        limits: Limits,
    ) -> Result<Self, DialError> {
        let greeting = Greeting::default();
        let opened = Self::open_heard(stream, check, offer, proofs, limits, &greeting).await;
        greeting.end();
        opened
    }

    /// The same for whoever wants to know what the server says in the clear.
    ///
    /// # Errors
    /// See [`open`](Self::open).
    pub(crate) async fn open_heard(
        stream: Stream,
        check: Arc<HostKeyCheck>,
        offer: Offer,
        proofs: HostProofs,
        limits: Limits,
        greeting: &Greeting,
    ) -> Result<Self, DialError> {
        let target = check.target().to_owned();
        let limit = limits.handshake;
        let config = algorithms::config(offer, proofs);
        let notes = Arc::new(Notes::default());
        let gate = Arc::new(Gate::default());
        let (link, switch) = Link::new(stream, gate.clone(), greeting.clone());
        let (keys, allowance) = (Keys::new(limits.key_life, link.carried()), link.allowance());
        let (clock, brake) = clock(limit);
        let terms = Terms { offer, greeting: greeting.clone() };
        let pulse = switch.pulse();
        let callbacks = Callbacks::new(check, terms, brake, notes.clone(), gate.clone(), keys, pulse);
        match clock.bound(client::connect_stream(config, link, callbacks)).await {
            Some(Ok(handle)) => {
                let opening = greeting.opening();
                let (Some(agreed), Some(proved)) = (notes.agreed.get(), notes.proved.get()) else {
                    return Err(DialError::Internal { cause: "a host was not proved".to_owned() });
                };
                let facts = agreement::facts(target.clone(), offer, opening, agreed, proved);
                Ok(Self { handle, notes, gate, allowance, switch, target, facts, ceiling: offer.ceiling })
            }
            Some(Err(fault)) => {
                // A farewell in words ends russh's task without an error of its own.
                let fault = notes.take_fault().unwrap_or(fault);
                Err(handshake_error(fault, &target, offer, greeting))
            }
            None => Err(other_greeting(&target, greeting)
                .unwrap_or(DialError::HandshakeTimeout { target, seconds: seconds(limit) })),
        }
    }

    /// Waits for the connection's end, which is certain, and says why it came.
    pub(crate) async fn end(&self, during: &str) -> DialError {
        end(&self.notes, &self.target, during).await
    }
}

/// Opens a connection; where the server would choose a cipher that can be tampered with, another one without
/// that cipher: it may have one that is safe, which has to be asked for anew. `open` is told what to leave
/// out of its offer.
pub(crate) async fn open_safely<F>(
    mut open: impl FnMut(fn(Offer) -> Offer) -> F,
) -> Result<Connection, DialError>
where
    F: Future<Output = Result<Connection, DialError>>,
{
    match open(|offer| offer).await {
        Err(not_strict @ DialError::NotStrict { .. }) => match open(Offer::without_chacha).await {
            Err(DialError::NoCommonAlgorithm(_)) => Err(not_strict),
            opened => opened,
        },
        opened => opened,
    }
}

/// Waits for the end of the connection that these notes are about, and says why it came.
pub(crate) async fn end(notes: &Notes, target: &str, during: &str) -> DialError {
    notes.gone.cancelled().await;
    match notes.take_fault() {
        Some(fault) => fault.into_dial_error(target, during),
        None => lost(target, during),
    }
}

fn handshake_error(fault: Fault, target: &str, offer: Offer, greeting: &Greeting) -> DialError {
    match fault.into_dial_error(target, "during the handshake") {
        error @ (DialError::LinkLost { .. } | DialError::NotSsh { .. }) => {
            other_greeting(target, greeting).unwrap_or(error)
        }
        DialError::NoCommonAlgorithm(error) => DialError::from(match greeting.opening().proposal {
            Some(theirs) => agreement::explain(*error, offer, &theirs),
            None => *error,
        }),
        error => error,
    }
}

/// The error for a server that greets in another language than SSH's.
fn other_greeting(target: &str, greeting: &Greeting) -> Option<DialError> {
    let said = greeting.of_another_protocol()?;
    let first = said.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let words = text::line(&String::from_utf8_lossy(first).replace('\u{fffd}', " "), 80);
    Some(not_ssh(target, format!("it greets with \"{words}\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeted(bytes: &[u8]) -> Option<String> {
        let greeting = Greeting::default();
        greeting.hear(bytes);
        other_greeting("h:22", &greeting).map(|error| error.to_string())
    }

    #[test]
    fn another_protocol_is_quoted_and_ssh_is_not() {
        let expected = "h:22 does not speak SSH as expected: it greets with \"HTTP/1.1 400 Bad Request\".";
        assert_eq!(greeted(b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n").as_deref(), Some(expected));
        assert_eq!(greeted(b""), None);
        assert_eq!(greeted(b"SSH-2.0-OpenSSH_9\r\n\0\0"), None);
        assert_eq!(greeted(b"welcome\r\nSSH-2.0-OpenSSH_9\r\n"), None);
        assert!(greeted(b"\xff\xfd\x18\x1b[2J").is_some_and(|text| !text.contains('\x1b')));
    }
}
