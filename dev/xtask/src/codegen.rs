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
        wire::Preset::decl(&config),
        wire::HostProof::decl(&config),
        wire::Details::decl(&config),
        wire::SessionDetails::decl(&config),
        wire::ConnectAuth::decl(&config),
        wire::StartSession::decl(&config),
        wire::ResumeSession::decl(&config),
        wire::Input::decl(&config),
        wire::Resize::decl(&config),
        wire::OutputAck::decl(&config),
        wire::Progress::decl(&config),
        wire::QuestionKind::decl(&config),
        wire::ShownHostKey::decl(&config),
        wire::QuestionField::decl(&config),
        wire::Question::decl(&config),
        wire::Accept::decl(&config),
        wire::QuestionAnswer::decl(&config),
        wire::Ready::decl(&config),
        wire::OutputBytes::decl(&config),
        wire::InputAck::decl(&config),
        wire::Screen::decl(&config),
        wire::Attached::decl(&config),
        wire::ScreenPiece::decl(&config),
        wire::ScreenAck::decl(&config),
        wire::TakenOver::decl(&config),
        wire::Warning::decl(&config),
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
        (event::START_SESSION, Some(wire::StartSession::name(&config))),
        (event::RESUME_SESSION, Some(wire::ResumeSession::name(&config))),
        (event::SESSION_ATTACHED_ACK, None),
        (event::SESSION_ANSWER, Some(wire::QuestionAnswer::name(&config))),
        (event::SESSION_SCREEN_ACK, Some(wire::ScreenAck::name(&config))),
        (event::SESSION_CLOSED_ACK, None),
        (event::SSH_INPUT, Some(wire::Input::name(&config))),
        (event::RESIZE, Some(wire::Resize::name(&config))),
        (event::SSH_OUTPUT_ACK, Some(wire::OutputAck::name(&config))),
        (event::STAY_CONNECTED, None),
    ];
    let answered = [event::SESSION_PING];
    let from_gateway = [
        (event::SESSION_PROGRESS, Some(wire::Progress::name(&config))),
        (event::SESSION_QUESTION, Some(wire::Question::name(&config))),
        (event::SESSION_ATTACHED, Some(wire::Attached::name(&config))),
        (event::SESSION_DETAILS, Some(wire::SessionDetails::name(&config))),
        (event::SESSION_SCREEN, Some(wire::ScreenPiece::name(&config))),
        (event::SESSION_TAKEN_OVER, Some(wire::TakenOver::name(&config))),
        (event::SESSION_WARNING, Some(wire::Warning::name(&config))),
        (event::CONNECTION_READY, Some(wire::Ready::name(&config))),
        (event::SSH_OUTPUT, Some(wire::OutputBytes::name(&config))),
        (event::SSH_INPUT_ACK, Some(wire::InputAck::name(&config))),
        (event::SESSION_ERROR, Some(wire::SocketError::name(&config))),
        (event::SESSION_CLOSED, Some(wire::Closed::name(&config))),
    ];
    for (direction, events) in [("ToGateway", &to_gateway[..]), ("FromGateway", &from_gateway[..])] {
        writeln!(text, "\nexport type {direction} = {{")?;
        for (name, payload) in events {
            let parameter = payload.as_ref().map_or(String::new(), |payload| format!("payload: {payload}"));
            writeln!(text, "  '{name}': ({parameter}) => void;")?;
        }
        if direction == "ToGateway" {
            for name in answered {
                writeln!(text, "  '{name}': (answered: () => void) => void;")?;
            }
        }
        writeln!(text, "}};")?;
    }
    Ok(())
}
