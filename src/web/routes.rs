//! Every route, and what surrounds it.

use actix_web::middleware::from_fn;
use actix_web::{Route, guard as guards, web};

use super::error::WebError;
use super::session::DatabaseSessions;
use super::site::Site;
use super::{form, guard, pages, session};

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
                    .wrap(from_fn(guard::meant_for_us))
                    .wrap(guard::headers(&site))
                    .route("/{stem}.{hash:[0-9a-f]{16}}.{ending}", read().to(pages::static_file::by_content))
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
                web::resource("/metrics")
                    .wrap(guard::headers(&site))
                    .route(read().to(pages::metrics::page))
                    .default_service(web::to(pages::no_file)),
            )
            .service(
                web::scope("/.well-known")
                    .wrap(from_fn(guard::meant_for_us))
                    .wrap(guard::headers(&site))
                    .route("/security.txt", read().to(pages::static_file::security_txt))
                    .default_service(web::to(pages::no_file)),
            )
            // What has no path that begins with a slash, such as `OPTIONS *`.
            .default_service(web::to(guard::elsewhere))
            .service(
                web::scope("")
                    .wrap(from_fn(guard::sound))
                    .wrap(from_fn(guard::error_pages))
                    .wrap(session::middleware(sessions, &site.sessions))
                    .wrap(from_fn(session::polled_is_unused))
                    .wrap(from_fn(guard::meant_for_us))
                    .wrap(guard::headers(&site))
                    .service(page("/").route(read().to(pages::day::page)))
                    .service(
                        page("/sign-in")
                            .route(read().to(pages::sign_in::page))
                            .route(web::post().to(pages::sign_in::submit)),
                    )
                    .service(page("/language").route(web::post().to(pages::language::choose)))
                    .service(page("/sign-out").route(web::post().to(pages::sign_in::sign_out)))
                    .service(page("/payment-instructions").route(read().to(pages::list::page)))
                    .service(page("/payment-instructions.csv").route(read().to(pages::list::export::csv)))
                    .service(
                        page("/payment-instructions/fetch")
                            // A number may be anything: the page of one that is called so.
                            .route(read().to(pages::instruction::get))
                            .route(web::post().to(pages::list::fetch::submit)),
                    )
                    .service(
                        page("/payment-instructions/ask")
                            .route(read().to(pages::instruction::get))
                            .route(web::post().to(pages::list::ask::submit)),
                    )
                    .service(
                        page("/payment-instructions/{tail:.+}")
                            .route(read().to(pages::instruction::get))
                            .route(web::post().to(pages::instruction::post)),
                    )
                    .service(page("/figures/{figure}").route(read().to(pages::day::rows)))
                    .service(page("/reports").route(read().to(pages::reports::this_month)))
                    .service(page("/reports/{month}").route(read().to(pages::reports::month)))
                    .service(page("/beneficiaries").route(read().to(pages::people::page)))
                    .service(page("/beneficiaries.csv").route(read().to(pages::people::export::csv)))
                    .service(
                        page("/sync-runs")
                            .route(read().to(pages::sync_runs::page))
                            .route(web::post().to(pages::sync_runs::start)),
                    )
                    .service(page("/sync-runs/start").route(read().to(pages::sync_runs::start::page)))
                    .service(page("/sync-runs/{id}").route(read().to(pages::sync_runs::one::page)))
                    .service(page("/messages").route(read().to(pages::messages::page)))
                    .service(
                        page("/messages/resend")
                            .route(read().to(pages::messages::resend::confirm_many))
                            .route(web::post().to(pages::messages::resend::many)),
                    )
                    .service(
                        page("/messages/{id}/resend")
                            .route(read().to(pages::messages::resend::confirm))
                            .route(web::post().to(pages::messages::resend::one)),
                    )
                    .service(
                        page("/messages/settle")
                            .route(read().to(pages::messages::settle::ask_of_many))
                            .route(web::post().to(pages::messages::settle::many)),
                    )
                    .service(
                        page("/messages/{id}/settle")
                            .route(read().to(pages::messages::settle::ask))
                            .route(web::post().to(pages::messages::settle::one)),
                    )
                    .service(page("/account").route(read().to(pages::account::page)))
                    .service(
                        page("/account/password")
                            .route(read().to(pages::account::password::page))
                            .route(web::post().to(pages::account::password::change)),
                    )
                    .service(
                        page("/account/second-factor")
                            .route(read().to(pages::account::second_factor::page))
                            .route(web::post().to(pages::account::second_factor::change)),
                    )
                    .service(page("/account/sessions").route(web::post().to(pages::account::sessions::end)))
                    .service(
                        page("/employees")
                            .route(read().to(pages::employees::page))
                            .route(web::post().to(pages::employees::add)),
                    )
                    .service(page("/employees/{id}").route(read().to(pages::employees::one::page)))
                    .service(page("/employees/{id}/role").route(web::post().to(pages::employees::one::role)))
                    .service(
                        page("/employees/{id}/password")
                            .route(web::post().to(pages::employees::one::give_password)),
                    )
                    .service(
                        page("/employees/{id}/second-factor")
                            .route(web::post().to(pages::employees::one::reset_second_factor)),
                    )
                    .service(
                        page("/employees/{id}/disable").route(web::post().to(pages::employees::one::disable)),
                    )
                    .service(
                        page("/employees/{id}/enable").route(web::post().to(pages::employees::one::enable)),
                    )
                    .service(page("/audit").route(read().to(pages::audit::page)))
                    .default_service(web::to(pages::not_found)),
            )
            .app_data(web::Data::new(site));
    }
}

/// What is served on a listener of the operator's tools.
pub fn operators_routes(site: &Site) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
    let site = site.clone();
    move |config| {
        config
            .service(
                web::scope("")
                    .wrap(guard::headers(&site))
                    .service(web::resource("/metrics").route(read().to(pages::metrics::page)))
                    .service(web::resource("/health/live").route(read().to(pages::health::live)))
                    .service(web::resource("/health/ready").route(read().to(pages::health::ready)))
                    .default_service(web::to(pages::no_file)),
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
