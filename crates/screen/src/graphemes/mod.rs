//! Widths and grapheme clusters, as the page's grapheme addon for xterm.js sees them.
//!
//! Knows code points and nothing else.

mod runs;

use runs::RUNS;

const OTHER: u8 = 0;
const PREPEND: u8 = 1;
const EXTEND: u8 = 2;
const REGIONAL_INDICATOR: u8 = 3;
const SPACING_MARK: u8 = 4;
const HANGUL_L: u8 = 5;
const HANGUL_V: u8 = 6;
const HANGUL_T: u8 = 7;
const HANGUL_LV: u8 = 8;
const HANGUL_LVT: u8 = 9;
const ZWJ: u8 = 10;
const PICTOGRAPH: u8 = 11;

const WIDE: u32 = 16;
const CLASS: u32 = 15;

/// What the next code point may join: the last one's class, and the width of its cell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Join {
    class: u8,
    pub(crate) width: u32,
}

impl Join {
    /// The state after narrow ASCII.
    pub(crate) const ASCII: Self = Self { class: OTHER, width: 1 };

    /// Whether printable ASCII after this is a cell of its own.
    pub(crate) fn leaves_ascii_alone(this: Option<Self>) -> bool {
        this.is_none_or(|join| join.class != PREPEND)
    }

    /// A wide character that leaves this state.
    pub(crate) fn wide_example(self) -> Option<char> {
        let example = match self.class {
            OTHER => '中',
            PICTOGRAPH => '👩',
            HANGUL_L => 'ᄀ',
            HANGUL_LV => '가',
            HANGUL_LVT => '각',
            _ => return None,
        };
        (self.width == 2).then_some(example)
    }
}

/// A code point in its place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Placed {
    /// The width of the cell that it is in.
    pub(crate) width: u32,
    /// Whether it goes into the cell before.
    pub(crate) joins: bool,
    /// What the next one finds.
    pub(crate) join: Join,
}

/// Code points of which the same is known.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    first: u32,
    end: u32,
    known: u32,
}

const REMEMBERED: usize = 8;

/// Looks code points up, and remembers where: text stays within few runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graphemes {
    runs: [Run; REMEMBERED],
}

impl Graphemes {
    /// Where a code point goes after `before`.
    pub(crate) fn place(&mut self, code: u32, before: Option<Join>) -> Placed {
        let known = self.known(code);
        let class = u8::try_from(known & CLASS).unwrap_or(OTHER);
        let own = 1 + (known & WIDE) / WIDE;
        if class == OTHER && Join::leaves_ascii_alone(before) {
            return Placed { width: own, joins: false, join: Join { class, width: own } };
        }
        let Some(before) = before.filter(|before| is_joined(before.class, class)) else {
            return Placed { width: own, joins: false, join: Join { class, width: own } };
        };
        let pair = class == REGIONAL_INDICATOR;
        let width = if pair && before.width <= own { 2 } else { own.max(before.width) };
        // A third regional indicator begins a new pair.
        let class = if pair { OTHER } else { class };
        Placed { width, joins: true, join: Join { class, width } }
    }

    fn known(&mut self, code: u32) -> u32 {
        if code < 0xA0 {
            return 0;
        }
        if (0xAC00..=0xD7A3).contains(&code) {
            let lv = (code - 0xAC00).is_multiple_of(28);
            return WIDE | u32::from(if lv { HANGUL_LV } else { HANGUL_LVT });
        }
        let remembered = &mut self.runs[(code >> 7) as usize % REMEMBERED];
        if !(remembered.first..remembered.end).contains(&code) {
            let after = RUNS.partition_point(|run| run >> 5 <= code);
            let run = RUNS[after.saturating_sub(1)];
            let end = RUNS.get(after).map_or(0x11_0000, |run| run >> 5);
            *remembered = Run { first: run >> 5, end, known: run & (WIDE | CLASS) };
        }
        remembered.known
    }
}

/// The rules GB6 to GB13 of Unicode's text segmentation, as far as the addon has them.
fn is_joined(before: u8, after: u8) -> bool {
    let hangul = match before {
        HANGUL_L => matches!(after, HANGUL_L | HANGUL_V | HANGUL_LV | HANGUL_LVT),
        HANGUL_LV | HANGUL_V => matches!(after, HANGUL_V | HANGUL_T),
        HANGUL_LVT | HANGUL_T => after == HANGUL_T,
        _ => false,
    };
    hangul
        || matches!(after, EXTEND | ZWJ | SPACING_MARK)
        || before == PREPEND
        || before == ZWJ && after == PICTOGRAPH
        || before == REGIONAL_INDICATOR && after == REGIONAL_INDICATOR
}
