use super::*;
use crate::access::Role;
use crate::domain::{LatestOutcome, Outcome, Paise, PaymentStatus};
use crate::store::instructions::InstructionId;
use chrono::TimeDelta;

pub(in crate::web::pages) const NOW: DateTime<Utc> = match DateTime::from_timestamp(1_700_000_000, 0) {
    Some(now) => now,
    None => panic!("an instant of 2023"),
};

pub(in crate::web::pages) fn admin() -> Viewer {
    Viewer {
        name: "asha".to_owned(),
        role: Role::Admin,
        language: crate::language::Language::English,
        tenant: "od".to_owned(),
        tenants: Default::default(),
        form_token: "f00d".to_owned(),
        undone: None,
        place: Default::default(),
        arrival: None,
        must_change_password: false,
        is_paused: false,
        has_second_factor: false,
        owes_second_factor: false,
        here: "/".to_owned(),
        seen_at: NOW,
    }
}

/// A revised PI that has been In Process for nine days and not been asked about.
pub(in crate::web::pages) fn revised() -> PaymentInstruction {
    let since = (NOW - TimeDelta::days(9)).naive_utc();
    PaymentInstruction {
        id: InstructionId::of_test(7),
        number: "PI-1013/2023-24/000256".to_owned(),
        tenant_id: "od.jatni".to_owned(),
        external_id: None,
        parent_number: Some("PI-1013/2023-24/000101".to_owned()),
        mukta_reference_id: None,
        status: PiStatus::InProcess,
        is_active: true,
        gross_paise: Some(Paise(65_000_000)),
        net_paise: Paise(63_763_800),
        bill_numbers: r#"["WB/2023-24/000512"]"#.to_owned(),
        head_of_account: None,
        master_allotment_id: None,
        created_at: since,
        in_process_since: Some(since),
        completed_at: None,
        completed_by: None,
        changed_at: since,
        ftps_outcome: LatestOutcome::default(),
        ftps_message: None,
        ftps_called_at: None,
        ftps_voucher_number: None,
        ftps_voucher_date: None,
        ftps_bill_reference: None,
        ftps_token_number: None,
        ftps_token_date: None,
        ftps_payment_status: None,
        lease_token: None,
        lease_until: None,
        next_attempt_at: None,
        unanswered_attempts: 0,
        cannot_ask: false,
        action_rank: Some(3),
        modified_at: None,
        told_status: None,
        error_response: None,
        unsettled_payments: 0,
        correction_due_from: None,
        wanted_at: None,
    }
}

fn answered(outcome: Outcome, message: &str) -> PaymentInstruction {
    PaymentInstruction {
        ftps_outcome: LatestOutcome(Some(outcome)),
        ftps_message: Some(message.to_owned()),
        ftps_called_at: Some(NOW.naive_utc()),
        ..revised()
    }
}

fn completed(by: CompletedBy) -> PaymentInstruction {
    PaymentInstruction {
        status: PiStatus::Completed,
        action_rank: None,
        completed_at: Some(NOW.naive_utc()),
        completed_by: Some(by),
        ftps_payment_status: Some("Paid by RBI eKuber,please check with your bank".to_owned()),
        ..answered(Outcome::Success, "On call of FTPS API: Response is received and updated successfully")
    }
}

fn original() -> PaymentInstruction {
    PaymentInstruction {
        id: InstructionId::of_test(3),
        number: "PI-1013/2023-24/000101".to_owned(),
        parent_number: None,
        status: PiStatus::Completed,
        action_rank: None,
        head_of_account: Some("221705191004807".to_owned()),
        ..revised()
    }
}

