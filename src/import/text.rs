//! The input as UTF-8 without a byte order mark, whatever a system has saved it as.

use std::io::{self, Read};

/// Bytes decoded at once.
const CHUNK: usize = 1 << 16;

/// Reads over a byte order mark: of UTF-8, or of UTF-16, which is then decoded.
pub(super) fn plain<'a>(mut input: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut first = Vec::with_capacity(3);
    input.by_ref().take(3).read_to_end(&mut first)?;
    Ok(match *first {
        [0xef, 0xbb, 0xbf] => Box::new(input),
        [0xff, 0xfe, ..] => Box::new(Utf16::new(first.split_off(2), u16::from_le_bytes, input)),
        [0xfe, 0xff, ..] => Box::new(Utf16::new(first.split_off(2), u16::from_be_bytes, input)),
        _ => Box::new(io::Cursor::new(first).chain(input)),
    })
}

/// UTF-16 read as UTF-8.
struct Utf16<R> {
    input: R,
    unit: fn([u8; 2]) -> u16,
    /// Bytes that were read and are less than a character.
    begun: Vec<u8>,
    decoded: io::Cursor<Vec<u8>>,
}

impl<R: Read> Utf16<R> {
    fn new(begun: Vec<u8>, unit: fn([u8; 2]) -> u16, input: R) -> Self {
        Self { input, unit, begun, decoded: io::Cursor::default() }
    }

    /// Decodes the next bytes; nothing is decoded only at the end.
    fn decode(&mut self) -> io::Result<()> {
        while self.decoded.get_ref().is_empty() {
            let read = self.input.by_ref().take(CHUNK as u64).read_to_end(&mut self.begun)?;
            let mut units: Vec<u16> =
                self.begun.chunks_exact(2).map(|pair| (self.unit)([pair[0], pair[1]])).collect();
            // The first half of a character stays until its second comes.
            if read > 0 && units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) {
                units.pop();
            }
            if read == 0 && self.begun.len() != units.len() * 2 {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "it ends within a UTF-16 character"));
            }
            self.begun.drain(..units.len() * 2);
            let text = String::from_utf16(&units).map_err(|cause| {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("it begins as UTF-16, but is not: {cause}"),
                )
            })?;
            self.decoded = io::Cursor::new(text.into_bytes());
            if read == 0 {
                break;
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.decoded.position() == self.decoded.get_ref().len() as u64 {
            self.decoded = io::Cursor::default();
            self.decode()?;
        }
        self.decoded.read(into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        plain(bytes)?.read_to_string(&mut text)?;
        Ok(text)
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(bytes).collect()
    }

    #[test]
    fn a_byte_order_mark_is_read_over_and_utf_16_decoded() {
        for text in ["", "{}", "{\"a\": \"ଓଡ଼ିଶା 𐍈\"}", &"𐍈ab".repeat(50_000)] {
            assert_eq!(read(text.as_bytes()).unwrap(), text);
            assert_eq!(read(format!("\u{feff}{text}").as_bytes()).unwrap(), text);
            assert_eq!(read(&utf16(text, u16::to_le_bytes)).unwrap(), text);
            assert_eq!(read(&utf16(text, u16::to_be_bytes)).unwrap(), text);
        }
    }

    #[test]
    fn half_a_character_is_told() {
        for bytes in [&[0xff, 0xfe, b'{'][..], &[0xff, 0xfe, 0x00, 0xd8], &[0xff, 0xfe, 0x00, 0xdc, b'x', 0]]
        {
            assert_eq!(read(bytes).unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }
}
