//! `GET /metrics`: figures for the operator's tools, in Prometheus's text format.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::domain::MessageState;
use crate::meters::{CONTENT_TYPE, Exposition};
use crate::store::readings::Readings;
use crate::web::error::WebError;
use crate::web::readiness::Readiness;
use crate::web::site::Site;

/// The handler.
pub async fn page(site: web::Data<Site>, request: HttpRequest) -> Result<HttpResponse, WebError> {
    if !site.is_of_an_operator(&request) {
        return Err(WebError::NotFound);
    }
    let readiness = Readiness::of(&site).await;
    let read = site.readings.get(&site.app).await;
    let mut page = Exposition::default();
    of_the_program(&mut page, &site, &readiness);
    of_its_calls(&mut page, &site);
    if let Some(read) = read {
        of_the_database(&mut page, &site, &read.readings);
        page.gauge(
            "figures_age_seconds",
            "How old the figures of the database are.",
            read.at.elapsed().as_secs_f64(),
        );
        page.gauge("figures_read_seconds", "How long reading them took.", read.took.as_secs_f64());
    }
    Ok(HttpResponse::Ok().insert_header(("content-type", CONTENT_TYPE)).body(page.written()))
}

fn of_the_program(page: &mut Exposition, site: &Site, readiness: &Readiness) {
    let (sync, pool) = (&site.app.sync, site.app.store.pool_use());
    let build = [("version", env!("CARGO_PKG_VERSION")), ("build", env!("VERSION"))];
    page.gauges("build_info", "The version that runs, with its commit and day.", [(build, 1)]);
    page.gauge("ready", "Whether /health/ready is 200.", u8::from(readiness.fault().is_none()));
    page.gauges(
        "part_ready",
        "Whether this part of it is.",
        readiness.essential().map(|(part, is_ready)| ([("part", part)], u8::from(is_ready))),
    );
    page.gauge("sync_paused", "Whether SYNC_PAUSED is set.", u8::from(sync.is_paused()));
    page.gauge_if_known(
        "scheduler_beat_age_seconds",
        "How long ago the scheduler was at work.",
        sync.scheduler_silent_for().map(|silent| silent.as_secs_f64()),
    );
    page.gauge_if_known(
        "database_write_age_seconds",
        "How long ago a tried write came to an end.",
        sync.vitals().wrote().map(|wrote| wrote.at.elapsed().as_secs_f64()),
    );
    page.gauges(
        "database_connections",
        "Connections of the pool.",
        [([("state", "in_use")], pool.in_use), ([("state", "idle")], pool.idle)],
    );
    page.gauge("database_connections_most", "DATABASE_POOL.", pool.most);
    page.gauge(
        "answers_unrecorded",
        "Answers of JIT in hand and not in the database.",
        count(sync.unrecorded()),
    );
    page.histogram("http_request_duration_seconds", "Requests by route, method and status.", &site.requests);
}

fn of_its_calls(page: &mut Exposition, site: &Site) {
    let (sync, notifications) = (&site.app.sync, &site.app.notifications);
    page.histogram("jit_call_duration_seconds", "Attempts to ask JIT by outcome.", sync.calls());
    page.gauge(
        "jit_circuit_open",
        "Whether calls pause: JIT is away.",
        u8::from(sync.jit_away_since().is_some()),
    );
    page.gauge(
        "jit_sign_in_refused",
        "Whether JIT refused the latest sign-in.",
        u8::from(sync.sign_in_refusal().is_some()),
    );
    page.histogram(
        "gateway_call_duration_seconds",
        "SMS handed to the gateway by outcome.",
        notifications.calls(),
    );
    page.gauge(
        "gateway_away",
        "Whether the SMS gateway takes no messages.",
        u8::from(notifications.gateway_away_since().is_some()),
    );
}

fn of_the_database(page: &mut Exposition, site: &Site, readings: &Readings) {
    let now = site.app.clock.now();
    let seconds_since = |at: chrono::NaiveDateTime| (now.naive_utc() - at).as_seconds_f64();
    page.gauges(
        "outbox_messages",
        "SMS by state.",
        readings
            .outbox
            .iter()
            .map(|(state, held)| ([("state", MessageState::as_str(*state))], figure(*held))),
    );
    page.gauge_if_known(
        "outbox_oldest_waiting_seconds",
        "How long the oldest SMS waits that does.",
        readings.waiting_since.map(seconds_since),
    );
    page.gauge(
        "in_process_instructions",
        "Payment instructions that wait for FTPS.",
        figure(readings.in_process),
    );
    page.gauge_if_known(
        "in_process_oldest_seconds",
        "How long the oldest of them has been In Process.",
        readings.in_process_since.map(seconds_since),
    );
    page.gauges(
        "sync_runs",
        "Sync runs by state.",
        readings.runs.iter().map(|(state, runs)| ([("state", state.as_str())], figure(*runs))),
    );
    let missing = site.app.sync.missing_night(readings.nights, now);
    page.gauge(
        "night_missing",
        "Whether a night has passed for an hour without its run.",
        u8::from(missing.is_some()),
    );
    page.gauge_if_known(
        "night_finished_age_seconds",
        "How long ago the latest night was finished.",
        readings.last_finished.map(seconds_since),
    );
    let (run, counts) = readings.last_night.clone().unzip();
    page.gauge_if_known(
        "last_night_end_timestamp_seconds",
        "When the last night ended, finished or interrupted.",
        run.and_then(|run| run.finished_at)
            .map(|at| at.and_utc().timestamp_millis())
            .map(|at| figure(at) / 1000.0),
    );
    page.gauges(
        "last_night_instructions",
        "What the last night brought.",
        counts.into_iter().flat_map(|counts| {
            [
                ("success", counts.successful),
                ("error", counts.errors),
                ("glitch", counts.glitches),
                ("no-response", counts.no_response),
                ("unasked", counts.left()),
            ]
            .map(|(outcome, asked)| ([("outcome", outcome)], figure(asked)))
        }),
    );
    // A disk whose room cannot be found out is told by /health/ready.
    let room = site.app.store.room().ok().flatten();
    let bytes = room.map(|room| figure(i64::try_from(room.taken).unwrap_or(i64::MAX)));
    page.gauge_if_known(
        "database_size_bytes",
        "How large the database is.",
        bytes.or(readings.server_bytes.map(figure)),
    );
    page.gauge_if_known(
        "disk_free_bytes",
        "Room where a SQLite database lies.",
        room.map(|room| figure(i64::try_from(room.free).unwrap_or(i64::MAX))),
    );
    page.gauge_if_known(
        "clock_behind_seconds",
        "How far the clock is behind what is stored; negative if it is not.",
        readings.latest_stored.map(|at| -seconds_since(at)),
    );
}

/// The format knows no other numbers than this.
#[allow(clippy::cast_precision_loss)] // exact up to 2^53
fn figure(count: i64) -> f64 {
    count as f64
}

fn count(count: usize) -> f64 {
    figure(i64::try_from(count).unwrap_or(i64::MAX))
}
