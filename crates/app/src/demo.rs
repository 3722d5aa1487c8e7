//! The demo: an SSH server of the user's own account, the gateway, and a session between them, all in
//! this process and on this machine. It asks for sessions as a portal would: over HTTP.

use std::{
    io::{self, BufRead, ErrorKind, IsTerminal},
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::{Context, anyhow};
use demo_sshd::DemoSshd;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, body::Bytes, header};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use secrecy::ExposeSecret;
use serde::Deserialize;
use ssh::TargetPattern;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    compose::{self, CannotListen},
    config::Config,
    console::say,
    signals::Stop,
};

const NEW_URL_HINT: &str = "To get a new one, press Enter in the terminal where the demo runs.";

/// The gateway answers at once or not at all.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
const LARGEST_ANSWER: usize = 64 << 10;

/// Runs the demo until it is asked to end; then it ends at once, since who asks sits before it.
pub(crate) async fn run(config: &Config, open: bool, mut stop: Stop) -> anyhow::Result<()> {
    let sshd =
        DemoSshd::start(demo_sshd::Options::default()).await.context("the demo's SSH server cannot start")?;
    let server = bind(config, sshd.port()).await?;
    let address = server.local_addr();
    compose::announce(address, config);
    let end = CancellationToken::new();
    let running = tokio::spawn(server.run(end.clone()));
    let portal = Portal { address, config, sshd: &sshd };
    let result = tokio::select! {
        result = portal.hand_out_urls(open) => result,
        _ = stop.asked() => Ok(()),
    };
    end.cancel();
    running.await.context("the gateway failed")?;
    sshd.shutdown().await;
    result
}

/// The port that was asked for, or else the default one, or else a free one.
/// What may be reached is the demo's own server, and what `--allow-target` names.
async fn bind(config: &Config, sshd: u16) -> anyhow::Result<web::Server> {
    let mut reach = config.reach.clone();
    reach.targets.allow.push(TargetPattern::exactly(Ipv4Addr::LOCALHOST.into(), sshd));
    let registry = compose::registry(config, reach)?;
    let bound = compose::bind(config, config.port, Some(NEW_URL_HINT), Arc::clone(&registry)).await;
    let in_use = |error: &anyhow::Error| {
        error.downcast_ref::<CannotListen>().is_some_and(|error| error.cause.kind() == ErrorKind::AddrInUse)
    };
    match bound {
        Err(error) if config.port_is_default && in_use(&error) => {
            compose::bind(config, 0, Some(NEW_URL_HINT), registry).await
        }
        bound => bound,
    }
}

/// Asks the gateway for sessions on the demo's SSH server.
struct Portal<'a> {
    address: SocketAddr,
    config: &'a Config,
    sshd: &'a DemoSshd,
}

/// What a portal needs of the gateway's answer.
#[derive(Deserialize)]
struct Answer {
    url: Option<String>,
    error: Option<String>,
}

impl Portal<'_> {
    /// Prints a URL now, and another one whenever the user presses Enter.
    async fn hand_out_urls(&self, open: bool) -> anyhow::Result<()> {
        let url = self.new_url().await?;
        let ttl = self.config.sessions.ticket_ttl.as_secs();
        say(format_args!(
            "\nA shell of your own account waits here. The link works once, within {ttl} s:\n\n  {url}\n"
        ));
        if open && let Err(error) = open::that_detached(&url) {
            say(format_args!("No browser could be opened ({error}): open the link yourself."));
        }
        say("Enter makes a new link, Ctrl-C ends the demo.");
        let mut enter = presses_of_enter();
        while enter.recv().await.is_some() {
            match self.new_url().await {
                Ok(url) => say(format_args!("\n  {url}\n")),
                Err(error) => say(format_args!("There is no new link: {error:#}")),
            }
        }
        std::future::pending().await
    }

    /// Creates a session through the gateway's HTTP API, with the host key pinned.
    async fn new_url(&self) -> anyhow::Result<String> {
        let order = serde_json::json!({
            "hostname": "127.0.0.1",
            "port": self.sshd.port(),
            "username": self.sshd.username(),
            "password": self.sshd.password(),
            "host_key": self.sshd.host_key_line(),
        });
        let mut request = Request::post(format!("http://{}/create-session", self.address))
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = self.config.api_tokens.first() {
            request =
                request.header(header::AUTHORIZATION, format!("Bearer {}", token.token.expose_secret()));
        }
        let request = request.body(Full::new(Bytes::from(order.to_string())))?;
        let answer = tokio::time::timeout(ANSWER_TIMEOUT, ask(request)).await;
        let answer = answer.map_err(|_| anyhow!("the gateway did not answer"))??;
        answer.url.ok_or_else(|| anyhow!("the gateway refused: {}", answer.error.unwrap_or_default()))
    }
}

async fn ask(request: Request<Full<Bytes>>) -> anyhow::Result<Answer> {
    let response = Client::builder(TokioExecutor::new()).build_http().request(request).await?;
    let body = Limited::new(response.into_body(), LARGEST_ANSWER).collect().await;
    let body = body.map_err(|error| anyhow!("the gateway's answer broke off: {error}"))?.to_bytes();
    serde_json::from_slice(&body).context("the gateway's answer is not understood")
}

/// One message for each line on stdin; the channel closes when stdin does.
///
/// A job in the background would be stopped by the system for reading, so it does not.
fn presses_of_enter() -> mpsc::Receiver<()> {
    let (press, presses) = mpsc::channel(1);
    let stdin = io::stdin();
    let in_background = stdin.is_terminal()
        && rustix::termios::tcgetpgrp(&stdin)
            .is_ok_and(|foreground| foreground != rustix::process::getpgrp());
    if !in_background {
        // Not a task: nothing can interrupt it, and the process ends without waiting for a thread.
        thread::spawn(move || {
            for line in stdin.lock().lines() {
                if line.is_err() || press.blocking_send(()).is_err() {
                    break;
                }
            }
        });
    }
    presses
}
