//! Parser of the official address lists, as they are downloaded.
//!
//! | list | source | layout |
//! | --- | --- | --- |
//! | 우편번호 DB, one file per 시/도 | epost.go.kr, `zipcode_DB.zip` | header line with 26 columns |
//! | 범위주소 DB | epost.go.kr | header line with 15 columns, no 법정동코드 |
//! | 도로명주소 한글, complete or changes (`…TH_SGCO_RNADR_MST.TXT`) | business.juso.go.kr | 24 columns, no header |
//! | 건물DB, complete or changes | business.juso.go.kr | 31 columns, no header |
//!
//! All of them have one address per line with `|`-separated cells, in UTF-8 or CP949, as plain text or in a
//! .zip. There are millions of addresses, so the parser only counts addresses per pair of postal code and region,
//! and memory does not grow with the file. A postal code belongs to the region with most of its addresses.

mod layout;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Seek};

use encoding_rs::EUC_KR;
use serde::{Deserialize, Serialize};

use self::layout::{AddressLine, Layout, cells, decode};
use super::edition::{POSTAL_CODES, PostalRange};
use super::model::Districts;
use super::region::Region;

/// Why a file is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// not one of the known lists
    #[error(
        "우체국 우편번호 DB나 도로명주소 변동분 파일이 아니에요. 내려받은 .txt나 .zip 파일을 그대로 선택해 주세요."
    )]
    UnknownLayout,
    /// 관련지번: the parcel file that accompanies 도로명주소 한글
    #[error("지번만 있는 파일이에요. 같이 받은 도로명주소 파일(…MST.TXT, rnaddrkor_…txt)을 선택해 주세요.")]
    Parcels,
    /// an empty file
    #[error("내용이 없는 파일이에요. 다시 내려받아 주세요.")]
    Empty,
    /// a list of changes without a change
    #[error("바뀐 주소가 없는 변동분이에요(No Data). 적용할 것이 없어요.")]
    NoData,
    /// six-digit postal codes, in use until 2015-07-31
    #[error("옛 여섯 자리 우편번호 파일이에요. 다섯 자리 우편번호 DB를 내려받아 주세요.")]
    SixDigits,
    /// a damaged or encrypted .zip
    #[error("압축 파일을 열지 못했어요. 다시 내려받거나, 압축을 풀어 .txt 파일을 선택해 주세요.")]
    BadArchive,
    /// an I/O error
    #[error("파일을 끝까지 읽지 못했어요. 다시 내려받아 주세요.")]
    Io,
    /// larger than any known list
    #[error("우편번호 목록으로는 너무 커요. 내려받은 파일을 그대로 선택해 주세요.")]
    TooLarge,
}

/// Longest accepted line; real lines have about 300 bytes.
const MAX_LINE_BYTES: u64 = 16 * 1024;

/// Largest accepted uncompressed size of an archive; the whole country has 1.5 GB.
const MAX_UNPACKED_BYTES: u64 = 8 << 30;

/// Distinct region names held in memory; the whole country has 300.
const MAX_NAMES: usize = 5_000;

/// Pairs of postal code and region held in memory; the whole country has 35,000.
const MAX_PAIRS: usize = 400_000;

/// Lines without a postal code or region after which a file is rejected, if they are the majority.
const MAX_BAD_LINES: u64 = 1_000;

/// Buffer of a file while it is read line by line.
const READ_BUFFER_BYTES: usize = 1 << 18;

/// Counts of a parsed list. Its JSON keys are those of the database and of `--json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParseReport {
    /// file names
    pub files: Vec<String>,
    /// counted addresses
    pub addresses: u64,
    /// removed addresses (폐지), not counted
    pub removed: u64,
    /// skipped lines: no postal code, or no known region
    pub skipped: u64,
    /// postal codes with addresses in several regions
    pub contested: u32,
    /// names of unknown regions, from a list without 법정동코드
    pub unknown: Vec<String>,
}

/// The content of one or more files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedList {
    /// the named regions, and the regions that contain them
    pub regions: Vec<Region>,
    /// the region of each postal code
    pub ranges: Vec<PostalRange>,
    /// counts
    pub report: ParseReport,
}

/// A region as the lines name it.
#[derive(Clone, Debug)]
struct NamedRegion {
    code: i64,
    sido: String,
    /// empty in 세종
    sigungu: String,
    /// addresses in it
    addresses: u64,
}

/// Parses any number of files into one [`ParsedList`].
pub struct ListParser<'d> {
    known: &'d Districts,
    /// code and names of a region, as bytes → its index in `names`; none is an unknown region
    name_indices: HashMap<Vec<u8>, Option<u32>>,
    names: Vec<NamedRegion>,
    /// (postal code, index in `names`) → addresses
    pairs: HashMap<(u32, u32), u32>,
    report: ParseReport,
    /// empty lines of the present file
    empty_lines: u64,
}

