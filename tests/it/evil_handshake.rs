//! Servers that break the handshake on purpose: before anything is encrypted.

use testkit::evil::{Message, kexinit, number};
use wire::Code;

use crate::{evil_stage::Stage, setup::Result};

const WITHOUT_END: usize = usize::MAX;

#[tokio::test]
async fn a_greeting_without_end_is_no_ssh() -> Result {
    let stage = Stage::set().await?;
    stage
        .ends(&[
            ("lines", Code::NotSsh, |peer| {
                Box::pin(async move {
                    loop {
                        peer.raw(&b"<b>please</b> wait\x1b[2J\r\n".repeat(100)).await?;
                    }
                })
            }),
            ("one line", Code::NotSsh, |peer| {
                Box::pin(async move {
                    loop {
                        peer.raw(&[b'x'; 4096]).await?;
                    }
                })
            }),
            ("an identification without end", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.raw(b"SSH-2.0-").await?;
                    loop {
                        peer.raw(&[b'x'; 4096]).await?;
                    }
                })
            }),
            ("zeros", Code::NotSsh, |peer| Box::pin(async move { peer.raw(&[0; 1 << 20]).await })),
            ("escapes", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.raw(b"\x1b]0;pwned\x07\x1b[2J<script>alert(1)</script>\r\n").await?;
                    peer.hang_up().await
                })
            }),
        ])
        .await
}

#[tokio::test]
async fn garbage_instead_of_packets_is_no_ssh() -> Result {
    let stage = Stage::set().await?;
    stage
        .ends(&[
            ("garbage", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    peer.raw(&b"\xff\x00garbage\x1b[2J".repeat(10_000)).await
                })
            }),
            ("the largest length", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    peer.raw(&[0xff; 64]).await
                })
            }),
            ("256 MiB", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    peer.raw(&(256_u32 << 20).to_be_bytes()).await?;
                    peer.raw(&[0; 64 << 10]).await
                })
            }),
            ("no length", Code::LinkLost, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    peer.raw(&[0; 64]).await
                })
            }),
            ("more padding than packet", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    peer.raw(&[0, 0, 0, 12, 255, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).await
                })
            }),
        ])
        .await
}

#[tokio::test]
async fn lists_of_names_have_bounds_and_are_text() -> Result {
    let stage = Stage::set().await?;
    stage
        .ends(&[
            ("a hundred thousand names", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    let names = format!("a{}", ",a".repeat(100_000));
                    peer.send(&kexinit([&names, "", "", "", "", "", "", "", "", ""])).await
                })
            }),
            ("one long name", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    let name = "<i>".repeat(80_000);
                    peer.send(&kexinit([&name, "", "", "", "", "", "", "", "", ""])).await
                })
            }),
            ("names of markup", Code::NoCommonAlgorithm, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    let names = "<b>\x1b[2J,".repeat(10);
                    peer.send(&kexinit([&names, "", "", "", "", "", "", "", "", ""])).await
                })
            }),
            ("a list that ends before its length", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    let lists = Message::new(number::KEXINIT).raw([0; 16]).number(u32::MAX).raw("abc");
                    peer.send(&lists).await
                })
            }),
            ("a megabyte of names", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    let names = "a,".repeat(500_000);
                    peer.send(&kexinit([&names, "", "", "", "", "", "", "", "", ""])).await
                })
            }),
        ])
        .await
}

#[tokio::test]
async fn a_key_exchange_that_makes_no_sense_is_no_ssh() -> Result {
    let stage = Stage::set().await?;
    stage
        .ends(&[
            ("keys before the exchange", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    peer.send(&Message::new(number::NEWKEYS)).await
                })
            }),
            ("a reply before the exchange", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    peer.send(&Message::new(number::KEX_REPLY).text("a").text("b").text("c")).await
                })
            }),
            ("a reply of zeros", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    peer.begin_exchange("curve25519-sha256").await?;
                    let host_key = [&b"\0\0\0\x0bssh-ed25519\0\0\0\x20"[..], &[0; 32]].concat();
                    let signature = [&b"\0\0\0\x0bssh-ed25519\0\0\0\x40"[..], &[0; 64]].concat();
                    let reply = Message::new(number::KEX_REPLY).text(host_key).text([0; 32]);
                    peer.send(&reply.text(signature)).await
                })
            }),
            ("a success before the keys", Code::LinkLost, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    peer.begin_exchange("curve25519-sha256").await?;
                    peer.send(&Message::new(number::USERAUTH_SUCCESS)).await?;
                    peer.hang_up().await
                })
            }),
            ("keys without a reply", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    peer.begin_exchange("curve25519-sha256").await?;
                    peer.send(&Message::new(number::NEWKEYS)).await
                })
            }),
            ("lists without end", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    loop {
                        peer.begin_exchange("curve25519-sha256").await?;
                    }
                })
            }),
            ("ignored messages without end", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    let ignored = Message::new(number::IGNORE).text([0; 35_000]);
                    peer.flood(&ignored, WITHOUT_END).await
                })
            }),
        ])
        .await
}

#[tokio::test]
async fn groups_that_are_no_groups_are_refused() -> Result {
    const GEX: &str = "diffie-hellman-group-exchange-sha256";
    /// A prime that is none, and a generator.
    fn group(prime: Vec<u8>, generator: Vec<u8>) -> Message {
        Message::new(number::KEX_REPLY).text(prime).text(generator)
    }
    let stage = Stage::set().await?;
    stage
        .ends(&[
            ("nothing", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    peer.begin_exchange(GEX).await?;
                    peer.send(&group(vec![], vec![])).await
                })
            }),
            ("one", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    peer.begin_exchange(GEX).await?;
                    peer.send(&group(vec![1], vec![1])).await
                })
            }),
            ("a negative number", Code::LinkLost, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    peer.begin_exchange(GEX).await?;
                    peer.send(&group(vec![0xff; 512], vec![2])).await?;
                    peer.hang_up().await
                })
            }),
            ("an even number, and a generator that is nothing", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    peer.begin_exchange(GEX).await?;
                    let even = [&[0x40][..], &[0; 511]].concat();
                    peer.send(&group(even, vec![])).await
                })
            }),
            ("two million bits", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    peer.begin_exchange(GEX).await?;
                    peer.send(&group(vec![0x7f; 250_000], vec![2])).await
                })
            }),
        ])
        .await
}

#[tokio::test]
async fn a_server_that_hangs_up_in_the_handshake_has_broken_the_link() -> Result {
    let stage = Stage::set().await?;
    stage
        .ends(&[
            ("at once", Code::LinkLost, |peer| Box::pin(async move { peer.hang_up().await })),
            ("after the greeting", Code::LinkLost, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    peer.hang_up().await
                })
            }),
            ("in the middle of a packet", Code::LinkLost, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    peer.raw(&[0, 0, 1, 0, 10, 20]).await?;
                    peer.hang_up().await
                })
            }),
            ("after the lists", Code::LinkLost, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    peer.begin_exchange("curve25519-sha256").await?;
                    peer.hang_up().await
                })
            }),
            ("after the reply", Code::LinkLost, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    peer.begin_exchange("curve25519-sha256").await?;
                    peer.reply_to_exchange().await?;
                    peer.hang_up().await
                })
            }),
            ("after the keys", Code::LinkLost, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    peer.exchange_keys().await?;
                    peer.hang_up().await
                })
            }),
            ("with words", Code::LinkLost, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    let words = "<b>Go</b>\x1b[2J\r\naway\u{202e}".repeat(1000);
                    peer.send(&Message::new(number::DISCONNECT).number(2).text(words).text("")).await
                })
            }),
        ])
        .await
}
