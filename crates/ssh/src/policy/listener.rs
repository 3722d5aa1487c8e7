//! Where the gateway itself listens: it is no target of its own.

use std::{
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::{Arc, OnceLock},
};

/// Where the gateway itself listens, once it does. Clones are one and the same.
#[derive(Clone, Debug, Default)]
pub struct OwnListener(Arc<OnceLock<SocketAddr>>);

impl OwnListener {
    /// Tells where it listens; only the first time counts.
    pub fn set(&self, address: SocketAddr) {
        // The only error is that it is known already.
        let _ = self.0.set(address);
    }

    /// Whether a connection to this address would be one to the gateway itself.
    pub(crate) fn is_at(&self, address: IpAddr, port: u16) -> bool {
        let Some(own) = self.0.get().filter(|own| own.port() == port) else { return false };
        let (own, address) = (own.ip().to_canonical(), address.to_canonical());
        if own.is_unspecified() { is_of_this_machine(address) } else { own == address }
    }
}

/// Only addresses of this machine can be bound to.
fn is_of_this_machine(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(at: &str) -> OwnListener {
        let listener = OwnListener::default();
        listener.clone().set(at.parse().unwrap());
        listener
    }

    #[test]
    fn it_is_where_it_listens() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(!OwnListener::default().is_at(ip("127.0.0.1"), 5000));
        for (at, address, port, is_own) in [
            ("127.0.0.1:5000", "127.0.0.1", 5000, true),
            ("127.0.0.1:5000", "::ffff:127.0.0.1", 5000, true),
            ("127.0.0.1:5000", "127.0.0.1", 5001, false),
            ("127.0.0.1:5000", "127.0.0.2", 5000, false),
            ("0.0.0.0:5000", "127.0.0.2", 5000, true),
            ("0.0.0.0:5000", "192.0.2.1", 5000, false),
            ("[::]:5000", "127.0.0.1", 5000, true),
        ] {
            assert_eq!(listener(at).is_at(ip(address), port), is_own, "{at} {address}:{port}");
        }
    }
}
