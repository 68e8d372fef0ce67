//! `/orders/files`: the files of many orders that the member has begun, how far they are, and the finished ones to fetch.

use askama::Template;
use axum::extract::{Path, State};

use crate::audit::MemberActor;
use crate::orders::file_job::{self, FileJob, FileJobState};
use crate::orders::store::file_jobs;
use crate::storage::Storage;
use crate::web::{Error, FormPairs, Layout, Member, PageResult, page, parse_id, send_kept_file, send_kept_file_again};

#[derive(Template)]
#[template(path = "orders/files.html")]
struct FilesPage {
    layout: Layout,
    files: Vec<FileJob>,
}

impl FilesPage {
    /// Whether the page asks again.
    fn is_under_way(&self) -> bool {
        self.files.iter().any(|file| matches!(file.state, FileJobState::UnderWay(_)))
    }
}

pub(super) async fn list(State(storage): State<Storage>, layout: Layout, member: Member) -> PageResult {
    let files = storage.read(move |tx| file_job::of_member(tx, member.id)).await?;
    Ok(page(FilesPage { layout, files }))
}

/// The file. Its download was recorded when it was made; fetching it once more is a download of its own.
pub(super) async fn download(
    State(storage): State<Storage>,
    actor: MemberActor,
    Path(id): Path<String>,
    FormPairs(_): FormPairs,
) -> PageResult {
    let id = parse_id(&id)?;
    match storage.write(move |tx| file_jobs::fetch(tx, id, actor.id)).await? {
        None => Err(Error::NotFound),
        Some((download_id, false)) => send_kept_file(&storage, download_id).await,
        Some((download_id, true)) => send_kept_file_again(&storage, actor, download_id).await,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::StatusCode;

    use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
    use crate::web::Routes;
    use crate::web::testing::TestApp;

    /// A shop in which more than two orders are many.
    async fn shop() -> TestApp {
        let app = TestApp::start_with_state(|_| (), Routes::new(), |state| state.file_jobs.max_direct_orders = 2).await;
        app.sign_in_admin().await;
        app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
        app
    }

    /// The page of the files when none is in the making.
    async fn files(app: &TestApp) -> String {
        for _ in 0..500 {
            let page = app.get("/orders/files").await.ok();
            if !page.contains("data-poll") {
                return page;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the file is not made");
    }

    /// Where the newest file is fetched.
    fn fetch_url(page: &str) -> &str {
        let action = page.split("action=\"").find(|rest| rest.starts_with("/orders/files/"));
        action.and_then(|rest| rest.split('"').next()).expect("a file to fetch")
    }

    #[tokio::test]
    async fn file_of_many_orders_is_made_in_the_background_and_kept() {
        let app = shop().await;
        let form = [("purpose", "shipping"), ("format", "csv")];
        let few = app.post_form("/orders/download?content=orders&product=MAT-SS", &form).await;
        assert!(few.status == StatusCode::OK && few.text.contains("상품주문번호"), "{}", few.text);
        let begun = app.post_form("/orders/download?content=orders", &form).await;
        assert_eq!((begun.status, begun.location()), (StatusCode::SEE_OTHER, "/orders/files"));
        let page = files(&app).await;
        assert!(page.contains("검색 결과") && page.contains("파일 받기"), "{page}");
        assert!(app.get("/orders").await.ok().contains("aria-label=\"받을 파일 1개\""), "the bar tells it");

        let url = fetch_url(&page).to_owned();
        let file = app.post_form(&url, &[]).await;
        assert!(file.header("content-disposition").contains(".csv"), "{:?}", file.headers);
        assert_eq!(file.header("content-length"), file.bytes.len().to_string());
        assert!(file.text.lines().count() > 20, "{}", file.text);
        let page = app.get("/orders/files").await.ok();
        assert!(page.contains("다시 받기") && !page.contains("받을 파일 1개"), "{page}");
        let record = app.get("/downloads").await.ok();
        assert!(
            record.contains("<strong>2</strong>건") && !record.contains("다시 받음"),
            "it is one download: {record}"
        );
        assert_eq!(app.post_form(&url, &[]).await.bytes, file.bytes);
        let record = app.get("/downloads").await.ok();
        assert!(record.contains("<strong>3</strong>건") && record.contains("다시 받음"), "{record}");
        let missing = url.replace(url.rsplit('/').next().expect("an id"), "0000000000001");
        assert_eq!(app.post_form(&missing, &[]).await.status, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn orders_of_a_file_that_was_made_are_sent_and_asked_about_the_next_time() {
        let app = shop().await;
        let here = "/orders/download?content=purchase-order";
        let page = app.get(here).await.ok();
        let held: Vec<(&str, &str)> = page
            .split("name=\"held\" value=\"")
            .skip(1)
            .filter_map(|rest| Some(("held", rest.split('"').next()?)))
            .collect();
        let form = [&[("purpose", "factory")][..], &held[..]].concat();
        let unseen = app.post_form(here, &[("purpose", "factory")]).await;
        assert_eq!(unseen.status, StatusCode::UNPROCESSABLE_ENTITY, "what is left out is asked before it is made");
        assert_eq!(app.post_form(here, &form).await.location(), "/orders/files");
        let page = files(&app).await;
        let file = app.post_form(fetch_url(&page), &[]).await;
        assert!(file.status == StatusCode::OK && file.bytes.starts_with(b"PK"));
        let again = app.post_form(here, &form).await;
        assert!(again.text.contains("모두 이미 파일로 받은 주문이에요"), "{}", again.text);
    }
}
