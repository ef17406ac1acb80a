//! What comes from outside, spoilt at random, over and over: an answer that nobody thought of must neither be taken for
//! another nor end the program.
//!
//! Each round spoils one of the corpus, `tests/data/fuzz`; what led the code to a result that none did before joins it,
//! so that the spoiling goes on from there. Rounds have seeds, and are the same each time. `FUZZ_RUNS` says how many
//! (`scripts/torture` takes ten million).

use std::collections::HashSet;
use std::path::Path;

/// Rounds where nothing else is said.
const RUNS: u64 = 20_000;
/// Nothing grows longer than that.
const LONGEST: usize = 20_000;
/// So many join the corpus at most.
const MOST: usize = 5_000;

/// Texts that mean something to one reader or another.
const TOKENS: &[&str] = &[
    "null",
    "true",
    "false",
    "\"\"",
    "[]",
    "{}",
    "0",
    "-1",
    "1e400",
    "99999999999999999999",
    "\"NA\"",
    "\"0\"",
    ",",
    ":",
    "\"",
    "{",
    "}",
    "[",
    "]",
    "\\",
    "\\u0000",
    "\\ud800",
    "\u{feff}",
    "\u{200d}",
    "\u{202e}",
    " ",
    "\n",
    "\t",
    "\"data\":",
    "\"errorMsg\":\"x\"",
    "\"errorMsgs\":[\"x\"]",
    "\"benfDtls\":[]",
    "\"utrNo\":\"\"",
    "\"failedReason\":\"closed\"",
    "\"success\":\"true\"",
    "\"status\":1",
    "Payment Successful",
    "Payment Failed",
    "PARTIAL",
    "SUCCESSFUL",
    "1230.005",
    "<b>",
    "9437012345",
    "३०१३",
    "\"serviceId\":\"FTPS\"",
];

/// Marsaglia's xorshift: small, quick, and the same everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// A stretch of so many bytes, mostly a short one.
    fn stretch(&mut self, length: usize) -> std::ops::Range<usize> {
        let from = self.below(length + 1);
        let most = if self.below(4) == 0 { length } else { length.min(12) };
        from..(from + self.below(most + 1)).min(length)
    }

    fn spoil(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        for _ in 0..=self.below(4) {
            let place = self.stretch(bytes.len());
            match self.below(7) {
                0 if !place.is_empty() => bytes[place.start] ^= 1 << self.below(8),
                1 => drop(bytes.drain(place)),
                2 => {
                    let again = bytes[place.clone()].to_vec();
                    drop(bytes.splice(place.end..place.end, again));
                }
                3 => {
                    let theirs = other[self.stretch(other.len())].to_vec();
                    drop(bytes.splice(place, theirs));
                }
                4 => bytes.insert(place.start, self.next() as u8),
                _ => {
                    let token = TOKENS[self.below(TOKENS.len())].bytes();
                    drop(bytes.splice(place, token));
                }
            }
        }
        bytes.truncate(LONGEST);
    }
}

/// How often to spoil.
pub(crate) fn runs() -> u64 {
    std::env::var("FUZZ_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(RUNS)
}

/// Spoils the corpus of that name and has each looked at by `look`, which panics where something is wrong and else says
/// which way the code took, in a word.
pub(crate) fn spoilt(corpus: &str, seed: u64, mut look: impl FnMut(&[u8]) -> String) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzz").join(corpus);
    let mut files: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut corpus: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    let mut ways: HashSet<String> = corpus.iter().map(|one| look(one)).collect();
    assert!(ways.len() > 1, "the corpus of {} goes more than one way", directory.display());
    let mut chance = Chance(seed | 1);
    for _ in 0..runs() {
        let mut bytes = corpus[chance.below(corpus.len())].clone();
        let other = chance.below(corpus.len());
        chance.spoil(&mut bytes, &corpus[other]);
        if ways.insert(look(&bytes)) && corpus.len() < MOST {
            corpus.push(bytes);
        }
    }
    eprintln!(
        "{}: {} runs, {} ways, {} in the corpus",
        directory.display(),
        runs(),
        ways.len(),
        corpus.len()
    );
}
