//! What two sides agreed on, or why they did not.

use engine::{
    AlgorithmKind, ConnectionFacts, DialError, HostKeyFacts, NoCommonAlgorithm, Offers, Preset, Remedy,
};
use russh::{Names, compression::Compression};
use tracing::{info, warn};

use crate::{
    algorithms::{self, Offer},
    greeting::Greeting,
    host_key::Proved,
    kexinit::{Opening, Proposal},
};

/// What is known of a connection whose keys are there.
pub(crate) fn facts(
    target: String,
    offer: Offer,
    opening: Opening,
    agreed: &Names,
    proved: &Proved,
) -> ConnectionFacts {
    let host_key =
        if proved.is_certificate { agreed.key.to_certificate_type() } else { agreed.key.to_string() };
    let cipher = agreed.cipher.as_ref().to_owned();
    let mac = (!algorithms::guards_itself(&cipher)).then(|| agreed.server_mac.as_ref().to_owned());
    let key_exchange = agreed.kex.as_ref().to_owned();
    let used = [&key_exchange, &host_key, &cipher].into_iter().chain(&mac);
    let good = algorithms::proposal(Offer::of(Preset::Compatible));
    let is_strict = agreed.strict_kex();
    let is_weak = |name: &&String| {
        !good.names().any(|good| good == *name) || algorithms::is_open_to_cuts(name, is_strict)
    };
    let weak = used.filter(is_weak).cloned().collect();
    ConnectionFacts {
        target,
        server: opening.identification.unwrap_or_default(),
        preset: offer.preset,
        is_post_quantum: algorithms::is_post_quantum(agreed.kex),
        is_strict,
        key_exchange,
        host_key: HostKeyFacts { algorithm: host_key, fingerprint: proved.fingerprint, proof: proved.proof },
        cipher,
        mac,
        compression: match agreed.server_compression {
            Compression::None => None,
            Compression::Zlib => Some("zlib".to_owned()),
            Compression::ZlibOpenSSH => Some("zlib@openssh.com".to_owned()),
        },
        weak,
    }
}

/// What a connection is there for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Session,
    JumpHost,
}

/// Writes down how a connection is protected on which somebody has logged in: one line for each.
pub(crate) fn record(facts: &ConnectionFacts, purpose: Purpose) {
    let ConnectionFacts { target, server, preset, key_exchange, host_key, cipher, .. } = facts;
    let HostKeyFacts { algorithm, fingerprint, proof } = host_key;
    let (mac, compression) = (facts.mac.as_deref(), facts.compression.as_deref());
    let opened = match purpose {
        Purpose::Session => "a session is open",
        Purpose::JumpHost => "a jump host lets the session through",
    };
    macro_rules! line {
        ($level:ident, $($words:tt)+) => {
            $level!(
                target, server, %preset, key_exchange, host_key = algorithm, %fingerprint, %proof, cipher, mac,
                compression, weak = facts.weak.join(", "), $($words)+
            )
        };
    }
    match preset {
        Preset::Legacy => line!(warn, "{opened}, and may be protected by what is broken"),
        Preset::Modern | Preset::Compatible => line!(info, "{opened}"),
    }
}

/// Adds to a disagreement what the server said it can do, and what would help.
pub(crate) fn explain(mut error: NoCommonAlgorithm, offer: Offer, theirs: &Proposal) -> NoCommonAlgorithm {
    error.offers = offers(offer, theirs);
    // What it is about stands first.
    error.offers.sort_by_key(|offers| offers.kind != error.kind);
    error.remedy = remedy(offer, theirs);
    error
}

/// What both sides offer, kind by kind.
pub(crate) fn offers(offer: Offer, theirs: &Proposal) -> Vec<Offers> {
    let ours = algorithms::proposal(offer);
    [
        (AlgorithmKind::KeyExchange, ours.key_exchanges, &theirs.key_exchanges),
        (AlgorithmKind::HostKey, ours.host_keys, &theirs.host_keys),
        (AlgorithmKind::Cipher, ours.ciphers, &theirs.ciphers),
        (AlgorithmKind::Mac, ours.macs, &theirs.macs),
        (AlgorithmKind::Compression, ours.compressions, &theirs.compressions),
    ]
    .into_iter()
    .map(|(kind, ours, theirs)| Offers { kind, ours, theirs: theirs.clone() })
    .collect()
}

fn remedy(offer: Offer, theirs: &Proposal) -> Remedy {
    match strongest(offer, theirs) {
        Some(_) if offer.require_post_quantum => Remedy::NoPostQuantum,
        Some(preset) => named(preset, offer.ceiling),
        None => Remedy::Nothing,
    }
}

/// The strongest preset that would work with a server, at once or in a second handshake.
fn strongest(offer: Offer, theirs: &Proposal) -> Option<Preset> {
    let would_work = |preset: &Preset| {
        let first = Offer { preset: *preset, require_post_quantum: false, may_be_chacha: true, ..offer };
        agree(first, theirs) || agree(first.without_chacha(), theirs)
    };
    Preset::ALL.into_iter().find(would_work)
}

/// What was offered to a server, and what it said in the clear.
pub(crate) struct Terms {
    pub(crate) offer: Offer,
    pub(crate) greeting: Greeting,
}