fn beneficiary(id: i64, payment_status: PaymentStatus) -> Beneficiary {
    Beneficiary {
        id,
        payment_id: format!("BN-1013/{id:06}"),
        beneficiary_id: Some(format!("IND-2023-{id:06}")),
        beneficiary_type: Some("IND".to_owned()),
        name: Some("Sabita Behera".to_owned()),
        account_last4: Some("0001".to_owned()),
        account_hash: Some("h".to_owned()),
        ifsc: Some("SBIN0000123".to_owned()),
        mobile_last4: None,
        amount_paise: Paise(21_254_600),
        payment_status,
        failure_reason: None,
        utr: None,
        utr_date: None,
        end_to_end_id: None,
        voucher_number: None,
        voucher_date: None,
        other_account_sealed: None,
        other_account_last4: None,
        other_ifsc: None,
        disputed: false,
        returned_at: None,
        told_amount_paise: None,
        paid_beneficiary_id: None,
    }
}

fn tally_of(instruction: &PaymentInstruction, beneficiaries: &[Beneficiary]) -> Tally {
    let count = |status| beneficiaries.iter().filter(|one| one.payment_status == status).count() as i64;
    Tally {
        all: beneficiaries.len() as i64,
        paid: count(PaymentStatus::Successful),
        failed: count(PaymentStatus::Failed),
        sum: instruction.net_paise,
        ..Tally::default()
    }
}

fn shown(instruction: PaymentInstruction, beneficiaries: Vec<Beneficiary>) -> Shown {
    Shown {
        masked_words_of: None,
        tally: tally_of(&instruction, &beneficiaries),
        instruction,
        advices: vec![],
        paging: Paging::of_all(&beneficiaries),
        beneficiaries,
        messages: vec![],
        calls: LatestCalls::default(),
        parent_is_known: true,
        original: Some(original()),
        revisions: vec![],
        missing: None,
        is_in_a_run: false,
        notes: vec![],
    }
}

fn around() -> Around {
    Around { has_gateway: true, is_paused: false, sign_in_paused_until: None, next_night: None, now: NOW }
}

fn rendered_for(viewer: &Viewer, shown: Shown) -> String {
    InstructionPage::new(viewer, shown, None, &around()).render().unwrap()
}

fn rendered(instruction: PaymentInstruction) -> scraper::Html {
    let people = vec![beneficiary(1, PaymentStatus::InProcess)];
    scraper::Html::parse_document(&rendered_for(&admin(), shown(instruction, people)))
}

fn text_of(page: &scraper::Html, selector: &str) -> String {
    let selector = scraper::Selector::parse(selector).unwrap();
    page.select(&selector).flat_map(|element| element.text()).collect()
}

fn attribute(page: &scraper::Html, selector: &str, name: &str) -> Option<String> {
    let selector = scraper::Selector::parse(selector).unwrap();
    page.select(&selector).next().and_then(|element| element.attr(name)).map(str::to_owned)
}

#[test]
fn the_band_tells_each_outcome_in_the_role_that_fits_it() {
    for (outcome, role) in
        [(Outcome::NoResponse, "alert"), (Outcome::Error, "alert"), (Outcome::Glitch, "alert")]
    {
        let page = rendered(answered(outcome, "On call of FTPS API: told"));
        assert_eq!(attribute(&page, "#ftps-message", "data-outcome").as_deref(), Some(outcome.as_str()));
        assert_eq!(attribute(&page, "#ftps-message", "role").as_deref(), Some(role));
        assert!(text_of(&page, "#ftps-message").contains("On call of FTPS API: told"));
        assert!(text_of(&page, "#ftps-message").contains("15/11/2023 03:43 IST"));
    }
    let page = rendered(completed(CompletedBy::Ftps));
    assert_eq!(attribute(&page, "#ftps-message", "data-outcome").as_deref(), Some("success"));
    assert_eq!(attribute(&page, "#ftps-message", "role").as_deref(), Some("status"));
    let page = rendered(revised());
    assert_eq!(attribute(&page, "#ftps-message", "data-outcome").as_deref(), Some("none"));
    assert_eq!(attribute(&page, "#ftps-message", "role").as_deref(), Some("status"));
    assert!(text_of(&page, "#ftps-message").contains("FTPS has not been asked yet"));
}

