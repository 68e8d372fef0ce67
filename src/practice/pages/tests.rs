//! A practice session through its pages.

use reqwest::StatusCode;

use crate::config::{DemoPlan, ResetSchedule};
use crate::demo::ACCOUNTS;
use crate::members::store as members;
use crate::orders::model::{NewOrder, OrderState};
use crate::practice::exercises::{ExerciseSet, PracticeSession};
use crate::practice::model::Task;
use crate::practice::store;
use crate::web::Routes;
use crate::web::testing::TestApp;

async fn open() -> TestApp {
    let plan = DemoPlan { orders: 60, reset_every: ResetSchedule::DAILY, is_public: false };
    let app = TestApp::start_with(|config| config.demo = Some(plan), Routes::new()).await;
    let demo = app.state.demo.clone().expect("a demo");
    demo.reset_if_due(&app.state.storage, &app.state.passwords).await.expect("generates");
    sign_in(&app, 0).await;
    app
}

async fn sign_in(app: &TestApp, account: usize) {
    let fields = [("username", ACCOUNTS[account].username), ("password", ACCOUNTS[account].password)];
    assert_eq!(app.post_form_from("/login", "/login", &fields).await.status, StatusCode::SEE_OTHER);
}

async fn session(app: &TestApp, username: &'static str) -> Option<PracticeSession> {
    let read = move |tx: &mut dyn crate::storage::Tx| {
        let id = members::find_id(tx, username)?.expect("a member");
        store::current_session(tx, id)
    };
    app.state.storage.read(read).await.expect("reads")
}

async fn done_tasks(app: &TestApp, username: &'static str) -> Vec<Task> {
    let read = move |tx: &mut dyn crate::storage::Tx| {
        let id = members::find_id(tx, username)?.expect("a member");
        let account = members::find(tx, id)?.expect("a member");
        store::progress(tx, &account.member)
    };
    let progress = app.state.storage.read(read).await.expect("reads").expect("has started");
    progress.tasks.into_iter().filter(|(_, is_done)| *is_done).map(|(task, _)| task).collect()
}

/// Order id, delivery id (both as in URLs) and version of an order.
async fn ids(app: &TestApp, order: &NewOrder) -> (String, String, i64) {
    let number = order.order_number.clone();
    let read = move |tx: &mut dyn crate::storage::Tx| {
        let ids = crate::orders::store::find_by_number(tx, &number)?;
        let order = crate::orders::store::find(tx, &ids)?.pop().expect("an order");
        Ok::<_, crate::storage::StorageError>((order.id.to_string(), order.delivery_id.to_string(), order.version))
    };
    app.state.storage.read(read).await.expect("reads")
}

async fn upload(app: &TestApp, file: &str) {
    let answer = app.browser.get(app.url(&format!("/practice/files/{file}"))).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    let bytes = answer.bytes().await.expect("a file").to_vec();
    let part = || reqwest::multipart::Part::bytes(bytes.clone()).file_name("연습.xlsx");
    let answer = app.post_multipart("/uploads", |form| form.part("files", part())).await;
    let page = answer.location().split('?').next().expect("an address").to_owned();
    assert!(page.starts_with("/uploads/"), "{}", answer.text);
    assert!(app.get(&page).await.ok().contains("적용"));
    assert_eq!(app.post_form(&format!("{page}/apply"), &[]).await.status, StatusCode::SEE_OTHER);
    assert!(app.get(&page).await.ok().contains("적용됨"));
}

