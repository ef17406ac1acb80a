//! Who did what stands in the audit trail: the flood of refusals, the read log, what files and searches are said to
//! be, sealed words that are opened, and commands. Which event each route leaves, `access` says.

use std::net::{TcpListener, TcpStream};

use chrono::Duration;
use futures_util::{StreamExt, stream};
use mukta_ftps::access::Role;
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::store::audit::{self, Action, Event};
use mukta_ftps::store::scope::Scope;
use mukta_ftps::web::Site;

use crate::support::{
    Browser, NEW_DATA_KEY, ORIGINAL, PEOPLE, Program, REVISED, World, at, document, fed, on_both, pair,
    stderr, with_database,
};

on_both!(
    a_flood_of_refusals_is_a_few_events,
    an_opening_is_logged_once_for_each_person_instruction_and_day,
    what_was_opened_is_written_at_a_clean_stop,
    the_trail_is_told_of_files_and_searches_and_not_what_was_typed,
    masked_words_are_opened_by_an_administrator_alone_and_recorded_once,
    commands_leave_an_event_with_the_name_of_who_ran_them,
    the_trail_is_read_by_person_by_word_and_by_day,
    another_towns_message_is_refused,
);

/// Events of one word, the oldest first.
fn events(world: &World, action: Action) -> Vec<Event> {
    let mut events = world.read(|db| audit::newest(db, &Scope::of("od"), None, 10_000));
    events.retain(|event| event.action == action);
    events.reverse();
    events
}

fn subjects(world: &World, action: Action) -> Vec<String> {
    events(world, action).into_iter().map(|event| event.subject.unwrap()).collect()
}

fn verified(world: &World) {
    let verified = with_database(&["verify"], &world.database).output().unwrap();
    assert!(verified.status.success(), "{}", stderr(&verified));
}

async fn a_flood_of_refusals_is_a_few_events(world: World) {
    let bina = world.browser_of("bina", Role::Viewer, "od").await;
    let asked = stream::iter(0..3000)
        .map(|_| async { bina.client.get(bina.url("/audit")).send().await.unwrap().status() });
    let refused: Vec<_> = asked.buffer_unordered(16).collect().await;
    assert!(refused.iter().all(|status| *status == 403));
    let stranger = Browser::new(world.address);
    for _ in 0..12 {
        let sent =
            stranger.client.post(stranger.url("/sign-out")).header("origin", "https://evil.example").send();
        assert_eq!(sent.await.unwrap().status(), 403);
        assert_eq!(stranger.post_bare("/sign-in", &[("username", "asha")]).await.status, 403);
    }
    world.site.write_up().await;
    let told: Vec<(String, String)> = events(&world, Action::Refused)
        .into_iter()
        .map(|event| (event.actor, event.subject.unwrap()))
        .collect();
    let expected = |told: &[(&str, &str)]| -> Vec<(String, String)> {
        told.iter().map(|(who, what)| ((*who).to_owned(), (*what).to_owned())).collect()
    };
    let begin = [
        ("bina", "role: GET /audit"),
        ("bina", "role: × 10"),
        ("bina", "role: × 100"),
        ("bina", "role: × 1000"),
        ("not signed in", "foreign form: POST /sign-out"),
        ("not signed in", "foreign form: × 10"),
    ];
    assert_eq!(told, expected(&begin));
    world.later(Duration::minutes(15));
    world.site.write_up().await;
    let mut sums: Vec<String> = subjects(&world, Action::Refused).split_off(begin.len());
    sums.sort();
    assert_eq!(sums, ["foreign form: × 24", "role: × 3000"], "what they came to");
    assert_eq!(bina.get("/audit").await.status, 403);
    assert_eq!(subjects(&world, Action::Refused).last().unwrap(), "role: GET /audit", "counted anew");
    verified(&world);
}

async fn an_opening_is_logged_once_for_each_person_instruction_and_day(world: World) {
    world.set_clock(at("2024-03-31T18:00:00Z"));
    world.import_pair(PEOPLE);
    let bina = world.browser_of("bina", Role::Viewer, "od.jatni").await;
    for _ in 0..5 {
        for browser in [&world.browser, &bina] {
            browser.view(REVISED).await;
            browser.get(&format!("/payment-instructions/{REVISED}/calls")).await;
        }
    }
    bina.view(ORIGINAL).await;
    assert!(events(&world, Action::PiOpened).is_empty(), "a page costs no write");
    world.site.write_up().await;
    world.site.write_up().await;
    let told = || -> Vec<(String, String)> {
        events(&world, Action::PiOpened)
            .into_iter()
            .map(|event| (event.actor, event.subject.unwrap()))
            .collect()
    };
    let one = |who: &str, what: &str| (who.to_owned(), what.to_owned());
    let today = vec![one("asha", REVISED), one("bina", REVISED), one("bina", ORIGINAL)];
    assert_eq!(told(), today);
    // The same in another process, and after a restart.
    let other =
        Site::new(world.another_app().await, world.site.sessions.clone(), world.site.static_dir.clone());
    for event in events(&world, Action::PiOpened) {
        other.read_log.opened(audit::NewEvent {
            at: event.at,
            actor: event.actor,
            tenant: event.tenant_id,
            address: event.address,
            action: event.action,
            subject: event.subject,
        });
    }
    other.write_up().await;
    assert_eq!(told(), today);
    // The next day in Odisha.
    world.set_clock(at("2024-03-31T18:30:00Z"));
    bina.view(REVISED).await;
    world.site.write_up().await;
    assert_eq!(told().split_off(today.len()), [one("bina", REVISED)]);
    verified(&world);
}

