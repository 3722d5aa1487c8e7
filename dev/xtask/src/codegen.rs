//! Writes `web/src/protocol.gen.ts`: what the page must know of the `wire` crate.
//!
//! Must not know what the page does with it.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context as _, bail};
use ts_rs::{Config, TS};
use wire::{event, limits};

/// The file, from the root of the workspace.
const FILE: &str = "web/src/protocol.gen.ts";

/// Writes the file.
pub(crate) fn write(root: &Path) -> anyhow::Result<()> {
    let file = root.join(FILE);
    fs::write(&file, text()?).with_context(|| format!("{FILE} cannot be written"))
}

/// Refuses a file that is not what [`write`] would write.
pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    let found = fs::read_to_string(root.join(FILE)).with_context(|| format!("{FILE} cannot be read"))?;
    if found != text()? {
        bail!("{FILE} is not what crates/wire says: run `cargo xtask codegen`");
    }
    Ok(())
}

fn text() -> anyhow::Result<String> {
    let mut text = "// Generated from crates/wire by `cargo xtask codegen`. Do not edit.\n".to_owned();
    constants(&mut text)?;
    for declaration in declarations() {
        writeln!(text, "\nexport {}", laid_out(&declaration))?;
    }
    events(&mut text)?;
    Ok(text)
}

fn constants(text: &mut String) -> anyhow::Result<()> {
    writeln!(text, "\n// Explained in crates/wire/src/limits.rs.")?;
    writeln!(text, "export const NAMESPACE = '{}';", event::NAMESPACE)?;
    for (name, value) in [
        ("PROTOCOL", u64::from(wire::PROTOCOL)),
        ("OUTPUT_ACK_EVERY", limits::OUTPUT_ACK_EVERY),
        ("INPUT_WINDOW", limits::INPUT_WINDOW),
        ("MAX_COLS", limits::MAX_COLS.into()),
        ("MAX_ROWS", limits::MAX_ROWS.into()),
    ] {
        writeln!(text, "export const {name} = {value};")?;
    }
    Ok(())
}

fn declarations() -> Vec<String> {
    let config = Config::new();
    vec![
        wire::Code::decl(&config),
        wire::Peer::decl(&config),
        wire::Step::decl(&config),
        wire::ConnectAuth::decl(&config),
        wire::StartSession::decl(&config),
        wire::Input::decl(&config),
        wire::Resize::decl(&config),
        wire::OutputAck::decl(&config),
        wire::Progress::decl(&config),
        wire::Ready::decl(&config),
        wire::OutputBytes::decl(&config),
        wire::InputAck::decl(&config),
        wire::SocketError::decl(&config),
        wire::Closed::decl(&config),
    ]
}

/// One line per field and per comment; `ts-rs` writes fields behind their comments without a break.
fn laid_out(declaration: &str) -> String {
    declaration
        .replace("{ \n", "{\n")
        .replace("/**\n * ", "  /** ")
        .replace("\n */\n", " */\n  ")
        .replace(", \n", ";\n")
        .replace(", };", ";\n};")
}

/// The events of our protocol with their payloads, as Socket.IO's client wants to be told.
fn events(text: &mut String) -> anyhow::Result<()> {
    let config = Config::new();
    let to_gateway = [
        (event::START_SESSION, wire::StartSession::name(&config)),
        (event::SSH_INPUT, wire::Input::name(&config)),
        (event::RESIZE, wire::Resize::name(&config)),
        (event::SSH_OUTPUT_ACK, wire::OutputAck::name(&config)),
    ];
    let from_gateway = [
        (event::SESSION_PROGRESS, wire::Progress::name(&config)),
        (event::CONNECTION_READY, wire::Ready::name(&config)),
        (event::SSH_OUTPUT, wire::OutputBytes::name(&config)),
        (event::SSH_INPUT_ACK, wire::InputAck::name(&config)),
        (event::SESSION_ERROR, wire::SocketError::name(&config)),
        (event::SESSION_CLOSED, wire::Closed::name(&config)),
    ];
    for (direction, events) in [("ToGateway", &to_gateway[..]), ("FromGateway", &from_gateway[..])] {
        writeln!(text, "\nexport type {direction} = {{")?;
        for (name, payload) in events {
            writeln!(text, "  '{name}': (payload: {payload}) => void;")?;
        }
        writeln!(text, "}};")?;
    }
    Ok(())
}
