//! What a server says in the clear before the keys are exchanged: its identification, and in its
//! KEXINIT what it can do (RFC 4253, sections 4.2 and 7.1).
//!
//! Must not know russh, which reads the same for itself. Every byte is a stranger's.

use crate::{string::take_string, text};

/// RFC 4251 lets no name be longer, in characters.
const NAME_LIMIT: usize = 64;
/// How long an identification is, in characters, with what stands in its line.
const IDENTIFICATION_LIMIT: usize = 255;
const KEXINIT: u8 = 20;
/// IGNORE, UNIMPLEMENTED and DEBUG, which may come at any time.
const ASIDES: std::ops::RangeInclusive<u8> = 2..=4;
const COOKIE: usize = 16;
const STRICT_SERVER: &str = "kex-strict-s-v00@openssh.com";
/// What a server puts among its key exchanges to say what else it can do.
const EXTENSIONS: [&str; 2] = [STRICT_SERVER, "ext-info-s"];

/// What a server said so far.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Opening {
    /// `SSH-2.0-…`, once it came; clean.
    pub(crate) identification: Option<String>,
    /// What it can do, once it said so.
    pub(crate) proposal: Option<Proposal>,
}

/// What one side can do, the names that it likes best first. Those of a server are clean.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Proposal {
    pub(crate) key_exchanges: Vec<String>,
    pub(crate) host_keys: Vec<String>,
    /// Of these and the following, what is good in both directions.
    pub(crate) ciphers: Vec<String>,
    pub(crate) macs: Vec<String>,
    pub(crate) compressions: Vec<String>,
    /// Whether it knows the strict key exchange.
    pub(crate) is_strict: bool,
}

impl Proposal {
    /// All names of all kinds.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        let Self { key_exchanges, host_keys, ciphers, macs, compressions, .. } = self;
        [key_exchanges, host_keys, ciphers, macs, compressions].into_iter().flatten()
    }
}

/// Reads what a server said first, whole or not.
pub(crate) fn read(mut said: &[u8]) -> Opening {
    // Lines of other words may come before the identification.
    while let Some(end) = said.iter().position(|byte| *byte == b'\n') {
        let (line, rest) = (&said[..end], &said[end + 1..]);
        if line.starts_with(b"SSH-") {
            let identification = text::line(&String::from_utf8_lossy(line), IDENTIFICATION_LIMIT);
            return Opening { identification: Some(identification), proposal: first_proposal(rest) };
        }
        said = rest;
    }
    Opening::default()
}

fn first_proposal(mut packets: &[u8]) -> Option<Proposal> {
    loop {
        let packet = take_string(&mut packets)?;
        let (padding, rest) = packet.split_first()?;
        let payload = rest.get(..rest.len().checked_sub(usize::from(*padding))?)?;
        match payload.split_first()? {
            (&KEXINIT, body) => return proposal(body),
            (aside, _) if ASIDES.contains(aside) => {}
            _ => return None,
        }
    }
}

fn proposal(body: &[u8]) -> Option<Proposal> {
    let mut lists = body.get(COOKIE..)?;
    let mut key_exchanges = take_names(&mut lists)?;
    let is_strict = key_exchanges.iter().any(|name| name == STRICT_SERVER);
    key_exchanges.retain(|name| !EXTENSIONS.contains(&name.as_str()));
    Some(Proposal {
        key_exchanges,
        host_keys: take_names(&mut lists)?,
        ciphers: take_names_of_both_directions(&mut lists)?,
        macs: take_names_of_both_directions(&mut lists)?,
        compressions: take_names_of_both_directions(&mut lists)?,
        is_strict,
    })
}

fn take_names(lists: &mut &[u8]) -> Option<Vec<String>> {
    let list = String::from_utf8_lossy(take_string(lists)?);
    Some(list.split(',').map(|name| text::line(name, NAME_LIMIT)).filter(|name| !name.is_empty()).collect())
}

