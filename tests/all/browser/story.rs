//! An employee's day: sign in, find, open, refresh into each outcome, read the log; and the next one:
//! what the night brought, which SMS did not arrive, sending them again, sign out.

use std::time::Duration;

use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::simulator::sms::SmsScenario;
use serde_json::json;

use super::chromium::{Chromium, DESK, PHONE, Screen, Scripts};
use super::stage::{self, ACCOUNTANT, follow_way, open_more, page_of, sign_in};
use crate::support::{Kind, ORIGINAL, OTHER, PASSWORD, REVISED, World, at, revised};

const NO_RESPONSE: &str = "On call of FTPS API: No response is received.";
const ERROR: &str = "On call of FTPS API: Bill is under process at the treasury";
/// Two that MUKTASoft sends in the evening: one is paid in the night, the other is not.
const PAID_AT_NIGHT: &str = "PI-1013/2023-24/000258";
const HELD_UP: &str = "PI-1013/2023-24/000259";
const SUCCESS: &str = "On call of FTPS API: Response is received and updated successfully";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_story_at_a_desk() {
    story(DESK, Scripts::On).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_story_on_a_phone() {
    story(PHONE, Scripts::On).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_story_at_a_desk_without_scripts() {
    story(DESK, Scripts::Off).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_story_on_a_phone_without_scripts() {
    story(PHONE, Scripts::Off).await;
}

async fn story(screen: Screen, scripts: Scripts) {
    let world = World::start(Kind::Sqlite).await;
    stage::set(&world);
    let person = Chromium::open(&world, screen, scripts).await;
    is_led_to_the_sign_in_and_back(&person).await;
    finds_and_opens(&person).await;
    refreshes_into_each_outcome(&world, &person).await;
    meets_another_call_under_way(&world, &person).await;
    reads_the_log(&person).await;
    looks_at_the_original(&person).await;
    reads_it_in_odia_and_comes_back(&person).await;
    sees_that_a_night_has_passed(&world, &person).await;
    looks_into_the_run_and_comes_back(&person).await;
    learns_which_sms_did_not_arrive(&person).await;
    reads_what_became_of_one(&person).await;
    sends_a_failed_one_again(&person).await;
    is_asked_before_an_unknown_one_is_sent_again(&person).await;
    sees_that_all_have_arrived(&world, &person).await;
    signs_out(&person).await;
    person.close().await;
}

async fn is_led_to_the_sign_in_and_back(person: &Chromium) {
    person.go(&page_of(REVISED)).await;
    assert_eq!(person.words("h1").await, "Sign in");
    person.check_page("sign-in").await;

    person.fill("#username", ACCOUNTANT).await;
    person.fill("#password", "not the password").await;
    person.click_through("form.fields button").await;
    assert_eq!(person.words("[role=alert]").await, "The user name or the password is not right.");
    assert_eq!(person.attribute("#username", "value").await, ACCOUNTANT, "the name is kept");
    person.check_page("sign-in refused").await;

    person.fill("#password", PASSWORD).await;
    person.click_through("form.fields button").await;
    assert_eq!(person.attribute("main", "data-pi-number").await, REVISED, "back where they wanted to go");
    if open_more(person).await {
        assert_eq!(person.words(".more-ways p").await, "bina Accountant, Jatni Sign out");
        person.check_page("all ways on a phone").await;
    } else {
        assert_eq!(person.words(".who").await, "Signed in as bina Accountant Works for: Jatni");
    }
}

async fn finds_and_opens(person: &Chromium) {
    person.follow("Payment instructions").await;
    assert_eq!(person.words("h1").await, "Payment instructions");
    assert_eq!(person.words(".tabs [aria-current]").await, "In Process 2");
    assert_eq!(person.count("tbody tr").await, 2, "both revised ones wait");
    person.check_page("list of what waits").await;
    person.follow("All 3").await;
    assert_eq!(person.count("tbody tr").await, 3);
    person.check_page("list of all").await;
    person.follow(REVISED).await;
    assert_eq!(person.attribute("main", "data-pi-status").await, "In Process");
    assert!(person.words("#ftps-message").await.contains("FTPS has not been asked yet"));
    person.check_page("view, not asked yet").await;
}

async fn refreshes_into_each_outcome(world: &World, person: &Chromium) {
    world.jit.script(
        REVISED,
        vec![
            Scenario::EmptyBody,
            Scenario::Error("Bill is under process at the treasury".into()),
            Scenario::Http500,
            Scenario::Paid,
        ],
    );
    for (outcome, message, meaning) in [
        ("no-response", NO_RESPONSE, "Nothing came back from JIT, so nothing has changed here."),
        ("error", ERROR, "JIT answered with an error in place of payment details"),
        ("glitch", "On call of FTPS API:", "Nothing was applied, so nothing has changed here."),
    ] {
        press_refresh(person, outcome).await;
        let band = person.words("#ftps-message").await;
        assert!(band.contains(message) && band.contains(meaning), "{outcome}: {band}");
        assert_eq!(person.attribute("#ftps-message", "role").await, "alert");
        assert_eq!(person.attribute("main", "data-pi-status").await, "In Process");
        assert_eq!(person.count("tr[data-payment-status='Payment In Process']").await, 10);
        person.check_page(outcome).await;
    }
    press_refresh(person, "success").await;
    assert!(person.words("#ftps-message").await.contains(SUCCESS));
    assert_eq!(person.attribute("main", "data-pi-status").await, "Completed");
    assert_eq!(person.words(".state .chip").await, "Completed");
    assert_eq!(person.count("tr[data-payment-status='Payment Successful']").await, 10);
    assert!(person.words("tr[data-payment-id] .utr").await.len() > 8, "the UTR number is there");
    assert_eq!(person.count("form#refresh").await, 0, "nothing is left to do");
    person.check_page("success").await;
}

/// Presses Refresh, and looks at where that leaves a person.
async fn press_refresh(person: &Chromium, outcome: &str) {
    person.click_through("form#refresh button").await;
    assert_eq!(person.attribute("#ftps-message", "data-outcome").await, outcome);
    let view = person.tell("Page.getLayoutMetrics", json!({})).await;
    let view = &view["cssVisualViewport"];
    let (top, height) = (view["pageY"].as_f64().unwrap(), view["clientHeight"].as_f64().unwrap());
    let band = person.find("#ftps-message .said").await.rect().await.unwrap();
    assert!(band.y >= top && band.y + band.height <= top + height, "{outcome}: the message is in view");
    if person.scripts == Scripts::On {
        assert!(person.has_focus("#ftps-message").await, "{outcome}: reading goes on at the message");
    }
}

async fn meets_another_call_under_way(world: &World, person: &Chromium) {
    world.jit.script(OTHER, vec![Scenario::Slow]);
    world.jit.set_slow(Duration::from_secs(3));
    person.go(&page_of(OTHER)).await;
    let calls = world.jit.calls_received();
    let elsewhere = world.press_refresh(OTHER);
    let here = async {
        person.until("the other call is under way", async || world.jit.calls_received() > calls).await;
        person.click_through("form#refresh button").await;
        assert!(
            person.words("#notice").await.contains("another call on this payment instruction is under way")
        );
        assert!(person.words(".under-way").await.contains("is being asked"));
        if person.scripts == Scripts::On {
            assert!(person.has_focus("#notice").await);
            assert_eq!(person.address().await, page_of(OTHER), "the notice is not repeated");
        }
        person.check_page("another call under way").await;
    };
    let (page, ()) = tokio::join!(elsewhere, here);
    assert_eq!(page.attr("main", "data-pi-status"), "Completed");
    assert_eq!(world.jit.calls_received(), calls + 1, "one call for both");
}

async fn reads_the_log(person: &Chromium) {
    person.go(&page_of(REVISED)).await;
    let happened = person.words(".timeline").await;
    assert!(happened.contains("Earlier calls") && happened.contains("asked by bina"), "{happened}");
    person.follow("Log of FTPS calls").await;
    assert_eq!(person.count("[data-call-outcome]").await, 4);
    assert_eq!(person.attribute("[data-call-outcome]", "data-call-outcome").await, "success", "newest first");
    assert!(person.words(".call .facts").await.contains("by bina"));
    person.check_page("call log").await;
    person.click(".call summary").await;
    let request = person.words(".call details[open] pre").await;
    assert!(request.contains("jitCorBillNo") && request.contains(REVISED), "{request}");
    person.check_page("call log, a request open").await;
}

async fn looks_at_the_original(person: &Chromium) {
    person.follow("View Payment Instruction").await;
    person.follow(ORIGINAL).await;
    assert_eq!(person.attribute("main", "data-pi-number").await, ORIGINAL);
    assert_eq!(person.count("#ftps-message").await, 0, "FTPS is not about originals");
    assert!(person.words("main").await.contains(REVISED), "the revised one is linked");
    person.check_page("an original").await;
}

/// The night asks about what is left, and the gateway refuses one SMS and swallows another.
async fn a_night(world: &World) {
    let people = &["BN-1013/000001", "BN-1013/000002"];
    world.import(&[revised(PAID_AT_NIGHT, ORIGINAL, people), revised(HELD_UP, ORIGINAL, people)]);
    world.jit.script(HELD_UP, vec![Scenario::Error("Bill is under process at the treasury".into())]);
    // Numbers that only the instruction with ten beneficiaries has.
    world.gateway.script("7550010008", vec![SmsScenario::Refused, SmsScenario::Accepted]);
    world.gateway.script("7550010009", vec![SmsScenario::Http502, SmsScenario::Accepted]);
    world.app.sync.look_after().await.unwrap();
    world.set_clock(at("2024-03-31T22:00:00+05:30"));
    world.app.sync.look_after().await.unwrap();
    world.deliver().await;
}

async fn reads_it_in_odia_and_comes_back(person: &Chromium) {
    person.go(&page_of(REVISED)).await;
    let (address, said) = (person.address().await, person.words("#ftps-message .said").await);
    person.click_through(".languages [value=or]").await;
    assert_eq!(person.address().await, address, "the same page");
    assert_eq!(person.attribute("html", "lang").await, "or");
    assert_eq!(person.words("#ftps-message .said").await, said, "the record stays as it is");
    assert!(person.words(".in-other-words").await.starts_with("FTPS API"), "and is told beside");
    person.check_page("the View page in Odia").await;
    person.click_through(".languages [value=en]").await;
    assert_eq!(person.attribute("html", "lang").await, "en");
}

async fn sees_that_a_night_has_passed(world: &World, person: &Chromium) {
    follow_way(person, "Nightly sync").await;
    assert!(person.words("main").await.contains("There has been no run yet"));
    assert_eq!(person.count("#start-run").await, 0, "an accountant of a town starts none");
    person.check_page("no run yet").await;
    a_night(world).await;
    follow_way(person, "Nightly sync").await;
    assert_eq!(person.count("tr[data-run-state]").await, 1);
    assert_eq!(person.attribute("tr[data-run-state]", "data-run-state").await, "finished");
    let run = person.words("tr[data-run-state]").await;
    assert!(run.contains("31/03/2024 22:00 IST Nightly"), "{run}");
    assert_eq!(person.count("svg.chart g").await, 1, "the night stands in the chart");
    person.check_page("runs").await;
}

async fn looks_into_the_run_and_comes_back(person: &Chromium) {
    person.click_through("tr[data-run-state] a").await;
    assert!(person.words("h1").await.starts_with("Sync run"));
    for (count, of) in [("expected", "2"), ("successful", "1"), ("errors", "1"), ("no-response", "0")] {
        assert_eq!(person.attribute("[data-run-state]", &format!("data-{count}")).await, of, "{count}");
    }
    assert_eq!(person.attribute("tr[data-pi-number]", "data-pi-number").await, HELD_UP);
    assert!(person.words("tr[data-pi-number]").await.contains(ERROR));
    person.check_page("a run").await;
    person.follow(HELD_UP).await;
    assert!(person.words(".timeline").await.contains("nightly sync"));
    person.driver.back().await.unwrap();
    person.click_through(".back a").await;
    assert_eq!(person.words("h1").await, "Nightly sync");
}

async fn learns_which_sms_did_not_arrive(person: &Chromium) {
    person.go(&page_of(REVISED)).await;
    let happened = person.words(".timeline").await;
    for news in
        ["SMS accepted by the gateway 8 of 10", "SMS failed 1 of 10", "not known whether sent 1 of 10"]
    {
        assert!(happened.contains(news), "{happened}");
    }
    person.check_page("view, after the SMS").await;
    person.follow("SMS failed").await;
    assert_eq!(person.words("h1").await, format!("{REVISED} Messages"));
    assert_eq!(person.count("tr[data-message-state]").await, 10, "those of this payment instruction");
}

async fn reads_what_became_of_one(person: &Chromium) {
    follow_way(person, "Messages").await;
    assert_eq!(person.words(".tabs [aria-current]").await, "All 14", "of all three that were paid");
    assert_eq!(person.count("tr[data-message-state]").await, 14);
    person.check_page("messages").await;
    person.follow("Failed 1").await;
    assert_eq!(person.count("tr[data-message-state]").await, 1);
    assert!(person.words("tr[data-message-state='failed']").await.contains("Sabita Nayak 8"));
    person.click("tr summary").await;
    let history = person.words("tr details[open] .history").await;
    assert!(history.contains("entered") && history.contains("attempt 1: failed"), "{history}");
    person.check_page("a message's history").await;
}

async fn sends_a_failed_one_again(person: &Chromium) {
    person.click_through("tr[data-message-state='failed'] form button").await;
    assert_eq!(person.words("#notice").await, "1 message will be sent again.");
    if person.scripts == Scripts::On {
        assert!(person.has_focus("#notice").await);
        assert_eq!(person.address().await, "/messages?state=failed", "the notice is not repeated");
    }
    person.follow("Waiting 1").await;
    person.click("tr summary").await;
    assert!(person.words("tr details[open] .history").await.contains("sent again by bina"));
}

async fn is_asked_before_an_unknown_one_is_sent_again(person: &Chromium) {
    person.follow("Not known 1").await;
    person.click_through("tr[data-message-state='unknown'] a[href$='/resend']").await;
    assert_eq!(person.words("h1").await, "Send this message again?");
    assert!(person.words("main").await.contains("gets the same message a second time"));
    person.check_page("the question before a second SMS").await;
    person.click_through("form#resend button").await;
    assert_eq!(person.words("#notice").await, "1 message will be sent again.");
}

async fn sees_that_all_have_arrived(world: &World, person: &Chromium) {
    world.deliver().await;
    person.follow("Sent 12").await;
    assert_eq!(person.count("tr[data-message-state='sent']").await, 14);
    person.go(&page_of(REVISED)).await;
    let happened = person.words(".timeline").await;
    assert!(happened.ends_with("SMS accepted by the gateway all 10"), "{happened}");
}

async fn signs_out(person: &Chromium) {
    let button = if open_more(person).await { ".more-ways button" } else { ".sign-out button" };
    person.click_through(button).await;
    assert_eq!(person.words("h1").await, "Sign in");
    person.driver.back().await.unwrap();
    assert_eq!(person.words("h1").await, "Sign in", "nothing is left behind on the screen");
    assert_eq!(person.count("[data-pi-number], [data-payment-id]").await, 0);
}

/// JIT may take its 30 seconds: the button says that it is at work and asks once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refresh_cannot_be_pressed_twice_while_jit_thinks() {
    let world = World::start(Kind::Sqlite).await;
    stage::set(&world);
    world.jit.script(REVISED, vec![Scenario::Slow]);
    world.jit.set_slow(Duration::from_secs(1));
    let person = Chromium::open(&world, DESK, Scripts::On).await;
    sign_in(&person, ACCOUNTANT).await;
    person.go(&page_of(REVISED)).await;
    let page = person.find("html").await;
    // The driver waits for the answer: what the page shows meanwhile is noted in the page itself.
    person
        .run(
            "const form = document.getElementById('refresh'), button = form.querySelector('button');
             button.click();
             setTimeout(() => {
                 button.click();
                 form.requestSubmit();
                 sessionStorage.setItem('meanwhile', JSON.stringify([button.textContent,
                     button.ariaDisabled, document.getElementById('refresh-note').textContent]));
             }, 200);",
        )
        .await;
    person.gone(&page).await;
    assert_eq!(person.attribute("#ftps-message", "data-outcome").await, "success");
    assert_eq!(world.jit.calls_received(), 1);
    let meanwhile = person.run("return JSON.parse(sessionStorage.getItem('meanwhile'))").await;
    assert_eq!(meanwhile[0], "Asking JIT…");
    assert_eq!(meanwhile[1], "true");
    let note = meanwhile[2].as_str().unwrap();
    assert!(note.starts_with("JIT is being asked.") && note.contains("half a minute"), "{note}");

    person.go(&page_of(OTHER)).await;
    person
        .run(
            "document.getElementById('refresh').addEventListener('submit', (event) => event.preventDefault());
             document.querySelector('#refresh button').click();",
        )
        .await;
    assert_eq!(person.words("#refresh button").await, "Asking JIT…");
    person.check_page("while JIT thinks").await;
    person.close().await;
}

/// The page stays where it was, as far as it can, when Refresh is pressed half-way down.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_does_not_jump_when_refresh_is_pressed() {
    let world = World::start(Kind::Sqlite).await;
    stage::set(&world);
    world.jit.script(REVISED, vec![Scenario::Error("Bill is pending".into())]);
    for screen in [DESK, PHONE] {
        let person = Chromium::open(&world, screen, Scripts::On).await;
        sign_in(&person, ACCOUNTANT).await;
        person.go(&page_of(REVISED)).await;
        person.click_through("form#refresh button").await;
        for scrolled in [0, 60] {
            person.run(&format!("window.scrollTo(0, {scrolled})")).await;
            let before = person.run("return window.scrollY").await;
            let page = person.find("html").await;
            person.run("document.querySelector('form#refresh button').click()").await;
            person.gone(&page).await;
            assert!(person.has_focus("#ftps-message").await);
            let stays = async || person.run("return window.scrollY").await == before;
            person.until(&format!("the page stands at {before} as before, {screen:?}"), stays).await;
        }
        person.close().await;
    }
}
