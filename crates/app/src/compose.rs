//! The one place that names every crate: a dialer, a registry over it, and the web in front.

use std::{
    fmt,
    fs::DirBuilder,
    io::{self, ErrorKind},
    net::SocketAddr,
    os::unix::fs::DirBuilderExt,
    path::Path,
    sync::Arc,
};

use anyhow::{Context, anyhow};
use engine::Registry;
use ssh::{HostKeyPolicy, Reach, SshDialer};
use tokio_util::sync::CancellationToken;

use crate::{config::Config, console, signals::Stop};

/// The file of learned host keys in the state directory.
const LEARNED_HOSTS: &str = "known_hosts";

/// Runs the gateway until it is asked to end; sessions may go on for a while then.
pub(crate) async fn serve(config: &Config, mut stop: Stop) -> anyhow::Result<()> {
    let state_dir = state_dir(config)?;
    let learns = match config.host_key_policy {
        HostKeyPolicy::Ask => config.remember_host_keys,
        HostKeyPolicy::AcceptNew => true,
        HostKeyPolicy::Reject => false,
    };
    if learns {
        let mut private = DirBuilder::new();
        private.recursive(true).mode(0o700).create(state_dir).map_err(|error| {
            let (path, cause) = (state_dir.display(), console::cause(&error));
            anyhow!("the state directory {path} cannot be made ({cause}): choose another with --state-dir")
        })?;
    }
    let registry = registry(config, config.reach.clone())?;
    let server = bind(config, config.port, None, Arc::clone(&registry)).await?;
    let address = server.local_addr();
    announce(address, config);
    let end = CancellationToken::new();
    let ending = async {
        let drain = stop.asked().await;
        if !drain.is_zero() {
            registry.drain(drain).await;
        }
        end.cancel();
    };
    tokio::join!(server.run(end.clone()), ending);
    tracing::info!("stopped");
    Ok(())
}

/// Every ticket and every session, over SSH to what may be reached.
pub(crate) fn registry(config: &Config, reach: Reach) -> anyhow::Result<Arc<Registry>> {
    let dialer = SshDialer::new(ssh_options(config, reach)?);
    Registry::new(Arc::new(dialer), config.sessions.clone())
        .context("the key that seals credentials cannot be made")
}

/// How hosts are reached and proved.
pub(crate) fn ssh_options(config: &Config, reach: Reach) -> anyhow::Result<ssh::Options> {
    Ok(ssh::Options {
        connect_timeout: config.connect_timeout,
        reach,
        algorithms: config.algorithms.clone(),
        host_key_policy: config.host_key_policy,
        known_hosts: config.known_hosts.clone(),
        learned_hosts: state_dir(config)?.join(LEARNED_HOSTS),
        remember_host_keys: config.remember_host_keys,
    })
}

/// The web in front of a registry, bound to `port`.
pub(crate) async fn bind(
    config: &Config,
    port: u16,
    new_url_hint: Option<&str>,
    registry: Arc<Registry>,
) -> anyhow::Result<web::Server> {
    let address = SocketAddr::new(config.host, port);
    let front = web::Config {
        public_url: config.public_url.clone(),
        api_tokens: config
            .api_tokens
            .iter()
            .map(|token| web::ApiToken::new(token.name.clone(), &token.token))
            .collect(),
        frame_ancestors: config.frame_ancestors.clone(),
        new_url_hint: new_url_hint.map(str::to_owned),
        permits: web::Permits {
            accept_env: config.accept_env.clone(),
            agent_forwarding: config.allow_agent_forwarding,
        },
        limits: web::Limits {
            connections_per_address: config.max_connections_per_address,
            connect_timeout: config.connect_timeout,
            exec_time: config.exec_time,
            exec_output: config.exec_output,
            ..web::Limits::default()
        },
        #[cfg(feature = "allocation-figures")]
        allocated: Some(crate::allocations::allocated),
        #[cfg(not(feature = "allocation-figures"))]
        allocated: None,
    };
    let server = web::Server::bind(address, front, registry).await;
    let server = server.map_err(|error| CannotListen { address, cause: error })?;
    config.reach.own_listener.set(server.local_addr());
    Ok(server)
}

/// Tells where the gateway listens: the program's one line on stdout.
pub(crate) fn announce(address: SocketAddr, config: &Config) {
    console::say(format_args!("listening on http://{address}"));
    tracing::info!(
        %address,
        version = env!("CARGO_PKG_VERSION"),
        api_tokens = config.api_tokens.len(),
        host_key_policy = ?config.host_key_policy,
        "listening"
    );
}

/// The port cannot be had.
#[derive(Debug)]
pub(crate) struct CannotListen {
    address: SocketAddr,
    /// The system's reason.
    pub(crate) cause: io::Error,
}

impl std::error::Error for CannotListen {}

impl fmt::Display for CannotListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let advice = match self.cause.kind() {
            ErrorKind::AddrInUse => {
                "another program uses it: choose another port with --port, or 0 for a free one"
            }
            ErrorKind::PermissionDenied => {
                "this account may not use it: choose a port above 1023 with --port"
            }
            ErrorKind::AddrNotAvailable => {
                "this machine does not have the address: choose another with --host"
            }
            _ => return write!(f, "cannot listen on {}: {}", self.address, console::cause(&self.cause)),
        };
        write!(f, "cannot listen on {}: {advice}", self.address)
    }
}

fn state_dir(config: &Config) -> anyhow::Result<&Path> {
    config.state_dir.as_deref().ok_or_else(|| {
        anyhow!("there is no home directory to keep learned host keys in: name a directory with --state-dir")
    })
}
