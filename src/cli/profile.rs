//! `mukkeum profile`: layouts of the files of channels and couriers, as the page 양식 has them.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde::Serialize;

use super::{CliError, CommandResult, Outcome, block_on, open_existing};
use crate::audit::{self, Actor, AuditEvent, AuditObject};
use crate::channels::store::profiles::{self, StoredProfile};
use crate::channels::{Profile, Profiles};
use crate::config::Config;
use crate::storage::{Storage, StorageError, Tx};
use crate::text::fold_word;
use crate::time::Moment;
use crate::uploads::store::{ProfileUsage, profile_usage};

#[derive(Subcommand)]
pub(super) enum ProfileCommand {
    /// 판매채널과 택배사의 파일 양식을 모두 보여 줘요
    List(JsonFlag),
    /// 양식 하나를 보여 줘요
    Show(ProfileName),
    /// 다른 가게에서 내려받은 양식 파일(.toml)을 추가해요
    Add(Add),
    /// 우리 가게의 양식을 삭제해요. 이 양식으로 읽은 업로드는 남아요
    Remove(ProfileName),
}

#[derive(clap::Args)]
pub(super) struct JsonFlag {
    /// JSON으로 출력해요
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct ProfileName {
    /// 판매채널의 코드나 이름
    #[arg(value_name = "NAME")]
    name: String,
    /// JSON으로 출력해요
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct Add {
    /// 양식 파일
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// JSON으로 출력해요
    #[arg(long)]
    json: bool,
}

/// A profile; also the JSON output.
#[derive(Debug, Serialize)]
struct ProfileRow {
    code: String,
    name: String,
    kind: &'static str,
    /// whether the shop taught it
    own: bool,
    /// headers without which it does not match a file
    needed: Vec<String>,
    /// files that it read
    files: i64,
    last_used_at: Option<String>,
    /// the TOML text, of one profile only
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<String>,
}

impl ProfileRow {
    fn new(profile: &Profile, usage: &[ProfileUsage]) -> Self {
        let is_own = |usage: &&ProfileUsage| match profile.own_id {
            Some(id) => usage.profile_id == Some(id),
            None => {
                usage.profile_id.is_none()
                    && (&*usage.kind, &*usage.channel_code) == (profile.kind.code(), &*profile.code)
            }
        };
        let (mut files, mut last): (i64, Option<Moment>) = (0, None);
        for usage in usage.iter().filter(is_own) {
            files += usage.files;
            last = last.max(Some(usage.last));
        }
        let needed = profile.expected_columns().into_iter().filter(|column| column.is_needed);
        Self {
            code: profile.code.clone(),
            name: profile.name.clone(),
            kind: profile.kind.code(),
            own: profile.own_id.is_some(),
            needed: needed.filter_map(|column| column.headers.into_iter().next()).collect(),
            files,
            last_used_at: last.map(|at| at.to_string()),
            definition: None,
        }
    }
}

impl ProfileCommand {
    pub(super) fn run(self, config: &Config) -> CommandResult {
        let shipped = Profiles::shipped().map_err(|error| CliError(error.to_string()))?;
        let storage = open_existing(config)?;
        match self {
            Self::List(JsonFlag { json }) => {
                let (known, usage) = load(&storage, shipped)?;
                let rows: Vec<ProfileRow> =
                    known.all().iter().map(|profile| ProfileRow::new(profile, &usage)).collect();
                print_rows(&rows, json)?;
            }
            Self::Show(ProfileName { name, json }) => {
                let (known, usage) = load(&storage, shipped)?;
                let found: Vec<&Profile> = known.all().iter().filter(|profile| is_named(profile, &name)).collect();
                if found.is_empty() {
                    return Err(unknown(&name));
                }
                print_definitions(&found, &usage, json)?;
            }
            Self::Add(Add { file, json }) => print_rows(&[add(&storage, shipped, &file)?], json)?,
            Self::Remove(ProfileName { name, json }) => print_rows(&remove(&storage, &shipped, &name)?, json)?,
        }
        Ok(Outcome::Complete)
    }
}

/// The profiles in use, and how many files each read.
fn load(storage: &Storage, shipped: Profiles) -> Result<(Profiles, Vec<ProfileUsage>), CliError> {
    block_on(async {
        let load =
            move |tx: &mut dyn Tx| Ok::<_, StorageError>((profiles::with_shipped(tx, &shipped)?, profile_usage(tx)?));
        Ok(storage.read(load).await?)
    })
}

fn print_definitions(found: &[&Profile], usage: &[ProfileUsage], json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if !json {
        return found.iter().try_for_each(|profile| writeln!(out, "{}", profile.to_toml()));
    }
    let row =
        |profile: &&Profile| ProfileRow { definition: Some(profile.to_toml()), ..ProfileRow::new(profile, usage) };
    let rows: Vec<ProfileRow> = found.iter().map(row).collect();
    serde_json::to_writer(&mut out, &rows)?;
    writeln!(out)
}

fn add(storage: &Storage, shipped: Profiles, file: &Path) -> Result<ProfileRow, CliError> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| CliError(format!("{} 파일을 읽지 못했어요: {error}", file.display())))?;
    let profile = Profile::parse(&file.display().to_string(), &text).map_err(|error| CliError(error.to_string()))?;
    let saved = profile.clone();
    let added = block_on(async {
        let add = move |tx: &mut dyn Tx| {
            let added = profiles::add(tx, &shipped, &profile, None)?;
            if let Ok(id) = &added {
                let event = AuditEvent::ProfileSaved { channel: profile.name.clone() };
                audit::record(tx, Actor::CommandLine, AuditObject::one(*id), &event)?;
            }
            Ok::<_, StorageError>(added)
        };
        Ok(storage.write(add).await?)
    })?;
    let id = added.map_err(|taken| CliError(taken.to_string()))?;
    Ok(ProfileRow::new(&Profile { own_id: Some(id), ..saved }, &[]))
}

