//! What the tests of evil servers need: a gateway as a process of its own, what its page hears of a
//! server, how much memory it took, and whether it still serves others.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use testkit::{
    Binary, BinaryOptions, CounterBase, Page, Protocol,
    demo_sshd::{DemoSshd, Script},
    evil::{Deed, EvilServer},
    process,
};
use tokio::time::timeout;
use wire::{Closed, Code, event};

use crate::setup::{Result, password_order, scripted};

/// Longer than every limit that a server can use up.
const LONG: Duration = Duration::from_secs(90);
/// How much a gateway may have grown by everything that one test does to it. A session's buffers are
/// below 2 MiB; a mebibyte of the smallest packets is some 20,000 answers of half a kilobyte.
const GROWTH: u64 = 24 << 20;

/// A gateway, and a server that means well.
pub(crate) struct Stage {
    pub(crate) binary: Binary,
    honest: DemoSshd,
    base: CounterBase,
    peak: u64,
}

impl Stage {
    pub(crate) async fn set() -> Result<Self> {
        // A session ends with its page.
        // Old algorithms have more that can be got wrong.
        let arguments = ["--detach-grace", "0", "--algorithms", "compatible"].map(str::to_owned).to_vec();
        let options = BinaryOptions { arguments, ..BinaryOptions::default() };
        let (binary, honest) = (Binary::start(options).await?, scripted(Script::Echo).await?);
        serves(&binary, &honest).await?;
        let base = CounterBase::of(&binary).await?;
        let peak = peak(&binary)?;
        Ok(Self { binary, honest, base, peak })
    }

    /// A page that waits for a shell of this server's.
    pub(crate) async fn page(&self, server: &EvilServer) -> Result<Page> {
        self.page_with(json!({
            "hostname": "127.0.0.1", "port": server.port(), "username": "u", "password": "p",
        }))
        .await
    }

    pub(crate) async fn page_with(&self, order: Value) -> Result<Page> {
        let ticket = self.binary.create(&order).await?;
        Page::start(self.binary.address()?, Protocol::Ours, &ticket).await
    }

    /// How a session ends that the server does this to.
    pub(crate) async fn end(&self, deed: Deed) -> Result<Closed> {
        let server = EvilServer::start(deed).await?;
        let mut page = self.page(&server).await?;
        closed(&mut page).await
    }

    /// Checks that each of these ends with its code, and with words that a terminal may print.
    pub(crate) async fn ends(&self, cases: &[(&str, Code, Deed)]) -> Result {
        for (name, code, deed) in cases {
            let closed = self.end(*deed).await.with_context(|| (*name).to_owned())?;
            assert_eq!(closed.code, *code, "{name}: {closed:?}");
            assert_clean(&closed.message, name);
        }
        self.is_as_before().await
    }

    /// Checks that in spite of each of these a shell says `alive`, and that it does so once.
    pub(crate) async fn survives(&self, cases: &[(&str, Deed)]) -> Result {
        for (name, deed) in cases {
            let server = EvilServer::start(*deed).await?;
            let mut page = self.page(&server).await?;
            let text = page.until("alive").await.with_context(|| (*name).to_owned())?;
            assert_eq!(text.matches("alive").count(), 1, "{name}: {text:?}");
        }
        self.is_as_before().await
    }

    /// Checks that the gateway is none the worse for it: it serves others, nothing is left of those who
    /// are gone, and it never took much memory.
    pub(crate) async fn is_as_before(&self) -> Result {
        serves(&self.binary, &self.honest).await?;
        self.base.is_back_to_tickets().await?;
        let grown = peak(&self.binary)?.saturating_sub(self.peak);
        println!("the gateway grew by {} KiB at its peak", grown >> 10);
        assert!(grown < GROWTH, "the gateway grew by {grown} bytes");
        Ok(())
    }
}

/// Waits for the end of a page's session, however long a server is given.
pub(crate) async fn closed(page: &mut Page) -> Result<Closed> {
    let waiting = async {
        while !page.events.iter().any(|event| event.name == event::SESSION_CLOSED) {
            page.step().await?;
        }
        page.until_closed().await
    };
    timeout(LONG, waiting).await.context("the session does not end")?
}

/// Checks that a text holds nothing that a terminal obeys.
pub(crate) fn assert_clean(text: &str, what: &str) {
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{what}: {text:?}");
}

async fn serves(binary: &Binary, honest: &DemoSshd) -> Result {
    let ticket = binary.create(&password_order(honest)).await?;
    let mut page = Page::open(binary.address()?, Protocol::Ours, &ticket).await?;
    page.type_keys("still here").await?;
    page.until("still here").await?;
    page.type_keys("\x04").await?;
    page.until_closed().await?;
    Ok(())
}

fn peak(binary: &Binary) -> Result<u64> {
    process::memory(binary.id()?, "status", "VmHWM")
}
