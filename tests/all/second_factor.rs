//! The second factor: set up, asked for at the sign-in and again before payloads, used once, lost and reset.

use std::collections::HashSet;

use chrono::Duration;
use diesel::prelude::*;
use mukta_ftps::access::Role;
use mukta_ftps::access::second_factor::{Demand, Given, Secret};
use mukta_ftps::sealing::Sealer;
use mukta_ftps::store::audit::{self, Action};
use mukta_ftps::store::resealing::reseal;
use mukta_ftps::store::schema::{employees as rows, recovery_codes, sessions, sign_in_failures};
use mukta_ftps::store::scope::Scope;
use mukta_ftps::store::{employees, second_factors};
use mukta_ftps::web::Sessions;
use reqwest::header::{ACCEPT_LANGUAGE, REFERER};

use crate::support::{
    Browser, DATA_KEY, NEW_DATA_KEY, PASSWORD, PEOPLE, Page, REVISED, World, endless_sessions, on_both,
    stdout, words,
};

on_both!(
    a_second_factor_is_set_up_with_a_code_and_the_password,
    the_code_is_asked_for_before_anything_else_is_reached,
    a_code_counts_once,
    of_two_uses_of_a_code_at_once_exactly_one_passes,
    a_recovery_code_signs_in_once,
    ten_wrong_codes_are_looked_at_and_then_none,
    half_a_sign_in_ends_with_whatever_ends_a_session,
    language_way_back_and_what_was_not_done_outlast_both_steps,
    a_payload_is_opened_with_the_second_factor_given_lately,
    who_must_have_one_comes_to_no_other_page_first,
    new_recovery_codes_and_giving_up_take_password_and_code,
    a_lost_phone_is_replaced_with_a_recovery_code,
    an_operator_resets_a_lost_one,
    an_administrator_resets_a_lost_one_in_the_browser,
    a_change_of_the_data_key_keeps_it,
    neither_secret_nor_codes_are_stored_in_clear,
);

const PAGE: &str = "/account/second-factor";

/// What an app takes in from a page.
fn taken_in(page: &Page) -> Secret {
    Secret::read(&page.words("#secret").replace(' ', "")).unwrap()
}

/// What the app shows now.
fn code(world: &World, secret: &Secret) -> String {
    secret.code_at(world.app.clock.now())
}

/// A code that it shows at no time near.
fn wrong_code(world: &World, secret: &Secret) -> String {
    let near: HashSet<String> =
        (-2..=2).map(|step| secret.code_at(world.app.clock.now() + Duration::seconds(30 * step))).collect();
    (0..10).map(|n| format!("{n}00000")).find(|code| !near.contains(code)).unwrap()
}

/// Sets one up: what the app knows, and the recovery codes. The clock goes on to the app's next code.
async fn set_up(world: &World, browser: &Browser) -> (Secret, Vec<String>) {
    let secret = taken_in(&browser.get(PAGE).await);
    let fields = [("what", "set"), ("code", &code(world, &secret)), ("current_password", PASSWORD)];
    let done = browser.post(PAGE, &fields).await;
    assert_eq!((done.status, done.location().as_str()), (303, PAGE), "{}", done.text);
    let codes = shown_codes(&browser.get(PAGE).await);
    assert_eq!(codes.len(), 10);
    world.later(Duration::seconds(30));
    (secret, codes)
}

fn shown_codes(page: &Page) -> Vec<String> {
    page.all("#recovery-codes code").into_iter().map(words).collect()
}

/// An employee with a second factor, and the browser in which they set it up.
async fn with_factor(world: &World, name: &str, role: Role) -> (Browser, Secret, Vec<String>) {
    let browser = world.browser_of(name, role, "od").await;
    let (secret, codes) = set_up(world, &browser).await;
    (browser, secret, codes)
}

/// A browser in which the password was given and the code is awaited.
async fn half_signed_in(world: &World, name: &str) -> Browser {
    let browser = Browser::new(world.address);
    let answer = browser.try_to_sign_in(name, PASSWORD).await;
    assert_eq!((answer.status, answer.location().as_str()), (303, "/sign-in"), "{}", answer.text);
    assert_eq!(browser.get("/sign-in").await.all("form#second-factor").len(), 1);
    browser
}

