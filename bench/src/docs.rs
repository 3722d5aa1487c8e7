//! Puts a report into `docs/benchmarks.md`, between two marks.

use std::{fs, path::Path};

use anyhow::Context as _;

use crate::{report::Report, table};

const BEGIN: &str = "<!-- figures: written by `cargo xtask bench --docs` -->";
const END: &str = "<!-- end of figures -->";

/// Replaces what stands between the marks.
pub(crate) fn rewrite(report: &Report) -> anyhow::Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md");
    let text = fs::read_to_string(&file)?;
    let text =
        replaced(&text, &table::whole(report)).context("docs/benchmarks.md has no place for figures")?;
    Ok(fs::write(file, text)?)
}

fn replaced(text: &str, figures: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", figures.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let text = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        assert_eq!(replaced(&text, "new\n").as_deref(), Some(&*format!("a\n{BEGIN}\n\nnew\n\n{END}\nb\n")));
        assert_eq!(replaced("a\n", "new"), None);
    }
}
