//! The list in every order and with every filter, its totals, the way back to it, and *Ask JIT now*.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use mukta_ftps::access::Role;
use mukta_ftps::domain::{Flag, Trigger};
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::store::beneficiaries;
use mukta_ftps::store::scope::Scope;
use mukta_ftps::store::search::{self, Filters};
use serde_json::json;

use crate::support::{
    ORIGINAL, OTHER, PEOPLE, Page, REVISED, World, at, on_both, original, pair, revised, words,
};

on_both!(
    every_heading_sorts_both_ways_and_every_page_holds_every_row_once,
    rows_with_nothing_in_a_column_come_last_either_way,
    a_flag_filters_exactly_the_rows_that_show_it,
    what_a_row_keeps_of_its_payments_tells_their_tally,
    days_of_completion_ulb_and_tab_narrow_together,
    the_result_line_tells_the_filters_and_what_they_come_to,
    the_way_back_leads_to_the_list_as_it_was,
    the_marked_are_asked_about_now,
    what_cannot_be_asked_about_is_told_and_another_towns_is_not_there,
    what_is_wanted_survives_a_jit_that_is_away,
    the_file_has_the_order_of_the_list_and_what_the_original_knows,
);

const LIST: &str = "/payment-instructions";

fn numbers(page: &Page) -> Vec<String> {
    assert_eq!(page.status, 200, "{}", page.text);
    page.all("tbody th a").into_iter().map(words).collect()
}

async fn found(world: &World, query: &str) -> Vec<String> {
    numbers(&world.get(&format!("{LIST}?{query}")).await)
}

/// The numbers of all pages from that address on.
async fn walked(world: &World, path: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut next = Some(path.to_owned());
    for _ in 0..20 {
        let Some(path) = next else { return all };
        let page = world.get(&path).await;
        all.extend(numbers(&page));
        next = page.all("a[rel=next]").first().map(|link| link.attr("href").unwrap().to_owned());
    }
    panic!("the walk of {path} ends");
}

/// 130 that wait, in two towns, many of them alike in every column but one; half of them were asked about.
fn many(world: &World) {
    let mut all = vec![original("PI-0/A", PEOPLE), original("PI-0/B", PEOPLE).of_tenant("od.dhenkanal")];
    for n in 0..130 {
        let (parent, tenant) = [("PI-0/A", "od.jatni"), ("PI-0/B", "od.dhenkanal")][n % 2];
        let created = at("2024-03-01T05:00:00Z") + TimeDelta::hours((n / 10) as i64);
        let one = revised(&format!("PI-1/{n:03}"), parent, &PEOPLE[..1 + n % 3])
            .of_tenant(tenant)
            .created(created)
            .but(|one| one["additionalDetails"]["billNumber"] = json!([format!("WB/{}", n % 4)]));
        all.push(one);
    }
    world.import(&all);
    world.database.execute(
        "UPDATE payment_instructions SET ftps_outcome = 'error', ftps_message = 'On call of FTPS API: Bill '
            || (id % 3), ftps_called_at = '2024-03-20 10:00:00' WHERE id % 2 = 0 AND status = 'In Process'",
    );
    world.database.execute(
        "UPDATE payment_instructions SET next_attempt_at = '2024-04-01 10:00:00'
            WHERE id % 5 = 0 AND status = 'In Process'",
    );
}

