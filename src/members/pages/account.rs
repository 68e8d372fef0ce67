//! One's own password.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use tower_sessions::Session;

use super::{Problems, WRONG_PASSWORD, begin_session, is_own_password};
use crate::audit;
use crate::members::model::NewPassword;
use crate::members::store;
use crate::web::client::Client;
use crate::web::{AppState, Error, Form, Layout, Member, PageResult, done, page, page_with};

#[derive(Template)]
#[template(path = "members/account.html")]
struct AccountPage {
    layout: Layout,
    problems: Problems,
}

#[derive(Deserialize)]
pub(super) struct PasswordForm {
    current: String,
    password: String,
    again: String,
}

pub(super) async fn show(layout: Layout) -> PageResult {
    Ok(page(AccountPage { layout, problems: Problems::default() }))
}

pub(super) async fn change(
    State(state): State<AppState>,
    session: Session,
    client: Client,
    member: Member,
    layout: Layout,
    Form(form): Form<PasswordForm>,
) -> PageResult {
    if state.demo.is_some() {
        let current = Some("교육용 아이디는 모두 함께 써서 비밀번호를 바꿀 수 없어요.".to_owned());
        let page = AccountPage { layout, problems: Problems { current, ..Problems::default() } };
        return Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, page));
    }
    let mut problems = Problems::default();
    if !is_own_password(&state, client, &member, form.current).await? {
        problems.current = Some(WRONG_PASSWORD.to_owned());
    }
    let password = NewPassword::repeated(form.password, &form.again).map_err(|refusal| problems.add(refusal)).ok();
    let Some(password) = password.filter(|_| !problems.any()) else {
        return Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, AccountPage { layout, problems }));
    };

    let hash = state.passwords.hash(password).await?;
    let Member { id, username, role } = member;
    let changed = state
        .storage
        .write(move |tx| {
            let Ok(epoch) = store::set_password(tx, &username, &hash)? else {
                return Ok(None);
            };
            let summary = json!({ "message": "비밀번호를 바꿨어요. 다른 기기에서는 로그아웃됐어요." });
            Ok::<_, Error>(Some((epoch, audit::record(tx, Some(id), "members.password", &summary)?)))
        })
        .await?;
    let (epoch, activity) = changed.ok_or(Error::NotFound)?;
    begin_session(&state, &session, id, epoch).await?;
    Ok(done(role.home(), activity))
}
