//! Every beneficiary gets the SMS: each outcome of DOMAIN.md §6, as the pages and the gateway see it.

use chrono::TimeDelta;
use mukta_ftps::domain::MessageState;
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::simulator::sms::SmsScenario;
use serde_json::Value;

use crate::support::{Kind, ORIGINAL, PEOPLE, REVISED, World, on_both, pair, payment_ids, revised, words};

on_both!(
    every_beneficiary_gets_the_text_exactly_once,
    each_answer_of_the_gateway_shows_on_the_pages,
    a_gateway_out_of_reach_is_tried_again_with_growing_pauses_and_marked_late_after_a_day,
    without_a_usable_number_a_message_fails_at_once_and_a_corrected_number_can_be_sent_to,
    a_text_that_cannot_be_right_fails_and_never_stops_the_completion,
    the_message_tells_what_was_paid_whatever_muktasoft_says_later,
    what_is_not_paid_by_ftps_is_not_told,
    a_long_outbox_is_read_page_by_page_and_filtered,
    without_a_gateway_messages_wait_and_the_pages_say_so,
);

/// How the text of DOMAIN.md §6 goes on after the UTR number.
const AFTER_UTR: &str = " is made to your registered bank account. Contact your bank if not credited within \
                         72 hours. MUKTA - Govt. of Odisha.";

/// What DOMAIN.md §6 makes of each answer of the gateway.
fn expected(scenario: SmsScenario) -> &'static str {
    use SmsScenario::*;
    match scenario {
        Accepted | AcceptedText | AfterWarning | Slow => "sent",
        Http429 | Http500 | Http503 => "waiting",
        Refused | NoBalance | Http400 | Redirect => "failed",
        Http502 | Http504 | Unreadable | Unclear | Empty | TooLarge | Reset | ResetUnread | Closed
        | Truncated | TimeOut => "unknown",
    }
}

async fn every_beneficiary_gets_the_text_exactly_once(world: World) {
    world.import_pair(PEOPLE);
    let page = world.press_refresh(REVISED).await;
    assert_eq!(page.sms_statuses(), ["waiting"; 3]);
    world.deliver().await;
    world.deliver().await;
    let page = world.view(REVISED).await;
    assert_eq!(page.sms_statuses(), ["sent"; 3]);
    assert!(
        page.words("tr[data-payment-id='BN-1013/000224']")
            .contains("Accepted by the gateway on 31/03/2024 15:30 IST")
    );
    let mut received = world.gateway.received();
    received.sort_by(|a, b| a.phone.cmp(&b.phone));
    assert_eq!(received.len(), 3);
    let rows = page.all("tr[data-payment-id]");
    for (place, (sms, row)) in received.iter().zip(rows).enumerate() {
        assert_eq!(sms.phone, format!("755001{place:04}"));
        let utr = sms.text.strip_prefix("Payment of Rs. 1230.50 for MUKTA, transaction ").unwrap();
        let utr = utr.strip_suffix(AFTER_UTR).unwrap();
        assert!(words(row).contains(utr), "{utr}");
    }
}

async fn each_answer_of_the_gateway_shows_on_the_pages(world: World) {
    let people: Vec<String> = SmsScenario::ALL.iter().map(|(_, word, _)| format!("BN-{word}")).collect();
    for (place, (scenario, _, _)) in SmsScenario::ALL.iter().enumerate() {
        world.gateway.script(&format!("755001{place:04}"), vec![*scenario]);
    }
    world.pay(&pair(&people)).await;
    world.deliver().await;
    let (view, outbox) = (world.view(REVISED).await, world.get("/messages").await);
    for (scenario, word, _) in SmsScenario::ALL {
        let row = format!("tr[data-payment-id='BN-{word}']");
        assert_eq!(view.attr(&row, "data-sms-status"), expected(*scenario), "{word}");
        assert_eq!(outbox.attr(&row, "data-message-state"), expected(*scenario), "{word}");
        let says_why =
            outbox.all(&format!("{row} .reason")).len() + view.all(&format!("{row} .reason")).len();
        assert_eq!(says_why, if expected(*scenario) == "sent" { 0 } else { 2 }, "{word}");
    }
    // Nothing is sent a second time but what surely was not accepted, and that only when it is due.
    let before = world.gateway.count();
    world.deliver().await;
    assert_eq!(world.gateway.count(), before);
    world.later(TimeDelta::days(30));
    world.deliver().await;
    assert_eq!(world.gateway.count(), before + 3, "http-429, http-500, http-503");
}

