//! Keys as OpenSSH, OpenSSL and PuTTY write them, and what only looks like one.

use std::{fs, path::Path, process::Command};

use aws_lc_rs::agreement::{self, ECDH_P256};
use base64::{Engine as _, engine::general_purpose::STANDARD};
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
pub(super) struct Pair {
    dir: TempDir,
    public: PublicKey,
}

impl Pair {
    pub(super) fn new(options: &[&str]) -> Self {
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

    /// Writes the plain key again in OpenSSH's own format, with this passphrase.
    fn rewrite(&self, passphrase: &str, options: &[&str]) {
        let key = self.path("key");
        let mut args = vec!["-q", "-p", "-P", "", "-N", passphrase, "-f", &key];
        args.extend(options);
        run("ssh-keygen", &args);
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    pub(super) fn text(&self) -> String {
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

/// An Ed25519 key whose secret does not begin with 0: see the test about the others.
fn ed25519() -> Pair {
    loop {
        let pair = Pair::new(&["-t", "ed25519"]);
        let key = PrivateKey::from_openssh(pair.text()).unwrap();
        if key.key_data().ed25519().unwrap().private.as_ref()[0] != 0 {
            return pair;
        }
    }
}

fn rsa() -> Pair {
    Pair::new(&["-t", "rsa", "-b", "2048"])
}

fn ecdsa(bits: &str) -> Pair {
    Pair::new(&["-t", "ecdsa", "-b", bits])
}

/// A P-256 key whose number is of this length, in bytes.
fn short_ecdsa(length: usize) -> Pair {
    let mut number = [0; 32];
    number[32 - length..].fill(0x5a);
    let private = agreement::PrivateKey::from_private_key(&ECDH_P256, &number).unwrap();
    let point = private.compute_public_key().unwrap();
    // As RFC 5915 has it, which ssh-keygen reads and writes again in its own format.
    let mut der = b"\x30\x77\x02\x01\x01\x04\x20".to_vec();
    der.extend_from_slice(&number);
    der.extend_from_slice(b"\xa0\x0a\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\xa1\x44\x03\x42\x00");
    der.extend_from_slice(point.as_ref());
    let pem =
        format!("-----BEGIN EC PRIVATE KEY-----\n{}\n-----END EC PRIVATE KEY-----\n", STANDARD.encode(der));
    let Pair { dir, .. } = ecdsa("256");
    let file = dir.path().join("key");
    fs::write(&file, pem).unwrap();
    let public = PublicKey::from_openssh(&run("ssh-keygen", &["-y", "-f", file.to_str().unwrap()])).unwrap();
    let pair = Pair { dir, public };
    pair.rewrite("", &[]);
    pair
}

#[track_caller]
pub(super) fn refused(text: &str, passphrase: Option<&str>) -> DialError {
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
fn p256_keys_whose_number_is_short() {
    for length in [31, 30, 20] {
        let pair = short_ecdsa(length);
        pair.is(&pair.text(), None);
        if length > 24 {
            pair.is(&pair.putty("", "version=3"), None);
        }
        pair.rewrite("secret", &[]);
        needs_secret(&pair, &pair.text());
    }
    for cipher in ["aes256-cbc", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"] {
        let pair = short_ecdsa(31);
        pair.rewrite("secret", &["-Z", cipher]);
        needs_secret(&pair, &pair.text());
    }
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
fn a_putty_key_that_the_library_cannot_read_is_told_the_way_out() {
    let pair = ed25519();
    let with_secret = |first| {
        let mut secret = [first; 32];
        secret[1..].fill(first | 7);
        let key = PrivateKey::from(ssh_key::private::Ed25519Keypair::from_seed(&secret));
        let text = key.to_openssh(ssh_key::LineEnding::LF).unwrap();
        fs::write(pair.path("key"), text.as_bytes()).unwrap();
        text
    };
    // Only 0 at the beginning is in the way, not what would be a negative number.
    with_secret(0xff);
    assert!(read(&pair.putty("", "version=3"), None).is_ok());
    let text = with_secret(0);
    for (passphrase, version) in [("", "version=3"), ("secret", "version=2")] {
        let error = refused(&pair.putty(passphrase, version), Some("secret"));
        assert!(error.to_string().contains("PuTTYgen exports it"), "{error}");
    }
    // The exported key is the one that was there first.
    assert!(read(&text, None).is_ok());
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

#[tokio::test]
async fn an_empty_passphrase_is_a_missing_one() {
    let pair = Pair::new(&["-t", "ed25519", "-N", "secret", "-a", "1"]);
    let text = || SecretString::from(pair.text());
    let error = decode(text(), Some(SecretString::from(""))).await.unwrap_err();
    assert_eq!(error, DialError::KeyPassphrase { missing: true });
    assert!(decode(text(), Some(SecretString::from("secret"))).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn only_an_encrypted_key_waits_for_its_turn_and_not_for_ever() {
    // As a caller who is more patient than the gateway sees it.
    let decode = async |pair: &Pair, passphrase: &str| {
        let decoded = decode(SecretString::from(pair.text()), Some(SecretString::from(passphrase)));
        timeout(2 * MAX_TIME, decoded).await.expect("no answer in time")
    };
    let encrypted = Pair::new(&["-t", "ed25519", "-N", "secret", "-a", "1"]);
    let plain = Pair::new(&["-t", "ed25519"]);
    let others = DECODERS.acquire_many(2).await.unwrap();
    assert!(decode(&plain, "not needed").await.is_ok());
    assert_eq!(decode(&encrypted, "").await.unwrap_err(), DialError::KeyPassphrase { missing: true });
    let error = decode(&encrypted, "secret").await.unwrap_err();
    assert!(matches!(&error, DialError::Internal { cause } if cause.contains("within 30 s")), "{error}");
    assert!(error.retry_may_help());
    drop(others);
    assert!(decode(&encrypted, "secret").await.is_ok());
}
