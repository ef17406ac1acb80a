//! Payment instructions pulled from a simulated MUKTASoft.

use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use mukta_ftps::access::Role;
use mukta_ftps::domain::{PiStatus, PullFailure, PullNoteKind, PullTrigger};
use mukta_ftps::muktasoft::{Muktasoft, MuktasoftConfig, PullError, Pulled, SearchKind};
use mukta_ftps::simulator::muktasoft::{Fault, Gate, MuktasoftSimulator, MuktasoftSimulatorOptions, Service};
use mukta_ftps::store::exporting::Known;
use mukta_ftps::store::{importing, pulls, sync_runs};
use serde_json::{Value, json};

use crate::support::{
    Browser, Instruction, Kind, ORIGINAL, OTHER, PEOPLE, Page, Program, REVISED, World, document, introduce,
    on_both, original, pair, program, revised, stderr, stdout, words,
};

on_both!(
    revised_ones_come_with_their_originals_and_people,
    what_changes_while_it_is_read_is_not_missed,
    what_never_stands_still_is_said_on_the_page,
    a_fault_leaves_out_its_record_until_it_is_whole,
    what_one_town_meets_neither_stops_another_nor_is_told_to_it,
    a_service_of_people_that_is_away_keeps_nothing_away,
    a_run_under_way_is_joined_by_what_comes,
    two_processes_that_pull_at_once_are_one,
    what_is_not_known_here_is_fetched_by_a_person,
    the_command_sync_pulls_first_and_goes_on_without,
);

/// How a program reaches it, and all of its services.
pub(crate) fn config(muktasoft: &MuktasoftSimulator) -> MuktasoftConfig {
    MuktasoftConfig {
        search: muktasoft.pi_search_url().parse().unwrap(),
        kind: SearchKind::Ifms,
        token: Some(muktasoft.auth_token().to_owned()),
        bank_accounts: Some(muktasoft.bank_account_url().parse().unwrap()),
        individuals: Some(muktasoft.individual_url().parse().unwrap()),
        organisations: Some(muktasoft.organisation_url().parse().unwrap()),
        tenants: vec!["od.jatni".to_owned()],
        every: Duration::from_secs(900),
        longest: Duration::from_secs(60),
    }
}

async fn simulator() -> MuktasoftSimulator {
    MuktasoftSimulator::start(MuktasoftSimulatorOptions::default()).await.unwrap()
}

/// The part of a world's program that pulls.
pub(crate) fn muktasoft_of(world: &World, config: MuktasoftConfig) -> Muktasoft {
    let (store, sealer, clock) = (&world.app.store, &world.app.sealer, &world.app.clock);
    Muktasoft::new(store.clone(), Arc::clone(sealer), Some(config), clock.clone(), Arc::new(|| {})).unwrap()
}

/// Tells it of these, and the simulated JIT of the revised ones.
fn know(world: &World, muktasoft: &MuktasoftSimulator, instructions: &[Instruction]) {
    elements(instructions).into_iter().for_each(|one| muktasoft.know(one));
    introduce(&world.jit, instructions);
}

fn elements(instructions: &[Instruction]) -> Vec<Value> {
    let mut document: Value = serde_json::from_str(&document(instructions)).unwrap();
    document["paymentInstructions"].as_array_mut().unwrap().drain(..).collect()
}

async fn pull(muktasoft: &Muktasoft) -> Pulled {
    muktasoft.pull(PullTrigger::Command).await.unwrap()
}

fn known(world: &World, number: &str) -> Option<Known> {
    let folded = number.to_lowercase();
    world.read(|db| importing::look_up(db, &world.app.sealer, std::slice::from_ref(&folded))).remove(&folded)
}

/// Revised ones of one original, each with people of its own.
fn many(count: usize) -> Vec<Instruction> {
    (1..=count)
        .map(|place| {
            revised(&format!("PI-1013/2023-24/{place:06}"), ORIGINAL, &[format!("BN-{place}")]).person(
                0,
                "beneficiaryId",
                format!("person-of-{place}"),
            )
        })
        .collect()
}

fn kinds(pulled: &Pulled) -> Vec<PullNoteKind> {
    pulled.notes.iter().map(|note| note.kind).collect()
}

