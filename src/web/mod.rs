//! The pages: each in `pages/`, with its handler, its form and its template struct together.
//!
//! Handlers read their input, call one function and render; they never call JIT themselves. A page
//! is for whom the [`Viewer`](viewer::Viewer) says, and shows what is in that viewer's scope. What
//! goes wrong is a [`WebError`](error::WebError), which is one page of its own.

pub mod assets;
pub mod client;
pub mod display;
pub mod error;
pub mod form;
pub mod guard;
pub mod languages;
pub mod masking;
pub mod pages;
pub mod path;
pub mod server;
pub mod session;
pub mod shell;
pub mod sms;
pub mod viewer;

use std::path::PathBuf;
use std::sync::Arc;

use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, Route, guard as guards, web};
use tokio::sync::Semaphore;

use crate::app::App;
use crate::settings::Sessions;
use crate::store::audit::{self, Action, NewEvent};
use error::WebError;
pub use server::listen;
use session::DatabaseSessions;
use viewer::Viewer;

/// Passwords looked at at once: each takes 46 MiB and a core.
const PASSWORDS_AT_ONCE: usize = 2;

/// What the pages share.
#[derive(Clone)]
pub struct Site {
    /// The running program.
    pub app: App,
    /// How people are let in.
    pub sessions: Sessions,
    /// Where the static files are.
    pub static_dir: PathBuf,
    /// Slots for looking at passwords.
    pub password_slots: Arc<Semaphore>,
}

impl Site {
    /// The pages of `app`.
    pub fn new(app: App, sessions: Sessions, static_dir: PathBuf) -> Self {
        Self { app, sessions, static_dir, password_slots: Arc::new(Semaphore::new(PASSWORDS_AT_ONCE)) }
    }

    /// Notes in the audit trail what a person did.
    pub async fn note(
        &self,
        who: &Viewer,
        request: &HttpRequest,
        action: Action,
        subject: Option<String>,
    ) -> Result<(), WebError> {
        let event = NewEvent {
            at: self.app.clock.now().naive_utc(),
            actor: who.name.clone(),
            tenant: Some(who.tenant.clone()),
            address: Some(client::address(request, self)),
            action,
            subject,
        };
        Ok(self.app.store.write(move |db| audit::append(db, &event)).await?)
    }
}

/// The site that a request is for.
fn site_of(request: &HttpRequest) -> Result<&Site, WebError> {
    request
        .app_data::<web::Data<Site>>()
        .map(|site| site.get_ref())
        .ok_or_else(|| WebError::Session("the pages were not wired up".to_owned()))
}

/// Every route (CONTRACT.md, Pages).
pub fn routes(site: &Site) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
    let site = site.clone();
    move |config| {
        let sessions = DatabaseSessions::new(site.app.store.clone(), site.app.clock.clone(), &site.sessions);
        config
            .app_data(web::PathConfig::default().error_handler(|_, _| WebError::NotFound.into()))
            .app_data(web::QueryConfig::default().error_handler(|_, _| WebError::unreadable_address().into()))
            .app_data(web::FormConfig::default().limit(form::LONGEST_FORM))
            .service(
                web::scope("/static")
                    .wrap(guard::headers(&site))
                    .route("/{stem}.{hash:[0-9a-f]{16}}.{ending}", read().to(assets::by_content))
                    .service(
                        actix_files::Files::new("", &site.static_dir)
                            .prefer_utf8(true)
                            .default_handler(web::to(pages::no_file)),
                    ),
            )
            .service(
                web::scope("/health")
                    .wrap(guard::headers(&site))
                    .service(page("/live").route(read().to(pages::health::live)))
                    .service(page("/ready").route(read().to(pages::health::ready)))
                    .default_service(web::to(pages::no_file)),
            )
            .service(
                web::scope("")
                    .wrap(from_fn(guard::sound))
                    .wrap(from_fn(guard::error_pages))
                    .wrap(session::middleware(sessions, &site.sessions))
                    .wrap(guard::headers(&site))
                    .service(page("/").route(read().to(pages::home)))
                    .service(
                        page("/sign-in")
                            .route(read().to(pages::sign_in::page))
                            .route(web::post().to(pages::sign_in::submit)),
                    )
                    .service(page("/language").route(web::post().to(languages::choose)))
                    .service(page("/sign-out").route(web::post().to(pages::sign_in::sign_out)))
                    .service(page("/payment-instructions").route(read().to(pages::list::page)))
                    .service(page("/payment-instructions.csv").route(read().to(pages::list::export::csv)))
                    .service(
                        page("/payment-instructions/{tail:.+}")
                            .route(read().to(pages::instruction::get))
                            .route(web::post().to(pages::instruction::post)),
                    )
                    .service(
                        page("/sync-runs")
                            .route(read().to(pages::sync_runs::page))
                            .route(web::post().to(pages::sync_runs::start)),
                    )
                    .service(page("/sync-runs/{id}").route(read().to(pages::sync_runs::one::page)))
                    .service(page("/messages").route(read().to(pages::messages::page)))
                    .service(page("/messages/resend").route(web::post().to(pages::messages::resend::many)))
                    .service(
                        page("/messages/{id}/resend")
                            .route(read().to(pages::messages::resend::confirm))
                            .route(web::post().to(pages::messages::resend::one)),
                    )
                    .service(page("/audit").route(read().to(pages::audit::page)))
                    .default_service(web::to(pages::not_found)),
            )
            .app_data(web::Data::new(site));
    }
}

/// A resource that answers methods it does not know with the error page.
fn page(path: &str) -> actix_web::Resource {
    web::resource(path).default_service(web::to(pages::method_not_allowed))
}

/// GET, and HEAD with it.
fn read() -> Route {
    web::route().guard(guards::Any(guards::Get()).or(guards::Head()))
}