async fn every_heading_sorts_both_ways_and_every_page_holds_every_row_once(world: World) {
    many(&world);
    for (tab, rows) in [("in-process", 130), ("all", 132), ("needs-you", 132)] {
        let page = world.get(&format!("{LIST}?tab={tab}")).await;
        let headings: Vec<String> =
            page.all("thead a").iter().map(|link| link.attr("href").unwrap().to_owned()).collect();
        assert_eq!(headings.len(), 9, "{tab}");
        for link in headings {
            let page = world.get(&link).await;
            let heading = page.one("thead th[aria-sort]");
            let first_way = heading.attr("aria-sort").unwrap().to_owned();
            let rising = walked(&world, &link).await;
            let other = page.attr("thead th[aria-sort] a", "href");
            let other_way = world.get(&other).await.attr("thead th[aria-sort]", "aria-sort");
            assert_ne!(first_way, other_way, "{link}");
            for (path, all) in [(&link, &rising), (&other, &walked(&world, &other).await)] {
                assert_eq!(all.len(), rows, "{path}");
                assert_eq!(all.iter().collect::<HashSet<_>>().len(), rows, "{path}: each once");
            }
        }
    }
    let rising = walked(&world, &format!("{LIST}?sort=pi-number")).await;
    assert!(rising.is_sorted(), "{rising:?}");
    let falling = walked(&world, &format!("{LIST}?tab=all&sort=-pi-number")).await;
    assert!(falling.is_sorted_by(|a, b| a > b), "{falling:?}");
    let oldest_last = found(&world, "sort=age").await;
    assert_eq!(oldest_last[0], "PI-1/129", "the youngest first");
    assert_eq!(found(&world, "sort=-age").await[0], "PI-1/000", "the oldest first");
}

async fn rows_with_nothing_in_a_column_come_last_either_way(world: World) {
    many(&world);
    for sort in
        ["next-attempt", "-next-attempt", "last-asked", "-last-asked", "what-jit-said", "-what-jit-said"]
    {
        let mut page = world.get(&format!("{LIST}?sort={sort}")).await;
        let column = if sort.ends_with("attempt") { 7 } else { 6 };
        let mut seen = Vec::new();
        loop {
            let cells = page.all(&format!("tbody tr td:nth-of-type({column})"));
            seen.extend(cells.into_iter().map(words));
            let Some(next) =
                page.all("a[rel=next]").first().map(|link| link.attr("href").unwrap().to_owned())
            else {
                break;
            };
            page = world.get(&next).await;
        }
        let with: Vec<bool> = seen
            .iter()
            .map(|cell| if column == 7 { cell.contains("01/04/2024") } else { cell.contains("20/03/2024") })
            .collect();
        assert!(with[0] && with.is_sorted_by(|a, b| a >= b), "{sort}: {seen:?}");
        assert!(with.len() == 130 && !with[129], "{sort}");
    }
}

/// Everything that raises a flag, and some that raise none.
async fn flagged(world: &World) {
    world.jit.script(OTHER, vec![Scenario::OtherAccount]);
    world.pay(&pair(PEOPLE)).await;
    world.import(&[
        revised(OTHER, ORIGINAL, PEOPLE),
        revised("PI-3/A", ORIGINAL, PEOPLE).in_state("SUCCESSFUL", "Payment In Process").but(|one| {
            one["piStatus"] = "SUCCESSFUL".into();
        }),
        revised("PI-4/A", ORIGINAL, PEOPLE).but(|one| one["netAmount"] = 7.into()),
        revised("PI-5/A", ORIGINAL, &PEOPLE[..1]).in_state("DECLINED", "Payment Failed"),
    ]);
    world.press_refresh(OTHER).await;
    let later = world.app.clock.now() + TimeDelta::hours(1);
    let back = revised(REVISED, ORIGINAL, PEOPLE).in_state("PARTIAL", "Payment Successful").but(|one| {
        one["auditDetails"]["lastModifiedTime"] = later.timestamp_millis().into();
        one["beneficiaryDetails"][0]["paymentStatus"] = "Payment Failed".into();
        one["beneficiaryDetails"][1]["amount"] = 9.into();
    });
    world.import(&[back]);
}

