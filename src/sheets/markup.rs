//! Lenient tokens of markup: the XML parts of an .xlsx, SpreadsheetML 2003 and HTML tables.
//!
//! A spreadsheet is data, not a document to validate: a broken byte, an unclosed element or an unknown entity
//! must cost no more than itself. Tokens are found by their angle brackets alone, so that nothing in a part
//! that is not needed can refuse a file. Elements and attributes are compared by their local names, whatever
//! the prefix. Entities are never defined by the file, so that they cannot multiply.

use std::borrow::Cow;
use std::io::{self, Read};

use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 64 << 10;
/// A longer tag is skipped in pieces; Excel's longest tags have some hundred bytes.
const MAX_TAG_BYTES: usize = 1 << 20;
/// A longer text is given in pieces.
const MAX_TEXT_BYTES: usize = 256 << 10;
/// The longest entity: `&thetasym;`, and numbers of some digits.
const MAX_ENTITY_BYTES: usize = 12;
/// Bytes in which the encoding of a part is declared.
const DECLARATION_BYTES: usize = 256;

/// A token. Names are local names: `c` for `x:c`.
#[derive(Debug)]
pub(super) enum Token<'a> {
    /// a start tag or an empty element
    Open { name: &'a [u8], attributes: Attributes<'a>, is_empty: bool },
    /// an end tag
    Close(&'a [u8]),
    /// text with entities; a long text comes in pieces
    Text(&'a [u8]),
    /// text without entities (CDATA)
    Literal(&'a [u8]),
}

/// A reader of tokens.
pub(super) struct Scanner<R> {
    source: R,
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    is_end: bool,
}

/// A token in the buffer.
enum Extent {
    Tag(usize),
    Text(usize),
    Literal(usize),
    Skipped(usize),
}

impl<R: Read> Scanner<Transcoder<R>> {
    /// Reads a part in the encoding that it declares, UTF-8 by default.
    pub(super) fn new(source: R) -> Self {
        Scanner { source: Transcoder::new(source), buffer: vec![0; CHUNK_BYTES], at: 0, filled: 0, is_end: false }
    }
}

impl<R: Read> Scanner<R> {
    /// What has not been scanned yet, without what was read ahead.
    pub(super) fn into_source(self) -> R {
        self.source
    }

    /// Skips the content of an element of HTML that is no markup, up to its end tag.
    ///
    /// # Errors
    /// The source cannot be read further.
    pub(super) fn skip_raw(&mut self, name: &[u8]) -> io::Result<()> {
        loop {
            let rest = &self.buffer[self.at..self.filled];
            let end = memchr::memmem::find_iter(rest, b"</")
                .find(|at| rest.get(at + 2..at + 2 + name.len()).is_some_and(|end| end.eq_ignore_ascii_case(name)));
            if let Some(end) = end {
                self.at += end;
                return Ok(());
            }
            if self.is_end {
                self.at = self.filled;
                return Ok(());
            }
            // The end tag may be cut in two.
            self.at = self.at.max(self.filled.saturating_sub(name.len() + 1));
            self.fill()?;
        }
    }

    /// The next token; none at the end.
    ///
    /// # Errors
    /// The source cannot be read further.
    pub(super) fn next(&mut self) -> io::Result<Option<Token<'_>>> {
        loop {
            let Some(extent) = self.extent() else {
                if self.is_end {
                    return Ok(None);
                }
                self.fill()?;
                continue;
            };
            let start = self.at;
            return Ok(Some(match extent {
                Extent::Skipped(length) => {
                    self.at += length;
                    continue;
                }
                Extent::Tag(length) => {
                    self.at += length;
                    tag(&self.buffer[start + 1..start + length - 1])
                }
                Extent::Text(length) => {
                    self.at += length;
                    Token::Text(&self.buffer[start..start + length])
                }
                Extent::Literal(length) => {
                    self.at += length;
                    Token::Literal(&self.buffer[start + b"<![CDATA[".len()..start + length - b"]]>".len()])
                }
            }));
        }
    }

    /// The extent of the token at the current position; none if more bytes are needed.
    fn extent(&self) -> Option<Extent> {
        let rest = &self.buffer[self.at..self.filled];
        let (&first, after) = rest.split_first()?;
        if first != b'<' {
            return self.text_extent(rest, 0);
        }
        let delimited = |start: usize, end: &[u8], extent: fn(usize) -> Extent| {
            let found = memchr::memmem::find(rest.get(start..)?, end).map(|at| extent(start + at + end.len()));
            found.or_else(|| (self.is_end || rest.len() > MAX_TAG_BYTES).then_some(Extent::Skipped(rest.len())))
        };
        match after.first() {
            None if self.is_end => Some(Extent::Skipped(1)),
            None => None,
            Some(b'!') if !self.is_end && rest.len() < b"<![CDATA[".len() => None,
            Some(b'!') if rest.starts_with(b"<!--") => delimited(4, b"-->", Extent::Skipped),
            Some(b'!') if rest.starts_with(b"<![CDATA[") => delimited(9, b"]]>", Extent::Literal),
            Some(b'!' | b'?') => delimited(1, b">", Extent::Skipped),
            Some(letter) if letter.is_ascii_alphabetic() || matches!(letter, b'/' | b'_' | 0x80..) => {
                let mut quote = 0;
                for (at, &byte) in rest.iter().enumerate().skip(1) {
                    match byte {
                        b'>' if quote == 0 => return Some(Extent::Tag(at + 1)),
                        b'"' | b'\'' if quote == 0 => quote = byte,
                        byte if byte == quote => quote = 0,
                        _ => {}
                    }
                }
                if !self.is_end && rest.len() <= MAX_TAG_BYTES {
                    return None;
                }
                // A quote is never closed: the tag ends at the first bracket after all.
                let end = memchr::memchr(b'>', rest).map_or(rest.len(), |at| at + 1);
                Some(if rest[end - 1] == b'>' { Extent::Tag(end) } else { Extent::Skipped(end) })
            }
            // A bracket that begins no tag: `a < b` in a table of HTML.
            Some(_) => self.text_extent(rest, 1),
        }
    }

    fn text_extent(&self, rest: &[u8], from: usize) -> Option<Extent> {
        if let Some(at) = memchr::memchr(b'<', &rest[from..]) {
            return Some(Extent::Text(from + at));
        }
        if self.is_end {
            return Some(Extent::Text(rest.len()));
        }
        if rest.len() < MAX_TEXT_BYTES {
            return None;
        }
        // Neither an entity nor a character is cut in two.
        let tail = rest.len() - MAX_ENTITY_BYTES;
        let is_start = |byte: &u8| byte & 0xC0 != 0x80;
        let cut = memchr::memrchr(b'&', &rest[tail..]).or_else(|| rest[tail..].iter().rposition(is_start));
        Some(Extent::Text(tail + cut.unwrap_or(0)))
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.at..self.filled, 0);
        self.filled -= self.at;
        self.at = 0;
        if self.filled + CHUNK_BYTES / 2 > self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let read = self.source.read(&mut self.buffer[self.filled..])?;
        self.filled += read;
        self.is_end = read == 0;
        Ok(())
    }
}

