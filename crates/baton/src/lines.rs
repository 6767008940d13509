//! A file of events, line by line: JSON Lines, plain or gzip, from a path or from standard input.
//!
//! Holds: every line that is not blank comes out once, in order, with its number; no more than the
//! longest line allowed is in memory; what is refused is counted, and the first few are kept by name.
//!
//! Absent on purpose: any look into a line. What it means is judged by the pipeline, which keeps what
//! it cannot use with the dead letters.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::rc::Rc;

use flate2::read::MultiGzDecoder;

use crate::Failure;

/// The longest line in bytes, without its end: a broker's default limit, less room for the key.
pub(crate) const LONGEST: usize = 900_000;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// One record, without the line's end.
    Record(&'a str),
    /// Not fit for a record, and why.
    Refused(String),
}

/// The lines of a file.
pub(crate) struct Lines {
    name: String,
    from: Box<dyn BufRead>,
    buffer: Vec<u8>,
    number: u64,
    taken: Rc<Cell<u64>>,
    size: Option<u64>,
}

impl Lines {
    /// Opens a file, or standard input for `-`. What is gzip is told by its first two bytes.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Self::of("standard input", Box::new(io::stdin()), None);
        }
        let name = path.display().to_string();
        let file = File::open(path).map_err(|error| Failure::io(format!("{name}: {error}")))?;
        let size = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|found| found.len());
        Self::of(&name, Box::new(file), size)
    }

    fn of(name: &str, raw: Box<dyn Read>, size: Option<u64>) -> Result<Self, Failure> {
        let taken = Rc::new(Cell::new(0));
        let mut raw = BufReader::with_capacity(1 << 16, Counted { raw, taken: Rc::clone(&taken) });
        let mut head = Vec::new();
        let failed = |error: io::Error| Failure::io(format!("{name}: {error}"));
        raw.by_ref().take(2).read_to_end(&mut head).map_err(failed)?;
        let is_gzip = head == GZIP;
        let whole = io::Cursor::new(head).chain(raw);
        let from: Box<dyn BufRead> =
            if is_gzip { Box::new(BufReader::new(MultiGzDecoder::new(whole))) } else { Box::new(whole) };
        Ok(Self { name: name.to_owned(), from, buffer: Vec::new(), number: 0, taken, size })
    }

    /// What is read, for people.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of the file; `None` where that cannot be known.
    pub(crate) fn size(&self) -> Option<u64> {
        self.size
    }

    /// Bytes of the file read so far; compressed ones of a compressed file.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.get()
    }

    /// The next line that is not blank, with its number from 1; `None` at the end of the file.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, Line<'_>)>, Failure> {
        loop {
            match self.fill() {
                Ok(true) => self.number += 1,
                Ok(false) => return Ok(None),
                Err(error) => return Err(self.broken(&error)),
            }
            // Of a line that is too long only the start is here; it is refused, whatever that looks like.
            if self.buffer.len() > LONGEST || !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        let line = if self.buffer.len() > LONGEST {
            Line::Refused(format!("longer than {LONGEST} bytes"))
        } else {
            match str::from_utf8(&self.buffer) {
                Ok(text) => Line::Record(text),
                Err(error) => Line::Refused(format!("not UTF-8 at byte {}", error.valid_up_to() + 1)),
            }
        };
        Ok(Some((self.number, line)))
    }

    /// Reads one line into the buffer, its end cut off; of one that is too long, enough to tell.
    /// Returns whether there was one.
    fn fill(&mut self) -> io::Result<bool> {
        self.buffer.clear();
        // Room for the line's end, which does not count.
        let room = LONGEST as u64 + 2;
        if self.from.by_ref().take(room).read_until(b'\n', &mut self.buffer)? == 0 {
            return Ok(false);
        }
        if self.buffer.ends_with(b"\n") {
            self.buffer.pop();
        } else if self.buffer.len() as u64 == room {
            self.from.skip_until(b'\n')?;
        }
        if self.buffer.ends_with(b"\r") {
            self.buffer.pop();
        }
        Ok(true)
    }

    /// A file that ends in the middle of its compression is bad data; a disk that fails is not.
    fn broken(&self, error: &io::Error) -> Failure {
        let is_data = matches!(
            error.kind(),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof
        );
        let message = format!("{}, after line {}: {error}", self.name, self.number);
        if is_data { Failure { message, code: 65 } } else { Failure::io(message) }
    }
}

/// Counts what is read.
struct Counted {
    raw: Box<dyn Read>,
    taken: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.raw.read(into)?;
        self.taken.set(self.taken.get() + read as u64);
        Ok(read)
    }
}

/// The lines that were refused.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    /// How many.
    pub(crate) count: u64,
    first: Vec<String>,
}

impl Refusals {
    /// As many as a person reads.
    const SHOWN: usize = 20;

    /// Notes one.
    pub(crate) fn note(&mut self, number: u64, why: &str) {
        self.count += 1;
        if self.first.len() < Self::SHOWN {
            self.first.push(format!("line {number}: {why}"));
        }
    }

    /// Lists the first of them on standard error.
    pub(crate) fn tell(&self) {
        let mut out = io::stderr().lock();
        for line in &self.first {
            writeln!(out, "refused {line}").ok();
        }
        let more = self.count - self.first.len() as u64;
        if more > 0 {
            writeln!(out, "refused {more} more").ok();
        }
    }
}

#[cfg(test)]
mod tests;