async fn a_flag_filters_exactly_the_rows_that_show_it(world: World) {
    flagged(&world).await;
    let all = world.get(&format!("{LIST}?tab=all")).await;
    let mut shown: HashMap<String, HashSet<String>> = HashMap::new();
    for row in all.all("tbody tr") {
        let number = row.attr("id").unwrap().to_owned();
        let flags = row.select(&scraper::Selector::parse("[data-flag]").unwrap()).collect::<Vec<_>>();
        for flag in flags {
            shown.entry(flag.attr("data-flag").unwrap().to_owned()).or_default().insert(number.clone());
        }
    }
    assert!(shown.len() >= 5, "{shown:?}");
    for flag in Flag::ALL {
        for sort in ["", "&sort=amount", "&sort=-pi-number"] {
            let found = found(&world, &format!("flag={flag}{sort}")).await;
            let expected = shown.get(flag.as_str()).cloned().unwrap_or_default();
            assert_eq!(found.into_iter().collect::<HashSet<_>>(), expected, "{flag}{sort}");
        }
    }
    assert!(shown["failed-payments"].contains(ORIGINAL));
    let row = all.words(&format!("tr[id='{ORIGINAL}'] .status"));
    assert_eq!(row, "Completed 3 of 3 failed");
}

async fn what_a_row_keeps_of_its_payments_tells_their_tally(world: World) {
    flagged(&world).await;
    let (listed, tallies) = world.read(|db| {
        let listed = search::search(db, &Scope::of("od"), &Filters::default(), None)?.rows;
        let ids: Vec<_> = listed.iter().map(|row| row.instruction.id).collect();
        Ok((listed, beneficiaries::tallies(db, &ids)?))
    });
    assert!(listed.len() >= 6, "{}", listed.len());
    for row in listed {
        assert_eq!(row.tally, tallies[&row.instruction.id], "{}", row.instruction.number);
    }
}

async fn days_of_completion_ulb_and_tab_narrow_together(world: World) {
    world.pay(&pair(PEOPLE)).await;
    world.import(&[original("PI-9/Z", PEOPLE).of_tenant("od.dhenkanal")]);
    let day =
        world.app.clock.now().with_timezone(&chrono::FixedOffset::east_opt(19_800).unwrap()).date_naive();
    let (iso, typed) = (day.to_string(), day.format("%d%%2F%m%%2F%Y").to_string());
    for query in [
        format!("completed-from={iso}&completed-to={iso}&type=revised"),
        format!("completed-from={typed}&type=revised"),
        format!("completed-to={typed}&type=revised&sort=-amount"),
        format!("q=pi-&completed-from={typed}&type=revised"),
    ] {
        assert_eq!(found(&world, &query).await, [REVISED], "{query}");
    }
    let before = day.pred_opt().unwrap();
    assert!(found(&world, &format!("completed-to={before}&type=revised")).await.is_empty());
    assert_eq!(found(&world, "tenant=od.dhenkanal").await, ["PI-9/Z"]);
    assert_eq!(found(&world, "tenant=od.dhenkanal&q=pi-&sort=ulb").await, ["PI-9/Z"]);
    for elsewhere in ["pb.amritsar", "od", "x", "od.nowhere"] {
        let expected = if elsewhere == "od" { 3 } else { 0 };
        assert_eq!(found(&world, &format!("tenant={elsewhere}")).await.len(), expected, "{elsewhere}");
    }
    assert!(found(&world, &format!("tab=in-process&q={REVISED}")).await.is_empty(), "the tab holds");
    let town = world.browser_of("bina", Role::Viewer, "od.dhenkanal").await;
    assert!(numbers(&town.get(&format!("{LIST}?tenant=od.jatni")).await).is_empty());
    let file = town.get("/payment-instructions.csv?tenant=od.jatni").await;
    assert_eq!(file.text.lines().count(), 1, "nothing of another town: {}", file.text);
    assert!(town.get(LIST).await.all("select[name=tenant]").is_empty());
}

async fn the_result_line_tells_the_filters_and_what_they_come_to(world: World) {
    many(&world);
    let page =
        world.get(&format!("{LIST}?tab=all&q=pi-1&tenant=od.jatni&from=01/03/2024&sort=-amount")).await;
    let line = page.words(".results");
    let sum: u64 = (0..130).filter(|n| n % 2 == 0).map(|n| [123_050, 246_100, 369_150][n % 3]).sum();
    assert!(line.starts_with("65 payment instructions, ₹ "), "{line}");
    for told in ["with “pi-1”", "of Jatni", "PI date from 01/03/2024", "Amount, descending", " in all"] {
        assert!(line.contains(told), "{told}: {line}");
    }
    let rupees: String = page.words(".sum").chars().filter(char::is_ascii_digit).collect();
    assert_eq!(rupees, sum.to_string(), "{line}");
    let tabs: Vec<String> = page.all(".tabs a").into_iter().map(words).collect();
    assert_eq!(tabs, ["Needs you 132", "In Process 130", "All 132"]);
    assert_eq!(page.words(".tabs [aria-current]"), "All 132");
}

