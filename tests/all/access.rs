//! Who gets in, what they may do, and what a browser is told: docs/SECURITY.md names these tests.

use chrono::Duration;
use mukta_ftps::access::Role;
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::store::{audit, employees, scope::Scope};
use mukta_ftps::web::Sessions;

use crate::support::{Browser, Kind, PASSWORD, Page, World, original, revised};

const ORIGINAL: &str = "PI-1013/2023-24/000112";
const REVISED: &str = "PI-1013/2023-24/000256";
const FOREIGN: &str = "PI-2207/2023-24/000031";
const PEOPLE: &[&str] = &["BN-1013/000224"];

/// An instruction of Jatni and one of Dhenkanal.
fn import_two_towns(world: &World) {
    let mut foreign_original = original("PI-2207/2023-24/000018", PEOPLE);
    let mut foreign = revised(FOREIGN, "PI-2207/2023-24/000018", PEOPLE);
    foreign_original["tenantId"] = "od.dhenkanal".into();
    foreign["tenantId"] = "od.dhenkanal".into();
    world.import(&[
        original(ORIGINAL, PEOPLE),
        revised(REVISED, ORIGINAL, PEOPLE),
        foreign_original,
        foreign,
    ]);
}

fn actions(world: &World) -> Vec<(String, audit::Action, Option<String>)> {
    let events = world.app.store.read_blocking(|db| audit::newest(db, &Scope::of("od"), None, 1000)).unwrap();
    events.into_iter().map(|event| (event.actor, event.action, event.subject)).collect()
}

fn raw_cookie(page: &Page) -> String {
    page.headers.get("set-cookie").unwrap().to_str().unwrap().to_owned()
}

