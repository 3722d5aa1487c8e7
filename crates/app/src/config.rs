//! The configuration as it is meant: what was written on the command line, in the environment and
//! in the file, read into types and checked against each other.
//!
//! This module, with the ones below it, is the only place that reads the environment. It must not
//! know what the gateway does with a value.

mod origin;
mod read;
mod settings;
mod tokens;
mod written;

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    time::Duration,
};

use ssh::{AddressFamily, AlgorithmPolicy, HostKeyPolicy, Reach};
use web::{EnvPattern, FrameAncestors, PublicUrl};

pub(crate) use self::{
    origin::Origin,
    settings::{SETTINGS, Setting, Shape},
    tokens::ApiToken,
    written::{Entry, Environment, Written, split},
};
use crate::{cli::Command, logs};

/// What the gateway is told to do. It has no `Debug`: it holds tokens.
pub(crate) struct Config {
    /// The address to listen on.
    pub(crate) host: IpAddr,
    /// The port to listen on; 0 picks a free one.
    pub(crate) port: u16,
    /// Nobody asked for this port.
    pub(crate) port_is_default: bool,
    /// How many connections one address may have open.
    pub(crate) max_connections_per_address: usize,
    /// The origin that browsers reach the gateway at.
    pub(crate) public_url: Option<PublicUrl>,
    /// Who may frame the page.
    pub(crate) frame_ancestors: FrameAncestors,
    /// Who may create sessions.
    pub(crate) api_tokens: Vec<ApiToken>,
    /// Anybody who reaches the port may create sessions, even from other machines.
    pub(crate) insecure_open_api: bool,
    /// What every session is held to, and its ticket.
    pub(crate) sessions: engine::Options,
    /// How long sessions may go on once the gateway was asked to end.
    pub(crate) drain: Duration,
    /// The limit for one TCP connection to a target.
    pub(crate) connect_timeout: Duration,
    pub(crate) exec_time: Duration,
    pub(crate) exec_output: usize,
    /// What may be connected to, and how.
    pub(crate) reach: Reach,
    /// Which algorithms may be used with what.
    pub(crate) algorithms: AlgorithmPolicy,
    /// Variables that a request may set, beside those of the language.
    pub(crate) accept_env: Vec<EnvPattern>,
    /// Whether a request may lend its key to its shell.
    pub(crate) allow_agent_forwarding: bool,
    /// What happens with a host whose key is not known.
    pub(crate) host_key_policy: HostKeyPolicy,
    /// Whether a key that a user accepts may be remembered.
    pub(crate) remember_host_keys: bool,
    /// The operator's known hosts.
    pub(crate) known_hosts: Option<PathBuf>,
    /// Where the gateway keeps what it learns; `None` if no place for it is known.
    pub(crate) state_dir: Option<PathBuf>,
    /// What is logged, and how.
    pub(crate) log: logs::Options,
    /// What the operator should know about this configuration.
    pub(crate) warnings: Vec<String>,
}

/// A value that was refused: where it came from, and a sentence.
#[derive(Debug)]
pub(crate) struct Refused {
    origin: Origin,
    sentence: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.origin {
            Origin::Default => f.write_str(&self.sentence),
            origin => write!(f, "{origin}: {}", self.sentence),
        }
    }
}

impl Config {
    /// Reads every source. Precedence: flag, environment, file, default.
    pub(crate) fn load(
        command: &Command,
        flags: Written,
        environment: &Environment,
    ) -> Result<Self, Refused> {
        let twins = Written::from_environment(environment)?;
        let file = match flags.get(settings::CONFIG).or_else(|| twins.get(settings::CONFIG)) {
            Some(entry) => Written::from_file(entry)?,
            None => Written::default(),
        };
        let defaults = Written::defaults(command, environment);
        let mut config = Self::resolve(command, &[flags, twins, file, defaults])?;
        config.log.no_color = environment.no_color();
        config.warnings.extend(environment.unknown_twins().map(|name| {
            format!("the environment variable {name} is not known to alfresco-ssh and has no effect")
        }));
        Ok(config)
    }

