//! Ten thousand random sentences of others: not one tells a number of a person, not one reference in them is
//! masked (DOMAIN.md §2). All go through the filter alone, some hundred through the running program.

use mukta_ftps::domain::sentence::Around;
use mukta_ftps::simulator::jit::Scenario;

use crate::support::{Kind, ORIGINAL, PEOPLE, REVISED, World, on_both, original};

on_both!(no_channel_tells_a_number_of_a_person_or_masks_a_reference);

/// Sentences through the filter alone.
const ALL: usize = 10_000;
/// Sentences of JIT's through the running program, and of MUKTASoft's.
const THROUGH_THE_PROGRAM: usize = 100;

/// What is drawn is the same in each run.
struct Lots(u64);

impl Lots {
    /// Below `end`, which is not 0 (splitmix64).
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count)
            .map(|at| char::from(b'0' + if at == 0 { 1 + self.below(9) } else { self.below(10) } as u8))
            .collect()
    }
}

/// What is known of a payment instruction and its relatives.
#[derive(Clone)]
struct Known {
    numbers: Vec<String>,
    references: Vec<String>,
}

impl Known {
    fn of_any(lots: &mut Lots) -> Self {
        let mut numbers: Vec<String> = (0..4)
            .map(|_| {
                let count = 9 + lots.below(10);
                lots.digits(count)
            })
            .collect();
        numbers.extend((0..4).map(|_| format!("{}{}", 6 + lots.below(4), lots.digits(9))));
        let references = vec![
            REVISED.to_owned(),
            ORIGINAL.to_owned(),
            format!("WB/2023-24/{}", lots.digits(6)),
            format!("N{}", lots.digits(15)),
            lots.digits(13),
            format!("2022{}", lots.digits(8)),
            format!("SBIN{}", lots.digits(14)),
            "BN-1013/000224".to_owned(),
            format!("IND-2023-{}", lots.digits(10)),
        ];
        Self { numbers, references }
    }

    fn around(&self) -> Around {
        Around { numbers: self.numbers.clone(), references: self.references.clone() }
    }
}

/// A sentence, and what stands in it.
struct Sentence {
    text: String,
    /// Numbers of people, their digits alone.
    numbers: Vec<String>,
    references: Vec<String>,
}

const WORDS: &[&str] = &[
    "Wrong IFSC provided in Beneficiary Details",
    "account closed",
    "A/c does not exist",
    "Late Ret",
    "Failed to Pay by RBI(Through e-Kuber)",
    "amount Rs 1230.50 returned",
    "R03",
    "ଖାତା ବନ୍ଦ",
    "खाता बंद",
];
const BEFORE_A_NUMBER: &[&str] = &[
    "A/c:",
    "A/c No. ",
    "acct ",
    "acct-",
    "account=",
    "mobile:",
    "Mob. +91-",
    "+91 ",
    "phone ",
    "(",
    "No",
    "खाता ",
];
const JOINTS: &[&str] = &[", ", "; ", ": ", "/", " of ", " and ", " | ", ". For "];

impl Sentence {
    fn drawn(lots: &mut Lots, known: &Known) -> Self {
        let mut sentence = Self { text: String::new(), numbers: Vec::new(), references: Vec::new() };
        for part in 0..1 + lots.below(5) {
            if part > 0 {
                sentence.text += lots.one(JOINTS);
            }
            match lots.below(3) {
                0 => sentence.text += lots.one(WORDS),
                1 => sentence.number(lots, known),
                _ => sentence.reference(lots, known),
            }
        }
        sentence
    }

    fn number(&mut self, lots: &mut Lots, known: &Known) {
        let is_known = lots.below(2) == 0;
        let count = 9 + lots.below(10);
        let digits = if is_known {
            known.numbers[lots.below(known.numbers.len())].clone()
        } else {
            lots.digits(count)
        };
        let gaps: &[&str] = if is_known {
            &["", "", " ", "-", ".", " - ", "/", "  ", "\u{a0}"]
        } else {
            &["", "", " ", "-", ".", " - ", "  "]
        };
        let (gap, every) = (lots.one(gaps), 1 + lots.below(6));
        let groups: Vec<&str> =
            digits.as_bytes().chunks(every).map(|group| std::str::from_utf8(group).unwrap()).collect();
        self.text += lots.one(BEFORE_A_NUMBER);
        self.text += &groups.join(gap);
        self.numbers.push(digits);
    }

