//! The command line: subcommands, and the flags that the table of settings describes. It must not
//! know what a value means.

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, error::ErrorKind, parser::ValueSource};

use crate::{
    check::Whom,
    config::{Entry, Origin, SETTINGS, Setting, Shape, Written, split},
};

/// What to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Command {
    /// Run the gateway.
    Serve,
    /// Run the gateway with an SSH server beside it.
    Demo {
        /// Open the browser.
        open: bool,
    },
    /// Connect to a host as the gateway would, and say how it went.
    Check {
        /// Which host, and as whom.
        whom: Whom,
        /// As JSON.
        json: bool,
    },
}

/// A command line that was understood.
pub(crate) struct Invocation {
    /// What to do.
    pub(crate) command: Command,
    /// The flags, as they were written.
    pub(crate) flags: Written,
}

/// Reads a command line, the program's name first.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<Invocation, clap::Error> {
    let matches = definition().try_get_matches_from(arguments)?;
    let (command, matches) = match matches.subcommand() {
        Some(("demo", demo)) => (Command::Demo { open: demo.get_flag("open") }, demo),
        Some(("check", check)) => {
            let Some(whom) = check.get_one::<Whom>("target").cloned() else {
                return Err(definition().error(ErrorKind::MissingRequiredArgument, "a check needs a target"));
            };
            (Command::Check { whom, json: check.get_flag("json") }, check)
        }
        Some((_, serve)) => (Command::Serve, serve),
        None => (Command::Serve, &matches),
    };
    let flags = SETTINGS.iter().filter_map(|setting| entry(setting, matches)).collect();
    Ok(Invocation { command, flags })
}

fn entry(setting: &'static Setting, matches: &ArgMatches) -> Option<Entry> {
    if matches.value_source(setting.name) != Some(ValueSource::CommandLine) {
        return None;
    }
    let values = matches.get_many::<String>(setting.name)?.flat_map(|text| split(setting, text)).collect();
    Some(Entry { setting, values, origin: Origin::Flag(setting.name) })
}

fn definition() -> clap::Command {
    let serve = clap::Command::new("serve").about("Run the gateway; this is the default");
    let demo = clap::Command::new("demo")
        .about("Run the gateway with an SSH server of your own account beside it, and print a session URL")
        .arg(
            Arg::new("open")
                .long("open")
                .action(ArgAction::SetTrue)
                .help("Open the session URL in the browser; it passes through the browser's command line"),
        );
    let check = clap::Command::new("check")
        .about("Connect to an SSH server as the gateway would, up to the login, and say how each step went")
        .arg(Arg::new("target").required(true).value_name("[USER@]HOST[:PORT]").value_parser(Whom::parse).help(
            "The server; an IPv6 address with a port stands in brackets. Without USER the server is not asked how \
             one may log in",
        ))
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Say it as one JSON object"));
    clap::Command::new("alfresco-ssh")
        .about("A browser terminal over SSH that a portal embeds")
        .version(env!("CARGO_PKG_VERSION"))
        .propagate_version(true)
        .after_help(
            "Every flag has a twin in the environment and a key in the file. Precedence: flag, environment, file, \
             default.",
        )
        .max_term_width(110)
        .args(SETTINGS.iter().map(argument))
        .subcommands([serve, demo, check])
}

