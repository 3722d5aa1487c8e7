//! Creating sessions over HTTP: every row of the original's contract, and where ours is better.

use http::Method;
use serde_json::json;
use testkit::{Binary, BinaryOptions, Part, TestGateway};

use crate::{
    api::{KEY, PATHS, order, refusal, ticket_of},
    setup::Result,
};

#[tokio::test]
async fn each_body_of_each_generation_makes_a_ticket() -> Result {
    let gateway = TestGateway::start().await?;
    let (http, origin) = (gateway.http(), format!("http://{}", gateway.address()));
    let who = [Part::Field("hostname", "h.example"), Part::Field("username", "u")];
    let fields = [("hostname", "h.example"), ("username", "u")];
    for path in PATHS {
        let mut tickets = Vec::new();
        for port in [json!(22), json!("2222"), json!(65535), json!(1)] {
            let mut order = order();
            order["port"] = port;
            tickets.push(ticket_of(&http.post_json(path, &order).await?, &origin)?);
        }
        tickets.push(ticket_of(&http.post_json(path, &order()).await?, &origin)?);
        let file = [&who[..], &[Part::Field("port", "2222"), Part::File("ssh_key", KEY)]].concat();
        tickets.push(ticket_of(&http.post_multipart(path, &file).await?, &origin)?);
        let text = [&who[..], &[Part::Field("ssh_key", "KEY"), Part::Field("passphrase", "x")]].concat();
        tickets.push(ticket_of(&http.post_multipart(path, &text).await?, &origin)?);
        let password = [&who[..], &[Part::Field("password", "")]].concat();
        tickets.push(ticket_of(&http.post_multipart(path, &password).await?, &origin)?);
        let password = [&fields[..], &[("password", " blanks stay "), ("port", "22")]].concat();
        tickets.push(ticket_of(&http.post_form(path, &password).await?, &origin)?);
        let key = [&fields[..], &[("ssh_key", "KEY")]].concat();
        tickets.push(ticket_of(&http.post_form(path, &key).await?, &origin)?);
        let key = json!({ "hostname": "h", "username": "u", "ssh_key": "KEY", "passphrase": "x" });
        tickets.push(ticket_of(&http.post_json(path, &key).await?, &origin)?);
        let count = tickets.len();
        tickets.sort();
        tickets.dedup();
        assert_eq!(tickets.len(), count);
    }
    Ok(())
}

#[tokio::test]
async fn every_spelling_of_a_media_type_is_accepted_and_no_other_type() -> Result {
    let gateway = TestGateway::start().await?;
    let (http, body) = (gateway.http(), order().to_string());
    for media_type in
        ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"]
    {
        assert_eq!(http.post(PATHS[0], media_type, body.clone()).await?.status, 200, "{media_type}");
    }
    let form = "hostname=h&username=u&password=p";
    let typed = "application/x-www-form-urlencoded; charset=utf-8";
    assert_eq!(http.post(PATHS[0], typed, form).await?.status, 200);
    for media_type in ["text/plain", "application/xml", "application/jsonp", "json", "image/png"] {
        let (status, error, code) = refusal(&http.post(PATHS[1], media_type, body.clone()).await?)?;
        assert_eq!((status, code.as_str()), (415, "unsupported_media_type"));
        assert_eq!(error, format!("Unsupported Content-Type: {media_type}"));
    }
    let untyped = http.send(Method::POST, PATHS[1], body).await?;
    let expected = "Unsupported Content-Type: text/plain".to_owned();
    assert_eq!(refusal(&untyped)?, (415, expected, "unsupported_media_type".to_owned()));
    Ok(())
}

