//! Mapping of a file that no profile matches: which column has which field.
//!
//! The kind of the file decides which fields there are: those of an order ([`crate::orders::fields::FIELDS`]), a tracking
//! number, or a state with its moment. A mapping becomes a [`Profile`] of the shop, which recognises the next file by its
//! headers.

use std::collections::BTreeMap;
use std::sync::Arc;

pub use self::fields::{MAPPED_KINDS, MappedField, mapped_fields, mapped_kind, word_effects};
use super::pipeline::spawn_blocking;
use super::{UploadError, Uploads, store};
use crate::channels::{
    ColumnRole, ColumnSample, Field, FileError, FileKind, MAX_NAME_CHARS, Profile, Profiles, check_header,
    column_samples, suggest_roles,
};
use crate::id::UploadId;
use crate::sheets::{self, SheetPreview};
use crate::text::{fold_word, one_line};

mod fields;

/// Rows below the header that the page shows.
const SAMPLE_ROWS: usize = 3;
/// Longest header in characters; longer cells are text, not headers.
const MAX_HEADER_CHARS: usize = 40;
/// Different words of a column that are compared with the words of states.
const MAX_WORDS: usize = 30;
/// Needed fields of an order from which on a file is taken for a list of orders.
const ORDER_FIELDS: usize = 4;

/// What a member stated about the columns of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnMapping {
    /// kind of the file
    pub kind: FileKind,
    /// name of the channel, or of the list of a courier; that of a known channel for a list of states
    pub name: String,
    /// courier of all rows of a tracking list; empty: its column, or what is chosen at each upload
    pub courier: String,
    /// whether a list of states has every open cancellation of its channel
    pub has_all_claims: bool,
    /// header and code of the field of each column that has one
    pub columns: Vec<(String, String)>,
    /// words of the state column, separated by commas, by the code of their effect
    pub words: BTreeMap<String, String>,
}

/// A wrong or missing statement of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MappingProblem {
    /// about the name
    Name(String),
    /// about a column, by its header
    Column(String, String),
    /// about the mapping as a whole
    Missing(String),
}

