//! For the operator's tools: whether the program runs, and whether it can serve.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::web::readiness::Readiness;
use crate::web::site::Site;

const TEXT: &str = "text/plain; charset=utf-8";

/// `GET /health/live`: the program runs.
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().content_type(TEXT).body("ok")
}

/// `GET /health/ready`: it can serve; with each part in JSON for those who may see that.
pub async fn ready(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    let readiness = Readiness::of(&site).await;
    site.tell_ready(readiness.fault());
    let mut answer = match readiness.fault() {
        None => HttpResponse::Ok(),
        Some(_) => HttpResponse::ServiceUnavailable(),
    };
    if site.is_of_an_operator(&request) {
        return answer.json(readiness.details(&site).await);
    }
    answer.content_type(TEXT).body(if readiness.fault().is_none() { "ok" } else { "not ready" })
}
