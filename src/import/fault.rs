//! What is wrong with an input, and where.

use std::fmt;

use crate::domain::text::printable;

/// Faults kept for the list; of more than these only the number is told.
const LISTED: usize = 1000;

/// One fault of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The PI number of the record, where it is known.
    pub number: Option<String>,
    /// Its JSON path, such as `paymentInstructions[1].beneficiaryDetails[0].amount`; empty if it is
    /// the document as a whole.
    pub path: String,
    /// What is wrong there. Personal data is not repeated in it.
    pub problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", printable(&self.path))?;
        }
        f.write_str(&printable(&self.problem))
    }
}

/// All faults of an input, the first thousand of them word for word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Faults {
    listed: Vec<Fault>,
    more: u64,
}

impl Faults {
    /// The first faults, in the order of the input.
    pub fn listed(&self) -> &[Fault] {
        &self.listed
    }

    /// How many there are beyond those listed.
    pub fn more(&self) -> u64 {
        self.more
    }

    /// Whether the input is free of faults.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// The faults of a page of a pull are told record by record.
    pub(super) fn into_listed(self) -> Vec<Fault> {
        self.listed
    }

    /// Takes in those of another part of the same input.
    pub(crate) fn extend(&mut self, others: &[Fault]) {
        for Fault { number, path, problem } in others {
            self.add_of(number.as_deref(), path, problem);
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.listed.len() as u64 + self.more
    }

    pub(super) fn add(&mut self, path: impl fmt::Display, problem: impl fmt::Display) {
        self.add_of(None, path, problem);
    }

    /// The same, of the record with that PI number.
    pub(super) fn add_of(
        &mut self,
        number: Option<&str>,
        path: impl fmt::Display,
        problem: impl fmt::Display,
    ) {
        if self.listed.len() < LISTED {
            let number = number.map(str::to_owned);
            self.listed.push(Fault { number, path: path.to_string(), problem: problem.to_string() });
        } else {
            self.more += 1;
        }
    }
}

/// One fault a line.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.listed.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        if self.more > 0 {
            write!(f, "\n… and {} more", self.more)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn very_many_faults_are_counted_and_not_kept() {
        let mut faults = Faults::default();
        for i in 0..1005 {
            faults.add(format_args!("paymentInstructions[{i}]"), "is wrong");
        }
        assert_eq!((faults.listed().len(), faults.more()), (1000, 5));
        assert!(faults.to_string().ends_with("paymentInstructions[999]: is wrong\n… and 5 more"));
    }
}
