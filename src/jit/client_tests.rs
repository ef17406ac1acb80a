use std::time::Duration;

use super::*;
use crate::domain::BillToAsk;
use crate::domain::{AskedBeneficiary, AskedInstruction, Decision, Outcome, Paise, decide};
use crate::jit::PublicKey;
use crate::outgoing::tls_front::TlsFront;
use crate::simulator::http::{Action, HttpSimulator};
use crate::simulator::jit::{
    JitSimulator, JitSimulatorOptions, KnownBeneficiary, KnownInstruction, Scenario, SignIn,
};
use chrono::{FixedOffset, TimeDelta, TimeZone};
use futures_util::future::join_all;

const NUMBER: &str = "PI-1013/2023-24/000256";

fn numbered(number: &str) -> BillToAsk {
    BillToAsk {
        number: number.to_owned(),
        date: chrono::Utc.with_ymd_and_hms(2023, 11, 5, 1, 2, 3).unwrap(),
        original_reference: "202211033261".to_owned(),
        original_number: "PI-1013/2023-24/000201".to_owned(),
        original_date: chrono::Utc.with_ymd_and_hms(2023, 10, 5, 1, 2, 3).unwrap(),
    }
}

fn known(number: &str) -> KnownInstruction {
    let one = |id: &str| KnownBeneficiary {
        payment_id: id.to_owned(),
        account: Some("30180123456".to_owned()),
        ifsc: Some("SBIN0000123".to_owned()),
    };
    KnownInstruction { number: number.to_owned(), beneficiaries: vec![one("BN-1/1"), one("BN-1/2")] }
}

fn asked(number: &str) -> AskedInstruction {
    let beneficiaries = known(number)
        .beneficiaries
        .into_iter()
        .zip(1..)
        .map(|(one, id)| AskedBeneficiary {
            id,
            payment_id: one.payment_id.to_lowercase(),
            account: one.account,
            ifsc: one.ifsc,
            person_id: None,
            amount: Paise(100),
        })
        .collect();
    AskedInstruction { number: number.to_owned(), beneficiaries }
}

async fn simulator(options: JitSimulatorOptions) -> JitSimulator {
    let jit = JitSimulator::start(options).await.unwrap();
    jit.know(known(NUMBER));
    jit
}

fn config(jit: &JitSimulator) -> JitConfig {
    JitConfig {
        base_url: jit.base_url().parse().unwrap(),
        client_id: jit.client_id().to_owned(),
        client_secret: jit.client_secret().to_owned(),
        public_key: PublicKey::parse(jit.public_key_der()).unwrap(),
        timeout: Duration::from_secs(5),
        extra_roots: Vec::new(),
        session_lifetime: Duration::from_secs(1800),
        department: "MUKTA".to_owned(),
        date_offset: FixedOffset::east_opt(0).unwrap(),
        date_format: "%Y-%m-%d %H:%M:%S".to_owned(),
    }
}

fn client(jit: &JitSimulator) -> JitClient {
    JitClient::new(config(jit), Clock::system()).unwrap()
}

fn impatient(jit: &JitSimulator, timeout: Duration) -> JitClient {
    JitClient::new(JitConfig { timeout, ..config(jit) }, Clock::system()).unwrap()
}

/// A client and the hands of its clock.
fn client_with_clock(config: JitConfig) -> (JitClient, Arc<std::sync::Mutex<DateTime<Utc>>>) {
    let now = Arc::new(std::sync::Mutex::new(DateTime::UNIX_EPOCH));
    let hands = Arc::clone(&now);
    (JitClient::new(config, Clock::of(move || *now.lock().unwrap())).unwrap(), hands)
}

fn described(exchange: &Exchange) -> String {
    match &exchange.reply {
        Reply::Unusable(glitch) => glitch.to_string(),
        other => panic!("{other:?}"),
    }
}

fn is_nothing(exchange: &Exchange) -> bool {
    matches!(&exchange.reply, Reply::Nothing { cause } if !cause.is_empty())
}

