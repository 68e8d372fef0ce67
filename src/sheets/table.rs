//! Which sheet and row of a file fit which profile.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::cell::{Cell, Row};
use super::encoding::repair_mojibake;
use super::profile::{Field, Kind, Profile, Profiles, Shape};
use super::refusal::Refusal;
use super::values;
use super::workbook::{SheetPreview, Workbook};
use crate::text::one_line;

/// Headers that must be missing before a file is no longer taken for that of a channel.
const NEARLY: usize = 2;
/// … and headers that must be there.
const TELLING: usize = 5;

/// The part of a file that fits a profile.
#[derive(Clone, Debug)]
pub struct Table {
    /// the profile
    pub profile: Arc<Profile>,
    /// place of the sheet
    pub sheet: usize,
    /// Excel's number of the header row; 0 where there is none
    pub header_row: u32,
    /// headers as they stand in the file, from column A
    pub headers: Vec<String>,
    places: HashMap<String, usize>,
    mojibake: bool,
}

/// A row that may be a header.
struct Candidate {
    sheet: usize,
    row: u32,
    headers: Vec<String>,
    places: HashMap<String, usize>,
    mojibake: bool,
}

/// How a profile fits a row.
struct Fit<'p> {
    profile: &'p Profile,
    candidate: &'p Candidate,
    found: usize,
    missing: Vec<String>,
    named_sheet: bool,
    marked: bool,
}

impl Profiles {
    /// Finds the table of a kind, and of a channel or courier when that is known.
    ///
    /// # Errors
    /// No header at all, or columns missing.
    pub fn recognise(&self, workbook: &mut Workbook, kind: Kind, channel: Option<&str>) -> Result<Table, Refusal> {
        let wanted: Vec<&Profile> = self
            .all()
            .iter()
            .filter(|profile| profile.kind == kind && channel.is_none_or(|code| profile.code == code))
            .collect();
        if let (true, Some(code)) = (wanted.is_empty(), channel) {
            return Err(Refusal::UnknownChannel(code.to_owned()));
        }
        self.best(workbook, &wanted, false)
    }

    /// Finds the table of whatever kind. An order file that lacks a column is not taken for a list of
    /// tracking numbers, though it has those columns.
    ///
    /// # Errors
    /// No header at all, or columns missing.
    pub fn recognise_any(&self, workbook: &mut Workbook) -> Result<Table, Refusal> {
        self.best(workbook, &self.all().iter().collect::<Vec<_>>(), true)
    }

    #[expect(clippy::unused_self, reason = "belongs to the profiles")]
    fn best(&self, workbook: &mut Workbook, profiles: &[&Profile], any: bool) -> Result<Table, Refusal> {
        let (heads, failure) = workbook.previews();
        let (bare, profiles): (Vec<&Profile>, Vec<&Profile>) =
            profiles.iter().copied().partition(|profile| !profile.letters.is_empty());
        let without_header = bare.iter().find_map(|profile| without_header(profile, &heads));
        let candidates = candidates(heads);
        let names: Vec<String> = workbook.sheets().iter().map(|name| values::header(name)).collect();
        let fits: Vec<Fit<'_>> = profiles.iter().filter_map(|profile| best_fit(profile, &names, &candidates)).collect();
        let complete = fits
            .iter()
            .filter(|fit| fit.missing.is_empty() && (!any || fit.marked || fit.named_sheet))
            .max_by_key(|fit| (fit.named_sheet, order_first(fit.profile.kind), fit.found));
        let nearest = fits
            .iter()
            .filter(|fit| !fit.missing.is_empty() && fit.found > 0)
            .max_by_key(|fit| (fit.found * 100 / (fit.found + fit.missing.len()), fit.found));
        if let Some(fit) = complete {
            let order_file = |near: &Fit<'_>| {
                any && !near.missing.is_empty()
                    && fit.profile.kind != Kind::Orders
                    && !fit.named_sheet
                    && near.profile.kind == Kind::Orders
                    && near.missing.len() <= NEARLY
                    && near.found >= TELLING
            };
            if !fits.iter().any(order_file) {
                return Ok(fit.table());
            }
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
        if let Some(table) = without_header {
            return Ok(table);
        }
        if workbook.is_csv() {
            return Err(Refusal::Csv);
        }
        match nearest {
            Some(fit) if profiles.len() == 1 || fit.found >= 2 => Err(Refusal::MissingColumns {
                name: fit.profile.name.clone(),
                kind: fit.profile.kind,
                columns: fit.missing.clone(),
            }),
            _ => Err(Refusal::NoHeader),
        }
    }
}