async fn give(browser: &Browser, code: &str) -> Page {
    browser.post("/sign-in", &[("code", code)]).await
}

fn is_in(answer: &Page) -> bool {
    (answer.status, answer.location().as_str()) == (303, "/")
}

fn events(world: &World) -> Vec<(String, Action, Option<String>)> {
    let events = world.read(|db| audit::newest(db, &Scope::of("od"), None, 200));
    events.into_iter().map(|event| (event.actor, event.action, event.subject)).collect()
}

fn times(world: &World, who: &str, what: Action) -> usize {
    events(world).iter().filter(|(actor, action, _)| actor == who && *action == what).count()
}

async fn a_second_factor_is_set_up_with_a_code_and_the_password(world: World) {
    let browser = world.browser_of("bina", Role::Viewer, "od").await;
    let elsewhere = Browser::new(world.address);
    elsewhere.sign_in("bina").await;
    let page = browser.get(PAGE).await;
    let secret = taken_in(&page);
    assert_eq!(page.words("#secret").split(' ').map(str::len).collect::<Vec<_>>(), [4; 8]);
    assert!(page.all("svg.qr path")[0].attr("d").unwrap().len() > 500, "a picture of it");
    assert_eq!(browser.get("/account").await.words("#factor dd"), "none yet");

    let right = code(&world, &secret);
    for (code, password, field, says) in [
        (wrong_code(&world, &secret).as_str(), PASSWORD, "code", "does not belong to this picture"),
        (right.as_str(), "wrong", "current_password", "The current password is not right"),
    ] {
        let fields = [("what", "set"), ("code", code), ("current_password", password)];
        assert_eq!(browser.post(PAGE, &fields).await.location(), PAGE, "{says}");
        let page = browser.get(PAGE).await;
        assert!(page.words("[role=alert]").contains(says), "{}", page.words("[role=alert]"));
        assert_eq!(page.one("[aria-invalid=true]").attr("name"), Some(field));
        assert!(page.words("title").starts_with("Error:"));
        assert_eq!(taken_in(&page).text(), secret.text(), "the app need not take in another picture");
    }
    assert_eq!(events(&world)[0], ("bina".to_owned(), Action::PasswordRefused, None));

    let fields = [("what", "set"), ("code", &right), ("current_password", PASSWORD)];
    let done = browser.post(PAGE, &fields).await;
    let new_id =
        done.headers.get_all("set-cookie").iter().any(|c| c.to_str().unwrap().starts_with("mukta-ftps="));
    assert!(new_id, "this session goes on under another id");
    let page = browser.get(PAGE).await;
    let codes: HashSet<String> = shown_codes(&page).into_iter().collect();
    assert_eq!(codes.len(), 10);
    assert!(codes.iter().all(|code| code.len() == 14), "in groups of four: {codes:?}");
    assert!(page.words("#notice").contains("shown this once"));
    let again = browser.get(PAGE).await;
    assert!(shown_codes(&again).is_empty() && again.all("#secret").is_empty(), "{}", again.text);
    assert_eq!(again.attr("#codes-left", "data-codes-left"), "10");
    assert!(browser.get("/account").await.words("#factor dd").starts_with("since "));
    assert_eq!(elsewhere.get("/account").await.status, 303, "the other sessions have ended");
    let set = ("bina".to_owned(), Action::SecondFactorSet, Some("bina".to_owned()));
    assert_eq!(events(&world)[0], set);

    let stranger = world.browser_of("chitra", Role::Viewer, "od").await;
    let stale = [("what", "set"), ("code", "123456"), ("current_password", PASSWORD)];
    assert_eq!(stranger.post(PAGE, &stale).await.location(), PAGE);
    assert!(stranger.get(PAGE).await.words("[role=alert]").contains("open for too long"));
}

