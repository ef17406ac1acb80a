//! The way back to the page that a form stood on.

use actix_web::HttpRequest;
use actix_web::http::header::REFERER;

use super::path::POLLED_MARK;

/// The page that a form was sent from, as far as the browser tells: its address on this site, if it can be
/// asked for, without the notice that was told there. Where it leads is for
/// [`local_path`](super::path::local_path) to judge.
pub fn page_before(request: &HttpRequest) -> Option<String> {
    let referer = request.headers().get(REFERER)?.to_str().ok()?.parse::<reqwest::Url>().ok()?;
    let path = match referer.path() {
        // What answers a form cannot be asked for.
        "/messages/resend" => "/messages",
        "/language" | "/sign-out" => return None,
        "/account/sessions" => "/account",
        path => path.strip_suffix("/refresh").unwrap_or(path),
    };
    let query: Vec<&str> = referer
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|part| !part.is_empty() && !part.starts_with("notice=") && *part != POLLED_MARK)
        .collect();
    Some(if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) })
}
