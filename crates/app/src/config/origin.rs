//! Where a value was written, so that an error can say it.

use std::{fmt, path::PathBuf};

/// Where a value was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    /// On the command line, as `--` and this name.
    Flag(&'static str),
    /// In this environment variable.
    Environment(String),
    /// In a configuration file; lines count from 1.
    File {
        /// The file, as it was named.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// Nowhere.
    Default,
}

impl Origin {
    /// This origin, or the other one if this is nowhere.
    pub(crate) fn or(self, other: Self) -> Self {
        if self == Self::Default { other } else { self }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag --{name}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::File { path, line } => write!(f, "{} line {line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}
