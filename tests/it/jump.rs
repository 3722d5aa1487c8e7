//! The way to a shell over jump hosts: real servers, each with its own keys, and what is in the way.

use std::{fs, net::TcpListener};

use engine::{DialError, Step, Transport};
use testkit::{PATIENCE, Sshd, SshdConfig, sha256};
use tokio::time::{Instant, timeout};

use crate::{
    resume_setup::numbered,
    setup::{Result, eventually},
    ssh_dialing::{Dialing, Talk, error},
};

fn address(server: &Sshd) -> String {
    format!("127.0.0.1:{}", server.port())
}

/// A server with these lines in its configuration.
async fn with(lines: &[&str]) -> Result<Sshd> {
    let extra = lines.iter().map(|line| (*line).to_owned()).collect();
    Sshd::with_config(SshdConfig { extra, ..SshdConfig::default() }).await
}

async fn shell(dialing: &Dialing, server: &Sshd) -> Result<Talk> {
    let mut talk = Talk::new(dialing.with_key(&server.client_key()?, None).await);
    talk.until("$ ").await;
    Ok(talk)
}

async fn refused(dialing: &Dialing, server: &Sshd) -> Result<DialError> {
    Ok(error(dialing.with_key(&server.client_key()?, None).await))
}

#[tokio::test]
async fn a_shell_over_two_jump_hosts_is_told_step_by_step_and_leaves_nothing_behind() -> Result {
    let (first, second, target) = (Sshd::start().await?, Sshd::start().await?, Sshd::start().await?);
    let dialing = Dialing::to_sshd(&target).through(&first).through(&second);
    let mut talk = shell(&dialing, &target).await?;
    let steps = [Step::Dial, Step::Handshake, Step::Auth];
    assert_eq!(dialing.person.steps(), [&steps[..], &steps, &steps, &[Step::Shell]].concat());
    let (one, two) = (Some(address(&first)), Some(address(&second)));
    let hops = [&one, &one, &one, &two, &two, &two, &None, &None, &None, &None].map(Clone::clone);
    assert_eq!(dialing.person.hops(), hops);
    // Each is known from now on, by its own name.
    let learned = fs::read_to_string(dialing.learned_hosts())?;
    for server in [&first, &second, &target] {
        assert!(learned.contains(&format!("[127.0.0.1]:{}", server.port())), "{learned}");
    }
    talk.type_in("echo $((40+2))\n").await;
    talk.until("42\r\n").await;
    timeout(PATIENCE, talk.transport.shell.clone().close()).await?;
    for server in [&target, &second, &first] {
        // In good order, and not cut off.
        server.logged("Received disconnect").await?;
        eventually(async || Ok(server.connections().is_empty())).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_shell_that_nobody_wants_any_more_ends_every_connection_under_it() -> Result {
    let (hop, target) = (Sshd::start().await?, Sshd::start().await?);
    let talk = shell(&Dialing::to_sshd(&target).through(&hop), &target).await?;
    let Transport { events, shell, .. } = talk.transport;
    drop(events);
    for server in [&target, &hop] {
        eventually(async || Ok(server.connections().is_empty())).await?;
    }
    drop(shell);
    Ok(())
}

#[tokio::test]
async fn a_jump_host_that_does_not_connect_says_why() -> Result {
    let (willing, target) = (Sshd::start().await?, Sshd::start().await?);
    let (closed, strict) =
        (with(&["AllowTcpForwarding no"]).await?, with(&["PermitOpen 127.0.0.1:1"]).await?);
    for hop in [&closed, &strict] {
        let refusal = refused(&Dialing::to_sshd(&target).through(hop), &target).await?;
        let cause = "it is not allowed to (open failed)".to_owned();
        assert_eq!(refusal, DialError::JumpRefused { hop: address(hop), target: address(&target), cause });
    }
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let refusal = error(Dialing::to(port, "u").through(&willing).with_password("p").await);
    let sentence = format!(
        "{} did not connect to 127.0.0.1:{port}: the connection failed (Connection refused).",
        address(&willing)
    );
    assert_eq!(refusal.to_string(), sentence);
    let mut dialing = Dialing::to(22, "u").through(&willing);
    dialing.target.host = "nowhere.invalid".to_owned();
    let refusal = error(dialing.with_password("p").await);
    assert!(refusal.to_string().contains("nowhere.invalid:22: the connection failed ("), "{refusal}");
    Ok(())
}

#[tokio::test]
async fn a_flood_over_two_jump_hosts_is_the_same_bytes() -> Result {
    let (first, second, target) = (Sshd::start().await?, Sshd::start().await?, Sshd::start().await?);
    let flood = numbered(64 * 1024 * 1024);
    fs::write(target.dir().join("flood"), &flood)?;
    let dialing = Dialing::to_sshd(&target).through(&first).through(&second);
    let mut talk = shell(&dialing, &target).await?;
    let begun = Instant::now();
    talk.type_in(&format!("stty raw -echo; exec cat {}/flood\n", target.dir().display())).await;
    let end = talk.end().await;
    println!("64 MiB in {:?}", begun.elapsed());
    let printed = end.text.as_bytes();
    assert_eq!(sha256(&printed[printed.len() - flood.len()..]), sha256(&flood));
    Ok(())
}
