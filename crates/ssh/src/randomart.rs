//! The picture of a key, as `ssh-keygen -lv` draws it.

use russh::keys::{
    HashAlg,
    ssh_key::public::{EcdsaPublicKey, KeyData},
};

/// Lines of text, of the SHA-256 of the key.
pub(crate) fn randomart(key: &KeyData) -> String {
    let (name, bits) = match key {
        KeyData::Ed25519(_) => ("ED25519", Some(256)),
        KeyData::Rsa(key) => ("RSA", Some(key.key_size())),
        KeyData::Ecdsa(EcdsaPublicKey::NistP256(_)) => ("ECDSA", Some(256)),
        KeyData::Ecdsa(EcdsaPublicKey::NistP384(_)) => ("ECDSA", Some(384)),
        KeyData::Ecdsa(EcdsaPublicKey::NistP521(_)) => ("ECDSA", Some(521)),
        // Not asked for.
        _ => ("OTHER", None),
    };
    let title = bits.map_or_else(|| format!("[{name}]"), |bits| format!("[{name} {bits}]"));
    key.fingerprint(HashAlg::Sha256).to_randomart(&title)
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use russh::keys::PublicKey;

    use super::*;

    #[test]
    fn it_is_what_ssh_keygen_draws() {
        let dir = tempfile::tempdir().unwrap();
        let kinds = [
            ("ed25519", ""),
            ("ecdsa", "256"),
            ("ecdsa", "384"),
            ("ecdsa", "521"),
            ("rsa", "3072"),
            ("rsa", "2048"),
        ];
        for (n, (kind, bits)) in kinds.iter().cycle().take(24).enumerate() {
            let path = dir.path().join(n.to_string());
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-N", "", "-t", kind, "-f"]).arg(&path);
            if !bits.is_empty() {
                keygen.args(["-b", bits]);
            }
            assert!(keygen.status().unwrap().success());
            let path = path.with_extension("pub");
            let shown = Command::new("ssh-keygen").args(["-l", "-v", "-f"]).arg(&path).output().unwrap();
            let shown = String::from_utf8(shown.stdout).unwrap();
            let (_, expected) = shown.split_once('\n').unwrap();
            let key: PublicKey = fs::read_to_string(&path).unwrap().parse().unwrap();
            assert_eq!(randomart(key.key_data()), expected.trim_end(), "{kind} {bits}");
        }
    }
}
