//! Parsing of a file's bytes into checked rows. Uses no database and runs before any transaction.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::check::{self, CheckedRow, RowCheck, StateRow, TrackingRow};
use super::model::Report;
use crate::channels::{ColumnDrift, FileError, FileKind, OtherSheets, Profile, Profiles, Table, courier_name};
use crate::orders::model::NewOrder;
use crate::sheets::{self, Limits, SheetError, Workbook, values};
use crate::storage::text_limits;
use crate::text::one_line;
use crate::time::Moment;

/// What the caller states about a file; the rest is recognised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// kind of the file
    pub kind: Option<FileKind>,
    /// code of its channel or courier
    pub channel: Option<String>,
    /// courier of a tracking list, used if the file names none
    pub courier: Option<String>,
    /// name of the file, which may have the time at which the channel made it
    pub file_name: Option<String>,
    /// numbers of the orders that get their tracking number in spite of an open cancellation
    pub despite_claim: Vec<String>,
}

/// Parses a typed courier name; none if it is blank.
///
/// # Errors
/// The name is too long, as a Korean sentence.
pub fn parse_courier(text: &str) -> Result<Option<String>, String> {
    let name = one_line(text);
    match name.chars().count() {
        0 => Ok(None),
        length if length > text_limits::COURIER => {
            Err(format!("택배사 이름은 {}자까지 입력할 수 있어요.", text_limits::COURIER))
        }
        _ => Ok(Some(courier_name(&name).to_owned())),
    }
}

/// A parsed file.
#[derive(Clone, Debug)]
pub struct ParsedFile {
    /// the recognised profile
    pub profile: Arc<Profile>,
    /// its rows
    pub rows: ParsedRows,
    /// names of the sheets that were read
    pub sheets: Vec<String>,
    /// which part of the file was read, in Korean sentences
    pub notes: Vec<String>,
    /// rows below the header that are no data
    pub ignored: usize,
    /// whether it tells which orders customers want to cancel
    pub has_claims: bool,
    /// when the channel made it, by its name
    pub made_at: Option<Moment>,
    /// numbers of the orders that get their tracking number in spite of an open cancellation
    pub despite_claim: Vec<String>,
    /// how its columns differ from those of the profile
    pub columns: Option<ColumnDrift>,
}

