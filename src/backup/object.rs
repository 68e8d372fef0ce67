//! File format of segments, snapshots and photographs: header, body, digest.
//!
//! ```text
//! "MUKKEUM1" · header length, 4 bytes little-endian · header, JSON · body · digest, 32 bytes
//! ```
//! The body is compressed with zstd and, if the shop has a key, encrypted in chunks with XChaCha20-Poly1305.
//! The digest is SHA-256(key ‖ SHA-256(magic, length and header) ‖ SHA-256(body)). It is verified before any of
//! the body is used, so a truncated or changed object and, with a key, a forged one are rejected.

use std::io::{self, Read, Seek, SeekFrom, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::key::Key;
use super::proof_copies::ProofObject;
use super::wal::{WalFormat, WalPosition};
use crate::text::hex;

const MAGIC: &[u8; 8] = b"MUKKEUM1";
const DIGEST_BYTES: usize = 32;

const MAX_HEADER_BYTES: u32 = 4 << 20;

/// Minimum size of a chunk, before encryption; the last one may be smaller.
const CHUNK_BYTES: usize = 256 << 10;

/// zstd's default.
const COMPRESSION_LEVEL: i32 = 3;

/// Digest of an object, in hexadecimal. Each segment contains that of its predecessor.
pub(super) type ObjectDigest = String;

/// Kind of an object, with its metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ObjectKind {
    /// frames of the WAL
    Segment(Segment),
    /// a copy of the main file
    Snapshot(Snapshot),
    /// a photograph of a delivery
    Proof(ProofObject),
    /// the answered demands of people, as JSON
    Requests,
}

/// Metadata of a segment: frames of the WAL that follow those of the previous segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Segment {
    pub(super) generation: String,
    /// from 1 in each generation
    pub(super) number: u64,
    /// number of the first segment of the same WAL
    pub(super) first_of_wal: u64,
    /// digest of the previous segment; empty for the first
    pub(super) previous_digest: ObjectDigest,
    pub(super) format: WalFormat,
    pub(super) start: WalPosition,
    pub(super) end: WalPosition,
    /// commit frames, each with its time in UTC milliseconds
    pub(super) commits: Vec<(u32, i64)>,
    /// time of the last commit
    pub(super) at: i64,
}

/// Metadata of a snapshot: a copy of the main file, perhaps changed by checkpoints meanwhile. With the segments
/// `first..next` applied it is the database at `at`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Snapshot {
    pub(super) generation: String,
    pub(super) first: u64,
    pub(super) next: u64,
    pub(super) at: i64,
    /// size of the uncompressed copy
    pub(super) bytes: u64,
}

/// Header of an object.
#[derive(Serialize, Deserialize)]
pub(super) struct ObjectHeader {
    pub(super) kind: ObjectKind,
    /// identifier of the encryption key
    pub(super) key_id: Option<String>,
    /// first 16 bytes of each chunk's nonce
    nonce_prefix: [u8; 16],
}

/// Why an object cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// Truncated, changed, or no object of a backup.
    #[error("파일이 깨졌거나 덜 쓰였어요")]
    Damaged,
    /// Encrypted, and no key was given.
    #[error("암호화된 백업이에요. 백업 열쇠가 필요해요 (열쇠 {id})")]
    NeedsKey {
        /// identifier of the key
        id: String,
    },
    /// Not encrypted, while a key was given.
    #[error(
        "암호화하지 않은 백업이라 누가 바꾸었는지 확인할 수 없어요. 믿을 수 있는 곳이면 열쇠 대신 --unsealed로 복원해 주세요"
    )]
    NotSealed,
    /// Encrypted with another key.
    #[error("다른 열쇠로 암호화된 백업이에요. 필요한 열쇠는 {needed}, 받은 열쇠는 {given}예요")]
    OtherKey {
        /// identifier of the right key
        needed: String,
        /// identifier of the given key
        given: String,
    },
    /// An I/O error.
    #[error("읽거나 쓰지 못했어요: {0}")]
    Io(#[from] io::Error),
}

/// Writer of a body. The header is encoded afterwards, when the metadata is known.
pub(super) struct BodyWriter<W: Write> {
    encoder: zstd::Encoder<'static, ChunkWriter<W>>,
}

/// A complete body.
pub(super) struct FinishedBody<W> {
    pub(super) out: W,
    nonce_prefix: [u8; 16],
    hash: [u8; 32],
}

impl<W: Write> BodyWriter<W> {
    pub(super) fn new(out: W, key: Option<&Key>) -> io::Result<Self> {
        let mut nonce_prefix = [0; 16];
        getrandom::fill(&mut nonce_prefix).map_err(io::Error::other)?;
        let chunks =
            ChunkWriter { out, key: key.cloned(), nonce_prefix, count: 0, buffer: Vec::new(), hash: Sha256::new() };
        Ok(Self { encoder: zstd::Encoder::new(chunks, COMPRESSION_LEVEL)? })
    }

    pub(super) fn finish(self) -> io::Result<FinishedBody<W>> {
        let mut chunks = self.encoder.finish()?;
        chunks.write_chunk(true)?;
        Ok(FinishedBody { out: chunks.out, nonce_prefix: chunks.nonce_prefix, hash: chunks.hash.finalize().into() })
    }
}

