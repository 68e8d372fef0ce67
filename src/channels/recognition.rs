//! Recognition of a file: which sheet and header row match which profile.

use std::sync::Arc;

use super::error::FileError;
use super::profile::{CellPattern, FileKind, Profile, Profiles};
use super::suggestion::ColumnSample;
use super::table::{HeaderIndex, Table};
use super::teaching::ColumnDrift;
use crate::sheets::{Cell, Sheet, SheetPreview, Workbook, repair_mojibake, values};
use crate::text::fold_word;

/// A file is taken for an incomplete order file when at most so many required headers are missing …
const MAX_MISSING_HEADERS: usize = 2;
/// … and at least so many are present.
const MIN_FOUND_HEADERS: usize = 5;

/// A row that may be the header.
struct HeaderCandidate {
    sheet: usize,
    row: u32,
    headers: Vec<String>,
    columns: HeaderIndex,
    has_mojibake: bool,
}

/// How well a profile matches a row.
struct Fit<'p> {
    profile: &'p Profile,
    candidate: &'p HeaderCandidate,
    found: usize,
    missing: Vec<String>,
    /// the sheet has the name that the profile expects
    is_sheet_named: bool,
    /// one of the profile's markers is present
    is_marked: bool,
}

impl Profiles {
    /// Finds the table of a given kind, and of a given channel or courier if any.
    ///
    /// # Errors
    /// The channel has no profile, no header was found, or required columns are missing.
    pub fn recognise(
        &self,
        workbook: &mut Workbook,
        kind: FileKind,
        channel: Option<&str>,
    ) -> Result<Table, FileError> {
        let profiles = self.of_kind(kind, channel);
        if let (true, Some(code)) = (profiles.is_empty(), channel) {
            return Err(FileError::UnknownChannel(code.to_owned()));
        }
        find_table(workbook, &profiles, false)
    }

    fn of_kind(&self, kind: FileKind, channel: Option<&str>) -> Vec<&Profile> {
        let is_meant = |profile: &&Profile| profile.kind == kind && channel.is_none_or(|code| profile.code == code);
        self.all().iter().filter(is_meant).collect()
    }

    /// How a file that no profile matches differs from the most similar one; none if no profile is similar.
    pub fn nearest_drift(
        &self,
        workbook: &mut Workbook,
        kind: Option<FileKind>,
        channel: Option<&str>,
    ) -> Option<ColumnDrift> {
        let profiles = match kind {
            Some(kind) => self.of_kind(kind, channel),
            None => self.all().iter().filter(|profile| profile.kind != FileKind::Settlement).collect(),
        };
        let (previews, _) = workbook.previews();
        let sheets = sheet_views(workbook);
        let rows = previews.clone();
        let candidates = candidates(previews);
        let fits = profiles.iter().filter(|profile| profile.letters.is_empty());
        let fits: Vec<Fit<'_>> = fits.filter_map(|profile| best_fit(profile, &sheets, &candidates)).collect();
        let fit = nearest(&fits).filter(|fit| fit.found >= 2 || profiles.len() == 1)?;
        let columns = column_samples(&fit.candidate.headers, (fit.candidate.sheet, fit.candidate.row), &rows);
        Some(ColumnDrift::find(self, fit.profile, &columns))
    }

    /// How the columns of a recognised table differ from those of its profile.
    pub fn drift(&self, workbook: &mut Workbook, table: &Table) -> Option<ColumnDrift> {
        if table.header_row == 0 {
            return None;
        }
        let (previews, _) = workbook.previews();
        let columns = column_samples(&table.headers, (table.sheet, table.header_row), &previews);
        let drift = ColumnDrift::find(self, &table.profile, &columns);
        drift.is_teachable().then_some(drift)
    }

