//! Mutates the fixtures at random and reads them, without a coverage-guided fuzzer and on a stable compiler.
//!
//! `cargo run --example mutate -- --seconds 900 [--seed 1]`
//!
//! Parts of an .xlsx are mutated within the zip, so that most files are still workbooks. A panic ends the run and leaves
//! the file; so does a file that takes longer than 20 s, and an order number with an exponent.
#![expect(clippy::print_stdout, reason = "a program with figures")]

use std::error::Error;
use std::io::{Cursor, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Parser;
use mukkeum::channels::{FileKind, OtherSheets, Profiles, write_rejected_rows};
use mukkeum::sheets::{Limits, open};
use mukkeum::uploads::check;
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

/// Files with their content.
type Files = Vec<(PathBuf, Vec<u8>)>;

fn seeds() -> Result<Files, Box<dyn Error>> {
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
                seeds.push((path.clone(), std::fs::read(&path)?));
            }
        }
    }
    seeds.sort();
    Ok(seeds)
}

fn mutate_bytes(dice: &mut Dice, bytes: &mut Vec<u8>) {
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len());
        let end = (at + 1 + dice.below(40)).min(bytes.len());
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
fn mutate_part(dice: &mut Dice, bytes: &[u8]) -> Option<Vec<u8>> {
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
            mutate_bytes(dice, &mut content);
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
    let seeds = seeds()?;
    let mut dice = Dice(arguments.seed.max(1));
    let started = Instant::now();
    let (mut files, mut taken, mut slowest) = (0_u64, 0_u64, Duration::ZERO);
    let failure = std::env::temp_dir().join(format!("mutate-{}", arguments.seed));
    while started.elapsed() < Duration::from_secs(arguments.seconds) {
        let (path, seed) = &seeds[dice.below(seeds.len())];
        let mut mutant = mutate_part(&mut dice, seed).unwrap_or_else(|| seed.clone());
        if dice.below(4) == 0 {
            mutate_bytes(&mut dice, &mut mutant);
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
    }
    println!("{files} files, {taken} rows taken, slowest {slowest:?}, peak {} MiB", peak_mib().unwrap_or_default());
    Ok(())
}
