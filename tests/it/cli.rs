//! The binary as it is started: what it takes, what it refuses and in which words.

use std::{os::unix::fs::PermissionsExt as _, process::Output};

use rustix::process::Signal;
use testkit::{Binary, BinaryOptions};
use tokio::time::timeout;

use crate::{
    api::{PATHS, order},
    setup::Result,
};

fn options(arguments: &[&str], environment: &[(&str, &str)]) -> BinaryOptions {
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    BinaryOptions {
        arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
        environment: environment.iter().map(pair).collect(),
    }
}

async fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Output> {
    let child = Binary::command(&options(arguments, environment))?.spawn()?;
    Ok(timeout(testkit::PATIENCE, child.wait_with_output()).await??)
}

#[tokio::test]
async fn version_and_help() -> Result {
    let version = run(&["--version"], &[]).await?;
    assert!(version.status.success());
    assert!(String::from_utf8(version.stdout)?.starts_with("alfresco-ssh "));
    let help = String::from_utf8(run(&["--help"], &[]).await?.stdout)?;
    for flag in [
        "--host",
        "--port",
        "-p",
        "--public-url",
        "--ticket-ttl",
        "--host-key-policy",
        "--config",
        "demo",
        "--detach-grace",
        "--backlog",
        "--detached-output",
        "--idle-timeout",
        "--max-session",
        "--max-sessions",
        "--max-sessions-per-address",
        "--max-sessions-per-token",
        "--drain",
    ] {
        assert!(help.contains(flag), "{flag}: {help}");
    }
    Ok(())
}

