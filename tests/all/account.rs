//! One's own account: the password, the sessions, and what failed since the last sign-in.

use mukta_ftps::access::Role;
use mukta_ftps::store::audit::{self, Action};
use mukta_ftps::store::employees;
use mukta_ftps::store::scope::Scope;

use crate::support::{Browser, PASSWORD, PEOPLE, Page, REVISED, World, on_both};

on_both!(
    a_password_that_somebody_gave_is_for_the_first_sign_in_only,
    what_is_wrong_with_a_new_password_is_told_and_changes_nothing,
    a_wrong_current_password_counts_like_a_failed_sign_in,
    a_changed_password_ends_the_other_sessions_and_its_own_goes_on_under_another_id,
    sessions_are_seen_and_ended,
    what_failed_since_the_last_sign_in_is_told_once,
);

const NEW: &str = "other plain words here";

async fn change(browser: &Browser, current: &str, new: &str, again: &str) -> Page {
    let typed = [("current_password", current), ("new_password", new), ("new_password_again", again)];
    browser.post("/account/password", &typed).await
}

fn last(world: &World) -> (String, Action, Option<String>) {
    let event = world.read(|db| audit::newest(db, &Scope::of("od"), None, 1)).pop().unwrap();
    (event.actor, event.action, event.subject)
}

async fn a_password_that_somebody_gave_is_for_the_first_sign_in_only(world: World) {
    world.import_pair(PEOPLE);
    world.employ("bina", Role::Accountant, "od.jatni");
    world.write(|db| employees::password_is_for_once(db, "bina"));
    let browser = Browser::new(world.address);
    browser.sign_in("bina").await;
    let view = format!("/payment-instructions/{REVISED}");
    for path in ["/", "/payment-instructions", &view, "/account", "/messages", "/nowhere", "/audit"] {
        let led = browser.get(path).await;
        assert_eq!((led.status, led.location().as_str()), (303, "/account/password"), "{path}");
    }
    let page = browser.get("/account/password").await;
    assert_eq!(page.status, 200);
    assert!(page.words("#forced").contains("Somebody else gave you your password"));
    assert!(page.all("nav.side a[href^='/p']").is_empty(), "there is no way on yet");
    let token = page.attr("form#password input[name=form_token]", "value");
    let refresh = browser.post_bare(&format!("{view}/refresh"), &[("form_token", &token)]).await;
    assert_eq!((refresh.status, refresh.location().as_str()), (303, "/account/password"));
    assert_eq!(world.jit.calls_received(), 0);

    let typed = [
        ("current_password", PASSWORD),
        ("new_password", NEW),
        ("new_password_again", NEW),
        ("form_token", token.as_str()),
    ];
    let changed = browser.post_bare("/account/password", &typed).await;
    assert_eq!((changed.status, changed.location().as_str()), (303, "/account"));
    let page = browser.get("/account").await;
    assert_eq!(page.words("#notice"), "Your password is changed. Your other sessions have ended.");
    assert_eq!(browser.get(&view).await.status, 200);
    assert_eq!(last(&world), ("bina".to_owned(), Action::PasswordChanged, Some("bina".to_owned())));
    let again = Browser::new(world.address);
    again.try_to_sign_in("bina", NEW).await;
    assert_eq!(again.get("/account").await.status, 200, "it is theirs now");
}

async fn what_is_wrong_with_a_new_password_is_told_and_changes_nothing(world: World) {
    let browser = world.browser_of("bina.das", Role::Viewer, "od").await;
    for (current, new, again, field, says) in [
        ("wrong", NEW, NEW, "current_password", "The current password is not right"),
        (PASSWORD, NEW, "other plain words", "new_password_again", "are not the same"),
        (PASSWORD, "short", "short", "new_password", "8 to 128 characters"),
        (PASSWORD, "Password1", "Password1", "new_password", "easily guessed"),
        (PASSWORD, "Bina.Das", "Bina.Das", "new_password", "your user name"),
        (PASSWORD, PASSWORD, PASSWORD, "new_password", "is the current one"),
    ] {
        let answer = change(&browser, current, new, again).await;
        assert_eq!((answer.status, answer.location().as_str()), (303, "/account/password"), "{says}");
        let page = browser.get("/account/password").await;
        assert!(page.words("[role=alert]").contains(says), "{says}: {}", page.words("[role=alert]"));
        assert!(page.words("title").starts_with("Error:"));
        assert_eq!(page.attr("[role=alert] a", "href"), format!("#{field}"));
        let at = page.one("[aria-invalid=true]");
        assert_eq!((at.attr("name"), at.attr("autofocus")), (Some(field), Some("")), "{says}");
        for typed in [current, new, again] {
            assert!(!page.text.contains(&format!("value=\"{typed}\"")), "what was typed is not kept");
        }
        assert!(browser.get("/account/password").await.all("[role=alert]").is_empty(), "told once");
    }
    let old = Browser::new(world.address);
    old.sign_in("bina.das").await;
    assert_eq!(old.get("/account").await.status, 200);
}

