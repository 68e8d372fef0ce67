//! `/account/unsent`: a form that arrived after the login had run out is sent again, or dropped.

use askama::Template;
use axum::extract::State;
use tower_sessions::Session;

use crate::sessions;
use crate::storage::Storage;
use crate::time::Moment;
use crate::vault::Vault;
use crate::web::{
    Error, Flash, FormPairs, Layout, Member, PageResult, local_path, page, redirect, redirect_with_flash,
    redirect_with_form, unseal_fields,
};

/// The field of the buttons; no other form has a field of this name.
const ANSWER_FIELD: &str = "unsent_answer";

#[derive(Template)]
#[template(path = "members/unsent.html")]
struct UnsentPage {
    layout: Layout,
    /// when the form arrived
    at: Moment,
    /// the menu item of its page
    place: &'static str,
    fields: Vec<(String, String)>,
}

/// The menu item of the page with a form.
fn place_of(action: &str) -> &'static str {
    match action.split(['/', '?']).nth(1).unwrap_or_default() {
        "orders" => "주문",
        "deliveries" => "배송",
        "uploads" => "업로드",
        "products" => "상품",
        "districts" => "지역",
        "plans" | "trucks" => "배차",
        "settings" => "설정",
        "shop" => "가게 정보",
        "members" => "회원",
        "account" => "내 계정",
        _ => "앞",
    }
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(vault): State<Vault>,
    session: Session,
    layout: Layout,
    member: Member,
) -> PageResult {
    let form = sessions::unsent(&session, member.id, storage.clock().now()).await?;
    let fields = form.as_ref().and_then(|form| unseal_fields(&vault, form));
    Ok(match (form, fields) {
        (Some(form), Some(fields)) => {
            page(UnsentPage { layout, at: Moment(form.received_at), place: place_of(&form.action), fields })
        }
        _ => redirect(member.role.home()),
    })
}

