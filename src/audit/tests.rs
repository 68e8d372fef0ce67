//! The audit log: what is stored, and the sentence of every verb.

use std::collections::BTreeSet;

use super::sentence::{role_label, state_label};
use super::*;
use crate::id::{MemberId, OrderId};
use crate::members::model::Role;
use crate::orders::model::OrderState;
use crate::orders::testing::Shop;
use crate::storage::StorageError;

const MANAGER: MemberActor =
    MemberActor { id: MemberId::from_raw(7), address: IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 0, 20)) };

fn numbers(numbers: &[&str]) -> NumberList {
    numbers.iter().copied().collect()
}

fn text(text: &str) -> String {
    text.to_owned()
}

/// An event of every verb with its sentence.
#[expect(clippy::too_many_lines, reason = "one line for each verb")]
fn events() -> Vec<(AuditEvent, &'static str)> {
    use AuditEvent as E;
    let kim = || text("kim");
    vec![
        (E::MemberAdded { username: kim(), role: text("logistics") }, "kim 회원을 추가했어요 (배송팀)."),
        (E::RoleChanged { username: kim(), role: text("admin") }, "kim 회원의 역할을 바꿨어요: 관리자"),
        (E::MemberEnabled { username: kim() }, "kim 회원이 다시 로그인할 수 있게 했어요."),
        (E::MemberDisabled { username: kim() }, "kim 회원이 로그인하지 못하게 했어요."),
        (E::MemberKept { username: kim() }, "오래 들어오지 않은 kim 회원을 그대로 두었어요."),
        (E::PasswordChanged { username: kim() }, "kim 회원의 비밀번호를 바꿨어요."),
        (E::OneTimePasswordIssued { username: kim() }, "kim 회원의 비밀번호를 임시 비밀번호로 바꿨어요."),
        (E::DevicesLoggedOut { devices: 2 }, "다른 기기 2대에서 로그아웃했어요."),
        (
            E::TokenTheftReported { detected_at: Moment(1_795_316_400_000) },
            "2026-11-22 12:00에 예전 로그인 정보를 누군가 다시 써서 모든 기기에서 로그아웃했어요.",
        ),
        (E::TotpEnabled { username: kim() }, "kim 회원이 인증 앱을 연결했어요."),
        (E::TotpDisabled { username: kim() }, "kim 회원의 인증 앱을 풀었어요."),
        (E::TotpDemanded { username: kim() }, "kim 회원이 인증 앱을 꼭 쓰게 했어요."),
        (E::TotpOptional { username: kim() }, "kim 회원이 인증 앱을 쓰지 않아도 되게 했어요."),
        (E::RecoveryCodeUsed { username: kim(), left: 9 }, "kim 회원이 복구 코드로 로그인했어요. 남은 코드는 9개예요."),
        (E::AccessInspected { month: text("2026-11") }, "2026-11의 접속기록을 점검했어요."),
        (E::BreachRecorded { what: text("접근 차단") }, "유출 대응을 기록했어요: 접근 차단"),
        (E::PersonRequestRecorded { what: text("삭제 요구를 받음") }, "본인 요구를 기록했어요: 삭제 요구를 받음"),
        (
            E::DelayNoticeRecorded { number: text("1"), new_day: Some(text("2026-12-15")) },
            "지연을 알린 것을 기록했어요. 새로 약속한 날: 2026-12-15",
        ),
        (E::DelayNoticeRecorded { number: text("1"), new_day: None }, "지연을 알린 것을 기록했어요."),
        (E::WithdrawalConsentRecorded { number: text("1") }, "주문 제작 동의를 기록했어요."),
        (E::ShopSaved { name: text("나무공방"), address: text("") }, "가게 정보를 저장했어요."),
        (E::ProductAdded { number: text("BED-1"), name: text("벙커 침대") }, "‘벙커 침대’ 상품을 추가했어요."),
        (E::ProductsEdited { saved: numbers(&["BED-1", "BED-2"]), rejected: 0 }, "상품 2개를 저장했어요."),
        (
            E::ProductsEdited { saved: numbers(&["BED-1"]), rejected: 3 },
            "상품 1개를 저장했고, 3개는 저장하지 못했어요.",
        ),
        (E::VariantAdded { key: text("색상"), value: text("월넛") }, "‘색상: 월넛’ 옵션을 추가했어요."),
        (E::VariantsLabelled { saved: 4, rejected: 0 }, "발주서 표기 4개를 저장했어요."),
        (
            E::OrdersAdvanced {
                to: text("PURCHASED"),
                changed: numbers(&["1", "2"]),
                unchanged: numbers(&["3"]),
                held: numbers(&["4"]),
                despite_claim: numbers(&["2"]),
                saved: numbers(&["1", "4"]),
            },
            "2건을 발주 상태로 바꿨어요: 1, 2. 1건은 이미 발주 상태이거나 그 뒤여서 그대로 두었어요: 3. \
             취소 요청이 들어온 1건은 그대로 두었어요: 4. 1건은 취소 요청이 있는데도 진행했어요: 2. 2건은 입력한 값도 저장했어요: 1, 4.",
        ),
        (
            E::OrdersAdvanced {
                to: text("SHIPPED"),
                changed: numbers(&[]),
                unchanged: numbers(&[]),
                held: numbers(&[]),
                despite_claim: numbers(&[]),
                saved: numbers(&[]),
            },
            "바꿀 주문이 없어요. 목록을 새로고침해 주세요.",
        ),
        (
            E::OrdersEdited {
                changed: numbers(&["1", "2", "3", "4", "5", "6", "7"]),
                unchanged: numbers(&["8"]),
                rejected: 1,
            },
            "7건을 저장했어요: 1, 2, 3, 4, 5 외 2건. 1건은 바뀐 내용이 없어요: 8. 1건은 저장하지 못했어요. 표시된 곳을 확인해 주세요.",
        ),
        (E::OrderEdited { number: text("1"), bundle: BundleChange::Stays {} }, "주문을 저장했어요: 1"),
        (
            E::OrderEdited { number: text("1"), bundle: BundleChange::Leaves { bundle_number: text("B2") } },
            "주문을 저장하고 묶음에서 뺐어요. 새 묶음배송번호: B2",
        ),
        (
            E::OrderEdited { number: text("1"), bundle: BundleChange::Moves { bundle_number: text("B3") } },
            "주문을 저장하고 다른 묶음으로 옮겼어요. 묶음배송번호: B3",
        ),
        (
            E::OrderEdited { number: text("1"), bundle: BundleChange::MovesTogether { companions: 2 } },
            "주문을 저장하고 함께 가는 주문 2건도 바꿨어요.",
        ),
        (
            E::ManualOrdersCreated { orders: numbers(&["L1", "L2"]), bundle_number: text("B1") },
            "상담주문 2건을 저장했어요. 묶음배송번호: B1",
        ),
        (
            E::OrderUnbundled { orders: numbers(&["1"]), bundle_number: text("B2") },
            "묶음에서 뺐어요. 새 묶음배송번호: B2",
        ),
        (
            E::OrdersMerged { orders: numbers(&["1", "2"]), bundle_number: text("B1") },
            "주문 2건을 이 묶음으로 합쳤어요. 묶음배송번호: B1",
        ),
        (
            E::OrdersRejoined { orders: numbers(&["1"]), bundle_number: text("B1") },
            "주문 1건을 원래 묶음으로 되돌렸어요. 묶음배송번호: B1",
        ),
        (E::OrdersClassified { orders: numbers(&["1"]) }, "주문 1건의 지역을 정했어요."),
        (E::ZipCorrectionUndone { zip_code: text("37683") }, "우편번호 37683의 수정한 지역을 되돌렸어요."),
        (E::OrderCorrectionUndone { orders: numbers(&["1"]) }, "주문의 수정한 지역을 되돌렸어요."),
        (E::DistrictListApplied { valid_from: text("2026-07-01") }, "2026-07-01부터의 지역으로 바꿨어요."),
        (E::DistrictListDiscarded {}, "올린 목록을 적용하지 않고 지웠어요."),
        (E::DistrictListWithdrawn {}, "목록의 적용을 취소했어요."),
        (
            E::UploadsReceived {
                received: 2,
                too_large: vec![RejectedFile { name: text("큰.xlsx"), reason: text("30 MB보다 커요.") }],
                skipped: 1,
                limit: 20,
            },
            "파일 2개를 읽었어요. 확인하고 적용해 주세요. 큰.xlsx: 30 MB보다 커요. \
             1개는 받지 않았어요. 한 번에 20개까지 나누어 올려 주세요.",
        ),
        (E::UploadDiscarded { file_name: text("주문.xlsx") }, "올린 파일을 취소했어요: 주문.xlsx"),
        (
            E::UploadUndone {
                file_name: text("주문.xlsx"),
                deleted: numbers(&["1", "2"]),
                restored: numbers(&["3"]),
                kept: numbers(&["4"]),
                products: numbers(&["P1"]),
                variants: 0,
            },
            "등록한 주문 2건을 지웠어요. 주문 1건을 이전 값으로 되돌렸어요. 새로 만든 상품 1개를 지웠어요. \
             그 뒤에 일이 이어진 주문 1건은 그대로 두었어요.",
        ),
        (
            E::ConflictsResolved { decision: ConflictDecision::Replace, resolved: 3, failed: 0 },
            "3행을 새 번호로 바꿨어요.",
        ),
        (
            E::ConflictsResolved { decision: ConflictDecision::AsParcel, resolved: 2, failed: 0 },
            "2행을 택배로 바꾸고 송장번호를 등록했어요.",
        ),
        (
            E::ConflictsResolved { decision: ConflictDecision::Keep, resolved: 1, failed: 2 },
            "1행은 지금 번호를 그대로 두었어요. 2행은 처리하지 못했어요. 표시된 곳을 확인해 주세요.",
        ),
        (
            E::ChannelChangesDecided { takes_channel: true, resolved: 2, failed: 1 },
            "값 2개를 판매채널 값으로 바꿨어요. 1개는 처리하지 못했어요. 표시된 곳을 확인해 주세요.",
        ),
        (
            E::ChannelChangesDecided { takes_channel: false, resolved: 1, failed: 0 },
            "값 1개는 우리 값을 그대로 두었어요.",
        ),
        (
            E::ProfileTaught {
                channel: "스마트스토어".into(), columns: vec![("수량".into(), "개수".into())]
            },
            "스마트스토어 파일의 열을 알려 주었어요: ‘개수’ 열은 ‘수량’ 열.",
        ),
        (E::ProfileSaved { channel: "협력점".into() }, "협력점 양식을 저장했어요."),
        (E::ProfileRemoved { channel: "협력점".into() }, "협력점 양식을 삭제했어요."),
        (E::ProfileRestored { channel: "협력점".into() }, "협력점 양식을 복원했어요."),
        (E::RejectedRowsResolved { rows: 5 }, "오류 행 5개를 처리 완료로 표시했어요."),
        (
            E::DeliveriesCompleted {
                completed: numbers(&["B1"]),
                unchanged: numbers(&["B2"]),
                undispatched: numbers(&["2"]),
                already: numbers(&["3"]),
                cancelled: numbers(&["4"]),
                held: numbers(&["5"]),
                despite_claim: numbers(&["2"]),
            },
            "배송 1건을 완료했어요. 취소 요청이 들어온 1건은 그대로 두었어요: 5. \
             1건은 취소 요청이 있는데도 진행했어요: 2. 출고 전이던 주문도 배송됨으로 바꿨어요: 2 \
             취소나 반품된 주문은 그대로 두었어요: 4 이미 배송된 주문은 그대로 두었어요: 3 배송할 주문이 없는 배송이에요: B2",
        ),
        (
            E::OrdersBulkSet {
                field: text("preferred_shipping_date"),
                value: text("2026-12-01"),
                changed: numbers(&["1", "2"]),
                unchanged: 1,
                rejected: numbers(&["3"]),
                saved: numbers(&["2"]),
            },
            "주문 2건을 희망배송일 ‘2026-12-01’(으)로 바꿨어요: 1, 2. 1건은 이미 같은 값이에요. \
             1건은 이미 배송되어 그대로 두었어요: 3. 1건은 입력한 값도 저장했어요: 2.",
        ),
        (
            E::BulkActionUndone { undone: numbers(&["1", "2"]), changed: numbers(&["3"]), is_expired: false },
            "주문 2건을 되돌렸어요: 1, 2. 그 사이 바뀐 1건은 그대로 두었어요: 3.",
        ),
        (
            E::CompletionsUndone { undone: numbers(&["B1"]), changed: numbers(&["2"]), expired: numbers(&["B2"]) },
            "배송 1건의 완료를 되돌렸어요. 그 사이 바뀐 주문은 그대로 두었어요: 2 \
             완료한 지 하루 안의 배송만 되돌릴 수 있어요: B2",
        ),
        (E::SlipsPrinted { bundles: numbers(&["B1", "B2"]) }, "배송 2건의 전표를 인쇄한 것으로 표시했어요."),
        (E::DeliveryMemoChanged { bundle_number: text("B1"), is_undo: false }, "메모를 저장했어요."),
        (E::DeliveryMemoChanged { bundle_number: text("B1"), is_undo: true }, "메모를 되돌렸어요."),
        (E::SettingsSaved { changed: vec![text("upload_max_mb = 8")] }, "설정을 바꿨어요: upload_max_mb = 8"),
        (E::SnapshotRequested {}, "전체 백업을 만들게 했어요."),
        (E::TrialRestoreRequested { target: 2 }, "2번 백업의 복원 테스트를 하게 했어요."),
        (E::BackupTargetTakenOver { target: 1 }, "1번 백업을 이어받았어요."),
        (E::BackupKeyShown { key: text("AB12") }, "백업의 암호화 열쇠를 봤어요: AB12"),
        (E::BackupKeyCreated { key: text("AB12") }, "백업의 암호화 열쇠를 만들었어요: AB12"),
        (E::DatabaseDownloaded {}, "가게의 모든 데이터를 내려받았어요."),
        (E::PracticeStarted { username: kim() }, "kim 님의 연습을 새로 시작했어요."),
        (E::DemoShopCreated { orders: 60 }, "주문 60건이 있는 교육용 가게를 만들었어요."),
        (E::TruckSaved { name: text("1호차") }, "1호차 차량을 저장했어요."),
        (
            E::DistrictWeekdaysSaved { district: text("구미시"), weekdays: Some(text("화·금")) },
            "구미시의 배송 요일을 정했어요: 화·금",
        ),
        (
            E::SpecialDaySaved { day: text("2026-12-24"), truck: None, is_off: true },
            "2026-12-24: 모든 차량의 휴무로 정했어요.",
        ),
        (E::SpecialDayDeleted { day: text("2026-12-24") }, "2026-12-24에 정해 둔 휴무를 지웠어요."),
        (E::HandlingSaved { saved: 3, rejected: 0 }, "작업 기준 3개를 저장했어요."),
        (E::TruckSettingsSaved { depot_zip: text("39100") }, "배송 기준을 저장했어요."),
        (E::PointCorrected { zip: text("39867"), is_undo: false }, "우편번호 39867의 위치를 바로잡았어요."),
        (E::PointCorrected { zip: text("39867"), is_undo: true }, "우편번호 39867의 위치를 처음 값으로 되돌렸어요."),
        (
            E::RoadFactorSaved { districts: text("구미시 ↔ 김천시"), percent: Some(120), drives: 0 },
            "구미시 ↔ 김천시: 운전 시간을 120%로 보정했어요.",
        ),
        (
            E::RoadFactorSaved { districts: text("구미시 ↔ 김천시"), percent: Some(120), drives: 9 },
            "구미시 ↔ 김천시: 9번 다녀온 대로 운전 시간을 120%로 보정했어요.",
        ),
        (
            E::RoadFactorSaved { districts: text("구미시"), percent: None, drives: 0 },
            "구미시: 길 보정을 지웠어요. 어림한 시간을 그대로 써요.",
        ),
        (E::StopsAssigned { day: text("2026-12-01"), planned: 12, left_out: 0 }, "12곳을 배차했어요."),
        (
            E::StopsAssigned { day: text("2026-12-01"), planned: 12, left_out: 2 },
            "12곳을 배차했고, 2곳은 배차하지 못했어요. 미배차의 이유를 확인해 주세요.",
        ),
        (
            E::StopsMoved { day: text("2026-12-01"), truck: Some(text("1호차")), bundles: numbers(&["1", "2"]) },
            "2곳을 옮겼어요: 1호차",
        ),
        (
            E::StopsHeld { day: text("2026-12-01"), hold: text("truck"), bundles: numbers(&["1"]) },
            "1곳: 차에 고정했어요.",
        ),
        (
            E::StopChangesAcknowledged { day: text("2026-12-01"), bundles: numbers(&["1"]) },
            "1곳의 바뀐 내용을 확인했어요.",
        ),
        (
            E::ToursFixed { day: text("2026-12-01"), trucks: vec![text("1호차"), text("2호차")] },
            "배차를 확정했어요: 1호차, 2호차",
        ),
        (E::ToursReopened { day: text("2026-12-01"), trucks: vec![text("1호차")] }, "확정을 풀었어요: 1호차"),
        (E::JobSaved { bundle_number: text("1") }, "배차 정보를 저장했어요."),
        (E::JobCreated(JobOfDelivery { bundle_number: text("1"), kind: text("collect") }), "일감을 만들었어요: 회수"),
        (
            E::JobCancelled(JobOfDelivery { bundle_number: text("1"), kind: text("deliver") }),
            "일감을 취소했어요: 나눈 배송",
        ),
        (
            E::JobReopened(JobOfDelivery { bundle_number: text("1"), kind: text("service") }),
            "일감을 다시 열었어요: A/S",
        ),
        (
            E::DeliveryPromised(PromisedDay {
                bundle_number: text("1"),
                day: text("2026-12-03"),
                channel: text("phone"),
                was: Some(text("2026-12-01")),
                despite: Some(text("휴무예요: 설날")),
            }),
            "배송일을 다시 약속했어요: 2026-12-03 (전에는 2026-12-01). 확인하고 정한 것: 휴무예요: 설날",
        ),
        (E::SiteSaved { has_code: false }, "현장 카드를 저장했어요."),
        (E::SiteSaved { has_code: true }, "현장 카드를 저장했어요. 공동현관 비밀번호가 있어요."),
        (E::SiteRatesSaved {}, "현장 기준을 저장했어요."),
        (E::MinutesLearnt { was: 20, is: 30, stops: 9 }, "9곳에서 배운 대로 작업 시간을 20분에서 30분으로 바꿨어요."),
        (
            E::NoticesExported { day: text("2026-12-01"), batch: text("again"), texts: 2 },
            "다시 안내 2건을 파일로 받았어요.",
        ),
        (E::NoticesWithdrawn { day: text("2026-12-01"), texts: 2 }, "안내 문자 2건을 보내지 않은 것으로 바꿨어요."),
        (E::NoticeWordingSaved { kind: text("visit"), is_initial: false }, "방문 안내 문구를 저장했어요."),
        (E::NoticeWordingSaved { kind: text("change"), is_initial: true }, "변경 안내 처음 문구로 되돌렸어요."),
        (
            E::TourHandedOut { day: text("2026-12-01"), truck: text("1호차"), driver: text("gisa") },
            "1호차: gisa 기사에게 넘겼어요.",
        ),
        (
            E::TourLeft(Departure {
                day: text("2026-12-01"),
                truck: text("1호차"),
                pieces: 7,
                reasons: vec![text("파손")],
            }),
            "1호차: 7개를 싣고 출발했어요.",
        ),
        (
            E::TourTakenBack { day: text("2026-12-01"), truck: text("1호차"), reason: text("차 바꿈") },
            "1호차: 앞 단계로 되돌렸어요. 이유: 차 바꿈",
        ),
        (
            E::TourClosed { day: text("2026-12-01"), truck: text("1호차"), returned: 1, aboard: 2 },
            "1호차: 마감했어요. 반납 1개, 차에 남음 2개",
        ),
        (
            E::StopsReported(StopsReport {
                day: text("2026-12-01"),
                truck: text("1호차"),
                source: text("phone"),
                delivered: numbers(&["1", "2"]),
                failed: numbers(&["3"]),
                findings: vec![text("clock")],
            }),
            "1호차: 완료 2곳, 실패 1곳을 전했어요. 확인할 것 1건",
        ),
        (E::FindingResolved { bundle_number: text("1"), finding: text("clock") }, "기사 기록을 확인했어요: 1"),
        (
            E::PhoneCutOff(PhoneOfTour {
                day: text("2026-12-01"),
                truck: text("1호차"),
                phone: text("안드로이드 · 크롬"),
            }),
            "1호차: 휴대전화를 끊었어요: 안드로이드 · 크롬",
        ),
    ]
}

