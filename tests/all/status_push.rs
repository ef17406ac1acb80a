//! Telling MUKTASoft what changed: in order, once by its key, by one process at a time, whatever the receiver
//! answers (docs/INTEGRATION.md).

use std::collections::{BTreeMap, HashSet};
use std::process::Stdio;

use chrono::TimeDelta;
use mukta_ftps::access::Role;
use mukta_ftps::app::App;
use mukta_ftps::domain::PullTrigger;
use mukta_ftps::import::export;
use mukta_ftps::muktasoft::push::StatusReceiver;
use mukta_ftps::sealing::{hex, random_number};
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::simulator::muktasoft::{
    Fault, Gate, MuktasoftSimulator, MuktasoftSimulatorOptions, Received, Service, StatusOutcome,
};
use mukta_ftps::store::{changes, status_push};
use mukta_ftps::sync::Order;
use mukta_ftps::web::{self, Site};
use serde_json::Value;

use crate::pull::{config, muktasoft_of};
use crate::support::{
    Browser, Door, Instruction, Kind, ORIGINAL, OTHER, PEOPLE, Program, REVISED, World, document, fed,
    introduce, on_both, original, pair, revised, stdout, with_database,
};

on_both!(
    what_is_told_is_what_an_export_tells,
    nothing_overtakes_what_waits,
    what_changed_again_is_told_once_as_it_stands,
    an_answer_that_was_lost_is_told_again_by_the_same_key,
    what_is_refused_is_shown_and_passed,
    what_waits_is_shown_with_why,
    a_lease_of_the_dead_ends_and_one_far_in_the_future_is_no_evidence,
    a_pause_far_in_the_future_is_no_evidence,
    a_point_beyond_the_database_begins_at_its_counter_again,
    what_cannot_be_opened_is_left_out,
    both_sides_agree_whatever_happens_between,
    two_programs_tell_each_change_once,
    a_receiver_that_is_down_over_restarts_misses_nothing,
);

pub(crate) async fn muktasoft() -> MuktasoftSimulator {
    MuktasoftSimulator::start(MuktasoftSimulatorOptions::default()).await.unwrap()
}

/// A process on the world's database that tells MUKTASoft.
fn telling(world: &World, muktasoft: &MuktasoftSimulator) -> App {
    let (url, secret) = (muktasoft.status_url().parse().unwrap(), muktasoft.status_secret().to_owned());
    world.app.clone().telling(Some(StatusReceiver { url, secret })).unwrap()
}

/// One turn of it: how many MUKTASoft was told.
async fn tell(app: &App) -> usize {
    app.status_push.as_ref().unwrap().run_once().await.unwrap()
}

/// The pages of such a process, to somebody who has signed in.
async fn pages_of(world: &World, app: &App, name: &str, role: Role, tenant: &str) -> Browser {
    let site = Site { app: app.clone(), ..world.site.clone() };
    let (server, address) = web::listen(&site, ([127, 0, 0, 1], 0).into()).unwrap();
    tokio::spawn(server);
    world.employ(name, role, tenant);
    let browser = Browser::new(address);
    browser.sign_in(name).await;
    browser
}

/// Number and change number of what was taken, in order.
fn taken(muktasoft: &MuktasoftSimulator) -> Vec<(String, i64)> {
    let all = muktasoft.received();
    let taken = all.iter().filter(|one| one.outcome == StatusOutcome::Taken);
    taken.map(|one| (one.number().unwrap().to_owned(), one.change_number().unwrap())).collect()
}

fn numbers(told: &[(String, i64)]) -> Vec<&str> {
    told.iter().map(|(number, _)| number.as_str()).collect()
}