/// The table of a file without a header, where every row at the top of a sheet is of the profile's
/// shape.
fn without_header(profile: &Profile, heads: &[SheetPreview]) -> Option<Table> {
    let fits = |cells: &[String]| {
        profile.letters.iter().all(|(letter, shape)| {
            let text = column_of(letter).and_then(|column| cells.get(column)).map_or("", String::as_str);
            let cell = Cell::Text(text.into());
            match shape {
                Shape::Date => values::moment(&cell, false).is_ok(),
                Shape::OrderNumber => {
                    let [least, most] = profile.key_digits.unwrap_or([1, usize::MAX]);
                    values::id(&cell).is_ok_and(|id| values::digits(&id, least, most).is_ok())
                }
                Shape::TrackingNumber => values::tracking_number(&cell).is_ok(),
            }
        })
    };
    let head = heads.iter().find(|head| !head.rows.is_empty() && head.rows.iter().all(|(_, cells)| fits(cells)))?;
    let headers: Vec<String> = ('A'..='Z').map(String::from).collect();
    Some(Table {
        profile: Arc::new(profile.clone()),
        sheet: head.sheet,
        header_row: 0,
        places: places(&headers),
        headers,
        mojibake: false,
    })
}

/// The place of a column, A to Z.
fn column_of(letter: &str) -> Option<usize> {
    ('A'..='Z').position(|known| letter.len() == 1 && letter.starts_with(known))
}

const fn order_first(kind: Kind) -> u8 {
    match kind {
        Kind::Orders => 2,
        Kind::States => 1,
        Kind::Tracking => 0,
    }
}

fn candidates(heads: Vec<SheetPreview>) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for SheetPreview { sheet, rows } in heads {
        for (row, headers) in rows {
            if let Some(mended) = mended_headers(&headers) {
                let places = places(&mended);
                candidates.push(Candidate { sheet, row, headers: mended, places, mojibake: true });
            }
            candidates.push(Candidate { sheet, row, places: places(&headers), headers, mojibake: false });
        }
    }
    candidates
}

/// The headers without mojibake, when there is any.
fn mended_headers(headers: &[String]) -> Option<Vec<String>> {
    let mended: Vec<Option<String>> = headers.iter().map(|header| repair_mojibake(header)).collect();
    mended.iter().any(Option::is_some).then(|| {
        mended.into_iter().zip(headers).map(|(mended, header)| mended.unwrap_or_else(|| header.clone())).collect()
    })
}

fn best_fit<'p>(profile: &'p Profile, names: &[String], candidates: &'p [Candidate]) -> Option<Fit<'p>> {
    let telling: Vec<String> = profile.sheets.iter().map(|name| values::header(name)).collect();
    let mut best: Option<Fit<'p>> = None;
    for candidate in candidates {
        let named_sheet = names.get(candidate.sheet).is_some_and(|name| telling.contains(name));
        let fit = fit(profile, candidate, named_sheet);
        let rank = |fit: &Fit<'_>| (fit.missing.is_empty(), fit.found, fit.named_sheet);
        if best.as_ref().is_none_or(|best| rank(&fit) > rank(best)) {
            best = Some(fit);
        }
    }
    best
}

