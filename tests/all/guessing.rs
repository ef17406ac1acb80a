//! Guessing at passwords, the queue before them, and what the audit trail is told: CONTRACT.md, Pages.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use diesel::prelude::*;
use mukta_ftps::access::Role;
use mukta_ftps::store::attempts::Attempt;
use mukta_ftps::store::audit::{self, Action};
use mukta_ftps::store::schema::{sessions, sign_in_failures, sign_in_tallies};
use mukta_ftps::store::scope::Scope;
use mukta_ftps::web::Sessions;

use crate::support::{Browser, PASSWORD, Page, World, endless_sessions, on_both};

on_both!(
    from_one_address_or_ipv6_network_ten_guesses_at_a_name_are_looked_at,
    from_a_thousand_addresses_at_most_fifty_guesses_are_looked_at_and_a_known_browser_gets_in,
    many_guesses_at_once_do_not_slip_through,
    a_known_browser_has_a_count_of_its_own,
    after_three_hundred_failures_an_address_is_refused_but_to_known_browsers,
    who_finds_no_room_in_the_queue_is_told_so_at_once,
    a_right_sign_in_waits_for_no_more_than_those_before_it,
    a_flood_of_failures_is_a_few_events,
    asking_for_the_sign_in_keeps_nothing_here,
    a_form_before_the_sign_in_needs_the_token_of_its_own_browser,
);

/// How many rows a table has.
macro_rules! rows {
    ($world:expr, $table:ident) => {
        $world.read(|db| Ok($table::table.count().get_result::<i64>(db)?))
    };
}

/// The same program behind a proxy that says where a browser is.
async fn behind_a_proxy(world: &World) -> Browser {
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    world.served_with(Sessions { trusted_proxies, ..endless_sessions() }).await
}

/// An attempt from an address, with whatever cookies the browser has.
async fn attempt(browser: &Browser, from: &str, name: &str, password: &str, token: &str) -> Page {
    let fields = [("username", name), ("password", password), ("form_token", token)];
    let form = browser.client.post(browser.url("/sign-in")).header("x-forwarded-for", from).form(&fields);
    Page::of(form.send().await.unwrap()).await
}

/// How often a password was looked at.
fn looked_at(statuses: &[u16]) -> usize {
    statuses.iter().filter(|status| **status == 303).count()
}

async fn from_one_address_or_ipv6_network_ten_guesses_at_a_name_are_looked_at(world: World) {
    let browser = behind_a_proxy(&world).await;
    let token = browser.form_token().await;
    let (mut from_one, mut from_network) = (Vec::new(), Vec::new());
    for n in 0..15 {
        from_one.push(attempt(&browser, "203.0.113.9", "asha", "wrong", &token).await.status);
        let address = format!("2001:db8:1:2::{n:x}");
        from_network.push(attempt(&browser, &address, "bina", "wrong", &token).await.status);
    }
    for statuses in [&from_one, &from_network] {
        assert_eq!(looked_at(statuses), 10, "{statuses:?}");
        assert!(statuses[10..].iter().all(|status| *status == 429));
    }
    let refused = attempt(&browser, "203.0.113.9", "asha", PASSWORD, &token).await;
    assert_eq!(refused.status, 429, "the right password too");
    assert_eq!(refused.headers["retry-after"], "900");
    assert_eq!(attempt(&browser, "203.0.113.10", "asha", PASSWORD, &token).await.status, 303);
}

