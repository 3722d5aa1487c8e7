//! A server that was lent an agent, and wants more than that.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use engine::{Credentials, Program};
use russh::{
    Channel, ChannelId, ChannelMsg, Pty,
    keys::{Algorithm, PrivateKey, key::safe_rng, ssh_encoding::Encode as _, ssh_key::LineEnding},
    server::{Auth, ChannelOpenHandle, Config, Handle, Handler, Msg, Session, run_stream},
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::ssh_dialing::{Dialing, Talk};

/// More channels than an agent answers on at a time.
const MANY: usize = 20;

/// What the server does when something is typed, and says in its shell.
#[derive(Clone)]
enum Abuse {
    /// It asks an agent that it refused.
    AsksARefusedAgent,
    /// It opens channels of every other kind.
    OpensOthers,
    /// It opens channels to the agent without end.
    OpensMany,
    /// It wants signatures with this key, faster than they can be made.
    FloodsTheAgent(Vec<u8>),
}

impl Abuse {
    async fn commit(self, handle: Handle) -> String {
        match self {
            Self::AsksARefusedAgent => format!("opened {}", handle.channel_open_agent().await.is_ok()),
            Self::OpensOthers => {
                let x11 = handle.channel_open_x11("127.0.0.1", 6000).await.is_ok();
                let forwarded =
                    handle.channel_open_forwarded_tcpip("127.0.0.1", 80, "127.0.0.1", 1).await.is_ok();
                let direct = handle.channel_open_direct_tcpip("127.0.0.1", 80, "127.0.0.1", 1).await.is_ok();
                let session = handle.channel_open_session().await.is_ok();
                format!("opened {}", x11 || forwarded || direct || session)
            }
            Self::OpensMany => {
                let mut open = Vec::new();
                for _ in 0..MANY {
                    open.extend(handle.channel_open_agent().await);
                }
                let opened = open.len();
                // One that was closed in good order makes room for another.
                let mut last = open.pop().unwrap();
                last.eof().await.unwrap();
                while !matches!(last.wait().await, Some(ChannelMsg::Eof)) {}
                last.close().await.unwrap();
                format!("opened {opened}, again {}", handle.channel_open_agent().await.is_ok())
            }
            Self::FloodsTheAgent(identity) => {
                let agent = handle.channel_open_agent().await.unwrap();
                let (mut reader, writer) = agent.split();
                let flood = request(&identity).repeat(16);
                let flooding =
                    tokio::spawn(async move { while writer.data_bytes(flood.clone()).await.is_ok() {} });
                while !matches!(reader.wait().await, None | Some(ChannelMsg::Close)) {}
                flooding.abort();
                "cut off".to_owned()
            }
        }
    }
}

/// A message that wants a signature.
fn request(identity: &[u8]) -> Vec<u8> {
    let mut message = vec![13];
    identity.encode(&mut message).unwrap();
    [b'x'; 64].as_slice().encode(&mut message).unwrap();
    2_u32.encode(&mut message).unwrap();
    let mut framed = Vec::new();
    message.encode(&mut framed).unwrap();
    framed
}

struct Server {
    port: u16,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(abuse: Abuse) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let config = Arc::new(Config {
            keys: vec![PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519)?],
            auth_rejection_time: Duration::ZERO,
            ..Config::default()
        });
        let task = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let session = run_stream(config, stream, Client { abuse: Some(abuse), shell: None }).await;
            // How the client leaves does not matter.
            let _ = session.unwrap().await;
        });
        Ok(Self { port, task })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Client {
    abuse: Option<Abuse>,
    shell: Option<ChannelId>,
}

impl Handler for Client {
    type Error = russh::Error;

    async fn auth_none(&mut self, _user: &str) -> Result<Auth, Self::Error> {
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.shell = Some(channel.id());
        reply.accept().await;
        Ok(())
    }

    async fn agent_request(
        &mut self,
        channel: ChannelId,
        session: &mut Session,
    ) -> Result<bool, Self::Error> {
        let refuses = matches!(self.abuse, Some(Abuse::AsksARefusedAgent));
        if refuses {
            session.channel_failure(channel)?;
        } else {
            session.channel_success(channel)?;
        }
        Ok(!refuses)
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _term: &str,
        _cols: u32,
        _rows: u32,
        _pixel_width: u32,
        _pixel_height: u32,
        _modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        session.channel_success(channel)
    }

    /// Commits the abuse at the first word in its shell, and echoes all that follow.
    async fn data(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        if self.shell != Some(channel) {
            return Ok(());
        }
        match self.abuse.take() {
            None => session.data(channel, data.to_vec()),
            Some(abuse) => {
                let handle = session.handle();
                tokio::spawn(async move {
                    let words = abuse.commit(handle.clone()).await;
                    handle.data(channel, format!("{words}.")).await
                });
                Ok(())
            }
        }
    }
}

/// A shell whose server was lent an agent, or refused it.
async fn talk(abuse: Abuse, key: &PrivateKey) -> Result<(Server, Talk)> {
    let server = Server::start(abuse).await?;
    let mut dialing = Dialing::to(server.port, "anybody");
    dialing.program = Program { forward_agent: true, ..Program::default() };
    let credentials = Credentials::of_key(key.to_openssh(LineEnding::LF)?.as_str(), None);
    let talk = Talk::new(dialing.with(credentials).await);
    Ok((server, talk))
}

/// What the server says of its abuse, after which the shell still answers.
async fn outcome(abuse: Abuse) -> Result<String> {
    let (_server, mut talk) = talk(abuse, &PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519)?).await?;
    talk.type_in("go").await;
    let mut words = talk.until(".").await;
    if words.starts_with("Warning") {
        words = talk.until(".").await;
    }
    talk.type_in("still here").await;
    talk.until("still here").await;
    Ok(words)
}

#[tokio::test]
async fn an_agent_that_was_refused_cannot_be_asked() -> Result<()> {
    assert_eq!(outcome(Abuse::AsksARefusedAgent).await?.trim_start(), "opened false");
    Ok(())
}

#[tokio::test]
async fn whoever_has_an_agent_may_open_nothing_else() -> Result<()> {
    assert_eq!(outcome(Abuse::OpensOthers).await?, "opened false");
    Ok(())
}

#[tokio::test]
async fn an_agent_answers_on_so_many_channels_at_a_time() -> Result<()> {
    assert_eq!(outcome(Abuse::OpensMany).await?, "opened 16, again true");
    Ok(())
}

#[tokio::test]
async fn an_agent_that_is_flooded_is_taken_away_and_the_shell_goes_on() -> Result<()> {
    let key = PrivateKey::random(&mut safe_rng(), Algorithm::Rsa { hash: None })?;
    let abuse = Abuse::FloodsTheAgent(key.public_key().to_bytes()?);
    let (_server, mut talk) = talk(abuse, &key).await?;
    talk.type_in("go").await;
    // In the midst of the flood, and behind it.
    talk.type_in("now").await;
    let first = talk.until("now").await;
    if first.is_empty() {
        talk.until("cut off.").await;
    }
    talk.type_in("then").await;
    talk.until("then").await;
    Ok(())
}
