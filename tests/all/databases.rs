//! The database in an operator's hands: files that cannot be used, TLS, poolers, and a key that is taken away
//! under a running program.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use diesel::prelude::*;
use mukta_ftps::sealing::hex;
use mukta_ftps::store::schema::program_state;

use crate::support::{
    DATA_KEY, Kind, NEW_DATA_KEY, PEOPLE, Program, REVISED, ScratchDatabase, World, on_both, program, stderr,
    stdout, with_database,
};

on_both!(a_key_is_not_taken_from_a_program_that_seals_with_it);

fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}

fn programs_at_work(world: &World) -> i64 {
    world.read(|db| {
        Ok(program_state::table.filter(program_state::name.like("program %")).count().get_result(db)?)
    })
}

#[test]
fn a_file_that_is_no_database_is_one_line_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("letter.db");
    std::fs::write(&file, "Dear Sir or Madam, ".repeat(500)).unwrap();
    let nowhere = directory.path().join("not there").join("new.db");
    for (path, told) in [(file, "file is not a database"), (nowhere, "No such file")] {
        std::fs::metadata(&path)
            .is_ok()
            .then(|| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)));
        let output = program(&["import", "-"])
            .env("DATABASE_URL", format!("sqlite://{}", path.display()))
            .env("DATA_KEY", hex(&DATA_KEY))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(stderr(&output).contains(told), "{}", stderr(&output));
        assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
    }
}

/// Made by root, served by another: said at the start, not at the first sign-in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_serve_may_not_write_is_named_with_its_owner() {
    let world = World::start(Kind::Sqlite).await;
    for (path, mode) in
        [(world.database.file(), 0o444), (world.database.directory.path().to_str().unwrap(), 0o755)]
    {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let ours = world.program(&["serve"]);
    // Root may write whatever the file says, and everybody else what is theirs.
    let mut serve = Command::new(if is_root() { "runuser" } else { "env" });
    serve.args(if is_root() { ["-u", "nobody", "--"].as_slice() } else { &[] });
    serve.arg(ours.get_program()).arg("serve").env_clear();
    serve.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
    serve.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let output = serve.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let told = stderr(&output);
    assert!(told.contains("cannot be written") && told.contains("belongs to"), "{told}");
    assert_eq!(told.contains("runs as nobody"), is_root(), "{told}");
}

async fn a_key_is_not_taken_from_a_program_that_seals_with_it(world: World) {
    world.import_pair(PEOPLE);
    world.press_refresh(REVISED).await;
    let reseal = || {
        let mut command = with_database(&["reseal"], &world.database);
        command.env("DATA_KEY", hex(&NEW_DATA_KEY)).env("DATA_KEY_PREVIOUS", hex(&DATA_KEY)).output().unwrap()
    };
    let start = || Program::start(world.program(&["serve"]).stderr(Stdio::null()));
    world.database.execute(
        "INSERT INTO program_state (name, noted_at) VALUES ('program of old seals with x', '2020-01-01 00:00:00')",
    );
    let at_work = || programs_at_work(&world);
    let serve = start();
    world.until(|| at_work() == 1).await;
    let refused = reseal();
    assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("a program is at work that still seals with the earlier key"));
    let mut verify = with_database(&["verify"], &world.database);
    let verified = verify.env("DATA_KEY", hex(&NEW_DATA_KEY)).output().unwrap();
    assert!(stderr(&verified).contains("DATA_KEY does not fit this database"), "{}", stderr(&verified));
    serve.stop();
    assert_eq!(at_work(), 0);

    // One that was killed says nothing any more, and is not waited for.
    let killed = start();
    world.until(|| at_work() == 1).await;
    killed.kill();
    let done = reseal();
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let late = world.program(&["serve"]).output().unwrap();
    assert_eq!(late.status.code(), Some(1));
    assert!(stderr(&late).contains("DATA_KEY does not fit this database"), "{}", stderr(&late));
}

/// A key that is gone all the same ends the program with a line, and leaves no answer of 500.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_whose_key_was_taken_ends() {
    let world = World::start(Kind::Sqlite).await;
    let serve = Program::start(world.program(&["serve"]).stderr(Stdio::piped()));
    world.until(|| programs_at_work(&world) == 1).await;
    world.database.execute("UPDATE data_keys SET key_id = 'another'");
    let (status, log) = serve.ended_by_itself();
    assert_eq!(status, Some(1), "{log}");
    assert!(log.contains("DATA_KEY does not fit this database"), "{log}");
}

/// A server that takes the connection and says nothing is not waited for longer than ten seconds.
#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let output = program(&["user", "list"])
        .env("DATABASE_URL", format!("postgres://test@{}/none", silent.local_addr().unwrap()))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("cannot be reached") && stderr(&output).contains("timeout expired"));
}

/// Every connection of a command is over TLS here; its end met handshakes under way before.
#[test]
fn commands_over_tls_end_well() {
    let database = ScratchDatabase::new(Kind::Postgres);
    assert!(with_database(&["migrate"], &database).status().unwrap().success());
    for _ in 0..30 {
        let output = with_database(&["user", "list"], &database).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{:?} {}", output.status, stderr(&output));
    }
    let certificate = std::env::var("TEST_POSTGRES_CERTIFICATE").unwrap();
    let checked =
        format!("{}?sslmode=verify-full&sslrootcert=", database.url_text.replace("127.0.0.1", "localhost"));
    let list = |root: &str| {
        program(&["user", "list"]).env("DATABASE_URL", format!("{checked}{root}")).output().unwrap()
    };
    let output = list(&certificate);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let output = list("/etc/ssl/certs/ca-certificates.crt");
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    assert!(stderr(&output).contains("certificate verify failed"), "{}", stderr(&output));
}

/// Connections shared by transaction are refused in words, by session they serve.
#[test]
fn a_pooler_that_shares_by_transaction_is_refused() {
    let database = ScratchDatabase::new(Kind::Postgres);
    let (server, name) = database.url_text.rsplit_once('/').unwrap();
    let (_, port) = server.rsplit_once(':').unwrap();
    for (mode, status) in [("transaction", Some(1)), ("session", Some(0))] {
        let pooler = Pooler::start(name, port, mode);
        let output = program(&["migrate"])
            .env("DATABASE_URL", format!("postgres://test@127.0.0.1:{}/{name}", pooler.port))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), status, "{mode}: {}", stderr(&output));
        assert_eq!(stderr(&output).contains("shares its connections by transaction"), mode == "transaction");
    }
}

/// A pgbouncer in front of the tests' PostgreSQL.
struct Pooler {
    process: std::process::Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Pooler {
    fn start(database: &str, server_port: &str, mode: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = directory.path().join("pgbouncer.ini");
        std::fs::write(
            &settings,
            format!(
                "[databases]\n{database} = host=127.0.0.1 port={server_port} user=test\n[pgbouncer]\n\
                 listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
                 pool_mode = {mode}\n"
            ),
        )
        .unwrap();
        let mut command = Command::new("pgbouncer");
        if is_root() {
            command = Command::new("runuser");
            command.args(["-u", "nobody", "--", "/usr/sbin/pgbouncer"]);
        }
        let process = command.arg(settings).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let pooler = Self { process, port, _directory: directory };
        for _ in 0..500 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return pooler;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("pgbouncer did not start");
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // SIGTERM reaches the pooler below `runuser` too; a SIGKILL would not.
        let _told = Command::new("kill").arg(self.process.id().to_string()).status();
        let _reaped = self.process.wait();
    }
}
