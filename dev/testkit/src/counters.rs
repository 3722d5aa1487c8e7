//! What a running gateway counts, and whether it came back to where it was.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, bail};
use tokio::time::{Instant, sleep};

use crate::{Binary, Http};

/// What must be as it was once everything that a test started is over.
const COUNTED: [&str; 8] = [
    "alfresco_ssh_sessions{state=\"dialing\"}",
    "alfresco_ssh_sessions{state=\"attached\"}",
    "alfresco_ssh_sessions{state=\"detached\"}",
    "alfresco_ssh_tickets",
    "alfresco_ssh_sockets",
    "alfresco_ssh_connections",
    "alfresco_ssh_tasks",
    "alfresco_ssh_open_descriptors",
];
/// Connections that were cut unnoticed are found by the second missing answer to a ping.
const PATIENCE: Duration = Duration::from_secs(60);

/// The gauges of a gateway at one time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Counters(BTreeMap<String, u64>);

impl Counters {
    /// Asks the gateway.
    ///
    /// # Errors
    /// It does not tell, or one of the gauges is missing.
    pub async fn read(http: &Http) -> anyhow::Result<Self> {
        let reply = http.get("/metrics").await?;
        if reply.status != 200 {
            bail!("/metrics answers {}: {}", reply.status, reply.text());
        }
        let text = reply.text();
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            let value = line.with_context(|| format!("no {name} in\n{text}"))?;
            anyhow::Ok((name.to_owned(), value.trim().parse::<f64>()? as u64))
        };
        Ok(Self(COUNTED.into_iter().map(value).collect::<Result<_, _>>()?))
    }

    /// Sessions in one of the states `dialing`, `attached` and `detached`.
    #[must_use]
    pub fn sessions(&self, state: &str) -> u64 {
        self.0.get(&format!("alfresco_ssh_sessions{{state=\"{state}\"}}")).copied().unwrap_or_default()
    }

    /// One of them, by the end of its name.
    #[must_use]
    pub fn value(&self, name: &str) -> u64 {
        self.0.get(&format!("alfresco_ssh_{name}")).copied().unwrap_or_default()
    }

    /// Those that are above another reading.
    fn above<'a>(&'a self, base: &'a Self) -> impl Iterator<Item = String> + 'a {
        self.0.iter().filter_map(|(name, value)| {
            let was = base.0.get(name)?;
            (value > was).then(|| format!("{name}: {value}, was {was}"))
        })
    }
}

/// Counters as they were before a test used the gateway.
pub struct CounterBase {
    http: Http,
    base: Counters,
}

impl CounterBase {
    /// Reads the counters of a gateway that asks for no API token.
    ///
    /// # Errors
    /// See [`Counters::read`].
    pub async fn of(binary: &Binary) -> anyhow::Result<Self> {
        Self::by(binary.http()?).await
    }

    /// Reads the counters with this client, which may carry a token.
    ///
    /// # Errors
    /// See [`Counters::read`].
    pub async fn by(http: Http) -> anyhow::Result<Self> {
        let base = Counters::read(&http).await?;
        Ok(Self { http, base })
    }

    /// The counters now.
    ///
    /// # Errors
    /// See [`Counters::read`].
    pub async fn now(&self) -> anyhow::Result<Counters> {
        Counters::read(&self.http).await
    }

    /// Waits until the counters are as wanted; they announce themselves to nobody.
    ///
    /// # Errors
    /// They never are.
    pub async fn until(&self, wanted: impl Fn(&Counters) -> bool) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = self.now().await?;
            if wanted(&now) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                bail!("the counters stay at {now:#?}");
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until nothing is above what it was but the tickets of sessions that did not start, and
    /// what watches over each.
    ///
    /// # Errors
    /// Something stays.
    pub async fn is_back_to_tickets(&self) -> anyhow::Result<()> {
        let busy = |now: &Counters| now.value("tasks") - now.value("tickets");
        self.until(|now| {
            let is_ticket = |name: &str| name == COUNTED[3] || name == COUNTED[6];
            let mut others = now.0.iter().filter(|(name, _)| !is_ticket(name));
            let is_back = |(name, value): (&String, &u64)| *value <= self.base.0[name];
            others.all(is_back) && busy(now) <= busy(&self.base)
        })
        .await
    }

    /// Waits until nothing is above what it was.
    ///
    /// # Errors
    /// Something stays.
    pub async fn is_back(&self) -> anyhow::Result<()> {
        let back = self.until(|now| now.above(&self.base).next().is_none()).await;
        match back {
            Ok(()) => Ok(()),
            Err(error) => {
                let left: Vec<String> = self.now().await?.above(&self.base).collect();
                Err(error).with_context(|| format!("left behind: {left:?}"))
            }
        }
    }
}