async fn the_way_back_leads_to_the_list_as_it_was(world: World) {
    many(&world);
    let back = async |world: &World| world.view("PI-1/000").await.attr(".back a", "href");
    assert_eq!(back(&world).await, "/payment-instructions#PI%2D1%2F000".replace("%2D", "-"));
    let first = world.get(&format!("{LIST}?tab=in-process&q=pi-1&sort=-age&evil=x")).await;
    let second = first.attr("a[rel=next]", "href");
    world.get(&second).await;
    assert_eq!(back(&world).await, format!("{second}#PI-1%2F000"));
    let again = world.get(&back(&world).await).await;
    assert_eq!(again.attr("input[name=q]", "value"), "pi-1");
    assert_eq!(again.words(".tabs [aria-current]"), "In Process 130");
    let other = world.browser_of("bina", Role::Viewer, "od").await;
    assert_eq!(other.view("PI-1/000").await.attr(".back a", "href"), "/payment-instructions#PI-1%2F000");
}

async fn the_marked_are_asked_about_now(world: World) {
    many(&world);
    let marked = ["PI-1/001", "PI-1/003", "PI-1/005"];
    for number in marked {
        world.jit.script(number, vec![Scenario::Paid]);
    }
    let list = format!("{LIST}?tab=in-process&sort=-pi-number");
    let page = world.get(&list).await;
    assert_eq!(page.all("input[name=number][form=ask]").len(), 50);
    let mut fields = vec![("back", page.attr("#ask input[name=back]", "value"))];
    fields.extend(marked.map(|number| ("number", number.to_owned())));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = world.browser.post("/payment-instructions/ask", &fields).await;
    assert_eq!(answer.status, 303);
    assert!(
        answer.location().starts_with("/payment-instructions?sort=%2Dpi%2Dnumber&"),
        "{}",
        answer.location()
    );
    let told = world.get(&answer.location()).await;
    assert_eq!(told.words("#notice"), "JIT is asked about 3 payment instructions now, one after the other.");
    world.until(|| marked.iter().all(|number| world.stored(number).status.as_str() == "Completed")).await;
    let calls = world.calls_about("PI-1/001");
    assert_eq!((calls.len(), calls[0].trigger), (1, Trigger::Retry));
    assert_eq!(calls[0].triggered_by.as_deref(), Some("asha"));
    let log = world.get("/payment-instructions/PI-1/001/calls").await;
    assert_eq!(log.all("[data-trigger=retry]").len(), 1);
    assert!(log.text.contains("Asked from the list, by asha"), "{}", log.text);
    assert!(world.get("/audit").await.text.contains("PI-1/003"), "who had it asked stands in the trail");
    assert_eq!(world.jit.calls_received(), 3, "nobody else is asked about");
}

