//! Keys that are changed while nobody reads: what is typed, the size and the end pass all the same.
//!
//! The target's flood goes on for ever, and what it does besides is told by files.

use std::{env, fs, path::PathBuf, time::Duration};

use engine::{Credentials, DialOrder, Dialer as _, Program, Pty, TermSize};
use serde_json::json;
use ssh::{KeyLife, Patience, SshDialer};
use tempfile::TempDir;
use testkit::{PATIENCE, Sshd, SshdConfig, process, sha256};
use tokio::time::{Instant, timeout};
use wire::{Code, event};

use crate::{
    dead_target_stage::{KILL, numbers, still},
    resume_setup::{Gateway, numbered},
    setup::{Result, eventually, key_order},
    ssh_dialing::{Dialing, Talk},
};

const MEBIBYTE: usize = 1024 * 1024;
/// The most that may be left of what nobody read: two windows behind the gate, one that is on its way
/// and one that an exchange let pass, and the gate's own.
const LEFT: usize = (64 + 4 * 256) * 1024;
/// Nobody is asked anything while a test runs.
const ENDLESS: Patience =
    Patience { question_after: Duration::from_secs(600), last_answer: Duration::from_secs(600) };
/// Soon asked, and left soon after.
const SHORT: Patience =
    Patience { question_after: Duration::from_millis(400), last_answer: Duration::from_millis(400) };
/// Keys that are never old.
const FOR_EVER: KeyLife = KeyLife { bytes: u64::MAX, time: Duration::MAX };

/// A target that counts for ever, and writes down what it hears.
struct Counting {
    server: Sshd,
    heard: TempDir,
}

impl Counting {
    /// One with these lines in its configuration.
    async fn start(extra: &[&str]) -> Result<Self> {
        let heard = tempfile::tempdir()?;
        let dir = heard.path().display();
        // What runs behind the back of a shell is not ended by a Ctrl-C, and nothing is flushed.
        let command = format!(
            "exec bash --norc -c 'stty -echo noflsh; trap \"echo >> {dir}/interrupts\" INT; \
             trap \"stty size > {dir}/size\" WINCH; echo ready; seq 1 inf & while :; do wait; done'"
        );
        let config = SshdConfig {
            force_command: Some(command),
            extra: extra.iter().map(|line| (*line).to_owned()).collect(),
            log_level: "DEBUG1".to_owned(),
            ..SshdConfig::default()
        };
        Ok(Self { server: Sshd::with_config(config).await?, heard })
    }

    /// Waits until it can print no more.
    async fn stands(&self) -> Result {
        still(&self.server, "seq").await
    }

    fn file(&self, name: &str) -> PathBuf {
        self.heard.path().join(name)
    }

    /// Waits until so many Ctrl-C were heard, and no more.
    async fn interrupted(&self, times: usize) -> Result {
        let file = self.file("interrupts");
        let count = || fs::read(&file).map_or(0, |lines| lines.len());
        eventually(async || Ok(count() >= times)).await?;
        anyhow::ensure!(count() == times, "{} times", count());
        Ok(())
    }

    async fn resized(&self, size: &str) -> Result {
        let file = self.file("size");
        eventually(async || Ok(fs::read_to_string(&file).is_ok_and(|text| text.trim() == size))).await
    }

    /// How often it logged these words.
    fn logged(&self, words: &str) -> usize {
        self.server.log().iter().filter(|line| line.contains(words)).count()
    }

    /// How many key exchanges it began.
    fn begun(&self) -> usize {
        self.logged("SSH2_MSG_KEXINIT sent")
    }

    /// How many of them are done.
    fn done(&self) -> usize {
        self.logged("SSH2_MSG_NEWKEYS received")
    }

