//! Which algorithms OpenSSH's server and this client agree on under each preset, and what is said where
//! they do not.

use engine::{
    AlgorithmKind, ConnectionFacts, DialError, HostProof, NoCommonAlgorithm, Preset, Remedy, ShellEvent,
};
use futures_util::StreamExt as _;
use testkit::{PATIENCE, Sshd, SshdConfig, sha256};
use tokio::time::timeout;

use crate::{
    setup::{Result, scripted},
    ssh_dialing::{Dialing, Talk, error},
};

/// An sshd with these lines, and this type of host key.
async fn server(host_key_type: &str, lines: &[&str]) -> Result<Sshd> {
    let extra = lines.iter().map(|line| (*line).to_owned()).collect();
    Sshd::with_config(SshdConfig { extra, host_key_type: host_key_type.to_owned(), ..Default::default() })
        .await
}

async fn reached(dialing: &Dialing, server: &Sshd) -> Result<ConnectionFacts> {
    let mut talk = Talk::new(dialing.with_key(&server.client_key()?, None).await);
    talk.until("$ ").await;
    Ok(talk.transport.facts.target)
}

async fn refused(dialing: &Dialing, server: &Sshd) -> Result<NoCommonAlgorithm> {
    match error(dialing.with_key(&server.client_key()?, None).await) {
        DialError::NoCommonAlgorithm(refused) => Ok(*refused),
        other => panic!("{other:?}"),
    }
}

/// What only some presets reach: the lines of sshd's, the type of its key, the kind that differs for
/// those that do not, and what was agreed on by those that do.
const OLD: &[(&str, &str, Preset, AlgorithmKind, &str)] = {
    use AlgorithmKind::{Cipher, HostKey, KeyExchange, Mac};
    use Preset::{Compatible, Legacy};
    &[
        (
            "ed25519",
            "KexAlgorithms diffie-hellman-group14-sha256",
            Compatible,
            KeyExchange,
            "diffie-hellman-group14-sha256",
        ),
        (
            "ed25519",
            "KexAlgorithms diffie-hellman-group-exchange-sha256",
            Compatible,
            KeyExchange,
            "diffie-hellman-group-exchange-sha256",
        ),
        ("ed25519", "Ciphers aes256-ctr\nMACs hmac-sha2-256", Compatible, Mac, "hmac-sha2-256"),
        (
            "ed25519",
            "KexAlgorithms diffie-hellman-group14-sha1",
            Legacy,
            KeyExchange,
            "diffie-hellman-group14-sha1",
        ),
        (
            "ed25519",
            "KexAlgorithms diffie-hellman-group1-sha1",
            Legacy,
            KeyExchange,
            "diffie-hellman-group1-sha1",
        ),
        ("rsa", "HostKeyAlgorithms ssh-rsa", Legacy, HostKey, "ssh-rsa"),
        ("ed25519", "Ciphers aes256-cbc\nMACs hmac-sha2-512-etm@openssh.com", Legacy, Cipher, "aes256-cbc"),
        ("ed25519", "Ciphers aes128-cbc", Legacy, Cipher, "aes128-cbc"),
        ("ed25519", "Ciphers 3des-cbc", Legacy, Cipher, "3des-cbc"),
        ("ed25519", "Ciphers aes128-ctr\nMACs hmac-sha1", Legacy, Mac, "hmac-sha1"),
    ]
};

/// What was agreed on of this kind.
fn agreed_on(facts: &ConnectionFacts, kind: AlgorithmKind) -> &str {
    match kind {
        AlgorithmKind::KeyExchange => &facts.key_exchange,
        AlgorithmKind::HostKey => &facts.host_key.algorithm,
        AlgorithmKind::Cipher => &facts.cipher,
        AlgorithmKind::Mac => facts.mac.as_deref().unwrap_or_default(),
        AlgorithmKind::Compression | AlgorithmKind::RsaSignature => panic!("not of these"),
    }
}

