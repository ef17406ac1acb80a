//! Nothing to steal: what the database's files and the program's output hold after everything that
//! people do has been done.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Output;
use std::time::{Duration, Instant};

use mukta_ftps::access::second_factor::Secret;
use mukta_ftps::sealing::hex;
use mukta_ftps::simulator::jit::{JitSimulator, JitSimulatorOptions, Scenario};

use crate::support::{
    Browser, DATA_KEY, Instruction, Kind, NEW_DATA_KEY, ORIGINAL, OTHER, PASSWORD, PEOPLE, Program, REVISED,
    SESSION_KEY, ScratchDatabase, document, fed, introduce, on_both, pair, program, revised, stderr, stdout,
    with_database, with_jit,
};

on_both!(the_data_key_is_changed_under_a_running_server);

/// The sample and one more.
fn three() -> [Instruction; 3] {
    let [original, revised_one] = pair(PEOPLE);
    [original, revised_one, revised(OTHER, ORIGINAL, PEOPLE)]
}

/// A database with an administrator and what was imported, JIT, and what the import said.
async fn installed(kind: Kind) -> (ScratchDatabase, JitSimulator, Output) {
    let database = ScratchDatabase::new(kind);
    let jit = JitSimulator::start(JitSimulatorOptions::default()).await.unwrap();
    let imported = fed(with_database(&["import", "-"], &database), &document(&three()));
    assert!(imported.status.success(), "{}", stderr(&imported));
    introduce(&jit, &three());
    let mut add = program(&["user", "add", "asha", "--role", "admin", "--tenant", "od"]);
    add.env("DATABASE_URL", &database.url_text);
    assert!(fed(add, &format!("{PASSWORD}\n")).status.success());
    // They have chosen it themselves meanwhile.
    database.execute("UPDATE employees SET must_change_password = FALSE");
    (database, jit, imported)
}

/// `serve` with these keys of the data, logging all it can into a file, and its address.
async fn serve(
    database: &ScratchDatabase,
    jit: &JitSimulator,
    keys: &[(&str, String)],
) -> (Program, SocketAddr) {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let log = std::fs::OpenOptions::new().create(true).append(true).open(log_of(database)).unwrap();
    let mut command = with_jit(&["serve"], database, jit);
    command
        .envs(keys.iter().map(|(name, value)| (name, value)))
        .env("RUST_LOG", "trace")
        .env("HTTP_BIND", address.to_string())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    let program = Program::start(&mut command);
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < deadline, "serve listens");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (program, address)
}

