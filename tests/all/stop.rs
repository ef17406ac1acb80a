//! SIGTERM and SIGHUP, as browsers and a balancer see them: what is under way is answered, what comes after it is told to
//! come again, and nobody meets a socket that is shut before all is done.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mukta_ftps::domain::PiStatus;
use mukta_ftps::simulator::jit::Scenario;
use reqwest::header::{ACCEPT_LANGUAGE, RETRY_AFTER};

use crate::support::{
    Browser, Kind, ORIGINAL, OTHER, PEOPLE, Program, REVISED, World, on_both, original, revised,
};

on_both!(
    while_it_stops_what_is_under_way_is_answered_and_the_rest_told_to_come_again,
    behind_nginx_a_process_that_stops_is_passed_by_forms_too,
    a_hangup_ends_nothing,
);

/// `serve` on a port of its own, which is served by now.
pub(crate) async fn serving(world: &World, command: &mut Command) -> (Program, SocketAddr) {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let program = Program::start(command.env("HTTP_BIND", address.to_string()));
    world.until(|| TcpStream::connect(address).is_ok()).await;
    (program, address)
}

async fn while_it_stops_what_is_under_way_is_answered_and_the_rest_told_to_come_again(world: World) {
    world.import(&[
        original(ORIGINAL, PEOPLE),
        revised(REVISED, ORIGINAL, PEOPLE),
        revised(OTHER, ORIGINAL, PEOPLE),
    ]);
    let mut serve = world.program(&["serve"]);
    let (program, address) =
        serving(&world, serve.env("JIT_TIMEOUT_SECONDS", "30").env("STOP_SECONDS", "30")).await;
    let browser = Browser::new(address);
    browser.sign_in("asha").await;
    // Signed in to JIT by then: the next Refresh is one exchange.
    assert_eq!(browser.press_refresh(OTHER).await.attr("main", "data-pi-status"), "Completed");
    world.jit.hold();
    let token = browser.form_token().await;
    let client = browser.client.clone();
    let url = browser.url(&format!("/payment-instructions/{REVISED}/refresh"));
    let pressed =
        tokio::spawn(async move { client.post(url).form(&[("form_token", token)]).send().await.unwrap() });
    world.until(|| world.jit.in_flight() == 1).await;

    let told = Instant::now();
    program.tell_to_stop();
    let refused = loop {
        let page = Browser::new(address).get("/sign-in").await;
        if page.status == 503 {
            break page;
        }
        assert!(told.elapsed() < Duration::from_secs(5), "it begins to stop at once");
    };
    assert_eq!(refused.headers[RETRY_AFTER], "10");
    assert_eq!(refused.headers["connection"], "close");
    assert_eq!(refused.headers["x-content-type-options"], "nosniff");
    assert!(refused.text.contains("Nothing was done. Load the page again in a minute."), "{}", refused.text);
    let stranger = Browser::new(address);
    let posted = stranger.post_bare("/sign-in", &[("username", "asha"), ("password", "x")]).await;
    assert_eq!((posted.status, posted.headers[RETRY_AFTER].to_str().unwrap()), (503, "10"));
    let asked = stranger.client.get(stranger.url("/")).header(ACCEPT_LANGUAGE, "or").send().await.unwrap();
    assert!(asked.text().await.unwrap().contains("lang=\"or\""));
    assert_eq!(stranger.get("/static/app.css").await.status, 503);
    assert_eq!(stranger.get("/health/live").await.status, 200);
    let ready = stranger.get("/health/ready").await;
    assert_eq!((ready.status, ready.text.as_str()), (503, "the program is stopping"));
    assert!(!pressed.is_finished(), "the page under way is waited for");

    world.jit.let_go();
    let answered = pressed.await.unwrap();
    assert_eq!(answered.status(), 303);
    program.has_stopped();
    assert!(told.elapsed() < Duration::from_secs(15), "{:?}", told.elapsed());
    assert_eq!(world.stored(REVISED).status, PiStatus::Completed);
    assert_eq!(world.stored(REVISED).lease_token, None);
    assert_eq!(world.calls_about(REVISED).len(), 1);
}

