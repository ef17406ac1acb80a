//! An employee presses Refresh: every outcome of DOMAIN.md §2, as the page shows it.

use std::time::Duration;

use mukta_ftps::simulator::jit::Scenario;
use serde_json::{Value, json};

use crate::support::{Kind, ORIGINAL, Page, REVISED, World, on_both, original, revised, words};

on_both!(
    every_outcome_shows_on_the_page,
    jit_out_of_reach_is_no_response_and_the_next_answer_counts,
    a_jit_message_with_markup_in_it_shows_as_text,
    an_account_number_in_jits_words_shows_its_last_four_digits,
    what_jit_says_shows_no_number_of_a_person,
    an_instruction_whose_original_is_unknown_is_a_glitch_and_jit_is_not_called,
    parents_in_a_circle_and_of_another_tenant_are_an_unknown_original,
    an_original_without_a_bill_reference_is_a_glitch,
    jit_is_asked_about_the_first_original_with_its_first_filled_reference_in_utc,
    refresh_of_what_is_not_in_process_changes_nothing_and_calls_nobody,
    two_people_pressing_refresh_at_once_make_one_call,
    a_closed_tab_neither_cancels_nor_loses_the_call,
    an_unknown_number_is_not_found,
    an_account_other_than_the_registered_one_is_flagged_and_masked,
    a_call_is_stored_with_all_that_was_said,
    a_page_of_long_payloads_leaves_the_later_ones_out,
);

/// Payment IDs are matched without regard to case: one is written another way.
const PEOPLE: &[&str] = &["BN-1013/000224", "bn-1013/000225", "BN-1013/000226"];

const NO_RESPONSE: &str = "On call of FTPS API: No response is received.";
const SUCCESS: &str = "On call of FTPS API: Response is received and updated successfully";

/// What the page must show after a Refresh.
struct Shown {
    outcome: &'static str,
    message: String,
}

fn error(text: &str) -> Shown {
    Shown { outcome: "error", message: format!("On call of FTPS API: {text}") }
}

fn no_response() -> Shown {
    Shown { outcome: "no-response", message: NO_RESPONSE.to_owned() }
}

fn success() -> Shown {
    Shown { outcome: "success", message: SUCCESS.to_owned() }
}

fn glitch(part: &str) -> Shown {
    Shown { outcome: "glitch", message: part.to_owned() }
}

/// Every scenario of the simulator, and so every outcome of DOMAIN.md §2.
fn expected(scenario: &Scenario) -> Shown {
    use Scenario::*;
    match scenario {
        Paid | SeveralEntries | OtherAccount | OddPaymentStatus | LostSession | Slow => success(),
        Error(text) => error(text),
        ErrorList => Shown { outcome: "error", message: "; ".to_owned() },
        EmptyBody | EmptyData | TimeOut | Reset | Truncated => no_response(),
        Http500 => glitch("500"),
        Http404 => glitch("404"),
        Redirect => glitch("302"),
        TooLarge => glitch("8 MiB"),
        Garbage | NotEncryptedRight | NotJson | WrongShape => glitch("JIT's reply"),
        WrongService => glitch("another service"),
        WrongPi => glitch("another payment instruction"),
        TwiceInReply => glitch("more than once"),
        MissingBeneficiary => glitch("leaves out beneficiary BN-1013/000226"),
        ExtraBeneficiary => glitch("not part of this payment instruction"),
        DuplicateBeneficiary => glitch("more than once"),
        BlankUtr => glitch("no UTR number"),
        BadUtr => glitch("cannot be one"),
        AlwaysLostSession => glitch("session"),
        PaidAndFailed => glitch(
            "tells of a failed payment of this payment instruction: “Failed to Pay by RBI(Through e-Kuber) Late Ret”.",
        ),
        FailedReason => glitch("failed payment of beneficiary BN-1013/000224 (“Account does not exist.”)."),
        PlaceholderUtr => glitch("no UTR number for beneficiary BN-1013/000224"),
        InvisibleInUtr => glitch("cannot be one for beneficiary BN-1013/000224"),
        Http401 => glitch("401"),
        Http403 => glitch("403"),
        LostSessionOk => error("No valid session encryption key found for the token."),
        SignInRefused => glitch("did not let us sign in"),
    }
}