async fn a_gateway_out_of_reach_is_tried_again_with_growing_pauses_and_marked_late_after_a_day(world: World) {
    world.pay(&pair(&PEOPLE[..1])).await;
    world.gateway.otherwise(SmsScenario::Http503);
    let mut steps = Vec::new();
    for attempt in 1..=12 {
        world.deliver().await;
        let message = world.messages().remove(0);
        assert_eq!((message.state, message.attempts), (MessageState::Waiting, attempt));
        let pause = message.next_attempt_at.unwrap() - world.app.clock.now().naive_utc();
        steps.push(pause.num_seconds());
        world.later(pause);
    }
    for (step, pause) in
        [60, 120, 240, 480, 960, 1920, 3840, 7680, 15_360, 21_600, 21_600, 21_600].into_iter().zip(&steps)
    {
        assert!((step / 2..=step).contains(pause), "{steps:?}");
    }
    assert_eq!(world.gateway.count(), 12);
    world.later(TimeDelta::days(1));
    let outbox = world.get("/messages?state=waiting").await;
    assert_eq!(outbox.all("tr[data-late]").len(), 1);
    assert!(outbox.words("tr[data-message-state]").contains("Late"));
    assert!(world.view(REVISED).await.words("tr[data-payment-id]").contains("Late"));
    world.gateway.otherwise(SmsScenario::Accepted);
    world.deliver().await;
    assert_eq!(world.view(REVISED).await.sms_statuses(), ["sent"]);
}

async fn without_a_usable_number_a_message_fails_at_once_and_a_corrected_number_can_be_sent_to(world: World) {
    let numbers = [
        Value::Null,
        " ".into(),
        "12345".into(),
        "0674253610".into(),
        "99999 99999".into(),
        "+91 94370-12345".into(),
    ];
    let [original, revised] = pair(&payment_ids(6));
    let known = revised.clone().each_person(|place, person| person["benfMobileNo"] = numbers[place].clone());
    let page = world.pay(&[original, known]).await;
    assert_eq!(page.sms_statuses(), ["failed", "failed", "failed", "failed", "failed", "waiting"]);
    let reasons: Vec<_> = page.all("td[data-label='SMS'] .reason").into_iter().map(words).collect();
    assert_eq!(
        reasons,
        [
            "There is no mobile number.",
            "There is no mobile number.",
            "The mobile number does not have 10 digits.",
            "The mobile number is none of India's: those begin with 6, 7, 8 or 9.",
            "The mobile number is the placeholder 9999999999.",
        ]
    );
    world.deliver().await;
    assert_eq!(world.gateway.received()[0].phone, "9437012345");
    assert_eq!(world.gateway.count(), 1);

    // Within a week of the completion they would be sent by themselves.
    world.later(TimeDelta::days(8));
    world.import(&[revised.person(0, "benfMobileNo", "9437000000")]);
    let outbox = world.get("/messages?state=failed").await;
    assert_eq!(outbox.all("tr[data-message-state='failed']").len(), 5);
    let ids: Vec<i64> = world.messages()[..2].iter().map(|message| message.id).collect();
    for id in &ids {
        let page = world.send_again(*id).await;
        assert_eq!(page.words("#notice"), "1 message will be sent again.");
    }
    world.deliver().await;
    let statuses = world.view(REVISED).await.sms_statuses();
    assert_eq!(statuses[..2], ["sent", "sent"], "the import gave both numbers");
    // Both are in flight at once.
    let mut sent_to: Vec<String> =
        world.gateway.received().into_iter().skip(1).map(|sms| sms.phone).collect();
    sent_to.sort();
    assert_eq!(sent_to, ["7550010001", "9437000000"]);
}

