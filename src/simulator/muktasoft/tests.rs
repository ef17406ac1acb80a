use aws_lc_rs::hmac;
use reqwest::Response;
use serde_json::json;

use super::*;
use crate::sealing::hex;

const NUMBER: &str = "PI-1013/2023-24/000256";

struct Muktasoft {
    simulator: MuktasoftSimulator,
    client: reqwest::Client,
}

impl Muktasoft {
    async fn new() -> Self {
        Self::with(MuktasoftSimulatorOptions::default()).await
    }

    async fn with(options: MuktasoftSimulatorOptions) -> Self {
        let client = reqwest::Client::builder()
            .no_proxy()
            .retry(reqwest::retry::never())
            .timeout(Duration::from_secs(5))
            .build()
            .unwrap();
        Self { simulator: MuktasoftSimulator::start(options).await.unwrap(), client }
    }

    async fn post(&self, url: &str, mut body: Value) -> (u16, Value) {
        body["RequestInfo"] = json!({ "apiId": "mukta-ftps", "authToken": "muktasoft-token" });
        let answer = self.client.post(url).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// The numbers that a search with these criteria tells.
    async fn numbers(&self, criteria: Value) -> Vec<String> {
        let (status, answer) =
            self.post(&self.simulator.pi_search_url(), json!({ "searchCriteria": criteria })).await;
        assert_eq!(status, 200, "{answer}");
        let list = answer["paymentInstructions"].as_array().unwrap();
        list.iter().map(|one| one["jitBillNo"].as_str().unwrap().to_owned()).collect()
    }

    async fn people(&self) -> [(u16, Value); 3] {
        let individuals = format!("{}?tenantId=od.jatni&limit=10&offset=0", self.simulator.individual_url());
        let ids = json!(["p-1", "nobody", "p-2"]);
        [
            self.post(
                &self.simulator.bank_account_url(),
                json!({ "bankAccountDetails": { "tenantId": "od.jatni", "referenceId": ids },
                        "pagination": { "limit": 10, "offSet": 0 } }),
            )
            .await,
            self.post(&individuals, json!({ "Individual": { "id": ids } })).await,
            self.post(
                &self.simulator.organisation_url(),
                json!({ "SearchCriteria": { "tenantId": "od.jatni", "id": ids } }),
            )
            .await,
        ]
    }

    async fn report(&self, status: &Value, key: &str, secret: &str) -> Response {
        let body = status.to_string();
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body.as_bytes());
        self.client
            .post(self.simulator.status_url())
            .header("Idempotency-Key", key)
            .header("X-Signature", format!("sha256={}", hex(signature.as_ref())))
            .body(body)
            .send()
            .await
            .unwrap()
    }
}

fn instruction(number: &str, parent: Option<&str>, tenant: &str) -> Value {
    json!({
        "tenantId": tenant,
        "jitBillNo": number,
        "parentPiNumber": parent,
        "piStatus": "INITIATED",
        "netAmount": 2461.00,
        "auditDetails": { "createdTime": 1_711_000_000_000_i64, "lastModifiedTime": 1_711_000_000_001_i64 },
        "paDetails": [],
        "beneficiaryDetails": [
            { "beneficiaryNumber": "BN-1013/000224", "beneficiaryId": "p-1", "beneficiaryType": "IND",
              "benefName": "Sabita Nayak", "benfAcctNo": "30131500010001", "benfBankIfscCode": "SBIN0012345",
              "benfMobileNo": "7550010001", "amount": "1230.50", "paymentStatus": "Payment In Process" },
            { "beneficiaryNumber": "BN-1013/000225", "beneficiaryId": "p-2", "beneficiaryType": "ORG",
              "benefName": "Maa Tarini SHG", "benfAcctNo": "30131500010002", "benfBankIfscCode": "SBIN0012345",
              "benfMobileNo": "7550010002", "amount": "1230.50", "paymentStatus": "Payment In Process" },
        ],
    })
}

