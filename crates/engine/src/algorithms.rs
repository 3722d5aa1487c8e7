//! How strong the cryptography to a server must be. Must not know any algorithm by its name.

use std::{fmt, str::FromStr};

/// A set of algorithms. Each has those of the one before it, and weaker ones behind them.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Preset {
    /// What is good today.
    #[default]
    Modern,
    /// And what servers of the last decade know, without anything that is broken.
    Compatible,
    /// And what is broken: SHA-1, CBC, groups of 1024 bits. For devices that know nothing else.
    Legacy,
}

impl Preset {
    /// All of them, the strongest first.
    pub const ALL: [Self; 3] = [Self::Modern, Self::Compatible, Self::Legacy];

    /// Its name, as requests and settings write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Modern => "modern",
            Self::Compatible => "compatible",
            Self::Legacy => "legacy",
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no preset.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("not one of modern, compatible and legacy")]
pub struct InvalidPreset;

impl FromStr for Preset {
    type Err = InvalidPreset;

    fn from_str(text: &str) -> Result<Self, InvalidPreset> {
        Self::ALL.into_iter().find(|preset| preset.name() == text).ok_or(InvalidPreset)
    }
}

/// What an order says of the algorithms to one server.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct AlgorithmChoice {
    /// Which may be used; without it, what the dialer is told for this target.
    pub preset: Option<Preset>,
    /// Only a key exchange that a quantum computer does not undo.
    pub require_post_quantum: bool,
    /// Compress what is carried, if the server does.
    pub compression: bool,
}

/// A kind of algorithms, of which both sides must have one in common.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AlgorithmKind {
    /// How keys are agreed on.
    KeyExchange,
    /// How the server proves itself.
    HostKey,
    /// What hides what is carried.
    Cipher,
    /// What guards it.
    Mac,
    /// What makes it shorter.
    Compression,
    /// How a user's RSA key signs.
    RsaSignature,
}

impl fmt::Display for AlgorithmKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeyExchange => "key exchange",
            Self::HostKey => "host key algorithm",
            Self::Cipher => "cipher",
            Self::Mac => "MAC",
            Self::Compression => "compression",
            Self::RsaSignature => "RSA signature",
        })
    }
}

/// Two sides that have nothing of a kind in common.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{target} and this gateway have no {kind} in common. {remedy}{}", listed(.offers, *.kind))]
pub struct NoCommonAlgorithm {
    /// `host:port`.
    pub target: String,
    /// The first kind of which there is nothing in common.
    pub kind: AlgorithmKind,
    /// What would help.
    pub remedy: Remedy,
    /// What both sides offer, as far as it is known, kind by kind.
    pub offers: Vec<Offers>,
}

/// What both sides offer of a kind, the best first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Offers {
    /// Of which kind.
    pub kind: AlgorithmKind,
    /// This gateway's.
    pub ours: Vec<String>,
    /// The server's.
    pub theirs: Vec<String>,
}

/// What would bring two sides together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Remedy {
    /// This preset.
    Preset(Preset),
    /// This preset, which the gateway may not use with the target.
    ForbiddenPreset(Preset),
    /// To do without a post-quantum key exchange.
    NoPostQuantum,
    /// Nothing that this gateway has.
    Nothing,
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preset(preset) => {
                write!(f, "The preset '{preset}' would work: the request may ask for it as its algorithms.")
            }
            Self::ForbiddenPreset(preset) => {
                write!(f, "The preset '{preset}' would work, but this gateway may not use it with this host.")
            }
            Self::NoPostQuantum => f.write_str(
                "A post-quantum key exchange is required, and the server has none that this gateway knows.",
            ),
            Self::Nothing => f.write_str("No preset of this gateway would work."),
        }
    }
}

/// Below the sentence.
fn listed(offers: &[Offers], kind: AlgorithmKind) -> String {
    let block = |offers: &Offers| {
        let mark = if offers.kind == kind { " (nothing in common)" } else { "" };
        let (theirs, ours) = (list(&offers.theirs), list(&offers.ours));
        format!("\n\n{}{mark}\n  server: {theirs}\n  gateway: {ours}", offers.kind)
    };
    offers.iter().map(block).collect()
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// The algorithms that are asked for are weaker than the gateway may use with the target.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "This gateway may not use the algorithms of '{wanted}' with {target}: the weakest it may use are those of '{ceiling}'."
)]
pub struct AlgorithmsDenied {
    /// `host:port`.
    pub target: String,
    /// What was asked for.
    pub wanted: Preset,
    /// What may be used.
    pub ceiling: Preset,
}
