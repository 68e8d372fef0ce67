//! `/uploads/{id}/form`: makes a profile of a file that no profile matches: which column has which field.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::{parse_id, redirect_with_error, upload_path};
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::channels::store::profiles;
use crate::channels::{ColumnSample, FileError};
use crate::id::crockford;
use crate::storage::{Storage, Tx};
use crate::uploads::mapping::{ColumnMapping, FileSample, MappedField, MappingProblem, WORD_EFFECTS, mapped_fields};
use crate::uploads::{UploadError, Uploads, store};
use crate::web::{
    Error, Flash, FormPairs, Layout, PageResult, PersonalData, Query, personal_page_with_status, redirect_with_flash,
};

#[derive(Template)]
#[template(path = "uploads/form.html")]
struct FormPage {
    layout: Layout,
    id: i64,
    file_name: String,
    sheets: Vec<String>,
    sheet: usize,
    rows: Vec<(u32, String)>,
    header_row: u32,
    columns: Vec<ColumnView>,
    fields: Vec<MappedField>,
    name: String,
    words: BTreeMap<String, String>,
    name_problem: Option<String>,
    problem: Option<String>,
}

/// A column of the file with its first values, and the code of the chosen field.
struct ColumnView {
    position: usize,
    header: String,
    values: Vec<String>,
    chosen: String,
    problem: Option<String>,
}

impl FormPage {
    fn path(&self) -> String {
        upload_path(self.id)
    }

    fn needed(&self) -> Vec<&'static str> {
        self.fields.iter().filter(|field| field.is_needed).map(|field| field.label).collect()
    }

    fn words(&self) -> Vec<(&'static str, &'static str, &str)> {
        let typed = |code: &str| self.words.get(code).map_or("", String::as_str);
        WORD_EFFECTS.into_iter().map(|(_, code, label)| (code, label, typed(code))).collect()
    }
}

impl PersonalData for FormPage {
    /// None: the persons in the file are in no order yet. The access to the page is recorded.
    fn orders(&self) -> Vec<i64> {
        Vec::new()
    }
}

#[derive(Clone, Copy, Default, Deserialize)]
pub(super) struct SampleQuery {
    #[serde(default)]
    sheet: Option<usize>,
    #[serde(default)]
    row: Option<u32>,
}

async fn load(
    (storage, uploads): (&Storage, &Uploads),
    layout: Layout,
    id: i64,
    query: SampleQuery,
) -> Result<FormPage, UploadError> {
    let upload = storage.read(move |tx| store::find(tx, id)).await?.ok_or(UploadError::NotOpen)?;
    let _turn = uploads.turns.wait().await;
    let sample = uploads.sample(id, query.sheet, query.row).await?;
    let FileSample { sheets, sheet, rows, header_row, columns } =
        sample.ok_or(UploadError::Refused(FileError::NoHeader))?;
    let view = |(position, (column, code)): (usize, (ColumnSample, Option<String>))| ColumnView {
        position,
        header: column.header,
        values: column.values,
        chosen: code.unwrap_or_default(),
        problem: None,
    };
    Ok(FormPage {
        layout,
        id,
        file_name: upload.file_name,
        sheets,
        sheet,
        rows,
        header_row,
        columns: columns.into_iter().enumerate().map(view).collect(),
        fields: mapped_fields(),
        name: String::new(),
        words: BTreeMap::new(),
        name_problem: None,
        problem: None,
    })
}