async fn the_code_is_asked_for_before_anything_else_is_reached(world: World) {
    world.import_pair(PEOPLE);
    let (_, secret, _) = with_factor(&world, "bina", Role::Accountant).await;
    let before = times(&world, "bina", Action::SignIn);
    let browser = half_signed_in(&world, "bina").await;
    let view = format!("/payment-instructions/{REVISED}");
    for path in
        ["/", "/payment-instructions", &view, "/account", PAGE, "/account/password", "/audit", "/nowhere"]
    {
        let led = browser.get(path).await;
        assert!(led.status == 303 && led.location().starts_with("/sign-in?next="), "{path}: {}", led.status);
    }
    for path in [format!("{view}/refresh"), PAGE.to_owned(), "/account/password".to_owned()] {
        let answer = browser.post(&path, &[("what", "set")]).await;
        assert!(answer.status == 303 && answer.location().starts_with("/sign-in?next="), "{path}");
    }
    assert_eq!(world.jit.calls_received(), 0);
    assert_eq!(times(&world, "bina", Action::SignIn), before, "nobody has signed in yet");
    let page = browser.get("/sign-in").await;
    assert!(page.all("nav.side").is_empty() && page.all("form[action='/sign-out']").is_empty());

    let wrong = give(&browser, &wrong_code(&world, &secret)).await;
    assert_eq!((wrong.status, wrong.location().as_str()), (303, "/sign-in"));
    let page = browser.get("/sign-in").await;
    assert!(page.words("[role=alert]").contains("The code is not right"), "{}", page.text);
    assert_eq!(page.one("[aria-invalid=true]").attr("name"), Some("code"));
    assert_eq!(events(&world)[0], ("bina".to_owned(), Action::SecondFactorRefused, None));

    let right = give(&browser, &format!(" {} ", code(&world, &secret))).await;
    assert!(is_in(&right), "{}", right.text);
    assert_eq!(times(&world, "bina", Action::SignIn), before + 1);
    let landed = browser.get("/payment-instructions").await;
    assert_eq!((landed.status, landed.attr("#arrival", "data-failures").as_str()), (200, "1"));
    assert_eq!(browser.get("/sign-in").await.status, 303);
}

async fn a_code_counts_once(world: World) {
    let browser = world.browser_of("bina", Role::Viewer, "od").await;
    let secret = taken_in(&browser.get(PAGE).await);
    let used = code(&world, &secret);
    browser.post(PAGE, &[("what", "set"), ("code", &used), ("current_password", PASSWORD)]).await;
    let other = half_signed_in(&world, "bina").await;
    assert_eq!(give(&other, &used).await.location(), "/sign-in", "it has set the factor up");
    world.later(Duration::seconds(30));
    let next = code(&world, &secret);
    assert!(is_in(&give(&other, &next).await));
    let third = half_signed_in(&world, "bina").await;
    assert_eq!(give(&third, &next).await.location(), "/sign-in", "replayed");
    assert_eq!(give(&third, &used).await.location(), "/sign-in", "an earlier one");
    // A telephone that is half a minute ahead.
    let ahead = secret.code_at(world.app.clock.now() + Duration::seconds(30));
    assert!(is_in(&give(&third, &ahead).await));
}

async fn of_two_uses_of_a_code_at_once_exactly_one_passes(world: World) {
    let (_, secret, recovery) = with_factor(&world, "bina", Role::Viewer).await;
    for given in [code(&world, &secret), recovery[0].clone()] {
        let mut browsers = Vec::new();
        for _ in 0..4 {
            let browser = half_signed_in(&world, "bina").await;
            let token = browser.form_token().await;
            browsers.push((browser, token));
        }
        let uses = browsers.iter().map(|(browser, token)| {
            let fields = [("code", given.as_str()), ("form_token", token.as_str())];
            async move { browser.post_bare("/sign-in", &fields).await }
        });
        let answers = futures_util::future::join_all(uses).await;
        assert_eq!(answers.iter().filter(|answer| is_in(answer)).count(), 1);
    }
}

async fn a_recovery_code_signs_in_once(world: World) {
    let (first, _, recovery) = with_factor(&world, "bina", Role::Viewer).await;
    let browser = half_signed_in(&world, "bina").await;
    assert!(is_in(&give(&browser, &recovery[3]).await));
    let again = half_signed_in(&world, "bina").await;
    assert_eq!(give(&again, &recovery[3]).await.location(), "/sign-in", "used");
    assert!(is_in(&give(&again, &recovery[4].replace(' ', "-")).await));
    assert_eq!(first.get(PAGE).await.attr("#codes-left", "data-codes-left"), "8");
    let (_, _, of_other) = with_factor(&world, "chitra", Role::Viewer).await;
    let third = half_signed_in(&world, "bina").await;
    assert_eq!(give(&third, &of_other[0]).await.location(), "/sign-in", "another's");
}

