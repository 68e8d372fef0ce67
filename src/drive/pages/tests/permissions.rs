//! What browsers are permitted on the driver's pages.

use super::*;

/// 위치정보법 15조: an employer who collects where an employee is needs consent, and the shop has no use for it. The
/// browser is told so on every page, also on those of drivers, and no event has a field for a position.
#[tokio::test]
async fn position_of_a_driver_is_never_asked_for() {
    let (_, driver, tour) = handed_out().await;
    for path in ["/drive", "/drive/offline", "/account", &format!("/drive/loading/{tour}")] {
        assert!(driver.get(path).await.header("permissions-policy").contains("geolocation=()"), "{path}");
    }
    let script = driver.get(&crate::web::assets::url("drive.js")).await.ok();
    assert!(!script.contains("geolocation") && !script.contains("latitude"));
}

#[tokio::test]
async fn camera_is_for_the_pages_that_read_codes_only() {
    let (office, driver, tour) = handed_out().await;
    let has_camera =
        async |app: &TestApp, path: &str| app.get(path).await.header("permissions-policy").contains("camera=(self)");
    assert!(has_camera(&driver, &format!("/drive/loading/{tour}")).await);
    assert!(has_camera(&office, &format!("/plans/paper?day={DAY}")).await);
    for path in ["/drive", "/drive/offline", "/account"] {
        assert!(!has_camera(&driver, path).await, "{path}");
    }
    assert!(!has_camera(&office, &format!("/plans/tours/{tour}/loading")).await);
}
