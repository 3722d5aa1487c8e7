//! russh's errors, told as sentences.

use std::io;

use engine::{DialError, NoCommonAlgorithm, Offers, Remedy};
use russh::{AlgorithmKind, Disconnect, Error, keys::ssh_encoding};

use crate::{allowance, text};

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
    Disconnected(Farewell),
}

/// How a target takes its leave.
#[derive(Debug)]
pub(crate) struct Farewell {
    pub(crate) reason: Disconnect,
    pub(crate) words: String,
}

impl Farewell {
    /// Whether it has heard enough tries to log in. OpenSSH has no reason for that but its words.
    fn is_after_too_many_tries(&self) -> bool {
        matches!(self.reason, Disconnect::NoMoreAuthMethodsAvailable)
            || self.words.to_lowercase().contains("too many authentication failures")
    }
}

impl Fault {
    /// What to tell whoever waits; `during` says what was going on.
    pub(crate) fn into_dial_error(self, target: &str, during: &str) -> DialError {
        match self {
            Self::Refused(error) => error,
            Self::Disconnected(farewell) => {
                let said = text::line(&farewell.words, 200);
                if farewell.is_after_too_many_tries() && !said.is_empty() {
                    return DialError::TooManyTries { target: target.to_owned(), said };
                }
                let said = if said.is_empty() { said } else { format!(" and said: {said}") };
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
        Error::IO(error) if error.kind() == io::ErrorKind::QuotaExceeded => not_ssh(
            target,
            format!("it sent more than {} KiB before the login was over", allowance::LIMIT / 1024),
        ),
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
        let told = |reason, words: &str| {
            let fault = Fault::Disconnected(Farewell { reason, words: words.to_owned() });
            fault.into_dial_error("h:22", "during the login").to_string()
        };
        assert_eq!(
            told(Disconnect::ByApplication, "Gone\r\nfishing\x07"),
            "h:22 closed the connection during the login and said: Gone fishing."
        );
        assert_eq!(told(Disconnect::ByApplication, ""), "h:22 closed the connection during the login.");
        let enough = "h:22 refused to let this user try any longer and said: ";
        let said = "Too many authentication failures";
        assert_eq!(told(Disconnect::ProtocolError, said), format!("{enough}{said}."));
        assert_eq!(told(Disconnect::NoMoreAuthMethodsAvailable, "No\x1b"), format!("{enough}No."));
    }
}
