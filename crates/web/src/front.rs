//! What every request handler shares.

use std::{net::SocketAddr, sync::Arc};

use engine::Registry;
use http::{HeaderMap, header};

use crate::{config::Config, connection::Places, meter::Meters};

/// What every request handler shares.
pub(crate) struct Front {
    pub(crate) config: Config,
    pub(crate) registry: Arc<Registry>,
    pub(crate) meters: Meters,
    pub(crate) connections: Places,
    /// Places for Engine.IO sessions, of which one connection can open any number.
    pub(crate) sockets: Places,
    pub(crate) bound: SocketAddr,
}

impl Front {
    /// The origin that browsers reach this gateway at: as configured, else as this request has it.
    pub(crate) fn origin_of(&self, headers: &HeaderMap) -> String {
        match (&self.config.public_url, host_of(headers)) {
            (Some(url), _) => url.to_string(),
            (None, Some(host)) => format!("http://{host}"),
            (None, None) => format!("http://{}", self.bound),
        }
    }
}

/// The `Host` header, if it can be one: a name or an address, and a port.
pub(crate) fn host_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok().filter(|host| is_authority(host))
}

/// Whether all characters are those of a host and a port.
pub(crate) fn is_authority(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte))
}
