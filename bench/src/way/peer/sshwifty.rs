//! sshwifty 0.4: frames of AES-GCM in a WebSocket, and in them packets of up to 64 streams, of which this
//! uses the first. The key comes from what the gateway says, the time, and a passphrase that is empty here.

use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, bail, ensure};
use aws_lc_rs::{
    aead::{
        AES_128_GCM, Aad, BoundKey as _, NONCE_LEN, Nonce, NonceSequence, OpeningKey, SealingKey, UnboundKey,
    },
    error::Unspecified,
    hmac, rand,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::SinkExt as _;
use tokio_tungstenite::tungstenite::Message;

use super::{Heard, Peer, Session, Speech, next};
use crate::lab::Lab;

/// A frame that is longer when sealed is refused.
const FRAME: usize = 4096;
/// The length of a packet's data has 13 bits.
const LONGEST: usize = 0x1fff;
/// The key is another one every so many seconds.
const KEY_SECONDS: u64 = 100;
/// Its page asks for an echo this often; the gateway hangs up on who says nothing for two minutes.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// A control packet of one byte, which asks for an echo.
const ECHO: [u8; 2] = [1, 0];

// The two upper bits of a packet's first byte, and what the first stream's packets begin with.
const CONTROL: u8 = 0;
const STREAM: u8 = 1;
const FIRST_STREAM: u8 = STREAM << 6;

/// The command that opens a shell, with the bit that every start has.
const SSH: u16 = 1 << 12 | SUCCESS;
/// Set in the answer to a start that went well.
const SUCCESS: u16 = 1 << 11;
/// An IPv4 address follows.
const IPV4: u8 = 1;
/// The key is what logs in.
const BY_KEY: u8 = 2;

// What we say.
const KEYS: u8 = 0;
const SIZE: u8 = 1;
const FINGERPRINT_ANSWER: u8 = 2;
const CREDENTIAL: u8 = 3;

// What it says.
const OUTPUT: u8 = 0;
const ERROR_OUTPUT: u8 = 1;
const FAILED: u8 = 3;
const CONNECTED: u8 = 4;
const FINGERPRINT: u8 = 5;
const CREDENTIAL_REQUEST: u8 = 6;

pub(super) async fn open(peer: &Peer, lab: &Lab) -> anyhow::Result<Session> {
    let reply = peer.http().get(&format!("{}/sshwifty/socket/verify", peer.base)).await?;
    let mixer = BASE64_STANDARD.decode(reply.header("x-key"))?;
    ensure!(reply.status == 200 && !mixer.is_empty(), "it wants a passphrase: {}", reply.status);
    let mut socket = peer.socket("/sshwifty/socket", &[]).await?;
    let mut ours = [0; NONCE_LEN];
    rand::fill(&mut ours)?;
    socket.send(Message::binary(ours.to_vec())).await?;
    let theirs = next(&mut socket).await?.into_data();
    let theirs = theirs.as_ref().try_into().context("this is no nonce")?;
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let mut speech = Sshwifty::new(Cipher::new(&key(mixer, seconds), ours, theirs)?);

    let start = start(lab.sshd.username(), lab.sshd.port())?;
    socket.send(speech.cipher.seal(&start)?).await?;
    loop {
        speech.take(next(&mut socket).await?)?;
        while let Some(packet) = speech.packet()? {
            let (marker, data) = match packet {
                Packet::Started => continue,
                Packet::Data(FINGERPRINT, _) => (FINGERPRINT_ANSWER, vec![0]),
                Packet::Data(CREDENTIAL_REQUEST, _) => (CREDENTIAL, lab.sshd.client_key()?.into_bytes()),
                Packet::Data(CONNECTED, _) => (SIZE, vec![0, 24, 0, 80]),
                Packet::Data(marker, text) => bail!("{marker}: {}", String::from_utf8_lossy(&text)),
            };
            let message = speech.say(marker, &data)?;
            socket.send(message).await?;
            if marker == SIZE {
                return Ok(Session::new(socket, speech));
            }
        }
    }
}

/// What frames are sealed with at this time.
fn key(mut mixer: Vec<u8>, seconds: u64) -> [u8; 16] {
    mixer.push(b'+');
    let secret = hmac::Key::new(hmac::HMAC_SHA512, &mixer);
    let tag = hmac::sign(&secret, (seconds / KEY_SECONDS).to_string().as_bytes());
    let mut key = [0; 16];
    key.copy_from_slice(&tag.as_ref()[..16]);
    key
}

/// The packet that asks for a shell on this machine.
fn start(user: &str, port: u16) -> anyhow::Result<Vec<u8>> {
    let length = u8::try_from(user.len()).ok().filter(|length| *length < 128).context("too long a name")?;
    let mut data = vec![length];
    data.extend_from_slice(user.as_bytes());
    data.extend_from_slice(&port.to_be_bytes());
    data.extend_from_slice(&[IPV4, 127, 0, 0, 1, BY_KEY]);
    let mut packet = vec![FIRST_STREAM];
    packet.extend_from_slice(&(SSH | data.len() as u16).to_be_bytes());
    packet.append(&mut data);
    Ok(packet)
}

/// Packets with this data: one, unless it is too long or nothing.
fn packets(marker: u8, data: &[u8]) -> Vec<u8> {
    let mut packets = Vec::with_capacity(data.len() + data.len() / 1024 + 3);
    for part in data.chunks(LONGEST) {
        packets.push(FIRST_STREAM);
        packets.extend_from_slice(&(u16::from(marker) << 13 | part.len() as u16).to_be_bytes());
        packets.extend_from_slice(part);
    }
    packets
}

/// What came on the stream.
#[derive(Debug, Eq, PartialEq)]
enum Packet {
    /// The command runs.
    Started,
    /// A marker, and what it is about.
    Data(u8, Bytes),
}

struct Sshwifty {
    cipher: Cipher,
    /// Packets, the last of which may not be whole: they end where they like, and not with a frame.
    received: BytesMut,
    started: bool,
    /// When it was last asked for an echo.
    asked: Instant,
}

impl Sshwifty {
    fn new(cipher: Cipher) -> Self {
        Self { cipher, received: BytesMut::new(), started: false, asked: Instant::now() }
    }

    fn say(&mut self, marker: u8, data: &[u8]) -> anyhow::Result<Message> {
        self.cipher.seal(&packets(marker, data))
    }

    /// Takes a message, which is one frame.
    fn take(&mut self, message: Message) -> anyhow::Result<()> {
        let mut frame = BytesMut::from(message.into_data());
        self.received.extend_from_slice(self.cipher.open(&mut frame)?);
        Ok(())
    }

    /// The next packet of the stream, if all of it is here.
    fn packet(&mut self) -> anyhow::Result<Option<Packet>> {
        loop {
            let Some(&first) = self.received.first() else { return Ok(None) };
            match first >> 6 {
                CONTROL => {
                    let end = 1 + usize::from(first & 0x3f);
                    if self.received.len() < end {
                        return Ok(None);
                    }
                    self.received.advance(end);
                }
                STREAM => return self.of_stream(),
                _ => bail!("the shell is closed"),
            }
        }
    }

    fn of_stream(&mut self) -> anyhow::Result<Option<Packet>> {
        let Some(header) = self.received.get(1..3) else { return Ok(None) };
        let header = u16::from_be_bytes([header[0], header[1]]);
        if !self.started {
            ensure!(header & SUCCESS != 0, "it does not start, for reason {}", header & (SUCCESS - 1));
            self.received.advance(3);
            self.started = true;
            return Ok(Some(Packet::Started));
        }
        let end = 3 + usize::from(header) % (LONGEST + 1);
        if self.received.len() < end {
            return Ok(None);
        }
        let data = self.received.split_to(end).freeze().slice(3..);
        Ok(Some(Packet::Data((header >> 13) as u8, data)))
    }
}

impl Speech for Sshwifty {
    fn keys(&mut self, keys: &str) -> anyhow::Result<Message> {
        self.say(KEYS, keys.as_bytes())
    }

    fn hear(&mut self, message: Message) -> anyhow::Result<Heard> {
        self.take(message)?;
        let mut output = BytesMut::new();
        while let Some(packet) = self.packet()? {
            match packet {
                Packet::Data(OUTPUT | ERROR_OUTPUT, data) => output.extend_from_slice(&data),
                Packet::Data(FAILED, text) => bail!("{}", String::from_utf8_lossy(&text)),
                other => bail!("an unknown packet {other:?}"),
            }
        }
        let mut heard = Heard::output(output);
        if self.asked.elapsed() >= HEARTBEAT {
            self.asked = Instant::now();
            heard.answer = Some(self.cipher.seal(&ECHO)?);
        }
        Ok(heard)
    }
}

/// The key, with the nonces of both directions.
struct Cipher {
    sealing: SealingKey<Counter>,
    opening: OpeningKey<Counter>,
}

impl Cipher {
    fn new(key: &[u8; 16], ours: [u8; NONCE_LEN], theirs: [u8; NONCE_LEN]) -> anyhow::Result<Self> {
        let key = || UnboundKey::new(&AES_128_GCM, key);
        Ok(Self {
            sealing: SealingKey::new(key()?, Counter::from(ours)),
            opening: OpeningKey::new(key()?, Counter::from(theirs)),
        })
    }

    /// Frames, each with its length before it.
    fn seal(&mut self, packets: &[u8]) -> anyhow::Result<Message> {
        let tag = AES_128_GCM.tag_len();
        let mut frames = Vec::with_capacity(packets.len() + (packets.len() / (FRAME - tag) + 1) * (2 + tag));
        for part in packets.chunks(FRAME - tag) {
            frames.extend_from_slice(&((part.len() + tag) as u16).to_be_bytes());
            let begin = frames.len();
            frames.extend_from_slice(part);
            let tag = self.sealing.seal_in_place_separate_tag(Aad::empty(), &mut frames[begin..])?;
            frames.extend_from_slice(tag.as_ref());
        }
        Ok(Message::binary(frames))
    }

    /// What is in a frame.
    fn open<'frame>(&mut self, frame: &'frame mut [u8]) -> anyhow::Result<&'frame [u8]> {
        let (length, sealed) = frame.split_first_chunk_mut().context("a frame without a length")?;
        ensure!(usize::from(u16::from_be_bytes(*length)) == sealed.len(), "a message that is no frame");
        Ok(self.opening.open_in_place(Aad::empty(), sealed)?)
    }
}

