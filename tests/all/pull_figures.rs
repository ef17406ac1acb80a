//! How long a pull takes, and how much memory: of very many instructions, and of very many people.
//!
//! `cargo nextest run --release --run-ignored only pull_figures --no-capture -j1`

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mukta_ftps::simulator::muktasoft::{MuktasoftSimulator, MuktasoftSimulatorOptions};
use serde_json::{Value, json};

use crate::support::{Kind, ScratchDatabase, on_both, with_database};

on_both!(
    #[ignore = "a measurement: minutes of pulling"]
    a_hundred_thousand_instructions,
    #[ignore = "a measurement: minutes of pulling"]
    half_a_million_people,
);

/// So many revised ones have the same original.
const OF_ONE_ORIGINAL: usize = 10;

fn original_of(place: usize) -> String {
    format!("PI-1013/2022-23/{:06}", place / OF_ONE_ORIGINAL)
}

fn revised(place: usize, people: usize) -> Value {
    let mut one = original(place, people);
    one["jitBillNo"] = format!("PI-1013/2023-24/{place:06}").into();
    one["parentPiNumber"] = original_of(place).into();
    one["piStatus"] = "INITIATED".into();
    one
}

fn original(place: usize, people: usize) -> Value {
    let beneficiary = |at: usize| {
        let person = place * people + at;
        json!({
            "beneficiaryNumber": format!("BN-{person:08}"),
            "beneficiaryId": format!("person-{person:08}"),
            "beneficiaryType": "IND",
            "benefName": format!("Sabita Nayak {person}"),
            "benfAcctNo": format!("3013{person:010}"),
            "benfBankIfscCode": "SBIN0012345",
            "benfMobileNo": format!("75{person:08}"),
            "amount": "1230.50",
            "paymentStatus": "Payment In Process",
        })
    };
    json!({
        "id": format!("id-{place}"),
        "tenantId": "od.jatni",
        "jitBillNo": original_of(place),
        "piStatus": "PARTIAL",
        "netAmount": format!("{:.2}", 1230.50 * people as f64),
        "auditDetails": { "createdTime": 1_711_000_000_000_u64 + place as u64 },
        "additionalDetails": { "billNumber": [format!("WB/2023-24/{place:06}")] },
        "paDetails": [{ "paBillRefNumber": format!("2022{place:08}"), "paFinYear": "2023-24" }],
        "beneficiaryDetails": (0..people).map(beneficiary).collect::<Vec<_>>(),
    })
}

/// Runs it to its end: how long that took, and its largest resident set in MiB.
fn measured(mut command: Command) -> (Duration, u64, String) {
    let began = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut largest = 0;
    let status = format!("/proc/{}/status", child.id());
    while child.try_wait().unwrap().is_none() {
        let told = std::fs::read_to_string(&status).unwrap_or_default();
        let peak = told.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next());
        largest = largest.max(peak.and_then(|peak| peak.parse::<u64>().ok()).unwrap_or_default());
        std::thread::sleep(Duration::from_millis(20));
    }
    let took = began.elapsed();
    let output = child.wait_with_output().unwrap();
    (took, largest / 1024, String::from_utf8(output.stdout).unwrap())
}

async fn pulled_twice(kind: Kind, instructions: usize, people: usize) {
    let muktasoft = MuktasoftSimulator::start(MuktasoftSimulatorOptions::default()).await.unwrap();
    (0..instructions).step_by(OF_ONE_ORIGINAL).for_each(|place| muktasoft.know(original(place, people)));
    (0..instructions).for_each(|place| muktasoft.know(revised(place, people)));
    let database = ScratchDatabase::new(kind);
    for _ in 0..2 {
        let mut command = with_database(&["pull"], &database);
        command
            .env("RUST_LOG", "warn")
            .env("MUKTASOFT_PI_SEARCH_URL", muktasoft.pi_search_url())
            .env("MUKTASOFT_AUTH_TOKEN", muktasoft.auth_token())
            .env("MUKTASOFT_BANK_ACCOUNT_SEARCH_URL", muktasoft.bank_account_url())
            .env("MUKTASOFT_INDIVIDUAL_SEARCH_URL", muktasoft.individual_url())
            .env("MUKTASOFT_ORGANISATION_SEARCH_URL", muktasoft.organisation_url())
            .env("MUKTASOFT_TENANTS", "od.jatni")
            .env("MUKTASOFT_PULL_MAX_SECONDS", "3600");
        let (took, peak, said) = tokio::task::spawn_blocking(move || measured(command)).await.unwrap();
        let seconds = took.as_secs_f64();
        eprintln!("{kind:?}, {instructions} with {people} each: {seconds:.1} s, {peak} MiB at most; {said}");
        assert!(peak < 400, "{peak} MiB");
    }
}

async fn a_hundred_thousand_instructions(kind: Kind) {
    pulled_twice(kind, 100_000, 1).await;
}

async fn half_a_million_people(kind: Kind) {
    pulled_twice(kind, 50_000, 10).await;
}