async fn revised_ones_come_with_their_originals_and_people(world: World) {
    let muktasoft = simulator().await;
    know(&world, &muktasoft, &pair(PEOPLE));
    // Of a revised one whose parent is a revised one too, nothing of which is here.
    let parents = [original("PI-7/2022-23/1", PEOPLE), revised("PI-7/2022-23/2", "PI-7/2022-23/1", PEOPLE)];
    know(&world, &muktasoft, &parents);
    know(&world, &muktasoft, &[revised("PI-7/2023-24/3", "PI-7/2022-23/2", PEOPLE)]);
    know(&world, &muktasoft, &[original("PI-9/2022-23/1", PEOPLE).of_tenant("od.dhenkanal")]);
    know(&world, &muktasoft, &[revised("PI-8/2023-24/1", "PI-9/2022-23/1", PEOPLE)]);
    for kind in [SearchKind::Ifms, SearchKind::MuktaIfix] {
        let search = match kind {
            SearchKind::Ifms => muktasoft.pi_search_url(),
            SearchKind::MuktaIfix => muktasoft.mukta_ifix_search_url(),
        };
        let config = MuktasoftConfig { kind, search: search.parse().unwrap(), ..config(&muktasoft) };
        let pulled = pull(&muktasoft_of(&world, config)).await;
        assert_eq!(pulled.failure, None, "{:?}", pulled.notes);
        let expected = match kind {
            SearchKind::Ifms => "imported 6: 6 created, 0 updated, 0 unchanged",
            // What is here already stays as it is, and originals are not asked for again.
            SearchKind::MuktaIfix => "imported 4: 0 created, 0 updated, 4 unchanged",
        };
        assert_eq!(pulled.summary.to_string(), expected);
        assert_eq!(kinds(&pulled), [PullNoteKind::NotGiven], "another ULB's original is no parent");
    }
    let here = known(&world, REVISED).unwrap();
    let person = &here.version.record.beneficiaries[0];
    assert_eq!(person.name.as_deref(), Some("Sabita Nayak 0"));
    assert_eq!(person.account.as_deref(), Some("30131500010000"));
    assert_eq!(person.ifsc.as_deref(), Some("SBIN0012345"));
    assert_eq!(person.mobile.as_deref(), Some("7550010000"));
    assert!(known(&world, "PI-9/2022-23/1").is_none());
    let asked = muktasoft.requests(Service::PiSearch);
    let by_type: Vec<&Value> = asked
        .iter()
        .map(|body| if body["criteria"].is_null() { &body["searchCriteria"] } else { &body["criteria"] })
        .collect();
    assert!(by_type.iter().all(|criteria| criteria["piType"] != "ORIGINAL"), "that one is faulty there");
    assert!(by_type.iter().all(|criteria| criteria["tenantId"] == "od.jatni"));
    let page = world.press_refresh(REVISED).await;
    assert_eq!(page.attr("main", "data-pi-status"), "Completed");
    let page = world.press_refresh("PI-7/2023-24/3").await;
    assert_eq!(page.attr("main", "data-pi-status"), "Completed", "its original's reference is here");
}

async fn what_changes_while_it_is_read_is_not_missed(world: World) {
    let muktasoft = simulator().await;
    know(&world, &muktasoft, &[original(ORIGINAL, PEOPLE)]);
    know(&world, &muktasoft, &many(250));
    muktasoft.tell_count(true);
    // After the first page one is taken away and two are there more; once.
    let (hooked, turn) = (muktasoft.clone(), AtomicUsize::new(0));
    let more = elements(&many(252)[250..]);
    muktasoft.on_request(Service::PiSearch, move |_| {
        if turn.fetch_add(1, Ordering::Relaxed) == 1 {
            hooked.forget("PI-1013/2023-24/000001");
            more.iter().for_each(|one| hooked.know(one.clone()));
        }
    });
    let pulled = pull(&muktasoft_of(&world, config(&muktasoft))).await;
    muktasoft.on_request(Service::PiSearch, |_| {});
    assert_eq!((pulled.failure, pulled.notes), (None, vec![]));
    for place in 1..=252 {
        assert!(known(&world, &format!("PI-1013/2023-24/{place:06}")).is_some(), "{place}");
    }
    let readings = muktasoft.requests(Service::PiSearch);
    let begun = readings.iter().filter(|body| body["searchCriteria"]["offset"] == 0).count();
    assert_eq!(begun, 2, "it was read again, once");
}