async fn from_a_thousand_addresses_at_most_fifty_guesses_are_looked_at_and_a_known_browser_gets_in(
    world: World,
) {
    let browser = behind_a_proxy(&world).await;
    let known = Browser::new(browser.address);
    known.sign_in("asha").await;
    known.post("/sign-out", &[]).await;
    let token = browser.form_token().await;
    let mut looked = 0;
    for n in 0..1000 {
        let address = format!("10.1.{}.{}", n / 250, n % 250);
        let answer = attempt(&browser, &address, "asha", "wrong", &token).await;
        looked += looked_at(&[answer.status]);
        if answer.status != 303 {
            assert_eq!((answer.status, answer.headers["retry-after"].to_str().unwrap()), (429, "30"));
            assert!(answer.words("[role=alert]").contains("Wait half a minute"));
        }
        if n == 500 {
            assert_eq!(known.try_to_sign_in("asha", PASSWORD).await.status, 303, "it is known");
        }
        world.later(TimeDelta::milliseconds(899));
    }
    assert!((40..=50).contains(&looked), "{looked} of a thousand");
    world.later(TimeDelta::minutes(16));
    assert_eq!(attempt(&browser, "10.9.9.9", "asha", PASSWORD, &token).await.status, 303);
}

async fn many_guesses_at_once_do_not_slip_through(world: World) {
    let browser = behind_a_proxy(&world).await;
    let token = browser.form_token().await;
    let mut looked = 0;
    for round in 0..5 {
        let guesses = (0..15).map(|n| {
            let (browser, token) = (&browser, &token);
            async move {
                let from = format!("10.{round}.0.{n}");
                attempt(browser, &from, "asha", "wrong", token).await.status
            }
        });
        looked += looked_at(&futures_util::future::join_all(guesses).await);
    }
    assert_eq!(looked, 20, "all within one moment");
    assert_eq!(rows!(world, sign_in_failures), 20);
}

async fn a_known_browser_has_a_count_of_its_own(world: World) {
    world.employ("bina", Role::Viewer, "od");
    let known = Browser::new(world.address);
    known.sign_in("bina").await;
    known.post("/sign-out", &[]).await;
    let stranger = Browser::new(world.address);
    for _ in 0..10 {
        assert_eq!(stranger.try_to_sign_in("bina", "wrong").await.status, 303);
    }
    assert_eq!(stranger.try_to_sign_in("bina", PASSWORD).await.status, 429);
    for _ in 0..10 {
        assert_eq!(known.try_to_sign_in("bina", "wrong").await.status, 303, "of the same address");
    }
    assert_eq!(known.try_to_sign_in("bina", PASSWORD).await.status, 429, "ten of its own");
    // It is known for that name alone, and for the last five of them.
    world.later(TimeDelta::minutes(16));
    for n in 0..5 {
        let name = format!("other{n}");
        world.employ(&name, Role::Viewer, "od");
        known.sign_in(&name).await;
        known.post("/sign-out", &[]).await;
    }
    for _ in 0..10 {
        stranger.try_to_sign_in("bina", "wrong").await;
        stranger.try_to_sign_in("other0", "wrong").await;
    }
    assert_eq!(known.try_to_sign_in("bina", PASSWORD).await.status, 429, "five signed in after that");
    let in_again = known.try_to_sign_in("other0", PASSWORD).await;
    assert_eq!(in_again.status, 303);
    let cookies: Vec<&str> =
        in_again.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect();
    let mark = cookies.iter().find(|cookie| cookie.starts_with("mukta-ftps-known=")).unwrap();
    assert!(mark.contains("HttpOnly") && mark.contains("SameSite=Lax") && !mark.contains("other0"), "{mark}");
}

async fn after_three_hundred_failures_an_address_is_refused_but_to_known_browsers(world: World) {
    world.employ("bina", Role::Viewer, "od");
    let known = Browser::new(world.address);
    known.sign_in("bina").await;
    known.post("/sign-out", &[]).await;
    let at = world.app.clock.now().naive_utc();
    let network = || "127.0.0.1".to_owned();
    world.write(|db| {
        (0..299).try_for_each(|n| {
            Attempt { name_hash: format!("n{n}"), network: network(), browser: None, at }.note(db).map(drop)
        })
    });
    let stranger = Browser::new(world.address);
    assert_eq!(stranger.try_to_sign_in("nobody-here", "wrong").await.status, 303, "the 300th");
    assert_eq!(stranger.try_to_sign_in("bina", PASSWORD).await.status, 429);
    assert_eq!(known.try_to_sign_in("bina", PASSWORD).await.status, 303);
}

