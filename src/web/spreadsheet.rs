//! Files for a spreadsheet.

use super::error::WebError;

/// Without it a spreadsheet takes UTF-8 for something else.
pub(super) const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Rows as RFC 4180 has them.
pub(super) fn write<const N: usize>(
    to: &mut Vec<u8>,
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result<(), WebError> {
    let failed = |fault: csv::Error| WebError::Render(askama::Error::custom(fault));
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(to);
    for row in rows {
        writer.write_record(&row).map_err(failed)?;
    }
    writer.flush().map_err(|fault| failed(fault.into()))
}
