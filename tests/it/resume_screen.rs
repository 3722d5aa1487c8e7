//! A page that was just loaded gets the screen and exactly what follows it: what it shows is what a page
//! shows that was there all the time, as xterm.js itself judges.

use std::{fmt::Write as _, fs};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use testkit::{PATIENCE, PageClient, Proxy, Referee, Sshd, demo_sshd::Script};
use wire::{Code, event};

use crate::{
    resume_setup::{Gateway, numbered},
    setup::{Result, mosaic, scripted, seen},
};

const LENGTH: usize = 3_000_000;
/// How often somebody else takes the session while it prints.
const NEWCOMERS: usize = 6;

/// What programs print: lines, colours, wide and combined characters, and all sorts of moves.
fn pictures(length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(20_261_124);
    let mut text = String::with_capacity(length + 256);
    while text.len() < length {
        let (row, col, colour) = (random.u32(1..25), random.u32(1..81), random.u32(0..256));
        let _ = match random.u32(0..16) {
            0 => write!(text, "\x1b[{row};{col}H"),
            1 => write!(text, "\x1b[38;5;{colour}m\x1b[48;2;{row};{col};{colour}mpaint\x1b[0m"),
            2 => write!(text, "\x1b[1;4;31mloud\x1b[22;24;39m"),
            3 => write!(text, "端末の文字は二桁"),
            4 => write!(text, "e\u{301} 🙂 👩\u{200d}💻 🇫🇷 "),
            5 => write!(text, "\x1b[{};{}r", row.min(20), 24),
            6 => write!(text, "\x1b[r"),
            7 => write!(text, "\x1b[{}L\x1b[{}P", row % 4, col % 7),
            8 => write!(text, "\x1b[{}J\x1b[{}K", colour % 2, colour % 3),
            9 if colour < 20 => write!(text, "\x1b[?1049h\x1b[Hthe other screen"),
            9 => write!(text, "\x1b[?1049l"),
            10 => write!(text, "\x1b7\t\tsaved\x1b8"),
            11 => write!(
                text,
                "\x1b[?{}{}",
                [7, 6, 25, 2004][colour as usize % 4],
                ["h", "l"][row as usize % 2]
            ),
            12 => write!(text, "\x1b(0lqqk\x1b(B"),
            _ => write!(text, "{row} of {col} lines about {colour}\r\n"),
        };
    }
    let mut bytes = text.into_bytes();
    bytes.truncate(length);
    bytes
}

fn write_step(bytes: &[u8]) -> Value {
    json!(["write", STANDARD.encode(bytes)])
}

#[tokio::test]
async fn a_new_page_in_the_middle_of_a_flood_shows_what_an_undisturbed_one_shows() -> Result {
    let output = pictures(LENGTH);
    let (sshd, gateway) = (Sshd::start().await?, Gateway::start(&[]).await?);
    let file = sshd.dir().join("pictures");
    fs::write(&file, &output)?;
    let mut page = gateway.open_bash(&sshd).await?;
    page.type_keys(format!(
        "stty raw -echo; echo rea''dy; read go; cat {}; read end; exit\r",
        file.display()
    ))
    .await?;
    page.until("ready\n").await?;
    let (before, begins) = (page.output().to_vec(), page.have());
    page.type_keys("\n").await?;
    let mut steps = vec![write_step(&before)];
    let mut judged = 0;
    for number in 1..=NEWCOMERS {
        let reached = begins + (LENGTH / (NEWCOMERS + 1) * number) as u64;
        page.until_offset(reached).await?;
        let newer = gateway.resume(&page.token()?).await?;
        let screen = newer.screen().unwrap();
        assert_eq!((screen.cols, screen.rows), (80, 24));
        assert!(screen.offset >= reached, "{} after {reached}", screen.offset);
        // What the older page had is what was printed.
        let kept = page.output();
        let end = (page.have() - begins) as usize;
        assert!(kept.ends_with(&output[end.saturating_sub(kept.len())..end]), "{end}");
        page.until_event(event::SESSION_TAKEN_OVER).await?;
        let at = (screen.offset - begins) as usize;
        steps.extend([write_step(&output[judged..at]), json!(["check", STANDARD.encode(&screen.bytes)])]);
        judged = at;
        page = newer;
    }
    page.until_offset(begins + LENGTH as u64).await?;
    assert!(page.output() == &output[judged..], "{} bytes from {judged}", page.output().len());
    steps.push(write_step(&output[judged..]));
    // One more, once it is quiet.
    let last = gateway.resume(&page.token()?).await?;
    steps.push(json!(["check", STANDARD.encode(&last.screen().unwrap().bytes)]));
    let case = json!({ "cols": 80, "rows": 24, "steps": steps });
    let differences = tokio::task::spawn_blocking(move || Referee::start()?.judge(&case)).await??;
    assert!(differences.is_empty(), "{differences:#?}");
    drop(page);
    gateway.ends_with("\n", last).await
}

