//! The pages, signed in: requests a second over kept-alive connections, each against what it should not be far from.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::bench::{AT_ONCE, Bench, CONNECTIONS};
use crate::database::{Database, Kind};
use crate::figure::Bound::{AtLeast, AtMost};
use crate::figure::{Figure, Round};
use crate::instructions::{Pairs, revised_number};
use crate::jit::Jit;
use crate::load::{Load, Request, load, one_by_one};
use crate::program::Server;

/// What each payment instruction of a list bears.
const ROW: &str = "data-pi-status=";

/// Goal and aim of the list, and of the search.
const AS_THE_LIST: (f64, f64) = (0.08, 0.12);

/// An answer that took longer has waited for something.
const LATE: Duration = Duration::from_millis(5);

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

    /// A server on a database, and the request for it there.
    fn served(&self, bench: &Bench, database: &Database) -> Result<(Server, Request)> {
        let server = bench.serve(database, &Jit::quiet()?, AT_ONCE)?;
        let request = self.request(bench, &server)?;
        Ok((server, request))
    }

    /// The request for it, of somebody who has signed in; it holds what it must.
    fn request(&self, bench: &Bench, server: &Server) -> Result<Request> {
        Ok(self.looked_at(bench, server)?.0)
    }

    /// The same, and how many KB it has.
    fn looked_at(&self, bench: &Bench, server: &Server) -> Result<(Request, usize)> {
        let text = bench.client.block_on(server.browser.get(&self.path))?;
        let times = text.matches(self.holds).count();
        ensure!(times >= self.times, "{} holds {times} {}, not {}", self.path, self.holds, self.times);
        Ok((Request::get(server.address, &self.path, &server.browser.cookies()?), text.len() / 1000))
    }
}

fn loaded(bench: &Bench, request: &Request) -> Result<Load> {
    load(request, CONNECTIONS, bench.load_time())
}

/// A page against `/health/live` of the same server; the goals are SQLite's.
fn against_live(
    bench: &mut Bench,
    name: &'static str,
    page: &Page,
    (goal, aim): (f64, f64),
) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for kind in Kind::BOTH {
        let answered = bench.answered(kind)?;
        let server = bench.serve(&answered, &Jit::quiet()?, AT_ONCE)?;
        let (request, size) = page.looked_at(bench, &server)?;
        let live = Request::get(server.address, "/health/live", &server.browser.cookies()?);
        let mut figure = Figure::new(name, kind, "/s").against("/health/live");
        if kind == Kind::Sqlite {
            figure = figure.goal(AtLeast(goal)).aim(AtLeast(aim));
        }
        for _ in 0..bench.rounds {
            let live = loaded(bench, &live)?;
            figure.push(Round::beside(live.per_second, loaded(bench, &request)?.per_second));
        }
        figure.note(format!("a page of {size} KB"));
        figures.push(figure);
    }
    Ok(figures)
}

pub(crate) fn view(bench: &mut Bench) -> Result<Vec<Figure>> {
    against_live(bench, "view", &Page::view(), (0.20, 0.30))
}

pub(crate) fn list(bench: &mut Bench) -> Result<Vec<Figure>> {
    let page = Page { path: "/payment-instructions".to_owned(), holds: ROW, times: 50 };
    against_live(bench, "list", &page, AS_THE_LIST)
}

pub(crate) fn list_of_all(bench: &mut Bench) -> Result<Vec<Figure>> {
    let page = Page { path: "/payment-instructions?tab=all".to_owned(), holds: ROW, times: 50 };
    against_live(bench, "list-all", &page, AS_THE_LIST)
}

pub(crate) fn search_number(bench: &mut Bench) -> Result<Vec<Figure>> {
    let path = format!("/payment-instructions?q={}", revised_number(50));
    against_live(bench, "search-number", &Page { path, holds: ROW, times: 1 }, AS_THE_LIST)
}