    /// A shell on it, at its first line.
    async fn talk(&self, key_life: KeyLife, patience: Patience) -> Result<Talk> {
        let dialing = Dialing::to_sshd(&self.server);
        let dialer = SshDialer::new(dialing.options.clone()).with_patience(patience).with_key_life(key_life);
        let key = self.server.client_key()?;
        let credentials = Credentials::of_key(key, None);
        let order = DialOrder {
            jump: Vec::new(),
            target: dialing.target.clone(),
            credentials,
            pty: Some(Pty::default()),
            program: Program::default(),
        };
        let mut talk = Talk::new(timeout(PATIENCE, dialer.dial(order, dialing.person.clone())).await?);
        talk.until("ready\r\n").await;
        Ok(talk)
    }

    /// Types Ctrl-C and changes the size while nobody reads; both must arrive.
    async fn hears(&self, talk: &Talk) -> Result {
        let typed = Instant::now();
        talk.type_in("\x03").await;
        self.interrupted(1).await?;
        println!("a Ctrl-C was heard after {:?}", typed.elapsed());
        talk.transport.shell.clone().resize(TermSize::clamped(132, 50)).await?;
        self.resized("50 132").await
    }

    /// Kills it, and reads what was not read: little, and the next of all numbers.
    async fn leaves_little(&self, mut talk: Talk, read: &str) -> Result {
        for pid in self.server.connections() {
            process::descendants(pid)
                .into_iter()
                .chain([pid])
                .try_for_each(|pid| process::signal(pid, KILL))?;
        }
        let rest = talk.end().await.text;
        println!("{} KiB were left", rest.len() / 1024);
        anyhow::ensure!(rest.len() <= LEFT, "{} bytes", rest.len());
        numbers(&format!("{read}{rest}"))?;
        Ok(())
    }
}

#[tokio::test]
async fn keys_that_the_target_changes_hold_up_nothing() -> Result {
    let target = Counting::start(&["RekeyLimit 64K"]).await?;
    let talk = target.talk(FOR_EVER, ENDLESS).await?;
    target.stands().await?;
    // It waits in the middle of an exchange, whose first message lies behind the gate.
    assert!(target.begun() > target.done());
    target.hears(&talk).await?;
    target.leaves_little(talk, "").await
}

#[tokio::test]
async fn keys_that_we_change_after_some_bytes_hold_up_nothing() -> Result {
    // What is printed up to here, and what a gate lets through after it but for some KiB.
    let (last, bytes) = ("\n150000\r\n", 1_088_895 + 48 * 1024);
    let target = Counting::start(&[]).await?;
    let mut talk = target.talk(KeyLife { bytes, ..FOR_EVER }, ENDLESS).await?;
    let read = talk.until(last).await + last;
    target.stands().await?;
    target.hears(&talk).await?;
    assert_eq!((target.begun(), target.done()), (2, 2));
    target.leaves_little(talk, &read).await
}

#[tokio::test]
async fn keys_that_are_always_old_hold_up_nothing() -> Result {
    let target = Counting::start(&[]).await?;
    let talk = target.talk(KeyLife { time: Duration::ZERO, ..FOR_EVER }, ENDLESS).await?;
    target.stands().await?;
    target.hears(&talk).await?;
    assert!(target.begun() > 1 && target.begun() == target.done());
    target.leaves_little(talk, "").await
}

/// Whoever has begun an exchange answers no question before it is done.
#[tokio::test]
async fn a_target_that_waits_for_new_keys_is_not_taken_for_dead_and_hears_everything() -> Result {
    let target = Counting::start(&["RekeyLimit 64K"]).await?;
    let talk = target.talk(FOR_EVER, SHORT).await?;
    target.stands().await?;
    let begun = target.begun();
    eventually(async || Ok(target.begun() >= begun + 5)).await?;
    target.hears(&talk).await?;
    target.leaves_little(talk, "").await
}