#[tokio::test]
async fn every_scenario_comes_to_its_class() {
    let jit = simulator(JitSimulatorOptions { slow: Duration::from_millis(20), ..Default::default() }).await;
    let (client, now) = client_with_clock(JitConfig { timeout: Duration::from_secs(2), ..config(&jit) });
    for (scenario, word, _) in Scenario::ALL {
        *now.lock().unwrap() += TimeDelta::hours(2);
        jit.script(NUMBER, vec![scenario.clone()]);
        let exchange = client.ask(&numbered(NUMBER)).await.unwrap();
        let decision = decide(&asked(NUMBER), &exchange.reply);
        let expected = match scenario {
            Scenario::Paid
            | Scenario::SeveralEntries
            | Scenario::OtherAccount
            | Scenario::OddPaymentStatus
            | Scenario::LostSession
            | Scenario::Slow => Outcome::Success,
            Scenario::Error(_) | Scenario::ErrorList | Scenario::LostSessionOk => Outcome::Error,
            Scenario::EmptyBody
            | Scenario::EmptyData
            | Scenario::TimeOut
            | Scenario::Reset
            | Scenario::Truncated => Outcome::NoResponse,
            _ => Outcome::Glitch,
        };
        assert_eq!(decision.outcome(), expected, "{word}: {exchange:?}");
        assert!(exchange.contact != Contact::Unreachable, "{word}");
        if expected == Outcome::Glitch {
            let message = decision.message();
            assert!(message.ends_with('.') && !message.contains("http"), "{word}: {message}");
        }
    }
}

