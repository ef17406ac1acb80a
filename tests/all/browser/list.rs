//! The list on a desk and on a phone: how much of it is seen at once, how far it is by keyboard, what it weighs,
//! and marking rows, with scripts and without.

use mukta_ftps::simulator::jit::Scenario;
use thirtyfour::prelude::*;

use super::chromium::{Chromium, DESK, OFFICE, PHONE, Scripts};
use super::light;
use super::stage::{self, ACCOUNTANT, sign_in};
use crate::support::{Kind, ORIGINAL, PEOPLE, World, revised};

/// A list of fifty in all, uncompressed.
const LARGEST_LIST: u64 = 100 * 1024;
/// From the skip link's target to the first payment instruction.
const MOST_TABS: usize = 6;
const FIRST_ON_A_PHONE: f64 = 320.0;
const HIGHEST_CARD: f64 = 160.0;

/// Sixty that wait, a third of them with an error from JIT, and one with none.
async fn world() -> World {
    let world = World::start(Kind::Sqlite).await;
    stage::set(&world);
    let numbers: Vec<String> = (0..60).map(|n| format!("PI-1013/2023-24/{n:06}")).collect();
    let all: Vec<_> = numbers.iter().map(|number| revised(number, ORIGINAL, PEOPLE)).collect();
    world.import(&all);
    world.database.execute(
        "UPDATE payment_instructions SET ftps_outcome = 'error', ftps_called_at = '2024-03-20 16:30:05',
            ftps_message = 'On call of FTPS API: Bill details not found for the given parameters in JIT'
            WHERE id % 3 = 0 AND status = 'In Process'",
    );
    world
}

async fn numbers(person: &Chromium, script: &str) -> Vec<f64> {
    let told = person.run(script).await;
    told.as_array().unwrap().iter().map(|one| one.as_f64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_rows_are_seen_at_once_and_a_page_of_fifty_is_light() {
    let world = world().await;
    for (name, role_is_state) in [(ACCOUNTANT, false), ("asha", true)] {
        let person = Chromium::open(&world, OFFICE, Scripts::On).await;
        sign_in(&person, name).await;
        for tab in ["", "?tab=needs-you", "?tab=all"] {
            person.go(&format!("/payment-instructions{tab}")).await;
            let ends = numbers(
                &person,
                "return [...document.querySelectorAll('tbody tr')].map((row) => row.getBoundingClientRect().bottom)",
            )
            .await;
            assert_eq!(ends.len(), 50, "{tab}");
            let seen = ends.iter().filter(|end| **end <= 768.0).count();
            assert!(seen >= 10, "{tab}: {seen} rows in 768 px, of the state: {role_is_state}: {ends:?}");
            let weight = light::weight(&person).await;
            println!("list{tab}, of the state: {role_is_state}: {weight} bytes, {seen} rows in 768 px");
            assert!(weight <= LARGEST_LIST, "{tab}: {weight} bytes");
            person.check_page(&format!("list{tab}")).await;
            person.picture(&format!("list{}-{name}", tab.replace(['?', '='], "-"))).await;
        }
        person.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_shows_cards_that_are_small_and_begin_early() {
    let world = world().await;
    let person = Chromium::open(&world, PHONE, Scripts::On).await;
    sign_in(&person, ACCOUNTANT).await;
    for tab in ["", "?tab=needs-you", "?tab=all"] {
        person.go(&format!("/payment-instructions{tab}")).await;
        person.check_width(tab).await;
        person.picture(&format!("list{}-phone", tab.replace(['?', '='], "-"))).await;
        let begins =
            numbers(&person, "return [document.querySelector('tbody tr').getBoundingClientRect().top]").await;
        println!("list{tab} on a phone begins at {begins:?}");
        assert!(begins[0] <= FIRST_ON_A_PHONE, "{tab} begins at {begins:?}");
        let heights = numbers(
            &person,
            "return [...document.querySelectorAll('tbody tr')].map((row) => row.getBoundingClientRect().height)",
        )
        .await;
        let highest = heights.iter().copied().fold(0.0, f64::max);
        println!("list{tab} on a phone: a card is {highest} px at most");
        assert!(highest <= HIGHEST_CARD, "{tab}: a card is {highest} px high");
    }
    person.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_tabs_lead_to_the_first_payment_instruction() {
    let world = world().await;
    let person = Chromium::open(&world, DESK, Scripts::On).await;
    sign_in(&person, ACCOUNTANT).await;
    person.go("/payment-instructions").await;
    person.press(Key::Tab).await;
    assert!(person.has_focus(".skip").await);
    person.press(Key::Enter).await;
    person.until("the main part has the focus", async || person.has_focus("main").await).await;
    let mut tabs = 0;
    while !person.has_focus("tbody tr:first-child th a").await {
        person.press(Key::Tab).await;
        tabs += 1;
        assert!(tabs <= MOST_TABS, "{tabs} Tabs and not there yet");
    }
    println!("{tabs} Tabs to the first payment instruction");
    person.press(Key::Enter).await;
    person.find("main[data-pi-number]").await;
    person.close().await;
}

async fn marks_and_asks(world: &World, scripts: Scripts, rows: &[&str]) {
    let person = Chromium::open(world, DESK, scripts).await;
    sign_in(&person, ACCOUNTANT).await;
    person.go("/payment-instructions?sort=pi-number").await;
    for number in rows {
        person.click(&format!("tbody input[value='{number}']")).await;
    }
    person.click_through("#ask button").await;
    assert_eq!(
        person.words("#notice").await,
        "JIT is asked about 2 payment instructions now, one after the other."
    );
    assert_eq!(person.attribute("thead [aria-sort]", "aria-sort").await, "ascending", "where one was");
    person.check_page("after asking").await;
    world.until(|| rows.iter().all(|number| world.stored(number).status.as_str() == "Completed")).await;
    person.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_marked_and_asked_about_with_scripts_and_without() {
    let world = world().await;
    let [with, without] = [
        ["PI-1013/2023-24/000003", "PI-1013/2023-24/000005"],
        ["PI-1013/2023-24/000006", "PI-1013/2023-24/000007"],
    ];
    for number in with.iter().chain(&without) {
        world.jit.script(number, vec![Scenario::Paid]);
    }
    marks_and_asks(&world, Scripts::On, &with).await;
    marks_and_asks(&world, Scripts::Off, &without).await;
    let person = Chromium::open(&world, DESK, Scripts::On).await;
    sign_in(&person, ACCOUNTANT).await;
    person.go("/payment-instructions").await;
    person.click("[data-marks]").await;
    assert_eq!(person.count("tbody input:checked").await, 50, "all of the page are marked at once");
    person.close().await;
}
