//! Pages stay light: what a View page weighs, and how soon its largest part is painted.

use super::chromium::{Chromium, DESK, OFFICE, Scripts};
use super::stage::{self, ACCOUNTANT, page_of, sign_in};
use crate::support::{Kind, ORIGINAL, REVISED, World, payment_ids, revised};

/// HTML, CSS, script and icon of a View page of ten beneficiaries, uncompressed.
const LARGEST_PAGE: u64 = 60 * 1024;
/// The same in Odia and Hindi, whose letters take three bytes.
const LARGEST_TRANSLATED: u64 = 64 * 1024;
/// The beneficiaries begin no lower, in CSS pixels: on the first screen of 768.
const LOWEST_PEOPLE: f64 = 600.0;
/// The letters of Odia, which pages in it alone bring with them, once.
const LARGEST_FONT: u64 = 40 * 1024;
const ICON: &[u8] = include_bytes!("../../../static/icon.svg");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_page_is_light() {
    let world = World::start(Kind::Sqlite).await;
    stage::set(&world);
    let long = "PI-1013/2023-24/002000";
    world.import(&[revised(long, ORIGINAL, &payment_ids(2000))]);
    let person = Chromium::open(&world, DESK, Scripts::On).await;
    sign_in(&person, ACCOUNTANT).await;
    measure(&person, REVISED, 10, "In Process").await;
    assert_eq!(fonts(&person).await, 0, "an English page needs none");
    measure(&person, long, 100, "In Process").await;
    world.press_refresh(REVISED).await;
    world.deliver().await;
    measure(&person, REVISED, 10, "Completed, SMS sent").await;
    for language in ["or", "hi"] {
        person.click_through(&format!(".languages [value={language}]")).await;
        measure(&person, REVISED, 10, language).await;
        let font = fonts(&person).await;
        let allowed = if language == "or" { 1..=LARGEST_FONT } else { 0..=0 };
        assert!(allowed.contains(&font), "{language}: {font} bytes of fonts");
    }
    person.close().await;
}

/// When the largest part of the main pages is painted: told, and left to who reads it, since others use the
/// machine too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_paint_of_the_main_pages_is_told() {
    let world = World::start(Kind::Sqlite).await;
    stage::set(&world);
    world.import_many(240);
    let person = Chromium::open(&world, OFFICE, Scripts::On).await;
    sign_in(&person, ACCOUNTANT).await;
    for path in ["/", "/payment-instructions", &page_of(REVISED)] {
        person.go(path).await;
        println!("{path}: largest paint after {:.0} ms", largest_paint(&person).await);
    }
    person.close().await;
}

/// A View page with so many rows, of which the first are on the first screen; with ten, also light.
async fn measure(person: &Chromium, number: &str, rows: usize, what: &str) {
    person.go(&page_of(number)).await;
    assert_eq!(person.count("tr[data-payment-id]").await, rows);
    let top = "return document.getElementById('beneficiaries').getBoundingClientRect().top + scrollY";
    let top = person.run(top).await.as_f64().unwrap();
    println!("{number}, {what}: the beneficiaries begin {top:.0} px down");
    assert!(top < LOWEST_PEOPLE, "{number}, {what}: {top} px");
    let weight = weight(person).await;
    println!("{number}, {what}: {weight} bytes of HTML, CSS, script and icon");
    let is_english = person.attribute("html", "lang").await == "en";
    let largest = if is_english { LARGEST_PAGE } else { LARGEST_TRANSLATED };
    assert!(rows > 10 || weight <= largest, "{number}, {what}: {weight} bytes");
}

/// When the largest part of the page stood on the screen, in milliseconds.
async fn largest_paint(person: &Chromium) -> f64 {
    let painted = person
        .driver
        .execute_async(
            "const done = arguments[0];
             new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime))
                 .observe({ type: 'largest-contentful-paint', buffered: true });",
            Vec::new(),
        )
        .await
        .unwrap();
    painted.json().as_f64().unwrap()
}

/// What the page consists of, in bytes. Its icon is the tab's, of which the page is not told.
pub(super) async fn weight(person: &Chromium) -> u64 {
    let bytes = person
        .run(
            "const parts = [...performance.getEntriesByType('navigation'),
                 ...performance.getEntriesByType('resource')];
             return parts.filter((part) => ['navigation', 'link', 'script'].includes(part.initiatorType))
                 .reduce((sum, part) => sum + part.decodedBodySize, 0);",
        )
        .await;
    bytes.as_u64().unwrap() + ICON.len() as u64
}

/// The fonts that it is set in and brings with it, in bytes. Chromium may fetch one that the page before needed.
async fn fonts(person: &Chromium) -> u64 {
    person.run("return document.fonts.ready.then(() => 0)").await;
    let bytes = person
        .run(
            "if ([...document.fonts].every((face) => face.status === 'unloaded')) return 0;
             return performance.getEntriesByType('resource').filter((part) => part.initiatorType === 'css')
                 .reduce((sum, part) => sum + part.decodedBodySize, 0);",
        )
        .await;
    bytes.as_u64().unwrap()
}
