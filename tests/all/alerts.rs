//! What the operator's receiver is told (CONTRACT.md, `ALERT_WEBHOOK_URL`): each episode once, and once that it is over,
//! whichever process sees it, and whether the receiver is there or not.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use mukta_ftps::alerts::{Alerts, Receiver};
use mukta_ftps::app::App;
use mukta_ftps::domain::PiStatus;
use mukta_ftps::simulator::http::{Action, HttpRequest, HttpSimulator, Running};
use mukta_ftps::simulator::jit::{Scenario, SignIn};
use mukta_ftps::simulator::sms::SmsScenario;
use mukta_ftps::store::sync_runs;
use serde_json::{Value, json};

use crate::stop::serving;
use crate::support::{Door, Kind, PEOPLE, REVISED, World, on_both};

on_both!(
    a_missing_night_is_told_once_over_two_processes_and_once_that_it_is_over,
    a_receiver_that_was_away_is_told_in_order_also_after_a_restart,
    jit_is_away_until_a_call_is_answered_whatever_becomes_of_who_saw_it,
    a_refused_sign_in_is_told_and_that_it_is_over,
    a_gateway_is_away_after_an_hour,
    a_message_is_late_after_a_day_and_in_a_pause_none_is,
    a_night_that_left_some_unasked_is_told_until_they_are_asked,
    a_trail_that_was_changed_is_found_within_a_day,
    two_programs_tell_what_nobody_was_told_once,
);

/// What is told to.
struct Told {
    server: Running,
    bodies: Arc<Mutex<Vec<Value>>>,
    keys: Arc<Mutex<Vec<String>>>,
    /// What it answers.
    status: Arc<Mutex<u16>>,
}

impl Told {
    async fn start() -> Self {
        let (bodies, keys, status) = (Arc::default(), Arc::default(), Arc::new(Mutex::new(204)));
        let server = HttpSimulator::start(([127, 0, 0, 1], 0).into(), {
            let (bodies, keys, status) = (Arc::clone(&bodies), Arc::clone(&keys), Arc::clone(&status));
            move |request: HttpRequest| {
                assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/hook"));
                assert_eq!(request.header("content-type"), Some("application/json"));
                let status = *status.lock().unwrap();
                if status == 204 {
                    let bodies: &Mutex<Vec<Value>> = &bodies;
                    bodies.lock().unwrap().push(serde_json::from_slice(&request.body).unwrap());
                    let keys: &Mutex<Vec<String>> = &keys;
                    keys.lock().unwrap().push(request.header("idempotency-key").unwrap().to_owned());
                }
                async move { Action::respond(status, "") }
            }
        })
        .await
        .unwrap();
        Self { server, bodies, keys, status }
    }

    fn url(&self) -> String {
        format!("{}/hook", self.server.url())
    }

    /// Kind and text of all that it was told.
    fn all(&self) -> Vec<(String, String)> {
        let text = |body: &Value, field: &str| body[field].as_str().unwrap().to_owned();
        self.bodies.lock().unwrap().iter().map(|body| (text(body, "kind"), text(body, "text"))).collect()
    }

    /// The kinds of all that it was told, those that are over with a `-` before them.
    fn kinds(&self) -> Vec<String> {
        let over = |text: &str| if text.starts_with("Over: ") { "-" } else { "" };
        self.all().into_iter().map(|(kind, text)| format!("{}{kind}", over(&text))).collect()
    }

    fn answers(&self, status: u16) {
        *self.status.lock().unwrap() = status;
    }
}

/// The alerts of a process.
fn alerts_of(app: &App, told: &Told) -> Alerts {
    let receiver =
        Receiver { url: told.url().parse().unwrap(), origin: "https://mukta.example.gov.in".to_owned() };
    app.clone().alerting(Some(receiver)).unwrap().alerts.unwrap()
}

/// A minute later.
async fn minute(world: &World, processes: &[&Alerts]) {
    world.later(TimeDelta::minutes(1));
    futures_util::future::join_all(processes.iter().map(|alerts| alerts.run_once()))
        .await
        .into_iter()
        .for_each(Result::unwrap);
}