impl ColumnMapping {
    /// The profile of the shop with the code `code`. `shipped` has the words that all channels use.
    ///
    /// # Errors
    /// All problems of the mapping.
    pub fn profile(&self, code: &str, shipped: &Profiles) -> Result<Profile, Vec<MappingProblem>> {
        let fields = mapped_fields(self.kind);
        let name = one_line(&self.name);
        let mut problems = Vec::new();
        if name.is_empty() {
            let message = match self.kind {
                FileKind::States => "어느 판매채널의 목록인지 선택해 주세요.",
                FileKind::Tracking => "이 목록의 이름을 입력해 주세요.",
                _ => "판매채널이나 거래처 이름을 입력해 주세요.",
            };
            problems.push(MappingProblem::Name(message.to_owned()));
        } else if name.chars().count() > MAX_NAME_CHARS {
            problems.push(MappingProblem::Name(format!("이름은 {MAX_NAME_CHARS}자까지 입력할 수 있어요.")));
        }
        let mut headers: BTreeMap<ColumnRole, String> = BTreeMap::new();
        for (header, code) in &self.columns {
            let Some(field) = fields.iter().find(|field| field.code == *code) else { continue };
            if let Err(problem) = check_header(header) {
                problems.push(MappingProblem::Column(header.clone(), problem.to_string()));
                continue;
            }
            if let Some(other) = headers.get(&field.role) {
                let message =
                    format!("‘{}’ 항목은 ‘{other}’ 열에 이미 선택했어요. 한 열만 선택해 주세요.", field.label);
                problems.push(MappingProblem::Column(header.clone(), message));
                continue;
            }
            headers.insert(field.role, header.clone());
        }
        let missing: Vec<&str> = fields
            .iter()
            .filter(|field| field.is_needed && !headers.contains_key(&field.role))
            .map(|field| field.label)
            .collect();
        if !missing.is_empty() {
            let message = format!("꼭 필요한 항목의 열이 없어요: {}. 어느 열인지 선택해 주세요.", missing.join(", "));
            problems.push(MappingProblem::Missing(message));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(self.profile_of(code, name, headers, shipped))
    }

    /// The profile of a mapping that has all that it needs.
    fn profile_of(
        &self,
        code: &str,
        name: String,
        mut headers: BTreeMap<ColumnRole, String>,
        shipped: &Profiles,
    ) -> Profile {
        let base = shipped.find(self.kind, "SMART_STORE");
        let needed = mapped_fields(self.kind).into_iter().filter(|field| field.is_needed);
        let required = needed.filter_map(|field| match field.role {
            ColumnRole::Field(field) => Some(field),
            _ => None,
        });
        let mut profile = Profile {
            kind: self.kind,
            code: code.to_owned(),
            name,
            required: required.collect(),
            values: base.map(|base| base.values.clone()).unwrap_or_default(),
            changes: base.map(|base| base.changes.clone()).unwrap_or_default(),
            ..Profile::empty()
        };
        let moments: Vec<String> = headers.remove(&ColumnRole::Moment).into_iter().collect();
        profile.changes.iter_mut().for_each(|rule| rule.moments.clone_from(&moments));
        if self.kind == FileKind::States {
            // A courier's list may have a state beside the order number too.
            profile.detect = moments;
        }
        profile.key.extend(headers.remove(&ColumnRole::OrderNumber));
        let address: Vec<String> =
            [ColumnRole::Address, ColumnRole::AddressDetail].iter().filter_map(|role| headers.remove(role)).collect();
        if !address.is_empty() {
            profile.address.push(address);
        }
        let claims = match self.kind {
            FileKind::Orders => Some(Field::Claim),
            FileKind::States if self.has_all_claims => Some(Field::Status),
            _ => None,
        };
        profile.claim_headers.extend(claims.and_then(|field| headers.get(&ColumnRole::Field(field))).cloned());
        if self.kind == FileKind::Tracking {
            profile.courier = Some(one_line(&self.courier)).filter(|courier| !courier.is_empty());
        }
        for (role, header) in headers {
            if let ColumnRole::Field(field) = role {
                profile.columns.insert(field, vec![header]);
            }
        }
        for (effect, code, _) in word_effects(self.kind) {
            let words = self.words.get(*code).map_or("", String::as_str);
            let words: Vec<String> = words.split(',').map(fold_word).filter(|word| !word.is_empty()).collect();
            for rule in &mut profile.changes {
                rule.words.retain(|word| !words.contains(word));
                if rule.change == *effect {
                    rule.words.extend(words.iter().cloned());
                }
            }
        }
        profile
    }
}

/// The columns of a file below a row that may be its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSample {
    /// kind of the file: the chosen one, or what its columns suggest
    pub kind: FileKind,
    /// names of its sheets
    pub sheets: Vec<String>,
    /// index of the shown sheet
    pub sheet: usize,
    /// numbers and beginnings of the rows that may be the header
    pub rows: Vec<(u32, String)>,
    /// number of the row that is taken for the header
    pub header_row: u32,
    /// columns with a header, their first values, and the code of the field that they probably have
    pub columns: Vec<(ColumnSample, Option<String>)>,
    /// the different values of each column, some of them
    pub words: BTreeMap<String, Vec<String>>,
}

/// The fields that the columns probably have, and how many of the needed ones are among them.
fn suggested_fields(
    profiles: &Profiles,
    kind: FileKind,
    columns: &[ColumnSample],
) -> (Vec<Option<String>>, usize, usize) {
    let fields = mapped_fields(kind);
    let roles: Vec<(ColumnRole, &str)> = fields.iter().map(|field| (field.role, field.label)).collect();
    let meanings = suggest_roles(profiles, &roles, columns);
    let needed = fields.iter().filter(|field| field.is_needed);
    let (mut found, mut all) = (0, 0);
    for field in needed {
        all += 1;
        found += usize::from(meanings.contains(&Some(field.role)));
    }
    let code = |role| fields.iter().find(|field| field.role == role).map(|field| field.code.clone());
    (meanings.into_iter().map(|role| role.and_then(code)).collect(), found, all)
}

/// The kind of file that the columns suggest; a list of orders where they suggest several.
fn suggested_kind(profiles: &Profiles, columns: &[ColumnSample]) -> FileKind {
    let mut best = (FileKind::Orders, 0);
    for kind in MAPPED_KINDS {
        let (_, found, all) = suggested_fields(profiles, kind, columns);
        if kind == FileKind::Orders && found >= ORDER_FIELDS {
            return kind;
        }
        let share = found * 100 / all.max(1);
        if share > best.1 {
            best = (kind, share);
        }
    }
    best.0
}

