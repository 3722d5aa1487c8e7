//! The measurements. Each works on every way that can do it, and checks what it counts.

mod beside;
mod browser;
mod bulk;
mod connect;
mod echo;
mod idle;
mod interrupt;
mod paste;
mod resume;
mod stalled;

use clap::ValueEnum;

use crate::{lab::Lab, report::Report};

/// One of them. The order is that of a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Measure {
    /// Nothing to prompt, by stage.
    Connect,
    /// Key to echo.
    Echo,
    /// 64 MiB of mixed output.
    Bulk,
    /// Ctrl-C in a flood.
    Interrupt,
    /// A megabyte that is pasted.
    Paste,
    /// Key to echo beside four floods.
    Beside,
    /// Coming back after a cut, and on a new page.
    Resume,
    /// Readers that stop.
    Stalled,
    /// A hundred idle sessions.
    Idle,
    /// A thousand idle sessions.
    Thousand,
    /// The page in a browser; only if it is asked for.
    Browser,
}

impl Measure {
    /// Those that were asked for, in order, or all; the browser's only if it was asked for.
    pub(crate) fn chosen(only: &[Self], browser: bool) -> impl Iterator<Item = Self> {
        let all = Self::value_variants().iter().copied();
        all.filter(move |measure| match measure {
            Self::Browser if browser => true,
            Self::Browser => only.contains(measure),
            _ => only.is_empty() || only.contains(measure),
        })
    }

    /// Its name on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Takes it and adds its rows.
    pub(crate) async fn take(self, lab: &Lab, report: &mut Report) -> anyhow::Result<()> {
        match self {
            Self::Connect => connect::measure(lab, report).await,
            Self::Echo => echo::measure(lab, report).await,
            Self::Bulk => bulk::measure(lab, report).await,
            Self::Interrupt => interrupt::measure(lab, report).await,
            Self::Paste => paste::measure(lab, report).await,
            Self::Beside => beside::measure(lab, report).await,
            Self::Resume => resume::measure(lab, report).await,
            Self::Stalled => stalled::measure(lab, report).await,
            Self::Idle => idle::hundred(lab, report).await,
            Self::Thousand => idle::thousand(lab, report).await,
            Self::Browser => browser::measure(lab, report).await,
        }
    }
}
