//! What a browser carries for us: sealed, so that it can neither be read there nor changed.

use actix_web::cookie::{Cookie, CookieJar, SameSite, time};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::WebError;
use super::rules::Sessions;

/// A cookie that only we read and write. One's value does not open under the name of another.
#[derive(Debug, Clone, Copy)]
pub struct SealedCookie {
    /// What it is called.
    pub plain: &'static str,
    /// What it is called under https: bound to this host.
    pub bound: &'static str,
    /// For how long it counts; else until the browser is closed.
    pub life: Option<TimeDelta>,
}

fn failed(fault: impl std::fmt::Display) -> WebError {
    WebError::Session(fault.to_string())
}

impl SealedCookie {
    const fn name(&self, rules: &Sessions) -> &'static str {
        if rules.secure { self.bound } else { self.plain }
    }

    fn cookie(&self, rules: &Sessions, value: String) -> Cookie<'static> {
        let mut cookie = Cookie::build(self.name(rules), value)
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(rules.secure)
            .finish();
        cookie.set_max_age(self.life.map(|life| time::Duration::seconds(life.num_seconds())));
        cookie
    }

    /// Sends it along with an answer.
    pub fn send(
        &self,
        rules: &Sessions,
        now: DateTime<Utc>,
        answer: &mut HttpResponse,
        held: &impl Serialize,
    ) -> Result<(), WebError> {
        let until = self.life.map(|life| (now + life).timestamp());
        let value = serde_json::to_string(&(until, held)).map_err(failed)?;
        let mut jar = CookieJar::new();
        jar.private_mut(&rules.cookie_key).add(self.cookie(rules, value));
        jar.delta().try_for_each(|cookie| answer.add_cookie(cookie)).map_err(failed)
    }

    /// What this browser brings, if we sent it and it still counts.
    pub fn brought<T: DeserializeOwned>(
        &self,
        rules: &Sessions,
        now: DateTime<Utc>,
        request: &HttpRequest,
    ) -> Option<T> {
        let name = self.name(rules);
        let mut jar = CookieJar::new();
        jar.add_original(request.cookie(name)?);
        let opened = jar.private(&rules.cookie_key).get(name)?;
        let (until, held): (Option<i64>, T) = serde_json::from_str(opened.value()).ok()?;
        let counts = match (self.life, until) {
            (None, None) => true,
            (Some(life), Some(until)) => (0..=life.num_seconds()).contains(&(until - now.timestamp())),
            _ => false,
        };
        counts.then_some(held)
    }

    /// Has the browser forget it.
    pub fn forget(&self, rules: &Sessions, answer: &mut HttpResponse) -> Result<(), WebError> {
        let mut gone = self.cookie(rules, String::new());
        gone.make_removal();
        answer.add_cookie(&gone).map_err(failed)
    }
}
