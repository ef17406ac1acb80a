//! Static files: pages name them by their content (`app.0123456789abcdef.css`), so that a browser
//! may keep them for a year and still never shows an old one.

use std::sync::LazyLock;

use aws_lc_rs::digest;

use crate::sealing::hex;

/// The names under which pages ask for the files.
#[derive(Debug)]
pub struct Assets {
    /// The style sheet.
    pub css: String,
    /// The script.
    pub js: String,
    /// The icon of the browser's tab.
    pub icon: String,
}

/// The names of the files that the program was built with.
pub static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    css: named("app", include_bytes!("../../static/app.css"), "css"),
    js: named("app", include_bytes!("../../static/app.js"), "js"),
    icon: named("icon", include_bytes!("../../static/icon.svg"), "svg"),
});

fn named(stem: &str, content: &[u8], ending: &str) -> String {
    format!("/static/{stem}.{}.{ending}", content_hash(content))
}

/// What stands for a file's content in its name.
pub fn content_hash(content: &[u8]) -> String {
    let mut hash = hex(digest::digest(&digest::SHA256, content).as_ref());
    hash.truncate(16);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_sheet_names_the_font_by_its_content() {
        let hash = content_hash(include_bytes!("../../static/noto-sans-oriya.woff2"));
        let css = include_str!("../../static/app.css");
        assert!(css.contains(&format!("url(\"noto-sans-oriya.{hash}.woff2\")")), "{hash}");
    }
}
