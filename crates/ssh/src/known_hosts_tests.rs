//! The matcher, line by line, and against files that OpenSSH's own tool wrote.

use std::{fs, process::Command};

use russh::keys::{PrivateKey, PublicKey, key::safe_rng};
use tempfile::TempDir;

use super::*;

fn new_key(algorithm: Algorithm) -> PublicKey {
    PrivateKey::random(&mut safe_rng(), algorithm).unwrap().public_key().clone()
}

fn ed25519() -> PublicKey {
    new_key(Algorithm::Ed25519)
}

fn ecdsa() -> PublicKey {
    new_key(Algorithm::Ecdsa { curve: russh::keys::EcdsaCurve::NistP256 })
}

struct Written {
    _dir: TempDir,
    path: std::path::PathBuf,
}

fn written(text: &str) -> Written {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("known_hosts");
    fs::write(&path, text).unwrap();
    Written { _dir: dir, path }
}

fn known(file: &Written, host: &str, port: u16) -> KnownHost {
    let mut known = KnownHost::default();
    known.add_file(&file.path, &HostName::new(host, port)).unwrap();
    known
}

fn verdict(text: &str, host: &str, port: u16, key: &PublicKey) -> Verdict {
    known(&written(text), host, port).verdict(key.key_data())
}

fn line(names: &str, key: &PublicKey) -> String {
    format!("{names} {}\n", key.to_openssh().unwrap())
}

#[test]
fn names_and_patterns() {
    let key = ed25519();
    for (names, host, port, is_known) in [
        ("example.org", "example.org", 22, true),
        ("example.org", "EXAMPLE.org", 22, true),
        ("Example.ORG", "example.org", 22, true),
        ("example.org", "example.com", 22, false),
        ("example.org", "www.example.org", 22, false),
        ("a,example.org,b", "example.org", 22, true),
        ("*.example.org", "www.example.org", 22, true),
        ("*.example.org", "example.org", 22, false),
        ("*", "anything", 22, true),
        ("*", "anything", 2222, true),
        ("10.0.0.?", "10.0.0.7", 22, true),
        ("10.0.0.?", "10.0.0.77", 22, false),
        ("*.example.org,!www.example.org", "ftp.example.org", 22, true),
        ("*.example.org,!www.example.org", "www.example.org", 22, false),
        ("!www.example.org,*.example.org", "www.example.org", 22, false),
        ("!www.example.org", "ftp.example.org", 22, false),
        ("[example.org]:2222", "example.org", 2222, true),
        ("[example.org]:2222", "example.org", 22, false),
        ("[example.org]:2222", "example.org", 2223, false),
        ("[*.example.org]:2222", "www.example.org", 2222, true),
        ("[example.org]:22", "example.org", 22, false),
        // The same host's key at another port, as OpenSSH looks it up.
        ("example.org", "example.org", 2222, true),
        ("*,![example.org]:2222", "example.org", 2222, false),
        ("*,![example.org]:2222", "example.org", 22, true),
        ("::1", "::1", 22, true),
        ("[::1]:2222", "::1", 2222, true),
    ] {
        let expected = if is_known { Verdict::Known } else { Verdict::Unknown };
        assert_eq!(verdict(&line(names, &key), host, port, &key), expected, "{names:?} for {host}:{port}");
    }
}

#[test]
fn another_key_of_any_type_is_a_change() {
    let (old, same_type, other_type) = (ed25519(), ed25519(), ecdsa());
    let file = written(&format!("# a comment\n\n{}", line("h", &old)));
    let changed = Verdict::Changed { place: format!("{}:3", file.path.display()) };
    let known = known(&file, "h", 22);
    assert_eq!(known.verdict(old.key_data()), Verdict::Known);
    assert_eq!(known.verdict(same_type.key_data()), changed);
    assert_eq!(known.verdict(other_type.key_data()), changed);
}