async fn ten_wrong_codes_are_looked_at_and_then_none(world: World) {
    let (_, secret, recovery) = with_factor(&world, "bina", Role::Viewer).await;
    let wrong = wrong_code(&world, &secret);
    // Each try with a right password before it, which does not set the count back.
    for n in 0..10 {
        let browser = half_signed_in(&world, "bina").await;
        assert_eq!(give(&browser, &wrong).await.status, 303, "{n}");
        browser.post("/sign-in", &[("again", "yes")]).await;
        // The attempts themselves count too, until they are whole: let the codes alone be what is counted here.
        let hash = world.app.sealer.hash("sign-in:bina");
        world.write(|db| {
            diesel::delete(sign_in_failures::table.filter(sign_in_failures::name_hash.eq(&hash)))
                .execute(db)?;
            Ok(())
        });
    }
    for given in [code(&world, &secret), recovery[0].clone()] {
        let browser = half_signed_in(&world, "bina").await;
        let refused = give(&browser, &given).await;
        assert_eq!((refused.status, refused.headers["retry-after"].to_str().unwrap()), (429, "900"));
        assert!(refused.words("[role=alert]").contains("too many wrong codes"));
    }
    assert_eq!(times(&world, "bina", Action::SignInThrottled), 1);
    let told: Vec<_> =
        events(&world).into_iter().filter(|(_, action, _)| *action == Action::SecondFactorRefused).collect();
    let of = |times: Option<&str>| ("bina".to_owned(), Action::SecondFactorRefused, times.map(str::to_owned));
    assert_eq!(told, [of(Some("× 10")), of(None)], "a flood is a few events");
    world.later(Duration::minutes(16));
    let browser = half_signed_in(&world, "bina").await;
    assert!(is_in(&give(&browser, &code(&world, &secret)).await));
}

async fn half_a_sign_in_ends_with_whatever_ends_a_session(world: World) {
    let (_, secret, _) = with_factor(&world, "bina", Role::Viewer).await;
    let of_strangers = || world.read(|db| Ok(sign_in_failures::table.count().get_result::<i64>(db)?));
    let again = half_signed_in(&world, "bina").await;
    assert_eq!(of_strangers(), 1, "it counts as a failure until it is whole");
    assert_eq!(again.post("/sign-in", &[("again", "yes")]).await.location(), "/sign-in");
    assert_eq!(again.get("/sign-in").await.all("#password").len(), 1);
    assert_eq!(give(&again, &code(&world, &secret)).await.location(), "/sign-in", "nobody is waited for");
    assert!(again.get("/sign-in").await.words("[role=alert]").contains("sign in again"));

    let late = half_signed_in(&world, "bina").await;
    let other = half_signed_in(&world, "bina").await;
    other.try_to_sign_in("bina", "wrong").await;
    assert!(other.get("/sign-in").await.words("[role=alert]").contains("is not right"));
    assert_eq!(other.get("/sign-in").await.all("#password").len(), 1, "the half is forgotten");
    world.later(Duration::minutes(10));
    let answer = give(&late, &code(&world, &secret)).await;
    assert_eq!(answer.location(), "/sign-in");
    assert_eq!(late.get("/account").await.status, 303);

    let now = world.app.clock.now().naive_utc();
    for end in ["password", "disabled"] {
        let browser = half_signed_in(&world, "bina").await;
        world.write(|db| {
            let bina = employees::by_name(db, "bina")?.unwrap();
            match end {
                "password" => employees::set_password(db, bina.id, &bina.password_hash, None, now),
                _ => employees::disable(db, bina.id),
            }
        });
        assert_eq!(give(&browser, &code(&world, &secret)).await.location(), "/sign-in", "{end}");
        assert_eq!(browser.get("/account").await.status, 303, "{end}");
    }
    world.write(|db| {
        let bina = employees::by_name(db, "bina")?.unwrap();
        employees::enable(db, bina.id, world.app.clock.now().naive_utc())
    });
    let browser = half_signed_in(&world, "bina").await;
    let before = of_strangers();
    assert!(is_in(&give(&browser, &code(&world, &secret)).await));
    assert_eq!(of_strangers(), before - 1, "and is none once it is whole");
}