#[tokio::test]
async fn each_task_is_ticked_once_it_is_done() {
    let app = open().await;
    assert!(app.get("/practice").await.ok().contains("연습 시작하기"));
    let started = app.post_form("/practice", &[]).await;
    assert!(app.get(started.location()).await.ok().contains("14개 중 0개를 마쳤어요"));
    let exercises = ExerciseSet::for_session(session(&app, "demo-admin").await.expect("started"));
    assert_eq!(done_tasks(&app, "demo-admin").await, []);
    let mut expected = Vec::new();

    upload(&app, "orders").await;
    expected.push(Task::Upload);
    assert_eq!(done_tasks(&app, "demo-admin").await, expected);

    label(&app, &exercises).await;
    expected.push(Task::Label);
    assert_eq!(done_tasks(&app, "demo-admin").await, expected);

    let mut fields = vec![("act".to_owned(), "purchase".to_owned())];
    for order in exercises.of_task(Task::Purchase) {
        fields.push(("tick".to_owned(), ids(&app, order).await.0));
    }
    let pairs: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    app.post_form("/orders", &pairs).await;
    assert_eq!(done_tasks(&app, "demo-admin").await, expected, "no 발주서 yet");
    let address =
        format!("/orders/download?state=PURCHASED&product={}&content=purchase-order", exercises.product_number());
    assert_eq!(app.post_form(&address, &[("purpose", "factory"), ("format", "csv")]).await.status, StatusCode::OK);
    expected.push(Task::Purchase);
    assert_eq!(done_tasks(&app, "demo-admin").await, expected);

    upload(&app, "claims").await;
    assert_eq!(done_tasks(&app, "demo-admin").await, expected, "nothing was sent yet");
    let mut fields = vec![("act".to_owned(), "dispatch".to_owned())];
    for order in exercises.of_task(Task::Claim) {
        fields.push(("tick".to_owned(), ids(&app, order).await.0));
    }
    let pairs: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    app.post_form("/orders", &pairs).await;
    expected.push(Task::Claim);
    assert_eq!(done_tasks(&app, "demo-admin").await, expected, "the claimed order is left");

    upload(&app, "courier").await;
    expected.push(Task::Courier);
    let slips = exercises.of_task(Task::Slips);
    let (first, second) = (ids(&app, slips[0]).await.1, ids(&app, slips[1]).await.1);
    app.post_form("/deliveries/slips", &[("id", &first)]).await;
    assert_eq!(done_tasks(&app, "demo-admin").await, expected, "one slip of two");
    app.post_form("/deliveries/slips", &[("id", &second)]).await;
    expected.push(Task::Slips);
    upload(&app, "returns").await;
    expected.push(Task::Return);
    assert_eq!(done_tasks(&app, "demo-admin").await, expected);

    let merged = exercises.of_task(Task::Merge);
    let ((id, _, version), (_, other, _)) = (ids(&app, merged[0]).await, ids(&app, merged[1]).await);
    let fields = [("act", "merge"), ("which", other.as_str()), ("version", &version.to_string())];
    app.post_form(&format!("/orders/{id}/bundle"), &fields).await;
    expected.push(Task::Merge);
    assert_eq!(done_tasks(&app, "demo-admin").await, expected);

    correct_address(&app, &exercises, "alone").await;
    assert_eq!(done_tasks(&app, "demo-admin").await, expected, "it left its bundle");
}

async fn label(app: &TestApp, exercises: &ExerciseSet) {
    let number = exercises.product_number();
    let read = move |tx: &mut dyn crate::storage::Tx| {
        let product = crate::products::store::by_number(tx, [number.as_str()])?.remove(&number).expect("the product");
        crate::products::store::variants(tx, product.id)
    };
    let variants = app.state.storage.read(read).await.expect("reads");
    assert_eq!(variants.len(), 2);
    for variant in variants {
        let id = variant.id.to_string();
        let (label, version) = (format!("label-{id}"), format!("version-{id}"));
        let fields = [("tick", id.as_str()), (&version, "0"), (&label, "공장 말")];
        let page = format!("/products/{}", variant.product_id);
        assert_eq!(app.post_form(&page, &fields).await.status, StatusCode::SEE_OTHER);
    }
}

