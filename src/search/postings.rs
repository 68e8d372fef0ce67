//! Compressed postings: a sorted segment of (term, document, fields), split into blocks of some kilobytes.
//!
//! A posting is a sequence of varints (7 bits a byte, low bits first), with front coding of terms and delta
//! coding of documents:
//!
//! - 0 if the term equals that of the previous posting; otherwise 1 + the length of the common prefix, the
//!   length of the suffix, and the suffix in bytes;
//! - the difference to the document identifier of the previous posting, zigzag encoded;
//! - the field bits.
//!
//! The coding restarts in each block, so that a block can be decoded alone. The sequence is stored as a zstd frame, which
//! takes little more than half the bytes: the differences of identifiers and the field bits repeat.

use std::cmp::Ordering;

/// Maximum length of a term; 24 characters need less.
const MAX_TERM_BYTES: usize = 255;

/// Maximum size of a decoded block: many times [`Limits::block_bytes`](super::Limits::block_bytes).
const MAX_BLOCK_BYTES: usize = 1 << 20;

/// Level 3 of zstd packs a block in some 50 µs; a higher one saves less than a twentieth.
const COMPRESSION_LEVEL: i32 = 3;

/// A term of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TermPosting<'a> {
    /// search term
    pub term: &'a str,
    /// identifier of the document
    pub document_id: i64,
    /// bit set of the fields that contain the term
    pub fields: i64,
}

impl TermPosting<'_> {
    /// Compares by the sort key of a segment, (term, document), which is unique.
    pub fn sequence(&self, other: &Self) -> Ordering {
        (self.term, self.document_id).cmp(&(other.term, other.document_id))
    }
}

/// The block was not written by [`BlockWriter`], or is corrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a block of search terms is damaged")]
pub struct CorruptBlock;

/// Encoded block of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostingsBlock {
    /// last term of the block
    pub last_term: String,
    /// encoded postings, compressed
    pub bytes: Vec<u8>,
}

/// Encodes sorted postings.
#[derive(Debug)]
pub struct BlockWriter {
    /// target size of a block before compression
    max_bytes: usize,
    blocks: Vec<PostingsBlock>,
    bytes: Vec<u8>,
    term: String,
    document_id: i64,
}

impl BlockWriter {
    /// Writes the blocks of a segment, of about `block_bytes` each.
    pub const fn for_segment(block_bytes: usize) -> Self {
        Self { max_bytes: block_bytes, blocks: Vec::new(), bytes: Vec::new(), term: String::new(), document_id: 0 }
    }

    /// Writes one block of any size, for the rest of a partly merged block.
    pub const fn single_block() -> Self {
        Self::for_segment(usize::MAX)
    }

    /// Appends the next posting.
    pub fn push(&mut self, entry: TermPosting<'_>) {
        if self.bytes.len() >= self.max_bytes {
            self.flush();
        }
        if self.bytes.is_empty() || entry.term != self.term {
            let shared = common_prefix_len(self.term.as_bytes(), entry.term.as_bytes());
            let own = &entry.term.as_bytes()[shared..];
            write_varint(&mut self.bytes, shared as u64 + 1);
            write_varint(&mut self.bytes, own.len() as u64);
            self.bytes.extend(own);
            self.term.clear();
            self.term.push_str(entry.term);
        } else {
            write_varint(&mut self.bytes, 0);
        }
        write_varint(&mut self.bytes, zigzag(entry.document_id.wrapping_sub(self.document_id)));
        write_varint(&mut self.bytes, entry.fields.cast_unsigned());
        self.document_id = entry.document_id;
    }

    /// Returns the blocks, in order.
    pub fn finish(mut self) -> Vec<PostingsBlock> {
        self.flush();
        self.blocks
    }

    fn flush(&mut self) {
        if !self.bytes.is_empty() {
            let last_term = std::mem::take(&mut self.term);
            let bytes = compress(&self.bytes);
            self.blocks.push(PostingsBlock { last_term, bytes });
            self.bytes.clear();
            self.document_id = 0;
        }
    }
}

/// Decodes the postings of a block.
#[derive(Debug)]
pub struct PostingReader {
    bytes: Vec<u8>,
    position: usize,
    term: String,
    document_id: i64,
    fields: i64,
}

impl PostingReader {
    /// Starts at the beginning of a block.
    ///
    /// # Errors
    /// The block is corrupt.
    pub fn of_block(bytes: &[u8]) -> Result<Self, CorruptBlock> {
        let bytes = zstd::bulk::decompress(bytes, MAX_BLOCK_BYTES).map_err(|_| CorruptBlock)?;
        Ok(Self { bytes, position: 0, term: String::new(), document_id: 0, fields: 0 })
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.position..]
    }

    /// Decodes the next posting; none at the end.
    ///
    /// # Errors
    /// The block is corrupt.
    pub fn read(&mut self) -> Result<Option<TermPosting<'_>>, CorruptBlock> {
        if self.rest().is_empty() {
            return Ok(None);
        }
        if let Some(shared) = self.read_varint()?.checked_sub(1) {
            let own = usize::try_from(self.read_varint()?).map_err(|_| CorruptBlock)?;
            let shared = usize::try_from(shared).map_err(|_| CorruptBlock)?;
            if own > self.rest().len() || shared > self.term.len() || shared + own > MAX_TERM_BYTES {
                return Err(CorruptBlock);
            }
            // The common prefix may end within a character.
            let mut term = std::mem::take(&mut self.term).into_bytes();
            term.truncate(shared);
            term.extend(&self.rest()[..own]);
            self.term = String::from_utf8(term).map_err(|_| CorruptBlock)?;
            self.position += own;
        }
        self.document_id = self.document_id.wrapping_add(unzigzag(self.read_varint()?));
        self.fields = self.read_varint()?.cast_signed();
        Ok(Some(self.entry()))
    }

    /// The posting that was decoded last.
    pub fn entry(&self) -> TermPosting<'_> {
        TermPosting { term: &self.term, document_id: self.document_id, fields: self.fields }
    }

    fn read_varint(&mut self) -> Result<u64, CorruptBlock> {
        let mut number = 0;
        for (place, &byte) in self.bytes[self.position..].iter().take(10).enumerate() {
            number |= u64::from(byte & 0x7F) << (7 * place);
            if byte & 0x80 == 0 {
                self.position += place + 1;
                return Ok(number);
            }
        }
        Err(CorruptBlock)
    }
}