async fn language_way_back_and_what_was_not_done_outlast_both_steps(world: World) {
    world.import_pair(PEOPLE);
    let (_, secret, _) = with_factor(&world, "bina", Role::Accountant).await;
    let browser = Browser::new(world.address);
    let refresh = format!("/payment-instructions/{REVISED}/refresh");
    let view = format!("/payment-instructions/{REVISED}");
    let ended = browser.post_bare(&refresh, &[("form_token", "old")]).await;
    let page = browser.get(&ended.location()).await;
    let next = page.attr("input[name=next]", "value");
    assert_eq!(next, view);
    let typed = [("username", "bina"), ("password", PASSWORD), ("next", next.as_str())];
    let half = browser.post("/sign-in", &typed).await.location();
    let asks = browser.client.get(browser.url(&half)).header(ACCEPT_LANGUAGE, "hi");
    let asks = Page::of(asks.send().await.unwrap()).await;
    assert_eq!(asks.attr("html", "lang"), "hi");
    let token = asks.attr("form#second-factor input[name=form_token]", "value");
    let language = browser.client.post(browser.url("/language")).header(REFERER, browser.url(&half));
    let chosen = language.form(&[("language", "or"), ("form_token", token.as_str())]).send().await.unwrap();
    assert_eq!(Page::of(chosen).await.location(), half, "back to the code");
    let page = browser.get(&half).await;
    assert_eq!(page.attr("html", "lang"), "or");
    let next = page.attr("form#second-factor input[name=next]", "value");
    let wrong = wrong_code(&world, &secret);
    let wrong = browser.post("/sign-in", &[("code", wrong.as_str()), ("next", next.as_str())]).await;
    assert_eq!(wrong.location(), half, "the way back outlasts a wrong code");
    let code = code(&world, &secret);
    let arrived = browser.post("/sign-in", &[("code", code.as_str()), ("next", next.as_str())]).await;
    assert_eq!(arrived.location(), view);
    let page = browser.get(&view).await;
    assert_eq!((page.status, page.attr("html", "lang").as_str()), (200, "or"));
    assert_eq!(page.attr("#undone", "data-undone"), "refresh");
}

async fn a_payload_is_opened_with_the_second_factor_given_lately(world: World) {
    world.import_pair(PEOPLE);
    world.press_refresh(REVISED).await;
    let (browser, secret, _) = with_factor(&world, "bina", Role::Admin).await;
    let calls = format!("/payment-instructions/{REVISED}/calls");
    let id = browser.get(&calls).await.attr("form.open-in-full input[name=call]", "value");
    let shows = async |page: &str| browser.get(page).await.text.contains("30131500010000");
    let open = format!("{calls}?open={id}");
    assert_eq!(browser.post(&calls, &[("call", &id)]).await.location(), open, "it was given just now");
    assert!(shows(&open).await);

    world.later(Duration::minutes(10));
    let before = times(&world, "bina", Action::PayloadOpened);
    let asked = browser.post(&calls, &[("call", &id)]).await;
    let ask = format!("{calls}?ask={id}");
    assert_eq!((asked.status, asked.location()), (303, ask.clone()));
    assert!(!shows(&open).await && !shows(&ask).await, "nothing is shown before");
    let wrong = wrong_code(&world, &secret);
    assert_eq!(browser.post(&calls, &[("call", &id), ("code", &wrong)]).await.location(), ask);
    let page = browser.get(&ask).await;
    assert!(page.words("[role=alert]").contains("The code is not right"));
    assert!(page.words("title").starts_with("Error:"));
    assert_eq!(times(&world, "bina", Action::PayloadOpened), before);
    let right = code(&world, &secret);
    assert_eq!(browser.post(&calls, &[("call", &id), ("code", &right)]).await.location(), open);
    assert!(shows(&open).await);
    let told: Vec<Action> = events(&world).into_iter().take(2).map(|(_, action, _)| action).collect();
    assert_eq!(told, [Action::PayloadOpened, Action::SecondFactorGiven]);
    world.later(Duration::minutes(9));
    assert_eq!(browser.post(&calls, &[("call", &id)]).await.location(), open, "for ten minutes");

    world.later(Duration::minutes(2));
    for _ in 0..10 {
        browser.post(&calls, &[("call", &id), ("code", "000000")]).await;
    }
    let refused = browser.post(&calls, &[("call", &id), ("code", &code(&world, &secret))]).await;
    assert_eq!(refused.status, 429, "{}", refused.text);
    assert!(!refused.text.contains("30131500010000"));
    // Who has none is asked for none.
    assert_eq!(world.browser.post(&calls, &[("call", &id)]).await.location(), open);
}

