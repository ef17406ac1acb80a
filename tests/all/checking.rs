//! `mukta-ftps check`: what is at fault is told at once and in plain words, and nothing is changed.

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Output, Stdio};

use chrono::{TimeDelta, Utc};
use diesel::prelude::*;
use mukta_ftps::sealing::hex;
use mukta_ftps::simulator::jit::SignIn;
use mukta_ftps::store::schema::program_state;

use crate::support::{
    Kind, NEW_DATA_KEY, ScratchDatabase, World, on_both, program, stderr, stdout, with_database, with_jit,
};

on_both!(what_is_right_is_told_line_by_line_and_nothing_is_changed, a_key_that_does_not_fit_fails);

/// The lines, each of which begins with one of the three words.
fn lines(output: &Output) -> Vec<String> {
    let lines: Vec<String> = stdout(output).lines().map(str::to_owned).collect();
    for line in &lines {
        assert!(["ok   ", "warn ", "fail "].iter().any(|word| line.starts_with(word)), "{line}");
    }
    let failed = lines.iter().any(|line| line.starts_with("fail "));
    assert_eq!(output.status.code(), Some(i32::from(failed)), "{lines:?} {}", stderr(output));
    lines
}

fn check(world: &World) -> Command {
    let mut command = with_jit(&["check"], &world.database, &world.jit);
    command.env("JIT_TIMEOUT_SECONDS", "2");
    command
}

/// That one line says so.
fn says(lines: &[String], word: &str, told: &str) {
    let found = lines.iter().filter(|line| line.starts_with(word) && line.contains(told)).count();
    assert_eq!(found, 1, "{word} {told}: {lines:#?}");
}

async fn what_is_right_is_told_line_by_line_and_nothing_is_changed(world: World) {
    let tried = || -> i64 {
        let row = program_state::table.filter(program_state::name.eq("a write was tried"));
        world.read(|db| Ok(row.count().get_result(db)?))
    };
    assert_eq!(tried(), 0);
    let output = check(&world).arg("--online").output().unwrap();
    let told = lines(&output);
    for right in [
        "JIT_CLIENT_ID is “",
        "DATA_KEY is set",
        "SESSION_KEY is set",
        "its schema is this program's",
        "the database can be written",
        "DATA_KEY fits the database",
        "the address 127.0.0.1:0 is free",
        "JIT: port ",
        "JIT: it lets us sign in",
    ] {
        says(&told, "ok", right);
    }
    says(&told, "warn", "SMS_GATEWAY_URL is not set");
    assert_eq!(
        told.iter().any(|line| line.contains("on the disk of the database")),
        matches!(world.database.kind, Kind::Sqlite)
    );
    for secret in [
        hex(&crate::support::DATA_KEY),
        world.jit.client_secret().to_owned(),
        world.database.url_text.clone(),
    ] {
        assert!(!stdout(&output).contains(&secret), "{told:?}");
    }
    assert_eq!(world.jit.calls_received(), 0, "JIT is asked about no payment");
    assert_eq!(tried(), 0, "the write was taken back");
}

