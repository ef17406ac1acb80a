//! For the operator's tools: whether the program runs, and whether it can serve.

use actix_web::{HttpResponse, web};

use crate::web::site::Site;

const TEXT: &str = "text/plain; charset=utf-8";

/// `GET /health/live`: the program runs.
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().content_type(TEXT).body("ok")
}

/// `GET /health/ready`: the database answers too.
pub async fn ready(site: web::Data<Site>) -> HttpResponse {
    match site.app.store.read(|_| Ok(())).await {
        Ok(()) => HttpResponse::Ok().content_type(TEXT).body("ok"),
        Err(fault) => {
            log::error!("not ready: {fault}");
            HttpResponse::ServiceUnavailable().content_type(TEXT).body("the database does not answer")
        }
    }
}
