//! The papers of a tour that was handed out, its results keyed from paper, and orders that change after it was loaded.

use super::*;
use crate::web::qr;

/// The fields of the form of results, each line as the page shows it.
fn lines(page: &str) -> Vec<String> {
    page.split("name=\"at-").skip(1).filter_map(|rest| Some(rest.split('"').next()?.to_owned())).collect()
}

#[tokio::test]
async fn results_of_a_tour_are_keyed_from_its_paper() {
    let (office, driver, tour) = handed_out().await;
    let path = format!("/plans/paper?day={DAY}");
    assert!(office.get(&path).await.ok().contains("아직 출발하지 않은 차: 1호차"));
    let printed = office.get(&format!("/plans/tours/{tour}")).await.ok();
    assert!(printed.matches("class=\"stop-qr\"").count() > 2 && printed.contains("☐ 실패"), "{printed}");
    leave(&driver, &tour).await;
    let page = office.get(&path).await.ok();
    let jobs = lines(&page);
    assert!(jobs.len() > 2, "{page}");
    let (first, second) = (format!("at-{}", jobs[0]), format!("at-{}", jobs[1]));
    let (result, note) = (format!("result-{}", jobs[1]), format!("note-{}", jobs[1]));
    let (done, third) = (format!("result-{}", jobs[0]), format!("result-{}", jobs[2]));
    let fields = |time: &'static str| {
        let fields = [
            ("tour", tour.as_str()),
            ("day", DAY),
            (first.as_str(), "905"),
            (done.as_str(), "delivered"),
            (second.as_str(), time),
            (result.as_str(), "absent"),
            (note.as_str(), "문 앞에 쪽지"),
            (third.as_str(), "delivered"),
        ];
        fields.map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let send = async |time: &'static str| {
        let fields = fields(time);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        office.post_form("/plans/paper", &fields).await
    };
    let refused = send("25:00").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text.contains("value=\"905\"") && refused.text.contains(&format!("problem-{}", jobs[1])),
        "nothing is recorded, and what was typed stays: {}",
        refused.text
    );
    let undecided = [
        ("tour", tour.as_str()),
        ("day", DAY),
        (first.as_str(), "905"),
        (&done, ""),
        (&second, "0930"),
        (&note, "쪽지"),
    ];
    let undecided = office.post_form("/plans/paper", &[&undecided[..], &[(result.as_str(), "absent")]].concat()).await;
    assert_eq!(undecided.status, StatusCode::UNPROCESSABLE_ENTITY, "a time without a result is not dropped");
    assert!(
        undecided.text.contains(&format!("id=\"result-problem-{}\">결과를 선택해 주세요", jobs[0]))
            && ["value=\"905\"", "value=\"0930\"", "value=\"쪽지\""].iter().all(|typed| undecided.text.contains(typed)),
        "{}",
        undecided.text
    );
    let noted = [("tour", tour.as_str()), ("day", DAY), (done.as_str(), "delivered")];
    let first_note = format!("note-{}", jobs[0]);
    let noted =
        office.post_form("/plans/paper", &[&noted[..], &[(first_note.as_str(), "이웃집에 맡김")]].concat()).await;
    assert!(noted.status == StatusCode::UNPROCESSABLE_ENTITY && noted.text.contains("이웃집에 맡김"), "{}", noted.text);
    let saved = send("0930").await;
    let page = office.get(saved.location()).await.ok();
    assert!(page.contains("2곳의 결과를 기록했어요") && page.contains("실패: 부재 09:30"), "{page}");
    let known = office.get(&format!("/plans/tours/{tour}")).await.ok();
    assert!(known.contains("종이") && known.contains("09:05") && known.contains("문 앞에 쪽지"), "{known}");
    let empty = office.post_form("/plans/paper", &[("tour", &tour), ("day", DAY)]).await;
    assert!(office.get(empty.location()).await.ok().contains("기록할 것이 없어요"));
}

#[tokio::test]
async fn order_that_is_cancelled_after_loading_is_stopped_and_shouted() {
    let (office, _, tour) = handed_out().await;
    let loading = format!("/plans/tours/{tour}/loading");
    let before = office.get(&loading).await.ok();
    assert!(before.contains("클레임 정보"), "the age of the claims: {before}");
    assert!(!office.get("/").await.ok().contains("실은 다음 바뀐 배송"));
    let cancelled = office.state.storage.write(|tx| {
        let id: i64 = tx.scalar(
            "SELECT min(l.order_id) FROM loads l JOIN orders o ON o.id = l.order_id WHERE o.claim = '' AND o.state = 0",
            &[],
        )?;
        tx.exec("UPDATE orders SET state = 5 WHERE id = ?", &[id.into()])
    });
    assert_eq!(cancelled.await.expect("writes"), 1);
    let after = office.get(&loading).await.ok();
    let stopped = |page: &str| page.matches("class=\"stopped\"").count();
    assert_eq!(stopped(&after), stopped(&before) + 1, "{after}");
    assert!(after.contains("싣지 마세요: 취소"), "{after}");
    let today = office.get("/").await.ok();
    let notice = today.split("실은 다음 바뀐 배송").next().and_then(|before| before.rsplit("<li class=\"").next());
    assert!(notice.is_some_and(|notice| notice.starts_with("danger")), "{today}");
    let board = office.get(&format!("/plans?day={DAY}")).await.ok();
    assert!(board.contains("바뀜: "));
}

#[tokio::test]
async fn code_of_a_line_of_the_loading_list_names_the_line_that_the_driver_ticks() {
    let (office, driver, tour) = handed_out().await;
    let printed = office.get(&format!("/plans/tours/{tour}/loading")).await.ok();
    let page = driver.get(&format!("/drive/loading/{tour}")).await.ok();
    let lines = page.matches("data-order=").count();
    assert!(lines > 2 && printed.matches("class=\"stop-qr\"").count() == lines, "{printed}");
    for line in page.split("data-order=\"").skip(1) {
        let (order, job) = (line.split('"').next().expect("an order"), after(line, "data-job=\""));
        let code = qr::svg(&office.url(&format!("/drive/{tour}-{job}#{order}"))).expect("short enough");
        assert!(printed.contains(&code.path), "{order}");
    }
}