#[tokio::test]
async fn each_refusal_has_the_originals_status_and_words_and_a_code() -> Result {
    let gateway = TestGateway::start().await?;
    let http = gateway.http();
    let one_of_them = "provide exactly one of them";
    let neither = format!("Not provided 'ssh_key' or 'password' - {one_of_them}");
    let both = format!("Provided both 'ssh_key' and 'password' - {one_of_them}");
    for (body, error, code) in [
        (json!({ "hostname": "h", "username": "u" }), neither.as_str(), "invalid_credentials"),
        (json!({ "hostname": "h", "username": "u", "password": null }), &neither, "invalid_credentials"),
        (
            json!({ "hostname": "h", "username": "u", "password": "", "ssh_key": "K" }),
            &both,
            "invalid_credentials",
        ),
        (json!({ "username": "u", "password": "p" }), "Not provided - 'hostname'", "missing_field"),
        (json!({ "hostname": "h", "password": "p" }), "Not provided - 'username'", "missing_field"),
        (
            json!({ "hostname": "h", "username": "u", "password": "p", "certificate": "C" }),
            "Provided a 'certificate' without its 'ssh_key'",
            "invalid_credentials",
        ),
        // Credentials are judged before the rest.
        (json!({}), &neither, "invalid_credentials"),
    ] {
        for path in PATHS {
            let reply = refusal(&http.post_json(path, &body).await?)?;
            assert_eq!(reply, (400, error.to_owned(), code.to_owned()), "{body}");
        }
    }
    for (name, value) in [
        ("port", json!("abc")),
        ("port", json!(0)),
        ("port", json!(65536)),
        ("port", json!(999_999)),
        ("port", json!(true)),
        ("port", json!(22.5)),
        ("hostname", json!(["h"])),
        ("hostname", json!("h/x")),
        ("username", json!({})),
        ("password", json!(7)),
        ("host_key", json!("not a key")),
        ("auth_methods", json!(["password", "hostbased"])),
        ("auth_methods", json!([])),
        ("answers", json!({ "": "x" })),
        ("answers", json!("not an object")),
        ("totp", json!(123_456)),
        ("term", json!("a b")),
        ("cols", json!(1001)),
        ("rows", json!(0)),
    ] {
        let mut body = order();
        (body["cols"], body["rows"]) = (json!(80), json!(24));
        body[name] = value;
        let (status, error, code) = refusal(&http.post_json(PATHS[0], &body).await?)?;
        assert_eq!((status, code.as_str()), (400, "invalid_field"), "{body}");
        assert!(error.contains(name), "{error}");
    }
    for body in ["", "{", "[]", "\"x\"", "7", "null", "{\"hostname\":\"h\",}", "\u{feff}{}"] {
        let (status, _, code) = refusal(&http.post(PATHS[1], "application/json", body).await?)?;
        assert_eq!((status, code.as_str()), (400, "invalid_body"), "{body}");
    }
    Ok(())
}

#[tokio::test]
async fn times_may_be_asked_for_up_to_the_gateways_own() -> Result {
    let arguments = ["--idle-timeout", "10m", "--max-session", "1h"].map(str::to_owned).to_vec();
    let binary = Binary::start(BinaryOptions { arguments, ..BinaryOptions::default() }).await?;
    let (bounded, unbounded) = (binary.http()?, TestGateway::start().await?);
    let with = |name: &str, value: serde_json::Value| {
        let mut body = order();
        body[name] = value;
        body
    };
    for (name, ceiling) in [("idle_timeout", 600), ("max_duration", 3600)] {
        for value in [json!(1), json!(ceiling), json!(ceiling.to_string())] {
            let reply = bounded.post_json(PATHS[0], &with(name, value.clone())).await?;
            assert_eq!(reply.status, 200, "{name} {value}: {}", reply.text());
            assert!(reply.json()?.get("ignored").is_none());
        }
        let refused = refusal(&bounded.post_json(PATHS[1], &with(name, json!(ceiling + 1))).await?)?;
        let sentence = format!("'{name}' must be a whole number from 1 to {ceiling}");
        assert_eq!(refused, (400, sentence, "invalid_field".to_owned()));
        let http = unbounded.http();
        assert_eq!(http.post_json(PATHS[0], &with(name, json!(1_000_000))).await?.status, 200);
        let mut fields = vec![("hostname", "h"), ("username", "u"), ("password", "p"), (name, "7")];
        assert_eq!(http.post_form(PATHS[0], &fields).await?.status, 200);
        fields.push((name, "8"));
        assert_eq!(refusal(&http.post_form(PATHS[0], &fields).await?)?.0, 400);
    }
    Ok(())
}

