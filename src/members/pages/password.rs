//! Re-authentication: the password is entered again before a page of
//! [`Access::AdminReauthenticated`](crate::web::Access).
//!
//! A GET arrives with `next`, where the browser is redirected afterwards. A POST arrives with `act` and its form; the
//! form is kept in hidden fields and submitted to that action (307) together with the password, which its handler ignores.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use tower_sessions::Session;

use super::{OwnPassword, WRONG_PASSWORD};
use crate::sessions;
use crate::storage::Storage;
use crate::web::{
    FormPairs, Layout, PageResult, Query, csrf, local_path, page, page_with_status, redirect, redirect_with_form,
};

/// The field of the password; no other form has a field of this name.
const PASSWORD_FIELD: &str = "own_password";

#[derive(Template)]
#[template(path = "members/password.html")]
struct PasswordPage {
    layout: Layout,
    /// this page with its query
    action: String,
    /// the fields of the pending form
    pending: Vec<(String, String)>,
    error: Option<&'static str>,
}

#[derive(Default, Deserialize)]
pub(super) struct PasswordQuery {
    /// the page to view afterwards
    next: Option<String>,
    /// the action of the pending form
    act: Option<String>,
}

impl PasswordQuery {
    /// The URL of this page.
    fn url(&self) -> String {
        let pairs = [("next", &self.next), ("act", &self.act)];
        let given: Vec<(&str, &String)> = pairs.iter().filter_map(|(name, to)| Some((*name, to.as_ref()?))).collect();
        format!("/password?{}", serde_html_form::to_string(given).unwrap_or_default())
    }
}

pub(super) async fn show(layout: Layout, Query(query): Query<PasswordQuery>) -> PageResult {
    Ok(page(PasswordPage { layout, action: query.url(), pending: Vec::new(), error: None }))
}

pub(super) async fn reauthenticate(
    State(storage): State<Storage>,
    session: Session,
    own_password: OwnPassword,
    layout: Layout,
    Query(query): Query<PasswordQuery>,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let typed = pairs.iter().find(|(name, _)| name == PASSWORD_FIELD).map(|(_, password)| password.clone());
    let pending =
        pairs.into_iter().filter(|(name, _)| ![PASSWORD_FIELD, csrf::FIELD].contains(&name.as_str())).collect();
    let render = |error| PasswordPage { layout, action: query.url(), pending, error };
    let Some(typed) = typed else {
        return Ok(page_with_status(StatusCode::FORBIDDEN, render(None)));
    };
    if !own_password.verify(typed).await? {
        return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, render(Some(WRONG_PASSWORD))));
    }
    sessions::record_reauthentication(&session, storage.clock().now()).await?;
    if let Some(action) = query.act.as_deref().and_then(local_path) {
        return Ok(redirect_with_form(action));
    }
    Ok(redirect(query.next.as_deref().and_then(local_path).unwrap_or(own_password.current.member.role.home())))
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::PASSWORD_FIELD;
    use crate::web::testing::{self, TestApp};
    use crate::web::{Access, FormPairs, Routes};

    const HOUR_MS: i64 = 60 * 60_000;

    fn protected_routes() -> Routes {
        Routes::new().get("/guarded", Access::AdminReauthenticated, async || "the page").post(
            "/guarded",
            Access::AdminReauthenticated,
            async |FormPairs(pairs): FormPairs| {
                let (_, memo) = pairs.into_iter().find(|(name, _)| name == "memo").unwrap_or_default();
                format!("the act with {memo}")
            },
        )
    }

    /// An active session whose password was entered too long ago.
    async fn stale_session() -> TestApp {
        let app = TestApp::start_with(|_| (), protected_routes()).await;
        app.sign_in_admin().await;
        assert_eq!(app.get("/guarded").await.ok(), "the page", "the password was typed just now");
        for _ in 0..3 {
            app.clock.advance_ms(5 * HOUR_MS);
            assert_eq!(app.get("/account").await.status, StatusCode::OK);
        }
        app
    }

    #[tokio::test]
    async fn page_is_shown_after_reauthentication() {
        let app = stale_session().await;
        let page = app.get("/guarded?day=1").await.location().to_owned();
        assert_eq!(page, "/password?next=%2Fguarded%3Fday%3D1");
        let wrong = app.post_form_from(&page, &page, &[(PASSWORD_FIELD, "wrong")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.text.contains("id=\"own-password-problem\""));
        let right = app.post_form_from(&page, &page, &[(PASSWORD_FIELD, testing::PASSWORD)]).await;
        assert_eq!((right.status, right.location()), (StatusCode::SEE_OTHER, "/guarded?day=1"));
        assert_eq!(app.get("/guarded?day=1").await.ok(), "the page");
    }

    #[tokio::test]
    async fn pending_form_is_submitted_after_reauthentication() {
        let app = stale_session().await;
        let token = app.token("/account").await;
        let form = [("csrf", token.as_str()), ("memo", "문 앞 \"왼쪽\"")];
        let led = app.post_bare("/guarded", &form).await;
        assert_eq!((led.status, led.location()), (StatusCode::TEMPORARY_REDIRECT, "/password?act=%2Fguarded"));
        let asked = app.post_bare(led.location(), &form).await;
        assert_eq!(asked.status, StatusCode::FORBIDDEN);
        assert!(asked.text.contains("name=\"memo\" value=\"문 앞 &#34;왼쪽&#34;\""), "{}", asked.text);

        let form = [form[0], form[1], (PASSWORD_FIELD, testing::PASSWORD)];
        let sent_on = app.post_bare(led.location(), &form).await;
        assert_eq!((sent_on.status, sent_on.location()), (StatusCode::TEMPORARY_REDIRECT, "/guarded"));
        assert_eq!(app.post_bare(sent_on.location(), &form).await.ok(), "the act with 문 앞 \"왼쪽\"");
    }

    #[tokio::test]
    async fn foreign_forms_and_redirects_are_rejected() {
        let app = stale_session().await;
        let foreign = app.post_bare("/password?act=%2Fguarded", &[("memo", "x")]).await;
        assert_eq!(foreign.status, StatusCode::FORBIDDEN);
        assert!(!foreign.text.contains("name=\"memo\""));
        let away = "/password?next=%2F%2Fevil.example&act=https%3A%2F%2Fevil.example";
        let answer = app.post_form_from("/account", away, &[(PASSWORD_FIELD, testing::PASSWORD)]).await;
        assert_eq!(answer.location(), "/");
    }

    #[tokio::test]
    async fn password_attempts_are_throttled() {
        let app = stale_session().await;
        for _ in 0..10 {
            let wrong = app.post_form("/password", &[(PASSWORD_FIELD, "wrong")]).await;
            assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        let right = app.post_form("/password", &[(PASSWORD_FIELD, testing::PASSWORD)]).await;
        assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS);
    }

    #[tokio::test]
    async fn logistics_members_are_refused() {
        let app = TestApp::start_with(|_| (), protected_routes()).await;
        app.sign_in_logistics().await;
        assert_eq!(app.get("/guarded").await.status, StatusCode::FORBIDDEN);
    }
}
