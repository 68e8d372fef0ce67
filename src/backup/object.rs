//! One object of a backup: a header that says what it is, a body, and a seal over both.
//!
//! ```text
//! "MUKKEUM1" · length of the header, 4 bytes · header, JSON · body · seal, 32 bytes
//! ```
//! The body is compressed (zstd) and, when the shop has a key, encrypted in pieces
//! (XChaCha20-Poly1305). The seal is SHA-256 over key, header's hash and body's hash: half an
//! object, a flipped bit and, with a key, a forged one are noticed before anything of it is used.

use std::io::{self, Read, Seek, SeekFrom, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::key::Key;
use super::wal::{Form, Place};

const MAGIC: &[u8; 8] = b"MUKKEUM1";
const SEAL: usize = 32;

/// Larger headers are not ours.
const LARGEST_HEADER: u32 = 4 << 20;

/// Bytes that are encrypted at once.
const PIECE: usize = 256 << 10;

/// zstd's own usual level.
const LEVEL: i32 = 3;

/// A hash over an object, in hexadecimal; the next segment names it.
pub(super) type Seal = String;

/// What an object is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Header {
    /// frames of the log
    Segment(Segment),
    /// a copy of the main file
    Snapshot(Snapshot),
}

/// Frames of the log that follow those of the segment before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Segment {
    pub(super) generation: String,
    /// counted from 1 in its generation
    pub(super) number: u64,
    /// the first segment of the same log: SQLite began it anew there
    pub(super) log_from: u64,
    /// the seal of the segment before; empty for the first
    pub(super) previous: Seal,
    pub(super) form: Form,
    pub(super) from: Place,
    pub(super) end: Place,
    /// which frames end transactions, and when those were committed
    pub(super) commits: Vec<(u32, i64)>,
    /// when the last of it was committed
    pub(super) at: i64,
}

/// A copy of the main file that was taken while checkpoints may have written to it. With the segments
/// `first..next` applied it is the database at `at`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Snapshot {
    pub(super) generation: String,
    pub(super) first: u64,
    pub(super) next: u64,
    pub(super) at: i64,
    /// length of the copy
    pub(super) bytes: u64,
}

/// What is written of an object before its body.
#[derive(Serialize, Deserialize)]
pub(super) struct Envelope {
    pub(super) what: Header,
    /// which key it is encrypted with
    pub(super) key: Option<String>,
    /// the beginning of each piece's nonce
    nonce: [u8; 16],
}

/// Why an object is of no use.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// Cut off, changed, or never one of ours.
    #[error("파일이 깨졌거나 덜 쓰였어요")]
    Damaged,
    /// Sealed, and no key was given.
    #[error("암호화된 백업이에요. 백업 열쇠가 필요해요 (열쇠 {id})")]
    NeedsKey {
        /// which
        id: String,
    },
    /// Sealed with another key.
    #[error("다른 열쇠로 암호화된 백업이에요. 필요한 열쇠는 {needed}, 받은 열쇠는 {given}예요")]
    OtherKey {
        /// the id of the key that it is sealed with
        needed: String,
        /// the id of the key that was given
        given: String,
    },
    /// It cannot be read or written.
    #[error("읽거나 쓰지 못했어요: {0}")]
    Io(#[from] io::Error),
}

/// A body that is being written; the header comes later, when it is known.
pub(super) struct Body<W: Write> {
    encoder: zstd::Encoder<'static, Pieces<W>>,
}

/// A body that is written.
pub(super) struct Written<W> {
    pub(super) to: W,
    nonce: [u8; 16],
    hash: [u8; 32],
}

impl<W: Write> Body<W> {
    pub(super) fn new(to: W, key: Option<&Key>) -> io::Result<Self> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(|error| io::Error::other(error.to_string()))?;
        let pieces = Pieces { to, key: key.cloned(), nonce, count: 0, buffer: Vec::new(), hash: Sha256::new() };
        Ok(Self { encoder: zstd::Encoder::new(pieces, LEVEL)? })
    }

    pub(super) fn finish(self) -> io::Result<Written<W>> {
        let mut pieces = self.encoder.finish()?;
        pieces.put(true)?;
        Ok(Written { to: pieces.to, nonce: pieces.nonce, hash: pieces.hash.finalize().into() })
    }
}

impl<W: Write> Write for Body<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.encoder.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.encoder.flush()
    }
}

