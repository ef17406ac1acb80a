//! The second factor at a desk and on a phone, in three languages: set up, asked for at the sign-in, and asked for again
//! before a payload is opened.

use chrono::Duration;
use mukta_ftps::access::Role;
use mukta_ftps::access::second_factor::Secret;

use super::accessible::sheets;
use super::chromium::{Chromium, DESK, NARROW, PHONE, Scripts};
use super::stage::{self, page_of, sign_in};
use crate::support::{Kind, PASSWORD, REVISED, World};

const PAGE: &str = "/account/second-factor";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_factor_is_set_up_and_given_in_every_language() {
    let world = World::start(Kind::Sqlite).await;
    stage::set(&world);
    world.press_refresh(REVISED).await;
    for language in ["en", "or", "hi"] {
        let name = format!("admin-{language}");
        world.employ(&name, Role::Admin, "od");
        let person = Chromium::open(&world, DESK, Scripts::On).await;
        person.go("/sign-in").await;
        person.click_through(&format!(".languages [value={language}]")).await;
        sign_in(&person, &name).await;
        let secret = set_up(&world, &person, language).await;

        person.click_through(".sign-out button").await;
        person.fill("#username", &name).await;
        person.fill("#password", PASSWORD).await;
        person.click_through("form.fields button").await;
        assert_eq!(person.attribute("html", "lang").await, language);
        assert!(person.has_focus("#code").await, "one types on");
        check(&person, &format!("code at the sign-in in {language}")).await;
        give(&person, "000000").await;
        check(&person, &format!("wrong code in {language}")).await;
        assert!(person.has_focus("#code").await);
        give(&person, &secret.code_at(world.app.clock.now())).await;
        person.find("nav.side").await;

        world.later(Duration::minutes(11));
        person.go(&format!("{}/calls", page_of(REVISED))).await;
        person.click_through(".open-in-full button").await;
        check(&person, &format!("code before a payload in {language}")).await;
        give(&person, &secret.code_at(world.app.clock.now())).await;
        assert_eq!(person.count("details[open]").await, 2, "what was asked for is seen");
        person.go(PAGE).await;
        check(&person, &format!("what there is, in {language}")).await;
        person.go(&format!("{PAGE}?anew=yes")).await;
        check(&person, &format!("another phone, in {language}")).await;
        person.close().await;
    }
}

/// Sets one up; the clock goes on to the app's next code.
async fn set_up(world: &World, person: &Chromium, language: &str) -> Secret {
    person.go(PAGE).await;
    check(person, &format!("set up in {language}")).await;
    let picture = person.find(".qr").await.rect().await.unwrap();
    assert!(picture.width >= 180.0 && (picture.width - picture.height).abs() < 1.0, "a camera reads it");
    let secret = Secret::read(&person.words("#secret").await.replace(' ', "")).unwrap();
    person.fill("#current_password", PASSWORD).await;
    give(person, &secret.code_at(world.app.clock.now())).await;
    assert_eq!(person.count("#recovery-codes li").await, 10);
    assert!(person.has_focus("#notice").await, "what was done is read out");
    check(person, &format!("recovery codes in {language}")).await;
    assert_eq!(sheets(&person.print().await), 1, "on one sheet in {language}");
    person.picture_on_paper(&format!("recovery-codes-print-{language}")).await;
    world.later(Duration::seconds(30));
    secret
}

async fn give(person: &Chromium, code: &str) {
    person.fill("#code", code).await;
    person.click_through("form#second-factor .main-action").await;
}

/// Axe, console and width, at a desk and on what is narrow.
async fn check(person: &Chromium, what: &str) {
    person.check_page(what).await;
    for (screen, name) in [(PHONE, "phone"), (NARROW, "narrow"), (DESK, "desk")] {
        person.resize(screen).await;
        person.check_width(&format!("{what}, {screen:?}")).await;
        person.picture(&format!("{}-{name}", what.replace([' ', ','], "-"))).await;
    }
}