async fn what_was_opened_is_written_at_a_clean_stop(world: World) {
    world.import_pair(PEOPLE);
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let program = Program::start(world.program(&["serve"]).env("HTTP_BIND", address.to_string()));
    world.until(|| TcpStream::connect(address).is_ok()).await;
    let browser = Browser::new(address);
    browser.sign_in("asha").await;
    browser.view(REVISED).await;
    for _ in 0..2 {
        let sent = browser.client.post(browser.url("/sign-out")).header("origin", "null").send();
        assert_eq!(sent.await.unwrap().status(), 403);
    }
    program.stop();
    assert_eq!(subjects(&world, Action::PiOpened), [REVISED]);
    assert_eq!(subjects(&world, Action::Refused), ["foreign form: POST /sign-out", "foreign form: × 2"]);
}

async fn the_trail_is_told_of_files_and_searches_and_not_what_was_typed(world: World) {
    world.import_pair(PEOPLE);
    for path in [
        "/beneficiaries?q=30131500010000",
        "/beneficiaries?q=0001",
        "/beneficiaries?q=Sabita%20Nayak",
        "/payment-instructions?q=0001",
        "/messages?q=30131500010000",
    ] {
        assert_eq!(world.get(path).await.status, 200, "{path}");
    }
    assert_eq!(
        subjects(&world, Action::PeopleSearched),
        [
            "by numbers: 0 found",
            "by numbers: 2 found",
            "by words: 6 found",
            "in the list of payment instructions, by numbers: 2 found",
            "in the messages, by numbers: 0 found",
        ]
    );
    for path in [
        "/payment-instructions.csv",
        "/payment-instructions.csv?tab=all&q=30131500010000&status=In%20Process&tenant=od.jatni&from=01/03/2024",
        "/payment-instructions.csv?tenant=od.30131500010000",
        "/beneficiaries.csv",
        "/beneficiaries.csv?q=0001",
        "/reports/2024-03.csv",
    ] {
        assert_eq!(world.get(path).await.status, 200, "{path}");
    }
    assert_eq!(
        subjects(&world, Action::Downloaded),
        [
            "payment-instructions.csv: In Process",
            "payment-instructions.csv: All, with a number, In Process, of od.jatni, PI date from 01/03/2024",
            "payment-instructions.csv: All, of od.•••• 0000",
            "beneficiaries.csv: everybody",
            "beneficiaries.csv: by numbers",
            "report-2024-03.csv: 1 ULBs",
        ]
    );
    assert_eq!(world.get("/payment-instructions.csv?from=yesterday").await.status, 400);
    assert_eq!(subjects(&world, Action::Downloaded).len(), 6, "what was not read is not told");
}

async fn masked_words_are_opened_by_an_administrator_alone_and_recorded_once(world: World) {
    world.import_pair(PEOPLE);
    let accountant = world.browser_of("bina", Role::Accountant, "od.jatni").await;
    world.jit.script(
        REVISED,
        vec![
            Scenario::Error("Bill is pending".into()),
            Scenario::Error("A/c 3013 1500 010000 is closed".into()),
        ],
    );
    let plain = world.press_refresh(REVISED).await;
    assert!(plain.all("#open-words").is_empty(), "nothing is masked");
    let page = world.press_refresh(REVISED).await;
    assert!(page.words("#ftps-message .said").ends_with("A/c •••• 0000 is closed"));
    assert!(accountant.view(REVISED).await.all("#open-words").is_empty());
    let fields: Vec<(String, String)> = page
        .all("#open-words input")
        .iter()
        .map(|input| (input.attr("name").unwrap().to_owned(), input.attr("value").unwrap().to_owned()))
        .collect();
    let calls = format!("/payment-instructions/{REVISED}/calls");
    assert_eq!(page.attr("#open-words", "action"), calls);
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| *name != "form_token")
        .collect();
    assert_eq!(accountant.post(&calls, &fields).await.status, 403);
    let opened = world.post(&calls, &fields).await;
    assert!(opened.text.contains("A/c 3013 1500 010000 is closed"), "{}", opened.text);
    assert!(opened.text.contains("recorded in the audit trail"));
    let log = world.get(&calls).await;
    assert!(!log.text.contains("3013 1500 010000"), "{}", log.text);
    let call = world.calls_about(REVISED)[0].id;
    assert_eq!(subjects(&world, Action::WordsOpened), [format!("{REVISED}, call {call}")]);
    assert!(subjects(&world, Action::PayloadOpened).is_empty(), "recorded once");
    assert_eq!(subjects(&world, Action::Refused), [format!("role: POST {REVISED}")]);
}