fn fit<'p>(profile: &'p Profile, candidate: &'p Candidate, named_sheet: bool) -> Fit<'p> {
    let has = |alternatives: &str| find(&candidate.places, alternatives).is_some();
    let (mut found, mut missing) = (0, Vec::new());
    let mut need = |there: bool, name: &str| {
        if there {
            found += 1;
        } else {
            missing.push(name.split('|').next().unwrap_or(name).to_owned());
        }
    };
    for header in profile.key.iter().filter(|header| !header.starts_with('#')).chain(&profile.detect) {
        need(has(header), header);
    }
    for headers in profile.required.iter().filter_map(|field| profile.columns.get(field)) {
        need(headers.iter().any(|header| has(header)), headers.first().map_or("", String::as_str));
    }
    if let Some(first) = profile.address.first().and_then(|pair| pair.first()) {
        need(profile.address.iter().filter_map(|pair| pair.first()).any(|header| has(header)), first);
    }
    missing.dedup();
    let marked = profile.markers.is_empty() || profile.markers.iter().any(|marker| has(marker));
    Fit { profile, candidate, found, missing, named_sheet, marked }
}

/// The column of `A|B`: A, or else B.
fn find(places: &HashMap<String, usize>, alternatives: &str) -> Option<usize> {
    alternatives.split('|').find_map(|header| places.get(&values::header(header)).copied())
}

fn places(headers: &[String]) -> HashMap<String, usize> {
    let mut places = HashMap::new();
    for (column, header) in headers.iter().enumerate() {
        let header = values::header(header);
        if !header.is_empty() {
            places.entry(header).or_insert(column);
        }
    }
    places
}

impl Fit<'_> {
    fn table(&self) -> Table {
        Table {
            profile: Arc::new(self.profile.clone()),
            sheet: self.candidate.sheet,
            header_row: self.candidate.row,
            places: self.candidate.places.clone(),
            headers: self.candidate.headers.clone(),
            mojibake: self.candidate.mojibake,
        }
    }
}

impl Table {
    /// The column of a header (`A|B`: A, or else B).
    pub fn column(&self, header: &str) -> Option<usize> {
        find(&self.places, header)
    }

    /// The columns of a field, in the order of the profile.
    pub fn columns(&self, field: Field) -> Vec<usize> {
        let headers = self.profile.columns.get(&field).map(Vec::as_slice).unwrap_or_default();
        headers.iter().filter_map(|header| self.column(header)).collect()
    }

    /// The header of a column, on one line.
    pub fn header(&self, column: usize) -> String {
        self.headers.get(column).map(|header| one_line(header)).unwrap_or_default()
    }

    /// Hands out the rows below the header; a helper row directly below it is left out.
    ///
    /// # Errors
    /// Damaged, or more than the limits allow; rows may have been handed out before.
    pub fn rows(
        &self,
        workbook: &mut Workbook,
        visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    ) -> Result<(), Refusal> {
        let mut first = true;
        workbook.rows(self.sheet, &mut |row| {
            if row.number <= self.header_row {
                return ControlFlow::Continue(());
            }
            if std::mem::take(&mut first) && self.is_helper(row) {
                return ControlFlow::Continue(());
            }
            if self.mojibake { visit(&mended(row)) } else { visit(row) }
        })
    }

    fn is_helper(&self, row: &Row<'_>) -> bool {
        let words = &self.profile.helper_words;
        !words.is_empty() && row.cells.iter().any(|cell| words.contains(&values::line(cell)))
    }
}

fn mended<'a>(row: &Row<'a>) -> Row<'a> {
    let mend = |cell: &Cell<'a>| match cell {
        Cell::Text(text) => Cell::Text(repair_mojibake(text).map_or_else(|| text.clone(), Into::into)),
        cell => cell.clone(),
    };
    Row { number: row.number, cells: row.cells.iter().map(mend).collect(), date1904: row.date1904 }
}