on_both! {
    async fn who_is_not_signed_in_is_led_to_the_sign_in_and_back(world: World) {
        import_two_towns(&world);
        let stranger = Browser::new(world.address);
        let path = format!("/payment-instructions/{REVISED}?notice=busy");
        let answer = stranger.get(&path).await;
        assert_eq!(answer.status, 303);
        let to = answer.location();
        assert!(to.starts_with("/sign-in?next="), "{to}");
        world.employ("bina", Role::Viewer, "od");
        let form = stranger.get(&to).await;
        let next = form.attr("input[name=next]", "value");
        assert_eq!(next, path);
        let back = stranger.post("/sign-in", &[("username", "bina"), ("password", PASSWORD), ("next", &next)]).await;
        assert_eq!((back.status, back.location()), (303, path));
    }

    async fn a_wrong_password_and_an_unknown_name_are_told_the_same(world: World) {
        let browser = Browser::new(world.address);
        let wrong = browser.try_to_sign_in("asha", "not the password at all").await;
        let unknown = browser.try_to_sign_in("nobody-here", "not the password at all").await;
        for page in [&wrong, &unknown] {
            assert_eq!(page.status, 200);
            assert_eq!(page.words("[role=alert]"), "The user name or the password is not right.");
        }
        assert_eq!(browser.get("/payment-instructions").await.status, 303, "nobody is signed in");
    }

    async fn after_ten_failures_of_a_name_the_right_password_is_refused_for_fifteen_minutes(world: World) {
        let browser = Browser::new(world.address);
        for _ in 0..10 {
            assert_eq!(browser.try_to_sign_in("asha", "wrong password").await.status, 200);
        }
        assert_eq!(browser.try_to_sign_in("asha", PASSWORD).await.status, 429);
        world.employ("bina", Role::Viewer, "od");
        assert_eq!(browser.try_to_sign_in("bina", PASSWORD).await.status, 303, "another name is let in");
        world.later(Duration::minutes(16));
        let later = Browser::new(world.address);
        assert_eq!(later.try_to_sign_in("asha", PASSWORD).await.status, 303);
    }

    async fn after_a_hundred_failures_an_address_is_refused(world: World) {
        let now = world.app.clock.now().naive_utc();
        world.app.store.write_blocking(|db| {
            (0..100).try_for_each(|n| employees::note_failure(db, &format!("n{n}"), "127.0.0.1", now, now - Duration::hours(1)))
        }).unwrap();
        world.employ("bina", Role::Viewer, "od");
        assert_eq!(Browser::new(world.address).try_to_sign_in("bina", PASSWORD).await.status, 429);
    }

    async fn a_session_ends_when_unused_and_at_last_in_any_case(world: World) {
        let path = "/payment-instructions";
        let browser = world.served_with(Sessions::local(&[7; 64])).await;
        browser.sign_in("asha").await;
        for _ in 0..3 {
            world.later(Duration::minutes(29));
            assert_eq!(browser.get(path).await.status, 200, "used every half hour, it goes on");
        }
        world.later(Duration::minutes(31));
        let ended = browser.get(path).await;
        assert_eq!(ended.status, 303);
        assert!(ended.location().contains("ended=1"), "the page says kindly what happened");
        assert!(browser.get(&ended.location()).await.text.contains("Your session has ended"));

        browser.sign_in("asha").await;
        for _ in 0..25 {
            world.later(Duration::minutes(28));
            assert_eq!(browser.get(path).await.status, 200);
        }
        world.later(Duration::minutes(28));
        assert_eq!(browser.get(path).await.status, 303, "twelve hours are over");
    }

    async fn a_short_session_that_is_used_goes_on(world: World) {
        let short = Sessions { idle: Duration::seconds(10), ..Sessions::local(&[7; 64]) };
        let browser = world.served_with(short).await;
        browser.sign_in("asha").await;
        for _ in 0..20 {
            world.later(Duration::seconds(4));
            assert_eq!(browser.get("/payment-instructions").await.status, 200);
        }
        world.later(Duration::seconds(11));
        assert_eq!(browser.get("/payment-instructions").await.status, 303);
    }

    async fn the_session_id_changes_at_sign_in_and_ends_on_the_server_at_sign_out(world: World) {
        let browser = Browser::new(world.address);
        let before = raw_cookie(&browser.get("/sign-in").await);
        world.employ("bina", Role::Viewer, "od");
        let after = browser.try_to_sign_in("bina", PASSWORD).await;
        let signed_in = raw_cookie(&after);
        let value = |cookie: &str| cookie.split(';').next().unwrap().to_owned();
        assert_ne!(value(&before), value(&signed_in), "a fixed id is worth nothing");
        let with = |cookie: String| async move {
            let bare = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
            bare.get(browser.url("/payment-instructions")).header("cookie", cookie).send().await.unwrap().status().as_u16()
        };
        assert_eq!(with(value(&before)).await, 303);
        let thief = Browser::new(world.address);
        let copied = value(&signed_in);
        let open = || async { thief.client.get(thief.url("/payment-instructions")).header("cookie", copied.clone()).send().await.unwrap().status() };
        assert_eq!(open().await, 200);
        let token = {
            let page = thief.client.get(thief.url("/payment-instructions")).header("cookie", copied.clone()).send().await.unwrap().text().await.unwrap();
            scraper::Html::parse_document(&page).select(&scraper::Selector::parse("input[name=form_token]").unwrap()).next().unwrap().attr("value").unwrap().to_owned()
        };
        let out = thief.client.post(thief.url("/sign-out")).header("cookie", copied.clone()).form(&[("form_token", token)]).send().await.unwrap();
        assert_eq!(out.status(), 303);
        assert_eq!(open().await, 303, "the same cookie opens nothing any more");
    }

    async fn a_disabled_employee_is_cut_off_at_once(world: World) {
        let browser = world.browser_of("bina", Role::Viewer, "od").await;
        assert_eq!(browser.get("/payment-instructions").await.status, 200);
        world.app.store.write_blocking(|db| {
            let bina = employees::by_name(db, "bina")?.unwrap();
            employees::disable(db, bina.id)
        }).unwrap();
        assert_eq!(browser.get("/payment-instructions").await.status, 303);
        let refused = browser.try_to_sign_in("bina", PASSWORD).await;
        assert_eq!(refused.words("[role=alert]"), "The user name or the password is not right.");
    }

    async fn a_changed_password_ends_the_other_sessions(world: World) {
        let browser = world.browser_of("bina", Role::Viewer, "od").await;
        let now = world.app.clock.now().naive_utc();
        world.app.store.write_blocking(|db| {
            let bina = employees::by_name(db, "bina")?.unwrap();
            employees::set_password(db, bina.id, "$argon2id$none", None, now)
        }).unwrap();
        assert_eq!(browser.get("/payment-instructions").await.status, 303);
    }

    async fn a_form_without_the_token_or_from_another_site_does_nothing(world: World) {
        import_two_towns(&world);
        let path = format!("/payment-instructions/{REVISED}/refresh");
        assert_eq!(world.browser.post_bare(&path, &[]).await.status, 403);
        assert_eq!(world.browser.post_bare(&path, &[("form_token", "guess")]).await.status, 403);
        let bina = world.browser_of("bina", Role::Admin, "od").await;
        let of_bina = bina.form_token().await;
        assert_eq!(world.browser.post_bare(&path, &[("form_token", &of_bina)]).await.status, 403, "another session's");
        let token = world.browser.form_token().await;
        let send = |name: &'static str, value: String| {
            world.browser.client.post(world.browser.url(&path)).header(name, value).form(&[("form_token", token.clone())]).send()
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

    async fn sign_in_without_its_token_is_refused_kindly(world: World) {
        let browser = Browser::new(world.address);
        let page = browser.post_bare("/sign-in", &[("username", "asha"), ("password", PASSWORD)]).await;
        assert_eq!(page.status, 403);
        assert!(page.text.contains("sign in again"));
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
        // Method, path, whether it is about another town, and who may: 0 everybody signed in,
        // 1 accountants and administrators, 2 administrators; then what a success answers.
        let routes: &[(&str, String, bool, u8, u16)] = &[
            ("GET", "/".to_owned(), false, 0, 303),
            ("GET", "/payment-instructions".to_owned(), false, 0, 200),
            ("GET", "/payment-instructions?tab=all".to_owned(), false, 0, 200),
            ("GET", format!("/payment-instructions/{REVISED}"), false, 0, 200),
            ("GET", format!("/payment-instructions/{REVISED}/calls"), false, 0, 200),
            ("POST", format!("/payment-instructions/{REVISED}/refresh"), false, 1, 303),
            ("GET", format!("/payment-instructions/{FOREIGN}"), true, 0, 200),
            ("GET", format!("/payment-instructions/{FOREIGN}/calls"), true, 0, 200),
            ("POST", format!("/payment-instructions/{FOREIGN}/refresh"), true, 1, 303),
            ("GET", "/sync-runs".to_owned(), false, 0, 200),
            ("GET", "/messages".to_owned(), false, 0, 200),
            ("POST", "/messages/resend".to_owned(), false, 0, 303),
            ("GET", "/audit".to_owned(), false, 2, 200),
            ("GET", "/nowhere".to_owned(), false, 0, 404),
        ];
        for (method, path, foreign, needs, success) in routes {
            let stranger = ask(&signed_out, method, path).await;
            assert_eq!(stranger.status(), 303, "{method} {path} signed out");
            assert!(stranger.headers()["location"].to_str().unwrap().starts_with("/sign-in"), "{path}");
            for (role, of_town, browser) in &people {
                let rank = Role::ALL.iter().position(|one| one == role).unwrap() as u8;
                let expected = if *foreign && *of_town {
                    404
                } else if rank < *needs {
                    403
                } else {
                    *success
                };
                let answer = ask(browser, method, path).await;
                assert_eq!(answer.status().as_u16(), expected, "{method} {path} as {role}, of a town: {of_town}");
            }
        }
        for (_, of_town, browser) in &people {
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
        let opened = world.browser.post(&format!("/payment-instructions/{REVISED}/calls"), &[("call", &call)]).await;
        assert_eq!(opened.status, 200);
        assert!(opened.text.contains("30131500010000"), "an administrator sees it in full");
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
            assert!(all.contains(&(actor.to_owned(), action, subject.clone())), "{actor} {action} {subject:?} in {all:?}");
        }
        for statement in ["DELETE FROM audit_events", "UPDATE audit_events SET actor = 'x'", "DELETE FROM ftps_calls", "UPDATE ftps_calls SET outcome = 'success'"] {
            let refused = world.app.store.write_blocking(|db| {
                use diesel::RunQueryDsl;
                Ok(diesel::sql_query(statement).execute(db)?)
            });
            assert!(refused.is_err(), "{statement}");
        }
    }

    async fn only_an_administrator_opens_a_payload_in_full(world: World) {
        import_two_towns(&world);
        world.press_refresh(REVISED).await;
        let accountant = world.browser_of("bina", Role::Accountant, "od.jatni").await;
        let path = format!("/payment-instructions/{REVISED}/calls");
        assert_eq!(accountant.get(&path).await.all("form.open-in-full").len(), 0);
        assert_eq!(accountant.post(&path, &[("call", "1")]).await.status, 403);
        assert_eq!(world.browser.post(&path, &[("call", "999")]).await.status, 404);
    }

    async fn no_input_makes_a_page_fail(world: World) {
        import_two_towns(&world);
        let long = "x".repeat(5000);
        let paths = [
            "/payment-instructions/%00", "/messages?pi=%00", "/messages?state=%00&before=x", "/messages/abc/resend", "/payment-instructions/%ff%fe", "/payment-instructions/..%2f..%2fetc/passwd",
            "/payment-instructions/'%20OR%201=1--", "/payment-instructions/%0d%0aSet-Cookie:x=1", "/payment-instructions?tab=%00",
            "/payment-instructions?tab=%ff", "/payment-instructions?q=%27;DROP%20TABLE%20tenants", "/audit?before=abc",
            "/audit?before=99999999999999999999", "/payment-instructions/x/calls?before=-1", "/static/../Cargo.toml",
            "/static/%2e%2e/Cargo.toml", "/static/..%2fCargo.toml", "/static/%2e%2e%2f.0123456789abcdef.toml", "/sign-in?next=%0d%0a", "/sign-in?next=%ff", "//", "/%",
        ];
        for path in paths.iter().map(|path| (*path).to_owned()).chain([format!("/payment-instructions/{long}"), format!("/{long}")]) {
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
                let answer = world.browser.client.post(world.browser.url(to)).header("content-type", kind).body(body.clone()).send().await.unwrap();
                assert!((400..500).contains(&answer.status().as_u16()), "{to} {kind}: {}", answer.status());
            }
        }
        assert_eq!(world.jit.calls_received(), 0);
    }
}

/// A request with the session's token, where it is a form.
async fn ask(browser: &Browser, method: &str, path: &str) -> reqwest::Response {
    if method == "GET" {
        return browser.client.get(browser.url(path)).send().await.unwrap();
    }
    let token = browser.form_token().await;
    browser.client.post(browser.url(path)).form(&[("form_token", token)]).send().await.unwrap()
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
async fn under_https_the_cookie_is_bound_to_the_host_and_hsts_is_on() {
    let world = World::start(Kind::Sqlite).await;
    let origin = Some("https://pay.example".to_owned());
    let secure = world
        .served_with(Sessions { secure: true, public_origin: origin, ..Sessions::local(&[7; 64]) })
        .await;
    let page = secure.get("/sign-in").await;
    let cookie = raw_cookie(&page);
    assert!(cookie.starts_with("__Host-"), "{cookie}");
    for part in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain") && !cookie.contains("Max-Age"), "{cookie}");
    assert!(page.headers["strict-transport-security"].to_str().unwrap().starts_with("max-age="));
    let plain = raw_cookie(&Browser::new(world.address).get("/sign-in").await);
    assert!(!plain.contains("Secure") && plain.contains("HttpOnly"), "{plain}");
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