/// A form of a page that is there, sent with its token.
async fn send(browser: &Browser, page: &Page, fields: &[(&str, &str)]) -> Page {
    let token = page.attr("form#second-factor input[name=form_token]", "value");
    browser.post_bare(PAGE, &[fields, &[("form_token", &token)]].concat()).await
}

async fn who_must_have_one_comes_to_no_other_page_first(world: World) {
    world.import_pair(PEOPLE);
    let demanding = Sessions { second_factor: Demand::Admins, ..endless_sessions() };
    let browser = world.served_with(demanding).await;
    world.employ("bina", Role::Admin, "od");
    world.write(|db| employees::password_is_for_once(db, "bina"));
    browser.sign_in("bina").await;
    assert_eq!(browser.get("/").await.location(), "/account/password", "the password comes first");
    let page = browser.get("/account/password").await;
    let token = page.attr("form#password input[name=form_token]", "value");
    let new = "other plain words here";
    let typed = [("current_password", PASSWORD), ("new_password", new), ("new_password_again", new)];
    browser.post_bare("/account/password", &[typed.as_slice(), &[("form_token", &token)]].concat()).await;

    let view = format!("/payment-instructions/{REVISED}");
    for path in ["/", &view, "/account", "/account/password", "/messages", "/audit", "/nowhere"] {
        let led = browser.get(path).await;
        assert_eq!((led.status, led.location().as_str()), (303, PAGE), "{path}");
    }
    let page = browser.get(PAGE).await;
    assert!(page.words("#forced").contains("With your role"), "{}", page.text);
    assert!(page.all("nav.side a[href^='/p']").is_empty(), "there is no way on yet");
    let secret = taken_in(&page);
    let token = page.attr("form#second-factor input[name=form_token]", "value");
    let refresh = browser.post_bare(&format!("{view}/refresh"), &[("form_token", &token)]).await;
    assert_eq!((refresh.status, refresh.location().as_str()), (303, PAGE));
    assert_eq!(world.jit.calls_received(), 0);
    let first = code(&world, &secret);
    let done = send(&browser, &page, &[("what", "set"), ("code", &first), ("current_password", new)]).await;
    assert_eq!(done.location(), PAGE);
    assert_eq!(shown_codes(&browser.get(PAGE).await).len(), 10);
    assert_eq!(browser.get(&view).await.status, 200);

    world.later(Duration::seconds(30));
    let page = browser.get(PAGE).await;
    assert!(page.all("[value=remove]").is_empty(), "it cannot be given up");
    let present = code(&world, &secret);
    let fields = [("what", "remove"), ("present_code", present.as_str()), ("current_password", new)];
    assert_eq!(send(&browser, &page, &fields).await.status, 403);
    assert_eq!(browser.get(PAGE).await.all("#codes-left").len(), 1);

    let accountant = Browser::new(browser.address);
    world.employ("chitra", Role::Accountant, "od");
    accountant.sign_in("chitra").await;
    assert_eq!(accountant.get("/").await.status, 200, "others need none");
    world.write(|db| {
        let chitra = employees::by_name(db, "chitra")?.unwrap();
        employees::set_role(db, chitra.id, Role::Admin)
    });
    accountant.sign_in("chitra").await;
    assert_eq!(accountant.get("/").await.location(), PAGE, "with the role comes the duty");
}

