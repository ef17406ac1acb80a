//! Every beneficiary gets the SMS: each outcome of DOMAIN.md §6, as the pages and the gateway see it.

use std::time::Duration;

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use mukta_ftps::app::App;
use mukta_ftps::domain::{MessageEventKind, MessageState};
use mukta_ftps::sealing::Sealer;
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::simulator::sms::SmsScenario;
use mukta_ftps::store::outbox::listing::{self, OutboxMessage, Wanted};
use mukta_ftps::store::outbox::sending::{self, Attempted, Claimed, Fate};
use mukta_ftps::store::recorder::Recordable as _;
use mukta_ftps::store::scope::Scope;
use mukta_ftps::store::{Db, Store};
use serde_json::Value;

use crate::support::{
    DATA_KEY, Kind, Page, World, instruction, jit_settings, original, revised, sms_settings, sync_settings,
    words,
};

const ORIGINAL: &str = "PI-1013/2023-24/000112";
const REVISED: &str = "PI-1013/2023-24/000256";
const PEOPLE: &[&str] = &["BN-1013/000224", "BN-1013/000225", "BN-1013/000226"];

fn import_pair(world: &World) {
    world.import(&[original(ORIGINAL, PEOPLE), revised(REVISED, ORIGINAL, PEOPLE)]);
}

/// A revised PI, paid, whose people are as `change` leaves them.
async fn paid_after(world: &World, people: &[&str], change: impl Fn(&mut Value)) -> Page {
    let mut paid = revised(REVISED, ORIGINAL, people);
    change(&mut paid["beneficiaryDetails"]);
    world.import(&[original(ORIGINAL, people), paid]);
    let page = world.press_refresh(REVISED).await;
    assert_eq!(page.attr("main", "data-pi-status"), "Completed");
    page
}

async fn deliver(world: &World) {
    world.app.notifications.run_once().await.unwrap();
}

fn messages(world: &World) -> Vec<OutboxMessage> {
    let all = Wanted::default();
    let mut found =
        world.app.store.read_blocking(|db| listing::page(db, &Scope::of("od"), &all, None, 1000)).unwrap();
    found.reverse();
    found
}

fn states(world: &World) -> Vec<MessageState> {
    messages(world).iter().map(|message| message.state).collect()
}

fn events(world: &World, id: i64) -> Vec<(MessageEventKind, Option<String>, bool)> {
    let events = world.app.store.read_blocking(|db| {
        let messages = listing::find(db, &Scope::of("od"), &[id])?;
        listing::events_of(db, &messages)
    });
    let events = events.unwrap();
    events.into_iter().map(|event| (event.what, event.person, event.applied)).collect()
}

/// Claims as another process would, one that then dies or is slow.
fn claim(world: &World, seconds: i64) -> Vec<Claimed> {
    let now = world.app.clock.now().naive_utc();
    let until = now + TimeDelta::seconds(seconds);
    let sealer = &world.app.sealer;
    world.app.store.write_blocking(|db| sending::claim(db, sealer, now, until, 10)).unwrap().messages
}

fn record(world: &World, claimed: &Claimed, fate: Fate) -> bool {
    let attempted = Attempted {
        lease: claimed.lease.clone(),
        attempt: claimed.attempt,
        fate,
        cause: None,
        answer: None,
        at: world.app.clock.now().naive_utc(),
    };
    world.app.store.write_blocking(|db| attempted.store(db)).unwrap()
}

/// What DOMAIN.md §6 makes of each answer of the gateway.
fn expected(scenario: SmsScenario) -> &'static str {
    use SmsScenario::*;
    match scenario {
        Accepted | AcceptedText | Slow => "sent",
        Http429 | Http500 | Http503 => "waiting",
        Refused | Http400 | Redirect => "failed",
        Http502 | Http504 | Unreadable | Unclear | Empty | TooLarge | Reset | ResetUnread | Closed
        | Truncated | TimeOut => "unknown",
    }
}

