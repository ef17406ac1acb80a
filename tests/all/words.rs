//! The words of the pages: towns by their names, and nothing that only an operator understands.

use std::sync::Arc;

use mukta_ftps::access::Role;
use mukta_ftps::language::recorded;
use mukta_ftps::sealing::hex;
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::simulator::sms::SmsScenario;
use mukta_ftps::web::tenants::TenantNames;
use mukta_ftps::web::{self, Site};

use crate::support::{
    Browser, DATA_KEY, ORIGINAL, PEOPLE, REVISED, SESSION_KEY, World, on_both, original, pair, program,
    revised, stderr, stdout, words,
};

on_both!(
    a_town_is_called_by_its_name_wherever_it_is_shown,
    what_only_an_operator_understands_is_told_to_administrators_alone,
);

const NAMES: &str = r#"[{"id":"od.jatni","en":"Jatni Town","or":"ଜଟଣୀ","hi":"जटनी"}]"#;

/// The same program, its towns named.
async fn named(world: &World) -> Browser {
    let names = Arc::new(TenantNames::read(NAMES).unwrap());
    let site = Site { tenants: names, ..world.site.clone() };
    let (server, address) = web::listen(&site, ([127, 0, 0, 1], 0).into()).unwrap();
    tokio::spawn(server);
    Browser::new(address)
}

async fn a_town_is_called_by_its_name_wherever_it_is_shown(world: World) {
    world.pay(&pair(PEOPLE)).await;
    world.import(&[
        original("PI-8/1", PEOPLE).of_tenant("od.dhenkanal"),
        revised("PI-8/2", "PI-8/1", PEOPLE).of_tenant("od.dhenkanal"),
    ]);
    let browser = named(&world).await;
    browser.sign_in("asha").await;
    let view = format!("/payment-instructions/{REVISED}");
    let pages = ["/", "/payment-instructions?tab=all", "/beneficiaries?q=nayak", "/reports/2024-03", &view];
    for (language, jatni, dhenkanal) in
        [("or", "ଜଟଣୀ", "Dhenkanal"), ("hi", "जटनी", "Dhenkanal"), ("en", "Jatni Town", "Dhenkanal")]
    {
        browser.post("/language", &[("language", language)]).await;
        for path in pages {
            let page = browser.get(path).await;
            let shown = page.words("body");
            assert!(shown.contains(jatni), "{path} in {language}: {shown}");
            assert!(path == view || shown.contains(dhenkanal), "{path} in {language}: {shown}");
            assert!(!shown.contains("od.jatni") && !shown.contains("od.dhenkanal"), "{path}: {shown}");
        }
    }
    assert!(browser.get("/").await.words(".who").ends_with("Odisha"));
    let list = browser.get("/payment-instructions.csv?tab=all").await.text;
    assert!(list.contains("ULB,ULB name,") && list.contains("od.jatni,Jatni Town,"), "{list}");
    assert!(list.contains("od.dhenkanal,Dhenkanal,"), "{list}");
    let report = browser.get("/reports/2024-03.csv").await.text;
    assert!(report.contains("2024-03,od.jatni,Jatni Town,3,"), "{report}");

    let town = named(&world).await;
    world.employ("bina", Role::Accountant, "od.jatni");
    town.sign_in("bina").await;
    assert!(town.get("/").await.words(".who").ends_with("Jatni Town"));
    let trail = browser.get("/audit").await.words("tbody");
    assert!(trail.contains("bina Jatni Town"), "{trail}");
    assert_eq!(world.view(ORIGINAL).await.status, 200);
}

#[test]
fn names_of_towns_that_cannot_be_used_are_exit_2_and_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tenants.json");
    let twice = format!("[{one},{one}]", one = NAMES.trim_matches(['[', ']']));
    for json in
        [None, Some("{"), Some(r#"{"od.jatni":"Jatni"}"#), Some(r#"[{"id":"od.jatni"}]"#), Some(&twice)]
    {
        if let Some(json) = json {
            std::fs::write(&file, json).unwrap();
        }
        let output = program(&["serve"])
            .env("DATA_KEY", hex(&DATA_KEY))
            .env("SESSION_KEY", hex(&SESSION_KEY))
            .env("JIT_BASE_URL", "http://127.0.0.1:9")
            .env("JIT_CLIENT_ID", "id")
            .env("JIT_CLIENT_SECRET", "secret")
            .env("JIT_PUBLIC_KEY_FILE", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/jit-public-key.der"))
            .env("TENANTS_FILE", &file)
            .output()
            .unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{json:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains("TENANTS_FILE"), "{said}");
    }
}

async fn what_only_an_operator_understands_is_told_to_administrators_alone(world: World) {
    world.pay(&pair(PEOPLE)).await;
    for place in 0..PEOPLE.len() {
        world.gateway.script(&format!("755001{place:04}"), vec![SmsScenario::ResetUnread]);
    }
    world.deliver().await;
    world.import(&[revised("PI-8/2", ORIGINAL, PEOPLE)]);
    world
        .jit
        .script("PI-8/2", vec![Scenario::Reset, Scenario::WrongShape, Scenario::Garbage, Scenario::NotJson]);
    for _ in 0..4 {
        world.press_refresh("PI-8/2").await;
    }
    let accountant = world.browser_of("bina", Role::Accountant, "od.jatni").await;
    let view = "/payment-instructions/PI-8/2";
    let calls = format!("{view}/calls");
    let pages =
        [view, &calls, "/", "/payment-instructions", "/messages", "/sync-runs", "/beneficiaries?q=nayak"];
    for path in pages {
        let shown = accountant.get(path).await;
        assert_eq!(shown.status, 200, "{path}");
        // What JIT sent stands in the log as it came; all else is ours.
        let payloads: Vec<String> = shown.all("pre").into_iter().map(words).collect();
        let shown = payloads.iter().fold(shown.words("main"), |rest, payload| rest.replace(payload, ""));
        for word in ["os error", "base64", "JSON", "connection"] {
            assert!(!shown.contains(word), "{path}: {word} in {shown}");
        }
    }
    let told = world.get(&calls).await.words("main");
    for cause in ["os error", "it is not base64", "it is not JSON", "its data is not a list"] {
        assert!(told.contains(cause), "{cause}: {told}");
    }
}

/// No text of the pages, and none of those that are stored, names what only an operator knows.
#[test]
fn no_text_of_the_pages_is_an_operators() {
    let catalogue = include_str!("../../locales/hi.yml");
    let keys = catalogue.lines().filter_map(|line| line.strip_prefix('"')?.split_once("\": \""));
    let help = stdout(&program(&["serve", "--help"]).output().unwrap());
    let settings: Vec<&str> =
        help.split("[env: ").skip(1).filter_map(|rest| rest.split(['=', ']']).next()).collect();
    assert!(settings.contains(&"SMS_GATEWAY_URL") && settings.len() > 30, "{settings:?}");
    let texts: Vec<&str> = keys.map(|(english, _)| english).chain(recorded::sentences()).collect();
    assert!(texts.len() > 500, "{}", texts.len());
    for text in texts {
        for word in
            ["os error", "errno", "base64", "JSON", "%{cause}", "%{fault}", "http://", "_URL", "_FILE"]
        {
            assert!(!text.contains(word), "{word}: {text}");
        }
        let setting = settings.iter().find(|name| text.contains(**name));
        assert_eq!(setting, None, "{text}");
        let is_code = |word: &str| word.contains('=') || (word.contains('_') && !word.contains("%{"));
        assert!(!text.split(' ').any(is_code), "{text}");
    }
}