/// What comes back of [`NUMBER`] once it is paid.
fn paid(change: i64) -> Value {
    let mut status = instruction(NUMBER, Some("PI-1"), "od.jatni");
    status["changeNumber"] = change.into();
    status["piStatus"] = "SUCCESSFUL".into();
    status["paDetails"] = json!([{ "paBillRefNumber": "202403259999", "paTokenNumber": "402" }]);
    for person in status["beneficiaryDetails"].as_array_mut().unwrap() {
        person["beneficiaryNumber"] = person["beneficiaryNumber"].as_str().unwrap().to_lowercase().into();
        person["paymentStatus"] = "Payment Successful".into();
        person["utrNo"] = "RBI324081234567".into();
        person["voucherNumber"] = "V-7".into();
    }
    status
}

#[test]
fn every_service_and_fault_has_a_word_of_its_own_that_reads_back() {
    for (service, word, meaning) in Service::ALL {
        assert_eq!(word.parse::<Service>().unwrap(), *service);
        assert!(!meaning.is_empty());
    }
    for (fault, word, meaning) in Fault::ALL {
        assert_eq!(format!("{:?}", word.parse::<Fault>().unwrap()), format!("{:?}", fault()));
        assert!(!meaning.is_empty());
    }
    assert!(matches!("errors:No tenant".parse(), Ok(Fault::Errors(text)) if text == "No tenant"));
    assert!("pay".parse::<Fault>().unwrap_err().to_string().contains("usual, "));
    assert!("pay".parse::<Service>().unwrap_err().to_string().contains("pi-search, "));
}

#[tokio::test]
async fn a_search_demands_a_token_and_a_criterion() {
    let muktasoft = Muktasoft::new().await;
    let url = muktasoft.simulator.pi_search_url();
    let criteria = json!({ "tenantId": "od.jatni" });
    for info in [json!(null), json!({}), json!({ "authToken": "another" })] {
        let body = json!({ "RequestInfo": info, "searchCriteria": criteria });
        let answer = muktasoft.client.post(&url).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.json::<Value>().await.unwrap()["Errors"][0]["code"], "INVALID_TOKEN");
    }
    for body in [json!({}), json!({ "searchCriteria": { "limit": 10, "tenantId": " " } })] {
        let (status, answer) = muktasoft.post(&url, body).await;
        assert_eq!((status, answer["Errors"].as_array().unwrap().len()), (400, 1), "{answer}");
    }
    assert_eq!(muktasoft.simulator.requests(Service::PiSearch).len(), 5);
}

#[tokio::test]
async fn instructions_come_page_by_page_in_the_order_in_which_they_became_known() {
    let options = MuktasoftSimulatorOptions { most_per_page: 2, ..Default::default() };
    let muktasoft = Muktasoft::with(options).await;
    for (number, parent, tenant) in [
        ("PI-3", Some("PI-1"), "od.jatni"),
        ("PI-1", None, "od.jatni"),
        ("PI-2", Some("PI-1"), "od.jatni"),
        ("PI-9", None, "od.dhenkanal"),
        ("PI-8", Some("PI-9"), "od.dhenkanal"),
        ("PI-4", Some("PI-3"), "od.jatni"),
    ] {
        muktasoft.simulator.know(instruction(number, parent, tenant));
    }
    // Known again, it keeps its place.
    muktasoft.simulator.know(instruction("PI-3", Some("PI-1"), "od.jatni"));
    let revised =
        |offset| json!({ "tenantId": "od.jatni", "piType": "REVISED", "limit": 100, "offset": offset });
    assert_eq!(muktasoft.numbers(revised(0)).await, ["PI-3", "PI-2"]);
    assert_eq!(muktasoft.numbers(revised(2)).await, ["PI-4"]);
    assert!(muktasoft.numbers(revised(3)).await.is_empty());
    assert_eq!(muktasoft.numbers(json!({ "piNumber": "PI-9" })).await, ["PI-9"]);
    assert!(muktasoft.numbers(json!({ "tenantId": "od.jatni", "piNumber": "PI-9" })).await.is_empty());
    // The adapter's fault.
    let originals = json!({ "tenantId": "od.jatni", "piType": "ORIGINAL" });
    assert_eq!(muktasoft.numbers(originals).await, ["PI-1", "PI-9"]);

    muktasoft.simulator.script(Service::PiSearch, vec![Fault::Shifted]);
    assert_eq!(muktasoft.numbers(revised(0)).await, ["PI-2", "PI-4"]);
    muktasoft.simulator.forget("PI-2");
    assert_eq!(muktasoft.numbers(revised(0)).await, ["PI-4", "PI-3"]);
}

