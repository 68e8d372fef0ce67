//! Tokenizer: the search terms of a document and of a query.
//!
//! The database can only look up prefixes, so names and telephone numbers are indexed by all their suffixes:
//! `길동` is a suffix of `홍길동`. Names are also indexed by 초성 (ㅎㄱㄷ), telephone numbers as digits, addresses word
//! by word. The tail of a number is one term, written backwards: a prefix of it is a tail of any length.

use std::collections::{BTreeMap, HashMap};

use unicode_normalization::UnicodeNormalization;

use super::Limits;
use super::postings::{BlockWriter, PostingsBlock, TermPosting};
use crate::id::canonical_code;

/// Minimum length of an indexed suffix of a telephone number: three digits would match half the shop.
const MIN_PHONE_SUFFIX_DIGITS: usize = 4;

/// Minimum length of an indexed suffix of an address word.
const MIN_WORD_SUFFIX_CHARS: usize = 2;

/// Lengths of the tails by which a number is found: the digits that people read aloud.
const NUMBER_TAIL_CHARS: std::ops::RangeInclusive<usize> = 4..=8;

/// Begins the term of a tail, so that no word of a query finds it by chance: nobody types it.
const TAIL_MARK: char = '\u{1}';

/// Maximum length of a term; longer query terms are truncated likewise.
const MAX_TERM_CHARS: usize = 24;

/// How a text is split into terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// one term without spaces and hyphens, found by its beginning and by its last digits; several are separated by commas
    Number,
    /// all suffixes, and those of its 초성
    Name,
    /// all suffixes of its digits
    Phone,
    /// its words; long ones with all their suffixes
    Address,
}

/// A searchable text of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldText<'t> {
    /// how it is split
    pub kind: TextKind,
    /// bit set of the fields that have this text
    pub fields: i64,
    /// the text
    pub text: &'t str,
}

/// Postings of documents, unsorted. A term that several fields of a document contain occurs several times, until
/// [`Postings::by_term`] or [`Postings::to_blocks`] merges its field bits.
#[derive(Clone, Debug, Default)]
pub struct Postings {
    /// all terms concatenated: there may be hundreds of thousands
    text: String,
    spans: Vec<PostingSpan>,
}

/// A posting whose term is a range of the concatenated text.
#[derive(Clone, Copy, Debug)]
struct PostingSpan {
    start: usize,
    end: usize,
    document_id: i64,
    fields: i64,
}

impl PostingSpan {
    fn term<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// Typical number of postings of a document, and the size of their terms.
const POSTINGS_PER_DOCUMENT: usize = 32;
const TERM_BYTES_PER_DOCUMENT: usize = 400;

/// Splits a query into terms, each to be looked up as a prefix. Digits separated by hyphens or spaces are one
/// term, as people type telephone numbers. So is a generated number in its displayed groups, with letters that
/// Crockford's Base32 reads as digits.
pub fn search_words(text: &str) -> Vec<String> {
    let text = normalise(text);
    if let Some(ours) = generated_number(&text) {
        return vec![ours];
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let only_a_number =
        !digits.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || "-.()+".contains(c));
    let words: Vec<String> =
        if only_a_number { vec![digits] } else { split_words(&text).map(strip_number_hyphens).collect() };
    words.into_iter().map(|word| truncate(&word).to_owned()).filter(|word| !word.is_empty()).take(8).collect()
}

/// The prefix that finds the numbers that end with a word of a query; none where the word is too short, too long or has no
/// digit.
pub fn tail_prefix(word: &str) -> Option<String> {
    let is_tail = NUMBER_TAIL_CHARS.contains(&word.chars().count()) && word.contains(|c: char| c.is_ascii_digit());
    is_tail.then(|| reversed_tail(word))
}

/// The last characters of a number, backwards, behind their mark.
fn reversed_tail(number: &str) -> String {
    std::iter::once(TAIL_MARK).chain(number.chars().rev().take(*NUMBER_TAIL_CHARS.end())).collect()
}

impl Postings {
    /// Empty postings with capacity for that many documents.
    pub fn with_capacity(documents: usize) -> Self {
        Self {
            text: String::with_capacity(documents * TERM_BYTES_PER_DOCUMENT),
            spans: Vec::with_capacity(documents * POSTINGS_PER_DOCUMENT),
        }
    }

