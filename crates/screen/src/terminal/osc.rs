//! Operating system commands that leave something: titles, links and colours.

use std::sync::Arc;

use super::Terminal;
use crate::pool::Link;

/// A longer title is cut; nobody could read it.
const TITLE_BYTES: usize = 4096;
/// A longer link is left out; its text stays.
const LINK_BYTES: usize = 8192;

impl Terminal {
    pub(super) fn command(&mut self, text: &str) {
        let (number, rest) = text.split_once(';').unwrap_or((text, ""));
        match number.trim_start_matches('0') {
            "" if !number.is_empty() => self.set_title(rest),
            "2" => self.set_title(rest),
            "4" => self.palette.set_indexed(rest),
            "8" => self.set_link(rest),
            "10" => self.palette.set_special(rest, 0),
            "11" => self.palette.set_special(rest, 1),
            "12" => self.palette.set_special(rest, 2),
            "104" => self.palette.reset_indexed(rest),
            "110" => self.palette.reset_special(0),
            "111" => self.palette.reset_special(1),
            "112" => self.palette.reset_special(2),
            _ => {}
        }
    }

    fn set_title(&mut self, title: &str) {
        self.title = Some(title[..title.floor_char_boundary(TITLE_BYTES)].into());
    }

    /// OSC 8: `params;uri`; without an address the link ends.
    fn set_link(&mut self, text: &str) {
        let Some((params, uri)) = text.split_once(';') else { return };
        let params = params.trim();
        if uri.is_empty() {
            if params.is_empty() {
                self.change_ext(|ext| ext.link = None);
            }
            return;
        }
        let id = params.split(':').find_map(|param| param.strip_prefix("id=")).filter(|id| !id.is_empty());
        let link =
            (text.len() <= LINK_BYTES).then(|| Arc::new(Link { id: id.map(Into::into), uri: uri.into() }));
        self.change_ext(|ext| ext.link = link);
    }
}
