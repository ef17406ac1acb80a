//! The outbox: nothing is sent twice by itself, and what a person has sent again is written down.

use std::time::Duration;

use chrono::TimeDelta;
use mukta_ftps::domain::{MessageEventKind, MessageState};
use mukta_ftps::simulator::sms::SmsScenario;
use mukta_ftps::store::outbox;
use mukta_ftps::store::outbox::by_hand::{self, Seen};
use mukta_ftps::store::outbox::desk::{self, Count, Counts, Standing, Wanted};
use mukta_ftps::store::outbox::listing;
use mukta_ftps::store::outbox::sending::{self, Attempted, Claimed, Fate};
use mukta_ftps::store::recorder::Recordable as _;
use mukta_ftps::store::scope::Scope;

use crate::support::{ORIGINAL, PEOPLE, REVISED, World, on_both, pair, payment_ids};

on_both!(
    no_more_than_so_many_are_in_flight,
    a_person_has_failed_and_unknown_messages_sent_again_and_is_named,
    another_town_neither_sees_nor_resends_a_message,
    a_message_whose_sender_died_becomes_unknown_and_is_never_sent_again_by_itself,
    a_sure_answer_that_comes_late_counts_unless_a_person_was_faster,
    an_outcome_recorded_twice_makes_no_second_message,
    the_events_are_append_only,
    the_delivery_task_is_woken_by_a_completion_and_finishes_what_is_in_flight,
    several_deliveries_at_once_send_nothing_twice,
);

pub(crate) fn states(world: &World) -> Vec<MessageState> {
    world.messages().iter().map(|message| message.state).collect()
}

pub(crate) fn events(world: &World, id: i64) -> Vec<(MessageEventKind, Option<String>, bool)> {
    let events = world.read(|db| {
        let messages = listing::find(db, &Scope::of("od"), &[id])?;
        listing::events_of(db, &messages)
    });
    events.into_iter().map(|event| (event.what, event.person, event.applied)).collect()
}

/// Claims as another process would, one that then dies or is slow.
pub(crate) fn claim(world: &World, seconds: i64) -> Vec<Claimed> {
    let now = world.app.clock.now().naive_utc();
    let until = now + TimeDelta::seconds(seconds);
    let sealer = &world.app.sealer;
    world.write(|db| sending::claim(db, sealer, now, until, 10)).messages
}

pub(crate) fn record(world: &World, claimed: &Claimed, fate: Fate) -> bool {
    let attempted = Attempted {
        lease: claimed.lease.clone(),
        attempt: claimed.attempt,
        fate,
        cause: None,
        answer: None,
        at: world.app.clock.now().naive_utc(),
    };
    world.write(|db| attempted.store(db))
}

async fn no_more_than_so_many_are_in_flight(world: World) {
    world.pay(&pair(&payment_ids(30))).await;
    world.gateway.set_latency(Duration::from_millis(20));
    world.deliver().await;
    assert_eq!(world.gateway.count(), 30);
    assert_eq!(world.gateway.max_in_flight(), 4);
}

async fn a_person_has_failed_and_unknown_messages_sent_again_and_is_named(world: World) {
    world.gateway.script("7550010000", vec![SmsScenario::Refused, SmsScenario::Accepted]);
    world.gateway.script("7550010001", vec![SmsScenario::Http502, SmsScenario::Accepted]);
    world.pay(&pair(PEOPLE)).await;
    world.deliver().await;
    use MessageState::{Failed, Sent, Unknown, Waiting};
    assert_eq!(states(&world), [Failed, Unknown, Sent]);
    let ids: Vec<String> = world.messages().iter().map(|message| message.id.to_string()).collect();

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

    let fields: Vec<_> = asked
        .all("form#resend input")
        .iter()
        .map(|i| (i.attr("name").unwrap().to_owned(), i.attr("value").unwrap().to_owned()))
        .collect();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let page = world.post(&asked.attr("form#resend", "action"), &fields).await;
    assert_eq!(page.words("#notice"), "2 messages will be sent again.");
    assert_eq!(states(&world), [Waiting, Waiting, Sent]);
    world.deliver().await;
    assert_eq!(states(&world), [Sent, Sent, Sent]);
    assert_eq!(world.gateway.count(), 5);
    let message = &world.messages()[1];
    assert_eq!(message.attempts, 2);
    use MessageEventKind as Kind;
    assert_eq!(
        events(&world, message.id),
        [
            (Kind::Unknown, None, true),
            (Kind::Resend, Some("asha".to_owned()), true),
            (Kind::Sent, None, true)
        ]
    );
    assert!(world.get("/messages").await.text.contains("sent again by asha"));
    assert_eq!(world.post("/messages/4711/resend", &[]).await.status, 404);
    assert_eq!(world.get("/messages/x/resend").await.status, 404);
}