    /// Adds the terms of a document.
    pub fn add(&mut self, document_id: i64, texts: &[FieldText<'_>]) {
        let first = self.spans.len();
        for text in texts {
            match text.kind {
                TextKind::Number => self.add_number(text.fields, text.text),
                TextKind::Name => self.add_name(text.fields, text.text),
                TextKind::Phone => self.add_phone(text.fields, text.text),
                TextKind::Address => self.add_address(text.fields, text.text),
            }
        }
        for span in &mut self.spans[first..] {
            span.document_id = document_id;
        }
    }

    /// Terms of one document with their merged field bits.
    pub fn by_term(&self) -> BTreeMap<&str, i64> {
        let mut merged = BTreeMap::new();
        for span in &self.spans {
            *merged.entry(span.term(&self.text)).or_default() |= span.fields;
        }
        merged
    }

    /// Encodes the postings of many documents as a sorted segment. Terms are replaced by their rank first, so that
    /// each is compared once and the sort compares numbers.
    pub fn to_blocks(&self, limits: &Limits) -> Vec<PostingsBlock> {
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let mut spans: Vec<(usize, i64, i64)> = Vec::with_capacity(self.spans.len());
        for span in &self.spans {
            let next = numbers.len();
            let number = *numbers.entry(span.term(&self.text)).or_insert(next);
            spans.push((number, span.document_id, span.fields));
        }
        let mut terms: Vec<(&str, usize)> = numbers.into_iter().collect();
        terms.sort_unstable();
        let mut places = vec![0; terms.len()];
        for (place, (_, number)) in terms.iter().enumerate() {
            places[*number] = place;
        }
        for (term, ..) in &mut spans {
            *term = places[*term];
        }
        spans.sort_unstable();
        let mut writer = BlockWriter::for_segment(limits.block_bytes);
        for same in spans.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1)) {
            let (place, document_id, _) = same[0];
            let fields = same.iter().fold(0, |fields, span| fields | span.2);
            writer.push(TermPosting { term: terms[place].0, document_id, fields });
        }
        writer.finish()
    }

    /// Whether every query term is a prefix of a term in one of the fields, or a tail of a number there.
    pub fn matches_all(&self, fields: i64, words: &[String]) -> bool {
        let held = |prefix: &str| {
            self.spans.iter().any(|span| span.fields & fields != 0 && span.term(&self.text).starts_with(prefix))
        };
        words.iter().all(|word| held(word) || tail_prefix(word).is_some_and(|prefix| held(&prefix)))
    }

    /// Adds a decoded posting.
    pub fn push(&mut self, TermPosting { term, document_id, fields }: TermPosting<'_>) {
        let start = self.text.len();
        self.text.push_str(term);
        self.spans.push(PostingSpan { start, end: self.text.len(), document_id, fields });
    }

    fn push_term(&mut self, fields: i64, term: &str) {
        let term = truncate(term);
        if !term.is_empty() {
            self.push(TermPosting { term, document_id: 0, fields });
        }
    }

    fn add_number(&mut self, fields: i64, text: &str) {
        for number in normalise(text).replace([' ', '-'], "").split(',') {
            self.push_term(fields, number);
            self.push_term(fields, &reversed_tail(number));
        }
    }

    fn add_name(&mut self, fields: i64, name: &str) {
        let name: String = normalise(name).split_whitespace().collect();
        let initials: String = name.chars().map(choseong).collect();
        for (suffix, initials) in suffixes(&name, 1).zip(suffixes(&initials, 1)) {
            self.push_term(fields, suffix);
            if initials != suffix {
                self.push_term(fields, initials);
            }
        }
    }

    fn add_phone(&mut self, fields: i64, phone: &str) {
        let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
        for suffix in suffixes(&digits, MIN_PHONE_SUFFIX_DIGITS) {
            self.push_term(fields, suffix);
        }
    }

    fn add_address(&mut self, fields: i64, address: &str) {
        for word in split_words(&normalise(address)) {
            self.push_term(fields, &strip_number_hyphens(word));
            // 포항센트럴하이츠 is found by 센트럴 and by 하이츠. For short words (중앙로), numbers and names of a 시/도 (강원특별자치도)
            // the prefix is sufficient.
            let whole = word.chars().count() <= 4 || word.starts_with(|c: char| c.is_ascii_digit());
            if !whole && !["시", "도"].iter().any(|end| word.ends_with(end)) {
                for suffix in suffixes(word, MIN_WORD_SUFFIX_CHARS) {
                    self.push_term(fields, suffix);
                }
            }
        }
    }
}

fn normalise(text: &str) -> String {
    // Fast path: Hangul syllables and ASCII are invariant under NFKC.
    if text.chars().all(|c| c.is_ascii() || ('가'..='힣').contains(&c)) {
        return text.to_ascii_lowercase();
    }
    text.nfkc().flat_map(char::to_lowercase).collect()
}

/// Term of a generated number, if the query is one.
fn generated_number(text: &str) -> Option<String> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    // Letters only are a word, and digits only a telephone number.
    let is_mixed =
        compact.contains(|c: char| c.is_ascii_digit()) && compact.contains(|c: char| c.is_ascii_alphabetic());
    let code = is_mixed.then(|| canonical_code(&compact))??;
    Some(code.to_ascii_lowercase())
}