#[tokio::test]
async fn each_preset_reaches_what_it_is_for_and_the_others_name_it() -> Result {
    for (host_key_type, lines, needed, kind, agreed) in OLD {
        let server = server(host_key_type, &[lines]).await?;
        for preset in Preset::ALL {
            let dialing = Dialing::to_sshd(&server).preset(preset);
            if preset < *needed {
                let refused = refused(&dialing, &server).await?;
                assert_eq!(
                    (refused.kind, refused.remedy),
                    (*kind, Remedy::ForbiddenPreset(*needed)),
                    "{lines}"
                );
                continue;
            }
            let facts = reached(&dialing, &server).await?;
            assert_eq!((facts.preset, agreed_on(&facts, *kind)), (preset, *agreed), "{lines}");
            let weak = if *needed == Preset::Legacy { vec![(*agreed).to_owned()] } else { vec![] };
            assert_eq!(facts.weak, weak, "{lines}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_is_stronger_is_used_whatever_else_is_allowed() -> Result {
    let server = Sshd::start().await?;
    let [modern, compatible, legacy] = Preset::ALL.map(|preset| Dialing::to_sshd(&server).preset(preset));
    let facts = reached(&modern, &server).await?;
    assert_eq!(facts.key_exchange, "curve25519-sha256");
    assert_eq!(facts.host_key.algorithm, "ssh-ed25519");
    assert_eq!(facts.host_key.fingerprint.to_string(), server.fingerprint().await?);
    assert_eq!(facts.host_key.proof, HostProof::Learnt);
    assert!(facts.server.starts_with("SSH-2.0-OpenSSH_"), "{facts:?}");
    assert!(facts.is_strict && !facts.is_post_quantum, "{facts:?}");
    assert_eq!((&facts.mac, &facts.compression, facts.weak.len()), (&None, &None, 0));
    for (dialing, preset) in [(compatible, Preset::Compatible), (legacy, Preset::Legacy)] {
        assert_eq!(reached(&dialing, &server).await?, ConnectionFacts { preset, ..facts.clone() });
    }
    let known = reached(&modern, &server).await?;
    assert_eq!(known.host_key.proof, HostProof::Known);
    let pinned = Dialing::to_sshd(&server).pin(&server.host_key_line()?);
    assert_eq!(reached(&pinned, &server).await?.host_key.proof, HostProof::Pinned);
    Ok(())
}

#[tokio::test]
async fn a_failure_to_agree_shows_both_sides_and_marks_the_kind() -> Result {
    let server = server("ed25519", &["Ciphers 3des-cbc,aes128-cbc"]).await?;
    let mut dialing = Dialing::to_sshd(&server);
    dialing.options.algorithms.ceiling = Some(Preset::Legacy);
    let refused = refused(&dialing, &server).await?;
    let sentence = format!(
        "127.0.0.1:{} and this gateway have no cipher in common. The preset 'legacy' would work: the request may \
         ask for it as its algorithms.\n\ncipher (nothing in common)\n  server: 3des-cbc, aes128-cbc\n  gateway: aes",
        server.port()
    );
    let told = refused.to_string();
    assert!(told.starts_with(&sentence), "{told}");
    assert!(
        told.contains("\n\nhost key algorithm\n  server: ssh-ed25519\n  gateway: ssh-ed25519, "),
        "{told}"
    );
    assert_eq!(refused.offers.len(), 5);
    Ok(())
}

#[tokio::test]
async fn what_no_preset_has_is_said_to_be_so() -> Result {
    let server = server("ed25519", &["KexAlgorithms sntrup761x25519-sha512@openssh.com"]).await?;
    let refused = refused(&Dialing::to_sshd(&server), &server).await?;
    assert_eq!((refused.kind, refused.remedy), (AlgorithmKind::KeyExchange, Remedy::Nothing));
    Ok(())
}

#[tokio::test]
async fn a_post_quantum_key_exchange_is_had_or_there_is_no_session() -> Result {
    let openssh = Sshd::start().await?;
    let mut dialing = Dialing::to_sshd(&openssh);
    dialing.target.algorithms.require_post_quantum = true;
    let refused = refused(&dialing, &openssh).await?;
    assert_eq!((refused.kind, refused.remedy), (AlgorithmKind::KeyExchange, Remedy::NoPostQuantum));
    let other = scripted(testkit::demo_sshd::Script::Echo).await?;
    let mut dialing = Dialing::to_demo(&other);
    dialing.options.algorithms.require_post_quantum = true;
    let facts = Talk::new(dialing.with_password(other.password()).await).transport.facts.target;
    assert_eq!((facts.key_exchange.as_str(), facts.is_post_quantum), ("mlkem768x25519-sha256", true));
    Ok(())
}

#[tokio::test]
async fn a_request_above_the_ceiling_reaches_no_server() -> Result {
    let server = Sshd::start().await?;
    let mut dialing = Dialing::to_sshd(&server);
    dialing.target.algorithms.preset = Some(Preset::Compatible);
    let refused = error(dialing.with_key(&server.client_key()?, None).await);
    assert!(matches!(&refused, DialError::AlgorithmsDenied(_)), "{refused:?}");
    assert!(!server.log().iter().any(|line| line.contains("kex")), "{:?}", server.log());
    dialing.options.algorithms.targets = vec![("127.0.0.0/8".parse().unwrap(), Preset::Legacy)];
    assert_eq!(reached(&dialing, &server).await?.preset, Preset::Compatible);
    dialing.target.algorithms.preset = None;
    assert_eq!(reached(&dialing, &server).await?.preset, Preset::Legacy);
    Ok(())
}

/// How much a flood prints, in bytes.
const FLOOD: usize = 8 * 1024 * 1024;

/// The checksum of a flood of numbers, which a shell on this server prints.
async fn flooded(dialing: &Dialing, server: &Sshd) -> Result<(String, ConnectionFacts)> {
    let mut talk = Talk::new(dialing.with_key(&server.client_key()?, None).await);
    let mut printed = Vec::new();
    while let Some(event) = timeout(PATIENCE, talk.transport.events.next()).await? {
        if let ShellEvent::Output(bytes) = event {
            printed.extend_from_slice(&bytes);
        }
    }
    // Before it, sshd speaks of what it does.
    let flood = printed.split_off(printed.len().saturating_sub(FLOOD));
    Ok((sha256(&flood), talk.transport.facts.target))
}

async fn flooding(lines: &[&str]) -> Result<Sshd> {
    let config = SshdConfig {
        force_command: Some(format!("exec bash --norc -c 'stty raw; seq 1 inf | head -c {FLOOD}'")),
        extra: lines.iter().map(|line| (*line).to_owned()).collect(),
        log_level: "DEBUG1".to_owned(),
        ..SshdConfig::default()
    };
    Sshd::with_config(config).await
}

fn numbers() -> String {
    let mut text: Vec<u8> =
        (1..1_300_000_u32).flat_map(|number| format!("{number}\n").into_bytes()).collect();
    text.truncate(FLOOD);
    sha256(&text)
}

fn exchanges(server: &Sshd) -> usize {
    server.log().iter().filter(|line| line.contains("SSH2_MSG_NEWKEYS received")).count()
}

#[tokio::test]
async fn a_flood_over_broken_ciphers_whose_keys_change_arrives_whole() -> Result {
    for lines in ["Ciphers aes128-cbc\nMACs hmac-sha1", "Ciphers 3des-cbc\nMACs hmac-sha1"] {
        let old = "KexAlgorithms diffie-hellman-group14-sha1";
        let server = flooding(&[lines, old, "RekeyLimit 1M"]).await?;
        let (sum, facts) = flooded(&Dialing::to_sshd(&server).preset(Preset::Legacy), &server).await?;
        assert_eq!(sum, numbers(), "{facts:?}");
        assert_eq!(facts.weak.len(), 3, "{facts:?}");
        assert!(exchanges(&server) >= 4, "{} exchanges", exchanges(&server));
    }
    Ok(())
}

#[tokio::test]
async fn a_flood_is_compressed_if_that_is_asked_for_and_arrives_whole_over_new_keys() -> Result {
    let server = flooding(&["Compression yes", "RekeyLimit 256K"]).await?;
    let mut dialing = Dialing::to_sshd(&server);
    assert_eq!(flooded(&dialing, &server).await?.1.compression, None);
    let before = exchanges(&server);
    dialing.target.algorithms.compression = true;
    let (sum, facts) = flooded(&dialing, &server).await?;
    assert_eq!((sum, facts.compression.as_deref()), (numbers(), Some("zlib@openssh.com")));
    let after = exchanges(&server) - before;
    // What was carried was shorter: fewer keys were needed for it than without compression.
    assert!((3..before).contains(&after), "{after} exchanges, {before} without");
    Ok(())
}

#[tokio::test]
async fn input_is_compressed_as_well_and_a_server_that_does_not_compress_is_no_reason_to_end() -> Result {
    for line in ["Compression yes", "Compression no"] {
        let server = server("ed25519", &[line]).await?;
        let mut dialing = Dialing::to_sshd(&server);
        dialing.target.algorithms.compression = true;
        let mut talk = Talk::new(dialing.with_key(&server.client_key()?, None).await);
        let compressed = talk.transport.facts.target.compression.is_some();
        assert_eq!(compressed, line == "Compression yes");
        talk.until("$ ").await;
        let words = "x".repeat(3000);
        talk.type_in("stty -echo\n").await;
        talk.until("$ ").await;
        talk.type_in(&format!("cat > /dev/null <<E\n{words}\nE\necho $((6*7))\n")).await;
        talk.until("42\r\n").await;
    }
    Ok(())
}