/// Collects bytes and writes them in pieces, encrypted when there is a key.
struct Pieces<W: Write> {
    to: W,
    key: Option<Key>,
    nonce: [u8; 16],
    count: u64,
    buffer: Vec<u8>,
    hash: Sha256,
}

impl<W: Write> Pieces<W> {
    fn put(&mut self, is_last: bool) -> io::Result<()> {
        let piece = std::mem::take(&mut self.buffer);
        let piece = match &self.key {
            None => piece,
            Some(key) => {
                let sealed = key.seal(nonce(self.nonce, self.count, is_last), &piece);
                let sealed = sealed.ok_or_else(|| io::Error::other("a piece could not be encrypted"))?;
                let length = u32::try_from(sealed.len()).unwrap_or(u32::MAX).to_le_bytes();
                [length.as_slice(), &sealed].concat()
            }
        };
        self.count += 1;
        self.hash.update(&piece);
        self.to.write_all(&piece)
    }
}

impl<W: Write> Write for Pieces<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE {
            self.put(false)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn nonce(beginning: [u8; 16], count: u64, is_last: bool) -> [u8; 24] {
    let mut nonce = [0; 24];
    nonce[..16].copy_from_slice(&beginning);
    nonce[16..].copy_from_slice(&(count << 1 | u64::from(is_last)).to_le_bytes());
    nonce
}

/// The header's bytes of a body that was written, and the seal of both.
pub(super) fn head<W>(what: &Header, body: &Written<W>, key: Option<&Key>) -> io::Result<(Vec<u8>, [u8; 32])> {
    let envelope = Envelope { what: what.clone(), key: key.map(Key::id), nonce: body.nonce };
    let json = serde_json::to_vec(&envelope)?;
    let length = u32::try_from(json.len()).unwrap_or(u32::MAX).to_le_bytes();
    let head = [MAGIC.as_slice(), &length, &json].concat();
    let seal = seal(&head, body.hash, key);
    Ok((head, seal))
}

fn seal(head: &[u8], body: [u8; 32], key: Option<&Key>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(key.map_or(&[][..], Key::bytes));
    hash.update(Sha256::digest(head));
    hash.update(body);
    hash.finalize().into()
}

/// A whole object in memory, and its seal.
pub(super) fn write(what: &Header, content: &[u8], key: Option<&Key>) -> io::Result<(Vec<u8>, Seal)> {
    let mut body = Body::new(Vec::new(), key)?;
    body.write_all(content)?;
    let body = body.finish()?;
    let (head, seal) = head(what, &body, key)?;
    Ok(([head.as_slice(), &body.to, &seal].concat(), super::key::hex(&seal)))
}

/// An object whose seal was found whole.
pub(super) struct Opened<R> {
    pub(super) what: Header,
    pub(super) seal: Seal,
    body: R,
    length: u64,
    key: Option<Key>,
    nonce: [u8; 16],
}

/// Checks the whole of an object and stops before its body.
pub(super) fn open<R: Read + Seek>(mut from: R, key: Option<&Key>) -> Result<Opened<R>, ObjectError> {
    let (head, envelope) = read_head(&mut from)?;
    let key = match (&envelope.key, key) {
        (None, _) => None,
        (Some(id), None) => return Err(ObjectError::NeedsKey { id: id.clone() }),
        (Some(id), Some(key)) if *id == key.id() => Some(key),
        (Some(id), Some(key)) => return Err(ObjectError::OtherKey { needed: id.clone(), given: key.id() }),
    };
    let whole = from.seek(SeekFrom::End(0))?;
    let length = whole.checked_sub((head.len() + SEAL) as u64).ok_or(ObjectError::Damaged)?;
    from.seek(SeekFrom::Start(head.len() as u64))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; PIECE];
    let mut body = from.by_ref().take(length);
    loop {
        match body.read(&mut buffer)? {
            0 => break,
            read => hash.update(&buffer[..read]),
        }
    }
    let mut found = [0; SEAL];
    from.read_exact(&mut found).map_err(|_| ObjectError::Damaged)?;
    let computed = seal(&head, hash.finalize().into(), key);
    if computed != found {
        return Err(ObjectError::Damaged);
    }
    from.seek(SeekFrom::Start(head.len() as u64))?;
    let (what, key, nonce) = (envelope.what, key.cloned(), envelope.nonce);
    Ok(Opened { what, seal: super::key::hex(&found), body: from, length, key, nonce })
}

