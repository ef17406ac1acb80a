//! A night: how many payment instructions a second, and how that changes with their number.

use std::time::Duration;

use anyhow::Result;

use crate::bench::{AT_ONCE, Bench, run_speed};
use crate::database::Kind;
use crate::figure::Bound::AtLeast;
use crate::figure::{Figure, Round};
use crate::jit::Jit;
use crate::program::Running;

/// A JIT that answers at once: what the program itself can do.
pub(crate) fn at_full_speed(bench: &mut Bench) -> Result<Vec<Figure>> {
    const ASKS: usize = 20_000;
    let pairs = bench.pairs(2_000, 10);
    let jit = Jit::paying(pairs, Duration::ZERO)?;
    let ceiling = jit.ceiling(&bench.client, AT_ONCE, bench.load_time())?;
    let mut figures = Vec::new();
    for (kind, goal, aim) in [(Kind::Sqlite, 0.08, 0.25), (Kind::Postgres, 0.03, 0.06)] {
        let imported = bench.imported(kind, pairs)?;
        let mut figure = Figure::new("sync", kind, "PIs/s")
            .against("bare client loop")
            .goal(AtLeast(goal))
            .aim(AtLeast(aim));
        for _ in 0..bench.rounds {
            let bare = jit.bare_loop(&bench.client, AT_ONCE, ASKS)?;
            let (speed, _) = bench.sync(&imported.copied()?, &jit, AT_ONCE)?;
            figure.push(Round::beside(bare, speed));
        }
        figure.note(format!(
            "{} PIs of {} people, {AT_ONCE} calls at once; the simulator answers {ceiling:.0} ready-made calls a second",
            pairs.count, pairs.people
        ));
        figures.push(figure);
    }
    Ok(figures)
}

/// A JIT that takes its time: nothing but its latency should count.
pub(crate) fn at_jit_speed(bench: &mut Bench) -> Result<Vec<Figure>> {
    const AT_ONCE: usize = 16;
    let pairs = bench.pairs(1_000, 10);
    let jit = Jit::paying(pairs, Duration::from_millis(50))?;
    let mut figures = Vec::new();
    for kind in Kind::BOTH {
        let imported = bench.imported(kind, pairs)?;
        let mut figure = Figure::new("sync-50ms", kind, "PIs/s")
            .against("bare client loop")
            .goal(AtLeast(0.95))
            .aim(AtLeast(0.99));
        for _ in 0..bench.rounds {
            let bare = jit.bare_loop(&bench.client, AT_ONCE, pairs.count)?;
            let (speed, _) = bench.sync(&imported.copied()?, &jit, AT_ONCE)?;
            figure.push(Round::beside(bare, speed));
        }
        figure.note(format!("{} PIs of {} people, {AT_ONCE} calls at once", pairs.count, pairs.people));
        figures.push(figure);
    }
    Ok(figures)
}

/// Thirty times as much work takes thirty times as long.
pub(crate) fn growth(bench: &mut Bench) -> Result<Vec<Figure>> {
    let (few, many) = (bench.pairs(1_000, 2), bench.pairs(30_000, 2));
    let (jit_of_few, jit_of_many) = (Jit::paying(few, Duration::ZERO)?, Jit::paying(many, Duration::ZERO)?);
    let mut figures = Vec::new();
    for kind in Kind::BOTH {
        let (imported_few, imported_many) = (bench.imported(kind, few)?, bench.imported(kind, many)?);
        let mut figure =
            Figure::new("growth", kind, "PIs/s").against("1,000 PIs").goal(AtLeast(0.9)).aim(AtLeast(1.0));
        for _ in 0..bench.rounds {
            let (of_few, of_many) = (imported_few.copied()?, imported_many.copied()?);
            let (slow_or_fast, _) = bench.sync(&of_few, &jit_of_few, AT_ONCE)?;
            let (speed, _) = bench.sync(&of_many, &jit_of_many, AT_ONCE)?;
            figure.push(Round::beside(slow_or_fast, speed));
            bench.keep_synced(kind, few, of_few)?;
            bench.keep_synced(kind, many, of_many)?;
        }
        figure.note(format!("{} PIs of 2 people against {}, {AT_ONCE} calls at once", many.count, few.count));
        figures.push(figure);
    }
    Ok(figures)
}

/// Two processes work on one run, each with as many calls at once: a JIT that takes its time is asked twice as fast.
pub(crate) fn two_processes(bench: &mut Bench) -> Result<Vec<Figure>> {
    let pairs = bench.pairs(2_000, 2);
    let imported = bench.imported(Kind::Postgres, pairs)?;
    let mut figure = Figure::new("two-processes", Kind::Postgres, "PIs/s").against("one");
    for _ in 0..bench.rounds {
        let jit = Jit::paying(pairs, Duration::from_millis(50))?;
        let (alone, _) = bench.sync(&imported.copied()?, &jit, AT_ONCE)?;
        let database = imported.copied()?;
        let asked = jit.simulator.calls_received();
        let mut command = bench.program.command(&["sync"], &database);
        command.envs(jit.settings(bench.place(), AT_ONCE)?);
        let first = Running::start(&mut command)?;
        // The second joins a run that has begun.
        jit.until_asked(asked)?;
        let second = Running::start(&mut command)?;
        first.ended()?;
        second.ended()?;
        figure.push(Round::beside(alone, run_speed(&database)?));
    }
    figure.note(format!(
        "{} PIs of 2 people, a JIT that takes 50 ms, {AT_ONCE} calls at once each",
        pairs.count
    ));
    Ok(vec![figure])
}