fn split_words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || "()[],/".contains(c)).filter(|word| !word.is_empty())
}

/// Keeps hyphens in house numbers (`12-3`); removes those of telephone numbers (`010-1234`).
fn strip_number_hyphens(word: &str) -> String {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let number = digits >= MIN_PHONE_SUFFIX_DIGITS && word.chars().all(|c| c.is_ascii_digit() || c == '-');
    if number { word.replace('-', "") } else { word.to_owned() }
}

fn suffixes(text: &str, shortest: usize) -> impl Iterator<Item = &str> {
    let longest = text.chars().count();
    text.char_indices().take((longest + 1).saturating_sub(shortest)).map(|(start, _)| &text[start..])
}

fn truncate(text: &str) -> &str {
    if text.len() <= MAX_TERM_CHARS {
        return text;
    }
    text.char_indices().nth(MAX_TERM_CHARS).map_or(text, |(end, _)| &text[..end])
}

/// 초성 of a syllable: ㅎ for 홍; other characters are unchanged. The result is U+1112, to which NFKC maps the ㅎ
/// (U+314E) that a keyboard types.
fn choseong(syllable: char) -> char {
    match u32::from(syllable).checked_sub(0xAC00) {
        Some(place) if place < 11_172 => char::from_u32(0x1100 + place / 588).unwrap_or(syllable),
        _ => syllable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(kind: TextKind, text: &str, query: &str) -> bool {
        let mut postings = Postings::default();
        postings.add(7, &[FieldText { kind, fields: 1, text }]);
        postings.matches_all(1, &search_words(query))
    }

    #[test]
    fn numbers_are_found_by_their_beginning_and_their_tail() {
        for query in ["2024031500000021", "20240315", "0021", "500000021".get(1..).unwrap_or_default(), "00-0021"] {
            assert!(found(TextKind::Number, "2024031500000021", query), "{query}");
        }
        for query in ["021", "315", "0315", "1200", "12000000"] {
            assert!(!found(TextKind::Number, "2024031500000021", query), "{query}");
        }
        assert!(found(TextKind::Number, "45168300137, 45168300148", "0148"));
        assert!(found(TextKind::Number, "45168300137, 45168300148", "45168300148"));
    }

    #[test]
    fn names_are_found_by_part_and_by_choseong() {
        for query in ["홍길동", "길동", "홍", "ㅎㄱㄷ", "ㄱㄷ", "홍 길동"] {
            assert!(found(TextKind::Name, "홍 길동", query), "{query}");
        }
        assert!(!found(TextKind::Name, "홍길동", "홍동"));
    }

    #[test]
    fn phones_are_found_with_or_without_hyphens_and_by_part() {
        for query in ["010-1234-5678", "01012345678", "010 1234 5678", "1234-5678", "5678", "34567"] {
            assert!(found(TextKind::Phone, "010-1234-5678", query), "{query}");
        }
        assert!(!found(TextKind::Phone, "010-1234-5678", "0504-0000-1010"));
    }

    #[test]
    fn addresses_are_found_by_their_words() {
        let address = "경상북도 포항시 북구 중앙로 346-1, 101동 1203호 (포항센트럴하이츠)";
        for query in ["포항", "북구 중앙로", "센트럴", "하이츠", "346-1", "1203호", "포항시 346"] {
            assert!(found(TextKind::Address, address, query), "{query}");
        }
        assert!(!found(TextKind::Address, address, "서울"));
    }

    #[test]
    fn generated_number_is_found_in_any_spelling() {
        let ours = ["0am6b86yedw00".to_owned()];
        for query in ["0AM6B86YEDW00", "0AM6 B86Y EDW00", "0am6-b86y-edw00", "OAM6 B86Y EDWO0"] {
            assert_eq!(search_words(query), ours, "{query}");
        }
        assert_eq!(search_words("hong 101"), ["hong", "101"]);
        assert_eq!(search_words("0123456789012"), ["0123456789012"]);
    }

    #[test]
    fn empty_search_has_no_terms() {
        assert!(search_words("  ").is_empty());
        assert!(search_words("()").is_empty());
    }

    #[test]
    fn words_of_another_field_are_not_found() {
        let mut postings = Postings::default();
        postings.add(7, &[FieldText { kind: TextKind::Name, fields: 0b01, text: "홍길동" }]);
        postings.add(7, &[FieldText { kind: TextKind::Name, fields: 0b10, text: "김견본" }]);
        let all = search_words("홍길동 김견본");
        assert!(postings.matches_all(0b11, &all));
        assert!(!postings.matches_all(0b01, &all));
    }
}
