//! `POST /settings/backup/stores`: a bucket of a cloud as a backup target.

use std::path::{Path, PathBuf};

use axum::extract::State;

use super::Context;
use super::show::SettingsPage;
use crate::audit::MemberActor;
use crate::backup;
use crate::config::{Database, PageSettings};
use crate::objects::StoreForm;
use crate::web::{Error, Form, Layout, PageResult};

/// `POST /settings/backup/stores`
pub(super) async fn create(
    State(context): State<Context>,
    layout: Layout,
    actor: MemberActor,
    Form(form): Form<StoreForm>,
) -> PageResult {
    let added = match form.address() {
        Ok(address) => add_target(&context, actor, address, form.options()).await?,
        Err(problem) => Err(problem),
    };
    match added {
        Ok(()) => context.redirect(actor, ADDED).await,
        Err(problem) => {
            let mut shown = SettingsPage::new(&context, layout).await?;
            (shown.store, shown.store_problem) = (form.without_secret(), Some(problem));
            Ok(shown.unprocessable())
        }
    }
}

pub(super) const ADDED: &str =
    "시험 삼아 쓰고 읽어 보았고, 이제 여기에 백업해요. 백업 화면에서 열쇠를 인쇄해 따로 보관하세요.";

/// Tries a target by a test write, and adds it to the targets in force. The problem as a sentence.
pub(super) async fn add_target(
    context: &Context,
    actor: MemberActor,
    address: String,
    options: Vec<(String, String)>,
) -> Result<Result<(), String>, Error> {
    context.check_real_shop()?;
    let config = &context.config;
    if let Database::MariaDb(_) = config.database {
        return Ok(Err("MariaDB의 데이터는 여기서 백업하지 않아요. 백업 화면에 방법이 있어요.".to_owned()));
    }
    if config.layers.source("backup").is_fixed() {
        return Ok(Err(
            "실행할 때의 옵션이나 환경 변수가 백업할 곳을 정했어요. 그것을 빼고 프로그램을 다시 켠 다음 바꿔 주세요."
                .to_owned(),
        ));
    }
    let target = match backup::open_target_with(&address, options.clone()) {
        Ok(target) => target,
        Err(error) => return Ok(Err(error.to_string())),
    };
    if config.backup.targets.iter().any(|known| known.trim_end_matches('/') == target.shown) {
        return Ok(Err("이미 여기에 백업하고 있어요.".to_owned()));
    }
    if let Err(error) = backup::probe(&target).await {
        return Ok(Err(error.to_string()));
    }
    let mut sealed = None;
    if !options.is_empty() {
        let text = serde_json::to_string(&options).map_err(Error::internal)?;
        sealed = Some(context.vault.seal(&text).ok_or_else(|| Error::Internal("no randomness".to_owned()))?);
    }
    let targets = config.backup.targets.iter().cloned().chain([target.shown.clone()]).collect();
    let change = |page: &mut PageSettings| {
        page.backup = Some(targets);
        if let Some(sealed) = sealed {
            page.set_credentials(&target.shown, &sealed);
        }
    };
    Ok(context.save(actor, change).await?.map(|_| ()))
}

/// Whether a folder may hold the backup: outside of the data folder, whose loss it is to survive. Neither need exist yet.
pub(super) fn is_outside(folder: &Path, data: &Path) -> bool {
    !real_path(folder).starts_with(real_path(data))
}

/// The path without links, as far as it exists.
fn real_path(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let existing = absolute.ancestors().find_map(|parent| Some((parent, parent.canonicalize().ok()?)));
    match existing {
        Some((parent, real)) => real.join(absolute.strip_prefix(parent).unwrap_or(Path::new(""))),
        None => absolute,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backup_is_outside_of_the_data_folder() {
        let computer = tempfile::tempdir().expect("a folder");
        let data = computer.path().join("data");
        std::fs::create_dir(&data).expect("creates");
        assert!(is_outside(&computer.path().join("usb/mukkeum-backup"), &data));
        assert!(is_outside(&computer.path().join("data-copies"), &data));
        assert!(!is_outside(&data.join("new/mukkeum-backup"), &data), "a folder that does not exist yet");
    }

    #[cfg(unix)]
    #[test]
    fn link_into_the_data_folder_is_inside() {
        let computer = tempfile::tempdir().expect("a folder");
        let data = computer.path().join("data");
        std::fs::create_dir(&data).expect("creates");
        let link = computer.path().join("link");
        std::os::unix::fs::symlink(&data, &link).expect("links");
        assert!(!is_outside(&link.join("mukkeum-backup"), &data));
        assert!(!is_outside(&data.join("mukkeum-backup"), &link));
    }
}