    /// Finds the table of any kind that is uploaded. An order file without one of its columns is reported as such, though it
    /// matches the profile of a tracking list.
    ///
    /// # Errors
    /// No header was found, or required columns are missing.
    pub fn recognise_any(&self, workbook: &mut Workbook) -> Result<Table, FileError> {
        let uploaded: Vec<&Profile> = self.all().iter().filter(|of| of.kind != FileKind::Settlement).collect();
        find_table(workbook, &uploaded, true)
    }
}

/// Finds the table of one of `profiles`; `any_kind` is true if the kind of file is not given.
fn find_table(workbook: &mut Workbook, profiles: &[&Profile], any_kind: bool) -> Result<Table, FileError> {
    let (previews, failure) = workbook.previews();
    let (headerless, profiles): (Vec<&Profile>, Vec<&Profile>) =
        profiles.iter().copied().partition(|profile| !profile.letters.is_empty());
    let headerless = headerless.iter().find_map(|profile| headerless_table(profile, &previews));
    let candidates = candidates(previews);
    let sheets = sheet_views(workbook);
    let fits: Vec<Fit<'_>> = profiles.iter().filter_map(|profile| best_fit(profile, &sheets, &candidates)).collect();
    let is_complete = |fit: &&Fit<'_>| fit.missing.is_empty() && (!any_kind || fit.is_marked || fit.is_sheet_named);
    // Among equally exact ones that of the shop.
    let rank =
        |fit: &&Fit<'_>| (fit.is_sheet_named, kind_priority(fit.profile.kind), fit.found, fit.profile.own_id.is_some());
    let complete = fits.iter().filter(is_complete).max_by_key(rank);
    if let Some(fit) = complete {
        let is_incomplete_order_file = |near: &Fit<'_>| {
            any_kind
                && !near.missing.is_empty()
                && fit.profile.kind != FileKind::Orders
                && !fit.is_sheet_named
                && near.profile.kind == FileKind::Orders
                && near.missing.len() <= MAX_MISSING_HEADERS
                && near.found >= MIN_FOUND_HEADERS
        };
        if !fits.iter().any(is_incomplete_order_file) {
            let is_rival = |other: &&Fit<'_>| {
                other.profile.kind == fit.profile.kind
                    && other.profile.code != fit.profile.code
                    && (other.profile.own_id.is_some() || fit.profile.own_id.is_some())
            };
            let rivals = fits.iter().filter(is_complete).filter(is_rival).map(|other| other.profile.name.clone());
            return Ok(Table { rivals: rivals.collect(), ..fit.table() });
        }
    }
    if let Some(failure) = failure {
        return Err(failure.into());
    }
    if let Some(table) = headerless {
        return Ok(table);
    }
    if workbook.is_csv() {
        return Err(FileError::Csv);
    }
    match nearest(&fits) {
        Some(fit) if profiles.len() == 1 || fit.found >= 2 => Err(FileError::MissingColumns {
            name: fit.profile.name.clone(),
            kind: fit.profile.kind,
            columns: fit.missing.clone(),
        }),
        _ => Err(FileError::NoHeader),
    }
}

/// The fit with the largest share of the needed headers.
fn nearest<'f, 'p>(fits: &'f [Fit<'p>]) -> Option<&'f Fit<'p>> {
    fits.iter()
        .filter(|fit| !fit.missing.is_empty() && fit.found > 0)
        .max_by_key(|fit| (fit.found * 100 / (fit.found + fit.missing.len()), fit.found, fit.profile.own_id.is_some()))
}

/// The columns below a header with their first values.
pub fn column_samples(headers: &[String], (sheet, row): (usize, u32), previews: &[SheetPreview]) -> Vec<ColumnSample> {
    let rows = previews.iter().filter(|preview| preview.sheet == sheet).flat_map(|preview| &preview.rows);
    let rows: Vec<&Vec<String>> = rows.filter(|(number, _)| *number > row).map(|(_, cells)| cells).collect();
    let values = |column: usize| rows.iter().map(|cells| cells.get(column).cloned().unwrap_or_default()).collect();
    let columns = headers.iter().enumerate();
    columns.map(|(column, header)| ColumnSample { header: header.clone(), values: values(column) }).collect()
}

