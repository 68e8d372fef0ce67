//! Mutates the fixtures at random and reads them, without a coverage-guided fuzzer and on a stable compiler.
//!
//! `cargo run --example mutate -- --seconds 900 [--seed 1]`
//!
//! Parts of an .xlsx are mutated within the zip, so that most files are still workbooks. A panic ends the run and leaves
//! the file; so does a file that takes longer than 20 s, and an order number with an exponent.
//!
//! Some files are written here, with order numbers that are known. Mutations leave the numbers alone and break everything
//! around them; a row must then have one of these numbers, or be rejected or count as inexact.
#![expect(clippy::print_stdout, reason = "a program with figures")]

use std::collections::BTreeSet;
use std::error::Error;
use std::io::{Cursor, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Parser;
use mukkeum::channels::{FileKind, OtherSheets, Profiles, write_rejected_rows};
use mukkeum::sheets::{Limits, open};
use mukkeum::uploads::check::{self, CheckedRow, RowCheck};
use mukkeum::uploads::parse::{ImportOptions, ParsedRows, parse};
use rust_xlsxwriter::{Format, Workbook, XlsxError};
use zip::write::SimpleFileOptions;

const LIMITS: Limits = Limits { bytes: 4 << 20, xls_bytes: 4 << 20, rows: 2_000, columns: 300, cells: 100_000 };
const MAX_TIME: Duration = Duration::from_secs(20);
/// Pieces of markup and text that break readers.
const PIECES: &[&str] = &[
    "<c t=\"s\"><v>999999999</v></c>",
    "<c t=\"n\"><v>1E999</v></c>",
    "<c r=\"XFD1048576\"><v>1</v></c>",
    "<row r=\"4294967296\" hidden=\"1\">",
    "<mergeCell ref=\"A1:XFD1048576\"/>",
    "&#0;",
    "&#x110000;",
    "_x0000_",
    "_xD800_",
    "<!--",
    "<![CDATA[",
    "\"",
    "=\"",
    "\u{1112}\u{1161}\u{11AB}",
    "2.02611E+15",
    "<td rowspan=999999999>",
    "<Cell ss:Index=\"999999999\">",
    "<numFmt numFmtId=\"14\" formatCode=\"[h]:mm:ss.000;;;@[&gt;=1]\"/>",
    "\r\n",
    ",",
];

#[derive(Parser)]
struct Arguments {
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// xorshift64*: any sequence will do, as long as it is the same on the next run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 16).unwrap_or(0) % end.max(1)
    }
}

/// A file to mutate.
struct Seed {
    path: PathBuf,
    bytes: Vec<u8>,
    /// its order numbers; empty if they are not known
    keys: BTreeSet<String>,
    /// what the numbers are made of in the file: with another digit they would be other numbers
    kept: Vec<Vec<u8>>,
}

fn fixtures() -> Result<Vec<Seed>, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut folders = vec![root];
    let mut seeds = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            // Keys of encrypted files take a tenth of a second each.
            let is_slow = ["encrypted", "readonly", "README"].iter().any(|word| name.contains(word));
            if path.is_dir() {
                folders.push(path);
            } else if !is_slow {
                let bytes = std::fs::read(&path)?;
                seeds.push(Seed { path, bytes, keys: BTreeSet::new(), kept: Vec::new() });
            }
        }
    }
    seeds.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(seeds)
}

/// Headers of 스마트스토어, and the cells behind the order number: none of them could be one.
const HEADERS: [&str; 9] =
    ["상품주문번호", "발송기한", "수취인명", "수취인연락처1", "기본배송지", "상품명", "수량", "주문일시", "배송방법"];
const CELLS: [&str; 8] = [
    "2026-12-01",
    "김하나",
    "010-0000-0001",
    "서울특별시 중구 세종대로 1",
    "예시 책상",
    "1",
    "2026-11-27 10:00:00",
    "직접전달",
];
/// The format that gives a number its zeros.
const ZEROS: &str = "0000000000000000";

