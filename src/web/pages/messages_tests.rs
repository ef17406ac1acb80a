use super::*;
use crate::access::Role;
use crate::domain::{MessageEventKind, MessageReason, Paise, PaymentStatus};
use crate::store::outbox::listing::OutboxMessage;
use crate::web::pages::instruction::tests::{NOW, admin};
use chrono::TimeDelta;

pub(in crate::web::pages) fn message(id: i64, state: MessageState) -> OutboxMessage {
    let entered = NOW.naive_utc() - TimeDelta::hours(1);
    OutboxMessage {
        id,
        number: "PI-1013/2023-24/000256".to_owned(),
        beneficiary_id: id,
        payment_id: format!("BN-1013/{id:06}"),
        name: Some("Sabita <b>Behera</b>".to_owned()),
        mobile_last4: Some("2345".to_owned()),
        amount_paise: Paise(123_050),
        utr: "SBIN00000001".to_owned(),
        payment_status: PaymentStatus::Successful,
        state,
        reason: MessageReason::ALL.iter().find(|reason| reason.state() == state).copied(),
        attempts: 1,
        next_attempt_at: (state == MessageState::Waiting).then_some(entered + TimeDelta::hours(2)),
        last_error: (state != MessageState::Sent).then(|| "The gateway refused the message.".to_owned()),
        gateway_answer: Some("<script>alert(1)</script>".to_owned()),
        created_at: entered,
        sent_at: (state == MessageState::Sent).then_some(NOW.naive_utc()),
        changed_at: NOW.naive_utc(),
    }
}

fn event(what: MessageEventKind, person: Option<&str>, applied: bool) -> MessageEvent {
    MessageEvent {
        message_id: 1,
        happened_at: NOW.naive_utc(),
        what,
        attempt: 2,
        cause: None,
        gateway_answer: None,
        erased: None,
        person: person.map(str::to_owned),
        note: None,
        applied,
    }
}

fn rendered(viewer: &Viewer, messages: Vec<OutboxMessage>, has_gateway: bool) -> String {
    let shown =
        Shown { looked: Looked { messages, ..Looked::default() }, events: vec![], ..Shown::default() };
    MessagesPage::new(viewer, Asked::default(), shown, Told::default(), has_gateway, NOW).render().unwrap()
}