#[test]
fn every_verb_renders_a_sentence() {
    for (event, sentence) in events() {
        assert_eq!(event.sentence(), sentence, "{event:?}");
    }
    let rendered: BTreeSet<Verb> = events().iter().map(|(event, _)| event.verb()).collect();
    assert_eq!(rendered, Verb::ALL.iter().copied().collect());
}

#[test]
fn labels_are_those_of_roles_and_order_states() {
    for role in Role::ALL {
        assert_eq!(role_label(role.code()), role.label());
    }
    for state in OrderState::ALL {
        assert_eq!(state_label(state.code()), state.label());
    }
}

#[test]
fn entry_has_actor_address_object_and_details() {
    let shop = Shop::open();
    shop.write(|tx, _| {
        for (event, _) in events() {
            for (actor, object) in [
                (Actor::from(MANAGER), AuditObject::one(OrderId::from_raw(12))),
                (Actor::CommandLine, AuditObject::of(&[12, 13].map(OrderId::from_raw))),
                (Actor::Program, AuditObject::UNNUMBERED),
            ] {
                let id = record(tx, actor, object, &event)?;
                let entry = find(tx, id)?.expect("an entry");
                assert_eq!(entry, AuditEntry { id, at: tx.now(), actor, object, event: event.clone() });
            }
        }
        Ok(())
    })
    .expect("writes");
}