#[tokio::test]
async fn forms_are_refused_as_the_original_did() -> Result {
    let gateway = TestGateway::start().await?;
    let http = gateway.http();
    let who = [Part::Field("hostname", "h"), Part::Field("username", "u")];
    let no_key = refusal(&http.post_multipart(PATHS[0], &who).await?)?;
    assert_eq!(no_key, (400, "No SSH key file provided".to_owned(), "invalid_credentials".to_owned()));
    let binary = [&who[..], &[Part::File("ssh_key", b"\xff\xfe\x00")]].concat();
    let (status, error, code) = refusal(&http.post_multipart(PATHS[0], &binary).await?)?;
    assert_eq!((status, code.as_str()), (400, "invalid_field"));
    assert!(error.to_lowercase().contains("utf-8"), "{error}");
    let twice = [&who[..], &[Part::Field("password", "a"), Part::Field("password", "b")]].concat();
    assert_eq!(refusal(&http.post_multipart(PATHS[0], &twice).await?)?.0, 400);
    for media_type in ["multipart/form-data", "multipart/form-data; boundary=other"] {
        let (_, body) = testkit::multipart(&who);
        assert_eq!(refusal(&http.post(PATHS[0], media_type, body).await?)?.0, 400, "{media_type}");
    }
    Ok(())
}

#[tokio::test]
async fn what_means_nothing_is_listed_and_not_refused() -> Result {
    let gateway = TestGateway::start().await?;
    let mut body = order();
    body["colour"] = json!("red");
    body["nested"] = json!({ "a": [1, 2.5, null] });
    let reply = gateway.http().post_json(PATHS[0], &body).await?.json()?;
    assert_eq!(reply["ignored"], json!(["colour", "nested"]));
    assert!(gateway.http().post_json(PATHS[0], &order()).await?.json()?.get("ignored").is_none());
    Ok(())
}

#[tokio::test]
async fn bodies_are_taken_up_to_their_limits_and_not_one_byte_more() -> Result {
    let gateway = TestGateway::start().await?;
    let http = gateway.http();
    let json_of = |length: usize| {
        let empty = r#"{"hostname":"h","username":"u","password":"p","x":""}"#;
        empty.replace(r#""x":"""#, &format!(r#""x":"{}""#, "a".repeat(length - empty.len())))
    };
    let form_of = |length: usize| {
        let empty = "hostname=h&username=u&password=p&x=";
        format!("{empty}{}", "a".repeat(length - empty.len()))
    };
    const LIMIT: usize = 64 * 1024;
    assert_eq!(http.post(PATHS[0], "application/json", json_of(LIMIT)).await?.status, 200);
    let form = "application/x-www-form-urlencoded";
    assert_eq!(http.post(PATHS[0], form, form_of(LIMIT)).await?.status, 200);
    let over = [("application/json", json_of(LIMIT + 1)), (form, form_of(LIMIT + 1))];
    for (media_type, body) in over {
        let (status, _, code) = refusal(&http.post(PATHS[0], media_type, body).await?)?;
        assert_eq!((status, code.as_str()), (413, "body_too_large"));
    }

    const MULTIPART_LIMIT: usize = 96 * 1024;
    let who = [Part::Field("hostname", "h"), Part::Field("username", "u"), Part::File("ssh_key", KEY)];
    let filled = |filling: &[u8]| testkit::multipart(&[&who[..], &[Part::File("x", filling)]].concat());
    let around = filled(b"").1.len();
    let (media_type, body) = filled(&vec![b'a'; MULTIPART_LIMIT - around]);
    assert_eq!(body.len(), MULTIPART_LIMIT);
    assert_eq!(http.post(PATHS[0], &media_type, body).await?.status, 200);
    let (media_type, body) = filled(&vec![b'a'; MULTIPART_LIMIT + 1 - around]);
    let (status, _, code) = refusal(&http.post(PATHS[0], &media_type, body).await?)?;
    assert_eq!((status, code.as_str()), (413, "body_too_large"));
    Ok(())
}

#[tokio::test]
async fn other_methods_of_the_api() -> Result {
    let gateway = TestGateway::start().await?;
    let http = gateway.http();
    for path in PATHS {
        let options = http.send(Method::OPTIONS, path, "").await?;
        assert_eq!(options.status, 200);
        assert!(options.header("allow").contains("POST"), "{:?}", options.headers);
        for method in [Method::PUT, Method::DELETE, Method::PATCH] {
            let reply = http.send(method, path, "").await?;
            assert_eq!(refusal(&reply)?.0, 405);
            assert!(reply.header("allow").contains("POST"));
        }
        assert_eq!(http.get(path).await?.status, 404, "as in the original");
    }
    Ok(())
}