/// The token of a tag, given without its brackets.
fn tag(inside: &[u8]) -> Token<'_> {
    if let Some(name) = inside.strip_prefix(b"/") {
        return Token::Close(local(name.trim_ascii_end()));
    }
    let (inside, is_empty) = inside.strip_suffix(b"/").map_or((inside, false), |inside| (inside, true));
    let end = inside.iter().position(u8::is_ascii_whitespace).unwrap_or(inside.len());
    Token::Open { name: local(&inside[..end]), attributes: Attributes(&inside[end..]), is_empty }
}

fn local(name: &[u8]) -> &[u8] {
    memchr::memrchr(b':', name).map_or(name, |at| &name[at + 1..])
}

/// The attributes of a tag: local names and raw values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attributes<'a>(&'a [u8]);

impl<'a> Attributes<'a> {
    /// The decoded value of an attribute.
    pub(super) fn get(self, name: &[u8]) -> Option<Cow<'a, str>> {
        self.raw(name).map(decode)
    }

    /// The value of an attribute, with entities.
    pub(super) fn raw(mut self, name: &[u8]) -> Option<&'a [u8]> {
        self.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

#[expect(clippy::copy_iterator, reason = "a view of a slice; each lookup begins anew")]
impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.0.trim_ascii_start();
        if rest.is_empty() {
            return None;
        }
        let end = rest.iter().position(|byte| *byte == b'=' || byte.is_ascii_whitespace()).unwrap_or(rest.len());
        let key = local(&rest[..end]);
        let Some(value) = rest[end..].trim_ascii_start().strip_prefix(b"=") else {
            // An attribute without value, as in HTML. A lone `=` is skipped.
            self.0 = &rest[end.max(1)..];
            return Some((key, b""));
        };
        let value = value.trim_ascii_start();
        let (value, rest) = match value.first() {
            Some(quote @ (b'"' | b'\'')) => {
                let end = memchr::memchr(*quote, &value[1..]).map_or(value.len(), |at| at + 1);
                (&value[1..end], value.get(end + 1..).unwrap_or_default())
            }
            _ => value.split_at(value.iter().position(u8::is_ascii_whitespace).unwrap_or(value.len())),
        };
        self.0 = rest;
        Some((key, value))
    }
}

