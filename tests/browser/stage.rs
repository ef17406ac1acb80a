//! The payment instructions and people that the tests in the browser meet.

use mukta_ftps::access::Role;
use serde_json::Value;

use crate::chromium::Chromium;
use crate::support::{PASSWORD, World, instruction, original, revised};

pub(crate) const ORIGINAL: &str = "PI-1013/2023-24/000112";
pub(crate) const REVISED: &str = "PI-1013/2023-24/000256";
pub(crate) const OTHER: &str = "PI-1013/2023-24/000257";
/// Who tells the stories: an accountant of Jatni.
pub(crate) const ACCOUNTANT: &str = "bina";

/// The address of a payment instruction's page.
pub(crate) fn page_of(number: &str) -> String {
    format!("/payment-instructions/{number}")
}

/// Payment IDs for so many beneficiaries.
pub(crate) fn payment_ids(many: usize) -> Vec<String> {
    (1..=many).map(|number| format!("BN-1013/{number:06}")).collect()
}

/// An instruction with so many beneficiaries.
pub(crate) fn crowd(number: &str, parent: Option<&str>, status: &str, payment: &str, many: usize) -> Value {
    let ids = payment_ids(many);
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    instruction(number, parent, status, payment, &ids)
}

/// An original and two revised ones of ten beneficiaries, and the accountant.
pub(crate) fn set(world: &World) {
    let ids = payment_ids(10);
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut set =
        [original(ORIGINAL, &ids), revised(REVISED, ORIGINAL, &ids), revised(OTHER, ORIGINAL, &ids[..2])];
    for instruction in &mut set {
        let people = instruction["beneficiaryDetails"].as_array_mut().unwrap();
        for (place, person) in people.iter_mut().enumerate() {
            // As long as MUKTASoft's own.
            person["beneficiaryId"] = format!("7f0c1a52-9c3e-4b8d-a1f6-{place:012}").into();
        }
    }
    world.import(&set);
    world.employ(ACCOUNTANT, Role::Accountant, "od.jatni");
}

/// Signs in by the page's form.
pub(crate) async fn sign_in(chromium: &Chromium, name: &str) {
    chromium.go("/sign-in").await;
    chromium.fill("#username", name).await;
    chromium.fill("#password", PASSWORD).await;
    chromium.click_through("form.fields button").await;
    chromium.find("nav.side").await;
}
