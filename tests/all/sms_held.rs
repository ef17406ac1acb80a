//! Messages that wait for a person: each is sent once a click, to whom it was written for, and not at all where
//! its words would not be true (DOMAIN.md §6).

use std::time::Duration;

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use mukta_ftps::access::Role;
use mukta_ftps::domain::{MessageEventKind, MessageState};
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::simulator::sms::SmsScenario;
use mukta_ftps::store::outbox;
use mukta_ftps::store::outbox::sending::Fate;

use crate::reliability::{beside, waiting_for_locks};
use crate::sms_outbox::{claim, events, record, states};
use crate::support::{Kind, PEOPLE, Page, REVISED, World, on_both, pair};

on_both!(
    a_form_sends_one_message_however_often_it_is_posted,
    a_click_that_waits_for_another_s_sends_nothing_more,
    a_form_for_several_sends_what_stands_as_it_was_seen,
    what_was_written_for_somebody_is_never_sent_to_another,
    a_message_whose_words_would_not_be_true_is_held_until_a_person_sends_it,
    a_message_that_waits_is_held_when_muktasoft_says_that_the_payment_failed,
    a_message_that_is_being_sent_when_the_payment_is_returned_is_not_tried_again,
    a_returned_payment_is_not_told_without_a_question,
    a_person_settles_messages_with_a_note_and_they_are_never_sent,
    settling_takes_a_note_a_role_and_the_town,
    a_number_that_comes_within_a_week_has_the_message_sent,
    a_number_that_comes_too_late_or_for_another_person_sends_nothing,
);

const WITHOUT: &str = "There is no mobile number.";

impl World {
    /// A person has a message sent again, who sees it as it stands.
    pub(crate) async fn send_again(&self, id: i64) -> Page {
        let message = self.messages().into_iter().find(|message| message.id == id).unwrap();
        let saw = format!("{}-{}", message.attempts, message.state);
        self.post(&format!("/messages/{id}/resend"), &[(&format!("attempt-{id}"), &saw)]).await
    }

    /// MUKTASoft says Payment Failed of every payment that FTPS made.
    fn return_payments(&self) {
        self.database.execute(
            "UPDATE beneficiaries SET payment_status = 'Payment Failed', returned_at = '2024-03-31 10:00:00' \
             WHERE utr IS NOT NULL",
        );
    }

    /// The news of it, as an import brings it.
    fn hold_returned(&self) -> usize {
        self.return_payments();
        let rows: Vec<i64> = self.messages().iter().map(|message| message.beneficiary_id).collect();
        let now = self.app.clock.now().naive_utc();
        self.write(|db| outbox::hold_returned(db, &rows, now))
    }

    async fn paid(&self, people: &[&str]) -> Vec<i64> {
        self.pay(&pair(people)).await;
        self.messages().iter().map(|message| message.id).collect()
    }
}

