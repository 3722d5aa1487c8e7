//! Logging in through the gateway, with a page that is asked.

use serde_json::json;
use testkit::{PageClient, Sshd, SshdConfig, TestGateway, demo_sshd::Script};
use wire::{Code, QuestionKind, event};

use crate::{
    setup::{Result, key_order, password_order, scripted, seen},
    ssh_odd_server::{OddServer, Oddity},
};

#[tokio::test]
async fn a_page_answers_for_the_password() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, TestGateway::start().await?);
    let mut order = password_order(&sshd);
    order.as_object_mut().unwrap().remove("password");
    order["auth_methods"] = json!(["password"]);
    let mut page = PageClient::for_ticket(gateway.address(), &gateway.create(&order).await?);
    let question = page.until_asked().await?;
    assert_eq!((question.kind, question.again), (QuestionKind::Password, false));
    assert_eq!(question.target, format!("{}@127.0.0.1:{}", sshd.username(), sshd.port()));
    page.answer(&question, &["wrong"]).await?;
    let question = page.until_asked().await?;
    assert!(question.again);
    page.answer(&question, &[sshd.password()]).await?;
    page.until_event(event::CONNECTION_READY).await?;
    page.type_keys("hello").await?;
    page.until("hello").await?;
    seen(&sshd, |record| record.logins.len() == 3 && record.logins[2].accepted).await?;
    Ok(())
}

#[tokio::test]
async fn a_page_fills_in_the_forms_of_a_server() -> Result {
    let rounds = vec![vec![("User: ", true), ("Password: ", false)], vec![("<b>Code</b>: ", false)]];
    let (server, gateway) = (OddServer::start(Oddity::Asks(rounds)).await, TestGateway::start().await?);
    let order = json!({
        "hostname": "127.0.0.1", "port": server.port, "username": "u", "password": OddServer::PASSWORD,
        "answers": { "code": OddServer::PASSWORD },
    });
    // Both prompts of the first round, as the request's password answers none of them for certain.
    let mut page = PageClient::for_ticket(gateway.address(), &gateway.create(&order).await?);
    let question = page.until_asked().await?;
    assert_eq!(question.kind, QuestionKind::KeyboardInteractive);
    let fields: Vec<_> = question.fields.iter().map(|field| (field.prompt.as_str(), field.echo)).collect();
    assert_eq!(fields, [("User:", true), ("Password:", false)]);
    page.answer(&question, &[OddServer::PASSWORD, OddServer::PASSWORD]).await?;
    page.until_event(event::CONNECTION_READY).await?;
    Ok(())
}

#[tokio::test]
async fn a_page_unlocks_a_key_and_gives_up_on_a_certificate() -> Result {
    let extra = vec!["MaxAuthTries 3".to_owned()];
    let (sshd, gateway) =
        (Sshd::with_config(SshdConfig { extra, ..Default::default() }).await?, TestGateway::start().await?);
    let locked = sshd.new_client_key("ed25519", "secret", &["-a", "1"]).await?;
    let mut order = key_order(&sshd)?;
    (order["ssh_key"], order["auth_methods"]) = (json!(locked), json!("publickey"));
    let mut page = PageClient::for_ticket(gateway.address(), &gateway.create(&order).await?);
    let question = page.until_asked().await?;
    assert_eq!((question.kind, question.fields[0].echo), (QuestionKind::Passphrase, false));
    page.answer(&question, &["secret"]).await?;
    page.until_event(event::CONNECTION_READY).await?;

    let mut order = key_order(&sshd)?;
    order["certificate"] = json!("no certificate");
    let mut page = PageClient::for_ticket(gateway.address(), &gateway.create(&order).await?);
    page.returns = false;
    assert_eq!(page.until_closed().await?.code, Code::CertificateInvalid);
    Ok(())
}