async fn another_town_neither_sees_nor_resends_a_message(world: World) {
    world.gateway.otherwise(SmsScenario::Refused);
    world.pay(&pair(PEOPLE)).await;
    world.deliver().await;
    let ids: Vec<i64> = world.messages().iter().map(|message| message.id).collect();
    let seen: Vec<Seen> =
        ids.iter().map(|&id| Seen { id, state: MessageState::Failed, attempts: 1 }).collect();
    let (other, own) = (Scope::of("od.dhenkanal"), Scope::of("od.jatni"));
    let now = world.app.clock.now().naive_utc();
    let sealer = &world.app.sealer;
    world.write(|db| {
        let all = Wanted::default();
        let looked = desk::look(db, &other, &all, None, now, 10)?;
        assert!(looked.messages.is_empty() && !looked.has_more);
        assert_eq!(looked.counts.of_standing(Standing::Any), Count::default());
        assert!(desk::all(db, &other, &all)?.is_empty());
        assert!(listing::find(db, &other, &ids)?.is_empty());
        for text in ["Sabita", PEOPLE[0], REVISED] {
            let looked_for = Wanted { text: Some(text.to_owned()), ..Wanted::default() };
            assert!(desk::all(db, &other, &looked_for)?.is_empty(), "{text}");
            assert!(!desk::all(db, &own, &looked_for)?.is_empty(), "{text}");
        }
        assert_eq!(by_hand::resend(db, sealer, &other, &seen, "asha", now)?.sent, 0);
        assert_eq!(by_hand::settle(db, &other, &ids, &[], "asha", "told", now)?.settled, 0);
        let mut of = |number: &str| {
            let wanted = Wanted { number: Some(number.to_owned()), ..Wanted::default() };
            Ok::<_, mukta_ftps::store::StoreError>(desk::look(db, &own, &wanted, None, now, 10)?.counts)
        };
        let failed = Standing::State(MessageState::Failed);
        assert_eq!(of(REVISED)?.of_standing(failed), Count { number: 3, and_more: false });
        assert_eq!(of(ORIGINAL)?, Counts::default());
        assert_eq!(by_hand::resend(db, sealer, &own, &seen, "asha", now)?.sent, 3);
        Ok(())
    });
}

async fn a_message_whose_sender_died_becomes_unknown_and_is_never_sent_again_by_itself(world: World) {
    world.pay(&pair(PEOPLE)).await;
    assert_eq!(claim(&world, 20).len(), 3);
    assert_eq!(world.view(REVISED).await.sms_statuses(), ["waiting"; 3], "being sent shows as waiting");
    assert_eq!(world.get("/messages?state=waiting").await.all("[data-message-state='waiting']").len(), 3);
    world.deliver().await;
    world.later(TimeDelta::seconds(21));
    world.deliver().await;
    world.later(TimeDelta::days(10));
    world.deliver().await;
    assert_eq!(world.gateway.count(), 0);
    let page = world.view(REVISED).await;
    assert_eq!(page.sms_statuses(), ["unknown"; 3]);
    assert!(page.text.contains("The program stopped while it was sending this message"));
    assert_eq!(events(&world, world.messages()[0].id), [(MessageEventKind::Unknown, None, true)]);
}

async fn a_sure_answer_that_comes_late_counts_unless_a_person_was_faster(world: World) {
    world.pay(&pair(PEOPLE)).await;
    let claimed = claim(&world, 20);
    world.later(TimeDelta::seconds(21));
    world.deliver().await;
    assert_eq!(states(&world), [MessageState::Unknown; 3]);
    assert!(record(&world, &claimed[0], Fate::Sent));
    let id = world.messages()[1].id;
    world.send_again(id).await;
    assert!(!record(&world, &claimed[1], Fate::Sent), "a person had it sent again");
    world.deliver().await;
    assert!(!record(&world, &claimed[1], Fate::Failed));
    assert_eq!(states(&world), [MessageState::Sent, MessageState::Sent, MessageState::Unknown]);
    assert_eq!(world.gateway.count(), 1);
    let stored = events(&world, id);
    assert_eq!(stored.len(), 5, "what was not applied is kept too: {stored:?}");
}

async fn an_outcome_recorded_twice_makes_no_second_message(world: World) {
    world.import_pair(PEOPLE);
    world.press_refresh(REVISED).await;
    let now = world.app.clock.now().naive_utc();
    let id = world.stored(REVISED).id;
    let paid: Vec<_> = world.messages().iter().map(|message| (message.beneficiary_id, None)).collect();
    world.write(|db| outbox::enqueue(db, &world.app.sealer, id, &paid, now));
    assert_eq!(world.messages().len(), 3);
}

async fn the_events_are_append_only(world: World) {
    world.pay(&pair(PEOPLE)).await;
    world.deliver().await;
    for statement in ["UPDATE outbox_events SET cause = 'x'", "DELETE FROM outbox_events"] {
        let refused = world.database.try_to_execute(statement);
        assert!(refused.unwrap_err().to_string().contains("append-only"), "{statement}");
    }
}

async fn the_delivery_task_is_woken_by_a_completion_and_finishes_what_is_in_flight(world: World) {
    let delivery = world.app.notifications.start();
    world.gateway.set_latency(Duration::from_secs(1));
    world.import_pair(PEOPLE);
    world.press_refresh(REVISED).await;
    world.until(|| world.gateway.max_in_flight() > 0).await;
    delivery.finish(Duration::from_secs(30)).await;
    assert_eq!(world.view(REVISED).await.sms_statuses(), ["sent"; 3]);
}

async fn several_deliveries_at_once_send_nothing_twice(world: World) {
    world.pay(&pair(&payment_ids(200))).await;
    let (one, two) = (world.another_app().await, world.another_app().await);
    let (a, b, c) = tokio::join!(
        one.notifications.run_once(),
        two.notifications.run_once(),
        world.app.notifications.run_once()
    );
    a.and(b).and(c).unwrap();
    let mut phones: Vec<_> = world.gateway.received().into_iter().map(|sms| sms.phone).collect();
    phones.sort();
    phones.dedup();
    assert_eq!((phones.len(), world.gateway.count()), (200, 200));
    assert_eq!(states(&world), vec![MessageState::Sent; 200]);
}
