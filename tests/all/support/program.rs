//! The program as a process of its own, as an operator runs it.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Output, Stdio};

use mukta_ftps::sealing::hex;
use mukta_ftps::simulator::jit::JitSimulator;

use super::{DATA_KEY, SESSION_KEY, ScratchDatabase};

/// The program with nothing in its environment but what the test sets.
pub(crate) fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mukta-ftps"));
    command.args(args).env_clear().stdin(Stdio::null());
    command
}

pub(crate) fn with_database(args: &[&str], database: &ScratchDatabase) -> Command {
    let mut command = program(args);
    command.env("DATABASE_URL", &database.url_text).env("DATA_KEY", hex(&DATA_KEY));
    command
}

/// With all that `serve` and `sync` cannot do without.
pub(crate) fn with_jit(args: &[&str], database: &ScratchDatabase, jit: &JitSimulator) -> Command {
    let key_file = database.directory.path().join("jit.der");
    // Written once: a program started before may be reading it.
    if !key_file.exists() {
        std::fs::write(&key_file, jit.public_key_der()).unwrap();
    }
    let mut command = with_database(args, database);
    command
        .env("SESSION_KEY", hex(&SESSION_KEY))
        .env("HTTP_BIND", "127.0.0.1:0")
        .env("JIT_BASE_URL", jit.base_url())
        .env("JIT_CLIENT_ID", jit.client_id())
        .env("JIT_CLIENT_SECRET", jit.client_secret())
        .env("JIT_PUBLIC_KEY_FILE", key_file);
    command
}

/// Runs it to its end on that input.
pub(crate) fn fed(mut command: Command, input: &str) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that refuses its arguments ends without reading what it is fed.
    match child.stdin.take().unwrap().write_all(input.as_bytes()) {
        Err(cause) if cause.kind() == std::io::ErrorKind::BrokenPipe => {}
        written => written.unwrap(),
    }
    child.wait_with_output().unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A process that does not outlive the test.
pub(crate) struct Program(Child);

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// Its number among the machine's processes.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// The first lines that it writes on the standard output it was given.
    pub(crate) fn lines(&mut self, count: usize) -> Vec<String> {
        let output = BufReader::new(self.0.stdout.take().unwrap());
        output.lines().take(count).map(Result::unwrap).collect()
    }

    /// SIGKILL, as a machine would: nothing is finished, nothing is told.
    pub(crate) fn kill(mut self) {
        assert!(self.0.try_wait().unwrap().is_none(), "it did not end by itself");
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// SIGTERM: what is in flight is finished.
    pub(crate) fn stop(mut self) {
        self.tell_to_stop();
        assert!(self.0.wait().unwrap().success());
    }

    /// SIGTERM, where not all can be finished: what it ended with, and its log.
    pub(crate) fn stop_in_vain(mut self) -> (Option<i32>, String) {
        self.tell_to_stop();
        let status = self.0.wait().unwrap();
        let mut log = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (status.code(), log)
    }

    /// Nobody tells it to: what it ended with, and its log.
    pub(crate) fn ended_by_itself(mut self) -> (Option<i32>, String) {
        let mut log = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (self.0.wait().unwrap().code(), log)
    }

    /// SIGTERM, and no waiting.
    pub(crate) fn tell_to_stop(&self) {
        self.signal("TERM");
    }

    /// It has been told to stop: waits until it has, cleanly.
    pub(crate) fn has_stopped(mut self) {
        assert!(self.0.wait().unwrap().success());
    }

    /// Sends it that signal.
    pub(crate) fn signal(&self, name: &str) {
        let told =
            Command::new("kill").arg(format!("-{name}")).arg(self.0.id().to_string()).status().unwrap();
        assert!(told.success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}
