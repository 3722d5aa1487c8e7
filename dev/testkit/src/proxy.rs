//! A link that fails: a TCP proxy in front of a gateway that cuts, holds and slows what passes.
//!
//! It knows bytes and connections, and nothing of what they mean.

use std::{
    collections::VecDeque,
    future,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
    task::JoinSet,
    time::sleep,
};
use tokio_util::task::AbortOnDropHandle;

const BUFFER: usize = 16 * 1024;

/// Where bytes go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// To the gateway.
    Up,
    /// To the browser.
    Down,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cut {
    /// Both sides see a reset, and lose what they had not read.
    Reset,
    /// Both sides see the other one close.
    Finish,
    /// The browser sees a reset and the gateway sees nothing, as if the browser's network had gone.
    Vanish,
}

/// A running proxy; dropping it ends it and every connection through it.
pub struct Proxy {
    address: SocketAddr,
    link: Arc<Link>,
    _accepting: AbortOnDropHandle<()>,
}

impl Proxy {
    /// Starts a proxy for this server. `seed` decides how planned cuts are made.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start(server: SocketAddr, seed: u64) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let plan = Plan { ahead: [VecDeque::new(), VecDeque::new()], carried: [0; 2], done: 0 };
        let link = Arc::new(Link {
            server,
            plan: Mutex::new((plan, fastrand::Rng::with_seed(seed))),
            is_open: watch::Sender::new(true),
            rate: watch::Sender::new(None),
            command: watch::Sender::new(Cut::Reset),
        });
        let accepting = AbortOnDropHandle::new(tokio::spawn(accept(listener, Arc::clone(&link))));
        Ok(Self { address, link, _accepting: accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts whatever connection carries these bytes, each in one of the three ways. Positions count
    /// from what was carried in this direction so far; a connection ends right behind such a byte.
    pub fn cut_at(&self, direction: Direction, positions: impl IntoIterator<Item = u64>) {
        let plan = &mut self.link.plan.lock().0;
        let from = plan.carried[direction as usize];
        let ahead = &mut plan.ahead[direction as usize];
        ahead.extend(positions.into_iter().map(|position| from + position));
        ahead.make_contiguous().sort_unstable();
    }

    /// The planned cuts that were made, and those that are still ahead.
    #[must_use]
    pub fn planned_cuts(&self) -> (usize, usize) {
        let plan = &self.link.plan.lock().0;
        (plan.done, plan.ahead.iter().map(VecDeque::len).sum())
    }

    /// Ends every connection there is now.
    pub fn cut(&self, cut: Cut) {
        self.link.command.send_replace(cut);
    }

    /// From now on connections are accepted and nothing passes, until [`open`](Self::open).
    pub fn hold(&self) {
        self.link.is_open.send_replace(false);
    }

    /// Everything passes again, also what was held.
    pub fn open(&self) {
        self.link.is_open.send_replace(true);
    }

    /// Lets so many bytes pass in each second, in each direction of each connection; `None` lets all pass.
    pub fn throttle(&self, bytes_per_second: Option<u32>) {
        self.link.rate.send_replace(bytes_per_second);
    }
}

struct Link {
    server: SocketAddr,
    plan: Mutex<(Plan, fastrand::Rng)>,
    is_open: watch::Sender<bool>,
    rate: watch::Sender<Option<u32>>,
    /// Each new value is a command to every connection.
    command: watch::Sender<Cut>,
}

struct Plan {
    /// Positions of cuts, ascending.
    ahead: [VecDeque<u64>; 2],
    carried: [u64; 2],
    done: usize,
}

impl Plan {
    /// How many of `length` bytes pass, and whether the connection is cut then.
    fn admit(&mut self, direction: Direction, length: usize) -> (usize, bool) {
        let carried = &mut self.carried[direction as usize];
        let ahead = &mut self.ahead[direction as usize];
        let until_cut = ahead.front().and_then(|position| usize::try_from(position - *carried).ok());
        let (length, is_cut) = match until_cut {
            Some(position) if position <= length => (position, true),
            _ => (length, false),
        };
        *carried += length as u64;
        if is_cut {
            ahead.pop_front();
            self.done += 1;
        }
        (length, is_cut)
    }
}

impl Link {
    async fn pass(
        &self,
        direction: Direction,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
    ) -> Result<(), Cut> {
        let mut buffer = vec![0; BUFFER];
        loop {
            let rate = *self.rate.borrow();
            let piece = rate.map_or(BUFFER, |rate| (rate as usize / 20).clamp(1, BUFFER));
            let Ok(length @ 1..) = from.read(&mut buffer[..piece]).await else { break };
            if self.is_open.subscribe().wait_for(|open| *open).await.is_err() {
                break;
            }
            if let Some(rate) = rate {
                // The pause is the link.
                sleep(Duration::from_secs_f64(length as f64 / f64::from(rate))).await;
            }
            let (length, cut) = self.admit(direction, length);
            if to.write_all(&buffer[..length]).await.is_err() {
                break;
            }
            if let Some(cut) = cut {
                return Err(cut);
            }
        }
        // Whoever is gone need not be told.
        let _ = to.shutdown().await;
        Ok(())
    }

    fn admit(&self, direction: Direction, length: usize) -> (usize, Option<Cut>) {
        let (plan, random) = &mut *self.plan.lock();
        let (length, is_cut) = plan.admit(direction, length);
        (length, is_cut.then(|| [Cut::Reset, Cut::Finish, Cut::Vanish][random.usize(..3)]))
    }
}

async fn accept(listener: TcpListener, link: Arc<Link>) {
    let mut connections = JoinSet::new();
    while let Ok((browser, _)) = listener.accept().await {
        connections.spawn(carry(Arc::clone(&link), browser));
        while connections.try_join_next().is_some() {}
    }
}

async fn carry(link: Arc<Link>, mut browser: TcpStream) {
    let mut command = link.command.subscribe();
    let Ok(mut gateway) = TcpStream::connect(link.server).await else { return };
    for stream in [&browser, &gateway] {
        // What is cut already has no delay either.
        let _ = stream.set_nodelay(true);
    }
    let (from_browser, to_browser) = browser.split();
    let (from_gateway, to_gateway) = gateway.split();
    let ended = tokio::select! {
        ended = async { tokio::try_join!(
            link.pass(Direction::Up, from_browser, to_gateway),
            link.pass(Direction::Down, from_gateway, to_browser),
        ) } => ended.map(drop),
        Ok(()) = command.changed() => Err(*command.borrow()),
    };
    if let Err(cut) = ended {
        end(cut, browser, gateway).await;
    }
}

/// Errors are of connections that are over anyway.
async fn end(cut: Cut, mut browser: TcpStream, mut gateway: TcpStream) {
    match cut {
        Cut::Reset => {
            let _ = (browser.set_zero_linger(), gateway.set_zero_linger());
        }
        Cut::Finish => {
            let _ = (browser.shutdown().await, gateway.shutdown().await);
        }
        Cut::Vanish => {
            let _ = browser.set_zero_linger();
            drop(browser);
            // Held until the proxy ends.
            future::pending::<()>().await;
        }
    }
}
