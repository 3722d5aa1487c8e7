//! Servers that have proved who they are, and then make a login of it that is none.

use futures_util::future::try_join_all;
use serde_json::json;
use testkit::{
    Binary, BinaryOptions, Event, Page, Protocol,
    evil::{Deed, EvilServer, Message, Peer, number},
};
use wire::{Code, event};

use crate::{
    evil_stage::{Stage, assert_clean, closed},
    setup::Result,
};

const WITHOUT_END: usize = usize::MAX;
/// What a page and a terminal must not take for more than a text.
const MARKUP: &str = "<img src=x onerror=alert(1)>\x1b[2J\x1b]0;pwned\x07\u{202e}";

/// A request for answers to so many prompts.
fn questions(prompt: &str, count: u32) -> Message {
    let request = Message::new(number::USERAUTH_INFO_REQUEST).text("").text("").text("").number(count);
    (0..count).fold(request, |request, _| request.text(prompt).flag(false))
}

fn banner(length: usize) -> Message {
    Message::new(number::USERAUTH_BANNER).text("x".repeat(length)).text("")
}

/// Comes to where the client waits for a question.
async fn offer_questions(peer: &mut Peer) -> std::io::Result<()> {
    peer.hear_login().await?;
    peer.refuse("keyboard-interactive").await?;
    peer.until(number::USERAUTH_REQUEST).await?;
    Ok(())
}

#[tokio::test]
async fn what_has_no_end_ends_the_login_at_once() -> Result {
    let stage = Stage::set().await?;
    stage
        .ends(&[
            ("large banners", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.hear_login().await?;
                    peer.flood(&banner(200_000), WITHOUT_END).await
                })
            }),
            ("empty banners", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.hear_login().await?;
                    peer.flood(&banner(0), WITHOUT_END).await
                })
            }),
            ("refusals", Code::AuthFailed, |peer| {
                Box::pin(async move {
                    peer.hear_login().await?;
                    peer.flood(
                        &Message::new(number::USERAUTH_FAILURE).text("password").flag(false),
                        WITHOUT_END,
                    )
                    .await
                })
            }),
            ("rounds of questions", Code::NotSsh, |peer| {
                Box::pin(async move {
                    offer_questions(peer).await?;
                    loop {
                        peer.send(&questions("Password: ", 0)).await?;
                        peer.until(number::USERAUTH_INFO_RESPONSE).await?;
                    }
                })
            }),
            ("questions", Code::NotSsh, |peer| {
                Box::pin(async move {
                    offer_questions(peer).await?;
                    peer.send(&questions("", 50_000)).await
                })
            }),
            ("more questions than there are bytes", Code::NotSsh, |peer| {
                Box::pin(async move {
                    offer_questions(peer).await?;
                    let request = Message::new(number::USERAUTH_INFO_REQUEST);
                    peer.send(&request.text("").text("").text("").number(u32::MAX)).await
                })
            }),
            ("a long question", Code::NotSsh, |peer| {
                Box::pin(async move {
                    offer_questions(peer).await?;
                    peer.send(&questions(&"x".repeat(200_000), 1)).await
                })
            }),
            ("a question of a megabyte", Code::NotSsh, |peer| {
                Box::pin(async move {
                    offer_questions(peer).await?;
                    peer.send(&questions(&"x".repeat(1 << 20), 1)).await
                })
            }),
            ("extensions", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.hear_login().await?;
                    peer.flood(&Message::new(number::EXT_INFO).number(0), WITHOUT_END).await
                })
            }),
            ("ignored messages", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.hear_login().await?;
                    peer.flood(&Message::new(number::IGNORE).text("x"), WITHOUT_END).await
                })
            }),
        ])
        .await
}

#[tokio::test]
async fn what_does_not_belong_into_a_login_ends_it() -> Result {
    let stage = Stage::set().await?;
    stage
        .ends(&[
            ("a success before the service", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    peer.exchange_keys().await?;
                    peer.send(&Message::new(number::USERAUTH_SUCCESS)).await
                })
            }),
            ("a channel before the login", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.hear_login().await?;
                    let open = Message::new(number::CHANNEL_OPEN).text("session");
                    peer.send(&open.number(1).number(1).number(1)).await
                })
            }),
            ("a global request before the login", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.hear_login().await?;
                    peer.send(&Message::new(number::GLOBAL_REQUEST).text("x").flag(false)).await
                })
            }),
            ("a text that is none", Code::NotSsh, |peer| {
                Box::pin(async move {
                    peer.hear_login().await?;
                    peer.send(&Message::new(number::USERAUTH_BANNER).text([0xff, 0xfe]).text("")).await
                })
            }),
            ("a method that nobody knows", Code::AuthMethodUnavailable, |peer| {
                Box::pin(async move {
                    peer.hear_login().await?;
                    peer.refuse("<b>\x1b[2J").await
                })
            }),
        ])
        .await
}

