//! A gateway inside the test's own process: engine, SSH client and web front on a free port.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use engine::Registry;
use serde_json::Value;
use ssh::{AlgorithmPolicy, HostKeyPolicy, Reach, SshDialer, TargetPolicy};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{Http, Reply};

/// What a test wants otherwise than by default.
pub struct GatewayOptions {
    /// See [`engine::Options`].
    pub sessions: engine::Options,
    /// See [`ssh::Options`]; learned host keys are kept in a directory of the gateway's own.
    pub connect_timeout: Duration,
    /// See [`ssh::Options`]; what tests connect to is on this machine.
    pub reach: Reach,
    /// See [`ssh::Options`].
    pub algorithms: AlgorithmPolicy,
    /// See [`ssh::Options`].
    pub host_key_policy: HostKeyPolicy,
    /// The text of the operator's known hosts file.
    pub known_hosts: Option<String>,
    /// See [`web::Config`].
    pub web: web::Config,
}

impl Default for GatewayOptions {
    fn default() -> Self {
        Self {
            sessions: engine::Options::default(),
            connect_timeout: Duration::from_secs(10),
            reach: Reach { targets: TargetPolicy::with_private(), ..Reach::default() },
            algorithms: AlgorithmPolicy::default(),
            host_key_policy: HostKeyPolicy::AcceptNew,
            known_hosts: None,
            web: web::Config {
                public_url: None,
                api_tokens: Vec::new(),
                frame_ancestors: web::FrameAncestors::default(),
                new_url_hint: None,
                permits: web::Permits::default(),
                limits: web::Limits::default(),
                allocated: None,
            },
        }
    }
}

/// A running gateway; dropping it shuts it down.
pub struct TestGateway {
    address: SocketAddr,
    registry: Arc<Registry>,
    stop: CancellationToken,
    running: Option<JoinHandle<()>>,
    dir: TempDir,
}

impl TestGateway {
    /// Starts a gateway.
    ///
    /// # Errors
    /// It cannot be composed.
    pub async fn start() -> anyhow::Result<Self> {
        Self::with_options(GatewayOptions::default()).await
    }

    /// Starts a gateway.
    ///
    /// # Errors
    /// It cannot be composed.
    pub async fn with_options(options: GatewayOptions) -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("gateway-").tempdir()?;
        let known_hosts = options.known_hosts.map(|text| (dir.path().join("known_hosts"), text));
        if let Some((path, text)) = &known_hosts {
            std::fs::write(path, text)?;
        }
        let dialer = SshDialer::new(ssh::Options {
            connect_timeout: options.connect_timeout,
            reach: options.reach,
            algorithms: options.algorithms,
            host_key_policy: options.host_key_policy,
            known_hosts: known_hosts.map(|(path, _)| path),
            learned_hosts: dir.path().join("learned_hosts"),
            remember_host_keys: true,
        });
        let registry = Registry::new(Arc::new(dialer), options.sessions)?;
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = web::Server::bind(any_port, options.web, Arc::clone(&registry)).await?;
        let address = server.local_addr();
        let stop = CancellationToken::new();
        let running = Some(tokio::spawn(server.run(stop.clone())));
        Ok(Self { address, registry, stop, running, dir })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The registry behind it.
    #[must_use]
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// What was learned of host keys so far; empty if nothing was.
    #[must_use]
    pub fn learned_hosts(&self) -> String {
        // Nothing learned, no file.
        std::fs::read_to_string(self.dir.path().join("learned_hosts")).unwrap_or_default()
    }

    /// An HTTP client for it.
    #[must_use]
    pub fn http(&self) -> Http {
        Http::new(self.address)
    }

    /// Creates a session and returns its ticket.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn create(&self, order: &Value) -> anyhow::Result<String> {
        let reply: Reply = self.http().post_json("/create-session", order).await?;
        let body = reply.json()?;
        let ticket = body["create_session_id"].as_str().map(str::to_owned);
        ticket.with_context(|| format!("{}: {body}", reply.status))
    }

    /// Shuts down as the binary does, and returns when nothing runs any more.
    ///
    /// # Errors
    /// The gateway panicked.
    pub async fn shutdown(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        match self.running.take() {
            Some(running) => running.await.context("the gateway panicked"),
            None => Ok(()),
        }
    }
}

impl Drop for TestGateway {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