async fn what_cannot_be_asked_about_is_told_and_another_towns_is_not_there(world: World) {
    world.import_pair(PEOPLE);
    world.import(&[
        revised("PI-2/A", ORIGINAL, PEOPLE).inactive(),
        original("PI-9/Z", PEOPLE).of_tenant("od.dhenkanal"),
        revised("PI-9/Y", "PI-9/Z", PEOPLE).of_tenant("od.dhenkanal"),
    ]);
    world.database.execute("UPDATE payment_instructions SET wanted_at = '2024-03-01 10:00:00' WHERE number = 'PI-1013/2023-24/000256'");
    let town = world.browser_of("bina", Role::Accountant, "od.jatni").await;
    let ask = async |numbers: &[&str]| {
        let fields: Vec<(&str, &str)> = numbers.iter().map(|number| ("number", *number)).collect();
        town.post("/payment-instructions/ask", &fields).await
    };
    let answer = ask(&[ORIGINAL, REVISED, "PI-2/A", "PI-9/Y", "PI-NOT", &REVISED.to_lowercase()]).await;
    assert_eq!(answer.status, 303);
    let told = town.get(&answer.location()).await.words("#notice");
    assert_eq!(
        told,
        "JIT is not asked about any of these. 1 is not a revised payment instruction In Process. \
         1 is inactive. 1 is being asked about already. 2 are not known here."
    );
    for nobody in [&["PI-9/Y"], &["PI-NOT"]] {
        assert_eq!(ask(nobody).await.status, 404, "{nobody:?}");
    }
    let none = ask(&[]).await;
    assert_eq!(
        (none.status, none.location().as_str()),
        (303, "/payment-instructions?notice=none-marked#notice")
    );
    let many: Vec<String> = (0..101).map(|n| format!("PI-{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(ask(&many).await.location().contains("notice=too-many-marked"));
    let viewer = world.browser_of("dipti", Role::Viewer, "od.jatni").await;
    assert_eq!(viewer.post("/payment-instructions/ask", &[("number", REVISED)]).await.status, 403);
    assert!(viewer.get(LIST).await.all("form#ask, input[type=checkbox]").is_empty());
    assert_eq!(town.post_bare("/payment-instructions/ask", &[("number", REVISED)]).await.status, 403);
    assert!(world.stored("PI-9/Y").wanted_at.is_none());
}

async fn what_is_wanted_survives_a_jit_that_is_away(world: World) {
    world.import_pair(PEOPLE);
    world.jit.script(REVISED, vec![Scenario::EmptyBody, Scenario::Paid]);
    let fields = [("number", REVISED)];
    world.browser.post("/payment-instructions/ask", &fields).await;
    world.until(|| world.stored(REVISED).ftps_message.is_some()).await;
    let stored = world.stored(REVISED);
    assert!(stored.wanted_at.is_none() && stored.next_attempt_at.is_some(), "it goes on as a retry");
    world.browser.post("/payment-instructions/ask", &fields).await;
    world.until(|| world.stored(REVISED).status.as_str() == "Completed").await;
    assert_eq!(world.calls_about(REVISED).len(), 2);
}

async fn the_file_has_the_order_of_the_list_and_what_the_original_knows(world: World) {
    let original = original(ORIGINAL, PEOPLE).but(|one| {
        one["additionalDetails"]["hoaCode"] = "221705".into();
        one["additionalDetails"]["mstAllotmentId"] = "M-7".into();
    });
    let first = revised(REVISED, ORIGINAL, PEOPLE).but(|one| {
        one["additionalDetails"]["hoaCode"] = "".into();
        one["additionalDetails"]["mstAllotmentId"] = json!(null);
    });
    let second = revised("PI-2/A", REVISED, &PEOPLE[..1]).but(|one| {
        one["additionalDetails"]["hoaCode"] = json!(null);
        one["additionalDetails"]["mstAllotmentId"] = json!(null);
    });
    world.import(&[original, first, second]);
    let file = world.get("/payment-instructions.csv?tab=all&sort=amount").await;
    let mut reader = csv::Reader::from_reader(file.text.trim_start_matches('\u{feff}').as_bytes());
    let headings = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let of = |row: &csv::StringRecord, heading: &str| {
        row[headings.iter().position(|one| one == heading).unwrap()].to_owned()
    };
    assert_eq!(of(&rows[0], "PI number"), "PI-2/A", "the smallest amount first");
    assert_eq!(of(&rows[0], "Net amount"), "1230.50");
    for row in &rows {
        assert_eq!(of(row, "Head of account"), "221705", "{row:?}");
        assert_eq!(of(row, "Master allotment ID"), "M-7", "{row:?}");
    }
    let told = rows.iter().find(|row| of(row, "PI number") == ORIGINAL).unwrap();
    assert_eq!(of(told, "Online bill number of the advice"), "202211033261".to_owned());
    assert_eq!(of(told, "Flags"), "failed-payments");
}
