//! National and graphic character sets, G0 to G3, as xterm.js has them.

/// Pairs of an ASCII character and what is shown for it.
type Set = [(u8, char)];

/// A designated set; `None` is ASCII.
pub(crate) type Designated = Option<u8>;

const GRAPHICS: &str = "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·";
const BRITISH: &Set = &[(b'#', '£')];
const DUTCH: &Set = &[
    (b'#', '£'),
    (b'@', '¾'),
    (b'[', 'i'),
    (b'\\', '½'),
    (b']', '|'),
    (b'{', '¨'),
    (b'|', 'f'),
    (b'}', '¼'),
    (b'~', '´'),
];
const FINNISH: &Set = &[
    (b'[', 'Ä'),
    (b'\\', 'Ö'),
    (b']', 'Å'),
    (b'^', 'Ü'),
    (b'`', 'é'),
    (b'{', 'ä'),
    (b'|', 'ö'),
    (b'}', 'å'),
    (b'~', 'ü'),
];
const FRENCH: &Set = &[
    (b'#', '£'),
    (b'@', 'à'),
    (b'[', '°'),
    (b'\\', 'ç'),
    (b']', '§'),
    (b'{', 'é'),
    (b'|', 'ù'),
    (b'}', 'è'),
    (b'~', '¨'),
];
const CANADIAN: &Set = &[
    (b'@', 'à'),
    (b'[', 'â'),
    (b'\\', 'ç'),
    (b']', 'ê'),
    (b'^', 'î'),
    (b'`', 'ô'),
    (b'{', 'é'),
    (b'|', 'ù'),
    (b'}', 'è'),
    (b'~', 'û'),
];
const GERMAN: &Set = &[
    (b'@', '§'),
    (b'[', 'Ä'),
    (b'\\', 'Ö'),
    (b']', 'Ü'),
    (b'{', 'ä'),
    (b'|', 'ö'),
    (b'}', 'ü'),
    (b'~', 'ß'),
];
const ITALIAN: &Set = &[
    (b'#', '£'),
    (b'@', '§'),
    (b'[', '°'),
    (b'\\', 'ç'),
    (b']', 'é'),
    (b'`', 'ù'),
    (b'{', 'à'),
    (b'|', 'ò'),
    (b'}', 'è'),
    (b'~', 'ì'),
];
const NORWEGIAN: &Set = &[
    (b'@', 'Ä'),
    (b'[', 'Æ'),
    (b'\\', 'Ø'),
    (b']', 'Å'),
    (b'^', 'Ü'),
    (b'`', 'ä'),
    (b'{', 'æ'),
    (b'|', 'ø'),
    (b'}', 'å'),
    (b'~', 'ü'),
];
const SPANISH: &Set = &[
    (b'#', '£'),
    (b'@', '§'),
    (b'[', '¡'),
    (b'\\', 'Ñ'),
    (b']', '¿'),
    (b'{', '°'),
    (b'|', 'ñ'),
    (b'}', 'ç'),
];
const SWEDISH: &Set = &[
    (b'@', 'É'),
    (b'[', 'Ä'),
    (b'\\', 'Ö'),
    (b']', 'Å'),
    (b'^', 'Ü'),
    (b'`', 'é'),
    (b'{', 'ä'),
    (b'|', 'ö'),
    (b'}', 'å'),
    (b'~', 'ü'),
];
const SWISS: &Set = &[
    (b'#', 'ù'),
    (b'@', 'à'),
    (b'[', 'é'),
    (b'\\', 'ç'),
    (b']', 'ê'),
    (b'^', 'î'),
    (b'_', 'è'),
    (b'`', 'ô'),
    (b'{', 'ä'),
    (b'|', 'ö'),
    (b'}', 'ü'),
    (b'~', 'û'),
];

/// Whether an escape sequence with this final byte designates a set.
pub(crate) fn is_set(name: u8) -> bool {
    name == b'B' || name == b'0' || !set(name).is_empty()
}

fn set(name: u8) -> &'static Set {
    match name {
        b'A' => BRITISH,
        b'4' => DUTCH,
        b'C' | b'5' => FINNISH,
        b'R' => FRENCH,
        b'Q' => CANADIAN,
        b'K' => GERMAN,
        b'Y' => ITALIAN,
        b'E' | b'6' => NORWEGIAN,
        b'Z' => SPANISH,
        b'H' | b'7' => SWEDISH,
        b'=' => SWISS,
        _ => &[],
    }
}

/// What a set shows for an ASCII character.
pub(crate) fn shown(name: u8, code: u8) -> char {
    let shown = if name == b'0' {
        code.checked_sub(b'`').and_then(|index| GRAPHICS.chars().nth(usize::from(index)))
    } else {
        set(name).iter().find(|(ascii, _)| *ascii == code).map(|(_, shown)| *shown)
    };
    shown.unwrap_or(char::from(code))
}

/// The four designated sets and the one in use.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Charsets {
    pub(crate) sets: [Designated; 4],
    /// How many were ever designated: DECRC restores no more.
    pub(crate) known: usize,
    pub(crate) level: usize,
}

impl Charsets {
    /// The set that characters go through.
    pub(crate) fn active(&self) -> Designated {
        self.sets[self.level & 3]
    }

    /// Designates a set by its name.
    pub(crate) fn designate(&mut self, level: usize, name: Designated) {
        let level = level & 3;
        self.sets[level] = name.filter(|name| *name != b'B');
        self.known = self.known.max(level + 1);
    }
}
