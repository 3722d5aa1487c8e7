//! The table of settings: one row gives a setting its flag, its environment variable, its key in the
//! file, its place in the help and its reader. A new setting is a row here and a field of `Config`.

use std::time::Duration;

use super::{Config, read, tokens};

const DAY: Duration = Duration::from_secs(86_400);

/// The setting that names the configuration file; the file itself cannot have it.
pub(super) const CONFIG: &str = "config";

/// One setting.
pub(crate) struct Setting {
    /// The flag without its dashes; also the file's key.
    pub(crate) name: &'static str,
    /// A short flag.
    pub(crate) short: Option<char>,
    /// How it is written.
    pub(crate) shape: Shape,
    /// What the help calls its value.
    pub(crate) value: &'static str,
    /// As it would be written; empty if there is none.
    pub(crate) default: &'static str,
    /// The help's heading.
    pub(crate) group: &'static str,
    /// The help's words.
    pub(crate) help: &'static str,
    /// Reads the written values, of which there is at least one, into the configuration.
    pub(super) read: fn(&mut Config, &[String]) -> Result<(), String>,
}

impl Setting {
    /// The environment variable: `--ticket-ttl` is `ALFRESCO_SSH_TICKET_TTL`.
    pub(crate) fn variable(&self) -> String {
        format!("{}{}", super::written::PREFIX, self.name.replace('-', "_").to_uppercase())
    }
}

/// How a setting is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    /// One text.
    Text,
    /// One whole number.
    Number,
    /// A duration: text with a unit, or a number of seconds.
    Duration,
    /// Given or not, or given with `=true` or `=false`; `true` or `false` in the environment and the file.
    Switch,
    /// Texts: repeated flags, or commas; an array in the file.
    List,
}

const LISTENING: &str = "Listening";
const PAGE: &str = "The page";
const API: &str = "Who may create sessions";
const SESSIONS: &str = "How long sessions live";
const QUOTAS: &str = "How many sessions there may be";
const SSH: &str = "Links and SSH";
const TARGETS: &str = "Which hosts may be connected to";
const RUNNING: &str = "Configuration and logs";

