use super::*;
use crate::domain::Paise;
use crate::domain::sms::payment_successful;
use crate::outgoing::tls_front::TlsFront;
use crate::simulator::sms::{SmsScenario, SmsSimulator, SmsSimulatorOptions};

const PHONE: &str = "9437012345";

fn gateway(url: &str) -> Gateway {
    Gateway::new(GatewayConfig {
        url: url.parse().unwrap(),
        extra_roots: Vec::new(),
        timeout: Duration::from_secs(2),
        action: "singleSMS".to_owned(),
        source: "ODIGOV".to_owned(),
        department_id: "D001002".to_owned(),
        template_id: "1007".to_owned(),
    })
    .unwrap()
}

fn sms() -> Sms {
    payment_successful(Paise(123_050), "SBIN00000001", Some(PHONE)).unwrap()
}

/// The table of DOMAIN.md §6.
fn expected(scenario: SmsScenario) -> Verdict {
    use SmsScenario::*;
    match scenario {
        Accepted | AcceptedText | AfterWarning | Slow => Verdict::Accepted,
        Http429 | Http500 | Http503 => Verdict::TryLater,
        Refused | NoBalance | Http400 | Redirect => Verdict::Refused,
        Http502 | Http504 | Unreadable | Unclear | Empty | TooLarge | Reset | ResetUnread | Closed
        | Truncated | TimeOut => Verdict::Unknown,
    }
}

#[tokio::test]
async fn every_answer_is_judged_by_the_table_and_nothing_is_sent_twice() {
    let options = SmsSimulatorOptions { slow: Duration::from_millis(100), ..Default::default() };
    let simulator = SmsSimulator::start(options).await.unwrap();
    let gateway = gateway(&simulator.gateway_url());
    for (scenario, word, _) in SmsScenario::ALL {
        simulator.otherwise(*scenario);
        let before = simulator.count();
        let answer = gateway.send(&sms()).await;
        assert_eq!(answer.verdict, expected(*scenario), "{word}: {answer:?}");
        assert_eq!(answer.cause.is_none(), answer.verdict == Verdict::Accepted, "{word}");
        let seen = usize::from(*scenario != SmsScenario::ResetUnread);
        assert_eq!(simulator.count() - before, seen, "{word}");
    }
}

#[tokio::test]
async fn the_form_is_the_one_agreed_with_the_gateway() {
    let simulator = SmsSimulator::start(SmsSimulatorOptions::default()).await.unwrap();
    gateway(&simulator.gateway_url()).send(&sms()).await;
    let fields = simulator.received().remove(0).fields;
    let fields: Vec<_> = fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(
        fields,
        [
            ("action", "singleSMS"),
            ("source", "ODIGOV"),
            ("department_id", "D001002"),
            ("template_id", "1007"),
            ("sms_content", sms().text.as_str()),
            ("phonenumber", PHONE),
        ]
    );
}

#[tokio::test]
async fn a_gateway_that_cannot_be_reached_can_be_tried_later() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let no_tls = SmsSimulator::start(SmsSimulatorOptions::default()).await.unwrap();
    for url in [
        format!("http://{closed}/sms"),
        "http://gateway.invalid/sms".to_owned(),
        no_tls.gateway_url().replace("http:", "https:"),
        // Nobody answers there: RFC 5737.
        "http://192.0.2.1/sms".to_owned(),
    ] {
        let answer = gateway(&url).send(&sms()).await;
        assert_eq!(answer.verdict, Verdict::TryLater, "{url}: {answer:?}");
    }
    assert_eq!(no_tls.count(), 0);
}

