//! The View page (DOMAIN.md §7): what is due, until when, and what people note on it.

use diesel::prelude::*;
use diesel::sql_types::Text;
use mukta_ftps::access::Role;
use mukta_ftps::store::deadline::past_deadline;

use crate::support::{
    ORIGINAL, PEOPLE, REVISED, World, at, on_both, original, pair, payment_ids, revised, words,
};

on_both!(
    the_last_day_for_corrections_is_told_and_flagged_once_it_is_over,
    notes_stand_on_the_time_line_and_stay_there,
    one_among_many_people_is_found_and_marked,
    what_failed_is_told_beside_the_status_and_in_the_sums,
);

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
    let flag = page.all("[data-flag=past-deadline]").into_iter().map(words).collect();
    let list = world.get("/payment-instructions?tab=all").await;
    let rows = list.all("tbody tr").into_iter().map(words);
    let row: String = rows.filter(|row| row.contains(number)).collect();
    let is_flagged = row.contains("The last day for corrections was");
    assert_eq!(is_flagged, page.text.contains("data-flag=\"past-deadline\""), "{row}");
    assert_eq!(is_flagged, past(world).contains(&number.to_owned()), "{row}");
    let to_do = page.all("#to-do").into_iter().map(words).collect();
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

async fn notes_stand_on_the_time_line_and_stay_there(world: World) {
    world.import_pair(PEOPLE);
    let bina = world.browser_of("bina", Role::Accountant, "od.jatni").await;
    let form = format!("/payment-instructions/{REVISED}/notes");
    let text = "Passbook <b>asked</b> for, \u{202e}again & again; account 30131500010226";
    let answer = bina.post(&form, &[("text", &format!(" {text}\r\n "))]).await;
    assert_eq!(
        (answer.status, answer.location()),
        (303, format!("/payment-instructions/{REVISED}#timeline"))
    );
    let page = bina.view(REVISED).await;
    // What turns the direction of what follows is taken out.
    let kept = text.replace("30131500010226", "•••• 0226").replace('\u{202e}', "");
    assert_eq!(page.words(".timeline bdi"), kept, "{}", page.text);
    let step = page.words(".timeline li:has(bdi)");
    assert!(step.contains("31/03/2024 15:30 IST") && step.contains("Note by bina"), "{step}");

    for (text, told) in [
        ("", "it is empty"),
        (" \r\n\t", "it is empty"),
        ("\u{200b}\u{2800}", "it is empty"),
        (&"x".repeat(501), "longer than 500"),
    ] {
        let answer = bina.post(&form, &[("text", text)]).await;
        assert_eq!(answer.status, 303);
        let page = bina.get(&answer.location()).await;
        assert!(page.words("#note-fault").contains(told), "{}", page.words("#note-fault"));
        assert_eq!(page.all(".timeline bdi").len(), 1, "nothing was written");
    }
    let longest = "\u{b28}".repeat(500);
    assert_eq!(bina.post(&form, &[("text", &longest)]).await.status, 303);
    assert_eq!(bina.view(REVISED).await.all(".timeline bdi").len(), 2);
    assert_eq!(bina.get(&form).await.status, 303, "the form's target leads back to the page");

    assert_eq!(bina.post_bare(&form, &[("text", "x")]).await.status, 403, "without the session's token");
    let viewer = world.browser_of("tara", Role::Viewer, "od.jatni").await;
    assert_eq!(viewer.post(&form, &[("text", "x")]).await.status, 403);
    assert!(viewer.view(REVISED).await.all(".note-form").is_empty());
    let elsewhere = world.browser_of("hari", Role::Accountant, "od.dhenkanal").await;
    assert_eq!(elsewhere.post(&form, &[("text", "x")]).await.status, 404);
    assert_eq!(world.view(REVISED).await.all(".timeline bdi").len(), 2);
    let trail = world.get("/audit").await;
    assert!(trail.text.contains("Wrote a note") && !trail.text.contains("Passbook"));
    for change in ["UPDATE notes SET text = 'x'", "DELETE FROM notes"] {
        assert!(world.database.try_to_execute(change).unwrap_err().to_string().contains("append-only"));
    }
}

async fn one_among_many_people_is_found_and_marked(world: World) {
    let [original, revised] = pair(&payment_ids(260));
    world.import(&[original.person(7, "paymentStatus", "Payment Successful"), revised]);
    let met = async |query: &str| -> Vec<String> {
        let page = world.view(&format!("{REVISED}{query}")).await;
        page.all("tr.met").into_iter().map(|row| row.attr("data-payment-id").unwrap().to_owned()).collect()
    };
    assert!(met("").await.is_empty());
    // One by the name, one by the payment ID: both on the third page.
    assert_eq!(met("?find=250%20NAYAK").await, ["BN-1013/000250", "BN-1013/000251"]);
    assert_eq!(met("?find=bn-1013%2F000112").await, ["BN-1013/000112"]);
    assert!(met("?find=250%20NAYAK&beneficiaries=1").await.is_empty(), "the page that was asked for");
    let page = world.view(&format!("{REVISED}?find=nayak")).await;
    assert_eq!(page.all("tr.met").len(), 100);
    assert!(page.words("#found").contains("“nayak”: 260 found"), "{}", page.words("#found"));
    assert_eq!(
        page.attr("a[rel=next]", "href"),
        format!("/payment-instructions/{REVISED}?find=nayak&beneficiaries=2#beneficiaries")
    );
    assert_eq!(page.words("tfoot th"), "Total, 260 payments");
    assert_eq!(page.words("tfoot .number"), "₹ 3,19,930.00");
    let nobody = world.view(&format!("{REVISED}?find=%3Cscript%3E")).await;
    assert!(nobody.words("#found").contains("Nobody here has “<script>”"));
    assert_eq!(nobody.all("tr[data-payment-id]").len(), 100, "all are still there");
    let page = world.view(&format!("{ORIGINAL}?find=nayak&payment=successful")).await;
    assert_eq!(page.all("tr.met").len(), 1, "among those of that payment status");
}

async fn what_failed_is_told_beside_the_status_and_in_the_sums(world: World) {
    world.import(&[original(ORIGINAL, PEOPLE).person(0, "paymentStatus", "Payment Successful")]);
    let page = world.view(ORIGINAL).await;
    assert_eq!(page.words(".state"), "Completed 2 of 3 failed");
    assert_eq!(page.words("[data-flag=failed-payments]"), "2 of 3 failed");
    let told = page.words("tfoot th");
    assert_eq!(told, "Total, 3 payments Successful: ₹ 1,230.50 Failed: ₹ 2,461.00", "{told}");
    assert_eq!(page.words("tfoot .number"), "₹ 3,691.50");
    assert_eq!(page.words("title"), format!("Completed · {ORIGINAL} – MUKTA FTPS payment status"));
    let parts = page.all("main h1, #to-do, #beneficiaries, dl.facts, .note-form");
    let order: Vec<&str> = parts.into_iter().map(|part| part.value().name()).collect();
    assert_eq!(order, ["h1", "p", "section", "dl", "form"]);

    let page = world.pay(&pair(PEOPLE)).await;
    assert_eq!(page.words("title"), format!("Paid · {REVISED} – MUKTA FTPS payment status"));
    assert_eq!(page.words(".state"), "Completed");
}