async fn a_text_that_cannot_be_right_fails_and_never_stops_the_completion(world: World) {
    let [original, revised] = pair(PEOPLE);
    let page = world.pay(&[original, revised.person(1, "amount", "0")]).await;
    assert_eq!(page.payment_statuses(), ["Payment Successful"; 3]);
    assert_eq!(page.sms_statuses(), ["waiting", "failed", "waiting"]);
    assert!(page.text.contains("The amount is not above zero."));
    world.deliver().await;
    assert_eq!(world.gateway.count(), 2);
}

async fn the_message_tells_what_was_paid_whatever_muktasoft_says_later(world: World) {
    let [original, revised] = pair(&PEOPLE[..1]);
    world.pay(&[original, revised.clone()]).await;
    world.import(&[revised.person(0, "amount", "9.99")]);
    world.deliver().await;
    assert!(world.gateway.received()[0].text.starts_with("Payment of Rs. 1230.50 for MUKTA"));
}

async fn what_is_not_paid_by_ftps_is_not_told(world: World) {
    world.import_pair(PEOPLE);
    world.jit.script(REVISED, vec![Scenario::Error("Bill is pending".into())]);
    world.press_refresh(REVISED).await;
    world.import(&[revised(REVISED, ORIGINAL, PEOPLE).completed()]);
    world.deliver().await;
    assert_eq!(world.gateway.count(), 0);
    assert_eq!(world.view(REVISED).await.sms_statuses(), ["none"; 3]);
    assert!(world.get("/messages").await.text.contains("There are no messages yet."));
}

async fn a_long_outbox_is_read_page_by_page_and_filtered(world: World) {
    world.gateway.script("7550010007", vec![SmsScenario::Refused]);
    world.pay(&pair(&payment_ids(51))).await;
    world.deliver().await;
    let first = world.get("/messages").await;
    assert_eq!(first.headers["cache-control"], "no-store");
    assert_eq!(first.all("[data-message-state]").len(), 50);
    let second = world.get(&first.attr("a[rel=next]", "href")).await;
    assert_eq!(second.all("[data-message-state]").len(), 1);
    assert_eq!(second.all("a[rel=next]").len(), 0);
    assert!(
        first.words("nav.tabs").contains("All 51 Waiting 0 Held 0 Failed 1 Not known 0 Sent 50 Settled 0"),
        "{}",
        first.words("nav.tabs")
    );
    let failed = world.get("/messages?state=failed").await;
    assert_eq!(failed.attr("[data-message-state]", "data-payment-id"), "BN-1013/000008");
    assert!(!failed.text.contains("7550010007") && failed.text.contains("•••• 0007"));
    let of_pi =
        world.get(&world.view(REVISED).await.attr("#beneficiaries a[href^='/messages?pi=']", "href")).await;
    assert_eq!(of_pi.words("h1"), format!("{REVISED} Messages"));
    assert_eq!(of_pi.all("[data-message-state]").len(), 50);
    assert_eq!(world.get("/messages?pi=PI-NOT").await.all("[data-message-state]").len(), 0);
    assert_eq!(world.get("/messages?before=x").await.status, 400);
}

async fn without_a_gateway_messages_wait_and_the_pages_say_so(kind: Kind) {
    let world = World::without_gateway(kind).await;
    world.import_pair(PEOPLE);
    world.press_refresh(REVISED).await;
    world.deliver().await;
    world.later(TimeDelta::days(2));
    let page = world.view(REVISED).await;
    assert_eq!(page.sms_statuses(), ["waiting"; 3]);
    assert!(page.words("#no-gateway").contains("no SMS gateway is set up"));
    assert!(world.get("/messages").await.words("#no-gateway").contains("Messages wait until there is one."));
    assert_eq!(world.messages()[0].attempts, 0);
}
