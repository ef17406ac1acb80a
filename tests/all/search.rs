//! The list of payment instructions: what waits for action, the search, and its file.

use std::collections::HashSet;

use chrono::TimeDelta;
use mukta_ftps::access::Role;
use mukta_ftps::simulator::jit::Scenario;
use serde_json::json;

use crate::support::{Instruction, PEOPLE, Page, World, at, on_both, original, revised, words};

on_both!(
    a_number_is_found_however_it_was_pasted,
    several_numbers_give_several_rows,
    a_number_that_is_there_is_not_buried_under_those_that_begin_like_it,
    a_name_is_found_in_any_order_and_with_a_title,
    a_text_is_found_in_part_without_regard_to_case,
    an_import_that_changes_names_changes_what_is_found,
    each_filter_narrows_and_together_they_narrow_more,
    days_are_those_of_odisha_and_both_ends_count,
    the_pages_hold_every_one_once_though_many_share_an_instant,
    what_waits_shows_errors_first_then_the_oldest,
    a_row_counts_its_beneficiaries_paid_and_failed,
    a_town_finds_only_its_own,
    the_form_keeps_what_was_typed_and_says_what_is_wrong,
    no_query_makes_the_list_fail,
    the_file_holds_every_row_and_no_formula,
);

const LIST: &str = "/payment-instructions";

/// An original of one beneficiary, created at an instant.
fn created(number: &str, instant: &str) -> Instruction {
    original(number, &PEOPLE[..1]).created(at(instant))
}

/// An original whose only beneficiary has that name.
fn named(number: &str, name: &str) -> Instruction {
    original(number, &PEOPLE[..1]).person(0, "benefName", name)
}

/// The PI numbers on a page, in their order.
fn numbers(page: &Page) -> Vec<String> {
    assert_eq!(page.status, 200, "{}", page.text);
    page.all("table.list tbody th a").into_iter().map(words).collect()
}

async fn found(world: &World, query: &str) -> Vec<String> {
    numbers(&world.get(&format!("{LIST}?{query}")).await)
}

/// What a text finds, in alphabetical order.
async fn found_of(world: &World, q: &str) -> Vec<String> {
    let address = reqwest::Url::parse_with_params("http://x/payment-instructions", [("q", q)]).unwrap();
    let mut found = found(world, address.query().unwrap()).await;
    found.sort();
    found
}

/// Follows `a[rel=next]` to the end: the numbers of every page.
async fn walked(world: &World, path: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        assert!(pages.len() < 20, "the walk ends");
        let page = world.get(&path).await;
        pages.push(numbers(&page));
        next = page.all("a[rel=next]").first().map(|link| link.attr("href").unwrap().to_owned());
    }
    pages
}

fn total(page: &Page) -> String {
    page.words(".total")
}

async fn a_text_is_found_in_part_without_regard_to_case(world: World) {
    let billed = original("PI-2/B", PEOPLE).but(|one| {
        one["additionalDetails"]["billNumber"] = json!(["WB/2023-24/000777", "100%_SURE\\"]);
    });
    world.import(&[
        named("PI-1/A", "Élise  d'Souza"),
        billed,
        named("PI-3/C", "ସବିତା ନାୟକ"),
        named("PI-4/D", "Say \"AND\" OR NOT* (x)"),
    ]);
    for (q, expected) in [
        ("PI-1/A", "PI-1/A"),
        ("i-1/a", "PI-1/A"),
        ("  pi-1/A  ", "PI-1/A"),
        ("000777", "PI-2/B"),
        ("wb/2023-24/0007", "PI-2/B"),
        ("ÉLISE", "PI-1/A"),
        ("élise D'SOUZA", "PI-1/A"),
        ("D's", "PI-1/A"),
        ("ବିତା", "PI-3/C"),
        ("ନାୟ", "PI-3/C"),
        ("%_sure", "PI-2/B"),
        ("sure\\", "PI-2/B"),
        ("\"and\"", "PI-4/D"),
        ("not* (", "PI-4/D"),
        ("-3/", "PI-3/C"),
        ("x)", "PI-4/D"),
    ] {
        assert_eq!(found_of(&world, q).await, [expected], "{q:?}");
    }
    assert_eq!(found_of(&world, "pi-").await.len(), 4);
    for nothing in
        ["pi-1/a wx", "%%", "p%1", "_x-1", "nobody at all", "zz", "souza pi", "\u{1}", "pi-1/aa", "---"]
    {
        assert_eq!(found_of(&world, nothing).await, [""; 0], "{nothing:?}");
    }
}

