//! Shells without a process: they print what a test knows beforehand.
//!
//! Each ends with exit status 0 unless it says otherwise. None of them edits or echoes a line.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use russh::Sig;

use crate::channel::{Command, Commands, Exit, Gone, Output};

const INTERRUPT: u8 = 0x03;
const END_OF_TRANSMISSION: u8 = 0x04;
/// No multiple of three: three-byte characters break at the edges of packets.
const UTF8_PACKET: usize = 4_096;

/// What a scripted shell does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Script {
    /// Sends back what it gets; ends at Ctrl-D.
    Echo,
    /// Prints [`flood`]'s lines until Ctrl-C, says `interrupted`, and goes on as [`Script::Echo`].
    Flood,
    /// Prints so many bytes of [`flood`]'s lines.
    FloodBytes(u64),
    /// Prints [`utf8_text`] with so many characters, cut anywhere.
    Utf8(usize),
    /// Prints `tick <n>` forever, with so much time between two lines.
    Ticks(Duration),
    /// Prints `bye` and exits with this status.
    Exit(u32),
    /// Prints `bye` and is killed by this signal, named without `SIG`.
    Signal(String),
    /// Prints nothing and takes everything; ends at Ctrl-D.
    Silent,
    /// Prints `bye` and closes the channel without an exit status.
    CloseSilently,
}

/// Numbered lines of 64 bytes, as packets of 32 KiB: no two alike, so none can be lost, doubled or
/// swapped unnoticed.
pub fn flood() -> impl Iterator<Item = Bytes> {
    (0_u64..).step_by(512).map(|first| {
        let mut packet = BytesMut::with_capacity(32 * 1024);
        for line in first..first + 512 {
            let color = 31 + line % 7;
            packet.extend_from_slice(format!("\x1b[{color}m{line:022}\x1b[0m").as_bytes());
            packet.extend_from_slice(b" The quick brown fox jumps over\r\n".as_slice());
        }
        packet.freeze()
    })
}

/// A text of so many three-byte characters, all from one block and in its order.
#[must_use]
pub fn utf8_text(characters: usize) -> String {
    ('\u{4e00}'..'\u{9f00}').cycle().take(characters).collect()
}

/// Runs a script; `None` if it ends without saying how, or the client closed the channel.
pub(crate) async fn run(script: &Script, output: &Output, commands: &mut Commands) -> Option<Exit> {
    play(script, output, commands).await.unwrap_or(None)
}

async fn play(script: &Script, output: &Output, commands: &mut Commands) -> Result<Option<Exit>, Gone> {
    match script {
        Script::Echo => echo(output, commands).await?,
        Script::Flood => {
            endless(output, commands).await?;
            output.send(&b"interrupted\r\n"[..]).await?;
            echo(output, commands).await?;
        }
        Script::FloodBytes(bytes) => {
            let printing = print_flood(output, *bytes);
            tokio::select! {
                result = printing => result?,
                () = closed(commands) => return Err(Gone),
            }
        }
        Script::Utf8(characters) => {
            let printing = print_cut(output, utf8_text(*characters).into());
            tokio::select! {
                result = printing => result?,
                () = closed(commands) => return Err(Gone),
            }
        }
        Script::Ticks(pause) => tokio::select! {
            result = tick(output, *pause) => result?,
            () = closed(commands) => return Err(Gone),
        },
        Script::Exit(status) => {
            output.send(&b"bye\r\n"[..]).await?;
            return Ok(Some(Exit::Status(*status)));
        }
        Script::Signal(name) => {
            output.send(&b"bye\r\n"[..]).await?;
            return Ok(Some(Exit::Signal(signal(name))));
        }
        Script::Silent => while !has(&input(commands).await?, END_OF_TRANSMISSION) {},
        Script::CloseSilently => {
            output.send(&b"bye\r\n"[..]).await?;
            return Ok(None);
        }
    }
    Ok(Some(Exit::Status(0)))
}

async fn echo(output: &Output, commands: &mut Commands) -> Result<(), Gone> {
    loop {
        let bytes = input(commands).await?;
        if has(&bytes, END_OF_TRANSMISSION) {
            return Ok(());
        }
        output.send(bytes).await?;
    }
}

/// Prints until Ctrl-C; never waits for the client without listening to it.
async fn endless(output: &Output, commands: &mut Commands) -> Result<(), Gone> {
    for packet in flood() {
        let sending = output.send(packet);
        tokio::pin!(sending);
        loop {
            tokio::select! {
                result = &mut sending => break result?,
                bytes = input(commands) => if has(&bytes?, INTERRUPT) {
                    return Ok(());
                },
            }
        }
    }
    Ok(())
}

async fn print_flood(output: &Output, bytes: u64) -> Result<(), Gone> {
    let mut left = usize::try_from(bytes).unwrap_or(usize::MAX);
    for mut packet in flood() {
        packet.truncate(left);
        left -= packet.len();
        output.send(packet).await?;
        if left == 0 {
            break;
        }
    }
    Ok(())
}

async fn print_cut(output: &Output, mut text: Bytes) -> Result<(), Gone> {
    while !text.is_empty() {
        output.send(text.split_to(UTF8_PACKET.min(text.len()))).await?;
    }
    Ok(())
}

async fn tick(output: &Output, pause: Duration) -> Result<(), Gone> {
    for number in 0_u64.. {
        output.send(format!("tick {number}\r\n").into_bytes()).await?;
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

/// The next input; what else the client asks for changes nothing here.
async fn input(commands: &mut Commands) -> Result<Bytes, Gone> {
    loop {
        match commands.next().await.ok_or(Gone)? {
            Command::Input(bytes) => {
                commands.taken(bytes.len());
                return Ok(bytes);
            }
            Command::Resize { .. } | Command::Signal(_) => {}
        }
    }
}

async fn closed(commands: &mut Commands) {
    while input(commands).await.is_ok() {}
}

fn has(bytes: &[u8], control: u8) -> bool {
    bytes.contains(&control)
}

fn signal(name: &str) -> Sig {
    match name {
        "KILL" => Sig::KILL,
        "TERM" => Sig::TERM,
        "HUP" => Sig::HUP,
        "SEGV" => Sig::SEGV,
        other => Sig::Custom(other.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flood_is_made_of_lines_of_64_bytes_in_order() {
        let packets: Vec<Bytes> = flood().take(2).collect();
        assert_eq!(packets[0].len(), 32 * 1024);
        let line = |packet: &Bytes, index: usize| packet[index * 64..(index + 1) * 64].to_vec();
        assert!(line(&packets[1], 0).windows(22).any(|digits| digits == b"0000000000000000000512"));
        assert!(line(&packets[0], 511).ends_with(b"\r\n"));
    }

    #[test]
    fn every_character_takes_three_bytes() {
        let text = utf8_text(30_000);
        assert_eq!((text.chars().count(), text.len()), (30_000, 90_000));
        assert_ne!(UTF8_PACKET % 3, 0);
    }
}
