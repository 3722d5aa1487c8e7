//! The Socket.IO side: its limits, and the events of the namespace `/ssh`.

use std::{convert::Infallible, future::ready, sync::Arc, time::Duration};

use socketioxide::{
    ParserConfig, SocketIo,
    extract::{AckSender, SocketRef, TryData},
    handler::ConnectHandler as _,
    layer::SocketIoLayer,
};
use wire::{Code, ConnectAuth, event};

use crate::{
    connection,
    front::Front,
    inbound::{self, Inbound, Incoming},
    outbound::Protocol,
    transport,
};

/// The most packets that wait for one browser.
const MAX_QUEUED_PACKETS: usize = 256;
/// The largest message of a browser, in bytes. Our page sends 16 KiB at a time; a client of the
/// original's protocol sends a paste as one message, and the original took 1,000,000 bytes.
const MAX_MESSAGE: usize = 1024 * 1024 + 128 * 1024;

/// The Socket.IO layer with the namespace in it.
pub(crate) fn layer(front: Arc<Front>) -> (SocketIoLayer, SocketIo) {
    let (layer, io) = SocketIo::builder()
        .ping_interval(Duration::from_secs(10))
        // On a slow link a ping waits behind all that is on its way. Who is dead is found by silence.
        .ping_timeout(Duration::from_secs(30))
        .connect_timeout(Duration::from_secs(5))
        .max_buffer_size(MAX_QUEUED_PACKETS)
        .max_payload(1_000_000)
        .ws_max_message_size(MAX_MESSAGE)
        .ws_max_frame_size(MAX_MESSAGE)
        .with_parser(
            ParserConfig::common().max_incoming_binaries(1).max_incoming_binary_buf_size(MAX_MESSAGE),
        )
        .build_layer();
    // The library lets a client send once its CONNECT is answered, and calls `connect` after that.
    // What listens must be there before, so it is made in the middleware.
    let connect = |socket: SocketRef, TryData(auth): TryData<ConnectAuth>| {
        connect(&socket, &auth.unwrap_or_default());
        ready(())
    };
    let listen =
        async move |socket: SocketRef, TryData(auth): TryData<ConnectAuth>| -> Result<(), Infallible> {
            listen(&front, &socket, &auth.unwrap_or_default());
            Ok(())
        };
    io.ns(event::NAMESPACE, connect.with(listen));
    (layer, io)
}

/// Makes the socket's inbound side, in a protocol that this gateway speaks.
fn listen(front: &Arc<Front>, socket: &SocketRef, auth: &ConnectAuth) {
    let protocol = match auth.protocol {
        None => Protocol::Original,
        Some(wire::PROTOCOL) => Protocol::Page,
        Some(_) => return,
    };
    let parts = socket.req_parts();
    let Some(peer) = parts.extensions.get::<Arc<connection::Peer>>() else {
        return tracing::error!("a socket came without its connection");
    };
    let meter =
        if transport::is_websocket(&parts.uri) { peer.meter() } else { front.meters.of(socket.id.as_str()) };
    let address = peer.address.ip();
    let inbound = Arc::new(Inbound::new(Arc::clone(&front.registry), protocol, address, meter));
    on(socket, &inbound, event::START_SESSION, Incoming::StartSession);
    on(socket, &inbound, event::RESUME_SESSION, Incoming::ResumeSession);
    on(socket, &inbound, event::SSH_INPUT, Incoming::Input);
    on(socket, &inbound, event::RESIZE, Incoming::Resize);
    on(socket, &inbound, event::SSH_OUTPUT_ACK, Incoming::OutputAck);
    on(socket, &inbound, event::SESSION_SCREEN_ACK, Incoming::ScreenAck);
    on(socket, &inbound, event::SESSION_ANSWER, Incoming::Answer);
    on_bare(socket, &inbound, event::SESSION_ATTACHED_ACK, || Incoming::AttachedAck);
    on_bare(socket, &inbound, event::SESSION_CLOSED_ACK, || Incoming::ClosedAck);
    on_bare(socket, &inbound, event::STAY_CONNECTED, || Incoming::StayConnected);
    on_bare(socket, &inbound, event::TIMEOUT, || Incoming::Timeout);
    socket.on(event::SESSION_PING, |answer: AckSender| {
        if let Err(error) = answer.send(&()) {
            tracing::debug!(%error, "a browser's question was not answered");
        }
        ready(())
    });
    let gone = Arc::clone(&inbound);
    socket.on_disconnect(move || {
        gone.disconnected();
        ready(())
    });
    socket.extensions.insert(inbound);
}

/// Hands an event to the socket's inbound side.
///
/// It is done before a future is returned: the future would be spawned, and spawned handlers
/// overtake each other.
fn on<T>(socket: &SocketRef, inbound: &Arc<Inbound>, name: &'static str, incoming: fn(T) -> Incoming)
where
    T: serde::de::DeserializeOwned + Send + Sync + 'static,
{
    let inbound = Arc::clone(inbound);
    socket.on(name, move |socket: SocketRef, TryData(payload): TryData<T>| {
        inbound.receive(&socket, payload.map_or(Incoming::Malformed(name), incoming));
        ready(())
    });
}

/// The same for an event without a payload.
fn on_bare(socket: &SocketRef, inbound: &Arc<Inbound>, name: &'static str, incoming: fn() -> Incoming) {
    let inbound = Arc::clone(inbound);
    socket.on(name, move |socket: SocketRef| {
        inbound.receive(&socket, incoming());
        ready(())
    });
}

/// The client may be answered now.
fn connect(socket: &SocketRef, auth: &ConnectAuth) {
    match socket.extensions.get::<Arc<Inbound>>() {
        Some(inbound) => inbound.open(socket),
        None => send_away(socket, auth.protocol.unwrap_or_default()),
    }
}

/// Nothing listens in a protocol that this gateway does not speak.
fn send_away(socket: &SocketRef, protocol: u32) {
    let message = format!("This gateway does not speak protocol {protocol}; reload the page.");
    inbound::refuse(socket, Code::UnsupportedProtocol, message);
    if let Err(error) = socket.clone().disconnect() {
        tracing::debug!(%error, "a browser with another protocol cannot be disconnected");
    }
}