#[tokio::test]
async fn a_page_that_has_what_is_kept_gets_no_screen() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, Gateway::start(&["--backlog", "65536"]).await?);
    let mut page = gateway.open_script(&sshd).await?;
    let typed = numbered(200_000);
    // The last of it comes while the page is away, and is no more than what is kept.
    for (number, piece) in typed.chunks(20_000).enumerate() {
        page.type_keys(piece).await?;
        if number % 3 == 2 {
            seen(&sshd, |record| record.input_bytes == page.typed()).await?;
            page.cut();
            page.until_attached().await?;
            assert!(page.screen().is_none(), "{number}");
        }
        page.until_offset(page.typed()).await?;
    }
    assert_eq!(page.attaches(), 4);
    assert!(page.output() == typed);
    gateway.ends(page).await
}

#[tokio::test]
async fn a_page_that_fell_behind_what_is_kept_gets_a_screen() -> Result {
    const BACKLOG: u64 = 128 * 1024;
    const LENGTH: u64 = 12_000_000;
    let sshd = scripted(Script::FloodBytes(LENGTH)).await?;
    let gateway = Gateway::start(&["--backlog", &BACKLOG.to_string()]).await?;
    let mut page = gateway.open_script(&sshd).await?;
    page.until_offset(1000).await?;
    page.returns = false;
    page.cut();
    gateway.until_detached(1).await?;
    seen(&sshd, |record| record.shells_ended == 1).await?;
    page.returns = true;
    assert_eq!(page.until_closed().await?.code, Code::Exited);
    let screen = page.screen().unwrap();
    assert!(screen.offset >= LENGTH - BACKLOG, "{}", screen.offset);
    assert_eq!((page.have(), page.attaches()), (LENGTH, 2));
    drop(page);
    gateway.base.is_back().await
}

/// A screen is of the size that the terminal has, whatever the new page's own is.
#[tokio::test]
async fn a_screen_has_the_size_of_its_terminal() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, Gateway::start(&[]).await?);
    let mut page = gateway.open_bash(&sshd).await?;
    page.socket()?.emit(event::RESIZE, json!({ "cols": 132, "rows": 43 })).await?;
    page.type_keys("until [ \"$(stty size)\" = '43 132' ]; do sleep 0.02; done; echo se''en\r").await?;
    page.until("seen\r\n").await?;
    let newer: PageClient = gateway.resume(&page.token()?).await?;
    let screen = newer.screen().unwrap();
    assert_eq!((screen.cols, screen.rows), (132, 43));
    assert!(String::from_utf8_lossy(&screen.bytes).contains("seen"));
    drop(page);
    gateway.ends(newer).await
}

/// Bytes in each second: what may be on its way takes longer than from ping to ping, and a screen half a
/// minute.
const SLOW: u32 = 12_000;

#[tokio::test]
async fn a_screen_arrives_over_a_link_that_is_slow() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, Gateway::start(&[]).await?);
    let program = mosaic(sshd.dir(), 150, 120)?;
    let mut page = gateway.open_bash(&sshd).await?;
    page.socket()?.emit(event::RESIZE, json!({ "cols": 120, "rows": 160 })).await?;
    page.type_keys(program).await?;
    page.until("mosaic-42\r\n").await?;
    let proxy = Proxy::start(gateway.address()?, 0).await?;
    proxy.throttle(Some(SLOW));
    let mut slow = PageClient::for_token(proxy.address(), &page.token()?);
    slow.patience = PATIENCE * 5;
    slow.until_attached().await?;
    let screen = slow.screen().context("no screen")?;
    assert!(screen.bytes.len() > 25 * SLOW as usize, "{} bytes", screen.bytes.len());
    assert!(screen.bytes.windows(9).any(|window| window == b"mosaic-42"));
    slow.type_keys("echo $((50+5))\r").await?;
    slow.until("55\r\n").await?;
    assert_eq!(slow.attaches(), 1, "it lost its socket on the way");
    Ok(())
}