#[tokio::test]
async fn bad_values_are_refused_with_where_they_came_from() -> Result {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("config.toml");
    std::fs::write(&file, "port = 5000\nticket-ttl = \"1 fortnight\"\n")?;
    let unknown = dir.path().join("unknown.toml");
    std::fs::write(&unknown, "# first\nhost = \"localhost\"\nprot = 1\n")?;
    let (file, unknown) = (file.to_str().unwrap(), unknown.to_str().unwrap());
    for (arguments, environment, words) in [
        (&["--port", "70000"][..], &[][..], &["--port"][..]),
        (&["--port=-1"], &[], &["--port"]),
        (&[], &[("ALFRESCO_SSH_PORT", "no")], &["ALFRESCO_SSH_PORT"]),
        (&["--config", file], &[], &["config.toml line 2", "1 fortnight"]),
        (&["--config", unknown], &[], &["prot", "unknown.toml line 3"]),
        (&["--config", "/no/such/file.toml"], &[], &["/no/such/file.toml"]),
        (&["--known-hosts", "/no/such/known_hosts"], &[], &["--known-hosts", "/no/such/known_hosts"]),
        (&["--host", "not a host"], &[], &["--host"]),
        (&["--host-key-policy", "maybe"], &[], &["--host-key-policy", "ask", "accept-new", "reject"]),
        (&["--public-url", "ftp://x"], &[], &["--public-url"]),
        (&["--frame-ancestors", "*"], &[], &["--frame-ancestors"]),
        (&["--host", "localnetwork"], &[], &["--host", "--api-token", "--insecure-open-api"]),
        (&["--host", "0.0.0.0"], &[], &["--host", "--api-token", "--insecure-open-api"]),
        (&["--host", "192.0.2.1"], &[], &["--host", "--api-token"]),
        (&["--prot", "1"], &[], &["--prot"]),
        (&["--detach-grace", "8d"], &[], &["--detach-grace", "604800 s"]),
        (&["--backlog", "1000"], &[], &["--backlog", "65536 to 67108864 bytes"]),
        (&["--detached-output", "none"], &[], &["--detached-output", "latest", "keep"]),
        (&[], &[("ALFRESCO_SSH_MAX_SESSIONS", "0")], &["ALFRESCO_SSH_MAX_SESSIONS", "at least 1"]),
        (&["--max-sessions-per-token=-1"], &[], &["--max-sessions-per-token"]),
        (&["--drain", "2h"], &[], &["--drain", "3600 s"]),
        (&["--allow-target", "10.*"], &[], &["--allow-target", "10.0.0.0/8"]),
        (&["--deny-target", "host:0"], &[], &["--deny-target", "host:0"]),
        (&["--address-family", "ipv4"], &[], &["--address-family", "inet6"]),
        (&["--bind-address", "eth0"], &[], &["--bind-address", "eth0"]),
        (&["--address-family", "inet", "--bind-address", "::1"], &[], &["--bind-address", "::1"]),
    ] {
        let output = run(arguments, environment).await?;
        let error = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(2), "{arguments:?} {error}");
        for word in words {
            assert!(error.contains(word), "{arguments:?} {environment:?}: no {word} in {error}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_flag_wins_over_the_environment_and_that_over_the_file() -> Result {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("config.toml");
    std::fs::write(&file, "public-url = \"https://file.example\"\n")?;
    let config = file.to_str().unwrap();
    let environment = ("ALFRESCO_SSH_PUBLIC_URL", "https://environment.example");
    for (arguments, environment, expected) in [
        (&["--config", config][..], &[][..], "https://file.example/"),
        (&["--config", config], &[environment], "https://environment.example/"),
        (
            &["--config", config, "--public-url", "https://flag.example"],
            &[environment],
            "https://flag.example/",
        ),
        (&[], &[environment, ("ALFRESCO_SSH_CONFIG", config)], "https://environment.example/"),
        (&["serve"], &[("ALFRESCO_SSH_CONFIG", config)], "https://file.example/"),
    ] {
        let binary = Binary::start(options(arguments, environment)).await?;
        let http = binary.http()?;
        let url = http.post_json(PATHS[0], &order()).await?.json()?["url"].as_str().unwrap().to_owned();
        assert!(url.starts_with(expected), "{url} instead of {expected}");
    }
    Ok(())
}

#[tokio::test]
async fn tokens_come_from_flags_files_and_the_environment() -> Result {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("tokens");
    std::fs::write(&file, "lab=from-the-file-0123456789abcdef\n")?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
    let arguments = ["--host", "localnetwork", "--api-token-file", file.to_str().unwrap()];
    let binary = Binary::start(options(&arguments, &[])).await?;
    let port = binary.address()?.port();
    let local = testkit::Http::new(([127, 0, 0, 1], port).into()).with_header("host", "localhost");
    assert_eq!(local.post_json(PATHS[0], &order()).await?.status, 401);
    let known = local.with_header("authorization", "Bearer from-the-file-0123456789abcdef");
    assert_eq!(known.post_json(PATHS[0], &order()).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn an_open_api_is_an_opt_out_that_is_warned_of() -> Result {
    let arguments = ["--host", "localnetwork", "--insecure-open-api"];
    let binary = Binary::start(options(&arguments, &[])).await?;
    binary.logged("insecure-open-api is on").await?;
    let http = testkit::Http::new(([127, 0, 0, 1], binary.address()?.port()).into());
    assert_eq!(http.post_json(PATHS[0], &order()).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_port_that_is_taken_is_a_sentence() -> Result {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = taken.local_addr()?.port().to_string();
    let output = run(&["--port", &port], &[]).await?;
    let error = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains(&format!("127.0.0.1:{port}")) && error.contains("--port"), "{error}");
    Ok(())
}

#[tokio::test]
async fn the_demo_gives_a_shell_and_new_links_and_leaves_no_process() -> Result {
    let home = tempfile::tempdir()?;
    let environment = [("SHELL", "/bin/sh"), ("HOME", home.path().to_str().unwrap())];
    let mut demo = Binary::start(options(&["demo"], &environment)).await?;
    let url = |printed: &str, number: usize| {
        let words = printed.split_ascii_whitespace();
        words.filter(|word| word.len() > 50 && word.starts_with("http://")).nth(number).map(str::to_owned)
    };
    let address = demo.address()?;
    let first = url(&demo.printed("Ctrl-C").await?, 0).unwrap();
    let ticket = first.rsplit('/').next().unwrap().to_owned();
    let mut page = testkit::Page::open(address, testkit::Protocol::Ours, &ticket).await?;
    page.type_keys("echo pid=$$= $((40+2))\r").await?;
    page.until(" 42\r\n").await?;
    let text = page.text();
    let shell = text.split("pid=").filter_map(|rest| rest.split_once('=')?.0.parse().ok()).last().unwrap();
    assert!(testkit::process::descendants(demo.id()?).contains(&shell));

    demo.enter("\n").await?;
    let mut printed = demo.stdout();
    while url(&printed, 1).is_none() {
        printed = demo.printed_after(printed.len()).await?;
    }
    assert_ne!(url(&printed, 1), Some(first));
    demo.signal(Signal::INT)?;
    assert_eq!(demo.ended().await?.code(), Some(0), "{}", demo.stderr());
    testkit::process::wait_gone(shell, testkit::PATIENCE).await?;
    Ok(())
}