/// Whether a value fits a schema, as far as types, required fields, lists of words and parts go; where not.
fn misfit(schema: &Value, value: &Value, at: &str) -> Option<String> {
    let types = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(all) => all.iter().map(|one| one.as_str().unwrap()).collect(),
        _ => panic!("{at} has no type"),
    };
    let is = |kind: &str| match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => panic!("{at}: {kind}"),
    };
    if !types.into_iter().any(is) {
        return Some(format!("{at} is {value}"));
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        return Some(format!("{at} is {value}"));
    }
    for key in schema["required"].as_array().into_iter().flatten() {
        if value.get(key.as_str().unwrap()).is_none() {
            return Some(format!("{at} lacks {key}"));
        }
    }
    if let Some(fields) = value.as_object() {
        for (key, field) in fields {
            let known = schema["properties"].get(key);
            let Some(known) = known else { return Some(format!("{at}.{key} is not in the schema")) };
            if let Some(misfit) = misfit(known, field, &format!("{at}.{key}")) {
                return Some(misfit);
            }
        }
    }
    let items = value.as_array().into_iter().flatten();
    items.into_iter().find_map(|item| misfit(&schema["items"], item, &format!("{at}[]")))
}

fn schema() -> Value {
    serde_json::from_str(include_str!("../../docs/status.schema.json")).unwrap()
}

#[test]
fn the_documents_example_fits_its_schema() {
    let document = include_str!("../../docs/INTEGRATION.md");
    let example = document.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let example: Value = serde_json::from_str(example).unwrap();
    assert_eq!(misfit(&schema(), &example, "$"), None);
    let mut other = example.clone();
    other["beneficiaryDetails"][0]["paymentStatus"] = "Paid".into();
    assert!(misfit(&schema(), &other, "$").is_some(), "the check finds faults");
}

async fn what_is_told_is_what_an_export_tells(world: World) {
    let muktasoft = muktasoft().await;
    let app = telling(&world, &muktasoft);
    assert_eq!(tell(&app).await, 0);
    let people = original(ORIGINAL, PEOPLE).person(0, "paymentStatusMessage", "Account closed");
    world.import(&[people, revised(REVISED, ORIGINAL, PEOPLE)]);
    world.press_refresh(REVISED).await;
    world.import(&[revised(OTHER, REVISED, &PEOPLE[..1]).inactive()]);
    assert_eq!(tell(&app).await, 3);
    assert_eq!(tell(&app).await, 0, "nothing changed since");
    let mut exported = Vec::new();
    export(&world.app.store, &world.app.sealer, None, &mut exported).unwrap();
    let exported: Value = serde_json::from_slice(&exported).unwrap();
    let received = muktasoft.received();
    let mut keys = HashSet::new();
    for (one, exported) in received.iter().zip(exported["paymentInstructions"].as_array().unwrap()) {
        assert!(one.signature_fits && one.outcome == StatusOutcome::Taken, "{one:?}");
        let mut body = one.body.clone();
        assert!(body.as_object_mut().unwrap().remove("changeNumber").is_some());
        assert_eq!(&body, exported);
        assert_eq!(misfit(&schema(), &one.body, "$"), None);
        let key = one.idempotency_key.clone().unwrap();
        assert!(key.starts_with(&format!("{}-", one.change_number().unwrap())), "{key}");
        assert!(keys.insert(key));
    }
    assert_eq!(numbers(&taken(&muktasoft)), [ORIGINAL, REVISED, OTHER]);
    let changes: Vec<i64> = taken(&muktasoft).iter().map(|(_, change)| *change).collect();
    assert!(changes.is_sorted() && changes.last() == Some(&world.read(changes::latest)), "{changes:?}");
}

