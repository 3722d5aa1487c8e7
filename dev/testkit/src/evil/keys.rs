//! The one key exchange (curve25519-sha256 with an ssh-ed25519 host key) and the one cipher
//! (aes256-gcm@openssh.com) of the server by hand.

use std::io;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral},
    digest::{SHA256, digest},
    error::Unspecified,
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};

use super::message::{Message, number};

const TAG: usize = 16;
const BLOCK: usize = 16;

/// The bytes that both sides sign for.
#[derive(Default)]
pub(crate) struct Transcript {
    pub(crate) client_greeting: Vec<u8>,
    pub(crate) server_greeting: Vec<u8>,
    pub(crate) client_kexinit: Vec<u8>,
    pub(crate) server_kexinit: Vec<u8>,
}

/// Both directions' keys.
pub(crate) struct Keys {
    pub(crate) session_id: Vec<u8>,
    pub(crate) from_client: Direction,
    pub(crate) to_client: Direction,
}

/// What the server answers to the client's ephemeral key, and the keys that follow from it.
pub(crate) fn agree(
    transcript: &Transcript,
    client_key: &[u8],
    session_id: Option<&[u8]>,
) -> io::Result<(Message, Keys)> {
    let secret = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).map_err(broken)?;
    let server_key = secret.compute_public_key().map_err(broken)?;
    let host = Ed25519KeyPair::generate().map_err(broken)?;
    let host_key = Message(Vec::new()).text("ssh-ed25519").text(host.public_key().as_ref()).0;
    let shared =
        agree_ephemeral(secret, UnparsedPublicKey::new(&X25519, client_key), Unspecified, |shared| {
            Ok(mpint(shared))
        });
    let shared = shared.map_err(broken)?;
    let signed = Message(Vec::new())
        .text(&transcript.client_greeting)
        .text(&transcript.server_greeting)
        .text(&transcript.client_kexinit)
        .text(&transcript.server_kexinit)
        .text(&host_key)
        .text(client_key)
        .text(server_key.as_ref())
        .text(&shared);
    let hash = digest(&SHA256, &signed.0);
    let signature = Message(Vec::new()).text("ssh-ed25519").text(host.sign(hash.as_ref()).as_ref()).0;
    let reply = Message::new(number::KEX_REPLY).text(host_key).text(server_key.as_ref()).text(signature);

    let session_id = session_id.unwrap_or(hash.as_ref()).to_vec();
    let derive = |letter: u8| {
        let seed = Message(Vec::new()).text(&shared).raw(hash.as_ref()).raw([letter]).raw(&session_id);
        digest(&SHA256, &seed.0)
    };
    let direction = |iv: u8, key: u8| Direction::new(derive(iv).as_ref(), derive(key).as_ref());
    let (from_client, to_client) = (direction(b'A', b'C')?, direction(b'B', b'D')?);
    Ok((reply, Keys { session_id, from_client, to_client }))
}

/// One direction's key, and its counter.
pub(crate) struct Direction {
    key: LessSafeKey,
    fixed: [u8; 4],
    counter: u64,
}

impl Direction {
    fn new(iv: &[u8], key: &[u8]) -> io::Result<Self> {
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).map_err(broken)?);
        let mut fixed = [0; 4];
        fixed.copy_from_slice(&iv[..4]);
        let mut counter = [0; 8];
        counter.copy_from_slice(&iv[4..12]);
        Ok(Self { key, fixed, counter: u64::from_be_bytes(counter) })
    }

    fn nonce(&mut self) -> Nonce {
        let mut nonce = [0; 12];
        nonce[..4].copy_from_slice(&self.fixed);
        nonce[4..].copy_from_slice(&self.counter.to_be_bytes());
        self.counter = self.counter.wrapping_add(1);
        Nonce::assume_unique_for_key(nonce)
    }

    /// A packet with this payload.
    pub(crate) fn seal(&mut self, payload: &[u8]) -> io::Result<Vec<u8>> {
        let mut packet = padded(payload, 0);
        let mut body = packet.split_off(4);
        let nonce = self.nonce();
        self.key.seal_in_place_append_tag(nonce, Aad::from(&packet), &mut body).map_err(broken)?;
        packet.extend(body);
        Ok(packet)
    }

    /// The payload of the first packet in `inbox`, if all of it is there.
    pub(crate) fn open(&mut self, inbox: &mut Vec<u8>) -> io::Result<Option<Vec<u8>>> {
        let Some(length) = whole(inbox, TAG) else { return Ok(None) };
        let mut packet: Vec<u8> = inbox.drain(..length).collect();
        let (head, body) = packet.split_at_mut(4);
        let nonce = self.nonce();
        let plain = self.key.open_in_place(nonce, Aad::from(head), body).map_err(broken)?;
        payload(plain).map(Some)
    }
}

/// A packet without a cipher.
pub(crate) fn plain(payload: &[u8]) -> Vec<u8> {
    padded(payload, 4)
}

/// The payload of the first packet in `inbox` that has no cipher, if all of it is there.
pub(crate) fn open_plain(inbox: &mut Vec<u8>) -> io::Result<Option<Vec<u8>>> {
    let Some(length) = whole(inbox, 0) else { return Ok(None) };
    let packet: Vec<u8> = inbox.drain(..length).collect();
    payload(&packet[4..]).map(Some)
}

/// Length, padding's length, payload, padding; `counted` bytes of the length count for the blocks.
fn padded(payload: &[u8], counted: usize) -> Vec<u8> {
    let mut padding = BLOCK - (counted + 1 + payload.len()) % BLOCK;
    if padding < 4 {
        padding += BLOCK;
    }
    let length = u32::try_from(1 + payload.len() + padding).unwrap_or(u32::MAX);
    let mut packet = length.to_be_bytes().to_vec();
    packet.push(u8::try_from(padding).unwrap_or(u8::MAX));
    packet.extend_from_slice(payload);
    packet.resize(packet.len() + padding, 0);
    packet
}

/// The length of the first packet with its tag, if all of it is there.
fn whole(inbox: &[u8], tag: usize) -> Option<usize> {
    let length = u32::from_be_bytes(*inbox.first_chunk()?) as usize + 4 + tag;
    (inbox.len() >= length).then_some(length)
}

fn payload(packet: &[u8]) -> io::Result<Vec<u8>> {
    let (&padding, rest) = packet.split_first().ok_or(io::ErrorKind::InvalidData)?;
    let length = rest.len().checked_sub(padding.into()).ok_or(io::ErrorKind::InvalidData)?;
    Ok(rest[..length].to_vec())
}

/// The bytes of a positive number, without those that say nothing.
fn mpint(number: &[u8]) -> Vec<u8> {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    let number = &number[start..];
    let sign = number.first().is_some_and(|byte| *byte > 0x7f).then_some(0);
    sign.into_iter().chain(number.iter().copied()).collect()
}

fn broken<E>(_: E) -> io::Error {
    io::ErrorKind::InvalidData.into()
}