/// The table of a file without header, if all previewed rows of a sheet match the profile's cell patterns.
fn headerless_table(profile: &Profile, previews: &[SheetPreview]) -> Option<Table> {
    let matches = |cells: &[String]| {
        profile.letters.iter().all(|(letter, pattern)| {
            let text = column_of(letter).and_then(|column| cells.get(column)).map_or("", String::as_str);
            let cell = Cell::Text(text.into());
            match pattern {
                CellPattern::Date => values::moment(&cell, false).is_ok(),
                CellPattern::OrderNumber => {
                    let [min, max] = profile.key_digits.unwrap_or([1, usize::MAX]);
                    values::id(&cell).is_ok_and(|id| values::check_digits(&id, min, max).is_ok())
                }
                CellPattern::TrackingNumber => values::tracking_number(&cell).is_ok(),
            }
        })
    };
    let preview = previews
        .iter()
        .find(|preview| !preview.rows.is_empty() && preview.rows.iter().all(|(_, cells)| matches(cells)))?;
    let headers: Vec<String> = ('A'..='Z').map(String::from).collect();
    Some(Table {
        profile: Arc::new(profile.clone()),
        sheet: preview.sheet,
        header_row: 0,
        columns: HeaderIndex::new(&headers),
        headers,
        has_mojibake: false,
        rivals: Vec::new(),
    })
}

/// The column of a letter, A to Z.
fn column_of(letter: &str) -> Option<usize> {
    ('A'..='Z').position(|known| letter.len() == 1 && letter.starts_with(known))
}

/// Order files are preferred: they also have the columns of the other kinds.
const fn kind_priority(kind: FileKind) -> u8 {
    match kind {
        FileKind::Orders => 2,
        FileKind::States => 1,
        FileKind::Tracking | FileKind::Settlement => 0,
    }
}

/// Every previewed row, and a second candidate with repaired headers where it has mojibake.
fn candidates(previews: Vec<SheetPreview>) -> Vec<HeaderCandidate> {
    let mut candidates = Vec::new();
    for SheetPreview { sheet, rows, .. } in previews {
        for (row, headers) in rows {
            if let Some(repaired) = repaired_headers(&headers) {
                let columns = HeaderIndex::new(&repaired);
                candidates.push(HeaderCandidate { sheet, row, headers: repaired, columns, has_mojibake: true });
            }
            let columns = HeaderIndex::new(&headers);
            candidates.push(HeaderCandidate { sheet, row, headers, columns, has_mojibake: false });
        }
    }
    candidates
}

/// The headers with mojibake repaired; none if there is none.
fn repaired_headers(headers: &[String]) -> Option<Vec<String>> {
    let repaired: Vec<Option<String>> = headers.iter().map(|header| repair_mojibake(header)).collect();
    repaired.iter().any(Option::is_some).then(|| {
        repaired.into_iter().zip(headers).map(|(repaired, header)| repaired.unwrap_or_else(|| header.clone())).collect()
    })
}

/// The name of a sheet in the form in which names are compared, and whether it is hidden.
struct SheetView {
    name: String,
    is_hidden: bool,
}

fn sheet_views(workbook: &Workbook) -> Vec<SheetView> {
    let view = |sheet: &Sheet| SheetView { name: fold_word(&sheet.name), is_hidden: sheet.is_hidden };
    workbook.sheets().iter().map(view).collect()
}

/// The other sheets of a workbook of which one has been recognised.
#[derive(Clone, Debug, Default)]
pub struct OtherSheets {
    /// visible sheets of the same form
    pub tables: Vec<Table>,
    /// names of visible sheets with content that are not of the form
    pub unread: Vec<String>,
    /// names of hidden sheets with content
    pub hidden: Vec<String>,
    /// names of visible sheets that cannot be read
    pub broken: Vec<String>,
}