async fn a_key_that_does_not_fit_fails(world: World) {
    let told = lines(&check(&world).env("DATA_KEY", hex(&NEW_DATA_KEY)).output().unwrap());
    says(&told, "fail", "DATA_KEY does not fit this database");
    says(&told, "ok", "the database can be written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_is_told_in_one_go() {
    let world = World::start(Kind::Sqlite).await;
    let secret = world.database.directory.path().join("session.key");
    std::fs::write(&secret, "ab".repeat(63) + "cd").unwrap();
    for file in [secret.to_str().unwrap(), world.database.file()] {
        std::fs::set_permissions(file, Permissions::from_mode(0o644)).unwrap();
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let told = lines(
        &check(&world)
            .env_remove("SESSION_KEY")
            .env("SESSION_KEY_FILE", &secret)
            .env("JIT_BASE_URL", "http://jit.example")
            .env("SMS_GATEWAY_URL", "https://sms.example/send")
            .env("SYNC_RETRY_FIRST_SECONDS", "7200")
            .env("RETENTION_AUDIT_DAYS", "7")
            .env("JIT_TIMEOUT", "5")
            .env("HTTP_BIND", taken.local_addr().unwrap().to_string())
            .output()
            .unwrap(),
    );
    for fault in [
        "JIT_BASE_URL must begin with https://",
        "SMS_TEMPLATE_ID is not set",
        "RETENTION_AUDIT_DAYS must be",
    ] {
        says(&told, "fail", fault);
    }
    for odd in [
        "SESSION_KEY_FILE names ",
        "test.db can be read by others on this machine: chmod 600",
        "SYNC_RETRY_MAX_SECONDS (3600) is shorter than",
        "JIT_TIMEOUT is no setting, but JIT_TIMEOUT_SECONDS is",
        "is in use: by `serve`, if it runs",
    ] {
        says(&told, "warn", odd);
    }
    says(&told, "ok", "DATA_KEY fits the database");

    let bare = lines(&program(&["check"]).env("DATABASE_URL", &world.database.url_text).output().unwrap());
    for missing in ["DATA_KEY is not set", "JIT_PUBLIC_KEY_FILE is not set", "SESSION_KEY is not set"] {
        says(&bare, "fail", missing);
    }
}

/// It stopped at the first setting of a kind, and at the first number that is none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_setting_that_is_wrong_is_told_in_one_go() {
    let world = World::start(Kind::Sqlite).await;
    let wrong = [
        ("JIT_TIMEOUT_SECONDS", "soon"),
        ("JIT_CONCURRENCY", "-1"),
        ("DATABASE_POOL", "many"),
        ("MUKTASOFT_PI_SEARCH_KIND", "other"),
        ("JIT_BASE_URL", "http://jit.example"),
        ("JIT_CLIENT_ID", "MUKTA   # ours"),
        ("JIT_DATE_OFFSET", "east"),
        ("JIT_DATE_FORMAT", "%Q"),
        ("JIT_CA_FILE", "/nowhere"),
        ("DATA_KEY_PREVIOUS", "abc"),
        ("SMS_GATEWAY_URL", "nowhere"),
        ("SMS_CA_FILE", "/nowhere"),
        ("SYNC_SCHEDULE", "sometimes"),
        ("SYNC_TIMEZONE_OFFSET", "east"),
        ("SYNC_PAUSED", "perhaps"),
        ("MUKTASOFT_PI_SEARCH_URL", "nowhere"),
        ("MUKTASOFT_INDIVIDUAL_SEARCH_URL", "nowhere"),
        ("MUKTASOFT_TENANTS", ","),
        ("MUKTASOFT_STATUS_URL", "nowhere"),
        ("MUKTASOFT_STATUS_SECRET_FILE", "/nowhere"),
        ("ALERT_WEBHOOK_URL", "nowhere"),
        ("SESSION_KEY", "abc"),
        ("SECOND_FACTOR", "perhaps"),
        ("PUBLIC_URL", "pay.example"),
        ("TRUSTED_PROXIES", "proxy"),
        ("RETENTION_PAYLOAD_DAYS", "0"),
        ("RETENTION_AUDIT_DAYS", "7"),
        ("ALLOW_HTTP", "perhaps"),
        ("HTTP_BIND", "here"),
        ("METRICS_BIND", "here"),
        ("STATIC_DIR", "/nowhere"),
        ("TENANTS_FILE", "/nowhere"),
        ("HTTPS_PROXY", "no proxy"),
        ("RUST_LOG", "verbose"),
        ("LOG_FORMAT", "xml"),
    ];
    let output = check(&world).envs(wrong).env("SMS_SOURCE", "ODIGOV").output().unwrap();
    let told = lines(&output);
    for (name, value) in wrong {
        let is_of_it = |line: &&String| line[5..].starts_with(&format!("{name} "));
        let of_it: Vec<_> = told.iter().filter(is_of_it).collect();
        assert_eq!(of_it.len(), 1, "{name}={value}: {told:#?}");
        assert!(of_it[0].starts_with("fail "), "{name}={value}: {told:#?}");
    }
    says(&told, "fail", "SMS_TEMPLATE_ID is not set");
    for right in [
        "JIT_CLIENT_SECRET is set",
        "DATA_KEY is set",
        "SMS_SOURCE is “ODIGOV”",
        "its schema is this program's",
    ] {
        says(&told, "ok", right);
    }
    let failed = told.iter().filter(|line| line.starts_with("fail ")).count();
    assert_eq!(failed, wrong.len() + 1, "{told:#?}");
    assert!(stderr(&output).contains(&format!("{failed} lines say fail")), "{}", stderr(&output));
}

#[test]
fn no_database_is_made_and_an_older_one_stays_as_it_is() {
    let database = ScratchDatabase::new(Kind::Sqlite);
    let told = lines(&with_database(&["check"], &database).output().unwrap());
    says(&told, "warn", "there is no database at ");
    assert!(!std::path::Path::new(database.file()).exists());
    let nowhere = format!("sqlite://{}/not there/x.db", database.directory.path().display());
    let told = lines(&with_database(&["check"], &database).env("DATABASE_URL", nowhere).output().unwrap());
    says(&told, "fail", "the directory of ");

    assert!(with_database(&["migrate"], &database).status().unwrap().success());
    database.execute("DELETE FROM __diesel_schema_migrations WHERE version > '20261130000026'");
    let told = lines(&with_database(&["check"], &database).output().unwrap());
    says(&told, "warn", "has an older schema");
    let names = std::fs::read_dir(database.directory.path()).unwrap().count();
    assert_eq!(names, 1, "nothing is made beside it");
    database.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000099')");
    let told = lines(&with_database(&["check"], &database).output().unwrap());
    says(&told, "fail", "the schema of a newer version");
}

/// Each step on the way to JIT that can fail, by its name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_step_on_the_way_to_jit_that_fails_is_named() {
    let world = World::start(Kind::Sqlite).await;
    let online = |url: &str| {
        let mut command = check(&world);
        command
            .arg("--online")
            .env("JIT_BASE_URL", url)
            .env("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt");
        lines(&command.output().unwrap())
    };
    says(
        &online("https://no-such-name.invalid/jitfs"),
        "fail",
        "JIT: the name no-such-name.invalid is not found",
    );
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    says(
        &online(&format!("https://127.0.0.1:{gone}/x")),
        "fail",
        &format!("JIT: no connection to port {gone} of 127.0.0.1"),
    );
    let plain = world.jit.base_url().replace("http://", "https://");
    says(&online(&plain), "fail", "is reached, but not by https");

    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tls");
    let front = TlsServer::start(&format!("{data}/server.pem"), &format!("{data}/server-key.pem"));
    let url = format!("https://127.0.0.1:{}/x", front.port);
    says(
        &online(&url),
        "fail",
        "JIT: the certificate of 127.0.0.1 is not trusted here: its certificate was issued by an authority that is not \
         known here: name the root of that authority in JIT_CA_FILE",
    );
    let mut trusting = check(&world);
    trusting.arg("--online").env("JIT_BASE_URL", &url).env("JIT_CA_FILE", ROOT);
    let told = lines(&trusting.output().unwrap());
    says(&told, "ok", "of 127.0.0.1 is reached, and its certificate is trusted");
    says(&told, "fail", "JIT: it does not let us sign in");

    world.jit.sign_in(SignIn::Refuse);
    says(&online(&world.jit.base_url()), "fail", "JIT did not let us sign in: it answered with HTTP status");
}