async fn nothing_overtakes_what_waits(world: World) {
    let muktasoft = muktasoft().await;
    let app = telling(&world, &muktasoft);
    world.import_pair(PEOPLE);
    for fault in [Fault::Http(503), Fault::Http(429), Fault::Http(302), Fault::Reset] {
        muktasoft.script(Service::Status, vec![fault]);
        let before = muktasoft.requests(Service::Status).len();
        assert_eq!(tell(&app).await, 0);
        assert_eq!(tell(&app).await, 0, "the pause is heeded");
        assert!(muktasoft.requests(Service::Status).len() <= before + 1);
        assert!(taken(&muktasoft).is_empty());
        world.later(TimeDelta::seconds(20));
    }
    world.import(&[revised(OTHER, ORIGINAL, PEOPLE)]);
    assert_eq!(tell(&app).await, 3);
    assert_eq!(numbers(&taken(&muktasoft)), [ORIGINAL, REVISED, OTHER]);
    let first = |one: &&Received| one.number() == Some(ORIGINAL);
    let keys: HashSet<_> =
        muktasoft.received().iter().filter(first).map(|one| one.idempotency_key.clone()).collect();
    assert_eq!(keys.len(), 1, "each time by the same key");
}

async fn what_changed_again_is_told_once_as_it_stands(world: World) {
    let muktasoft = muktasoft().await;
    let app = telling(&world, &muktasoft);
    world.import(&[revised(REVISED, ORIGINAL, PEOPLE)]);
    world.import(&[original(ORIGINAL, PEOPLE)]);
    muktasoft.script(Service::Status, vec![Fault::Http(503)]);
    assert_eq!(tell(&app).await, 0);
    let refused = muktasoft.received();
    assert_eq!((refused[0].number(), &refused[0].body["piStatus"]), (Some(REVISED), &"INITIATED".into()));
    world.press_refresh(REVISED).await;
    world.later(TimeDelta::seconds(20));
    assert_eq!(tell(&app).await, 2);
    let told = taken(&muktasoft);
    assert_eq!(numbers(&told), [ORIGINAL, REVISED]);
    assert!(told[0].1 < told[1].1, "{told:?}");
    assert_eq!(muktasoft.received()[2].body["piStatus"], "SUCCESSFUL");
}

async fn an_answer_that_was_lost_is_told_again_by_the_same_key(world: World) {
    let muktasoft = muktasoft().await;
    let app = telling(&world, &muktasoft);
    world.import_pair(PEOPLE);
    muktasoft.script(Service::Status, vec![Fault::AnswerLost]);
    assert_eq!(tell(&app).await, 0);
    world.later(TimeDelta::seconds(20));
    assert_eq!(tell(&app).await, 2, "one of which MUKTASoft knew");
    let outcomes: Vec<StatusOutcome> = muktasoft.received().iter().map(|one| one.outcome).collect();
    assert_eq!(outcomes, [StatusOutcome::Taken, StatusOutcome::KnownAlready, StatusOutcome::Taken]);
    assert_eq!(numbers(&taken(&muktasoft)), [ORIGINAL, REVISED]);
}

async fn what_is_refused_is_shown_and_passed(world: World) {
    let muktasoft = muktasoft().await;
    let app = telling(&world, &muktasoft);
    world.import(&pair(PEOPLE));
    world.import(&[original("PI-ELSEWHERE", PEOPLE).of_tenant("od.dhenkanal")]);
    let told = "No account 30131500010000 (<b>person</b> 9439012345) here, signed with";
    let told = format!("{told} {}", muktasoft.status_secret());
    muktasoft.script(Service::Status, vec![Fault::Errors(told), Fault::Http(422)]);
    assert_eq!(tell(&app).await, 3, "those that are refused are passed");
    assert_eq!(numbers(&taken(&muktasoft)), ["PI-ELSEWHERE"]);

    let browser = pages_of(&world, &app, "bina", Role::Viewer, "od.jatni").await;
    let page = browser.get("/sync-runs").await;
    assert_eq!(page.attr("#told", "data-waiting"), "0");
    let rows: Vec<String> = page.all("tr[data-refused]").into_iter().map(crate::support::words).collect();
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows[0].starts_with(REVISED) && rows[0].contains("422"), "newest first: {rows:?}");
    assert!(rows[1].starts_with(ORIGINAL) && rows[1].contains("400"), "{rows:?}");
    assert!(
        rows[1].contains("No account •••• 0000 (<b>person</b> •••• 2345) here, signed with …"),
        "neither numbers of people nor the secret: {rows:?}"
    );
    let elsewhere = pages_of(&world, &app, "hari", Role::Accountant, "od.dhenkanal").await;
    assert!(elsewhere.get("/sync-runs").await.all("tr[data-refused]").is_empty());
    assert!(world.get("/sync-runs").await.all("#told").is_empty(), "this process tells nobody");

    // What changed since is told anew.
    world.press_refresh(REVISED).await;
    assert_eq!(tell(&app).await, 1);
    let page = browser.get("/sync-runs").await;
    let left: Vec<&str> =
        page.all("tr[data-refused]").into_iter().map(|row| row.attr("data-refused").unwrap()).collect();
    assert_eq!(left, [ORIGINAL]);
}