pub(super) async fn answer(
    State(storage): State<Storage>,
    session: Session,
    member: Member,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let form = sessions::unsent(&session, member.id, storage.clock().now()).await?;
    sessions::drop_unsent(&session).await.map_err(Error::from)?;
    let is_sent = pairs.iter().any(|(name, value)| name == ANSWER_FIELD && value == "send");
    let action = form.as_ref().and_then(|form| local_path(&form.action));
    let flash = match action {
        // The browser sends the fields of the page on to where they were meant for, with the token of this session.
        Some(action) if is_sent => return Ok(redirect_with_form(action)),
        Some(_) => Flash::success("보내지 못한 내용을 버렸어요."),
        None => Flash::warning("이미 보냈거나 시간이 지난 내용이에요. 저장되었는지 확인해 주세요."),
    };
    let flash = storage.write(move |tx| flash.save(tx, member.id)).await?;
    Ok(redirect_with_flash(member.role.home(), flash))
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::ANSWER_FIELD;
    use crate::web::testing::{PASSWORD, TestApp, TestResponse};
    use crate::web::{Access, FormPairs, PageAction, PageKind, Role, Routes};

    const HOUR_MS: i64 = 60 * 60_000;

    fn memo_route() -> Routes {
        Routes::new().post(
            "/memo",
            Access::Page(PageKind::Deliveries, PageAction::View),
            async |FormPairs(pairs): FormPairs| {
                let (_, memo) = pairs.into_iter().find(|(name, _)| name == "memo").unwrap_or_default();
                format!("saved {memo}")
            },
        )
    }

    /// A member who has typed a memo while the session ran out. Returns the answer to the form.
    async fn send_after_the_session() -> (TestApp, String, TestResponse) {
        let app = TestApp::start_with(|_| (), memo_route()).await;
        app.sign_in_admin().await;
        let token = app.token("/account").await;
        app.clock.advance_ms(11 * HOUR_MS);
        let form = [("csrf", token.as_str()), ("memo", "문 앞 & \"왼쪽\"")];
        let answer = app.post_bare("/memo?row=1", &form).await;
        (app, token, answer)
    }

    async fn log_in(app: &TestApp, username: &str, next: &str) -> TestResponse {
        app.post_form_from("/login", "/login", &[("username", username), ("password", PASSWORD), ("next", next)]).await
    }

    #[tokio::test]
    async fn form_of_a_login_that_ran_out_is_sent_after_the_next_one() {
        let (app, _, answer) = send_after_the_session().await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/login?next=%2Faccount%2Funsent"));
        assert!(app.get(answer.location()).await.ok().contains("로그인이 끊겼어요"));
        assert_eq!(log_in(&app, "admin", "/account/unsent").await.location(), "/account/unsent");
        let page = app.get("/account/unsent").await.ok();
        assert!(page.contains("name=\"memo\" value=\"문 앞 &#38; &#34;왼쪽&#34;\""), "{page}");

        let token = app.token("/account").await;
        let form = [("csrf", token.as_str()), ("memo", "문 앞 & \"왼쪽\""), (ANSWER_FIELD, "send")];
        let sent = app.post_bare("/account/unsent", &form).await;
        assert_eq!((sent.status, sent.location()), (StatusCode::TEMPORARY_REDIRECT, "/memo?row=1"));
        assert_eq!(app.post_bare(sent.location(), &form).await.ok(), "saved 문 앞 & \"왼쪽\"");
        assert_eq!(app.get("/account/unsent").await.status, StatusCode::SEE_OTHER, "it is offered once");
    }

    #[tokio::test]
    async fn form_of_another_login_of_the_member_is_kept_too() {
        let (app, token, _) = send_after_the_session().await;
        log_in(&app, "admin", "").await;
        let form = [("csrf", token.as_str()), ("memo", "회색으로")];
        let answer = app.post_bare("/memo", &form).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/account/unsent"));
        assert!(app.get("/account/unsent").await.ok().contains("회색으로"));
        let dropped = app.post_form("/account/unsent", &[(ANSWER_FIELD, "drop")]).await;
        assert!(app.get(dropped.location()).await.ok().contains("버렸어요"));
        assert_eq!(app.get("/account/unsent").await.status, StatusCode::SEE_OTHER);
    }

    #[tokio::test]
    async fn another_member_does_not_get_the_form() {
        let (app, token, _) = send_after_the_session().await;
        app.add_member("other", Role::Admin).await;
        log_in(&app, "other", "/account/unsent").await;
        assert_eq!(app.get("/account/unsent").await.status, StatusCode::SEE_OTHER);
        let answer = app.post_bare("/memo", &[("csrf", token.as_str()), ("memo", "x")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "nor by sending it");
        app.post_form("/logout", &[]).await;
        log_in(&app, "admin", "").await;
        assert_eq!(app.get("/account/unsent").await.status, StatusCode::SEE_OTHER, "it is gone");
    }

    #[tokio::test]
    async fn form_without_a_token_of_a_member_is_not_kept() {
        let app = TestApp::start_with(|_| (), memo_route()).await;
        app.sign_in_admin().await;
        let other = app.another_browser();
        let anonymous = other.token("/login").await;
        let long = "x".repeat(300 * 1024);
        for token in ["", anonymous.as_str(), long.as_str()] {
            let answer = other.post_bare("/memo", &[("csrf", token), ("memo", "x")]).await;
            assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/login"));
        }
        let token = app.token("/account").await;
        let late = other.post_bare("/memo", &[("memo", long.as_str()), ("csrf", &token)]).await;
        assert_eq!(late.location(), "/login", "a form that is too large");
    }

    #[tokio::test]
    async fn form_is_kept_for_an_hour_and_its_token_for_half_a_day() {
        let (app, token, _) = send_after_the_session().await;
        app.clock.advance_ms(HOUR_MS + 1);
        log_in(&app, "admin", "").await;
        assert_eq!(app.get("/account/unsent").await.status, StatusCode::SEE_OTHER);
        app.clock.advance_ms(HOUR_MS);
        let answer = app.post_bare("/memo", &[("csrf", token.as_str()), ("memo", "x")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
}
