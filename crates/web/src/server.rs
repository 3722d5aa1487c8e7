//! The server: accepts connections, serves HTTP on them, and ends in good order.

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, middleware};
use engine::Registry;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use socketioxide::SocketIo;
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tower::{ServiceBuilder, ServiceExt as _, service_fn};

use crate::{
    config::Config,
    connection::{Connection, Places},
    front::Front,
    headers, namespace, origin, routes, transport,
};

/// How long after the sessions' end what is on its way to browsers may take, and how long
/// requests that are being answered may.
const FAREWELL_LIMIT: Duration = Duration::from_secs(1);
/// The largest head of a request, in bytes.
const MAX_HEAD: usize = 16 * 1024;
/// The pause after an accept that failed for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A front that is bound to its port.
pub struct Server {
    listener: TcpListener,
    front: Arc<Front>,
}

impl Server {
    /// Binds the port.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn bind(address: SocketAddr, config: Config, registry: Arc<Registry>) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let bound = listener.local_addr()?;
        let (connections, sockets) = (Places::new(config.limits), Places::new(config.limits));
        let front = Front { config, registry, meters: Default::default(), connections, sockets, bound };
        Ok(Self { listener, front: Arc::new(front) })
    }

    /// The address that it is bound to.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.front.bound
    }

    /// Serves until `stop` is cancelled; then accepts nothing more, ends every session so that
    /// its page is told, and closes every connection: within about 8 s.
    pub async fn run(self, stop: CancellationToken) {
        let Self { listener, front } = self;
        let registry = Arc::clone(&front.registry);
        let (router, io) = layered(&front);
        let accepting = Accepting {
            front: Arc::clone(&front),
            router,
            stop: CancellationToken::new(),
            kill: CancellationToken::new(),
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = accepting.accept_forever(&listener) => {}
        }
        drop(listener);
        registry.shutdown().await;
        close_sockets(io).await;
        accepting.finish().await;
    }
}

/// The routes with everything in front of them; the first layer sees a request first.
fn layered(front: &Arc<Front>) -> (Router, SocketIo) {
    let (socket_io, io) = namespace::layer(Arc::clone(front));
    let router = routes::router(Arc::clone(front)).layer(
        ServiceBuilder::new()
            .layer(middleware::from_fn_with_state(Arc::clone(front), headers::add))
            .layer(middleware::from_fn_with_state(Arc::clone(front), origin::check))
            .layer(middleware::from_fn_with_state(Arc::clone(front), transport::guard))
            .layer(socket_io),
    );
    (router, io)
}

/// Tells every socket that is left. Closing waits for readers that may never come.
async fn close_sockets(io: SocketIo) {
    if timeout(FAREWELL_LIMIT, io.close()).await.is_err() {
        tracing::debug!("sockets were cut whose browsers do not read");
    }
}

/// Accepts connections and serves each in a task of its own.
struct Accepting {
    front: Arc<Front>,
    router: Router,
    /// Connections answer the request they have and take no other.
    stop: CancellationToken,
    /// Connections are cut, WebSockets included.
    kill: CancellationToken,
}

impl Accepting {
    async fn accept_forever(&self, listener: &TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, address)) => self.serve(stream, address),
                Err(error) => {
                    tracing::warn!(%error, "a connection cannot be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn serve(&self, stream: TcpStream, address: SocketAddr) {
        let Some(place) = self.front.connections.take(address.ip()) else {
            tracing::warn!(from = %address.ip(), "a connection was refused: too many are open");
            return;
        };
        match Connection::new(stream, address, &self.kill, place) {
            Ok(connection) => {
                let read_timeout = self.front.config.limits.read_timeout;
                tokio::spawn(serve_http(connection, self.router.clone(), read_timeout, self.stop.clone()));
            }
            // Gone before it could be served.
            Err(error) => tracing::debug!(%error, "a connection cannot be set up"),
        }
    }

    /// Lets requests be answered and last words be written, and cuts what is left.
    async fn finish(self) {
        self.stop.cancel();
        if timeout(FAREWELL_LIMIT, self.front.connections.all_free()).await.is_err() {
            tracing::debug!("connections were cut that did not end by themselves");
        }
        self.kill.cancel();
    }
}

/// Serves one connection until it ends or becomes a WebSocket.
async fn serve_http(connection: Connection, router: Router, read_timeout: Duration, stop: CancellationToken) {
    let peer = connection.peer();
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(Arc::clone(&peer));
        let router = router.clone();
        async move { Ok::<_, Infallible>(router.oneshot(request).await.unwrap_or_else(|never| match never {})) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(read_timeout)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(connection), TowerToHyperService::new(service))
        .with_upgrades();
    let mut serving = pin!(serving);
    let served = tokio::select! {
        served = serving.as_mut() => served,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended");
    }
}