fn assert_shown(page: &Page, expected: &Shown, context: &str) {
    let band = page.one("#ftps-message");
    assert_eq!(band.attr("data-outcome"), Some(expected.outcome), "{context}: {}", words(band));
    let text = words(band);
    assert!(text.contains("On call of FTPS API: "), "{context}: {text}");
    assert!(text.contains(&expected.message), "{context}: {text}");
    let paid = expected.outcome == "success";
    assert_eq!(band.attr("role"), Some(if paid { "status" } else { "alert" }), "{context}");
    let (status, payment) =
        if paid { ("Completed", "Payment Successful") } else { ("In Process", "Payment In Process") };
    assert_eq!(page.attr("main", "data-pi-status"), status, "{context}");
    assert_eq!(page.attr("main", "data-pi-number"), REVISED);
    assert_eq!(page.payment_statuses(), vec![payment; PEOPLE.len()], "{context}");
    assert_eq!(page.all("form#refresh").len(), usize::from(!paid), "{context}");
    assert_eq!(page.text.contains("Refresh</button>"), !paid, "{context}");
}

async fn every_outcome_shows_on_the_page(kind: Kind) {
    for (scenario, word, _) in Scenario::ALL {
        let world = World::with_timeout(kind, Duration::from_secs(2)).await;
        world.import_pair(PEOPLE);
        world.jit.set_slow(Duration::from_millis(200));
        world.jit.script(REVISED, vec![scenario.clone()]);
        let before = world.view(REVISED).await;
        assert_eq!(before.attr("#ftps-message", "data-outcome"), "none");
        let page = world.press_refresh(REVISED).await;
        assert_shown(&page, &expected(scenario), word);
        let log = world.get(&format!("/payment-instructions/{REVISED}/calls")).await;
        assert_eq!(
            log.attr("[data-call-outcome]", "data-call-outcome"),
            expected(scenario).outcome,
            "{word}"
        );
        assert_eq!(log.attr("[data-call-outcome]", "data-trigger"), "refresh");
        assert!(log.text.contains("jitCorBillNo"), "{word}: the request is in the log");
        assert!(!log.text.contains("30131500010000"), "{word}: account numbers are masked");
    }
}

async fn jit_out_of_reach_is_no_response_and_the_next_answer_counts(world: World) {
    world.import_pair(PEOPLE);
    world
        .jit
        .script(REVISED, vec![Scenario::Reset, Scenario::Error("Bill is pending".into()), Scenario::Paid]);
    assert_shown(&world.press_refresh(REVISED).await, &no_response(), "first");
    assert_shown(&world.press_refresh(REVISED).await, &error("Bill is pending"), "second");
    assert_shown(&world.press_refresh(REVISED).await, &success(), "third");
    let log = world.get(&format!("/payment-instructions/{REVISED}/calls")).await;
    let outcomes: Vec<_> =
        log.all("[data-call-outcome]").iter().map(|c| c.attr("data-call-outcome").unwrap()).collect();
    assert_eq!(outcomes, ["success", "error", "no-response"], "every call, newest first");
}

async fn a_jit_message_with_markup_in_it_shows_as_text(world: World) {
    world.import_pair(PEOPLE);
    let text = r#"<script>alert(1)</script> & "quotes""#;
    world.jit.script(REVISED, vec![Scenario::Error(text.into())]);
    let page = world.press_refresh(REVISED).await;
    assert!(page.words("#ftps-message").contains(&format!("On call of FTPS API: {text}")));
    assert!(!page.text.contains("<script>alert"));
}

async fn an_account_number_in_jits_words_shows_its_last_four_digits(world: World) {
    world.import_pair(PEOPLE);
    world
        .jit
        .script(REVISED, vec![Scenario::Error("Account 30131500010000 is closed, see 202211033261".into())]);
    let page = world.press_refresh(REVISED).await;
    assert_shown(&page, &error("Account •••• 0000 is closed, see 202211033261"), "known account");
}

async fn what_jit_says_shows_no_number_of_a_person(world: World) {
    world.import_pair(PEOPLE);
    let said = "A/c 3013 1500 010000, mobile +91-75500 10000, other 12.34.56.78.90; BenefId 1603202301 of \
                PI-1013/2023-24/000256 on 2023-11-05 10:20:30, see 202211033261";
    let shown = "A/c •••• 0000, mobile +91-•••• 0000, other •••• 7890; BenefId 1603202301 of \
                 PI-1013/2023-24/000256 on 2023-11-05 10:20:30, see 202211033261";
    world.jit.script(REVISED, vec![Scenario::Error(said.into())]);
    let told = world.press_refresh(REVISED).await.words("#ftps-message .said");
    assert_eq!(told, format!("On call of FTPS API: {shown}"));
    let calls = world.get(&format!("/payment-instructions/{REVISED}/calls")).await;
    assert!(calls.text.contains("mobile +91-•••• 0000"), "{}", calls.text);
    for path in ["/payment-instructions", "/payment-instructions.csv"] {
        let page = world.get(path).await;
        assert!(page.text.contains("A/c •••• 0000, mobile +91-•••• 0000"), "{path}");
    }
    assert_eq!(
        world.stored(REVISED).ftps_message.as_deref(),
        Some(format!("On call of FTPS API: {shown}").as_str())
    );
}

