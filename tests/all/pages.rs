//! The HTML of every page in every state, kept beside the tests (`snapshots/`): what a change does to
//! a page is seen in the change. After a change that is meant, run these with
//! `INSTA_UPDATE=always` and read the difference.

use std::time::Duration;

use mukta_ftps::access::Role;
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::simulator::sms::SmsScenario;
use mukta_ftps::store::sync_runs;
use mukta_ftps::web::assets::ASSETS;

use crate::support::{
    Kind, ORIGINAL, PEOPLE, Page, REVISED, World, at, on_both, original, payment_ids, revised, words,
};

on_both!(a_long_list_of_beneficiaries_pages_and_filters_by_payment_status);

/// The two whose pages are kept.
const TWO: &[&str] = PEOPLE.split_at(2).0;

async fn world() -> World {
    let world = World::with_timeout(Kind::Sqlite, Duration::from_secs(2)).await;
    world.import_pair(TWO);
    world
}

/// Compares a page with the one that is kept; all but the first leave out what surrounds `<main>`.
fn assert_page(name: &str, page: &Page) {
    let html = redacted(page);
    let main = html.find("<main").unwrap_or_default();
    let shown = match name {
        "list_waiting" | "sign_in" => html.as_str(),
        _ => html[main..].split("</main>").next().unwrap(),
    };
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, shown.trim());
    });
}

/// The page without what differs from run to run (tokens, durations), or with every change of a
/// static file (its name).
fn redacted(page: &Page) -> String {
    let mut html = page.text.clone();
    for file in [&ASSETS.css, &ASSETS.js, &ASSETS.icon] {
        let (stem, ending) = (file.split('.').next().unwrap(), file.rsplit('.').next().unwrap());
        html = html.replace(file, &format!("{stem}.….{ending}"));
    }
    for token in page.all("input[name=form_token]") {
        html = html.replace(token.attr("value").unwrap(), "…");
    }
    if let Some(id) = page.headers.get("x-request-id") {
        html = html.replace(id.to_str().unwrap(), "…");
    }
    let number = "<dt>Number of the request, as in the log</dt><dd><code>";
    without_what_follows(number, &without_what_follows("<dt>Duration</dt><dd>", &html))
}