async fn a_missing_night_is_told_once_over_two_processes_and_once_that_it_is_over(world: World) {
    world.import_pair(PEOPLE);
    world.app.sync.look_after().await.unwrap();
    let told = Told::start().await;
    let other = world.another_app().await;
    let (one, two) = (alerts_of(&world.app, &told), alerts_of(&other, &told));
    world.set_clock(crate::support::at("2024-03-31T17:28:30Z"));
    minute(&world, &[&one, &two]).await;
    assert!(told.kinds().is_empty(), "an hour has not passed");
    minute(&world, &[&one, &two]).await;
    for _ in 0..3 {
        minute(&world, &[&one, &two]).await;
    }
    assert_eq!(
        *told.bodies.lock().unwrap(),
        [json!({
            "kind": "night-missing",
            "since": "2024-03-31T16:30:00Z",
            "text": "The sync of 31/03/2024 22:00 IST has not begun, and an hour has passed.",
            "link": "https://mukta.example.gov.in/sync-runs",
        })]
    );
    let paused = alerts_of(&world.paused_app().await, &Told::start().await);
    other.sync.look_after().await.unwrap();
    world.deliver().await;
    minute(&world, &[&one, &two, &paused]).await;
    minute(&world, &[&one, &two]).await;
    assert_eq!(told.kinds(), ["night-missing", "-night-missing"]);
    assert_eq!(told.all()[1].1, format!("Over: {}", told.all()[0].1));
    // Another night, another episode.
    world.set_clock(crate::support::at("2024-04-01T17:40:00Z"));
    minute(&world, &[&one, &two]).await;
    assert_eq!(told.kinds()[2..], ["night-missing"]);
}

async fn a_receiver_that_was_away_is_told_in_order_also_after_a_restart(world: World) {
    world.app.sync.look_after().await.unwrap();
    let told = Told::start().await;
    told.answers(503);
    let one = alerts_of(&world.app, &told);
    world.set_clock(crate::support::at("2024-03-31T18:00:00Z"));
    for _ in 0..10 {
        minute(&world, &[&one]).await;
    }
    world.app.sync.look_after().await.unwrap();
    minute(&world, &[&one]).await;
    assert!(told.kinds().is_empty());
    told.answers(204);
    let restarted = alerts_of(&world.another_app().await, &told);
    for _ in 0..7 {
        minute(&world, &[&restarted]).await;
    }
    assert_eq!(told.kinds(), ["night-missing", "-night-missing"]);
    let keys = told.keys.lock().unwrap().clone();
    assert!(keys[0].ends_with("-begun") && keys[1].ends_with("-over"), "{keys:?}");
}

async fn jit_is_away_until_a_call_is_answered_whatever_becomes_of_who_saw_it(world: World) {
    let numbers = world.import_many(6);
    let told = Told::start().await;
    let door = Door::to(&world.jit.base_url());
    let app = world.another_app_behind(&door).await;
    let browser = world.browser_at(&app);
    browser.sign_in("asha").await;
    for number in &numbers[..5] {
        browser.press_refresh(number).await;
    }
    assert!(app.sync.jit_away_since().is_some());
    let (one, two) = (alerts_of(&app, &told), alerts_of(&world.app, &told));
    minute(&world, &[&two]).await;
    assert!(told.kinds().is_empty(), "it has not met it");
    minute(&world, &[&one, &two]).await;
    minute(&world, &[&one, &two]).await;
    assert_eq!(told.kinds(), ["jit-away"]);
    // Who saw it dies: that says nothing of JIT.
    drop(one);
    world.later(TimeDelta::minutes(10));
    let restarted = alerts_of(&world.another_app_behind(&door).await, &told);
    minute(&world, &[&restarted, &two]).await;
    assert_eq!(told.kinds(), ["jit-away"]);
    world.press_refresh(&numbers[5]).await;
    minute(&world, &[&restarted, &two]).await;
    minute(&world, &[&restarted, &two]).await;
    assert_eq!(told.kinds(), ["jit-away", "-jit-away"]);
}

async fn a_refused_sign_in_is_told_and_that_it_is_over(world: World) {
    world.import_pair(PEOPLE);
    let told = Told::start().await;
    let alerts = alerts_of(&world.app, &told);
    world.jit.sign_in(SignIn::Refuse);
    world.press_refresh(REVISED).await;
    minute(&world, &[&alerts]).await;
    minute(&world, &[&alerts]).await;
    assert_eq!(told.kinds(), ["sign-in-refused"]);
    world.jit.sign_in(SignIn::Accept);
    // Answered, though of no use: it has let us sign in.
    world.jit.script(REVISED, vec![Scenario::Http500]);
    world.later(TimeDelta::minutes(5));
    world.press_refresh(REVISED).await;
    minute(&world, &[&alerts]).await;
    assert_eq!(told.kinds(), ["sign-in-refused", "-sign-in-refused"]);
    assert_eq!(world.stored(REVISED).status, PiStatus::InProcess);
}

async fn a_gateway_is_away_after_an_hour(world: World) {
    world.import_pair(PEOPLE);
    let told = Told::start().await;
    let alerts = alerts_of(&world.app, &told);
    world.gateway.otherwise(SmsScenario::Http503);
    world.press_refresh(REVISED).await;
    world.deliver().await;
    for _ in 0..59 {
        minute(&world, &[&alerts]).await;
    }
    assert!(told.kinds().is_empty());
    minute(&world, &[&alerts]).await;
    minute(&world, &[&alerts]).await;
    assert_eq!(told.kinds(), ["gateway-away"]);
    world.gateway.otherwise(SmsScenario::Accepted);
    world.deliver().await;
    minute(&world, &[&alerts]).await;
    assert_eq!(told.kinds(), ["gateway-away", "-gateway-away"]);
    let text = told.all()[0].1.clone();
    assert!(!text.chars().any(|c| c.is_ascii_digit()), "it names nobody: {text}");
}

