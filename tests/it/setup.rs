//! What most tests start with.

use std::{fs, path::Path, time::Duration};

use anyhow::Context as _;
use serde_json::{Value, json};
use testkit::{
    Account, PATIENCE, Page, Protocol, Sshd, SshdConfig, TestGateway,
    demo_sshd::{DemoSshd, Options, Program, Quirk, Record, Script},
};
use tokio::time::timeout;

pub(crate) type Result<T = ()> = anyhow::Result<T>;

/// Both protocols, for what must hold in each.
pub(crate) const BOTH: [Protocol; 2] = [Protocol::Ours, Protocol::Original];

/// An SSH server that runs this script.
pub(crate) async fn scripted(script: Script) -> Result<DemoSshd> {
    demo(Program::Scripted(script), None).await
}

/// An SSH server with this fault.
pub(crate) async fn faulty(quirk: Quirk) -> Result<DemoSshd> {
    demo(Program::Scripted(Script::Echo), Some(quirk)).await
}

async fn demo(program: Program, quirk: Option<Quirk>) -> Result<DemoSshd> {
    let options = Options { program, quirk, rejection_time: Duration::ZERO, ..Options::default() };
    Ok(DemoSshd::start(options).await?)
}

/// An account with a known password, unless the machine forbids what that takes.
pub(crate) async fn account() -> Option<Account> {
    let account = Account::new().await.unwrap();
    if account.is_none() {
        println!("SKIPPED: this machine lets nobody unshare a mount namespace");
    }
    account
}

/// An order for the server's only account.
pub(crate) fn password_order(sshd: &DemoSshd) -> Value {
    json!({
        "hostname": "127.0.0.1",
        "port": sshd.port(),
        "username": sshd.username(),
        "password": sshd.password(),
    })
}

/// An order for a real sshd with its client key.
pub(crate) fn key_order(sshd: &Sshd) -> Result<Value> {
    Ok(json!({
        "hostname": "127.0.0.1",
        "port": sshd.port(),
        "username": sshd.username(),
        "ssh_key": sshd.client_key()?,
    }))
}

/// The same with these fields too, or in the place of its own.
pub(crate) fn key_order_with(sshd: &Sshd, fields: Value) -> Result<Value> {
    let mut order = key_order(sshd)?;
    if let (Some(order), Value::Object(fields)) = (order.as_object_mut(), fields) {
        order.extend(fields);
    }
    Ok(order)
}

/// A real sshd that runs what it is asked to, with these lines in its configuration.
pub(crate) async fn runner(lines: &[&str]) -> Result<Sshd> {
    let extra = lines.iter().map(|&line| line.to_owned()).collect();
    Sshd::with_config(SshdConfig { force_command: None, extra, ..SshdConfig::default() }).await
}

/// A page with the shell of a real sshd.
pub(crate) async fn open_bash(sshd: &Sshd, gateway: &TestGateway, protocol: Protocol) -> Result<Page> {
    let ticket = gateway.create(&key_order(sshd)?).await?;
    let mut page = Page::open(gateway.address(), protocol, &ticket).await?;
    page.until("$ ").await?;
    Ok(page)
}

/// How many sessions this gateway has, however they stand.
pub(crate) fn sessions(gateway: &TestGateway) -> usize {
    let counts = gateway.registry().counts();
    counts.dialing + counts.attached + counts.detached
}

/// A page with a scripted shell.
pub(crate) async fn open_script(sshd: &DemoSshd, gateway: &TestGateway, protocol: Protocol) -> Result<Page> {
    let ticket = gateway.create(&password_order(sshd)).await?;
    Page::open(gateway.address(), protocol, &ticket).await
}

/// Waits until the server's record is as wanted.
pub(crate) async fn seen(sshd: &DemoSshd, wanted: impl FnMut(&Record) -> bool) -> Result<Record> {
    let mut record = sshd.record();
    let seen = timeout(PATIENCE, record.wait_for(wanted)).await;
    let found = seen.ok().and_then(std::result::Result::ok).map(|record| record.clone());
    found.with_context(|| format!("never seen, only {:?}", sshd.record().borrow()))
}

/// Asks again until the answer is yes, for states that announce themselves to nobody.
///
/// # Errors
/// The answer stays no.
pub(crate) async fn eventually(mut ask: impl AsyncFnMut() -> Result<bool>) -> Result {
    let asking = async {
        while !ask().await? {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    };
    timeout(PATIENCE, asking).await.context("it never became true")?
}

/// Writes a program to `dir` that gives each cell of a screen its own colour, about 20 bytes each, and then
/// prints `mosaic-42`; the command that runs it.
pub(crate) fn mosaic(dir: &Path, rows: u32, cols: u32) -> Result<String> {
    let program = format!(
        r#"awk 'BEGIN {{ for (r = 0; r < {rows}; r++) {{ for (c = 0; c < {cols}; c++)
printf "\033[38;2;%d;%d;%dm%c", (r * 7 + c) % 256, (r + c * 3) % 256, (r * c) % 256, 65 + (r + c) % 26
printf "\r\n" }} }}'; echo mosaic-$((40 + 2))"#
    );
    let file = dir.join("mosaic");
    fs::write(&file, program)?;
    Ok(format!("sh {}\r", file.display()))
}
