//! The Socket.IO side: its limits, and the events of the namespace `/ssh`.

use std::{
    future::{Ready, ready},
    sync::Arc,
    time::Duration,
};

use socketioxide::{
    ParserConfig, SocketIo,
    extract::{SocketRef, TryData},
    layer::SocketIoLayer,
};
use wire::{Code, ConnectAuth, Peer, SocketError, event};

use crate::{front::Front, inbound::Inbound, outbound::Protocol, transport};

/// The most packets that wait for one browser.
const MAX_QUEUED_PACKETS: usize = 256;
/// The largest message of a browser, in bytes. Our page sends 16 KiB at a time; a client of the
/// original's protocol sends a paste as one message, and the original took 1,000,000 bytes.
const MAX_MESSAGE: usize = 1024 * 1024 + 128 * 1024;

/// The Socket.IO layer with the namespace in it.
pub(crate) fn layer(front: Arc<Front>) -> (SocketIoLayer, SocketIo) {
    let (layer, io) = SocketIo::builder()
        .ping_interval(Duration::from_secs(10))
        .ping_timeout(Duration::from_secs(10))
        .connect_timeout(Duration::from_secs(5))
        .max_buffer_size(MAX_QUEUED_PACKETS)
        .max_payload(1_000_000)
        .ws_max_message_size(MAX_MESSAGE)
        .ws_max_frame_size(MAX_MESSAGE)
        .with_parser(
            ParserConfig::common().max_incoming_binaries(1).max_incoming_binary_buf_size(MAX_MESSAGE),
        )
        .build_layer();
    io.ns(event::NAMESPACE, move |socket: SocketRef, TryData(auth): TryData<ConnectAuth>| {
        connect(&front, &socket, &auth.unwrap_or_default());
        ready(())
    });
    (layer, io)
}

fn connect(front: &Arc<Front>, socket: &SocketRef, auth: &ConnectAuth) {
    let protocol = match auth.protocol {
        None => Protocol::Original,
        Some(wire::PROTOCOL) => Protocol::Page,
        Some(other) => return refuse(socket, other),
    };
    let parts = socket.req_parts();
    let meter = match parts.extensions.get::<Arc<crate::connection::Peer>>() {
        Some(peer) if transport::is_websocket(&parts.uri) => peer.meter(),
        _ => front.meters.of(socket.id.as_str()),
    };
    let inbound = Arc::new(Inbound::new(Arc::clone(&front.registry), protocol, meter));
    // Handlers do their work before they return a future: a future would be spawned, and spawned
    // handlers overtake each other.
    on(socket, &inbound, event::START_SESSION, Inbound::start_session);
    on(socket, &inbound, event::SSH_INPUT, |inbound, socket, input| inbound.input(socket, &input));
    on(socket, &inbound, event::RESIZE, |inbound, socket, size| inbound.resize(socket, size));
    on(socket, &inbound, event::SSH_OUTPUT_ACK, |inbound, socket, ack| inbound.output_ack(socket, ack));
    let timed_out = Arc::clone(&inbound);
    socket.on(event::TIMEOUT, move |socket: SocketRef| {
        timed_out.timeout(&socket);
        ready(())
    });
    socket.on_disconnect(move || {
        inbound.disconnected();
        ready(())
    });
}

/// Registers a handler whose payload is parsed; what cannot be parsed is answered and changes nothing.
fn on<T, H>(socket: &SocketRef, inbound: &Arc<Inbound>, name: &'static str, handle: H)
where
    T: serde::de::DeserializeOwned + Send + Sync + 'static,
    H: Fn(&Arc<Inbound>, &SocketRef, T) + Clone + Send + Sync + 'static,
{
    let inbound = Arc::clone(inbound);
    socket.on(name, move |socket: SocketRef, TryData(payload): TryData<T>| -> Ready<()> {
        match payload {
            Ok(payload) => handle(&inbound, &socket, payload),
            Err(_) => inbound.refuse(
                &socket,
                Code::InvalidPayload,
                format!("The payload of {name} has a wrong shape."),
            ),
        }
        ready(())
    });
}

fn refuse(socket: &SocketRef, protocol: u32) {
    let error = SocketError {
        code: Code::UnsupportedProtocol,
        message: format!("This gateway does not speak protocol {protocol}; reload the page."),
        peer: Peer::Browser,
        retry: false,
    };
    if let Err(error) = socket.emit(event::SESSION_ERROR, &error) {
        tracing::debug!(%error, "a browser with another protocol cannot be told");
    }
    if let Err(error) = socket.clone().disconnect() {
        tracing::debug!(%error, "a browser with another protocol cannot be disconnected");
    }
}
