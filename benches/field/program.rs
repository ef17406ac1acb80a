//! The program as processes, as an operator runs it, and what the system tells of them.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use mukta_ftps::sealing::random_hex;
use tokio::runtime::Runtime;

use crate::browser::Browser;
use crate::database::Database;

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program, its keys, and where it writes what it logs.
#[derive(Debug)]
pub(crate) struct Program {
    data_key: String,
    session_key: String,
    place: PathBuf,
}

/// A command that ended well.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) took: Duration,
    /// Its largest resident set.
    pub(crate) peak_mib: f64,
}

impl Program {
    pub(crate) fn new(place: &Path) -> Result<Self> {
        Ok(Self { data_key: random_hex(32)?, session_key: random_hex(64)?, place: place.to_owned() })
    }

    /// With nothing in its environment but what it needs for itself. Nothing begins by itself while it is measured.
    pub(crate) fn command(&self, arguments: &[&str], database: &Database) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mukta-ftps"));
        command
            .args(arguments)
            .env_clear()
            .env("DATABASE_URL", &database.url)
            .env("DATA_KEY", &self.data_key)
            .env("SESSION_KEY", &self.session_key)
            .env("SYNC_SCHEDULE", "0 0 0 1 1 *")
            .env("PGSSLMODE", "disable")
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, mut command: Command) -> Result<Ended> {
        let log = self.place.join("log");
        let said = File::create(&log)?;
        command.stdout(said.try_clone()?).stderr(said);
        let begun = Instant::now();
        let mut child = Running(command.spawn()?);
        let mut peak_mib: f64 = 0.0;
        let status = loop {
            if let Some(status) = child.0.try_wait()? {
                break status;
            }
            peak_mib = peak_mib.max(child.memory("VmHWM").unwrap_or_default());
            std::thread::sleep(Duration::from_millis(5));
        };
        let took = begun.elapsed();
        ensure!(
            status.success(),
            "{:?} ended with {status}: {}",
            command.get_args(),
            std::fs::read_to_string(&log)?
        );
        Ok(Ended { took, peak_mib })
    }

    /// `serve`, once it answers.
    pub(crate) fn serve(
        &self,
        database: &Database,
        client: &Runtime,
        settings: &[(&str, String)],
    ) -> Result<Server> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = self.command(&["serve"], database);
        command
            .env("HTTP_BIND", address.to_string())
            .envs(settings.iter().map(|(name, value)| (name, value)));
        let log = self.place.join(format!("{}.log", address.port()));
        let browser = Browser::at(address)?;
        let begun = Instant::now();
        let mut process = Running(command.stdout(Stdio::null()).stderr(File::create(&log)?).spawn()?);
        while !client.block_on(browser.answers("/health/live")) {
            if process.0.try_wait()?.is_some() || begun.elapsed() > PATIENCE {
                bail!("`serve` did not start: {}", std::fs::read_to_string(&log)?);
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok(Server { address, started_in: begun.elapsed(), browser, process })
    }
}

/// A server; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// From its beginning to its first answer.
    pub(crate) started_in: Duration,
    pub(crate) browser: Browser,
    process: Running,
}

impl Server {
    /// What it has of the machine's memory (`VmRSS`), or had at most (`VmHWM`), in MiB.
    pub(crate) fn memory(&self, which: &str) -> Result<f64> {
        self.process.memory(which).context("the server is not there any more")
    }
}

/// A process that does not outlive the bench.
#[derive(Debug)]
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        Ok(Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?))
    }

    /// Waits until it has ended, well.
    pub(crate) fn ended(mut self) -> Result<()> {
        let status = self.0.wait()?;
        ensure!(status.success(), "a process beside ended with {status}");
        Ok(())
    }

    fn memory(&self, which: &str) -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(which)?.strip_prefix(':'))?;
        Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}
