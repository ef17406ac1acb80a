//! What the pages show of the nightly sync, and a run started there.

use std::time::Duration;

use chrono::TimeDelta;
use mukta_ftps::access::Role;
use mukta_ftps::simulator::jit::Scenario;

use mukta_ftps::store::scope::Scope;
use mukta_ftps::store::sync_runs::{self, counts};

use crate::support::{PEOPLE, Page, World, on_both, original, revised, words};

on_both!(
    a_run_started_by_hand_is_shown_with_its_share_for_each_viewer,
    a_second_run_is_refused_in_plain_words_while_one_runs,
    only_an_administrator_of_the_state_starts_a_run,
    nights_stand_in_the_chart_and_stuck_instructions_are_counted,
    a_run_tells_what_it_brought_then_and_how_that_stands_now,
    the_sync_is_asked_for_first_and_says_how_many_and_about_how_long,
    counts_of_a_run_that_has_ended_are_kept,
    an_answer_that_comes_after_a_runs_end_is_added_to_its_counts,
);

fn import_five(world: &World) {
    let mut all = vec![original("PI-0", PEOPLE)];
    all.extend(
        ["PI-PAID", "PI-ERROR", "PI-SILENT", "PI-GLITCH"].map(|number| revised(number, "PI-0", PEOPLE)),
    );
    let elsewhere = [original("PI-E0", PEOPLE), revised("PI-ELSEWHERE", "PI-E0", PEOPLE)];
    all.extend(elsewhere.map(|one| one.of_tenant("od.dhenkanal")));
    world.import(&all);
    world.jit.script("PI-ERROR", vec![Scenario::Error("Bill is <b>pending</b>".into())]);
    world.jit.script("PI-SILENT", vec![Scenario::Reset]);
    world.jit.script("PI-GLITCH", vec![Scenario::Garbage]);
}

/// `data-run-state` and the five counts of every run on the page.
fn runs(page: &Page) -> Vec<(String, [String; 5])> {
    let names = ["data-expected", "data-successful", "data-errors", "data-glitches", "data-no-response"];
    page.all("[data-run-state]")
        .iter()
        .map(|run| {
            let attr = |name| run.attr(name).unwrap().to_owned();
            (attr("data-run-state"), names.map(attr))
        })
        .collect()
}

fn counted(state: &str, counts: [i64; 5]) -> (String, [String; 5]) {
    (state.to_owned(), counts.map(|count| count.to_string()))
}