async fn new_recovery_codes_and_giving_up_take_password_and_code(world: World) {
    let (browser, secret, before) = with_factor(&world, "bina", Role::Viewer).await;
    let right = code(&world, &secret);
    let wrong = wrong_code(&world, &secret);
    for what in ["codes", "remove"] {
        for (present, password, says) in [
            (right.as_str(), "wrong", "current password"),
            (wrong.as_str(), PASSWORD, "The code is not right"),
        ] {
            let fields = [("what", what), ("present_code", present), ("current_password", password)];
            assert_eq!(browser.post(PAGE, &fields).await.location(), PAGE);
            let page = browser.get(PAGE).await;
            assert!(page.words("[role=alert]").contains(says), "{what}: {}", page.words("[role=alert]"));
        }
    }
    let fields = [("what", "codes"), ("present_code", right.as_str()), ("current_password", PASSWORD)];
    assert_eq!(browser.post(PAGE, &fields).await.location(), PAGE);
    let codes = shown_codes(&browser.get(PAGE).await);
    assert_eq!(codes.len(), 10);
    assert!(codes.iter().all(|code| !before.contains(code)));
    assert_eq!(events(&world)[0], ("bina".to_owned(), Action::RecoveryCodesMade, Some("bina".to_owned())));
    let half = half_signed_in(&world, "bina").await;
    assert_eq!(give(&half, &before[0]).await.location(), "/sign-in", "the earlier ones count no more");
    assert!(is_in(&give(&half, &codes[0]).await));

    let fields = [("what", "remove"), ("present_code", codes[1].as_str()), ("current_password", PASSWORD)];
    assert_eq!(browser.post(PAGE, &fields).await.location(), "/account");
    let account = browser.get("/account").await;
    assert!(account.words("#notice").contains("is given up"), "{}", account.text);
    assert_eq!(account.words("#factor dd"), "none yet");
    let removed = ("bina".to_owned(), Action::SecondFactorRemoved, Some("bina".to_owned()));
    assert_eq!(events(&world)[0], removed);
    assert_eq!(half.get("/account").await.status, 303, "the other sessions have ended");
    assert_eq!(world.read(|db| Ok(recovery_codes::table.count().get_result::<i64>(db)?)), 0);
    let plain = Browser::new(world.address);
    assert_eq!(plain.try_to_sign_in("bina", PASSWORD).await.location(), "/");
}

async fn a_lost_phone_is_replaced_with_a_recovery_code(world: World) {
    let (browser, old, codes) = with_factor(&world, "bina", Role::Viewer).await;
    let page = browser.get(&format!("{PAGE}?anew=yes")).await;
    let new = taken_in(&page);
    assert_ne!(new.text(), old.text());
    assert_eq!(page.all("#present_code").len(), 1);
    let shown = code(&world, &new);
    let without = [("what", "set"), ("code", shown.as_str()), ("current_password", PASSWORD)];
    assert_eq!(
        browser.post(PAGE, &without).await.location(),
        format!("{PAGE}?anew=yes"),
        "it takes the old one"
    );
    let with = [without.as_slice(), &[("present_code", codes[0].as_str())]].concat();
    assert_eq!(browser.post(PAGE, &with).await.location(), PAGE);
    assert_eq!(shown_codes(&browser.get(PAGE).await).len(), 10);
    world.later(Duration::seconds(30));
    let half = half_signed_in(&world, "bina").await;
    assert_eq!(give(&half, &code(&world, &old)).await.location(), "/sign-in", "the lost one counts no more");
    assert!(is_in(&give(&half, &code(&world, &new)).await));
}

async fn an_operator_resets_a_lost_one(world: World) {
    let (browser, ..) = with_factor(&world, "bina", Role::Accountant).await;
    let listed = || stdout(&world.program(&["user", "list"]).output().unwrap());
    let line = |name: &str| listed().lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(
        line("bina").ends_with(" second factor") && !line("bina").contains("no second"),
        "{}",
        line("bina")
    );
    assert!(line("asha").ends_with("no second factor"), "{}", line("asha"));
    let reset = world.program(&["user", "reset-second-factor", "Bina"]).output().unwrap();
    assert_eq!(stdout(&reset), "bina has no second factor any more; their sessions have ended\n");
    let (actor, action, subject) = events(&world).remove(0);
    assert!(actor.starts_with("operator (command"), "{actor}");
    assert_eq!((action, subject.as_deref()), (Action::SecondFactorReset, Some("bina")));
    assert!(line("bina").ends_with("no second factor"));
    assert_eq!(browser.get("/account").await.status, 303, "their sessions have ended");
    let plain = Browser::new(world.address);
    assert_eq!(plain.try_to_sign_in("bina", PASSWORD).await.location(), "/");
    let nobody = world.program(&["user", "reset-second-factor", "nobody"]).output().unwrap();
    assert_eq!(nobody.status.code(), Some(1));
}

