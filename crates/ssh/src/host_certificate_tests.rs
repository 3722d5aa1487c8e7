//! Certificates that OpenSSH's own tool made, and one that it would not make.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use tempfile::TempDir;

use super::*;

/// A directory with the keys of an authority and of a host.
struct Office {
    dir: TempDir,
}

impl Office {
    fn new(authority: &str) -> Self {
        let office = Self { dir: tempfile::tempdir().unwrap() };
        for (name, kind) in [("authority", authority), ("other", "ed25519"), ("host", "ed25519")] {
            let path = office.path(name);
            office.keygen(&["-q", "-N", "", "-t", kind, "-f", path.to_str().unwrap()]);
        }
        office
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn keygen(&self, arguments: &[&str]) {
        let done = Command::new("ssh-keygen").args(arguments).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    fn certify(&self, options: &[&str]) -> Certificate {
        let (authority, host) = (self.path("authority"), self.path("host.pub"));
        let mut arguments = vec!["-q", "-s", authority.to_str().unwrap(), "-I", "id"];
        arguments.extend(options);
        arguments.push(host.to_str().unwrap());
        self.keygen(&arguments);
        fs::read_to_string(self.path("host-cert.pub")).unwrap().parse().unwrap()
    }

    fn key(&self, name: &str) -> KeyData {
        let text = fs::read_to_string(self.path(name).with_extension("pub")).unwrap();
        text.parse::<russh::keys::PublicKey>().unwrap().key_data().clone()
    }

    fn verify(&self, certificate: &Certificate, host: &str) -> Result<(), Objection> {
        verify(certificate, host, [self.key("other"), self.key("authority")].iter(), SystemTime::now())
    }
}

#[test]
fn names_are_compared_as_openssh_does() {
    let office = Office::new("ed25519");
    for (names, host, expected) in [
        ("h.example.org", "h.example.org", Ok(())),
        ("a,h.example.org", "h.example.org", Ok(())),
        ("*.example.org", "h.example.org", Ok(())),
        ("h?.example.org", "h1.example.org", Ok(())),
        ("*", "10.0.0.1", Ok(())),
        ("example.org", "h.example.org", Err(Objection::Principals)),
        ("*.example.org", "example.org", Err(Objection::Principals)),
        ("H.example.org", "h.example.org", Err(Objection::Principals)),
        ("[h.example.org]:2222", "h.example.org", Err(Objection::Principals)),
    ] {
        let certificate = office.certify(&["-h", "-n", names]);
        assert_eq!(office.verify(&certificate, host), expected, "{names} {host}");
    }
    assert_eq!(office.verify(&office.certify(&["-h"]), "h"), Err(Objection::Principals));
}

#[test]
fn each_objection() {
    let office = Office::new("ed25519");
    let objection = |options: &[&str]| office.verify(&office.certify(options), "h");
    assert_eq!(objection(&["-n", "h"]), Err(Objection::Kind));
    assert_eq!(objection(&["-h", "-n", "h", "-V", "+1d:+2d"]), Err(Objection::Early));
    assert_eq!(objection(&["-h", "-n", "h", "-V", "-2d:-1d"]), Err(Objection::Late));
    assert_eq!(objection(&["-h", "-n", "h", "-O", "critical:x@y=z"]), Err(Objection::CriticalOption));
    assert_eq!(objection(&["-h", "-n", "h", "-O", "extension:x@y=z"]), Ok(()));
    let certificate = office.certify(&["-h", "-n", "h"]);
    for authorities in [vec![], vec![office.key("other")], vec![office.key("host")]] {
        let verified = verify(&certificate, "h", authorities.iter(), SystemTime::now());
        assert_eq!(verified, Err(Objection::Authority));
    }
}

#[test]
fn the_first_and_the_last_second_are_exact() {
    let office = Office::new("ed25519");
    let certificate = office.certify(&["-h", "-n", "h", "-V", "+1d:+2d"]);
    let at = |seconds| {
        let now = UNIX_EPOCH + Duration::from_secs(seconds);
        verify(&certificate, "h", [office.key("authority")].iter(), now)
    };
    assert_eq!(at(certificate.valid_after() - 1), Err(Objection::Early));
    assert_eq!(at(certificate.valid_after()), Ok(()));
    assert_eq!(at(certificate.valid_before() - 1), Ok(()));
    assert_eq!(at(certificate.valid_before()), Err(Objection::Late));
}

#[test]
fn rsa_authorities_may_not_sign_with_sha1() {
    let office = Office::new("rsa");
    for (hash, expected) in
        [("rsa-sha2-512", Ok(())), ("rsa-sha2-256", Ok(())), ("ssh-rsa", Err(Objection::SignatureAlgorithm))]
    {
        let certificate = office.certify(&["-h", "-n", "h", "-t", hash]);
        assert_eq!(office.verify(&certificate, "h"), expected, "{hash}");
    }
    let office = Office::new("ecdsa");
    assert_eq!(office.verify(&office.certify(&["-h", "-n", "h"]), "h"), Ok(()));
}

#[test]
fn a_certificate_that_was_changed_is_refused() {
    let office = Office::new("ed25519");
    let mut bytes = office.certify(&["-h", "-n", "host-one"]).to_bytes().unwrap();
    let name = bytes.windows(8).position(|bytes| bytes == b"host-one").unwrap();
    bytes[name..name + 8].copy_from_slice(b"host-two");
    let forged = Certificate::from_bytes(&bytes).unwrap();
    assert_eq!(office.verify(&forged, "host-two"), Err(Objection::Signature));
}