impl<'d> ListParser<'d> {
    /// An empty parser. Lists without 법정동코드 take the codes of their regions from `known`.
    pub fn new(known: &'d Districts) -> Self {
        Self {
            known,
            name_indices: HashMap::new(),
            names: Vec::new(),
            pairs: HashMap::new(),
            report: ParseReport::default(),
            empty_lines: 0,
        }
    }

    /// Parses a file, or every list of an archive.
    ///
    /// # Errors
    /// The file is rejected: see [`ListError`].
    pub fn parse(&mut self, name: &str, mut file: impl Read + Seek) -> Result<(), ListError> {
        let mut magic = [0; 4];
        let length = file.read(&mut magic).map_err(|_| ListError::Io)?;
        file.rewind().map_err(|_| ListError::Io)?;
        match &magic[..length] {
            [] => return Err(ListError::Empty),
            [b'P', b'K', 3 | 5, ..] => self.parse_archive(file)?,
            _ => self.parse_lines(BufReader::with_capacity(READ_BUFFER_BYTES, file))?,
        }
        self.report.files.push(name.to_owned());
        Ok(())
    }

    fn parse_archive(&mut self, file: impl Read + Seek) -> Result<(), ListError> {
        let mut archive = zip::ZipArchive::new(file).map_err(|_| ListError::BadArchive)?;
        let (mut bytes_left, mut parsed, mut last_error) = (MAX_UNPACKED_BYTES, 0, ListError::UnknownLayout);
        for at in 0..archive.len() {
            let entry = archive.by_index(at).map_err(|_| ListError::BadArchive)?;
            if !entry.is_file() {
                continue;
            }
            let mut lines = BufReader::with_capacity(READ_BUFFER_BYTES, entry.take(bytes_left));
            match self.parse_lines(&mut lines) {
                Ok(()) => parsed += 1,
                // An archive also has instructions and parcel files.
                Err(error @ (ListError::UnknownLayout | ListError::Parcels | ListError::Empty | ListError::NoData)) => {
                    last_error = error;
                }
                Err(error) => return Err(error),
            }
            bytes_left = lines.get_ref().limit();
            if bytes_left == 0 {
                return Err(ListError::TooLarge);
            }
        }
        if parsed == 0 { Err(last_error) } else { Ok(()) }
    }

    fn parse_lines(&mut self, mut lines: impl BufRead) -> Result<(), ListError> {
        let mut line = Vec::new();
        if !next_line(&mut lines, &mut line)? {
            return Err(ListError::Empty);
        }
        let layout = Layout::recognise(&line)?;
        let mut good = 0_u64;
        let skipped_before = self.report.skipped;
        self.empty_lines = 0;
        if !layout.has_header {
            good += u64::from(self.count(&layout, &line)?);
        }
        while next_line(&mut lines, &mut line)? {
            good += u64::from(self.count(&layout, &line)?);
            let bad = self.report.skipped - skipped_before + self.empty_lines;
            if bad > MAX_BAD_LINES && bad > good {
                return Err(ListError::UnknownLayout);
            }
        }
        if good == 0 { Err(ListError::UnknownLayout) } else { Ok(()) }
    }

    /// Counts the address of a line; false if the line has none.
    fn count(&mut self, layout: &Layout, line: &[u8]) -> Result<bool, ListError> {
        let Some(address) = layout.address(&cells(line)) else {
            // An empty line is no row of the list, but a file of nothing else is none either.
            self.report.skipped += u64::from(!line.is_empty());
            self.empty_lines += u64::from(line.is_empty());
            return Ok(false);
        };
        if address.is_removed {
            self.report.removed += 1;
            return Ok(true);
        }
        let key = [address.code, b"|", address.sido, b"|", address.sigungu].concat();
        let index = match self.name_indices.get(&key) {
            Some(index) => *index,
            None => self.add_name(key, &address)?,
        };
        let Some(index) = index else {
            self.report.skipped += 1;
            return Ok(true);
        };
        self.names[index as usize].addresses += 1;
        *self.pairs.entry((address.zip, index)).or_default() += 1;
        self.report.addresses += 1;
        if self.pairs.len() > MAX_PAIRS { Err(ListError::TooLarge) } else { Ok(true) }
    }

