//! Servers that let their user in, and turn on the gateway then.

use serde_json::json;
use testkit::{
    Page, Protocol,
    evil::{EvilServer, Message, number},
    process,
};
use wire::{Code, event};

use crate::{dead_target_stage::still_by, evil_stage::Stage, setup::Result};

const MANY: usize = 10_000;

fn open(kind: &str) -> Message {
    Message::new(number::CHANNEL_OPEN).text(kind).number(99).number(1 << 20).number(32 * 1024)
}

fn signal(channel: u32, name: &str, words: &str) -> Message {
    let signal = Message::new(number::CHANNEL_REQUEST).number(channel).text("exit-signal").flag(false);
    signal.text(name).flag(false).text(words).text("")
}

#[tokio::test]
async fn a_shell_goes_on_whatever_comes_beside_it() -> Result {
    let stage = Stage::set().await?;
    stage
        .survives(&[
            ("channels", |peer| {
                Box::pin(async move {
                    let channel = peer.open_shell().await?;
                    let address = |kind| open(kind).text("127.0.0.1").number(22).text("127.0.0.1").number(1);
                    for message in [
                        open("session"),
                        open("x11").text("127.0.0.1").number(6000),
                        address("forwarded-tcpip"),
                        address("direct-tcpip"),
                        open("auth-agent@openssh.com"),
                        open("tun@openssh.com").raw([0; 8]),
                    ] {
                        peer.flood(&message, 1000).await?;
                        peer.until(number::CHANNEL_OPEN_FAILURE).await?;
                    }
                    peer.print(channel, "alive").await
                })
            }),
            ("global requests", |peer| {
                Box::pin(async move {
                    let channel = peer.open_shell().await?;
                    for name in ["keepalive@openssh.com", "hostkeys-00@openssh.com", "<b>\x1b[2J"] {
                        peer.flood(&Message::new(number::GLOBAL_REQUEST).text(name).flag(true), MANY).await?;
                    }
                    peer.print(channel, "alive").await
                })
            }),
            ("requests of the channel", |peer| {
                Box::pin(async move {
                    let channel = peer.open_shell().await?;
                    for name in ["keepalive@openssh.com", "pty-req", "shell", "x11-req"] {
                        let request = Message::new(number::CHANNEL_REQUEST).number(channel).text(name);
                        peer.flood(&request.flag(true), MANY).await?;
                    }
                    peer.print(channel, "alive").await
                })
            }),
            ("windows", |peer| {
                Box::pin(async move {
                    let channel = peer.open_shell().await?;
                    let adjust = Message::new(number::CHANNEL_WINDOW_ADJUST).number(channel).number(u32::MAX);
                    peer.flood(&adjust, MANY).await?;
                    peer.print(channel, "alive").await
                })
            }),
            ("other channels", |peer| {
                Box::pin(async move {
                    let channel = peer.open_shell().await?;
                    let data = Message::new(number::CHANNEL_DATA).number(4711).text([b'x'; 30_000]);
                    peer.flood(&data, 1000).await?;
                    let close = Message::new(number::CHANNEL_CLOSE).number(4711);
                    peer.flood(&close, MANY).await?;
                    peer.print(channel, "alive").await
                })
            }),
            ("what means nothing", |peer| {
                Box::pin(async move {
                    let channel = peer.open_shell().await?;
                    peer.flood(&Message::new(number::IGNORE).text([0; 30_000]), 1000).await?;
                    peer.flood(&Message::new(number::UNIMPLEMENTED).number(0), MANY).await?;
                    let debug = Message::new(number::DEBUG).flag(true).text("\x1b[2J<b>").text("");
                    peer.flood(&debug, MANY).await?;
                    peer.flood(&Message::new(number::USERAUTH_BANNER).text("alive").text(""), MANY).await?;
                    peer.flood(&Message::new(number::USERAUTH_FAILURE).text("password").flag(false), MANY)
                        .await?;
                    peer.flood(&Message::new(number::USERAUTH_SUCCESS), MANY).await?;
                    peer.flood(&Message::new(number::EXT_INFO).number(0), MANY).await?;
                    peer.flood(&Message::new(number::SERVICE_ACCEPT).text("x"), MANY).await?;
                    peer.print(channel, "alive").await
                })
            }),
            ("successes and failures", |peer| {
                Box::pin(async move {
                    let channel = peer.open_shell().await?;
                    for kind in [number::CHANNEL_SUCCESS, number::CHANNEL_FAILURE] {
                        peer.flood(&Message::new(kind).number(channel), MANY).await?;
                    }
                    peer.print(channel, "alive").await
                })
            }),
            ("new keys", |peer| {
                Box::pin(async move {
                    let channel = peer.open_shell().await?;
                    for _ in 0..100 {
                        peer.exchange_keys().await?;
                    }
                    peer.print(channel, "alive").await
                })
            }),
        ])
        .await
}

