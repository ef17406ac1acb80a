//! Signing in, and what a session is worth: docs/SECURITY.md names these tests.

use chrono::Duration;
use mukta_ftps::access::Role;
use mukta_ftps::store::employees;
use mukta_ftps::web::Sessions;

use crate::support::{Browser, Kind, PASSWORD, PEOPLE, Page, REVISED, SESSION_KEY, World, on_both};

on_both!(
    who_is_not_signed_in_is_led_to_the_sign_in_and_back,
    a_wrong_password_and_an_unknown_name_are_told_the_same,
    after_ten_failures_of_a_name_the_right_password_is_refused_for_fifteen_minutes,
    what_was_wrong_is_told_within_a_minute_and_only_by_our_own_cookie,
    the_way_back_and_the_name_outlast_a_mistyped_password,
    a_session_ends_when_unused_and_at_last_in_any_case,
    a_short_session_that_is_used_goes_on,
    a_page_that_only_follows_by_itself_does_not_keep_the_session,
    the_session_id_changes_at_sign_in_and_ends_on_the_server_at_sign_out,
    a_disabled_employee_is_cut_off_at_once,
    a_changed_password_ends_the_other_sessions,
    sign_in_without_its_token_is_refused_kindly,
    signing_out_has_the_browser_forget_what_it_kept_of_the_pages,
);

fn raw_cookie(page: &Page) -> String {
    page.headers.get("set-cookie").unwrap().to_str().unwrap().to_owned()
}

/// The cookie of that name that an answer sets, with what is said of it.
fn cookie_named(page: &Page, name: &str) -> String {
    let mut cookies = page.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    cookies.find(|cookie| cookie.starts_with(&format!("{name}="))).unwrap().to_owned()
}

async fn who_is_not_signed_in_is_led_to_the_sign_in_and_back(world: World) {
    world.import_pair(PEOPLE);
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
    let back =
        stranger.post("/sign-in", &[("username", "bina"), ("password", PASSWORD), ("next", &next)]).await;
    assert_eq!((back.status, back.location()), (303, path));
}

async fn a_wrong_password_and_an_unknown_name_are_told_the_same(world: World) {
    let browser = Browser::new(world.address);
    let wrong = browser.try_to_sign_in("asha", "not the password at all").await;
    let unknown = browser.try_to_sign_in("nobody-here", "not the password at all").await;
    for answer in [&wrong, &unknown] {
        assert_eq!((answer.status, answer.location().as_str()), (303, "/sign-in"), "Back repeats no form");
        assert!(raw_cookie(answer).starts_with("mukta-ftps-told="));
    }
    let page = browser.get("/sign-in").await;
    assert_eq!(page.words("[role=alert]"), "The user name or the password is not right.");
    assert_eq!(page.text.matches("is not right").count(), 1, "it is said once");
    assert!(page.words("title").starts_with("Error: Sign in"));
    assert_eq!(page.attr("#username", "value"), "nobody-here", "the name is kept");
    let password = page.one("#password").value();
    assert_eq!(password.attr("aria-invalid"), Some("true"));
    assert!(password.attr("autofocus").is_some() && password.attr("value").is_none());
    assert_eq!(page.attr(&format!("#{}", password.attr("aria-describedby").unwrap()), "id"), "said");
    assert_eq!(page.attr("[role=alert] a", "href"), "#password");
    let again = browser.get("/sign-in").await;
    assert!(again.all("[role=alert]").is_empty(), "it is told once");
    assert_eq!(again.attr("#username", "value"), "");
    assert_eq!(browser.get("/payment-instructions").await.status, 303, "nobody is signed in");
}

