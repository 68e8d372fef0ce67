//! `POST /settings/backup/remove`: a backup target that is not used any more. Its copies stay where they are.

use axum::extract::State;
use serde::Deserialize;

use super::Context;
use super::show::SettingsPage;
use crate::audit::MemberActor;
use crate::config::PageSettings;
use crate::web::{Form, Layout, PageResult};

#[derive(Deserialize)]
pub(super) struct RemoveForm {
    /// address of the target; empty: withdraws what the page has saved
    #[serde(default)]
    target: String,
}

/// `POST /settings/backup/remove`
pub(super) async fn remove(
    State(context): State<Context>,
    layout: Layout,
    actor: MemberActor,
    Form(form): Form<RemoveForm>,
) -> PageResult {
    context.check_real_shop()?;
    let targets: Vec<String> =
        context.config.backup.targets.iter().filter(|target| **target != form.target).cloned().collect();
    let change = |page: &mut PageSettings| {
        page.backup = (!form.target.is_empty()).then_some(targets);
        let left = page.backup.clone().unwrap_or_default();
        page.credentials.retain(|address, _| left.contains(address));
    };
    match context.save(actor, change).await? {
        Ok(Some(_)) => context.redirect(actor, "이제 여기에 백업하지 않아요. 지금까지의 사본은 그대로 있어요.").await,
        Ok(None) => context.redirect(actor, "바뀐 것이 없어요.").await,
        Err(problem) => {
            let mut shown = SettingsPage::new(&context, layout).await?;
            shown.backup_problem = Some(problem);
            Ok(shown.unprocessable())
        }
    }
}