/// The time that a channel wrote into the name of a file: `스마트스토어_전체주문발주발송관리_20261127_0910.xlsx`.
fn made_at(name: &str) -> Option<Moment> {
    let digits = |part: &str, lengths: &[usize]| lengths.contains(&part.len()).then(|| part.to_owned());
    let parts: Vec<&str> =
        name.split(|letter: char| !letter.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    let whole = parts.iter().filter_map(|part| digits(part, &[12, 14]));
    let pairs = parts.windows(2).filter_map(|pair| Some(digits(pair[0], &[8])? + &digits(pair[1], &[4, 6])?));
    whole.chain(pairs).find_map(|text| {
        let format = if text.len() == 12 { "%Y%m%d%H%M" } else { "%Y%m%d%H%M%S" };
        chrono::NaiveDateTime::parse_from_str(&text, format).ok().map(Moment::from_kst)
    })
}

/// Checked rows by kind of file.
#[derive(Clone, Debug)]
pub enum ParsedRows {
    /// rows of an order file
    Orders(Vec<CheckedRow<NewOrder>>),
    /// rows of a tracking list
    Tracking(Vec<CheckedRow<TrackingRow>>),
    /// rows of a status file: 구매확정, 취소, 반품, 교환
    States(Vec<CheckedRow<StateRow>>),
}

impl ParsedFile {
    /// A file of these rows, all on one sheet.
    pub fn new(profile: Arc<Profile>, rows: ParsedRows) -> Self {
        Self {
            profile,
            rows,
            sheets: Vec::new(),
            notes: Vec::new(),
            ignored: 0,
            has_claims: false,
            made_at: None,
            despite_claim: Vec::new(),
            columns: None,
        }
    }

    /// Adds to a report of the rows what was read, and their sheets if there are several.
    pub fn describe(&self, report: &mut Report) {
        report.findings.notes.clone_from(&self.notes);
        report.findings.ignored = self.ignored;
        report.findings.columns.clone_from(&self.columns);
        if self.sheets.len() > 1 {
            let sheets: Vec<usize> = match &self.rows {
                ParsedRows::Orders(rows) => rows.iter().map(|row| row.sheet).collect(),
                ParsedRows::Tracking(rows) => rows.iter().map(|row| row.sheet).collect(),
                ParsedRows::States(rows) => rows.iter().map(|row| row.sheet).collect(),
            };
            for (row, sheet) in report.rows.iter_mut().zip(sheets) {
                row.sheet = self.sheets.get(sheet).cloned().unwrap_or_default();
            }
        }
    }

    /// Whether this is a tracking list in which some rows have no courier.
    pub fn lacks_courier(&self) -> bool {
        let ParsedRows::Tracking(rows) = &self.rows else { return false };
        rows.iter().any(|row| matches!(&row.outcome, RowCheck::Valid(tracking, _) if tracking.courier.is_none()))
    }

    /// Sets the courier of the rows that have none.
    pub fn set_courier(&mut self, courier: &str) {
        let ParsedRows::Tracking(rows) = &mut self.rows else { return };
        for row in rows {
            if let RowCheck::Valid(tracking, _) = &mut row.outcome
                && tracking.courier.is_none()
            {
                tracking.courier = Some(courier.to_owned());
            }
        }
    }
}

/// Parses a file.
///
/// # Errors
/// The file as a whole is rejected.
pub fn parse(
    profiles: &Profiles,
    bytes: impl Into<Arc<Vec<u8>>>,
    password: Option<&str>,
    options: &ImportOptions,
    limits: Limits,
) -> Result<ParsedFile, FileError> {
    let OpenedTables { mut workbook, tables, others } = open(profiles, bytes, password, options, limits)?;
    let profile = Arc::clone(&tables.first().ok_or(FileError::NoHeader)?.profile);
    let mut tally = RowTally::default();
    let mut rows = match profile.kind {
        FileKind::Orders => ParsedRows::Orders(collect(&mut workbook, &tables, &mut tally, check::check_orders)?),
        FileKind::Tracking => ParsedRows::Tracking(collect(&mut workbook, &tables, &mut tally, check::check_tracking)?),
        FileKind::States => ParsedRows::States(collect(&mut workbook, &tables, &mut tally, check::check_states)?),
        FileKind::Settlement => return Err(FileError::NoHeader),
    };
    let name = |table: &Table| workbook.sheets().get(table.sheet).map(|sheet| sheet.name.clone()).unwrap_or_default();
    let sheets: Vec<String> = tables.iter().map(name).collect();
    if let ParsedRows::Orders(rows) = &mut rows {
        check::combine_repeated(rows, &sheets);
    }
    let is_hidden = |table: &Table| workbook.sheets().get(table.sheet).is_some_and(|sheet| sheet.is_hidden);
    let is_sheet_hidden = tables.iter().any(is_hidden);
    tally.is_cut_off = tables.iter().any(|table| workbook.is_cut_off(table.sheet));
    let notes = notes(&tables, &sheets, is_sheet_hidden, &others, &tally);
    let has_claims = tables.iter().any(Table::has_claims);
    let made_at = options.file_name.as_deref().and_then(made_at);
    let columns = tables.first().and_then(|table| profiles.drift(&mut workbook, table));
    let (ignored, despite_claim) = (tally.ignored, options.despite_claim.clone());
    let mut file = ParsedFile { profile, rows, sheets, notes, ignored, has_claims, made_at, despite_claim, columns };
    if let Some(courier) = &options.courier {
        file.set_courier(courier);
    }
    Ok(file)
}

/// An opened file and its tables, one for each sheet that is read.
pub struct OpenedTables {
    /// the file
    pub workbook: Workbook,
    /// its tables, all of one profile, in the order of the sheets
    pub tables: Vec<Table>,
    /// the sheets that are not read
    pub others: OtherSheets,
}

/// Opens a file and finds its tables.
///
/// # Errors
/// The file as a whole is rejected.
pub fn open(
    profiles: &Profiles,
    bytes: impl Into<Arc<Vec<u8>>>,
    password: Option<&str>,
    options: &ImportOptions,
    limits: Limits,
) -> Result<OpenedTables, FileError> {
    let mut workbook = sheets::open(bytes, password, limits)?;
    let channel = options.channel.as_deref();
    let table = match options.kind {
        Some(kind) => profiles.recognise(&mut workbook, kind, channel)?,
        None if channel.is_some() => profiles.recognise(&mut workbook, FileKind::Orders, channel)?,
        None => profiles.recognise_any(&mut workbook)?,
    };
    let mut others = OtherSheets::find(&mut workbook, &table);
    let mut tables = std::mem::take(&mut others.tables);
    tables.push(table);
    tables.sort_by_key(|table| table.sheet);
    Ok(OpenedTables { workbook, tables, others })
}

/// How a rejected file differs from the most similar profile, if it can be read at all; see [`FileError::is_unknown_form`].
pub fn nearest_drift(
    profiles: &Profiles,
    bytes: impl Into<Arc<Vec<u8>>>,
    password: Option<&str>,
    options: &ImportOptions,
    limits: Limits,
) -> Option<ColumnDrift> {
    let mut workbook = sheets::open(bytes, password, limits).ok()?;
    profiles.nearest_drift(&mut workbook, options.kind, options.channel.as_deref())
}

/// What the rows have in common that is told once.
#[derive(Default)]
struct RowTally {
    ignored: usize,
    hidden: usize,
    /// a sheet ended within its rows
    is_cut_off: bool,
}

type CheckRows<T> = fn(&mut Workbook, &Table, &mut check::VisitRow<'_, T>) -> Result<(), SheetError>;

/// The checked rows of all tables, without those that are no data.
fn collect<T>(
    workbook: &mut Workbook,
    tables: &[Table],
    tally: &mut RowTally,
    check: CheckRows<T>,
) -> Result<Vec<CheckedRow<T>>, SheetError> {
    let mut rows = Vec::new();
    for (sheet, table) in tables.iter().enumerate() {
        check(workbook, table, &mut |mut row| {
            if matches!(row.outcome, RowCheck::Ignored) {
                tally.ignored += 1;
            } else {
                tally.hidden += usize::from(row.is_hidden);
                row.sheet = sheet;
                rows.push(row);
            }
            ControlFlow::Continue(())
        })?;
    }
    if workbook.is_csv() {
        mark_rounded(&mut rows);
    }
    Ok(rows)
}

/// Marks the order numbers of a CSV whose digits behind the 15th are all 0: a spreadsheet saved it, and has rounded them. One
/// number alone may end so by chance.
fn mark_rounded<T>(rows: &mut [CheckedRow<T>]) {
    let numbers: BTreeSet<&str> = rows.iter().map(|row| row.key.as_str()).filter(|key| !key.is_empty()).collect();
    if numbers.len() > 1 && numbers.iter().all(|number| values::is_rounded(number)) {
        for row in rows.iter_mut().filter(|row| !row.key.is_empty()) {
            row.is_inexact = true;
        }
    }
}

/// Tells which part of the file was read.
fn notes(
    tables: &[Table],
    sheets: &[String],
    is_sheet_hidden: bool,
    others: &OtherSheets,
    tally: &RowTally,
) -> Vec<String> {
    let mut notes = Vec::new();
    if tally.is_cut_off {
        notes.push("파일이 중간에 끊겼어요. 뒤의 행이 빠졌을 수 있으니 다시 내려받아 올려 주세요".to_owned());
    }
    if sheets.len() > 1 {
        notes.push(format!("시트 {}개를 읽었어요: {}", sheets.len(), sheets.join(", ")));
    }
    if is_sheet_hidden {
        notes.push(format!("숨긴 시트를 읽었어요: {}", sheets.join(", ")));
    }
    if !others.unread.is_empty() {
        notes.push(format!("읽지 않은 시트가 있어요: {}", others.unread.join(", ")));
    }
    if !others.hidden.is_empty() {
        notes.push(format!("숨긴 시트는 읽지 않았어요: {}", others.hidden.join(", ")));
    }
    if tally.hidden > 0 {
        notes.push(format!("숨긴 행 {}개도 들어 있어요", tally.hidden));
    }
    let mut repeated: Vec<(String, usize)> = tables.iter().flat_map(Table::repeated_headers).collect();
    repeated.dedup();
    for (header, count) in repeated {
        notes.push(format!("‘{header}’ 열이 {count}개라 행마다 값이 있는 첫 칸을 썼어요"));
    }
    if let Some(table) = tables.iter().find(|table| !table.rivals.is_empty()) {
        let (name, rivals) = (&table.profile.name, table.rivals.join(", "));
        notes.push(format!("{name} 양식으로 읽었어요. {rivals} 양식에도 맞는 파일이라, 아니라면 양식을 확인해 주세요"));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_of_a_file_is_read_from_its_name() {
        let time = |name: &str| made_at(name).map(|at| at.to_string());
        assert_eq!(
            time("스마트스토어_전체주문발주발송관리_20261127_0910 (1).xlsx").as_deref(),
            Some("2026-11-27 09:10")
        );
        assert_eq!(time("orders-20261127091055.xls").as_deref(), Some("2026-11-27 09:10"));
        assert_eq!(time("DeliveryList(2026-11-27).xlsx"), None, "a day is too coarse");
        assert_eq!(time("20261345_9999.xlsx"), None);
    }

    /// A list of 카카오톡 스토어 with these order numbers, as a CSV.
    fn csv(numbers: &[&str]) -> Vec<u8> {
        let header = "결제번호,주문상태,주문번호,채널상품번호,상품명,옵션,수량,배송방법,수령인명,수령인연락처1,배송지주소,우편번호,배송메세지,\
            발송예정일,주문일,정산기준금액,판매자상품번호,최초배송비번호,배송지/수신자정보 입력일";
        let rows = numbers.iter().map(|number| {
            format!(
                "\n5000,배송준비중,{number},77001,책상,,1,택배배송,김하나,010-0000-0001,서울특별시 중구 세종대로 1,04524,,20261201,\
                 20261127100000,50000,DESK,881,20261127100000"
            )
        });
        [header.to_owned()].into_iter().chain(rows).collect::<String>().into_bytes()
    }

    /// Whether each row of such a list counts as rounded.
    fn rounded(numbers: &[&str]) -> Vec<bool> {
        let profiles = crate::channels::tests::profiles();
        let file = parse(&profiles, csv(numbers), None, &ImportOptions::default(), Limits::default()).expect("read");
        let ParsedRows::Orders(rows) = file.rows else { panic!("orders") };
        rows.iter().map(|row| row.is_inexact).collect()
    }

    #[test]
    fn csv_whose_long_numbers_all_end_in_zero_was_rounded() {
        assert_eq!(rounded(&["2026112700000010", "2026112700000020", "2026112700000020"]), [true; 3]);
        assert_eq!(rounded(&["2026112700000010", "2026112700000021"]), [false; 2]);
        assert_eq!(rounded(&["2026112700000010"]), [false], "one in ten numbers ends so");
        assert_eq!(rounded(&["610000010", "610000020"]), [false; 2], "short numbers are exact");
    }

    #[test]
    fn file_that_was_cut_off_says_so() {
        let header =
            ["결제번호", "주문상태", "주문번호", "채널상품번호", "상품명", "옵션", "수량", "수령인명", "수령인연락처1"];
        let others = [
            "배송지주소",
            "우편번호",
            "배송메세지",
            "발송예정일",
            "주문일",
            "정산기준금액",
            "판매자상품번호",
            "최초배송비번호",
        ];
        let cell = |text: &&str| format!("<c t='inlineStr'><is><t>{text}</t></is></c>");
        let cells: String = header.iter().chain(&others).map(cell).collect();
        let notes = |end: &str| {
            let sheet = format!("<worksheet><sheetData><row>{cells}</row>{end}");
            let file = crate::sheets::tests::package(&[("xl/worksheets/sheet1.xml", &sheet)]);
            let options = ImportOptions {
                kind: Some(FileKind::Orders),
                channel: Some("KAKAO".to_owned()),
                ..ImportOptions::default()
            };
            let read = parse(&crate::channels::tests::profiles(), file, None, &options, Limits::default());
            read.expect("read").notes
        };
        assert!(notes("").iter().any(|note| note.starts_with("파일이 중간에 끊겼어요")));
        assert_eq!(notes("</sheetData></worksheet>"), Vec::<String>::new());
    }
}