    fn reference(&mut self, lots: &mut Lots, known: &Known) {
        let told = match lots.below(5) {
            0 => format!("BenefId {}", lots.digits(10)),
            1 => format!("PI-{}/2023-24/{}", lots.digits(4), lots.digits(6)),
            2 => format!("BN-{}/{}", lots.digits(4), lots.digits(6)),
            3 => lots.one(&["2023-11-05", "05/11/2023", "2023-11-05 10:20:30", "05.11.2023"]).to_owned(),
            _ => known.references[lots.below(known.references.len())].clone(),
        };
        self.text += &format!("ref {told}");
        self.references.push(told);
    }

    /// How many of its numbers a text tells more of than the last four digits.
    fn leaks_in(&self, shown: &str) -> usize {
        let bare = |text: &str| text.replace([' ', '-', '.', '/', '\u{a0}'], "");
        let (shown, elsewhere) = (bare(shown), bare(&self.references.join("|")));
        let told = |number: &&String| {
            let windows = number.as_bytes().windows(5).map(|window| std::str::from_utf8(window).unwrap());
            windows.filter(|window| !elsewhere.contains(window)).any(|window| shown.contains(window))
        };
        self.numbers.iter().filter(told).count()
    }

    /// How many of its references a text does not tell to the letter.
    fn masked_in(&self, shown: &str) -> usize {
        self.references.iter().filter(|reference| !shown.contains(reference.as_str())).count()
    }
}

#[test]
fn ten_thousand_sentences_tell_no_number_and_mask_no_reference() {
    let mut lots = Lots(14);
    let (mut numbers, mut references) = (0, 0);
    for _ in 0..ALL / 100 {
        let known = Known::of_any(&mut lots);
        let around = known.around();
        for _ in 0..100 {
            let sentence = Sentence::drawn(&mut lots, &known);
            let shown = around.masked(&sentence.text);
            assert_eq!(sentence.leaks_in(&shown), 0, "{} → {shown}", sentence.text);
            assert_eq!(sentence.masked_in(&shown), 0, "{} → {shown}", sentence.text);
            assert_eq!(around.masked(&shown), shown, "what was masked stays as it is");
            numbers += sentence.numbers.len();
            references += sentence.references.len();
        }
    }
    println!("{ALL} sentences: {numbers} numbers, 0 leaked; {references} references, 0 masked");
    assert!(numbers > 5_000 && references > 5_000);
}

/// What the database holds that is not sealed, as text.
fn stored(world: &World) -> String {
    match world.database.kind {
        Kind::Sqlite => {
            let file = world.database.file();
            let mut held = Vec::new();
            for file in [file.to_owned(), format!("{file}-wal")] {
                held.extend(std::fs::read(file).unwrap_or_default());
            }
            String::from_utf8_lossy(&held).into_owned()
        }
        Kind::Postgres => {
            let dumped = std::process::Command::new("psql")
                .args(["-X", "-A", "-t", &world.database.url_text, "-c"])
                .arg(
                    "SELECT row_to_json(t) FROM ftps_calls t; SELECT row_to_json(t) FROM payment_instructions t; \
                     SELECT row_to_json(t) FROM beneficiaries t; SELECT * FROM search_texts",
                )
                .output()
                .unwrap();
            assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
            String::from_utf8(dumped.stdout).unwrap()
        }
    }
}

