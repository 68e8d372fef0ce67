//! Reading the official lists of addresses, as they are downloaded.
//!
//! | list | from | layout |
//! | --- | --- | --- |
//! | 우편번호 DB, one file a 시/도 | epost.go.kr, `zipcode_DB.zip` | a head line names 26 columns |
//! | 범위주소 DB | epost.go.kr | a head line names 15 columns, no 법정동코드 |
//! | 도로명주소 한글, whole or changes (`…TH_SGCO_RNADR_MST.TXT`) | business.juso.go.kr | 24 columns, no head line |
//! | 건물DB, whole or changes | business.juso.go.kr | 31 columns, no head line |
//!
//! All are lines of `|`-separated cells, UTF-8 or CP949, alone or in a .zip. They are lists of
//! addresses, millions of lines; what is kept of them is how often each postal code was seen in each
//! region, so memory does not grow with the file. A postal code lies where most of its addresses do.

mod layout;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Seek};

use encoding_rs::EUC_KR;
use serde::{Deserialize, Serialize};

use self::layout::{Layout, cells, decoded};
use super::edition::{CODES, Run};
use super::model::Districts;
use super::region::Region;

/// Why a file is no list that can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// neither of the lists
    #[error("우체국 우편번호 DB나 도로명주소 변동분 파일이 아니에요. 내려받은 .txt나 .zip 파일을 그대로 골라 주세요.")]
    NotAList,
    /// parcels beside the addresses of 도로명주소 한글
    #[error("지번만 있는 파일이에요. 같이 받은 도로명주소 파일(…MST.TXT, rnaddrkor_…txt)을 골라 주세요.")]
    Parcels,
    /// nothing in it
    #[error("내용이 없는 파일이에요. 다시 내려받아 주세요.")]
    Empty,
    /// a day on which nothing changed
    #[error("바뀐 주소가 없는 변동분이에요(No Data). 적용할 것이 없어요.")]
    NoData,
    /// postal codes of before 2015-08-01
    #[error("옛 여섯 자리 우편번호 파일이에요. 다섯 자리 우편번호 DB를 내려받아 주세요.")]
    SixDigits,
    /// the .zip is damaged, or needs a password
    #[error("압축 파일을 열지 못했어요. 다시 내려받거나, 압축을 풀어 .txt 파일을 골라 주세요.")]
    BadArchive,
    /// the file breaks off or cannot be read
    #[error("파일을 끝까지 읽지 못했어요. 다시 내려받아 주세요.")]
    Unreadable,
    /// more than any list has
    #[error("우편번호 목록으로는 너무 커요. 내려받은 파일을 그대로 골라 주세요.")]
    TooLarge,
}

/// The longest line taken, in bytes; real ones have some 300.
const LONGEST_LINE: u64 = 16 * 1024;

/// What an archive may unpack to; the whole country has 1.5 GB.
const UNPACKED: u64 = 8 << 30;

/// Names of regions and pairs of code and region that are kept; the whole country has 300 and 35,000.
const NAMES: usize = 5_000;
const PAIRS: usize = 400_000;

/// What was seen while reading, for the report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// names of the files
    pub files: Vec<String>,
    /// addresses that counted
    pub addresses: u64,
    /// addresses that were given up
    pub removed: u64,
    /// lines without a postal code or region
    pub passed_over: u64,
    /// postal codes whose addresses lie in several regions
    pub contested: u32,
    /// regions that a list without codes names and nobody knows
    pub unknown: Vec<String>,
}

/// What the lists say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// the regions they name, with those around
    pub regions: Vec<Region>,
    /// where the postal codes lie
    pub runs: Vec<Run>,
    /// how it was read
    pub told: Told,
}

/// A region as a line names it.
#[derive(Clone, Debug)]
struct Name {
    code: i64,
    sido: String,
    /// empty in 세종
    sigungu: String,
    seen: u64,
}

/// Reads any number of files into one [`Listing`].
pub struct Reader<'d> {
    known: &'d Districts,
    /// the bytes that name a region → its place in `names`; none is a region nobody knows
    places: HashMap<Vec<u8>, Option<u32>>,
    names: Vec<Name>,
    /// (postal code, place in `names`) → addresses
    pairs: HashMap<(u32, u32), u32>,
    told: Told,
}

impl<'d> Reader<'d> {
    /// Nothing read yet. `known` names the regions of lists without codes.
    pub fn new(known: &'d Districts) -> Self {
        Self { known, places: HashMap::new(), names: Vec::new(), pairs: HashMap::new(), told: Told::default() }
    }

    /// Reads a file, or every list in an archive.
    ///
    /// # Errors
    /// The file is no such list.
    pub fn read(&mut self, name: &str, mut file: impl Read + Seek) -> Result<(), Refusal> {
        let mut beginning = [0; 4];
        let length = file.read(&mut beginning).map_err(|_| Refusal::Unreadable)?;
        file.rewind().map_err(|_| Refusal::Unreadable)?;
        match &beginning[..length] {
            [] => return Err(Refusal::Empty),
            [b'P', b'K', 3 | 5, ..] => self.read_archive(file)?,
            _ => self.read_lines(BufReader::with_capacity(1 << 18, file))?,
        }
        self.told.files.push(name.to_owned());
        Ok(())
    }

