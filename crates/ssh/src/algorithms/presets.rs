//! The algorithms of each preset, by their names. What is weaker stands behind what is stronger.

use engine::Preset;
use russh::{
    cipher, kex,
    keys::{Algorithm, EcdsaCurve, HashAlg},
    mac,
};

/// What each preset adds to the one before it.
struct Layers<T: 'static> {
    modern: &'static [T],
    compatible: &'static [T],
    legacy: &'static [T],
}

impl<T: Clone> Layers<T> {
    fn up_to(&self, preset: Preset) -> Vec<T> {
        let layers: &[&[T]] = match preset {
            Preset::Modern => &[self.modern],
            Preset::Compatible => &[self.modern, self.compatible],
            Preset::Legacy => &[self.modern, self.compatible, self.legacy],
        };
        layers.concat()
    }
}

/// What a quantum computer does not undo.
const POST_QUANTUM: &[kex::Name] = &[kex::MLKEM768X25519_SHA256];

/// The NIST curves are there for appliances that know nothing else.
const KEY_EXCHANGES: Layers<kex::Name> = Layers {
    modern: &[
        kex::MLKEM768X25519_SHA256,
        kex::CURVE25519,
        kex::CURVE25519_PRE_RFC_8731,
        kex::ECDH_SHA2_NISTP256,
        kex::ECDH_SHA2_NISTP384,
        kex::ECDH_SHA2_NISTP521,
        kex::DH_G16_SHA512,
        kex::DH_G18_SHA512,
        kex::DH_G17_SHA512,
        kex::DH_G15_SHA512,
    ],
    compatible: &[kex::DH_GEX_SHA256, kex::DH_G14_SHA256],
    legacy: &[kex::DH_G14_SHA1, kex::DH_G1_SHA1],
};

/// No algorithms: they say what else this client can do.
const EXTENSIONS: &[kex::Name] =
    &[kex::EXTENSION_SUPPORT_AS_CLIENT, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT];

const HOST_KEYS: Layers<Algorithm> = Layers {
    modern: &[
        Algorithm::Ed25519,
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
        Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
        Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
    ],
    compatible: &[],
    // `ssh-rsa`, which signs with SHA-1.
    legacy: &[Algorithm::Rsa { hash: None }],
};

const GCM: [cipher::Name; 2] = [cipher::AES_256_GCM, cipher::AES_128_GCM];

const OLDER_CIPHERS: Layers<cipher::Name> = Layers {
    modern: &[cipher::AES_256_CTR, cipher::AES_192_CTR, cipher::AES_128_CTR],
    compatible: &[],
    legacy: &[cipher::AES_256_CBC, cipher::AES_192_CBC, cipher::AES_128_CBC, cipher::TRIPLE_DES_CBC],
};

const MACS: Layers<mac::Name> = Layers {
    modern: &[mac::HMAC_SHA512_ETM, mac::HMAC_SHA256_ETM],
    compatible: &[mac::HMAC_SHA512, mac::HMAC_SHA256],
    legacy: &[mac::HMAC_SHA1],
};

/// The key exchanges, and what else is said in their list.
pub(super) fn key_exchanges(preset: Preset, require_post_quantum: bool) -> Vec<kex::Name> {
    let mut names = if require_post_quantum { POST_QUANTUM.to_vec() } else { KEY_EXCHANGES.up_to(preset) };
    names.extend_from_slice(EXTENSIONS);
    names
}

/// Whether a quantum computer does not undo it.
pub(crate) fn is_post_quantum(name: kex::Name) -> bool {
    POST_QUANTUM.contains(&name)
}

/// Whether a name in the list of key exchanges is one: others say what else this client can do.
pub(super) fn is_key_exchange(name: kex::Name) -> bool {
    !EXTENSIONS.contains(&name)
}

/// The types of host keys.
pub(super) fn host_keys(preset: Preset) -> Vec<Algorithm> {
    HOST_KEYS.up_to(preset)
}

/// The types of keys that are good in a certificate, whatever the preset.
pub(super) fn certificates() -> Vec<Algorithm> {
    HOST_KEYS.modern.to_vec()
}

/// AES-GCM costs half of chacha20 where the CPU helps, and much more where it does not.
pub(super) fn ciphers(preset: Preset, has_aes: bool, may_be_chacha: bool) -> Vec<cipher::Name> {
    let chacha = may_be_chacha.then_some(cipher::CHACHA20_POLY1305);
    let mut names: Vec<_> = if has_aes {
        GCM.into_iter().chain(chacha).collect()
    } else {
        chacha.into_iter().chain(GCM).collect()
    };
    names.extend(OLDER_CIPHERS.up_to(preset));
    names
}

/// The codes that guard what a cipher does not guard itself.
pub(super) fn macs(preset: Preset) -> Vec<mac::Name> {
    MACS.up_to(preset)
}

/// Whether a cipher guards what it carries itself, without one of these codes.
pub(crate) fn guards_itself(name: &str) -> bool {
    GCM.iter().chain(&[cipher::CHACHA20_POLY1305]).any(|cipher| cipher.as_ref() == name)
}
