//! The modes that a terminal is asked for with (RFC 4254, section 8).

use engine::Terminal;
use russh::Pty as Mode;

/// What a terminal of this century is; everything else is up to the server.
const MODES: &[(Mode, u32)] = &[
    (Mode::VINTR, 3),
    (Mode::VQUIT, 28),
    (Mode::VKILL, 21),
    (Mode::VEOF, 4),
    (Mode::VSUSP, 26),
    (Mode::ICRNL, 1),
    (Mode::IXON, 1),
    (Mode::ISIG, 1),
    (Mode::ICANON, 1),
    (Mode::IEXTEN, 1),
    (Mode::ECHO, 1),
    (Mode::ECHOE, 1),
    (Mode::ECHOK, 1),
    (Mode::ECHOCTL, 1),
    (Mode::ECHOKE, 1),
    (Mode::OPOST, 1),
    (Mode::ONLCR, 1),
    (Mode::CS8, 1),
];

/// The modes of this terminal.
pub(crate) fn modes(terminal: &Terminal) -> Vec<(Mode, u32)> {
    let own = [
        (Mode::VERASE, terminal.erase.byte().into()),
        (Mode::IUTF8, terminal.charset.is_none().into()),
        (Mode::TTY_OP_ISPEED, terminal.speed),
        (Mode::TTY_OP_OSPEED, terminal.speed),
    ];
    MODES.iter().copied().chain(own).collect()
}