async fn what_waits_is_shown_with_why(world: World) {
    let muktasoft = muktasoft().await;
    let app = telling(&world, &muktasoft);
    let browser = pages_of(&world, &app, "bina", Role::Viewer, "od.jatni").await;
    let told = async |browser: &Browser| browser.get("/sync-runs").await.words("#told");
    assert!(told(&browser).await.contains("nothing: MUKTASoft has been told all that changed"));
    world.import(&pair(PEOPLE));
    world.import(&[original("PI-ELSEWHERE", PEOPLE).of_tenant("od.dhenkanal")]);
    muktasoft.script(Service::Status, vec![Fault::Http(503), Fault::Reset]);
    tell(&app).await;
    let words = told(&browser).await;
    assert!(!words.contains("Last told on"), "of which town it was is not told: {words}");
    assert!(words.contains("2, the first changed on 31/03/2024 15:30 IST"), "{words}");
    assert!(words.contains("Since 31/03/2024 15:30 IST MUKTASoft has not taken what changed"), "{words}");
    assert!(words.contains("it answers with HTTP status 503"), "{words}");
    world.later(TimeDelta::seconds(30));
    tell(&app).await;
    let words = told(&browser).await;
    assert!(words.contains("Since 31/03/2024 15:30 IST MUKTASoft has not answered"), "{words}");
    world.later(TimeDelta::seconds(30));
    assert_eq!(tell(&app).await, 3);
    assert!(!told(&browser).await.contains("Since"));
    let state = pages_of(&world, &app, "chitra", Role::Viewer, "od").await;
    let words = told(&state).await;
    assert!(words.contains("Last told on31/03/2024 15:31 IST") && !words.contains("Since"), "{words}");
    // What waits of another town is no trouble of this one's.
    world.import(&[original("PI-ELSEWHERE/2", PEOPLE).of_tenant("od.dhenkanal")]);
    muktasoft.script(Service::Status, vec![Fault::Http(503)]);
    tell(&app).await;
    assert!(told(&state).await.contains("HTTP status 503"));
    let words = told(&browser).await;
    assert!(words.contains("nothing: MUKTASoft has been told all") && !words.contains("Since"), "{words}");
}

async fn a_lease_of_the_dead_ends_and_one_far_in_the_future_is_no_evidence(world: World) {
    let muktasoft = muktasoft().await;
    let app = telling(&world, &muktasoft);
    world.import_pair(PEOPLE);
    let held = |until: &str| {
        world
            .database
            .execute(&format!("UPDATE status_push SET lease_token = 'of another', lease_until = '{until}'"));
    };
    held("2024-03-31 10:00:20");
    assert_eq!(tell(&app).await, 0, "another process tells");
    held("2024-03-31 10:00:20.250");
    assert_eq!(tell(&app).await, 0, "it has renewed its lease since this process read its clock");
    assert!(muktasoft.received().is_empty());
    world.later(TimeDelta::seconds(21));
    assert_eq!(tell(&app).await, 2, "it has died");
    world.press_refresh(REVISED).await;
    held("2025-03-31 10:00:20");
    assert_eq!(tell(&app).await, 1, "no lease is so long");
}