    fn read_archive(&mut self, file: impl Read + Seek) -> Result<(), Refusal> {
        let mut archive = zip::ZipArchive::new(file).map_err(|_| Refusal::BadArchive)?;
        let (mut left, mut read, mut last) = (UNPACKED, 0, Refusal::NotAList);
        for at in 0..archive.len() {
            let entry = archive.by_index(at).map_err(|_| Refusal::BadArchive)?;
            if !entry.is_file() {
                continue;
            }
            let mut lines = BufReader::with_capacity(1 << 18, entry.take(left));
            match self.read_lines(&mut lines) {
                Ok(()) => read += 1,
                // Beside the lists lie instructions and parcels.
                Err(other @ (Refusal::NotAList | Refusal::Parcels | Refusal::Empty | Refusal::NoData)) => last = other,
                Err(refusal) => return Err(refusal),
            }
            left = lines.get_ref().limit();
            if left == 0 {
                return Err(Refusal::TooLarge);
            }
        }
        if read == 0 { Err(last) } else { Ok(()) }
    }

    fn read_lines(&mut self, mut lines: impl BufRead) -> Result<(), Refusal> {
        let mut line = Vec::new();
        if !next_line(&mut lines, &mut line)? {
            return Err(Refusal::Empty);
        }
        let layout = Layout::of(&line)?;
        let mut good = 0_u64;
        let before = self.told.passed_over;
        if !layout.has_head {
            good += u64::from(self.take(&layout, &line)?);
        }
        while next_line(&mut lines, &mut line)? {
            good += u64::from(self.take(&layout, &line)?);
            let bad = self.told.passed_over - before;
            if bad > 1_000 && bad > good {
                return Err(Refusal::NotAList);
            }
        }
        if good == 0 { Err(Refusal::NotAList) } else { Ok(()) }
    }

    /// Counts one line; whether it was understood.
    fn take(&mut self, layout: &Layout, line: &[u8]) -> Result<bool, Refusal> {
        let Some(row) = layout.row(&cells(line)) else {
            self.told.passed_over += u64::from(!line.is_empty());
            return Ok(false);
        };
        if row.is_removed {
            self.told.removed += 1;
            return Ok(true);
        }
        let key = [row.code, b"|", row.sido, b"|", row.sigungu].concat();
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None => self.name(key, row.code, row.sido, row.sigungu)?,
        };
        let Some(place) = place else {
            self.told.passed_over += 1;
            return Ok(true);
        };
        self.names[place as usize].seen += 1;
        *self.pairs.entry((row.zip, place)).or_default() += 1;
        self.told.addresses += 1;
        if self.pairs.len() > PAIRS { Err(Refusal::TooLarge) } else { Ok(true) }
    }

    /// A region that is named for the first time.
    fn name(&mut self, key: Vec<u8>, code: &[u8], sido: &[u8], sigungu: &[u8]) -> Result<Option<u32>, Refusal> {
        if self.places.len() >= NAMES {
            return Err(Refusal::TooLarge);
        }
        // Both at once: the last syllable of every 시/도 (시, 도) is no UTF-8 when it is CP949.
        let text = decoded(&[sido, b"|", sigungu].concat());
        let (sido, sigungu) = text.split_once('|').unwrap_or_default();
        let full = format!("{sido} {sigungu}");
        let code = std::str::from_utf8(code).ok().and_then(|code| code.get(..5)).and_then(|code| code.parse().ok());
        let known =
            || self.known.current().regions.iter().find(|region| region.level > 0 && region.full_name == full.trim());
        let place = if let Some(code) = code.or_else(|| known().map(|region| region.code)) {
            self.names.push(Name { code, sido: sido.to_owned(), sigungu: sigungu.to_owned(), seen: 0 });
            u32::try_from(self.names.len() - 1).ok()
        } else {
            self.told.unknown.push(full.trim().to_owned());
            None
        };
        self.places.insert(key, place);
        Ok(place)
    }

    /// What all files together say.
    ///
    /// # Errors
    /// They name no postal code.
    pub fn finish(mut self) -> Result<Listing, Refusal> {
        let mut of_zip: Vec<(u32, u32, i64)> =
            self.pairs.iter().map(|((zip, place), seen)| (*zip, *seen, self.names[*place as usize].code)).collect();
        // Of several regions the one with most addresses comes first, then the one with the smaller code.
        of_zip.sort_unstable_by_key(|(zip, seen, code)| (*zip, std::cmp::Reverse(*seen), *code));
        let mut runs: Vec<Run> = Vec::new();
        let mut contested = None;
        for (zip, _, code) in of_zip {
            match runs.last_mut() {
                Some(run) if run.end == zip => {
                    if run.code != code && contested.replace(zip) != Some(zip) {
                        self.told.contested += 1;
                    }
                }
                Some(run) if run.end + 1 == zip && run.code == code => run.end = zip,
                _ => runs.push(Run { start: zip, end: zip, code }),
            }
        }
        if runs.is_empty() {
            return Err(Refusal::NoData);
        }
        Ok(Listing { regions: self.regions(), runs, told: self.told })
    }

    fn regions(&self) -> Vec<Region> {
        let mut names: Vec<&Name> = self.names.iter().collect();
        // The name seen most often is the last one laid down.
        names.sort_by_key(|name| name.seen);
        let mut regions = std::collections::BTreeMap::new();
        for name in names {
            for region in with_those_around(self.known, name) {
                regions.insert(region.code, region);
            }
        }
        regions.into_values().collect()
    }
}

/// A region, its city if it is a 일반구, and its 시/도.
fn with_those_around(known: &Districts, name: &Name) -> Vec<Region> {
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

/// `경북` for 경상북도. A 시/도 that is new loses what says only that it is one.
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

/// Reads the next line without its end; false when there is none.
fn next_line(lines: &mut impl BufRead, line: &mut Vec<u8>) -> Result<bool, Refusal> {
    line.clear();
    let length = lines.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', line).map_err(|_| Refusal::Unreadable)?;
    if length as u64 > LONGEST_LINE {
        return Err(Refusal::NotAList);
    }
    while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        line.pop();
    }
    Ok(length > 0)
}

#[cfg(test)]
pub(crate) mod tests;
