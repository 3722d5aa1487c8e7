//! One connection of the server by hand: every step of a good server, and whatever a test wants instead.

use std::{io, pin::pin};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    keys::{self, Keys, Transcript},
    message::{Message, number},
};

/// How the server greets.
pub const GREETING: &str = "SSH-2.0-Evil";
const KEX: &str = "curve25519-sha256";
/// The server's name for the client's only channel.
const CHANNEL: u32 = 7;

/// The client, as the server sees it.
pub struct Peer {
    stream: TcpStream,
    inbox: Vec<u8>,
    transcript: Transcript,
    keys: Option<Keys>,
}

impl Peer {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, inbox: Vec::new(), transcript: Transcript::default(), keys: None }
    }

    /// Sends bytes as they are, and takes meanwhile whatever comes.
    ///
    /// # Errors
    /// The client has gone.
    pub async fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (mut reader, mut writer) = self.stream.split();
        let mut written = pin!(writer.write_all(bytes));
        loop {
            tokio::select! {
                written = &mut written => return written,
                read = reader.read_buf(&mut self.inbox) => if read? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                },
            }
        }
    }

    /// Sends a packet.
    ///
    /// # Errors
    /// The client has gone.
    pub async fn send(&mut self, message: &Message) -> io::Result<()> {
        let packet = match &mut self.keys {
            Some(keys) => keys.to_client.seal(&message.0)?,
            None => keys::plain(&message.0),
        };
        self.raw(&packet).await
    }

    /// Sends the same packet so often.
    ///
    /// # Errors
    /// The client has gone.
    pub async fn flood(&mut self, message: &Message, times: usize) -> io::Result<()> {
        for _ in 0..times {
            self.send(message).await?;
        }
        Ok(())
    }

    /// The payload of the next packet.
    ///
    /// # Errors
    /// The client has gone.
    pub async fn receive(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let payload = match &mut self.keys {
                Some(keys) => keys.from_client.open(&mut self.inbox)?,
                None => keys::open_plain(&mut self.inbox)?,
            };
            if let Some(payload) = payload {
                return Ok(payload);
            }
            if self.stream.read_buf(&mut self.inbox).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// The payload of the next packet with this number.
    ///
    /// # Errors
    /// The client has gone.
    pub async fn until(&mut self, number: u8) -> io::Result<Vec<u8>> {
        loop {
            let payload = self.receive().await?;
            if payload.first() == Some(&number) {
                return Ok(payload);
            }
        }
    }

    /// Says nothing more.
    ///
    /// # Errors
    /// The client has gone already.
    pub async fn hang_up(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Waits until the client has gone.
    pub async fn listen(&mut self) {
        let mut space = [0; 8 * 1024];
        while self.stream.read(&mut space).await.is_ok_and(|length| length > 0) {}
    }

    /// Exchanges greetings.
    ///
    /// # Errors
    /// The client has gone.
    pub async fn greet(&mut self) -> io::Result<()> {
        self.raw(format!("{GREETING}\r\n").as_bytes()).await?;
        self.transcript.server_greeting = GREETING.into();
        let end = loop {
            if let Some(end) = self.inbox.windows(2).position(|two| two == b"\r\n") {
                break end;
            }
            if self.stream.read_buf(&mut self.inbox).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        self.transcript.client_greeting = self.inbox.drain(..end).collect();
        self.inbox.drain(..2);
        Ok(())
    }

    /// Begins a key exchange, with this method.
    ///
    /// # Errors
    /// The client has gone.
    pub async fn begin_exchange(&mut self, kex: &str) -> io::Result<()> {
        let lists = [kex, "ssh-ed25519", CIPHER, CIPHER, MAC, MAC, "none", "none", "", ""];
        let kexinit = kexinit(lists);
        self.send(&kexinit).await?;
        self.transcript.server_kexinit = kexinit.0;
        self.transcript.client_kexinit = self.until(number::KEXINIT).await?;
        Ok(())
    }

    /// Answers the client's ephemeral key.
    ///
    /// # Errors
    /// The client has gone.
    pub async fn reply_to_exchange(&mut self) -> io::Result<Exchanged> {
        let init = self.until(number::KEX_INIT).await?;
        let client_key = init.get(5..).unwrap_or_default();
        let session_id = self.keys.as_ref().map(|keys| keys.session_id.clone());
        let (reply, keys) = keys::agree(&self.transcript, client_key, session_id.as_deref())?;
        self.send(&reply).await?;
        Ok(Exchanged(keys))
    }

    /// Takes the new keys.
    ///
    /// # Errors
    /// The client has gone.
    pub async fn end_exchange(&mut self, Exchanged(keys): Exchanged) -> io::Result<()> {
        self.send(&Message::new(number::NEWKEYS)).await?;
        self.until(number::NEWKEYS).await?;
        self.keys = Some(keys);
        Ok(())
    }

    /// Exchanges keys, for the first time or again.
    ///
    /// # Errors
    /// The client has gone.
    pub async fn exchange_keys(&mut self) -> io::Result<()> {
        self.begin_exchange(KEX).await?;
        let exchanged = self.reply_to_exchange().await?;
        self.end_exchange(exchanged).await
    }

    /// Comes to where the client has its first login request sent.
    ///
    /// # Errors
    /// The client has gone.
    pub async fn hear_login(&mut self) -> io::Result<()> {
        self.greet().await?;
        self.exchange_keys().await?;
        self.until(number::SERVICE_REQUEST).await?;
        self.send(&Message::new(number::SERVICE_ACCEPT).text("ssh-userauth")).await?;
        self.until(number::USERAUTH_REQUEST).await?;
        Ok(())
    }

    /// Refuses a login request, and offers these methods.
    ///
    /// # Errors
    /// The client has gone.
    pub async fn refuse(&mut self, offered: &str) -> io::Result<()> {
        self.send(&Message::new(number::USERAUTH_FAILURE).text(offered).flag(false)).await
    }

    /// Lets the client in, whoever it is.
    ///
    /// # Errors
    /// The client has gone.
    pub async fn let_in(&mut self) -> io::Result<()> {
        self.hear_login().await?;
        self.send(&Message::new(number::USERAUTH_SUCCESS)).await
    }

    /// Waits for the client's channel; the client's name for it.
    ///
    /// # Errors
    /// The client has gone.
    pub async fn hear_channel(&mut self) -> io::Result<u32> {
        let open = self.until(number::CHANNEL_OPEN).await?;
        // The number, and the length and the text of `session`.
        let channel = open.get(12..16).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
        channel.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Confirms a channel with this window and this size of its packets.
    ///
    /// # Errors
    /// The client has gone.
    pub async fn confirm(&mut self, channel: u32, window: u32, packet: u32) -> io::Result<()> {
        let confirmation = Message::new(number::CHANNEL_OPEN_CONFIRMATION).number(channel).number(CHANNEL);
        self.send(&confirmation.number(window).number(packet)).await
    }

    /// Grants whatever the client asks next of its channel.
    ///
    /// # Errors
    /// The client has gone.
    pub async fn grant(&mut self, channel: u32) -> io::Result<()> {
        self.until(number::CHANNEL_REQUEST).await?;
        self.send(&Message::new(number::CHANNEL_SUCCESS).number(channel)).await
    }

    /// Lets the client in and confirms its channel; the client's name for it.
    ///
    /// # Errors
    /// The client has gone.
    pub async fn open_channel(&mut self) -> io::Result<u32> {
        self.let_in().await?;
        let channel = self.hear_channel().await?;
        self.confirm(channel, 1 << 20, 32 * 1024).await?;
        Ok(channel)
    }

    /// Lets the client in and grants its terminal and its shell; the client's name for the channel.
    ///
    /// # Errors
    /// The client has gone.
    pub async fn open_shell(&mut self) -> io::Result<u32> {
        let channel = self.open_channel().await?;
        self.grant(channel).await?;
        self.grant(channel).await?;
        Ok(channel)
    }

    /// Prints in the shell.
    ///
    /// # Errors
    /// The client has gone.
    pub async fn print(&mut self, channel: u32, text: &str) -> io::Result<()> {
        self.send(&Message::new(number::CHANNEL_DATA).number(channel).text(text)).await
    }
}

/// Keys that are agreed and not used yet.
pub struct Exchanged(Keys);

const CIPHER: &str = "aes256-gcm@openssh.com";
const MAC: &str = "hmac-sha2-256-etm@openssh.com";

/// The message that names algorithms: ten lists.
#[must_use]
pub fn kexinit(lists: [&str; 10]) -> Message {
    let message = lists.into_iter().fold(Message::new(number::KEXINIT).raw([0; 16]), Message::text);
    message.flag(false).number(0)
}