#[test]
fn an_original_has_no_band() {
    assert_eq!(attribute(&rendered(original()), "#ftps-message", "role"), None);
}

#[test]
fn markup_in_a_message_of_jits_shows_as_text() {
    let message = "On call of FTPS API: <script>alert(\"1\")</script> & more";
    let page = rendered(answered(Outcome::Error, message));
    assert!(text_of(&page, "#ftps-message").contains(message));
    assert_eq!(attribute(&page, "main script", "src"), None);
}

#[test]
fn refresh_is_offered_only_where_it_may_be_pressed() {
    let page = rendered(revised());
    let action = attribute(&page, "form#refresh", "action");
    assert_eq!(action.as_deref(), Some("/payment-instructions/PI-1013/2023-24/000256/refresh"));
    assert_eq!(text_of(&page, "form#refresh button").trim(), "Refresh");
    let inactive = PaymentInstruction { is_active: false, action_rank: None, ..revised() };
    let refused = [completed(CompletedBy::Ftps), inactive, original()];
    for page in refused.into_iter().map(rendered) {
        assert_eq!(attribute(&page, "form#refresh", "action"), None);
        assert!(!text_of(&page, "main").contains("Refresh"));
    }
    let viewer = Viewer { role: Role::Viewer, ..admin() };
    assert!(!rendered_for(&viewer, shown(revised(), vec![])).contains("id=\"refresh\""));
}

#[test]
fn the_hooks_of_the_contract_stand() {
    let page = rendered(revised());
    assert_eq!(attribute(&page, "main", "data-pi-number").as_deref(), Some("PI-1013/2023-24/000256"));
    assert_eq!(attribute(&page, "main", "data-pi-status").as_deref(), Some("In Process"));
    let row = "tr[data-payment-id='BN-1013/000001']";
    assert_eq!(attribute(&page, row, "data-payment-status").as_deref(), Some("Payment In Process"));
    assert_eq!(attribute(&page, row, "data-sms-status").as_deref(), Some("none"));
    assert_eq!(attribute(&page, row, "data-account-differs"), None);
    assert!(text_of(&page, "main").contains("₹ 6,37,638.00"));
    assert!(text_of(&page, row).contains("•••• 0001"));
}

#[test]
fn a_payment_to_another_account_says_so() {
    let one = Beneficiary {
        other_account_sealed: Some(vec![1]),
        other_account_last4: Some("9999".to_owned()),
        disputed: true,
        ..beneficiary(1, PaymentStatus::Successful)
    };
    let page = scraper::Html::parse_document(&rendered_for(
        &admin(),
        shown(completed(CompletedBy::Ftps), vec![one]),
    ));
    let row = "tr[data-payment-id='BN-1013/000001']";
    assert!(attribute(&page, row, "data-account-differs").is_some());
    assert!(text_of(&page, row).contains("account •••• 9999"));
    assert!(text_of(&page, row).contains("MUKTASoft reports this payment as failed"));
}

#[test]
fn a_failed_payment_shows_its_reason() {
    let one = Beneficiary {
        failure_reason: Some("Account closed".to_owned()),
        ..beneficiary(1, PaymentStatus::Failed)
    };
    assert!(rendered_for(&admin(), shown(original(), vec![one])).contains("Account closed"));
}

#[test]
fn what_a_revised_pi_lacks_is_taken_from_its_original_and_said_to_be() {
    let text = text_of(&rendered(revised()), "main");
    assert!(text.contains("221705191004807") && text.contains("from the original"));
}

#[test]
fn a_parent_that_is_not_known_is_not_linked() {
    let unknown = Shown { parent_is_known: false, original: None, ..shown(revised(), vec![]) };
    let page = rendered_for(&admin(), unknown);
    assert!(page.contains("PI-1013/2023-24/000101"));
    assert!(!page.contains("href=\"/payment-instructions/PI-1013/2023-24/000101\""));
}

