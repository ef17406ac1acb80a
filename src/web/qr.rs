//! A text as a QR code: a drawing in the page itself, so that nothing is fetched and nothing is inline but its path.

use qrcodegen::{DataTooLong, QrCode, QrCodeEcc};

/// Light modules around it (ISO/IEC 18004).
const QUIET: i32 = 4;

/// The drawing.
#[derive(Debug)]
pub struct Picture {
    /// Its side, in modules.
    pub side: i32,
    /// The path of its dark modules.
    pub path: String,
}

impl Picture {
    /// Of a text.
    pub fn of(text: &str) -> Result<Self, DataTooLong> {
        let code = QrCode::encode_text(text, QrCodeEcc::Medium)?;
        let mut path = String::new();
        for y in 0..code.size() {
            let mut x = 0;
            while x < code.size() {
                let dark = (x..code.size()).take_while(|x| code.get_module(*x, y)).count() as i32;
                if dark > 0 {
                    path.push_str(&format!("M{} {}h{dark}v1h-{dark}z", x + QUIET, y + QUIET));
                }
                x += dark.max(1);
            }
        }
        Ok(Self { side: code.size() + 2 * QUIET, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every module of the path, read back.
    #[test]
    fn the_path_draws_exactly_the_dark_modules() {
        let text = "otpauth://totp/MUKTA%20FTPS:asha?secret=JBSWY3DPEHPK3PXP";
        let (picture, code) =
            (Picture::of(text).unwrap(), QrCode::encode_text(text, QrCodeEcc::Medium).unwrap());
        let mut dark = std::collections::HashSet::new();
        for run in picture.path.split('M').skip(1) {
            let numbers: Vec<i32> = run
                .split(|c: char| !c.is_ascii_digit())
                .filter(|part| !part.is_empty())
                .map(|part| part.parse().unwrap())
                .collect();
            dark.extend((0..numbers[2]).map(|along| (numbers[0] + along - QUIET, numbers[1] - QUIET)));
        }
        for y in 0..code.size() {
            for x in 0..code.size() {
                assert_eq!(dark.contains(&(x, y)), code.get_module(x, y), "{x}, {y}");
            }
        }
        assert_eq!(picture.side, code.size() + 8);
    }
}
