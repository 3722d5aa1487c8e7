//! What is measured and how thoroughly: an SSH server, a gateway, and the ways to reach the one
//! through the other.

use std::path::Path;

use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use testkit::{Binary, BinaryOptions, Sshd, SshdConfig, process::ProcessId};

use crate::way::{Client, Peer, Product, Way};

/// Sessions that were measured wait for nobody for long, and all of them come from one address.
const ARGUMENTS: [&str; 10] = [
    "--detach-grace",
    "2s",
    "--max-sessions",
    "4000",
    "--max-sessions-per-address",
    "0",
    "--max-connections-per-address",
    "10000",
    "--log-filter",
    "warn",
];
/// The binary that counts what it allocates stands beside the usual one.
const COUNTING: &str = "alfresco-ssh-counting";

/// The servers of one run.
pub(crate) struct Lab {
    pub(crate) sshd: Sshd,
    /// The gateway of all measurements that do not start one of their own.
    pub(crate) gateway: Binary,
    /// Few rounds instead of many.
    pub(crate) quick: bool,
    arguments: Vec<String>,
    peers: Vec<Peer>,
}

/// A gateway of one measurement.
pub(crate) struct Alone {
    pub(crate) pid: ProcessId,
    /// Ours; another product's runs anyway.
    pub(crate) gateway: Option<Binary>,
}

impl Lab {
    /// Starts the servers; `more` are arguments of every gateway, `port` is sshd's if it must be one that
    /// others know.
    pub(crate) async fn set_up(
        quick: bool,
        more: &[String],
        port: Option<u16>,
        peers: Vec<Peer>,
    ) -> anyhow::Result<Self> {
        allow_many_files()?;
        let arguments: Vec<String> =
            ARGUMENTS.into_iter().map(str::to_owned).chain(more.iter().cloned()).collect();
        let sshd = Sshd::with_config(SshdConfig { port, ..SshdConfig::default() }).await?;
        let gateway = start(&Binary::path()?, arguments.clone()).await?;
        Ok(Self { sshd, gateway, quick, arguments, peers })
    }

    /// All ways to a shell, plain `ssh` first.
    pub(crate) fn ways(&self) -> Vec<Way> {
        let peers = self.peers.iter().map(|peer| Way::Peer(peer.product));
        [Way::Ssh, Way::Page, Way::Original].into_iter().chain(peers).collect()
    }

    /// One of the other products.
    pub(crate) fn peer(&self, product: Product) -> anyhow::Result<&Peer> {
        self.peers.iter().find(|peer| peer.product == product).context("it was not said where it runs")
    }

    /// So many rounds, or those of a quick run.
    pub(crate) fn rounds(&self, full: u32, quick: u32) -> u32 {
        if self.quick { quick } else { full }
    }

    /// Opens a shell on sshd this way, and waits for its prompt.
    pub(crate) async fn open(&self, way: Way) -> anyhow::Result<Client> {
        self.open_at(way, &self.gateway).await
    }

    /// The same through this gateway.
    pub(crate) async fn open_at(&self, way: Way, gateway: &Binary) -> anyhow::Result<Client> {
        let mut client = Client::open(way, self, gateway).await?;
        client.until("$ ").await?;
        Ok(client)
    }

    /// A shell each way.
    pub(crate) async fn open_all(&self, ways: &[Way]) -> anyhow::Result<Vec<(Way, Client)>> {
        let mut clients = Vec::new();
        for way in ways {
            clients.push((*way, self.open(*way).await?));
        }
        Ok(clients)
    }

    /// The process that stands between a client and sshd, if it is known.
    pub(crate) fn process_of(&self, way: Way, client: &Client) -> anyhow::Result<Option<ProcessId>> {
        match way {
            Way::Ssh => Ok(client.process()),
            Way::Page | Way::Original => self.gateway.id().map(Some),
            Way::Peer(product) => Ok(self.peer(product)?.pid),
        }
    }

    /// The gateway of a measurement that looks at a whole process: one of its own, or that of the other
    /// product if its process is known.
    pub(crate) async fn alone(&self, way: Way) -> anyhow::Result<Option<Alone>> {
        Ok(match way {
            Way::Ssh => None,
            Way::Page | Way::Original => {
                let gateway = self.another_gateway(&[]).await?;
                Some(Alone { pid: gateway.id()?, gateway: Some(gateway) })
            }
            Way::Peer(product) => self.peer(product)?.pid.map(|pid| Alone { pid, gateway: None }),
        })
    }

    /// Opens a shell through it, and waits for its prompt.
    pub(crate) async fn open_alone(&self, way: Way, alone: &Alone) -> anyhow::Result<Client> {
        self.open_at(way, alone.gateway.as_ref().unwrap_or(&self.gateway)).await
    }

    /// Another gateway, with these arguments besides the usual ones.
    pub(crate) async fn another_gateway(&self, more: &[&str]) -> anyhow::Result<Binary> {
        let more = more.iter().map(|argument| (*argument).to_owned());
        start(&Binary::path()?, self.arguments.iter().cloned().chain(more).collect()).await
    }

    /// A gateway that counts what it allocates, if one was built.
    pub(crate) async fn counting_gateway(&self) -> anyhow::Result<Option<Binary>> {
        let program = Binary::path()?.with_file_name(COUNTING);
        if !program.is_file() {
            return Ok(None);
        }
        start(&program, self.arguments.clone()).await.map(Some)
    }

    /// What a portal posts to open a shell on sshd.
    pub(crate) fn order(&self) -> anyhow::Result<Value> {
        Ok(json!({
            "hostname": "127.0.0.1",
            "port": self.sshd.port(),
            "username": self.sshd.username(),
            "ssh_key": self.sshd.client_key()?,
        }))
    }
}

async fn start(program: &Path, arguments: Vec<String>) -> anyhow::Result<Binary> {
    let options = BinaryOptions { arguments, ..BinaryOptions::default() };
    Binary::start_file(program, options).await.context("the gateway does not start")
}

/// A thousand sessions have two thousand ends here.
fn allow_many_files() -> anyhow::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?)
}
