//! People: before the payment instructions where what was typed is theirs, page by page, and as a file.

use std::collections::HashSet;

use mukta_ftps::access::Role;

use crate::support::{PEOPLE, Page, REVISED, World, at, on_both, original, pair, revised};

on_both!(
    what_is_a_persons_shows_their_rows_before_the_payment_instructions,
    a_reference_is_found_however_it_was_pasted,
    nothing_found_says_what_was_looked_for_and_where,
    a_later_page_leads_back_to_the_first,
    the_file_of_people_holds_every_fact_of_the_row,
    the_file_of_people_holds_everybody_once_and_no_formula,
);

async fn get(world: &World, path: &str, q: &str) -> Page {
    let address = reqwest::Url::parse_with_params("http://x/", [("q", q)]).unwrap();
    world.get(&format!("{path}?{}", address.query().unwrap())).await
}

/// The payment IDs of the people on a page, in their order.
fn people(page: &Page) -> Vec<String> {
    assert_eq!(page.status, 200, "{}", page.text);
    page.all("tr[data-pi-number]").iter().map(|row| row.attr("data-payment-id").unwrap().to_owned()).collect()
}

fn records(file: &Page) -> Vec<csv::StringRecord> {
    let text = file.text.trim_start_matches('\u{feff}');
    csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes())
        .records()
        .map(Result::unwrap)
        .collect()
}

async fn what_is_a_persons_shows_their_rows_before_the_payment_instructions(world: World) {
    world.pay(&pair(PEOPLE)).await;
    let utr = world.view(REVISED).await.words(&format!("tr[data-payment-id='{}'] .utr", PEOPLE[0]));
    let utr = utr.split(' ').next().unwrap().to_owned();
    for (typed, expected) in [("Nayak 1, Sabita", 2), (PEOPLE[0], 2), ("BN-1013/224.", 2), ("0002", 2)] {
        let page = get(&world, "/payment-instructions", typed).await;
        assert_eq!(people(&page).len(), expected, "{typed}: {}", page.text);
        let (first, rest) = page.text.split_once("id=\"people\"").unwrap();
        assert!(!first.contains("class=\"stack") && rest.contains("data-payment-id"), "{typed}");
    }
    let by_utr = get(&world, "/payment-instructions", &utr).await;
    assert!(!people(&by_utr).is_empty(), "{}", by_utr.text);
    assert!(by_utr.text.contains("No payment instruction has this in its number"));
    let many = get(&world, "/payment-instructions", "sabita").await;
    assert_eq!(people(&many).len(), 5);
    assert_eq!(many.attr("#people .results a", "href"), "/beneficiaries?q=sabita");
    for other in ["q=PI-1013/2023-24/000256", "tab=all"] {
        assert!(people(&world.get(&format!("/payment-instructions?{other}")).await).is_empty(), "{other}");
    }
    for filtered in ["q=sabita&status=Completed", "q=sabita&tab=needs-you", "q=sabita&tenant=od.jatni"] {
        let page = world.get(&format!("/payment-instructions?{filtered}")).await;
        assert_eq!(people(&page).len(), 5, "{filtered}: {}", page.text);
    }
    let title = many.words("title");
    assert!(title.starts_with("sabita · ") && title.contains("payment instruction"), "{title}");
    let at_fault = world.get("/payment-instructions?from=31/02/2026").await;
    assert!(at_fault.words("title").starts_with("Error: "), "{}", at_fault.text);
    assert!(at_fault.all(".tabs .count").is_empty(), "nothing was counted");
    let town = world.browser_of("bina", Role::Viewer, "od.dhenkanal").await;
    let elsewhere = town.get("/payment-instructions?q=sabita").await;
    assert!(people(&elsewhere).is_empty(), "another town's people are not told");
}

async fn a_reference_is_found_however_it_was_pasted(world: World) {
    world.import(&[original("PI-1/A", PEOPLE)]);
    for typed in [
        "BN-1013/000224",
        "bn-1013 / 000224.",
        "BN\u{2013}1013\\224",
        "\u{a0}BN\u{2011}1013/000224,",
        "person-0",
    ] {
        assert_eq!(people(&get(&world, "/beneficiaries", typed).await), PEOPLE[..1], "{typed:?}");
    }
    let two = get(&world, "/beneficiaries", "BN-1013/000224, BN-1013/226").await;
    assert_eq!(people(&two), [PEOPLE[0], PEOPLE[2]]);
    assert_eq!(people(&get(&world, "/beneficiaries", "Smt. Nayak, Sabita").await), PEOPLE);
    assert_eq!(people(&get(&world, "/beneficiaries", "Sabita, PI-1/A").await), PEOPLE);
    assert!(people(&get(&world, "/beneficiaries", "Sabita, PI-2/A").await).is_empty());
    assert!(people(&get(&world, "/beneficiaries", "%").await).is_empty());
}

