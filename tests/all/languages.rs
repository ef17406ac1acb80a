//! English, Odia and Hindi: the catalogue against the words of the program, and the pages in each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mukta_ftps::access::Role;
use mukta_ftps::domain::{PaymentStatus, PiStatus};
use mukta_ftps::language::{Language, Phrase, recorded};
use mukta_ftps::simulator::jit::Scenario;
use reqwest::header::{ACCEPT_LANGUAGE, REFERER};

use crate::support::{Browser, Kind, PEOPLE, Page, REVISED, World, on_both, words};

on_both!(a_language_is_kept_with_the_person, the_record_stays_english_and_its_translation_stands_beside_it);

const OTHERS: [Language; 2] = [Language::Odia, Language::Hindi];

/// The files below a folder of the source tree whose names end like that, and the one beside it.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let module = root.with_extension(ending.trim_start_matches('.'));
    found.extend(module.is_file().then_some(module));
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found
}

/// The code of the program: without its tests, and with its continued literals in one piece.
fn code(folder: &str) -> String {
    let of = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        text.split("#[cfg(test)]").next().unwrap().to_owned()
    };
    let mut joined = String::new();
    let code: String =
        files(folder, ".rs").iter().filter(|path| !path.ends_with("recorded.rs")).map(of).collect();
    let mut rest = code.as_str();
    while let Some((before, after)) = rest.split_once("\\\n") {
        joined.push_str(before);
        rest = after.trim_start();
    }
    joined + rest
}

/// The literals that stand right after `opening`, blanks between left out.
fn literals_after<'a>(text: &'a str, opening: &str) -> impl Iterator<Item = String> + use<'a> {
    text.match_indices(opening)
        .map(|(at, found)| at + found.len())
        .collect::<Vec<_>>()
        .into_iter()
        .filter_map(|at| {
            let literal = text[at..].trim_start().strip_prefix('"')?;
            let end = literal.match_indices('"').find(|(end, _)| !literal[..*end].ends_with('\\'))?.0;
            Some(literal[..end].replace("\\\"", "\""))
        })
}

/// Without its gaps, does it hold a word?
fn holds_words(text: &str) -> bool {
    let mut outside = text.split("%{").map(|part| part.split_once('}').map_or(part, |(_, after)| after));
    outside.any(|part| part.chars().any(char::is_alphabetic))
}

/// Every text of the pages that can be told in another language.
fn texts() -> BTreeSet<String> {
    let templates: String =
        files("templates", ".html").iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let pages = ["src/web", "src/language"].map(code).concat();
    let mut texts: BTreeSet<String> = literals_after(&templates, "shell.t(")
        .chain(literals_after(&templates, "shell.fill("))
        .chain(literals_after(&pages, "phrase("))
        .chain(recorded::sentences().map(str::to_owned))
        .chain(PiStatus::ALL.iter().map(|status| status.as_str().to_owned()))
        .chain(PaymentStatus::ALL.iter().map(|status| status.as_str().to_owned()))
        .collect();
    // A filter names payment statuses without their first word.
    texts.extend(PaymentStatus::ALL.iter().map(|status| status.as_str().replace("Payment ", "")));
    texts.retain(|text| holds_words(text));
    assert!(texts.len() > 300, "the words of the pages are found: {}", texts.len());
    texts
}

