//! `/uploads/{id}/form`: makes a profile of a file that no profile matches: which column has which field.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::{redirect_with_error, upload_path};
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::channels::store::profiles;
use crate::channels::{ColumnSample, FileError, FileKind, Profile};
use crate::id::{OrderId, UploadId};
use crate::storage::{Storage, Tx};
use crate::uploads::mapping::{
    ColumnMapping, FileSample, MAPPED_KINDS, MappedField, MappingProblem, SampleChoice, mapped_fields, mapped_kind,
    word_effects,
};
use crate::uploads::{UploadError, Uploads, store};
use crate::web::{
    Error, Flash, FormPairs, Layout, PageResult, PersonalData, Query, parse_id, personal_page_with_status,
    redirect_with_flash,
};

#[derive(Template)]
#[template(path = "uploads/form.html")]
struct FormPage {
    layout: Layout,
    id: UploadId,
    file_name: String,
    kind: FileKind,
    /// code and name of each channel, for a list of states
    channels: Vec<(String, String)>,
    sheets: Vec<String>,
    sheet: usize,
    rows: Vec<(u32, String)>,
    header_row: u32,
    columns: Vec<ColumnView>,
    fields: Vec<MappedField>,
    name: String,
    courier: String,
    has_all_claims: bool,
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
        word_effects(self.kind).iter().map(|(_, code, label)| (*code, *label, typed(code))).collect()
    }

    fn is_tracking(&self) -> bool {
        self.kind == FileKind::Tracking
    }

    fn is_states(&self) -> bool {
        self.kind == FileKind::States
    }

    /// Whether it is chosen, code and label of each kind of file.
    fn kinds(&self) -> Vec<(bool, &'static str, &'static str)> {
        MAPPED_KINDS.iter().map(|kind| (*kind == self.kind, kind.code(), kind_label(*kind))).collect()
    }
}

const fn kind_label(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Tracking => "택배 송장 목록",
        FileKind::States => "취소·반품·교환·구매확정 목록",
        FileKind::Orders | FileKind::Settlement => "주문 목록",
    }
}

impl PersonalData for FormPage {
    /// None: the persons in the file are in no order yet. The access to the page is recorded.
    fn orders(&self) -> Vec<OrderId> {
        Vec::new()
    }
}

#[derive(Clone, Default, Deserialize)]
pub(super) struct SampleQuery {
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    sheet: Option<usize>,
    #[serde(default)]
    row: Option<u32>,
}

impl SampleQuery {
    fn choice(&self) -> SampleChoice {
        let kind = self.kind.as_deref().and_then(mapped_kind);
        SampleChoice { kind, sheet: self.sheet, row: self.row }
    }
}

