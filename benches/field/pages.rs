//! The pages, signed in: requests a second over kept-alive connections, each against what it should not be far from.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::bench::{AT_ONCE, Bench, CONNECTIONS};
use crate::database::{Database, Kind};
use crate::figure::Bound::{self, AtLeast, AtMost};
use crate::figure::{Figure, Round};
use crate::instructions::{Pairs, revised_number};
use crate::jit::Jit;
use crate::load::{Load, Request, load};
use crate::program::Server;

/// How long a sync may take until it has asked JIT.
const PATIENCE: Duration = Duration::from_secs(30);

/// What each payment instruction of a list bears.
const ROW: &str = "data-pi-status=";

const STYLES: &str = "/static/app.css";

/// A page, and what must stand on it how often at least.
struct Page {
    path: String,
    holds: &'static str,
    times: usize,
}

impl Page {
    fn view() -> Self {
        Self {
            path: format!("/payment-instructions/{}", revised_number(0)),
            holds: "data-payment-id=",
            times: 10,
        }
    }

    /// The request for it, of somebody who has signed in; it holds what it must.
    fn request(&self, bench: &Bench, server: &Server) -> Result<Request> {
        let text = bench.client.block_on(server.browser.get(&self.path))?;
        let times = text.matches(self.holds).count();
        ensure!(times >= self.times, "{} holds {times} {}, not {}", self.path, self.holds, self.times);
        Ok(Request::get(server.address, &self.path, &server.browser.cookies()?))
    }
}

/// A JIT that is there, and is not asked.
fn quiet_jit() -> Result<Jit> {
    Jit::paying(Pairs { count: 0, people: 0 }, Duration::ZERO)
}

fn loaded(bench: &Bench, request: &Request) -> Result<Load> {
    load(request, CONNECTIONS, bench.load_time())
}

/// A page against `/health/live` of the same server; the goals are SQLite's.
fn against_live(
    bench: &mut Bench,
    name: &'static str,
    page: &Page,
    bounds: Option<(f64, f64)>,
) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for kind in Kind::BOTH {
        let answered = bench.answered(kind)?;
        let server = bench.serve(&answered, &quiet_jit()?, AT_ONCE)?;
        let request = page.request(bench, &server)?;
        let live = Request::get(server.address, "/health/live", &server.browser.cookies()?);
        let mut figure = Figure::new(name, kind, "/s").against("/health/live");
        if let (Kind::Sqlite, Some((goal, aim))) = (kind, bounds) {
            figure = figure.goal(AtLeast(goal)).aim(AtLeast(aim));
        }
        for _ in 0..bench.rounds {
            let live = loaded(bench, &live)?;
            figure.push(Round::beside(live.per_second, loaded(bench, &request)?.per_second));
        }
        figures.push(figure);
    }
    Ok(figures)
}

pub(crate) fn view(bench: &mut Bench) -> Result<Vec<Figure>> {
    against_live(bench, "view", &Page::view(), Some((0.20, 0.30)))
}

pub(crate) fn list(bench: &mut Bench) -> Result<Vec<Figure>> {
    let page = Page { path: "/payment-instructions".to_owned(), holds: ROW, times: 50 };
    against_live(bench, "list", &page, Some((0.08, 0.12)))
}

pub(crate) fn search_number(bench: &mut Bench) -> Result<Vec<Figure>> {
    let path = format!("/payment-instructions?q={}", revised_number(50));
    against_live(bench, "search-number", &Page { path, holds: ROW, times: 1 }, Some((0.08, 0.12)))
}

pub(crate) fn search_name(bench: &mut Bench) -> Result<Vec<Figure>> {
    let path = "/payment-instructions?q=sabita+nayak".to_owned();
    against_live(bench, "search-name", &Page { path, holds: ROW, times: 20 }, Some((0.08, 0.12)))
}

/// A page over much against the same page over little: what a page costs does not grow.
fn much_against_little(
    bench: &mut Bench,
    name: &'static str,
    page: &Page,
    little: &'static str,
) -> Result<Vec<Figure>> {
    let (few, many) = (bench.pairs(1_000, 2), bench.pairs(30_000, 2));
    let mut figures = Vec::new();
    for kind in Kind::BOTH {
        let (of_few, of_many) = (bench.synced(kind, few)?, bench.synced(kind, many)?);
        let served = |bench: &Bench, database: &Database| -> Result<_> {
            let server = bench.serve(database, &quiet_jit()?, AT_ONCE)?;
            let request = page.request(bench, &server)?;
            Ok((server, request))
        };
        let (little_server, little_page) = served(bench, &of_few)?;
        let (much_server, much_page) = served(bench, &of_many)?;
        let mut figure = Figure::new(name, kind, "/s").against(little).goal(AtLeast(0.9)).aim(AtLeast(1.0));
        let mut slowest = Vec::new();
        for _ in 0..bench.rounds {
            let little = loaded(bench, &little_page)?;
            let much = loaded(bench, &much_page)?;
            figure.push(Round::beside(little.per_second, much.per_second));
            slowest.push(format!("{:.1} ms ({:.1} ms)", milliseconds(much.p99), milliseconds(little.p99)));
        }
        figure.note(format!("p99 of the rounds, and the yardstick's: {}", slowest.join(", ")));
        drop((little_server, much_server));
        figures.push(figure);
    }
    Ok(figures)
}

