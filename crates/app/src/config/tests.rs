//! Precedence, and what each error says.

use std::path::Path;

use super::*;
use crate::cli;

const TOKEN: &str = "ci=0123456789abcdef";

/// A configuration from a command line, an environment and a file named `gateway.toml`.
fn resolve(arguments: &[&str], variables: &[(&str, &str)], file: &str) -> Result<Config, String> {
    let invocation =
        cli::parse(["alfresco-ssh"].iter().chain(arguments)).unwrap_or_else(|error| panic!("{error}"));
    let environment: Environment = variables.iter().copied().collect();
    let sources = || {
        Ok([
            invocation.flags,
            Written::from_environment(&environment)?,
            Written::from_toml(Path::new("gateway.toml"), file)?,
            Written::defaults(&invocation.command, &environment),
        ])
    };
    sources()
        .and_then(|sources| Config::resolve(&invocation.command, &sources))
        .map_err(|refused: Refused| refused.to_string())
}

fn config(arguments: &[&str], variables: &[(&str, &str)], file: &str) -> Config {
    resolve(arguments, variables, file).unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(arguments: &[&str], variables: &[(&str, &str)], file: &str) -> String {
    resolve(arguments, variables, file).err().expect("refused")
}

#[test]
fn defaults() {
    let config = config(&[], &[], "");
    assert_eq!(config.host.to_string(), "127.0.0.1");
    assert_eq!((config.port, config.port_is_default), (5000, true));
    assert_eq!(config.public_url, None);
    assert_eq!(config.frame_ancestors, FrameAncestors::default());
    assert!(config.api_tokens.is_empty() && !config.insecure_open_api);
    assert_eq!(config.connect_timeout.as_secs(), 10);
    assert_eq!(format!("{:?}", config.sessions), format!("{:?}", engine::Options::default()));
    assert_eq!(config.drain.as_secs(), 30);
    assert_eq!((config.host_key_policy, config.remember_host_keys), (HostKeyPolicy::Ask, true));
    assert!(config.allow_agent_forwarding && config.accept_env.is_empty());
    assert_eq!((config.known_hosts, config.state_dir), (None, None));
    assert_eq!((config.log.filter.as_str(), config.log.format), ("info", logs::Format::Text));
    assert!(!config.log.debug && config.warnings.is_empty());
}

#[test]
fn flag_then_environment_then_file_then_default() {
    let file = "port = 3\nticket-ttl = 30\nhost-key-policy = \"reject\"\n";
    let variables = &[("ALFRESCO_SSH_PORT", "2"), ("ALFRESCO_SSH_TICKET_TTL", "20s")];
    let config = config(&["--port", "1"], variables, file);
    assert_eq!((config.port, config.port_is_default), (1, false));
    assert_eq!(config.sessions.ticket_ttl.as_secs(), 20);
    assert_eq!(config.host_key_policy, HostKeyPolicy::Reject);
    assert_eq!(config.connect_timeout.as_secs(), 10);
}

#[test]
fn every_setting_is_read_from_each_source() {
    let file = tempfile::NamedTempFile::new().expect("file");
    let path = file.path().to_str().expect("UTF-8");
    std::fs::write(path, format!("{TOKEN}\n")).expect("written");
    for setting in SETTINGS.iter().filter(|setting| setting.name != settings::CONFIG) {
        let text = match setting.name {
            "host" => "::1",
            "port" => "0",
            "backlog" | "exec-output" => "65536",
            "detached-output" => "keep",
            name if name.starts_with("max-") && setting.shape == Shape::Number => "7",
            "public-url" => "https://terminal.example.org",
            "api-token" => TOKEN,
            "api-token-file" | "known-hosts" => path,
            "allow-target" | "deny-target" => "10.0.0.0/8:22",
            "address-family" => "inet",
            "algorithms" | "max-algorithms" => "compatible",
            "target-algorithms" => "10.0.0.0/8:22=legacy",
            "bind-address" => "127.0.0.1",
            "state-dir" => "/var/lib/x",
            "host-key-policy" => "reject",
            "log-filter" => "warn",
            "log-format" => "json",
            "frame-ancestors" => "none",
            _ if setting.shape == Shape::Duration => "7s",
            _ if setting.default == "true" => "false",
            _ => "true",
        };
        let flag = match text {
            "false" => format!("--{}=false", setting.name),
            _ => format!("--{}", setting.name),
        };
        let flag =
            if setting.shape == Shape::Switch { vec![flag.as_str()] } else { vec![flag.as_str(), text] };
        let quoted = match setting.shape {
            Shape::Number | Shape::Switch => text.to_owned(),
            Shape::List => format!("[{text:?}]"),
            Shape::Text | Shape::Duration => format!("{text:?}"),
        };
        let untouched = fingerprint(&config(&[], &[], ""));
        let sources = [
            config(&flag, &[], ""),
            config(&[], &[(setting.variable().as_str(), text)], ""),
            config(&[], &[], &format!("{} = {quoted}\n", setting.name)),
        ];
        for source in sources {
            assert_ne!(fingerprint(&source), untouched, "{} has no effect", setting.name);
            assert_eq!(fingerprint(&source), fingerprint(&config(&flag, &[], "")), "{}", setting.name);
        }
    }
}

/// Everything in a configuration but the tokens themselves.
fn fingerprint(config: &Config) -> String {
    let names: Vec<_> = config.api_tokens.iter().map(|token| &token.name).collect();
    format!(
        "{} {} {} {:?} {:?} {names:?} {} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        config.host,
        config.port,
        config.max_connections_per_address,
        config.public_url,
        config.frame_ancestors,
        config.insecure_open_api,
        config.sessions,
        config.drain,
        (config.connect_timeout, config.exec_time, config.exec_output),
        (&config.reach, &config.algorithms),
        (config.host_key_policy, config.remember_host_keys),
        (&config.accept_env, config.allow_agent_forwarding),
        config.known_hosts,
        config.state_dir,
        config.log
    )
}

#[test]
fn an_error_names_the_flag() {
    let cases: &[(&[&str], &str)] = &[
        (&["--port", "x"], "--port: \"x\" is not a port: use a number from 0 (any free port) to 65535"),
        (&["--ticket-ttl", "2d"], "--ticket-ttl: \"2d\" is out of range: use 1 s to 86400 s"),
        (
            &["--ticket-ttl", "soon"],
            "--ticket-ttl: \"soon\" is not a duration: write it like 90, 90s, 2m, 1h or 1d",
        ),
        (&["--detach-grace", "8d"], "--detach-grace: \"8d\" is out of range: use 0 s to 604800 s"),
        (&["--backlog", "65535"], "--backlog: \"65535\" is not a size: use 65536 to 67108864 bytes"),
        (&["--backlog", "67108865"], "--backlog: \"67108865\" is not a size: use 65536 to 67108864 bytes"),
        (
            &["--detached-output", "drop"],
            "--detached-output: \"drop\" is not a policy for detached output: use latest or keep",
        ),
        (&["--idle-timeout", "31d"], "--idle-timeout: \"31d\" is out of range: use 0 s to 2592000 s"),
        (&["--max-session", "31d"], "--max-session: \"31d\" is out of range: use 0 s to 2592000 s"),
        (&["--drain", "3601"], "--drain: \"3601\" is out of range: use 0 s to 3600 s"),
        (&["--max-sessions", "0"], "--max-sessions: \"0\" is not a number of at least 1"),
        (
            &["--max-sessions-per-address", "-"],
            "--max-sessions-per-address: \"-\" is not a number: use 0 for no limit",
        ),
        (&["--connect-timeout", "6m"], "--connect-timeout: \"6m\" is out of range: use 1 s to 300 s"),
        (
            &["--host-key-policy", "yes"],
            "--host-key-policy: \"yes\" is not a host key policy: use ask, accept-new or reject",
        ),
        (&["--log-format", "xml"], "--log-format: \"xml\" is not a log format: use text or json"),
        (
            &["--known-hosts", "/nowhere/known_hosts"],
            "--known-hosts: /nowhere/known_hosts cannot be read: no such file or directory",
        ),
        (&["--api-token", ""], "--api-token: it is empty: give a value or leave it out"),
        (
            &["--api-token-file", "ci=0123456789abcdef"],
            "--api-token-file: the file cannot be read: no such file or directory",
        ),
        (&["--api-token", TOKEN, "--api-token", TOKEN], "--api-token: two API tokens have the name ci"),
    ];
    for (arguments, sentence) in cases {
        assert_eq!(refusal(arguments, &[], ""), format!("flag {sentence}"));
    }
}

#[test]
fn zero_is_no_limit_and_no_grace() {
    let off = ["--idle-timeout", "1h", "--max-session", "1d", "--detach-grace", "1m", "--drain", "1m"];
    let on = config(&off, &[], "");
    assert_eq!(on.sessions.idle_timeout, Some(Duration::from_secs(3_600)));
    assert_eq!(on.sessions.max_duration, Some(Duration::from_secs(86_400)));
    let file = "idle-timeout = 0\nmax-session = \"0\"\ndetach-grace = 0\ndrain = 0\n\
                max-sessions-per-address = 0\nmax-sessions-per-token = 0\n";
    let none = config(&[], &[], file);
    assert_eq!((none.sessions.idle_timeout, none.sessions.max_duration), (None, None));
    assert_eq!((none.sessions.detach_grace, none.drain), (Duration::ZERO, Duration::ZERO));
    assert_eq!((none.sessions.quotas.per_address, none.sessions.quotas.per_caller), (None, None));
}

#[test]
fn an_error_names_the_variable() {
    let cases = [
        ("ALFRESCO_SSH_PORT", "x", "\"x\" is not a port: use a number from 0 (any free port) to 65535"),
        ("ALFRESCO_SSH_DEBUG", "on", "\"on\" is neither true nor false"),
        ("RUST_LOG", "web=loud", "\"web=loud\" is not a log filter: write it like info or info,web=debug"),
    ];
    for (name, text, sentence) in cases {
        assert_eq!(refusal(&[], &[(name, text)], ""), format!("environment {name}: {sentence}"));
    }
}

#[test]
fn an_error_names_the_line() {
    let cases = [
        (
            "# one\n\nport = 70000\n",
            "3: \"70000\" is not a port: use a number from 0 (any free port) to 65535",
        ),
        ("port = \"80\"\n", "1: port must be a whole number, and this is of type string"),
        ("debug = 1\n", "1: debug must be true or false, and this is of type integer"),
        ("host = false\n", "1: host must be a string, and this is of type boolean"),
        ("frame-ancestors = []\n", "1: frame-ancestors is empty"),
        (
            "frame-ancestors = 3\n",
            "1: frame-ancestors must be an array of strings, and this is of type integer",
        ),
        ("\nfrom = 1\n", "2: the key \"from\" is unknown"),
        ("[host]\n", "1: host must be a string, and this is of type table"),
        ("ticket_ttl = 1\n", "1: the key ticket_ttl is unknown: it is written ticket-ttl"),
        ("config = \"x\"\n", "1: the key config is only a flag and a variable"),
    ];
    for (file, sentence) in cases {
        assert_eq!(refusal(&[], &[], file), format!("gateway.toml line {sentence}"));
    }
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_its_line() {
    let error = refusal(&[], &[], "port = 1\nhost = \"::1\n");
    assert!(error.starts_with("gateway.toml line 2: "), "{error}");
    let error = refusal(&[], &[], "port = 1\nport = 2\n");
    assert!(error.starts_with("gateway.toml line 2: ") && error.contains("duplicate key"), "{error}");
    assert!(!error.contains('\n'), "{error}");
}

#[test]
fn without_a_token_only_this_machine_is_served() {
    for host in ["localnetwork", "0.0.0.0", "::", "192.0.2.7"] {
        let error = refusal(&["--host", host], &[], "");
        assert!(error.starts_with("flag --host: other machines can reach "), "{error}");
        assert!(error.contains("--api-token-file") && error.contains("--insecure-open-api"), "{error}");
        assert_eq!(config(&["--host", host, "--api-token", TOKEN], &[], "").api_tokens.len(), 1);
        assert!(config(&["--host", host, "--insecure-open-api"], &[], "").insecure_open_api);
    }
    for host in ["localhost", "127.0.0.2", "::1", "::ffff:127.0.0.1"] {
        assert!(config(&["--host", host], &[], "").api_tokens.is_empty());
    }
    let error = refusal(&[], &[("ALFRESCO_SSH_HOST", "0.0.0.0"), ("ALFRESCO_SSH_API_TOKEN", "")], "");
    assert!(error.starts_with("environment ALFRESCO_SSH_HOST: "), "{error}");
}

#[test]
fn the_demo_serves_only_this_machine_whatever_else_is_set() {
    let arguments = &["demo", "--host", "0.0.0.0", "--api-token", TOKEN, "--insecure-open-api"];
    let error = refusal(arguments, &[], "");
    assert!(error.starts_with("flag --host: the demo opens a shell of your own account"), "{error}");
    assert_eq!(config(&["demo", "--host", "::1"], &[], "").host.to_string(), "::1");
}

#[test]
fn whatever_is_insecure_is_warned_about() {
    let config = config(&[], &[], "insecure-open-api = true\n");
    let [warning] = config.warnings.as_slice() else { panic!("{:?}", config.warnings) };
    assert!(warning.starts_with("insecure-open-api is on ("), "{warning}");
}

#[test]
fn a_variable_that_nothing_reads_is_warned_about() {
    let environment: Environment = [
        ("ALFRESCO_SSH_PROT", "1"),
        ("ALFRESCO_SSH_PORT", "1"),
        ("ALFRESCO_SSH_WEB_DIST", "x"),
        ("HOME", "/h"),
    ]
    .into_iter()
    .collect();
    let config = Config::load(&Command::Serve, Written::default(), &environment)
        .unwrap_or_else(|refused| panic!("{refused}"));
    let [warning] = config.warnings.as_slice() else { panic!("{:?}", config.warnings) };
    assert!(warning.contains("ALFRESCO_SSH_PROT"), "{warning}");
}

#[test]
fn the_file_is_named_by_flag_or_variable() {
    let file = tempfile::NamedTempFile::new().expect("file");
    let path = file.path().to_str().expect("UTF-8");
    std::fs::write(path, "port = 7\n").expect("written");
    let load = |arguments: &[&str], variables: &[(&str, &str)]| {
        let invocation = cli::parse(["alfresco-ssh"].iter().chain(arguments)).expect("understood");
        Config::load(&invocation.command, invocation.flags, &variables.iter().copied().collect())
            .map(|config| config.port)
            .map_err(|refused| refused.to_string())
    };
    assert_eq!(load(&["--config", path], &[]), Ok(7));
    assert_eq!(load(&[], &[("ALFRESCO_SSH_CONFIG", path)]), Ok(7));
    let missing = "/nowhere/gateway.toml cannot be read: no such file or directory";
    assert_eq!(load(&["--config", "/nowhere/gateway.toml"], &[]), Err(format!("flag --config: {missing}")));
    assert_eq!(
        load(&[], &[("ALFRESCO_SSH_CONFIG", "/nowhere/gateway.toml")]),
        Err(format!("environment ALFRESCO_SSH_CONFIG: {missing}"))
    );
}

#[test]
fn the_ceiling_of_algorithms_is_not_above_what_all_requests_get() {
    let refused = refusal(&["--algorithms", "legacy", "--max-algorithms", "compatible"], &[], "");
    let sentence = "compatible is stronger than what --algorithms gives to all requests, legacy";
    assert_eq!(refused, format!("flag --max-algorithms: {sentence}"));
    let weaker = config(&["--algorithms", "compatible", "--max-algorithms", "legacy"], &[], "");
    assert_eq!(weaker.algorithms.ceiling, Some(engine::Preset::Legacy));
}

#[test]
fn a_file_with_tokens_must_be_private() {
    use std::os::unix::fs::PermissionsExt;
    let file = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(file.path(), format!("api-token = [{TOKEN:?}]\n")).expect("written");
    let variables = [("ALFRESCO_SSH_CONFIG", file.path().to_str().expect("UTF-8"))];
    let load = || Config::load(&Command::Serve, Written::default(), &variables.into_iter().collect());
    assert_eq!(load().unwrap_or_else(|refused| panic!("{refused}")).api_tokens.len(), 1);
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).expect("mode");
    let error = load().err().expect("refused").to_string();
    assert!(error.contains("others may read or change it: run chmod 600"), "{error}");
    assert!(!error.contains("0123456789abcdef"), "{error}");
}

#[test]
fn the_state_directory_is_systemds_then_the_desktops_then_the_homes() {
    let all = [("STATE_DIRECTORY", "/var/lib/a:/var/lib/b"), ("XDG_STATE_HOME", "/x"), ("HOME", "/h")];
    for (variables, directory) in [
        (&all[..], "/var/lib/a"),
        (&all[1..], "/x/alfresco-ssh"),
        (&all[2..], "/h/.local/state/alfresco-ssh"),
    ] {
        assert_eq!(config(&[], variables, "").state_dir, Some(PathBuf::from(directory)));
    }
    let relative = [("XDG_STATE_HOME", "x"), ("HOME", "/h")];
    assert_eq!(config(&[], &relative, "").state_dir, Some(PathBuf::from("/h/.local/state/alfresco-ssh")));
    assert_eq!(config(&[], &all, "state-dir = \"/s\"\n").state_dir, Some(PathBuf::from("/s")));
}

#[test]
fn rust_log_and_the_demo_change_the_default_filter_only() {
    let rust_log = [("RUST_LOG", "error")];
    assert_eq!(config(&[], &rust_log, "").log.filter, "error");
    assert_eq!(config(&[], &rust_log, "log-filter = \"debug\"\n").log.filter, "debug");
    assert_eq!(config(&["demo"], &[], "").log.filter, "warn");
    assert_eq!(config(&["demo"], &rust_log, "").log.filter, "error");
}

#[test]
fn the_documentation_has_a_row_for_every_setting() {
    let page = include_str!("../../../../docs/config.md");
    for setting in SETTINGS {
        let flag = match setting.short {
            Some(short) => format!("| `-{short}`, `--{}` | `{}` |", setting.name, setting.variable()),
            None => format!("| `--{}` | `{}` |", setting.name, setting.variable()),
        };
        let row = page.lines().find(|line| line.starts_with(&flag));
        let row = row.unwrap_or_else(|| panic!("no row begins with {flag}"));
        let default =
            if setting.default.is_empty() { "–".to_owned() } else { format!("`{}`", setting.default) };
        let cell = row.split('|').nth(4).map(str::trim).unwrap_or_default();
        assert!(setting.name == "state-dir" || cell.starts_with(&default), "{}: {cell}", setting.name);
    }
}