async fn what_never_stands_still_is_said_on_the_page(world: World) {
    let muktasoft = simulator().await;
    know(&world, &muktasoft, &[original(ORIGINAL, PEOPLE)]);
    know(&world, &muktasoft, &many(150));
    muktasoft.always(Service::PiSearch, Some(Fault::Shifted));
    let pulled = pull(&muktasoft_of(&world, config(&muktasoft))).await;
    assert_eq!(kinds(&pulled), [PullNoteKind::ChangedWhileRead]);
    assert_eq!(pulled.failure, None);
    assert!(pulled.summary.created > 140, "what was read is here: {}", pulled.summary);
    let page = world.get("/sync-runs").await;
    let said = words(page.one("#pulled [data-pull-note]"));
    assert!(said.contains("Jatni changed each time"), "{said}");
    let run = world.begun_by_hand().await;
    world.app.sync.work(&run).await.unwrap();
    let page = world.get(&format!("/sync-runs/{}", run.id)).await;
    assert!(words(page.one("#pulled [data-pull-note]")).contains("one may be missing"));
}

async fn a_fault_leaves_out_its_record_until_it_is_whole(world: World) {
    let muktasoft = simulator().await;
    know(&world, &muktasoft, &pair(PEOPLE));
    let faulty = revised(OTHER, ORIGINAL, PEOPLE).person(1, "amount", "1,230.50");
    know(&world, &muktasoft, &[faulty]);
    know(
        &world,
        &muktasoft,
        &[revised("PI-E/1", ORIGINAL, PEOPLE).of_tenant("od.dhenkanal").but(|one| {
            one["netAmount"] = "x".into();
        })],
    );
    let towns = vec!["od.jatni".to_owned(), "od.dhenkanal".to_owned()];
    let pulling = muktasoft_of(&world, MuktasoftConfig { tenants: towns, ..config(&muktasoft) });
    let pulled = pull(&pulling).await;
    assert_eq!(pulled.summary.to_string(), "imported 2: 2 created, 0 updated, 0 unchanged, 2 left out");
    let run = world.begun_by_hand().await;
    world.app.sync.work(&run).await.unwrap();
    let page = world.get(&format!("/sync-runs/{}", run.id)).await;
    let faults = page.all("[data-pull-fault]");
    assert_eq!(faults.len(), 2);
    let jatni = page.one(&format!("[data-pull-fault='{OTHER}']"));
    assert!(words(jatni).contains("paymentInstructions["), "{}", words(jatni));
    assert!(words(jatni).contains("].beneficiaryDetails[1].amount"), "{}", words(jatni));
    let town = world.browser_of("bina", Role::Viewer, "od.jatni").await;
    let page = town.get("/sync-runs").await;
    assert_eq!(page.all("[data-pull-fault]").len(), 1, "nothing of other towns");
    assert_eq!(page.attr("#pulled", "data-created"), "2");
    assert!(!page.text.contains("PI-E/1"));

    know(&world, &muktasoft, &[revised(OTHER, ORIGINAL, PEOPLE)]);
    world.later(TimeDelta::minutes(15));
    let pulled = pull(&pulling).await;
    assert_eq!(pulled.summary.created, 1);
    let page = world.get("/sync-runs").await;
    let left: Vec<_> = page.all("[data-pull-fault]");
    assert_eq!(left.len(), 1, "that of the other town stays");
    assert!(words(left[0]).contains("31/03/2024 15:30"), "since the first pull: {}", words(left[0]));
}

async fn what_one_town_meets_neither_stops_another_nor_is_told_to_it(world: World) {
    let muktasoft = simulator().await;
    know(&world, &muktasoft, &pair(PEOPLE));
    let elsewhere = [original("PI-8/1", PEOPLE), revised("PI-8/2", "PI-8/1", PEOPLE)];
    know(&world, &muktasoft, &elsewhere.map(|one| one.of_tenant("od.dhenkanal")));
    let towns = ["od.jatni", "od.dhenkanal"];
    let both = MuktasoftConfig { tenants: towns.map(str::to_owned).to_vec(), ..config(&muktasoft) };
    muktasoft
        .script(Service::PiSearch, vec![Fault::Errors("Ram Kumar of od.jatni has no account".to_owned())]);
    let pulled = pull(&muktasoft_of(&world, both)).await;
    assert_eq!(pulled.failure.as_ref().map(|(failure, _)| *failure), Some(PullFailure::Refused));
    assert!(known(&world, "PI-8/2").is_some() && known(&world, REVISED).is_none());
    let told =
        |page: &Page| (page.attr("#pulled", "data-pull-failure").to_owned(), page.text.contains("Ram Kumar"));
    assert_eq!(told(&world.get("/sync-runs").await), ("refused".to_owned(), true));
    for (town, failure) in towns.iter().zip(["refused", ""]) {
        let browser = world.browser_of(&format!("of-{town}"), Role::Viewer, town).await;
        assert_eq!(told(&browser.get("/sync-runs").await), (failure.to_owned(), false), "{town}");
    }
}