pub(crate) fn search_name(bench: &mut Bench) -> Result<Vec<Figure>> {
    let path = "/payment-instructions?q=sabita+nayak".to_owned();
    against_live(bench, "search-name", &Page { path, holds: ROW, times: 50 }, AS_THE_LIST)
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
        let (_little, little_page) = page.served(bench, &of_few)?;
        let (_much, much_page) = page.served(bench, &of_many)?;
        let mut figure = Figure::new(name, kind, "/s").against(little).goal(AtLeast(0.9)).aim(AtLeast(1.0));
        let mut slowest = Vec::new();
        for _ in 0..bench.rounds {
            let little = loaded(bench, &little_page)?;
            let much = loaded(bench, &much_page)?;
            figure.push(Round::beside(little.per_second, much.per_second));
            slowest.push(told_p99(&much, &little));
        }
        figure.note(format!("p99 of the rounds, and the yardstick's: {}", slowest.join(", ")));
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

/// The list and the search over a million payment instructions against a thousand; as many rows on each page.
pub(crate) fn millions(bench: &mut Bench) -> Result<Vec<Figure>> {
    let few = Pairs { count: 500, people: 10 };
    let many = bench.pairs(500_000, 1);
    let pages = [
        ("million-list", "/payment-instructions".to_owned(), 50),
        ("million-list-all", "/payment-instructions?tab=all".to_owned(), 50),
        ("million-search-number", format!("/payment-instructions?q={}", revised_number(50)), 1),
        ("million-search-name", "/payment-instructions?q=sabita+nayak".to_owned(), 50),
    ]
    .map(|(name, path, times)| (name, Page { path, holds: ROW, times }));
    let mut figures = Vec::new();
    for kind in Kind::BOTH {
        let (of_few, of_many) = (bench.imported(kind, few)?, bench.imported(kind, many)?);
        let little = bench.serve(&of_few, &Jit::quiet()?, AT_ONCE)?;
        let much = bench.serve(&of_many, &Jit::quiet()?, AT_ONCE)?;
        for (name, page) in &pages {
            let mut figure = Figure::new(name, kind, "/s").against("1,000 PIs");
            let (of_little, of_much) = (page.request(bench, &little)?, page.request(bench, &much)?);
            let mut slowest = Vec::new();
            for _ in 0..bench.rounds {
                let little = loaded(bench, &of_little)?;
                let much = loaded(bench, &of_much)?;
                figure.push(Round::beside(little.per_second, much.per_second));
                slowest.push(told_p99(&much, &little));
            }
            figure.note(format!(
                "{} PIs; p99 of the rounds, and the yardstick's: {}",
                2 * many.count,
                slowest.join(", ")
            ));
            figures.push(figure);
        }
    }
    Ok(figures)
}

/// The slowest answers, and the yardstick's.
fn told_p99(measured: &Load, yardstick: &Load) -> String {
    format!("{:.1} ms ({:.1} ms)", milliseconds(measured.p99), milliseconds(yardstick.p99))
}

pub(crate) fn view_on_postgres(bench: &mut Bench) -> Result<Vec<Figure>> {
    let page = Page::view();
    let (sqlite, postgres) = (bench.answered(Kind::Sqlite)?, bench.answered(Kind::Postgres)?);
    let (_on_sqlite, of_sqlite) = page.served(bench, &sqlite)?;
    let (_on_postgres, of_postgres) = page.served(bench, &postgres)?;
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
            jit.until_asked(0)?;
            let asked = jit.simulator.calls_received();
            let begun = Instant::now();
            let busy = loaded(bench, &request)?;
            let asked = jit.simulator.calls_received() - asked;
            let speed = asked as f64 / begun.elapsed().as_secs_f64();
            ensure!(jit.simulator.calls_received() < pairs.count, "the sync ended before the load did");
            figure.push(Round::beside(milliseconds(idle.p99), milliseconds(busy.p99)));
            speeds.push(format!("{speed:.0}"));
        }
        figure.note(format!("calls of JIT a second meanwhile, {AT_ONCE} at once: {}", speeds.join(", ")));
        figures.push(figure);
    }
    Ok(figures)
}

/// A small file on kept-alive connections. Whether an answer in two packets waits for a delayed acknowledgement
/// changes from one connection and one moment to the next, so that a median would tell one or the other by luck.
pub(crate) fn static_file(bench: &mut Bench) -> Result<Vec<Figure>> {
    const FILE: &str = "/static/icon.svg";
    const CONNECTIONS: usize = 10;
    const ASKED: usize = 20;
    // Within the time for which a client's system may hold an acknowledgement back.
    const APART: Duration = Duration::from_millis(10);
    let database = bench.answered(Kind::Sqlite)?;
    let server = bench.serve(&database, &Jit::quiet()?, AT_ONCE)?;
    let request = Request::get(server.address, FILE, "");
    let mut figure = Figure::new("static", Kind::Sqlite, "ms on average").goal(AtMost(1.0));
    let mut late = Vec::new();
    for _ in 0..bench.rounds {
        let took = one_by_one(&request, CONNECTIONS, ASKED, APART)?;
        figure.push(Round::alone(milliseconds(took.iter().sum()) / took.len() as f64));
        late.push(took.iter().filter(|took| **took > LATE).count().to_string());
    }
    figure.note(format!(
        "{FILE}, {ASKED} times on each of {CONNECTIONS} connections, {} ms apart; of {} answers so many took more \
         than {} ms: {}",
        APART.as_millis(),
        CONNECTIONS * ASKED,
        LATE.as_millis(),
        late.join(", ")
    ));
    Ok(vec![figure])
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