async fn a_message_is_late_after_a_day_and_in_a_pause_none_is(world: World) {
    world.import_pair(PEOPLE);
    world.press_refresh(REVISED).await;
    let told = Told::start().await;
    let paused = alerts_of(&world.paused_app().await, &told);
    world.later(TimeDelta::days(1));
    minute(&world, &[&paused]).await;
    assert!(told.kinds().is_empty());
    let alerts = alerts_of(&world.app, &told);
    minute(&world, &[&alerts]).await;
    assert_eq!(told.kinds(), ["message-late"]);
    world.deliver().await;
    minute(&world, &[&alerts]).await;
    assert_eq!(told.kinds(), ["message-late", "-message-late"]);
}

async fn a_night_that_left_some_unasked_is_told_until_they_are_asked(world: World) {
    world.import_pair(PEOPLE);
    let app = world.another_app().await;
    app.sync.look_after().await.unwrap();
    world.later(TimeDelta::days(1));
    assert!(app.sync.finish(Duration::from_secs(5)).await);
    app.sync.look_after().await.unwrap();
    let night = world.read(sync_runs::running).unwrap();
    let told = Told::start().await;
    let alerts = alerts_of(&world.app, &told);
    minute(&world, &[&alerts]).await;
    assert!(told.kinds().is_empty(), "it is under way");
    world.app.sync.give_up(&night).await.unwrap();
    minute(&world, &[&alerts]).await;
    minute(&world, &[&alerts]).await;
    assert_eq!(told.kinds(), ["night-unasked"]);
    world.app.sync.make_due().await.unwrap();
    assert_eq!(world.stored(REVISED).status, PiStatus::Completed);
    minute(&world, &[&alerts]).await;
    assert_eq!(told.kinds(), ["night-unasked", "-night-unasked"]);
}

async fn a_trail_that_was_changed_is_found_within_a_day(world: World) {
    world.import_pair(PEOPLE);
    world.press_refresh(REVISED).await;
    let told = Told::start().await;
    let other = world.another_app().await;
    let (one, two) = (alerts_of(&world.app, &told), alerts_of(&other, &told));
    minute(&world, &[&one, &two]).await;
    let statement = "UPDATE ftps_calls SET message = 'something else'";
    match world.database.kind {
        Kind::Sqlite => {
            let triggers = ["ftps_calls_fixed", "ftps_calls_emptied"];
            for trigger in triggers {
                world.database.execute(&format!("DROP TRIGGER IF EXISTS {trigger}"));
            }
            world.database.execute(statement);
        }
        Kind::Postgres => world
            .database
            .execute(&format!("BEGIN; SET LOCAL session_replication_role = replica; {statement}; COMMIT")),
    }
    minute(&world, &[&one, &two]).await;
    assert!(told.kinds().is_empty(), "it is read through once a day");
    world.later(TimeDelta::days(1));
    minute(&world, &[&one, &two]).await;
    minute(&world, &[&one, &two]).await;
    let found = told.all();
    let broken: Vec<_> = found.iter().filter(|(kind, _)| kind == "trail-broken").collect();
    assert_eq!(broken.len(), 1, "{found:?}");
    assert!(broken[0].1.contains("mukta-ftps verify"));
}

async fn two_programs_tell_what_nobody_was_told_once(world: World) {
    let told = Told::start().await;
    world.database.execute(
        "INSERT INTO alert_episodes (kind, since, over_at) VALUES ('jit-away', '2024-03-30 10:00:00', '2024-03-30 11:00:00')",
    );
    let mut programs = Vec::new();
    for _ in 0..2 {
        let mut serve = world.program(&["serve"]);
        serve.env("ALERT_WEBHOOK_URL", told.url()).env("RUST_LOG", "warn").stderr(Stdio::piped());
        programs.push(serving(&world, &mut serve).await);
    }
    world.until(|| told.kinds().len() >= 2).await;
    for (program, address) in programs {
        let (code, log) = program.stop_in_vain();
        assert_eq!(code, Some(0), "{log}");
        assert!(!log.contains(&told.url()), "{log}");
        let links: Vec<_> = told
            .bodies
            .lock()
            .unwrap()
            .iter()
            .map(|body| body["link"].as_str().unwrap().to_owned())
            .collect();
        assert!(links.iter().all(|link| link.starts_with("http://127.0.0.1:")), "{links:?} {address}");
    }
    assert_eq!(told.kinds(), ["jit-away", "-jit-away"]);
}
