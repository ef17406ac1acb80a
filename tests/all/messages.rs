//! The desk of messages: grouped by reason, searched, and dealt with one by one or all at once (CONTRACT.md,
//! `/messages`).

use chrono::TimeDelta;
use mukta_ftps::access::Role;
use mukta_ftps::domain::{DeliveryFault, HoldReason, MessageReason, MessageState, Refusal};
use mukta_ftps::simulator::sms::SmsScenario;
use mukta_ftps::store::outbox::desk::{self, COUNTED, Standing, Wanted};
use mukta_ftps::store::scope::Scope;
use serde_json::Value;

use crate::sms_outbox::states;
use crate::support::{PEOPLE, Page, REVISED, World, on_both, pair, payment_ids};

on_both!(
    every_sentence_that_is_stored_has_a_group_that_says_what_to_do,
    each_group_leads_to_exactly_its_rows,
    a_message_is_found_by_whatever_is_known_of_the_payment,
    all_of_a_filter_are_sent_again_and_what_changed_since_is_left,
    all_of_a_filter_are_settled_with_one_note,
    what_cannot_be_sent_is_not_said_to_be_sent,
    what_waits_after_a_refusal_shows_no_refusal,
    who_sends_what_may_have_arrived_before_is_asked,
    one_comes_back_to_where_one_was,
    counts_end_at_a_thousand_and_so_does_what_is_done_at_once,
);

/// What a browser would send of a form.
fn fields(page: &Page, form: &str) -> Vec<(String, String)> {
    let id = form.strip_prefix("form#").unwrap();
    let all = format!("{form} input, {form} textarea, input[form='{id}']");
    let value = |name: Option<&str>| name.unwrap_or_default().to_owned();
    page.all(&all).iter().map(|input| (value(input.attr("name")), value(input.attr("value")))).collect()
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// The groups of a page: reason and count.
fn groups(page: &Page) -> Vec<(String, usize)> {
    let group = |one: &scraper::ElementRef<'_>| {
        (one.attr("data-reason").unwrap().to_owned(), one.attr("data-count").unwrap().parse().unwrap())
    };
    page.all(".groups li").iter().map(group).collect()
}

fn rows(page: &Page) -> Vec<String> {
    let rows = page.all("tr[data-message-state]");
    rows.iter().map(|row| row.attr("data-payment-id").unwrap().to_owned()).collect()
}

async fn every_sentence_that_is_stored_has_a_group_that_says_what_to_do(world: World) {
    world.pay(&pair(&PEOPLE[..1])).await;
    let mut faults: Vec<(&str, &str)> = Vec::new();
    faults.extend(Refusal::SENTENCES.iter().map(|told| ("failed", *told)));
    faults.extend(HoldReason::SENTENCES.iter().map(|told| ("held", *told)));
    for told in DeliveryFault::SENTENCES {
        let state = match told {
            told if told.starts_with("The gateway refused") => "failed",
            told if told.contains("is not known") => "unknown",
            _ => "waiting",
        };
        faults.push((state, told));
    }
    for (state, told) in faults {
        let next = if state == "waiting" { "'2024-04-01 10:00:00'" } else { "NULL" };
        let told = told.replace('\'', "''");
        world.database.execute(&format!(
            "UPDATE outbox_messages SET state = '{state}', last_error = '{told}', next_attempt_at = {next}"
        ));
        let reason = world.messages()[0].reason.unwrap();
        assert!(
            ![MessageReason::Failed, MessageReason::Held, MessageReason::InLine].contains(&reason),
            "{told}"
        );
        assert_eq!(reason.state().as_str(), state, "{told}");
        let page = world.get(&format!("/messages?state={state}")).await;
        assert_eq!(groups(&page), [(reason.to_string(), 1)], "{told}");
        assert!(!page.words(".groups .note").is_empty());
    }
}

