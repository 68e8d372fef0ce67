//! `/settings/backup/folders`: a folder of this computer as a backup target, chosen from a list of drives and folders.

use std::path::{Path, PathBuf};

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use url::Url;

use super::Context;
use super::stores::{ADDED, add_target, is_outside};
use crate::audit::MemberActor;
use crate::backup::TARGET_FOLDER;
use crate::objects::folders::FolderList;
use crate::objects::is_on_disk_of;
use crate::web::{Form, Layout, PageResult, Query, page, page_with_status};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct FoldersQuery {
    path: String,
}

#[derive(Deserialize)]
pub(super) struct FolderForm {
    path: String,
}

#[derive(Template)]
#[template(path = "config/folders.html")]
struct FoldersPage {
    layout: Layout,
    list: FolderList,
    problem: Option<String>,
    /// whether the open folder is on the disk of the data
    is_beside_data: bool,
}

impl FoldersPage {
    fn new(layout: Layout, data: &Path, path: &str, problem: Option<String>) -> Self {
        let list = FolderList::open(path);
        let problem = problem.or_else(|| list.problem.clone());
        let address = Url::from_directory_path(&list.path);
        let is_beside_data = address.is_ok_and(|address| is_on_disk_of(address.as_str(), data));
        Self { layout, list, problem, is_beside_data }
    }

    /// The folder that would hold the backup.
    fn target(&self) -> String {
        target_folder(Path::new(&self.list.path)).display().to_string()
    }
}

/// `GET /settings/backup/folders`
pub(super) async fn list(
    State(context): State<Context>,
    layout: Layout,
    Query(query): Query<FoldersQuery>,
) -> PageResult {
    context.check_real_shop()?;
    Ok(page(FoldersPage::new(layout, &context.config.data, &query.path, None)))
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
            let shown = FoldersPage::new(layout, &context.config.data, &form.path, Some(problem));
            Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, shown))
        }
    }
}

/// `mukkeum-backup` in the chosen folder, unless it is one.
fn target_folder(chosen: &Path) -> PathBuf {
    if chosen.file_name().is_some_and(|name| name == TARGET_FOLDER) {
        chosen.to_owned()
    } else {
        chosen.join(TARGET_FOLDER)
    }
}
