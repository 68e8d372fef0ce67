//! `/orders/searches`: a member keeps the search of the order list under a name, or deletes one.

use axum::extract::State;
use serde::Deserialize;

use crate::audit::MemberActor;
use crate::id::Id;
use crate::orders::filter::OrderQuery;
use crate::orders::store::member_lists;
use crate::storage::Storage;
use crate::web::{Flash, Form, PageResult, redirect_with_flash};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SearchForm {
    /// name of the search to keep
    name: String,
    /// query string of the list
    query: String,
    /// identifier of a search to delete
    delete: String,
}

pub(super) async fn update(
    State(storage): State<Storage>,
    actor: MemberActor,
    Form(form): Form<SearchForm>,
) -> PageResult {
    let query: OrderQuery = serde_html_form::from_str(&form.query).unwrap_or_default();
    let here = format!("/orders?{}", query.to_query_string(&[]));
    let flash = storage
        .write(move |tx| {
            let flash = if let Some(id) = Id::parse(&form.delete) {
                member_lists::delete_search(tx, actor.id, id)?;
                Flash::success("저장한 검색을 삭제했어요.".to_owned())
            } else {
                match member_lists::save_search(tx, actor.id, &form.name, &query)? {
                    Ok(()) => Flash::success("이 검색을 저장했어요.".to_owned()),
                    Err(problem) => Flash::warning(problem.to_owned()),
                }
            };
            flash.save(tx, actor.id)
        })
        .await?;
    Ok(redirect_with_flash(&here, flash))
}

#[cfg(test)]
mod tests {
    use crate::web::testing::TestApp;

    #[tokio::test]
    async fn search_is_kept_under_a_name_and_deleted() {
        let app = TestApp::as_admin().await;
        let fields = [("name", "급한 발주"), ("query", "state=PLACED&sort=dispatch_deadline.asc&page=2")];
        let kept = app.post_form("/orders/searches", &fields).await;
        let page = app.get(kept.location()).await.ok();
        assert!(page.contains("이 검색을 저장했어요"));
        let link = "href=\"/orders?state=PLACED&#38;sort=dispatch_deadline.asc\"";
        assert!(page.contains(link) && page.contains("급한 발주"));
        let id = page.split("name=\"delete\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an id");
        app.post_form("/orders/searches", &[("delete", id)]).await;
        assert!(!app.get("/orders").await.ok().contains("급한 발주"));
        let unnamed = app.post_form("/orders/searches", &[("query", "state=PLACED")]).await;
        assert!(app.get(unnamed.location()).await.ok().contains("이름을 입력해 주세요"));
    }
}