#[test]
fn a_host_has_as_many_keys_as_it_has_lines() {
    let (one, two) = (ed25519(), ecdsa());
    let text = line("h", &one) + &line("h", &two);
    assert_eq!(verdict(&text, "h", 22, &one), Verdict::Known);
    assert_eq!(verdict(&text, "h", 22, &two), Verdict::Known);
    let algorithms = known(&written(&text), "h", 22).algorithms();
    assert_eq!(algorithms, [one.algorithm(), two.algorithm()]);
}

#[test]
fn a_host_known_at_port_22_is_not_known_elsewhere() {
    assert_eq!(verdict(&line("h", &ed25519()), "h", 2222, &ed25519()), Verdict::Unknown);
}

#[test]
fn a_revoked_key_is_refused_even_if_it_is_known() {
    let key = ed25519();
    let file = written(&(line("h", &key) + &line("@revoked *", &key)));
    let revoked = Verdict::Revoked { place: format!("{}:2", file.path.display()) };
    assert_eq!(known(&file, "h", 22).verdict(key.key_data()), revoked);
    assert_eq!(known(&file, "h", 2222).verdict(key.key_data()), revoked);
    // Revoked for another host, and another key revoked for this one.
    assert_eq!(verdict(&line("@revoked other", &key), "h", 22, &key), Verdict::Unknown);
    assert_eq!(verdict(&line("@revoked h", &ed25519()), "h", 22, &key), Verdict::Unknown);
}

#[test]
fn an_authority_is_no_host_key() {
    let key = ed25519();
    assert_eq!(verdict(&line("@cert-authority *", &key), "h", 22, &key), Verdict::Unknown);
}

#[test]
fn blanks_tabs_comments_and_line_ends_do_not_matter() {
    let key = ed25519();
    let key_text = key.to_openssh().unwrap().replace(' ', "\t ");
    for text in [
        format!("  h  {key_text}   some # comment\r\n"),
        format!("h\t{key_text}"),
        format!("\r\n \t\n#h x y\nh {key_text}\r\n"),
    ] {
        assert_eq!(verdict(&text, "h", 22, &key), Verdict::Known, "{text:?}");
    }
}

#[test]
fn beside_a_malformed_line_the_others_count() {
    let key = ed25519();
    for bad in [
        "h",
        "h ssh-ed25519",
        "h ssh-ed25519 !!!",
        "h 1024 37 12345",
        "@unknown h ssh-ed25519 AAAA",
        "h ssh-ed25519 AAAA",
    ] {
        let text = format!("{bad}\n{}", line("h", &key));
        assert_eq!(verdict(&text, "h", 22, &key), Verdict::Known, "{bad:?}");
        assert!(matches!(verdict(&text, "h", 22, &ed25519()), Verdict::Changed { .. }), "{bad:?}");
    }
}

#[test]
fn a_key_under_the_exact_name_overrules_the_shorter_name() {
    let (bare, exact) = (ed25519(), ecdsa());
    for text in [
        line("h", &bare) + &line("[h]:2222", &exact),
        line("[h]:2222", &exact) + &line("h", &bare),
        line("h", &bare) + &line("*", &exact),
    ] {
        let file = written(&text);
        let known = known(&file, "h", 2222);
        assert_eq!(known.verdict(exact.key_data()), Verdict::Known, "{text}");
        assert!(matches!(known.verdict(bare.key_data()), Verdict::Changed { .. }), "{text}");
        assert_eq!(known.algorithms(), [exact.algorithm()], "{text}");
    }
    let file = written(&line("h", &bare));
    assert_eq!(known(&file, "h", 2222).algorithms(), [bare.algorithm()]);
}

