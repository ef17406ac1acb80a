//! The day at a glance, people, and the month's report (CONTRACT.md, Pages).

use chrono::TimeDelta;
use mukta_ftps::access::Role;
use mukta_ftps::domain::RunTrigger;
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::store::sync_runs::Begun;

use crate::support::{ORIGINAL, OTHER, PEOPLE, Page, REVISED, World, on_both, original, pair, revised};

on_both!(
    each_figure_leads_to_exactly_the_rows_that_it_counts,
    the_night_is_told_as_of_now,
    a_person_is_found_by_whatever_is_known_of_them,
    a_page_of_people_goes_on_where_it_ended,
    a_month_is_reported_for_each_town,
    a_town_sees_its_own_day,
);

fn figure(page: &Page, word: &str) -> i64 {
    page.attr(&format!("[data-figure='{word}']"), "data-value").parse().unwrap()
}

/// How many rows the pages behind a figure have.
async fn rows_behind(world: &World, page: &Page, word: &str) -> usize {
    let link = page
        .all(&format!("div:has(> dd [data-figure='{word}']) a"))
        .first()
        .map(|a| a.attr("href").unwrap().to_owned())
        .unwrap();
    let mut rows = 0;
    let mut next = Some(link);
    while let Some(link) = next {
        let shown = world.get(&link).await;
        assert_eq!(shown.status, 200, "{link}: {}", shown.text);
        rows +=
            shown.all("tbody tr[data-pi-number], tbody tr[data-message-state], table.list tbody tr").len();
        next = shown.all("a[rel=next]").first().map(|a| a.attr("href").unwrap().to_owned());
    }
    rows
}

const FIGURES: [&str; 13] = [
    "needs-you",
    "asked-tonight",
    "night-successful",
    "night-errors",
    "night-glitches",
    "night-no-response",
    "night-unasked",
    "paid-yesterday",
    "paid-month",
    "returned",
    "sms-failed",
    "sms-held",
    "sms-late",
];

async fn each_figure_leads_to_exactly_the_rows_that_it_counts(world: World) {
    world.pay(&pair(PEOPLE)).await;
    world.import(&[revised(OTHER, ORIGINAL, &PEOPLE[..1]), revised("PI-9/1", ORIGINAL, &PEOPLE[..1])]);
    world.jit.script(OTHER, vec![Scenario::ErrorList]);
    world.press_refresh(OTHER).await;
    let day = world.get("/").await;
    let expected = [
        ("needs-you", 2),
        ("asked-tonight", 2),
        ("paid-yesterday", 0),
        ("paid-month", 3),
        ("paid-month-paise", 369_150),
        ("returned", 0),
        ("sms-late", 0),
    ];
    for (word, value) in expected {
        assert_eq!(figure(&day, word), value, "{word}");
    }
    world.later(TimeDelta::days(2));
    let day = world.get("/").await;
    assert_eq!(figure(&day, "sms-late"), 3, "nothing sends them in this world");
    for word in FIGURES {
        let rows = rows_behind(&world, &day, word).await;
        assert_eq!(i64::try_from(rows).unwrap(), figure(&day, word), "{word}");
    }
    assert_eq!(world.get("/figures/nothing").await.status, 404);
}

async fn the_night_is_told_as_of_now(world: World) {
    let numbers = world.import_many(4);
    for (number, scenario) in
        numbers.iter().zip([Scenario::Paid, Scenario::ErrorList, Scenario::EmptyBody, Scenario::Paid])
    {
        world.jit.script(number, vec![scenario]);
    }
    world
        .database
        .execute("UPDATE payment_instructions SET is_active = FALSE WHERE number = 'PI-1013/2023-24/000004'");
    let Begun::Started(run) = world.app.sync.begin(RunTrigger::Hand, None).await.unwrap() else { panic!() };
    world.app.sync.work(&run).await.unwrap();
    world.database.execute(
        "UPDATE sync_runs SET scheduled_for = started_at, trigger_word = 'nightly', started_by = NULL",
    );
    let told = |day: &Page| {
        ["night-successful", "night-errors", "night-glitches", "night-no-response", "night-unasked"]
            .map(|word| figure(day, word))
    };
    assert_eq!(told(&world.get("/").await), [1, 1, 0, 1, 0]);
    world.jit.script(&numbers[1], vec![Scenario::Paid]);
    world.press_refresh(&numbers[1]).await;
    assert_eq!(told(&world.get("/").await), [2, 0, 0, 1, 0]);
}

fn found(page: &Page) -> Vec<String> {
    page.all("tr[data-payment-id]")
        .iter()
        .map(|row| row.attr("data-payment-id").unwrap().to_owned())
        .collect()
}