async fn an_instruction_whose_original_is_unknown_is_a_glitch_and_jit_is_not_called(world: World) {
    world.import(&[revised(REVISED, "PI-1013/2023-24/000001", PEOPLE)]);
    let page = world.press_refresh(REVISED).await;
    assert_shown(&page, &glitch("original payment instruction is not known"), "no original");
    assert_eq!(world.jit.calls_received(), 0);
}

async fn parents_in_a_circle_and_of_another_tenant_are_an_unknown_original(world: World) {
    world.import(&[
        original("PI-2207/2023-24/000001", PEOPLE).of_tenant("od.dhenkanal"),
        revised("PI-A", "PI-B", PEOPLE),
        revised("PI-B", "PI-A", PEOPLE),
        revised("PI-C", "PI-2207/2023-24/000001", PEOPLE),
    ]);
    for number in ["PI-A", "PI-C"] {
        let page = world.press_refresh(number).await;
        assert_eq!(page.attr("#ftps-message", "data-outcome"), "glitch", "{number}");
        assert_eq!(page.all("main a[href$='PI-B']").len(), 0, "what goes in a circle is not linked");
    }
    assert_eq!(world.view("PI-C").await.all("a[href$='PI-2207/2023-24/000001']").len(), 0, "not linked");
    assert_eq!(world.jit.calls_received(), 0);
}

async fn an_original_without_a_bill_reference_is_a_glitch(world: World) {
    let bare = original(ORIGINAL, PEOPLE).but(|one| one["paDetails"] = json!([{ "paBillRefNumber": " " }]));
    world.import(&[bare, revised(REVISED, ORIGINAL, PEOPLE)]);
    let page = world.press_refresh(REVISED).await;
    assert_shown(&page, &glitch("bill reference"), "no reference");
    assert_eq!(world.jit.calls_received(), 0);
}

async fn jit_is_asked_about_the_first_original_with_its_first_filled_reference_in_utc(world: World) {
    world.import(&[
        original(ORIGINAL, PEOPLE),
        revised("PI-MIDDLE", ORIGINAL, PEOPLE).in_state("PARTIAL", "Payment Failed"),
        revised(REVISED, "PI-MIDDLE", PEOPLE),
    ]);
    assert_shown(&world.press_refresh(REVISED).await, &success(), "third generation");
    let calls = world.jit.calls();
    assert_eq!(calls.len(), 1);
    let asked: Value = serde_json::from_str(&calls[0].request).unwrap();
    assert_eq!(
        asked,
        json!({ "serviceId": "FTPS", "params": {
            "jitCorBillNo": REVISED,
            "jitCorBillDate": "2024-03-21 05:46:40",
            "jitCorBillDeptCode": "MUKTA",
            "jitOrgBillRefNo": "202211033261",
            "jitOrgBillNo": ORIGINAL,
            "jitOrgBillDate": "2024-03-21 05:46:40",
        }})
    );
}

async fn refresh_of_what_is_not_in_process_changes_nothing_and_calls_nobody(world: World) {
    world.import(&[
        original(ORIGINAL, PEOPLE),
        revised("PI-INACTIVE", ORIGINAL, PEOPLE).inactive(),
        revised("PI-DONE", ORIGINAL, PEOPLE).completed(),
        original("PI-ORIGINAL-IN-PROCESS", PEOPLE).in_state("IN PROCESS", "Payment In Process"),
    ]);
    for number in ["PI-INACTIVE", "PI-DONE", "PI-ORIGINAL-IN-PROCESS", ORIGINAL] {
        let before = world.view(number).await;
        assert_eq!(before.all("form#refresh").len(), 0, "{number}");
        let answer = world.browser.post(&format!("/payment-instructions/{number}/refresh"), &[]).await;
        assert_eq!(answer.status, 303, "{number}");
        let after = world.view(number).await;
        assert_eq!(after.payment_statuses(), before.payment_statuses(), "{number}");
        assert_eq!(after.attr("main", "data-pi-status"), before.attr("main", "data-pi-status"));
    }
    assert_eq!(world.jit.calls_received(), 0);
}

