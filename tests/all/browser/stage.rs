//! The payment instructions and people that the tests in the browser meet.

use mukta_ftps::access::Role;

use super::chromium::Chromium;
use crate::support::{ORIGINAL, OTHER, PASSWORD, World, pair, payment_ids, revised};

/// Who tells the stories: an accountant of Jatni.
pub(crate) const ACCOUNTANT: &str = "bina";

/// The address of a payment instruction's page.
pub(crate) fn page_of(number: &str) -> String {
    format!("/payment-instructions/{number}")
}

/// An original and two revised ones of ten beneficiaries, and the accountant.
pub(crate) fn set(world: &World) {
    let people = payment_ids(10);
    let [original, ten] = pair(&people);
    let two = revised(OTHER, ORIGINAL, &people[..2]);
    world.import(&[original, ten, two].map(|one| {
        one.each_person(|place, person| {
            // As long as MUKTASoft's own.
            person["beneficiaryId"] = format!("7f0c1a52-9c3e-4b8d-a1f6-{place:012}").into();
        })
    }));
    world.employ(ACCOUNTANT, Role::Accountant, "od.jatni");
}

/// Follows an entry of the navigation, which a phone has under *More*.
pub(crate) async fn follow_way(person: &Chromium, words: &str) {
    open_more(person).await;
    person.follow(words).await;
}

/// Opens *More*, where the screen is so small that there is one.
pub(crate) async fn open_more(person: &Chromium) -> bool {
    let is_there = person.find(".more-ways summary").await.is_displayed().await.unwrap();
    if is_there && person.count(".more-ways details[open]").await == 0 {
        person.click(".more-ways summary").await;
    }
    is_there
}

/// Signs in by the page's form.
pub(crate) async fn sign_in(chromium: &Chromium, name: &str) {
    chromium.go("/sign-in").await;
    chromium.fill("#username", name).await;
    chromium.fill("#password", PASSWORD).await;
    chromium.click_through("form.fields button").await;
    chromium.find("nav.side").await;
}