#[test]
fn a_call_under_way_a_long_wait_and_an_inactive_one_are_said_in_words() {
    let claimed = PaymentInstruction {
        lease_token: Some("t".to_owned()),
        lease_until: Some((NOW + TimeDelta::seconds(5)).naive_utc()),
        ..revised()
    };
    assert!(text_of(&rendered(claimed), "main").contains("is being asked"));
    assert!(text_of(&rendered(revised()), "main").contains("more than 7 days"));
    let inactive = PaymentInstruction { is_active: false, action_rank: None, ..revised() };
    assert!(text_of(&rendered(inactive), "main").contains("inactive"));
}

#[test]
fn who_completed_it_and_a_doubtful_message_of_rbis_are_said_in_words() {
    let by_import = completed(CompletedBy::Muktasoft);
    assert!(
        text_of(&rendered(by_import), "main")
            .contains("MUKTASoft reported this payment instruction as completed; no SMS was sent from here.")
    );
    let page = rendered(completed(CompletedBy::Ftps));
    assert!(!text_of(&page, "main").contains("does not say"));
    let doubtful = PaymentInstruction {
        ftps_payment_status: Some("Sent to RBI".to_owned()),
        ..completed(CompletedBy::Ftps)
    };
    assert!(text_of(&rendered(doubtful), "main").contains("does not say"));
}

#[test]
fn a_notice_is_one_of_two_fixed_texts() {
    assert_eq!(Notice::named(Some("busy"), None), Some(Notice::Busy));
    assert_eq!(Notice::named(Some("not-waiting"), None), Some(Notice::NotWaiting));
    assert_eq!(Notice::named(Some("paused"), None), Some(Notice::Paused(None)));
    assert_eq!(Notice::named(Some("<script>"), None), None);
    let told = |instruction, notice| {
        let page = InstructionPage::new(&admin(), shown(instruction, vec![]), Some(notice), &around());
        text_of(&scraper::Html::parse_document(&page.render().unwrap()), "#notice")
    };
    assert!(told(revised(), "busy").contains("another call on this payment instruction is under way"));
    // Refresh, pressed on a page that was old: what had happened meanwhile is said, and nothing else.
    assert!(
        told(completed(CompletedBy::Ftps), "not-waiting").contains("it had reported the payments already")
    );
    assert!(told(completed(CompletedBy::Muktasoft), "not-waiting").contains("MUKTASoft had reported it"));
    assert!(told(original(), "not-waiting").contains("only an active revised payment instruction"));
}

#[test]
fn the_state_of_the_sms_stands_beside_each_beneficiary() {
    use crate::web::pages::messages::tests::message;
    let people = (1..=3).map(|id| beneficiary(id, PaymentStatus::Successful)).collect();
    let messages = vec![message(1, MessageState::Sent), message(2, MessageState::Sending)];
    let text = rendered_for(&admin(), Shown { messages, ..shown(completed(CompletedBy::Ftps), people) });
    let page = scraper::Html::parse_document(&text);
    for (id, state) in [(1, "sent"), (2, "waiting"), (3, "none")] {
        let row = format!("tr[data-payment-id='BN-1013/00000{id}']");
        assert_eq!(attribute(&page, &row, "data-sms-status").as_deref(), Some(state));
    }
    let sent = text_of(&page, "tr[data-payment-id='BN-1013/000001']");
    assert!(sent.contains("Accepted by the gateway on 15/11/2023 03:43 IST"), "{sent}");
    assert!(text.contains("/messages?pi=PI-1013%2F2023-24%2F000256"));
    assert!(!text.contains("SMS_GATEWAY_URL"));
}