async fn a_number_is_found_however_it_was_pasted(world: World) {
    let billed = original("PI-1013/2026-27/000256", PEOPLE).but(|one| {
        one["additionalDetails"]["billNumber"] = json!(["WB/2026-27/000777"]);
    });
    world.import(&[billed, original("PI-1013/2025-26/000411", PEOPLE)]);
    for pasted in [
        "PI-1013/2026-27/000256",
        "PI-1013 / 2026-27 / 000256",
        "PI\u{2013}1013/2026\u{2013}27/000256",
        "PI\u{2014}1013/2026\u{2212}27/000256",
        "PI\u{2011}1013/2026\u{2011}27/000256",
        "\u{a0}PI-1013\u{a0}/\u{202f}2026-27\u{2009}/\u{3000}000256\u{a0}",
        "PI-1013/2026-27/000256.",
        "PI-1013/2026-27/000256,",
        "\u{201c}PI-1013/2026-27/000256\u{201d}.",
        "(PI-1013/2026-27/000256)",
        "PI-1013\\2026-27\\000256",
        "PI-1013/2026-27/256",
        "pi 1013/2026-27/256",
        "PI No. 1013/2026-27/256",
        "PI1013/2026-27/0000256",
        "PI-\u{ad}1013/\u{200b}2026-27/000256",
        "PI-୧୦୧୩/୨୦୨୬-୨୭/୨୫୬",
        "1013/2026-27",
        "/000256",
        "WB/2026-27/000777",
        "WB / 2026\u{2013}27 / 777.",
        "wb\\2026-27\\777",
        "Bill no. WB/2026-27/0777",
    ] {
        assert_eq!(found_of(&world, pasted).await, ["PI-1013/2026-27/000256"], "{pasted:?}");
    }
    for nothing in ["PI-1013/2026-27/000257", "PI-1013/2026-2/256", "PI-101/3202627/256", "1013/2026-27/56"] {
        assert_eq!(found_of(&world, nothing).await, [""; 0], "{nothing:?}");
    }
}

async fn several_numbers_give_several_rows(world: World) {
    world.import(&[
        original("PI-1013/2026-27/000256", PEOPLE),
        original("PI-1013/2026-27/000257", PEOPLE),
        original("PI-1013/2026-27/000258", PEOPLE),
    ]);
    let two = ["PI-1013/2026-27/000256", "PI-1013/2026-27/000257"];
    for pasted in [
        "PI-1013/2026-27/000256, PI-1013/2026-27/000257",
        "PI-1013/2026-27/000256,PI-1013/2026-27/000257",
        "PI-1013/2026-27/000257 PI-1013/2026-27/000256",
        "PI-1013/2026-27/000256\nPI-1013/2026-27/000257\n",
        "PI-1013/2026-27/000256\tPI-1013/2026-27/000257",
        "PI-1013/2026-27/000256; PI-1013/2026-27/257.",
        "PI-1013/2026-27/000256 and PI-1013/2026-27/000257",
        "PI-1013/2026-27/000256 & PI-1013/2026-27/000257",
        "PI-1013/2026-27/000256 ଓ PI-1013/2026-27/000257",
        "PI-1013 / 2026-27 / 000256 and PI-1013 / 2026-27 / 257.",
        "PI-1013/2026-27/000256 \u{2013} PI-1013/2026-27/000257",
        "PI-1013/2026-27/000256PI-1013/2026-27/000257",
        "000256 000257",
        "256, 257",
        "PI-1013/2026-27/000256 PI-1013/2026-27/000257 PI-1013/2026-27/999999",
    ] {
        assert_eq!(found_of(&world, pasted).await, two, "{pasted:?}");
    }
    assert_eq!(found_of(&world, "Sabita Nayak, PI-1013/2026-27/256").await, two[..1]);
    assert_eq!(found_of(&world, "Ramesh, PI-1013/2026-27/256").await, [""; 0]);
    let file = world.get("/payment-instructions.csv?q=000256%2C%20000257").await;
    assert_eq!(file.text.lines().count(), 3, "a heading and two");
}

