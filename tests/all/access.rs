//! What people may do, and what a browser is told: docs/SECURITY.md names these tests.

use mukta_ftps::access::Role;
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::store::{audit, scope::Scope};

use crate::support::{Browser, Kind, PEOPLE, REVISED, World, on_both, original, revised};

on_both!(
    a_form_without_the_token_or_from_another_site_does_nothing,
    every_route_for_every_role_and_town,
    what_people_do_is_in_the_audit_trail_and_stays_there,
    only_an_administrator_opens_a_payload_in_full,
    an_auditor_sees_the_trail_and_the_runs_and_no_payment_instruction,
    no_input_makes_a_page_fail,
);

const FOREIGN_ORIGINAL: &str = "PI-2207/2023-24/000018";
const FOREIGN: &str = "PI-2207/2023-24/000031";

/// An instruction of Jatni and one of Dhenkanal.
fn import_two_towns(world: &World) {
    world.import_pair(PEOPLE);
    world.import(&[
        original(FOREIGN_ORIGINAL, PEOPLE).of_tenant("od.dhenkanal"),
        revised(FOREIGN, FOREIGN_ORIGINAL, PEOPLE).of_tenant("od.dhenkanal"),
    ]);
}

fn actions(world: &World) -> Vec<(String, audit::Action, Option<String>)> {
    let events = world.read(|db| audit::newest(db, &Scope::of("od"), None, 1000));
    events.into_iter().map(|event| (event.actor, event.action, event.subject)).collect()
}

async fn a_form_without_the_token_or_from_another_site_does_nothing(world: World) {
    import_two_towns(&world);
    let path = format!("/payment-instructions/{REVISED}/refresh");
    assert_eq!(world.browser.post_bare(&path, &[]).await.status, 403);
    assert_eq!(world.browser.post_bare(&path, &[("form_token", "guess")]).await.status, 403);
    let bina = world.browser_of("bina", Role::Admin, "od").await;
    let of_bina = bina.form_token().await;
    assert_eq!(
        world.browser.post_bare(&path, &[("form_token", &of_bina)]).await.status,
        403,
        "another session's"
    );
    let token = world.browser.form_token().await;
    let send = |name: &'static str, value: String| {
        world
            .browser
            .client
            .post(world.browser.url(&path))
            .header(name, value)
            .form(&[("form_token", token.clone())])
            .send()
    };
    for (name, value) in [
        ("origin", "https://evil.example".to_owned()),
        ("origin", "null".to_owned()),
        ("sec-fetch-site", "cross-site".to_owned()),
    ] {
        let refused = send(name, value.clone()).await.unwrap();
        assert_eq!(refused.status(), 403, "{name}: {value}");
        let page = refused.text().await.unwrap();
        assert!(page.contains("Nothing was done") && page.contains(r#"action="/sign-out""#), "{name}");
    }
    assert_eq!(world.jit.calls_received(), 0);
    assert_eq!(send("origin", format!("http://{}", world.address)).await.unwrap().status(), 303, "our own");
}

/// Who may open a page, or send a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Everybody,
    /// All but auditors.
    SeesPayments,
    /// Accountants and administrators.
    Acts,
    /// Administrators and auditors.
    Audits,
}

impl Who {
    fn holds(self, role: Role) -> bool {
        match self {
            Self::Everybody => true,
            Self::SeesPayments => role != Role::Auditor,
            Self::Acts => matches!(role, Role::Accountant | Role::Admin),
            Self::Audits => matches!(role, Role::Admin | Role::Auditor),
        }
    }
}