    /// Takes each setting from the first source that has it.
    fn resolve(command: &Command, sources: &[Written]) -> Result<Self, Refused> {
        let first = |name: &str| sources.iter().find_map(|source| source.get(name));
        let mut config = Self::blank();
        for setting in SETTINGS {
            let Some(entry) = first(setting.name) else { continue };
            if entry.values.is_empty() {
                // Taken for "none", it would open what the operator meant to close.
                let sentence = "it is empty: give a value or leave it out".to_owned();
                return Err(Refused { origin: entry.origin.clone(), sentence });
            }
            (setting.read)(&mut config, &entry.values)
                .map_err(|sentence| Refused { origin: entry.origin.clone(), sentence })?;
            if setting.shape == Shape::Switch && setting.name.starts_with("insecure-") && entry.is_on() {
                config.warnings.push(format!("{} is on ({})", setting.name, setting.help));
            }
        }
        let origin = |name: &str| first(name).map_or(Origin::Default, |entry| entry.origin.clone());
        config.port_is_default = origin("port") == Origin::Default;
        tokens::names_are_unique(&config.api_tokens).map_err(|sentence| Refused {
            origin: origin("api-token-file").or(origin("api-token")),
            sentence,
        })?;
        config.ceiling_is_one().map_err(|sentence| Refused { origin: origin("max-algorithms"), sentence })?;
        config.family_is_one().map_err(|sentence| Refused { origin: origin("bind-address"), sentence })?;
        config.exposure_is_meant(command).map_err(|sentence| Refused { origin: origin("host"), sentence })?;
        Ok(config)
    }

    /// The safest values; the table's defaults are read over them.
    fn blank() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            port_is_default: true,
            max_connections_per_address: 1,
            public_url: None,
            frame_ancestors: FrameAncestors::default(),
            api_tokens: Vec::new(),
            insecure_open_api: false,
            sessions: engine::Options {
                ticket_ttl: Duration::from_secs(1),
                detach_grace: Duration::ZERO,
                backlog: 0,
                detached_output: engine::DetachedOutput::Latest,
                idle_timeout: None,
                max_duration: None,
                quotas: engine::Quotas { sessions: 1, per_address: Some(1), per_caller: Some(1) },
            },
            drain: Duration::ZERO,
            algorithms: AlgorithmPolicy::default(),
            accept_env: Vec::new(),
            allow_agent_forwarding: false,
            connect_timeout: Duration::from_secs(1),
            exec_time: Duration::from_secs(1),
            exec_output: 1,
            reach: Reach::default(),
            host_key_policy: HostKeyPolicy::Reject,
            known_hosts: None,
            remember_host_keys: false,
            state_dir: None,
            log: logs::Options::default(),
            warnings: Vec::new(),
        }
    }

    /// What requests get that name no preset is what they may name.
    fn ceiling_is_one(&self) -> Result<(), String> {
        let AlgorithmPolicy { preset, ceiling, .. } = &self.algorithms;
        match ceiling {
            Some(ceiling) if ceiling < preset => {
                Err(format!("{ceiling} is stronger than what --algorithms gives to all requests, {preset}"))
            }
            _ => Ok(()),
        }
    }

    /// Connections come from an address of the family that they go to.
    fn family_is_one(&self) -> Result<(), String> {
        let Some(from) = self.reach.bind_address else { return Ok(()) };
        match (self.reach.family, from.is_ipv4()) {
            (AddressFamily::Inet, false) | (AddressFamily::Inet6, true) => {
                Err(format!("connections cannot come from {from}: address-family is the other one"))
            }
            _ => Ok(()),
        }
    }

    /// Other machines reach the port only if the operator said who may use it.
    fn exposure_is_meant(&self, command: &Command) -> Result<(), String> {
        let host = self.host;
        if host.to_canonical().is_loopback() || matches!(command, Command::Check { .. }) {
            return Ok(());
        }
        if matches!(command, Command::Demo { .. }) {
            return Err(format!(
                "the demo opens a shell of your own account, so it listens on this machine only and not on \
                 {host}: leave --host out or name a loopback address"
            ));
        }
        if self.api_tokens.is_empty() && !self.insecure_open_api {
            return Err(format!(
                "other machines can reach {host} and without an API token all of them could create sessions: \
                 set one with --api-token-file, or listen on localhost, or allow everybody with \
                 --insecure-open-api"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
