//! A temporary file that holds what was validated until the input is complete.
//!
//! It has no name, and its records are sealed with a key that dies with the process: what is left
//! of it on a disk tells nobody an account number.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::os::unix::fs::FileExt;

use crate::domain::record::InstructionRecord;
use crate::sealing::{SealedField, Sealer};

/// Takes records in.
pub(super) struct Staging {
    file: BufWriter<File>,
    sealer: Sealer,
    count: u64,
    /// Where the file ends.
    end: u64,
}

/// Where a record lies, for reading it out of turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    position: u64,
    offset: u64,
    length: u32,
}

impl Staging {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            file: BufWriter::with_capacity(1 << 16, tempfile::tempfile()?),
            sealer: Sealer::ephemeral().map_err(io::Error::other)?,
            count: 0,
            end: 0,
        })
    }

    /// Adds a record of element `index`, as its length in four bytes and its sealed JSON.
    pub(super) fn add(&mut self, index: usize, record: &InstructionRecord) -> io::Result<Place> {
        let plain = serde_json::to_vec(&(index, record))?;
        let field = SealedField::Staged(self.count);
        let sealed = self.sealer.seal(field, &plain).map_err(io::Error::other)?;
        let length = u32::try_from(sealed.len()).map_err(io::Error::other)?;
        self.file.write_all(&length.to_le_bytes())?;
        self.file.write_all(&sealed)?;
        let place = Place { position: self.count, offset: self.end + 4, length };
        self.count += 1;
        self.end += 4 + u64::from(length);
        Ok(place)
    }

    /// Ends taking in: the records can be read wherever they lie.
    pub(super) fn shelved(self) -> io::Result<Shelved> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Shelved { file, sealer: self.sealer })
    }

    /// Ends taking in: the records of the PIs with these numbers (folded) can be read, in their order.
    pub(super) fn staged(self, mut numbers: Vec<String>) -> io::Result<Staged> {
        numbers.sort_unstable();
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        let file = BufReader::with_capacity(1 << 16, file);
        Ok(Staged { file, sealer: self.sealer, next: 0, count: self.count, numbers })
    }
}

/// Gives records back, each by its place.
pub(super) struct Shelved {
    file: File,
    sealer: Sealer,
}

impl Shelved {
    pub(super) fn at(&self, place: Place) -> io::Result<(usize, InstructionRecord)> {
        let mut sealed = vec![0; usize::try_from(place.length).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut sealed, place.offset)?;
        let field = SealedField::Staged(place.position);
        let plain = self.sealer.open(field, &sealed).map_err(io::Error::other)?;
        Ok(serde_json::from_slice(&plain)?)
    }
}

/// Gives the records back.
pub(super) struct Staged {
    file: BufReader<File>,
    sealer: Sealer,
    next: u64,
    count: u64,
    numbers: Vec<String>,
}

impl Staged {
    /// The PI numbers of the records, folded, in the one order of all locks.
    pub(super) fn numbers(&self) -> Vec<&str> {
        self.numbers.iter().map(String::as_str).collect()
    }

    /// Begins again with the first record.
    pub(super) fn rewind(&mut self) -> io::Result<()> {
        self.next = 0;
        self.file.rewind()
    }

    fn read(&mut self) -> io::Result<(usize, InstructionRecord)> {
        let mut length = [0; 4];
        self.file.read_exact(&mut length)?;
        let length = usize::try_from(u32::from_le_bytes(length)).map_err(io::Error::other)?;
        let mut sealed = vec![0; length];
        self.file.read_exact(&mut sealed)?;
        let field = SealedField::Staged(self.next);
        let plain = self.sealer.open(field, &sealed).map_err(io::Error::other)?;
        self.next += 1;
        Ok(serde_json::from_slice(&plain)?)
    }
}

impl Iterator for Staged {
    type Item = io::Result<(usize, InstructionRecord)>;

    fn next(&mut self) -> Option<Self::Item> {
        (self.next < self.count).then(|| self.read())
    }
}
