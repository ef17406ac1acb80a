//! The HTML of every page in every state, kept beside the tests (`snapshots/`): what a change does to
//! a page is seen in the change. After a change that is meant, run these with
//! `INSTA_UPDATE=always` and read the difference.

use std::time::Duration;

use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::web::assets::ASSETS;

use crate::support::{Kind, Page, World, instruction, original, revised, words};

const ORIGINAL: &str = "PI-1013/2023-24/000112";
const REVISED: &str = "PI-1013/2023-24/000256";
const PEOPLE: &[&str] = &["BN-1013/000224", "BN-1013/000225"];

async fn world() -> World {
    let world = World::with_timeout(Kind::Sqlite, Duration::from_secs(2)).await;
    world.import(&[original(ORIGINAL, PEOPLE), revised(REVISED, ORIGINAL, PEOPLE)]);
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
    let mut parts = html.split("<dt>Duration</dt><dd>");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str("<dt>Duration</dt><dd>…");
        kept.push_str(part.trim_start_matches(|c: char| c != '<'));
    }
    kept
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_in_and_what_it_says() {
    let world = world().await;
    let stranger = world.served_with(world.site.sessions.clone()).await;
    assert_page("sign_in", &stranger.get("/sign-in?next=/audit").await);
    assert_page("sign_in_ended", &stranger.get("/sign-in?ended=1").await);
    assert_page("sign_in_wrong", &stranger.try_to_sign_in("nobody", "not a password").await);
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
    assert_page("calls_in_full", &world.browser.post(&calls, &[("call", "2")]).await);
    let told = world.get("/payment-instructions/PI-1013/2023-24/000256?notice=not-waiting").await;
    assert_page("view_notice", &told);
    assert_page("audit", &world.get("/audit").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instructions_that_ftps_is_not_asked_about() {
    let world = world().await;
    let mut inactive = revised("PI-INACTIVE", "PI-UNKNOWN", PEOPLE);
    inactive["isActive"] = false.into();
    let done = |status, payment| instruction("PI-DONE", Some(ORIGINAL), status, payment, PEOPLE);
    world.import(&[inactive, done("INITIATED", "Payment In Process")]);
    world.import(&[done("SUCCESSFUL", "Payment Successful")]);
    assert_page("view_original", &world.view(ORIGINAL).await);
    assert_page("view_inactive", &world.view("PI-INACTIVE").await);
    assert_page("view_completed_by_muktasoft", &world.view("PI-DONE").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_shown_or_done() {
    let world = world().await;
    assert_page("error_not_found", &world.view("PI-NOT").await);
    assert_page("error_foreign_form", &world.browser.post_bare("/sign-out", &[]).await);
    assert_page("error_method", &world.browser.post("/payment-instructions", &[]).await);
    let viewer = world.browser_of("tara", mukta_ftps::access::Role::Viewer, "od.jatni").await;
    let refused = viewer.post(&format!("/payment-instructions/{REVISED}/refresh"), &[]).await;
    assert_page("error_forbidden", &refused);
}

on_both! {
    async fn a_long_list_of_beneficiaries_pages_and_filters_by_payment_status(world: World) {
        let ids: Vec<String> = (1..=205).map(|number| format!("BN-1013/{number:06}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mut long = instruction("PI-LONG", None, "PARTIAL", "Payment Successful", &ids);
        for place in [3, 150] {
            long["beneficiaryDetails"][place]["paymentStatus"] = "Payment Failed".into();
        }
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
}
