//! What a terminal is asked to be, as OpenSSH's own server sets it up.

use serde_json::{Value, json};
use testkit::{Sshd, SshdConfig};

use crate::{
    resume_setup::Gateway,
    setup::{Result, key_order},
};

/// What `stty -a` says in a session of this request, a word or a setting on each line.
async fn settings(fields: &[(&str, Value)]) -> Result<String> {
    let force_command = Some("stty -a | tr -s ' ;' '\\n'".to_owned());
    let sshd = Sshd::with_config(SshdConfig { force_command, ..SshdConfig::default() }).await?;
    let gateway = Gateway::start(&[]).await?;
    let mut order = key_order(&sshd)?;
    for (name, value) in fields {
        order[name] = value.clone();
    }
    let mut page = gateway.open(&order).await?;
    page.until_closed().await?;
    Ok(page.text().replace("\r\n", " "))
}

#[tokio::test]
async fn a_terminal_is_one_of_this_century_unless_the_request_says_otherwise() -> Result {
    let usual = settings(&[]).await?;
    assert!(usual.contains("speed 38400 baud"), "{usual}");
    assert!(usual.contains("erase = ^? ") && usual.contains(" iutf8 "), "{usual}");
    let old = settings(&[("erase", json!("^H")), ("speed", json!(9600))]).await?;
    assert!(old.contains("speed 9600 baud") && old.contains("erase = ^H "), "{old}");
    Ok(())
}

#[tokio::test]
async fn the_backspace_key_erases_whatever_the_erase_character_is() -> Result {
    for erase in ["^?", "^H"] {
        let force_command = Some("echo ready; read -r line; printf '<%s>\\n' \"$line\"".to_owned());
        let sshd = Sshd::with_config(SshdConfig { force_command, ..SshdConfig::default() }).await?;
        let gateway = Gateway::start(&[]).await?;
        let mut order = key_order(&sshd)?;
        order["erase"] = json!(erase);
        let mut page = gateway.open(&order).await?;
        page.until("ready\r\n").await?;
        page.type_keys("wrong\x7f\x7f\x7fite\r").await?;
        page.until("<write>\r\n").await?;
    }
    Ok(())
}
