//! The password again, before what [`Access::AdminConfirmed`](crate::web::Access) guards.
//!
//! Whoever wanted to look at a page comes with `next` and goes there afterwards. An act comes with
//! `act` and its whole form; the form waits here in hidden fields and is sent on (307) together with
//! the password, which the act does not read.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use tower_sessions::Session;

use super::{WRONG_PASSWORD, is_own_password};
use crate::sessions;
use crate::web::client::Client;
use crate::web::{
    AppState, FormPairs, Layout, Member, PageResult, Query, csrf, local_path, page, page_with, redirect,
    redirect_with_form,
};

/// The field of the password: a name that no act's form has.
const PASSWORD: &str = "own_password";

#[derive(Template)]
#[template(path = "members/confirm.html")]
struct ConfirmPage {
    layout: Layout,
    /// this page again, with where to go afterwards
    here: String,
    /// the form of the act that waits
    kept: Vec<(String, String)>,
    problem: Option<&'static str>,
}

#[derive(Default, Deserialize)]
pub(super) struct Asked {
    next: Option<String>,
    act: Option<String>,
}

impl Asked {
    fn here(&self) -> String {
        let pairs = [("next", &self.next), ("act", &self.act)];
        let given: Vec<(&str, &String)> = pairs.iter().filter_map(|(name, to)| Some((*name, to.as_ref()?))).collect();
        format!("/password?{}", serde_html_form::to_string(given).unwrap_or_default())
    }
}

pub(super) async fn show(layout: Layout, Query(asked): Query<Asked>) -> PageResult {
    Ok(page(ConfirmPage { layout, here: asked.here(), kept: Vec::new(), problem: None }))
}

pub(super) async fn confirm(
    State(state): State<AppState>,
    session: Session,
    client: Client,
    member: Member,
    layout: Layout,
    Query(asked): Query<Asked>,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let typed = pairs.iter().find(|(name, _)| name == PASSWORD).map(|(_, password)| password.clone());
    let kept = pairs.into_iter().filter(|(name, _)| ![PASSWORD, csrf::FIELD].contains(&name.as_str())).collect();
    let again = |problem| ConfirmPage { layout, here: asked.here(), kept, problem };
    let Some(typed) = typed else {
        return Ok(page_with(StatusCode::FORBIDDEN, again(None)));
    };
    if !is_own_password(&state, &client, &member, typed).await? {
        return Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, again(Some(WRONG_PASSWORD))));
    }
    sessions::confirm(&session, state.now()).await?;
    if let Some(act) = asked.act.as_deref().and_then(local_path) {
        return Ok(redirect_with_form(act));
    }
    Ok(redirect(asked.next.as_deref().and_then(local_path).unwrap_or(member.role.home())))
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::PASSWORD;
    use crate::web::testing::{self, TestApp};
    use crate::web::{Access, FormPairs, Routes};

    const HOUR_MS: i64 = 60 * 60_000;

    fn guarded() -> Routes {
        Routes::new().get("/guarded", Access::AdminConfirmed, async || "the page").post(
            "/guarded",
            Access::AdminConfirmed,
            async |FormPairs(pairs): FormPairs| {
                let (_, memo) = pairs.into_iter().find(|(name, _)| name == "memo").unwrap_or_default();
                format!("the act with {memo}")
            },
        )
    }

    /// An administrator at work for longer than the password that began the session counts.
    async fn at_the_end_of_the_day() -> TestApp {
        let app = TestApp::start_with(|_| (), guarded()).await;
        app.sign_in_admin().await;
        assert_eq!(app.get("/guarded").await.ok(), "the page", "the password was typed just now");
        for _ in 0..3 {
            app.clock.advance_ms(5 * HOUR_MS);
            assert_eq!(app.get("/account").await.status, StatusCode::OK);
        }
        app
    }

    #[tokio::test]
    async fn a_page_comes_after_the_password() {
        let app = at_the_end_of_the_day().await;
        let page = app.get("/guarded?day=1").await.location().to_owned();
        assert_eq!(page, "/password?next=%2Fguarded%3Fday%3D1");
        let wrong = app.post_form_from(&page, &page, &[(PASSWORD, "wrong")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.text.contains("id=\"own-password-problem\""));
        let right = app.post_form_from(&page, &page, &[(PASSWORD, testing::PASSWORD)]).await;
        assert_eq!((right.status, right.location()), (StatusCode::SEE_OTHER, "/guarded?day=1"));
        assert_eq!(app.get("/guarded?day=1").await.ok(), "the page");
    }

    #[tokio::test]
    async fn an_act_takes_its_form_along() {
        let app = at_the_end_of_the_day().await;
        let token = app.token("/account").await;
        let form = [("csrf", token.as_str()), ("memo", "문 앞 \"왼쪽\"")];
        let led = app.post_bare("/guarded", &form).await;
        assert_eq!((led.status, led.location()), (StatusCode::TEMPORARY_REDIRECT, "/password?act=%2Fguarded"));
        let asked = app.post_bare(led.location(), &form).await;
        assert_eq!(asked.status, StatusCode::FORBIDDEN);
        assert!(asked.text.contains("name=\"memo\" value=\"문 앞 &#34;왼쪽&#34;\""), "{}", asked.text);

        let form = [form[0], form[1], (PASSWORD, testing::PASSWORD)];
        let sent_on = app.post_bare(led.location(), &form).await;
        assert_eq!((sent_on.status, sent_on.location()), (StatusCode::TEMPORARY_REDIRECT, "/guarded"));
        assert_eq!(app.post_bare(sent_on.location(), &form).await.ok(), "the act with 문 앞 \"왼쪽\"");
    }

    #[tokio::test]
    async fn a_form_of_another_page_waits_nowhere_and_nobody_is_led_away() {
        let app = at_the_end_of_the_day().await;
        let foreign = app.post_bare("/password?act=%2Fguarded", &[("memo", "x")]).await;
        assert_eq!(foreign.status, StatusCode::FORBIDDEN);
        assert!(!foreign.text.contains("name=\"memo\""));
        let away = "/password?next=%2F%2Fevil.example&act=https%3A%2F%2Fevil.example";
        let answer = app.post_form_from("/account", away, &[(PASSWORD, testing::PASSWORD)]).await;
        assert_eq!(answer.location(), "/");
    }

    #[tokio::test]
    async fn guesses_are_counted() {
        let app = at_the_end_of_the_day().await;
        for _ in 0..10 {
            let wrong = app.post_form("/password", &[(PASSWORD, "wrong")]).await;
            assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        let right = app.post_form("/password", &[(PASSWORD, testing::PASSWORD)]).await;
        assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS);
    }

    #[tokio::test]
    async fn the_delivery_team_is_not_asked_but_refused() {
        let app = TestApp::start_with(|_| (), guarded()).await;
        app.sign_in_logistics().await;
        assert_eq!(app.get("/guarded").await.status, StatusCode::FORBIDDEN);
        assert_eq!(app.get("/password").await.status, StatusCode::FORBIDDEN);
    }
}
