//! Pages stay light: what a View page weighs, and how soon its largest part is painted.

use super::chromium::{Chromium, DESK, Scripts};
use super::stage::{self, ACCOUNTANT, page_of, sign_in};
use crate::support::{Kind, ORIGINAL, REVISED, World, payment_ids, revised};

/// HTML, CSS and script of a View page of ten beneficiaries, uncompressed.
const LARGEST_PAGE: u64 = 60 * 1024;
/// The beneficiaries begin no lower, in CSS pixels: on the first screen of 768.
const LOWEST_PEOPLE: f64 = 600.0;
/// A paint that people call quick (web.dev's threshold); here the machine is shared with other tests.
const SLOWEST_PAINT: f64 = 2500.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_page_is_light_and_painted_soon() {
    let world = World::start(Kind::Sqlite).await;
    stage::set(&world);
    let long = "PI-1013/2023-24/002000";
    world.import(&[revised(long, ORIGINAL, &payment_ids(2000))]);
    let person = Chromium::open(&world, DESK, Scripts::On).await;
    sign_in(&person, ACCOUNTANT).await;
    measure(&person, REVISED, 10, "In Process").await;
    measure(&person, long, 100, "In Process").await;
    world.press_refresh(REVISED).await;
    world.deliver().await;
    measure(&person, REVISED, 10, "Completed, SMS sent").await;
    for language in ["or", "hi"] {
        person.click_through(&format!(".languages [value={language}]")).await;
        measure(&person, REVISED, 10, language).await;
    }
    person.close().await;
}

/// A View page with so many rows, painted soon; with ten, also light.
async fn measure(person: &Chromium, number: &str, rows: usize, what: &str) {
    person.go(&page_of(number)).await;
    assert_eq!(person.count("tr[data-payment-id]").await, rows);
    let top = "return document.getElementById('beneficiaries').getBoundingClientRect().top + scrollY";
    let top = person.run(top).await.as_f64().unwrap();
    println!("{number}, {what}: the beneficiaries begin {top:.0} px down");
    assert!(top < LOWEST_PEOPLE, "{number}, {what}: {top} px");
    let painted = largest_paint(person).await;
    let weight = weight(person).await;
    println!("{number}, {what}: {weight} bytes of HTML, CSS and script; largest paint after {painted:.0} ms");
    assert!(painted < SLOWEST_PAINT, "{number}, {what}: painted after {painted} ms");
    assert!(rows > 10 || weight < LARGEST_PAGE, "{number}, {what}: {weight} bytes");
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

/// What the page consists of, in bytes; its icon is the tab's.
pub(super) async fn weight(person: &Chromium) -> u64 {
    let bytes = person
        .run(
            "const parts = [...performance.getEntriesByType('navigation'),
                 ...performance.getEntriesByType('resource')];
             return parts.filter((part) => ['navigation', 'link', 'script'].includes(part.initiatorType))
                 .reduce((sum, part) => sum + part.decodedBodySize, 0);",
        )
        .await;
    bytes.as_u64().unwrap()
}
