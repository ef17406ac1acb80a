//! MUKTASoft: payment instructions a second that are pulled from it, and that it is told of.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mukta_ftps::simulator::muktasoft::{MuktasoftSimulator, MuktasoftSimulatorOptions, Service};
use tokio::runtime::Runtime;

use crate::bench::{AT_ONCE, Bench};
use crate::database::{Database, Kind};
use crate::figure::{Figure, Round};
use crate::jit::Jit;

/// How long it may take to be told of everything.
const PATIENCE: Duration = Duration::from_secs(300);

/// The pull against the import of the same.
pub(crate) fn pull(bench: &mut Bench) -> Result<Vec<Figure>> {
    let pairs = bench.pairs(2_000, 10);
    let file = bench.file_of(pairs)?;
    let apart = Runtime::new()?;
    let muktasoft = apart.block_on(MuktasoftSimulator::start(MuktasoftSimulatorOptions::default()))?;
    for pair in 0..pairs.count {
        muktasoft.know(pairs.original(pair));
        muktasoft.know(pairs.revised(pair));
    }
    let mut figures = Vec::new();
    for kind in Kind::BOTH {
        let mut figure = Figure::new("pull", kind, "PIs/s").against("import of the same");
        for _ in 0..bench.rounds {
            let database = migrated(bench, kind)?;
            let imported = bench.program.run(bench.program.command(&["import", &file], &database))?;
            let database = migrated(bench, kind)?;
            let mut command = bench.program.command(&["pull"], &database);
            command
                .env("MUKTASOFT_PI_SEARCH_URL", muktasoft.pi_search_url())
                .env("MUKTASOFT_AUTH_TOKEN", muktasoft.auth_token())
                .env("MUKTASOFT_BANK_ACCOUNT_SEARCH_URL", muktasoft.bank_account_url())
                .env("MUKTASOFT_INDIVIDUAL_SEARCH_URL", muktasoft.individual_url())
                .env("MUKTASOFT_ORGANISATION_SEARCH_URL", muktasoft.organisation_url())
                .env("MUKTASOFT_TENANTS", "od.jatni");
            let pulled = bench.program.run(command)?;
            let speed = |took: Duration| 2.0 * pairs.count as f64 / took.as_secs_f64();
            figure.push(Round::beside(speed(imported.took), speed(pulled.took)));
        }
        figure.note(format!("{} PIs of {} people each, and who they are", 2 * pairs.count, pairs.people));
        figures.push(figure);
    }
    Ok(figures)
}

fn migrated(bench: &Bench, kind: Kind) -> Result<Database> {
    let database = Database::new(kind, bench.place())?;
    bench.program.run(bench.program.command(&["migrate"], &database))?;
    Ok(database)
}

/// All that is here is told at the first start.
pub(crate) fn push(bench: &mut Bench) -> Result<Vec<Figure>> {
    let pairs = bench.pairs(2_000, 2);
    let count = 2 * pairs.count;
    let mut figures = Vec::new();
    for kind in Kind::BOTH {
        let imported = bench.imported(kind, pairs)?;
        let mut figure = Figure::new("push", kind, "PIs/s");
        for _ in 0..bench.rounds {
            let apart = Runtime::new()?;
            let muktasoft =
                apart.block_on(MuktasoftSimulator::start(MuktasoftSimulatorOptions::default()))?;
            let arrived: Arc<Mutex<Vec<Instant>>> = Arc::default();
            let noted = Arc::clone(&arrived);
            muktasoft.on_request(Service::Status, move |_| {
                noted.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
            });
            let database = imported.copied()?;
            let mut settings = Jit::quiet()?.settings(bench.place(), AT_ONCE)?;
            settings.extend([
                ("MUKTASOFT_STATUS_URL", muktasoft.status_url()),
                ("MUKTASOFT_STATUS_SECRET", muktasoft.status_secret().to_owned()),
            ]);
            let _server = bench.program.serve(&database, &bench.client, &settings)?;
            let begun = Instant::now();
            let told = || arrived.lock().unwrap_or_else(PoisonError::into_inner).len();
            while told() < count {
                ensure!(begun.elapsed() < PATIENCE, "MUKTASoft was told of {} of {count}", told());
                std::thread::sleep(Duration::from_millis(5));
            }
            let arrived = arrived.lock().unwrap_or_else(PoisonError::into_inner);
            let (first, last) = arrived.first().zip(arrived.last()).context("none was told")?;
            figure.push(Round::alone((arrived.len() - 1) as f64 / (*last - *first).as_secs_f64()));
        }
        figure.note(format!("{count} PIs of {} people, one a post", pairs.people));
        figures.push(figure);
    }
    Ok(figures)
}
