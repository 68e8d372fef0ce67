//! Login and logout.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use tower_sessions::Session;

use super::entering::{enter, leave, with_cookie};
use crate::audit;
use crate::demo::{self, DemoAccount};
use crate::members::devices::Place;
use crate::members::limits::Subjects;
use crate::members::sign_ins::{self, Outcome};
use crate::members::store::{self, Credentials};
use crate::storage::{Result, Tx};
use crate::time::Moment;
use crate::web::client::Client;
use crate::web::{
    AppState, Error, Form, FormPairs, Layout, PageResult, Query, Tone, Visitor, done, local_path, page, page_with,
    redirect,
};

#[derive(Template)]
#[template(path = "members/login.html")]
struct LoginPage {
    layout: Layout,
    username: String,
    next: String,
    stays: bool,
    told: Option<Told>,
    /// who everybody may be; nobody but in a training shop
    demo: &'static [DemoAccount],
}

/// What the page says above its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// the member has signed out
    Bye,
    /// a copied cookie came, so everything ended
    Stolen,
    /// the sign-in was refused
    Refused(Outcome),
}

impl Told {
    fn tone(self) -> Tone {
        if self == Self::Bye { Tone::Success } else { Tone::Danger }
    }

    /// Why a right password was of no use is said to those alone who know it.
    fn sentence(self) -> &'static str {
        match self {
            Self::Bye => "로그아웃했어요.",
            Self::Stolen => {
                "이 아이디의 로그인 정보가 다른 곳에서 쓰인 것 같아 모든 기기에서 로그아웃했어요. 다시 로그인하고 비밀번호를 바꿔 주세요."
            }
            Self::Refused(Outcome::Disabled) => "지금은 쓸 수 없는 아이디예요. 관리자에게 말씀해 주세요.",
            Self::Refused(Outcome::Late) => "일회용 비밀번호의 기한이 지났어요. 관리자에게 새로 받아 주세요.",
            Self::Refused(_) => "아이디나 비밀번호가 맞지 않아요. 다시 적어 주세요.",
        }
    }
}

impl LoginPage {
    fn failed(&self) -> bool {
        matches!(self.told, Some(Told::Refused(_)))
    }
}

#[derive(Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    next: String,
    bye: Option<String>,
    stolen: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct LoginForm {
    username: String,
    password: String,
    #[serde(default)]
    next: String,
    stay: Option<String>,
}

pub(super) async fn show(State(state): State<AppState>, layout: Layout, Query(asked): Query<Asked>) -> PageResult {
    if let Some(member) = &layout.member {
        return Ok(redirect(local_path(&asked.next).unwrap_or(member.role.home())));
    }
    if !state.storage.read(store::any).await? {
        return Ok(redirect("/setup"));
    }
    let told = asked.stolen.map(|_| Told::Stolen).or(asked.bye.map(|_| Told::Bye));
    let demo = demo_accounts(&state);
    Ok(page(LoginPage { layout, username: String::new(), next: asked.next, stays: false, told, demo }))
}

pub(super) async fn sign_in(
    State(state): State<AppState>,
    session: Session,
    visitor: Visitor,
    client: Client,
    layout: Layout,
    Form(form): Form<LoginForm>,
) -> PageResult {
    let username = form.username.trim().to_owned();
    let subjects = Subjects::new(&username, client.address);
    let found = {
        let (subjects, username, place) = (subjects.clone(), username.clone(), client.place());
        state.storage.write(move |tx| count_and_find(tx, &subjects, &username, &place)).await?
    };
    let found = match found {
        Try::TooSoon { minutes } => return Err(Error::TooMany { minutes }),
        Try::Of(found) => found,
    };
    let hash = found.as_ref().map(|known| known.credentials.password_hash.clone());
    let right = state.passwords.verify(form.password, hash).await?;
    let known = match found.filter(|_| right).map(|known| known.come_in(state.now())) {
        Some(Ok(known)) => known,
        Some(Err((line, refused))) => {
            state.storage.write(move |tx| sign_ins::settle(tx, line, refused)).await?;
            return Ok(again(&state, layout, username, form.next, form.stay.is_some(), refused));
        }
        None => {
            tracing::warn!(address = %client.address, "a sign-in failed");
            return Ok(again(&state, layout, username, form.next, form.stay.is_some(), Outcome::Wrong));
        }
    };
    let Known { credentials: Credentials { member, epoch, one_time_until, .. }, line } = known;
    let id = member.id;
    let theft = state
        .storage
        .write(move |tx| {
            subjects.forgive(tx)?;
            sign_ins::settle(tx, line, Outcome::Password)?;
            store::note_sign_in(tx, id)?;
            tell_of_theft(tx, id)
        })
        .await?;
    let cookie = enter(&state, &session, &visitor, &client, (id, epoch), form.stay.is_some()).await?;
    let to = if one_time_until.is_some() { "/account" } else { local_path(&form.next).unwrap_or(member.role.home()) };
    Ok(with_cookie(theft.map_or_else(|| redirect(to), |activity| done(to, activity)), cookie))
}

fn again(state: &AppState, layout: Layout, username: String, next: String, stays: bool, refused: Outcome) -> Response {
    let (told, demo) = (Some(Told::Refused(refused)), demo_accounts(state));
    page_with(StatusCode::UNPROCESSABLE_ENTITY, LoginPage { layout, username, next, stays, told, demo })
}

fn tell_of_theft(tx: &mut dyn Tx, id: i64) -> Result<Option<i64>> {
    let Some(at) = store::take_theft(tx, id)? else {
        return Ok(None);
    };
    let message = format!(
        "{at}에 예전 로그인 정보를 누군가 다시 써서 모든 기기에서 로그아웃했어요. 내 계정에서 비밀번호를 바꾸고 로그인 기록을 확인해 주세요."
    );
    audit::record(tx, Some(id), "members.stolen", &json!({ "message": message, "tone": "danger" })).map(Some)
}

pub(super) async fn sign_out(
    State(state): State<AppState>,
    session: Session,
    visitor: Visitor,
    _: FormPairs,
) -> PageResult<Response> {
    let cookie = leave(&state, &visitor).await?;
    session.flush().await?;
    Ok(with_cookie(redirect("/login?bye=1"), cookie))
}

fn demo_accounts(state: &AppState) -> &'static [DemoAccount] {
    if state.demo.is_some() { &demo::ACCOUNTS } else { &[] }
}

enum Try {
    TooSoon { minutes: i64 },
    Of(Option<Known>),
}

/// A member whose name was typed, and the line of their history that this try has so far.
struct Known {
    credentials: Credentials,
    line: i64,
}

impl Known {
    /// Whether the right password is enough.
    fn come_in(self, now: Moment) -> Result<Self, (i64, Outcome)> {
        if !self.credentials.enabled {
            Err((self.line, Outcome::Disabled))
        } else if self.credentials.one_time_until.is_some_and(|until| until < now) {
            Err((self.line, Outcome::Late))
        } else {
            Ok(self)
        }
    }
}

/// The try stands in the history as a wrong password until it proves right, as the limits count it.
fn count_and_find(tx: &mut dyn Tx, subjects: &Subjects, username: &str, place: &Place) -> Result<Try> {
    if let Some(minutes) = subjects.count(tx)? {
        return Ok(Try::TooSoon { minutes });
    }
    let Some(credentials) = store::credentials(tx, username)? else {
        return Ok(Try::Of(None));
    };
    let line = sign_ins::note(tx, credentials.member.id, Outcome::Wrong, place)?;
    Ok(Try::Of(Some(Known { credentials, line })))
}
