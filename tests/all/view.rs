//! The View page (DOMAIN.md §7): what is due, until when, and what people note on it.

use diesel::prelude::*;
use diesel::sql_types::Text;
use mukta_ftps::store::deadline::past_deadline;

use crate::support::{ORIGINAL, PEOPLE, REVISED, World, at, on_both, original, revised};

on_both!(the_last_day_for_corrections_is_told_and_flagged_once_it_is_over);

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = Text)]
    number: String,
}

/// The numbers of those that the store's condition finds now.
fn past(world: &World) -> Vec<String> {
    let condition = past_deadline(world.app.clock.now().naive_utc());
    let sql = format!("SELECT p.number FROM payment_instructions p WHERE {condition} ORDER BY p.number");
    let found: Vec<Number> = world.read(|db| Ok(diesel::sql_query(sql).load(db)?));
    found.into_iter().map(|row| row.number).collect()
}

/// What the page and the list say of an instruction: the flag's words, and what is to be done.
async fn told(world: &World, number: &str) -> (String, String) {
    let page = world.view(number).await;
    let flag = page.all("[data-flag=past-deadline]").into_iter().map(crate::support::words).collect();
    let list = world.get("/payment-instructions?tab=all").await;
    let rows = list.all("tbody tr").into_iter().map(crate::support::words);
    let row: String = rows.filter(|row| row.contains(number)).collect();
    let is_flagged = row.contains("The last day for corrections was");
    assert_eq!(is_flagged, page.text.contains("data-flag=\"past-deadline\""), "{row}");
    assert_eq!(is_flagged, past(world).contains(&number.to_owned()), "{row}");
    let to_do = page.all("#to-do").into_iter().map(crate::support::words).collect();
    (flag, to_do)
}

async fn the_last_day_for_corrections_is_told_and_flagged_once_it_is_over(world: World) {
    const EARLIER: &str = "PI-1013/2023-24/000050";
    let instant = at("2024-03-21T05:46:40Z");
    world.import(&[
        original(ORIGINAL, PEOPLE).created(instant),
        // The sixth of November in Odisha: the ninetieth day is the fourth of February.
        original(EARLIER, PEOPLE).created(at("2023-11-05T18:30:00Z")),
    ]);
    world.set_clock(at("2024-02-04T18:29:59Z"));
    let (flag, to_do) = told(&world, EARLIER).await;
    assert_eq!(flag, "");
    assert!(to_do.ends_with("The last day for corrections is 04/02/2024."), "{to_do}");
    world.set_clock(at("2024-02-04T18:30:00Z"));
    let (flag, to_do) = told(&world, EARLIER).await;
    assert_eq!(flag, "The last day for corrections was 04/02/2024");
    assert!(to_do.contains("can no longer be corrected") && !to_do.contains("send them again"), "{to_do}");

    // A new financial year, in which April is left.
    world.set_clock(at("2024-04-30T18:29:59Z"));
    for number in [ORIGINAL, EARLIER] {
        let (flag, to_do) = told(&world, number).await;
        assert_eq!(flag, "", "{number}");
        assert!(to_do.ends_with("The last day for corrections is 30/04/2024."), "{to_do}");
    }
    world.set_clock(at("2024-04-30T18:30:00Z"));
    assert_eq!(past(&world), [EARLIER, ORIGINAL]);
    assert_eq!(told(&world, ORIGINAL).await.0, "The last day for corrections was 30/04/2024");

    // What is In Process is never late, and neither is what it replaces; what fails again is, by the first original.
    world.import(&[revised(REVISED, ORIGINAL, PEOPLE).created(at("2024-05-02T05:00:00Z"))]);
    for number in [ORIGINAL, REVISED] {
        let (flag, to_do) = told(&world, number).await;
        assert_eq!((flag.as_str(), to_do.contains("correct")), ("", false), "{to_do}");
    }
    let failed = revised(REVISED, ORIGINAL, PEOPLE).created(at("2024-05-02T05:00:00Z"));
    world.import(&[failed.in_state("PARTIAL", "Payment Failed")]);
    assert_eq!(told(&world, REVISED).await.0, "The last day for corrections was 30/04/2024");
    assert_eq!(told(&world, ORIGINAL).await.0, "");
    assert_eq!(past(&world), [EARLIER, REVISED]);
}