async fn what_was_wrong_is_told_within_a_minute_and_only_by_our_own_cookie(world: World) {
    let browser = Browser::new(world.address);
    let cookie = raw_cookie(&browser.try_to_sign_in("asha", "not the password").await);
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"));
    assert!(cookie.contains("Max-Age=60") && !cookie.contains("asha"), "{cookie}");
    let with = async |cookie: &str| {
        let request = reqwest::Client::new().get(browser.url("/sign-in")).header("cookie", cookie);
        Page::of(request.send().await.unwrap()).await.all("[role=alert]").len()
    };
    let ours = cookie.split(';').next().unwrap();
    assert_eq!(with(ours).await, 1);
    assert_eq!(with("mukta-ftps-told=[9999999999,{\"username\":\"<b>\"}]").await, 0);
    let flipped = ours.replace(&ours[ours.len() - 6..], "AAAAAA");
    assert_eq!(with(&flipped).await, 0);
    world.later(Duration::seconds(61));
    assert_eq!(with(ours).await, 0, "a minute is over");
}

async fn the_way_back_and_the_name_outlast_a_mistyped_password(world: World) {
    world.import_pair(PEOPLE);
    world.employ("bina", Role::Viewer, "od");
    let browser = Browser::new(world.address);
    let path = format!("/payment-instructions/{REVISED}?payment=failed");
    let typed = [("username", "Bina "), ("password", "wrong"), ("next", path.as_str())];
    let page = browser.get(&browser.post("/sign-in", &typed).await.location()).await;
    assert_eq!(page.attr("input[name=next]", "value"), path);
    assert_eq!(page.attr("#username", "value"), "Bina ");
    let typed = [("username", ""), ("password", "wrong"), ("next", "//evil.example")];
    let page = browser.get(&browser.post("/sign-in", &typed).await.location()).await;
    assert_eq!(page.attr("input[name=next]", "value"), "/");
    assert!(page.one("#username").value().attr("autofocus").is_some(), "what was left out is gone to");
}

async fn after_ten_failures_of_a_name_the_right_password_is_refused_for_fifteen_minutes(world: World) {
    let browser = Browser::new(world.address);
    for _ in 0..10 {
        let wrong = browser.try_to_sign_in("asha", "wrong password").await;
        assert_eq!((wrong.status, wrong.location().as_str()), (303, "/sign-in"));
    }
    assert_eq!(browser.try_to_sign_in("asha", PASSWORD).await.status, 429);
    world.employ("bina", Role::Viewer, "od");
    assert_eq!(browser.try_to_sign_in("bina", PASSWORD).await.status, 303, "another name is let in");
    world.later(Duration::minutes(16));
    let later = Browser::new(world.address);
    assert_eq!(later.try_to_sign_in("asha", PASSWORD).await.status, 303);
}

async fn a_session_ends_when_unused_and_at_last_in_any_case(world: World) {
    let path = "/payment-instructions";
    let browser = world.served_with(Sessions::local(&SESSION_KEY)).await;
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
    let short = Sessions { idle: Duration::seconds(10), ..Sessions::local(&SESSION_KEY) };
    let browser = world.served_with(short).await;
    browser.sign_in("asha").await;
    for _ in 0..20 {
        world.later(Duration::seconds(4));
        assert_eq!(browser.get("/payment-instructions").await.status, 200);
    }
    world.later(Duration::seconds(11));
    assert_eq!(browser.get("/payment-instructions").await.status, 303);
}

async fn a_page_that_only_follows_by_itself_does_not_keep_the_session(world: World) {
    world.import_pair(PEOPLE);
    world.begun_by_hand().await;
    for with_scripts in [true, false] {
        let browser = world.served_with(Sessions::local(&SESSION_KEY)).await;
        browser.sign_in("asha").await;
        let page = browser.get("/sync-runs").await;
        let (_, refreshed) = page.text.split_once("content=\"5; url=").unwrap();
        let refreshed = refreshed.split('"').next().unwrap();
        assert_eq!(refreshed, "/sync-runs?polled=1");
        let followed = async || {
            let asked = if with_scripts {
                browser.client.get(browser.url("/sync-runs")).header("x-polled", "1")
            } else {
                browser.client.get(browser.url(refreshed))
            };
            asked.send().await.unwrap().status().as_u16()
        };
        for _ in 0..29 {
            world.later(Duration::minutes(1));
            assert_eq!(followed().await, 200, "with scripts: {with_scripts}");
        }
        world.later(Duration::minutes(2));
        assert_eq!(followed().await, 303, "with scripts: {with_scripts}");
    }
    let browser = world.served_with(Sessions::local(&SESSION_KEY)).await;
    browser.sign_in("asha").await;
    let token = browser.get("/account").await.attr("form#sign-out input[name=form_token]", "value");
    for _ in 0..3 {
        world.later(Duration::minutes(29));
        let form = browser.client.post(browser.url("/payment-instructions/ask?polled=1"));
        let answer = form.form(&[("form_token", &token)]).header("x-polled", "1").send().await.unwrap();
        assert_eq!(answer.status(), 303, "what a person sends is a use");
    }
}

