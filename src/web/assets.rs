//! Static files: pages name them by their content (`app.0123456789abcdef.css`), so that a browser
//! may keep them for a year and still never shows an old one.

use std::sync::LazyLock;

use actix_files::NamedFile;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use aws_lc_rs::digest;

use super::Site;
use super::error::WebError;
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

fn content_hash(content: &[u8]) -> String {
    let mut hash = hex(digest::digest(&digest::SHA256, content).as_ref());
    hash.truncate(16);
    hash
}

/// The files that pages ask for by their content.
const FILES: [&str; 3] = ["app.css", "app.js", "icon.svg"];

/// `GET /static/{stem}.{hash}.{ending}`: the file, to be kept if its content is what the name says.
pub async fn by_content(
    site: web::Data<Site>,
    name: web::Path<(String, String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let (stem, hash, ending) = name.into_inner();
    let wanted = format!("{stem}.{ending}");
    let file = FILES.into_iter().find(|file| *file == wanted).ok_or(WebError::NotFound)?;
    let path = site.static_dir.join(file);
    let (file, content) = web::block(move || Ok((NamedFile::open(&path)?, std::fs::read(&path)?)))
        .await
        .map_err(|_| WebError::NotFound)?
        .map_err(|_: std::io::Error| WebError::NotFound)?;
    let mut response = file.use_etag(false).use_last_modified(false).into_response(&request);
    let cache =
        if content_hash(&content) == hash { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    Ok(response)
}
