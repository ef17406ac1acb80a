//! Nothing to steal: what the database's files and the program's output hold after everything that
//! people do has been done.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mukta_ftps::sealing::hex;
use mukta_ftps::simulator::jit::{JitSimulator, JitSimulatorOptions, Scenario};

use crate::commands::{document, fed, program, stderr, stdout, with_database};
use crate::support::{Browser, DATA_KEY, Kind, PASSWORD, ScratchDatabase, introduce, original, revised};

const ORIGINAL: &str = "PI-1013/2023-24/000112";
const REVISED: &str = "PI-1013/2023-24/000256";
const OTHER: &str = "PI-1013/2023-24/000257";
const PEOPLE: &[&str] = &["BN-1013/000224", "BN-1013/000225"];

struct Server {
    child: Child,
    address: std::net::SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// `serve` as a process of its own, logging all it can into `log`.
async fn serve(
    database: &ScratchDatabase,
    jit: &JitSimulator,
    directory: &Path,
    keys: &[(&str, String)],
) -> Server {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let key_file = directory.join("jit.der");
    std::fs::write(&key_file, jit.public_key_der()).unwrap();
    let log = std::fs::OpenOptions::new().create(true).append(true).open(directory.join("log")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mukta-ftps"));
    command
        .arg("serve")
        .env_clear()
        .env("RUST_LOG", "trace")
        .env("DATABASE_URL", &database.url_text)
        .env("SESSION_KEY", hex(&[7; 64]))
        .env("HTTP_BIND", address.to_string())
        .env("JIT_BASE_URL", jit.base_url())
        .env("JIT_CLIENT_ID", jit.client_id())
        .env("JIT_CLIENT_SECRET", jit.client_secret())
        .env("JIT_PUBLIC_KEY_FILE", key_file)
        .envs(keys.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    let server = Server { child: command.spawn().unwrap(), address };
    let deadline = Instant::now() + Duration::from_secs(20);
    while std::net::TcpStream::connect(address).is_err() {
        assert!(Instant::now() < deadline, "serve listens");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_the_files_nor_the_output_hold_what_could_be_stolen() {
    let database = ScratchDatabase::new(Kind::Sqlite);
    let directory = tempfile::tempdir().unwrap();
    let jit = JitSimulator::start(JitSimulatorOptions::default()).await.unwrap();
    let input = document(&[
        original(ORIGINAL, PEOPLE),
        revised(REVISED, ORIGINAL, PEOPLE),
        revised(OTHER, ORIGINAL, PEOPLE),
    ]);
    let imported = fed(with_database(&["import", "-"], &database), &input);
    assert!(imported.status.success(), "{}", stderr(&imported));
    introduce(&jit, &input);
    jit.script(OTHER, vec![Scenario::OtherAccount]);
    let mut add = program(&["user", "add", "asha", "--role", "admin"]);
    add.env("DATABASE_URL", &database.url_text);
    assert!(fed(add, &format!("{PASSWORD}\n")).status.success());

    let server = serve(&database, &jit, directory.path(), &[("DATA_KEY", hex(&DATA_KEY))]).await;
    let browser = Browser::new(server.address);
    browser.try_to_sign_in("asha", "a wrong pass phrase").await;
    browser.sign_in("asha").await;
    let token = browser.form_token().await;
    let cookie = {
        let page = Browser::new(server.address);
        let answer = page.try_to_sign_in("asha", PASSWORD).await;
        let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
        cookie.split(['=', ';']).nth(1).unwrap().to_owned()
    };
    for number in [REVISED, OTHER] {
        let page = browser.press_refresh(number).await;
        assert_eq!(page.attr("main", "data-pi-status"), "Completed");
        let log = browser.get(&format!("/payment-instructions/{number}/calls")).await;
        assert!(!log.text.contains("30131500010000"));
    }
    drop(server);

    let mut held = imported.stdout.clone();
    held.extend(&imported.stderr);
    held.extend(std::fs::read(directory.path().join("log")).unwrap());
    let path = database.url_text.strip_prefix("sqlite://").unwrap();
    for file in [path.to_owned(), format!("{path}-wal"), format!("{path}-shm")] {
        held.extend(std::fs::read(&file).unwrap_or_default());
    }
    assert!(held.len() > 100_000, "there is something to search");
    let signed_id = cookie.rsplit("%3D").next().unwrap_or(&cookie).to_owned();
    let secrets = [
        ("account number", "30131500010000".to_owned()),
        ("account number", "30131500010001".to_owned()),
        ("mobile number", "5550010000".to_owned()),
        ("password", PASSWORD.to_owned()),
        ("wrong password", "a wrong pass phrase".to_owned()),
        ("data key", hex(&DATA_KEY)),
        ("session key", hex(&[7; 64])),
        ("JIT client secret", jit.client_secret().to_owned()),
        ("session id", signed_id),
    ];
    for (what, secret) in secrets {
        assert!(secret.len() >= 8, "{what}");
        let found = held.windows(secret.len()).position(|window| window == secret.as_bytes());
        let context = found.map(|at| String::from_utf8_lossy(&held[at.saturating_sub(80)..at]).into_owned());
        assert_eq!(context, None, "{what}");
    }
    let log = std::fs::read(directory.path().join("log")).unwrap();
    assert!(!log.windows(token.len()).any(|window| window == token.as_bytes()), "form token in the log");
}

async fn the_key_is_changed_under_a_running_server(kind: Kind) {
    let database = ScratchDatabase::new(kind);
    let directory = tempfile::tempdir().unwrap();
    let jit = JitSimulator::start(JitSimulatorOptions::default()).await.unwrap();
    let input = document(&[
        original(ORIGINAL, PEOPLE),
        revised(REVISED, ORIGINAL, PEOPLE),
        revised(OTHER, ORIGINAL, PEOPLE),
    ]);
    assert!(fed(with_database(&["import", "-"], &database), &input).status.success());
    introduce(&jit, &input);
    let mut add = program(&["user", "add", "asha", "--role", "admin"]);
    add.env("DATABASE_URL", &database.url_text);
    assert!(fed(add, PASSWORD).status.success());
    let (old, new) = (hex(&DATA_KEY), hex(&[43; 32]));

    let before = serve(&database, &jit, directory.path(), &[("DATA_KEY", old.clone())]).await;
    let browser = Browser::new(before.address);
    browser.sign_in("asha").await;
    browser.press_refresh(REVISED).await;
    drop(before);

    let both = [("DATA_KEY", new.clone()), ("DATA_KEY_PREVIOUS", old.clone())];
    let server = serve(&database, &jit, directory.path(), &both).await;
    let mut reseal = with_database(&["reseal"], &database);
    reseal.env("DATA_KEY", &new).env("DATA_KEY_PREVIOUS", &old);
    let done = reseal.output().unwrap();
    assert!(done.status.success(), "{}", stderr(&done));
    // Two accounts and two mobile numbers of three instructions; one call's request and response.
    assert!(
        stdout(&done).starts_with("resealed 12 values of beneficiaries and 2 of the call log"),
        "{}",
        stdout(&done)
    );
    let again = reseal.output().unwrap();
    assert!(stdout(&again).starts_with("resealed 0 values of beneficiaries and 0 of the call log"));

    let browser = Browser::new(server.address);
    browser.sign_in("asha").await;
    assert_eq!(browser.press_refresh(OTHER).await.attr("main", "data-pi-status"), "Completed");
    drop(server);

    let with_key = |key: &str| {
        let mut import = with_database(&["import", "-"], &database);
        import.env("DATA_KEY", key);
        fed(import, &input)
    };
    let unchanged = with_key(&new);
    assert_eq!(stdout(&unchanged).lines().last(), Some("imported 3: 0 created, 0 updated, 3 unchanged"));
    assert_eq!(with_key(&old).status.code(), Some(1), "the earlier key does not fit any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_data_key_is_changed_under_a_running_server_sqlite() {
    the_key_is_changed_under_a_running_server(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_data_key_is_changed_under_a_running_server_postgres() {
    the_key_is_changed_under_a_running_server(Kind::Postgres).await;
}
