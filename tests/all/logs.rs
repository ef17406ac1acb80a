//! The log in an operator's hands: how much it says of a night, in which form, and of which request.

use std::net::SocketAddr;
use std::process::Command;

use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::store::audit::{self, Action};
use mukta_ftps::store::scope::Scope;
use serde_json::Value;

use crate::support::{Browser, Kind, PASSWORD, Program, World, on_both, program, stderr};

on_both!(a_night_of_hundreds_is_tens_of_lines_and_ends_with_what_it_brought);

/// A program that serves, and its log.
struct Serving {
    program: Program,
    process: u32,
    address: SocketAddr,
    log: std::path::PathBuf,
}

impl Serving {
    async fn start(world: &World, settings: &[(&str, &str)]) -> Self {
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = world.database.directory.path().join("serve.log");
        let mut serve = world.program(&["serve"]);
        serve.env("HTTP_BIND", address.to_string()).envs(settings.iter().copied());
        let program = Program::start(serve.stderr(std::fs::File::create(&log).unwrap()));
        let serving = Self { process: program.id(), program, address, log };
        world.until(|| std::net::TcpStream::connect(address).is_ok()).await;
        serving
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }
}

async fn a_night_of_hundreds_is_tens_of_lines_and_ends_with_what_it_brought(world: World) {
    let numbers = world.import_many(300);
    world.set_clock(chrono::Utc::now());
    for number in &numbers[..40] {
        world.jit.script(number, vec![Scenario::Garbage]);
    }
    world.begun_by_hand().await;
    let serving = Serving::start(&world, &[("RUST_LOG", "info")]).await;
    world.until(|| serving.said().contains("sync run 1 (hand) is finished after")).await;
    let said = serving.said();
    let end = said.lines().find(|line| line.contains("is finished after")).unwrap();
    let brought =
        "of 300 payment instructions 260 successful, 0 errors, 40 glitches, 0 no response, 0 not asked";
    assert!(end.contains("WARN") && end.contains(brought), "{end}");
    assert!(said.lines().count() < 40, "{} lines:\n{said}", said.lines().count());
    serving.program.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_in_json_is_one_object_a_line_and_names_the_request() {
    let world = World::start(Kind::Sqlite).await;
    let serving = Serving::start(
        &world,
        &[("LOG_FORMAT", "json"), ("RUST_LOG", "debug"), ("TRUSTED_PROXIES", "127.0.0.1")],
    )
    .await;
    let browser = Browser::new(serving.address);
    browser.sign_in("asha").await;
    let asked = browser.client.get(browser.url("/payment-instructions/9876543210"));
    let answer = asked.header("x-request-id", "from-the-proxy-7").send().await.unwrap();
    assert_eq!(answer.status(), 404);
    let page = answer.text().await.unwrap();
    assert!(page.contains("For the people who run this program: <code>from-the-proxy-7</code>"), "{page}");
    let objects = || -> Vec<Value> {
        let parsed = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("no object: {line}"));
        serving.said().lines().map(parsed).collect()
    };
    world.until(|| objects().iter().any(|line| line["request_id"] == "from-the-proxy-7")).await;
    for line in objects() {
        for name in ["ts", "level", "target", "message"] {
            assert!(line[name].is_string(), "{line}");
        }
        assert!(chrono::DateTime::parse_from_rfc3339(line["ts"].as_str().unwrap()).is_ok(), "{line}");
        assert!(!line.to_string().contains("9876543210"), "what somebody typed is not told: {line}");
    }
    let of_it: Vec<Value> =
        objects().into_iter().filter(|line| line["request_id"] == "from-the-proxy-7").collect();
    let of_pages = of_it.iter().find(|line| line["target"] == "mukta_ftps::web::requests").unwrap();
    let told = of_pages["message"].as_str().unwrap();
    assert!(told.starts_with("GET /payment-instructions/{tail:.+}: 404 in "), "{told}");
    browser.client.get(browser.url("/payment-instructions/PI-1013/2023-24/000256")).send().await.unwrap();
    let of_a_number = "GET /payment-instructions/{tail:.+} of PI-1013/2023-24/000256: 404 in ";
    world
        .until(|| objects().iter().any(|line| line["message"].as_str().unwrap().starts_with(of_a_number)))
        .await;
    assert_eq!(of_pages["level"], "DEBUG");
    serving.program.stop();
}

/// Whoever collects the log reads objects, the last words of a program that cannot start among them.
#[test]
fn why_a_program_ends_is_an_object_too_and_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("no\ndatabase\t.db");
    std::fs::write(&file, "no database, but a text that is long enough to be taken for one").unwrap();
    let no_database = format!("sqlite://{}", file.display());
    let ends = |format: &str, settings: &[(&str, &str)]| {
        let mut migrate = program(&["migrate"]);
        migrate.env("LOG_FORMAT", format).env("DATABASE_URL", &no_database);
        let output = migrate.envs(settings.iter().copied()).output().unwrap();
        (output.status.code(), stderr(&output))
    };
    let broken = [("RUST_LOG", "off")];
    let wrong = [("DATABASE_URL", "mysql://x")];
    let miswritten = [("RUST_LOG", "verbose")];
    for (code, settings, words) in [
        (1, &broken, "no database .db"),
        (2, &wrong, "DATABASE_URL is neither"),
        (2, &miswritten, "RUST_LOG says “verbose”"),
    ] {
        let (ended, said) = ends("json", settings);
        assert_eq!(ended, Some(code), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        let told: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(told["level"], "ERROR", "{said}");
        assert!(told["ts"].is_string() && told["target"] == "mukta_ftps", "{said}");
        assert!(told["message"].as_str().unwrap().contains(words), "{said}");
        let (ended, said) = ends("text", settings);
        assert_eq!((ended, said.lines().count()), (Some(code), 1), "{said}");
        assert!(said.starts_with("mukta-ftps: ") && said.contains(words), "{said}");
    }
}

/// Argon2 takes 46 MiB: what was seen is that the right password was told to be wrong, and counted as a failure.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn out_of_memory_the_right_password_is_not_wrong() {
    let world = World::start(Kind::Sqlite).await;
    let serving = Serving::start(&world, &[("RUST_LOG", "info")]).await;
    let browser = Browser::new(serving.address);
    let token = browser.form_token().await;
    let fields = [("username", "asha"), ("password", PASSWORD), ("form_token", token.as_str())];
    let limit = |bytes: &str| {
        let process = format!("--pid={}", serving.process);
        assert!(
            Command::new("prlimit").args([&process, &format!("--as={bytes}:")]).status().unwrap().success()
        );
    };
    let status = std::fs::read_to_string(format!("/proc/{}/status", serving.process)).unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
    let kib: u64 = size.trim().trim_end_matches(" kB").parse().unwrap();
    limit(&(kib * 1024 + 16 * 1024 * 1024).to_string());
    for _ in 0..12 {
        let answer = browser.post_bare("/sign-in", &fields).await;
        assert_eq!(answer.status, 503, "{}", answer.text);
        assert!(answer.text.contains("The program is short of memory"), "{}", answer.text);
    }
    limit("unlimited");
    let answer = browser.post_bare("/sign-in", &fields).await;
    assert_eq!(answer.status, 303, "no failure was counted: {}", answer.text);
    assert_eq!(answer.location(), "/");
    let events = world.read(|db| audit::newest(db, &Scope::of("od"), None, 100));
    assert!(events.iter().all(|event| event.action != Action::SignInFailed), "{events:?}");
    let said = serving.said();
    assert!(
        said.contains("ERROR") && said.contains("there is not enough memory to look at a password"),
        "{said}"
    );
    serving.program.stop();
}