async fn a_service_of_people_that_is_away_keeps_nothing_away(world: World) {
    let muktasoft = simulator().await;
    let declined = revised(REVISED, ORIGINAL, PEOPLE).in_state("DECLINED", "Payment Pending");
    know(&world, &muktasoft, &[original(ORIGINAL, PEOPLE), declined]);
    muktasoft.always(Service::Individuals, Some(Fault::Http(503)));
    muktasoft.always(Service::BankAccounts, Some(Fault::Html));
    let pulling = muktasoft_of(&world, config(&muktasoft));
    let pulled = pull(&pulling).await;
    assert_eq!((pulled.summary.created, pulled.failure.as_ref()), (2, None));
    assert_eq!(kinds(&pulled), [PullNoteKind::ServiceAway; 2]);
    assert_eq!(known(&world, REVISED).unwrap().version.record.beneficiaries[0].name, None);
    let page = world.get("/sync-runs").await;
    assert!(page.text.contains("bank accounts could not be asked"), "{}", page.text);

    // They are owed, though nothing about the instruction changes. What is masked is no data.
    muktasoft.always(Service::Individuals, Some(Fault::Masked));
    muktasoft.always(Service::BankAccounts, None);
    let pulled = pull(&pulling).await;
    assert_eq!((pulled.summary.updated, pulled.notes.len()), (2, 0));
    let person = |world: &World| known(world, REVISED).unwrap().version.record.beneficiaries[1].clone();
    assert_eq!(person(&world).account.as_deref(), Some("30131500010001"));
    assert_eq!(person(&world).mobile, None);
    let asked = muktasoft.requests(Service::Individuals).len();
    let pulled = pull(&pulling).await;
    assert_eq!(pulled.summary.unchanged, 1, "{}", pulled.summary);
    assert_eq!(muktasoft.requests(Service::Individuals).len(), asked, "nobody is asked about for ever");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_is_known_is_not_asked_about_until_another_is_named() {
    let world = World::start(Kind::Sqlite).await;
    let muktasoft = simulator().await;
    know(&world, &muktasoft, &pair(PEOPLE));
    let pulling = muktasoft_of(&world, config(&muktasoft));
    pull(&pulling).await;
    let asked =
        || muktasoft.requests(Service::Individuals).len() + muktasoft.requests(Service::BankAccounts).len();
    let before = asked();
    pull(&pulling).await;
    assert_eq!(asked(), before);
    let another = revised(REVISED, ORIGINAL, PEOPLE)
        .person(0, "beneficiaryId", "person-77")
        .person(0, "benefName", "Kuni Mallick")
        .person(0, "benfMobileNo", "7550010077");
    know(&world, &muktasoft, &[another]);
    let pulled = pull(&pulling).await;
    assert_eq!(pulled.summary.updated, 1);
    let ids = muktasoft.requests(Service::Individuals).pop().unwrap();
    assert_eq!(ids["Individual"]["id"], json!(["person-77"]));
    let here = known(&world, REVISED).unwrap().version.record.beneficiaries;
    assert_eq!(here[0].name.as_deref(), Some("Kuni Mallick"));
    assert_eq!(here[1].name.as_deref(), Some("Sabita Nayak 1"));
}

async fn a_run_under_way_is_joined_by_what_comes(world: World) {
    let muktasoft = simulator().await;
    world.import_pair(PEOPLE);
    let run = world.begun_by_hand().await;
    know(&world, &muktasoft, &pair(PEOPLE));
    know(&world, &muktasoft, &[revised(OTHER, "PI-7/2022-23/1", PEOPLE)]);
    know(&world, &muktasoft, &[original("PI-7/2022-23/1", PEOPLE)]);
    let orphan = revised("PI-8/2023-24/1", "PI-NOWHERE/1", PEOPLE).in_state("DECLINED", "Payment Pending");
    know(&world, &muktasoft, &[orphan]);
    pull(&muktasoft_of(&world, config(&muktasoft))).await;
    world.app.sync.work(&run).await.unwrap();
    assert_eq!(world.stored(OTHER).status, PiStatus::Completed);
    let total = world.read(|db| sync_runs::total(db, run.id));
    let came = (total.expected, total.successful, total.glitches);
    assert_eq!(came, (2, 2, 0), "what does not wait joins nothing");
}

/// The program with all of a MUKTASoft in its environment.
fn with_muktasoft(mut command: Command, muktasoft: &MuktasoftSimulator) -> Command {
    command
        .env("MUKTASOFT_PI_SEARCH_URL", muktasoft.pi_search_url())
        .env("MUKTASOFT_AUTH_TOKEN", muktasoft.auth_token())
        .env("MUKTASOFT_BANK_ACCOUNT_SEARCH_URL", muktasoft.bank_account_url())
        .env("MUKTASOFT_INDIVIDUAL_SEARCH_URL", muktasoft.individual_url())
        .env("MUKTASOFT_ORGANISATION_SEARCH_URL", muktasoft.organisation_url())
        .env("MUKTASOFT_TENANTS", "od.jatni")
        .env("MUKTASOFT_PULL_MAX_SECONDS", "20");
    command
}

/// Runs it beside this test's own tasks, which answer it.
async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn last_line(output: &Output) -> String {
    stdout(output).lines().last().unwrap_or_default().to_owned()
}

async fn two_processes_that_pull_at_once_are_one(world: World) {
    let muktasoft = simulator().await;
    know(&world, &muktasoft, &pair(PEOPLE));
    let gate = Gate::shut();
    muktasoft.script(Service::PiSearch, vec![Fault::Gate(gate.clone())]);
    let mut first = with_muktasoft(world.program(&["pull"]), &muktasoft);
    let first = first.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    world.until(|| !muktasoft.requests(Service::PiSearch).is_empty()).await;
    let second = run(with_muktasoft(world.program(&["pull"]), &muktasoft)).await;
    assert_eq!(second.status.code(), Some(1));
    assert!(stderr(&second).contains("another pull is under way"), "{}", stderr(&second));
    // A sync beside it does not wait: it begins with what is here.
    let sync = run(with_muktasoft(world.program(&["sync"]), &muktasoft)).await;
    assert_eq!(sync.status.code(), Some(0), "{}", stderr(&sync));
    assert!(stderr(&sync).contains("the sync goes on with what is here"), "{}", stderr(&sync));
    assert_eq!(muktasoft.requests(Service::PiSearch).len(), 1, "nobody else has asked");
    gate.open();
    let first = tokio::task::spawn_blocking(move || first.wait_with_output().unwrap()).await.unwrap();
    assert_eq!(last_line(&first), "imported 2: 2 created, 0 updated, 0 unchanged", "{}", stderr(&first));
    assert_eq!(first.status.code(), Some(0));
    let again = run(with_muktasoft(world.program(&["pull"]), &muktasoft)).await;
    assert_eq!(last_line(&again), "imported 1: 0 created, 0 updated, 1 unchanged");
}

async fn what_is_not_known_here_is_fetched_by_a_person(mut world: World) {
    let muktasoft = simulator().await;
    know(&world, &muktasoft, &pair(PEOPLE));
    let elsewhere =
        [original("PI-2207/2022-23/1", PEOPLE), revised("PI-2207/2023-24/2", "PI-2207/2022-23/1", PEOPLE)];
    know(&world, &muktasoft, &elsewhere.map(|one| one.of_tenant("od.dhenkanal")));
    let faulty = revised(OTHER, ORIGINAL, PEOPLE).person(0, "amount", "x");
    know(&world, &muktasoft, &[faulty]);
    world.site.app.muktasoft = muktasoft_of(&world, config(&muktasoft));
    let state = world.served_with(world.site.sessions.clone()).await;
    state.sign_in("asha").await;
    let there = |name: &'static str, role| {
        world.employ(name, role, "od.jatni");
        Browser::new(state.address)
    };
    let (accountant, viewer) = (there("bina", Role::Accountant), there("chitra", Role::Viewer));
    accountant.sign_in("bina").await;
    viewer.sign_in("chitra").await;

    let search = format!("/payment-instructions?q={REVISED}");
    assert!(viewer.get(&search).await.all("form#fetch").is_empty());
    assert_eq!(viewer.post("/payment-instructions/fetch", &[("number", REVISED)]).await.status, 403);
    assert!(world.get(&search).await.all("form#fetch").is_empty(), "there is no MUKTASoft for that program");
    assert!(accountant.get("/payment-instructions?q=Sabita").await.all("form#fetch").is_empty());
    let page = accountant.get(&search).await;
    assert_eq!(page.attr("form#fetch input[name=number]", "value"), REVISED);
    let fetch = async |browser: &Browser, number: &str| {
        let answer = browser.post("/payment-instructions/fetch", &[("number", number)]).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        answer.location()
    };
    assert_eq!(fetch(&accountant, &REVISED.to_lowercase()).await, format!("/payment-instructions/{REVISED}"));
    assert!(known(&world, ORIGINAL).is_some(), "its original came with it");
    assert_eq!(
        known(&world, REVISED).unwrap().version.record.beneficiaries[0].name.as_deref(),
        Some("Sabita Nayak 0")
    );
    assert_eq!(accountant.press_refresh(REVISED).await.attr("main", "data-pi-status"), "Completed");

    let back = fetch(&accountant, "PI-2207/2023-24/2").await;
    let page = accountant.get(back.split('#').next().unwrap()).await;
    assert!(words(page.one("#notice")).contains("does not know this payment instruction"), "{}", page.text);
    assert!(known(&world, "PI-2207/2023-24/2").is_none());
    assert_eq!(fetch(&state, "PI-2207/2023-24/2").await, "/payment-instructions/PI-2207/2023-24/2");

    let back = fetch(&accountant, OTHER).await;
    assert!(back.contains("notice=fetch-faulty"), "{back}");
    let faults = world.get("/sync-runs").await;
    // No pull has been made, so nothing is told of one: the fault waits for the first.
    assert!(faults.all("#pulled").is_empty());
    pull(&muktasoft_of(&world, config(&muktasoft))).await;
    assert_eq!(world.get("/sync-runs").await.all(&format!("[data-pull-fault='{OTHER}']")).len(), 1);

    muktasoft.script(Service::PiSearch, vec![Fault::Unauthorized]);
    let back = fetch(&accountant, "PI-1013/2023-24/000999").await;
    assert!(back.contains("notice=fetch-failed"), "{back}");
    let audit = state.get("/audit").await;
    assert!(audit.text.contains("Fetched from MUKTASoft") && audit.text.contains("PI-2207/2023-24/2"));
}

