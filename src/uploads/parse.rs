//! Parsing of a file's bytes into checked rows. Uses no database and runs before any transaction.

use std::collections::{BTreeMap, BTreeSet};
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
    /// numbers of the orders without a courier that become parcels and get their tracking number
    pub as_parcel: Vec<String>,
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
    /// numbers of the orders without a courier that become parcels and get their tracking number
    pub as_parcel: Vec<String>,
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
            as_parcel: Vec::new(),
            columns: None,
        }
    }

    /// Adds to a report of the rows what was read, and the names of their sheets if there are several.
    pub fn describe(&self, report: &mut Report, sheets: &[usize]) {
        report.findings.notes.clone_from(&self.notes);
        report.findings.ignored = self.ignored;
        report.findings.columns.clone_from(&self.columns);
        if self.sheets.len() > 1 {
            for (row, sheet) in report.rows.iter_mut().zip(sheets) {
                row.sheet = self.sheets.get(*sheet).cloned().unwrap_or_default();
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
    let sheets = sheet_names(&workbook, &tables);
    if let ParsedRows::Orders(rows) = &mut rows {
        check::combine_repeated(rows, &sheets);
    }
    let notes = notes(&workbook, &tables, &others, &tally);
    let has_claims = tables.iter().any(Table::has_claims);
    let made_at = options.file_name.as_deref().and_then(made_at);
    let columns = tables.first().and_then(|table| profiles.drift(&mut workbook, table));
    let (despite_claim, as_parcel) = (options.despite_claim.clone(), options.as_parcel.clone());
    let ignored = tally.ignored;
    let mut file =
        ParsedFile { profile, rows, sheets, notes, ignored, has_claims, made_at, despite_claim, as_parcel, columns };
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
pub(super) struct RowTally {
    ignored: usize,
    hidden: usize,
}

type CheckRows<T> = fn(&mut Workbook, &Table, &mut check::VisitRow<'_, T>) -> Result<(), SheetError>;

/// The checked rows of all tables, without those that are no data.
pub(super) fn collect<T>(
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
        // Each row of an order list has an order of its own; other lists name an order more than once.
        mark_rounded(&mut rows, tables.first().is_some_and(|table| table.profile.kind == FileKind::Orders));
    }
    Ok(rows)
}

/// Marks the order numbers of a CSV that a spreadsheet has saved and rounded: all numbers in one place of the order numbers
/// have only zeros behind their 15th digit. One such zero may be there by chance; two of them, or one number for several
/// orders, are not.
fn mark_rounded<T>(rows: &mut [CheckedRow<T>], is_unique: bool) {
    let mut numbers: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
    for (place, number) in rows.iter().flat_map(|row| values::long_parts(&row.key)) {
        numbers.entry(place).or_default().insert(number);
    }
    let keys = || rows.iter().map(|row| row.key.as_str()).filter(|key| !key.is_empty());
    let is_repeated = is_unique && keys().collect::<BTreeSet<_>>().len() < keys().count();
    let zeros =
        |numbers: &BTreeSet<&str>| numbers.iter().map(|number| number.len() - values::KEPT_DIGITS).sum::<usize>();
    numbers.retain(|_, numbers| {
        numbers.iter().all(|number| values::is_rounded(number)) && (is_repeated || zeros(numbers) > 1)
    });
    let rounded: BTreeSet<usize> = numbers.into_keys().collect();
    for row in rows {
        row.is_inexact |= values::long_parts(&row.key).any(|(place, _)| rounded.contains(&place));
    }
}

fn sheet_names(workbook: &Workbook, tables: &[Table]) -> Vec<String> {
    let name = |table: &Table| workbook.sheets().get(table.sheet).map(|sheet| sheet.name.clone()).unwrap_or_default();
    tables.iter().map(name).collect()
}

/// Tells which part of the file was read.
pub(super) fn notes(workbook: &Workbook, tables: &[Table], others: &OtherSheets, tally: &RowTally) -> Vec<String> {
    let mut notes = Vec::new();
    let sheets = sheet_names(workbook, tables);
    if tables.iter().any(|table| workbook.is_cut_off(table.sheet)) {
        notes.push("파일이 중간에 끊겼어요. 뒤의 행이 빠졌을 수 있으니 다시 내려받아 올려 주세요".to_owned());
    }
    if tables.iter().any(|table| workbook.lacks_formats(table.sheet)) {
        notes.push(
            "숫자의 표시 형식을 읽지 못한 칸이 있어요. 앞의 0이 빠졌을 수 있으니 다시 내려받아 올려 주세요".to_owned(),
        );
    }
    if sheets.len() > 1 {
        notes.push(format!("시트 {}개를 읽었어요: {}", sheets.len(), sheets.join(", ")));
    }
    if tables.iter().any(|table| workbook.sheets().get(table.sheet).is_some_and(|sheet| sheet.is_hidden)) {
        notes.push(format!("숨긴 시트를 읽었어요: {}", sheets.join(", ")));
    }
    if !others.broken.is_empty() {
        notes.push(format!("읽지 못한 시트가 있어요: {}. 파일을 다시 내려받아 올려 주세요", others.broken.join(", ")));
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

    /// The headers of 카카오톡 스토어.
    const HEADER: &str = "결제번호,주문상태,주문번호,채널상품번호,상품명,옵션,수량,배송방법,수령인명,수령인연락처1,배송지주소,우편번호,배송메세지,\
         발송예정일,주문일,정산기준금액,판매자상품번호,최초배송비번호,배송지/수신자정보 입력일";

    /// A list of 카카오톡 스토어 with these order numbers, as a CSV.
    fn csv(numbers: &[&str]) -> Vec<u8> {
        let rows = numbers.iter().map(|number| {
            format!(
                "\n5000,배송준비중,{number},77001,책상,,1,택배배송,김하나,010-0000-0001,서울특별시 중구 세종대로 1,04524,,20261201,\
                 20261127100000,50000,DESK,881,20261127100000"
            )
        });
        [HEADER.to_owned()].into_iter().chain(rows).collect::<String>().into_bytes()
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
    fn csv_in_which_several_orders_have_one_rounded_number_was_rounded() {
        assert_eq!(rounded(&["2026112700000000"; 3]), [true; 3]);
        assert_eq!(rounded(&["2026112700000001"; 3]), [false; 3]);
        assert_eq!(rounded(&["20261127000000100"]), [true], "two zeros are one in a hundred");
    }

    #[test]
    fn long_part_of_a_composed_number_is_rounded_by_itself() {
        let rounded = |keys: &[&str], is_unique| {
            let mut rows: Vec<CheckedRow<()>> =
                crate::orders::testing::checked(keys.iter().map(|key| ((*key).to_owned(), ())));
            mark_rounded(&mut rows, is_unique);
            rows.iter().map(|row| row.is_inexact).collect::<Vec<_>>()
        };
        let eleven_street = ["7123-20261127012345600-30001-ab12cd", "7124-20261127012345700-30001"];
        assert_eq!(rounded(&eleven_street, true), [true; 2]);
        assert_eq!(rounded(&["2026112712345670-1", "2026112712345680-1"], true), [true; 2]);
        assert_eq!(
            rounded(&["2026112712345670-1", "2026112712345670-2"], true),
            [false; 2],
            "two lines of one purchase"
        );
        assert_eq!(rounded(&["2026112712345670-1", "2026112712345670-1"], true), [true; 2]);
        assert_eq!(rounded(&["2026112712345670", "2026112712345670"], false), [false; 2], "two parcels of one order");
        assert_eq!(rounded(&["2026112712345670-1", "2026112712345671-1"], true), [false; 2]);
    }

    /// Reads a fixture as an upload does.
    fn read(bytes: Vec<u8>) -> ParsedFile {
        let profiles = crate::channels::tests::profiles();
        parse(&profiles, bytes, None, &ImportOptions::default(), Limits::default()).expect("read")
    }

    fn outcomes(file: &ParsedFile) -> Vec<&RowCheck<NewOrder>> {
        let ParsedRows::Orders(rows) = &file.rows else { panic!("orders") };
        rows.iter().map(|row| &row.outcome).collect()
    }

    #[test]
    fn row_within_which_a_file_ends_is_rejected() {
        let html = crate::sheets::tests::fixture("cases/34-html-and-xml-xls/orders.xls");
        let biff = crate::sheets::tests::fixture("cases/07-raw-biff/php-xlsBOF.xls");
        let last_row = memchr::memmem::rfind(&html, b"<tr").expect("a row");
        for (bytes, end) in [(&html, last_row + (html.len() - last_row) / 2), (&biff, biff.len() - 40)] {
            let (whole, cut) = (read(bytes.clone()), read(bytes[..end].to_vec()));
            let is_told = |file: &ParsedFile| file.notes.iter().any(|note| note.starts_with("파일이 중간에 끊겼어요"));
            assert!(is_told(&cut) && !is_told(&whole), "{:?}", cut.notes);
            let (whole, cut) = (outcomes(&whole), outcomes(&cut));
            let (Some(RowCheck::Rejected(reasons)), before) = (cut.last(), &cut[..cut.len() - 1]) else {
                panic!("{cut:?}")
            };
            assert!(reasons.len() == 1 && reasons[0].message.contains("끊겼어요"), "{reasons:?}");
            assert_eq!(before, &whole[..before.len()]);
        }
    }

    #[test]
    fn sheet_that_cannot_be_read_is_named() {
        let header = |name: &str| format!("<c t='inlineStr'><is><t>{name}</t></is></c>");
        let header: String = HEADER.split(',').map(header).collect();
        let sheet = format!("<worksheet><sheetData><row>{header}</row></sheetData></worksheet>");
        let book = |id: &str| {
            format!(
                "<workbook xmlns:r='r'><sheets><sheet name='9시' sheetId='1' r:id='s'/><sheet name='12시' sheetId='2' \
                 r:id='{id}'/><sheet name='차트' sheetId='3' r:id='c'/></sheets></workbook>"
            )
        };
        let relations = "<Relationships><Relationship Id='s' Type='x/worksheet' Target='worksheets/sheet1.xml'/>\
            <Relationship Id='gone' Type='x/worksheet' Target='worksheets/sheet2.xml'/>\
            <Relationship Id='c' Type='x/chartsheet' Target='chartsheets/sheet1.xml'/></Relationships>";
        for id in ["gone", "unrelated"] {
            let parts = [
                ("xl/workbook.xml", &*book(id)),
                ("xl/_rels/workbook.xml.rels", relations),
                ("xl/worksheets/sheet1.xml", &sheet),
            ];
            let notes = read(crate::sheets::tests::package(&parts)).notes;
            assert!(notes.len() == 1 && notes[0].starts_with("읽지 못한 시트가 있어요: 12시"), "{id}: {notes:?}");
        }
    }

    #[test]
    fn number_without_its_format_is_told_and_not_trusted() {
        let text = |text: &str| format!("<c t='inlineStr'><is><t>{text}</t></is></c>");
        let header: String = HEADER.split(',').map(text).collect();
        let number = "<c r='C2' s='7'><v>61000001</v></c>";
        let sheet =
            format!("<worksheet><sheetData><row r='1'>{header}</row><row r='2'>{number}</row></sheetData></worksheet>");
        let file = read(crate::sheets::tests::package(&[("xl/worksheets/sheet1.xml", &sheet)]));
        assert!(file.notes.iter().any(|note| note.starts_with("숫자의 표시 형식을 읽지 못한")), "{:?}", file.notes);
        let ParsedRows::Orders(rows) = &file.rows else { panic!("orders") };
        assert!(rows[0].key == "61000001" && rows[0].is_inexact, "{rows:?}");
    }

    #[test]
    fn lines_of_separators_are_counted_as_ignored() {
        let file = read([csv(&["610000010"]), b"\n,,,,\n,,,,\n".to_vec()].concat());
        assert_eq!((outcomes(&file).len(), file.ignored), (1, 2));
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
