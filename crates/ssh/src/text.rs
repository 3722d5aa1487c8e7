//! Words of strangers, made fit for a sentence or a terminal.

/// One line of at most `limit` characters: no control, no direction-changing characters.
pub(crate) fn line(text: &str, limit: usize) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(is_plain).collect();
    let words: Vec<&str> = clean.split_whitespace().collect();
    cut(&words.join(" "), limit)
}

/// Lines of at most `limit` characters in all, with the line ends that a terminal wants and no
/// other control characters.
pub(crate) fn block(text: &str, limit: usize) -> String {
    let mut clean = String::new();
    for line in text.lines() {
        clean.extend(line.chars().filter(|c| *c == '\t' || !c.is_control()).filter(is_plain));
        clean.push_str("\r\n");
    }
    cut(&clean, limit)
}

/// Neither invisible nor able to reorder what stands beside it.
fn is_plain(c: &char) -> bool {
    !matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

fn cut(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{block, line};

    #[test]
    fn a_line_has_no_controls_and_an_end() {
        assert_eq!(line("a\x1b[31m\r\nb\u{202e}c\u{9b}", 80), "a [31m bc");
        assert_eq!(line("abcdef", 3), "abc…");
        assert_eq!(line("äöü", 3), "äöü");
    }

    #[test]
    fn nothing_invisible_stays() {
        for c in
            ['\u{ad}', '\u{61c}', '\u{200b}', '\u{202e}', '\u{2066}', '\u{feff}', '\u{e0000}', '\u{e007f}']
        {
            let text = format!("a{c}b");
            assert_eq!((line(&text, 9), block(&text, 9)), ("ab".to_owned(), "ab\r\n".to_owned()), "{c:?}");
        }
    }

    #[test]
    fn a_block_keeps_lines_and_tabs_only() {
        assert_eq!(block("one\n\ttwo\x07\x1b]0;x\x07", 100), "one\r\n\ttwo]0;x\r\n");
        assert_eq!(block("", 100), "");
    }
}
