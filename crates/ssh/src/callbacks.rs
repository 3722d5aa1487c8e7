//! What russh calls back: the check of the host key, the banner, the weight of what arrived, the end;
//! and every channel that a server opens by itself is refused, but for those to an agent that it was lent.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use russh::{
    Channel, ChannelId, ChannelOpenFailure, Names, Sig,
    client::{ChannelOpenHandle, DisconnectReason, Handler, Msg, Session},
    keys::PublicKeyOrCertificate,
};
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    agent::Agent,
    agent_channels::AgentChannels,
    agreement::Terms,
    clock::Brake,
    fault::{Farewell, Fault, not_ssh},
    gate::Gate,
    host_key::{HostKeyCheck, Proved},
    inbox::words_of_signal,
    keys::Keys,
    link::Pulse,
    text,
};

/// How much of a banner is shown, in characters.
const BANNER_LIMIT: usize = 16 * 1024;

/// What is learnt about a connection while russh's task runs it.
#[derive(Default)]
pub(crate) struct Notes {
    /// Cancelled when the connection's task has ended.
    pub(crate) gone: CancellationToken,
    banner: Mutex<String>,
    /// What was said with the refusal of a channel, once it is there.
    refusal: Mutex<Option<String>>,
    refused: Notify,
    fault: Mutex<Option<Fault>>,
    /// How the host proved itself, and what was agreed on with it, when the connection began.
    pub(crate) proved: OnceLock<Proved>,
    pub(crate) agreed: OnceLock<Names>,
    agent: Mutex<Option<Arc<Agent>>>,
}

impl Notes {
    /// Takes the banner, with the line ends of a terminal; empty if there was none.
    pub(crate) fn take_banner(&self) -> String {
        std::mem::take(&mut *self.banner.lock())
    }

    /// The words of a channel's refusal; they come right behind it.
    pub(crate) async fn refusal(&self) -> String {
        tokio::select! {
            () = self.refused.notified() => {}
            () = self.gone.cancelled() => {}
        }
        self.refusal.lock().take().unwrap_or_default()
    }

    /// Lends an agent to the target.
    pub(crate) fn lend(&self, agent: Arc<Agent>) {
        *self.agent.lock() = Some(agent);
    }

    /// Takes the agent back: nobody can ask it any more.
    pub(crate) fn take_back(&self) {
        *self.agent.lock() = None;
    }

    /// Takes the reason for the end, if it is known.
    pub(crate) fn take_fault(&self) -> Option<Fault> {
        self.fault.lock().take()
    }
}

/// The handler that russh's task owns.
pub(crate) struct Callbacks {
    check: Arc<HostKeyCheck>,
    terms: Terms,
    /// Of the handshake's time.
    brake: Brake,
    notes: Arc<Notes>,
    gate: Arc<Gate>,
    keys: Keys,
    pulse: Pulse,
    agent_channels: AgentChannels,
    /// Dropped with the task.
    _gone: DropGuard,
}

impl Callbacks {
    /// A handler for one connection.
    pub(crate) fn new(
        check: Arc<HostKeyCheck>,
        terms: Terms,
        brake: Brake,
        notes: Arc<Notes>,
        gate: Arc<Gate>,
        keys: Keys,
        pulse: Pulse,
    ) -> Self {
        let gone = notes.gone.clone().drop_guard();
        let agent_channels = AgentChannels::default();
        Self { check, terms, brake, notes, gate, keys, pulse, agent_channels, _gone: gone }
    }

    /// Weighs what arrived. An agent's channel on which too much waits is closed.
    fn arrived(&self, channel: ChannelId, length: usize, session: &mut Session) -> Result<(), Fault> {
        match self.agent_channels.arrived(channel, length) {
            None if self.gate.arrived(length) => {}
            None => return Err(not_ssh(self.check.target(), "it sends more than it may").into()),
            Some(true) => {}
            Some(false) => session.close(channel)?,
        }
        self.change_old_keys(session)
    }

    /// Changes keys that are old. Only here, when something came that could pass the gate: so an
    /// exchange is known from its first moment, and none begins while nobody reads.
    fn change_old_keys(&self, session: &mut Session) -> Result<(), Fault> {
        if self.keys.are_old() && self.gate.begin_exchange() {
            session.initiate_rekey()?;
        }
        Ok(())
    }
}