async fn each_group_leads_to_exactly_its_rows(world: World) {
    let numbers = [
        Value::Null,
        Value::Null,
        "12345".into(),
        "0674253610".into(),
        "99999 99999".into(),
        "9437012345".into(),
    ];
    let [original, revised] = pair(&payment_ids(7));
    let known = revised.each_person(|place, person| {
        if let Some(number) = numbers.get(place) {
            person["benfMobileNo"] = number.clone();
        }
    });
    world.pay(&[original, known]).await;
    world.gateway.script("9437012345", vec![SmsScenario::Refused]);
    world.gateway.script("7550010006", vec![SmsScenario::Closed]);
    world.deliver().await;
    let all = world.get("/messages").await;
    let expected = [("no-number", 2), ("bad-number", 2), ("placeholder", 1), ("refused", 1), ("unknown", 1)];
    assert_eq!(groups(&all), expected.map(|(reason, count)| (reason.to_owned(), count)));
    assert!(all.words("li[data-reason='no-number'] .note").contains("Within 7 days of the payment"));
    for (reason, count) in expected {
        let link = all.attr(&format!("li[data-reason='{reason}'] a"), "href");
        let page = world.get(&link).await;
        assert_eq!(rows(&page).len(), count, "{link}");
        assert_eq!(groups(&page), [(reason.to_owned(), count)], "it says what to do still");
    }
    let failed = world.get("/messages?state=failed").await;
    assert_eq!(groups(&failed).len(), 4);
    let refused = world.get("/messages?reason=refused").await;
    assert!(refused.words("tr[data-message-state]").contains("The gateway said: “"), "{}", refused.text);
    assert!(refused.words("blockquote").starts_with("Payment of Rs. 1230.50 for MUKTA, transaction "));
    let accountant = world.browser_of("bina", Role::Accountant, "od.jatni").await;
    let page = accountant.get("/messages?reason=refused").await;
    assert!(page.all("pre").is_empty() && !page.text.contains("&#34;success&#34;"), "{}", page.text);
    let late = |page: &Page| groups(page).iter().any(|(reason, _)| reason == "late");
    assert!(!late(&all));
    world.database.execute(
        "UPDATE outbox_messages SET state = 'waiting', next_attempt_at = '2024-04-09 10:00:00' \
         WHERE state = 'unknown'",
    );
    world.later(TimeDelta::days(2));
    assert!(late(&world.get("/messages").await));
    let page = world.get("/messages?state=late").await;
    assert_eq!((rows(&page).len(), groups(&page)), (1, vec![("late".to_owned(), 1)]));
}