async fn a_wrong_current_password_counts_like_a_failed_sign_in(world: World) {
    let browser = world.browser_of("bina", Role::Viewer, "od").await;
    assert_eq!(change(&browser, "wrong", NEW, NEW).await.status, 303);
    assert_eq!(last(&world), ("bina".to_owned(), Action::PasswordRefused, None));
    for _ in 0..9 {
        assert_eq!(change(&browser, "wrong", NEW, NEW).await.status, 303);
    }
    let refused = change(&browser, PASSWORD, NEW, NEW).await;
    assert_eq!(refused.status, 429);
    assert!(refused.words("[role=alert]").contains("too many failed attempts"));
    let elsewhere = Browser::new(world.address);
    elsewhere.sign_in("bina").await;
    elsewhere.get("/account").await;
    world.later(chrono::Duration::minutes(16));
    assert_eq!(change(&browser, PASSWORD, NEW, NEW).await.location(), "/account");
}

async fn a_changed_password_ends_the_other_sessions_and_its_own_goes_on_under_another_id(world: World) {
    let browser = world.browser_of("bina", Role::Viewer, "od").await;
    let elsewhere = Browser::new(world.address);
    elsewhere.sign_in("bina").await;
    assert_eq!(elsewhere.get("/account").await.status, 200);
    let changed = change(&browser, PASSWORD, NEW, NEW).await;
    let cookies: Vec<_> = changed.headers.get_all("set-cookie").iter().collect();
    assert!(
        cookies.iter().any(|cookie| cookie.to_str().unwrap().starts_with("mukta-ftps=")),
        "another id: {cookies:?}"
    );
    assert_eq!(browser.get("/account").await.status, 200);
    assert_eq!(browser.get("/account").await.all("#sessions tbody tr").len(), 1);
    assert!(elsewhere.get("/account").await.location().starts_with("/sign-in"));
    assert_eq!(Browser::new(world.address).try_to_sign_in("bina", PASSWORD).await.location(), "/sign-in");
}

async fn sessions_are_seen_and_ended(world: World) {
    let browser = world.browser_of("bina", Role::Viewer, "od").await;
    let [second, third] = [Browser::new(world.address), Browser::new(world.address)];
    for other in [&second, &third] {
        other.sign_in("bina").await;
        other.get("/account").await;
    }
    let page = browser.get("/account").await;
    assert_eq!(page.all("#sessions tbody tr").len(), 3);
    assert!(page.words("tr[data-session=this]").contains("127.0.0.1"));
    let id = page.all("tr[data-session=other] input[name=session]")[0].attr("value").unwrap().to_owned();
    let colleague = world.browser_of("chitra", Role::Viewer, "od").await;
    colleague.post("/account/sessions", &[("session", &id)]).await;
    assert_eq!(browser.get("/account").await.all("#sessions tbody tr").len(), 3, "nobody ends another's");
    assert_eq!(browser.post("/account/sessions", &[("session", &id)]).await.location(), "/account");
    assert_eq!(last(&world).1, Action::SessionEnded);
    let left = [second.get("/account").await.status, third.get("/account").await.status];
    assert!(left == [200, 303] || left == [303, 200], "one of them has ended: {left:?}");
    browser.post("/account/sessions", &[("others", "yes")]).await;
    assert_eq!([second.get("/account").await.status, third.get("/account").await.status], [303, 303]);
    assert_eq!(browser.get("/account").await.words("#notice"), "Your other sessions have ended.");
}

async fn what_failed_since_the_last_sign_in_is_told_once(world: World) {
    let first = world.browser_of("bina", Role::Viewer, "od").await;
    assert!(first.get("/payment-instructions").await.all("#arrival").is_empty(), "there is nothing to tell");
    for _ in 0..2 {
        Browser::new(world.address).try_to_sign_in("bina", "wrong").await;
    }
    world.later(chrono::Duration::hours(1));
    let browser = Browser::new(world.address);
    browser.sign_in("bina").await;
    let page = browser.get("/payment-instructions").await;
    assert_eq!(page.attr("#arrival", "data-failures"), "2");
    assert!(page.words("#arrival").starts_with("You had signed in before on "), "{}", page.words("#arrival"));
    assert!(browser.get("/payment-instructions").await.all("#arrival").is_empty(), "it is told once");
    let account = browser.get("/account").await;
    assert_eq!(account.attr("#sign-ins", "data-failures"), "2");
    assert!(account.words("#sign-ins").contains("2 attempts to sign in with your name have failed"));
    Browser::new(world.address).try_to_sign_in("bina", "wrong").await;
    let account = browser.get("/account").await;
    assert_eq!(account.attr("#sign-ins", "data-failures"), "3", "what fails during this sign-in counts too");
}