/// Order lists with known numbers: workbooks with texts and with formatted numbers, CSV, HTML and SpreadsheetML.
fn generated() -> Result<Vec<Seed>, Box<dyn Error>> {
    let texts: Vec<String> = (0..12_u64).map(|at| (2_026_112_700_000_001 + at * 13).to_string()).collect();
    let numbers: Vec<u32> = (0..12).map(|at| 1_234_567_891 + at * 17).collect();
    let seed = |name: &str, bytes: Vec<u8>, keys: &[String], kept: Vec<String>| Seed {
        path: name.into(),
        bytes,
        keys: keys.iter().cloned().collect(),
        kept: kept.into_iter().map(String::into_bytes).collect(),
    };
    let rows = |open: &str, join: &str, close: &str| {
        let row = |cells: Vec<&str>| format!("{open}{}{close}", cells.join(join));
        let orders = texts.iter().map(|key| row([key.as_str()].into_iter().chain(CELLS).collect()));
        [row(HEADERS.to_vec())].into_iter().chain(orders).collect::<String>()
    };
    let html = format!("<html><body><table>{}</table></body></html>", rows("<tr><td>", "</td><td>", "</td></tr>"));
    let xml = format!(
        "<?xml version=\"1.0\"?><Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\" \
         xmlns:ss=\"urn:schemas-microsoft-com:office:spreadsheet\"><Worksheet ss:Name=\"주문\"><Table>{}</Table></Worksheet>\
         </Workbook>",
        rows(
            "<Row><Cell><Data ss:Type=\"String\">",
            "</Data></Cell><Cell><Data ss:Type=\"String\">",
            "</Data></Cell></Row>"
        )
    );
    let cell = |(row, number): (usize, &u32)| format!("<c r=\"A{row}\" s=\"1\"><v>{number}</v></c>");
    let formats = ["numFmtId=\"0\"", "numFmtId=\"164\""].map(str::to_owned);
    let format = format!("formatCode=\"{ZEROS}\"");
    let of_numbers = (2..).zip(&numbers).map(cell).chain(formats).chain([format]).collect();
    let padded: Vec<String> = numbers.iter().map(|number| format!("{number:016}")).collect();
    Ok(vec![
        seed("generated.csv", rows("", ",", "\r\n").into_bytes(), &texts, texts.clone()),
        seed("generated.html.xls", html.into_bytes(), &texts, texts.clone()),
        seed("generated.xml.xls", xml.into_bytes(), &texts, texts.clone()),
        seed("generated.xlsx", workbook(&texts, &[])?, &texts, texts.clone()),
        seed("generated-numbers.xlsx", workbook(&[], &numbers)?, &padded, of_numbers),
    ])
}

/// A workbook whose order numbers are texts, or numbers in the format [`ZEROS`].
fn workbook(texts: &[String], numbers: &[u32]) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let format = Format::new().set_num_format(ZEROS);
    let sheet = workbook.add_worksheet();
    sheet.set_name("발주발송관리")?.write_row(0, 0, HEADERS)?;
    for (row, text) in (1..).zip(texts) {
        sheet.write_string(row, 0, text)?.write_row(row, 1, CELLS)?;
    }
    for (row, number) in (1..).zip(numbers) {
        sheet.write_number_with_format(row, 0, *number, &format)?.write_row(row, 1, CELLS)?;
    }
    workbook.save_to_buffer()
}

/// Whether a range has, or borders on, one of the values that are kept.
fn touches(bytes: &[u8], kept: &[Vec<u8>], at: usize, end: usize) -> bool {
    let found = |value: &Vec<u8>| {
        memchr::memmem::find_iter(bytes, value).any(|start| at <= start + value.len() && end >= start)
    };
    kept.iter().any(found)
}

fn mutate_bytes(dice: &mut Dice, bytes: &mut Vec<u8>, kept: &[Vec<u8>]) {
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len());
        let end = (at + 1 + dice.below(40)).min(bytes.len());
        if touches(bytes, kept, at, end) {
            continue;
        }
        match dice.below(6) {
            0 if !bytes.is_empty() => bytes[at] = dice.next().to_le_bytes()[0],
            1 if !bytes.is_empty() => bytes[at] ^= 1 << dice.below(8),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            4 => bytes.truncate(at.max(bytes.len() / 2)),
            _ => drop(bytes.splice(at..at, PIECES[dice.below(PIECES.len())].bytes())),
        }
    }
}

/// The zip with one of its parts mutated; none if it is no zip.
fn mutate_part(dice: &mut Dice, bytes: &[u8], kept: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).ok()?;
    let chosen = dice.below(archive.len());
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).ok()?;
        let name = part.name().ok()?.to_string();
        let mut content = Vec::new();
        part.read_to_end(&mut content).ok()?;
        // The sheets are mutated most of the time.
        if index == chosen || (name.contains("sheet1") && dice.below(3) > 0) {
            mutate_bytes(dice, &mut content, kept);
        }
        writer.start_file(name, stored).ok()?;
        writer.write_all(&content).ok()?;
    }
    writer.finish().ok().map(Cursor::into_inner)
}