async fn a_message_is_found_by_whatever_is_known_of_the_payment(world: World) {
    world.pay(&pair(PEOPLE)).await;
    world.import(&[crate::support::revised("PI-7/1", crate::support::ORIGINAL, &["BN-7"])]);
    world.press_refresh("PI-7/1").await;
    let utr = world.messages()[1].utr.clone();
    let found = async |asked: &str| {
        let page = world.get(&format!("/messages?{asked}")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let mut found = rows(&page);
        found.sort();
        found
    };
    assert_eq!(found("q=NAYAK%20sabita").await.len(), 4);
    assert_eq!(found("q=bn-1013%2F000226").await, [PEOPLE[2]]);
    assert_eq!(found(&format!("q={}", utr.to_lowercase())).await, [PEOPLE[1]]);
    assert_eq!(found("q=000256").await, PEOPLE, "a PI's number finds all of its messages");
    assert_eq!(found("q=sabita").await.len(), 4);
    assert_eq!(found("q=sabita&pi=PI-7%2F1").await, ["BN-7"]);
    assert_eq!(found("q=sabita&state=failed").await.len(), 0);
    assert!(found("q=nobody").await.is_empty() && found("q=%07").await.is_empty());
    let page = world.get("/messages?q=nobody").await;
    assert!(page.words(".empty").contains("No message found for “nobody”."));
    let page = world.get("/messages?q=sabita&state=waiting").await;
    assert_eq!(page.attr("#q", "value"), "sabita");
    assert_eq!(page.attr("form[role=search] input[name=state]", "value"), "waiting");
    assert!(
        page.words(".results").starts_with("4 messages · Waiting · “sabita”"),
        "{}",
        page.words(".results")
    );
    assert!(page.words(".tabs").starts_with("All 4 Waiting 4"));
    assert_eq!(world.get(&format!("/messages?q={}", "x".repeat(201))).await.status, 400);
}

async fn all_of_a_filter_are_sent_again_and_what_changed_since_is_left(world: World) {
    world.gateway.otherwise(SmsScenario::Refused);
    world.pay(&pair(&payment_ids(55))).await;
    world.deliver().await;
    let list = world.get("/messages?reason=refused").await;
    let link = list.attr("a[href^='/messages/resend?']", "href");
    assert!(list.text.contains("Send all 55 again") && list.text.contains("Settle all 55"));
    let asked = world.get(&link).await;
    assert_eq!(asked.words("h1"), "Send 55 messages again?");
    assert!(asked.words("main").contains("Sabita Nayak 54, •••• 0054"), "whom it reaches: {}", asked.text);
    assert!(asked.text.contains("Payment of Rs. 1230.50 for MUKTA"));
    assert_eq!(asked.attr("form#resend a", "href"), "/messages?reason=refused", "Cancel");
    assert_eq!(world.gateway.count(), 55, "asking sends nothing");
    // Meanwhile somebody sends one, which is refused again, and settles another.
    let ids: Vec<i64> = world.messages().iter().map(|message| message.id).collect();
    world.send_again(ids[3]).await;
    world.deliver().await;
    world.post(&format!("/messages/{}/settle", ids[4]), &[("note", "told")]).await;
    let form = fields(&asked, "form#resend");
    let answer = world.browser.post("/messages/resend", &borrowed(&form)).await;
    assert_eq!(answer.status, 303);
    assert!(answer.location().starts_with("/messages?reason=refused&notice="), "{}", answer.location());
    assert_eq!(
        world.get(&answer.location()).await.words("#notice"),
        "Messages that will be sent again: 53. Left as they stand, since they changed after that page was shown: 2."
    );
    world.deliver().await;
    assert_eq!(world.gateway.count(), 56 + 53);
    let again = world.get(&link).await;
    assert!(again.text.contains("When the list was shown there were 55"), "{}", again.text);
    let viewer = world.browser_of("tara", Role::Viewer, "od.jatni").await;
    assert_eq!(viewer.get(&link).await.status, 403);
    let other = world.browser_of("hari", Role::Accountant, "od.dhenkanal").await;
    assert_eq!(other.get(&link).await.status, 303, "there are none of theirs");
}

async fn all_of_a_filter_are_settled_with_one_note(world: World) {
    world.gateway.otherwise(SmsScenario::Closed);
    world.pay(&pair(PEOPLE)).await;
    world.deliver().await;
    let list = world.get("/messages?state=unknown").await;
    let asked = world.get(&list.attr("a[href^='/messages/settle?']", "href")).await;
    assert_eq!(asked.words("h1"), "Settle 3 messages without sending them?");
    let mut form = fields(&asked, "form#settle");
    let answer = world.browser.post("/messages/settle", &borrowed(&form)).await;
    assert_eq!(answer.status, 303);
    let page = world.get(&answer.location()).await;
    assert!(page.words("#notice").contains("say in a note"));
    assert_eq!(page.words("h1"), "Settle 3 messages without sending them?");
    world.send_again(world.messages()[0].id).await;
    form.retain(|(name, _)| name != "note");
    form.push(("note".to_owned(), "Told in person".to_owned()));
    let page = world.post("/messages/settle", &borrowed(&form)).await;
    assert_eq!(
        page.words("#notice"),
        "Messages that are settled, and never sent: 2. Left as they stand, since they changed after that page was \
         shown: 1."
    );
    assert_eq!(states(&world), [MessageState::Waiting, MessageState::Settled, MessageState::Settled]);
}

async fn what_cannot_be_sent_is_not_said_to_be_sent(world: World) {
    let [original, revised] = pair(&PEOPLE[..2]);
    let unknown = revised.clone().person(0, "benfMobileNo", Value::Null);
    world.pay(&[original, unknown]).await;
    let id = world.messages()[0].id;
    let page = world.send_again(id).await;
    assert_eq!(
        page.words("#notice"),
        "1 message is not sent: there is no usable mobile number, UTR number or amount."
    );
    assert_eq!(states(&world)[0], MessageState::Failed);
    world.later(TimeDelta::days(8));
    world.import(&[revised]);
    let page = world.send_again(id).await;
    assert_eq!(page.words("#notice"), "1 message will be sent again.");
    world.deliver().await;
    assert_eq!(states(&world)[0], MessageState::Sent);
}

async fn what_waits_after_a_refusal_shows_no_refusal(world: World) {
    world.gateway.otherwise(SmsScenario::Refused);
    world.pay(&pair(&PEOPLE[..1])).await;
    world.deliver().await;
    assert_eq!(world.get("/messages").await.all("tr .reason").len(), 1);
    world.send_again(world.messages()[0].id).await;
    let page = world.get("/messages").await;
    assert_eq!(page.attr("tr[data-message-state]", "data-message-state"), "waiting");
    assert!(page.all("tr .reason").is_empty() && !page.text.contains("The gateway said:"), "{}", page.text);
    assert!(page.words("tr .history").contains("The gateway refused the message."), "it is told as the past");
    assert!(world.view(REVISED).await.all("td[data-label='SMS'] .reason").is_empty());
}

async fn who_sends_what_may_have_arrived_before_is_asked(world: World) {
    world
        .gateway
        .script("7550010000", vec![SmsScenario::Closed, SmsScenario::Refused, SmsScenario::Accepted]);
    world.pay(&pair(&PEOPLE[..1])).await;
    world.deliver().await;
    let id = world.messages()[0].id;
    world.send_again(id).await;
    world.deliver().await;
    assert_eq!(states(&world), [MessageState::Failed]);
    let list = world.get("/messages?state=failed").await;
    assert!(list.all("tr form").is_empty(), "no button that sends at once");
    let asked = world.get(&list.attr("tr a[href$='/resend']", "href")).await;
    assert!(asked.text.contains("a second time"), "{}", asked.text);
    let form = fields(&list, "form#marked");
    let answer = world.browser.post("/messages/resend", &borrowed(&form)).await;
    assert_eq!(answer.status, 303);
    assert!(answer.location().starts_with("/messages/resend?id="), "{}", answer.location());
    let asked = world.get(&answer.location()).await;
    assert_eq!(asked.attr("form#resend a", "href"), "/messages?state=failed");
    // The form of somebody who knows names the attempt, and is obeyed.
    let (id, saw) = (id.to_string(), format!("attempt-{id}"));
    let page = world.post("/messages/resend", &[("id", &id), (&saw, "2-failed")]).await;
    assert_eq!(page.words("#notice"), "1 message will be sent again.");
    world.deliver().await;
    assert_eq!((states(&world), world.gateway.count()), (vec![MessageState::Sent], 3));
}

async fn one_comes_back_to_where_one_was(world: World) {
    world.gateway.otherwise(SmsScenario::Refused);
    world.pay(&pair(&payment_ids(60))).await;
    world.deliver().await;
    let first = world.get("/messages?reason=refused&q=sabita").await;
    let second = world.get(&first.attr("a[rel=next]", "href")).await;
    assert_eq!(rows(&second).len(), 10);
    let id = world.messages()[5].id;
    let row = format!("#message-{id} form");
    let back = second.attr(&format!("{row} input[name=back]"), "value");
    assert!(back.starts_with("/messages?reason=refused&q=sabita&before="), "{back}");
    let fields = [("back", back.as_str()), (&format!("attempt-{id}"), "1-failed")];
    let answer = world.browser.post(&format!("/messages/{id}/resend"), &fields).await;
    assert_eq!(answer.location(), format!("{back}&notice=resent-1-0-0-0&at={id}#notice"));
    let page = world.get(&answer.location()).await;
    let places = page.all("tbody tr");
    let told = places.iter().position(|row| row.attr("class") == Some("told-here")).unwrap();
    assert_eq!(places[told - 1].attr("id"), Some(format!("message-{}", world.messages()[6].id).as_str()));
    assert_eq!(page.words("#notice"), "1 message will be sent again.");
    let other = world.messages()[7].id;
    let elsewhere = [("back", "https://evil.example/x"), (&format!("attempt-{other}"), "1-failed")];
    let answer = world.browser.post(&format!("/messages/{other}/resend"), &elsewhere).await;
    assert!(answer.location().starts_with("/messages?notice="), "{}", answer.location());
}

async fn counts_end_at_a_thousand_and_so_does_what_is_done_at_once(world: World) {
    let [original, revised] = pair(&payment_ids(COUNTED + 5));
    let unknown = revised.each_person(|_, person| person["benfMobileNo"] = Value::Null);
    world.pay(&[original, unknown]).await;
    let page = world.get("/messages").await;
    assert!(page.words(".tabs").starts_with("All 1,000+ Waiting 0 Held 0 Failed 1,000+"), "{}", page.text);
    assert_eq!(groups(&page), [("no-number".to_owned(), COUNTED)]);
    let page = world.get("/messages?reason=no-number").await;
    assert!(page.words(".results").starts_with("more than 1,000 messages"), "{}", page.words(".results"));
    assert_eq!(rows(&page).len(), 50);
    let wanted = Wanted { standing: Standing::Reason(MessageReason::NoNumber), ..Wanted::default() };
    let all = world.read(|db| desk::all(db, &Scope::of("od.jatni"), &wanted));
    assert_eq!((all.len(), all[0].id), (COUNTED, world.messages().last().unwrap().id), "the newest");
    let asked = world.get(&page.attr("a[href^='/messages/settle?']", "href")).await;
    let mut form = fields(&asked, "form#settle");
    form.retain(|(name, _)| name != "note");
    form.push(("note".to_owned(), "Told in person".to_owned()));
    let page = world.post("/messages/settle", &borrowed(&form)).await;
    assert_eq!(page.words("#notice"), "1000 messages are settled: they are never sent.");
    assert_eq!(groups(&page), [("no-number".to_owned(), 5)]);
}
