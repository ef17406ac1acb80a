//! How fast the program is in the field: `./scripts/bench`. Each figure stands beside a yardstick that was measured
//! just before it, on the same machine, and what is judged is the ratio of the two. docs/PERFORMANCE.md tells how
//! to read them.

mod bench;
mod browser;
mod chromium;
mod database;
mod figure;
mod instructions;
mod jit;
mod load;
mod muktasoft;
mod nights;
mod pages;
mod program;
mod sms;
mod starting;

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use bench::Bench;
use figure::Figure;
use serde_json::json;

/// What measures one thing, on both databases.
type Measure = fn(&mut Bench) -> Result<Vec<Figure>>;

/// Everything that is measured, in this order.
const FIGURES: &[(&str, Measure)] = &[
    ("sync", nights::at_full_speed),
    ("sync-50ms", nights::at_jit_speed),
    ("growth", nights::growth),
    ("view", pages::view),
    ("list", pages::list),
    ("list-all", pages::list_of_all),
    ("search-number", pages::search_number),
    ("search-name", pages::search_name),
    ("sync-runs", pages::sync_runs),
    ("messages", pages::messages),
    ("view-postgres", pages::view_on_postgres),
    ("view-while-sync", pages::view_while_sync),
    ("static", pages::static_file),
    ("memory", starting::memory),
    ("cold-start", starting::cold_start),
    ("import", starting::import),
    ("sms", sms::messages),
    ("pull", muktasoft::pull),
    ("push", muktasoft::push),
    ("two-processes", nights::two_processes),
    ("day", chromium::first_sight),
    ("memory-growth", starting::memory_growth),
    ("millions", pages::millions),
];

/// What was asked for.
struct Asked {
    rounds: usize,
    is_small: bool,
    measures: Vec<(&'static str, Measure)>,
}

fn main() -> ExitCode {
    match asked(std::env::args().skip(1)).and_then(|asked| measured(&asked)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("bench: {fault:#}");
            ExitCode::FAILURE
        }
    }
}

/// `[--rounds N] [--small] [FIGURE…]`
fn asked(mut arguments: impl Iterator<Item = String>) -> Result<Asked> {
    let mut asked = Asked { rounds: 3, is_small: false, measures: Vec::new() };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // Cargo's own.
            "--bench" => {}
            "--small" => asked.is_small = true,
            "--rounds" => {
                let rounds = arguments.next().context("--rounds takes a number")?;
                asked.rounds =
                    rounds.parse().with_context(|| format!("“{rounds}” is no number of rounds"))?;
            }
            name => match FIGURES.iter().find(|(known, _)| *known == name) {
                Some(measure) => asked.measures.push(*measure),
                None => {
                    let names: Vec<&str> = FIGURES.iter().map(|(name, _)| *name).collect();
                    bail!("there is no figure “{name}”; there are: {}", names.join(", "));
                }
            },
        }
    }
    ensure!(asked.rounds > 0, "--rounds must be at least 1");
    if asked.measures.is_empty() {
        asked.measures = FIGURES.to_vec();
    }
    Ok(asked)
}

/// Prints the table, and writes it for machines too. What fails costs its own figures only, and the exit code.
fn measured(asked: &Asked) -> Result<()> {
    let mut bench = Bench::new(asked.rounds, asked.is_small)?;
    let (mut figures, mut failed) = (Vec::new(), Vec::new());
    for (name, measure) in &asked.measures {
        match measure(&mut bench) {
            Ok(measured) => figures.extend(measured),
            Err(fault) => {
                eprintln!("bench: {name}: {fault:#}");
                failed.push(*name);
            }
        }
    }
    println!("{}", figure::table(&figures));
    let about = json!({
        "commit": commit(),
        "cores": std::thread::available_parallelism()?.get(),
        "rounds": asked.rounds,
        "small": asked.is_small,
        "failed": failed,
    });
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench/figures.json");
    std::fs::create_dir_all(file.parent().context("a file lies in a directory")?)?;
    std::fs::write(&file, serde_json::to_vec_pretty(&figure::document(&figures, about))?)?;
    ensure!(failed.is_empty(), "not measured: {}", failed.join(", "));
    Ok(())
}

/// The commit that is measured, where Git knows it.
fn commit() -> Option<String> {
    let told = Command::new("git")
        .args(["describe", "--always", "--dirty"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .ok()
        .filter(|told| told.status.success())?;
    Some(String::from_utf8_lossy(&told.stdout).trim().to_owned())
}
