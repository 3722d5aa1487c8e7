//! OpenSSH's server with PAM and an account whose password is known, for tests in other languages.
//!
//! Its arguments are lines of `sshd_config`. The first argument may be `--codes`: then PAM asks for a
//! one-time code as well. It prints a line of JSON, which says how to log in and is `null` where the
//! machine permits no such server, and ends with its input.

use std::{
    env,
    io::{self, Read as _},
    sync::Arc,
};

use serde_json::{Value, json};
use testkit::{Account, Sshd, SshdConfig};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Some(account) = Account::new().await? else {
        return print(&Value::Null);
    };
    let mut lines: Vec<String> = env::args().skip(1).collect();
    if lines.first().is_some_and(|line| line == "--codes") {
        lines.remove(0);
        account.require_codes(true)?;
    }
    lines.push("UsePAM yes".to_owned());
    let config = SshdConfig { extra: lines, account: Some(Arc::new(account)), ..SshdConfig::default() };
    let server = Sshd::with_config(config).await?;
    print(&json!({
        "target": {
            "hostname": "127.0.0.1",
            "port": server.port(),
            "username": Account::NAME,
        },
        "ssh_key": server.client_key()?,
        "password": Account::PASSWORD,
        "codes": Account::CODES,
    }))?;
    tokio::task::spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "it is what this program is for")]
fn print(value: &Value) -> anyhow::Result<()> {
    println!("{value}");
    Ok(())
}