async fn nothing_found_says_what_was_looked_for_and_where(world: World) {
    world.import(&[original("PI-1/A", PEOPLE)]);
    let page = get(&world, "/payment-instructions", "PI-9 / 2026-27 / 7.").await;
    let told = page.words(".understood");
    assert!(
        told.contains("The number PI-9/2026-27/7 was looked for.") && told.contains("all PI numbers"),
        "{told}"
    );
    assert!(page.text.contains("Nor has anybody") && page.text.contains("Try a part of the number"));
    let page = world.get("/payment-instructions?q=Smt.+Nobody+Sabita&status=Completed").await;
    let told = page.words(".understood");
    assert!(
        told.contains("in any order, were looked for: Nobody, Sabita.") && told.contains("only what fits"),
        "{told}"
    );
    assert_eq!(
        page.attr(".understood a", "href"),
        "/payment-instructions?tab=all&q=Smt%2E%20Nobody%20Sabita"
    );
    let page = get(&world, "/beneficiaries", "PI-9/1 and PI-9/2").await;
    let told = page.words(".understood");
    assert!(
        told.contains("Each of these numbers was looked for: PI-9/1, PI-9/2.") && told.contains("UTR"),
        "{told}"
    );
    let page = get(&world, "/beneficiaries", "***").await;
    assert!(page.text.contains("There is no letter and no digit in what was typed."));
}

async fn a_later_page_leads_back_to_the_first(world: World) {
    world.import_many(30);
    let first = get(&world, "/beneficiaries", "sabita").await;
    assert!(first.all("a[rel=next]").len() == 1 && people(&first).len() >= 50);
    let later = world.get(&first.attr("a[rel=next]", "href")).await;
    assert!(!people(&later).is_empty());
    assert_eq!(later.words("nav.pages a"), "First page");
    assert_eq!(later.attr("nav.pages a", "href"), "/beneficiaries?q=sabita");
    let beyond = world.get("/beneficiaries?q=sabita&below=0").await;
    assert!(beyond.text.contains("There are no more.") && !beyond.text.contains("Nobody found."));
}

async fn the_file_of_people_holds_every_fact_of_the_row(world: World) {
    world.pay(&pair(&PEOPLE[..1])).await;
    let page = get(&world, "/beneficiaries", "sabita").await;
    assert_eq!(page.attr("a[download]", "href"), "/beneficiaries.csv?q=sabita");
    let file = world.get(&page.attr("a[download]", "href")).await;
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    assert_eq!(file.headers["content-disposition"], "attachment; filename=\"beneficiaries-2024-03-31.csv\"");
    let rows = records(&file);
    assert_eq!(rows.len(), 3, "a heading and two payments of hers");
    let fact = |name: &str| {
        let at = rows[0].iter().position(|heading| heading == name).unwrap_or_else(|| panic!("{name}"));
        rows[1][at].to_owned()
    };
    for (name, expected) in [
        ("PI number", REVISED),
        ("PI date", "2024-03-21"),
        ("PI type", "Revised"),
        ("PI status", "Completed"),
        ("ULB", "od.jatni"),
        ("ULB name", "Jatni"),
        ("Payment ID", PEOPLE[0]),
        ("Beneficiary ID", "person-0"),
        ("Name", "Sabita Nayak 0"),
        ("Account (last four digits)", "0000"),
        ("IFSC", "SBIN0012345"),
        ("Mobile (last four digits)", "0000"),
        ("Amount", "1230.50"),
        ("Payment status", "Payment Successful"),
        ("Failure reason", ""),
        ("Returned on", ""),
    ] {
        assert_eq!(fact(name), expected, "{name}");
    }
    assert!(!fact("UTR number").is_empty() && !fact("SMS").is_empty(), "{:?}", rows[1]);
    assert_eq!(
        fact("UTR date").split('-').map(str::len).collect::<Vec<_>>(),
        [4, 2, 2],
        "{}",
        fact("UTR date")
    );
    assert!(!file.text.contains("30131500010000") && !file.text.contains("7550010000"), "no whole number");
    assert_eq!(world.get(&format!("/beneficiaries.csv?q={}", "q".repeat(201))).await.status, 400);
}

async fn the_file_of_people_holds_everybody_once_and_no_formula(world: World) {
    world.import_many(120);
    world.import(&[
        original("PI-7/1", &PEOPLE[..1]).person(0, "benefName", "=HYPERLINK(\"http://x\")"),
        revised("PI-8/2", "PI-7/1", &PEOPLE[..1])
            .of_tenant("od.dhenkanal")
            .created(at("2024-03-30T10:00:00Z")),
    ]);
    let all = records(&world.get("/beneficiaries.csv").await);
    let keys: HashSet<(String, String)> =
        all[1..].iter().map(|row| (row[0].to_owned(), row[8].to_owned())).collect();
    assert_eq!(keys.len(), all.len() - 1, "each once");
    assert!(
        all.len() > 122 && all.iter().any(|row| &row[10] == "'=HYPERLINK(\"http://x\")"),
        "{}",
        all.len()
    );
    let town = world.browser_of("bina", Role::Viewer, "od.dhenkanal").await;
    let own = records(&town.get("/beneficiaries.csv").await);
    assert_eq!((own.len(), &own[1][0]), (2, "PI-8/2"));
    assert_eq!(records(&world.get("/beneficiaries.csv?q=nobody-like-that").await).len(), 1);
}