async fn finished(world: &World) -> Page {
    for _ in 0..500 {
        let page = world.get("/sync-runs").await;
        if page.all("[data-run-state=running]").is_empty() {
            return page;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the run does not end");
}

async fn a_run_started_by_hand_is_shown_with_its_share_for_each_viewer(world: World) {
    import_five(&world);
    let before = world.get("/sync-runs").await;
    assert!(before.text.contains("There has been no run yet"));
    assert!(before.words("main").contains("31/03/2024 22:00 IST"), "the next run");
    let answer = world.browser.post("/sync-runs", &[]).await;
    assert_eq!((answer.status, answer.location().as_str()), (303, "/sync-runs"));
    let page = finished(&world).await;
    assert_eq!(runs(&page), [counted("finished", [5, 2, 1, 1, 1])]);
    assert!(page.text.contains("Started by hand, by asha"));

    let link = page.attr("tr[data-run-state] a", "href");
    let one = world.get(&link).await;
    assert_eq!(runs(&one), [counted("finished", [5, 2, 1, 1, 1])]);
    let unpaid: Vec<_> = one.all("#not-paid tr[data-pi-number]").into_iter().map(words).collect();
    assert_eq!(unpaid.len(), 3);
    assert!(
        unpaid[0].contains("PI-ERROR") && unpaid[0].contains("On call of FTPS API: Bill is <b>pending</b>")
    );
    assert!(
        unpaid[1].contains("No response is received.") && unpaid[1].contains("1 without a usable answer"),
        "{}",
        unpaid[1]
    );
    assert!(unpaid[2].contains("not written as agreed") && unpaid[2].contains("IST"), "{}", unpaid[2]);
    let paid: Vec<_> = one.all("#paid tr[data-pi-number]").into_iter().map(words).collect();
    assert!(paid.len() == 2 && paid[0].contains("PI-PAID") && paid[0].contains("₹"), "{paid:?}");
    let log = world.get("/payment-instructions/PI-PAID/calls").await;
    assert_eq!(log.attr("[data-call-outcome]", "data-trigger"), "hand");

    let town = world.browser_of("bina", Role::Viewer, "od.dhenkanal").await;
    assert_eq!(runs(&town.get("/sync-runs").await), [counted("finished", [1, 1, 0, 0, 0])]);
    let its_share = town.get(&link).await;
    assert!(!its_share.text.contains("PI-ERROR"));
    assert_eq!(world.get("/sync-runs/999").await.status, 404);
    assert_eq!(world.get("/sync-runs/x").await.status, 404);
}

async fn a_second_run_is_refused_in_plain_words_while_one_runs(world: World) {
    import_five(&world);
    world.jit.set_latency(Duration::from_millis(300));
    assert_eq!(world.browser.post("/sync-runs", &[]).await.status, 303);
    let running = world.get("/sync-runs").await;
    assert_eq!(running.attr("[data-run-state]", "data-run-state"), "running");
    assert_eq!(running.attr("progress", "max"), "5");
    assert!(running.text.contains(r#"<noscript><meta http-equiv="refresh""#));
    let refused = world.browser.post("/sync-runs", &[]).await;
    assert_eq!(refused.status, 303);
    let told = world.get(&refused.location()).await;
    assert!(told.words("#notice").contains("one is under way already"));
    let page = finished(&world).await;
    assert_eq!(runs(&page).len(), 1);
    assert!(!page.text.contains("<noscript>") && page.all("[data-live]").is_empty());
    assert_eq!(world.browser.post("/sync-runs", &[]).await.location(), "/sync-runs");
}

async fn only_an_administrator_of_the_state_starts_a_run(world: World) {
    import_five(&world);
    for (name, role, tenant) in [
        ("town-admin", Role::Admin, "od.jatni"),
        ("accountant", Role::Accountant, "od"),
        ("viewer", Role::Viewer, "od"),
    ] {
        let browser = world.browser_of(name, role, tenant).await;
        assert!(browser.get("/sync-runs").await.all("#start-run").is_empty(), "{name}");
        assert_eq!(browser.get("/sync-runs/start").await.status, 403, "{name}");
        assert_eq!(browser.post("/sync-runs", &[]).await.status, 403, "{name}");
    }
    assert_eq!(world.get("/sync-runs").await.attr("#start-run", "href"), "/sync-runs/start");
    assert_eq!(world.browser.post_bare("/sync-runs", &[]).await.status, 403, "without the token");
    assert!(runs(&world.get("/sync-runs").await).is_empty());
}

async fn nights_stand_in_the_chart_and_stuck_instructions_are_counted(world: World) {
    import_five(&world);
    world.app.sync.look_after().await.unwrap();
    for _ in 0..3 {
        world.later(TimeDelta::days(1));
        world.app.sync.look_after().await.unwrap();
    }
    world.browser.sign_in("asha").await;
    let page = world.get("/sync-runs").await;
    assert_eq!(runs(&page).len(), 3);
    assert_eq!(runs(&page)[2], counted("finished", [5, 2, 1, 1, 1]), "newest first");
    assert_eq!(runs(&page)[0], counted("finished", [3, 0, 1, 1, 1]));
    assert_eq!(page.all("svg.chart g").len(), 3);
    let cells: Vec<_> = page.all("#chart-table tbody :is(th, td)").into_iter().map(words).collect();
    let nights = [
        ["31/03/2024", "2", "1", "1", "1"],
        ["01/04/2024", "0", "1", "1", "1"],
        ["02/04/2024", "0", "1", "1", "1"],
    ];
    assert_eq!(cells, nights.concat());
    assert_eq!(page.attr("[data-stuck]", "data-stuck"), "3", "In Process since 21 March");
    let list = world.get("/payment-instructions").await;
    assert_eq!(list.text.matches("more than 7 days").count(), 3);
    assert!(world.view("PI-SILENT").await.text.contains("In Process for more than 7 days"));
}

/// What the table says of a line: in this run, and as of now.
fn then_and_now(page: &Page, line: &str) -> [String; 2] {
    let cells: Vec<_> = page.all(&format!("tr[data-now='{line}'] td")).into_iter().map(words).collect();
    cells.try_into().unwrap()
}

async fn a_run_tells_what_it_brought_then_and_how_that_stands_now(world: World) {
    import_five(&world);
    world.browser.post("/sync-runs", &[]).await;
    finished(&world).await;
    world.jit.script("PI-ERROR", vec![Scenario::Paid]);
    world.press_refresh("PI-ERROR").await;
    let run = world.get("/sync-runs/1").await;
    assert_eq!(then_and_now(&run, "errors"), ["1", "0"]);
    assert_eq!(then_and_now(&run, "no-response"), ["1", "1"]);
    let [then, now] = then_and_now(&run, "paid");
    assert!(then.starts_with("2 ₹") && now == "3", "{then}, {now}");
    let settled = words(run.all("#not-paid tr[data-pi-number='PI-ERROR']")[0]);
    assert!(settled.contains("Error from JIT") && settled.contains("Completed"), "{settled}");
    let list = world.get("/sync-runs").await;
    assert!(words(list.one("tr[data-run-state]")).contains("₹"));
    let paid = world.get("/sync-runs/1?show=paid&after=0").await;
    assert_eq!(paid.all("tr[data-pi-number]").len(), 2);
    assert!(world.get("/sync-runs/1?show=paid&after=999").await.text.contains("There are no more."));
    for word in ["What it brought", "Expected", "Without success"] {
        assert!(!run.text.contains(word) && !list.text.contains(word), "{word}");
    }
}

async fn the_sync_is_asked_for_first_and_says_how_many_and_about_how_long(world: World) {
    let nothing = world.get("/sync-runs/start").await;
    assert!(nothing.words("main").contains("there is nothing to do") && nothing.all("#run-now").is_empty());
    import_five(&world);
    let first = world.get("/sync-runs/start").await;
    assert_eq!(first.attr("[data-to-be-asked]", "data-to-be-asked"), "5");
    assert!(first.words(".lead").contains("cannot be said: no run has been finished yet"));
    assert_eq!(first.attr("#run-now", "action"), "/sync-runs");
    world.browser.post("/sync-runs", &[]).await;
    finished(&world).await;
    let second = world.get("/sync-runs/start").await;
    let told = second.words(".lead");
    assert!(told.starts_with("JIT will be asked about 3 payment instructions. That takes about"), "{told}");
    world.jit.set_latency(Duration::from_millis(300));
    world.browser.post("/sync-runs", &[]).await;
    let running = world.get("/sync-runs/start").await;
    assert!(running.all("#run-now").is_empty() && running.text.contains("under way already"));
    finished(&world).await;
}

async fn counts_of_a_run_that_has_ended_are_kept(world: World) {
    import_five(&world);
    let run = world.begun_by_hand().await;
    let now = world.app.clock.now().naive_utc();
    let of = |world: &World, tenant: &str| {
        let scope = Scope::of(tenant);
        world.read(|db| counts::of_run(db, &scope, run.id))
    };
    assert_eq!((of(&world, "od").expected, of(&world, "od.jatni").expected), (5, 4), "counted under way");
    world.write(|db| sync_runs::interrupt(db, run.id, now));
    assert_eq!((of(&world, "od").left(), of(&world, "od.jatni").left()), (5, 4), "kept");
    world.database.execute("UPDATE sync_run_items SET outcome = 'error'");
    assert_eq!(of(&world, "od").left(), 5, "not counted anew");
}

async fn an_answer_that_comes_after_a_runs_end_is_added_to_its_counts(world: World) {
    import_five(&world);
    world.jit.set_latency(Duration::from_millis(500));
    world.browser.post("/sync-runs", &[]).await;
    world.until(|| world.jit.calls_received() == 5).await;
    let now = world.app.clock.now().naive_utc();
    world.write(|db| sync_runs::interrupt(db, 1, now));
    world.until(|| world.read(|db| sync_runs::total(db, 1)).asked() == 5).await;
    let kept = world.read(|db| counts::of_run(db, &Scope::of("od"), 1));
    let paid = kept.paid;
    assert!(paid > mukta_ftps::domain::Paise(0));
    assert_eq!(kept, sync_runs::Counts { paid, ..world.read(|db| sync_runs::total(db, 1)) });
}