async fn a_pause_far_in_the_future_is_no_evidence(world: World) {
    let muktasoft = muktasoft().await;
    let app = telling(&world, &muktasoft);
    world.import_pair(PEOPLE);
    world.database.execute(
        "UPDATE status_push SET attempts = 3, waiting_since = '2025-03-31 10:00:00', http_status = 503, \
         next_attempt_at = '2025-03-31 10:02:00'",
    );
    assert_eq!(tell(&app).await, 2);
}

async fn a_point_beyond_the_database_begins_at_its_counter_again(world: World) {
    let muktasoft = muktasoft().await;
    let app = telling(&world, &muktasoft);
    world.import_pair(PEOPLE);
    world.database.execute("UPDATE status_push SET change_number = 999, instruction_id = 1");
    assert_eq!(tell(&app).await, 0, "nothing old is told again");
    world.press_refresh(REVISED).await;
    assert_eq!(tell(&app).await, 1);
    assert_eq!(taken(&muktasoft), [(REVISED.to_owned(), world.read(changes::latest))]);
}

async fn what_cannot_be_opened_is_left_out(world: World) {
    let muktasoft = muktasoft().await;
    let app = telling(&world, &muktasoft);
    world.import(&[revised(REVISED, ORIGINAL, PEOPLE)]);
    let damaged = match world.database.kind {
        Kind::Sqlite => "x'00'",
        Kind::Postgres => "'\\x00'::BYTEA",
    };
    world
        .database
        .execute(&format!("UPDATE beneficiaries SET account_sealed = {damaged} WHERE position = 0"));
    assert_eq!(tell(&app).await, 1);
    let body = muktasoft.received().pop().unwrap().body;
    let account = |place: usize| body["beneficiaryDetails"][place].get("benfAcctNo").cloned();
    assert_eq!((account(0), account(1)), (None, Some("30131500010001".into())));
}

/// What MUKTASoft answers to its search, as a file.
fn file_of(muktasoft: &MuktasoftSimulator) -> String {
    serde_json::json!({ "paymentInstructions": muktasoft.instructions() }).to_string()
}

/// A bank sends the first payment of a completed instruction back: MUKTASoft's morning poll brings it.
fn send_back(muktasoft: &MuktasoftSimulator, number: &str) {
    let mut all = muktasoft.instructions().into_iter();
    let mut one = all.find(|one| one["jitBillNo"] == number).unwrap();
    if one["piStatus"] != "SUCCESSFUL" {
        return;
    }
    one["piStatus"] = "PARTIAL".into();
    one["beneficiaryDetails"][0]["paymentStatus"] = "Payment Failed".into();
    one["beneficiaryDetails"][0]["paymentStatusMessage"] = "Account closed".into();
    let modified = one["auditDetails"]["lastModifiedTime"].as_i64().unwrap();
    one["auditDetails"]["lastModifiedTime"] = (modified + 1000).into();
    muktasoft.know(one);
}

