//! How soon MUKTASoft is told of a change, and how fast it is told of all that is here; `serve` is a process.
//!
//! `cargo nextest run --run-ignored only push_figures --no-capture -j1`

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mukta_ftps::simulator::muktasoft::{MuktasoftSimulator, Service};

use crate::status_push::{muktasoft, serve};
use crate::support::{ORIGINAL, PEOPLE, World, on_both, original, revised};

on_both!(
    #[ignore = "a measurement: minutes of waiting for single changes"]
    from_the_commit_to_the_post,
    #[ignore = "a measurement: thousands of posts"]
    all_that_is_here_at_the_first_start,
);

const CHANGES: usize = 300;
const FIRST: usize = 5000;

/// When each post came in.
fn arrivals(muktasoft: &MuktasoftSimulator) -> Arc<Mutex<Vec<Instant>>> {
    let arrived: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let noted = Arc::clone(&arrived);
    muktasoft.on_request(Service::Status, move |_| noted.lock().unwrap().push(Instant::now()));
    arrived
}

async fn from_the_commit_to_the_post(world: World) {
    let muktasoft = muktasoft().await;
    let arrived = arrivals(&muktasoft);
    let program = serve(&world, &muktasoft, &muktasoft.status_url());
    world.import(&[original(ORIGINAL, PEOPLE)]);
    world.until(|| arrived.lock().unwrap().len() == 1).await;
    let mut took = Vec::new();
    for number in 0..CHANGES {
        // At any point between two looks of the program's.
        let pause = mukta_ftps::sealing::random_number().unwrap() % 500;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        world.import(&[revised(&format!("PI-1013/2023-24/{number:06}"), ORIGINAL, PEOPLE)]);
        let committed = Instant::now();
        world.until(|| arrived.lock().unwrap().len() == number + 2).await;
        let at = *arrived.lock().unwrap().last().unwrap();
        took.push(at.saturating_duration_since(committed));
    }
    program.stop();
    took.sort();
    eprintln!(
        "{:?}: {CHANGES} changes, from the commit to the post: median {} ms, p99 {} ms, longest {} ms",
        world.database.kind,
        took[CHANGES / 2].as_millis(),
        took[CHANGES * 99 / 100].as_millis(),
        took[CHANGES - 1].as_millis()
    );
    assert!(took[CHANGES - 1] < Duration::from_secs(5));
}

async fn all_that_is_here_at_the_first_start(world: World) {
    let muktasoft = muktasoft().await;
    let arrived = arrivals(&muktasoft);
    world.import_many(FIRST);
    let program = serve(&world, &muktasoft, &muktasoft.status_url());
    world.until(|| !arrived.lock().unwrap().is_empty()).await;
    for _ in 0..60 {
        if arrived.lock().unwrap().len() > FIRST {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    program.stop();
    let arrived = arrived.lock().unwrap();
    let took = *arrived.last().unwrap() - arrived[0];
    let speed = (arrived.len() - 1) as f64 / took.as_secs_f64();
    eprintln!("{:?}: {} told in {took:?}, {speed:.0} a second", world.database.kind, arrived.len());
    assert_eq!(arrived.len(), FIRST + 1);
}