async fn a_number_that_is_there_is_not_buried_under_those_that_begin_like_it(world: World) {
    let numbers = ["PI-1013/2026-27/000025", "PI-1013/2026-27/000251", "PI-1013/2026-27/002509"];
    world.import(&numbers.map(|number| original(number, PEOPLE)));
    for whole in ["PI-1013/2026-27/000025", "PI-1013/2026-27/25", "000025"] {
        assert_eq!(found_of(&world, whole).await, numbers[..1], "{whole:?}");
    }
    for begun in
        ["PI-1013/2026-27/0002", "PI-1013/2026-27/2", "PI-1013/2026-27/", "PI-1013/2026-27/000", "025"]
    {
        let expected = if begun == "025" { &numbers[..1] } else { &numbers[..] };
        assert_eq!(found_of(&world, begun).await, expected, "{begun:?}");
    }
}

async fn a_name_is_found_in_any_order_and_with_a_title(world: World) {
    world.import(&[
        named("PI-1/A", "Sabita Nayak"),
        named("PI-2/B", "ଅନୀତା ଷଡ଼ଙ୍ଗୀ"),
        named("PI-3/C", "सविता गड़नायक"),
        named("PI-4/D", "Smt. SUNITA  D\u{2019}Souza"),
        named("PI-5/E", "Kumari"),
        original("PI-6/F", &PEOPLE[..2]).person(0, "benefName", "Nayak Das").person(
            1,
            "benefName",
            "Sabita Rout",
        ),
    ]);
    for (typed, expected) in [
        ("Nayak Sabita", "PI-1/A"),
        ("Nayak, Sabita", "PI-1/A"),
        ("NAYAK  ,SABITA.", "PI-1/A"),
        ("naya\u{a0}sabi", "PI-1/A"),
        ("Smt Sabita Nayak", "PI-1/A"),
        ("Smt. Nayak Sabita", "PI-1/A"),
        ("Smt.Sabita Nayak", "PI-1/A"),
        ("Shri Sabita Nayak", "PI-1/A"),
        ("Sri Sabita Nayak", "PI-1/A"),
        ("Mr Sabita Nayak", "PI-1/A"),
        ("Mrs. Sabita Nayak", "PI-1/A"),
        ("Ms Sabita Nayak", "PI-1/A"),
        ("Kumari Sabita Nayak", "PI-1/A"),
        ("ଶ୍ରୀମତୀ Sabita Nayak", "PI-1/A"),
        ("श्रीमती Sabita Nayak", "PI-1/A"),
        ("kumari", "PI-5/E"),
        ("ଶ୍ରୀମତୀ ଅନୀତା", "PI-2/B"),
        ("ଶ୍ରୀ ଷଡ଼ଙ୍ଗୀ", "PI-2/B"),
        ("ଷ\u{b5c}ଙ୍ଗୀ ଅନୀତା", "PI-2/B"),
        ("ଷ\u{b21}\u{b3c}ଙ୍ଗୀ", "PI-2/B"),
        ("श्री ग\u{95c}नायक", "PI-3/C"),
        ("ग\u{921}\u{93c}नायक सविता", "PI-3/C"),
        ("sunita d'souza", "PI-4/D"),
        ("SOUZA Sunita", "PI-4/D"),
    ] {
        assert_eq!(found_of(&world, typed).await, [expected], "{typed:?}");
    }
    assert_eq!(found_of(&world, "Smt. Sabita").await, ["PI-1/A", "PI-6/F"]);
    world.import(&[named("PI-7/G", "ଷ\u{b5c}ଙ୍ଗୀ"), named("PI-8/H", "ग\u{95c}नायक")]);
    assert_eq!(found_of(&world, "ଷ\u{b21}\u{b3c}ଙ୍ଗୀ").await, ["PI-2/B", "PI-7/G"]);
    assert_eq!(found_of(&world, "ଷ\u{b5c}ଙ୍ଗୀ").await, ["PI-2/B", "PI-7/G"]);
    assert_eq!(found_of(&world, "ग\u{921}\u{93c}नायक").await, ["PI-3/C", "PI-8/H"]);
}

