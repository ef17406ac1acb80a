//! What was typed is understood, whichever way it was written.

use super::*;
use proptest::prelude::*;

fn typed(text: &str) -> SearchText {
    SearchText::typed(text).unwrap()
}

fn demands(text: &str) -> Vec<Vec<String>> {
    let owned = |any: Vec<&str>| any.into_iter().map(str::to_owned).collect();
    typed(text).demands().into_iter().map(owned).collect()
}

#[test]
fn what_was_pasted_is_understood() {
    for (text, expected) in [
        ("PI-1013 / 2026-27 / 000256.", vec![vec!["pi 1013 2026 27 256"]]),
        ("1013\\2026", vec![vec!["1013 2026"]]),
        ("000256", vec![vec![" 256"]]),
        ("/256/", vec![vec![" 256 "]]),
        ("pi-1/000", vec![vec!["pi 1 "]]),
        ("0", vec![vec![" 0"]]),
        ("PI No. 7 and 8", vec![vec!["7", "8"]]),
        ("- PI-7\n- PI-8", vec![vec!["pi 7", "pi 8"]]),
        ("Smt. Nayak, Sabita", vec![vec!["nayak"], vec!["sabita"]]),
        ("Nayak - Sabita", vec![vec!["nayak"], vec!["sabita"]]),
        ("Mrs Smt", vec![vec!["mrs"], vec!["smt"]]),
        ("Smt. 7", vec![vec!["7"]]),
        ("Nayak 7", vec![vec!["7"], vec!["nayak"]]),
        ("and", vec![vec!["and"]]),
    ] {
        assert_eq!(demands(text), expected, "{text:?}");
    }
    assert_eq!(SearchText::typed(" \u{a0}\t\u{200b}"), None);
    assert!(typed("\0").matches_nothing() && typed("%").matches_nothing());
    assert_eq!(typed(" \u{201c}PI\u{2013}7 / 8\u{201d}. Nayak, ").shown_numbers(), ["PI-7/8"]);
    assert_eq!(typed("Smt. Sabita  (NAYAK)").shown_words(), ["Sabita", "NAYAK"]);
}

#[test]
fn references_are_read_as_they_are_stored() {
    assert_eq!(references("BN-1013 / 000224."), ["bn-1013 / 000224.", "bn-1013/000224"]);
    assert_eq!(references("BN\u{2013}1013\\224"), ["bn-1013/000224", "bn-1013/224", "bn\u{2013}1013\\224"]);
    assert_eq!(references("SBIN42, SBIN43"), ["sbin42", "sbin42, sbin43", "sbin43"]);
    assert_eq!(references("•••• 1011"), ["1011", "•••• 1011"]);
    assert_eq!(references(" \0 "), [""; 0]);
}

#[test]
fn a_number_that_is_there_as_a_whole_is_looked_for_as_one() {
    let mut text = typed("000256, 257, PI-1/2/3");
    let mut asked = Vec::new();
    let done: Result<(), ()> = text.decide(|whole| {
        asked.push(whole.demands().concat().join("|"));
        Ok(whole.demands() == [[" 256 "]])
    });
    assert!(done.is_ok());
    assert_eq!(asked, [" 256 ", "pi 1 2 3 "]);
    assert_eq!(text.demands(), [[" 256 ", "257", "pi 1 2 3"]]);
}

#[test]
fn a_name_holds_every_word_in_any_order() {
    assert!(typed("nayak smt SAB").is_in("Smt. Sabita Nayak"));
    assert!(!typed("nayak sabita").is_in("Sabita Das"));
    assert!(typed("Sabita PI-7").is_in("Sabita Das"), "the number is another line's");
    assert!(typed("12").has_number_in("SHG 12") && !typed("13").has_number_in("SHG 12"));
}

#[test]
fn an_expression_asks_for_trigrams_of_what_is_long_enough() {
    let expression = |text| typed(text).fts_expression().unwrap_or_default();
    assert_eq!(expression("ab"), "");
    assert_eq!(expression("abc"), r#""abc""#);
    assert_eq!(expression("abcd"), r#""abc" AND "bcd""#);
    assert_eq!(expression("abcabc"), r#""abc""#);
    assert_eq!(expression("ab cde fgh"), r#"("cde") AND ("fgh")"#);
    assert_eq!(expression("777, 888 abc"), r#"("777" OR "888") AND ("abc")"#);
    assert_eq!(expression("777, 8"), "", "what is short may be anywhere");
    assert_eq!(expression("ଓଡ଼ି"), "\"ଓଡ଼\" AND \"ଡ଼ି\"");
}

#[test]
fn trigrams_are_made_of_words_that_are_seen_to_begin_or_end() {
    for (text, expected) in
        [("abc", true), ("ab", false), ("ab 1", true), (" 7", true), ("a 1", true), ("7 ", false)]
    {
        assert_eq!(has_trigrams(text), expected, "{text:?}");
    }
    assert!(typed("ab nayak").is_narrowed_by_trgm() && !typed("777, 8").is_narrowed_by_trgm());
}

proptest! {
    #[test]
    fn whatever_is_typed_asks_for_folded_text_only(text in "\\PC{0,40}|[\\x00-\\x7f]{0,40}") {
        let Some(text) = SearchText::typed(&text) else { return Ok(()) };
        for one in text.demands().concat() {
            prop_assert!(!one.is_empty() && !one.contains(['"', '%', '_', '\\', '\n']), "{one:?}");
        }
        let Some(expression) = text.fts_expression() else { return Ok(()) };
        let all = text.demands().concat().join("|");
        for trigram in expression.split('"').skip(1).step_by(2) {
            prop_assert!(all.contains(trigram), "{trigram:?} of {text:?}");
        }
    }

    #[test]
    fn a_number_is_found_however_it_is_written(
        town in 1..9999u32,
        year in 19..40u32,
        number in 1..999_999u32,
        way in 0..5usize,
        zeros in 0..7usize,
    ) {
        let stored = folded(&format!("PI-{town}/20{year}-{}/{number:06}", year + 1));
        let (dash, slash) = [("-", "/"), (" - ", " / "), ("\u{2013}", "\\"), ("\u{2011}", "\u{a0}/\u{a0}"),
            ("\u{2014}", " \\ ")][way];
        let pasted = format!("PI{dash}{town}{slash}20{year}{dash}{}{slash}{number:0zeros$}. ", year + 1);
        let mut pasted = SearchText::typed(&pasted).unwrap();
        prop_assert!(stored.contains(pasted.demands()[0][0]));
        let decided: Result<(), ()> = pasted.decide(|_| Ok(true));
        prop_assert!(decided.is_ok() && stored.contains(pasted.demands()[0][0]));
    }

    #[test]
    fn a_name_is_found_by_its_words_in_any_order(
        mut words in prop::collection::vec("[A-Za-zଅ-ହऄ-ह]{1,8}", 2..5),
    ) {
        let name = words.join(" ");
        words.reverse();
        prop_assert!(typed(&words.join(", ")).is_in(&name));
        let titled = format!("Smt. {}", words.join(" "));
        prop_assert!(typed(&titled).is_in(&name));
    }
}