/// Takes the profiles of the shop with that code or name back.
fn remove(storage: &Storage, shipped: &Profiles, name: &str) -> Result<Vec<ProfileRow>, CliError> {
    let wanted = fold_word(name);
    let removed = block_on(async {
        let remove = move |tx: &mut dyn Tx| {
            let is_wanted = |stored: &StoredProfile| {
                stored.removed_at.is_none() && (fold_word(&stored.code) == wanted || fold_word(&stored.name) == wanted)
            };
            let found: Vec<StoredProfile> = profiles::all(tx)?.into_iter().filter(is_wanted).collect();
            for stored in &found {
                profiles::set_removed(tx, stored.id, true)?;
                let event = AuditEvent::ProfileRemoved { channel: stored.name.clone() };
                audit::record(tx, Actor::CommandLine, AuditObject::one(stored.id), &event)?;
            }
            Ok::<_, StorageError>(found)
        };
        Ok(storage.write(remove).await?)
    })?;
    if removed.is_empty() {
        let is_shipped = shipped.all().iter().any(|profile| is_named(profile, name));
        return Err(if is_shipped {
            CliError(format!("'{name}': 처음부터 있는 양식은 삭제할 수 없어요."))
        } else {
            unknown(name)
        });
    }
    let profiles = removed.iter().filter_map(StoredProfile::profile);
    Ok(profiles.map(|profile| ProfileRow::new(&profile, &[])).collect())
}

fn is_named(profile: &Profile, name: &str) -> bool {
    let name = fold_word(name);
    fold_word(&profile.code) == name || fold_word(&profile.name) == name
}

fn unknown(name: &str) -> CliError {
    CliError(format!("'{name}': 모르는 양식이에요. mukkeum profile list로 확인해 주세요."))
}

fn print_rows(rows: &[ProfileRow], json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, rows)?;
        return writeln!(out);
    }
    for row in rows {
        let own = if row.own { "우리 가게의 양식" } else { "처음부터 있는 양식" };
        let last = row.last_used_at.as_deref().map_or(String::new(), |at| format!(", 마지막 {at}"));
        writeln!(out, "{} {} {} · {own} · 읽은 파일 {}개{last}", row.name, row.kind, row.code, row.files)?;
        writeln!(out, "  {}", row.needed.join(", "))?;
    }
    Ok(())
}