async fn a_hangup_ends_nothing(kind: Kind) {
    let world = World::start(kind).await;
    world.import_pair(PEOPLE);
    world.jit.script(REVISED, vec![Scenario::Paid]);
    let mut serve = world.program(&["serve"]);
    let (program, address) = serving(&world, serve.env("RUST_LOG", "info").stderr(Stdio::piped())).await;
    let browser = Browser::new(address);
    browser.sign_in("asha").await;
    world.jit.hold();
    let token = browser.form_token().await;
    let client = browser.client.clone();
    let url = browser.url(&format!("/payment-instructions/{REVISED}/refresh"));
    let pressed =
        tokio::spawn(async move { client.post(url).form(&[("form_token", token)]).send().await.unwrap() });
    world.until(|| world.jit.in_flight() == 1).await;
    for _ in 0..3 {
        program.signal("HUP");
    }
    world.jit.let_go();
    assert_eq!(pressed.await.unwrap().status(), 303);
    assert_eq!(browser.view(REVISED).await.attr("main", "data-pi-status"), "Completed");
    let (code, log) = program.stop_in_vain();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("SIGHUP: nothing is read anew"), "{log}");
}

/// nginx as deploy/nginx.conf has it, but for TLS, in front of these processes.
struct Nginx {
    process: Child,
    address: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it.
        let _told = Command::new("kill").arg("-TERM").arg(self.process.id().to_string()).status();
        let _reaped = self.process.wait();
    }
}

impl Nginx {
    async fn start(world: &World, processes: [SocketAddr; 2]) -> Self {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let ours = std::fs::read_to_string(root.join("deploy/nginx.conf")).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path().display().to_string();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (head, rest) = ours.split_once("server {\n    listen 80;").unwrap();
        let (_, https) = rest.split_once("server {\n    listen 443").unwrap();
        let ours = format!("{head}server {{\n    listen 443{https}")
            .replace("listen 443 ssl http2;", &format!("listen {address};"))
            .replace("    listen [::]:443 ssl http2;\n", "")
            .replace("server 127.0.0.1:8080", &format!("server {}", processes[0]))
            .replace("#server 127.0.0.1:8081", &format!("server {}", processes[1]))
            .replace("/var/log/nginx", &at);
        let ours: String =
            ours.lines().filter(|line| !line.trim().starts_with("ssl_")).map(|l| format!("{l}\n")).collect();
        assert!(ours.contains(&processes[0].to_string()) && ours.contains(&processes[1].to_string()));
        let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let paths = paths.map(|path| format!("{path}_temp_path {at}/{path};\n")).concat();
        let whole = format!(
            "daemon off;\npid {at}/pid;\nerror_log {at}/error.log;\nworker_processes 1;\nevents {{}}\nhttp {{\n{paths}{ours}\n}}\n"
        );
        let file = directory.path().join("nginx.conf");
        std::fs::write(&file, whole).unwrap();
        let process = Command::new("nginx")
            .args(["-p", &at, "-c"])
            .arg(file)
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx, which scripts/test installs");
        world.until(|| TcpStream::connect(address).is_ok()).await;
        Self { process, address, _directory: directory }
    }
}

async fn behind_nginx_a_process_that_stops_is_passed_by_forms_too(world: World) {
    world.import_pair(PEOPLE);
    let mut serve = world.program(&["serve"]);
    serve.env("JIT_TIMEOUT_SECONDS", "30").env("STOP_SECONDS", "30");
    let ((stopping, first), (staying, second)) =
        (serving(&world, &mut serve).await, serving(&world, &mut serve).await);
    let nginx = Nginx::start(&world, [first, second]).await;
    let direct = Browser::new(first);
    direct.sign_in("asha").await;
    world.jit.hold();
    let token = direct.form_token().await;
    let client = direct.client.clone();
    let url = direct.url(&format!("/payment-instructions/{REVISED}/refresh"));
    let pressed =
        tokio::spawn(async move { client.post(url).form(&[("form_token", token)]).send().await.unwrap() });
    world.until(|| world.jit.in_flight() > 0).await;
    stopping.tell_to_stop();
    while Browser::new(first).get("/sign-in").await.status != 503 {}

    let browser = Browser::new(nginx.address);
    browser.sign_in("asha").await;
    for _ in 0..20 {
        let chosen = browser.post("/language", &[("language", "en")]).await;
        assert_eq!((chosen.status, browser.get("/payment-instructions").await.status), (303, 200));
    }
    // Several at once, so that turns between the two are not kept.
    let token = browser.form_token().await;
    let mut at_once = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let (client, url, token) = (browser.client.clone(), browser.url("/language"), token.clone());
        at_once.spawn(async move {
            let sent = client.post(url).form(&[("language", "en"), ("form_token", &token)]).send().await;
            sent.unwrap().status().as_u16()
        });
    }
    assert!(at_once.join_all().await.into_iter().all(|status| status == 303));
    assert!(!pressed.is_finished(), "all that time it was stopping");
    world.jit.let_go();
    assert_eq!(pressed.await.unwrap().status(), 303);
    stopping.has_stopped();
    assert_eq!(browser.get("/payment-instructions").await.status, 200);
    staying.stop();
}