async fn the_command_sync_pulls_first_and_goes_on_without(world: World) {
    let muktasoft = simulator().await;
    know(&world, &muktasoft, &pair(PEOPLE));
    let output = run(with_muktasoft(world.program(&["sync"]), &muktasoft)).await;
    assert_eq!(
        last_line(&output),
        "synced 1: 1 successful, 0 errors, 0 glitches, 0 no response",
        "{}",
        stderr(&output)
    );
    assert!(stderr(&output).contains("imported 2: 2 created"), "{}", stderr(&output));

    know(&world, &muktasoft, &[revised(OTHER, ORIGINAL, PEOPLE)]);
    world.import(&[revised(OTHER, ORIGINAL, PEOPLE)]);
    muktasoft.always(Service::PiSearch, Some(Fault::Unauthorized));
    let output = run(with_muktasoft(world.program(&["sync"]), &muktasoft)).await;
    assert_eq!(
        last_line(&output),
        "synced 1: 1 successful, 0 errors, 0 glitches, 0 no response",
        "{}",
        stderr(&output)
    );
    let told = stderr(&output);
    assert!(told.contains("the pull did not bring all: MUKTASoft refused the token"), "{told}");
    assert!(!told.contains(muktasoft.auth_token()), "{told}");
    // The machine's clock is ahead of the world's.
    world.set_clock(chrono::Utc::now() + TimeDelta::minutes(1));
    let page = world.get("/sync-runs").await;
    assert_eq!(page.attr("#pulled", "data-pull-failure"), "token-refused");
    assert!(words(page.one("#pulled")).contains("MUKTASoft refused the token"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_that_is_stopped_while_it_pulls_says_so_and_holds_nobody_up() {
    let world = World::start(Kind::Sqlite).await;
    let muktasoft = simulator().await;
    know(&world, &muktasoft, &pair(PEOPLE));
    muktasoft.script(Service::PiSearch, vec![Fault::Gate(Gate::shut())]);
    let mut sync = with_muktasoft(world.program(&["sync"]), &muktasoft);
    let sync = sync.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    world.until(|| !muktasoft.requests(Service::PiSearch).is_empty()).await;
    assert!(Command::new("kill").args(["-TERM", &sync.id().to_string()]).status().unwrap().success());
    let output = tokio::task::spawn_blocking(move || sync.wait_with_output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("stopped before the sync began"), "{}", stderr(&output));
    let next = run(with_muktasoft(world.program(&["pull"]), &muktasoft)).await;
    assert_eq!(last_line(&next), "imported 2: 2 created, 0 updated, 0 unchanged", "{}", stderr(&next));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_token_is_said_once_and_loudly() {
    let world = World::start(Kind::Sqlite).await;
    let muktasoft = simulator().await;
    know(&world, &muktasoft, &pair(PEOPLE));
    let mut command = with_muktasoft(world.program(&["pull"]), &muktasoft);
    command.env("MUKTASOFT_AUTH_TOKEN", "another-token");
    let output = run(command).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(last_line(&output), "imported 0: 0 created, 0 updated, 0 unchanged");
    assert!(
        stderr(&output).contains("MUKTASoft refused the token (MUKTASOFT_AUTH_TOKEN)"),
        "{}",
        stderr(&output)
    );
    assert!(!stderr(&output).contains("another-token"));
    assert_eq!(muktasoft.requests(Service::PiSearch).len(), 1, "nothing is repeated");

    // `serve` pulls again and again, and says it once.
    let log = world.database.directory.path().join("log");
    let mut serve = with_muktasoft(world.program(&["serve"]), &muktasoft);
    serve
        .env("MUKTASOFT_AUTH_TOKEN", "another-token")
        .env("MUKTASOFT_PULL_SECONDS", "1")
        .env("RUST_LOG", "info")
        .stderr(std::fs::File::create(&log).unwrap());
    let serve = Program::start(&mut serve);
    world.until(|| muktasoft.requests(Service::PiSearch).len() >= 4).await;
    serve.stop();
    let log = std::fs::read_to_string(log).unwrap();
    let loud =
        log.lines().filter(|line| line.contains("ERROR") && line.contains("refused the token")).count();
    assert_eq!(loud, 1, "{log}");
    assert!(!log.contains("another-token"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_pulls_by_itself_and_survives_a_pull_that_fails() {
    let world = World::start(Kind::Sqlite).await;
    let muktasoft = simulator().await;
    know(&world, &muktasoft, &pair(PEOPLE));
    muktasoft.script(Service::PiSearch, vec![Fault::Errors("no criteria".to_owned()), Fault::Html]);
    let mut serve = with_muktasoft(world.program(&["serve"]), &muktasoft);
    let serve = Program::start(serve.env("MUKTASOFT_PULL_SECONDS", "1"));
    world.until(|| known(&world, REVISED).is_some()).await;
    world.until(|| muktasoft.requests(Service::PiSearch).len() >= 6).await;
    serve.stop();
    let failures: Vec<PullFailure> = world
        .read(|db| pulls::newest(db, 100))
        .into_iter()
        .rev()
        .filter_map(|pull| pull.failure)
        .filter(|failure| *failure != PullFailure::CutOff)
        .collect();
    assert_eq!(failures, [PullFailure::Refused, PullFailure::NotRead]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_ran_out_or_lies_too_far_ahead_holds_nobody_up() {
    let world = World::start(Kind::Sqlite).await;
    let muktasoft = simulator().await;
    know(&world, &muktasoft, &pair(PEOPLE));
    let pulling = muktasoft_of(&world, config(&muktasoft));
    let now = world.app.clock.now().naive_utc();
    let held = |until| world.write(|db| pulls::take_lease(db, "another", now, until));
    assert!(held(now + TimeDelta::seconds(90)));
    assert!(matches!(pulling.pull(PullTrigger::Timer).await, Err(PullError::Busy)));
    world.later(TimeDelta::seconds(90));
    assert_eq!(pull(&pulling).await.summary.created, 2);
    let now = world.app.clock.now().naive_utc();
    let ahead = now + TimeDelta::days(1);
    assert!(world.write(|db| pulls::take_lease(db, "another", now, ahead)));
    assert_eq!(pull(&pulling).await.summary.unchanged, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_answered_is_asked_again_within_the_time() {
    let world = World::start(Kind::Sqlite).await;
    let muktasoft = simulator().await;
    know(&world, &muktasoft, &pair(PEOPLE));
    muktasoft.script(Service::PiSearch, vec![Fault::Http(503), Fault::Reset]);
    let pulled = pull(&muktasoft_of(&world, config(&muktasoft))).await;
    assert_eq!((pulled.failure, pulled.summary.created), (None, 2));
    muktasoft.always(Service::PiSearch, Some(Fault::Http(500)));
    let hasty = MuktasoftConfig { longest: Duration::from_millis(300), ..config(&muktasoft) };
    let pulled = pull(&muktasoft_of(&world, hasty)).await;
    assert_eq!(pulled.failure, Some((PullFailure::NotAnswered, Some("HTTP status 500".to_owned()))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_ulb_nothing_can_be_asked_and_those_known_here_are_the_default() {
    let world = World::start(Kind::Sqlite).await;
    let muktasoft = simulator().await;
    know(&world, &muktasoft, &pair(PEOPLE));
    let pulling = muktasoft_of(&world, MuktasoftConfig { tenants: vec![], ..config(&muktasoft) });
    assert_eq!(pull(&pulling).await.failure, Some((PullFailure::NoTenants, None)));
    world.employ("bina", Role::Viewer, "od.jatni");
    assert_eq!(pull(&pulling).await.summary.created, 2);
}

#[test]
fn a_setting_of_muktasoft_that_cannot_be_used_is_named() {
    let data_key = "2a".repeat(31) + "2b";
    let pull = |settings: &[(&str, &str)]| {
        let mut command = program(&["pull"]);
        command.env("DATA_KEY", &data_key).env("DATABASE_URL", "sqlite:///nowhere/at/all.db");
        command.envs(settings.iter().copied()).output().unwrap()
    };
    let url = ("MUKTASOFT_PI_SEARCH_URL", "http://127.0.0.1:9/x");
    for (named, settings) in [
        ("MUKTASOFT_PI_SEARCH_URL", vec![]),
        ("MUKTASOFT_PI_SEARCH_URL", vec![("MUKTASOFT_PI_SEARCH_URL", "http://muktasoft.example/x")]),
        ("MUKTASOFT_PI_SEARCH_URL", vec![("MUKTASOFT_PI_SEARCH_URL", "nowhere")]),
        ("MUKTASOFT_PI_SEARCH_KIND", vec![url, ("MUKTASOFT_PI_SEARCH_KIND", "other")]),
        (
            "MUKTASOFT_INDIVIDUAL_SEARCH_URL",
            vec![("MUKTASOFT_INDIVIDUAL_SEARCH_URL", "http://127.0.0.1:9/x")],
        ),
        (
            "MUKTASOFT_BANK_ACCOUNT_SEARCH_URL",
            vec![url, ("MUKTASOFT_BANK_ACCOUNT_SEARCH_URL", "http://b.example")],
        ),
        ("MUKTASOFT_TENANTS", vec![url, ("MUKTASOFT_TENANTS", "od.jatni, od x")]),
        ("MUKTASOFT_TENANTS", vec![url, ("MUKTASOFT_TENANTS", "od.jatni,od")]),
        ("MUKTASOFT_AUTH_TOKEN_FILE", vec![url, ("MUKTASOFT_AUTH_TOKEN_FILE", "/nowhere")]),
        ("MUKTASOFT_PULL_MAX_SECONDS", vec![url, ("MUKTASOFT_PULL_MAX_SECONDS", "0")]),
    ] {
        let output = pull(&settings);
        assert_eq!(output.status.code(), Some(2), "{named}: {}", stderr(&output));
        assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
        assert!(stderr(&output).contains(named), "{named}: {}", stderr(&output));
    }
}