async fn an_import_that_changes_names_changes_what_is_found(world: World) {
    world.import(&[named("PI-1/A", "Sabita Nayak")]);
    world.import(&[named("PI-1/A", "Sunita Behera").created(at("2023-11-14T22:13:20Z"))]);
    assert_eq!(found_of(&world, "nayak").await, [""; 0]);
    assert_eq!(found_of(&world, "behera").await, ["PI-1/A"]);
    let page = world.get("/payment-instructions?q=behera").await;
    assert_eq!(words(page.all("table.list tbody tr")[0]).split(' ').nth(1).unwrap(), "15/11/2023");
}

async fn each_filter_narrows_and_together_they_narrow_more(world: World) {
    world.import(&[
        original("PI-1/A", PEOPLE),
        revised("PI-2/B", "PI-1/A", PEOPLE),
        original("PI-3/C", PEOPLE).in_state("APPROVED", "Payment Pending"),
        revised("PI-4/D", "PI-3/C", PEOPLE).in_state("DECLINED", "Payment Failed"),
    ]);
    assert_eq!(found(&world, "tab=all").await, ["PI-4/D", "PI-3/C", "PI-2/B", "PI-1/A"]);
    assert_eq!(found(&world, "q=&status=&type=&from=&to=&tab=all").await.len(), 4);
    assert_eq!(found(&world, "type=revised").await, ["PI-4/D", "PI-2/B"]);
    assert_eq!(found(&world, "type=original").await, ["PI-3/C", "PI-1/A"]);
    assert_eq!(found(&world, "status=In+Process").await, ["PI-2/B"]);
    assert_eq!(found(&world, "status=Approved&type=original").await, ["PI-3/C"]);
    assert_eq!(found(&world, "status=Approved&type=revised").await, [""; 0]);
    assert_eq!(
        found(&world, "q=pi-4&type=revised&status=Declined&from=2024-03-21&to=2024-03-21").await,
        ["PI-4/D"]
    );
    assert_eq!(found(&world, "q=pi-4&from=2024-03-22").await, [""; 0]);
}

async fn days_are_those_of_odisha_and_both_ends_count(world: World) {
    world.import(&[
        created("PI-1/A", "2024-03-30T18:29:59.999Z"),
        created("PI-2/B", "2024-03-30T18:30:00Z"),
        created("PI-3/C", "2024-03-31T18:29:59.999Z"),
        created("PI-4/D", "2024-03-31T18:30:00Z"),
    ]);
    assert_eq!(found(&world, "from=2024-03-31&to=2024-03-31").await, ["PI-3/C", "PI-2/B"]);
    assert_eq!(found(&world, "from=2024-04-01").await, ["PI-4/D"]);
    assert_eq!(found(&world, "to=2024-03-30").await, ["PI-1/A"]);
    assert_eq!(found(&world, "from=0001-01-01&to=9999-12-31").await.len(), 4);
}

async fn the_pages_hold_every_one_once_though_many_share_an_instant(world: World) {
    let all: Vec<Instruction> =
        (0..125).map(|n| created(&format!("PI-{n:03}/A"), "2024-03-30T10:00:00Z")).collect();
    world.import(&all);
    for path in [
        "/payment-instructions?tab=all",
        "/payment-instructions?q=pi-",
        "/payment-instructions?q=I&type=original",
    ] {
        let pages = walked(&world, path).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50, 25], "{path}");
        let seen: HashSet<&String> = pages.iter().flatten().collect();
        assert_eq!(seen.len(), 125, "{path}");
    }
    assert_eq!(total(&world.get("/payment-instructions?tab=all").await), "125 payment instructions");
    let first = world.get("/payment-instructions?q=pi-").await;
    let second = world.get(&first.attr("a[rel=next]", "href")).await;
    assert_eq!(second.attr("input[name=q]", "value"), "pi-", "the filters go along");
    assert_eq!(total(&second), "125 payment instructions");
}