    /// Adds a region at its first occurrence; answers its index, or none for an unknown region.
    fn add_name(&mut self, key: Vec<u8>, address: &AddressLine<'_>) -> Result<Option<u32>, ListError> {
        if self.name_indices.len() >= MAX_NAMES {
            return Err(ListError::TooLarge);
        }
        // Decoded together, as a 시/군/구 alone could be valid UTF-8 by chance; 시 and 도 in CP949 are not.
        let text = decode(&[address.sido, b"|", address.sigungu].concat());
        let (sido, sigungu) = text.split_once('|').unwrap_or_default();
        let full_name = format!("{sido} {sigungu}").trim().to_owned();
        let code = std::str::from_utf8(address.code).ok();
        let code = code.and_then(|code| code.get(..5)).and_then(|code| code.parse().ok());
        let known = || {
            let mut regions = self.known.current_edition().regions.iter();
            regions.find(|region| region.level > 0 && region.full_name == full_name)
        };
        let index = if let Some(code) = code.or_else(|| known().map(|region| region.code)) {
            let (sido, sigungu) = (sido.to_owned(), sigungu.to_owned());
            self.names.push(NamedRegion { code, sido, sigungu, addresses: 0 });
            u32::try_from(self.names.len() - 1).ok()
        } else {
            self.report.unknown.push(full_name);
            None
        };
        self.name_indices.insert(key, index);
        Ok(index)
    }

    /// The content of all files together.
    ///
    /// # Errors
    /// [`ListError::NoData`] if they have no address.
    pub fn finish(mut self) -> Result<ParsedList, ListError> {
        let mut counts: Vec<(u32, u32, i64)> = self
            .pairs
            .iter()
            .map(|((zip, index), addresses)| (*zip, *addresses, self.names[*index as usize].code))
            .collect();
        // Per postal code, the region with most addresses first; of equals, the smaller region code.
        counts.sort_unstable_by_key(|(zip, addresses, code)| (*zip, std::cmp::Reverse(*addresses), *code));
        let mut ranges: Vec<PostalRange> = Vec::new();
        let mut contested = None;
        for (zip, _, code) in counts {
            match ranges.last_mut() {
                Some(range) if range.end == zip => {
                    if range.code != code && contested.replace(zip) != Some(zip) {
                        self.report.contested += 1;
                    }
                }
                Some(range) if range.end + 1 == zip && range.code == code => range.end = zip,
                _ => ranges.push(PostalRange { start: zip, end: zip, code }),
            }
        }
        if ranges.is_empty() {
            return Err(ListError::NoData);
        }
        Ok(ParsedList { regions: self.regions(), ranges, report: self.report })
    }

    fn regions(&self) -> Vec<Region> {
        let mut names: Vec<&NamedRegion> = self.names.iter().collect();
        // Of several names of one code, the one with most addresses is inserted last and wins.
        names.sort_by_key(|name| name.addresses);
        let mut regions = std::collections::BTreeMap::new();
        for name in names {
            for region in with_parents(self.known, name) {
                regions.insert(region.code, region);
            }
        }
        regions.into_values().collect()
    }
}

/// A region, its 시/도 and, for a 일반구, its city.
fn with_parents(known: &Districts, name: &NamedRegion) -> Vec<Region> {
    let sido_code = name.code / 1000 * 1000;
    let region = |code, level, parent_code, full_name: &str, short_name: &str| Region {
        code,
        level,
        parent_code,
        full_name: full_name.trim().to_owned(),
        short_name: if short_name.is_empty() { full_name.trim().to_owned() } else { short_name.to_owned() },
    };
    let sido = region(sido_code, 0, None, &name.sido, &short_sido(known, &name.sido));
    let full = format!("{} {}", name.sido, name.sigungu);
    let Some((city, _)) = name.sigungu.split_once(' ') else {
        return vec![sido, region(name.code, 1, Some(sido_code), &full, &name.sigungu)];
    };
    let city_code = name.code / 10 * 10;
    let city_name = format!("{} {city}", name.sido);
    vec![
        sido,
        region(city_code, 1, Some(sido_code), &city_name, city),
        region(name.code, 2, Some(city_code), &full, &name.sigungu),
    ]
}

/// `경북` for 경상북도. The name of a new 시/도 is cut before its suffix: `경기북부` for 경기북부특별자치도.
fn short_sido(known: &Districts, full_name: &str) -> String {
    if let Some(sido) = known.sidos().find(|sido| sido.full_name == full_name) {
        return sido.short_name.clone();
    }
    ["통합특별시", "특별자치도", "특별자치시", "특별시", "광역시", "도"]
        .iter()
        .find_map(|ending| full_name.strip_suffix(ending))
        .unwrap_or(full_name)
        .to_owned()
}

/// Reads the next line, without its line ending; false at the end of the file.
fn next_line(lines: &mut impl BufRead, line: &mut Vec<u8>) -> Result<bool, ListError> {
    line.clear();
    let length = lines.by_ref().take(MAX_LINE_BYTES + 1).read_until(b'\n', line).map_err(|_| ListError::Io)?;
    if length as u64 > MAX_LINE_BYTES {
        return Err(ListError::UnknownLayout);
    }
    while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        line.pop();
    }
    Ok(length > 0)
}

#[cfg(test)]
pub(crate) mod tests;
