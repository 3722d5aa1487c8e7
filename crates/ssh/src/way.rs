//! The jump hosts on the way to a target: each is connected to through the one before it, and logged in at.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use engine::{ConnectionFacts, DialError, Target};
use russh::{ChannelOpenFailure, Disconnect, Error, client::Handle};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::{
    callbacks::{Callbacks, Notes},
    connection::{self, Connection},
    dial::{self, seconds},
    link::{Pulse, Switch},
    options::{Patience, Reach},
    stream::Stream,
    text,
    tunnel::{Carrier, Tunnel},
    watch::watch,
};

/// The jump hosts in their order; none, where the target is connected to directly.
#[derive(Default)]
pub(crate) struct Way {
    hosts: Vec<JumpHost>,
}

/// A connection that carries the next one; dropping it cuts it.
struct JumpHost {
    facts: ConnectionFacts,
    handle: Arc<Handle<Callbacks>>,
    notes: Arc<Notes>,
    carrier: Carrier,
    switch: Switch,
}

impl Way {
    /// Goes on from a jump host that let us in.
    pub(crate) fn add(&mut self, connection: Connection, patience: Patience) {
        let Connection { handle, notes, gate, switch, facts, .. } = connection;
        let (handle, gone) = (Arc::new(handle), notes.gone.clone());
        let pulses = self.pulses_to(&switch);
        tokio::spawn(watch(handle.clone(), pulses, patience, gone.clone()));
        let carrier = Carrier { gate, gone, lost: Arc::default(), tunnels: TaskTracker::new() };
        self.hosts.push(JumpHost { facts, handle, notes, carrier, switch });
    }

    /// Connects to the next host: from here, or from the last jump host.
    pub(crate) async fn connect(
        &self,
        target: &Target,
        reach: &Reach,
        limit: Duration,
    ) -> Result<Stream, DialError> {
        let limit = target.connect_timeout.map_or(limit, |asked| asked.min(limit));
        match self.hosts.last() {
            None => dial::connect(target, reach, limit).await.map(Stream::Tcp),
            Some(host) => {
                dial::admit_beyond(target, reach)?;
                host.connect(target, &dial::host_of(target)?, limit).await
            }
        }
    }

    /// The lives of all connections up to this one, which is the last.
    pub(crate) fn pulses_to(&self, last: &Switch) -> Vec<Pulse> {
        self.hosts.iter().map(|host| &host.switch).chain([last]).map(Switch::pulse).collect()
    }

    /// What is known of the connections to them.
    pub(crate) fn facts(&self) -> Vec<ConnectionFacts> {
        self.hosts.iter().map(|host| host.facts.clone()).collect()
    }

    /// What the jump hosts have to say to everybody who logs in.
    pub(crate) fn take_banners(&self) -> String {
        self.hosts.iter().map(|host| host.notes.take_banner()).collect()
    }

    /// The jump host whose connection broke, and all that it carried with it.
    pub(crate) fn lost(&self) -> Option<&str> {
        self.broken().map(JumpHost::name)
    }

    /// The same error, or that of the jump host that is to blame for it.
    pub(crate) async fn blame(&self, error: DialError, target: &Target) -> DialError {
        match (error, self.broken()) {
            (DialError::LinkLost { .. }, Some(host)) => host.end(target).await,
            (error, _) => error,
        }
    }

    /// Ends every connection now.
    pub(crate) fn cut(&self) {
        for host in &self.hosts {
            host.switch.cutter().cut();
        }
    }

    /// Takes leave of every jump host, from the last one on.
    pub(crate) async fn farewell(&self) {
        for host in self.hosts.iter().rev() {
            host.farewell().await;
        }
    }

    fn broken(&self) -> Option<&JumpHost> {
        self.hosts.iter().find(|host| host.carrier.lost.load(Ordering::Acquire))
    }
}

impl JumpHost {
    /// `host:port`, for sentences.
    fn name(&self) -> &str {
        &self.facts.target
    }

    async fn connect(&self, target: &Target, name: &str, limit: Duration) -> Result<Stream, DialError> {
        // Nobody connected from anywhere: this is what `ssh -W` says as well.
        let (from, from_port) = ("127.0.0.1", 65535);
        let opening = self.handle.channel_open_direct_tcpip(name, target.port.into(), from, from_port);
        match timeout(limit, opening).await {
            Ok(Ok(channel)) => Ok(Stream::Tunnel(Box::new(Tunnel::new(channel, self.carrier.clone())))),
            Ok(Err(Error::ChannelOpenFailure(reason))) => Err(DialError::JumpRefused {
                hop: self.name().to_owned(),
                target: target.to_string(),
                cause: cause(&reason, &self.notes.refusal().await),
            }),
            Ok(Err(_)) => Err(self.end(target).await),
            Err(_) => {
                let target = format!("{target} through {}", self.name());
                Err(DialError::ConnectTimeout { target, seconds: seconds(limit) })
            }
        }
    }

    /// Why the connection is over, which it is.
    async fn end(&self, target: &Target) -> DialError {
        connection::end(&self.notes, self.name(), &format!("on the way to {target}")).await
    }

    /// The farewell to the host behind it goes first.
    async fn farewell(&self) {
        let Carrier { gone, tunnels, .. } = &self.carrier;
        let farewell = async {
            tunnels.close();
            tunnels.wait().await;
            self.handle.disconnect(Disconnect::ByApplication, "", "").await
        };
        tokio::select! {
            // Whether it is gone is seen below.
            _ = farewell => {}
            () = gone.cancelled() => {}
        }
        gone.cancelled().await;
    }
}

/// Why a jump host does not connect, with its own words.
fn cause(reason: &ChannelOpenFailure, words: &str) -> String {
    let reason = match reason {
        ChannelOpenFailure::ConnectFailed => "the connection failed",
        ChannelOpenFailure::UnknownChannelType => "it does not know how to",
        ChannelOpenFailure::ResourceShortage => "it has no resources left",
        _ => "it is not allowed to",
    };
    let words = text::line(words, 200);
    match words.trim_end_matches('.') {
        "" => reason.to_owned(),
        words => format!("{reason} ({words})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_jump_host_are_cleaned() {
        let said = cause(&ChannelOpenFailure::ConnectFailed, "Connection\x1b[2J refused.\r\n");
        assert_eq!(said, "the connection failed (Connection [2J refused)");
        let silent = cause(&ChannelOpenFailure::AdministrativelyProhibited, " ");
        assert_eq!(silent, "it is not allowed to");
    }
}
