//! `POST /settings/backup/stores`: a bucket of a cloud as a backup target.

use std::path::Path;

use axum::extract::State;
use serde::Deserialize;

use super::Context;
use super::show::SettingsPage;
use crate::audit::MemberActor;
use crate::backup;
use crate::config::{Database, PageSettings};
use crate::web::{Error, Form, Layout, PageResult};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StoreForm {
    /// `s3`, `gs` or `az`
    pub(super) kind: String,
    pub(super) bucket: String,
    pub(super) folder: String,
    pub(super) region: String,
    pub(super) endpoint: String,
    pub(super) account: String,
    /// never sent back to the browser
    secret: String,
}

impl StoreForm {
    pub(super) fn is_kind(&self, kind: &str) -> bool {
        self.kind == kind || (self.kind.is_empty() && kind == "s3")
    }

    fn address(&self) -> Result<String, String> {
        let [bucket, folder] = [&self.bucket, &self.folder].map(|text| text.trim().trim_matches('/'));
        if bucket.is_empty() || bucket.contains(|c: char| c.is_whitespace() || "/:?#@".contains(c)) {
            return Err("버킷 이름만 입력해 주세요. 예: my-shop-backup".to_owned());
        }
        let scheme = ["s3", "gs", "az"].into_iter().find(|scheme| self.is_kind(scheme));
        let scheme = scheme.ok_or_else(|| "저장소의 종류를 선택해 주세요.".to_owned())?;
        let folder = if folder.is_empty() { "mukkeum" } else { folder };
        Ok(format!("{scheme}://{bucket}/{folder}"))
    }

    /// The options of the store, under the names of its own tools.
    fn options(&self) -> Vec<(String, String)> {
        let pairs = match self.kind.as_str() {
            "gs" => vec![("GOOGLE_SERVICE_ACCOUNT_KEY", &self.secret)],
            "az" => vec![("AZURE_STORAGE_ACCOUNT_NAME", &self.account), ("AZURE_STORAGE_ACCOUNT_KEY", &self.secret)],
            _ => vec![
                ("AWS_ACCESS_KEY_ID", &self.account),
                ("AWS_SECRET_ACCESS_KEY", &self.secret),
                ("AWS_REGION", &self.region),
                ("AWS_ENDPOINT", &self.endpoint),
            ],
        };
        let given = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        let mut options: Vec<(String, String)> = given.filter(|(_, value)| !value.is_empty()).collect();
        if self.endpoint.trim().starts_with("http://") {
            options.push(("AWS_ALLOW_HTTP".to_owned(), "true".to_owned()));
        }
        options
    }
}

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
            (shown.store, shown.store_problem) = (StoreForm { secret: String::new(), ..form }, Some(problem));
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
        return Ok(Err("실행할 때의 옵션이나 환경 변수가 백업할 곳을 정했어요. 여기서는 바꿀 수 없어요.".to_owned()));
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

/// Whether a folder may hold the backup: outside of the data folder, whose loss it is to survive.
pub(super) fn is_outside(folder: &Path, data: &Path) -> bool {
    let absolute = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_default();
    !absolute(folder).starts_with(absolute(data))
}