/// A nonce that is one more each time.
struct Counter(u128);

impl From<[u8; NONCE_LEN]> for Counter {
    fn from(nonce: [u8; NONCE_LEN]) -> Self {
        Self(nonce.into_iter().fold(0, |count, byte| count << 8 | u128::from(byte)))
    }
}

impl NonceSequence for Counter {
    fn advance(&mut self) -> Result<Nonce, Unspecified> {
        let bytes = self.0.to_be_bytes();
        self.0 += 1;
        Nonce::try_assume_unique_for_key(&bytes[bytes.len() - NONCE_LEN..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ends; the driver's nonce wraps at its second frame.
    fn both() -> (Sshwifty, Cipher) {
        let (key, ours, theirs) = (key(b"mixer".to_vec(), 1234), [0xff; NONCE_LEN], [7; NONCE_LEN]);
        let speech = Sshwifty::new(Cipher::new(&key, ours, theirs).unwrap());
        (speech, Cipher::new(&key, theirs, ours).unwrap())
    }

    /// What the frames of a message hold.
    fn opened(cipher: &mut Cipher, message: Message) -> Vec<u8> {
        let (mut frames, mut plain) = (message.into_data().to_vec(), Vec::new());
        while !frames.is_empty() {
            let length = 2 + usize::from(u16::from_be_bytes([frames[0], frames[1]]));
            assert!(length <= 2 + FRAME);
            let mut frame: Vec<u8> = frames.drain(..length).collect();
            plain.extend_from_slice(cipher.open(&mut frame).unwrap());
        }
        plain
    }

    #[test]
    fn a_start_names_the_account() {
        let packet = start("root", 2222).unwrap();
        assert_eq!(packet, b"\x40\x18\x0d\x04root\x08\xae\x01\x7f\0\0\x01\x02");
        assert!(start(&"x".repeat(128), 22).is_err());
    }

    #[test]
    fn keys_are_cut_into_packets_and_these_into_frames() {
        let (mut speech, mut gateway) = both();
        let plain = opened(&mut gateway, speech.keys("ls\r").unwrap());
        assert_eq!(plain, b"\x40\0\x03ls\r");
        let plain = opened(&mut gateway, speech.keys(&"x".repeat(LONGEST + 1)).unwrap());
        assert_eq!(plain.len(), LONGEST + 1 + 6);
        assert_eq!(plain[..4], *b"\x40\x1f\xffx");
        assert_eq!(plain[LONGEST + 3..], *b"\x40\0\x01x");
    }

    #[test]
    fn packets_end_where_they_like() {
        let (mut speech, mut gateway) = both();
        let plain = b"\x40\x18\0\x02\0\0\x40\x80\0\x40\0\x05hello\x40\x20\x01!\x80";
        let mut packets = Vec::new();
        let mut closed = false;
        for part in plain.chunks(4) {
            speech.take(gateway.seal(part).unwrap()).unwrap();
            loop {
                match speech.packet() {
                    Ok(Some(packet)) => packets.push(packet),
                    Ok(None) => break,
                    Err(_) => {
                        closed = true;
                        break;
                    }
                }
            }
        }
        let data = |marker, text: &'static str| Packet::Data(marker, Bytes::from(text));
        assert_eq!(
            packets,
            [Packet::Started, data(CONNECTED, ""), data(OUTPUT, "hello"), data(ERROR_OUTPUT, "!")]
        );
        assert!(closed);
    }

    #[test]
    fn a_frame_that_was_touched_is_refused() {
        let (mut speech, mut gateway) = both();
        let mut frame = gateway.seal(&ECHO).unwrap().into_data().to_vec();
        frame[3] ^= 1;
        assert!(speech.take(Message::binary(frame)).is_err());
    }
}
