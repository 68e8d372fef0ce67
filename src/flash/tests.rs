//! Flash messages across a redirect.

use super::{FLASH_LIFETIME_MS, Flash, Tone};
use crate::id::MemberId;
use crate::members::model::Role;
use crate::storage::Tx;
use crate::web::testing::TestApp;

const MESSAGE: &str = "주문 3건을 저장했어요.";

/// Saves a message for the member and answers its identifier as in a URL.
async fn saved(app: &TestApp, member_id: MemberId) -> String {
    let save = move |tx: &mut dyn Tx| Flash::new(Tone::Success, MESSAGE).save(tx, member_id);
    app.state.storage.write(save).await.expect("saves").to_string()
}

async fn member_id(app: &TestApp, username: &'static str) -> MemberId {
    let find = move |tx: &mut dyn Tx| crate::members::store::find_id(tx, username);
    app.state.storage.read(find).await.expect("reads").expect("a member")
}

#[tokio::test]
async fn message_is_shown_once_after_the_redirect() {
    let app = TestApp::as_admin().await;
    let id = saved(&app, member_id(&app, "admin").await).await;
    let page = format!("/orders?done={id}");
    let fetched = app.send(app.browser.get(app.url(&page)).header("x-fetched", "1")).await;
    assert!(fetched.ok().contains(MESSAGE), "a script has followed the redirect");
    assert!(app.get(&page).await.ok().contains(MESSAGE));
    assert!(!app.get(&page).await.ok().contains(MESSAGE), "reloaded");
    assert!(!app.get("/orders").await.ok().contains(MESSAGE), "not on the next page");
    let late = saved(&app, member_id(&app, "admin").await).await;
    app.clock.advance_ms(FLASH_LIFETIME_MS);
    assert!(!app.get(&format!("/orders?done={late}")).await.ok().contains(MESSAGE), "expired");
}

#[tokio::test]
async fn message_of_another_member_is_not_shown() {
    let app = TestApp::as_admin().await;
    app.add_member("driver", Role::Logistics).await;
    let id = saved(&app, member_id(&app, "driver").await).await;
    assert!(!app.get(&format!("/orders?done={id}")).await.ok().contains(MESSAGE));
    assert!(!app.get("/orders?done=0000000000001").await.ok().contains("role=\"status\""), "forged");
}

#[tokio::test]
async fn next_message_deletes_expired_ones() {
    let app = TestApp::as_admin().await;
    let admin = member_id(&app, "admin").await;
    saved(&app, admin).await;
    app.clock.advance_ms(FLASH_LIFETIME_MS);
    saved(&app, admin).await;
    let count = |tx: &mut dyn Tx| tx.scalar("SELECT count(*) FROM flash_messages", &[]);
    assert_eq!(app.state.storage.read(count).await.expect("counts"), 1);
}