#[tokio::test]
async fn a_success_that_follows_a_refusal_is_one() -> Result {
    let stage = Stage::set().await?;
    stage
        .survives(&[("a success at once", |peer| {
            Box::pin(async move {
                peer.hear_login().await?;
                peer.refuse("password").await?;
                peer.send(&Message::new(number::USERAUTH_SUCCESS)).await?;
                let channel = peer.hear_channel().await?;
                peer.confirm(channel, 1 << 20, 32 * 1024).await?;
                peer.grant(channel).await?;
                peer.grant(channel).await?;
                peer.print(channel, "alive").await
            })
        })])
        .await
}

#[tokio::test]
async fn a_server_that_hangs_up_in_the_login_has_broken_the_link() -> Result {
    let stage = Stage::set().await?;
    stage
        .ends(&[
            ("at the service", Code::LinkLost, |peer| {
                Box::pin(async move {
                    peer.greet().await?;
                    peer.exchange_keys().await?;
                    peer.until(number::SERVICE_REQUEST).await?;
                    peer.hang_up().await
                })
            }),
            ("at the first request", Code::LinkLost, |peer| {
                Box::pin(async move {
                    peer.hear_login().await?;
                    peer.hang_up().await
                })
            }),
            ("at the password", Code::LinkLost, |peer| {
                Box::pin(async move {
                    peer.hear_login().await?;
                    peer.refuse("password").await?;
                    peer.until(number::USERAUTH_REQUEST).await?;
                    peer.hang_up().await
                })
            }),
            ("with its question", Code::LinkLost, |peer| {
                Box::pin(async move {
                    offer_questions(peer).await?;
                    peer.send(&questions("Code: ", 1)).await?;
                    peer.hang_up().await
                })
            }),
            ("with words", Code::LinkLost, |peer| {
                Box::pin(async move {
                    peer.hear_login().await?;
                    peer.send(&Message::new(number::DISCONNECT).number(11).text(MARKUP).text("")).await
                })
            }),
            ("after the login", Code::LinkLost, |peer| {
                Box::pin(async move {
                    peer.let_in().await?;
                    peer.hang_up().await
                })
            }),
            ("at the channel", Code::LinkLost, |peer| {
                Box::pin(async move {
                    peer.let_in().await?;
                    peer.until(number::CHANNEL_OPEN).await?;
                    peer.hang_up().await
                })
            }),
            ("at the terminal", Code::LinkLost, |peer| {
                Box::pin(async move {
                    peer.open_channel().await?;
                    peer.until(number::CHANNEL_REQUEST).await?;
                    peer.hang_up().await
                })
            }),
            ("at the shell", Code::LinkLost, |peer| {
                Box::pin(async move {
                    let channel = peer.open_channel().await?;
                    peer.until(number::CHANNEL_REQUEST).await?;
                    peer.send(&Message::new(number::CHANNEL_SUCCESS).number(channel)).await?;
                    peer.until(number::CHANNEL_REQUEST).await?;
                    peer.hang_up().await
                })
            }),
        ])
        .await
}

#[tokio::test]
async fn a_server_that_comes_no_further_is_left_in_time() -> Result {
    const STUCK: [(&str, Code, Deed); 10] = [
        ("at once", Code::HandshakeTimeout, |_| Box::pin(async move { Ok(()) })),
        ("after the greeting", Code::HandshakeTimeout, |peer| Box::pin(async move { peer.greet().await })),
        ("after the lists", Code::HandshakeTimeout, |peer| {
            Box::pin(async move {
                peer.greet().await?;
                peer.begin_exchange("curve25519-sha256").await
            })
        }),
        ("in the middle of a packet", Code::HandshakeTimeout, |peer| {
            Box::pin(async move {
                peer.greet().await?;
                peer.raw(&[0, 3, 255, 255, 10]).await
            })
        }),
        ("before the keys", Code::HandshakeTimeout, |peer| {
            Box::pin(async move {
                peer.greet().await?;
                peer.begin_exchange("curve25519-sha256").await?;
                peer.reply_to_exchange().await.map(drop)
            })
        }),
        ("with another service", Code::AuthTimeout, |peer| {
            Box::pin(async move {
                peer.greet().await?;
                peer.exchange_keys().await?;
                peer.send(&Message::new(number::SERVICE_ACCEPT).text("ssh-connection")).await
            })
        }),
        ("at the login", Code::AuthTimeout, |peer| Box::pin(async move { peer.hear_login().await })),
        ("with new keys, over and over", Code::AuthTimeout, |peer| {
            Box::pin(async move {
                peer.hear_login().await?;
                loop {
                    peer.exchange_keys().await?;
                }
            })
        }),
        ("at the channel", Code::AuthTimeout, |peer| Box::pin(async move { peer.let_in().await })),
        ("at the terminal", Code::AuthTimeout, |peer| {
            Box::pin(async move { peer.open_channel().await.map(drop) })
        }),
    ];
    let stage = Stage::set().await?;
    let ended = try_join_all(STUCK.map(|(_, _, deed)| stage.end(deed))).await?;
    for ((name, code, _), closed) in STUCK.into_iter().zip(ended) {
        assert_eq!(closed.code, code, "{name}: {closed:?}");
    }
    stage.is_as_before().await
}