async fn no_channel_tells_a_number_of_a_person_or_masks_a_reference(world: World) {
    world.import_pair(PEOPLE);
    let mut lots = Lots(15);
    let place = |at: usize| [format!("3013150001{at:04}"), format!("755001{at:04}")];
    let known = Known {
        numbers: (0..PEOPLE.len()).flat_map(place).collect(),
        references: [&[REVISED, ORIGINAL, "WB/2023-24/000512", "202211033261"], PEOPLE]
            .concat()
            .iter()
            .map(|one| (*one).to_owned())
            .collect(),
    };
    let said: Vec<Sentence> = (0..THROUGH_THE_PROGRAM).map(|_| Sentence::drawn(&mut lots, &known)).collect();
    world.jit.script(REVISED, said.iter().map(|one| Scenario::Error(one.text.clone().into())).collect());
    let view = format!("/payment-instructions/{REVISED}");
    for sentence in &said {
        let band = world.press_refresh(REVISED).await.words("#ftps-message .said");
        let list = world.get("/payment-instructions").await.words("tbody");
        let file = world.get("/payment-instructions.csv").await.text;
        let stored = world.stored(REVISED).ftps_message.unwrap();
        let about = format!("{}\n{stored}", sentence.text);
        assert_eq!(sentence.leaks_in(&stored), 0, "the database: {about}");
        assert_eq!(sentence.masked_in(&stored), 0, "the database: {about}");
        // What is stored is what is shown; beside it there stand other numbers.
        let folded = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(band, folded(&stored), "the band");
        assert!(file.contains(&stored), "the file: {about}");
        let begin: String = folded(&stored).chars().skip("On call of FTPS API: ".len()).take(60).collect();
        assert!(list.contains(begin.trim_end()), "the list: {list}: {about}");
        for number in &sentence.numbers {
            assert!(!list.contains(number) && !file.contains(number), "{number}: {about}");
        }
    }
    // The call log shows the message and, within the payload, what JIT said in its own field.
    let mut logged = Vec::new();
    let mut next = Some(format!("{view}/calls"));
    while let Some(page) = next {
        let page = world.get(&page).await;
        logged.extend(page.all("article.call").iter().map(|call| call.text().collect::<String>()));
        next = page.all("a[rel=next]").first().map(|link| link.attr("href").unwrap().to_owned());
    }
    assert_eq!(logged.len(), said.len());
    for (sentence, shown) in said.iter().zip(logged.iter().rev()) {
        // The request and the answer hold references of the payment instruction as they are.
        let shown = shown
            .lines()
            .filter(|line| line.contains("On call of") || line.contains("errorMsg"))
            .collect::<Vec<_>>()
            .join("\n");
        assert_eq!(sentence.leaks_in(&shown), 0, "the call log: {}\n{shown}", sentence.text);
        assert_eq!(sentence.masked_in(&shown), 0, "the call log: {}\n{shown}", sentence.text);
        assert_eq!(shown.lines().count(), 2, "message and answer: {shown}");
    }
    let held = stored(&world);
    assert!(held.len() > 10_000, "there is something to search");
    for number in said.iter().flat_map(|sentence| &sentence.numbers) {
        assert!(!held.contains(number), "{number} in the database");
    }

    // MUKTASoft's: why a payment failed, and why the treasury refused an instruction.
    let told: Vec<Sentence> = (0..THROUGH_THE_PROGRAM).map(|_| Sentence::drawn(&mut lots, &known)).collect();
    let many: Vec<String> = (0..told.len()).map(|at| format!("BN-1013/{:06}", 900_000 + at)).collect();
    let failed =
        original("PI-1013/2023-24/000999", &many).in_state("COMPLETED", "Payment Failed").but(|one| {
            // The sentences are about what is known of this one.
            one["additionalDetails"]["billNumber"] = known.references.clone().into();
        });
    let failed = failed.each_person(|at, person| {
        person["paymentStatusMessage"] = told[at].text.clone().into();
        let of = place(at % PEOPLE.len());
        person["benfAcctNo"] = of[0].clone().into();
        person["benfMobileNo"] = of[1].clone().into();
    });
    world.import(&[failed]);
    let file = world.get("/beneficiaries.csv").await.text;
    let around = known.around();
    for (sentence, id) in told.iter().zip(&many) {
        let line = file.lines().find(|line| line.contains(id)).unwrap();
        let shown = around.masked(&sentence.text);
        assert!(line.contains(&shown), "{shown}\n{line}");
        assert_eq!(
            (sentence.leaks_in(&shown), sentence.masked_in(&shown)),
            (0, 0),
            "{}: {shown}",
            sentence.text
        );
        assert!(sentence.numbers.iter().all(|number| !line.contains(number)), "{line}");
    }
    println!(
        "{} sentences of JIT's and {} of MUKTASoft's through the program: 0 leaked, 0 masked",
        said.len(),
        told.len()
    );
}