#[tokio::test]
async fn a_hook_changes_what_is_known_between_two_pages() {
    let muktasoft = Muktasoft::new().await;
    muktasoft.simulator.know(instruction("PI-2", Some("PI-1"), "od.jatni"));
    let simulator = muktasoft.simulator.clone();
    muktasoft.simulator.on_request(Service::PiSearch, move |request| {
        if request["searchCriteria"]["offset"] == 1 {
            simulator.know(instruction("PI-3", Some("PI-1"), "od.jatni"));
        }
    });
    for (offset, numbers) in [(0, vec!["PI-2"]), (1, vec!["PI-3"])] {
        assert_eq!(muktasoft.numbers(json!({ "piType": "REVISED", "offset": offset })).await, numbers);
    }
}

#[tokio::test]
async fn the_other_kind_has_holes() {
    let muktasoft = Muktasoft::new().await;
    muktasoft.simulator.tell_count(true);
    muktasoft.simulator.know(instruction(NUMBER, Some("PI-1"), "od.jatni"));
    muktasoft.simulator.know(instruction("NA", Some("PI-1"), "od.jatni"));
    let (status, answer) = muktasoft
        .post(
            &muktasoft.simulator.mukta_ifix_search_url(),
            json!({ "criteria": { "tenantId": "od.jatni", "piType": "REVISED" },
                    "pagination": { "limit": 100, "offSet": 0 } }),
        )
        .await;
    assert_eq!((status, &answer["pagination"]["totalCount"]), (200, &json!(2)));
    let [reached, unreached] = answer["paymentInstructions"].as_array().unwrap().as_slice() else {
        panic!("{answer}");
    };
    assert_eq!((&reached["jitBillNo"], &reached["piStatus"]), (&json!(NUMBER), &json!("INITIATED")));
    assert_eq!(reached["beneficiaryDetails"][0]["paymentStatus"], "Payment In Process");
    assert_eq!(unreached["jitBillNo"], "NA");
    assert_eq!(unreached["beneficiaryDetails"][1]["beneficiaryNumber"], "NA");
    assert!(unreached.get("piStatus").is_none());
    assert!(unreached["beneficiaryDetails"][0].get("paymentStatus").is_none());
    assert_eq!((&reached["paDetails"], &unreached["paDetails"]), (&json!([null]), &json!([null])));
}

