//! Pages of the manual, and the handbook for a new colleague. The manual is public, because the topic about login problems
//! must be readable without a login.

mod handbook;

use std::sync::LazyLock;

use askama::Template;
use axum::extract::Path;
use serde::Deserialize;

use super::model::{self, SearchHit, Topic};
use crate::web::{Access, Error, Layout, PageAction, PageKind, PageResult, Query, Routes, assets, page};

/// Topics with their pictures' URLs, parsed on first use.
static TOPICS: LazyLock<Vec<Topic>> = LazyLock::new(|| model::load(assets::url));

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/help", Access::Public, list)
        .get("/help/handbook", Access::Page(PageKind::Deliveries, PageAction::View), handbook::show)
        .get("/help/{topic}", Access::Public, show)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct HelpQuery {
    q: String,
}

#[derive(Template)]
#[template(path = "help/list.html")]
struct ListPage {
    layout: Layout,
    q: String,
    hits: Vec<SearchHit>,
    topics: &'static [Topic],
}

async fn list(layout: Layout, Query(HelpQuery { q }): Query<HelpQuery>) -> PageResult {
    let q = q.trim().to_owned();
    Ok(page(ListPage { layout, hits: model::search(&TOPICS, &q), q, topics: &TOPICS }))
}

#[derive(Template)]
#[template(path = "help/show.html")]
struct ShowPage {
    layout: Layout,
    topic: &'static Topic,
    topics: &'static [Topic],
}

async fn show(layout: Layout, Path(name): Path<String>) -> PageResult {
    let topic = model::find(&TOPICS, &name).ok_or(Error::NotFound)?;
    Ok(page(ShowPage { layout, topic, topics: &TOPICS }))
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::TOPICS;
    use crate::web::testing::TestApp;

    #[tokio::test]
    async fn screens_link_to_their_topics_which_are_public() {
        let app = TestApp::as_admin().await;
        for (screen, topic) in [("/", "today"), ("/orders", "orders"), ("/orders/new", "counter"), ("/shop", "shop")] {
            assert!(app.get(screen).await.ok().contains(&format!("href=\"/help/{topic}\"")), "{screen}");
        }
        assert!(app.get("/help").await.ok().contains("href=\"/help\""));
        let anonymous = app.another_browser();
        assert!(anonymous.get("/login").await.ok().contains("href=\"/help/account\""));
        for topic in TOPICS.iter() {
            let page = anonymous.get(&format!("/help/{}", topic.name)).await.ok();
            assert!(page.contains(&format!("<h1>{}</h1>", topic.title)), "{}", topic.name);
        }
        assert_eq!(anonymous.get("/help/nothing").await.status, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn search_shows_hits_or_a_message() {
        let app = TestApp::as_admin().await;
        let found = app.get("/help?q=%EB%A0%88%EC%9D%B4%EB%B8%94").await.ok();
        assert!(found.contains("href=\"/help/products"));
        let none = app.get("/help?q=%3Cscript%3E").await.ok();
        assert!(none.contains("맞는 도움말이 없어요") && !none.contains("<script>"));
    }
}
