//! The Socket.IO side: its limits, and the events of the namespace `/ssh`.

use std::{convert::Infallible, future::ready, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;
use socketioxide::{
    ParserConfig, SocketIo,
    adapter::LocalAdapter,
    extract::{AckSender, Event, SocketRef, TryData},
    handler::{ConnectHandler as _, FromMessageParts as _, MessageHandler, Value},
    layer::SocketIoLayer,
    socket::Socket,
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

/// What is read from a socket at once, in bytes: every socket keeps so much for it. Keys take 200, and a
/// paste is read in as many pieces as it needs.
const READ_BUFFER: usize = 1024;

/// The Socket.IO layer with the namespace in it.
pub(crate) fn layer(front: Arc<Front>) -> (SocketIoLayer, SocketIo) {
    let (layer, io) = SocketIo::builder()
        .ping_interval(Duration::from_secs(10))
        // On a slow link a ping waits behind all that is on its way. Who is dead is found by silence.
        .ping_timeout(Duration::from_secs(30))
        .connect_timeout(Duration::from_secs(5))
        .max_buffer_size(MAX_QUEUED_PACKETS)
        .max_payload(1_000_000)
        .ws_read_buffer_size(READ_BUFFER)
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
            listen(&front, &socket, auth.unwrap_or_default());
            Ok(())
        };
    io.ns(event::NAMESPACE, connect.with(listen));
    (layer, io)
}

/// Makes the socket's inbound side, in a protocol that this gateway speaks.
fn listen(front: &Arc<Front>, socket: &SocketRef, auth: ConnectAuth) {
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
    if protocol == Protocol::Page {
        for first in said_in_connect(auth) {
            inbound.receive(socket, first);
        }
    }
    socket.on_fallback(Events(Arc::clone(&inbound)));
    let gone = Arc::clone(&inbound);
    socket.on_disconnect(move || {
        gone.disconnected();
        ready(())
    });
    socket.extensions.insert(inbound);
}

/// The events that came in CONNECT.
fn said_in_connect(auth: ConnectAuth) -> impl Iterator<Item = Incoming> {
    let start = auth.start.map(|said| shaped(said.well(), event::START_SESSION, Incoming::StartSession));
    let resume = auth.resume.map(|said| shaped(said.well(), event::RESUME_SESSION, Incoming::ResumeSession));
    start.into_iter().chain(resume)
}

/// Hands what a browser sends to the socket's inbound side, in the order in which it comes.
///
/// The library's own handlers give a future, which is spawned: a task for every key, and tasks overtake
/// each other. One handler for all events also keeps no table of them for every socket.
struct Events(Arc<Inbound>);

impl MessageHandler<LocalAdapter, Self> for Events {
    fn call(&self, socket: Arc<Socket<LocalAdapter>>, mut payload: Value, ack: Option<i64>) {
        let Ok(Event(name)) = Event::from_message_parts(&socket, &mut payload, &ack) else { return };
        let incoming = match name.as_str() {
            event::START_SESSION => read(&socket, payload, event::START_SESSION, Incoming::StartSession),
            event::RESUME_SESSION => read(&socket, payload, event::RESUME_SESSION, Incoming::ResumeSession),
            event::SSH_INPUT => read(&socket, payload, event::SSH_INPUT, Incoming::Input),
            event::RESIZE => read(&socket, payload, event::RESIZE, Incoming::Resize),
            event::SSH_OUTPUT_ACK => read(&socket, payload, event::SSH_OUTPUT_ACK, Incoming::OutputAck),
            event::SESSION_SCREEN_ACK => {
                read(&socket, payload, event::SESSION_SCREEN_ACK, Incoming::ScreenAck)
            }
            event::SESSION_ANSWER => read(&socket, payload, event::SESSION_ANSWER, Incoming::Answer),
            event::SESSION_ATTACHED_ACK => Incoming::AttachedAck,
            event::SESSION_CLOSED_ACK => Incoming::ClosedAck,
            event::STAY_CONNECTED => Incoming::StayConnected,
            event::TIMEOUT => Incoming::Timeout,
            event::SESSION_PING => return answer(&socket, payload, ack),
            _ => return,
        };
        self.0.receive(&SocketRef::from(socket), incoming);
    }
}

/// An event with a payload, if that has its shape.
fn read<T: DeserializeOwned>(
    socket: &Arc<Socket<LocalAdapter>>,
    mut payload: Value,
    name: &'static str,
    incoming: fn(T) -> Incoming,
) -> Incoming {
    let Ok(TryData(payload)) = TryData::from_message_parts(socket, &mut payload, &None);
    shaped(payload.ok(), name, incoming)
}

/// The event of this name, or that its payload has another shape.
fn shaped<T>(payload: Option<T>, name: &'static str, incoming: fn(T) -> Incoming) -> Incoming {
    payload.map_or(Incoming::Malformed(name), incoming)
}

/// Tells a browser that asks that somebody is here.
fn answer(socket: &Arc<Socket<LocalAdapter>>, mut payload: Value, ack: Option<i64>) {
    let Ok(sender) = AckSender::from_message_parts(socket, &mut payload, &ack);
    if let Err(error) = sender.send(&()) {
        tracing::debug!(%error, "a browser's question was not answered");
    }
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
