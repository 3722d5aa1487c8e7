//! The measurements. Each works on any client, and checks what it counts.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use testkit::{Binary, Sshd, process, sha256};
use tokio::time::sleep;

use crate::client::{Client, Kind};

/// One transfer of the file.
pub(crate) struct Transfer {
    pub(crate) time: Duration,
    /// CPU time of the gateway, or of OpenSSH's client.
    pub(crate) cpu: Duration,
}

/// From Ctrl-C in a flood to the prompt.
pub(crate) struct Interrupt {
    pub(crate) time: Duration,
    /// Output of the flood that still came, with the prompt.
    pub(crate) bytes: u64,
}

/// From a key to its echo, `keys` times, the clients in turns. The far end is `cat` on a raw terminal;
/// keys come 5 to 30 ms apart, so that no timer falls into step with them.
pub(crate) async fn echo(clients: &mut [Client; 2], keys: u32) -> anyhow::Result<[Vec<Duration>; 2]> {
    for client in clients.iter_mut() {
        client.send("stty raw -echo; echo rea''dy; exec cat\r").await?;
        client.until("ready\n").await?;
    }
    let mut times = [Vec::new(), Vec::new()];
    for key in 0..keys {
        for (client, times) in clients.iter_mut().zip(&mut times) {
            sleep(Duration::from_micros(5_000 + u64::from(key).wrapping_mul(7_919) % 25_000)).await;
            let pressed = Instant::now();
            client.send("x").await?;
            let echo = client.receive().await.with_context(|| format!("no echo of key {key}"))?;
            times.push(pressed.elapsed());
            if echo != "x" {
                bail!("no echo but {echo:?}");
            }
        }
    }
    Ok(times)
}

/// Text, colours, wide characters and emoji: the same bytes in every run.
pub(crate) fn mixed_output(length: usize) -> Vec<u8> {
    let mut text = String::with_capacity(length + 256);
    for line in 0_u32.. {
        let colour = 31 + line % 7;
        text.push_str(&match line % 4 {
            0 => format!("{line:08} the quick brown fox jumps over the lazy dog, again and again\r\n"),
            1 => format!("\x1b[1;{colour}m{line:08}\x1b[0m \x1b[38;5;{}mbuilding\x1b[0m ok\r\n", line % 256),
            2 => format!("{line:08} 端末の文字は二つの桁を取ります 漢字仮名交じり文\r\n"),
            _ => format!("{line:08} 🙂 🚀 👩‍💻 e\u{301} ← combined, emoji, plain\r\n"),
        });
        if text.len() >= length {
            break;
        }
    }
    let mut bytes = text.into_bytes();
    bytes.truncate(length);
    bytes
}

/// `cat` of a file with this checksum on a raw terminal, to the last byte here.
pub(crate) async fn transfer(
    client: &mut Client,
    pid: process::ProcessId,
    file: &Path,
    checksum: &str,
) -> anyhow::Result<Transfer> {
    let length = usize::try_from(fs::metadata(file)?.len())?;
    client.send(&format!("stty raw -echo; echo rea''dy; read go; cat {}\r", file.display())).await?;
    client.until("ready\n").await?;
    let mut output = Vec::with_capacity(length + 1024);
    let cpu = cpu_time(pid)?;
    let asked = Instant::now();
    client.send("\n").await?;
    while output.len() < length {
        output.extend_from_slice(&client.receive().await?);
    }
    let transfer = Transfer { time: asked.elapsed(), cpu: cpu_time(pid)?.saturating_sub(cpu) };
    if sha256(&output[..length]) != checksum {
        bail!("the output is not the file");
    }
    Ok(transfer)
}

/// Ctrl-C after 4 MiB of `yes`.
pub(crate) async fn interrupt(client: &mut Client) -> anyhow::Result<Interrupt> {
    client.send("yes\r").await?;
    let mut flood = 0;
    while flood < 4 * 1024 * 1024 {
        flood += client.receive().await?.len();
    }
    let pressed = Instant::now();
    client.send("\x03").await?;
    let bytes = client.until("$ ").await?;
    Ok(Interrupt { time: pressed.elapsed(), bytes })
}

/// From nothing to the prompt: a process of OpenSSH's client, or an order, a socket and a start.
pub(crate) async fn connect(kind: Kind, sshd: &Sshd, gateway: &Binary) -> anyhow::Result<Duration> {
    let started = Instant::now();
    Client::open(kind, sshd, gateway).await?;
    Ok(started.elapsed())
}

/// Bytes of one idle session: a process of OpenSSH's client, or a share of the gateway's growth.
pub(crate) async fn idle_memory(sshd: &Sshd, gateway: &Binary, sessions: u32) -> anyhow::Result<[u64; 2]> {
    let before = memory(gateway.id()?)?;
    let mut clients = Vec::new();
    for _ in 0..sessions {
        clients.push(Client::open(Kind::Gateway, sshd, gateway).await?);
    }
    let shares = memory(gateway.id()?)?.saturating_sub(before) / u64::from(sessions);
    clients.clear();
    let mut processes = 0;
    for _ in 0..sessions {
        clients.push(Client::open(Kind::Ssh, sshd, gateway).await?);
    }
    for client in &clients {
        processes += memory(client.process().context("no process")?)?;
    }
    Ok([processes / u64::from(sessions), shares])
}

/// Memory of a process, with its part of what it shares with others.
pub(crate) fn memory(pid: process::ProcessId) -> anyhow::Result<u64> {
    process::memory(pid, "smaps_rollup", "Pss").context("only root may read the gateway's memory map")
}

/// CPU time of a process so far, user and system, to 10 ms.
fn cpu_time(pid: process::ProcessId) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(") ").context("no stat")?;
    // Fields 14 and 15 of proc(5), in ticks; Linux shows 100 of them a second on every machine.
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}