/// Reads a file as an upload does; the order numbers of its valid rows.
fn read(profiles: &Profiles, bytes: Vec<u8>) -> Vec<String> {
    let mut keys = Vec::new();
    let Ok(mut workbook) = open(bytes, Some("1234"), LIMITS) else { return keys };
    let Ok(table) = profiles.recognise_any(&mut workbook) else { return keys };
    let others = OtherSheets::find(&mut workbook, &table);
    let mut rows = Vec::new();
    for table in others.tables.iter().chain([&table]) {
        let mut seen = |row: u32, key: String, is_valid: bool| {
            rows.push((row, "사유".to_owned()));
            keys.extend(is_valid.then_some(key));
            ControlFlow::Continue(())
        };
        let _ = match table.profile.kind {
            FileKind::Orders => check::check_orders(&mut workbook, table, &mut |row| {
                seen(row.row, row.key.clone(), matches!(row.outcome, check::RowCheck::Valid(..)))
            }),
            FileKind::Tracking => check::check_tracking(&mut workbook, table, &mut |row| {
                seen(row.row, row.key.clone(), matches!(row.outcome, check::RowCheck::Valid(..)))
            }),
            FileKind::States => check::check_states(&mut workbook, table, &mut |row| {
                seen(row.row, row.key.clone(), matches!(row.outcome, check::RowCheck::Valid(..)))
            }),
            FileKind::Settlement => check::check_listed(&mut workbook, table, &mut |row| {
                seen(row.row, row.key.clone(), matches!(row.outcome, check::RowCheck::Valid(..)))
            }),
        };
    }
    rows.truncate(20);
    let _ = write_rejected_rows(&mut workbook, &[(&table, rows)]);
    keys
}

/// An order number that counts as exact and is none of the known ones.
fn foreign_key(profiles: &Profiles, bytes: Vec<u8>, known: &BTreeSet<String>) -> Option<String> {
    fn find<T>(rows: &[CheckedRow<T>], known: &BTreeSet<String>) -> Option<String> {
        let is_foreign = |row: &&CheckedRow<T>| {
            matches!(row.outcome, RowCheck::Valid(..)) && !row.is_inexact && !known.contains(&row.key)
        };
        rows.iter().find(is_foreign).map(|row| row.key.clone())
    }
    let file = parse(profiles, bytes, None, &ImportOptions::default(), LIMITS).ok()?;
    match &file.rows {
        ParsedRows::Orders(rows) => find(rows, known),
        ParsedRows::Tracking(rows) => find(rows, known),
        ParsedRows::States(rows) => find(rows, known),
    }
}

/// Whether a file gives all its known order numbers.
fn is_read(profiles: &Profiles, seed: &Seed) -> bool {
    let keys: BTreeSet<String> = read(profiles, seed.bytes.clone()).into_iter().collect();
    keys == seed.keys && foreign_key(profiles, seed.bytes.clone(), &BTreeSet::new()).is_some()
}

fn is_exponent(key: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let power = |text: &str| text.strip_prefix(['+', '-']).is_some_and(digits);
    key.split_once(['E', 'e']).is_some_and(|(mantissa, rest)| digits(mantissa) && power(rest))
}

fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? / 1024)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let profiles = Profiles::shipped()?;
    let (fixtures, generated) = (fixtures()?, generated()?);
    if let Some(seed) = generated.iter().find(|seed| !is_read(&profiles, seed)) {
        return Err(format!("{} is not read as it was written", seed.path.display()).into());
    }
    let mut dice = Dice(arguments.seed.max(1));
    let started = Instant::now();
    let (mut files, mut taken, mut slowest) = (0_u64, 0_u64, Duration::ZERO);
    let failure = std::env::temp_dir().join(format!("mutate-{}", arguments.seed));
    while started.elapsed() < Duration::from_secs(arguments.seconds) {
        let seeds = if dice.below(3) == 0 { &generated } else { &fixtures };
        let Seed { path, bytes, keys: known, kept } = &seeds[dice.below(seeds.len())];
        let part = mutate_part(&mut dice, bytes, kept);
        let is_zip = part.is_some();
        let mut mutant = part.unwrap_or_else(|| bytes.clone());
        if dice.below(4) == 0 || !is_zip {
            // Within a zip the checksums keep the values.
            mutate_bytes(&mut dice, &mut mutant, if is_zip { &[] } else { kept });
        }
        let begun = Instant::now();
        let copy = mutant.clone();
        let keys = std::panic::catch_unwind(|| read(&profiles, mutant)).map_err(|_| {
            let _ = std::fs::write(&failure, &copy);
            format!("{} panics; see {}", path.display(), failure.display())
        })?;
        slowest = slowest.max(begun.elapsed());
        if slowest > MAX_TIME {
            std::fs::write(&failure, &copy)?;
            return Err(format!("{} takes {slowest:?}; see {}", path.display(), failure.display()).into());
        }
        files += 1;
        taken += keys.len() as u64;
        if let Some(wrong) = keys.iter().find(|key| is_exponent(key)) {
            std::fs::write(&failure, &copy)?;
            return Err(format!("{} gives the key {wrong}; see {}", path.display(), failure.display()).into());
        }
        if !known.is_empty()
            && let Some(foreign) = foreign_key(&profiles, copy.clone(), known)
        {
            std::fs::write(&failure, &copy)?;
            return Err(format!("{} gives the foreign key {foreign}; see {}", path.display(), failure.display()).into());
        }
    }
    println!("{files} files, {taken} rows taken, slowest {slowest:?}, peak {} MiB", peak_mib().unwrap_or_default());
    Ok(())
}
