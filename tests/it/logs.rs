//! What the binary writes to its logs at its most talkative, and what it must never write.

use serde_json::{Value, json};
use testkit::{Binary, BinaryOptions, Page, Sshd};

use crate::setup::{BOTH, Result, password_order, scripted};

fn talkative(format: &str) -> BinaryOptions {
    let arguments = ["--debug", "--log-filter", "trace", "--log-format", format];
    BinaryOptions {
        arguments: arguments.map(str::to_owned).to_vec(),
        environment: vec![("RUST_LOG".to_owned(), "trace".to_owned())],
    }
}

#[tokio::test]
async fn no_password_key_ticket_keystroke_or_output_is_logged_at_any_level() -> Result {
    let (sshd, demo) = (Sshd::start().await?, scripted(testkit::demo_sshd::Script::Echo).await?);
    let key = sshd.new_client_key("ed25519", "opens-the-key-7731", &[]).await?;
    for format in ["text", "json"] {
        let mut binary = Binary::start(talkative(format)).await?;
        let by_key = json!({
            "hostname": "127.0.0.1", "port": sshd.port(), "username": sshd.username(),
            "ssh_key": key, "passphrase": "opens-the-key-7731",
        });
        let mut wrong = password_order(&demo);
        wrong["password"] = json!("wrong-password-5521");
        let mut secrets = vec!["opens-the-key-7731".to_owned(), "wrong-password-5521".to_owned()];
        secrets.push(demo.password().to_owned());
        secrets.push(key.lines().nth(1).unwrap().to_owned());
        for protocol in BOTH {
            for order in [&by_key, &password_order(&demo), &wrong] {
                let ticket = binary.create(order).await?;
                binary.http()?.get(&format!("/{ticket}")).await?;
                binary.http()?.get(&format!("/?connection={ticket}")).await?;
                let mut page = Page::start(binary.address()?, protocol, &ticket).await?;
                if *order != wrong {
                    page.type_keys("echo keystroke-9917-$((40000+2))\r").await?;
                    page.until("keystroke-9917").await?;
                    page.socket.emit("no-such-event", json!({ "x": "payload-3349" })).await?;
                    // The one ends at the word, the other at Ctrl-D.
                    page.type_keys("exit\r\x04").await?;
                }
                page.until_closed().await?;
                secrets.push(ticket);
            }
        }
        // A broken request is no reason to print it.
        binary
            .http()?
            .post("/create-session", "application/json", "{\"password\":\"half-a-body-6612")
            .await?;
        secrets.extend(["keystroke-9917", "40002", "payload-3349", "half-a-body-6612"].map(str::to_owned));
        binary.signal(rustix::process::Signal::TERM)?;
        assert_eq!(binary.ended().await?.code(), Some(0));
        let log = format!("{}{}", binary.stdout(), binary.stderr());
        assert!(log.contains("ticket issued") && log.contains("session ended"), "logs nothing at all: {log}");
        for secret in secrets {
            assert!(!log.contains(&secret), "{secret} in\n{log}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn json_logs_are_one_object_for_each_line() -> Result {
    let sshd = scripted(testkit::demo_sshd::Script::Exit(0)).await?;
    let mut binary = Binary::start(talkative("json")).await?;
    let ticket = binary.create(&password_order(&sshd)).await?;
    let mut page = Page::start(binary.address()?, testkit::Protocol::Ours, &ticket).await?;
    page.until_closed().await?;
    binary.signal(rustix::process::Signal::TERM)?;
    binary.ended().await?;
    let log = binary.stderr();
    let lines: Vec<Value> = log.lines().map(serde_json::from_str).collect::<std::result::Result<_, _>>()?;
    assert!(lines.len() >= 3 && lines.iter().all(Value::is_object), "{log}");
    Ok(())
}
