//! An administrator keeps the users in a real browser: in three languages, on a phone, by the copy button, and on paper.

use super::accessible::sheets;
use super::chromium::{Chromium, DESK, NARROW, PHONE, Scripts};
use super::stage::{self, follow_way, sign_in};
use crate::support::{Kind, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_are_kept_in_three_languages_on_every_screen() {
    let world = World::start(Kind::Sqlite).await;
    stage::set(&world);
    let person = Chromium::open(&world, DESK, Scripts::On).await;
    sign_in(&person, "asha").await;
    for language in ["en", "or", "hi"] {
        person.go("/employees").await;
        person.click_through(&format!(".languages [value={language}]")).await;
        assert_eq!(person.attribute("html", "lang").await, language);
        person.check_page(&format!("the users in {language}")).await;
        person.fill("#name", &format!("user-{language}")).await;
        person.click("input[name=role][value=accountant]").await;
        person.click("#tenant option[value='od.jatni']").await;
        person.click_through("#add button").await;
        let password = person.words("#one-time-password").await;
        assert_eq!(password.len(), 19, "{password}");
        person.until("the password is read out", async || person.has_focus("#notice").await).await;
        assert_eq!(person.count("#one-time-password + button").await, 1, "and can be copied");
        person.check_page(&format!("a user added in {language}")).await;
        person.picture(&format!("user-added-{language}")).await;
        for screen in [PHONE, NARROW, DESK] {
            person.resize(screen).await;
            person.check_width(&format!("a user in {language}, {screen:?}")).await;
        }
        let page = person.find("html").await;
        person.run("location.reload()").await;
        person.gone(&page).await;
        person.find("#user").await;
        assert_eq!(person.count("#one-time-password").await, 0, "told once");
        person.click_through("form#disable button").await;
        assert_eq!(person.attribute("#user", "data-state").await, "disabled");
        person.check_page(&format!("a disabled user in {language}")).await;
        person.go("/employees").await;
        for (screen, name) in [(PHONE, "phone"), (NARROW, "narrow"), (DESK, "desk")] {
            person.resize(screen).await;
            person.check_width(&format!("the users in {language}, {screen:?}")).await;
            person.picture(&format!("users-{language}-{name}")).await;
        }
        person.fill("#name", "asha").await;
        person.click("input[name=role][value=viewer]").await;
        person.click("#tenant option[value=od]").await;
        person.click_through("#add button").await;
        person.until("reading goes on at the name", async || person.has_focus("#name").await).await;
        person.check_page(&format!("a name that is taken in {language}")).await;
    }
    person.go("/employees").await;
    person.click_through(".languages [value=en]").await;
    person.go("/employees").await;
    assert_eq!(sheets(&person.print().await), 1, "a few users are one sheet");
    person.resize(PHONE).await;
    person.go("/").await;
    follow_way(&person, "Users").await;
    person.find("#users").await;
    person.close().await;
}