/// What is wrong with a certificate stands there in plain words; and the one that OPERATIONS.md has made is right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_is_not_trusted_is_told_with_what_to_do() {
    let world = World::start(Kind::Sqlite).await;
    let made = tempfile::tempdir().unwrap();
    let openssl = |script: &str| {
        let ran = Command::new("sh").args(["-euc", script]).current_dir(made.path()).output().unwrap();
        assert!(ran.status.success(), "{}", stderr(&ran));
    };
    let online = || {
        let (certificate, key) = (made.path().join("cert.pem"), made.path().join("key.pem"));
        let server = TlsServer::start(certificate.to_str().unwrap(), key.to_str().unwrap());
        let mut command = check(&world);
        command
            .arg("--online")
            .env("JIT_BASE_URL", format!("https://localhost:{}/x", server.port))
            .env("JIT_CA_FILE", certificate);
        lines(&command.output().unwrap())
    };
    openssl(
        "openssl req -new -newkey rsa:2048 -nodes -subj /CN=localhost -keyout key.pem -out csr.pem
         printf 'subjectAltName=DNS:localhost\nbasicConstraints=critical,CA:FALSE\n' > own
         printf 'subjectAltName=DNS:jit.example\nbasicConstraints=critical,CA:FALSE\n' > other
         printf 'subjectAltName=DNS:localhost\nbasicConstraints=critical,CA:TRUE\n' > authority",
    );
    for (extensions, days, told) in [
        ("own", -1, "its certificate has expired: whoever runs it must renew it"),
        (
            "other",
            2,
            "its certificate is for another name: write the address with a name that the certificate has",
        ),
        ("authority", 2, "its certificate is one of an authority (CA:TRUE), which no server may show"),
    ] {
        openssl(&format!(
            "openssl x509 -req -in csr.pem -signkey key.pem -days {days} -extfile {extensions} -out cert.pem"
        ));
        let told = format!("JIT: the certificate of localhost is not trusted here: {told}");
        says(&online(), "fail", &told);
    }
    let operations = include_str!("../../docs/OPERATIONS.md");
    let begins = operations.find("openssl req -x509").unwrap();
    let written = &operations[begins..][..operations[begins..].find("\ncp ").unwrap()];
    openssl(
        &written
            .replace("mukta.example.gov.in", "localhost")
            .replace("/etc/nginx/mukta-ftps.key", "key.pem")
            .replace("/etc/nginx/mukta-ftps.crt", "cert.pem"),
    );
    says(&online(), "ok", "of localhost is reached, and its certificate is trusted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_off_is_told() {
    let world = World::start(Kind::Sqlite).await;
    for (off, word, told) in [
        (TimeDelta::zero(), "ok", "this machine's clock is "),
        (TimeDelta::seconds(40), "warn", "s behind JIT's"),
        (-TimeDelta::hours(5), "fail", "s ahead of JIT's"),
    ] {
        let port = server_that_tells(Utc::now() + off);
        let mut command = check(&world);
        command.arg("--online").env("JIT_BASE_URL", format!("http://127.0.0.1:{port}/x"));
        says(&lines(&command.output().unwrap()), word, told);
    }
}

/// Answers everything with that date and nothing else.
fn server_that_tells(date: chrono::DateTime<Utc>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let date = date.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = BufReader::new(stream.try_clone().unwrap()).lines();
            // A connection on which nothing is asked is let go.
            if request.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).count() > 0 {
                let answer = format!(
                    "HTTP/1.1 404 Not Found\r\nDate: {date}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                );
                let _gone = stream.write_all(answer.as_bytes());
            }
        }
    });
    port
}

/// What its certificate ends in.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tls/root.pem");

/// A server with a certificate.
struct TlsServer {
    process: Child,
    port: u16,
}

impl TlsServer {
    fn start(certificate: &str, key: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new("openssl")
            .args(["s_server", "-quiet", "-www", "-accept", &format!("127.0.0.1:{port}")])
            .args(["-cert", certificate, "-key", key])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { process, port };
        for _ in 0..500 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return server;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("openssl did not start");
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}