async fn every_route_for_every_role_and_town(world: World) {
    import_two_towns(&world);
    world.jit.script(REVISED, vec![Scenario::EmptyData]);
    world.jit.script(FOREIGN, vec![Scenario::EmptyData]);
    let signed_out = Browser::new(world.address);
    let mut people = Vec::new();
    for role in Role::ALL {
        people.push((*role, true, world.browser_of(&format!("{role}-jatni"), *role, "od.jatni").await));
        people.push((*role, false, world.browser_of(&format!("{role}-state"), *role, "od").await));
    }
    // Method, path, whether it is about another town, who may, and what a success answers.
    let routes: &[(&str, String, bool, Who, u16)] = &[
        ("GET", "/".to_owned(), false, Who::SeesPayments, 200),
        ("GET", "/figures/paid-month".to_owned(), false, Who::SeesPayments, 200),
        ("GET", "/beneficiaries?q=nayak".to_owned(), false, Who::SeesPayments, 200),
        ("GET", "/beneficiaries.csv?q=nayak".to_owned(), false, Who::SeesPayments, 200),
        ("GET", "/reports".to_owned(), false, Who::SeesPayments, 303),
        ("GET", "/reports/2024-03".to_owned(), false, Who::SeesPayments, 200),
        ("GET", "/reports/2024-03.csv".to_owned(), false, Who::SeesPayments, 200),
        ("GET", "/payment-instructions".to_owned(), false, Who::SeesPayments, 200),
        ("GET", "/payment-instructions?tab=all".to_owned(), false, Who::SeesPayments, 200),
        ("GET", format!("/payment-instructions/{REVISED}"), false, Who::SeesPayments, 200),
        ("GET", format!("/payment-instructions/{REVISED}/calls"), false, Who::SeesPayments, 200),
        ("POST", format!("/payment-instructions/{REVISED}/refresh"), false, Who::Acts, 303),
        ("POST", format!("/payment-instructions/{REVISED}/notes"), false, Who::Acts, 303),
        ("GET", format!("/payment-instructions/{FOREIGN}"), true, Who::SeesPayments, 200),
        ("POST", format!("/payment-instructions/{FOREIGN}/notes"), true, Who::Acts, 303),
        ("GET", format!("/payment-instructions/{FOREIGN}/calls"), true, Who::SeesPayments, 200),
        ("POST", format!("/payment-instructions/{FOREIGN}/refresh"), true, Who::Acts, 303),
        ("POST", "/payment-instructions/ask".to_owned(), false, Who::Acts, 303),
        ("GET", "/sync-runs".to_owned(), false, Who::Everybody, 200),
        ("GET", "/sync-runs/1".to_owned(), false, Who::Everybody, 404),
        ("PUT", "/payment-instructions".to_owned(), false, Who::SeesPayments, 405),
        ("GET", "/messages".to_owned(), false, Who::SeesPayments, 200),
        ("GET", "/messages/resend".to_owned(), false, Who::SeesPayments, 303),
        ("POST", "/messages/resend".to_owned(), false, Who::SeesPayments, 303),
        ("GET", "/messages/settle".to_owned(), false, Who::SeesPayments, 303),
        ("POST", "/messages/settle".to_owned(), false, Who::SeesPayments, 303),
        ("GET", "/account".to_owned(), false, Who::Everybody, 200),
        ("GET", "/account/password".to_owned(), false, Who::Everybody, 200),
        ("POST", "/account/password".to_owned(), false, Who::Everybody, 303),
        ("GET", "/account/second-factor".to_owned(), false, Who::Everybody, 200),
        ("POST", "/account/second-factor".to_owned(), false, Who::Everybody, 303),
        ("POST", "/account/sessions".to_owned(), false, Who::Everybody, 303),
        ("GET", "/audit".to_owned(), false, Who::Audits, 200),
        ("GET", "/nowhere".to_owned(), false, Who::Everybody, 404),
    ];
    for (method, path, foreign, needs, success) in routes {
        let stranger = ask(&signed_out, method, path).await;
        assert_eq!(stranger.status(), 303, "{method} {path} signed out");
        assert!(stranger.headers()["location"].to_str().unwrap().starts_with("/sign-in"), "{path}");
        for (role, of_town, browser) in &people {
            let expected = match (path.as_str(), role) {
                ("/", Role::Auditor) => 303,
                (_, Role::Auditor) if *needs == Who::SeesPayments => 403,
                _ if *foreign && *of_town && *role != Role::Auditor => 404,
                _ if needs.holds(*role) => *success,
                _ => 403,
            };
            let answer = ask(browser, method, path).await;
            assert_eq!(answer.status().as_u16(), expected, "{method} {path} as {role}, of a town: {of_town}");
        }
    }
    for (role, of_town, browser) in &people {
        if *role == Role::Auditor {
            continue;
        }
        let list = browser.get("/payment-instructions?tab=all").await;
        assert_eq!(list.text.contains(FOREIGN), !of_town, "the list shows one's own towns only");
        assert!(list.text.contains(REVISED));
    }
}

