//! What the program takes of a machine: its memory, the time until it answers, and the time of an import.

use std::time::Duration;

use anyhow::Result;

use crate::bench::{AT_ONCE, Bench, CONNECTIONS};
use crate::browser::Browser;
use crate::database::{Database, Kind};
use crate::figure::Bound::AtMost;
use crate::figure::{Figure, Round};
use crate::instructions::revised_number;
use crate::jit::Jit;
use crate::load::{Request, load};
use crate::program::Server;

/// A server that nobody asks anything is looked at after that time.
const IDLE: Duration = Duration::from_secs(2);

pub(crate) fn memory(bench: &mut Bench) -> Result<Vec<Figure>> {
    let pairs = bench.pairs(2_000, 10);
    let jit = Jit::paying(pairs, Duration::ZERO)?;
    let mut figures = Vec::new();
    for kind in Kind::BOTH {
        let (imported, answered) = (bench.imported(kind, pairs)?, bench.answered(kind)?);
        let mut of_sync =
            Figure::new("memory-sync", kind, "MiB at most").goal(AtMost(32.0)).aim(AtMost(24.0));
        let mut of_serve =
            Figure::new("memory-serve", kind, "MiB at most").goal(AtMost(48.0)).aim(AtMost(32.0));
        let mut of_pages = Figure::new("memory-pages", kind, "MiB at most");
        let mut idle = Figure::new("memory-idle", kind, "MiB").goal(AtMost(20.0));
        for _ in 0..bench.rounds {
            let (_, ended) = bench.sync(&imported.copied()?, &jit, AT_ONCE)?;
            of_sync.push(Round::alone(ended.peak_mib));
            let server =
                bench.program.serve(&answered, &bench.client, &jit.settings(bench.place(), AT_ONCE)?)?;
            std::thread::sleep(IDLE);
            idle.push(Round::alone(server.memory("VmRSS")?));
            bench.client.block_on(server.browser.sign_in())?;
            of_serve.push(Round::alone(peak_under_load(bench, &server, &server.browser)?));
            let another =
                bench.program.serve(&answered, &bench.client, &jit.settings(bench.place(), AT_ONCE)?)?;
            of_pages.push(Round::alone(peak_under_load(bench, &another, &server.browser)?));
        }
        of_sync.note(format!("a sync of {} PIs of {} people", pairs.count, pairs.people));
        of_serve.note(format!("View page and list under {CONNECTIONS} connections, signing in included"));
        of_pages.note("the same where nobody signs in: it takes 46 MiB for a moment (Argon2)".to_owned());
        figures.extend([of_sync, of_serve, of_pages, idle]);
    }
    Ok(figures)
}

/// The most that a server has had of the machine's memory, once its pages were asked for by whoever has signed in.
fn peak_under_load(bench: &Bench, server: &Server, browser: &Browser) -> Result<f64> {
    let cookies = browser.cookies()?;
    let view = format!("/payment-instructions/{}", revised_number(0));
    for path in [view.as_str(), "/payment-instructions"] {
        load(&Request::get(server.address, path, &cookies), CONNECTIONS, bench.load_time())?;
    }
    server.memory("VmHWM")
}

/// A hundred times as much work needs no more memory.
pub(crate) fn memory_growth(bench: &mut Bench) -> Result<Vec<Figure>> {
    let (few, many) = (bench.pairs(1_000, 2), bench.pairs(100_000, 2));
    let (jit_of_few, jit_of_many) = (Jit::paying(few, Duration::ZERO)?, Jit::paying(many, Duration::ZERO)?);
    let mut figures = Vec::new();
    for kind in Kind::BOTH {
        let (imported_few, imported_many) = (bench.imported(kind, few)?, bench.imported(kind, many)?);
        let mut figure = Figure::new("memory-growth", kind, "MiB at most").against("1,000 PIs");
        for _ in 0..bench.rounds {
            let (_, of_few) = bench.sync(&imported_few.copied()?, &jit_of_few, AT_ONCE)?;
            let (speed, of_many) = bench.sync(&imported_many.copied()?, &jit_of_many, AT_ONCE)?;
            figure.push(Round::beside(of_few.peak_mib, of_many.peak_mib));
            figure.note(format!("a sync of {} PIs of 2 people, {speed:.0} a second", many.count));
        }
        figures.push(figure);
    }
    Ok(figures)
}

pub(crate) fn cold_start(bench: &mut Bench) -> Result<Vec<Figure>> {
    let jit = Jit::quiet()?;
    let mut figures = Vec::new();
    for kind in Kind::BOTH {
        let answered = bench.answered(kind)?;
        let mut figure = Figure::new("cold-start", kind, "ms").goal(AtMost(20.0));
        for _ in 0..bench.rounds {
            let server =
                bench.program.serve(&answered, &bench.client, &jit.settings(bench.place(), AT_ONCE)?)?;
            figure.push(Round::alone(server.started_in.as_secs_f64() * 1e3));
        }
        figures.push(figure);
    }
    Ok(figures)
}

pub(crate) fn import(bench: &mut Bench) -> Result<Vec<Figure>> {
    let pairs = bench.pairs(2_000, 10);
    let file = bench.file_of(pairs)?;
    let mut figures = Vec::new();
    for (kind, goal) in [(Kind::Sqlite, 1.5), (Kind::Postgres, 2.0)] {
        let mut figure = Figure::new("import", kind, "s").goal(AtMost(goal));
        for _ in 0..bench.rounds {
            let database = Database::new(kind, bench.place())?;
            bench.program.run(bench.program.command(&["migrate"], &database))?;
            let ended = bench.program.run(bench.program.command(&["import", &file], &database))?;
            figure.push(Round::alone(ended.took.as_secs_f64()));
        }
        figure.note(format!(
            "{} PIs of {} people each, into an empty database",
            2 * pairs.count,
            pairs.people
        ));
        figures.push(figure);
    }
    Ok(figures)
}