#[test]
fn action_without_effect_leaves_no_entry() {
    let shop = Shop::open();
    shop.write(|tx, _| {
        let event = || AuditEvent::OrdersClassified { orders: NumberList::default() };
        assert_eq!(record_effect::<OrderId>(tx, MANAGER, &[], event())?.audit_entry_id, None);
        let recorded = record_effect(tx, MANAGER, &[OrderId::from_raw(5)], event())?;
        let entry = find(tx, recorded.audit_entry_id.expect("an entry"))?.expect("an entry");
        assert_eq!(entry.object, AuditObject::one(OrderId::from_raw(5)));
        assert_eq!(tx.scalar("SELECT count(*) FROM audit_entries", &[])?, 1);
        Ok(())
    })
    .expect("writes");
}

#[test]
fn entry_of_a_failed_change_is_rolled_back() {
    let shop = Shop::open();
    let failed = shop.write(|tx, _| {
        record(tx, MANAGER, AuditObject::UNNUMBERED, &AuditEvent::DatabaseDownloaded {})?;
        Err::<(), _>(StorageError::Inconsistent("the change failed".to_owned()))
    });
    assert!(failed.is_err());
    shop.write(|tx, _| {
        assert_eq!(tx.scalar("SELECT count(*) FROM audit_entries", &[])?, 0);
        Ok(())
    })
    .expect("writes");
}

#[test]
fn action_on_many_orders_has_a_small_entry() {
    let orders: NumberList = (0..5000).map(|number| format!("20261122{number:08}")).collect();
    let shown = orders.shown();
    assert_eq!((orders.len(), shown.ends_with(" 외 4995건")), (5000, true), "{shown}");
    let details = serde_json::to_string(&AuditEvent::OrdersClassified { orders }).expect("JSON");
    assert!(details.len() < 4_000, "{}", details.len());
}

#[test]
fn verbs_of_a_member_are_found_since_an_identifier() {
    let shop = Shop::open();
    shop.write(|tx, _| {
        let early = record(tx, MANAGER, AuditObject::UNNUMBERED, &AuditEvent::SnapshotRequested {})?;
        record(tx, MANAGER, AuditObject::UNNUMBERED, &AuditEvent::DatabaseDownloaded {})?;
        record(
            tx,
            Actor::CommandLine,
            AuditObject::one(MemberId::from_raw(7)),
            &AuditEvent::MemberEnabled { username: text("kim") },
        )?;
        assert_eq!(verbs_since(tx, MANAGER.id, early)?, BTreeSet::from([Verb::DatabaseDownloaded]));
        Ok(())
    })
    .expect("writes");
}