/// The row that probably is the header: the one with the most short texts.
fn header_row(rows: &[(u32, Vec<String>)]) -> Option<u32> {
    let is_header = |cell: &&String| {
        let length = cell.trim().chars().count();
        length > 0 && length <= MAX_HEADER_CHARS && !cell.bytes().any(|byte| byte.is_ascii_digit() && length > 6)
    };
    let score = |cells: &[String]| cells.iter().filter(is_header).count();
    let mut best: Option<(usize, u32)> = None;
    for (number, cells) in rows {
        let score = score(cells);
        if best.is_none_or(|(most, _)| score > most) {
            best = Some((score, *number));
        }
    }
    best.map(|(_, number)| number)
}

/// What a member chose to be shown; what is not chosen is guessed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SampleChoice {
    /// kind of the file
    pub kind: Option<FileKind>,
    /// index of the sheet
    pub sheet: Option<usize>,
    /// number of the header row
    pub row: Option<u32>,
}

/// The columns of one sheet.
fn sample(
    profiles: &Profiles,
    previews: &[SheetPreview],
    SampleChoice { kind, sheet, row }: SampleChoice,
) -> Option<FileSample> {
    let preview = match sheet {
        Some(sheet) => previews.iter().find(|preview| preview.sheet == sheet),
        None => previews.iter().max_by_key(|preview| (preview.rows.len(), std::cmp::Reverse(preview.sheet))),
    }?;
    let is_known = |row: &u32| preview.rows.iter().any(|(number, _)| number == row);
    let header_row = row.filter(is_known).or_else(|| header_row(&preview.rows))?;
    let headers = &preview.rows.iter().find(|(number, _)| *number == header_row)?.1;
    let mut columns = column_samples(headers, (preview.sheet, header_row), previews);
    let mut seen: Vec<String> = Vec::new();
    columns.retain(|column| {
        let header = fold_word(&column.header);
        let is_new = !header.is_empty() && !seen.contains(&header);
        seen.push(header);
        is_new
    });
    let kind = kind.unwrap_or_else(|| suggested_kind(profiles, &columns));
    let (codes, _, _) = suggested_fields(profiles, kind, &columns);
    let mut words: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for column in &mut columns {
        let known = words.entry(one_line(&column.header)).or_default();
        for value in column.values.iter().map(|value| one_line(value)).filter(|value| !value.is_empty()) {
            if known.len() < MAX_WORDS && !known.contains(&value) {
                known.push(value);
            }
        }
        column.header = one_line(&column.header);
        column.values.retain(|value| !value.trim().is_empty());
        column.values.truncate(SAMPLE_ROWS);
    }
    let beginning = |cells: &[String]| {
        let filled: Vec<String> = cells.iter().map(|cell| one_line(cell)).filter(|cell| !cell.is_empty()).collect();
        filled.join(" · ").chars().take(MAX_HEADER_CHARS).collect::<String>()
    };
    Some(FileSample {
        kind,
        words,
        sheets: Vec::new(),
        sheet: preview.sheet,
        rows: preview.rows.iter().map(|(number, cells)| (*number, beginning(cells))).collect(),
        header_row,
        columns: columns.into_iter().zip(codes).collect(),
    })
}

impl Uploads {
    /// The columns of the kept file of an upload; none if its sheet is empty.
    ///
    /// # Errors
    /// The upload's original was deleted, or cannot be read.
    pub async fn sample(&self, id: UploadId, choice: SampleChoice) -> Result<Option<FileSample>, UploadError> {
        let original =
            self.storage.read(move |tx| store::load_file(tx, id)?.ok_or(UploadError::OriginalDeleted)).await?;
        let password = original.sealed_password.as_ref().and_then(|sealed| self.vault.unseal(sealed));
        let (profiles, limits) = (self.profiles().await?, self.limits);
        spawn_blocking(move || {
            let mut workbook =
                sheets::open(Arc::new(original.bytes), password.as_deref(), limits).map_err(FileError::from)?;
            let (previews, failure) = workbook.previews();
            let found = sample(&profiles, &previews, choice);
            if let (None, Some(failure)) = (&found, failure) {
                return Err(FileError::from(failure).into());
            }
            let names = workbook.sheets().iter().map(|sheet| sheet.name.clone()).collect();
            Ok(found.map(|found| FileSample { sheets: names, ..found }))
        })
        .await
    }
}

#[cfg(test)]
mod tests;
