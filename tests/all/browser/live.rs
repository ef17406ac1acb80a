//! The pages of a sync run that is under way follow it by themselves. The tests make its calls one by
//! one, so that what a page shows is compared with what is certain.

use chrono::TimeDelta;
use mukta_ftps::domain::RunTrigger;
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::store::sync_runs::{self, Begun, NewRun, SyncRun};

use super::chromium::{Chromium, DESK, Scripts};
use super::stage::{self, ACCOUNTANT, sign_in};
use crate::support::{Kind, ORIGINAL, OTHER, REVISED, World, revised};

const HELD_UP: &str = "PI-1013/2023-24/000300";

/// Instructions that wait: two are paid when JIT is asked, so many others are not.
async fn world_that_waits(held_up: usize) -> World {
    let world = World::start(Kind::Sqlite).await;
    stage::set(&world);
    let numbers = (0..held_up).map(|place| format!("PI-1013/2023-24/{:06}", 300 + place));
    let others: Vec<_> = numbers.map(|number| revised(&number, ORIGINAL, &["BN-1013/000001"])).collect();
    world.import(&others);
    world.jit.otherwise(Scenario::Error("Bill is under process at the treasury".into()));
    world.jit.script(REVISED, vec![Scenario::Paid]);
    world.jit.script(OTHER, vec![Scenario::Paid]);
    world
}

/// The night's run begins; nothing of it is done yet.
fn night_begun(world: &World) -> SyncRun {
    let now = world.app.clock.now().naive_utc();
    let night =
        NewRun { scheduled_for: Some(now), trigger: RunTrigger::Nightly, started_by: None, event: None };
    let left_behind = now - TimeDelta::hours(1);
    let begun = world.write(|db| sync_runs::begin(db, &world.app.sealer, &night, now, left_behind));
    let Begun::Started(run) = begun else { panic!("no other run is under way") };
    run
}

/// An employee who looks at a page of the run; the page is marked, which a reload would undo.
async fn watched_by(world: &World, path: &str) -> Chromium {
    let person = Chromium::open(world, DESK, Scripts::On).await;
    sign_in(&person, ACCOUNTANT).await;
    person.go(path).await;
    person.run("window.isMarked = true").await;
    person
}

/// Waits until the page has looked at the run twice more, or would have, if nobody sees it: each time
/// it asks first whether anybody does.
async fn looks_again(person: &Chromium, is_seen: bool) {
    person
        .run(&format!(
            "window.looks = 0;
             Object.defineProperty(document, 'hidden',
                 {{ configurable: true, get: () => {{ window.looks += 1; return !{is_seen}; }} }});"
        ))
        .await;
    let looks = async || person.run("return window.looks").await.as_u64().unwrap();
    person.until("two more looks", async || looks().await >= 2).await;
}

/// In one step of the page's: whatever is followed may be replaced between two.
async fn shows_done(person: &Chromium, done: usize) {
    let value = || person.run("return document.querySelector('progress')?.value");
    person.until(&format!("{done} are done on the page"), async || value().await == done).await;
}

/// Waits for the end of the run, and compares the page with what it would be if it were loaded now.
async fn ends_complete(person: &Chromium) {
    const MAIN: &str = "return document.querySelector('main').innerHTML";
    person.until("the end of the run", async || person.count("[data-live]").await == 0).await;
    assert_eq!(person.count("progress").await, 0);
    assert_eq!(person.attribute("[data-run-state]", "data-run-state").await, "finished");
    assert_eq!(person.run("return window.isMarked").await, true, "the page was not loaded again");
    person.check_page("a run that has ended meanwhile").await;
    let followed = person.run(MAIN).await;
    person.driver.refresh().await.unwrap();
    person.loaded().await;
    assert_eq!(followed, person.run(MAIN).await, "nothing is left for a reload to bring");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_of_runs_follows_the_one_under_way_to_its_end() {
    let world = world_that_waits(1).await;
    let run = night_begun(&world);
    let person = watched_by(&world, "/sync-runs").await;
    shows_done(&person, 0).await;
    assert_eq!(person.run("return document.querySelector('progress').max").await, 3);
    for (done, number) in [(1, REVISED), (2, HELD_UP), (3, OTHER)] {
        world.ask_in(&run, number).await;
        shows_done(&person, done).await;
    }
    looks_again(&person, false).await;
    person.check_page("a run under way").await;
    looks_again(&person, true).await;
    world.app.sync.work(&run).await.unwrap();
    ends_complete(&person).await;
    person.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_of_a_run_follows_it_to_its_end() {
    let world = world_that_waits(51).await;
    let run = night_begun(&world);
    let person = watched_by(&world, "/sync-runs/1").await;
    shows_done(&person, 0).await;
    world.ask_in(&run, HELD_UP).await;
    shows_done(&person, 1).await;
    assert_eq!(person.count("tr[data-pi-number]").await, 1);
    world.app.sync.work(&run).await.unwrap();
    ends_complete(&person).await;
    person.click_through("a[rel=next]").await;
    assert_eq!(person.count("tr[data-pi-number]").await, 1, "the fifty-first");
    person.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_the_focus_is_not_replaced_until_the_reader_has_left_it() {
    const LINK: &str = "tr[data-run-state] a";
    let world = world_that_waits(1).await;
    let run = night_begun(&world);
    let person = watched_by(&world, "/sync-runs").await;
    person.run(&format!("document.querySelector('{LINK}').focus()")).await;
    world.ask_in(&run, REVISED).await;
    looks_again(&person, true).await;
    assert!(person.has_focus(LINK).await);
    shows_done(&person, 0).await;
    person.run("document.getElementById('main').focus()").await;
    shows_done(&person, 1).await;
    person.close().await;
}

/// The focus may come to a part of the page while its successor is on the way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_gets_the_focus_while_news_is_on_its_way_is_not_replaced() {
    const LINK: &str = "tr[data-run-state] a";
    let world = world_that_waits(1).await;
    let run = night_begun(&world);
    let person = watched_by(&world, "/sync-runs").await;
    person
        .run(
            "const ask = window.fetch;
             window.fetch = async (...asked) => {
                 const answer = await ask(...asked);
                 if (!window.isHeld) {
                     await new Promise((arrive) => { window.isHeld = true; window.arrive = arrive; });
                 }
                 return answer;
             };",
        )
        .await;
    world.ask_in(&run, REVISED).await;
    person.until("news on its way", async || person.run("return window.isHeld === true").await == true).await;
    person.run(&format!("document.querySelector('{LINK}').focus(); window.arrive()")).await;
    looks_again(&person, true).await;
    assert!(person.has_focus(LINK).await);
    shows_done(&person, 0).await;
    person.run("document.getElementById('main').focus()").await;
    shows_done(&person, 1).await;
    person.close().await;
}

/// The chart's table, once opened, stays open, and does not keep the rest from being followed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_was_opened_stays_open() {
    let world = world_that_waits(1).await;
    let run = night_begun(&world);
    let person = watched_by(&world, "/sync-runs").await;
    const OPEN: &str =
        "const summary = document.querySelector('#chart summary'); summary.focus(); summary.click();";
    person.run(OPEN).await;
    world.ask_in(&run, REVISED).await;
    shows_done(&person, 1).await;
    person.run("document.getElementById('main').focus()").await;
    const PAID: &str = "return document.querySelector('#chart details[open] tbody td')?.textContent";
    person.until("the chart follows", async || person.run(PAID).await == "1").await;
    person.close().await;
}
