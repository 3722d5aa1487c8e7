//! What sessions go through, each kind again and again until it is told to stop. What goes wrong ends the
//! soak.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, ensure};
use parking_lot::Mutex;
use serde_json::{Value, json};
use testkit::{
    Binary, PageClient,
    demo_sshd::{DemoSshd, Options, Program, Script},
};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    lab::Lab,
    way::{Client, Way},
};

/// In words.
pub(crate) const WHAT: &str = "sessions that open and end, floods, cuts and readers that stop";

const FLOOD: usize = 8 * 1024 * 1024;
/// A reader that stops does so for so long.
const STALL: Duration = Duration::from_secs(5);
/// Between two sessions of one kind.
const PAUSE: Duration = Duration::from_millis(20);

/// The servers, and what is counted.
struct Place {
    lab: Lab,
    /// Echoes, without a process.
    stub: DemoSshd,
    stopping: AtomicBool,
    failure: Mutex<Option<anyhow::Error>>,
    counts: [AtomicU64; Kind::ALL.len()],
}

/// One thing that happens to sessions.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Churn,
    ChurnOriginal,
    ChurnStub,
    Flood,
    Cut,
    Stall,
}

impl Kind {
    const ALL: [Self; 6] =
        [Self::Churn, Self::ChurnOriginal, Self::ChurnStub, Self::Flood, Self::Cut, Self::Stall];

    async fn once(self, place: &Place) -> anyhow::Result<()> {
        match self {
            Self::Churn => churn(place.lab.open(Way::Page).await?).await,
            Self::ChurnOriginal => churn(place.lab.open(Way::Original).await?).await,
            Self::ChurnStub => churn_stub(place).await,
            Self::Flood => flood(place).await,
            Self::Cut => cut(place).await,
            Self::Stall => stall(place).await,
        }
    }
}

/// All kinds at once.
pub(crate) struct Load {
    place: Arc<Place>,
    running: JoinSet<()>,
}

impl Load {
    /// Begins.
    pub(crate) async fn start(lab: Lab) -> anyhow::Result<Self> {
        let program = Program::Scripted(Script::Echo);
        let stub = DemoSshd::start(Options { program, ..Options::default() }).await?;
        let (stopping, failure) = (AtomicBool::new(false), Mutex::default());
        let place = Arc::new(Place { lab, stub, stopping, failure, counts: Default::default() });
        let mut running = JoinSet::new();
        for kind in Kind::ALL {
            running.spawn(again_and_again(kind, Arc::clone(&place)));
        }
        Ok(Self { place, running })
    }

    /// The gateway that bears it.
    pub(crate) fn gateway(&self) -> &Binary {
        &self.place.lab.gateway
    }

    /// Fails once something went wrong.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        self.place.failure.lock().take().map_or(Ok(()), Err)
    }

    /// Ends what runs now and says how often each kind was done. The gateway goes on.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<Done> {
        self.place.stopping.store(true, Ordering::Relaxed);
        while let Some(ended) = self.running.join_next().await {
            ended?;
        }
        self.check()?;
        let counts = self.place.counts.iter().map(|count| count.load(Ordering::Relaxed));
        Ok(Done(Kind::ALL.into_iter().zip(counts).collect()))
    }
}

/// How often each kind was done.
pub(crate) struct Done(Vec<(Kind, u64)>);

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(|(kind, count)| format!("{kind:?} {count}")).collect();
        write!(f, "done: {}", parts.join(", "))
    }
}

async fn again_and_again(kind: Kind, place: Arc<Place>) {
    while !place.stopping.load(Ordering::Relaxed) {
        if let Err(error) = kind.once(&place).await.with_context(|| format!("{kind:?}")) {
            place.failure.lock().get_or_insert(error);
            return;
        }
        place.counts[kind as usize].fetch_add(1, Ordering::Relaxed);
        sleep(PAUSE).await;
    }
}

/// A command, and its shell's end.
async fn churn(mut client: Client) -> anyhow::Result<()> {
    client.send("echo o''ne\r").await?;
    client.until("$ ").await?;
    client.send("exit\r").await?;
    // Until it is over.
    client.drain().await;
    Ok(())
}

/// A page that leaves without a word.
async fn churn_stub(place: &Place) -> anyhow::Result<()> {
    let stub = &place.stub;
    let order = json!({
        "hostname": "127.0.0.1",
        "port": stub.port(),
        "username": stub.username(),
        "password": stub.password(),
    });
    let (http, address) = (place.lab.gateway.http()?, place.lab.gateway.address()?);
    let mut client = Client::page(&http, address, &order).await?;
    client.send("x").await?;
    ensure!(client.receive().await? == "x", "no echo");
    Ok(())
}

async fn flood(place: &Place) -> anyhow::Result<()> {
    let mut client = place.lab.open(Way::Page).await?;
    client.send("yes\r").await?;
    let mut taken = 0;
    while taken < FLOOD {
        taken += client.receive().await?.len();
    }
    client.send("\x03").await?;
    client.until("$ ").await.map(drop)
}

/// Output goes on over ten sockets, and to a page that was just loaded; it has no hole, or that fails.
async fn cut(place: &Place) -> anyhow::Result<()> {
    let gateway = &place.lab.gateway;
    let order: Value = place.lab.order()?;
    let mut page = PageClient::open(gateway.address()?, &gateway.create(&order).await?).await?;
    page.until("$ ").await?;
    for round in 0..10 {
        page.type_keys(format!("seq 1 20000; echo round'-'{round}\r")).await?;
        page.step().await?;
        page.cut();
        page.until(&format!("round-{round}")).await?;
    }
    let mut fresh = PageClient::resume(gateway.address()?, &page.token()?).await?;
    fresh.type_keys("exit\r").await?;
    fresh.until_closed().await.map(drop)
}

async fn stall(place: &Place) -> anyhow::Result<()> {
    let mut client = place.lab.open(Way::Page).await?;
    client.send("yes\r").await?;
    client.receive().await?;
    sleep(STALL).await;
    Ok(())
}