#[test]
fn a_host_whose_key_cannot_be_read_has_another_key() {
    let key = ed25519();
    for bad in [
        "h",
        "h ssh-ed25519",
        "h ssh-ed25519 !!!",
        "h ssh-ed25519 AAAA",
        "h 1024 37 12345",
        "*,!other ssh-ed25519 !!!",
    ] {
        let file = written(&format!("# a comment\n{bad}\n"));
        let changed = Verdict::Changed { place: format!("{}:2", file.path.display()) };
        assert_eq!(known(&file, "h", 22).verdict(key.key_data()), changed, "{bad:?}");
        assert_eq!(known(&file, "other", 22).verdict(key.key_data()), Verdict::Unknown, "{bad:?}");
    }
    // The shorter name counts only if nothing stands under the exact one.
    let text = line("h", &key) + "[h]:2222 ssh-ed25519 !!!\n";
    assert!(matches!(verdict(&text, "h", 2222, &key), Verdict::Changed { .. }));
    // An authority proves nothing, whether it can be read or not.
    assert_eq!(verdict("@cert-authority h ssh-ed25519 !!!\n", "h", 22, &key), Verdict::Unknown);
}

#[test]
fn a_change_points_to_a_key_that_can_be_read() {
    let file = written(&("h ssh-ed25519 !!!\n".to_owned() + &line("h", &ed25519())));
    let changed = Verdict::Changed { place: format!("{}:2", file.path.display()) };
    assert_eq!(known(&file, "h", 22).verdict(ed25519().key_data()), changed);
}

#[test]
fn a_comment_need_not_be_utf8() {
    let key = ed25519();
    let file = written("");
    let text = line("h", &key);
    fs::write(&file.path, [text.trim_end().as_bytes(), b" B\xfcro\n"].concat()).unwrap();
    assert_eq!(known(&file, "h", 22).verdict(key.key_data()), Verdict::Known);
    assert!(matches!(known(&file, "h", 22).verdict(ed25519().key_data()), Verdict::Changed { .. }));
}

#[test]
fn a_revoking_line_whose_comment_is_not_utf8_revokes() {
    let key = ed25519();
    let file = written("");
    let text = line("@revoked h", &key);
    fs::write(&file.path, [text.trim_end().as_bytes(), b" B\xfcro\n"].concat()).unwrap();
    assert!(matches!(known(&file, "h", 22).verdict(key.key_data()), Verdict::Revoked { .. }));
}

#[test]
fn a_key_that_is_not_utf8_is_another_key() {
    let key = ed25519();
    let bad = b"h,\xff \xff\xfe x\n";
    let file = written("");
    fs::write(&file.path, bad).unwrap();
    let changed = Verdict::Changed { place: format!("{}:1", file.path.display()) };
    assert_eq!(known(&file, "h", 22).verdict(key.key_data()), changed);
    assert_eq!(known(&file, "other", 22).verdict(key.key_data()), Verdict::Unknown);
    fs::write(&file.path, [&bad[..], line("h", &key).as_bytes()].concat()).unwrap();
    assert_eq!(known(&file, "h", 22).verdict(key.key_data()), Verdict::Known);
}

#[test]
fn a_revocation_that_cannot_be_read_is_an_error() {
    let file = written("@revoked * ssh-ed25519 garbage\n");
    let error = KnownHost::default().add_file(&file.path, &HostName::new("h", 22)).unwrap_err();
    assert_eq!(error.to_string(), "the revoked key at line 1 cannot be read");
}

#[test]
fn a_missing_file_is_an_error() {
    let path = Path::new("/nonexistent/known_hosts");
    let error = KnownHost::default().add_file(path, &HostName::new("h", 22)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
fn names_hashed_by_openssh_are_found() {
    let (key, other) = (ed25519(), ed25519());
    let file = written(&(line("example.org", &key) + &line("[example.org]:2222", &other)));
    let output = Command::new("ssh-keygen").arg("-H").arg("-f").arg(&file.path).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = fs::read_to_string(&file.path).unwrap();
    assert!(text.lines().all(|line| line.starts_with("|1|")), "{text}");
    assert_eq!(known(&file, "example.org", 22).verdict(key.key_data()), Verdict::Known);
    assert_eq!(known(&file, "Example.org", 2222).verdict(other.key_data()), Verdict::Known);
    assert!(matches!(known(&file, "example.org", 22).verdict(other.key_data()), Verdict::Changed { .. }));
    assert_eq!(known(&file, "example.com", 22).verdict(key.key_data()), Verdict::Unknown);
}
