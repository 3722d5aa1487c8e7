//! Targets that do not speak UTF-8, against OpenSSH's own server.

use std::fs;

use engine::{Charset, Credentials, ShellEvent, Terminal};
use futures_util::StreamExt as _;
use serde_json::json;
use testkit::{Sshd, SshdConfig};
use wire::Code;

use crate::{
    resume_setup::Gateway,
    setup::{Result, key_order},
    ssh_dialing::{Dialing, Talk},
};

/// A server whose only program is this one.
async fn server(command: &str) -> Result<Sshd> {
    let force_command = Some(command.to_owned());
    Sshd::with_config(SshdConfig { force_command, ..SshdConfig::default() }).await
}

/// A shell on it, in this encoding.
async fn talk(sshd: &Sshd, label: &str) -> Result<Talk> {
    let mut dialing = Dialing::to_sshd(sshd);
    dialing.terminal = Terminal { charset: Charset::parse(label)?, ..Terminal::default() };
    Ok(Talk::new(dialing.with(Credentials::of_key(sshd.client_key()?, None)).await))
}

#[tokio::test]
async fn what_is_printed_is_decoded_over_the_whole_session() -> Result {
    for (label, bytes, text) in [
        ("iso-8859-1", r"Gr\374\337e", "Grüße"),
        ("koi8-r", r"\315\311\322", "мир"),
        ("euc-jp", r"\306\374\313\334", "日本"),
        ("iso-2022-jp", r"\033[1m\033$BF|\033(B\033[0m", "\u{1b}[1m日\u{1b}[0m"),
        ("big5", r"\263\134", "許"),
    ] {
        // One byte after the other, each in a packet of its own.
        let command = format!(
            "for byte in $(printf '{bytes}' | od -An -v -to1); do read go; printf \"\\\\$byte\"; done; \
             printf \"\\nend \\377\\n\""
        );
        let sshd = server(&format!("stty -echo; echo ready; {command}")).await?;
        let mut talk = talk(&sshd, label).await?;
        talk.until("ready\r\n").await;
        talk.type_in(&"\r".repeat(40)).await;
        assert_eq!(talk.until("\r\nend ").await, text, "{label}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_typed_is_encoded_and_a_character_may_come_in_halves() -> Result {
    for (label, bytes) in [
        ("iso-8859-1", "47 72 fc df 65 3f 3f 1b 5b 41 0a"),
        ("euc-jp", "47 72 3f 3f 65 c6 fc 3f 1b 5b 41 0a"),
        ("utf-8", "47 72 c3 bc c3 9f 65 e6 97 a5 f0 9f 98 80 1b 5b 41 0a"),
    ] {
        let sshd = server("stty -echo -iutf8; echo ready; head -n1 | od -An -v -tx1 | tr -s '\\n'").await?;
        let mut talk = talk(&sshd, label).await?;
        talk.until("ready\r\n").await;
        let typed = "Grüße日😀\u{1b}[A\r".as_bytes();
        for byte in typed {
            let written = talk.transport.shell.clone().write(bytes::Bytes::copy_from_slice(&[*byte]));
            written.await?;
        }
        let printed = talk.end().await.text;
        let words: Vec<&str> = printed.split_ascii_whitespace().collect();
        assert_eq!(words.join(" "), bytes, "{label}");
    }
    Ok(())
}

#[tokio::test]
async fn a_flood_in_another_encoding_is_whole() -> Result {
    let line: String = ('\u{4e00}'..'\u{9f00}').step_by(3).chain("and ASCII".chars()).collect();
    let (line, _, has_gaps) = Charset::parse("gbk")?.unwrap().encoding().encode(&line);
    assert!(!has_gaps);
    let flood = [&line[..], b"\r\n"].concat().repeat(300);
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("flood");
    fs::write(&file, &flood)?;
    let sshd = server(&format!("stty -opost; cat {}", file.display())).await?;
    let mut talk = talk(&sshd, "gbk").await?;
    let mut printed = Vec::with_capacity(2 * flood.len());
    while let Some(event) = talk.transport.events.next().await {
        if let ShellEvent::Output(bytes) = event {
            printed.extend_from_slice(&bytes);
        }
    }
    let whole = Charset::parse("gbk")?.unwrap().encoding().decode_without_bom_handling(&flood).0;
    assert!(printed == whole.as_bytes(), "{} bytes of {}", printed.len(), whole.len());
    Ok(())
}

#[tokio::test]
async fn a_terminal_says_that_it_is_in_utf8_only_if_it_is() -> Result {
    for (label, says) in [("utf-8", "\niutf8\n"), ("iso-8859-15", "\n-iutf8\n")] {
        let sshd = server("stty -a | tr ' ' '\\n'").await?;
        let printed = talk(&sshd, label).await?.end().await.text.replace('\r', "");
        assert!(printed.contains(says), "{label}: {printed}");
    }
    Ok(())
}

#[tokio::test]
async fn a_banner_is_text_whatever_the_shell_prints() -> Result {
    let dir = tempfile::tempdir()?;
    let banner = dir.path().join("banner");
    fs::write(&banner, "Grüße\n")?;
    let sshd = Sshd::with_config(SshdConfig {
        force_command: Some("printf 'sch\\366n\\n'".to_owned()),
        extra: vec![format!("Banner {}", banner.display())],
        ..SshdConfig::default()
    })
    .await?;
    assert_eq!(talk(&sshd, "latin1").await?.end().await.text, "Grüße\r\nschön\r\n");
    Ok(())
}

#[tokio::test]
async fn a_request_says_in_which_encoding_its_target_speaks() -> Result {
    let (sshd, gateway) =
        (server("read -r word; printf 'sch\\366n %s\\n' $word").await?, Gateway::start(&[]).await?);
    let mut order = key_order(&sshd)?;
    order["charset"] = json!("ISO-8859-1");
    let mut page = gateway.open(&order).await?;
    page.type_keys("süß\r").await?;
    page.until("schön süß\r\n").await?;
    page.until_closed().await?;
    order["command"] = json!("the server's own");
    let answer = gateway.http.post_json("/api/v1/exec", &order).await?.json()?;
    assert_eq!(answer["stdout"], json!("schön \n"), "{answer}");
    for unknown in ["klingon", "utf-16le"] {
        order["charset"] = json!(unknown);
        let reply = gateway.http.post_json("/create-session", &order).await?;
        assert_eq!((reply.status, reply.json()?["code"].clone()), (400, json!(Code::InvalidField)));
    }
    Ok(())
}