#[tokio::test]
async fn people_are_told_by_services_of_their_own() {
    let muktasoft = Muktasoft::new().await;
    muktasoft.simulator.know(instruction(NUMBER, Some("PI-1"), "od.jatni"));
    let (_, answer) = muktasoft
        .post(&muktasoft.simulator.pi_search_url(), json!({ "searchCriteria": { "piNumber": NUMBER } }))
        .await;
    let told = answer.to_string();
    assert!(told.contains("p-1") && !told.contains("Sabita") && !told.contains("30131500010001"), "{told}");

    let [accounts, individuals, organisations] = muktasoft.people().await.map(|(_, answer)| answer);
    let accounts = accounts["bankAccounts"].as_array().unwrap();
    assert_eq!(accounts.len(), 2);
    assert_eq!(accounts[0]["referenceId"], "p-1");
    let account = &accounts[0]["bankAccountDetails"][0];
    assert_eq!(account["accountNumber"], "30131500010001");
    assert_eq!(account["accountHolderName"], "Sabita Nayak");
    assert_eq!(account["bankBranchIdentifier"]["code"], "SBIN0012345");
    assert_eq!(individuals["Individual"].as_array().unwrap().len(), 1);
    assert_eq!(individuals["Individual"][0]["id"], "p-1");
    assert_eq!(individuals["Individual"][0]["name"]["givenName"], "Sabita Nayak");
    assert_eq!(individuals["Individual"][0]["mobileNumber"], "7550010001");
    assert_eq!(organisations["organisations"].as_array().unwrap().len(), 1);
    assert_eq!(organisations["organisations"][0]["name"], "Maa Tarini SHG");
    let contact = &organisations["organisations"][0]["contactDetails"][0];
    assert_eq!(contact["contactMobileNumber"], "7550010002");

    let whole = muktasoft.simulator.instructions();
    assert_eq!(whole[0]["beneficiaryDetails"][0]["benfAcctNo"], "30131500010001");
    assert_eq!(whole[0]["beneficiaryDetails"][1]["benfMobileNo"], "7550010002");
}

#[tokio::test]
async fn people_without_data_or_masked_tell_nothing() {
    let muktasoft = Muktasoft::new().await;
    muktasoft.simulator.know(instruction(NUMBER, Some("PI-1"), "od.jatni"));
    for service in [Service::BankAccounts, Service::Individuals, Service::Organisations] {
        muktasoft.simulator.script(service, vec![Fault::Masked]);
    }
    let [accounts, individuals, organisations] = muktasoft.people().await.map(|(_, answer)| answer);
    assert_eq!(accounts["bankAccounts"][0]["bankAccountDetails"][0]["accountNumber"], "******0001");
    assert_eq!(individuals["Individual"][0]["mobileNumber"], "******0001");
    let contact = &organisations["organisations"][0]["contactDetails"][0];
    assert_eq!(contact["contactMobileNumber"], "******0002");

    let mut changed = instruction(NUMBER, Some("PI-1"), "od.jatni");
    changed["beneficiaryDetails"][0]["benfAcctNo"] = Value::Null;
    muktasoft.simulator.know(changed);
    let [(_, accounts), ..] = muktasoft.people().await;
    assert_eq!(accounts["bankAccounts"].as_array().unwrap().len(), 1);
    assert_eq!(accounts["bankAccounts"][0]["referenceId"], "p-2");
    let url = muktasoft.simulator.individual_url();
    let (status, _) = muktasoft.post(&url, json!({ "Individual": { "id": ["p-1"] } })).await;
    assert_eq!(status, 400, "the query is missing");
}

#[tokio::test]
async fn what_goes_wrong_goes_wrong_once_or_always() {
    let muktasoft = Muktasoft::new().await;
    muktasoft.simulator.know(instruction(NUMBER, Some("PI-1"), "od.jatni"));
    let told = |status| (status, json!("PI-1013/2023-24/000256"));
    let search = || async {
        let body = json!({ "RequestInfo": { "authToken": "muktasoft-token" },
                           "searchCriteria": { "piNumber": NUMBER } });
        let answer =
            muktasoft.client.post(muktasoft.simulator.pi_search_url()).json(&body).send().await.ok()?;
        let status = answer.status().as_u16();
        let text = answer.text().await.ok()?;
        let json = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Some((status, json["paymentInstructions"][0]["jitBillNo"].clone(), json))
    };
    let gone_wrong = [
        Fault::Http(503),
        Fault::Errors("tenant not known".into()),
        Fault::Unauthorized,
        Fault::Html,
        Fault::Reset,
        Fault::Truncated,
        Fault::AnswerLost,
        Fault::Slow(Duration::from_millis(1)),
    ];
    muktasoft.simulator.script(Service::PiSearch, gone_wrong.to_vec());
    assert_eq!(search().await.unwrap().0, 503);
    let (status, _, answer) = search().await.unwrap();
    assert_eq!((status, &answer["Errors"][0]["message"]), (400, &json!("tenant not known")));
    assert_eq!(search().await.unwrap().0, 401);
    let (status, _, answer) = search().await.unwrap();
    assert!(status == 200 && answer.as_str().unwrap().contains("<h1>"));
    for _ in [Fault::Reset, Fault::Truncated, Fault::AnswerLost] {
        assert!(search().await.is_none());
    }
    for _ in 0..2 {
        let (status, number, _) = search().await.unwrap();
        assert_eq!((status, number), told(200));
    }
    muktasoft.simulator.always(Service::PiSearch, Some(Fault::Http(500)));
    for _ in 0..2 {
        assert_eq!(search().await.unwrap().0, 500);
    }
    muktasoft.simulator.always(Service::PiSearch, None);
    assert_eq!(search().await.unwrap().0, 200);
}

