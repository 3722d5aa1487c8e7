//! What this client offers in the SSH handshake, in which order, and the sizes of its buffers.

use std::{borrow::Cow, sync::Arc, time::Duration};

use russh::{
    Limits, Preferred, SshId, cipher,
    client::Config,
    compression, kex,
    keys::{Algorithm, EcdsaCurve, HashAlg},
    mac,
};

use crate::{gate, socket};

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

/// Without SHA-1; the NIST curves are there for appliances that know nothing else.
const KEX: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_GEX_SHA256,
    kex::DH_G16_SHA512,
    kex::DH_G18_SHA512,
    kex::DH_G17_SHA512,
    kex::DH_G15_SHA512,
    kex::DH_G14_SHA256,
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];

/// Without `ssh-rsa`, which signs with SHA-1.
const HOST_KEYS: &[Algorithm] = &[
    Algorithm::Ed25519,
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
    Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
    Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
];

const CIPHERS_WITH_AES: &[cipher::Name] = &[
    cipher::AES_256_GCM,
    cipher::AES_128_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];

const CIPHERS_WITHOUT_AES: &[cipher::Name] = &[
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_GCM,
    cipher::AES_128_GCM,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];

const MACS: &[mac::Name] = &[mac::HMAC_SHA512_ETM, mac::HMAC_SHA256_ETM, mac::HMAC_SHA512, mac::HMAC_SHA256];

/// What a host may prove itself with, in the order in which it is asked for.
pub(crate) struct HostProofs {
    /// Certificates of keys of these types; before every key that is none.
    pub(crate) certificates: Vec<Algorithm>,
    /// Keys of these types.
    pub(crate) keys: Vec<Algorithm>,
}

/// The client's configuration, asking for these proofs of the host.
pub(crate) fn config(proofs: HostProofs) -> Arc<Config> {
    Arc::new(Config {
        // The minus sign is not allowed in the name, and the version would only tell an attacker.
        client_id: SshId::Standard(Cow::Borrowed("SSH-2.0-AlfrescoSSH")),
        window_size: WINDOW,
        maximum_packet_size: MAX_PACKET,
        channel_buffer_size: CHANNEL_MESSAGES,
        preferred: Preferred {
            kex: Cow::Borrowed(KEX),
            key: Cow::Owned(proofs.keys),
            host_key_certificates: Cow::Owned(proofs.certificates),
            cipher: Cow::Borrowed(ciphers(cpu_has_aes())),
            mac: Cow::Borrowed(MACS),
            compression: Cow::Borrowed(&[compression::NONE]),
        },
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

/// What to ask of a host, the known types of keys first: a server has several keys, and only one that
/// is known proves anything. A certificate does if there is an authority.
pub(crate) fn host_proofs(known: &[Algorithm], has_authority: bool) -> HostProofs {
    let (mut keys, rest): (Vec<_>, Vec<_>) =
        HOST_KEYS.iter().cloned().partition(|ours| known.iter().any(|theirs| is_same_type(ours, theirs)));
    keys.extend(rest);
    HostProofs { certificates: if has_authority { HOST_KEYS.to_vec() } else { Vec::new() }, keys }
}

/// The kinds of keys that a server keeps to itself while both sides have Ed25519. A pinned
/// fingerprint may be one of theirs: it does not tell the type of its key.
pub(crate) fn other_host_keys() -> [HostProofs; 2] {
    let is_rsa = |key: &&Algorithm| matches!(key, Algorithm::Rsa { .. });
    let is_ecdsa = |key: &&Algorithm| matches!(key, Algorithm::Ecdsa { .. });
    let only = |keys: Vec<Algorithm>| HostProofs { certificates: Vec::new(), keys };
    [
        only(HOST_KEYS.iter().filter(is_ecdsa).cloned().collect()),
        only(HOST_KEYS.iter().filter(is_rsa).cloned().collect()),
    ]
}

/// Whether a key of type `key` can sign as `algorithm`: RSA has several names.
fn is_same_type(algorithm: &Algorithm, key: &Algorithm) -> bool {
    algorithm == key || matches!((algorithm, key), (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }))
}

/// AES-GCM costs half of chacha20 where the CPU helps, and much more where it does not.
fn ciphers(has_aes: bool) -> &'static [cipher::Name] {
    if has_aes { CIPHERS_WITH_AES } else { CIPHERS_WITHOUT_AES }
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
    use super::*;

    #[test]
    fn the_preset_has_no_sha1_and_no_compression() {
        let config = config(host_proofs(&[], false));
        let preferred = &config.preferred;
        assert!(preferred.kex.iter().all(|name| !name.as_ref().ends_with("sha1")));
        assert!(preferred.mac.iter().all(|name| !name.as_ref().contains("sha1")));
        assert!(preferred.key.iter().all(|key| *key != Algorithm::Rsa { hash: None }));
        assert!(preferred.cipher.iter().all(|name| !name.as_ref().ends_with("cbc")));
        assert_eq!(preferred.compression.as_ref(), [compression::NONE]);
        for curve in [kex::ECDH_SHA2_NISTP256, kex::ECDH_SHA2_NISTP384, kex::ECDH_SHA2_NISTP521] {
            assert!(preferred.kex.contains(&curve));
        }
    }

    #[test]
    fn the_cipher_follows_the_cpu() {
        assert_eq!(ciphers(true)[0], cipher::AES_256_GCM);
        assert_eq!(ciphers(false)[0], cipher::CHACHA20_POLY1305);
    }

    #[test]
    fn known_key_types_come_first() {
        let HostProofs { certificates, keys } = host_proofs(&[Algorithm::Rsa { hash: None }], false);
        assert_eq!(certificates, []);
        assert_eq!(keys[0], Algorithm::Rsa { hash: Some(HashAlg::Sha512) });
        assert_eq!(keys[1], Algorithm::Rsa { hash: Some(HashAlg::Sha256) });
        assert_eq!(keys[2], Algorithm::Ed25519);
        assert_eq!(keys.len(), HOST_KEYS.len());
    }

    #[test]
    fn an_authority_asks_for_certificates_and_never_for_sha1() {
        let proofs = host_proofs(&[Algorithm::Rsa { hash: None }], true);
        assert_eq!(proofs.certificates, HOST_KEYS);
        assert_eq!(proofs.keys, host_proofs(&[Algorithm::Rsa { hash: None }], false).keys);
        assert!(!HOST_KEYS.contains(&Algorithm::Rsa { hash: None }));
    }
}
