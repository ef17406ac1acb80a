//! The pages: each in `pages/`, with its handler, its form and its template struct together.
//!
//! Handlers read their input, call one function and render; they never call JIT themselves. A page
//! is for whom the [`Viewer`](viewer::Viewer) says, and shows what is in that viewer's scope. What
//! goes wrong is a [`WebError`](error::WebError), which is one page of its own.

pub mod display;
pub mod error;
pub mod masking;
pub mod pages;
pub mod path;
pub mod server;
pub mod shell;
pub mod sms;
pub mod viewer;

use actix_web::http::header;
use actix_web::middleware::DefaultHeaders;
use actix_web::{Route, guard, web};

use crate::app::App;
use error::WebError;
pub use server::listen;

/// What the pages share.
#[derive(Clone)]
pub struct Site {
    /// The running program.
    pub app: App,
    /// Where the static files are.
    pub static_dir: std::path::PathBuf,
}

/// Every route (CONTRACT.md, Pages).
pub fn routes(site: &Site) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
    let (site, statics) = (site.clone(), site.static_dir.clone());
    move |config| {
        config
            .app_data(web::Data::new(site))
            .app_data(web::PathConfig::default().error_handler(|_, _| WebError::NotFound.into()))
            .app_data(web::QueryConfig::default().error_handler(|_, _| WebError::unreadable_address().into()))
            .service(static_files(statics))
            .service(
                // What a page shows is nobody else's to keep.
                web::scope("")
                    .wrap(headers("no-store"))
                    .service(page("/").route(read().to(pages::home)))
                    .service(page("/health/live").route(read().to(pages::health::live)))
                    .service(page("/health/ready").route(read().to(pages::health::ready)))
                    .service(page("/payment-instructions").route(read().to(pages::list::page)))
                    .service(
                        page("/payment-instructions/{tail:.+}")
                            .route(read().to(pages::instruction::get))
                            .route(web::post().to(pages::instruction::post)),
                    )
                    .service(page("/messages").route(read().to(pages::messages::page)))
                    .service(page("/messages/resend").route(web::post().to(pages::messages::resend::many)))
                    .service(
                        page("/messages/{id}/resend")
                            .route(read().to(pages::messages::resend::confirm))
                            .route(web::post().to(pages::messages::resend::one)),
                    )
                    .default_service(web::to(pages::not_found)),
            );
    }
}

/// A resource that answers methods it does not know with the error page.
fn page(path: &str) -> actix_web::Resource {
    web::resource(path).default_service(web::to(pages::method_not_allowed))
}

/// GET, and HEAD with it.
fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// The style sheet and its kind: a browser asks whether its copy is still good.
fn static_files(dir: std::path::PathBuf) -> impl actix_web::dev::HttpServiceFactory {
    web::scope("/static").wrap(headers("no-cache")).service(
        actix_files::Files::new("", dir).prefer_utf8(true).default_handler(web::to(pages::not_found)),
    )
}

fn headers(cache: &'static str) -> DefaultHeaders {
    DefaultHeaders::new().add((header::CACHE_CONTROL, cache)).add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
}