/// Decodes text with entities. Broken bytes become U+FFFD, unknown entities stay as they are.
pub(super) fn decode(raw: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(raw);
    if !text.contains('&') {
        return text;
    }
    let mut decoded = String::with_capacity(text.len());
    push_decoded(&text, &mut decoded);
    decoded.into()
}

/// Appends decoded text to `into`.
pub(super) fn decode_into(raw: &[u8], into: &mut String) {
    match std::str::from_utf8(raw) {
        Ok(text) if memchr::memchr(b'&', raw).is_none() => into.push_str(text),
        Ok(text) => push_decoded(text, into),
        Err(_) => push_decoded(&String::from_utf8_lossy(raw), into),
    }
}

fn push_decoded(text: &str, into: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        into.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(MAX_ENTITY_BYTES).position(|byte| byte == b';');
        if let Some((end, letter)) = end.and_then(|end| entity(&rest[1..end]).map(|letter| (end, letter))) {
            into.push(letter);
            rest = &rest[end + 1..];
        } else {
            into.push('&');
            rest = &rest[1..];
        }
    }
    into.push_str(rest);
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{A0}',
        "middot" => '·',
        "hellip" => '…',
        "ndash" => '–',
        "mdash" => '—',
        "times" => '×',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        _ => return None,
    })
}

/// A reader that gives UTF-8, whatever encoding the source declares.
pub(super) struct Transcoder<R> {
    source: R,
    /// none: not known yet, or UTF-8
    decoder: Option<Decoder>,
    is_started: bool,
    /// bytes of the source that are not decoded yet
    pending: Vec<u8>,
    /// decoded text that is not read yet
    decoded: Vec<u8>,
    at: usize,
    is_end: bool,
}

impl<R: Read> Transcoder<R> {
    fn new(source: R) -> Self {
        Self {
            source,
            decoder: None,
            is_started: false,
            pending: Vec::new(),
            decoded: Vec::new(),
            at: 0,
            is_end: false,
        }
    }

    fn start(&mut self) -> io::Result<()> {
        self.is_started = true;
        let mut start = Vec::new();
        (&mut self.source).take(DECLARATION_BYTES as u64).read_to_end(&mut start)?;
        let encoding = declared_encoding(&start);
        if encoding == UTF_8 {
            let without_mark = start.strip_prefix(b"\xEF\xBB\xBF").map(<[u8]>::to_vec);
            self.decoded = without_mark.unwrap_or(start);
        } else {
            self.decoder = Some(encoding.new_decoder());
            self.pending = start;
        }
        Ok(())
    }

    fn decode_more(&mut self) -> io::Result<()> {
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        if self.pending.is_empty() {
            self.pending.resize(CHUNK_BYTES, 0);
            let read = self.source.read(&mut self.pending)?;
            self.pending.truncate(read);
            self.is_end = read == 0;
        }
        self.decoded.resize(self.pending.len() * 3 + 16, 0);
        let (_, _, written, _) = decoder.decode_to_utf8(&self.pending, &mut self.decoded, self.is_end);
        self.decoded.truncate(written);
        self.pending.clear();
        self.at = 0;
        Ok(())
    }
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if !self.is_started {
            self.start()?;
        }
        loop {
            if self.at < self.decoded.len() {
                let read = (&self.decoded[self.at..]).read(into)?;
                self.at += read;
                return Ok(read);
            }
            if self.decoder.is_none() {
                return self.source.read(into);
            }
            if self.is_end {
                return Ok(0);
            }
            self.decode_more()?;
        }
    }
}