on_both! {
    async fn every_beneficiary_gets_the_text_exactly_once(world: World) {
        import_pair(&world);
        let page = world.press_refresh(REVISED).await;
        assert_eq!(page.sms_statuses(), ["waiting"; 3]);
        deliver(&world).await;
        deliver(&world).await;
        let page = world.view(REVISED).await;
        assert_eq!(page.sms_statuses(), ["sent"; 3]);
        assert!(page.words("tr[data-payment-id='BN-1013/000224']").contains("Accepted by the gateway on 31/03/2024 15:30 IST"));
        let mut received = world.gateway.received();
        received.sort_by(|a, b| a.phone.cmp(&b.phone));
        assert_eq!(received.len(), 3);
        let rows = page.all("tr[data-payment-id]");
        for (place, (sms, row)) in received.iter().zip(rows).enumerate() {
            assert_eq!(sms.phone, format!("555001{place:04}"));
            let utr = sms.text.strip_prefix("Payment of Rs. 1230.50 for MUKTA, transaction ").unwrap();
            let utr = utr.strip_suffix(" is made to your registered bank account. Contact your bank if not credited within 72 hours. MUKTA - Govt. of Odisha.").unwrap();
            assert!(words(row).contains(utr), "{utr}");
        }
    }

    async fn each_answer_of_the_gateway_shows_on_the_pages(world: World) {
        let people: Vec<String> = SmsScenario::ALL.iter().map(|(_, word, _)| format!("BN-{word}")).collect();
        let people: Vec<&str> = people.iter().map(String::as_str).collect();
        for (place, (scenario, _, _)) in SmsScenario::ALL.iter().enumerate() {
            world.gateway.script(&format!("555001{place:04}"), vec![*scenario]);
        }
        paid_after(&world, &people, |_| {}).await;
        deliver(&world).await;
        let (view, outbox) = (world.view(REVISED).await, world.get("/messages").await);
        for (scenario, word, _) in SmsScenario::ALL {
            let row = format!("tr[data-payment-id='BN-{word}']");
            assert_eq!(view.attr(&row, "data-sms-status"), expected(*scenario), "{word}");
            assert_eq!(outbox.attr(&row, "data-message-state"), expected(*scenario), "{word}");
            let says_why = outbox.all(&format!("{row} .reason")).len() + view.all(&format!("{row} .reason")).len();
            assert_eq!(says_why, if expected(*scenario) == "sent" { 0 } else { 2 }, "{word}");
        }
        // Nothing is sent a second time but what surely was not accepted, and that only when it is due.
        let before = world.gateway.count();
        deliver(&world).await;
        assert_eq!(world.gateway.count(), before);
        world.later(TimeDelta::days(30));
        deliver(&world).await;
        assert_eq!(world.gateway.count(), before + 3, "http-429, http-500, http-503");
    }

    async fn a_gateway_out_of_reach_is_tried_again_with_growing_pauses_and_marked_late_after_a_day(world: World) {
        paid_after(&world, &PEOPLE[..1], |_| {}).await;
        world.gateway.otherwise(SmsScenario::Http503);
        let mut steps = Vec::new();
        for attempt in 1..=12 {
            deliver(&world).await;
            let message = messages(&world).remove(0);
            assert_eq!((message.state, message.attempts), (MessageState::Waiting, attempt));
            let pause = message.next_attempt_at.unwrap() - world.app.clock.now().naive_utc();
            steps.push(pause.num_seconds());
            world.later(pause);
        }
        for (step, pause) in [60, 120, 240, 480, 960, 1920, 3840, 7680, 15_360, 21_600, 21_600, 21_600].into_iter().zip(&steps) {
            assert!((step / 2..=step).contains(pause), "{steps:?}");
        }
        assert_eq!(world.gateway.count(), 12);
        world.later(TimeDelta::days(1));
        let outbox = world.get("/messages?state=waiting").await;
        assert_eq!(outbox.all("tr[data-late]").len(), 1);
        assert!(outbox.words("tr[data-message-state]").contains("Late"));
        assert!(world.view(REVISED).await.words("tr[data-payment-id]").contains("Late"));
        world.gateway.otherwise(SmsScenario::Accepted);
        deliver(&world).await;
        assert_eq!(world.view(REVISED).await.sms_statuses(), ["sent"]);
    }

    async fn without_a_usable_number_a_message_fails_at_once_and_a_corrected_number_can_be_sent_to(world: World) {
        let numbers = [Value::Null, " ".into(), "12345".into(), "+919437012345".into(), "9999999999".into(), "9437012345".into()];
        let people = ["BN-0", "BN-1", "BN-2", "BN-3", "BN-4", "BN-5"];
        let page = paid_after(&world, &people, |people| {
            for (place, number) in numbers.iter().enumerate() {
                people[place]["benfMobileNo"] = number.clone();
            }
        }).await;
        assert_eq!(page.sms_statuses(), ["failed", "failed", "failed", "failed", "failed", "waiting"]);
        let reasons: Vec<_> = page.all("td[data-label='SMS'] .reason").into_iter().map(words).collect();
        assert_eq!(reasons, [
            "There is no mobile number.", "There is no mobile number.", "The mobile number does not have 10 digits.",
            "The mobile number does not have 10 digits.", "The mobile number is the placeholder 9999999999.",
        ]);
        deliver(&world).await;
        assert_eq!(world.gateway.count(), 1);

        let mut corrected = revised(REVISED, ORIGINAL, &people);
        corrected["beneficiaryDetails"][0]["benfMobileNo"] = "9437000000".into();
        world.import(&[corrected]);
        let outbox = world.get("/messages?state=failed").await;
        assert_eq!(outbox.all("tr[data-message-state='failed']").len(), 5);
        let ids: Vec<i64> = messages(&world)[..2].iter().map(|message| message.id).collect();
        for id in &ids {
            let page = world.post(&format!("/messages/{id}/resend"), &[]).await;
            assert_eq!(page.words("#notice"), "1 message will be sent again.");
        }
        deliver(&world).await;
        assert_eq!(&states(&world)[..2], [MessageState::Sent, MessageState::Sent], "the import gave both numbers");
        // Both are in flight at once.
        let mut sent_to: Vec<String> = world.gateway.received().into_iter().skip(1).map(|sms| sms.phone).collect();
        sent_to.sort();
        assert_eq!(sent_to, ["5550010001", "9437000000"]);
    }

    async fn a_text_that_cannot_be_right_fails_and_never_stops_the_completion(world: World) {
        let page = paid_after(&world, PEOPLE, |people| people[1]["amount"] = "0".into()).await;
        assert_eq!(page.payment_statuses(), ["Payment Successful"; 3]);
        assert_eq!(page.sms_statuses(), ["waiting", "failed", "waiting"]);
        assert!(page.text.contains("The amount is not above zero."));
        deliver(&world).await;
        assert_eq!(world.gateway.count(), 2);
    }

    async fn the_message_tells_what_was_paid_whatever_muktasoft_says_later(world: World) {
        paid_after(&world, &PEOPLE[..1], |_| {}).await;
        let mut changed = revised(REVISED, ORIGINAL, &PEOPLE[..1]);
        changed["beneficiaryDetails"][0]["amount"] = "9.99".into();
        world.import(&[changed]);
        deliver(&world).await;
        assert!(world.gateway.received()[0].text.starts_with("Payment of Rs. 1230.50 for MUKTA"));
    }

    async fn what_is_not_paid_by_ftps_is_not_told(world: World) {
        import_pair(&world);
        world.jit.script(REVISED, vec![Scenario::Error("Bill is pending".into())]);
        world.press_refresh(REVISED).await;
        world.import(&[instruction(REVISED, Some(ORIGINAL), "SUCCESSFUL", "Payment Successful", PEOPLE)]);
        deliver(&world).await;
        assert_eq!(world.gateway.count(), 0);
        assert_eq!(world.view(REVISED).await.sms_statuses(), ["none"; 3]);
        assert!(world.get("/messages").await.text.contains("There are no messages yet."));
    }

    async fn no_more_than_so_many_are_in_flight(world: World) {
        let people: Vec<String> = (0..30).map(|place| format!("BN-{place}")).collect();
        let people: Vec<&str> = people.iter().map(String::as_str).collect();
        paid_after(&world, &people, |_| {}).await;
        world.gateway.set_latency(Duration::from_millis(20));
        deliver(&world).await;
        assert_eq!(world.gateway.count(), 30);
        assert_eq!(world.gateway.max_in_flight(), 4);
    }

    async fn a_person_has_failed_and_unknown_messages_sent_again_and_is_named(world: World) {
        world.gateway.script("5550010000", vec![SmsScenario::Refused, SmsScenario::Accepted]);
        world.gateway.script("5550010001", vec![SmsScenario::Http502, SmsScenario::Accepted]);
        paid_after(&world, PEOPLE, |_| {}).await;
        deliver(&world).await;
        use MessageState::{Failed, Sent, Unknown, Waiting};
        assert_eq!(states(&world), [Failed, Unknown, Sent]);
        let ids: Vec<String> = messages(&world).iter().map(|message| message.id.to_string()).collect();

        // What was sent is not sent again.
        let page = world.post(&format!("/messages/{}/resend", ids[2]), &[]).await;
        assert!(page.words("#notice").starts_with("Nothing is sent again"));
        let page = world.post("/messages/resend", &[]).await;
        assert!(page.words("#notice").starts_with("No message was marked"));
        assert_eq!(states(&world), [Failed, Unknown, Sent]);

        // The link beside an unknown one, and marking it, ask first.
        let outbox = world.get("/messages?state=unknown").await;
        let asked = world.get(&outbox.attr("tr[data-message-state] a[href$='/resend']", "href")).await;
        assert!(asked.text.contains("a second time"), "{}", asked.text);
        let marked = [("id", ids[0].as_str()), ("id", ids[1].as_str())];
        let asked = world.post("/messages/resend", &marked).await;
        assert!(asked.text.contains("a second time"), "{}", asked.text);
        assert_eq!(states(&world), [Failed, Unknown, Sent]);

        let fields: Vec<_> = asked.all("form#resend input").iter().map(|i| (i.attr("name").unwrap().to_owned(), i.attr("value").unwrap().to_owned())).collect();
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let page = world.post(&asked.attr("form#resend", "action"), &fields).await;
        assert_eq!(page.words("#notice"), "2 messages will be sent again.");
        assert_eq!(states(&world), [Waiting, Waiting, Sent]);
        deliver(&world).await;
        assert_eq!(states(&world), [Sent, Sent, Sent]);
        assert_eq!(world.gateway.count(), 5);
        let message = &messages(&world)[1];
        assert_eq!(message.attempts, 2);
        use MessageEventKind as Kind;
        assert_eq!(
            events(&world, message.id),
            [(Kind::Unknown, None, true), (Kind::Resend, Some("asha".to_owned()), true), (Kind::Sent, None, true)]
        );
        assert!(world.get("/messages").await.text.contains("sent again by asha"));
        assert_eq!(world.post("/messages/4711/resend", &[]).await.status, 404);
        assert_eq!(world.get("/messages/x/resend").await.status, 404);
    }

    async fn another_town_neither_sees_nor_resends_a_message(world: World) {
        world.gateway.otherwise(SmsScenario::Refused);
        paid_after(&world, PEOPLE, |_| {}).await;
        deliver(&world).await;
        let ids: Vec<i64> = messages(&world).iter().map(|message| message.id).collect();
        let (other, own) = (Scope::of("od.dhenkanal"), Scope::of("od.jatni"));
        let now = world.app.clock.now().naive_utc();
        world.app.store.write_blocking(|db| {
            assert!(listing::page(db, &other, &Wanted::default(), None, 10)?.is_empty());
            assert!(listing::counts(db, &other, None)?.is_empty());
            assert!(listing::find(db, &other, &ids)?.is_empty());
            assert_eq!(listing::resend(db, &other, &ids, "asha", now)?, 0);
            assert_eq!(listing::counts(db, &own, Some(REVISED))?, [(MessageState::Failed, 3)]);
            assert!(listing::counts(db, &own, Some(ORIGINAL))?.is_empty());
            assert_eq!(listing::resend(db, &own, &ids, "asha", now)?, 3);
            Ok(())
        }).unwrap();
    }

    async fn a_message_whose_sender_died_becomes_unknown_and_is_never_sent_again_by_itself(world: World) {
        paid_after(&world, PEOPLE, |_| {}).await;
        assert_eq!(claim(&world, 20).len(), 3);
        assert_eq!(world.view(REVISED).await.sms_statuses(), ["waiting"; 3], "being sent shows as waiting");
        assert_eq!(world.get("/messages?state=waiting").await.all("[data-message-state='waiting']").len(), 3);
        deliver(&world).await;
        world.later(TimeDelta::seconds(21));
        deliver(&world).await;
        world.later(TimeDelta::days(10));
        deliver(&world).await;
        assert_eq!(world.gateway.count(), 0);
        let page = world.view(REVISED).await;
        assert_eq!(page.sms_statuses(), ["unknown"; 3]);
        assert!(page.text.contains("The program stopped while it was sending this message"));
        assert_eq!(events(&world, messages(&world)[0].id), [(MessageEventKind::Unknown, None, true)]);
    }

    async fn a_sure_answer_that_comes_late_counts_unless_a_person_was_faster(world: World) {
        paid_after(&world, PEOPLE, |_| {}).await;
        let claimed = claim(&world, 20);
        world.later(TimeDelta::seconds(21));
        deliver(&world).await;
        assert_eq!(states(&world), [MessageState::Unknown; 3]);
        assert!(record(&world, &claimed[0], Fate::Sent));
        let id = messages(&world)[1].id;
        world.post(&format!("/messages/{id}/resend"), &[]).await;
        assert!(!record(&world, &claimed[1], Fate::Sent), "a person had it sent again");
        deliver(&world).await;
        assert!(!record(&world, &claimed[1], Fate::Failed));
        assert_eq!(states(&world), [MessageState::Sent, MessageState::Sent, MessageState::Unknown]);
        assert_eq!(world.gateway.count(), 1);
        let stored = events(&world, id);
        assert_eq!(stored.len(), 5, "what was not applied is kept too: {stored:?}");
    }

    async fn an_outcome_recorded_twice_makes_no_second_message(world: World) {
        import_pair(&world);
        world.press_refresh(REVISED).await;
        let now = world.app.clock.now().naive_utc();
        let id = world.app.store.read_blocking(|db| {
            mukta_ftps::store::instructions::find(db, &Scope::of("od"), REVISED)
        }).unwrap().unwrap().id;
        world.app.store.write_blocking(|db| {
            mukta_ftps::store::outbox::enqueue(db, &world.app.sealer, id, now)
        }).unwrap();
        assert_eq!(messages(&world).len(), 3);
    }

    async fn the_events_are_append_only(world: World) {
        paid_after(&world, PEOPLE, |_| {}).await;
        deliver(&world).await;
        for statement in ["UPDATE outbox_events SET cause = 'x'", "DELETE FROM outbox_events"] {
            let refused = world.app.store.write_blocking(|db| {
                Ok(match db {
                    Db::Sqlite(db) => db.batch_execute(statement),
                    Db::Postgres(db) => db.batch_execute(statement),
                }?)
            });
            assert!(refused.unwrap_err().to_string().contains("append-only"), "{statement}");
        }
    }

    async fn a_long_outbox_is_read_page_by_page_and_filtered(world: World) {
        let people: Vec<String> = (0..51).map(|place| format!("BN-{place}")).collect();
        let people: Vec<&str> = people.iter().map(String::as_str).collect();
        world.gateway.script("5550010007", vec![SmsScenario::Refused]);
        paid_after(&world, &people, |_| {}).await;
        deliver(&world).await;
        let first = world.get("/messages").await;
        assert_eq!(first.headers["cache-control"], "no-store");
        assert_eq!(first.all("[data-message-state]").len(), 50);
        let second = world.get(&first.attr("a[rel=next]", "href")).await;
        assert_eq!(second.all("[data-message-state]").len(), 1);
        assert_eq!(second.all("a[rel=next]").len(), 0);
        assert!(first.words("nav.tabs").contains("All 51 Waiting 0 Failed 1 Not known 0 Sent 50"), "{}", first.words("nav.tabs"));
        let failed = world.get("/messages?state=failed").await;
        assert_eq!(failed.attr("[data-message-state]", "data-payment-id"), "BN-7");
        assert!(!failed.text.contains("5550010007") && failed.text.contains("•••• 0007"));
        let of_pi = world.get(&world.view(REVISED).await.attr("#beneficiaries a[href^='/messages?pi=']", "href")).await;
        assert_eq!(of_pi.words("h1"), format!("{REVISED} Messages"));
        assert_eq!(of_pi.all("[data-message-state]").len(), 50);
        assert_eq!(world.get("/messages?pi=PI-NOT").await.all("[data-message-state]").len(), 0);
        assert_eq!(world.get("/messages?before=x").await.status, 400);
    }
}

