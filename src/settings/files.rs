//! Files that settings name.

use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use super::{SettingFault, fault};

/// No file that a setting names is longer, in bytes.
const LONGEST: u64 = 4 * 1024 * 1024;

/// What is in the file that a setting names. A device, which may never end, is not read.
pub(super) fn read(name: &'static str, path: &Path) -> Result<Vec<u8>, SettingFault> {
    let told = |problem: &str| fault(name, format!("names {}, which {problem}", path.display()));
    let unreadable = |cause: std::io::Error| told(&format!("cannot be read: {cause}"));
    let kind = std::fs::metadata(path).map_err(unreadable)?.file_type();
    if !kind.is_file() && !kind.is_fifo() {
        return Err(told("is no file"));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LONGEST {
        return Err(told(&format!("is longer than {} MiB: it is another file that is meant", LONGEST >> 20)));
    }
    Ok(bytes)
}

/// The same of a file that holds text.
pub(super) fn read_text(name: &'static str, path: &Path) -> Result<String, SettingFault> {
    String::from_utf8(read(name, path)?)
        .map_err(|_| fault(name, format!("names {}, which is no text in UTF-8", path.display())))
}
