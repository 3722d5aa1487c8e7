//! What this client offers in the SSH handshake, in which order, and the sizes of its buffers.

mod policy;
mod presets;

use std::{borrow::Cow, sync::Arc, time::Duration};

use engine::Preset;
use russh::{
    Limits, Preferred, SshId,
    client::{Config, GexParams},
    compression,
    keys::Algorithm,
};

pub use self::policy::AlgorithmPolicy;
pub(crate) use self::presets::{guards_itself, is_post_quantum};
use crate::{gate, kexinit::Proposal, socket};

/// What a target may have on its way, in bytes. With what waits at the gate it is what a flood leaves
/// behind a Ctrl-C, beside what was on its way to the page: 256 KiB at the most.
pub(crate) const WINDOW: u32 = 192 * 1024;
const MAX_PACKET: u32 = 32 * 1024;
/// No packet with a message is smaller than this, in bytes on the wire.
const SMALLEST_PACKET: usize = 32;
/// What wraps the bytes of a message of a channel, in bytes; russh ends a connection on which more
/// than two windows of messages come in the middle of a key exchange.
const WRAPPING: usize = 9;
/// How many messages of a channel may wait for their reader: more than ever do, because the gate
/// shuts before. Behind it come at most the packet that russh is in, what a key exchange lets
/// through, and what was read ahead of a connection's end.
const CHANNEL_MESSAGES: usize = gate::FULL_AT / gate::MESSAGE
    + 2 * WINDOW as usize / WRAPPING
    + (socket::AHEAD_LIMIT + 64 * 1024) / SMALLEST_PACKET;

/// The groups that a key exchange may have that leaves them to the server, in bits.
const SMALLEST_GROUP: usize = 2048;
const LARGEST_GROUP: usize = 8192;

/// What is offered to one server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer {
    /// The algorithms to choose from.
    pub(crate) preset: Preset,
    /// The weakest that might have been offered.
    pub(crate) ceiling: Preset,
    /// Only a key exchange that a quantum computer does not undo.
    pub(crate) require_post_quantum: bool,
    /// Compression after the login, if the server does it.
    pub(crate) compression: bool,
    /// Whether chacha20-poly1305 is among the ciphers.
    pub(crate) may_be_chacha: bool,
}

impl Offer {
    /// All of a preset, and nothing that is asked for.
    pub(crate) const fn of(preset: Preset) -> Self {
        Self { preset, ceiling: preset, require_post_quantum: false, compression: false, may_be_chacha: true }
    }

    /// The same without the cipher that only a strict key exchange makes safe.
    pub(crate) fn without_chacha(self) -> Self {
        Self { may_be_chacha: false, ..self }
    }

    /// Whether messages can be cut out of a connection with this cipher (Terrapin), and may not be.
    pub(crate) fn forbids(&self, cipher: &str, is_strict: bool) -> bool {
        is_open_to_cuts(cipher, is_strict) && self.preset < Preset::Legacy
    }
}

/// What a host may prove itself with, in the order in which it is asked for.
#[derive(Clone)]
pub(crate) struct HostProofs {
    /// Certificates of keys of these types; before every key that is none.
    pub(crate) certificates: Vec<Algorithm>,
    /// Keys of these types.
    pub(crate) keys: Vec<Algorithm>,
}

/// The client's configuration, asking for these proofs of the host.
pub(crate) fn config(offer: Offer, proofs: HostProofs) -> Arc<Config> {
    Arc::new(Config {
        // The minus sign is not allowed in the name, and the version would only tell an attacker.
        client_id: SshId::Standard(Cow::Borrowed("SSH-2.0-AlfrescoSSH")),
        window_size: WINDOW,
        maximum_packet_size: MAX_PACKET,
        channel_buffer_size: CHANNEL_MESSAGES,
        preferred: preferred(offer, proofs),
        // The least that the library has as well.
        gex: GexParams::new(SMALLEST_GROUP, LARGEST_GROUP, LARGEST_GROUP).unwrap_or_default(),
        // Whether the target is alive is judged below russh, which does not hear it while the gate
        // is shut.
        keepalive_interval: None,
        inactivity_timeout: None,
        // Keys are changed when we say so (`keys.rs`).
        limits: Limits {
            rekey_write_limit: usize::MAX,
            rekey_read_limit: usize::MAX,
            rekey_time_limit: Duration::MAX,
        },
        nodelay: true,
        ..Config::default()
    })
}