#[test]
fn success_is_told_from_refusal_and_from_silence() {
    for (body, says) in [
        (r#"{"success":true,"status":1}"#, Some(true)),
        (
            r#"{"success":"true","responsetime":8.65,"message":"Message Send Successfully","status":1}"#,
            Some(true),
        ),
        (r#"{"success":" True ","status":"1"}"#, Some(true)),
        (r#"{"success":"true","status":0,"message":"Insufficient balance"}"#, Some(false)),
        (r#"{"success":true,"status":"0"}"#, Some(false)),
        (r#"{"success":true,"status":11}"#, Some(false)),
        (r#"{"success":true,"status":true}"#, Some(false)),
        (r#"{"success":true}"#, Some(false)),
        (r#"{"success":false,"status":1}"#, Some(false)),
        (r#"{"success":false}"#, Some(false)),
        (r#"{"success":"false"}"#, Some(false)),
        (r#"{"success":"queued"}"#, Some(false)),
        (r#"{"success":null}"#, None),
        (r#"{"success":1}"#, None),
        ("[true]", None),
        ("true", None),
        ("", None),
    ] {
        assert_eq!(success_of(body), says, "{body}");
    }
}

#[test]
fn the_object_counts_whatever_a_php_program_says_before_it() {
    const OBJECT: &str = r#"{"success":"true","status":1,"message":"{ok}"}"#;
    for before in [
        "",
        "\u{feff}",
        "\r\n\r\n ",
        "\u{feff}\n",
        "<br />\n<b>Warning</b>:  Undefined array key \"x\" in <b>/var/www/sms.php</b> on line <b>12</b><br />\n",
        "<b>Notice</b>: in {closure} of {main}\n",
    ] {
        let answer = judged(StatusCode::OK, Some(&format!("{before}{OBJECT}\n")), PHONE);
        assert_eq!(answer.verdict, Verdict::Accepted, "{before}");
        assert_eq!(answer.said.as_deref(), Some(OBJECT), "{before}");
        let refusal = format!("{before}{}", r#"{"success":true,"status":0,"message":"No balance"}"#);
        assert_eq!(judged(StatusCode::OK, Some(&refusal), PHONE).verdict, Verdict::Refused, "{before}");
    }
    for unreadable in [
        "Message submitted",
        "<b>Fatal error</b>: {",
        // Not of the outer object, which broke off.
        r#"{"response":{"success":true,"status":1}"#,
        r#"[{"success":true,"status":1}]"#,
        r#"{"success":true,"status":1"#,
    ] {
        let answer = judged(StatusCode::OK, Some(unreadable), PHONE);
        assert_eq!(answer.verdict, Verdict::Unknown, "{unreadable}");
    }
}

#[test]
fn what_is_kept_of_an_answer_shows_no_number() {
    let kept = storable("<p>to\n9437012345</p> +919437012345 94370123 12345\0", PHONE);
    assert_eq!(kept, "<p>to •••• 2345</p> +91•••• 2345 •••• 0123 12345");
    assert_eq!(storable(&"ଓ".repeat(1000), PHONE).chars().count(), KEPT_CHARS + 1);
}

proptest::proptest! {
    #[test]
    fn no_number_survives_in_any_answer(before in "\\PC{0,20}", number in "[0-9]{10}", after in "\\PC{0,20}") {
        let answer = format!("{before}{number}{after}");
        proptest::prop_assert!(!storable(&answer, PHONE).contains(&number));
        proptest::prop_assert!(!storable(&answer, &number).contains(&number));
    }
}

#[test]
fn of_a_stored_answer_a_person_is_told_its_message() {
    assert_eq!(message_in(r#"{"success":false,"message":" No credit "}"#).as_deref(), Some("No credit"));
    for silent in [r#"{"success":false}"#, r#"{"message":""}"#, r#"{"message":7}"#, "<html>", ""] {
        assert_eq!(message_in(silent), None, "{silent}");
    }
}

#[tokio::test]
async fn a_gateway_whose_root_nobody_knows_is_not_told_a_number_unless_its_root_is_named() {
    let simulator = SmsSimulator::start(SmsSimulatorOptions::default()).await.unwrap();
    let tls = TlsFront::start(simulator.gateway_url().parse().unwrap()).await;
    let stranger = gateway(tls.base_url.as_str());
    assert_eq!(stranger.send(&sms()).await.verdict, Verdict::TryLater);
    assert_eq!(simulator.count(), 0);
    let friend =
        Gateway::new(GatewayConfig { extra_roots: TlsFront::roots(), ..stranger.config.clone() }).unwrap();
    assert_eq!(friend.send(&sms()).await.verdict, Verdict::Accepted);
    assert_eq!(simulator.count(), 1);
}

#[test]
fn spoilt_answers_are_accepted_by_their_own_words_alone() {
    let to = "9437012345";
    crate::fuzzing::spoilt("gateway", 0x5a5, |bytes| {
        let body = String::from_utf8_lossy(bytes);
        let answer = judged(StatusCode::OK, Some(&body), to);
        if matches!(answer.verdict, Verdict::Accepted) {
            assert!(body.contains("success") && body.contains("status"), "{body}");
        }
        let said = answer.said.unwrap_or_default();
        assert!(
            !said.contains(to) && !said.contains('\n') && said.chars().count() <= KEPT_CHARS + 1,
            "{said}"
        );
        format!("{:?} {:?}", answer.verdict, answer.cause)
    });
}
