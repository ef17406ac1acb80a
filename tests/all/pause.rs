//! `SYNC_PAUSED`: the treasury's year end. Nothing begins by itself, people still ask, and afterwards it all goes on.

use std::process::Stdio;
use std::time::Duration;

use chrono::TimeDelta;
use mukta_ftps::app::App;
use mukta_ftps::domain::{MessageState, PiStatus, RunState, RunTrigger};
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::store::sync_runs::{self, SyncRun};
use reqwest::header::ACCEPT_LANGUAGE;

use crate::support::{Kind, ORIGINAL, PEOPLE, Program, REVISED, World, on_both, original, revised, stderr};

on_both!(
    in_a_pause_only_people_ask,
    one_run_makes_up_the_nights_of_a_pause,
    a_night_that_a_pause_comes_over_is_given_up_and_goes_on_after_it,
    a_message_waits_until_the_pause_is_over,
    every_page_says_that_the_sync_is_paused_in_each_language,
    the_real_program_does_nothing_by_itself_in_a_pause,
);

fn newest_run(world: &World) -> Option<SyncRun> {
    world.read(|db| sync_runs::newest(db, None, 1)).pop()
}

/// All that `serve` does by itself, once.
async fn beat(app: &App) {
    app.sync.look_after().await.unwrap();
    app.sync.make_due().await.unwrap();
    app.notifications.run_once().await.unwrap();
}

async fn in_a_pause_only_people_ask(world: World) {
    let other = "PI-1013/2023-24/000257";
    world.import(&[
        original(ORIGINAL, PEOPLE),
        revised(REVISED, ORIGINAL, PEOPLE),
        revised(other, ORIGINAL, PEOPLE),
    ]);
    beat(&world.app).await;
    let paused = world.paused_app().await;
    world.later(TimeDelta::days(2));
    beat(&paused).await;
    assert_eq!((world.jit.calls_received(), newest_run(&world)), (0, None), "nights have passed");

    let browser = world.browser_at(&paused);
    browser.sign_in("asha").await;
    world.jit.script(REVISED, vec![Scenario::Http500, Scenario::Paid]);
    let page = browser.press_refresh(REVISED).await;
    assert_eq!(page.attr("main", "data-pi-status"), "In Process");
    assert!(page.text.contains("JIT is not asked about it by itself while the nightly sync is paused."));
    world.later(TimeDelta::days(1));
    beat(&paused).await;
    assert_eq!(world.jit.calls_received(), 1, "no retry either");
    assert_eq!(browser.press_refresh(REVISED).await.attr("main", "data-pi-status"), "Completed");

    let started = browser.post("/sync-runs", &[]).await;
    assert_eq!(started.status, 303);
    world.until(|| newest_run(&world).is_some_and(|run| run.state == RunState::Finished)).await;
    assert_eq!(newest_run(&world).unwrap().trigger_word, RunTrigger::Hand);
    assert_eq!(world.stored(other).status, PiStatus::Completed, "a run that a person starts asks");
}

async fn one_run_makes_up_the_nights_of_a_pause(world: World) {
    world.import_pair(PEOPLE);
    beat(&world.app).await;
    let paused = world.paused_app().await;
    for _ in 0..4 {
        world.later(TimeDelta::days(1));
        beat(&paused).await;
    }
    let day = world.browser_at(&paused);
    day.sign_in("asha").await;
    for page in ["/", "/sync-runs"] {
        assert!(
            day.get(page).await.all("#night-missing").is_empty(),
            "{page}: no night is missing in a pause"
        );
    }
    assert_eq!(day.get("/").await.attr("[data-figure=asked-tonight]", "data-value"), "0");
    assert_eq!(world.get("/").await.attr("[data-figure=asked-tonight]", "data-value"), "1");

    let after = world.another_app().await;
    beat(&after).await;
    beat(&after).await;
    let runs = world.read(|db| sync_runs::newest(db, None, 10));
    assert_eq!(runs.len(), 1);
    assert_eq!((runs[0].trigger_word, runs[0].state), (RunTrigger::MadeUp, RunState::Finished));
    assert_eq!(world.stored(REVISED).status, PiStatus::Completed);
}