/// What a browser would send of a form.
fn fields(page: &Page, form: &str) -> Vec<(String, String)> {
    let inside = format!("{form} input, {form} textarea");
    let id = form.strip_prefix("form#").unwrap_or("none");
    let outside = format!("input[form='{id}']");
    page.all(&inside)
        .iter()
        .chain(&page.all(&outside))
        .map(|input| (input.attr("name").unwrap().to_owned(), input.attr("value").unwrap_or("").to_owned()))
        .collect()
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

async fn a_form_sends_one_message_however_often_it_is_posted(world: World) {
    world.gateway.otherwise(SmsScenario::Closed);
    let id = world.paid(&PEOPLE[..1]).await[0];
    world.deliver().await;
    assert_eq!(states(&world), [MessageState::Unknown]);
    let asked = world.get(&format!("/messages/{id}/resend")).await;
    let (action, form) = (asked.attr("form#resend", "action"), fields(&asked, "form#resend"));
    let form = borrowed(&form);
    // Four clicks at once, and one more after each delivery.
    tokio::join!(
        world.browser.post_bare(&action, &form),
        world.browser.post_bare(&action, &form),
        world.browser.post_bare(&action, &form),
        world.browser.post_bare(&action, &form),
    );
    for _ in 0..3 {
        world.deliver().await;
        assert_eq!(states(&world), [MessageState::Unknown]);
        let page = world.post(&action, &form).await;
        assert!(page.words("#notice").starts_with("Nothing is sent again: since that page"), "{}", page.text);
    }
    world.deliver().await;
    assert_eq!(world.gateway.count(), 2, "the first, and the one that a person wanted");
    // A form that names no attempt sends nothing.
    let page = world.post(&format!("/messages/{id}/resend"), &[]).await;
    assert!(page.words("#notice").starts_with("Nothing is sent again"));
    assert_eq!(states(&world), [MessageState::Unknown]);
}

/// Two people's clicks meet: the second waits for the first one's transaction, and finds what it did.
async fn a_click_that_waits_for_another_s_sends_nothing_more(world: World) {
    world.database.spoil();
    world.gateway.otherwise(SmsScenario::Refused);
    let id = world.paid(&PEOPLE[..1]).await[0];
    world.deliver().await;
    let first = "UPDATE outbox_messages SET state = 'waiting', next_attempt_at = '2099-01-01 00:00:00'";
    let page = match world.database.kind {
        Kind::Sqlite => {
            let mut other = SqliteConnection::establish(world.database.file()).unwrap();
            other.batch_execute(&format!("PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE; {first}")).unwrap();
            // It has seen the message before the first one commits, and cannot write before that.
            tokio::join!(world.send_again(id), async { other.batch_execute("COMMIT").unwrap() }).0
        }
        Kind::Postgres => {
            let mut other = beside(&world);
            other.batch_execute(&format!("BEGIN; {first}")).unwrap();
            let commits = async {
                while waiting_for_locks(&world) == 0 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                other.batch_execute("COMMIT").unwrap();
            };
            tokio::join!(world.send_again(id), commits).0
        }
    };
    assert!(page.words("#notice").starts_with("Nothing is sent again: since that page"), "{}", page.text);
    assert_eq!(states(&world), [MessageState::Waiting]);
    assert_eq!(events(&world, id), [(MessageEventKind::Failed, None, true)], "no second click is on record");
}

async fn a_form_for_several_sends_what_stands_as_it_was_seen(world: World) {
    world.gateway.otherwise(SmsScenario::Refused);
    let ids = world.paid(PEOPLE).await;
    world.deliver().await;
    let list = world.get("/messages").await;
    let form = fields(&list, "form#marked");
    assert_eq!(form.iter().filter(|(name, _)| name == "id").count(), 3);
    let form = borrowed(&form);
    world.send_again(ids[0]).await;
    world.deliver().await;
    assert_eq!(world.gateway.count(), 4);
    let page = world.post("/messages/resend", &form).await;
    assert_eq!(
        page.words("#notice"),
        "Messages that will be sent again: 2. Left as they stand, since they changed after that page was shown: 1."
    );
    world.deliver().await;
    assert_eq!(world.gateway.count(), 6);
    let page = world.post("/messages/resend", &form).await;
    assert!(page.words("#notice").starts_with("Nothing is sent again: since that page"));
    world.deliver().await;
    assert_eq!(world.gateway.count(), 6);
}

async fn what_was_written_for_somebody_is_never_sent_to_another(world: World) {
    let [original, revised] = pair(PEOPLE);
    world.pay(&[original, revised.clone()]).await;
    let claimed = claim(&world, 20);
    record(&world, &claimed[1], Fate::Failed);
    // As the adapter answers: another person, and neither a name nor a number.
    let another = revised.each_person(|place, person| {
        if place < 2 {
            person["beneficiaryId"] = format!("another-{place}").into();
        }
        person["benefName"] = serde_json::Value::Null;
        person["benfMobileNo"] = serde_json::Value::Null;
    });
    world.import(&[another]);
    for message in [&claimed[0], &claimed[2]] {
        let next_attempt_at = world.app.clock.now().naive_utc();
        assert!(record(&world, message, Fate::Waiting { next_attempt_at }));
    }
    world.deliver().await;
    assert_eq!(states(&world), [MessageState::Failed, MessageState::Failed, MessageState::Sent]);
    let sent: Vec<String> = world.gateway.received().into_iter().map(|sms| sms.phone).collect();
    assert_eq!(sent, ["7550010002"]);
    let page = world.view(REVISED).await;
    assert!(
        page.words("tr[data-payment-id='BN-1013/000224']").contains("belongs to another beneficiary ID now")
    );
    let failed = world.messages()[1].id;
    let page = world.send_again(failed).await;
    assert!(
        page.words("#notice").contains("the payment belongs to another beneficiary ID now"),
        "{}",
        page.text
    );
    world.deliver().await;
    assert_eq!(world.gateway.count(), 1);
    assert!(world.messages()[1].last_error.as_deref().unwrap().contains("belongs to another beneficiary ID"));
}

async fn a_message_whose_words_would_not_be_true_is_held_until_a_person_sends_it(world: World) {
    for (scenario, expected, why) in [
        (Scenario::OtherAccount, ["held", "waiting"], "The money went to another account"),
        (Scenario::OddPaymentStatus, ["held", "held"], "does not begin with “Paid”"),
    ] {
        let number = format!("PI-1013/2023-24/{scenario}");
        world.import(&[
            crate::support::original(crate::support::ORIGINAL, PEOPLE),
            crate::support::revised(&number, crate::support::ORIGINAL, &PEOPLE[..2]),
        ]);
        world.jit.script(&number, vec![scenario]);
        let page = world.press_refresh(&number).await;
        assert_eq!(page.sms_statuses(), expected);
        assert!(page.words("tr[data-sms-status='held']:first-child").contains(why), "{}", page.text);
        let before = world.gateway.count();
        world.deliver().await;
        assert_eq!(
            world.gateway.count() - before,
            expected.iter().filter(|state| **state == "waiting").count()
        );

        let list = world.get("/messages?state=held").await;
        assert_eq!(list.all("tr[data-message-state]").len(), list.all("tr[data-message-state='held']").len());
        let held = list.all("tr[data-message-state='held'] a[href$='/resend']");
        let asked = world.get(held.last().unwrap().attr("href").unwrap()).await;
        assert!(asked.text.contains(why), "who sends it reads why: {}", asked.text);
        let form = fields(&asked, "form#resend");
        let page = world.post(&asked.attr("form#resend", "action"), &borrowed(&form)).await;
        assert_eq!(page.words("#notice"), "1 message will be sent again.");
        let before = world.gateway.count();
        world.deliver().await;
        world.post(&asked.attr("form#resend", "action"), &borrowed(&form)).await;
        world.deliver().await;
        assert_eq!(world.gateway.count(), before + 1);
        let rest: Vec<i64> = world
            .messages()
            .iter()
            .filter(|message| message.state == MessageState::Held)
            .map(|message| message.id)
            .collect();
        for id in rest {
            world.post(&format!("/messages/{id}/settle"), &[("note", "told")]).await;
        }
    }
}

async fn a_message_that_waits_is_held_when_muktasoft_says_that_the_payment_failed(world: World) {
    world.gateway.script("7550010000", vec![SmsScenario::Accepted]);
    world.gateway.otherwise(SmsScenario::Http503);
    world.paid(&PEOPLE[..2]).await;
    world.deliver().await;
    assert_eq!(world.hold_returned(), 1);
    assert_eq!(states(&world), [MessageState::Sent, MessageState::Held]);
    let page = world.view(REVISED).await;
    assert!(
        page.words("tr[data-sms-status='held']")
            .contains("MUKTASoft has said since that this payment failed.")
    );
    world.later(TimeDelta::days(1));
    world.deliver().await;
    let before = world.gateway.count();
    // A person sends it all the same: the same news, told again, does not hold it again.
    world.gateway.otherwise(SmsScenario::Accepted);
    let id = world.messages()[1].id;
    world.send_again(id).await;
    assert_eq!(world.hold_returned(), 0);
    world.deliver().await;
    assert_eq!(world.gateway.count(), before + 1);
    use MessageEventKind as Kind;
    assert_eq!(
        events(&world, id),
        [
            (Kind::Waiting, None, true),
            (Kind::Held, None, true),
            (Kind::Resend, Some("asha".to_owned()), true),
            (Kind::Sent, None, true)
        ]
    );
}

async fn a_message_that_is_being_sent_when_the_payment_is_returned_is_not_tried_again(world: World) {
    world.paid(&PEOPLE[..1]).await;
    let claimed = claim(&world, 20);
    assert_eq!(world.hold_returned(), 0, "it is on its way");
    let next_attempt_at = world.app.clock.now().naive_utc();
    assert!(record(&world, &claimed[0], Fate::Waiting { next_attempt_at }));
    world.deliver().await;
    assert_eq!((states(&world), world.gateway.count()), (vec![MessageState::Held], 0));
}

async fn a_returned_payment_is_not_told_without_a_question(world: World) {
    world.gateway.otherwise(SmsScenario::Refused);
    let id = world.paid(&PEOPLE[..1]).await[0];
    world.deliver().await;
    world.hold_returned();
    let list = world.get("/messages?state=failed").await;
    let link = list.attr("tr[data-message-state='failed'] a[href$='/resend']", "href");
    assert!(world.get(&link).await.text.contains("MUKTASoft has said since that this payment failed."));
    let marked = world.post("/messages/resend", &[("id", &id.to_string())]).await;
    assert_eq!(marked.words("h1"), "Send this message all the same?");
}

async fn a_person_settles_messages_with_a_note_and_they_are_never_sent(world: World) {
    world.jit.script(REVISED, vec![Scenario::OddPaymentStatus]);
    let ids = world.paid(PEOPLE).await;
    let claimed_before = claim(&world, 20);
    assert!(claimed_before.is_empty(), "what is held is not claimed");
    let asked = world.get(&format!("/messages/{}/settle", ids[0])).await;
    let mut form = fields(&asked, "form#settle");
    form.iter_mut().filter(|(name, _)| name == "note").for_each(|(_, note)| {
        *note = "Told in person,\n call 9437012345".to_owned();
    });
    let page = world.post(&asked.attr("form#settle", "action"), &borrowed(&form)).await;
    assert_eq!(page.words("#notice"), "1 message is settled: it is never sent.");
    let row = page.words(&format!("#message-{}", ids[0]));
    assert!(row.contains("Settled on 31/03/2024 15:30 IST"), "{row}");
    assert!(row.contains("asha: Told in person, call •••• 2345"), "{row}");
    assert!(!page.text.contains("9437012345"));

    // The list's button asks for the note of several.
    let list = world.get("/messages?state=held").await;
    let mut form = fields(&list, "form#marked");
    form.push(("ask".to_owned(), "yes".to_owned()));
    let asked = world.post("/messages/settle", &borrowed(&form)).await;
    assert_eq!(asked.words("h1"), "Settle 2 messages without sending them?");
    let mut form = fields(&asked, "form#settle");
    form.push(("note".to_owned(), "ignored".to_owned()));
    form.retain(|(name, note)| name != "note" || !note.is_empty());
    let page = world.post("/messages/settle", &borrowed(&form)).await;
    assert_eq!(page.words("#notice"), "2 messages are settled: they are never sent.");
    assert_eq!(states(&world), [MessageState::Settled; 3]);
    assert_eq!(world.view(REVISED).await.sms_statuses(), ["settled"; 3]);

    for id in &ids {
        world.send_again(*id).await;
        world.post(&format!("/messages/{id}/settle"), &[("note", "again")]).await;
    }
    world.hold_returned();
    world.later(TimeDelta::days(30));
    world.deliver().await;
    assert_eq!((states(&world), world.gateway.count()), (vec![MessageState::Settled; 3], 0));
    let audit = world.get("/audit").await;
    assert!(audit.text.contains("Settled an SMS without sending it"), "{}", audit.text);
    assert!(audit.text.contains(&format!("BN-1013/000224 of {REVISED}")));
}

async fn settling_takes_a_note_a_role_and_the_town(world: World) {
    world.gateway.otherwise(SmsScenario::Closed);
    let ids = world.paid(PEOPLE).await;
    let claimed = claim(&world, 20);
    world.later(TimeDelta::seconds(21));
    world.deliver().await;
    assert_eq!(states(&world), [MessageState::Unknown; 3]);
    let settle = format!("/messages/{}/settle", ids[0]);
    for (note, told) in [
        ("", "say in a note what was done"),
        (" \n", "say in a note"),
        (&*"x".repeat(501), "longer than 500"),
    ] {
        let answer = world.browser.post(&settle, &[("note", note)]).await;
        assert_eq!(answer.status, 303);
        assert!(world.get(&answer.location()).await.words("#notice").contains(told));
    }
    assert!(
        world
            .post("/messages/settle", &[("note", "x")])
            .await
            .words("#notice")
            .starts_with("No message was marked")
    );
    assert_eq!(world.post("/messages/settle", &[("id", "x"), ("note", "x")]).await.status, 400);
    assert_eq!(world.post("/messages/4711/settle", &[("note", "x")]).await.status, 404);
    let viewer = world.browser_of("tara", Role::Viewer, "od.jatni").await;
    assert_eq!(viewer.post(&settle, &[("note", "x")]).await.status, 403);
    let other = world.browser_of("hari", Role::Accountant, "od.dhenkanal").await;
    assert_eq!(other.post(&settle, &[("note", "x")]).await.status, 404);
    assert_eq!(other.get(&settle).await.status, 404);
    assert_eq!(states(&world), [MessageState::Unknown; 3]);

    let accountant = world.browser_of("bina", Role::Accountant, "od.jatni").await;
    assert_eq!(accountant.post(&settle, &[("note", &"x".repeat(500))]).await.status, 303);
    assert!(!record(&world, &claimed[0], Fate::Failed), "an answer that comes late finds it settled");
    assert_eq!(states(&world), [MessageState::Settled, MessageState::Unknown, MessageState::Unknown]);
}

async fn a_number_that_comes_within_a_week_has_the_message_sent(world: World) {
    let [original, known] = pair(&PEOPLE[..2]);
    let unknown = known.clone().person(0, "benfMobileNo", "0674253610").person(1, "amount", "0");
    let page = world.pay(&[original, unknown]).await;
    assert_eq!(page.sms_statuses(), ["failed", "failed"]);
    world.later(TimeDelta::days(7));
    world.import(&[known.person(0, "benfMobileNo", "+91 94123-45678").person(
        1,
        "benfMobileNo",
        "9412345679",
    )]);
    assert_eq!(world.view(REVISED).await.sms_statuses(), ["waiting", "failed"], "only for want of a number");
    world.deliver().await;
    let sent: Vec<String> = world.gateway.received().into_iter().map(|sms| sms.phone).collect();
    assert_eq!(sent, ["9412345678"]);
    let id = world.messages()[0].id;
    use MessageEventKind as Kind;
    assert_eq!(
        events(&world, id),
        [(Kind::Failed, None, true), (Kind::Renewed, None, true), (Kind::Sent, None, true)]
    );
    assert!(
        world.get("/messages").await.text.contains("waiting again, since MUKTASoft has told a mobile number")
    );
}

async fn a_number_that_comes_too_late_or_for_another_person_sends_nothing(world: World) {
    let [original, known] = pair(PEOPLE);
    let unknown = known.clone().each_person(|_, person| person["benfMobileNo"] = serde_json::Value::Null);
    world.pay(&[original, unknown.clone()]).await;
    assert_eq!(states(&world), [MessageState::Failed; 3]);
    let told = unknown.person(0, "benfMobileNo", "9412345678").person(0, "beneficiaryId", "another");
    world.import(std::slice::from_ref(&told));
    world.return_payments();
    world.import(&[told.person(1, "benfMobileNo", "9412345679")]);
    assert_eq!(
        states(&world),
        [MessageState::Failed, MessageState::Held, MessageState::Failed],
        "returned since"
    );
    world.later(TimeDelta::days(7) + TimeDelta::seconds(1));
    world.import(&[known]);
    world.deliver().await;
    assert_eq!(states(&world), [MessageState::Failed, MessageState::Held, MessageState::Failed]);
    assert_eq!(world.gateway.count(), 0);
    assert!(world.messages()[2].last_error.as_deref() == Some(WITHOUT));
}