/// Saves the first order of [`Task::Address`] with the correct address.
async fn correct_address(app: &TestApp, exercises: &ExerciseSet, scope: &str) {
    let (id, ..) = ids(app, exercises.of_task(Task::Address)[0]).await;
    let number = exercises.of_task(Task::Address)[0].order_number.clone();
    let read = move |tx: &mut dyn crate::storage::Tx| {
        let ids = crate::orders::store::find_by_number(tx, &number)?;
        let order = crate::orders::store::find(tx, &ids)?.pop().expect("an order");
        let bundle = crate::orders::store::deliveries::bundle_number(tx, order.delivery_id)?;
        Ok::<_, crate::storage::StorageError>((crate::orders::edit::inputs_of(&order, &bundle), order.version))
    };
    let (mut inputs, version) = app.state.storage.read(read).await.expect("reads");
    inputs.set("recipient_address2", exercises.correct_address());
    let version = version.to_string();
    let mut fields: Vec<(&str, &str)> = inputs.iter().filter(|(field, _)| *field != "options").collect();
    fields.extend([("version", version.as_str()), ("scope", scope)]);
    let answer = app.post_form(&format!("/orders/{id}"), &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
}

#[tokio::test]
async fn address_and_completion_tasks_are_ticked() {
    let app = open().await;
    app.post_form("/practice", &[]).await;
    let exercises = ExerciseSet::for_session(session(&app, "demo-admin").await.expect("started"));
    correct_address(&app, &exercises, "bundle").await;
    assert_eq!(done_tasks(&app, "demo-admin").await, [Task::Address]);

    let (_, delivery, _) = ids(&app, exercises.of_task(Task::Complete)[0]).await;
    app.post_form("/deliveries", &[("act", "complete"), ("tick", &delivery)]).await;
    assert_eq!(done_tasks(&app, "demo-admin").await, [Task::Address], "not put back yet");
    app.post_form("/deliveries/undo", &[("delivery", &delivery)]).await;
    assert_eq!(done_tasks(&app, "demo-admin").await, [Task::Address, Task::Complete]);
}

#[tokio::test]
async fn trainer_sees_progress_and_restarts_a_member() {
    let app = open().await;
    let team = app.another_browser();
    sign_in(&team, 1).await;
    assert!(app.get("/practice/members").await.ok().contains("아직 시작하지 않았어요"));
    assert_eq!(team.get("/practice/members").await.status, StatusCode::FORBIDDEN);
    let started = team.post_form("/practice", &[]).await;
    let page = team.get(started.location()).await.ok();
    assert!(page.contains("5개 중 0개") && !page.contains("/practice/files/"));

    let first = session(&app, "demo-team").await.expect("started");
    assert_eq!(team.post_form("/practice", &[]).await.location(), "/practice", "one session is enough");
    assert_eq!(session(&app, "demo-team").await, Some(first));
    let delivery = ids(&team, ExerciseSet::for_session(first).of_task(Task::Complete)[0]).await.1;
    team.post_form("/deliveries", &[("act", "complete"), ("tick", &delivery)]).await;
    team.post_form("/deliveries/undo", &[("delivery", &delivery)]).await;
    assert_eq!(done_tasks(&app, "demo-team").await, [Task::Complete]);
    assert!(app.get("/practice/members").await.ok().contains("<strong>1/5</strong>"));

    let id = app.state.storage.read(|tx| members::find_id(tx, "demo-team")).await.expect("reads").expect("a member");
    let answer = app.post_form(&format!("/practice/members/{id}"), &[]).await;
    assert!(app.get(answer.location()).await.ok().contains("demo-team 님의 연습을 새로 시작했어요"));
    assert_ne!(session(&app, "demo-team").await, Some(first));
    assert_eq!(done_tasks(&app, "demo-team").await, []);
}

#[tokio::test]
async fn inserted_orders_have_their_initial_states() {
    let app = open().await;
    app.post_form("/practice", &[]).await;
    let exercises = ExerciseSet::for_session(session(&app, "demo-admin").await.expect("started"));
    for (task, state) in [
        (Task::Claim, OrderState::Purchased),
        (Task::Courier, OrderState::Dispatched),
        (Task::Slips, OrderState::Dispatched),
        (Task::Return, OrderState::Shipped),
        (Task::Merge, OrderState::Placed),
        (Task::Address, OrderState::Purchased),
    ] {
        for order in exercises.of_task(task) {
            let list = app.get(&format!("/orders?q={}&state={}", order.order_number, state.code())).await.ok();
            assert!(list.contains("총 <strong>1</strong>건"), "{task:?}");
        }
    }
    for task in Task::ALL.into_iter().filter(|task| *task != Task::Label) {
        assert_eq!(app.get(&task.start_url(&exercises)).await.status, StatusCode::OK, "{task:?}");
    }
}

#[tokio::test]
async fn manual_reset_has_a_minimum_interval() {
    let app = open().await;
    let refused = app.post_form("/practice/reset", &[]).await;
    assert!(refused.status == StatusCode::BAD_REQUEST && refused.text.contains("1분 뒤에"));
    app.post_form("/practice", &[]).await;
    app.clock.advance_ms(60 * 1000);
    assert_eq!(app.post_form("/practice/reset", &[]).await.location(), "/login");
    sign_in(&app, 0).await;
    assert!(app.get("/practice").await.ok().contains("연습 시작하기"), "its sessions are gone as well");
}

#[tokio::test]
async fn real_shop_has_no_practice_pages() {
    let app = TestApp::as_admin().await;
    for path in ["/practice", "/practice/members", "/practice/files/orders"] {
        assert_eq!(app.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["/practice", "/practice/reset", "/practice/members/0000000000001"] {
        assert_eq!(app.post_form(path, &[]).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert!(!app.get("/orders").await.ok().contains("/practice"));
}
