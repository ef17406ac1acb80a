//! Every page in every state for every reader: axe in light and dark, the keyboard alone, narrow
//! and zoomed, forced colours, less motion, and paper.

use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::simulator::sms::SmsScenario;
use serde_json::json;
use thirtyfour::prelude::*;

use super::chromium::{Chromium, DESK, DESK_ZOOMED, NARROW, PHONE, Scripts};
use super::stage::{self, ACCOUNTANT, page_of, sign_in};
use crate::support::{
    Kind, ORIGINAL, OTHER, PASSWORD, PEOPLE, REVISED, World, original, payment_ids, revised,
};

const LONG: &str = "PI-1013/2023-24/002000";
const INACTIVE: &str = "PI-1013/2023-24/000300";
const ORPHAN: &str = "PI-1013/2023-24/000301";
const DONE_BY_MUKTASOFT: &str = "PI-1013/2023-24/000302";
const ELSEWHERE: &str = "PI-1013/2023-24/000303";
const WIDE: &str = "PI-1013/2023-24/000304";

/// A page, and the status that it answers.
type Stop = (String, u16);

/// A world in which every state of every page can be looked at, and where.
async fn tour() -> (World, Vec<Stop>) {
    let world = World::start(Kind::Sqlite).await;
    stage::set(&world);
    let failed = original("PI-1013/2023-24/000113", PEOPLE).each_person(|_, person| {
        person["paymentStatusMessage"] =
            "Account number is invalid, or the account was closed by its holder".into();
    });
    let long = revised(LONG, ORIGINAL, &payment_ids(2000))
        .in_state("PARTIAL", "Payment Successful")
        .each_person(|place, person| {
            if place % 17 == 0 {
                person["paymentStatus"] = "Payment Failed".into();
            }
        });
    let broad_name = "Jagannathapurusottamapattanayakasamantasinghara".repeat(2);
    let done = revised(DONE_BY_MUKTASOFT, ORIGINAL, PEOPLE);
    world.import(&[
        revised(INACTIVE, ORIGINAL, PEOPLE).inactive(),
        failed,
        long,
        revised(WIDE, ORIGINAL, PEOPLE).person(0, "benefName", broad_name),
        revised(ORPHAN, "PI-1013/2023-24/000001", PEOPLE),
        revised(ELSEWHERE, ORIGINAL, PEOPLE),
        done.clone(),
    ]);
    world.import(&[done.completed()]);
    let unbroken = "https://uat.odishatreasury.gov.in/webservices/jitfs/".repeat(6);
    world.jit.script(OTHER, vec![Scenario::Error(unbroken.into())]);
    world.jit.script(ELSEWHERE, vec![Scenario::EmptyBody, Scenario::Http500, Scenario::OtherAccount]);
    for number in [REVISED, OTHER, ORPHAN, ELSEWHERE, ELSEWHERE, ELSEWHERE] {
        world.press_refresh(number).await;
    }
    deliver_and_sync(&world).await;
    world.later(chrono::Duration::days(9));
    let calls = |number| format!("{}/calls", page_of(number));
    let well = [
        "/".to_owned(),
        "/figures/asked-tonight".to_owned(),
        "/figures/paid-month".to_owned(),
        "/beneficiaries".to_owned(),
        "/beneficiaries?q=sabita".to_owned(),
        "/beneficiaries?q=zzz".to_owned(),
        "/payment-instructions?q=sabita".to_owned(),
        "/payment-instructions?q=zzz".to_owned(),
        "/reports/2024-03".to_owned(),
        "/payment-instructions".to_owned(),
        "/payment-instructions?tab=all".to_owned(),
        page_of(REVISED),
        page_of(OTHER),
        page_of(ORPHAN),
        page_of(ELSEWHERE),
        page_of(INACTIVE),
        page_of(DONE_BY_MUKTASOFT),
        page_of(ORIGINAL),
        page_of("PI-1013/2023-24/000113"),
        page_of(WIDE),
        page_of(LONG),
        format!("{}?beneficiaries=9", page_of(LONG)),
        format!("{}?payment=failed", page_of(LONG)),
        format!("{}?find=nayak%201250", page_of(LONG)),
        format!("{}?find=nobody", page_of(LONG)),
        format!("{}?notice=note-missing", page_of(WIDE)),
        format!("{}?payment=pending", page_of(LONG)),
        format!("{}?notice=busy", page_of(WIDE)),
        calls(ELSEWHERE),
        calls(WIDE),
        "/audit".to_owned(),
        "/employees".to_owned(),
        "/employees?q=nobody".to_owned(),
        "/employees/1".to_owned(),
        "/employees/2".to_owned(),
        "/account".to_owned(),
        "/account/password".to_owned(),
        "/account/second-factor".to_owned(),
        "/sync-runs".to_owned(),
        "/sync-runs/1".to_owned(),
        "/sync-runs/1?show=paid".to_owned(),
        "/sync-runs/start".to_owned(),
        "/messages".to_owned(),
        "/messages?state=unknown".to_owned(),
        "/messages?state=sent".to_owned(),
        "/messages?state=held".to_owned(),
        "/messages?reason=unknown".to_owned(),
        "/messages?q=nobody".to_owned(),
        "/messages?state=unknown&notice=resent-1-0-0-0&at=1".to_owned(),
        "/messages/1/resend".to_owned(),
        "/messages/resend?state=unknown&all=9".to_owned(),
        "/messages/1/settle".to_owned(),
        "/messages/settle?id=1&fault=note-missing".to_owned(),
    ];
    let mut stops: Vec<Stop> = well.into_iter().map(|path| (path, 200)).collect();
    stops.push((page_of("PI-NOT"), 404));
    stops.push(("/payment-instructions?tab=%FF".to_owned(), 200));
    (world, stops)
}