#[tokio::test]
async fn a_gate_holds_an_answer_until_it_is_opened() {
    let muktasoft = Arc::new(Muktasoft::new().await);
    let gate = Gate::shut();
    muktasoft.simulator.script(Service::PiSearch, vec![Fault::Gate(gate.clone())]);
    let asking = {
        let muktasoft = Arc::clone(&muktasoft);
        tokio::spawn(async move { muktasoft.numbers(json!({ "piNumber": NUMBER })).await })
    };
    while muktasoft.simulator.requests(Service::PiSearch).is_empty() {
        tokio::task::yield_now().await;
    }
    // It tells what is known once the gate is open.
    muktasoft.simulator.know(instruction(NUMBER, Some("PI-1"), "od.jatni"));
    assert!(!asking.is_finished());
    gate.open();
    assert_eq!(asking.await.unwrap(), [NUMBER]);
}

#[tokio::test]
async fn a_status_that_comes_back_is_stored_once_and_told_by_later_searches() {
    let muktasoft = Muktasoft::new().await;
    muktasoft.simulator.know(instruction(NUMBER, Some("PI-1"), "od.jatni"));
    let mut stranger = paid(8);
    stranger["jitBillNo"] = "PI-77".into();
    for (status, key, secret, answer) in [
        (paid(7), "k-7", "another secret", 401),
        (paid(7), " ", "muktasoft-secret", 400),
        (instruction(NUMBER, None, "od.jatni"), "k-6", "muktasoft-secret", 400),
        (paid(7), "k-7", "muktasoft-secret", 201),
        (paid(7), "k-7", "muktasoft-secret", 409),
        (stranger, "k-8", "muktasoft-secret", 201),
    ] {
        assert_eq!(muktasoft.report(&status, key, secret).await.status(), answer, "{key} {secret}");
    }
    let received = muktasoft.simulator.received();
    let told: Vec<_> =
        received.iter().map(|one| (one.outcome, one.signature_fits, one.change_number())).collect();
    assert_eq!(
        told,
        [
            (StatusOutcome::Refused(401), false, Some(7)),
            (StatusOutcome::Refused(400), true, Some(7)),
            (StatusOutcome::Refused(400), true, None),
            (StatusOutcome::Taken, true, Some(7)),
            (StatusOutcome::KnownAlready, true, Some(7)),
            (StatusOutcome::Taken, true, Some(8)),
        ]
    );
    assert_eq!(received[3].raw, paid(7).to_string().into_bytes());
    assert_eq!(received[3].idempotency_key.as_deref(), Some("k-7"));

    let search = json!({ "searchCriteria": { "tenantId": "od.jatni" } });
    let (_, answer) = muktasoft.post(&muktasoft.simulator.pi_search_url(), search).await;
    let [now] = answer["paymentInstructions"].as_array().unwrap().as_slice() else { panic!("{answer}") };
    assert_eq!((&now["piStatus"], &now["parentPiNumber"]), (&json!("SUCCESSFUL"), &json!("PI-1")));
    assert_eq!(now["paDetails"][0]["paTokenNumber"], "402");
    assert!(now["auditDetails"]["lastModifiedTime"].as_i64().unwrap() > 1_711_000_000_001);
    for person in now["beneficiaryDetails"].as_array().unwrap() {
        assert!(person["beneficiaryNumber"].as_str().unwrap().starts_with("BN-"));
        assert_eq!(person["paymentStatus"], "Payment Successful");
        assert_eq!((&person["utrNo"], &person["voucherNumber"]), (&json!("RBI324081234567"), &json!("V-7")));
    }
    let before = muktasoft.simulator.instructions();
    assert_eq!(muktasoft.report(&paid(9), "k-9", "muktasoft-secret").await.status(), 201);
    assert_eq!(muktasoft.simulator.instructions(), before, "it says nothing new");
}

