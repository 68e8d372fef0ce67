//! Reads the text of a PDF file back, without the code that wrote it: inflates the streams, and looks the codes of the strings up in the
//! table that readers use for copying and searching. For files of this program only; poppler reads them in the browser tests.

use std::collections::BTreeMap;
use std::io::Read as _;

use flate2::read::ZlibDecoder;

/// The streams of a file, inflated where they are deflated, each with its dictionary.
pub(crate) fn streams(pdf: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut rest = pdf;
    while let Some(at) = position(rest, b"stream\n") {
        let before = &rest[..at];
        let start = before.windows(5).rposition(|window| window == b" obj\n").expect("an object");
        let dictionary = String::from_utf8_lossy(&before[start..]).into_owned();
        let length = dictionary.split("/Length ").nth(1).expect("a length");
        let length: usize =
            length.chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a number");
        let bytes = &rest[at + 7..at + 7 + length];
        let is_deflated = dictionary.contains("/FlateDecode");
        let bytes = if is_deflated {
            let mut inflated = Vec::new();
            ZlibDecoder::new(bytes).read_to_end(&mut inflated).expect("inflates");
            inflated
        } else {
            bytes.to_vec()
        };
        found.push((dictionary, bytes));
        rest = &rest[at + 7 + length + b"\nendstream".len()..];
    }
    found
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn hex_units(text: &str) -> Vec<u16> {
    text.as_bytes()
        .chunks(4)
        .map(|digits| u16::from_str_radix(std::str::from_utf8(digits).expect("ASCII"), 16).expect("hex"))
        .collect()
}

/// The lines of text of each page, in the order in which they were written.
pub(crate) fn pages(pdf: &[u8]) -> Vec<Vec<String>> {
    let streams = streams(pdf);
    let mut letters = BTreeMap::new();
    let maps = streams.iter().filter(|(_, bytes)| position(bytes, b"beginbfchar").is_some());
    for line in
        maps.flat_map(|(_, bytes)| String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect::<Vec<_>>())
    {
        let mut parts = line.split(['<', '>']).map(str::trim).filter(|part| !part.is_empty());
        let (Some(code), Some(text), None) = (parts.next(), parts.next(), parts.next()) else { continue };
        if code.len() == 4 && code.chars().all(|digit| digit.is_ascii_hexdigit()) && text.len() % 4 == 0 {
            letters.insert(hex_units(code)[0], String::from_utf16(&hex_units(text)).expect("UTF-16"));
        }
    }
    let contents =
        streams.iter().filter(|(_, bytes)| position(bytes, b" Tf").is_some() && position(bytes, b"BT").is_some());
    contents.map(|(_, bytes)| strings(bytes).iter().map(|string| decode(string, &letters)).collect()).collect()
}

/// All text of a file, one line a string.
pub(crate) fn text(pdf: &[u8]) -> String {
    pages(pdf).concat().join("\n")
}

fn decode(string: &[u8], letters: &BTreeMap<u16, String>) -> String {
    let codes = string.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    codes.map(|code| letters.get(&code).map_or("?", String::as_str)).collect()
}

/// The operands of `Tj`: literal or hexadecimal strings.
fn strings(content: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < content.len() {
        match content[at] {
            b'(' => {
                let mut string = Vec::new();
                at += 1;
                let mut depth = 1;
                while depth > 0 {
                    match content[at] {
                        b'\\' => {
                            at += 1;
                            string.push(match content[at] {
                                b'n' => b'\n',
                                b'r' => b'\r',
                                b't' => b'\t',
                                b'b' => 8,
                                b'f' => 12,
                                octal @ b'0'..=b'7' => {
                                    let digits = &content[at..at + 3];
                                    at += 2;
                                    let _ = octal;
                                    u8::from_str_radix(std::str::from_utf8(digits).expect("ASCII"), 8).expect("octal")
                                }
                                other => other,
                            });
                        }
                        b'(' => {
                            depth += 1;
                            string.push(b'(');
                        }
                        b')' => {
                            depth -= 1;
                            if depth > 0 {
                                string.push(b')');
                            }
                        }
                        other => string.push(other),
                    }
                    at += 1;
                }
                found.push(string);
            }
            b'<' => {
                let end = at + position(&content[at..], b">").expect("an end");
                let digits = std::str::from_utf8(&content[at + 1..end]).expect("ASCII");
                found.push(hex_units(digits).into_iter().flat_map(u16::to_be_bytes).collect());
                at = end + 1;
            }
            _ => at += 1,
        }
    }
    found
}