async fn what_people_do_is_in_the_audit_trail_and_stays_there(world: World) {
    import_two_towns(&world);
    world.press_refresh(REVISED).await;
    Browser::new(world.address).try_to_sign_in("asha", "wrong password").await;
    Browser::new(world.address).try_to_sign_in("my secret password", "oh").await;
    let log = world.get(&format!("/payment-instructions/{REVISED}/calls")).await;
    let call = log.attr("form.open-in-full input[name=call]", "value");
    let calls = format!("/payment-instructions/{REVISED}/calls");
    let answer = world.browser.post(&calls, &[("call", &call)]).await;
    assert_eq!((answer.status, answer.location()), (303, format!("{calls}?open={call}")));
    let opened = world.get(&answer.location()).await;
    assert!(opened.text.contains("30131500010000"), "an administrator sees it in full");
    let again = world.get(&answer.location()).await;
    assert_eq!(again.all("form.open-in-full").len(), 1, "each opening is recorded: it is asked for again");
    assert!(!again.text.contains("30131500010000"));
    world.browser.post("/sign-out", &[]).await;
    use audit::Action::*;
    let all = actions(&world);
    for (actor, action, subject) in [
        ("asha", SignIn, None),
        ("asha", Refresh, Some(REVISED.to_owned())),
        ("asha", SignInFailed, None),
        ("unknown name", SignInFailed, None),
        ("asha", PayloadOpened, Some(format!("{REVISED}, call {call}"))),
        ("asha", SignOut, None),
    ] {
        assert!(
            all.contains(&(actor.to_owned(), action, subject.clone())),
            "{actor} {action} {subject:?} in {all:?}"
        );
    }
    for statement in [
        "DELETE FROM audit_events",
        "UPDATE audit_events SET actor = 'x'",
        "DELETE FROM ftps_calls",
        "UPDATE ftps_calls SET outcome = 'success'",
    ] {
        let refused = world.database.try_to_execute(statement).unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{statement}: {refused}");
    }
}

async fn only_an_administrator_opens_a_payload_in_full(world: World) {
    import_two_towns(&world);
    world.press_refresh(REVISED).await;
    let accountant = world.browser_of("bina", Role::Accountant, "od.jatni").await;
    let path = format!("/payment-instructions/{REVISED}/calls");
    assert_eq!(accountant.get(&path).await.all("form.open-in-full").len(), 0);
    assert_eq!(accountant.post(&path, &[("call", "1")]).await.status, 403);
    assert!(!accountant.get(&format!("{path}?open=1")).await.text.contains("30131500010000"));
    assert_eq!(world.browser.post(&path, &[("call", "999")]).await.status, 404);
}

async fn an_auditor_sees_the_trail_and_the_runs_and_no_payment_instruction(world: World) {
    import_two_towns(&world);
    world.jit.script(REVISED, vec![Scenario::Error("Bill is pending".into())]);
    let run = world.begun_by_hand().await;
    world.app.sync.work(&run).await.unwrap();
    world.later(chrono::Duration::days(9));
    world.employ("indu", Role::Auditor, "od");
    let auditor = Browser::new(world.address);
    for next in ["/", "/payment-instructions", ""] {
        let typed = [("username", "indu"), ("password", crate::support::PASSWORD), ("next", next)];
        assert_eq!(auditor.post("/sign-in", &typed).await.location(), "/audit", "{next}");
        auditor.post("/sign-out", &[]).await;
    }
    auditor.sign_in("indu").await;
    assert_eq!(auditor.get("/sign-in").await.location(), "/audit");
    assert_eq!(auditor.get("/").await.location(), "/audit");
    let trail = auditor.get("/audit").await;
    assert!(trail.text.contains("indu"), "{}", trail.text);
    let ways: Vec<String> = trail
        .all("nav.side li:not(.more-ways) a")
        .iter()
        .map(|way| way.attr("href").unwrap().into())
        .collect();
    assert_eq!(ways, ["/sync-runs", "/audit"]);
    for path in ["/sync-runs".to_owned(), "/sync-runs/1".to_owned(), "/sync-runs/1?show=not-paid".to_owned()]
    {
        let page = auditor.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(
            page.text.contains("data-expected=\"2\""),
            "{path}: the runs are theirs to see: {}",
            page.text
        );
        let main = page.one("main").html();
        for number in [REVISED, FOREIGN, "/payment-instructions"] {
            assert!(!main.contains(number), "{path} names {number}: {main}");
        }
    }
    assert_eq!(auditor.get("/sync-runs/start").await.status, 403);
    assert_eq!(auditor.post("/sync-runs", &[]).await.status, 403);
    assert!(world.get("/sync-runs/1").await.text.contains(REVISED), "others see which");
}