async fn load(
    (storage, uploads): (&Storage, &Uploads),
    layout: Layout,
    id: UploadId,
    choice: SampleChoice,
) -> Result<FormPage, UploadError> {
    let upload = storage.read(move |tx| store::find(tx, id)).await?.ok_or(UploadError::NotOpen)?;
    let _turn = uploads.turns.wait().await;
    let sample = uploads.sample(id, choice).await?;
    let FileSample { kind, sheets, sheet, rows, header_row, columns, words: _ } =
        sample.ok_or(UploadError::Refused(FileError::NoHeader))?;
    let profiles = uploads.profiles().await?;
    let channels = profiles.channels().map(|(code, name)| (code.to_owned(), name.to_owned()));
    let channels: BTreeMap<String, String> = channels.collect();
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
        kind,
        channels: channels.into_iter().collect(),
        sheets,
        sheet,
        rows,
        header_row,
        columns: columns.into_iter().enumerate().map(view).collect(),
        fields: mapped_fields(kind),
        name: String::new(),
        courier: String::new(),
        has_all_claims: false,
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
    match load((&storage, &uploads), layout, id, query.choice()).await {
        Ok(page) => Ok(personal_page_with_status(StatusCode::OK, page)),
        Err(error @ (UploadError::NotOpen | UploadError::OriginalDeleted | UploadError::Refused(_))) => {
            redirect_with_error(&storage, actor.id, id, error).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The typed form: what was shown, and the mapping.
struct TypedForm {
    choice: SampleChoice,
    mapping: ColumnMapping,
    /// the typed name of the list, or the code of the chosen channel
    name: String,
}

/// Parses `kind`, `sheet`, `row`, `name`, `courier`, `all-claims`, `words-CODE`, and for each column `header-N` with `field-N`.
fn parse_form(pairs: Vec<(String, String)>) -> TypedForm {
    let (mut choice, mut name, mut courier) = (SampleChoice::default(), String::new(), String::new());
    let (mut words, mut has_all_claims) = (BTreeMap::new(), false);
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    let mut fields: Vec<(String, String)> = Vec::new();
    for (field, value) in pairs {
        match field.split_once('-') {
            Some(("header", place)) => drop(headers.insert(place.to_owned(), value)),
            Some(("field", place)) if !value.is_empty() => fields.push((place.to_owned(), value)),
            Some(("words", code)) => drop(words.insert(code.to_owned(), value)),
            Some(("all", "claims")) => has_all_claims = true,
            None if field == "name" => name = value,
            None if field == "courier" => courier = value,
            None if field == "kind" => choice.kind = mapped_kind(&value),
            None if field == "sheet" => choice.sheet = value.parse().ok(),
            None if field == "row" => choice.row = value.parse().ok(),
            _ => {}
        }
    }
    let column = |(place, code): (String, String)| Some((headers.remove(&place)?, code));
    let columns = fields.into_iter().filter_map(column).collect();
    let kind = *choice.kind.get_or_insert(FileKind::Orders);
    let mapping = ColumnMapping { kind, name: name.clone(), courier, has_all_claims, columns, words };
    TypedForm { choice, mapping, name }
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
    let TypedForm { choice, mapping, name } = parse_form(pairs);
    let saved = match unknown_words(&uploads, id, choice, &mapping).await {
        Ok(words) if words.is_empty() => save(&storage, &uploads, actor, mapping.clone()).await?,
        Ok(words) => Err(vec![MappingProblem::Missing(unknown_words_message(&words))]),
        Err(error) => Err(vec![MappingProblem::Missing(error.to_string())]),
    };
    match saved {
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
            let mut page = match load((&storage, &uploads), layout, id, choice).await {
                Ok(page) => page,
                Err(error @ (UploadError::NotOpen | UploadError::OriginalDeleted | UploadError::Refused(_))) => {
                    return redirect_with_error(&storage, actor.id, id, error).await;
                }
                Err(error) => return Err(error.into()),
            };
            page.show_problems(mapping, name, problems);
            Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
        }
    }
}

impl FormPage {
    /// Shows what was typed, with its problems.
    fn show_problems(&mut self, mapping: ColumnMapping, name: String, problems: Vec<MappingProblem>) {
        for column in &mut self.columns {
            let typed = mapping.columns.iter().find(|(header, _)| *header == column.header);
            column.chosen = typed.map(|(_, code)| code.clone()).unwrap_or_default();
        }
        (self.name, self.courier, self.words) = (name, mapping.courier, mapping.words);
        self.has_all_claims = mapping.has_all_claims;
        for problem in problems {
            match problem {
                MappingProblem::Name(message) => self.name_problem = Some(message),
                MappingProblem::Missing(message) => self.problem = Some(message),
                MappingProblem::Column(header, message) => {
                    if let Some(column) = self.columns.iter_mut().find(|column| column.header == header) {
                        column.problem = Some(message);
                    }
                }
            }
        }
    }
}

/// Words in the first rows of the state column that neither the program knows nor the member has explained.
async fn unknown_words(
    uploads: &Uploads,
    id: UploadId,
    choice: SampleChoice,
    mapping: &ColumnMapping,
) -> Result<Vec<String>, UploadError> {
    let status = mapping.columns.iter().find(|(_, code)| code == "status").map(|(header, _)| header);
    let (FileKind::States, Some(status)) = (mapping.kind, status) else { return Ok(Vec::new()) };
    let Ok(profile) = mapping.profile("SHOP", &uploads.shipped) else { return Ok(Vec::new()) };
    let turn = uploads.turns.wait().await;
    let sample = uploads.sample(id, choice).await?;
    drop(turn);
    let mut words = sample.and_then(|mut sample| sample.words.remove(status)).unwrap_or_default();
    words.retain(|word| profile.status_rule(word).is_none());
    Ok(words)
}

fn unknown_words_message(words: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = words.iter().take(SHOWN).map(|word| format!("‘{word}’")).collect::<Vec<_>>().join(", ");
    let more = words.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" 외 {more}개") } else { String::new() };
    format!("무슨 뜻인지 모르는 상태가 있어요: {shown}{more}. 아래 ‘주문상태의 낱말’에서 뜻에 맞는 곳에 입력해 주세요.")
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
        let made = if mapping.kind == FileKind::States {
            let known = profiles::with_shipped(tx, &shipped)?;
            let channel = known.channels().find(|(code, _)| *code == mapping.name);
            let channel = channel.map(|(code, name)| (code.to_owned(), name.to_owned())).unwrap_or_default();
            let mapping = ColumnMapping { name: channel.1, ..mapping.clone() };
            let own = known
                .all()
                .iter()
                .find(|known| known.own_id.is_some() && known.kind == FileKind::States && known.code == channel.0);
            mapping.profile(&channel.0, &shipped).and_then(|profile| joined(own, profile))
        } else {
            let code = format!("SHOP_{}", tx.new_code());
            let made = mapping.profile(&code, &shipped);
            if profiles::is_name_taken(tx, &shipped, &mapping.name, None)? {
                let taken = if mapping.kind == FileKind::Orders {
                    "이미 있는 판매채널 이름이에요. 다른 이름을 입력해 주세요."
                } else {
                    "이미 있는 이름이에요. 다른 이름을 입력해 주세요."
                };
                let taken = MappingProblem::Name(taken.to_owned());
                Err(made.err().unwrap_or_default().into_iter().chain([taken]).collect())
            } else {
                made
            }
        };
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

/// The new profile; one for both where the shop has another layout of the same channel's lists.
fn joined(own: Option<&Profile>, made: Profile) -> Result<Profile, Vec<MappingProblem>> {
    let Some(own) = own else { return Ok(made) };
    own.joined_with(&made).ok_or_else(|| {
        let message = "이 판매채널의 상태 목록 양식이 이미 있고 합칠 수 없어요. 양식 화면에서 그 양식을 삭제한 다음 다시 저장해 주세요.";
        vec![MappingProblem::Missing(message.to_owned())]
    })
}

#[cfg(test)]
mod tests;