impl Handler for Callbacks {
    type Error = Fault;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Fault> {
        self.terms.will_be_strict_enough(self.check.target())?;
        tokio::select! {
            // In a box: what runs for a moment would stay with the connection, twice.
            proved = Box::pin(self.check.prove(shown, &self.brake, &self.pulse)) => {
                let proved = proved?;
                self.notes.proved.get_or_init(|| proved);
            }
            // Nobody waits for this connection any more, so nobody need answer for it.
            () = self.brake.abandoned() => return Ok(false),
        }
        Ok(true)
    }

    async fn kex_done(
        &mut self,
        _shared_secret: Option<&[u8]>,
        names: &Names,
        _session: &mut Session,
    ) -> Result<(), Fault> {
        self.keys.changed();
        self.gate.end_exchange();
        self.notes.agreed.get_or_init(|| names.clone());
        let (target, cipher) = (self.check.target(), names.cipher.as_ref());
        Ok(self.terms.is_strict_enough(target, cipher, names.strict_kex())?)
    }

    async fn auth_banner(&mut self, banner: &str, _session: &mut Session) -> Result<(), Fault> {
        let mut kept = self.notes.banner.lock();
        let room = BANNER_LIMIT.saturating_sub(kept.chars().count());
        if room > 0 {
            kept.push_str(&text::block(banner, room));
        }
        Ok(())
    }

    async fn data(&mut self, channel: ChannelId, data: &[u8], session: &mut Session) -> Result<(), Fault> {
        self.arrived(channel, data.len(), session)
    }

    async fn extended_data(
        &mut self,
        channel: ChannelId,
        _stream: u32,
        data: &[u8],
        session: &mut Session,
    ) -> Result<(), Fault> {
        self.arrived(channel, data.len(), session)
    }

    async fn channel_close(&mut self, channel: ChannelId, _session: &mut Session) -> Result<(), Fault> {
        self.agent_channels.closed(channel);
        Ok(())
    }

    async fn exit_signal(
        &mut self,
        channel: ChannelId,
        signal_name: Sig,
        _core_dumped: bool,
        error_message: &str,
        lang_tag: &str,
        session: &mut Session,
    ) -> Result<(), Fault> {
        self.arrived(channel, words_of_signal(&signal_name, error_message, lang_tag), session)
    }

    async fn channel_open_failure(
        &mut self,
        _channel: ChannelId,
        _reason: ChannelOpenFailure,
        description: &str,
        _language: &str,
        _session: &mut Session,
    ) -> Result<(), Fault> {
        *self.notes.refusal.lock() = Some(description.to_owned());
        self.notes.refused.notify_one();
        Ok(())
    }

    async fn window_adjusted(
        &mut self,
        _channel: ChannelId,
        _new_size: u32,
        session: &mut Session,
    ) -> Result<(), Fault> {
        self.change_old_keys(session)
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Fault>) -> Result<(), Fault> {
        let fault = match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                Fault::Disconnected(Farewell { reason: info.reason_code, words: info.message })
            }
            DisconnectReason::Error(fault) => fault,
        };
        *self.notes.fault.lock() = Some(fault);
        Ok(())
    }

    // Dropping the reply refuses the channel.

    async fn server_channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Fault> {
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Fault> {
        let agent = self.notes.agent.lock().clone();
        if let Some(agent) = agent
            && self.agent_channels.open(agent, channel, &self.notes.gone)
        {
            reply.accept().await;
        }
        Ok(())
    }

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _channel: Channel<Msg>,
        _connected_address: &str,
        _connected_port: u32,
        _originator_address: &str,
        _originator_port: u32,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Fault> {
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _channel: Channel<Msg>,
        _socket_path: &str,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Fault> {
        Ok(())
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _channel: Channel<Msg>,
        _host_to_connect: &str,
        _port_to_connect: u32,
        _originator_address: &str,
        _originator_port: u32,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Fault> {
        Ok(())
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _channel: Channel<Msg>,
        _socket_path: &str,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Fault> {
        Ok(())
    }

    async fn server_channel_open_x11(
        &mut self,
        _channel: Channel<Msg>,
        _originator_address: &str,
        _originator_port: u32,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Fault> {
        Ok(())
    }

    async fn server_channel_open_unknown(
        &mut self,
        _channel: Channel<Msg>,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Fault> {
        Ok(())
    }
}