async fn who_finds_no_room_in_the_queue_is_told_so_at_once(world: World) {
    world.employ("bina", Role::Viewer, "od");
    let browser = behind_a_proxy(&world).await;
    let known = Browser::new(browser.address);
    known.sign_in("bina").await;
    known.post("/sign-out", &[]).await;
    let (token, known_token) = (browser.form_token().await, known.form_token().await);
    // Passwords take for ever.
    let slots = Arc::clone(&world.site.password_slots).acquire_many_owned(2).await.unwrap();
    let browser = Arc::new(browser);
    let wrong: Vec<_> = (0..200)
        .map(|n| {
            let (browser, token) = (Arc::clone(&browser), token.clone());
            tokio::spawn(async move {
                let (from, name) = (format!("10.0.0.{}", n % 100), format!("name{n}"));
                attempt(&browser, &from, &name, "wrong", &token).await.status
            })
        })
        .collect();
    // All but those that wait have been answered.
    world.until(|| wrong.iter().filter(|answer| answer.is_finished()).count() == 200 - 16).await;
    let full = attempt(&browser, "10.0.1.1", "asha", PASSWORD, &token).await;
    assert_eq!((full.status, full.headers["retry-after"].to_str().unwrap()), (503, "2"));
    assert!(full.words("[role=alert]").contains("Many are signing in"));
    assert_eq!(full.attr("#username", "value"), "asha", "the name is kept");
    let right =
        tokio::spawn(async move { attempt(&known, "10.0.1.2", "bina", PASSWORD, &known_token).await.status });
    world.until(|| rows!(world, sign_in_failures) == 17).await;
    drop(slots);
    assert_eq!(right.await.unwrap(), 303, "whoever is known waits with them");
    let mut statuses = Vec::new();
    for answer in wrong {
        statuses.push(answer.await.unwrap());
    }
    assert_eq!(looked_at(&statuses), 16);
    assert_eq!(statuses.iter().filter(|status| **status == 503).count(), 184);
}

/// How long a right sign-in takes, alone and while two hundred wrong ones want in, of which as many wait as may.
async fn a_right_sign_in_waits_for_no_more_than_those_before_it(world: World) {
    world.employ("bina", Role::Viewer, "od");
    let browser = Arc::new(behind_a_proxy(&world).await);
    let known = Browser::new(browser.address);
    known.sign_in("bina").await;
    known.post("/sign-out", &[]).await;
    let (token, known_token) = (browser.form_token().await, known.form_token().await);
    let begun = Instant::now();
    assert_eq!(attempt(&known, "10.0.1.2", "bina", PASSWORD, &known_token).await.status, 303);
    let alone = begun.elapsed();
    known.post("/sign-out", &[]).await;
    let known_token = known.form_token().await;
    let wrong: Vec<_> = (0..200)
        .map(|n| {
            let (browser, token) = (Arc::clone(&browser), token.clone());
            tokio::spawn(async move {
                let (from, name) = (format!("10.0.0.{n}"), format!("name{n}"));
                attempt(&browser, &from, &name, "wrong", &token).await.status
            })
        })
        .collect();
    world.until(|| rows!(world, sign_in_failures) > 0).await;
    let begun = Instant::now();
    let right = attempt(&known, "10.0.1.2", "bina", PASSWORD, &known_token).await;
    let among = begun.elapsed();
    assert_eq!(right.status, 303);
    for answer in wrong {
        assert!([303, 503].contains(&answer.await.unwrap()));
    }
    println!(
        "a right sign-in: {} ms alone, {} ms among 200 wrong ones",
        alone.as_millis(),
        among.as_millis()
    );
    // At most 32 wait, two are looked at at once.
    assert!(among < alone * 40 + Duration::from_secs(5), "{alone:?}, {among:?}");
}

