//! What becomes of a form: a `303` to a page, and after a session's end the page that says it was not done.

use chrono::Duration;
use mukta_ftps::access::Role;
use mukta_ftps::web::Sessions;
use reqwest::header::REFERER;

use crate::support::{
    Browser, Kind, PASSWORD, PEOPLE, Page, REVISED, SESSION_KEY, World, on_both, original, revised,
};

on_both!(
    a_refresh_after_the_sessions_end_was_not_done_and_the_next_page_says_so,
    every_form_after_the_sessions_end_leads_back_and_is_not_done,
    what_was_not_done_is_told_on_a_page_that_is_not_there_too,
);

/// A browser whose session of `bina` has ended.
async fn ended(world: &World) -> Browser {
    let browser = world.served_with(Sessions::local(&SESSION_KEY)).await;
    browser.sign_in("bina").await;
    world.later(Duration::minutes(31));
    browser
}

/// Sends a form as the browser would from a page that had been open for long.
async fn send(browser: &Browser, path: &str, from: Option<&str>) -> Page {
    let form = browser.client.post(browser.url(path)).form(&[("form_token", "of the session that ended")]);
    let form = match from {
        Some(page) => form.header(REFERER, browser.url(page)),
        None => form,
    };
    Page::of(form.send().await.unwrap()).await
}

/// Signs in on the page that an answer leads to, and opens the page after it; where that was.
async fn sign_in_after(browser: &Browser, answer: &Page) -> (String, Page) {
    assert_eq!(answer.status, 303);
    let page = browser.get(&answer.location()).await;
    assert!(page.text.contains("Your session has ended"), "{}", answer.location());
    let next = page.attr("input[name=next]", "value");
    let token = page.attr("form.fields input[name=form_token]", "value");
    let fields = [("username", "bina"), ("password", PASSWORD), ("next", &next), ("form_token", &token)];
    let mut to = browser.post_bare("/sign-in", &fields).await.location();
    let mut page = browser.get(&to).await;
    while page.status == 303 {
        to = page.location();
        page = browser.get(&to).await;
    }
    (to, page)
}

async fn a_refresh_after_the_sessions_end_was_not_done_and_the_next_page_says_so(world: World) {
    world.import_pair(PEOPLE);
    world.employ("bina", Role::Accountant, "od");
    let view = format!("/payment-instructions/{REVISED}");
    for from in [None, Some(format!("{view}?payment=failed&notice=busy"))] {
        let browser = ended(&world).await;
        let answer = send(&browser, &format!("{view}/refresh"), from.as_deref()).await;
        // A mistyped password in between loses nothing.
        let form = browser.get(&answer.location()).await;
        let next = form.attr("input[name=next]", "value");
        let wrong =
            browser.post("/sign-in", &[("username", "bina"), ("password", "x"), ("next", &next)]).await;
        assert!(browser.get(&wrong.location()).await.text.contains("is not right"));
        let (to, page) = sign_in_after(&browser, &answer).await;
        assert_eq!(to, if from.is_some() { format!("{view}?payment=failed") } else { view.clone() });
        assert_eq!(page.words("#undone"), "Refresh was not done: press it again. Your session had ended.");
        assert!(page.one("#undone").value().attr("autofocus").is_some(), "reading goes on there");
        assert_eq!(page.attr("main", "data-pi-status"), "In Process");
        assert!(browser.get(&to).await.all("#undone").is_empty(), "it is told once");
    }
    assert_eq!(world.jit.calls_received(), 0);
}

async fn every_form_after_the_sessions_end_leads_back_and_is_not_done(world: World) {
    world.import_pair(PEOPLE);
    world.employ("bina", Role::Admin, "od");
    let calls = format!("/payment-instructions/{REVISED}/calls");
    let notes = format!("/payment-instructions/{REVISED}/notes");
    let view = format!("/payment-instructions/{REVISED}");
    for (path, from, to, says) in [
        ("/sync-runs", None, "/sync-runs", "Running the sync was not done"),
        (
            "/messages/resend",
            Some("/messages?state=failed"),
            "/messages?state=failed",
            "Sending again was not done",
        ),
        ("/messages/1/resend", None, "/messages", "Sending again was not done"),
        ("/messages/settle", None, "/messages", "Settling was not done"),
        (
            "/payment-instructions/fetch",
            None,
            "/payment-instructions",
            "Fetching from MUKTASoft was not done",
        ),
        (calls.as_str(), None, calls.as_str(), "Opening in full was not done"),
        (notes.as_str(), None, view.as_str(), "The note was not done"),
        ("/sign-out", Some("/audit"), "/audit", "Signing out was not done"),
        ("/language", Some("/audit?before=7"), "/audit?before=7", "The change of language was not done"),
        ("/nowhere", Some("//evil.example/x"), "/", "What you sent was not done"),
        ("/nowhere", Some("/sign-in?next=%2Faudit"), "/", "What you sent was not done"),
    ] {
        let browser = ended(&world).await;
        let answer = send(&browser, path, from).await;
        let (led_to, page) = sign_in_after(&browser, &answer).await;
        assert_eq!(led_to, to, "{path}");
        assert!(page.words("#undone").starts_with(says), "{path}: {}", page.words("#undone"));
    }
    world.browser.sign_in("asha").await;
    assert!(world.get("/sync-runs").await.text.contains("There has been no run yet"));
}

async fn what_was_not_done_is_told_on_a_page_that_is_not_there_too(world: World) {
    world.import(&[
        original("PI-A", PEOPLE).of_tenant("od.dhenkanal"),
        revised("PI-B", "PI-A", PEOPLE).of_tenant("od.dhenkanal"),
    ]);
    world.employ("bina", Role::Accountant, "od.jatni");
    let browser = ended(&world).await;
    let answer = send(&browser, "/payment-instructions/PI-B/refresh", None).await;
    let (_, page) = sign_in_after(&browser, &answer).await;
    assert_eq!(page.status, 404);
    assert!(page.words("#undone").starts_with("Refresh was not done"));
    assert!(browser.get("/payment-instructions").await.all("#undone").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_at_fault_says_so_in_the_title() {
    let world = World::start(Kind::Sqlite).await;
    let page = world.browser.post_bare("/sign-out", &[]).await;
    assert_eq!(page.status, 403);
    assert!(page.words("title").starts_with("Error: Nothing was done"));
    assert!(world.get("/nowhere").await.words("title").starts_with("Page not found"));
}
