//! The state table of the escape sequence parser: xterm.js's, which is Paul Williams's for the VT500 with
//! C1 controls as code points and strings that take Unicode.

/// Where the parser is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum State {
    #[default]
    Ground,
    Escape,
    EscapeIntermediate,
    CsiEntry,
    CsiParam,
    CsiIntermediate,
    CsiIgnore,
    /// SOS and PM, which mean nothing.
    Ignored,
    Osc,
    DcsEntry,
    DcsParam,
    DcsIgnore,
    DcsIntermediate,
    DcsPassthrough,
    ApcEntry,
    ApcIntermediate,
    ApcPassthrough,
}

impl State {
    /// Whether it is in a string, where controls mean nothing.
    pub(super) fn is_string(self) -> bool {
        use State::{
            ApcEntry, ApcIntermediate, ApcPassthrough, DcsEntry, DcsIgnore, DcsIntermediate, DcsParam,
            DcsPassthrough, Osc,
        };
        matches!(
            self,
            Osc | DcsEntry
                | DcsParam
                | DcsIgnore
                | DcsIntermediate
                | DcsPassthrough
                | ApcEntry
                | ApcIntermediate
                | ApcPassthrough
        )
    }
}

/// What is done with a code point.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Action {
    Ignore,
    Print,
    Execute,
    Clear,
    Collect,
    Param,
    CsiDispatch,
    EscDispatch,
    OscStart,
    OscPut,
    OscEnd,
    DcsHook,
    DcsPut,
    DcsEnd,
    ApcEnd,
}

/// What happens to a code point; those from U+00A0 on are all as that one. What the table does not know is
/// dropped and leads to the ground.
pub(super) fn transition(state: State, code: u32) -> (Action, State) {
    use {Action as A, State as S};
    let code = u8::try_from(code).unwrap_or(0xA0).min(0xA0);
    let ends_string = matches!(code, 0x18 | 0x1A | 0x1B | 0x9C);
    match state {
        S::Osc if ends_string || code == 0x07 => return (A::OscEnd, after_string(code)),
        S::DcsPassthrough if ends_string => return (A::DcsEnd, after_string(code)),
        S::ApcPassthrough if ends_string => return (A::ApcEnd, after_string(code)),
        _ => {}
    }
    match code {
        0x1B => (A::Clear, S::Escape),
        0x18 | 0x1A | 0x80..=0x8F | 0x91..=0x97 | 0x99 | 0x9A => (A::Execute, S::Ground),
        0x90 => (A::Clear, S::DcsEntry),
        0x98 | 0x9E => (A::Ignore, S::Ignored),
        0x9B => (A::Clear, S::CsiEntry),
        0x9C => (A::Ignore, S::Ground),
        0x9D => (A::OscStart, S::Osc),
        0x9F => (A::Clear, S::ApcEntry),
        _ => within(state, code),
    }
}

fn after_string(code: u8) -> State {
    if code == 0x1B { State::Escape } else { State::Ground }
}

/// The codes that mean something else in each state.
fn within(state: State, code: u8) -> (Action, State) {
    use {Action as A, State as S};
    match state {
        S::Ground => match code {
            0x20..=0x7E | 0xA0 => (A::Print, S::Ground),
            0x00..=0x1F => (A::Execute, S::Ground),
            _ => (A::Ignore, S::Ground),
        },
        S::Escape => match code {
            0x00..=0x1F => (A::Execute, state),
            0x20..=0x2F => (A::Collect, S::EscapeIntermediate),
            0x50 => (A::Clear, S::DcsEntry),
            0x58 | 0x5E => (A::Ignore, S::Ignored),
            0x5B => (A::Clear, S::CsiEntry),
            0x5D => (A::OscStart, S::Osc),
            0x5F => (A::Clear, S::ApcEntry),
            0x30..=0x7E => (A::EscDispatch, S::Ground),
            0x7F => (A::Ignore, state),
            _ => (A::Ignore, S::Ground),
        },
        S::EscapeIntermediate => match code {
            0x00..=0x1F => (A::Execute, state),
            0x20..=0x2F => (A::Collect, state),
            0x30..=0x7E => (A::EscDispatch, S::Ground),
            _ => (A::Ignore, S::Ground),
        },
        S::CsiEntry | S::CsiParam | S::CsiIntermediate | S::CsiIgnore => within_csi(state, code),
        S::Ignored => match code {
            0x00..=0x7F => (A::Ignore, state),
            _ => (A::Ignore, S::Ground),
        },
        S::Osc => match code {
            0x00..=0x1F => (A::Ignore, state),
            _ => (A::OscPut, state),
        },
        _ => within_string(state, code),
    }
}

fn within_csi(state: State, code: u8) -> (Action, State) {
    use {Action as A, State as S};
    match (state, code) {
        (_, 0x00..=0x1F) => (A::Execute, state),
        (S::CsiIgnore, 0x40..=0x7E) => (A::Ignore, S::Ground),
        (S::CsiIgnore, _) | (_, 0x7F) => (A::Ignore, state),
        (_, 0x40..=0x7E) => (A::CsiDispatch, S::Ground),
        (_, 0x20..=0x2F) => (A::Collect, S::CsiIntermediate),
        (S::CsiEntry | S::CsiParam, 0x30..=0x3B) => (A::Param, S::CsiParam),
        (S::CsiEntry, 0x3C..=0x3F) => (A::Collect, S::CsiParam),
        (_, 0x30..=0x3F) => (A::Ignore, S::CsiIgnore),
        _ => (A::Ignore, S::Ground),
    }
}

fn within_string(state: State, code: u8) -> (Action, State) {
    use {Action as A, State as S};
    match (state, code) {
        (S::DcsPassthrough, 0x7F) => (A::Ignore, state),
        (S::DcsPassthrough, _) => (A::DcsPut, state),
        (S::DcsIgnore | S::ApcPassthrough, _) | (_, 0x00..=0x1F | 0x7F) => (A::Ignore, state),
        (S::ApcEntry | S::ApcIntermediate, 0x20..=0x2F) => (A::Collect, S::ApcIntermediate),
        (S::ApcEntry | S::ApcIntermediate, 0x30..=0x7E) => (A::Ignore, S::ApcPassthrough),
        (_, 0x20..=0x2F) => (A::Collect, S::DcsIntermediate),
        (S::DcsEntry | S::DcsParam, 0x30..=0x3B) => (A::Param, S::DcsParam),
        (S::DcsEntry, 0x3C..=0x3F) => (A::Collect, S::DcsParam),
        (_, 0x30..=0x3F) => (A::Ignore, S::DcsIgnore),
        (_, 0x40..=0x7E) => (A::DcsHook, S::DcsPassthrough),
        _ => (A::Ignore, S::Ground),
    }
}
