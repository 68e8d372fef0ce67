//! One's own account: the password, the devices where one is signed in, the last sign-ins.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use tower_sessions::Session;

use super::entering::{enter, with_cookie};
use super::{Problems, WRONG_PASSWORD, is_own_password};
use crate::audit;
use crate::members::devices::{self, Device};
use crate::members::model::{NewPassword, Refusal};
use crate::members::sign_ins::{self, SignIn};
use crate::members::store::{self, Present};
use crate::storage::StorageError;
use crate::web::client::Client;
use crate::web::{AppState, Error, Form, Layout, PageResult, Visitor, done, page, page_with};

/// How many of one's last sign-ins are shown.
const SIGN_INS: u32 = 10;

#[derive(Template)]
#[template(path = "members/account.html")]
struct AccountPage {
    layout: Layout,
    /// the member has to choose a password before anything else
    must_change: bool,
    here: i64,
    devices: Vec<Device>,
    sign_ins: Vec<SignIn>,
    problems: Problems,
}

#[derive(Deserialize)]
pub(super) struct PasswordForm {
    current: String,
    password: String,
    again: String,
}

pub(super) async fn show(State(state): State<AppState>, present: Present, layout: Layout) -> PageResult {
    account(&state, &present, layout, Problems::default()).await.map(page)
}

async fn account(state: &AppState, present: &Present, layout: Layout, problems: Problems) -> PageResult<AccountPage> {
    let id = present.member.id;
    let (devices, sign_ins) = state
        .storage
        .read(move |tx| Ok::<_, StorageError>((devices::of_member(tx, id)?, sign_ins::of_member(tx, id, SIGN_INS, 0)?)))
        .await?;
    Ok(AccountPage { layout, must_change: present.must_change, here: present.device_id, devices, sign_ins, problems })
}

pub(super) async fn change(
    State(state): State<AppState>,
    session: Session,
    client: Client,
    visitor: Visitor,
    present: Present,
    layout: Layout,
    Form(form): Form<PasswordForm>,
) -> PageResult {
    let mut problems = Problems::default();
    let password = if state.demo.is_some() {
        problems.current = Some("교육용 아이디는 모두 함께 써서 비밀번호를 바꿀 수 없어요.".to_owned());
        None
    } else {
        check(&state, &client, &present, form, &mut problems).await?
    };
    let Some(password) = password else {
        let page = account(&state, &present, layout, problems).await?;
        return Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, page));
    };

    let hash = state.passwords.hash(password).await?;
    let (id, device_id) = (present.member.id, present.device_id);
    let changed = state
        .storage
        .write(move |tx| {
            let stays = devices::stays_until(tx, device_id)?.is_some();
            let Ok(epoch) = store::set_password(tx, id, &hash)? else {
                return Ok(None);
            };
            let summary = json!({ "message": "비밀번호를 바꿨어요. 다른 기기에서는 로그아웃됐어요." });
            Ok::<_, Error>(Some((epoch, stays, audit::record(tx, Some(id), "members.password", &summary)?)))
        })
        .await?;
    let (epoch, stays, activity) = changed.ok_or(Error::NotFound)?;
    let cookie = enter(&state, &session, &visitor, &client, (id, epoch), stays).await?;
    Ok(with_cookie(done(present.member.role.home(), activity), cookie))
}

/// The new password, when everything in the form is right.
async fn check(
    state: &AppState,
    client: &Client,
    present: &Present,
    form: PasswordForm,
    problems: &mut Problems,
) -> PageResult<Option<NewPassword>> {
    if form.password == form.current {
        problems.add(Refusal::PasswordSame);
    }
    if !is_own_password(state, client, &present.member, form.current).await? {
        problems.current = Some(WRONG_PASSWORD.to_owned());
    }
    let password = NewPassword::repeated(form.password, &form.again).map_err(|refusal| problems.add(refusal)).ok();
    Ok(password.filter(|_| !problems.any()))
}