/// What the header says, without a look at the rest.
pub(super) fn read_head(from: &mut impl Read) -> Result<(Vec<u8>, Envelope), ObjectError> {
    let mut start = [0; 12];
    from.read_exact(&mut start).map_err(|_| ObjectError::Damaged)?;
    let (magic, length) = start.split_at(8);
    let length = u32::from_le_bytes(length.try_into().unwrap_or_default());
    if magic != MAGIC || length > LARGEST_HEADER {
        return Err(ObjectError::Damaged);
    }
    let mut json = vec![0; length as usize];
    from.read_exact(&mut json).map_err(|_| ObjectError::Damaged)?;
    let envelope: Envelope = serde_json::from_slice(&json).map_err(|_| ObjectError::Damaged)?;
    Ok(([start.as_slice(), &json].concat(), envelope))
}

impl<'r, R: Read + 'r> Opened<R> {
    /// The content, decrypted and unpacked as it is read.
    pub(super) fn content(self) -> io::Result<impl Read + 'r> {
        let body: Box<dyn Read + 'r> = match self.key {
            None => Box::new(self.body.take(self.length)),
            Some(key) => {
                let from = self.body.take(self.length);
                Box::new(Unpieces { from, key, nonce: self.nonce, count: 0, piece: io::Cursor::default() })
            }
        };
        zstd::Decoder::new(body)
    }
}

struct Unpieces<R: Read> {
    from: io::Take<R>,
    key: Key,
    nonce: [u8; 16],
    count: u64,
    piece: io::Cursor<Vec<u8>>,
}

impl<R: Read> Unpieces<R> {
    fn next(&mut self) -> io::Result<()> {
        let mut length = [0; 4];
        self.from.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length) as usize;
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a piece is damaged");
        // The encoder may overfill a piece by one of its own blocks.
        if length > 4 * PIECE {
            return Err(damaged());
        }
        let mut sealed = vec![0; length];
        self.from.read_exact(&mut sealed)?;
        let nonce = nonce(self.nonce, self.count, self.from.limit() == 0);
        self.piece = io::Cursor::new(self.key.unseal(nonce, &sealed).ok_or_else(damaged)?);
        self.count += 1;
        Ok(())
    }
}

impl<R: Read> Read for Unpieces<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.piece.read(buffer)? {
                0 if !buffer.is_empty() && self.from.limit() > 0 => self.next()?,
                read => return Ok(read),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header::Snapshot(Snapshot { generation: "G".to_owned(), first: 1, next: 2, at: 3, bytes: 4 })
    }

    fn content(object: &[u8], key: Option<&Key>) -> Result<Vec<u8>, ObjectError> {
        let mut content = Vec::new();
        open(io::Cursor::new(object), key)?.content()?.read_to_end(&mut content)?;
        Ok(content)
    }

    fn noise(length: u32) -> Vec<u8> {
        let mut state = 1_u32;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24).to_le_bytes()[0]
        };
        (0..length).map(next).collect()
    }

    #[test]
    fn an_object_comes_back_whole_with_and_without_a_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = Key::make(folder.path()).expect("makes");
        for key in [None, Some(&key)] {
            for length in [0, 1, 4_096, 1_500_000] {
                let (object, seal) = write(&header(), &noise(length), key).expect("writes");
                let opened = open(io::Cursor::new(&object), key).expect("opens");
                assert_eq!((opened.what, opened.seal), (header(), seal));
                assert_eq!(content(&object, key).expect("reads"), noise(length));
            }
        }
    }

    #[test]
    fn half_an_object_a_flipped_bit_and_the_wrong_key_are_named() {
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let [key, other] = folders.each_ref().map(|folder| Key::make(folder.path()).expect("makes"));
        for key in [None, Some(&key)] {
            let (object, _) = write(&header(), &noise(3_000), key).expect("writes");
            for cut in [0, 7, 11, 40, object.len() / 2, object.len() - 1] {
                assert!(matches!(content(&object[..cut], key), Err(ObjectError::Damaged)), "cut at {cut}");
            }
            for at in 0..object.len() {
                let mut flipped = object.clone();
                flipped[at] ^= 1;
                assert!(content(&flipped, key).is_err(), "byte {at}");
            }
        }
        let (object, _) = write(&header(), b"secret secret secret", Some(&key)).expect("writes");
        assert!(!object.windows(6).any(|six| six == b"secret"));
        assert!(matches!(content(&object, None), Err(ObjectError::NeedsKey { id }) if id == key.id()));
        assert!(matches!(content(&object, Some(&other)), Err(ObjectError::OtherKey { .. })));
    }
}