async fn what_waits_shows_errors_first_then_the_oldest(world: World) {
    let mut all = vec![original("PI-0/A", PEOPLE), revised("PI-2/A", "PI-0/A", PEOPLE).inactive()];
    for n in 0..60 {
        let minute = at("2024-03-21T05:46:40Z") + TimeDelta::minutes(n);
        all.push(revised(&format!("PI-1/{n:02}"), "PI-0/A", PEOPLE).created(minute));
    }
    world.import(&all);
    for (number, scenario) in [
        ("PI-1/03", Scenario::ErrorList),
        ("PI-1/20", Scenario::EmptyBody),
        ("PI-1/05", Scenario::ErrorList),
        ("PI-1/50", Scenario::Paid),
    ] {
        world.jit.script(number, vec![scenario]);
        world.press_refresh(number).await;
    }
    let pages = walked(&world, LIST).await;
    assert_eq!(pages[0][..4], ["PI-1/03", "PI-1/05", "PI-1/20", "PI-1/00"]);
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [50, 9], "paid and inactive ones do not wait");
    assert_eq!(pages.iter().flatten().collect::<HashSet<_>>().len(), 59);
    assert_eq!(total(&world.get(LIST).await), "59 payment instructions");
    let file = world.get("/payment-instructions.csv").await;
    assert_eq!(file.text.lines().count(), 60, "a heading and what waits");
}

async fn a_row_counts_its_beneficiaries_paid_and_failed(world: World) {
    world.import(&[original("PI-1/A", PEOPLE).person(0, "paymentStatus", "Payment Successful")]);
    let page = world.get("/payment-instructions?tab=all").await;
    let cell = |class: &str| page.words(&format!("td.{class}"));
    assert_eq!(cell("payments"), "3 payments 1 paid");
    assert_eq!([cell("amount"), cell("status")], ["₹ 3,691.50", "Completed 2 of 3 failed"]);
    assert_eq!(cell("date"), "21/03/2024 Original");
}

async fn a_town_finds_only_its_own(world: World) {
    world.import(&[
        original("PI-1/A", PEOPLE),
        revised("PI-2/B", "PI-1/A", PEOPLE),
        original("PI-9/Z", PEOPLE).of_tenant("od.dhenkanal"),
        original("PI-8/Y", PEOPLE).of_tenant("pb.amritsar"),
    ]);
    let town = world.browser_of("bina", Role::Viewer, "od.dhenkanal").await;
    for query in ["tab=all", "q=pi-", "q=p", "status=Completed", "type=original"] {
        assert_eq!(numbers(&town.get(&format!("{LIST}?{query}")).await), ["PI-9/Z"], "{query}");
    }
    assert_eq!(numbers(&town.get(LIST).await), [""; 0]);
    assert_eq!(found(&world, "tab=all").await, ["PI-9/Z", "PI-2/B", "PI-1/A"]);
    assert_eq!(found(&world, "q=pi-&type=original").await, ["PI-9/Z", "PI-1/A"]);
    let file = town.get("/payment-instructions.csv?tab=all").await;
    assert!(file.text.contains("PI-9/Z") && !file.text.contains("PI-1/A") && !file.text.contains("PI-8/Y"));
}

