//! What is measured and how thoroughly: an SSH server, a gateway, and the ways to reach the one
//! through the other.

use std::path::Path;

use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use testkit::{Binary, BinaryOptions, Sshd, process::ProcessId};

use crate::way::{Client, Way};

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
}

impl Lab {
    /// Starts the servers; `more` are arguments of every gateway.
    pub(crate) async fn set_up(quick: bool, more: &[String]) -> anyhow::Result<Self> {
        allow_many_files()?;
        let arguments: Vec<String> =
            ARGUMENTS.into_iter().map(str::to_owned).chain(more.iter().cloned()).collect();
        let sshd = Sshd::start().await?;
        let gateway = start(&Binary::path()?, arguments.clone()).await?;
        Ok(Self { sshd, gateway, quick, arguments })
    }

    /// All ways to a shell, plain `ssh` first.
    pub(crate) fn ways(&self) -> Vec<Way> {
        vec![Way::Ssh, Way::Page, Way::Original]
    }

    /// The ways that are ours.
    pub(crate) fn our_ways(&self) -> [Way; 2] {
        [Way::Page, Way::Original]
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

    /// The process that stands between a client and sshd.
    pub(crate) fn process_of(&self, client: &Client) -> anyhow::Result<ProcessId> {
        client.process().map_or_else(|| self.gateway.id(), Ok)
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
