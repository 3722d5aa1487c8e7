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