/// What the time line of a PI that FTPS completed says of these messages, without its instants; only
/// one of the beneficiaries is shown.
fn time_line(messages: Vec<OutboxMessage>) -> Vec<String> {
    let people = vec![beneficiary(1, PaymentStatus::Successful)];
    let shown = Shown {
        messages,
        ..shown(PaymentInstruction { in_process_since: None, ..completed(CompletedBy::Ftps) }, people)
    };
    let page = scraper::Html::parse_document(&rendered_for(&admin(), shown));
    let [step, parts] = [".timeline li", "b, .note"].map(|css| scraper::Selector::parse(css).unwrap());
    page.select(&step)
        .map(|step| step.select(&parts).flat_map(|part| part.text()).collect::<Vec<_>>().join(" | "))
        .collect()
}

fn messages_in(states: &[(MessageState, i64)]) -> Vec<OutboxMessage> {
    use crate::web::pages::messages::tests::message;
    let each = states.iter().flat_map(|(state, many)| (0..*many).map(|_| *state));
    (1..).zip(each).map(|(id, state)| message(id, state)).collect()
}

#[test]
fn the_time_line_tells_of_the_sms_in_few_words_be_they_one_or_two_thousand() {
    use MessageState::{Failed, Sending, Sent, Unknown, Waiting};
    let told = |states: &[(MessageState, i64)]| time_line(messages_in(states));
    assert_eq!(told(&[]), ["Completed | by FTPS"]);
    assert_eq!(told(&[(Sent, 1)]), ["Completed | by FTPS", "SMS accepted by the gateway"]);
    assert_eq!(told(&[(Failed, 1)]), ["Completed | by FTPS", "SMS failed"]);
    assert_eq!(told(&[(Sending, 1)]), ["Completed | by FTPS | SMS waiting"]);
    assert_eq!(told(&[(Waiting, 10)]), ["Completed | by FTPS | SMS waiting: all 10"]);
    assert_eq!(told(&[(Sent, 10)])[1..], ["SMS accepted by the gateway | all 10"]);
    let mixed = [(Sent, 1970), (Failed, 9), (Unknown, 6), (Waiting, 11), (Sending, 4)];
    assert_eq!(
        told(&mixed)[1..],
        [
            "SMS accepted by the gateway | 1,970 of 2,000",
            "SMS failed | 9 of 2,000",
            "SMS: not known whether sent | 6 of 2,000 | SMS waiting: 15 of 2,000",
        ]
    );
}

#[test]
fn news_of_the_sms_stands_at_its_latest_instant_and_leads_to_the_messages() {
    let mut messages =
        messages_in(&[(MessageState::Sent, 2), (MessageState::Failed, 2), (MessageState::Waiting, 1)]);
    let later = |minutes| (NOW + TimeDelta::minutes(minutes)).naive_utc();
    messages[0].sent_at = Some(later(9));
    messages[1].sent_at = Some(later(4));
    messages[2].changed_at = later(2);
    messages[3].changed_at = later(3);
    assert_eq!(
        time_line(messages.clone())[1..],
        ["SMS failed | 2 of 5", "SMS accepted by the gateway | 2 of 5 | SMS waiting: 1 of 5"]
    );
    let page = rendered_for(&admin(), Shown { messages, ..shown(completed(CompletedBy::Ftps), vec![]) });
    let page = scraper::Html::parse_document(&page);
    let failed = ".timeline .bad:nth-last-child(2)";
    assert!(text_of(&page, failed).contains("15/11/2023 03:46 IST"), "{}", text_of(&page, failed));
    assert!(text_of(&page, ".timeline .good:last-child").contains("15/11/2023 03:52 IST"));
    for way in [&format!("{failed} b a"), ".timeline li:last-child b a", ".timeline li:last-child .note a"] {
        let leads = attribute(&page, way, "href");
        assert_eq!(leads.as_deref(), Some("/messages?pi=PI-1013%2F2023-24%2F000256"), "{way}");
    }
}
