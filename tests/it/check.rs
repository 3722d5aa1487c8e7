//! `alfresco-ssh check`: what it finds, and that it leaves nothing behind.

use std::fs;

use serde_json::{Value, json};
use testkit::{Binary, BinaryOptions, Sshd, SshdConfig, demo_sshd::Script, sshd::keygen};
use tokio::time::timeout;

use crate::setup::{Result, scripted, seen};

/// What a check said, with its exit code.
async fn check(arguments: &[&str]) -> Result<(Option<i32>, String)> {
    let arguments = ["check"].iter().chain(arguments).map(|&argument| argument.to_owned()).collect();
    let child = Binary::command(&BinaryOptions { arguments, ..Default::default() })?.spawn()?;
    let output = timeout(testkit::PATIENCE, child.wait_with_output()).await??;
    Ok((output.status.code(), String::from_utf8(output.stdout)?))
}

async fn check_json(arguments: &[&str]) -> Result<(Option<i32>, Value)> {
    let (code, said) = check(&[&["--json"], arguments].concat()).await?;
    Ok((code, serde_json::from_str(&said)?))
}

#[tokio::test]
async fn every_step_up_to_the_login_is_told() -> Result {
    let dir = tempfile::tempdir()?;
    let banner = dir.path().join("banner");
    fs::write(&banner, "authorised \u{1b}[31musers only\n")?;
    let extra = vec![format!("Banner {}", banner.display()), "Ciphers aes256-ctr".to_owned()];
    let sshd = Sshd::with_config(SshdConfig { extra, ..SshdConfig::default() }).await?;
    let whom = format!("{}@127.0.0.1:{}", sshd.username(), sshd.port());
    let state = dir.path().join("state");
    let state = ["--state-dir", state.to_str().unwrap()];
    let (code, found) = check_json(&[&[whom.as_str()], &state[..]].concat()).await?;
    assert_eq!((code, &found["ok"]), (Some(0), &json!(true)), "{found}");
    assert_eq!(found["addresses"]["list"], json!([{ "address": "127.0.0.1", "denied": null }]));
    assert_eq!(found["connected"]["address"], format!("127.0.0.1:{}", sshd.port()));
    let server = &found["offered"]["server"];
    assert!(server.as_str().is_some_and(|server| server.starts_with("SSH-2.0-OpenSSH_")), "{server}");
    assert_eq!(found["offered"]["algorithms"]["cipher"]["server"], json!(["aes256-ctr"]));
    assert_eq!(found["agreed"]["cipher"], "aes256-ctr");
    assert_eq!(found["agreed"]["host_key"]["fingerprint"], sshd.fingerprint().await?);
    assert_eq!(found["agreed"]["host_key"]["verdict"], "not known: a session would learn it");
    assert_eq!(found["login"]["methods"], json!(["publickey"]));
    assert_eq!(found["login"]["banner"], "authorised [31musers only\r\n");
    let (code, said) = check(&[&[whom.as_str()], &state[..]].concat()).await?;
    assert_eq!(code, Some(0));
    for words in ["addresses", "SSH-2.0-OpenSSH_", "aes256-ctr", "not known", "publickey", "users only"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    // The policy of the tests is to learn, and a check learns nothing.
    assert!(!dir.path().join("state").exists());
    Ok(())
}

#[tokio::test]
async fn a_known_host_is_known_and_another_key_ends_it_before_a_name_is_said() -> Result {
    let (sshd, dir) = (scripted(Script::Echo).await?, tempfile::tempdir()?);
    let (known, whom) = (dir.path().join("known_hosts"), format!("me@127.0.0.1:{}", sshd.port()));
    let arguments = [whom.as_str(), "--known-hosts", known.to_str().unwrap()];
    fs::write(&known, format!("[127.0.0.1]:{} {}\n", sshd.port(), sshd.host_key_line()))?;
    let (code, found) = check_json(&arguments).await?;
    assert_eq!((code, &found["agreed"]["host_key"]["verdict"]), (Some(0), &json!("known")), "{found}");
    let logins = seen(&sshd, |record| record.disconnections == 1).await?.logins;
    assert_eq!(logins.iter().map(|login| login.method).collect::<Vec<_>>(), ["none"]);

    let other = dir.path().join("other");
    keygen(&other, "ed25519", "").await?;
    let key = fs::read_to_string(other.with_extension("pub"))?;
    fs::write(&known, format!("[127.0.0.1]:{} {key}", sshd.port()))?;
    let (code, found) = check_json(&arguments).await?;
    assert_eq!((code, &found["ok"]), (Some(1), &json!(false)), "{found}");
    assert!(
        found["error"].as_str().is_some_and(|error| error.contains("is not the expected one")),
        "{found}"
    );
    // What both sides offer is told all the same.
    assert!(found["offered"]["algorithms"]["key_exchange"]["server"].is_array() && found["agreed"].is_null());
    let record = seen(&sshd, |record| record.disconnections == 2).await?;
    assert_eq!(record.logins.len(), 1, "the server heard no name: {:?}", record.logins);
    Ok(())
}

#[tokio::test]
async fn without_a_user_no_name_is_said() -> Result {
    let sshd = scripted(Script::Echo).await?;
    let (code, found) = check_json(&[&format!("127.0.0.1:{}", sshd.port())]).await?;
    assert_eq!((code, &found["login"]), (Some(0), &Value::Null), "{found}");
    assert_eq!(seen(&sshd, |record| record.disconnections == 1).await?.logins, []);
    Ok(())
}

#[tokio::test]
async fn what_would_help_with_an_old_server_is_named() -> Result {
    let extra = vec!["Ciphers aes128-cbc".to_owned()];
    let sshd = Sshd::with_config(SshdConfig { extra, ..SshdConfig::default() }).await?;
    let whom = format!("127.0.0.1:{}", sshd.port());
    let (code, said) = check(&[&whom]).await?;
    assert_eq!(code, Some(1));
    assert!(said.contains("The preset 'legacy' would work"), "{said}");
    let (code, found) = check_json(&[&whom, "--algorithms", "legacy"]).await?;
    assert_eq!((code, &found["agreed"]["weak"]), (Some(0), &json!(["aes128-cbc"])), "{found}");
    Ok(())
}

#[tokio::test]
async fn a_target_that_is_denied_says_why_to_the_operator() -> Result {
    let (code, found) = check_json(&["169.254.169.254"]).await?;
    assert_eq!(code, Some(1));
    assert!(found["denied"]["reason"].is_string() && found["error"].is_string(), "{found}");
    assert!(found["connected"].is_null(), "{found}");
    let (code, _) = check(&["not a host"]).await?;
    assert_eq!(code, Some(2));
    Ok(())
}