async fn a_person_is_found_by_whatever_is_known_of_them(world: World) {
    world.pay(&pair(PEOPLE)).await;
    world.import(&[original("PI-8/1", PEOPLE).of_tenant("od.dhenkanal")]);
    let first = format!("tr[data-payment-id='{}']", PEOPLE[0]);
    let utr = world.view(REVISED).await.words(&format!("{first} .utr"));
    let utr = utr.split(' ').next().unwrap().to_owned();
    let stored = world.stored(REVISED);
    let reference = stored.ftps_bill_reference.unwrap();
    for (asked, people) in [(PEOPLE[0].to_lowercase(), 1), (utr.to_lowercase(), 1), (reference, 3)] {
        let page = world.get(&format!("/beneficiaries?q={}", asked.replace('/', "%2F"))).await;
        let of_it = page.all(&format!("tr[data-pi-number='{REVISED}']")).len();
        assert_eq!(of_it, people, "{asked}: {}", page.text);
    }
    let one = world.get("/beneficiaries?q=0000").await;
    assert!(!found(&one).is_empty(), "the last four digits of an account");
    let name = world.view(REVISED).await.words(&format!("{first} th")).split(' ').next().unwrap().to_owned();
    let page = world.get(&format!("/beneficiaries?q={}", name.to_uppercase())).await;
    assert!(found(&page).contains(&PEOPLE[0].to_owned()), "{name}: {}", page.text);
    let row = format!("tr[data-payment-id='{}'][data-pi-number='{REVISED}']", PEOPLE[0]);
    assert_eq!(page.attr(&row, "data-payment-status"), "Payment Successful");
    let town = world.browser_of("bina", Role::Viewer, "od.jatni").await;
    let own = town.get(&format!("/beneficiaries?q={}", PEOPLE[0].replace('/', "%2F"))).await;
    assert_eq!(found(&own).len(), 2, "another town's are not told: {}", own.text);
    assert!(found(&world.get("/beneficiaries?q=nobody%20at%20all").await).is_empty());
    assert!(found(&world.get("/beneficiaries").await).is_empty());
}

async fn a_page_of_people_goes_on_where_it_ended(world: World) {
    world.import_many(40);
    let mut seen = Vec::new();
    let mut next = Some(format!("/beneficiaries?q={}", PEOPLE[0].replace('/', "%2F")));
    let mut pages = 0;
    while let Some(link) = next {
        let page = world.get(&link).await;
        seen.extend(
            page.all("tr[data-pi-number]").iter().map(|row| row.attr("data-pi-number").unwrap().to_owned()),
        );
        next = page.all("a[rel=next]").first().map(|a| a.attr("href").unwrap().to_owned());
        pages += 1;
        assert!(pages < 9);
    }
    let all = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((all, seen.len()), (41, 41), "each once");
}

async fn a_month_is_reported_for_each_town(world: World) {
    world.pay(&pair(PEOPLE)).await;
    world.import(&[revised(OTHER, ORIGINAL, &PEOPLE[..1])]);
    let page = world.get("/reports/2024-03").await;
    assert_eq!(page.status, 200, "{}", page.text);
    let total = page.words("tfoot tr[data-tenant=total]");
    assert!(total.contains("3 ₹ 3,691.50") && total.contains("1 ₹ 1,230.50"), "{total}");
    assert!(world.get("/reports/2023-01").await.text.contains("Nothing happened in this month."));
    let file = world.get("/reports/2024-03.csv").await;
    assert!(
        file.text.lines().nth(1).unwrap().starts_with("2024-03,od.jatni,Jatni,3,3691.50,0,0.00,0,0.00,1,"),
        "{}",
        file.text
    );
    for nonsense in ["2024-13", "march", "2024-3", "2024-03-01", "+024-03"] {
        assert_eq!(world.get(&format!("/reports/{nonsense}")).await.status, 404, "{nonsense}");
    }
}

async fn a_town_sees_its_own_day(world: World) {
    world.import(&[
        original(ORIGINAL, PEOPLE),
        original("PI-8/1", PEOPLE).of_tenant("od.dhenkanal"),
        revised("PI-8/2", "PI-8/1", PEOPLE).of_tenant("od.dhenkanal"),
    ]);
    assert_eq!(figure(&world.get("/").await, "asked-tonight"), 1);
    let town = world.browser_of("bina", Role::Viewer, "od.jatni").await;
    let day = town.get("/").await;
    assert_eq!((figure(&day, "asked-tonight"), figure(&day, "needs-you")), (0, 1));
    assert!(!day.text.contains("dhenkanal") && day.all("[data-tenant]").is_empty());
    assert!(!town.get("/reports/2024-03").await.text.contains("dhenkanal"));
}