/// What the trail was told of failures: actor, address, action, subject, the oldest first.
fn told(world: &World) -> Vec<(String, String, Action, Option<String>)> {
    let mut events = world.read(|db| audit::newest(db, &Scope::of("od"), None, 100));
    events.reverse();
    events
        .into_iter()
        .filter(|event| matches!(event.action, Action::SignInFailed | Action::SignInThrottled))
        .map(|event| (event.actor, event.address.unwrap(), event.action, event.subject))
        .collect()
}

async fn a_flood_of_failures_is_a_few_events(world: World) {
    let browser = behind_a_proxy(&world).await;
    let token = browser.form_token().await;
    for n in 0..23 {
        attempt(&browser, &format!("2001:db8:1:2::{n:x}"), "asha", "wrong", &token).await;
        attempt(&browser, "203.0.113.9", &format!("nobody{n}"), "wrong", &token).await;
    }
    world.later(TimeDelta::minutes(15));
    attempt(&browser, "203.0.113.9", "nobody", "wrong", &token).await;
    let event = |actor: &str, address: &str, action, times: &str| {
        let subject = (!times.is_empty()).then(|| times.to_owned());
        (actor.to_owned(), address.to_owned(), action, subject)
    };
    let (failed, throttled) = (Action::SignInFailed, Action::SignInThrottled);
    let mut told = told(&world);
    let mut expected = vec![
        event("asha", "2001:db8:1:2::", failed, ""),
        event("asha", "2001:db8:1:2::/64", failed, "× 10"),
        event("asha", "2001:db8:1:2::a", throttled, ""),
        event("asha", "2001:db8:1:2::/64", throttled, "× 10"),
        event("asha", "2001:db8:1:2::/64", throttled, "× 13"),
        event("unknown name", "203.0.113.9", failed, ""),
        event("unknown name", "203.0.113.9", failed, "× 10"),
        event("unknown name", "203.0.113.9", failed, "× 23"),
        event("unknown name", "203.0.113.9", failed, ""),
    ];
    told.sort_by_key(|event| format!("{event:?}"));
    expected.sort_by_key(|event| format!("{event:?}"));
    assert_eq!(told, expected);
    assert_eq!(rows!(world, sign_in_tallies), 1, "the others are closed");
}

async fn asking_for_the_sign_in_keeps_nothing_here(world: World) {
    let kept = || rows!(world, sessions);
    let before = kept();
    for _ in 0..50 {
        assert_eq!(Browser::new(world.address).get("/sign-in").await.status, 200);
    }
    let stranger = Browser::new(world.address);
    // Nor does what a stranger sends.
    stranger.post("/language", &[("language", "or")]).await;
    stranger.post_bare("/payment-instructions/ask", &[]).await;
    stranger.try_to_sign_in("asha", "wrong").await;
    assert_eq!(kept(), before);
    stranger.sign_in("asha").await;
    assert_eq!(kept(), before + 1);
}

async fn a_form_before_the_sign_in_needs_the_token_of_its_own_browser(world: World) {
    let (one, other) = (Browser::new(world.address), Browser::new(world.address));
    let (token, of_other) = (one.form_token().await, other.form_token().await);
    assert_eq!(token, one.form_token().await, "a second page does not spoil the first");
    let typed = |token: &str| {
        [("username", "asha"), ("password", PASSWORD), ("form_token", token)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let send = async |browser: &Browser, token: &str| {
        let fields = typed(token);
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        browser.post_bare("/sign-in", &fields).await
    };
    assert_eq!(send(&one, &of_other).await.status, 403);
    assert_eq!(send(&Browser::new(world.address), &token).await.status, 403, "nor without its cookie");
    let forged = reqwest::Client::new()
        .post(one.url("/sign-in"))
        .header("cookie", format!("mukta-ftps-form={token}"))
        .form(&typed(&token));
    assert_eq!(Page::of(forged.send().await.unwrap()).await.status, 403, "nor with one that is not ours");
    assert_eq!(send(&one, &token).await.status, 303);
    let signed_out =
        Page::of(one.client.post(one.url("/sign-out")).form(&[("form_token", &token)]).send().await.unwrap())
            .await;
    assert_eq!(signed_out.status, 403, "the session has a token of its own");
}