/// A page that is asked, and the kind of its question.
async fn asked(stage: &Stage, server: &EvilServer) -> Result<(Page, Event)> {
    let mut page = stage
        .page_with(json!({
            "hostname": "127.0.0.1", "port": server.port(), "username": "u",
            "auth_methods": "password,keyboard-interactive",
        }))
        .await?;
    let question = page.until_event(event::SESSION_QUESTION).await?;
    Ok((page, question))
}

#[tokio::test]
async fn a_server_that_floods_whoever_is_being_asked_is_left() -> Result {
    let stage = Stage::set().await?;
    let server = EvilServer::start(|peer| {
        Box::pin(async move {
            peer.hear_login().await?;
            peer.flood(&Message::new(number::USERAUTH_FAILURE).text("password").flag(false), WITHOUT_END)
                .await
        })
    })
    .await?;
    let (mut page, _) = asked(&stage, &server).await?;
    assert_eq!(closed(&mut page).await?.code, Code::NotSsh);
    stage.is_as_before().await
}

#[tokio::test]
async fn what_a_server_asks_is_text() -> Result {
    let stage = Stage::set().await?;
    let server = EvilServer::start(|peer| {
        Box::pin(async move {
            offer_questions(peer).await?;
            let request = Message::new(number::USERAUTH_INFO_REQUEST).text(MARKUP).text(MARKUP).text("");
            peer.send(&request.number(1).text(MARKUP).flag(false)).await
        })
    })
    .await?;
    let (_page, question) = asked(&stage, &server).await?;
    let plain = "<img src=x onerror=alert(1)>";
    for text in [
        &question.payload["name"],
        &question.payload["instruction"],
        &question.payload["fields"][0]["prompt"],
    ] {
        let text = text.as_str().unwrap();
        assert!(text.starts_with(plain), "{text:?}");
        assert_clean(text, "a question");
        assert!(!text.contains('\u{202e}'), "{text:?}");
    }
    Ok(())
}

#[tokio::test]
async fn whoever_is_being_asked_hears_at_once_that_the_server_has_hung_up() -> Result {
    let stage = Stage::set().await?;
    let server = EvilServer::start(|peer| {
        Box::pin(async move {
            offer_questions(peer).await?;
            peer.send(&questions("Code: ", 1)).await?;
            peer.hang_up().await
        })
    })
    .await?;
    let (mut page, _) = asked(&stage, &server).await?;
    // Sooner than the time for an answer is up.
    assert_eq!(page.until_closed().await?.code, Code::LinkLost);
    stage.is_as_before().await
}

#[tokio::test]
async fn nobody_judges_the_key_of_a_server_that_has_hung_up() -> Result {
    let binary = Binary::start(BinaryOptions {
        environment: vec![("ALFRESCO_SSH_HOST_KEY_POLICY".to_owned(), "ask".to_owned())],
        ..BinaryOptions::default()
    })
    .await?;
    let server = EvilServer::start(|peer| {
        Box::pin(async move {
            peer.greet().await?;
            peer.exchange_keys().await?;
            peer.hang_up().await
        })
    })
    .await?;
    let order = json!({ "hostname": "127.0.0.1", "port": server.port(), "username": "u", "password": "p" });
    let mut page = Page::start(binary.address()?, Protocol::Ours, &binary.create(&order).await?).await?;
    page.until_event(event::SESSION_QUESTION).await?;
    let closed = page.until_closed().await?;
    assert_eq!(closed.code, Code::LinkLost);
    assert!(closed.message.ends_with("closed the connection before its key was accepted."), "{closed:?}");
    Ok(())
}