#[tokio::test]
async fn a_channel_that_is_none_ends_clearly() -> Result {
    let stage = Stage::set().await?;
    stage
        .ends(&[
            ("refused with words", Code::ShellRefused, |peer| {
                Box::pin(async move {
                    peer.let_in().await?;
                    let channel = peer.hear_channel().await?;
                    let failure = Message::new(number::CHANNEL_OPEN_FAILURE).number(channel).number(1);
                    peer.send(&failure.text("<b>no</b>\x1b[2J".repeat(1000)).text("")).await
                })
            }),
            ("confirmed under another number", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.let_in().await?;
                    let channel = peer.hear_channel().await?;
                    peer.confirm(channel + 4711, 1, 1).await
                })
            }),
            ("without room for a byte", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.let_in().await?;
                    let channel = peer.hear_channel().await?;
                    peer.confirm(channel, 0, 0).await
                })
            }),
            ("closed instead of an answer", Code::ShellRefused, |peer| {
                Box::pin(async move {
                    let channel = peer.open_channel().await?;
                    peer.send(&Message::new(number::CHANNEL_CLOSE).number(channel)).await
                })
            }),
            ("it talks before it answers", Code::NotSsh, |peer| {
                Box::pin(async move {
                    let channel = peer.open_channel().await?;
                    loop {
                        peer.print(channel, "alive").await?;
                    }
                })
            }),
            ("a signal of markup", Code::Signalled, |peer| {
                Box::pin(async move {
                    let channel = peer.open_shell().await?;
                    let markup = "<b>\x1b[2J\u{202e}".repeat(10_000);
                    peer.send(&signal(channel, &markup, &markup)).await?;
                    peer.send(&Message::new(number::CHANNEL_CLOSE).number(channel)).await
                })
            }),
            ("the end in words", Code::LinkLost, |peer| {
                Box::pin(async move {
                    peer.open_shell().await?;
                    let words = "<b>bye</b>\x1b[2J".repeat(1000);
                    peer.send(&Message::new(number::DISCONNECT).number(11).text(words).text("")).await
                })
            }),
            ("a packet that is none", Code::LinkLost, |peer| {
                Box::pin(async move {
                    peer.open_shell().await?;
                    peer.raw(&[0xff; 1 << 16]).await
                })
            }),
        ])
        .await
}

#[tokio::test]
async fn output_beyond_the_window_waits_for_a_page_that_takes_none() -> Result {
    let stage = Stage::set().await?;
    let server = EvilServer::start(|peer| {
        Box::pin(async move {
            let channel = peer.open_shell().await?;
            loop {
                peer.print(channel, &"x".repeat(30_000)).await?;
            }
        })
    })
    .await?;
    still_with(&stage, &server).await
}

#[tokio::test]
async fn words_about_the_end_wait_for_a_page_that_takes_none() -> Result {
    let stage = Stage::set().await?;
    let server = EvilServer::start(|peer| {
        Box::pin(async move {
            let channel = peer.open_shell().await?;
            peer.flood(&Message::new(number::CHANNEL_DATA).number(channel).text([b'x'; 30_000]), 40).await?;
            let words = "x".repeat(200_000);
            loop {
                peer.send(&signal(channel, "KILL", &words)).await?;
            }
        })
    })
    .await?;
    still_with(&stage, &server).await
}

/// Leaves a page's output where it is until the server can send no more of it.
async fn still_with(stage: &Stage, server: &EvilServer) -> Result {
    let ticket = stage
        .binary
        .create(&json!({ "hostname": "127.0.0.1", "port": server.port(), "username": "u", "password": "p" }))
        .await?;
    let mut page = Page::connect(stage.binary.address()?, Protocol::Ours).await?;
    page.acknowledges = false;
    page.start_session(&ticket).await?;
    page.until_event(event::CONNECTION_READY).await?;
    let id = stage.binary.id()?;
    let memory = || process::memory(id, "status", "VmRSS").ok();
    still_by("the gateway's memory", memory).await?;
    drop(page);
    stage.is_as_before().await
}