/// Every setting.
pub(crate) static SETTINGS: &[Setting] = &[
    Setting {
        name: "host",
        short: None,
        shape: Shape::Text,
        value: "ADDRESS",
        default: "localhost",
        group: LISTENING,
        help: "Address to listen on: an IP address, `localhost` (127.0.0.1), or `localnetwork` (0.0.0.0, every \
               IPv4 address of this machine)",
        read: |config, values| read::last(values, read::host).map(|host| config.host = host),
    },
    Setting {
        name: "port",
        short: Some('p'),
        shape: Shape::Number,
        value: "PORT",
        default: "5000",
        group: LISTENING,
        help: "Port to listen on; 0 picks a free one. The address is printed on stdout",
        read: |config, values| read::last(values, read::port).map(|port| config.port = port),
    },
    Setting {
        name: "max-connections-per-address",
        short: None,
        shape: Shape::Number,
        value: "N",
        default: "512",
        group: LISTENING,
        help: "Open connections that one address may have. Raise it where a reverse proxy makes all users come from \
               one address",
        read: |config, values| {
            read::last(values, read::count).map(|count| config.max_connections_per_address = count)
        },
    },
    Setting {
        name: "public-url",
        short: None,
        shape: Shape::Text,
        value: "ORIGIN",
        default: "",
        group: LISTENING,
        help: "Origin that browsers reach this gateway at, such as https://terminal.example.org. Session URLs are \
               built from it; without it, from the request",
        read: |config, values| {
            read::last(values, web::PublicUrl::parse).map(|url| config.public_url = Some(url))
        },
    },
    Setting {
        name: "frame-ancestors",
        short: None,
        shape: Shape::List,
        value: "SOURCE",
        default: "self",
        group: PAGE,
        help: "Who may show the page in a frame: `self`, `none`, or origins such as https://portal.example.org or \
               https://*.example.org. May be repeated",
        read: |config, values| {
            web::FrameAncestors::parse(values.iter().map(String::as_str))
                .map(|sources| config.frame_ancestors = sources)
        },
    },
    Setting {
        name: "api-token",
        short: None,
        shape: Shape::List,
        value: "NAME=TOKEN",
        default: "",
        group: API,
        help: "Token that lets its bearer create sessions, at least 16 characters. May be repeated. Other users of \
               this machine can read command lines: prefer the file",
        read: |config, values| tokens::from_list(values).map(|tokens| config.api_tokens.extend(tokens)),
    },
    Setting {
        name: "api-token-file",
        short: None,
        shape: Shape::Text,
        value: "FILE",
        default: "",
        group: API,
        help: "File with one NAME=TOKEN per line, which nobody else may read",
        read: |config, values| {
            read::last(values, tokens::from_file).map(|tokens| config.api_tokens.extend(tokens))
        },
    },
    Setting {
        name: "insecure-open-api",
        short: None,
        shape: Shape::Switch,
        value: "",
        default: "false",
        group: API,
        help: "Let everybody who reaches the port create sessions without an API token, from other machines too",
        read: |config, values| read::last(values, read::switch).map(|on| config.insecure_open_api = on),
    },
    Setting {
        name: "detach-grace",
        short: None,
        shape: Shape::Duration,
        value: "DURATION",
        default: "5m",
        group: SESSIONS,
        help: "How long a session waits for its page to come back after a reload or a lost connection, up to 7d; 0 \
               ends it with its connection",
        read: |config, values| {
            let limits = Duration::ZERO..=7 * DAY;
            read::last(values, |text| read::duration(text, &limits))
                .map(|grace| config.sessions.detach_grace = grace)
        },
    },
    Setting {
        name: "backlog",
        short: None,
        shape: Shape::Number,
        value: "BYTES",
        default: "1048576",
        group: SESSIONS,
        help: "Recent output that each session keeps for a page that comes back, 65536 to 67108864 bytes",
        read: |config, values| {
            let limits = 64 * 1024..=64 * 1024 * 1024;
            read::last(values, |text| read::bytes(text, &limits)).map(|bytes| config.sessions.backlog = bytes)
        },
    },
    Setting {
        name: "detached-output",
        short: None,
        shape: Shape::Text,
        value: "POLICY",
        default: "latest",
        group: SESSIONS,
        help: "What happens to output while no page is there: `latest` drops the oldest beyond the backlog and keeps \
               the screen exact, `keep` drops nothing and slows the program down once the backlog is full",
        read: |config, values| {
            read::last(values, read::detached_output).map(|policy| config.sessions.detached_output = policy)
        },
    },
    Setting {
        name: "idle-timeout",
        short: None,
        shape: Shape::Duration,
        value: "DURATION",
        default: "0",
        group: SESSIONS,
        help: "How long a session may go without anything being typed, up to 30d; a request may ask for less. 0 is \
               for ever",
        read: |config, values| read::last(values, limit).map(|limit| config.sessions.idle_timeout = limit),
    },
    Setting {
        name: "max-session",
        short: None,
        shape: Shape::Duration,
        value: "DURATION",
        default: "0",
        group: SESSIONS,
        help: "How long a session may last, up to 30d; a request may ask for less. 0 is for ever",
        read: |config, values| read::last(values, limit).map(|limit| config.sessions.max_duration = limit),
    },
    Setting {
        name: "drain",
        short: None,
        shape: Shape::Duration,
        value: "DURATION",
        default: "30s",
        group: SESSIONS,
        help: "How long open sessions may go on once the gateway was asked to end, up to 1h; pages are told. 0 ends \
               them at once",
        read: |config, values| {
            let limits = Duration::ZERO..=Duration::from_secs(3_600);
            read::last(values, |text| read::duration(text, &limits)).map(|drain| config.drain = drain)
        },
    },
    Setting {
        name: "max-sessions",
        short: None,
        shape: Shape::Number,
        value: "N",
        default: "1000",
        group: QUOTAS,
        help: "Sessions in all, those included that wait for their page",
        read: |config, values| {
            read::last(values, read::count).map(|count| config.sessions.quotas.sessions = count)
        },
    },
    Setting {
        name: "max-sessions-per-address",
        short: None,
        shape: Shape::Number,
        value: "N",
        default: "50",
        group: QUOTAS,
        help: "Sessions started from one address; 0 is no limit. Raise it where a reverse proxy makes all users come \
               from one address",
        read: |config, values| {
            read::last(values, read::quota).map(|count| config.sessions.quotas.per_address = count)
        },
    },
    Setting {
        name: "max-sessions-per-token",
        short: None,
        shape: Shape::Number,
        value: "N",
        default: "0",
        group: QUOTAS,
        help: "Sessions ordered with one API token; 0 is no limit",
        read: |config, values| {
            read::last(values, read::quota).map(|count| config.sessions.quotas.per_caller = count)
        },
    },
    Setting {
        name: "allow-target",
        short: None,
        shape: Shape::List,
        value: "PATTERN",
        default: "",
        group: TARGETS,
        help: "Connect to these targets only: an address, a network such as 10.0.0.0/8 or a host name with `*`, and \
               :PORT or :FROM-TO behind it if you like, with IPv6 in brackets then. A private network that is \
               named may be connected to. May be repeated",
        read: |config, values| read::targets(values).map(|patterns| config.reach.targets.allow = patterns),
    },
    Setting {
        name: "deny-target",
        short: None,
        shape: Shape::List,
        value: "PATTERN",
        default: "",
        group: TARGETS,
        help: "Never connect to these targets, whatever else is allowed; written as for --allow-target. May be \
               repeated",
        read: |config, values| read::targets(values).map(|patterns| config.reach.targets.deny = patterns),
    },
    Setting {
        name: "allow-private",
        short: None,
        shape: Shape::Switch,
        value: "",
        default: "false",
        group: TARGETS,
        help: "Connect to loopback and private networks too, such as 127.0.0.1, 10.0.0.0/8 and 192.168.0.0/16",
        read: |config, values| {
            read::last(values, read::switch).map(|on| config.reach.targets.allow_private = on)
        },
    },
    Setting {
        name: "address-family",
        short: None,
        shape: Shape::Text,
        value: "FAMILY",
        default: "any",
        group: TARGETS,
        help: "Which addresses of a host to use: `any`, `inet` (IPv4 only) or `inet6` (IPv6 only)",
        read: |config, values| {
            read::last(values, read::address_family).map(|family| config.reach.family = family)
        },
    },
    Setting {
        name: "bind-address",
        short: None,
        shape: Shape::Text,
        value: "ADDRESS",
        default: "",
        group: TARGETS,
        help: "Address of this machine that connections to SSH servers come from",
        read: |config, values| {
            read::last(values, read::bind_address).map(|address| config.reach.bind_address = Some(address))
        },
    },
    Setting {
        name: "ticket-ttl",
        short: None,
        shape: Shape::Duration,
        value: "DURATION",
        default: "120s",
        group: SSH,
        help: "How long a session URL may wait to be opened, 1s to 1d",
        read: |config, values| {
            let limits = Duration::from_secs(1)..=DAY;
            read::last(values, |text| read::duration(text, &limits))
                .map(|ttl| config.sessions.ticket_ttl = ttl)
        },
    },
    Setting {
        name: "connect-timeout",
        short: None,
        shape: Shape::Duration,
        value: "DURATION",
        default: "10s",
        group: SSH,
        help: "How long connecting to an SSH server may take, look-up of its name included, 1s to 5m",
        read: |config, values| {
            let limits = Duration::from_secs(1)..=Duration::from_secs(300);
            read::last(values, |text| read::duration(text, &limits))
                .map(|limit| config.connect_timeout = limit)
        },
    },
    Setting {
        name: "exec-timeout",
        short: None,
        shape: Shape::Duration,
        value: "DURATION",
        default: "60s",
        group: SSH,
        help: "How long a command of POST /api/v1/exec may run, 1s to 1h; a request may name less",
        read: |config, values| {
            let limits = Duration::from_secs(1)..=Duration::from_secs(3600);
            read::last(values, |text| read::duration(text, &limits)).map(|limit| config.exec_time = limit)
        },
    },
    Setting {
        name: "exec-output",
        short: None,
        shape: Shape::Number,
        value: "BYTES",
        default: "1048576",
        group: SSH,
        help: "How much of each of its stdout and stderr is in the answer, 1024 to 67108864; the rest is dropped",
        read: |config, values| {
            let limits = 1024..=64 * 1024 * 1024;
            read::last(values, |text| read::bytes(text, &limits)).map(|bytes| config.exec_output = bytes)
        },
    },
    Setting {
        name: "algorithms",
        short: None,
        shape: Shape::Text,
        value: "PRESET",
        default: "modern",
        group: SSH,
        help: "Algorithms for requests that name none: `modern`, `compatible` (and those of servers of the last \
               decade) or `legacy` (and those that are broken, for old devices)",
        read: |config, values| {
            read::last(values, read::preset).map(|preset| config.algorithms.preset = preset)
        },
    },
    Setting {
        name: "max-algorithms",
        short: None,
        shape: Shape::Text,
        value: "PRESET",
        default: "",
        group: SSH,
        help: "The weakest algorithms that a request may name [default: those of --algorithms]",
        read: |config, values| {
            read::last(values, read::preset).map(|preset| config.algorithms.ceiling = Some(preset))
        },
    },
    Setting {
        name: "target-algorithms",
        short: None,
        shape: Shape::List,
        value: "PATTERN=PRESET",
        default: "",
        group: SSH,
        help: "For targets like PATTERN, which is written as for --allow-target, PRESET stands in the place of both: \
               the first that fits decides. May be repeated",
        read: |config, values| {
            read::target_presets(values).map(|targets| config.algorithms.targets = targets)
        },
    },
    Setting {
        name: "require-post-quantum",
        short: None,
        shape: Shape::Switch,
        value: "",
        default: "false",
        group: SSH,
        help: "Use only key exchanges that a quantum computer does not undo; SSH servers that have none are refused",
        read: |config, values| {
            read::last(values, read::switch).map(|on| config.algorithms.require_post_quantum = on)
        },
    },
    Setting {
        name: "accept-env",
        short: None,
        shape: Shape::List,
        value: "NAME",
        default: "",
        group: SSH,
        help: "Environment variables that a request may set in its shell besides LANG and LC_*, as far as the SSH \
               server takes them; with `*` at the end for all that begin so. May be repeated",
        read: |config, values| read::env_patterns(values).map(|patterns| config.accept_env = patterns),
    },
    Setting {
        name: "allow-agent-forwarding",
        short: None,
        shape: Shape::Switch,
        value: "",
        default: "true",
        group: SSH,
        help: "Whether a request may have the key that it brings forwarded to its shell, through an agent with that key \
               only; =false forbids it",
        read: |config, values| {
            read::last(values, read::switch).map(|is_on| config.allow_agent_forwarding = is_on)
        },
    },
    Setting {
        name: "host-key-policy",
        short: None,
        shape: Shape::Text,
        value: "POLICY",
        default: "ask",
        group: SSH,
        help: "What happens with an SSH server whose key is neither pinned by the request nor known: `ask` asks the \
               user, `accept-new` remembers the key and goes on, `reject` refuses. A changed key is refused always",
        read: |config, values| read::last(values, read::policy).map(|policy| config.host_key_policy = policy),
    },
    Setting {
        name: "forget-host-keys",
        short: None,
        shape: Shape::Switch,
        value: "",
        default: "false",
        group: SSH,
        help: "A host key that a user accepts is good for that session only: under `ask`, nobody is offered to \
               remember it",
        read: |config, values| {
            read::last(values, read::switch).map(|is_on| config.remember_host_keys = !is_on)
        },
    },
    Setting {
        name: "known-hosts",
        short: None,
        shape: Shape::Text,
        value: "FILE",
        default: "",
        group: SSH,
        help: "Your own known hosts, in OpenSSH's format; read and never written",
        read: |config, values| {
            read::last(values, read::readable_file).map(|path| config.known_hosts = Some(path))
        },
    },
    Setting {
        name: "state-dir",
        short: None,
        shape: Shape::Text,
        value: "DIR",
        default: "",
        group: SSH,
        help: "Where learned host keys are kept, in the file known_hosts [default: $STATE_DIRECTORY, else \
               $XDG_STATE_HOME/alfresco-ssh, else ~/.local/state/alfresco-ssh]",
        read: |config, values| read::last(values, read::path).map(|path| config.state_dir = Some(path)),
    },
    Setting {
        name: CONFIG,
        short: None,
        shape: Shape::Text,
        value: "FILE",
        default: "",
        group: RUNNING,
        help: "TOML file with any of these settings, named as the flags are without their dashes in front",
        read: |_, _| Ok(()),
    },
    Setting {
        name: "debug",
        short: None,
        shape: Shape::Switch,
        value: "",
        default: "false",
        group: RUNNING,
        help: "Log this program's own steps in detail; never a secret, a keystroke or any output",
        read: |config, values| read::last(values, read::switch).map(|on| config.log.debug = on),
    },
    Setting {
        name: "log-filter",
        short: None,
        shape: Shape::Text,
        value: "DIRECTIVES",
        default: "info",
        group: RUNNING,
        help: "Levels per module, such as `info,engine=debug`; $RUST_LOG is the default if it is set, and the demo's \
               is `warn`. Libraries never log below info",
        read: |config, values| read::last(values, read::log_filter).map(|filter| config.log.filter = filter),
    },
    Setting {
        name: "log-format",
        short: None,
        shape: Shape::Text,
        value: "FORMAT",
        default: "text",
        group: RUNNING,
        help: "`text` or `json`, one object a line; logs go to stderr",
        read: |config, values| read::last(values, read::log_format).map(|format| config.log.format = format),
    },
];

/// How long at most; `None` where 0 says for ever.
fn limit(text: &str) -> Result<Option<Duration>, String> {
    let limit = read::duration(text, &(Duration::ZERO..=30 * DAY))?;
    Ok(Some(limit).filter(|limit| !limit.is_zero()))
}
