//! What is wrong with settings, each named.

/// A setting that is missing or malformed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{name} {problem}")]
pub struct SettingFault {
    name: &'static str,
    problem: String,
}

impl SettingFault {
    /// `name` is the setting's, `problem` what is wrong and what to write instead.
    pub fn new(name: &'static str, problem: impl Into<String>) -> Self {
        Self { name, problem: problem.into() }
    }

    /// The setting's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

/// All that is wrong with settings that are checked together. A program that cannot start tells the first, `check` each.
#[derive(Debug, Default, thiserror::Error, PartialEq, Eq)]
#[error("{}", self.0.first().map(ToString::to_string).unwrap_or_default())]
pub struct SettingFaults(Vec<SettingFault>);

impl SettingFaults {
    /// The value of a setting that is right; one that is not is kept among the faults.
    pub(super) fn of<T>(&mut self, checked: Result<T, SettingFault>) -> Option<T> {
        checked.map_err(|fault| self.0.push(fault)).ok()
    }

    /// Each of them.
    pub fn each(&self) -> &[SettingFault] {
        &self.0
    }
}

impl From<SettingFault> for SettingFaults {
    fn from(fault: SettingFault) -> Self {
        Self(vec![fault])
    }
}
