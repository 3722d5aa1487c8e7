//! One cell and the pen that writes it, bit for bit as xterm.js keeps them.
//!
//! Knows nothing of lines. Clusters and extended attributes are indices into the [`Pool`](crate::pool::Pool).

/// The bits of [`Cell::content`].
pub(crate) const CODE: u32 = 0x001F_FFFF;
/// The code is the index of a cluster.
pub(crate) const CLUSTER: u32 = 0x0020_0000;
pub(crate) const CONTENT: u32 = CODE | CLUSTER;
pub(crate) const WIDTH_SHIFT: u32 = 22;

/// Colour mode and value, in `fg`, `bg` and the underline's colour.
pub(crate) const COLOUR: u32 = 0x03FF_FFFF;
pub(crate) const COLOUR_MODE: u32 = 0x0300_0000;
pub(crate) const PALETTE_16: u32 = 0x0100_0000;
pub(crate) const PALETTE_256: u32 = 0x0200_0000;
pub(crate) const RGB: u32 = 0x0300_0000;

/// Flags of `fg`.
pub(crate) const INVERSE: u32 = 0x0400_0000;
pub(crate) const BOLD: u32 = 0x0800_0000;
pub(crate) const UNDERLINE: u32 = 0x1000_0000;
pub(crate) const BLINK: u32 = 0x2000_0000;
pub(crate) const INVISIBLE: u32 = 0x4000_0000;
pub(crate) const STRIKETHROUGH: u32 = 0x8000_0000;

/// Flags of `bg`.
pub(crate) const ITALIC: u32 = 0x0400_0000;
pub(crate) const DIM: u32 = 0x0800_0000;
pub(crate) const EXTENDED: u32 = 0x1000_0000;
pub(crate) const PROTECTED: u32 = 0x2000_0000;
pub(crate) const OVERLINE: u32 = 0x4000_0000;

/// A cell: what it shows, its colours and flags, and an index of extended attributes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Cell {
    pub(crate) content: u32,
    pub(crate) fg: u32,
    pub(crate) bg: u32,
    /// 0 unless `bg` has [`EXTENDED`].
    pub(crate) ext: u32,
}

impl Cell {
    /// What was never written to.
    pub(crate) const NULL: Self = Self { content: 1 << WIDTH_SHIFT, fg: 0, bg: 0, ext: 0 };

    /// A code point in a pen's colours.
    pub(crate) fn new(code: u32, width: u32, pen: Pen) -> Self {
        let ext = if pen.bg & EXTENDED == 0 { 0 } else { pen.ext };
        Self { content: code | width << WIDTH_SHIFT, fg: pen.fg, bg: pen.bg, ext }
    }

    /// Nothing, in the colours of a pen.
    pub(crate) fn null(pen: Pen) -> Self {
        Self::new(0, 1, pen)
    }

    pub(crate) fn width(self) -> u32 {
        self.content >> WIDTH_SHIFT
    }

    pub(crate) fn has_content(self) -> bool {
        self.content & CONTENT != 0
    }

    pub(crate) fn is_protected(self) -> bool {
        self.bg & PROTECTED != 0
    }

    /// The second half of a wide character.
    pub(crate) fn is_spacer(self) -> bool {
        self.width() == 0 && !self.has_content()
    }

    /// The index of its cluster, if it has one.
    pub(crate) fn cluster(self) -> Option<u32> {
        (self.content & CLUSTER != 0).then_some(self.content & CODE)
    }

    /// The pen that would write it.
    pub(crate) fn pen(self) -> Pen {
        Pen { fg: self.fg, bg: self.bg, ext: self.ext }
    }
}

/// Colours and flags that are written next. `ext` is kept even where `bg` lacks [`EXTENDED`], as DECRC
/// restores one and not the other.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Pen {
    pub(crate) fg: u32,
    pub(crate) bg: u32,
    pub(crate) ext: u32,
}

impl Pen {
    /// What is erased takes the background's colour and nothing else.
    pub(crate) fn erasing(self) -> Self {
        Self { fg: 0, bg: self.bg & COLOUR, ext: 0 }
    }
}