/// Pulls, calls of JIT, posts out, and faults of each, in any order: once all is told and taken in, MUKTASoft
/// and the database say the same, and neither has news for the other.
async fn both_sides_agree_whatever_happens_between(world: World) {
    let muktasoft = muktasoft().await;
    let app = telling(&world, &muktasoft);
    let numbers: Vec<String> = (1..=6).map(|place| format!("PI-1013/2023-24/{place:06}")).collect();
    let all: Vec<Instruction> = std::iter::once(original(ORIGINAL, PEOPLE))
        .chain(numbers.iter().map(|number| revised(number, ORIGINAL, PEOPLE)))
        .collect();
    introduce(&world.jit, &all);
    let told: Value = serde_json::from_str(&document(&all)).unwrap();
    told["paymentInstructions"].as_array().unwrap().iter().for_each(|one| muktasoft.know(one.clone()));
    let pulling = muktasoft_of(&world, config(&muktasoft));
    let pull = async || {
        let pulled = pulling.pull(PullTrigger::Command).await.unwrap();
        assert_eq!((pulled.failure, pulled.notes.len()), (None, 0));
        pulled.summary
    };
    pull().await;
    let mut steps = Vec::new();
    for _ in 0..40 {
        let step = random_number().unwrap();
        let number = &numbers[(step / 100 % 6) as usize];
        steps.push((step % 10, number.clone()));
        match step % 10 {
            0..4 => {
                let answers = [Scenario::Paid, Scenario::ErrorList, Scenario::Reset, Scenario::Garbage];
                world.jit.script(number, vec![answers[(step / 1000 % 4) as usize].clone()]);
                // One that is completed is not asked about.
                let order = Order::refresh("asha".to_owned());
                world.app.sync.ask(world.stored(number).id, order).await.unwrap();
            }
            4..6 => drop(pull().await),
            6 => {
                send_back(&muktasoft, number);
                pull().await;
            }
            _ => {
                let faults = [Fault::Http(503), Fault::AnswerLost, Fault::Reset];
                let fault = faults[(step / 1000 % 3) as usize].clone();
                muktasoft.script(Service::Status, vec![fault]);
                tell(&app).await;
            }
        }
        world.later(TimeDelta::minutes(10));
    }
    muktasoft.script(Service::Status, Vec::new());
    // What was told modifies MUKTASoft's record, which comes in and is told back once more, as nothing new.
    for _ in 0..2 {
        tell(&app).await;
        pull().await;
    }
    tell(&app).await;
    // The original is here, and not asked for again.
    let rested = pull().await;
    assert_eq!((rested.updated, rested.unchanged), (0, 6), "{steps:?}");
    assert_eq!(tell(&app).await, 0, "{steps:?}");
    let compared = fed(with_database(&["compare", "-"], &world.database), &file_of(&muktasoft));
    assert_eq!((stdout(&compared).as_str(), compared.status.code()), ("", Some(0)), "{steps:?}");
}

/// `serve` as a process that tells at that address.
pub(crate) fn serve(world: &World, muktasoft: &MuktasoftSimulator, url: &str) -> Program {
    let mut command = world.program(&["serve"]);
    command
        .env("RUST_LOG", "error")
        .env("MUKTASOFT_STATUS_URL", url)
        .env("MUKTASOFT_STATUS_SECRET", muktasoft.status_secret())
        .stdout(Stdio::null());
    Program::start(&mut command)
}

async fn two_programs_tell_each_change_once(world: World) {
    const COUNT: usize = 60;
    let muktasoft = muktasoft().await;
    // The first answer waits: whoever holds the lease by then is at work while the other looks.
    let gate = Gate::shut();
    muktasoft.script(Service::Status, vec![Fault::Gate(gate.clone())]);
    world.import_many(COUNT);
    let one = serve(&world, &muktasoft, &muktasoft.status_url());
    world.until(|| muktasoft.requests(Service::Status).len() == 1).await;
    let two = serve(&world, &muktasoft, &muktasoft.status_url());
    gate.open();
    world.until(|| taken(&muktasoft).len() == COUNT + 1).await;
    // Both live and look; each change is told by one of them.
    for number in 0..10 {
        world.import(&[revised(&format!("PI-LATER/{number}"), ORIGINAL, PEOPLE)]);
        world.until(|| taken(&muktasoft).len() == COUNT + 2 + number).await;
    }
    one.stop();
    world.import(&[revised("PI-LAST", ORIGINAL, PEOPLE)]);
    world.until(|| taken(&muktasoft).len() == COUNT + 12).await;
    two.stop();
    let received = muktasoft.received();
    let told: Vec<_> = received.iter().map(|one| (&one.idempotency_key, one.outcome, one.at)).collect();
    assert_eq!(received.len(), COUNT + 12, "none twice: {told:#?}");
    assert!(received.iter().all(|one| one.outcome == StatusOutcome::Taken));
    let changes: Vec<i64> = taken(&muktasoft).iter().map(|(_, change)| *change).collect();
    assert!(changes.is_sorted(), "{changes:?}");
}

