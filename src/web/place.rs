//! Where a session is used: for the person's own list of their sessions.

use actix_session::Session;
use actix_web::HttpRequest;
use actix_web::http::header::USER_AGENT;
use serde::{Deserialize, Serialize};

use super::error::WebError;
use super::session;
use crate::language::{Phrase, phrase};
use crate::sealing::random_hex;

/// Where in a session's state it stands.
pub const PLACE: &str = "place";

/// Where a session is used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Names the session in forms: its own id is the browser's secret.
    pub id: String,
    /// The address of the browser at the first page.
    pub address: String,
    /// Which browser it is, if it is one of the common ones.
    pub browser: Option<String>,
    /// What it runs on.
    pub system: Option<String>,
}

impl Place {
    /// The session's place, noted at its first page.
    pub fn of_session(address: String, request: &HttpRequest, session: &Session) -> Result<Self, WebError> {
        if let Some(place) = session::kept(session, PLACE)? {
            return Ok(place);
        }
        let agent =
            request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let place = Self {
            id: random_hex(8).map_err(|fault| WebError::Session(fault.to_string()))?,
            address,
            browser: first_of(agent, BROWSERS),
            system: first_of(agent, SYSTEMS),
        };
        session::keep(session, PLACE, &place)?;
        Ok(place)
    }

    /// The browser in words.
    pub fn words(&self) -> Phrase {
        match (&self.browser, &self.system) {
            (Some(browser), Some(system)) => phrase("%{browser} on %{system}")
                .with("browser", browser.clone())
                .with("system", system.clone()),
            (Some(one), None) | (None, Some(one)) => one.clone().into(),
            (None, None) => phrase("a browser that is not known here"),
        }
    }
}

/// What a browser calls itself, the more special first, and what people call it.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// The same of what it runs on.
const SYSTEMS: &[(&str, &str)] = &[
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

fn first_of(agent: &str, known: &[(&str, &str)]) -> Option<String> {
    known.iter().find(|(told, _)| agent.contains(told)).map(|(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_browsers_are_called_as_people_call_them() {
        for (agent, browser, system) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36 Edg/130.0",
                Some("Edge"),
                Some("Windows"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537.36",
                Some("Chrome"),
                Some("Android"),
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
                Some("Firefox"),
                Some("Linux"),
            ),
            ("curl/8", None, None),
        ] {
            assert_eq!(first_of(agent, BROWSERS).as_deref(), browser, "{agent}");
            assert_eq!(first_of(agent, SYSTEMS).as_deref(), system, "{agent}");
        }
    }
}