/// A catalogue: one entry a line, so that a change of one is a change of one line.
fn catalogue(language: Language) -> BTreeMap<String, String> {
    let path = format!("{}/locales/{language}.yml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| line.starts_with('"'));
    let entries: Vec<BTreeMap<String, String>> = lines
        .map(|line| serde_json::from_str(&format!("{{{line}}}")).unwrap_or_else(|_| panic!("{line}")))
        .collect();
    let count = entries.len();
    let catalogue: BTreeMap<_, _> = entries.into_iter().flatten().collect();
    assert_eq!(catalogue.len(), count, "{language}: no text twice");
    catalogue
}

fn gaps(text: &str) -> BTreeSet<&str> {
    text.split("%{").skip(1).map(|rest| rest.split('}').next().unwrap()).collect()
}

#[test]
fn every_text_of_the_pages_is_in_every_catalogue_and_no_other_is() {
    let texts = texts();
    for language in OTHERS {
        let known: BTreeSet<String> = catalogue(language).into_keys().collect();
        let missing: Vec<_> = texts.difference(&known).collect();
        let stale: Vec<_> = known.difference(&texts).collect();
        assert!(missing.is_empty() && stale.is_empty(), "{language}: missing {missing:#?}, stale {stale:#?}");
    }
}

#[test]
fn a_translation_keeps_the_gaps_and_is_written_in_its_own_letters() {
    for language in OTHERS {
        let own = match language {
            Language::Odia => '\u{b00}'..='\u{b7f}',
            _ => '\u{900}'..='\u{97f}',
        };
        // The danda is Devanagari's in Unicode, and Odia's too.
        let is_foreign =
            |c: &char| !own.contains(c) && ('\u{900}'..='\u{d7f}').contains(c) && !['।', '॥'].contains(c);
        for (english, told) in catalogue(language) {
            assert_eq!(gaps(&english), gaps(&told), "{language}: {english}");
            let is_abbreviation = !english.chars().any(char::is_lowercase);
            assert!(
                is_abbreviation || told.chars().any(|c| own.contains(&c)),
                "{language}: {english}: {told}"
            );
            assert!(!told.chars().any(|c| is_foreign(&c)), "{language}: {english}: {told}");
            assert_eq!(told.trim(), told, "{language}: {english}");
        }
    }
}

#[test]
fn every_catalogue_entry_is_what_the_program_tells() {
    for language in OTHERS {
        for (english, told) in catalogue(language) {
            let phrase = Phrase::Words(String::leak(english.clone()), Vec::new());
            assert_eq!(language.tell(&phrase), told, "{language}: {english}");
        }
    }
}

/// A sentence that is stored is a value of an enum, so that none can be missing in the catalogues; the
/// other way round, each of them is one that the program can come to.
#[test]
fn every_recorded_sentence_is_one_that_the_program_writes() {
    let declared =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/domain/glitch.rs")).unwrap();
    let code = code("src");
    let mut names = 0;
    for block in declared.split("sentences! {").skip(1) {
        let lines = block.lines().map(str::trim).filter(|line| !line.starts_with("///"));
        let block: Vec<&str> = lines.take_while(|line| *line != "#[cfg(test)]").collect();
        let of = block.iter().find_map(|line| line.strip_suffix(" {")).unwrap();
        for line in block.iter().filter(|line| line.contains(" = \"")) {
            let name = line.split(['(', ' ']).next().unwrap();
            assert!(code.contains(&format!("{of}::{name}")), "nobody writes {of}::{name}");
            names += 1;
        }
    }
    assert_eq!(
        names,
        recorded::sentences().count() - 2,
        "all of them are looked at, but those of every call"
    );
}

/// What a reviewer is asked about is in the catalogue as it is quoted.
#[test]
fn the_list_for_review_quotes_the_catalogue() {
    let path = format!("{}/docs/TRANSLATIONS.md", env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(path).unwrap();
    for (language, heading) in OTHERS.into_iter().zip(["## Odia", "## Hindi"]) {
        let part = document.split(heading).nth(1).unwrap().split("\n## ").next().unwrap();
        let rows = part.lines().filter(|line| line.starts_with("| ")).skip(1);
        let catalogue = catalogue(language);
        let mut quoted = 0;
        for row in rows {
            let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
            assert_eq!(catalogue.get(cells[0]).map(String::as_str), Some(cells[1]), "{row}");
            quoted += 1;
        }
        assert!(quoted > 0, "{language}: nothing is ever certain");
    }
}

async fn world() -> World {
    let world = World::start(Kind::Sqlite).await;
    world.import_pair(PEOPLE);
    world
}

async fn choose(browser: &Browser, language: &str) -> Page {
    browser.post("/language", &[("language", language)]).await
}

async fn a_language_is_kept_with_the_person(world: World) {
    world.import_pair(PEOPLE);
    let person = world.browser_of("tara", Role::Accountant, "od.jatni").await;
    assert_eq!(person.get("/payment-instructions").await.attr("html", "lang"), "en");
    let answer = choose(&person, "or").await;
    assert_eq!((answer.status, answer.location().as_str()), (303, "/"));
    let page = person.get("/payment-instructions").await;
    assert_eq!(page.attr("html", "lang"), "or");
    assert_eq!(page.words("h1"), "ପେମେଣ୍ଟ ନିର୍ଦ୍ଦେଶ");
    assert_eq!(page.words(".languages [aria-current]"), "ଓଡ଼ିଆ");

    let elsewhere = Browser::new(person.address);
    elsewhere.sign_in("tara").await;
    assert_eq!(elsewhere.get("/payment-instructions").await.attr("html", "lang"), "or");
    let colleague = Browser::new(person.address);
    world.employ("ravi", Role::Viewer, "od.jatni");
    colleague.sign_in("ravi").await;
    assert_eq!(colleague.get("/payment-instructions").await.attr("html", "lang"), "en");
    choose(&elsewhere, "hi").await;
    assert_eq!(person.get("/payment-instructions").await.attr("html", "lang"), "hi");
}

async fn the_record_stays_english_and_its_translation_stands_beside_it(world: World) {
    world.import_pair(PEOPLE);
    choose(&world.browser, "or").await;
    world.jit.script(
        REVISED,
        vec![
            Scenario::EmptyBody,
            Scenario::Error("Bill is pending".into()),
            Scenario::Http500,
            Scenario::Paid,
        ],
    );
    let told = [
        ("No response is received.", "No response is received."),
        ("Bill is pending", "Bill is pending"),
        (
            "JIT answered with HTTP status 500 (Internal Server Error).",
            "JIT answered with HTTP status %{status}.",
        ),
        ("Response is received and updated successfully", "Response is received and updated successfully"),
    ];
    for (message, english) in told {
        let page = world.press_refresh(REVISED).await;
        let said = page.one("#ftps-message .said");
        assert_eq!(words(said), format!("On call of FTPS API: {message}"));
        assert_eq!(said.attr("lang"), Some("en"), "a screen reader reads it as English");
        let translation = page.words("#ftps-message .in-other-words");
        match catalogue(Language::Odia).get(english) {
            Some(odia) => {
                let odia = odia.replace("%{status}", "500 (Internal Server Error)");
                assert!(translation.contains(odia.trim_end_matches('।')), "{translation}");
            }
            None => assert!(translation.contains(english), "JIT's own words stay: {translation}"),
        }
    }
    let page = world.view(REVISED).await;
    assert_eq!(page.attr("main", "data-pi-status"), "Completed");
    assert_eq!(page.payment_statuses(), ["Payment Successful"; 3]);
    let row = words(page.all("tr[data-payment-id]")[0]);
    assert!(row.contains("Payment Successful ପେମେଣ୍ଟ ସଫଳ"), "{row}");
}

/// A word of JIT's may be one of a page's labels.
#[test]
fn what_jit_said_is_not_translated_by_chance() {
    for told in ["Paid", "Completed", "Pending", "Failed", "Sign in"] {
        assert_eq!(Language::Odia.of_recorded(&format!("On call of FTPS API: {told}")), None, "{told}");
    }
    assert_eq!(Language::Odia.of_recorded("Sign in"), None);
    assert_eq!(Language::English.of_recorded("Completed"), None);
    assert!(Language::Odia.of_recorded("Completed").is_some());
    assert!(Language::Hindi.of_recorded("JIT answered with HTTP status 500.").unwrap().contains("500"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sign_in_page_speaks_as_the_browser_asks_or_as_was_chosen_in_it() {
    let world = world().await;
    let stranger = world.served_with(world.site.sessions.clone()).await;
    let asked = async |accepted: &str| {
        let request = stranger.client.get(stranger.url("/sign-in")).header(ACCEPT_LANGUAGE, accepted);
        Page::of(request.send().await.unwrap()).await.attr("html", "lang")
    };
    for (accepted, language) in [
        ("or-IN,or;q=0.9,en;q=0.8", "or"),
        ("de;q=0.9, hi;q=0.4, en-IN;q=0.3", "hi"),
        ("de", "en"),
        ("*", "en"),
        ("ଓଡ଼ିଆ;;q=x", "en"),
    ] {
        assert_eq!(asked(accepted).await, language, "{accepted}");
    }
    let token = stranger.form_token().await;
    let chosen = stranger
        .client
        .post(stranger.url("/language"))
        .header(REFERER, stranger.url("/sign-in?next=%2Faudit"))
        .form(&[("language", "or"), ("form_token", &token)])
        .send();
    let chosen = Page::of(chosen.await.unwrap()).await;
    assert_eq!(chosen.location(), "/sign-in?next=%2Faudit", "back to where the switch was");
    assert_eq!(asked("hi").await, "or", "what was chosen counts for more");
    stranger.try_to_sign_in("nobody", "not a password").await;
    let wrong = stranger.get("/sign-in").await;
    assert_eq!(wrong.attr("html", "lang"), "or");
    // Whoever has chosen none of their own reads on in the language of the browser.
    stranger.sign_in("asha").await;
    assert_eq!(stranger.get("/payment-instructions").await.attr("html", "lang"), "or");
    assert_eq!(stranger.get("/nowhere").await.attr("html", "lang"), "or", "error pages too");
    choose(&stranger, "en").await;
    assert_eq!(stranger.get("/nowhere").await.attr("html", "lang"), "en");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_switch_leads_back_to_its_page_and_nowhere_else() {
    let world = world().await;
    let token = world.browser.form_token().await;
    let back = async |referer: &str| {
        let request = world.browser.client.post(world.browser.url("/language"));
        let form = [("language", "en"), ("form_token", token.as_str())];
        Page::of(request.header(REFERER, referer).form(&form).send().await.unwrap()).await.location()
    };
    let here = |path: &str| world.browser.url(path);
    let view = format!("/payment-instructions/{REVISED}?payment=failed");
    assert_eq!(back(&here(&view)).await, view);
    assert_eq!(back(&here("/messages/resend")).await, "/messages");
    assert_eq!(back(&here("/payment-instructions/PI-1/refresh")).await, "/payment-instructions/PI-1");
    assert_eq!(back(&here("/language")).await, "/");
    assert_eq!(back("http://evil.example//evil.example/x").await, "/");
    assert_eq!(back("javascript:alert(1)").await, "/");
    assert_eq!(back("").await, "/");

    assert_eq!(choose(&world.browser, "de").await.status, 400, "a language that is none of ours");
    let foreign = world.browser.post_bare("/language", &[("language", "or")]).await;
    assert_eq!(foreign.status, 403, "a form without the session's token");
    assert_eq!(foreign.all("form[action='/sign-out']").len(), 1, "one can still sign out");
    let nobody = Browser::new(world.browser.address);
    assert_eq!(nobody.post_bare("/language", &[("language", "or")]).await.status, 403);
    let somebody = world.browser_of("tara", Role::Viewer, "od.jatni").await;
    world.database.execute("DELETE FROM sessions");
    let ended = somebody.post_bare("/language", &[("language", "or"), ("form_token", "old")]).await;
    assert!(ended.location().starts_with("/sign-in?"), "{}", ended.location());
    world.browser.sign_in("asha").await;
    assert_eq!(world.browser.get("/language").await.status, 405);
    assert_eq!(world.get("/payment-instructions").await.attr("html", "lang"), "en");
}

/// Whatever a page tells in English words of the catalogue, it marks as English.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_mixes_english_into_another_language() {
    let world = world().await;
    world.jit.script(REVISED, vec![Scenario::EmptyBody, Scenario::OtherAccount]);
    world.press_refresh(REVISED).await;
    world.employ("bina", Role::Viewer, "od.jatni");
    choose(&world.browser, "hi").await;
    let texts = texts();
    let view = format!("/payment-instructions/{REVISED}");
    let calls = format!("{view}/calls");
    let before = [view.as_str(), "/payment-instructions", "/payment-instructions?tab=all&from=x"];
    let after = [
        view.as_str(),
        &calls,
        "/payment-instructions?q=zzz",
        "/payment-instructions?q=zzz+7&status=Completed",
        "/payment-instructions?q=sabita",
        "/",
        "/beneficiaries?q=zzz",
        "/reports/2024-03",
        "/sync-runs",
        "/messages",
        "/audit",
        "/employees",
        "/employees?q=nobody",
        "/employees/1",
        "/employees/2",
        "/account",
        "/account/password",
        "/account/second-factor",
        "/nowhere",
    ];
    for path in before {
        assert_no_english(path, &world.get(path).await, &texts);
    }
    world.press_refresh(REVISED).await;
    for path in after {
        assert_no_english(path, &world.get(path).await, &texts);
    }
}

fn assert_no_english(path: &str, page: &Page, texts: &BTreeSet<String>) {
    for element in page.all("body *, title") {
        if element.attr("lang").is_some() || element.value().name() == "pre" {
            continue;
        }
        let own = element.children().filter_map(|child| child.value().as_text());
        let attributes = ["aria-label", "data-label", "title", "data-busy", "data-busy-note"];
        let told = own.map(|text| text.trim()).chain(attributes.iter().filter_map(|name| element.attr(name)));
        for text in told {
            let is_abbreviation = !text.chars().any(char::is_lowercase);
            assert!(is_abbreviation || !texts.contains(text), "{path}: “{text}” in {}", element.html());
        }
    }
}
