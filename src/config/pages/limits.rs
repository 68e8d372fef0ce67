//! `POST /settings/limits`: limits of uploads, the idle time of logins, and the days until ended orders are kept apart.

use std::ops::RangeInclusive;

use axum::extract::State;
use serde::Deserialize;

use super::Context;
use super::show::SettingsPage;
use crate::audit::MemberActor;
use crate::config::{Config, ORDER_SEAL_DAYS, PageSettings};
use crate::web::{Form, Layout, PageResult};

/// Bytes of a megabyte, the unit of the limit of uploads.
const MEGABYTE: u64 = 1024 * 1024;

/// Sizes of a file in MB: a larger one would not fit into the memory of a small computer.
const UPLOAD_MAX_MB: RangeInclusive<u32> = 1..=500;

const UPLOAD_KEEP_DAYS: RangeInclusive<u32> = 1..=3_650;

/// Idle minutes: a day at most, because a forgotten screen shows the data of customers.
const SESSION_IDLE_MINUTES: RangeInclusive<u32> = 5..=1_440;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LimitsForm {
    pub(super) upload_max_mb: String,
    pub(super) upload_keep_days: String,
    pub(super) session_idle_minutes: String,
    pub(super) order_seal_days: String,
    /// withdraws what the page has saved
    pub(super) reset: Option<String>,
}

impl LimitsForm {
    /// What is in force.
    pub(super) fn of(config: &Config) -> Self {
        Self {
            upload_max_mb: (config.upload_max_bytes / MEGABYTE).to_string(),
            upload_keep_days: config.upload_keep_days.to_string(),
            session_idle_minutes: (config.session_idle.as_secs() / 60).to_string(),
            order_seal_days: config.order_seal_days.to_string(),
            reset: None,
        }
    }
}

/// What the page saves of a field: what was typed, if it differs from what is in force. The rest of the form stays with its
/// source, such as the file.
fn to_save(saved: Option<u32>, typed: Option<u32>, in_force: &str) -> Option<u32> {
    typed.filter(|typed| typed.to_string() != in_force).or(saved)
}

/// `POST /settings/limits`
pub(super) async fn update(
    State(context): State<Context>,
    layout: Layout,
    actor: MemberActor,
    Form(form): Form<LimitsForm>,
) -> PageResult {
    context.check_real_shop()?;
    let mut problems = Vec::new();
    let layers = &context.config.layers;
    // A field that a flag or a variable has fixed is not sent.
    let mut number = |key: &'static str, text: &str, range: RangeInclusive<u32>| {
        if form.reset.is_some() || layers.source(key).is_fixed() {
            return None;
        }
        let number = text.trim().parse().ok().filter(|number| range.contains(number));
        if number.is_none() {
            problems.push((key, format!("{}에서 {} 사이의 숫자를 입력해 주세요.", range.start(), range.end())));
        }
        number
    };
    let upload_max_mb = number("upload_max_mb", &form.upload_max_mb, UPLOAD_MAX_MB);
    let upload_keep_days = number("upload_keep_days", &form.upload_keep_days, UPLOAD_KEEP_DAYS);
    let session_idle_minutes = number("session_idle_minutes", &form.session_idle_minutes, SESSION_IDLE_MINUTES);
    let order_seal_days = number("order_seal_days", &form.order_seal_days, ORDER_SEAL_DAYS);
    if problems.is_empty() {
        let (config, is_reset) = (&context.config, form.reset.is_some());
        let in_force = LimitsForm::of(config);
        let value = |saved, typed, in_force: &str| if is_reset { None } else { to_save(saved, typed, in_force) };
        let change = |page: &mut PageSettings| {
            page.upload_max_mb = value(page.upload_max_mb, upload_max_mb, &in_force.upload_max_mb);
            page.upload_keep_days = value(page.upload_keep_days, upload_keep_days, &in_force.upload_keep_days);
            page.session_idle_minutes =
                value(page.session_idle_minutes, session_idle_minutes, &in_force.session_idle_minutes);
            page.order_seal_days = value(page.order_seal_days, order_seal_days, &in_force.order_seal_days);
        };
        match context.save(actor, change).await? {
            Ok(Some(_)) => return context.redirect(actor, "설정을 저장하고 프로그램을 다시 켰어요.").await,
            Ok(None) => return context.redirect(actor, "바뀐 것이 없어요.").await,
            Err(problem) => problems.push(("upload_max_mb", problem)),
        }
    }
    let mut shown = SettingsPage::new(&context, layout).await?;
    (shown.limits, shown.limits_problems) = (form, problems);
    Ok(shown.unprocessable())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_changed_field_is_saved() {
        assert_eq!(to_save(None, Some(30), "30"), None, "stays with the file");
        assert_eq!(to_save(None, Some(40), "30"), Some(40));
        assert_eq!(to_save(Some(40), Some(40), "40"), Some(40));
        assert_eq!(to_save(Some(40), None, "50"), Some(40), "a flag has fixed it");
    }
}