impl OtherSheets {
    /// Finds the tables of the other visible sheets that have the form of `table`.
    pub fn find(workbook: &mut Workbook, table: &Table) -> Self {
        let mut others = Self::default();
        if workbook.sheets().len() < 2 {
            return others;
        }
        let (previews, _) = workbook.previews();
        let has_content = |preview: &&SheetPreview| preview.is_broken || !preview.rows.is_empty();
        let filled: Vec<(usize, bool)> =
            previews.iter().filter(has_content).map(|preview| (preview.sheet, preview.is_broken)).collect();
        let candidates = candidates(previews);
        for (index, is_broken) in filled.into_iter().filter(|(index, _)| *index != table.sheet) {
            let Some(sheet) = workbook.sheets().get(index) else { continue };
            let fits = candidates.iter().filter(|candidate| candidate.sheet == index);
            let complete =
                fits.map(|candidate| fit(&table.profile, candidate, false)).find(|fit| fit.missing.is_empty());
            match complete.filter(|_| table.header_row > 0) {
                _ if sheet.is_hidden => others.hidden.push(sheet.name.clone()),
                Some(fit) => others.tables.push(fit.table()),
                None if is_broken => others.broken.push(sheet.name.clone()),
                None => others.unread.push(sheet.name.clone()),
            }
        }
        others
    }
}

fn best_fit<'p>(profile: &'p Profile, sheets: &[SheetView], candidates: &'p [HeaderCandidate]) -> Option<Fit<'p>> {
    let expected: Vec<String> = profile.sheets.iter().map(|name| fold_word(name)).collect();
    let mut best: Option<Fit<'p>> = None;
    for candidate in candidates {
        let sheet = sheets.get(candidate.sheet);
        let is_sheet_named = sheet.is_some_and(|sheet| expected.contains(&sheet.name));
        let fit = fit(profile, candidate, is_sheet_named);
        let is_visible = |fit: &Fit<'_>| sheets.get(fit.candidate.sheet).is_some_and(|sheet| !sheet.is_hidden);
        let rank = |fit: &Fit<'_>| (fit.missing.is_empty(), is_visible(fit), fit.found, fit.is_sheet_named);
        if best.as_ref().is_none_or(|best| rank(&fit) > rank(best)) {
            best = Some(fit);
        }
    }
    best
}

fn fit<'p>(profile: &'p Profile, candidate: &'p HeaderCandidate, is_sheet_named: bool) -> Fit<'p> {
    let has = |alternatives: &str| candidate.columns.contains(alternatives);
    let (mut found, mut missing) = (0, Vec::new());
    let mut require = |is_present: bool, name: &str| {
        if is_present {
            found += 1;
        } else {
            missing.push(name.split('|').next().unwrap_or(name).to_owned());
        }
    };
    for header in profile.key.iter().filter(|header| !header.starts_with('#')).chain(&profile.detect) {
        require(has(header), header);
    }
    for headers in profile.required.iter().filter_map(|field| profile.columns.get(field)) {
        require(headers.iter().any(|header| has(header)), headers.first().map_or("", String::as_str));
    }
    if let Some(first) = profile.address.first().and_then(|pair| pair.first()) {
        require(profile.address.iter().filter_map(|pair| pair.first()).any(|header| has(header)), first);
    }
    missing.dedup();
    let is_marked = profile.markers.is_empty() || profile.markers.iter().any(|marker| has(marker));
    Fit { profile, candidate, found, missing, is_sheet_named, is_marked }
}

impl Fit<'_> {
    fn table(&self) -> Table {
        Table {
            profile: Arc::new(self.profile.clone()),
            sheet: self.candidate.sheet,
            header_row: self.candidate.row,
            headers: self.candidate.headers.clone(),
            columns: self.candidate.columns.clone(),
            has_mojibake: self.candidate.has_mojibake,
            rivals: Vec::new(),
        }
    }
}
