//! A slow link in front of a gateway: so many bytes a second each way, shared by all connections, and a
//! delay. Browsers slow down HTTP when they are asked to, but not WebSockets.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Semaphore, mpsc},
    time::{Instant, sleep, sleep_until},
};

/// 1.6 Mbit/s.
const BYTES_PER_SECOND: f64 = 200_000.0;
const ONE_WAY: Duration = Duration::from_millis(75);
/// About a packet.
const PIECE: usize = 1460;
/// Pieces that a connection may have on their way at first (RFC 6928). Each that arrived lets one more go, as
/// in TCP's slow start, up to the most.
const FIRST_WINDOW: usize = 10;
const WINDOW: usize = 64;

/// One direction: when it is free again.
type Lane = Arc<Mutex<Instant>>;

/// Starts a link to this server; it ends with the program.
pub(crate) async fn start(server: SocketAddr) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let lane = || Arc::new(Mutex::new(Instant::now()));
    let (up, down) = (lane(), lane());
    tokio::spawn(async move {
        while let Ok((browser, _)) = listener.accept().await {
            tokio::spawn(carry(browser, server, Arc::clone(&up), Arc::clone(&down)));
        }
    });
    Ok(address)
}

async fn carry(browser: TcpStream, server: SocketAddr, up: Lane, down: Lane) {
    // The handshake of TCP goes there and back.
    sleep(ONE_WAY * 2).await;
    let Ok(gateway) = TcpStream::connect(server).await else { return };
    for stream in [&browser, &gateway] {
        // What is cut already has no delay either.
        let _ = stream.set_nodelay(true);
    }
    let (from_browser, to_browser) = browser.into_split();
    let (from_gateway, to_gateway) = gateway.into_split();
    tokio::join!(pass(from_browser, to_gateway, up), pass(from_gateway, to_browser, down));
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, lane: Lane) {
    let (sender, mut pieces) = mpsc::channel::<(Instant, Vec<u8>)>(WINDOW);
    let window = Arc::new(Semaphore::new(FIRST_WINDOW));
    let acknowledged = Arc::clone(&window);
    let send = async move {
        let mut buffer = [0; PIECE];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            if let Ok(place) = window.acquire().await {
                place.forget();
            }
            let sent = {
                let mut free = lane.lock();
                let time = Duration::from_secs_f64(length as f64 / BYTES_PER_SECOND);
                *free = (*free).max(Instant::now()) + time;
                *free
            };
            if sender.send((sent + ONE_WAY, buffer[..length].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let receive = async move {
        let mut largest = FIRST_WINDOW;
        while let Some((arrives, bytes)) = pieces.recv().await {
            sleep_until(arrives).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
            let places = if largest < WINDOW { 2 } else { 1 };
            largest += places - 1;
            let acknowledged = Arc::clone(&acknowledged);
            tokio::spawn(async move {
                sleep(ONE_WAY).await;
                acknowledged.add_permits(places);
            });
        }
        // Whoever is gone need not be told.
        let _ = to.shutdown().await;
    };
    tokio::join!(send, receive);
}
