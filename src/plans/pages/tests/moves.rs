//! What a move costs before it is made, and a week seen at once.

use super::*;

#[tokio::test]
async fn cost_of_a_move_is_told_before_it_is_made_and_is_that_of_the_move() {
    let app = dispatcher().await;
    let page = app.get(BOARD).await.ok();
    let (id, column) =
        (value_after(&page, "data-card=\"").to_owned(), value_after(&page, "<option value=\"").to_owned());
    let preview = press(&app, &page, &[("act", "preview"), ("to", &column), ("tick", &id)]).await;
    let told = preview.split_once("아직 옮기지 않았어요. 1호차에 넣으면: ").expect("a preview").1;
    let told = told.split('<').next().expect("its end");
    assert!(told.starts_with("운전 +") && told.contains(" km"), "{told}");
    assert!(preview.contains("0곳 배차") && preview.contains(&format!("value=\"{column}\" selected")));
    assert!(preview.contains(" checked"), "what was chosen stays chosen: {preview}");
    let path = format!("/plans/cost?day=2024-03-16&to={column}&tick={id}");
    let json = app.get(&path).await.ok();
    assert_eq!(json, format!("{{\"text\":\"{told}\"}}"));
    let moved = press(&app, &preview, &[("act", "move"), ("to", &column), ("tick", &id)]).await;
    let driving = told.trim_start_matches("운전 +").split(',').next().expect("minutes");
    assert!(moved.contains(&format!("운전 {driving}")), "{driving}: {moved}");
    let there = app.get(&path).await.ok();
    assert!(there.contains("이미 1호차에 있어요"), "{there}");
    assert_eq!(app.get("/plans/cost?day=2024-03-16&to=?").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn week_shows_trucks_minutes_and_room_of_each_day() {
    let app = dispatcher().await;
    let before = app.get("/plans/week?day=2024-03-14").await.ok();
    assert_eq!(before.matches("href=\"/plans?day=2024-03-").count(), 7, "{before}");
    assert!(before.contains("0 / 2대") && before.contains("18시간"), "two trucks of nine hours: {before}");
    let page = app.get(BOARD).await.ok();
    let waiting = page.split("2024-03-16").count();
    let planned = press(&app, &page, &[("act", "assign")]).await;
    press(&app, &planned, &[("act", "fix")]).await;
    let after = app.get("/plans/week?day=2024-03-14").await.ok();
    let saturday = after.split("/plans?day=2024-03-16").nth(1).and_then(|rest| rest.split("</tr>").next());
    let saturday = saturday.expect("the day of the plan");
    assert!(saturday.contains("확정") && !saturday.contains("0곳"), "{waiting} {saturday}");
}