fn preferred(offer: Offer, proofs: HostProofs) -> Preferred {
    let Offer { preset, require_post_quantum, compression, may_be_chacha, .. } = offer;
    let compression: &[_] =
        if compression { &[compression::ZLIB_LEGACY, compression::NONE] } else { &[compression::NONE] };
    Preferred {
        kex: Cow::Owned(presets::key_exchanges(preset, require_post_quantum)),
        key: Cow::Owned(proofs.keys),
        host_key_certificates: Cow::Owned(proofs.certificates),
        cipher: Cow::Owned(presets::ciphers(preset, cpu_has_aes(), may_be_chacha)),
        mac: Cow::Owned(presets::macs(preset)),
        compression: Cow::Owned(compression.to_vec()),
    }
}

/// Terrapin: without the strict key exchange, messages can be cut off the start of this cipher's stream.
pub(crate) fn is_open_to_cuts(cipher: &str, is_strict: bool) -> bool {
    cipher == russh::cipher::CHACHA20_POLY1305.as_ref() && !is_strict
}

/// The names of all that is offered.
pub(crate) fn proposal(offer: Offer) -> Proposal {
    let Preferred { kex, key, host_key_certificates, cipher, mac, compression } =
        preferred(offer, host_proofs(offer.preset, &[], true));
    let certificates = host_key_certificates.iter().map(Algorithm::to_certificate_type);
    Proposal {
        key_exchanges: names(kex.iter().filter(|name| presets::is_key_exchange(**name))),
        host_keys: key.iter().map(ToString::to_string).chain(certificates).collect(),
        ciphers: names(cipher.iter()),
        macs: names(mac.iter()),
        compressions: names(compression.iter()),
        is_strict: true,
    }
}

fn names<'a, T: AsRef<str> + 'a>(list: impl Iterator<Item = &'a T>) -> Vec<String> {
    list.map(|name| name.as_ref().to_owned()).collect()
}

/// What to ask of a host, the known types of keys first: a server has several keys, and only one that
/// is known proves anything. A certificate does if there is an authority.
pub(crate) fn host_proofs(preset: Preset, known: &[Algorithm], has_authority: bool) -> HostProofs {
    let (mut keys, rest): (Vec<_>, Vec<_>) = presets::host_keys(preset)
        .into_iter()
        .partition(|ours| known.iter().any(|theirs| is_same_type(ours, theirs)));
    keys.extend(rest);
    HostProofs { certificates: if has_authority { presets::certificates() } else { Vec::new() }, keys }
}

/// The kinds of keys that a server keeps to itself while both sides have Ed25519. A pinned
/// fingerprint may be one of theirs: it does not tell the type of its key.
pub(crate) fn other_host_keys(preset: Preset) -> [HostProofs; 2] {
    let is_rsa = |key: &Algorithm| matches!(key, Algorithm::Rsa { .. });
    let is_ecdsa = |key: &Algorithm| matches!(key, Algorithm::Ecdsa { .. });
    let only = |is_wanted: fn(&Algorithm) -> bool| {
        let keys = presets::host_keys(preset).into_iter().filter(is_wanted).collect();
        HostProofs { certificates: Vec::new(), keys }
    };
    [only(is_ecdsa), only(is_rsa)]
}

/// Whether RSA keys, of hosts and of users, may sign with SHA-1.
pub(crate) fn allow_sha1(preset: Preset) -> bool {
    presets::host_keys(preset).contains(&Algorithm::Rsa { hash: None })
}

/// Whether a key of type `key` can sign as `algorithm`: RSA has several names.
fn is_same_type(algorithm: &Algorithm, key: &Algorithm) -> bool {
    algorithm == key || matches!((algorithm, key), (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }))
}

#[cfg(target_arch = "x86_64")]
fn cpu_has_aes() -> bool {
    std::arch::is_x86_feature_detected!("aes") && std::arch::is_x86_feature_detected!("pclmulqdq")
}

