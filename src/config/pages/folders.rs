//! `/settings/backup/folders`: a folder of this computer as a backup target, chosen from a list of drives and folders.

use std::io;
use std::path::{Path, PathBuf};

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use url::Url;

use super::Context;
use super::stores::{ADDED, add_target, is_outside};
use crate::audit::MemberActor;
use crate::web::{Form, Layout, PageResult, Query, page, page_with_status};

/// Folder that is created in the chosen one.
const BACKUP_FOLDER: &str = "mukkeum-backup";

/// Maximum number of folders in the list.
const MAX_FOLDERS: usize = 500;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct FoldersQuery {
    path: String,
}

#[derive(Deserialize)]
pub(super) struct FolderForm {
    path: String,
}

/// A folder or a drive of the list.
struct FolderRow {
    name: String,
    path: String,
}

#[derive(Template)]
#[template(path = "config/folders.html")]
struct FoldersPage {
    layout: Layout,
    /// the open folder; empty: the list of drives
    path: String,
    /// the folder above; None in the list of drives
    parent: Option<String>,
    folders: Vec<FolderRow>,
    problem: Option<String>,
}

impl FoldersPage {
    fn new(layout: Layout, path: &str, problem: Option<String>) -> Self {
        let folder = PathBuf::from(path);
        if path.is_empty() || !folder.is_absolute() {
            let drives = drives().into_iter().map(|(name, path)| FolderRow { name, path: path.display().to_string() });
            return Self { layout, path: String::new(), parent: None, folders: drives.collect(), problem };
        }
        let parent = folder.parent().map(|parent| parent.display().to_string()).unwrap_or_default();
        let (folders, unreadable) = match subfolders(&folder) {
            Ok(folders) => (folders, None),
            Err(error) => (Vec::new(), Some(unreadable_sentence(&folder, &error))),
        };
        Self { layout, path: path.to_owned(), parent: Some(parent), folders, problem: problem.or(unreadable) }
    }

    /// The folder that would hold the backup.
    fn target(&self) -> String {
        target_folder(Path::new(&self.path)).display().to_string()
    }
}

/// `GET /settings/backup/folders`
pub(super) async fn list(
    State(context): State<Context>,
    layout: Layout,
    Query(query): Query<FoldersQuery>,
) -> PageResult {
    context.check_real_shop()?;
    Ok(page(FoldersPage::new(layout, &query.path, None)))
}

/// `POST /settings/backup/folders`
pub(super) async fn create(
    State(context): State<Context>,
    layout: Layout,
    actor: MemberActor,
    Form(form): Form<FolderForm>,
) -> PageResult {
    let folder = target_folder(Path::new(&form.path));
    let address = Url::from_directory_path(&folder);
    let added = match address {
        Err(()) => Err("드라이브나 폴더를 선택해 주세요.".to_owned()),
        Ok(_) if !is_outside(&folder, &context.config.data) => {
            Err("데이터 폴더 안이에요. 데이터와 함께 잃지 않도록 다른 드라이브를 선택해 주세요.".to_owned())
        }
        Ok(_) if !Path::new(&form.path).is_dir() => {
            Err(format!("폴더가 없어요: {}. 드라이브가 연결되어 있는지 확인하고 다시 선택해 주세요.", form.path))
        }
        Ok(address) => add_target(&context, actor, address.to_string(), Vec::new()).await?,
    };
    match added {
        Ok(()) => context.redirect(actor, ADDED).await,
        Err(problem) => {
            let shown = FoldersPage::new(layout, &form.path, Some(problem));
            Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, shown))
        }
    }
}

/// `mukkeum-backup` in the chosen folder, unless it is one.
fn target_folder(chosen: &Path) -> PathBuf {
    if chosen.file_name().is_some_and(|name| name == BACKUP_FOLDER) {
        chosen.to_owned()
    } else {
        chosen.join(BACKUP_FOLDER)
    }
}

fn unreadable_sentence(folder: &Path, error: &io::Error) -> String {
    let folder = folder.display();
    match error.kind() {
        io::ErrorKind::NotFound => format!("폴더가 없어요: {folder}. 드라이브가 연결되어 있는지 확인해 주세요."),
        io::ErrorKind::PermissionDenied => format!("폴더를 볼 권한이 없어요: {folder}. 다른 폴더를 선택해 주세요."),
        _ => format!("폴더를 열지 못했어요: {folder} ({error})"),
    }
}

/// The visible folders in `folder`, by name.
fn subfolders(folder: &Path) -> io::Result<Vec<FolderRow>> {
    let entries = std::fs::read_dir(folder)?.flatten();
    let folders = entries.filter(|entry| entry.path().is_dir()).filter_map(|entry| {
        let name = entry.file_name().into_string().ok().filter(|name| !name.starts_with(['.', '$']))?;
        Some(FolderRow { name, path: entry.path().display().to_string() })
    });
    let mut folders: Vec<FolderRow> = folders.take(MAX_FOLDERS).collect();
    folders.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(folders)
}

/// Removable drives first, then the home folder and the whole computer.
#[cfg(not(windows))]
fn drives() -> Vec<(String, PathBuf)> {
    let mounted = |root: &str, depth: usize| -> Vec<PathBuf> {
        let mut level = vec![PathBuf::from(root)];
        for _ in 0..depth {
            level = level.iter().flat_map(std::fs::read_dir).flatten().flatten().map(|entry| entry.path()).collect();
        }
        level.into_iter().filter(|path| path.is_dir()).collect()
    };
    let removable = [("/media", 2), ("/run/media", 2), ("/mnt", 1), ("/Volumes", 1)];
    let removable = removable.into_iter().flat_map(|(root, depth)| mounted(root, depth));
    let mut drives: Vec<(String, PathBuf)> =
        removable.map(|path| (format!("드라이브 {}", path.display()), path)).collect();
    drives.extend(std::env::home_dir().filter(|home| home.is_dir()).map(|home| ("내 폴더".to_owned(), home)));
    drives.push(("이 컴퓨터 전체".to_owned(), PathBuf::from("/")));
    drives
}

/// The drives with a letter, those other than `C:` first.
#[cfg(windows)]
fn drives() -> Vec<(String, PathBuf)> {
    let letters = (b'D'..=b'Z').chain([b'C', b'A', b'B']);
    let drives = letters.map(|letter| PathBuf::from(format!("{}:\\", char::from(letter))));
    drives.filter(|path| path.is_dir()).map(|path| (format!("드라이브 {}", path.display()), path)).collect()
}