fn argument(setting: &'static Setting) -> Arg {
    let mut help = format!("{} [env: {}]", setting.help, setting.variable());
    if !["", "false"].contains(&setting.default) {
        help.push_str(&format!(" [default: {}]", setting.default));
    }
    let argument =
        Arg::new(setting.name).long(setting.name).help(help).help_heading(setting.group).global(true);
    let argument = match setting.short {
        Some(short) => argument.short(short),
        None => argument,
    };
    match setting.shape {
        Shape::Switch => argument
            .action(ArgAction::Set)
            .overrides_with(setting.name)
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .value_name("true|false"),
        Shape::List => argument.action(ArgAction::Append).value_name(setting.value),
        Shape::Text | Shape::Number | Shape::Duration => {
            argument.action(ArgAction::Set).overrides_with(setting.name).value_name(setting.value)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Invocation {
        parse(["alfresco-ssh"].iter().chain(arguments)).unwrap_or_else(|error| panic!("{error}"))
    }

    fn values(invocation: &Invocation, name: &str) -> Option<Vec<String>> {
        invocation.flags.get(name).map(|entry| entry.values.clone())
    }

    #[test]
    fn the_definition_is_sound() {
        definition().debug_assert();
    }

    #[test]
    fn serve_is_the_default_and_flags_stand_before_or_after_the_subcommand() {
        for arguments in [&["--port", "0"][..], &["serve", "-p", "0"], &["--port=0", "serve"], &["-p0"]] {
            let invocation = read(arguments);
            assert_eq!(invocation.command, Command::Serve, "{arguments:?}");
            assert_eq!(values(&invocation, "port"), Some(vec!["0".to_owned()]), "{arguments:?}");
        }
    }

    #[test]
    fn the_demo_takes_the_same_flags_and_open() {
        assert_eq!(read(&["demo"]).command, Command::Demo { open: false });
        let invocation = read(&["demo", "--open", "--debug", "--ticket-ttl", "5m"]);
        assert_eq!(invocation.command, Command::Demo { open: true });
        assert_eq!(values(&invocation, "debug"), Some(vec!["true".to_owned()]));
        assert_eq!(values(&invocation, "ticket-ttl"), Some(vec!["5m".to_owned()]));
    }

    #[test]
    fn a_switch_is_given_or_has_its_value_behind_an_equals_sign() {
        for (argument, value) in [("--debug", "true"), ("--debug=true", "true"), ("--debug=false", "false")] {
            assert_eq!(values(&read(&[argument]), "debug"), Some(vec![value.to_owned()]), "{argument}");
        }
        let invocation = read(&["--debug", "demo", "--debug=false"]);
        assert_eq!(values(&invocation, "debug"), Some(vec!["false".to_owned()]));
        assert!(matches!(invocation.command, Command::Demo { .. }));
    }

    #[test]
    fn a_check_names_its_target_and_takes_the_same_flags() {
        let check =
            |target: &str, json| Command::Check { whom: Whom::parse(target).expect("a target"), json };
        assert_eq!(read(&["check", "me@h:2222"]).command, check("me@h:2222", false));
        let invocation = read(&["check", "--json", "h", "--allow-private"]);
        assert_eq!(invocation.command, check("h", true));
        assert_eq!(values(&invocation, "allow-private"), Some(vec!["true".to_owned()]));
    }

    #[test]
    fn only_what_was_given_is_written() {
        let invocation = read(&["--host", "::1"]);
        assert!(
            SETTINGS
                .iter()
                .all(|setting| setting.name == "host" || values(&invocation, setting.name).is_none())
        );
    }

    #[test]
    fn lists_repeat_and_take_commas_and_the_last_of_one_value_wins() {
        let invocation = read(&[
            "--frame-ancestors",
            "self,https://a.example",
            "--frame-ancestors",
            "https://b.example",
            "-p1",
            "-p2",
        ]);
        assert_eq!(
            values(&invocation, "frame-ancestors"),
            Some(["self", "https://a.example", "https://b.example"].map(str::to_owned).to_vec())
        );
        assert_eq!(values(&invocation, "port"), Some(vec!["2".to_owned()]));
    }

    #[test]
    fn what_is_unknown_is_refused() {
        for arguments in [
            &["--prot", "1"][..],
            &["server"],
            &["--open"],
            &["--port"],
            &["check"],
            &["check", "h:x"],
            &["--json"],
        ] {
            let error = parse(["alfresco-ssh"].iter().chain(arguments)).err().expect("refused");
            assert_eq!(error.exit_code(), 2, "{arguments:?}");
        }
    }

    #[test]
    fn version_names_the_program() {
        let shown = parse(["alfresco-ssh", "--version"]).err().expect("shown");
        assert_eq!(shown.kind(), ErrorKind::DisplayVersion);
        assert_eq!(shown.to_string(), format!("alfresco-ssh {}\n", env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn help_names_every_flag_with_its_variable_and_no_value_of_it() {
        for arguments in [&["alfresco-ssh", "--help"][..], &["alfresco-ssh", "demo", "--help"]] {
            let help = parse(arguments).err().expect("shown").to_string();
            for setting in SETTINGS {
                assert!(help.contains(&format!("--{}", setting.name)), "{}", setting.name);
                assert!(help.contains(setting.group), "{}", setting.group);
            }
        }
    }
}
