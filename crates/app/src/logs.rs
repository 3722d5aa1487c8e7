//! Logs: where they go, in which shape, and which levels may speak at all.

use std::io::{self, IsTerminal};

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, LevelFilter, filter_fn},
    fmt::MakeWriter,
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

/// Our own crates. Only they may log below info: libraries print packets there, and with them
/// keystrokes and passwords.
const OWN: &[&str] = &["alfresco_ssh", "demo_sshd", "engine", "ssh", "web", "wire"];

/// What is logged, and how.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// Directives such as `info,engine=debug`.
    pub(crate) filter: String,
    /// Our own crates log in detail.
    pub(crate) debug: bool,
    /// The shape of a line.
    pub(crate) format: Format,
    /// Colours are unwanted.
    pub(crate) no_color: bool,
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object.
    Json,
}

/// Whether a text is a filter.
pub(crate) fn is_filter(text: &str) -> bool {
    EnvFilter::builder().parse(text).is_ok()
}

/// Logs to stderr from now on, for the whole process.
pub(crate) fn start(options: &Options) -> anyhow::Result<()> {
    let ansi = io::stderr().is_terminal() && !options.no_color;
    tracing_subscriber::registry().with(layer(options, ansi, io::stderr)?).try_init()?;
    Ok(())
}

fn layer<S, W>(options: &Options, ansi: bool, writer: W) -> anyhow::Result<impl Layer<S>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // A directive that stands later wins, so what was asked for by name wins over --debug.
    let own_in_detail: String = OWN.iter().map(|name| format!("{name}=debug,")).collect();
    let detail = if options.debug { own_in_detail.as_str() } else { "" };
    let asked = EnvFilter::builder().parse(format!("{detail}{}", options.filter))?;
    // A failed write to stderr has nowhere to be reported.
    let lines =
        tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(ansi).log_internal_errors(false);
    let lines = match options.format {
        Format::Text => lines.boxed(),
        Format::Json => lines.json().with_current_span(false).boxed(),
    };
    // With a hint, libraries need not ask the filter about every packet that they would print.
    let cap = filter_fn(may_be_logged).with_max_level_hint(LevelFilter::TRACE);
    Ok(lines.with_filter(asked.and(cap)))
}

/// The cap that no filter lifts. The SSH library says nothing at all: it writes what servers send,
/// however long, at every level.
fn may_be_logged(event: &Metadata<'_>) -> bool {
    let is_of = |library: &str| {
        event.target().strip_prefix(library).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    OWN.iter().any(|own| is_of(own)) || (*event.level() <= Level::INFO && !is_of("russh"))
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged when our own crates and libraries speak at every level.
    fn logged(options: &Options) -> String {
        let sink = Sink::default();
        let writer = sink.clone();
        let subscriber = tracing_subscriber::registry()
            .with(layer(options, false, move || writer.clone()).expect("valid"));
        tracing::subscriber::with_default(subscriber, || {
            tracing::trace!(target: "engine::session", "own trace");
            tracing::debug!(target: "ssh", "own debug");
            tracing::info!(target: "web::routes", "own info");
            tracing::trace!(target: "russh::client", "library trace");
            tracing::debug!(target: "sshd_of_somebody", "library debug");
            tracing::info!(target: "socketioxide", "library info");
            tracing::error!(target: "russh::client::encrypted", "words of a server");
        });
        let bytes = sink.0.lock().expect("not poisoned").clone();
        String::from_utf8(bytes).expect("UTF-8")
    }

    fn options(filter: &str, debug: bool) -> Options {
        Options { filter: filter.to_owned(), debug, ..Options::default() }
    }

    fn said(log: &str) -> Vec<&str> {
        ["own trace", "own debug", "own info", "library trace", "library debug", "library info"]
            .into_iter()
            .filter(|words| log.contains(words))
            .collect()
    }

    #[test]
    fn no_filter_makes_a_library_log_below_info() {
        for filter in ["trace", "trace,russh=trace", "russh::client=trace,sshd_of_somebody=debug,trace"] {
            let log = logged(&options(filter, true));
            assert!(log.contains("library info") && log.contains("own info"), "{filter}: {log}");
            for words in ["library trace", "library debug", "words of a server"] {
                assert!(!log.contains(words), "{filter}: {log}");
            }
        }
    }

    #[test]
    fn debug_adds_our_own_detail_and_a_named_filter_wins_over_it() {
        assert_eq!(said(&logged(&options("info", false))), ["own info", "library info"]);
        assert_eq!(said(&logged(&options("info", true))), ["own debug", "own info", "library info"]);
        assert_eq!(said(&logged(&options("info,ssh=info", true))), ["own info", "library info"]);
        assert_eq!(
            said(&logged(&options("trace", false))),
            ["own trace", "own debug", "own info", "library info"]
        );
    }

    #[test]
    fn json_is_one_object_a_line() {
        let log = logged(&Options { format: Format::Json, ..options("info", false) });
        let lines: Vec<serde_json::Value> =
            log.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
        let messages: Vec<_> = lines.iter().map(|line| line["fields"]["message"].as_str()).collect();
        assert_eq!(messages, [Some("own info"), Some("library info")]);
        assert_eq!(lines[0]["level"], "INFO");
    }
}