async fn no_input_makes_a_page_fail(world: World) {
    import_two_towns(&world);
    let long = "x".repeat(5000);
    let paths = [
        "/payment-instructions/%00",
        "/messages?pi=%00",
        "/messages?state=%00&before=x",
        "/messages/abc/resend",
        "/payment-instructions/%ff%fe",
        "/payment-instructions/..%2f..%2fetc/passwd",
        "/payment-instructions/'%20OR%201=1--",
        "/payment-instructions/%0d%0aSet-Cookie:x=1",
        "/payment-instructions?tab=%00",
        "/payment-instructions?tab=%ff",
        "/payment-instructions?q=%27;DROP%20TABLE%20tenants",
        "/audit?before=abc",
        "/audit?before=99999999999999999999",
        "/payment-instructions/x/calls?before=-1",
        "/static/../Cargo.toml",
        "/static/%2e%2e/Cargo.toml",
        "/static/..%2fCargo.toml",
        "/static/%2e%2e%2f.0123456789abcdef.toml",
        "/sign-in?next=%0d%0a",
        "/sign-in?next=%ff",
        "//",
        "/%",
    ];
    for path in paths
        .iter()
        .map(|path| (*path).to_owned())
        .chain([format!("/payment-instructions/{long}"), format!("/{long}")])
    {
        let answer = raw_get(world.address, &path).await;
        assert!((200..500).contains(&answer), "{path}: {answer}");
        let signed_in = world.browser.get(&path).await;
        assert!((200..500).contains(&signed_in.status), "{path}: {}", signed_in.status);
        assert!(!signed_in.text.contains("[package]"), "{path}");
    }
    let path = format!("/payment-instructions/{REVISED}/refresh");
    for (body, kind) in [
        (vec![0xff_u8; 100], "application/x-www-form-urlencoded"),
        (vec![b'a'; 1_000_000], "application/x-www-form-urlencoded"),
        (b"form_token=%00%ff".to_vec(), "application/x-www-form-urlencoded"),
        (b"{}".to_vec(), "application/json"),
        (Vec::new(), "text/plain\t"),
    ] {
        for to in ["/sign-in", path.as_str(), "/sign-out"] {
            let answer = world
                .browser
                .client
                .post(world.browser.url(to))
                .header("content-type", kind)
                .body(body.clone())
                .send()
                .await
                .unwrap();
            assert!((400..500).contains(&answer.status().as_u16()), "{to} {kind}: {}", answer.status());
        }
    }
    assert_eq!(world.jit.calls_received(), 0);
}

/// A request with the session's token, where it is a form.
async fn ask(browser: &Browser, method: &str, path: &str) -> reqwest::Response {
    if method == "GET" {
        return browser.client.get(browser.url(path)).send().await.unwrap();
    }
    let token = browser.form_token().await;
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    browser.client.request(method, browser.url(path)).form(&[("form_token", token)]).send().await.unwrap()
}

/// A request whose path is sent as it is written.
async fn raw_get(address: std::net::SocketAddr, path: &str) -> u16 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    connection
        .write_all(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or_else(|| panic!("{path}: {answer}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_binds_the_browser() {
    let world = World::start(Kind::Sqlite).await;
    for path in ["/sign-in", "/payment-instructions", "/nowhere", "/health/live", "/static/nothing"] {
        let page = world.get(path).await;
        let header =
            |name: &str| page.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let policy = header("content-security-policy");
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"]
        {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
        assert!(header("permissions-policy").contains("geolocation=()"), "{path}");
        assert_eq!(header("strict-transport-security"), "", "no HSTS without https: {path}");
        assert!(!page.text.contains("style=") && !page.text.contains("<style"), "{path}: nothing inline");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn static_files_are_named_by_their_content_and_kept() {
    let world = World::start(Kind::Sqlite).await;
    let css = world.get("/payment-instructions").await.attr("link[rel=stylesheet]", "href");
    let file = world.get(&css).await;
    assert_eq!(file.status, 200);
    assert!(file.headers["cache-control"].to_str().unwrap().contains("immutable"));
    assert!(file.headers["content-type"].to_str().unwrap().starts_with("text/css"));
    let old = world.get("/static/app.0123456789abcdef.css").await;
    assert_eq!((old.status, old.headers["cache-control"].to_str().unwrap()), (200, "no-cache"));
}