async fn commands_leave_an_event_with_the_name_of_who_ran_them(world: World) {
    let run = |args: &[&str], input: &str| {
        let done = fed(with_database(args, &world.database), input);
        assert!(done.status.success(), "{args:?}: {}", stderr(&done));
    };
    run(&["import", "-"], &document(&pair(PEOPLE)));
    run(&["export"], "");
    run(&["export", "--format", "csv", "--since", "0"], "");
    let ahead = with_database(&["export", "--since", "999999"], &world.database).output().unwrap();
    assert_eq!(ahead.status.code(), Some(1));
    let synced = world.program(&["sync"]).output().unwrap();
    assert!(matches!(synced.status.code(), Some(0 | 3)), "{}", stderr(&synced));
    let mut reseal = with_database(&["reseal"], &world.database);
    let old = mukta_ftps::sealing::hex(&crate::support::DATA_KEY);
    reseal.env("DATA_KEY_PREVIOUS", old).env("DATA_KEY", mukta_ftps::sealing::hex(&NEW_DATA_KEY));
    assert!(reseal.output().unwrap().status.success());
    for (action, told) in [
        (Action::Imported, &["standard input: imported 2: 2 created, 0 updated, 0 unchanged"][..]),
        (Action::Exported, &["json: everything", "csv: since change 0"]),
        (Action::Synced, &["sync run 1"]),
        (Action::Resealed, &["12 values of beneficiaries, 2 of the call log and 0 second factors"]),
    ] {
        assert_eq!(subjects(&world, action), told, "{action}");
        for event in events(&world, action) {
            assert!(event.actor.starts_with("operator (command, "), "{}", event.actor);
        }
    }
}

async fn the_trail_is_read_by_person_by_word_and_by_day(world: World) {
    world.import_pair(PEOPLE);
    let bina = world.browser_of("bina", Role::Accountant, "od.jatni").await;
    bina.view(REVISED).await;
    bina.get("/beneficiaries?q=nayak").await;
    world.site.write_up().await;
    with_database(&["export"], &world.database).output().unwrap();
    world.later(Duration::days(2));
    for _ in 0..101 {
        bina.get("/beneficiaries?q=nayak").await;
    }
    let shown = async |path: &str| -> Vec<String> {
        let page = world.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        page.all("tr[data-audit-action]")
            .iter()
            .map(|row| row.attr("data-audit-action").unwrap().to_owned())
            .collect()
    };
    assert!(!shown("/audit").await.contains(&"pi-opened".to_owned()), "openings are asked for");
    assert_eq!(shown("/audit?what=pi-opened").await, ["pi-opened"]);
    assert_eq!(world.get("/audit?what=nothing").await.status, 400);
    assert_eq!(shown("/audit?who=Bina&to=31/03/2024").await, ["people-searched", "sign-in"]);
    assert_eq!(
        shown("/audit?who=bina&what=all&to=2024-03-31").await,
        ["pi-opened", "people-searched", "sign-in"]
    );
    assert_eq!(shown("/audit?who=operator").await, ["exported"]);
    assert_eq!(
        shown("/audit?what=exported&from=01/01/2024&to=31/12/2024").await.len(),
        0,
        "it was run today"
    );
    assert_eq!(shown("/audit?who=nobody").await.len(), 0);
    let first = world.get("/audit?who=bina&from=01/04/2024").await;
    assert_eq!(first.all("tr[data-audit-action]").len(), 100);
    let next = first.attr("a[rel=next]", "href");
    assert!(next.starts_with("/audit?who=bina&from=01%2F04%2F2024&before="), "{next}");
    assert_eq!(shown(&next).await, ["people-searched"]);
    for faulty in ["/audit?from=yesterday", "/audit?from=02/04/2024&to=01/04/2024"] {
        let page = world.get(faulty).await;
        assert_eq!((page.status, page.all("#days-fault").len()), (400, 1), "{faulty}");
    }
    // A town's administrator sees the town's people.
    let tara = world.browser_of("tara", Role::Admin, "od.jatni").await;
    let page = tara.get("/audit?what=all").await;
    assert!(page.text.contains("bina") && !page.text.contains("asha"), "{}", page.text);
}

async fn another_towns_message_is_refused(world: World) {
    world.pay(&pair(PEOPLE)).await;
    let message = world.messages()[0].id;
    let bina = world.browser_of("bina", Role::Accountant, "od.dhenkanal").await;
    assert_eq!(bina.get(&format!("/messages/{message}/settle")).await.status, 404);
    assert_eq!(bina.get("/messages/999999/settle").await.status, 404);
    assert_eq!(subjects(&world, Action::Refused), [format!("another ULB: a message of {REVISED}")]);
}
