//! The way to a shell over jump hosts: real servers, each with its own keys, and what is in the way.

use std::{fs, net::TcpListener, time::Duration};

use engine::{
    Answer, Credentials, DialError, Fingerprint, Hop, Question, ShellEvent, Step, Target, Transport,
};
use ssh::{HostKeyPolicy, Patience, TargetPolicy};
use testkit::{PATIENCE, Sshd, SshdConfig, process, sha256};
use tokio::time::{Instant, timeout};

use crate::{
    dead_target_stage::{Frozen, KILL, still},
    resume_setup::numbered,
    setup::{Result, eventually},
    ssh_dialing::{Dialing, Talk, error},
    ssh_host_key::{demo, ed25519, refused_unseen},
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

/// Soon asked, and left soon after.
const SHORT: Patience =
    Patience { question_after: Duration::from_millis(400), last_answer: Duration::from_millis(400) };

fn known(server: &Sshd) -> Result<String> {
    Ok(format!("[127.0.0.1]:{} {}\n", server.port(), server.host_key_line()?))
}

#[tokio::test]
async fn each_unknown_host_is_asked_about_by_its_own_name() -> Result {
    let (first, second, target) = (Sshd::start().await?, Sshd::start().await?, Sshd::start().await?);
    let accept = || Ok(Answer::Accept { remember: false });
    let dialing = Dialing::to_sshd(&target).through(&first).through(&second);
    let dialing =
        dialing.policy(HostKeyPolicy::Ask).known_hosts(&known(&first)?).answered([accept(), accept()]);
    shell(&dialing, &target).await?;
    let mut asked = Vec::new();
    for question in dialing.person.questions() {
        let Question::HostKey(question) = question else { anyhow::bail!("{question:?}") };
        asked.push((question.target, question.fingerprint.to_string()));
    }
    let expected =
        [(address(&second), second.fingerprint().await?), (address(&target), target.fingerprint().await?)];
    assert_eq!(asked, expected);
    Ok(())
}

#[tokio::test]
async fn a_changed_key_behind_a_jump_host_is_refused_before_any_login() -> Result {
    let (hop, target) = (Sshd::start().await?, demo().await);
    let text = format!("{}[127.0.0.1]:{} {}\n", known(&hop)?, target.port(), ed25519());
    let dialing = Dialing::to_demo(&target).through(&hop).known_hosts(&text);
    let refusal = refused_unseen(&target, &dialing).await;
    let place = format!("127.0.0.1:{}", target.port());
    assert!(matches!(&refusal, DialError::HostKeyChanged { target, .. } if *target == place), "{refusal:?}");
    eventually(async || Ok(hop.connections().is_empty())).await
}

/// A key of another type is asked for in a handshake of its own, through a tunnel of its own.
#[tokio::test]
async fn a_pinned_key_that_is_not_the_first_is_found_behind_a_jump_host() -> Result {
    let hop = Sshd::start().await?;
    let keys = tempfile::tempdir()?;
    let path = keys.path().join("rsa");
    testkit::sshd::keygen(&path, "rsa", "").await?;
    let target = with(&[&format!("HostKey {}", path.display())]).await?;
    let pinned = fs::read_to_string(path.with_extension("pub"))?;
    let dialing = Dialing::to_sshd(&target).through(&hop).pin(&pinned);
    let mut talk = shell(&dialing, &target).await?;
    assert_eq!(dialing.target.host_keys, [Fingerprint::parse(&pinned)?]);
    // What the tunnels before it left behind does not weigh on its gate.
    talk.type_in("seq 1 100000 | tail -1\n").await;
    talk.until("100000\r\n").await;
    Ok(())
}

#[tokio::test]
async fn a_jump_host_that_refuses_the_login_or_its_key_is_named() -> Result {
    let (hop, target) = (Sshd::start().await?, Sshd::start().await?);
    let place = Target::new("127.0.0.1", hop.port(), hop.username());
    let to_target = || Credentials::of_key(target.client_key().unwrap(), None);
    let wrong = Hop { target: place.clone(), credentials: to_target() };
    let refusal = error(Dialing::to_sshd(&target).start_over(vec![wrong], to_target()).await);
    assert_eq!(refusal, DialError::AuthFailed { target: address(&hop), method: "key" });
    let broken = Hop { target: place, credentials: Credentials::of_key("no key", None) };
    let refusal = error(Dialing::to_sshd(&target).start_over(vec![broken], to_target()).await);
    let begins = format!("For the jump host {}: The private key cannot be read", address(&hop));
    assert!(refusal.to_string().starts_with(&begins), "{refusal}");
    Ok(())
}

#[tokio::test]
async fn a_host_that_may_not_be_reached_is_denied_behind_a_jump_host_too() -> Result {
    let (hop, target) = (Sshd::start().await?, Sshd::start().await?);
    let mut dialing = Dialing::to_sshd(&target).through(&hop);
    dialing.options.reach.targets = TargetPolicy {
        allow: vec![format!("127.0.0.1:{}", hop.port()).parse().map_err(anyhow::Error::msg)?],
        ..TargetPolicy::default()
    };
    let refusal = refused(&dialing, &target).await?;
    assert!(matches!(&refusal, DialError::TargetDenied(denied) if denied.target == address(&target)));
    assert_eq!(target.log().iter().filter(|line| line.contains("Connection from")).count(), 0);
    Ok(())
}

#[tokio::test]
async fn a_jump_host_that_is_killed_under_a_shell_ends_it_and_is_named() -> Result {
    let (first, second, target) = (Sshd::start().await?, Sshd::start().await?, Sshd::start().await?);
    for lost in [&first, &second] {
        let dialing = Dialing::to_sshd(&target).through(&first).through(&second);
        let mut talk = shell(&dialing, &target).await?;
        for pid in lost.connections() {
            process::descendants(pid)
                .into_iter()
                .chain([pid])
                .try_for_each(|pid| process::signal(pid, KILL))?;
        }
        assert_eq!(talk.end().await.others, [ShellEvent::JumpLost(address(lost))]);
        for server in [&first, &second, &target] {
            eventually(async || Ok(server.connections().is_empty())).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn whoever_hangs_on_the_way_is_the_one_that_is_given_up() -> Result {
    let (hop, target) = (Sshd::start().await?, Sshd::start().await?);
    for (hangs, event) in [(&hop, ShellEvent::JumpLost(address(&hop))), (&target, ShellEvent::LinkLost)] {
        let mut talk = shell(&Dialing::to_sshd(&target).through(&hop).patience(SHORT), &target).await?;
        let frozen = Frozen::freeze(hangs)?;
        assert_eq!(talk.end().await.others, [event]);
        drop(frozen);
    }
    Ok(())
}

/// Keys of every connection are changed again and again, on both sides.
#[tokio::test]
async fn a_flood_under_ever_new_keys_over_a_jump_host_is_the_same_bytes() -> Result {
    let (hop, target) = (with(&["RekeyLimit 64K"]).await?, with(&["RekeyLimit 64K"]).await?);
    let flood = numbered(8 * 1024 * 1024);
    fs::write(target.dir().join("flood"), &flood)?;
    let mut talk = shell(&Dialing::to_sshd(&target).through(&hop), &target).await?;
    talk.type_in(&format!("stty raw -echo; exec cat {}/flood\n", target.dir().display())).await;
    let end = talk.end().await;
    let printed = end.text.as_bytes();
    assert_eq!(sha256(&printed[printed.len() - flood.len()..]), sha256(&flood));
    Ok(())
}

#[tokio::test]
async fn a_ctrl_c_is_heard_over_a_jump_host_while_nobody_reads() -> Result {
    let hop = Sshd::start().await?;
    let target = Sshd::start().await?;
    let mut talk = shell(&Dialing::to_sshd(&target).through(&hop), &target).await?;
    let heard = target.dir().join("heard");
    let script = format!(
        "exec bash --norc -c 'stty -echo noflsh; trap \"echo >> {}\" INT; echo ready; seq 1 inf & while :; do wait; done'\n",
        heard.display()
    );
    talk.type_in(&script).await;
    talk.until("ready\r\n").await;
    still(&target, "seq").await?;
    talk.type_in("\x03").await;
    eventually(async || Ok(heard.exists())).await?;
    for pid in target.connections() {
        process::descendants(pid).into_iter().chain([pid]).try_for_each(|pid| process::signal(pid, KILL))?;
    }
    let left = talk.end().await.text.len();
    println!("{} KiB were left", left / 1024);
    assert!(left <= 1024 * 1024, "{left} bytes");
    Ok(())
}