async fn the_form_keeps_what_was_typed_and_says_what_is_wrong(world: World) {
    world.import(&[original("PI-1/A", PEOPLE)]);
    let page = world
        .get("/payment-instructions?q=%22%3Cb%3E&status=Completed&type=revised&from=2024-03-01&to=2024-03-31")
        .await;
    assert_eq!(page.attr("input[name=q]", "value"), "\"<b>");
    assert_eq!(page.words("select[name=status] option[selected]"), "Completed");
    assert_eq!(page.attr("select[name=type] option[selected]", "value"), "revised");
    assert_eq!(page.attr("input[name=from]", "value"), "2024-03-01");
    assert_eq!(page.attr("input[name=to]", "value"), "2024-03-31");
    assert!(page.text.contains("Clear filters"));
    for (query, field) in [
        ("from=31.03.2024", "from"),
        ("completed-from=30/02/2024", "completed-from"),
        ("flag=red", "flag"),
        ("sort=colour", "sort"),
        ("to=2024-02-30", "to"),
        ("from=2024-04-02&to=2024-04-01", "to"),
        ("status=Paid", "status"),
        ("type=new", "type"),
    ] {
        let page = world.get(&format!("{LIST}?{query}")).await;
        assert_eq!(page.status, 400, "{query}");
        assert_eq!(
            page.attr(&format!("[name={field}]"), "aria-describedby"),
            format!("{field}-fault"),
            "{query}"
        );
        assert!(!page.words(&format!("#{field}-fault")).is_empty());
        assert_eq!(world.get(&format!("/payment-instructions.csv?{query}")).await.status, 400, "{query}");
    }
}

async fn no_query_makes_the_list_fail(world: World) {
    world.import(&[original("PI-1/A", PEOPLE), revised("PI-2/B", "PI-1/A", PEOPLE)]);
    let long = "q".repeat(4000);
    for query in [
        "cursor=x",
        "cursor=0-",
        "cursor=9-1",
        "cursor=0-99999999999999999999",
        "tab=all&cursor=%00",
        "q=a&q=b",
        "q=%00",
        "q=%ff",
        "q=%e0%a4",
        "from=%00",
        "to=-1",
        "from=99999-01-01",
        "status=%27",
        "type[]=x",
        "tab=all&cursor=3-1",
        "cursor=0-9223372036854775807",
        &format!("q={long}"),
        "q=%22",
        "q=%22%22%22",
        "q=*",
        "q=NEAR(a%20b)",
        "q=%27%27%27",
        "q=---",
        "q=%25%25%25",
        "q=___",
        "q=%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80",
        "%",
        "&&&",
        "=",
    ] {
        for path in ["/payment-instructions", "/payment-instructions.csv"] {
            let page = world.get(&format!("{path}?{query}")).await;
            assert!((200..500).contains(&page.status), "{path}?{query}: {}", page.status);
        }
    }
}

async fn the_file_holds_every_row_and_no_formula(world: World) {
    let mut all: Vec<Instruction> =
        (0..1201).map(|n| created(&format!("PI-{n:04}/A"), "2024-03-30T10:00:00Z")).collect();
    all.push(created("=HYPERLINK(\"http://x\")", "2024-03-30T11:00:00Z"));
    world.import(&all);
    let file = world.get("/payment-instructions.csv?tab=all").await;
    assert_eq!(file.status, 200);
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    assert_eq!(
        file.headers["content-disposition"],
        "attachment; filename=\"payment-instructions-2024-03-31.csv\""
    );
    // reqwest takes the byte order mark off.
    let mut reader = csv::Reader::from_reader(file.text.trim_start_matches('\u{feff}').as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1202);
    assert_eq!(rows.iter().map(|row| row[0].to_owned()).collect::<HashSet<_>>().len(), 1202);
    assert_eq!(&rows[0][0], "'=HYPERLINK(\"http://x\")");
    assert_eq!(&rows[1][1], "2024-03-30");
    assert_eq!(
        total(&world.get("/payment-instructions?tab=all").await),
        "more than 1,000 payment instructions"
    );
    let page = world.get("/payment-instructions?q=0077&type=original").await;
    assert_eq!(page.attr("a[download]", "href"), "/payment-instructions.csv?tab=all&q=0077&type=original");
    assert_eq!(world.get(&page.attr("a[download]", "href")).await.text.lines().count(), 2);
    assert_eq!(world.get("/payment-instructions.csv?q=nothing-like-it").await.text.lines().count(), 1);
}
