//! The worksheet of a leak, from the records of real requests.

use super::*;
use crate::access::{ChainFault, ChainReport};
use crate::members::model::Role;
use crate::privacy::breach::BreachStep;
use crate::privacy::store::breaches;

/// Where the case is after a form was accepted.
fn location(answer: &crate::web::testing::TestResponse) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    answer.location().split('?').next().expect("a path").to_owned()
}

const WINDOW: [(&str, &str); 3] =
    [("noticed", "2024-03-15T09:00"), ("from", "2024-03-14T00:00"), ("to", "2024-03-16T00:00")];

#[tokio::test]
async fn case_lists_whose_data_a_member_saw_and_nobody_elses() {
    let (app, ids) = shop().await;
    let support = app.another_browser();
    support.sign_in_as(Role::Orders).await;
    support.get(&format!("/orders/{}", ids[0])).await.ok();
    app.state.access.flush().await.expect("writes");
    let page = app.get("/privacy/breaches").await.ok();
    let jumun = page.split("name=\"member\" value=\"").skip(1).find(|rest| {
        rest.contains(">jumun</label>") && {
            rest.split("</div>").next().is_some_and(|choice| choice.contains(">jumun<"))
        }
    });
    let jumun = jumun.expect("a member").split('"').next().expect("an end").to_owned();
    let opened = app
        .post_form(
            "/privacy/breaches",
            &[&WINDOW[..], &[("cause", "member"), ("confirmed", "1"), ("member", &jumun)]].concat(),
        )
        .await;
    let path = location(&opened);
    let shown = app.get(&path).await.ok();
    // The page of an order also shows the orders beside it.
    assert!(shown.contains("010-7777-1111") && shown.contains("<strong>3</strong>명"), "{shown}");
    assert!(!shown.contains("010-9999-2222"), "the namesake is not on that page: {shown}");
    assert!(shown.contains("무슨 일이 있었는지, 가게가 한 일"), "the notice is not complete: {shown}");
    let file = app.post_form(&format!("{path}/people"), &[]).await.ok();
    assert!(file.starts_with('\u{FEFF}') && file.contains("홍길동,010-7777-1111,1,봄,"), "{file}");
    assert!(app.get("/downloads").await.ok().contains("유출 대상자"));
    assert!(app.get("/").await.ok().contains("href=\"/privacy/breaches\""), "오늘 says it");
    assert!(app.get("/access/law").await.ok().contains("끝나지 않은 사건이 1건"));
}

#[tokio::test]
async fn case_is_closed_only_after_every_step_and_then_it_is_final() {
    let (app, _) = shop().await;
    let opened = app.post_form("/privacy/breaches", &[&WINDOW[..], &[("cause", "file")]].concat()).await;
    let path = location(&opened);
    let early = app.post_form(&format!("{path}/close"), &[]).await;
    assert!(app.get(&location(&early)).await.ok().contains("시간</strong> 남았어요"), "it is open still");
    let refused =
        app.post_form(&format!("{path}/steps"), &[("step", "notify"), ("outcome", "done"), ("note", " ")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for step in BreachStep::ALL {
        let form = [("step", step.code()), ("outcome", "done"), ("note", "문자를 보냈어요")];
        location(&app.post_form(&format!("{path}/steps"), &form).await);
    }
    location(&app.post_form(&format!("{path}/close"), &[]).await);
    let shown = app.get(&path).await.ok();
    assert!(shown.contains("에 마쳤어요") && !shown.contains("저장하고 다시 찾기"), "{shown}");
    app.post_form(&path, &[&WINDOW[..], &[("cause", "outside")]].concat()).await;
    assert!(app.get(&path).await.ok().contains("파일이나 종이를 잘못 보내거나"), "it cannot be edited");
    assert!(app.get("/access/law").await.ok().contains("끝나지 않은 유출 사건이 없어요"));
}

#[tokio::test]
async fn late_case_and_wrong_fields_are_said() {
    let (app, _) = shop().await;
    let wrong = [("noticed", "2024-03-15T09:00"), ("from", "2024-03-16T00:00"), ("to", "2024-03-14T00:00")];
    let refused = app.post_form("/privacy/breaches", &[&wrong[..], &[("cause", "file")]].concat()).await;
    assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.text.contains("끝이 시작보다 빨라요"));
    let refused = app
        .post_form("/privacy/breaches", &[&WINDOW[..], &[("cause", "file"), ("addresses", "우리집")]].concat())
        .await;
    assert!(refused.text.contains("192.168.0.20처럼"), "{}", refused.text);
    app.post_form("/privacy/breaches", &[&WINDOW[..], &[("cause", "file")]].concat()).await;
    app.clock.advance_ms(4 * 24 * 60 * 60 * 1000);
    app.sign_in_admin().await;
    assert!(app.get("/privacy/breaches").await.ok().contains("72시간이 지났어요"));
    assert!(app.get("/access/law").await.ok().contains("알리지 않은 사건이 1건"));
}

#[tokio::test]
async fn broken_chain_opens_a_case_once() {
    let (app, _) = shop().await;
    let report = |sequence| ChainReport { faults: vec![ChainFault::Changed { sequence }], ..ChainReport::default() };
    let opened = |report: ChainReport| {
        let storage = app.state.storage.clone();
        async move {
            let open = move |tx: &mut dyn Tx| breaches::open_for_faults(tx, &report, None);
            storage.write(open).await.expect("writes")
        }
    };
    assert_eq!(opened(ChainReport::default()).await, None, "nothing is wrong");
    assert!(opened(report(3)).await.is_some());
    assert_eq!(opened(report(3)).await, None, "the same fault again");
    assert!(opened(report(4)).await.is_some());
    let page = app.get("/privacy/breaches").await.ok();
    assert!(page.contains("3번 기록이 적힌 뒤에 바뀌었어요") && page.contains("72시간 남음"), "{page}");
}