async fn signing_out_has_the_browser_forget_what_it_kept_of_the_pages(world: World) {
    for path in ["/sign-out", "/account/sessions"] {
        world.browser.sign_in("asha").await;
        let page = world.get("/account").await;
        let id = page.attr("tr[data-session=this] input[name=session]", "value");
        let answer = world.browser.post(path, &[("session", &id)]).await;
        assert_eq!((answer.status, answer.location().as_str()), (303, "/sign-in"), "{path}");
        assert_eq!(answer.headers["clear-site-data"], "\"cache\", \"storage\"", "{path}");
    }
}

async fn the_session_id_changes_at_sign_in_and_ends_on_the_server_at_sign_out(world: World) {
    let browser = Browser::new(world.address);
    world.employ("bina", Role::Viewer, "od");
    let sign_in = async || {
        let answer = browser.try_to_sign_in("bina", PASSWORD).await;
        assert_eq!(answer.status, 303);
        cookie_named(&answer, "mukta-ftps")
    };
    let (before, signed_in) = (sign_in().await, sign_in().await);
    let value = |cookie: &str| cookie.split(';').next().unwrap().to_owned();
    assert_ne!(value(&before), value(&signed_in), "a fixed id is worth nothing");
    let listed_for = async |cookie: &str| {
        let bare = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let list = bare.get(browser.url("/payment-instructions")).header("cookie", cookie);
        Page::of(list.send().await.unwrap()).await
    };
    assert_eq!(listed_for(&value(&before)).await.status, 303);
    let copied = value(&signed_in);
    let list = listed_for(&copied).await;
    assert_eq!(list.status, 200);
    let token = list.all("input[name=form_token]")[0].attr("value").unwrap();
    let sign_out = browser.client.post(browser.url("/sign-out")).form(&[("form_token", token)]);
    assert_eq!(sign_out.send().await.unwrap().status(), 303);
    assert_eq!(listed_for(&copied).await.status, 303, "the same cookie opens nothing any more");
}

async fn a_disabled_employee_is_cut_off_at_once(world: World) {
    let browser = world.browser_of("bina", Role::Viewer, "od").await;
    assert_eq!(browser.get("/payment-instructions").await.status, 200);
    world.write(|db| {
        let bina = employees::by_name(db, "bina")?.unwrap();
        employees::disable(db, bina.id)
    });
    assert_eq!(browser.get("/payment-instructions").await.status, 303);
    browser.try_to_sign_in("bina", PASSWORD).await;
    assert_eq!(
        browser.get("/sign-in").await.words("[role=alert]"),
        "The user name or the password is not right."
    );
}

async fn a_changed_password_ends_the_other_sessions(world: World) {
    let browser = world.browser_of("bina", Role::Viewer, "od").await;
    let now = world.app.clock.now().naive_utc();
    world.write(|db| {
        let bina = employees::by_name(db, "bina")?.unwrap();
        employees::set_password(db, bina.id, "$argon2id$none", None, now)
    });
    assert_eq!(browser.get("/payment-instructions").await.status, 303);
}

async fn sign_in_without_its_token_is_refused_kindly(world: World) {
    let browser = Browser::new(world.address);
    let page = browser.post_bare("/sign-in", &[("username", "asha"), ("password", PASSWORD)]).await;
    assert_eq!(page.status, 403);
    assert!(page.text.contains("sign in again"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_https_the_cookie_is_bound_to_the_host_and_hsts_is_on() {
    let world = World::start(Kind::Sqlite).await;
    let secure = world.served_with(Sessions { secure: true, ..Sessions::local(&SESSION_KEY) }).await;
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
