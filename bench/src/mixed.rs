//! Output with a bit of everything.

/// Text, colours, wide characters and emoji: the same in every run.
pub(crate) fn mixed_output(length: usize) -> Vec<u8> {
    let mut text = String::with_capacity(length + 256);
    for line in 0_u32.. {
        let colour = 31 + line % 7;
        let next = match line % 4 {
            0 => format!("{line:08} the quick brown fox jumps over the lazy dog, again and again\r\n"),
            1 => format!("\x1b[1;{colour}m{line:08}\x1b[0m \x1b[38;5;{}mbuilding\x1b[0m ok\r\n", line % 256),
            2 => format!("{line:08} 端末の文字は二つの桁を取ります 漢字仮名交じり文\r\n"),
            _ => format!("{line:08} 🙂 🚀 👩‍💻 e\u{301} ← combined, emoji, plain\r\n"),
        };
        if text.len() + next.len() > length {
            break;
        }
        text.push_str(&next);
    }
    // No character is cut.
    let mut bytes = text.into_bytes();
    bytes.resize(length, b'.');
    bytes
}
