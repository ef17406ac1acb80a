//! What the figures share: the program, the databases that several of them start from, and how large and how long
//! everything is.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chrono::Utc;
use mukta_ftps::access::{Role, password};
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::store::{employees, sync_runs};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::browser::{EMPLOYEE, PASSWORD};
use crate::database::{Database, Kind};
use crate::instructions::{Pairs, revised_number};
use crate::jit::Jit;
use crate::program::{Ended, Program, Server};

/// `JIT_CONCURRENCY`, unless a figure is about another.
pub(crate) const AT_ONCE: usize = 8;

/// How many connections load a server.
pub(crate) const CONNECTIONS: usize = 8;

/// One run of the bench.
pub(crate) struct Bench {
    pub(crate) rounds: usize,
    is_small: bool,
    pub(crate) program: Program,
    /// Where the clients run.
    pub(crate) client: Runtime,
    imported: HashMap<(Kind, Pairs), Rc<Database>>,
    synced: HashMap<(Kind, Pairs), Rc<Database>>,
    answered: HashMap<Kind, Rc<Database>>,
    // After the databases that lie in it.
    place: TempDir,
}

impl Bench {
    pub(crate) fn new(rounds: usize, is_small: bool) -> Result<Self> {
        let place = tempfile::tempdir()?;
        Ok(Self {
            rounds,
            is_small,
            program: Program::new(place.path())?,
            client: Runtime::new()?,
            imported: HashMap::new(),
            synced: HashMap::new(),
            answered: HashMap::new(),
            place,
        })
    }

    /// A directory that goes with the bench.
    pub(crate) fn place(&self) -> &Path {
        self.place.path()
    }

    /// So many, or for a trial a tenth of that.
    pub(crate) fn pairs(&self, count: usize, people: usize) -> Pairs {
        Pairs { count: if self.is_small { count / 10 } else { count }, people }
    }

    /// How long a server is loaded.
    pub(crate) fn load_time(&self) -> Duration {
        Duration::from_secs(if self.is_small { 1 } else { 3 })
    }

    /// The pairs in a file that `import` reads.
    pub(crate) fn file_of(&self, pairs: Pairs) -> Result<String> {
        let file = self.place().join(format!("{}x{}.json", pairs.count, pairs.people));
        if !file.exists() {
            pairs.write(BufWriter::new(File::create(&file)?))?;
        }
        Ok(file.display().to_string())
    }

    /// A database with the pairs and an employee, who may do everything: to be copied.
    pub(crate) fn imported(&mut self, kind: Kind, pairs: Pairs) -> Result<Rc<Database>> {
        if let Some(database) = self.imported.get(&(kind, pairs)) {
            return Ok(Rc::clone(database));
        }
        eprintln!("importing {} pairs of {} people into {kind}", pairs.count, pairs.people);
        let database = Database::new(kind, self.place())?;
        let file = self.file_of(pairs)?;
        self.program.run(self.program.command(&["import", &file], &database))?;
        let hash = password::hash_new(EMPLOYEE, PASSWORD)?;
        let now = Utc::now().naive_utc();
        let added = database
            .store()?
            .write_blocking(|db| employees::add(db, EMPLOYEE, Role::Admin, "od", &hash, now))?;
        ensure!(added, "the employee is new");
        database.settle()?;
        let database = Rc::new(database);
        self.imported.insert((kind, pairs), Rc::clone(&database));
        Ok(database)
    }

    /// The same after a sync in which all were paid: not to be changed.
    pub(crate) fn synced(&mut self, kind: Kind, pairs: Pairs) -> Result<Rc<Database>> {
        if let Some(database) = self.synced.get(&(kind, pairs)) {
            return Ok(Rc::clone(database));
        }
        let database = self.imported(kind, pairs)?.copied()?;
        eprintln!("syncing {} pairs of {} people on {kind}", pairs.count, pairs.people);
        self.sync(&database, &Jit::paying(pairs, Duration::ZERO)?, AT_ONCE)?;
        self.keep_synced(kind, pairs, database)
    }

    /// Keeps one for the figures that look at it.
    pub(crate) fn keep_synced(
        &mut self,
        kind: Kind,
        pairs: Pairs,
        database: Database,
    ) -> Result<Rc<Database>> {
        database.settle()?;
        let database = Rc::new(database);
        self.synced.insert((kind, pairs), Rc::clone(&database));
        Ok(database)
    }

    /// What the pages are looked at with, 1,000 PIs of ten people each: of 500 pairs every second one was paid, and
    /// of the others JIT says an error.
    pub(crate) fn answered(&mut self, kind: Kind) -> Result<Rc<Database>> {
        if let Some(database) = self.answered.get(&kind) {
            return Ok(Rc::clone(database));
        }
        let pairs = Pairs { count: 500, people: 10 };
        let database = self.imported(kind, pairs)?.copied()?;
        let jit = Jit::paying(pairs, Duration::ZERO)?;
        for pair in (1..pairs.count).step_by(2) {
            let error = Scenario::Error("JIT correction bill is pending for approval".into());
            jit.simulator.script(&revised_number(pair), vec![error]);
        }
        self.sync(&database, &jit, AT_ONCE)?;
        database.settle()?;
        let database = Rc::new(database);
        self.answered.insert(kind, Rc::clone(&database));
        Ok(database)
    }

    /// `sync` to its end, and the instructions a second of its run.
    pub(crate) fn sync(&self, database: &Database, jit: &Jit, at_once: usize) -> Result<(f64, Ended)> {
        let mut command = self.program.command(&["sync"], database);
        command.envs(jit.settings(self.place(), at_once)?);
        let ended = self.program.run(command)?;
        Ok((run_speed(database)?, ended))
    }

    /// `serve`, with somebody signed in.
    pub(crate) fn serve(&self, database: &Database, jit: &Jit, at_once: usize) -> Result<Server> {
        let settings = jit.settings(self.place(), at_once)?;
        let server = self.program.serve(database, &self.client, &settings)?;
        self.client.block_on(server.browser.sign_in())?;
        Ok(server)
    }
}

/// Instructions a second of the latest run, by its own beginning and end; each must have had an answer.
pub(crate) fn run_speed(database: &Database) -> Result<f64> {
    let store = database.store()?;
    let (run, counts) = store.read_blocking(|db| {
        let run = sync_runs::latest_ended(db)?;
        let counts = run.as_ref().map(|run| sync_runs::total(db, run.id)).transpose()?;
        Ok((run, counts))
    })?;
    let (run, counts) = run.zip(counts).context("no run has ended")?;
    ensure!(counts.expected > 0, "the run was of nothing");
    ensure!(counts.successful + counts.errors == counts.expected, "not all were answered: {counts:?}");
    let took = run.finished_at.context("the run has not ended")? - run.started_at;
    Ok(counts.expected as f64 / took.as_seconds_f64())
}
