//! Keys as OpenSSH, OpenSSL and PuTTY write them, and files made to hurt.

use std::{fs, path::Path, process::Command, time::Instant};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use pkcs8::{
    EncryptedPrivateKeyInfoOwned,
    der::{Encode as _, asn1::OctetString},
    pkcs5::pbes2::{self, Kdf, Pbkdf2Params, Salt, ScryptParams},
};
use russh::keys::PublicKey;
use tempfile::TempDir;

use super::*;

/// Runs a tool that must be there and must succeed, and returns what it prints.
fn run(program: &str, args: &[&str]) -> String {
    let output =
        Command::new(program).args(args).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A key pair in OpenSSH's formats.
struct Pair {
    dir: TempDir,
    public: PublicKey,
}

impl Pair {
    fn new(options: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        let mut args = vec!["-q", "-C", "a comment", "-f", file.to_str().unwrap()];
        args.extend(options);
        if !options.contains(&"-N") {
            args.extend(["-N", ""]);
        }
        run("ssh-keygen", &args);
        let public =
            PublicKey::from_openssh(&fs::read_to_string(dir.path().join("key.pub")).unwrap()).unwrap();
        Self { dir, public }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn text(&self) -> String {
        self.file("key")
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).unwrap()
    }

    /// The same key, written again by OpenSSL.
    fn openssl(&self, args: &[&str]) -> String {
        // OpenSSL does not read OpenSSH's own format.
        let pem = self.path("pem");
        if !Path::new(&pem).exists() {
            fs::copy(self.path("key"), &pem).unwrap();
            run("ssh-keygen", &["-q", "-p", "-m", "PKCS8", "-N", "", "-P", "", "-f", &pem]);
        }
        let mut all = args.to_vec();
        all.extend(["-in", &pem]);
        run("openssl", &all)
    }

    /// The same key, written again by PuTTY.
    fn putty(&self, passphrase: &str, parameters: &str) -> String {
        let (secret, out) = (self.path("passphrase"), self.path("ppk"));
        fs::write(&secret, passphrase).unwrap();
        let key = self.path("key");
        let args =
            [&key, "-O", "private", "-o", &out, "--new-passphrase", &secret, "--ppk-param", parameters];
        run("puttygen", &args);
        self.file("ppk")
    }

    #[track_caller]
    fn is(&self, text: &str, passphrase: Option<&str>) {
        let key = read(text, passphrase).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(key.public_key().key_data(), self.public.key_data());
    }
}

fn ed25519() -> Pair {
    Pair::new(&["-t", "ed25519"])
}

fn rsa() -> Pair {
    Pair::new(&["-t", "rsa", "-b", "2048"])
}

fn ecdsa(bits: &str) -> Pair {
    Pair::new(&["-t", "ecdsa", "-b", bits])
}

#[track_caller]
fn refused(text: &str, passphrase: Option<&str>) -> DialError {
    match read(text, passphrase) {
        Ok(_) => panic!("a key was read:\n{text}"),
        Err(error) => error,
    }
}

/// A key that only opens with `secret`.
#[track_caller]
fn needs_secret(pair: &Pair, text: &str) {
    pair.is(text, Some("secret"));
    assert_eq!(refused(text, None), DialError::KeyPassphrase { missing: true });
    assert_eq!(refused(text, Some("wrong")), DialError::KeyPassphrase { missing: false });
}

#[test]
fn openssh_keys_of_every_type() {
    for pair in [ed25519(), rsa(), ecdsa("256"), ecdsa("384"), ecdsa("521")] {
        assert!(pair.text().starts_with("-----BEGIN OPENSSH PRIVATE KEY-----"));
        pair.is(&pair.text(), None);
        // A passphrase that is not needed does not matter.
        pair.is(&pair.text(), Some("whatever"));
    }
}

#[test]
fn encrypted_openssh_keys() {
    for cipher in
        ["aes256-ctr", "aes128-ctr", "aes256-cbc", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"]
    {
        let pair = Pair::new(&["-t", "ed25519", "-N", "secret", "-a", "1", "-Z", cipher]);
        needs_secret(&pair, &pair.text());
    }
}

#[test]
fn pkcs8_keys() {
    for pair in [rsa(), ecdsa("256"), ecdsa("384"), ecdsa("521")] {
        let text = pair.openssl(&["pkcs8", "-topk8", "-nocrypt"]);
        assert!(text.starts_with("-----BEGIN PRIVATE KEY-----"));
        pair.is(&text, None);
        pair.is(&text, Some("whatever"));
    }
}

#[test]
fn an_ed25519_key_by_openssl() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    run("openssl", &["genpkey", "-algorithm", "ed25519", "-out", &path("key")]);
    run("openssl", &["pkey", "-in", &path("key"), "-pubout", "-outform", "DER", "-out", &path("public")]);
    let key = read(&fs::read_to_string(path("key")).unwrap(), None).unwrap();
    let KeyData::Ed25519(public) = key.public_key().key_data() else { panic!("{key:?}") };
    assert!(fs::read(path("public")).unwrap().ends_with(public.as_ref()));
}

#[test]
fn encrypted_pkcs8_keys() {
    let pair = ecdsa("256");
    for options in [
        &["-v2", "aes-256-cbc"][..],
        &["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA512"],
        &["-v2", "aes-256-cbc", "-iter", "5000"],
        &["-scrypt", "-scrypt_N", "1024", "-scrypt_r", "8", "-scrypt_p", "1"],
    ] {
        let mut args = vec!["pkcs8", "-topk8", "-passout", "pass:secret"];
        args.extend(options);
        let text = pair.openssl(&args);
        assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
        needs_secret(&pair, &text);
    }
}

#[test]
fn encryption_that_is_not_supported_is_said_to_be() {
    let pair = ecdsa("256");
    for options in [&["-v2", "des3"][..], &["-v1", "PBE-SHA1-3DES"]] {
        let mut args = vec!["pkcs8", "-topk8", "-passout", "pass:secret"];
        args.extend(options);
        let error = refused(&pair.openssl(&args), Some("secret"));
        assert!(error.to_string().contains("support"), "{options:?}: {error}");
        assert!(matches!(error, DialError::KeyInvalid { .. }));
    }
}

#[test]
fn pkcs1_keys_plain_and_in_the_old_encryption() {
    let pair = rsa();
    let plain = pair.openssl(&["rsa", "-traditional"]);
    assert!(plain.starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    pair.is(&plain, None);
    needs_secret(&pair, &pair.openssl(&["rsa", "-traditional", "-aes128", "-passout", "pass:secret"]));
    for (option, name) in [("-aes256", "AES-256-CBC"), ("-des3", "DES-EDE3-CBC")] {
        let text = pair.openssl(&["rsa", "-traditional", option, "-passout", "pass:secret"]);
        let error = refused(&text, Some("secret")).to_string();
        assert!(error.contains(name) && error.contains("ssh-keygen -p"), "{error}");
    }
}

#[test]
fn sec1_keys_plain_and_in_the_old_encryption() {
    for bits in ["256", "384", "521"] {
        let pair = ecdsa(bits);
        let plain = pair.openssl(&["ec"]);
        assert!(plain.starts_with("-----BEGIN EC PRIVATE KEY-----"));
        pair.is(&plain, None);
        // As `openssl ecparam -genkey` prints it.
        pair.is(
            &format!("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{plain}"),
            None,
        );
        let encrypted = pair.openssl(&["ec", "-aes128", "-passout", "pass:secret"]);
        let error = refused(&encrypted, Some("secret")).to_string();
        assert!(error.contains("AES-128-CBC"), "{error}");
    }
}

#[test]
fn putty_keys_of_both_versions() {
    for pair in [ed25519(), rsa(), ecdsa("256"), ecdsa("521")] {
        for version in ["version=2", "version=3"] {
            pair.is(&pair.putty("", version), None);
            pair.is(&pair.putty("", version), Some("whatever"));
        }
    }
    let pair = ed25519();
    needs_secret(&pair, &pair.putty("secret", "version=2"));
    for kind in ["argon2id", "argon2i", "argon2d"] {
        let parameters = format!("version=3,kdf={kind},memory=256,passes=2");
        needs_secret(&pair, &pair.putty("secret", &parameters));
    }
}

#[test]
fn copy_and_paste_does_not_matter() {
    let pair = ecdsa("256");
    let pkcs8 = pair.openssl(&["pkcs8", "-topk8", "-nocrypt"]);
    for text in [pair.text(), pkcs8] {
        pair.is(&text.replace('\n', "\r\n"), None);
        pair.is(&text.replace('\n', "  \n   "), None);
        pair.is(&text.replace('\n', " "), None);
        pair.is(&format!("\u{feff}\n\n{text}\n\n"), None);
        pair.is(text.trim_end(), None);
    }
    let putty = pair.putty("", "version=3");
    pair.is(&putty.replace('\n', "\r\n"), None);
    pair.is(&format!("\n{}\n\n", putty.replace('\n', "\n\n")), None);
    let secret = pair.putty("secret", "version=2");
    pair.is(&secret.replace('\n', "\r\n"), Some("secret"));
}

#[test]
fn a_putty_key_may_have_lost_the_blank_of_its_empty_comment() {
    let pair = ed25519();
    run("ssh-keygen", &["-q", "-c", "-C", "", "-f", &pair.path("key")]);
    let text = pair.putty("", "version=3");
    assert!(text.contains("Comment: \n"), "{text}");
    pair.is(&text, None);
    pair.is(&text.replace("Comment: \n", "Comment:\n"), None);
}

#[test]
fn what_is_no_private_key_is_named() {
    let pair = ed25519();
    let public_pem = run(
        "openssl",
        &[
            "ec",
            "-in",
            &{
                let ec = ecdsa("256");
                let text = ec.openssl(&["ec"]);
                let path = pair.path("ec");
                fs::write(&path, text).unwrap();
                path
            },
            "-pubout",
        ],
    );
    for (text, words) in [
        (pair.file("key.pub"), "public key"),
        (public_pem, "public key"),
        (String::new(), "empty"),
        ("hello".to_owned(), "no format"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl".to_owned(), "end is missing"),
        ("-----BEGIN PGP PRIVATE KEY-----\nAAAA\n-----END PGP PRIVATE KEY-----".to_owned(), "not supported"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----".to_owned(), "not supported"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\n!!!\n-----END OPENSSH PRIVATE KEY-----".to_owned(), "damaged"),
        ("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----".to_owned(), "damaged"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----".to_owned(), "damaged"),
        ("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n".to_owned(), "damaged"),
        ("x".repeat(MAX_FILE + 1), "64 KiB"),
    ] {
        let error = refused(&text, None);
        assert!(matches!(error, DialError::KeyInvalid { .. }), "{error:?}");
        assert!(error.to_string().contains(words), "{words:?}: {error}");
    }
}

#[test]
fn a_dsa_key_is_not_supported() {
    let dir = tempfile::tempdir().unwrap();
    let parameters = dir.path().join("parameters");
    run("openssl", &["dsaparam", "-out", parameters.to_str().unwrap(), "1024"]);
    let text = run("openssl", &["gendsa", parameters.to_str().unwrap()]);
    assert!(matches!(refused(&text, None), DialError::KeyInvalid { .. }));
}

#[test]
fn an_error_repeats_nothing_of_the_key() {
    let pair = ed25519();
    let text = pair.text();
    let secret = text.lines().nth(2).unwrap();
    let broken = text.replacen(secret, &format!("{secret}!"), 1);
    let error = refused(&broken, Some("passphrase"));
    assert!(!format!("{error} {error:?}").contains(&secret[..16]));
}

fn openssh_with_rounds(rounds: u32) -> String {
    let pair = Pair::new(&["-t", "ed25519", "-N", "secret", "-a", "1"]);
    let mut bytes = Pem::find(&pair.text()).unwrap().bytes().unwrap().to_vec();
    // `string salt` of 16 bytes, then the rounds, inside a string of 24 bytes.
    let options = bytes.windows(8).position(|window| window == [0, 0, 0, 24, 0, 0, 0, 16]).unwrap();
    assert_eq!(bytes[options + 24..options + 28], 1_u32.to_be_bytes());
    bytes[options + 24..options + 28].copy_from_slice(&rounds.to_be_bytes());
    let body = STANDARD.encode(bytes);
    format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----\n")
}

fn pkcs8_with(kdf: Kdf) -> String {
    let encryption = pbes2::EncryptionScheme::Aes256Cbc { iv: [0; 16] };
    let key = EncryptedPrivateKeyInfoOwned {
        encryption_algorithm: pbes2::Parameters { kdf, encryption }.into(),
        encrypted_data: OctetString::new(vec![0; 64]).unwrap(),
    };
    let body = STANDARD.encode(key.to_der().unwrap());
    format!("-----BEGIN ENCRYPTED PRIVATE KEY-----\n{body}\n-----END ENCRYPTED PRIVATE KEY-----\n")
}

fn scrypt(cost_parameter: u64, block_size: u16, parallelization: u16) -> String {
    let salt = Salt::try_from(&[7; 8][..]).unwrap();
    pkcs8_with(Kdf::Scrypt(ScryptParams {
        salt,
        cost_parameter,
        block_size,
        parallelization,
        key_length: None,
    }))
}

fn pbkdf2(iterations: u32) -> String {
    pkcs8_with(Kdf::Pbkdf2(Pbkdf2Params::hmac_sha256(iterations, &[7; 8]).unwrap()))
}

fn argon2(memory: u32, passes: u32, lanes: u32) -> String {
    format!(
        "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: aes256-cbc\nComment: c\nPublic-Lines: 1\nAAAA\n\
         Key-Derivation: Argon2id\nArgon2-Memory: {memory}\nArgon2-Passes: {passes}\n\
         Argon2-Parallelism: {lanes}\nArgon2-Salt: 00112233445566778899aabbccddeeff\n\
         Private-Lines: 1\nAAAA\nPrivate-MAC: 00\n"
    )
}

#[test]
fn costly_keys_are_refused_before_they_cost_anything() {
    let started = Instant::now();
    for text in [
        openssh_with_rounds(257),
        openssh_with_rounds(u32::MAX),
        pbkdf2(2_000_001),
        pbkdf2(100_000_000),
        scrypt(1 << 16, 8, 5),
        scrypt((1 << 16) + 1, 8, 1),
        scrypt(1 << 40, 8, 1),
        scrypt(u64::MAX, u16::MAX, 1),
        scrypt(2, 8, u16::MAX),
        argon2(65_537, 1, 1),
        argon2(u32::MAX, 1, 1),
        argon2(8, 17, 1),
        argon2(8, u32::MAX, 1),
        argon2(8, 1, 17),
        argon2(65_537, 1, 1) + "Argon2-Memory: 8\n",
        argon2(8, 1, 1) + "Argon2-Memory: 4000000\n",
    ] {
        for passphrase in [Some("secret"), None] {
            let error = refused(&text, passphrase);
            assert!(matches!(error, DialError::KeyTooCostly { .. }), "{error:?}\n{text}");
        }
    }
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

#[test]
fn the_dearest_keys_that_are_allowed_are_not_called_costly() {
    // Nothing is derived without a passphrase: the cost was judged and found bearable.
    for text in [openssh_with_rounds(256), pbkdf2(2_000_000), scrypt(1 << 16, 8, 4), argon2(65_536, 16, 16)] {
        assert_eq!(refused(&text, None), DialError::KeyPassphrase { missing: true }, "{text}");
    }
}

#[test]
fn a_key_of_more_than_16384_bits_is_refused() {
    let body = STANDARD.encode(vec![1; MAX_KEY + 1]);
    let text = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    assert!(matches!(refused(&text, None), DialError::KeyTooCostly { .. }));
}

#[tokio::test]
async fn an_empty_passphrase_is_a_missing_one() {
    let pair = Pair::new(&["-t", "ed25519", "-N", "secret", "-a", "1"]);
    let text = || SecretString::from(pair.text());
    let error = decode(text(), Some(SecretString::from(""))).await.unwrap_err();
    assert_eq!(error, DialError::KeyPassphrase { missing: true });
    assert!(decode(text(), Some(SecretString::from("secret"))).await.is_ok());
}
