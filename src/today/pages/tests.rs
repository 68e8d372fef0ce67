//! The dashboard's figures equal the totals of the lists they link to.

use crate::config::Database;
use crate::members::model::Role;
use crate::storage::{StorageError, Tx};
use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
use crate::web::testing::{START, TestApp};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The links of the dashboard with their figures, from top to bottom.
fn figures(page: &str) -> Vec<(String, i64)> {
    let main = page.split_once("<main").expect("a page").1;
    let links = main.split("<a ").skip(1).filter_map(|link| {
        let href = link.split_once("href=\"")?.1.split_once('"')?.0.replace("&#38;", "&");
        let number = link.split_once("</a>")?.0.split_once("<strong")?.1.split_once('>')?.1.split_once('<')?.0;
        Some((href, number.replace(',', "").parse().ok()?))
    });
    links.collect()
}

/// The figure whose link starts with `prefix`.
fn figure(page: &str, prefix: &str) -> i64 {
    let figures = figures(page);
    let found = figures.iter().find(|(href, _)| href.starts_with(prefix));
    found.unwrap_or_else(|| panic!("{prefix} in {figures:?}")).1
}

/// The total of a list, from its `총 N건`.
async fn total(app: &TestApp, href: &str) -> i64 {
    let page = app.get(href).await.ok();
    if page.contains("class=\"empty\"") {
        return 0;
    }
    let after = page.split_once("총 ").unwrap_or_else(|| panic!("{href}: {page}")).1.replace("<strong>", "");
    after.split(['<', '건']).next().expect("a number").replace(',', "").parse().expect(href)
}

async fn shop() -> TestApp {
    let app = TestApp::as_admin().await;
    for file in [ORDERS_FILE, "08_logen_result_header_row2.xls", "B06_bad_values.xlsx"] {
        app.post_form(&format!("{}/apply", upload_fixture(&app, file).await), &[]).await;
    }
    let undecided = |tx: &mut dyn Tx| tx.exec("UPDATE uploads SET open_conflicts = 3 WHERE kind = 'tracking'", &[]);
    app.state.storage.write(undecided).await.expect("writes");
    app
}

#[tokio::test]
async fn each_figure_equals_the_total_of_its_list() {
    let app = shop().await;
    let mut lists = 0;
    // All deadlines are on 20 March; the clock moves from five days before them to the day after.
    for days in [0, 2, 3, 1] {
        app.clock.advance_ms(days * DAY_MS);
        let app = app.another_browser();
        app.sign_in_admin().await;
        let page = app.get("/").await.ok();
        for (href, number) in figures(&page) {
            if !href.starts_with("/districts") {
                assert_eq!(total(&app, &href).await, number, "{href}");
                lists += 1;
            }
        }
    }
    assert!(lists >= 4 * (7 + 6 + 2 + 4), "states, spans of deadlines, days of deliveries, notices: {lists}");
}

#[tokio::test]
async fn open_work_is_counted() {
    let app = shop().await;
    let page = app.get("/").await.ok();
    assert!(page.contains("2024-03-15 (금)"), "{page}");
    assert_eq!(figure(&page, "/orders?state=SHIPPED"), 8);
    assert_eq!(figure(&page, "/orders?date=dispatch_deadline&to=2024-03-14&state=PLACED"), 0);
    assert_eq!(figure(&page, "/orders?claim=open"), 1);
    assert_eq!(figure(&page, "/uploads?rows=rejected"), 2);
    assert_eq!(figure(&page, "/uploads?rows=decisions"), 1);
    assert_eq!(figure(&page, "/products?labels=missing"), 6);
    assert!(page.contains("첫 주문 파일 올리기</strong> <span class=\"tag good\">완료</span>"), "{page}");

    app.clock.advance_ms(6 * DAY_MS);
    app.sign_in_admin().await;
    let page = app.get("/").await.ok();
    let late = "/orders?date=dispatch_deadline&to=2024-03-20&state=PLACED";
    assert_eq!(figure(&page, late), total(&app, "/orders?state=PLACED").await);
    assert!(figure(&page, late) > 0 && !page.contains("기한 없음"));

    let clear = "UPDATE orders SET dispatch_deadline = NULL WHERE order_number = '2024031500000009'";
    app.state.storage.write(|tx| tx.exec(clear, &[])).await.expect("a channel that states none");
    let page = app.get("/").await.ok();
    let undated = "/orders?state=PLACED&deadline=none";
    assert!(page.contains("기한 없음"), "{page}");
    assert_eq!((figure(&page, undated), total(&app, undated).await), (1, 1));
}

#[tokio::test]
async fn only_own_team_deliveries_count_for_today_and_tomorrow() {
    let app = shop().await;
    app.state
        .storage
        .write(|tx| {
            let day = START.date().to_string();
            let sql = "UPDATE deliveries SET preferred_shipping_date = ?";
            tx.exec(&format!("{sql} WHERE shipping_method = 'DIRECT'"), &[(&day).into()])?;
            tx.exec(&format!("{sql} WHERE shipping_method = 'QUICK'"), &[(&day).into()])?;
            Ok::<_, StorageError>(())
        })
        .await
        .expect("writes");
    let page = app.get("/").await.ok();
    let today = "/deliveries?state=PREPARING&state=READY_TO_SHIP&method=DIRECT&date_from=2024-03-15&date_to=2024-03-15";
    assert_eq!(figure(&page, today), 1);
    assert_eq!(figure(&page, &today.replace("03-15", "03-16")), 0);
}

#[tokio::test]
async fn empty_shop_shows_the_first_steps() {
    let app = TestApp::as_admin().await;
    let page = app.get("/").await.ok();
    assert!(
        page.contains("처음 오셨네요") && page.contains("href=\"/uploads\"") && page.contains("href=\"/members/new\"")
    );
    // MariaDB has its own backup.
    let done = usize::from(matches!(app.state.config.database, Database::MariaDb(_)));
    assert!(page.contains(&format!("6개 중 {done}개 완료")), "{page}");
    assert!(figures(&page).iter().all(|(_, number)| *number == 0));
}

#[tokio::test]
async fn delivery_team_is_redirected_to_deliveries() {
    let app = TestApp::start().await;
    app.sign_in_logistics().await;
    assert_eq!(app.get("/").await.location(), Role::Logistics.home());
}

#[tokio::test]
async fn those_who_work_with_orders_see_what_waits_for_them() {
    let app = shop().await;
    let office = app.another_browser();
    office.sign_in_as(Role::Orders).await;
    let page = office.get("/").await.ok();
    assert_eq!(figure(&page, "/uploads?rows=rejected"), 2);
    assert!(page.contains("<h2 id=\"notices\">알림</h2>"), "{page}");
    assert!(!page.contains("처음 오셨네요") && !page.contains("백업"), "{page}");
    assert!(office.get("/orders").await.ok().contains("알림 "), "in the bar of every page");
}

#[tokio::test]
async fn rest_of_the_first_steps_is_dismissed() {
    let app = TestApp::as_admin().await;
    app.post_form("/first-steps/dismiss", &[]).await;
    // Only the backup of a file is at risk.
    let has_steps = matches!(app.state.config.database, Database::Sqlite(_));
    assert_eq!(app.get("/").await.ok().contains("처음 오셨네요"), has_steps);
}