async fn waits_without_gateway(kind: Kind) {
    let world = World::without_gateway(kind).await;
    import_pair(&world);
    world.press_refresh(REVISED).await;
    deliver(&world).await;
    world.later(TimeDelta::days(2));
    let page = world.view(REVISED).await;
    assert_eq!(page.sms_statuses(), ["waiting"; 3]);
    assert!(page.words("#no-gateway").contains("no SMS gateway is set up"));
    assert!(world.get("/messages").await.words("#no-gateway").contains("Messages wait until there is one."));
    assert_eq!(messages(&world)[0].attempts, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_gateway_messages_wait_and_the_pages_say_so_sqlite() {
    waits_without_gateway(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_gateway_messages_wait_and_the_pages_say_so_postgres() {
    waits_without_gateway(Kind::Postgres).await;
}

/// Another process on the same outbox, as far as the database can tell.
async fn another_app(world: &World) -> App {
    let store = Store::open(&world.database.url).unwrap();
    let sealer = Sealer::new(&DATA_KEY, &[]).unwrap();
    let jit = jit_settings(&world.jit, Duration::from_secs(5));
    App::new(store, sealer, jit, Some(sms_settings(&world.gateway)), sync_settings(), world.app.clock.clone())
        .await
        .unwrap()
}

on_both! {
    async fn the_delivery_task_is_woken_by_a_completion_and_finishes_what_is_in_flight(world: World) {
        let delivery = world.app.notifications.start();
        world.gateway.set_latency(Duration::from_millis(100));
        import_pair(&world);
        world.press_refresh(REVISED).await;
        while world.gateway.in_flight() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        delivery.finish().await;
        assert_eq!(world.view(REVISED).await.sms_statuses(), ["sent"; 3]);
    }

    async fn several_deliveries_at_once_send_nothing_twice(world: World) {
        let people: Vec<String> = (0..200).map(|place| format!("BN-{place}")).collect();
        let people: Vec<&str> = people.iter().map(String::as_str).collect();
        paid_after(&world, &people, |_| {}).await;
        let (one, two) = (another_app(&world).await, another_app(&world).await);
        let (a, b, c) = tokio::join!(
            one.notifications.run_once(), two.notifications.run_once(), world.app.notifications.run_once()
        );
        a.and(b).and(c).unwrap();
        let mut phones: Vec<_> = world.gateway.received().into_iter().map(|sms| sms.phone).collect();
        phones.sort();
        phones.dedup();
        assert_eq!((phones.len(), world.gateway.count()), (200, 200));
        assert_eq!(states(&world), vec![MessageState::Sent; 200]);
    }
}
