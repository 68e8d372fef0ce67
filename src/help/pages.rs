//! The pages of 도움말. They need no login: who cannot get in needs them most.

use askama::Template;
use axum::extract::Path;
use serde::Deserialize;

use super::model::{self, Hit, Topic};
use crate::web::{Access, Error, Layout, PageResult, Query, Routes, page};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new().get("/help", Access::Public, index).get("/help/{topic}", Access::Public, show)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Words {
    q: String,
}

#[derive(Template)]
#[template(path = "help/index.html")]
struct IndexPage {
    layout: Layout,
    q: String,
    hits: Vec<Hit>,
    topics: &'static [Topic],
}

async fn index(layout: Layout, Query(Words { q }): Query<Words>) -> PageResult {
    let q = q.trim().to_owned();
    Ok(page(IndexPage { layout, hits: model::search(&q), q, topics: model::all() }))
}

#[derive(Template)]
#[template(path = "help/show.html")]
struct TopicPage {
    layout: Layout,
    topic: &'static Topic,
    topics: &'static [Topic],
}

async fn show(layout: Layout, Path(name): Path<String>) -> PageResult {
    let topic = model::find(&name).ok_or(Error::NotFound)?;
    Ok(page(TopicPage { layout, topic, topics: model::all() }))
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use crate::help::model;
    use crate::web::testing::TestApp;

    #[tokio::test]
    async fn each_screen_leads_to_its_topic_and_nobody_has_to_sign_in_to_read_it() {
        let app = TestApp::as_admin().await;
        for (screen, topic) in [("/", "today"), ("/orders", "orders"), ("/orders/new", "counter"), ("/shop", "shop")] {
            assert!(app.get(screen).await.ok().contains(&format!("href=\"/help/{topic}\"")), "{screen}");
        }
        assert!(app.get("/help").await.ok().contains("href=\"/help\""));
        let nobody = app.another_browser();
        assert!(nobody.get("/login").await.ok().contains("href=\"/help/account\""));
        for topic in model::all() {
            let page = nobody.get(&format!("/help/{}", topic.name)).await.ok();
            assert!(page.contains(&format!("<h1>{}</h1>", topic.title)), "{}", topic.name);
        }
        assert_eq!(nobody.get("/help/nothing").await.status, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn what_is_searched_for_is_found_or_not() {
        let app = TestApp::as_admin().await;
        let found = app.get("/help?q=%EB%A0%88%EC%9D%B4%EB%B8%94").await.ok();
        assert!(found.contains("href=\"/help/products"));
        let none = app.get("/help?q=%3Cscript%3E").await.ok();
        assert!(none.contains("맞는 도움말이 없어요") && !none.contains("<script>"));
    }
}