/// Messages in every state, and a sync run with every outcome but none.
async fn deliver_and_sync(world: &World) {
    world.gateway.otherwise(SmsScenario::Reset);
    world.deliver().await;
    let run = world.begun_by_hand().await;
    world.app.sync.work(&run).await.unwrap();
    world.gateway.otherwise(SmsScenario::Accepted);
    world.deliver().await;
}

/// A picture's name for a page.
fn named(path: &str, how: &str) -> String {
    format!("{}-{how}", path.trim_start_matches('/').replace(['/', '?', '=', '&', '%'], "_"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_in_every_state_in_light() {
    every_page("light").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_in_every_state_in_dark() {
    every_page("dark").await;
}

async fn every_page(colours: &str) {
    let (world, stops) = tour().await;
    let person = Chromium::open(&world, DESK, Scripts::On).await;
    person.prefer(&[("prefers-color-scheme", colours)]).await;
    person.go("/sign-in?ended=1").await;
    person.check_page("sign-in after a session's end").await;
    person.picture(&format!("sign-in-{colours}")).await;
    sign_in(&person, "asha").await;
    for (path, status) in stops {
        person.go(&path).await;
        person.check_page_of_status(&format!("{path} in {colours}"), status).await;
        person.picture(&named(&path, colours)).await;
    }
    person.go(&format!("{}/calls", page_of(ELSEWHERE))).await;
    person.click_through(".open-in-full button").await;
    assert_eq!(person.count("details[open]").await, 2, "what was asked for is seen at once");
    person.check_page("a call opened in full").await;
    person.click_through(".sign-out button").await;
    person.check_page("sign-in after signing out").await;
    person.close().await;
}

/// Longer words, taller letters: nothing breaks, at a desk, on a phone, and on a narrow screen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_in_odia() {
    every_page_in("or").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_in_hindi() {
    every_page_in("hi").await;
}

async fn every_page_in(language: &str) {
    let (world, stops) = tour().await;
    let person = Chromium::open(&world, DESK, Scripts::On).await;
    person.go("/sign-in?next=%2Fmessages").await;
    person.click_through(&format!(".languages [value={language}]")).await;
    assert_eq!(person.attribute("html", "lang").await, language);
    person.check_page(&format!("sign-in in {language}")).await;
    person.picture(&format!("sign-in-{language}")).await;
    sign_in(&person, "asha").await;
    for (path, status) in stops {
        person.go(&path).await;
        assert_eq!(person.attribute("html", "lang").await, language, "{path}");
        person.check_page_of_status(&format!("{path} in {language}"), status).await;
        for (screen, name) in [(DESK, "desk"), (PHONE, "phone"), (NARROW, "narrow")] {
            person.resize(screen).await;
            person.check_width(&format!("{path} in {language}, {screen:?}")).await;
            person.picture(&named(&path, &format!("{language}-{name}"))).await;
        }
        person.resize(DESK).await;
    }
    person.go(&page_of(REVISED)).await;
    assert_eq!(sheets(&person.print().await), 1, "one sheet in {language} too");
    person.picture_on_paper(&format!("print-{language}")).await;
    person.close().await;
}

/// WCAG 2.2, 1.4.10 and 1.4.4: nothing has to be scrolled sideways on a narrow screen or zoomed in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_fits_a_narrow_screen_and_a_zoomed_one() {
    let (world, stops) = tour().await;
    let person = Chromium::open(&world, NARROW, Scripts::On).await;
    person.go("/sign-in").await;
    person.check_width("sign-in").await;
    sign_in(&person, "asha").await;
    for (path, _) in &stops {
        person.go(path).await;
        for (screen, name) in [(NARROW, "narrow"), (PHONE, "phone"), (DESK_ZOOMED, "zoomed")] {
            person.resize(screen).await;
            person.check_width(&format!("{path}, {screen:?}")).await;
            person.picture(&named(path, name)).await;
        }
    }
    person.close().await;
}

/// The day's main path without a mouse: the skip link, the list, Refresh, the answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keyboard_alone_is_enough() {
    let world = World::start(Kind::Sqlite).await;
    stage::set(&world);
    world.jit.script(REVISED, vec![Scenario::Error("Bill is pending".into())]);
    let person = Chromium::open(&world, DESK, Scripts::On).await;
    person.go("/sign-in").await;
    tab_to(&person, "#username").await;
    person.press(ACCOUNTANT).await;
    person.press(Key::Tab).await;
    person.press(PASSWORD).await;
    person.press(Key::Enter).await;
    person.find("nav.side").await;

    person.press(Key::Tab).await;
    assert!(person.has_focus(".skip").await, "the first stop leads past the navigation");
    assert!(person.find(".skip").await.rect().await.unwrap().y >= 0.0, "and shows itself");
    person.press(Key::Enter).await;
    person.until("the main part has the focus", async || person.has_focus("main").await).await;
    tab_to(&person, &format!("main a[href='{}']", page_of(REVISED))).await;
    person.press(Key::Enter).await;
    person.find("#ftps-message").await;

    tab_to(&person, "form#refresh button").await;
    person.press(Key::Enter).await;
    person.find("#ftps-message[data-outcome=error]").await;
    person.until("the answer is read out", async || person.has_focus("#ftps-message").await).await;
    person.press(Key::Tab).await;
    assert!(person.has_focus("form#refresh button").await, "Refresh is the next stop");
    assert_focus_is_seen(&person).await;

    person.go(&page_of(REVISED)).await;
    let stops = walk(&person).await;
    assert!(stops > 8, "every way of the page was a stop: {stops}");
    person.close().await;
}

/// Presses Tab until that element has the focus.
async fn tab_to(person: &Chromium, selector: &str) {
    person.find(selector).await;
    for _ in 0..60 {
        if person.has_focus(selector).await {
            assert_focus_is_seen(person).await;
            return;
        }
        person.press(Key::Tab).await;
    }
    panic!("Tab never comes to {selector}");
}

/// Presses Tab through the whole page; returns how many stops there were.
async fn walk(person: &Chromium) -> usize {
    for stops in 0..200 {
        person.press(Key::Tab).await;
        if person.run("return document.activeElement === document.body").await == true {
            return stops;
        }
        assert_focus_is_seen(person).await;
    }
    panic!("Tab never leaves the page");
}

/// What has the focus is on the screen, not covered, and has a ring about it (WCAG 2.2, 2.4.7, 2.4.11).
async fn assert_focus_is_seen(person: &Chromium) {
    let seen = person
        .run(
            "const at = document.activeElement, style = getComputedStyle(at);
             const box = at.getBoundingClientRect();
             const hit = document.elementFromPoint(box.x + box.width / 2,
                 box.y + Math.min(box.height / 2, 20));
             return { what: at.outerHTML.slice(0, 120),
                 ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
                 top: hit !== null && (at.contains(hit) || hit.contains(at)),
                 inView: box.bottom > 0 && box.top < innerHeight };",
        )
        .await;
    assert!(seen["ring"] == true && seen["top"] == true && seen["inView"] == true, "{seen}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_system_that_forces_its_colours_keeps_every_boundary() {
    let (world, _) = tour().await;
    let person = Chromium::open(&world, DESK, Scripts::On).await;
    // Colours in transition are neither the page's nor the system's.
    person.prefer(&[("forced-colors", "active"), ("prefers-reduced-motion", "reduce")]).await;
    sign_in(&person, "asha").await;
    for path in [page_of(ELSEWHERE), page_of(OTHER), "/payment-instructions".to_owned()] {
        person.go(&path).await;
        person.picture(&named(&path, "forced")).await;
        // Contrast is the system's there, and axe reads the page's own colours.
        person.check_axe_without(&path, json!({ "color-contrast": { "enabled": false } })).await;
        let borderless = person
            .run(
                "const bounded = '.chip, .notice, .band, .main-action, .filters a, .pages a';
                 return [...document.querySelectorAll(bounded)]
                     .filter((one) => parseFloat(getComputedStyle(one).borderTopWidth) < 1)
                     .map((one) => one.outerHTML);",
            )
            .await;
        assert_eq!(borderless, json!([]), "{path}: told apart by colour alone");
    }
    person.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_moves_for_who_asks_for_less_motion() {
    let world = World::start(Kind::Sqlite).await;
    stage::set(&world);
    let person = Chromium::open(&world, DESK, Scripts::On).await;
    person.prefer(&[("prefers-reduced-motion", "reduce")]).await;
    sign_in(&person, ACCOUNTANT).await;
    person.go(&page_of(REVISED)).await;
    let moving = person
        .run(
            "return [...document.querySelectorAll('*')].filter((one) => {
                 const style = getComputedStyle(one);
                 return style.animationName !== 'none' || parseFloat(style.transitionDuration) > 0
                     || style.scrollBehavior === 'smooth'; }).map((one) => one.outerHTML.slice(0, 80));",
        )
        .await;
    assert_eq!(moving, json!([]));
    person.close().await;
}

/// A View page of ten beneficiaries is one sheet to file; the call log and long lists take more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_page_prints_on_one_sheet() {
    let (world, _) = tour().await;
    let person = Chromium::open(&world, DESK, Scripts::On).await;
    sign_in(&person, "asha").await;
    for number in [REVISED, ORIGINAL] {
        person.go(&page_of(number)).await;
        let pdf = person.print().await;
        person.picture_on_paper(&named(&page_of(number), "print")).await;
        assert_eq!(sheets(&pdf), 1, "{number}");
    }
    person.go(&page_of(LONG)).await;
    assert!(sheets(&person.print().await) > 1, "a hundred rows are not squeezed");
    person.close().await;
}

/// How many pages a PDF has.
pub(super) fn sheets(pdf: &[u8]) -> usize {
    String::from_utf8_lossy(pdf).split("/Type /Page").skip(1).filter(|rest| !rest.starts_with('s')).count()
}

/// Ways between the pages of a long list, and its filter, lead where they say, without scripts too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_list_of_beneficiaries_pages_and_filters() {
    let (world, _) = tour().await;
    let person = Chromium::open(&world, PHONE, Scripts::Off).await;
    sign_in(&person, "asha").await;
    person.go(&page_of(LONG)).await;
    assert_eq!(person.count("tr[data-payment-id]").await, 100);
    assert_eq!(person.words("#beneficiaries caption").await, "Beneficiaries, 1 to 100 of 2,000");
    person.click_through("#beneficiaries a[rel=next]").await;
    assert_eq!(person.words("#beneficiaries caption").await, "Beneficiaries, 101 to 200 of 2,000");
    assert_eq!(person.attribute("tr[data-payment-id]", "data-payment-id").await, "BN-1013/000101");
    let top = person.find("#beneficiaries").await.rect().await.unwrap().y;
    let view = person.tell("Page.getLayoutMetrics", json!({})).await;
    assert!((top - view["cssVisualViewport"]["pageY"].as_f64().unwrap()).abs() < 60.0, "the list is in view");
    person.follow("Failed 118").await;
    assert_eq!(person.count("tr[data-payment-status='Payment Failed']").await, 100);
    assert_eq!(person.words("#beneficiaries caption").await, "Payment Failed, 1 to 100 of 118");
    person.click_through("#beneficiaries a[rel=next]").await;
    assert_eq!(person.count("tr[data-payment-status='Payment Failed']").await, 18);
    person.click_through("#beneficiaries a[rel=prev]").await;
    person.follow("All 2,000").await;
    person.go(&format!("{}?beneficiaries=999", page_of(LONG))).await;
    assert_eq!(person.words("#beneficiaries caption").await, "Beneficiaries, 1,901 to 2,000 of 2,000");
    person.close().await;
}