#[tokio::test]
async fn both_sides_change_their_keys_under_load_and_nothing_is_lost() -> Result {
    const TYPED: usize = 20;
    let target = Counting::start(&["RekeyLimit 64K"]).await?;
    let mut talk = target.talk(KeyLife { bytes: 48 * 1024, ..FOR_EVER }, ENDLESS).await?;
    let mut read = String::new();
    for number in 1..=TYPED {
        talk.type_in("\x03").await;
        let last = format!("\n{}\r\n", number * 50_000);
        read += &talk.until(&last).await;
        read += &last;
        target.interrupted(number).await?;
    }
    assert_eq!(numbers(&read)?, (TYPED * 50_000) as u64);
    assert!(target.done() > TYPED, "{}", target.done());
    Ok(())
}

/// The whole way, for a page that acknowledges nothing.
#[tokio::test]
async fn a_page_that_takes_nothing_is_heard_and_left_while_the_target_waits_for_new_keys() -> Result {
    let (target, gateway) = (Counting::start(&["RekeyLimit 64K"]).await?, Gateway::start(&[]).await?);
    let mut page = gateway.open(&key_order(&target.server)?).await?;
    page.acknowledges = false;
    page.until("ready\r\n").await?;
    target.stands().await?;
    assert!(target.begun() > target.done());
    let typed = Instant::now();
    for number in 1..=20 {
        page.type_keys("\x03").await?;
        target.interrupted(number).await?;
    }
    println!("20 Ctrl-C were heard after {:?}", typed.elapsed());
    page.socket()?.emit(event::RESIZE, json!({ "cols": 132, "rows": 50 })).await?;
    target.resized("50 132").await?;
    page.socket()?.emit_bare(event::TIMEOUT).await?;
    eventually(async || Ok(target.server.connections().is_empty())).await?;
    page.acknowledges = true;
    assert_eq!(page.until_closed().await?.code, Code::TimedOut);
    drop(page);
    gateway.base.is_back().await
}

/// How much is printed under new keys; all of it where `ALFRESCO_SSH_FULL` is set.
fn flood() -> usize {
    if env::var_os("ALFRESCO_SSH_FULL").is_some() { 200 * MEBIBYTE } else { 32 * MEBIBYTE }
}

#[tokio::test]
async fn a_flood_under_ever_new_keys_is_the_same_bytes_and_so_is_what_is_typed() -> Result {
    const LINES: usize = 2_000;
    let config = SshdConfig {
        extra: vec!["RekeyLimit 64K".to_owned()],
        log_level: "DEBUG1".to_owned(),
        ..SshdConfig::default()
    };
    let (server, gateway) = (Sshd::with_config(config).await?, Gateway::start(&[]).await?);
    let output = numbered(flood());
    fs::write(server.dir().join("flood"), &output)?;
    let input: Vec<String> = (0..LINES).map(|line| format!("line {line:06} of what is typed\n")).collect();
    let typed = input.concat();
    let script = format!(
        "stty raw -echo\nprintf 'ready\\n'\nhead -c 1 > /dev/null\ncat flood &\n\
         head -c {} | sha256sum > sum\nwait\ncat sum\nprintf 'the end\\n'",
        typed.len()
    );
    fs::write(server.dir().join("script"), script)?;
    let mut page = gateway.open_bash(&server).await?;
    page.patience = Duration::from_secs(170);
    page.type_keys(format!("cd {} && bash script; exit\r", server.dir().display())).await?;
    page.until("ready\n").await?;
    page.tally(output.len());
    page.type_keys("!").await?;
    let mut lines = input.iter();
    while page.tallied().is_none() || lines.len() > 0 {
        if let Some(line) = lines.next() {
            page.type_keys(line.as_str()).await?;
        }
        page.step().await?;
    }
    assert_eq!(page.tallied(), Some(sha256(&output)));
    page.until("the end").await?;
    assert!(page.text().contains(&sha256(typed.as_bytes())), "{:?}", page.text());
    let exchanges = server.log().iter().filter(|line| line.contains("SSH2_MSG_NEWKEYS received")).count();
    println!("{exchanges} key exchanges");
    assert!(exchanges > output.len() / (256 * 1024), "{exchanges}");
    page.until_closed().await?;
    drop(page);
    gateway.base.is_back().await
}