#[expect(clippy::expect_used, reason = "compressing in memory fails only without memory")]
fn compress(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, COMPRESSION_LEVEL).expect("compresses")
}

fn common_prefix_len(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

fn write_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(low_bits(number) | 0x80);
        number >>= 7;
    }
    bytes.push(low_bits(number));
}

const fn low_bits(number: u64) -> u8 {
    number.to_le_bytes()[0]
}

const fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

const fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Small, so that a few postings fill several blocks.
    const BLOCK_BYTES: usize = 256;

    type Listed = BTreeMap<(String, i64), i64>;
    type Read = Vec<((String, i64), i64)>;

    fn listed() -> impl Strategy<Value = Listed> {
        let term = prop_oneof!["[가-힣]{1,24}", "[ᄀ-ᄒ]{1,4}", "010[0-9]{0,8}", "\\PC{1,24}"];
        let document = prop_oneof![0..40_i64, any::<i64>()];
        proptest::collection::btree_map((term, document), prop_oneof![0..1024_i64, any::<i64>()], 0..200)
    }

    fn packed(listed: &Listed, mut packer: BlockWriter) -> Vec<PostingsBlock> {
        for ((term, document_id), fields) in listed {
            packer.push(TermPosting { term, document_id: *document_id, fields: *fields });
        }
        packer.finish()
    }

    fn unpacked(bytes: &[u8]) -> Result<Read, CorruptBlock> {
        let (mut all, mut entries) = (Vec::new(), PostingReader::of_block(bytes)?);
        while let Some(entry) = entries.read()? {
            all.push(((entry.term.to_owned(), entry.document_id), entry.fields));
        }
        Ok(all)
    }

    proptest! {
        #[test]
        fn segment_is_decoded_as_it_was_encoded(listed in listed()) {
            let blocks = packed(&listed, BlockWriter::for_segment(BLOCK_BYTES));
            let mut all = Vec::new();
            for block in &blocks {
                let entries = unpacked(&block.bytes)?;
                prop_assert_eq!(&entries.last().expect("no block is empty").0.0, &block.last_term);
                all.extend(entries);
            }
            prop_assert!(all.into_iter().eq(listed.clone()));
            for full in blocks.iter().rev().skip(1) {
                let size = zstd::bulk::decompress(&full.bytes, MAX_BLOCK_BYTES).expect("a frame").len();
                prop_assert!((BLOCK_BYTES..BLOCK_BYTES + 128).contains(&size));
            }
            prop_assert!(packed(&listed, BlockWriter::single_block()).len() <= 1);
        }

        #[test]
        fn damaged_bytes_are_an_error_or_other_entries_but_no_panic(
            listed in listed(),
            at in any::<prop::sample::Index>(),
            to in any::<u8>(),
            noise in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let _ = unpacked(&noise);
            let _ = unpacked(&compress(&noise));
            for mut block in packed(&listed, BlockWriter::for_segment(BLOCK_BYTES)) {
                let at = at.index(block.bytes.len());
                let _ = unpacked(&block.bytes[..at]);
                block.bytes[at] = to;
                let _ = unpacked(&block.bytes);
                let mut decoded = zstd::bulk::decompress(&packed(&listed, BlockWriter::single_block())[0].bytes, MAX_BLOCK_BYTES)
                    .expect("a frame");
                let at = at % decoded.len();
                decoded[at] = to;
                let _ = unpacked(&compress(&decoded));
            }
        }
    }

    #[test]
    fn corrupt_blocks_are_rejected() {
        let cut_off = [1, 3, b'a'];
        let shares_more_than_there_was = [3, 1, b'a', 0, 0];
        let no_letter = [1, 1, 0xFF, 0, 0];
        let endless_number = [1, 1, b'a', 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0];
        for bytes in [&cut_off[..], &shares_more_than_there_was, &no_letter, &endless_number] {
            assert_eq!(unpacked(&compress(bytes)), Err(CorruptBlock), "{bytes:?}");
            assert_eq!(unpacked(bytes), Err(CorruptBlock), "no zstd frame: {bytes:?}");
        }
        let bomb = compress(&vec![0; MAX_BLOCK_BYTES + 1]);
        assert_eq!(unpacked(&bomb), Err(CorruptBlock));
    }
}