async fn an_administrator_resets_a_lost_one_in_the_browser(world: World) {
    let (browser, ..) = with_factor(&world, "bina", Role::Accountant).await;
    let id = world.read(|db| employees::by_name(db, "bina")).unwrap().id;
    let path = format!("/employees/{id}");
    let page = world.get(&path).await;
    let button = page.words("form#second-factor button");
    assert_eq!(button, "Take the second factor away");
    let page = world.post(&format!("{path}/second-factor"), &[]).await;
    assert!(
        page.words("#notice").starts_with("The second factor is taken away."),
        "{}",
        page.words("#notice")
    );
    assert!(page.all("form#second-factor").is_empty());
    let (actor, action, subject) = events(&world).remove(0);
    assert_eq!(
        (actor.as_str(), action, subject.as_deref()),
        ("asha", Action::SecondFactorReset, Some("bina"))
    );
    assert_eq!(browser.get("/account").await.status, 303, "their sessions have ended");
    let plain = Browser::new(world.address);
    assert_eq!(plain.try_to_sign_in("bina", PASSWORD).await.location(), "/");
}

async fn a_change_of_the_data_key_keeps_it(world: World) {
    let (_, secret, codes) = with_factor(&world, "bina", Role::Viewer).await;
    let both = Sealer::new(&NEW_DATA_KEY, &[DATA_KEY]).unwrap();
    let done = reseal(&world.app.store, &both, &crate::jit_conditions::resealed()).unwrap();
    assert_eq!((done.second_factors, done.unreadable.len()), (1, 0));
    let new = Sealer::new(&NEW_DATA_KEY, &[]).unwrap();
    let now = world.app.clock.now();
    let accepts = |given: &str| {
        world.write(|db| {
            let bina = employees::locked(db, "bina")?.unwrap();
            second_factors::accept(db, &new, &bina, &Given::read(given), now.naive_utc())
        })
    };
    assert!(accepts(&secret.code_at(now)) && accepts(&codes[0]) && !accepts(&codes[0]));
    let old = world.app.store.write_blocking(|db| {
        let bina = employees::locked(db, "bina")?.unwrap();
        second_factors::accept(db, &world.app.sealer, &bina, &Given::read(&codes[1]), now.naive_utc())
    });
    assert!(old.is_err(), "the earlier key opens it no more");
}

async fn neither_secret_nor_codes_are_stored_in_clear(world: World) {
    let browser = world.browser_of("bina", Role::Viewer, "od").await;
    let shown = taken_in(&browser.get(PAGE).await);
    let (secret, codes) = set_up(&world, &browser).await;
    assert_eq!(shown.text(), secret.text());
    let _half = half_signed_in(&world, "bina").await;
    let mut held: Vec<Vec<u8>> = Vec::new();
    world.read(|db| {
        let states: Vec<String> = sessions::table.select(sessions::state).load(db)?;
        let hashes: Vec<String> = recovery_codes::table.select(recovery_codes::code_hash).load(db)?;
        let sealed: Vec<Option<Vec<u8>>> = rows::table.select(rows::second_factor_sealed).load(db)?;
        held.extend(states.into_iter().chain(hashes).map(String::into_bytes));
        held.extend(sealed.into_iter().flatten());
        Ok(())
    });
    if let crate::support::Kind::Sqlite = world.database.kind {
        let path = world.database.file();
        held.extend(
            [path.to_owned(), format!("{path}-wal")].iter().filter_map(|file| std::fs::read(file).ok()),
        );
    }
    let bare = |code: &String| code.replace(' ', "");
    let secrets = codes.iter().map(bare).chain([secret.text()]);
    for secret in secrets.chain(codes.iter().cloned()) {
        let found = held.iter().any(|held| held.windows(secret.len()).any(|part| part == secret.as_bytes()));
        assert!(!found, "{secret}");
    }
}