fn log_of(database: &ScratchDatabase) -> PathBuf {
    database.directory.path().join("log")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_the_files_nor_the_output_hold_what_could_be_stolen() {
    let (database, jit, imported) = installed(Kind::Sqlite).await;
    jit.script(OTHER, vec![Scenario::OtherAccount]);
    let (server, address) = serve(&database, &jit, &[("DATA_KEY", hex(&DATA_KEY))]).await;
    let browser = Browser::new(address);
    browser.try_to_sign_in("asha", "a wrong pass phrase").await;
    browser.sign_in("asha").await;
    let token = browser.form_token().await;
    let cookie = {
        let page = Browser::new(address);
        let answer = page.try_to_sign_in("asha", PASSWORD).await;
        let mut cookies = answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
        let cookie = cookies.find(|cookie| cookie.starts_with("mukta-ftps=")).unwrap().to_owned();
        cookie.split(['=', ';']).nth(1).unwrap().to_owned()
    };
    let (secret, recovery, code) = second_factor(&browser, address).await;
    for number in [REVISED, OTHER] {
        let page = browser.press_refresh(number).await;
        assert_eq!(page.attr("main", "data-pi-status"), "Completed");
        let log = browser.get(&format!("/payment-instructions/{number}/calls")).await;
        assert!(!log.text.contains("30131500010000"));
    }
    drop(server);

    let mut held = imported.stdout.clone();
    held.extend(&imported.stderr);
    let log = std::fs::read(log_of(&database)).unwrap();
    held.extend(&log);
    let path = database.file();
    for file in [path.to_owned(), format!("{path}-wal"), format!("{path}-shm")] {
        held.extend(std::fs::read(&file).unwrap_or_default());
    }
    assert!(held.len() > 100_000, "there is something to search");
    let signed_id = cookie.rsplit("%3D").next().unwrap_or(&cookie).to_owned();
    let secrets = [
        ("account number", "30131500010000".to_owned()),
        ("account number", "30131500010001".to_owned()),
        ("account number", "30131500010002".to_owned()),
        ("mobile number", "7550010000".to_owned()),
        ("password", PASSWORD.to_owned()),
        ("wrong password", "a wrong pass phrase".to_owned()),
        ("data key", hex(&DATA_KEY)),
        ("session key", hex(&SESSION_KEY)),
        ("JIT client secret", jit.client_secret().to_owned()),
        ("session id", signed_id),
        ("secret of the second factor", secret),
        ("recovery code", recovery.clone()),
        ("recovery code without blanks", recovery.replace(' ', "")),
    ];
    for (what, secret) in secrets {
        assert!(secret.len() >= 8, "{what}");
        let found = held.windows(secret.len()).position(|window| window == secret.as_bytes());
        let context = found.map(|at| String::from_utf8_lossy(&held[at.saturating_sub(80)..at]).into_owned());
        assert_eq!(context, None, "{what}");
    }
    let given = format!("code={code}");
    assert!(!log.windows(given.len()).any(|window| window == given.as_bytes()), "a code in the log");
    assert!(!log.windows(token.len()).any(|window| window == token.as_bytes()), "form token in the log");
}

/// Sets up a second factor, and signs in with it elsewhere: what was taken in, and two codes that were used.
async fn second_factor(browser: &Browser, address: SocketAddr) -> (String, String, String) {
    const PAGE: &str = "/account/second-factor";
    let text = browser.get(PAGE).await.words("#secret").replace(' ', "");
    let secret = Secret::read(&text).unwrap();
    let code = secret.code_at(chrono::Utc::now());
    let fields = [("what", "set"), ("code", code.as_str()), ("current_password", PASSWORD)];
    assert_eq!(browser.post(PAGE, &fields).await.location(), PAGE);
    let recovery = browser.get(PAGE).await.all("#recovery-codes code")[0].text().collect::<String>();
    let elsewhere = Browser::new(address);
    elsewhere.sign_in("asha").await;
    assert_eq!(elsewhere.post("/sign-in", &[("code", recovery.as_str())]).await.location(), "/");
    (text, recovery, code)
}

async fn the_data_key_is_changed_under_a_running_server(kind: Kind) {
    let (database, jit, _) = installed(kind).await;
    let (old, new) = (hex(&DATA_KEY), hex(&NEW_DATA_KEY));

    let (before, address) = serve(&database, &jit, &[("DATA_KEY", old.clone())]).await;
    let browser = Browser::new(address);
    browser.sign_in("asha").await;
    browser.press_refresh(REVISED).await;
    drop(before);

    let both = [("DATA_KEY", new.clone()), ("DATA_KEY_PREVIOUS", old.clone())];
    let (server, address) = serve(&database, &jit, &both).await;
    let mut reseal = with_database(&["reseal"], &database);
    reseal.env("DATA_KEY", &new).env("DATA_KEY_PREVIOUS", &old);
    let done = reseal.output().unwrap();
    assert!(done.status.success(), "{}", stderr(&done));
    // Three accounts and three mobile numbers of three instructions; one call's request and response.
    assert!(
        stdout(&done).starts_with("resealed 18 values of beneficiaries and 2 of the call log"),
        "{}",
        stdout(&done)
    );
    let again = reseal.output().unwrap();
    assert!(stdout(&again).starts_with("resealed 0 values of beneficiaries and 0 of the call log"));

    let browser = Browser::new(address);
    browser.sign_in("asha").await;
    assert_eq!(browser.press_refresh(OTHER).await.attr("main", "data-pi-status"), "Completed");
    drop(server);

    let with_key = |key: &str| {
        let mut import = with_database(&["import", "-"], &database);
        import.env("DATA_KEY", key);
        fed(import, &document(&three()))
    };
    let unchanged = with_key(&new);
    assert_eq!(stdout(&unchanged).lines().last(), Some("imported 3: 0 created, 0 updated, 3 unchanged"));
    assert_eq!(with_key(&old).status.code(), Some(1), "the earlier key does not fit any more");
}
