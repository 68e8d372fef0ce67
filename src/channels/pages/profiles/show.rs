//! `/channels/profiles/{id}`: a profile of the shop, and the names of its columns.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::{profile_path, role_label};
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::channels::store::profiles::{self, StoredProfile};
use crate::channels::{ColumnRole, Field, FileKind, Profile};
use crate::storage::{Storage, Tx};
use crate::text::one_line;
use crate::uploads::Uploads;
use crate::uploads::mapping::word_effects;
use crate::web::{Error, Flash, FormPairs, Layout, PageResult, page, page_with_status, parse_id, redirect_with_flash};

#[derive(Template)]
#[template(path = "channels/profiles/show.html")]
struct ShowPage {
    layout: Layout,
    stored: StoredProfile,
    name: String,
    entries: Vec<EntryView>,
    problem: Option<String>,
}

/// The headers of one meaning, one a line.
struct EntryView {
    code: String,
    label: String,
    lines: String,
}

impl ShowPage {
    fn new(layout: Layout, stored: StoredProfile) -> Self {
        let entries = stored.profile().as_ref().map(entries).unwrap_or_default();
        Self { layout, name: stored.name.clone(), stored, entries, problem: None }
    }

    fn id(&self) -> String {
        self.stored.id.to_string()
    }
}

fn entries(profile: &Profile) -> Vec<EntryView> {
    let view = |code: &str, label: &str, lines: Vec<String>| EntryView {
        code: code.to_owned(),
        label: label.to_owned(),
        lines: lines.join("\n"),
    };
    let address = profile.address.iter().map(|pair| pair.join(" + ")).collect();
    let mut entries = vec![
        view("key", role_label(ColumnRole::OrderNumber), profile.key.clone()),
        view("address", "주소 + 상세주소", address),
    ];
    for (field, headers) in &profile.columns {
        entries.push(view(&field.code(), role_label(ColumnRole::Field(*field)), headers.clone()));
    }
    entries.push(view("detect", "이 양식에만 있는 열", profile.detect.clone()));
    if let Some(moments) = common_moments(profile) {
        entries.push(view("moments", role_label(ColumnRole::Moment), moments.to_vec()));
    }
    for (effect, code, label) in word_effects(profile.kind) {
        if let Some(rule) = profile.changes.iter().find(|rule| rule.change == *effect) {
            entries.push(view(&format!("words-{code}"), label, rule.words.clone()));
        }
    }
    entries
}

/// The headers of the date, where all states of a list have the same.
fn common_moments(profile: &Profile) -> Option<&[String]> {
    let (first, others) = profile.changes.split_first().filter(|_| profile.kind == FileKind::States)?;
    let is_common = !first.moments.is_empty() && others.iter().all(|rule| rule.moments == first.moments);
    is_common.then_some(&first.moments)
}

/// The profile with the typed headers: `entry-CODE` has one a line.
fn edited(profile: &Profile, name: &str, typed: &BTreeMap<String, String>) -> Result<Profile, String> {
    let lines = |code: &str| {
        let lines = typed.get(code).map_or("", String::as_str).lines().map(one_line);
        lines.filter(|line| !line.is_empty()).collect::<Vec<_>>()
    };
    let mut edited = profile.clone();
    edited.name = one_line(name);
    (edited.key, edited.detect) = (lines("key"), lines("detect"));
    edited.address = lines("address").iter().map(|line| line.split(" + ").map(one_line).collect::<Vec<_>>()).collect();
    let fields: Vec<Field> = profile.columns.keys().copied().collect();
    for field in fields {
        match lines(&field.code()) {
            headers if headers.is_empty() => drop(edited.columns.remove(&field)),
            headers => drop(edited.columns.insert(field, headers)),
        }
    }
    if common_moments(profile).is_some() {
        edited.changes.iter_mut().for_each(|rule| rule.moments = lines("moments"));
    }
    for (effect, code, _) in word_effects(profile.kind) {
        if let Some(rule) = edited.changes.iter_mut().find(|rule| rule.change == *effect) {
            rule.words = lines(&format!("words-{code}"));
        }
    }
    Profile::parse(&edited.name, &edited.to_toml()).map_err(|error| error.problem)
}

pub(in crate::channels::pages) async fn show(
    State(storage): State<Storage>,
    layout: Layout,
    Path(id): Path<String>,
) -> PageResult {
    let id = parse_id(&id)?;
    let stored = storage.read(move |tx| profiles::find(tx, id)).await?.ok_or(Error::NotFound)?;
    Ok(page(ShowPage::new(layout, stored)))
}

pub(in crate::channels::pages) async fn update(
    State(storage): State<Storage>,
    State(uploads): State<Uploads>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let id = parse_id(&id)?;
    let (mut name, mut version, mut typed) = (String::new(), None, BTreeMap::new());
    for (field, value) in pairs {
        match field.as_str() {
            "name" => name = value,
            "version" => version = value.parse::<i64>().ok(),
            field => {
                if let Some(code) = field.strip_prefix("entry-") {
                    typed.insert(code.to_owned(), value);
                }
            }
        }
    }
    let (shipped, given, entries) = (Arc::clone(&uploads.shipped), name.clone(), typed.clone());
    let work = move |tx: &mut dyn Tx| {
        let stored = profiles::find(tx, id)?.ok_or(Error::NotFound)?;
        if version != Some(stored.version) || stored.removed_at.is_some() {
            let problem = "그사이에 다른 사람이 이 양식을 바꿨어요. 지금 양식을 확인하고 다시 저장해 주세요.";
            return Ok(Err((stored, problem.to_owned())));
        }
        let Some(profile) = stored.profile() else {
            let problem = "이 버전의 프로그램이 읽지 못하는 양식이에요. 내려받아 수정한 다음 다시 추가해 주세요.";
            return Ok(Err((stored, problem.to_owned())));
        };
        let edited = match edited(&profile, &given, &entries) {
            Ok(edited) => edited,
            Err(problem) => return Ok(Err((stored, problem))),
        };
        if profiles::is_name_taken(tx, &shipped, &edited.name, Some(&stored.code))? {
            return Ok(Err((stored, "이미 있는 판매채널 이름이에요. 다른 이름을 입력해 주세요.".to_owned())));
        }
        profiles::save(tx, &edited, Some(actor.id))?;
        let event = AuditEvent::ProfileSaved { channel: edited.name };
        audit::record(tx, actor, AuditObject::one(id), &event)?;
        Ok::<_, Error>(Ok(Flash::success(event.sentence()).save(tx, actor.id)?))
    };
    match storage.write(work).await? {
        Ok(flash) => Ok(redirect_with_flash(&profile_path(id), flash)),
        Err((stored, problem)) => {
            let mut answer = ShowPage::new(layout, stored);
            answer.name = name;
            for entry in &mut answer.entries {
                if let Some(lines) = typed.remove(&entry.code) {
                    entry.lines = lines;
                }
            }
            answer.problem = Some(problem);
            Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, answer))
        }
    }
}