/// The encoding that the first bytes of a part declare: by a byte order mark, by the XML declaration or, in
/// UTF-16 without a mark, by the zeros beside the first bracket.
fn declared_encoding(start: &[u8]) -> &'static Encoding {
    match start {
        [0xFF, 0xFE, ..] | [b'<', 0, ..] => return UTF_16LE,
        [0xFE, 0xFF, ..] | [0, b'<', ..] => return UTF_16BE,
        _ => {}
    }
    let declaration = start.get(..memchr::memchr(b'>', start).unwrap_or(0)).unwrap_or_default();
    let label = memchr::memmem::find(declaration, b"encoding=").and_then(|at| {
        let label = declaration.get(at + b"encoding=".len() + 1..)?;
        label.get(..label.iter().position(|byte| matches!(byte, b'"' | b'\''))?)
    });
    let encoding = label.and_then(Encoding::for_label).unwrap_or(UTF_8);
    // A declaration that could be read is not in UTF-16.
    if encoding == UTF_16LE || encoding == UTF_16BE { UTF_8 } else { encoding }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(bytes: &[u8]) -> String {
        let mut scanner = Scanner::new(bytes);
        let mut found = Vec::new();
        while let Some(token) = scanner.next().expect("memory can be read") {
            found.push(match token {
                Token::Open { name, attributes, is_empty } => {
                    let attributes: Vec<_> =
                        attributes.map(|(name, value)| format!(" {}={}", decode(name), decode(value))).collect();
                    format!("<{}{}{}>", decode(name), attributes.concat(), if is_empty { "/" } else { "" })
                }
                Token::Close(name) => format!("</{}>", decode(name)),
                Token::Text(text) => decode(text).into_owned(),
                Token::Literal(text) => String::from_utf8_lossy(text).into_owned(),
            });
        }
        found.join("|")
    }

    #[test]
    fn tokens_have_local_names_and_decoded_text() {
        assert_eq!(
            tokens(b"<?xml version='1.0'?><!-- <a> --><x:c r=\"A1\" x:t='s>'><v>1 &lt;&#44032;&#xAC00;</v></x:c><d/>"),
            "<c r=A1 t=s>>|<v>|1 <가가|</v>|</c>|<d/>"
        );
        assert_eq!(tokens(b"<t><![CDATA[a<b&amp;]]></t>"), "<t>|a<b&amp;|</t>");
    }

    #[test]
    fn broken_markup_costs_no_more_than_itself() {
        assert_eq!(
            tokens(b"<td nowrap width=3>a < b &foo; \xFF</td><"),
            "<td nowrap= width=3>|a |< b &foo; \u{FFFD}|</td>"
        );
        assert_eq!(tokens(b"<a b=\"c>x</a>"), "<a b=c>|x|</a>");
        assert_eq!(tokens(b"<a>x"), "<a>|x");
    }

    #[test]
    fn other_encodings_are_decoded() {
        let (korean, ..) = encoding_rs::EUC_KR.encode("<?xml version=\"1.0\" encoding=\"euc-kr\"?><t>상품</t>");
        assert_eq!(tokens(&korean), "<t>|상품|</t>");
        let wide: Vec<u8> = "\u{FEFF}<t>상품</t>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(tokens(&wide), "<t>|상품|</t>");
        assert_eq!(tokens("\u{FEFF}<t>상품</t>".as_bytes()), "<t>|상품|</t>");
    }

    #[test]
    fn long_text_comes_in_pieces_of_whole_characters() {
        let text = "가나&amp;".repeat(200_000);
        let bytes = format!("<t>{text}</t>");
        let mut scanner = Scanner::new(bytes.as_bytes());
        let mut whole = String::new();
        while let Some(token) = scanner.next().expect("memory can be read") {
            if let Token::Text(piece) = token {
                assert!(piece.len() <= 2 * MAX_TEXT_BYTES);
                decode_into(piece, &mut whole);
            }
        }
        assert_eq!(whole, "가나&".repeat(200_000));
    }
}
