//! The files that pages ask for by their content.

use actix_files::NamedFile;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::web::assets::content_hash;
use crate::web::error::WebError;
use crate::web::site::Site;

/// Their names.
const FILES: [&str; 4] = ["app.css", "app.js", "icon.svg", "noto-sans-oriya.woff2"];

/// `GET /.well-known/security.txt`: where a weakness is to be reported (RFC 9116), if the operator has put that file
/// among the static ones.
pub async fn security_txt(site: web::Data<Site>) -> Result<HttpResponse, WebError> {
    let file = site.static_dir.join(".well-known/security.txt");
    let told = web::block(move || std::fs::read(file)).await.map_err(|_| WebError::NotFound)?;
    let told = told.map_err(|_| WebError::NotFound)?;
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(told))
}

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