async fn a_receiver_that_is_down_over_restarts_misses_nothing(world: World) {
    let muktasoft = muktasoft().await;
    let mut door = Door::to(&muktasoft.status_url());
    let mut url: reqwest::Url = muktasoft.status_url().parse().unwrap();
    url.set_port(Some(door.port())).unwrap();
    let attempts = || world.read(status_push::progress).attempts;
    let import = |number: usize| {
        world.import(&[revised(&format!("PI-1013/2023-24/{number:06}"), ORIGINAL, PEOPLE)]);
    };
    (1..=5).for_each(import);
    let program = serve(&world, &muktasoft, url.as_str());
    world.until(|| attempts() >= 1).await;
    program.kill();
    (6..=8).for_each(import);
    // It changes while it waits, and again while nobody is there to tell.
    world.import(&[revised("PI-1013/2023-24/000001", ORIGINAL, &PEOPLE[..1])]);
    let before = attempts();
    let program = serve(&world, &muktasoft, url.as_str());
    world.until(|| attempts() > before).await;
    door.open();
    world.until(|| taken(&muktasoft).len() >= 2).await;
    // Killed in its midst, and the door shut once more.
    program.kill();
    door.shut();
    (9..=12).for_each(import);
    let program = serve(&world, &muktasoft, url.as_str());
    door.open();
    let all = 12;
    let told = |of: &MuktasoftSimulator| taken(of).into_iter().collect::<BTreeMap<_, _>>();
    let latest = world.read(changes::latest);
    world.until(|| taken(&muktasoft).last().is_some_and(|(_, change)| *change == latest)).await;
    program.stop();
    assert_eq!(told(&muktasoft).len(), all, "each arrived");
    let changes: Vec<i64> = taken(&muktasoft).iter().map(|(_, change)| *change).collect();
    assert!(changes.is_sorted_by(|a, b| a < b), "in order, each once: {changes:?}");
    assert_eq!(changes.len(), all, "what changed while it waited was told once, as it stood then");
    let signed = muktasoft.received();
    assert!(signed.iter().all(|one| one.signature_fits));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_the_log_nor_the_database_holds_the_secret() {
    let world = World::start(Kind::Sqlite).await;
    let secret = hex(&[0x5e; 16]);
    let muktasoft = MuktasoftSimulator::start(MuktasoftSimulatorOptions {
        status_secret: secret.clone(),
        ..MuktasoftSimulatorOptions::default()
    })
    .await
    .unwrap();
    world.import_pair(PEOPLE);
    let log = world.database.directory.path().join("log");
    let file = std::fs::File::create(&log).unwrap();
    muktasoft.script(Service::Status, vec![Fault::Http(422), Fault::Http(503)]);
    let mut command = world.program(&["serve"]);
    command
        .env("RUST_LOG", "trace")
        .env("MUKTASOFT_STATUS_URL", muktasoft.status_url())
        .env("MUKTASOFT_STATUS_SECRET", &secret)
        .stdout(file.try_clone().unwrap())
        .stderr(file);
    let program = Program::start(&mut command);
    world.until(|| taken(&muktasoft).len() == 1).await;
    program.stop();
    let mut held = std::fs::read(&log).unwrap();
    assert!(String::from_utf8_lossy(&held).contains("MUKTASoft refused"), "it is told in the log");
    for file in [world.database.file().to_owned(), format!("{}-wal", world.database.file())] {
        held.extend(std::fs::read(file).unwrap_or_default());
    }
    for secret in [secret.as_str(), "30131500010000", "7550010000"] {
        assert!(!held.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret}");
    }
}