fn take_names_of_both_directions(lists: &mut &[u8]) -> Option<Vec<String>> {
    let (mut from_client, from_server) = (take_names(lists)?, take_names(lists)?);
    if from_client != from_server {
        from_client.retain(|name| from_server.contains(name));
    }
    Some(from_client)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn string(bytes: &[u8]) -> Vec<u8> {
        let length = u32::try_from(bytes.len()).unwrap();
        [&length.to_be_bytes(), bytes].concat()
    }

    fn packet(payload: &[u8]) -> Vec<u8> {
        string(&[&[4], payload, &[0; 4]].concat())
    }

    /// A KEXINIT of these name lists, which end where the test wants.
    fn kexinit(lists: &[&[u8]]) -> Vec<u8> {
        let mut payload = vec![KEXINIT; 1 + COOKIE];
        lists.iter().for_each(|list| payload.extend(string(list)));
        packet(&payload)
    }

    fn usual() -> Vec<u8> {
        kexinit(&[
            b"curve25519-sha256,ext-info-s,kex-strict-s-v00@openssh.com",
            b"ssh-ed25519",
            b"aes256-ctr,aes128-ctr,3des-cbc",
            b"3des-cbc,aes256-ctr",
            b"hmac-sha2-256",
            b"hmac-sha2-256",
            b"none,zlib@openssh.com",
            b"none,zlib@openssh.com",
            b"",
            b"",
        ])
    }

    fn after_greeting(packets: &[u8]) -> Vec<u8> {
        [b"SSH-2.0-x\r\n", packets].concat()
    }

    fn read_lists(packets: &[u8]) -> Option<Proposal> {
        read(&after_greeting(packets)).proposal
    }

    #[test]
    fn what_a_server_can_do_is_read_behind_whatever_may_come_first() {
        let ignored = packet(b"\x02\0\0\0\x01x");
        let said = [b"welcome\r\nto us\nSSH-2.0-Open\x1bSSH_9 Debian\r\n", &ignored[..], &usual()].concat();
        let Opening { identification, proposal } = read(&said);
        assert_eq!(identification.as_deref(), Some("SSH-2.0-Open SSH_9 Debian"));
        let proposal = proposal.unwrap();
        assert_eq!(proposal.key_exchanges, ["curve25519-sha256"]);
        assert_eq!(proposal.host_keys, ["ssh-ed25519"]);
        assert_eq!(proposal.ciphers, ["aes256-ctr", "3des-cbc"]);
        assert_eq!(proposal.macs, ["hmac-sha2-256"]);
        assert_eq!(proposal.compressions, ["none", "zlib@openssh.com"]);
        assert!(proposal.is_strict);
    }

    #[test]
    fn what_is_not_there_yet_is_not_read() {
        let whole = after_greeting(&usual());
        // The two lists of languages and what follows them are of no interest.
        for length in 0..whole.len() {
            assert_eq!(read(&whole[..length]).proposal, None, "{length}");
        }
        assert_eq!(read(b"SSH-2.0-x"), Opening::default());
        assert_eq!(read(b"220 mail\r\n"), Opening::default());
        assert_eq!(read(b""), Opening::default());
    }

    #[test]
    fn lengths_that_lie_are_not_believed() {
        let mut lying = usual();
        lying[5 + 1 + COOKIE..][..4].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(read_lists(&lying), None);
        assert_eq!(read_lists(&u32::MAX.to_be_bytes()), None);
        assert_eq!(read_lists(&string(&[])), None);
        assert_eq!(read_lists(&string(&[255, KEXINIT])), None);
        assert_eq!(read_lists(&packet(&[])), None);
        assert_eq!(read_lists(&packet(&[KEXINIT; 9])), None);
        assert_eq!(read_lists(&kexinit(&[b"a", b"b", b"c"])), None);
        // Something that is no KEXINIT and nothing that may come before one.
        assert_eq!(read_lists(&[packet(&[21]), usual()].concat()), None);
    }

    #[test]
    fn names_are_made_fit_to_be_shown() {
        let endless = vec![b'x'; 30_000];
        let many = vec![b','; 30_000];
        let lists: [&[u8]; 8] =
            [&endless, b"\xff\xfe,ssh-rsa\x1b[2J", &many, &many, b"", b"", b"<b>", b"<b>"];
        let proposal = read_lists(&kexinit(&lists)).unwrap();
        assert_eq!(proposal.key_exchanges[0].chars().count(), NAME_LIMIT + 1);
        assert_eq!(proposal.host_keys, ["\u{fffd}\u{fffd}", "ssh-rsa [2J"]);
        assert_eq!((proposal.ciphers.len(), proposal.macs.len()), (0, 0));
        assert_eq!(proposal.compressions, ["<b>"]);
    }

    proptest! {
        #[test]
        fn nothing_that_a_server_says_is_too_much(said: Vec<u8>, at: usize, byte: u8) {
            read(&said);
            read_lists(&said);
            let mut bent = after_greeting(&usual());
            let at = at % bent.len();
            bent[at] = byte;
            read(&bent);
        }
    }
}