pub(crate) fn sync_runs(bench: &mut Bench) -> Result<Vec<Figure>> {
    let page = Page { path: "/sync-runs".to_owned(), holds: "data-run-state=", times: 1 };
    much_against_little(bench, "sync-runs", &page, "after a run of 1,000 PIs")
}

pub(crate) fn messages(bench: &mut Bench) -> Result<Vec<Figure>> {
    let page = Page { path: "/messages".to_owned(), holds: "data-message-state=", times: 50 };
    much_against_little(bench, "messages", &page, "2,000 messages")
}

pub(crate) fn view_on_postgres(bench: &mut Bench) -> Result<Vec<Figure>> {
    let page = Page::view();
    let (sqlite, postgres) = (bench.answered(Kind::Sqlite)?, bench.answered(Kind::Postgres)?);
    let on_sqlite = bench.serve(&sqlite, &quiet_jit()?, AT_ONCE)?;
    let on_postgres = bench.serve(&postgres, &quiet_jit()?, AT_ONCE)?;
    let (of_sqlite, of_postgres) = (page.request(bench, &on_sqlite)?, page.request(bench, &on_postgres)?);
    let mut figure = Figure::new("view-postgres", Kind::Postgres, "/s")
        .against("SQLite")
        .goal(AtLeast(0.35))
        .aim(AtLeast(0.45));
    for _ in 0..bench.rounds {
        let yardstick = loaded(bench, &of_sqlite)?.per_second;
        figure.push(Round::beside(yardstick, loaded(bench, &of_postgres)?.per_second));
    }
    Ok(vec![figure])
}

/// How long the slowest of a hundred people waits while a night is under way, against an idle evening.
pub(crate) fn view_while_sync(bench: &mut Bench) -> Result<Vec<Figure>> {
    // Enough to be still under way when the load has ended.
    let pairs = Pairs { count: 2_000, people: 10 };
    let page = Page::view();
    let mut figures = Vec::new();
    for kind in Kind::BOTH {
        let imported = bench.imported(kind, pairs)?;
        let mut figure =
            Figure::new("view-while-sync", kind, "ms p99").against("idle").goal(AtMost(1.5)).aim(AtMost(1.2));
        let mut speeds = Vec::new();
        for _ in 0..bench.rounds {
            let database = imported.copied()?;
            let jit = Jit::paying(pairs, Duration::from_millis(50))?;
            let server = bench.serve(&database, &jit, AT_ONCE)?;
            let request = page.request(bench, &server)?;
            let idle = loaded(bench, &request)?;
            bench.client.block_on(server.browser.post("/sync-runs", "/sync-runs", &[]))?;
            let begun = Instant::now();
            while jit.simulator.calls_received() == 0 {
                ensure!(begun.elapsed() < PATIENCE, "the sync does not begin");
                std::thread::sleep(Duration::from_millis(1));
            }
            let asked = jit.simulator.calls_received();
            let began = Instant::now();
            let busy = loaded(bench, &request)?;
            let asked = jit.simulator.calls_received() - asked;
            let speed = asked as f64 / began.elapsed().as_secs_f64();
            ensure!(jit.simulator.in_flight() > 0, "the sync ended before the load did");
            figure.push(Round::beside(milliseconds(idle.p99), milliseconds(busy.p99)));
            speeds.push(format!("{speed:.0}"));
        }
        figure.note(format!("calls of JIT a second meanwhile, {AT_ONCE} at once: {}", speeds.join(", ")));
        figures.push(figure);
    }
    Ok(figures)
}

pub(crate) fn static_file(bench: &mut Bench) -> Result<Vec<Figure>> {
    let database = bench.answered(Kind::Sqlite)?;
    let server = bench.serve(&database, &quiet_jit()?, AT_ONCE)?;
    let request = Request::get(server.address, STYLES, "");
    let mut figure = Figure::new("static", Kind::Sqlite, "ms").goal(Bound::AtMost(1.0));
    for _ in 0..bench.rounds {
        figure.push(Round::alone(milliseconds(load(&request, 1, bench.load_time())?.p50)));
    }
    Ok(vec![figure])
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