impl<W: Write> Write for BodyWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.encoder.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.encoder.flush()
    }
}

/// Buffers bytes and writes them in chunks, encrypted if there is a key.
struct ChunkWriter<W: Write> {
    out: W,
    key: Option<Key>,
    nonce_prefix: [u8; 16],
    count: u64,
    buffer: Vec<u8>,
    hash: Sha256,
}

impl<W: Write> ChunkWriter<W> {
    fn write_chunk(&mut self, is_last: bool) -> io::Result<()> {
        let chunk = std::mem::take(&mut self.buffer);
        let chunk = match &self.key {
            None => chunk,
            Some(key) => {
                let sealed = key.seal(nonce(self.nonce_prefix, self.count, is_last), &chunk);
                let sealed = sealed.ok_or_else(|| io::Error::other("a chunk could not be encrypted"))?;
                let length = u32::try_from(sealed.len()).unwrap_or(u32::MAX).to_le_bytes();
                [length.as_slice(), &sealed].concat()
            }
        };
        self.count += 1;
        self.hash.update(&chunk);
        self.out.write_all(&chunk)
    }
}

impl<W: Write> Write for ChunkWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK_BYTES {
            self.write_chunk(false)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Nonce of a chunk: prefix, number, and whether it is the last, so that chunks cannot be reordered, repeated or
/// dropped (the STREAM construction).
fn nonce(prefix: [u8; 16], count: u64, is_last: bool) -> [u8; 24] {
    let mut nonce = [0; 24];
    nonce[..16].copy_from_slice(&prefix);
    nonce[16..].copy_from_slice(&(count << 1 | u64::from(is_last)).to_le_bytes());
    nonce
}

/// Encodes the header of a complete body. Returns magic, length and header, and the digest of the object.
pub(super) fn encode_header<W>(
    kind: &ObjectKind,
    body: &FinishedBody<W>,
    key: Option<&Key>,
) -> io::Result<(Vec<u8>, [u8; 32])> {
    let header = ObjectHeader { kind: kind.clone(), key_id: key.map(Key::id), nonce_prefix: body.nonce_prefix };
    let json = serde_json::to_vec(&header)?;
    let length = u32::try_from(json.len()).unwrap_or(u32::MAX).to_le_bytes();
    let header = [MAGIC.as_slice(), &length, &json].concat();
    let digest = digest(&header, body.hash, key);
    Ok((header, digest))
}

fn digest(header: &[u8], body_hash: [u8; 32], key: Option<&Key>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(key.map_or(&[][..], Key::bytes));
    hash.update(Sha256::digest(header));
    hash.update(body_hash);
    hash.finalize().into()
}

/// Encodes an object in memory. Returns it and its digest.
pub(super) fn encode(kind: &ObjectKind, content: &[u8], key: Option<&Key>) -> io::Result<(Vec<u8>, ObjectDigest)> {
    let mut body = BodyWriter::new(Vec::new(), key)?;
    body.write_all(content)?;
    let body = body.finish()?;
    let (header, digest) = encode_header(kind, &body, key)?;
    Ok(([header.as_slice(), &body.out, &digest].concat(), hex(&digest)))
}

/// An object with a verified digest.
pub(super) struct VerifiedObject<R> {
    pub(super) kind: ObjectKind,
    pub(super) digest: ObjectDigest,
    body: R,
    /// length of the body in bytes
    length: u64,
    key: Option<Key>,
    nonce_prefix: [u8; 16],
}

/// Verifies the digest of an object and positions `from` at its body.
pub(super) fn open<R: Read + Seek>(mut from: R, key: Option<&Key>) -> Result<VerifiedObject<R>, ObjectError> {
    let (encoded, header) = read_header(&mut from)?;
    let key = match (&header.key_id, key) {
        (None, None) => None,
        // Who can write to the target could have put it there.
        (None, Some(_)) => return Err(ObjectError::NotSealed),
        (Some(id), None) => return Err(ObjectError::NeedsKey { id: id.clone() }),
        (Some(id), Some(key)) if *id == key.id() => Some(key),
        (Some(id), Some(key)) => return Err(ObjectError::OtherKey { needed: id.clone(), given: key.id() }),
    };
    let total = from.seek(SeekFrom::End(0))?;
    let length = total.checked_sub((encoded.len() + DIGEST_BYTES) as u64).ok_or(ObjectError::Damaged)?;
    from.seek(SeekFrom::Start(encoded.len() as u64))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut body = from.by_ref().take(length);
    loop {
        match body.read(&mut buffer)? {
            0 => break,
            read => hash.update(&buffer[..read]),
        }
    }
    let mut stored = [0; DIGEST_BYTES];
    from.read_exact(&mut stored).map_err(truncated)?;
    let computed = digest(&encoded, hash.finalize().into(), key);
    if computed != stored {
        return Err(ObjectError::Damaged);
    }
    from.seek(SeekFrom::Start(encoded.len() as u64))?;
    Ok(VerifiedObject {
        kind: header.kind,
        digest: hex(&stored),
        body: from,
        length,
        key: key.cloned(),
        nonce_prefix: header.nonce_prefix,
    })
}

/// A file that is too short is damaged; any other error is one of the disk.
fn truncated(error: io::Error) -> ObjectError {
    if error.kind() == io::ErrorKind::UnexpectedEof { ObjectError::Damaged } else { error.into() }
}

/// Reads magic, length and header, encoded and decoded, without verifying the digest.
pub(super) fn read_header(from: &mut impl Read) -> Result<(Vec<u8>, ObjectHeader), ObjectError> {
    let mut start = [0; 12];
    from.read_exact(&mut start).map_err(truncated)?;
    let (magic, length) = start.split_at(8);
    let length = u32::from_le_bytes(length.try_into().unwrap_or_default());
    if magic != MAGIC || length > MAX_HEADER_BYTES {
        return Err(ObjectError::Damaged);
    }
    let mut json = vec![0; length as usize];
    from.read_exact(&mut json).map_err(truncated)?;
    let header = serde_json::from_slice(&json).map_err(|_| ObjectError::Damaged)?;
    Ok(([start.as_slice(), &json].concat(), header))
}

impl<'r, R: Read + 'r> VerifiedObject<R> {
    /// Reader of the content, which decrypts and decompresses.
    pub(super) fn content(self) -> io::Result<impl Read + 'r> {
        let body: Box<dyn Read + 'r> = match self.key {
            None => Box::new(self.body.take(self.length)),
            Some(key) => {
                let from = self.body.take(self.length);
                Box::new(ChunkReader {
                    from,
                    key,
                    nonce_prefix: self.nonce_prefix,
                    count: 0,
                    chunk: io::Cursor::default(),
                })
            }
        };
        zstd::Decoder::new(body)
    }
}