#[cfg(target_arch = "aarch64")]
fn cpu_has_aes() -> bool {
    std::arch::is_aarch64_feature_detected!("aes") && std::arch::is_aarch64_feature_detected!("pmull")
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn cpu_has_aes() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use russh::{cipher, kex, keys::HashAlg, mac};

    use super::*;

    const OFFER: Offer = Offer::of(Preset::Modern);

    fn offered(offer: Offer) -> Preferred {
        preferred(offer, host_proofs(offer.preset, &[], false))
    }

    fn names<T: AsRef<str>>(list: &[T]) -> Vec<&str> {
        list.iter().map(AsRef::as_ref).collect()
    }

    #[test]
    fn the_modern_preset_has_nothing_that_is_weak() {
        let modern = offered(OFFER);
        let kex = names(&modern.kex);
        assert_eq!(kex[0], "mlkem768x25519-sha256");
        assert!(kex.iter().all(|name| !name.ends_with("sha1") && !name.contains("group14")), "{kex:?}");
        assert!(!modern.kex.contains(&kex::DH_GEX_SHA256));
        for name in
            [kex::ECDH_SHA2_NISTP256, kex::ECDH_SHA2_NISTP384, kex::ECDH_SHA2_NISTP521, kex::DH_G16_SHA512]
        {
            assert!(modern.kex.contains(&name));
        }
        assert!(names(&modern.mac).iter().all(|name| name.ends_with("-etm@openssh.com")));
        assert!(!modern.key.contains(&Algorithm::Rsa { hash: None }));
        assert!(names(&modern.cipher).iter().all(|name| !name.ends_with("cbc")));
        assert_eq!(modern.compression.as_ref(), [compression::NONE]);
    }

    #[test]
    fn a_weaker_preset_has_what_it_adds_behind_what_was_there() {
        let [modern, compatible, legacy] = Preset::ALL.map(|preset| offered(Offer::of(preset)));
        let extensions = 2;
        let exchanges = |preferred: &Preferred| preferred.kex[..preferred.kex.len() - extensions].to_vec();
        let added = |weaker: &[kex::Name], stronger: &[kex::Name]| {
            assert!(weaker.starts_with(stronger));
            weaker[stronger.len()..].to_vec()
        };
        assert_eq!(
            added(&exchanges(&compatible), &exchanges(&modern)),
            [kex::DH_GEX_SHA256, kex::DH_G14_SHA256]
        );
        assert_eq!(added(&exchanges(&legacy), &exchanges(&compatible)), [kex::DH_G14_SHA1, kex::DH_G1_SHA1]);
        assert_eq!(compatible.mac[modern.mac.len()..], [mac::HMAC_SHA512, mac::HMAC_SHA256]);
        assert_eq!(legacy.mac[compatible.mac.len()..], [mac::HMAC_SHA1]);
        assert_eq!(compatible.cipher, modern.cipher);
        let cbc = ["aes256-cbc", "aes192-cbc", "aes128-cbc", "3des-cbc"];
        assert_eq!(names(&legacy.cipher[modern.cipher.len()..]), cbc);
        assert_eq!(compatible.key, modern.key);
        assert_eq!(legacy.key[modern.key.len()..], [Algorithm::Rsa { hash: None }]);
    }

    #[test]
    fn where_quantum_computers_count_there_is_one_key_exchange_whatever_the_preset() {
        for preset in Preset::ALL {
            let offer = Offer { require_post_quantum: true, ..Offer::of(preset) };
            assert_eq!(
                names(&offered(offer).kex),
                ["mlkem768x25519-sha256", "ext-info-c", "kex-strict-c-v00@openssh.com"]
            );
        }
    }

    #[test]
    fn a_group_has_2048_bits_at_least() {
        let config = config(Offer::of(Preset::Legacy), host_proofs(Preset::Legacy, &[], false));
        assert_eq!((config.gex.min_group_size(), config.gex.max_group_size()), (2048, 8192));
    }

    #[test]
    fn compression_begins_after_the_login_and_only_if_it_is_asked_for() {
        let offer = Offer { compression: true, ..OFFER };
        assert_eq!(names(&offered(offer).compression), ["zlib@openssh.com", "none"]);
    }

    #[test]
    fn the_cipher_follows_the_cpu() {
        let first = |has_aes, may_be_chacha| presets::ciphers(Preset::Modern, has_aes, may_be_chacha)[0];
        assert_eq!(first(true, true), cipher::AES_256_GCM);
        assert_eq!(first(false, true), cipher::CHACHA20_POLY1305);
        assert_eq!(first(false, false), cipher::AES_256_GCM);
    }

    #[test]
    fn known_key_types_come_first() {
        let HostProofs { certificates, keys } =
            host_proofs(Preset::Legacy, &[Algorithm::Rsa { hash: None }], false);
        assert_eq!(certificates, []);
        assert_eq!(keys[0], Algorithm::Rsa { hash: Some(HashAlg::Sha512) });
        assert_eq!(keys[1], Algorithm::Rsa { hash: Some(HashAlg::Sha256) });
        assert_eq!(keys[2], Algorithm::Rsa { hash: None });
        assert_eq!(keys[3], Algorithm::Ed25519);
        assert_eq!(keys.len(), presets::host_keys(Preset::Legacy).len());
    }

    #[test]
    fn an_authority_asks_for_certificates_and_never_for_sha1() {
        let proofs = host_proofs(Preset::Legacy, &[Algorithm::Rsa { hash: None }], true);
        assert_eq!(proofs.certificates, presets::host_keys(Preset::Modern));
        assert!(!proofs.certificates.contains(&Algorithm::Rsa { hash: None }));
    }
}