#[test]
fn a_row_shows_what_became_of_a_message_and_no_more_than_four_digits() {
    let page = rendered(&admin(), vec![message(1, MessageState::Failed)], true);
    assert!(page.contains(r#"data-payment-id="BN-1013/000001" data-message-state="failed""#), "{page}");
    assert!(page.contains("•••• 2345") && page.contains("₹ 1,230.50"));
    assert!(page.contains("The gateway refused the message."));
    assert!(page.contains(r#"href="/payment-instructions/PI-1013/2023-24/000256""#));
    assert!(!page.contains("<script>alert") && !page.contains("<b>Behera"));
}

#[test]
fn a_message_being_sent_shows_as_waiting() {
    let page = rendered(&admin(), vec![message(1, MessageState::Sending)], true);
    assert!(page.contains(r#"data-message-state="waiting""#) && !page.contains("sending"));
}

#[test]
fn only_failed_unknown_and_held_ones_are_offered_to_be_sent_or_settled_and_not_to_a_viewer() {
    let all: Vec<_> = MessageState::ALL.iter().zip(1..).map(|(state, id)| message(id, *state)).collect();
    let page = rendered(&admin(), all.clone(), true);
    assert_eq!(page.matches(r#"name="id""#).count(), 3);
    // Each form names the attempt it saw.
    assert_eq!(page.matches(r#"name="attempt-4" value="1-failed""#).count(), 2);
    // Of an unknown or held one it is asked first.
    assert_eq!(page.matches(r#"<form method="post" action="/messages/"#).count(), 1);
    for id in [5, 6] {
        assert_eq!(page.matches(&format!(r#"<a href="/messages/{id}/resend">"#)).count(), 1);
    }
    for id in [4, 5, 6] {
        assert_eq!(page.matches(&format!(r#"<a href="/messages/{id}/settle">"#)).count(), 1);
    }
    let page = rendered(&Viewer { role: Role::Viewer, ..admin() }, all, true);
    assert!(!page.contains("/resend") && !page.contains("/settle") && !page.contains("checkbox"));
}

#[test]
fn what_waits_for_more_than_a_day_is_late() {
    let old = OutboxMessage {
        created_at: NOW.naive_utc() - TimeDelta::hours(25),
        ..message(1, MessageState::Waiting)
    };
    assert!(rendered(&admin(), vec![old.clone()], true).contains("data-late"));
    assert!(!rendered(&admin(), vec![message(1, MessageState::Waiting)], true).contains("data-late"));
    let sent = OutboxMessage { state: MessageState::Sent, ..old };
    assert!(!rendered(&admin(), vec![sent], true).contains("data-late"));
}

#[test]
fn without_a_gateway_the_page_says_so_and_promises_no_attempt() {
    let page = rendered(&admin(), vec![message(1, MessageState::Waiting)], false);
    assert!(page.contains("no SMS gateway is set up") && !page.contains("Next attempt"));
    let page = rendered(&admin(), vec![message(1, MessageState::Waiting)], true);
    assert!(!page.contains("SMS_GATEWAY_URL") && page.contains("Next attempt"));
}

#[test]
fn a_line_of_the_history_says_what_happened_and_by_whom() {
    let line = |what, person, applied| row::event_line(&event(what, person, applied)).english();
    assert_eq!(
        line(MessageEventKind::Resend, Some("asha"), true),
        "15/11/2023 03:43 IST: sent again by asha"
    );
    assert_eq!(
        line(MessageEventKind::Sent, None, false),
        "15/11/2023 03:43 IST: attempt 2: accepted by the gateway (after a person had already sent or settled it)"
    );
}

#[test]
fn the_text_is_shown_as_the_person_reads_it_and_the_gateway_s_own_answer_to_administrators() {
    let answered = OutboxMessage {
        gateway_answer: Some(r#"{"success":false,"status":0,"message":"No credit <left>"}"#.to_owned()),
        ..message(1, MessageState::Failed)
    };
    let page = rendered(&admin(), vec![answered.clone()], true);
    assert!(page.contains("Payment of Rs. 1230.50 for MUKTA, transaction SBIN00000001 is made to"), "{page}");
    assert!(page.contains("“No credit &#60;left&#62;”") && page.contains("&#34;success&#34;:false"));
    let page = rendered(&Viewer { role: Role::Accountant, ..admin() }, vec![answered], true);
    assert!(page.contains("“No credit &#60;left&#62;”") && !page.contains("&#34;success&#34;"));
}

#[test]
fn a_notice_stands_where_the_message_stood() {
    let told = |at| {
        let messages = vec![message(9, MessageState::Failed), message(5, MessageState::Failed)];
        let shown =
            Shown { looked: Looked { messages, ..Looked::default() }, events: vec![], ..Shown::default() };
        let told = Told { notice: Some(Notice::NoneMarked), at };
        let page = MessagesPage::new(&admin(), Asked::default(), shown, told, true, NOW).render().unwrap();
        assert_eq!(page.matches(r#"id="notice""#).count(), 1);
        let before = page.split(r#"id="notice""#).next().unwrap().to_owned();
        before.matches("data-message-state").count()
    };
    assert_eq!([None, Some(9), Some(7), Some(5), Some(1)].map(told), [0, 0, 1, 1, 2]);
}

#[test]
fn the_messages_of_an_instruction_have_their_address() {
    assert_eq!(link_of("PI-1/2 & 3"), "/messages?pi=PI-1%2F2%20%26%203");
}