/// The page with `…` in the place of every text that follows `label`.
fn without_what_follows(label: &str, html: &str) -> String {
    let mut parts = html.split(label);
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.extend([label, "…", part.trim_start_matches(|c: char| c != '<')]);
    }
    kept
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_in_and_what_it_says() {
    let world = world().await;
    let stranger = world.served_with(world.site.sessions.clone()).await;
    assert_page("sign_in", &stranger.get("/sign-in?next=/audit").await);
    assert_page("sign_in_ended", &stranger.get("/sign-in?ended=1").await);
    let wrong = stranger.try_to_sign_in("nobody", "not a password").await;
    assert_page("sign_in_wrong", &stranger.get(&wrong.location()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_full_and_empty() {
    let world = world().await;
    assert_page("list_waiting", &world.get("/payment-instructions").await);
    assert_page("list_all", &world.get("/payment-instructions?tab=all").await);
    let empty = World::start(Kind::Sqlite).await;
    assert_page("list_waiting_empty", &empty.get("/payment-instructions").await);
    assert_page("list_all_empty", &empty.get("/payment-instructions?tab=all").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revised_instruction_in_each_outcome_and_its_call_log() {
    let world = world().await;
    let answers = [
        ("no_response", Scenario::EmptyBody),
        ("error", Scenario::Error("Bill is pending & <not> approved".into())),
        ("glitch", Scenario::Http500),
        ("success", Scenario::OtherAccount),
    ];
    world.jit.script(REVISED, answers.iter().map(|(_, answer)| answer.clone()).collect());
    let calls = format!("/payment-instructions/{REVISED}/calls");
    assert_page("view_not_asked", &world.view(REVISED).await);
    assert_page("calls_none", &world.get(&calls).await);
    for (outcome, _) in answers {
        assert_page(&format!("view_{outcome}"), &world.press_refresh(REVISED).await);
    }
    assert_page("calls", &world.get(&calls).await);
    assert_page("calls_in_full", &world.post(&calls, &[("call", "2")]).await);
    let told = world.get("/payment-instructions/PI-1013/2023-24/000256?notice=not-waiting").await;
    assert_page("view_notice", &told);
    assert_page("audit", &world.get("/audit").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instructions_that_ftps_is_not_asked_about() {
    let world = world().await;
    let done = revised("PI-DONE", ORIGINAL, TWO);
    world.import(&[revised("PI-INACTIVE", "PI-UNKNOWN", TWO).inactive(), done.clone()]);
    world.import(&[done.completed()]);
    assert_page("view_original", &world.view(ORIGINAL).await);
    assert_page("view_inactive", &world.view("PI-INACTIVE").await);
    assert_page("view_completed_by_muktasoft", &world.view("PI-DONE").await);
}

/// Four that wait, one for each outcome.
async fn world_that_waits() -> World {
    let world = world().await;
    let numbers = ["PI-ERROR", "PI-SILENT", "PI-GLITCH"];
    world.import(&numbers.map(|number| revised(number, ORIGINAL, TWO)));
    world.jit.script("PI-ERROR", vec![Scenario::Error("Bill is pending & <not> approved".into())]);
    world.jit.script("PI-SILENT", vec![Scenario::Reset]);
    world.jit.script("PI-GLITCH", vec![Scenario::Garbage]);
    world
}

/// The pause before another attempt is drawn: here it is a minute, as it may be.
fn fix_drawn_pauses(world: &World) {
    let minute = (world.app.clock.now() + chrono::Duration::minutes(1)).format("%Y-%m-%d %H:%M:%S");
    for table in ["payment_instructions", "outbox_messages"] {
        world.database.execute(&format!(
            "UPDATE {table} SET next_attempt_at = '{minute}' WHERE next_attempt_at IS NOT NULL"
        ));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_nightly_sync_before_during_and_after() {
    let world = world_that_waits().await;
    assert_page("runs_none", &world.get("/sync-runs").await);
    world.app.sync.look_after().await.unwrap();
    world.set_clock(at("2024-03-31T22:00:00+05:30"));
    world.app.sync.look_after().await.unwrap();
    fix_drawn_pauses(&world);
    assert_page("run_with_unpaid", &world.get("/sync-runs/1").await);
    assert_page("runs_one_night", &world.get("/sync-runs").await);

    let stopped = world.begun_by_hand().await;
    let now = world.app.clock.now().naive_utc();
    world.write(|db| sync_runs::interrupt(db, stopped.id, now));
    let running = world.begun_by_hand().await;
    // Not for as long that it would count as left behind.
    world.later(chrono::Duration::seconds(25));
    world.ask_in(&running, "PI-GLITCH").await;
    fix_drawn_pauses(&world);
    assert_page("runs_running", &world.get("/sync-runs").await);
    assert_page("runs_refused", &world.post("/sync-runs", &[]).await);
    assert_page("run_interrupted", &world.get("/sync-runs/2").await);
    assert_page("run_running", &world.get("/sync-runs/3").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_in_each_state_and_the_question_before_a_second_one() {
    let world = world().await;
    assert_page("messages_none", &world.get("/messages").await);
    let four = &["BN-0", "BN-1", "BN-2", "BN-3"];
    world.import(&[revised("PI-FOUR", ORIGINAL, four)]);
    let answers = [SmsScenario::Accepted, SmsScenario::Refused, SmsScenario::Http502, SmsScenario::Http503];
    for (place, answer) in answers.into_iter().enumerate() {
        world.gateway.script(&format!("755001{place:04}"), vec![answer]);
    }
    world.press_refresh("PI-FOUR").await;
    world.deliver().await;
    fix_drawn_pauses(&world);
    assert_page("messages", &world.get("/messages").await);
    assert_page("messages_unknown", &world.get("/messages?state=unknown&pi=PI-FOUR").await);
    assert_page("messages_no_such", &world.get("/messages?state=failed&pi=PI-NOT").await);
    assert_page("view_sms", &world.view("PI-FOUR").await);
    let viewer = world.browser_of("tara", Role::Viewer, "od.jatni").await;
    assert_page("messages_for_a_viewer", &viewer.get("/messages?state=failed").await);

    assert_page("resend_one", &world.get("/messages/3/resend").await);
    assert_page("settle_one", &world.get("/messages/3/settle").await);
    assert_page("settle_without_a_note", &world.post("/messages/3/settle", &[("note", " ")]).await);
    let several = world.post("/messages/resend", &[("id", "2"), ("id", "3")]).await;
    assert_page("resend_several", &several);
    assert_page("messages_resent", &world.send_again(2).await);
    assert_eq!(world.browser.post("/sync-runs", &[]).await.status, 303);
    assert_page("audit_resend_and_run", &world.get("/audit").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_where_no_gateway_is_set_up() {
    let world = World::without_gateway(Kind::Sqlite).await;
    assert_page("messages_none_no_gateway", &world.get("/messages").await);
    world.import_pair(TWO);
    world.press_refresh(REVISED).await;
    assert_page("messages_no_gateway", &world.get("/messages").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_shown_or_done() {
    let world = world().await;
    assert_page("error_not_found", &world.view("PI-NOT").await);
    assert_page("error_foreign_form", &world.browser.post_bare("/sign-out", &[]).await);
    assert_page("error_method", &world.browser.post("/payment-instructions", &[]).await);
    let viewer = world.browser_of("tara", Role::Viewer, "od.jatni").await;
    let refused = viewer.post(&format!("/payment-instructions/{REVISED}/refresh"), &[]).await;
    assert_page("error_forbidden", &refused);
}

async fn a_long_list_of_beneficiaries_pages_and_filters_by_payment_status(world: World) {
    let long = original("PI-LONG", &payment_ids(205))
        .in_state("PARTIAL", "Payment Successful")
        .person(3, "paymentStatus", "Payment Failed")
        .person(150, "paymentStatus", "Payment Failed");
    world.import(&[long]);
    let shown = async |query: &str| {
        let page = world.view(&format!("PI-LONG{query}")).await;
        let rows = page.all("tr[data-payment-id]");
        let first = rows.first().map(|row| row.attr("data-payment-id").unwrap().to_owned());
        (rows.len(), first.unwrap_or_default())
    };
    assert_eq!(shown("").await, (100, "BN-1013/000001".to_owned()));
    assert_eq!(shown("?beneficiaries=3").await, (5, "BN-1013/000201".to_owned()));
    assert_eq!(shown("?beneficiaries=99").await, (5, "BN-1013/000201".to_owned()));
    assert_eq!(shown("?payment=failed").await, (2, "BN-1013/000004".to_owned()));
    assert_eq!(shown("?payment=pending").await.0, 0);
    let filters = world.view("PI-LONG").await;
    let filters: Vec<String> = filters.all(".filters a").into_iter().map(words).collect();
    assert_eq!(filters, ["All 205", "Successful 203", "Failed 2"]);
}