async fn a_night_that_a_pause_comes_over_is_given_up_and_goes_on_after_it(world: World) {
    world.import_pair(PEOPLE);
    beat(&world.app).await;
    world.later(TimeDelta::days(1));
    // A process that is stopped before it has asked about anything.
    assert!(world.app.sync.finish(Duration::from_secs(5)).await);
    world.app.sync.look_after().await.unwrap();
    let night = newest_run(&world).unwrap();
    assert_eq!((night.trigger_word, night.state), (RunTrigger::Nightly, RunState::Running));

    let paused = world.paused_app().await;
    beat(&paused).await;
    assert_eq!(newest_run(&world).unwrap().state, RunState::Running, "somebody else may be at work on it");
    world.later(TimeDelta::minutes(5));
    beat(&paused).await;
    assert_eq!(newest_run(&world).unwrap().state, RunState::Interrupted);
    beat(&paused).await;
    assert_eq!(world.jit.calls_received(), 0);

    let after = world.another_app().await;
    beat(&after).await;
    assert_eq!(
        world.stored(REVISED).status,
        PiStatus::Completed,
        "asked about as a retry, before the next night"
    );
}

async fn a_message_waits_until_the_pause_is_over(world: World) {
    let paused = world.paused_app().await;
    world.import_pair(PEOPLE);
    let browser = world.browser_at(&paused);
    browser.sign_in("asha").await;
    browser.press_refresh(REVISED).await;
    beat(&paused).await;
    assert!(world.messages().iter().all(|message| message.state == MessageState::Waiting));
    assert_eq!(world.messages().len(), PEOPLE.len());
    assert!(world.gateway.received().is_empty());
    let page = browser.get("/messages").await;
    assert!(page.all("#no-gateway").is_empty() && !page.text.contains("Next attempt"), "{}", page.text);
    world.deliver().await;
    assert_eq!(world.gateway.received().len(), PEOPLE.len());
}

async fn every_page_says_that_the_sync_is_paused_in_each_language(world: World) {
    world.import_pair(PEOPLE);
    let paused = world.paused_app().await;
    let browser = world.browser_at(&paused);
    for (language, says) in [("en", "paused"), ("or", "ସ୍ଥଗିତ"), ("hi", "स्थगित")] {
        let asked = browser.client.get(browser.url("/sign-in")).header(ACCEPT_LANGUAGE, language);
        let page = crate::support::Page::of(asked.send().await.unwrap()).await;
        assert!(
            page.one("#paused").text().collect::<String>().contains(says),
            "{language} before the sign-in"
        );
    }
    browser.sign_in("asha").await;
    let pages = [
        "/",
        "/payment-instructions",
        "/payment-instructions/PI-1013/2023-24/000256",
        "/payment-instructions/PI-1013/2023-24/000256/calls",
        "/beneficiaries",
        "/sync-runs",
        "/sync-runs/start",
        "/messages",
        "/reports/2024-03",
        "/audit",
        "/employees",
        "/account",
        "/account/password",
        "/no-such-page",
    ];
    for (language, says) in [("en", "paused"), ("or", "ସ୍ଥଗିତ"), ("hi", "स्थगित")] {
        browser.post("/language", &[("language", language)]).await;
        for path in pages {
            let page = browser.get(path).await;
            assert!(page.one("#paused").text().collect::<String>().contains(says), "{language} {path}");
        }
    }
    assert!(world.get("/").await.all("#paused").is_empty(), "elsewhere it is not");
}

async fn the_real_program_does_nothing_by_itself_in_a_pause(kind: Kind) {
    let world = World::start(kind).await;
    world.import_pair(PEOPLE);
    // A retry that is due, and a night that is.
    world.set_clock(chrono::Utc::now() - TimeDelta::days(2));
    beat(&world.app).await;
    world.set_clock(chrono::Utc::now());
    world.database.execute("UPDATE payment_instructions SET next_attempt_at = '2024-01-01 00:00:00'");
    let mut serve = world.program(&["serve"]);
    serve.env("SYNC_PAUSED", "yes").stderr(Stdio::piped());
    let program = Program::start(&mut serve);
    // Longer than the retries' beat and the nights'.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let (code, log) = program.stop_in_vain();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("SYNC_PAUSED: no night, no retry and no SMS"), "{log}");
    assert_eq!((world.jit.calls_received(), newest_run(&world)), (0, None));

    let synced = world.program(&["sync"]).env("SYNC_PAUSED", "yes").output().unwrap();
    assert!(synced.status.success(), "{}", stderr(&synced));
    assert!(stderr(&synced).contains("note: SYNC_PAUSED"), "{}", stderr(&synced));
    assert_eq!(world.stored(REVISED).status, PiStatus::Completed, "a sync that a person begins");
}