pub(super) async fn new(
    State(storage): State<Storage>,
    State(uploads): State<Uploads>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    Query(query): Query<SampleQuery>,
) -> PageResult {
    let id = parse_id(&id)?;
    match load((&storage, &uploads), layout, id, query).await {
        Ok(page) => Ok(personal_page_with_status(StatusCode::OK, page)),
        Err(error @ (UploadError::NotOpen | UploadError::OriginalDeleted | UploadError::Refused(_))) => {
            redirect_with_error(&storage, actor.id, id, error).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The typed form: the shown sheet and header row, and the mapping.
struct TypedForm {
    query: SampleQuery,
    mapping: ColumnMapping,
}

/// Parses `sheet`, `row`, `name`, `words-CODE`, and for each column `header-N` with `field-N`.
fn parse_form(pairs: Vec<(String, String)>) -> TypedForm {
    let mut typed = TypedForm { query: SampleQuery::default(), mapping: ColumnMapping::default() };
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    let mut fields: Vec<(String, String)> = Vec::new();
    for (name, value) in pairs {
        match name.split_once('-') {
            Some(("header", place)) => drop(headers.insert(place.to_owned(), value)),
            Some(("field", place)) if !value.is_empty() => fields.push((place.to_owned(), value)),
            Some(("words", code)) => drop(typed.mapping.words.insert(code.to_owned(), value)),
            None if name == "name" => typed.mapping.name = value,
            None if name == "sheet" => typed.query.sheet = value.parse().ok(),
            None if name == "row" => typed.query.row = value.parse().ok(),
            _ => {}
        }
    }
    let column = |(place, code): (String, String)| Some((headers.remove(&place)?, code));
    typed.mapping.columns = fields.into_iter().filter_map(column).collect();
    typed
}

pub(super) async fn create(
    State(storage): State<Storage>,
    State(uploads): State<Uploads>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let id = parse_id(&id)?;
    let TypedForm { query, mapping } = parse_form(pairs);
    match save(&storage, &uploads, actor, mapping.clone()).await? {
        Ok(event) => {
            let turn = uploads.turns.wait().await;
            let read = uploads.read_again(id, actor.id).await;
            drop(turn);
            let id = match read {
                Ok(id) => id,
                Err(error @ (UploadError::NotOpen | UploadError::OriginalDeleted)) => {
                    return redirect_with_error(&storage, actor.id, id, error).await;
                }
                Err(error) => return Err(error.into()),
            };
            let flash = Flash::success(format!("{} 다음부터는 이 양식의 파일을 알아봐요.", event.sentence()));
            let flash = storage.write(move |tx| flash.save(tx, actor.id)).await?;
            Ok(redirect_with_flash(&upload_path(id), flash))
        }
        Err(problems) => {
            let mut page = match load((&storage, &uploads), layout, id, query).await {
                Ok(page) => page,
                Err(error @ (UploadError::NotOpen | UploadError::OriginalDeleted | UploadError::Refused(_))) => {
                    return redirect_with_error(&storage, actor.id, id, error).await;
                }
                Err(error) => return Err(error.into()),
            };
            for column in &mut page.columns {
                let typed = mapping.columns.iter().find(|(header, _)| *header == column.header);
                column.chosen = typed.map(|(_, code)| code.clone()).unwrap_or_default();
            }
            (page.name, page.words) = (mapping.name, mapping.words);
            for problem in problems {
                match problem {
                    MappingProblem::Name(message) => page.name_problem = Some(message),
                    MappingProblem::Missing(message) => page.problem = Some(message),
                    MappingProblem::Column(header, message) => {
                        if let Some(column) = page.columns.iter_mut().find(|column| column.header == header) {
                            column.problem = Some(message);
                        }
                    }
                }
            }
            Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
        }
    }
}

/// Saves the profile and records it; or all problems of the mapping.
async fn save(
    storage: &Storage,
    uploads: &Uploads,
    actor: MemberActor,
    mapping: ColumnMapping,
) -> Result<Result<AuditEvent, Vec<MappingProblem>>, Error> {
    let shipped = Arc::clone(&uploads.shipped);
    let work = move |tx: &mut dyn Tx| -> Result<Result<AuditEvent, Vec<MappingProblem>>, Error> {
        let code = format!("SHOP_{}", crockford(tx.new_id()));
        let mut made = mapping.profile(&code, &shipped);
        if profiles::is_name_taken(tx, &shipped, &mapping.name, None)? {
            let taken = MappingProblem::Name("이미 있는 판매채널 이름이에요. 다른 이름을 입력해 주세요.".to_owned());
            made = Err(made.err().unwrap_or_default().into_iter().chain([taken]).collect());
        }
        let profile = match made {
            Ok(profile) => profile,
            Err(problems) => return Ok(Err(problems)),
        };
        let profile_id = profiles::save(tx, &profile, Some(actor.id))?;
        let event = AuditEvent::ProfileSaved { channel: profile.name };
        audit::record(tx, actor, AuditObject::one(profile_id), &event)?;
        Ok(Ok(event))
    };
    storage.write(work).await
}

#[cfg(test)]
mod tests;
