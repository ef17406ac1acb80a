//! SIGTERM and SIGHUP, as browsers and a balancer see them: what is under way is answered, what comes after it is told to
//! come again, and nobody meets a socket that is shut before all is done.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mukta_ftps::domain::PiStatus;
use mukta_ftps::simulator::jit::Scenario;
use reqwest::header::{ACCEPT_LANGUAGE, RETRY_AFTER};

use crate::support::{
    Browser, Kind, ORIGINAL, OTHER, PEOPLE, Program, REVISED, World, on_both, original, revised,
};

on_both!(while_it_stops_what_is_under_way_is_answered_and_the_rest_told_to_come_again, a_hangup_ends_nothing);

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
