//! Questions in the terminal of a client that knows none: asked and answered there, as `ssh` does.

use serde_json::{Value, json};
use testkit::{
    Page, Protocol, TestGateway,
    demo_sshd::{DemoSshd, Script},
};
use wire::Code;

use crate::setup::{Result, password_order, scripted};

/// An order that holds no password; it may be asked for.
fn without_password(sshd: &DemoSshd) -> (Value, String) {
    let mut order = password_order(sshd);
    let password = order["password"].as_str().unwrap_or_default().to_owned();
    if let Some(fields) = order.as_object_mut() {
        fields.remove("password");
        fields.insert("auth_methods".to_owned(), json!("password"));
    }
    (order, password)
}

#[tokio::test]
async fn a_password_is_asked_for_unseen_and_again_when_it_is_wrong() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, TestGateway::start().await?);
    let (order, password) = without_password(&sshd);
    let mut page = Page::start(gateway.address(), Protocol::Original, &gateway.create(&order).await?).await?;
    page.until("password: ").await?;
    page.clear();
    page.type_keys("wrong\r").await?;
    let asked = page.until("password: ").await?;
    assert!(asked.contains("Try again."), "{asked}");
    page.type_keys(&format!("{password}x\x7f\r")).await?;
    page.until_event(wire::event::CONNECTION_READY).await?;
    page.type_keys("seen").await?;
    let text = page.until("seen").await?;
    assert!(!text.contains(&password) && !text.contains("wrong"), "{text}");
    Ok(())
}

#[tokio::test]
async fn three_wrong_passwords_end_the_login() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, TestGateway::start().await?);
    let (order, _) = without_password(&sshd);
    let mut page = Page::start(gateway.address(), Protocol::Original, &gateway.create(&order).await?).await?;
    for _ in 0..3 {
        page.until("password: ").await?;
        page.clear();
        page.type_keys("wrong\r").await?;
    }
    assert_eq!(page.until_closed().await?.code, Code::AuthFailed);
    Ok(())
}

#[tokio::test]
async fn ctrl_c_leaves_a_question_and_the_link_is_still_good() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, TestGateway::start().await?);
    let (order, password) = without_password(&sshd);
    let ticket = gateway.create(&order).await?;
    let mut page = Page::start(gateway.address(), Protocol::Original, &ticket).await?;
    page.until("password: ").await?;
    page.type_keys("\x03").await?;
    let closed = page.until_closed().await?;
    assert_eq!((closed.code, closed.retry), (Code::LoginCancelled, true));
    let mut again = Page::start(gateway.address(), Protocol::Original, &ticket).await?;
    again.until("password: ").await?;
    again.type_keys(&format!("{password}\r")).await?;
    again.until_event(wire::event::CONNECTION_READY).await?;
    again.type_keys("seen").await?;
    again.until("seen").await?;
    Ok(())
}
