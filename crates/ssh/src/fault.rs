//! russh's errors, told as sentences.

use std::io;

use engine::{DialError, NoCommonAlgorithm, Offers, Remedy};
use russh::{AlgorithmKind, Error, keys::ssh_encoding};

use crate::text;

/// How a connection to a target ends badly.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The protocol, or the network under it.
    #[error(transparent)]
    Ssh(#[from] Error),
    /// We refused to go on.
    #[error(transparent)]
    Refused(#[from] DialError),
    /// The target took its leave in words.
    #[error("the target disconnected")]
    Disconnected(String),
}

impl Fault {
    /// What to tell whoever waits; `during` says what was going on.
    pub(crate) fn into_dial_error(self, target: &str, during: &str) -> DialError {
        match self {
            Self::Refused(error) => error,
            Self::Disconnected(words) => {
                let words = text::line(&words, 200);
                let said = if words.is_empty() { String::new() } else { format!(" and said: {words}") };
                lost(target, &format!("{during}{said}"))
            }
            Self::Ssh(error) => ssh_error(error, target, during),
        }
    }
}

/// The connection broke.
pub(crate) fn lost(target: &str, during: &str) -> DialError {
    DialError::LinkLost { target: target.to_owned(), during: during.to_owned() }
}

/// The target broke the protocol.
pub(crate) fn not_ssh(target: &str, cause: impl Into<String>) -> DialError {
    DialError::NotSsh { target: target.to_owned(), cause: cause.into() }
}

fn ssh_error(error: Error, target: &str, during: &str) -> DialError {
    match error {
        Error::NoCommonAlgo { kind, ours, theirs } => {
            no_common_algorithm(target, &kind, ours, &theirs).into()
        }
        Error::IO(error) if error.kind() == io::ErrorKind::InvalidData => {
            not_ssh(target, "it sent what is no SSH packet")
        }
        Error::HUP
        | Error::Disconnect
        | Error::IO(_)
        | Error::SendError
        | Error::RecvError
        | Error::ConnectionTimeout
        | Error::KeepaliveTimeout
        | Error::InactivityTimeout => lost(target, during),
        Error::Join(_) => DialError::Internal { cause: "the SSH client stopped".to_owned() },
        error => not_ssh(target, protocol_words(&error)),
    }
}

/// What is known of a disagreement without what else the server said.
fn no_common_algorithm(
    target: &str,
    kind: &AlgorithmKind,
    ours: Vec<String>,
    theirs: &[String],
) -> NoCommonAlgorithm {
    let kind = match kind {
        AlgorithmKind::Kex => engine::AlgorithmKind::KeyExchange,
        AlgorithmKind::Key => engine::AlgorithmKind::HostKey,
        AlgorithmKind::Cipher => engine::AlgorithmKind::Cipher,
        AlgorithmKind::Compression => engine::AlgorithmKind::Compression,
        AlgorithmKind::Mac => engine::AlgorithmKind::Mac,
    };
    let theirs = theirs.iter().map(|name| text::line(name, 64)).collect();
    let offers = vec![Offers { kind, ours, theirs }];
    NoCommonAlgorithm { target: target.to_owned(), kind, remedy: Remedy::Nothing, offers }
}

fn protocol_words(error: &Error) -> &'static str {
    match error {
        Error::Version => "its greeting is no identification of SSH 2.0",
        Error::WrongServerSig | Error::Signature(_) => "it could not prove that it holds its host key",
        Error::PacketAuth | Error::DecryptionError => "a packet failed its integrity check",
        Error::PacketSize(_) => "a packet has an impossible size",
        Error::StrictKeyExchangeViolation { .. } => "it broke the rules of the strict key exchange",
        Error::KexInit | Error::Kex | Error::UnknownAlgo => "the key exchange failed",
        Error::Utf8(_) | Error::SshEncoding(ssh_encoding::Error::CharacterEncoding) => {
            "it sent a text that is not UTF-8"
        }
        _ => "it broke the protocol",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_algorithms_are_named_and_cleaned() {
        let error = Error::NoCommonAlgo {
            kind: AlgorithmKind::Mac,
            ours: vec!["a".to_owned()],
            theirs: vec!["hmac-md5".to_owned(), "x\x1b[2J".to_owned()],
        };
        assert_eq!(
            Fault::from(error).into_dial_error("h:22", "during the handshake").to_string(),
            "h:22 and this gateway have no MAC in common. No preset of this gateway would work.\n\n\
             MAC (nothing in common)\n  server: hmac-md5, x [2J\n  gateway: a"
        );
    }

    #[test]
    fn a_broken_pipe_is_a_lost_link() {
        let error = Fault::from(Error::IO(io::ErrorKind::ConnectionReset.into()));
        assert_eq!(
            error.into_dial_error("h:22", "during the login").to_string(),
            "h:22 closed the connection during the login."
        );
    }

    #[test]
    fn last_words_are_passed_on() {
        let fault = Fault::Disconnected("Too many\r\nauthentication failures\x07".to_owned());
        assert_eq!(
            fault.into_dial_error("h:22", "during the login").to_string(),
            "h:22 closed the connection during the login and said: Too many authentication failures."
        );
    }
}
