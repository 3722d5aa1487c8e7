//! The Backspace key of a terminal whose erase character is Ctrl-H: pages type DEL, as terminals of
//! this century do, and the target gets what it takes for "erase".

const ESC: u8 = 0x1b;
const BACKSPACE: u8 = 0x08;
const DELETE: u8 = 0x7f;
/// The bytes of a mouse report behind its beginning: the button, the column and the row.
const MOUSE: u8 = 3;

/// Reads what is typed: one stream, which may be cut anywhere.
#[derive(Default)]
pub(crate) struct Backspace(Place);

/// Where the stream is. In a mouse report (`ESC [ M`) the byte of DEL is a place on the screen.
#[derive(Clone, Copy, Default)]
enum Place {
    #[default]
    Text,
    Escape,
    Bracket,
    Mouse {
        left: u8,
    },
}

impl Backspace {
    /// The same with Ctrl-H for every DEL.
    pub(crate) fn replace(&mut self, typed: &[u8]) -> Vec<u8> {
        typed.iter().map(|byte| self.next(*byte)).collect()
    }

    fn next(&mut self, byte: u8) -> u8 {
        let (place, byte) = match (self.0, byte) {
            (Place::Mouse { left: 1 }, _) => (Place::Text, byte),
            (Place::Mouse { left }, _) => (Place::Mouse { left: left - 1 }, byte),
            (Place::Escape, b'[') => (Place::Bracket, byte),
            (Place::Bracket, b'M') => (Place::Mouse { left: MOUSE }, byte),
            (_, ESC) => (Place::Escape, byte),
            (_, DELETE) => (Place::Text, BACKSPACE),
            _ => (Place::Text, byte),
        };
        self.0 = place;
        byte
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_del_is_ctrl_h_but_in_a_mouse_report() {
        let typed = b"a\x7f\x08\x1b\x7f\x1b[3~\x7f\x1b[M \x7f\x7f\x7f\x1b[<0;127;1M\x7f";
        let expected = b"a\x08\x08\x1b\x08\x1b[3~\x08\x1b[M \x7f\x7f\x08\x1b[<0;127;1M\x08";
        assert_eq!(Backspace::default().replace(typed), expected);
        let mut cut = Backspace::default();
        let pieces = typed.chunks(1).flat_map(|piece| cut.replace(piece));
        assert_eq!(pieces.collect::<Vec<u8>>(), expected);
    }
}