impl Terms {
    /// Makes sure, as soon as that can be told, that what will be agreed on cannot be tampered with: nobody
    /// need be asked about the host otherwise.
    pub(crate) fn will_be_strict_enough(&self, target: &str) -> Result<(), DialError> {
        let Some(theirs) = self.greeting.opening().proposal else { return Ok(()) };
        let cipher = common(&algorithms::proposal(self.offer).ciphers, &theirs.ciphers).unwrap_or_default();
        self.is_strict_enough(target, &cipher, theirs.is_strict)
    }

    /// Makes sure that what was agreed on cannot be tampered with.
    pub(crate) fn is_strict_enough(
        &self,
        target: &str,
        cipher: &str,
        is_strict: bool,
    ) -> Result<(), DialError> {
        if self.offer.forbids(cipher, is_strict) {
            let preset = self.greeting.opening().proposal.and_then(|theirs| strongest(self.offer, &theirs));
            let remedy = named(preset.unwrap_or(Preset::Legacy), self.offer.ceiling);
            return Err(DialError::NotStrict { target: target.to_owned(), remedy });
        }
        Ok(())
    }
}

/// The preset that would help a user whose key must sign with SHA-1.
pub(crate) fn sha1_remedy(ceiling: Preset) -> Remedy {
    named(Preset::Legacy, ceiling)
}

fn named(preset: Preset, ceiling: Preset) -> Remedy {
    if preset > ceiling { Remedy::ForbiddenPreset(preset) } else { Remedy::Preset(preset) }
}

fn common(ours: &[String], theirs: &[String]) -> Option<String> {
    ours.iter().find(|name| theirs.contains(name)).cloned()
}

/// Whether this offer and a server have something in common of each kind, and nothing that is forbidden.
fn agree(offer: Offer, theirs: &Proposal) -> bool {
    let ours = algorithms::proposal(offer);
    let Some(cipher) = common(&ours.ciphers, &theirs.ciphers) else { return false };
    let guarded = algorithms::guards_itself(&cipher) || common(&ours.macs, &theirs.macs).is_some();
    guarded
        && !offer.forbids(&cipher, theirs.is_strict)
        && common(&ours.key_exchanges, &theirs.key_exchanges).is_some()
        && common(&ours.host_keys, &theirs.host_keys).is_some()
        && common(&ours.compressions, &theirs.compressions).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str) -> Vec<String> {
        list.split(' ').map(str::to_owned).collect()
    }

    fn server(key_exchanges: &str, host_keys: &str, ciphers: &str, macs: &str) -> Proposal {
        Proposal {
            key_exchanges: names(key_exchanges),
            host_keys: names(host_keys),
            ciphers: names(ciphers),
            macs: names(macs),
            compressions: names("none"),
            is_strict: false,
        }
    }

    fn remedy_for(server: &Proposal, ceiling: Preset) -> Remedy {
        remedy(Offer { ceiling, ..Offer::of(Preset::Modern) }, server)
    }

    #[test]
    fn the_strongest_preset_that_would_work_is_named_and_whether_it_may_be_used() {
        let older = server("diffie-hellman-group14-sha256", "rsa-sha2-512", "aes128-ctr", "hmac-sha2-256");
        assert_eq!(remedy_for(&older, Preset::Legacy), Remedy::Preset(Preset::Compatible));
        assert_eq!(remedy_for(&older, Preset::Modern), Remedy::ForbiddenPreset(Preset::Compatible));
        let old = server("diffie-hellman-group1-sha1", "ssh-rsa", "3des-cbc", "hmac-sha1");
        assert_eq!(remedy_for(&old, Preset::Legacy), Remedy::Preset(Preset::Legacy));
        assert_eq!(remedy_for(&old, Preset::Compatible), Remedy::ForbiddenPreset(Preset::Legacy));
    }

    #[test]
    fn a_cipher_that_can_be_tampered_with_is_none_to_agree_on_below_legacy() {
        let chacha = "chacha20-poly1305@openssh.com";
        let only = server("curve25519-sha256", "ssh-ed25519", chacha, "hmac-sha2-256");
        assert_eq!(remedy_for(&only, Preset::Legacy), Remedy::Preset(Preset::Legacy));
        // The second handshake has this cipher, and the code for it needs another preset.
        let ciphers = format!("{chacha} aes256-ctr");
        let beside = server("curve25519-sha256", "ssh-ed25519", &ciphers, "hmac-sha2-256");
        assert_eq!(remedy_for(&beside, Preset::Legacy), Remedy::Preset(Preset::Compatible));
    }

    #[test]
    fn what_no_preset_has_is_no_remedy() {
        let alien = server("curve25519-sha256", "ssh-dss", "aes256-ctr", "hmac-sha2-256-etm@openssh.com");
        assert_eq!(remedy_for(&alien, Preset::Legacy), Remedy::Nothing);
        let unguarded = server("curve25519-sha256", "ssh-ed25519", "aes256-ctr", "hmac-md5");
        assert_eq!(remedy_for(&unguarded, Preset::Legacy), Remedy::Nothing);
    }

    #[test]
    fn a_server_without_a_post_quantum_exchange_is_told_from_one_that_is_old() {
        let today = server("curve25519-sha256", "ssh-ed25519", "aes256-gcm@openssh.com", "hmac-md5");
        let offer = Offer { require_post_quantum: true, ..Offer::of(Preset::Modern) };
        assert_eq!(remedy(offer, &today), Remedy::NoPostQuantum);
    }
}