#[tokio::test]
async fn a_paid_reply_is_the_same_however_jit_spells_it() {
    let jit = simulator(JitSimulatorOptions::default()).await;
    let client = client(&jit);
    let mut payments = Vec::new();
    for _ in 0..4 {
        let exchange = client.ask(&numbered(NUMBER)).await.unwrap();
        assert_eq!(exchange.http_status, Some(200));
        assert_eq!(exchange.request, client.request_json(&numbered(NUMBER)));
        assert!(exchange.response.unwrap().starts_with(r#"{"serviceId":"FTPS ""#));
        match decide(&asked(NUMBER), &exchange.reply) {
            Decision::Success(mut payment) => {
                payment.token_number = payment.token_number.map(|n| n.trim_start_matches('0').to_owned());
                payments.push(payment);
            }
            other => panic!("{other:?}"),
        }
    }
    payments.dedup();
    assert_eq!(payments.len(), 1);
    assert!(payments[0].voucher_number.is_some());
    assert_eq!(jit.calls()[0].request, client.request_json(&numbered(NUMBER)));
    assert_eq!(jit.calls()[0].number, NUMBER);
}

#[tokio::test]
async fn descriptions_say_what_is_wrong() {
    let jit = simulator(JitSimulatorOptions::default()).await;
    let client = client(&jit);
    for (scenario, description, status, response) in [
        (
            Scenario::Http500,
            "JIT answered with HTTP status 500 (Internal Server Error).",
            500,
            Some("<html>"),
        ),
        (Scenario::Redirect, "JIT answered with HTTP status 302 (Found).", 302, Some("")),
        (Scenario::TooLarge, "JIT's reply is larger than 8 MiB and was not read.", 200, None),
        (Scenario::Garbage, "JIT's reply is not written as agreed, so it cannot be read.", 200, Some("<!--")),
        (Scenario::NotEncryptedRight, "JIT's reply could not be decrypted.", 200, Some("bm9p")),
        (Scenario::NotJson, "JIT's reply is something else than data.", 200, Some("Please")),
        (Scenario::AlwaysLostSession, "JIT ended our session at once, twice in a row.", 500, Some("{")),
    ] {
        jit.script(NUMBER, vec![scenario]);
        let exchange = client.ask(&numbered(NUMBER)).await.unwrap();
        assert_eq!(described(&exchange), description);
        assert_eq!(exchange.http_status, Some(status));
        match response {
            Some(start) => assert!(exchange.response.unwrap().starts_with(start)),
            None => assert_eq!(exchange.response, None),
        }
    }
}

#[tokio::test]
async fn many_calls_share_one_session() {
    let jit =
        simulator(JitSimulatorOptions { latency: Duration::from_millis(20), ..Default::default() }).await;
    let client = client(&jit);
    let bills: Vec<_> = (0..50).map(|n| numbered(&format!("PI-{n}"))).collect();
    for bill in &bills {
        jit.know(known(&bill.number));
    }
    for exchange in join_all(bills.iter().map(|bill| client.ask(bill))).await {
        let exchange = exchange.unwrap();
        assert!(matches!(exchange.reply, Reply::Answered(_)), "{exchange:?}");
    }
    assert_eq!(jit.authentications(), 1);

    jit.expire_sessions();
    for exchange in join_all(bills.iter().map(|bill| client.ask(bill))).await {
        let exchange = exchange.unwrap();
        assert!(matches!(exchange.reply, Reply::Answered(_)), "{exchange:?}");
    }
    assert_eq!(jit.authentications(), 2, "a dead session is renewed once");
    assert_eq!(jit.calls_received(), 100);
    assert!(jit.max_in_flight() > 1);
    assert_eq!(jit.max_in_flight_of("PI-7"), 1);
}

#[tokio::test]
async fn the_simulator_counts_calls_until_their_client_leaves() {
    let jit = simulator(JitSimulatorOptions::default()).await;
    jit.script(NUMBER, vec![Scenario::TimeOut]);
    let client = impatient(&jit, Duration::from_millis(500));
    let bill = numbered(NUMBER);
    let both = join_all([client.ask(&bill), client.ask(&bill)]).await;
    assert!(both.iter().all(|exchange| is_nothing(exchange.as_ref().unwrap())));
    assert_eq!(jit.max_in_flight_of(NUMBER), 2);
    client.ask(&bill).await.unwrap();
    assert_eq!(jit.max_in_flight(), 2, "those that left are no longer under way");
}

#[tokio::test]
async fn a_session_is_renewed_before_it_ends() {
    let lifetime = Duration::from_millis(1500);
    let jit = simulator(JitSimulatorOptions { session_lifetime: lifetime, ..Default::default() }).await;
    let client =
        JitClient::new(JitConfig { session_lifetime: lifetime, ..config(&jit) }, Clock::system()).unwrap();
    client.ask(&numbered(NUMBER)).await.unwrap();
    client.ask(&numbered(NUMBER)).await.unwrap();
    assert_eq!(jit.authentications(), 1);
    tokio::time::sleep(Duration::from_millis(1400)).await;
    client.ask(&numbered(NUMBER)).await.unwrap();
    assert_eq!(jit.authentications(), 2);
}

#[tokio::test]
async fn a_lost_session_is_made_anew_once_and_the_call_repeated() {
    let jit = simulator(JitSimulatorOptions::default()).await;
    let client = client(&jit);
    jit.script(NUMBER, vec![Scenario::LostSession, Scenario::Paid]);
    assert!(matches!(client.ask(&numbered(NUMBER)).await.unwrap().reply, Reply::Answered(_)));
    assert_eq!((jit.authentications(), jit.calls_received()), (2, 2));
    jit.script(NUMBER, vec![Scenario::AlwaysLostSession]);
    client.ask(&numbered(NUMBER)).await.unwrap();
    assert_eq!((jit.authentications(), jit.calls_received()), (3, 4));
}

#[tokio::test]
async fn what_goes_wrong_at_signing_in_is_classified_too() {
    let jit = simulator(JitSimulatorOptions::default()).await;
    let (client, now) = client_with_clock(JitConfig { timeout: Duration::from_millis(500), ..config(&jit) });
    let later = || *now.lock().unwrap() += TimeDelta::hours(1);
    jit.sign_in(SignIn::Refuse);
    let exchange = client.ask(&numbered(NUMBER)).await.unwrap();
    assert_eq!(
        described(&exchange),
        "JIT did not let us sign in: it answered with HTTP status 401 (Unauthorized)."
    );
    assert_eq!((exchange.http_status, exchange.response.as_deref()), (Some(401), None));
    assert_eq!(exchange.request, client.request_json(&numbered(NUMBER)));
    later();
    jit.sign_in(SignIn::Garbage);
    assert_eq!(
        described(&client.ask(&numbered(NUMBER)).await.unwrap()),
        "JIT's answer to our sign-in could not be understood."
    );
    later();
    for how in [SignIn::Empty, SignIn::Reset, SignIn::TimeOut] {
        jit.sign_in(how);
        let exchange = client.ask(&numbered(NUMBER)).await.unwrap();
        assert!(is_nothing(&exchange) && exchange.contact != Contact::Unreachable, "{how:?}: {exchange:?}");
    }
    jit.sign_in(SignIn::Accept);
    assert!(matches!(client.ask(&numbered(NUMBER)).await.unwrap().reply, Reply::Answered(_)));

    let mut wrong = config(&jit);
    wrong.client_secret = "another secret".to_owned();
    let exchange = JitClient::new(wrong, Clock::system()).unwrap().ask(&numbered(NUMBER)).await.unwrap();
    assert!(described(&exchange).contains("401"));
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_unreachable() {
    let jit = simulator(JitSimulatorOptions::default()).await;
    let gone = client(&jit);
    let here = gone.clone();
    here.ask(&numbered(NUMBER)).await.unwrap();
    drop(jit);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let exchange = gone.ask(&numbered(NUMBER)).await.unwrap();
    assert!(is_nothing(&exchange) && exchange.contact == Contact::Unreachable, "{exchange:?}");
    match exchange.reply {
        Reply::Nothing { cause } => {
            assert!(!cause.contains("127.0.0.1/") && !cause.contains("http://"), "{cause}")
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_refused_sign_in_is_the_glitch_of_one_and_the_others_wait_unasked() {
    let tries = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    let server = HttpSimulator::start(([127, 0, 0, 1], 0).into(), move |_| {
        counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Action::respond(503, "down")
        }
    })
    .await
    .unwrap();
    let jit = simulator(JitSimulatorOptions::default()).await;
    let (client, now) =
        client_with_clock(JitConfig { base_url: server.url().parse().unwrap(), ..config(&jit) });
    let bills: Vec<_> = (0..20).map(|n| numbered(&n.to_string())).collect();
    let asked = join_all(bills.iter().map(|bill| client.ask(bill))).await;
    let glitches: Vec<_> = asked.iter().filter_map(|asked| asked.as_ref().ok()).map(described).collect();
    assert_eq!(
        glitches,
        ["JIT did not let us sign in: it answered with HTTP status 503 (Service Unavailable)."]
    );
    assert_eq!(tries.load(std::sync::atomic::Ordering::SeqCst), 1, "the others wait unasked");
    let until = asked.iter().find_map(|asked| asked.as_ref().err()).unwrap().until;
    assert_eq!(client.sign_in_paused_until(), Some(until));
    assert_eq!(until, DateTime::UNIX_EPOCH + TimeDelta::minutes(1));
    *now.lock().unwrap() = until;
    assert!(described(&client.ask(&bills[1]).await.unwrap()).contains("503"));
    assert_eq!(tries.load(std::sync::atomic::Ordering::SeqCst), 2, "tried again after the pause");
    assert_eq!(client.ask(&bills[2]).await.unwrap_err().until, until + TimeDelta::minutes(2));
}

#[tokio::test]
async fn waiting_callers_share_a_sign_in_without_an_answer() {
    let jit =
        simulator(JitSimulatorOptions { latency: Duration::from_millis(50), ..Default::default() }).await;
    jit.sign_in(SignIn::Empty);
    let client = client(&jit);
    let bills: Vec<_> = (0..20).map(|n| numbered(&n.to_string())).collect();
    for exchange in join_all(bills.iter().map(|bill| client.ask(bill))).await {
        assert!(is_nothing(&exchange.unwrap()));
    }
    assert_eq!(jit.sign_ins_tried(), 1);
}

#[tokio::test]
async fn a_session_that_jit_refuses_in_other_words_is_dropped_for_the_next_call() {
    for (scenario, outcome) in [
        (Scenario::Http401, Outcome::Glitch),
        (Scenario::Http403, Outcome::Glitch),
        (Scenario::LostSessionOk, Outcome::Error),
    ] {
        let jit = simulator(JitSimulatorOptions::default()).await;
        let client = client(&jit);
        jit.script(NUMBER, vec![scenario.clone(), Scenario::Paid]);
        let exchange = client.ask(&numbered(NUMBER)).await.unwrap();
        assert_eq!(decide(&asked(NUMBER), &exchange.reply).outcome(), outcome, "{scenario}");
        assert_eq!((jit.authentications(), jit.calls_received()), (1, 1), "{scenario}: it is not repeated");
        let exchange = client.ask(&numbered(NUMBER)).await.unwrap();
        assert_eq!(decide(&asked(NUMBER), &exchange.reply).outcome(), Outcome::Success, "{scenario}");
        assert_eq!((jit.authentications(), jit.calls_received()), (2, 2), "{scenario}: in a new session");
        client.ask(&numbered(NUMBER)).await.unwrap();
        assert_eq!(jit.authentications(), 2, "{scenario}: which stays");
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_a_glitch_unless_its_root_is_named() {
    let jit = simulator(JitSimulatorOptions::default()).await;
    let tls = TlsFront::start(jit.base_url().parse().unwrap()).await;
    let config = JitConfig { base_url: tls.base_url.clone(), ..config(&jit) };
    let stranger = JitClient::new(config.clone(), Clock::system()).unwrap();
    let exchange = stranger.ask(&numbered(NUMBER)).await.unwrap();
    assert_eq!(described(&exchange), "JIT's certificate is not trusted here, so JIT was not asked.");
    assert_eq!(exchange.contact, Contact::Reached);
    assert_eq!(jit.sign_ins_tried(), 0);

    let friend =
        JitClient::new(JitConfig { extra_roots: TlsFront::roots(), ..config }, Clock::system()).unwrap();
    let exchange = friend.ask(&numbered(NUMBER)).await.unwrap();
    assert!(matches!(exchange.reply, Reply::Answered(_)), "{exchange:?}");
}

#[tokio::test]
async fn an_attempt_ends_at_its_deadline() {
    // Each of the four exchanges of an attempt would just be in time, all of them are not.
    let jit =
        simulator(JitSimulatorOptions { latency: Duration::from_millis(240), ..Default::default() }).await;
    jit.script(NUMBER, vec![Scenario::AlwaysLostSession]);
    let client = impatient(&jit, Duration::from_millis(300));
    let begun = std::time::Instant::now();
    let exchange = client.ask(&numbered(NUMBER)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_millis(1500));
    assert!(is_nothing(&exchange), "{exchange:?}");
}

#[tokio::test]
async fn secrets_do_not_come_back_in_what_is_stored() {
    let jit = simulator(JitSimulatorOptions::default()).await;
    let inner = client(&jit).0;
    let session = Session {
        token: secret_header("a-long-token").unwrap(),
        sek: SymmetricKey::from_bytes(&[1; 32]).unwrap(),
    };
    let page = format!("authToken: a-long-token\0 secret: {}", jit.client_secret());
    assert_eq!(inner.storable(&session, &page), "authToken: [removed]\u{fffd} secret: [removed]");
    let rek = SymmetricKey::from_bytes(&[2; 32]).unwrap();
    let (stored, reply) = inner.opened(&session, &rek, &rek.seal(br#"{"errorMsg":"a-long-token"}"#).unwrap());
    assert!(!stored.contains("a-long-token") && !format!("{reply:?}").contains("a-long-token"));
    let (stored, reply) = inner.opened(&session, &rek, &rek.seal(b"{\"data\":\"\xff\"}").unwrap());
    assert_eq!(stored, "{\"data\":\"\u{fffd}\"}");
    assert_eq!(reply, Reply::Unusable(Glitch::NotJson));
    let shown = format!("{:?} {session:?}", JitClient(inner));
    assert!(!shown.contains(jit.client_secret()) && !shown.contains("a-long-token"), "{shown}");
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused() {
    let jit = simulator(JitSimulatorOptions::default()).await;
    let refused = |change: &dyn Fn(&mut JitConfig)| {
        let mut config = config(&jit);
        change(&mut config);
        JitClient::new(config, Clock::system()).unwrap_err()
    };
    for url in ["ftp://x/", "https://u:p@x/", "https://x/?a=b", "https://x/#a", "data:x"] {
        assert!(matches!(refused(&|c| c.base_url = url.parse().unwrap()), JitSetupError::BaseUrl), "{url}");
    }
    assert!(matches!(refused(&|c| c.client_id = "a\nb".to_owned()), JitSetupError::ClientId));
    assert!(matches!(refused(&|c| c.client_secret = String::new()), JitSetupError::ClientSecret));
    assert!(matches!(refused(&|c| c.client_secret = "ଓ".to_owned()), JitSetupError::ClientSecret));
    assert!(matches!(refused(&|c| c.date_format = "%Q".to_owned()), JitSetupError::DateFormat));
    assert!(matches!(refused(&|c| c.timeout = Duration::ZERO), JitSetupError::Timeout));
    // A base URL may end in a slash.
    let mut config = config(&jit);
    config.base_url = format!("{}/", jit.base_url()).parse().unwrap();
    let exchange = JitClient::new(config, Clock::system()).unwrap().ask(&numbered(NUMBER)).await.unwrap();
    assert!(matches!(exchange.reply, Reply::Answered(_)));
}