/// Reads and decrypts chunks.
struct ChunkReader<R: Read> {
    from: io::Take<R>,
    key: Key,
    nonce_prefix: [u8; 16],
    count: u64,
    chunk: io::Cursor<Vec<u8>>,
}

impl<R: Read> ChunkReader<R> {
    fn next_chunk(&mut self) -> io::Result<()> {
        let mut length = [0; 4];
        self.from.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length) as usize;
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a chunk is damaged");
        // A chunk may exceed the minimum by one block of the zstd encoder.
        if length > 4 * CHUNK_BYTES {
            return Err(damaged());
        }
        let mut sealed = vec![0; length];
        self.from.read_exact(&mut sealed)?;
        let nonce = nonce(self.nonce_prefix, self.count, self.from.limit() == 0);
        self.chunk = io::Cursor::new(self.key.unseal(nonce, &sealed).ok_or_else(damaged)?);
        self.count += 1;
        Ok(())
    }
}

impl<R: Read> Read for ChunkReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.chunk.read(buffer)? {
                0 if !buffer.is_empty() && self.from.limit() > 0 => self.next_chunk()?,
                read => return Ok(read),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind() -> ObjectKind {
        ObjectKind::Snapshot(Snapshot { generation: "G".to_owned(), first: 1, next: 2, at: 3, bytes: 4 })
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
    fn unsealed_object_is_refused_with_a_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = Key::generate(folder.path()).expect("makes");
        let (forged, _) = encode(&kind(), b"a shop with another administrator", None).expect("writes");
        assert!(matches!(content(&forged, Some(&key)), Err(ObjectError::NotSealed)));
        assert!(content(&forged, None).is_ok(), "without a key it is read as asked");
    }

    #[test]
    fn objects_round_trip_with_and_without_a_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = Key::generate(folder.path()).expect("makes");
        for key in [None, Some(&key)] {
            for length in [0, 1, 4_096, 1_500_000] {
                let (object, digest) = encode(&kind(), &noise(length), key).expect("writes");
                let opened = open(io::Cursor::new(&object), key).expect("opens");
                assert_eq!((opened.kind, opened.digest), (kind(), digest));
                assert_eq!(content(&object, key).expect("reads"), noise(length));
            }
        }
    }

    #[test]
    fn truncated_changed_and_foreign_objects_are_rejected() {
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let [key, other] = folders.each_ref().map(|folder| Key::generate(folder.path()).expect("makes"));
        for key in [None, Some(&key)] {
            let (object, _) = encode(&kind(), &noise(3_000), key).expect("writes");
            for cut in [0, 7, 11, 40, object.len() / 2, object.len() - 1] {
                assert!(matches!(content(&object[..cut], key), Err(ObjectError::Damaged)), "cut at {cut}");
            }
            for at in 0..object.len() {
                let mut flipped = object.clone();
                flipped[at] ^= 1;
                assert!(content(&flipped, key).is_err(), "byte {at}");
            }
        }
        let (object, _) = encode(&kind(), b"secret secret secret", Some(&key)).expect("writes");
        assert!(!object.windows(6).any(|six| six == b"secret"));
        assert!(matches!(content(&object, None), Err(ObjectError::NeedsKey { id }) if id == key.id()));
        assert!(matches!(content(&object, Some(&other)), Err(ObjectError::OtherKey { .. })));
    }
}