#[tokio::test]
async fn a_status_whose_answer_was_lost_is_known_when_it_comes_again() {
    let muktasoft = Muktasoft::new().await;
    let faults = vec![Fault::Http(422), Fault::Http(503), Fault::Reset, Fault::AnswerLost];
    muktasoft.simulator.script(Service::Status, faults);
    let mut statuses = Vec::new();
    for _ in 0..2 {
        statuses.push(muktasoft.report(&paid(7), "k-7", "muktasoft-secret").await.status().as_u16());
    }
    for _ in [Fault::Reset, Fault::AnswerLost] {
        let request = muktasoft.client.post(muktasoft.simulator.status_url());
        let body = paid(7).to_string();
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"muktasoft-secret");
        let signature = format!("sha256={}", hex(hmac::sign(&key, body.as_bytes()).as_ref()));
        let request = request.header("Idempotency-Key", "k-7").header("X-Signature", signature);
        assert!(request.body(body).send().await.is_err());
    }
    statuses.push(muktasoft.report(&paid(7), "k-7", "muktasoft-secret").await.status().as_u16());
    assert_eq!(statuses, [422, 503, 409]);
    let outcomes: Vec<_> = muktasoft.simulator.received().iter().map(|one| one.outcome).collect();
    assert_eq!(
        outcomes,
        [
            StatusOutcome::Refused(422),
            StatusOutcome::Refused(503),
            StatusOutcome::Taken,
            StatusOutcome::KnownAlready
        ]
    );
    assert_eq!(muktasoft.simulator.requests(Service::Status).len(), 5);
}

#[tokio::test]
async fn the_page_shows_what_came_back_newest_first_without_numbers_of_people() {
    let muktasoft = Muktasoft::new().await;
    let page = || async {
        let answer = muktasoft.client.get(muktasoft.simulator.page_url()).send().await.unwrap();
        answer.text().await.unwrap()
    };
    assert!(page().await.contains("Nothing has come back yet."));
    let mut odd = paid(6);
    odd["piStatus"] = "<b>PARTIAL</b>".into();
    muktasoft.report(&odd, "k-6", "muktasoft-secret").await;
    muktasoft.report(&paid(7), "k-7", "muktasoft-secret").await;
    muktasoft.report(&paid(8), "k-8", "another secret").await;
    let page = page().await;
    let places: Vec<_> = [
        r#"data-change-number="8" data-outcome="refused with 401""#,
        r#"data-change-number="7" data-outcome="taken""#,
        "SUCCESSFUL",
        "RBI324081234567",
        "•••• 0001",
        r#"data-change-number="6""#,
    ]
    .iter()
    .map(|part| page.find(part).unwrap_or_else(|| panic!("{part}: {page}")))
    .collect();
    assert!(places[0] < places[1] && places[1] < places[5], "{page}");
    assert!(page.contains("PARTIAL") && !page.contains("<b>PARTIAL"), "{page}");
    assert!(!page.contains("30131500010001") && !page.contains("7550010001"), "{page}");
}