async fn two_people_pressing_refresh_at_once_make_one_call(world: World) {
    world.import_pair(PEOPLE);
    world.jit.script(REVISED, vec![Scenario::Slow]);
    world.jit.set_slow(Duration::from_millis(700));
    let press = || async { world.press_refresh(REVISED).await };
    let (one, two) = tokio::join!(press(), press());
    assert_eq!(world.jit.calls_received(), 1);
    let told = [&one, &two].map(|page| page.text.contains("being asked"));
    assert!(told.contains(&true), "the other is told in plain words: {}", two.text);
    assert_shown(&world.view(REVISED).await, &success(), "after both");
}

async fn a_closed_tab_neither_cancels_nor_loses_the_call(world: World) {
    world.import_pair(PEOPLE);
    world.jit.script(REVISED, vec![Scenario::Slow]);
    world.jit.set_slow(Duration::from_millis(500));
    let path = world.browser.url(&format!("/payment-instructions/{REVISED}/refresh"));
    let token = world.browser.form_token().await;
    let request = world.browser.client.post(path).form(&[("form_token", token)]);
    assert!(request.timeout(Duration::from_millis(150)).send().await.unwrap_err().is_timeout());
    assert!(world.app.sync.finish(Duration::from_secs(60)).await);
    assert_shown(&world.view(REVISED).await, &success(), "after the tab was closed");
}

/// Nobody is kept waiting for longer than CONTRACT.md says: the call goes on without them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_presses_refresh_is_back_while_jit_takes_its_time() {
    let world = World::with_timeout(Kind::Sqlite, Duration::from_secs(60)).await;
    world.import_pair(PEOPLE);
    world.jit.hold();
    let pressed = std::time::Instant::now();
    let page = world.press_refresh(REVISED).await;
    assert!(pressed.elapsed() < Duration::from_secs(20), "{:?}", pressed.elapsed());
    assert!(page.words(".under-way").contains("is being asked"));
    world.jit.let_go();
    world.until(|| world.stored(REVISED).status.as_str() == "Completed").await;
    assert_shown(&world.view(REVISED).await, &success(), "the answer is kept");
}

async fn an_unknown_number_is_not_found(world: World) {
    world.import_pair(PEOPLE);
    for path in ["/payment-instructions/PI-NOT", "/payment-instructions/PI-NOT/calls", "/nowhere"] {
        assert_eq!(world.get(path).await.status, 404, "{path}");
    }
    assert_eq!(world.browser.post("/payment-instructions/PI-NOT/refresh", &[]).await.status, 404);
}

async fn an_account_other_than_the_registered_one_is_flagged_and_masked(world: World) {
    world.import_pair(PEOPLE);
    world.jit.script(REVISED, vec![Scenario::OtherAccount]);
    let page = world.press_refresh(REVISED).await;
    assert_shown(&page, &success(), "paid all the same");
    assert_eq!(page.all("tr[data-account-differs]").len(), 1);
    assert!(!page.text.contains("30131500010000"));
}

async fn a_call_is_stored_with_all_that_was_said(world: World) {
    world.import_pair(PEOPLE);
    world.jit.script(REVISED, vec![Scenario::Error("Bill is pending".into())]);
    world.press_refresh(REVISED).await;
    let stored = world.calls_about(REVISED);
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].http_status, Some(200));
    assert!(stored[0].applied);
    assert!(stored[0].response.as_deref().unwrap().contains("Bill is pending"));
    assert_eq!(stored[0].message, "On call of FTPS API: Bill is pending");
}

async fn a_page_of_long_payloads_leaves_the_later_ones_out(world: World) {
    world.import_pair(PEOPLE);
    let long = format!("x{}", "y".repeat(5 * 1024 * 1024));
    world.jit.script(REVISED, vec![Scenario::Error("short".into()), Scenario::Error(long.into())]);
    world.press_refresh(REVISED).await;
    world.press_refresh(REVISED).await;
    let log = world.get(&format!("/payment-instructions/{REVISED}/calls")).await;
    assert_eq!(log.all("[data-call-outcome]").len(), 2);
    assert!(log.text.contains("are left out here"));
    let call = log.all("form.open-in-full input[name=call]")[1].attr("value").unwrap().to_owned();
    let path = format!("/payment-instructions/{REVISED}/calls");
    assert!(world.post(&path, &[("call", &call)]).await.text.contains("short"));
}
