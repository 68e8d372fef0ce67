//! The page 양식.

use reqwest::StatusCode;
use reqwest::multipart::Part;

use crate::web::testing::{TestApp, TestResponse};

const PARTNER: &str = "kind = \"orders\"\ncode = \"PARTNER\"\nname = \"칠성 협력점\"\nkey = [\"접수번호\"]\n\
    address = [[\"주소\"]]\nrequired = [\"recipient_name\", \"product_name\", \"quantity\", \"placed_at\"]\n[columns]\n\
    recipient_name = [\"받는분\"]\nproduct_name = [\"품목\"]\nquantity = [\"갯수\"]\nplaced_at = [\"접수일\"]\n";

async fn add(app: &TestApp, text: &str) -> TestResponse {
    let part = Part::bytes(text.as_bytes().to_vec()).file_name("partner.toml");
    app.post_multipart("/channels/profiles", |form| form.part("file", part)).await
}

/// Adds the profile; returns the path of its page.
async fn added(app: &TestApp) -> String {
    let answer = add(app, PARTNER).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    answer.location().split('?').next().expect("a path").to_owned()
}

#[tokio::test]
async fn profile_of_another_shop_is_added_edited_and_downloaded() {
    let app = TestApp::as_admin().await;
    let here = added(&app).await;
    let page = app.get(&here).await.ok();
    assert!(page.contains("칠성 협력점") && page.contains("접수번호"), "{page}");

    let form = [
        ("version", "0"),
        ("name", "칠성 대리점"),
        ("entry-key", "접수번호|주문번호"),
        ("entry-address", "주소 + 상세주소"),
        ("entry-recipient_name", "받는분\n수령인"),
        ("entry-product_name", "품목"),
        ("entry-quantity", "갯수"),
        ("entry-placed_at", "접수일"),
        ("entry-detect", ""),
    ];
    let mut broken = form;
    broken[6] = ("entry-quantity", "");
    let refused = app.post_form(&here, &broken).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
    assert_eq!(app.post_form(&here, &form).await.status, StatusCode::SEE_OTHER);
    let stale = app.post_form(&here, &form).await;
    assert!(stale.text.contains("그사이에 다른 사람이"), "{}", stale.text);

    let text = app.get(&format!("{here}/download")).await.ok();
    for told in ["name = \"칠성 대리점\"", "접수번호|주문번호", "상세주소", "수령인"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let shipped = app.get("/channels/profiles/orders.SMART_STORE/download").await.ok();
    assert!(shipped.contains("name = \"스마트스토어\""), "{shipped}");
    assert_eq!(app.get("/channels/profiles/orders.NOWHERE/download").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn taken_and_broken_profiles_are_refused_with_the_reason() {
    let app = TestApp::as_admin().await;
    added(&app).await;
    for (text, told) in [
        (PARTNER.to_owned(), "이미 있어요"),
        (PARTNER.replace("PARTNER", "OTHER").replace("칠성 협력점", "쿠팡"), "다른 판매채널의 이름이에요"),
        (PARTNER.replace("key", "kee"), "틀린 곳이 있어요"),
        ("이것은 양식이 아니에요".to_owned(), "틀린 곳이 있어요"),
    ] {
        let refused = add(&app, &text).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
        assert!(refused.text.contains(told), "{told}: {}", refused.text);
    }
}

#[tokio::test]
async fn removed_profile_can_be_restored() {
    let app = TestApp::as_admin().await;
    let here = added(&app).await;
    for (act, told) in [("remove", "삭제했어요"), ("remove", "이미 처리된"), ("restore", "복원했어요")] {
        let answer = app.post_form(&format!("{here}/{act}"), &[]).await;
        let page = app.get(answer.location()).await.ok();
        assert!(page.contains(told) && page.contains("칠성 협력점"), "{act} {told}: {page}");
    }
    let list = app.get("/channels/profiles").await.ok();
    assert!(!list.contains("삭제한 양식"), "{list}");
}
