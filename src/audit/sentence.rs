//! The Korean sentence of an audit event, rendered from its details.

use super::event::{
    AuditEvent, BundleChange, ConflictDecision, Departure, JobOfDelivery, NumberList, PhoneOfTour, PromisedDay,
    RejectedFile, StopsReport,
};
use crate::time::duration_label;

impl AuditEvent {
    /// What was done, in Korean. For an action without effect it says why.
    #[expect(clippy::too_many_lines, reason = "an arm for each event")]
    pub fn sentence(&self) -> String {
        match self {
            Self::MemberAdded { username, role } => format!("{username} 회원을 추가했어요 ({}).", role_label(role)),
            Self::RoleChanged { username, role } => {
                format!("{username} 회원의 역할을 바꿨어요: {}", role_label(role))
            }
            Self::MemberEnabled { username } => format!("{username} 회원이 다시 로그인할 수 있게 했어요."),
            Self::MemberDisabled { username } => format!("{username} 회원이 로그인하지 못하게 했어요."),
            Self::PasswordChanged { username } => format!("{username} 회원의 비밀번호를 바꿨어요."),
            Self::OneTimePasswordIssued { username } => {
                format!("{username} 회원의 비밀번호를 임시 비밀번호로 바꿨어요.")
            }
            Self::MemberKept { username } => format!("오래 들어오지 않은 {username} 회원을 그대로 두었어요."),
            Self::DevicesLoggedOut { devices } => format!("다른 기기 {devices}대에서 로그아웃했어요."),
            Self::TokenTheftReported { detected_at } => {
                format!("{detected_at}에 예전 로그인 정보를 누군가 다시 써서 모든 기기에서 로그아웃했어요.")
            }
            Self::TotpEnabled { username } => format!("{username} 회원이 인증 앱을 연결했어요."),
            Self::TotpDisabled { username } => format!("{username} 회원의 인증 앱을 풀었어요."),
            Self::TotpDemanded { username } => format!("{username} 회원이 인증 앱을 꼭 쓰게 했어요."),
            Self::TotpOptional { username } => format!("{username} 회원이 인증 앱을 쓰지 않아도 되게 했어요."),
            Self::RecoveryCodeUsed { username, left } => {
                format!("{username} 회원이 복구 코드로 로그인했어요. 남은 코드는 {left}개예요.")
            }
            Self::AccessInspected { month } => format!("{month}의 접속기록을 점검했어요."),
            Self::BreachRecorded { what } => format!("유출 대응을 기록했어요: {what}"),
            Self::PersonRequestRecorded { what } => format!("본인 요구를 기록했어요: {what}"),
            Self::ShopSaved { .. } => "가게 정보를 저장했어요.".to_owned(),
            Self::SettingsSaved { changed } => format!("설정을 바꿨어요: {}", changed.join(", ")),
            Self::ProductAdded { name, .. } => format!("‘{name}’ 상품을 추가했어요."),
            Self::ProductsEdited { saved, rejected } => saved_and_rejected("상품", saved.len(), *rejected),
            Self::VariantAdded { key, value } => format!("‘{key}: {value}’ 옵션을 추가했어요."),
            Self::VariantsLabelled { saved, rejected } => saved_and_rejected("발주서 표기", saved, *rejected),
            Self::OrdersAdvanced { to, changed, unchanged, held, despite_claim, saved } => {
                orders_advanced(to, changed, unchanged, [held, despite_claim], saved)
            }
            Self::OrdersEdited { changed, unchanged, rejected } => orders_edited(changed, unchanged, *rejected),
            Self::OrdersBulkSet { field, value, changed, unchanged, rejected, saved } => {
                orders_bulk_set((field, value), changed, *unchanged, rejected, saved)
            }
            Self::OrderEdited { number, bundle } => order_edited(number, bundle),
            Self::ManualOrdersCreated { orders, bundle_number } => {
                format!("상담주문 {}건을 저장했어요. 묶음배송번호: {bundle_number}", orders.len())
            }
            Self::OrderUnbundled { bundle_number, .. } => format!("묶음에서 뺐어요. 새 묶음배송번호: {bundle_number}"),
            Self::OrdersMerged { orders, bundle_number } => {
                format!("주문 {}건을 이 묶음으로 합쳤어요. 묶음배송번호: {bundle_number}", orders.len())
            }
            Self::OrdersRejoined { orders, bundle_number } => {
                format!("주문 {}건을 원래 묶음으로 되돌렸어요. 묶음배송번호: {bundle_number}", orders.len())
            }
            Self::OrdersClassified { orders } => format!("주문 {}건의 지역을 정했어요.", orders.len()),
            Self::ZipCorrectionUndone { zip_code } => format!("우편번호 {zip_code}의 수정한 지역을 되돌렸어요."),
            Self::OrderCorrectionUndone { .. } => "주문의 수정한 지역을 되돌렸어요.".to_owned(),
            Self::DistrictListApplied { valid_from } => format!("{valid_from}부터의 지역으로 바꿨어요."),
            Self::DistrictListDiscarded {} => "올린 목록을 적용하지 않고 지웠어요.".to_owned(),
            Self::DistrictListWithdrawn {} => "목록의 적용을 취소했어요.".to_owned(),
            Self::UploadsReceived { received, too_large, skipped, limit } => {
                uploads_received(*received, too_large, *skipped, *limit)
            }
            Self::UploadDiscarded { file_name } => format!("올린 파일을 취소했어요: {file_name}"),
            Self::UploadUndone { deleted, restored, kept, products, variants, .. } => {
                upload_undone([deleted, restored, kept, products], *variants)
            }
            Self::ConflictsResolved { decision, resolved, failed } => conflicts_resolved(*decision, *resolved, *failed),
            Self::ChannelChangesDecided { takes_channel, resolved, failed } => {
                channel_changes_decided(*takes_channel, *resolved, *failed)
            }
            Self::ProfileTaught { channel, columns } => {
                let columns: Vec<String> =
                    columns.iter().map(|(header, name)| format!("‘{name}’ 열은 ‘{header}’ 열")).collect();
                format!("{channel} 파일의 열을 알려 주었어요: {}.", columns.join(", "))
            }
            Self::ProfileSaved { channel } => format!("{channel} 양식을 저장했어요."),
            Self::ProfileRemoved { channel } => format!("{channel} 양식을 삭제했어요."),
            Self::ProfileRestored { channel } => format!("{channel} 양식을 복원했어요."),
            Self::RejectedRowsResolved { rows } => format!("오류 행 {rows}개를 처리 완료로 표시했어요."),
            Self::DeliveriesCompleted {
                completed,
                unchanged,
                undispatched,
                already,
                cancelled,
                held,
                despite_claim,
            } => deliveries_completed(completed, [undispatched, cancelled, already, unchanged], [held, despite_claim]),
            Self::BulkActionUndone { undone, changed, is_expired } => bulk_action_undone(undone, changed, *is_expired),
            Self::CompletionsUndone { undone, changed, expired } => completions_undone(undone, changed, expired),
            Self::SlipsPrinted { bundles } => format!("배송 {}건의 전표를 인쇄한 것으로 표시했어요.", bundles.len()),
            Self::DeliveryMemoChanged { is_undo: true, .. } => "메모를 되돌렸어요.".to_owned(),
            Self::DeliveryMemoChanged { .. } => "메모를 저장했어요.".to_owned(),
            Self::SnapshotRequested {} => "전체 백업을 만들게 했어요.".to_owned(),
            Self::TrialRestoreRequested { target } => format!("{target}번 백업의 복원 테스트를 하게 했어요."),
            Self::BackupTargetTakenOver { target } => format!("{target}번 백업을 이어받았어요."),
            Self::BackupKeyShown { key } => format!("백업의 암호화 열쇠를 봤어요: {key}"),
            Self::BackupKeyCreated { key } => format!("백업의 암호화 열쇠를 만들었어요: {key}"),
            Self::DatabaseDownloaded {} => "가게의 모든 데이터를 내려받았어요.".to_owned(),
            Self::PracticeStarted { username } => format!("{username} 님의 연습을 새로 시작했어요."),
            Self::DemoShopCreated { orders } => format!("주문 {orders}건이 있는 교육용 가게를 만들었어요."),
            Self::TruckSaved { name } => format!("{name} 차량을 저장했어요."),
            Self::DistrictWeekdaysSaved { district, weekdays } => {
                district_weekdays_saved(district, weekdays.as_deref())
            }
            Self::SpecialDaySaved { day, truck, is_off } => {
                let whose = truck.as_deref().unwrap_or("모든 차량");
                format!("{day}: {whose}의 {} 정했어요.", if *is_off { "휴무로" } else { "일하는 날로" })
            }
            Self::SpecialDayDeleted { day } => format!("{day}에 정해 둔 휴무를 지웠어요."),
            Self::HandlingSaved { saved, rejected } => saved_and_rejected("작업 기준", saved, *rejected),
            Self::TruckSettingsSaved { .. } => "배송 기준을 저장했어요.".to_owned(),
            Self::PointCorrected { zip, is_undo: false } => format!("우편번호 {zip}의 위치를 바로잡았어요."),
            Self::PointCorrected { zip, .. } => format!("우편번호 {zip}의 위치를 처음 값으로 되돌렸어요."),
            Self::RoadFactorSaved { districts, percent, drives } => road_factor_saved(districts, *percent, *drives),
            Self::StopsAssigned { planned, left_out, .. } => stops_assigned(*planned, *left_out),
            Self::StopsMoved { truck, bundles, .. } => {
                let to = truck.as_deref().unwrap_or("미배차");
                format!("{}곳을 옮겼어요: {to}", bundles.len())
            }
            Self::StopsHeld { hold, bundles, .. } => format!("{}곳: {}", bundles.len(), hold_sentence(hold)),
            Self::StopChangesAcknowledged { bundles, .. } => format!("{}곳의 바뀐 내용을 확인했어요.", bundles.len()),
            Self::ToursFixed { trucks, .. } => format!("배차를 확정했어요: {}", trucks.join(", ")),
            Self::ToursReopened { trucks, .. } => format!("확정을 풀었어요: {}", trucks.join(", ")),
            Self::JobSaved { .. } => "배차 정보를 저장했어요.".to_owned(),
            Self::JobCreated(JobOfDelivery { kind, .. }) => format!("일감을 만들었어요: {}", job_kind(kind)),
            Self::JobCancelled(JobOfDelivery { kind, .. }) => format!("일감을 취소했어요: {}", job_kind(kind)),
            Self::JobReopened(JobOfDelivery { kind, .. }) => format!("일감을 다시 열었어요: {}", job_kind(kind)),
            Self::DeliveryPromised(PromisedDay { day, was, despite, .. }) => {
                delivery_promised(day, was.as_deref(), despite.as_deref())
            }
            Self::SiteSaved { has_code } => {
                let code = if *has_code { " 공동현관 비밀번호가 있어요." } else { "" };
                format!("현장 카드를 저장했어요.{code}")
            }
            Self::SiteRatesSaved {} => "현장 기준을 저장했어요.".to_owned(),
            Self::MinutesLearnt { was, is, stops } => {
                let (was, is) = (duration_label(*was), duration_label(*is));
                format!("{stops}곳에서 배운 대로 작업 시간을 {was}에서 {is}으로 바꿨어요.")
            }
            Self::NoticesExported { batch, texts, .. } => {
                format!("{} {texts}건을 파일로 받았어요.", notice_label(batch))
            }
            Self::NoticesWithdrawn { texts, .. } => format!("안내 문자 {texts}건을 보내지 않은 것으로 바꿨어요."),
            Self::NoticeWordingSaved { kind, is_initial } => {
                let what = if *is_initial { "처음 문구로 되돌렸어요." } else { "문구를 저장했어요." };
                format!("{} {what}", notice_label(kind))
            }
            Self::DelayNoticeRecorded { new_day, .. } => match new_day {
                Some(day) => format!("지연을 알린 것을 기록했어요. 새로 약속한 날: {day}"),
                None => "지연을 알린 것을 기록했어요.".to_owned(),
            },
            Self::WithdrawalConsentRecorded { .. } => "주문 제작 동의를 기록했어요.".to_owned(),
            Self::TourHandedOut { truck, driver, .. } => format!("{truck}: {driver} 기사에게 넘겼어요."),
            Self::TourLeft(Departure { truck, pieces, .. }) => format!("{truck}: {pieces}개를 싣고 출발했어요."),
            Self::TourTakenBack { truck, reason, .. } => format!("{truck}: 앞 단계로 되돌렸어요. 이유: {reason}"),
            Self::TourClosed { truck, returned, aboard, .. } => {
                format!("{truck}: 마감했어요. 반납 {returned}개, 차에 남음 {aboard}개")
            }
            Self::StopsReported(report) => stops_reported(report),
            Self::FindingResolved { bundle_number, .. } => format!("기사 기록을 확인했어요: {bundle_number}"),
            Self::PhoneCutOff(PhoneOfTour { truck, phone, .. }) => format!("{truck}: 휴대전화를 끊었어요: {phone}"),
        }
    }
}

fn road_factor_saved(districts: &str, percent: Option<i64>, drives: i64) -> String {
    match percent {
        None => format!("{districts}: 길 보정을 지웠어요. 어림한 시간을 그대로 써요."),
        Some(percent) if drives > 0 => {
            format!("{districts}: {drives}번 다녀온 대로 운전 시간을 {percent}%로 보정했어요.")
        }
        Some(percent) => format!("{districts}: 운전 시간을 {percent}%로 보정했어요."),
    }
}

fn district_weekdays_saved(district: &str, weekdays: Option<&str>) -> String {
    match weekdays {
        Some("") => format!("{district}에는 직접 배송하지 않기로 했어요."),
        Some(weekdays) => format!("{district}의 배송 요일을 정했어요: {weekdays}"),
        None => format!("{district}의 배송 요일을 지웠어요. 일하는 날마다 배송할 수 있어요."),
    }
}

/// Label of a kind or batch of texts for customers.
fn notice_label(code: &str) -> &'static str {
    match code {
        "visit" => "방문 안내",
        "change" => "변경 안내",
        "cancellation" => "취소 안내",
        "completion" => "완료 안내",
        _ => "다시 안내",
    }
}

fn delivery_promised(day: &str, was: Option<&str>, despite: Option<&str>) -> String {
    let promised = match was {
        Some(was) if was != day => format!("배송일을 다시 약속했어요: {day} (전에는 {was})"),
        _ => format!("배송일을 약속했어요: {day}"),
    };
    despite.map_or_else(|| promised.clone(), |reason| format!("{promised}. 확인하고 정한 것: {reason}"))
}

fn stops_reported(report: &StopsReport) -> String {
    let StopsReport { truck, delivered, failed, findings, .. } = report;
    let text = format!("{truck}: 완료 {}곳, 실패 {}곳을 전했어요.", delivered.len(), failed.len());
    if findings.is_empty() { text } else { format!("{text} 확인할 것 {}건", findings.len()) }
}

fn stops_assigned(planned: usize, left_out: usize) -> String {
    match left_out {
        0 => format!("{planned}곳을 배차했어요."),
        left_out => format!("{planned}곳을 배차했고, {left_out}곳은 배차하지 못했어요. 미배차의 이유를 확인해 주세요."),
    }
}

/// The name of a kind of job. Its type comes after this room; a test compares the codes.
fn job_kind(code: &str) -> &str {
    match code {
        "deliver" => "나눈 배송",
        "collect" => "회수",
        "swap" => "교환",
        "service" => "A/S",
        "measure" => "실측",
        other => other,
    }
}

/// What a hold does. Its type comes after this room; a test compares the codes.
fn hold_sentence(code: &str) -> &str {
    match code {
        "truck" => "차에 고정했어요.",
        "place" => "여기까지 순서를 고정했어요.",
        "free" => "고정을 풀었어요.",
        other => other,
    }
}

/// The label of a role. [`Role`](crate::members::model::Role) comes after this room; a test compares the labels.
pub(super) fn role_label(code: &str) -> &str {
    match code {
        "admin" => "관리자",
        "orders" => "주문 담당",
        "logistics" => "배송팀",
        "support" => "상담",
        "viewer" => "조회만",
        "driver" => "기사",
        other => other,
    }
}

/// The label of an order state. [`OrderState`](crate::orders::model::OrderState) comes after this room; a test compares
/// the labels.
pub(super) fn state_label(code: &str) -> &str {
    match code {
        "PLACED" => "주문",
        "PURCHASED" => "발주",
        "DISPATCHED" => "출고",
        "SHIPPED" => "배송됨",
        "CONFIRMED" => "확정",
        "CANCELLED" => "취소됨",
        "REFUNDED" => "반품",
        other => other,
    }
}

/// `상품 3개를 저장했어요.`
fn saved_and_rejected(noun: &str, saved: impl std::fmt::Display, rejected: usize) -> String {
    let saved = saved.to_string();
    match (saved.as_str(), rejected) {
        (_, 0) => format!("{noun} {saved}개를 저장했어요."),
        ("0", _) => format!("{noun} {rejected}개를 저장하지 못했어요."),
        _ => format!("{noun} {saved}개를 저장했고, {rejected}개는 저장하지 못했어요."),
    }
}

/// Sentences about orders with open claims: those left as they are, and those that passed.
fn claim_sentences([held, despite_claim]: [&NumberList; 2]) -> Vec<String> {
    let mut sentences = Vec::new();
    if !held.is_empty() {
        let (count, numbers) = (held.len(), held.shown());
        sentences.push(format!("취소 요청이 들어온 {count}건은 그대로 두었어요: {numbers}."));
    }
    if !despite_claim.is_empty() {
        let (count, numbers) = (despite_claim.len(), despite_claim.shown());
        sentences.push(format!("{count}건은 취소 요청이 있는데도 진행했어요: {numbers}."));
    }
    sentences
}

fn orders_advanced(
    to: &str,
    changed: &NumberList,
    unchanged: &NumberList,
    claims: [&NumberList; 2],
    saved: &NumberList,
) -> String {
    let (mut sentences, to) = (Vec::new(), state_label(to));
    if !changed.is_empty() {
        sentences.push(format!("{}건을 {to} 상태로 바꿨어요: {}.", changed.len(), changed.shown()));
    }
    if !unchanged.is_empty() {
        let (count, numbers) = (unchanged.len(), unchanged.shown());
        sentences.push(format!("{count}건은 이미 {to} 상태이거나 그 뒤여서 그대로 두었어요: {numbers}."));
    }
    sentences.extend(claim_sentences(claims));
    sentences.extend(saved_sentence(saved));
    if sentences.is_empty() {
        sentences.push("바꿀 주문이 없어요. 목록을 새로고침해 주세요.".to_owned());
    }
    sentences.join(" ")
}

/// What an act on the list saved besides.
fn saved_sentence(saved: &NumberList) -> Option<String> {
    (!saved.is_empty()).then(|| format!("{}건은 입력한 값도 저장했어요: {}.", saved.len(), saved.shown()))
}

fn orders_edited(changed: &NumberList, unchanged: &NumberList, rejected: usize) -> String {
    let mut sentences = Vec::new();
    if !changed.is_empty() {
        sentences.push(format!("{}건을 저장했어요: {}.", changed.len(), changed.shown()));
    }
    if !unchanged.is_empty() {
        sentences.push(format!("{}건은 바뀐 내용이 없어요: {}.", unchanged.len(), unchanged.shown()));
    }
    if sentences.is_empty() && rejected == 0 {
        sentences.push("저장할 주문이 없어요. 목록을 새로고침해 주세요.".to_owned());
    }
    if rejected > 0 {
        sentences.push(format!("{rejected}건은 저장하지 못했어요. 표시된 곳을 확인해 주세요."));
    }
    sentences.join(" ")
}

fn orders_bulk_set(
    (field, value): (&str, &str),
    changed: &NumberList,
    unchanged: usize,
    rejected: &NumberList,
    saved: &NumberList,
) -> String {
    let label = match field {
        "preferred_shipping_date" => "희망배송일",
        "shipping_method" => "배송방법",
        "courier" => "택배사",
        "purchase_memo" => "발주메모",
        "shipping_memo" => "배송메모",
        other => other,
    };
    let is = if value.is_empty() { format!("{label} 비움") } else { format!("{label} ‘{value}’") };
    let mut sentences = Vec::new();
    if !changed.is_empty() {
        sentences.push(format!("주문 {}건을 {is}(으)로 바꿨어요: {}.", changed.len(), changed.shown()));
    }
    if unchanged > 0 {
        sentences.push(format!("{unchanged}건은 이미 같은 값이에요."));
    }
    if !rejected.is_empty() {
        let reason = match field {
            "preferred_shipping_date" => "이미 배송되어",
            "shipping_method" => "이미 배송되었거나, 함께 가는 주문을 모두 선택하지 않아",
            _ => "택배로 보내는 주문이 아니라서",
        };
        sentences.push(format!("{}건은 {reason} 그대로 두었어요: {}.", rejected.len(), rejected.shown()));
    }
    sentences.extend(saved_sentence(saved));
    if sentences.is_empty() {
        sentences.push("바꿀 주문이 없어요. 목록을 새로고침해 주세요.".to_owned());
    }
    sentences.join(" ")
}

fn order_edited(number: &str, bundle: &BundleChange) -> String {
    match bundle {
        BundleChange::Stays {} => format!("주문을 저장했어요: {number}"),
        BundleChange::Leaves { bundle_number } => {
            format!("주문을 저장하고 묶음에서 뺐어요. 새 묶음배송번호: {bundle_number}")
        }
        BundleChange::Moves { bundle_number } => {
            format!("주문을 저장하고 다른 묶음으로 옮겼어요. 묶음배송번호: {bundle_number}")
        }
        BundleChange::MovesTogether { companions } => {
            format!("주문을 저장하고 함께 가는 주문 {companions}건도 바꿨어요.")
        }
    }
}

fn upload_undone([deleted, restored, kept, products]: [&NumberList; 4], variants: usize) -> String {
    let parts = [
        (deleted.len(), "등록한 주문 ", "건을 지웠어요"),
        (restored.len(), "주문 ", "건을 이전 값으로 되돌렸어요"),
        (products.len(), "새로 만든 상품 ", "개를 지웠어요"),
        (variants, "새로 만든 옵션 ", "개를 지웠어요"),
        (kept.len(), "그 뒤에 일이 이어진 주문 ", "건은 그대로 두었어요"),
    ];
    let said: Vec<String> = parts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, what, done)| format!("{what}{count}{done}."))
        .collect();
    if said.is_empty() {
        "업로드를 되돌렸어요. 바뀐 주문은 없어요.".to_owned()
    } else {
        said.join(" ")
    }
}

fn uploads_received(received: usize, too_large: &[RejectedFile], skipped: usize, limit: usize) -> String {
    let mut sentences = Vec::new();
    if received > 0 {
        sentences.push(format!("파일 {received}개를 읽었어요. 확인하고 적용해 주세요."));
    }
    sentences.extend(too_large.iter().map(|RejectedFile { name, reason }| format!("{name}: {reason}")));
    if skipped > 0 {
        sentences.push(format!("{skipped}개는 받지 않았어요. 한 번에 {limit}개까지 나누어 올려 주세요."));
    }
    sentences.join(" ")
}

fn channel_changes_decided(takes_channel: bool, resolved: usize, failed: usize) -> String {
    let mut sentences = Vec::new();
    if resolved > 0 || failed == 0 {
        sentences.push(if takes_channel {
            format!("값 {resolved}개를 판매채널 값으로 바꿨어요.")
        } else {
            format!("값 {resolved}개는 우리 값을 그대로 두었어요.")
        });
    }
    if failed > 0 {
        sentences.push(format!("{failed}개는 처리하지 못했어요. 표시된 곳을 확인해 주세요."));
    }
    sentences.join(" ")
}

fn conflicts_resolved(decision: ConflictDecision, resolved: usize, failed: usize) -> String {
    let mut sentences = Vec::new();
    if resolved > 0 || failed == 0 {
        sentences.push(match decision {
            ConflictDecision::Replace => format!("{resolved}행을 새 번호로 바꿨어요."),
            ConflictDecision::AsParcel => format!("{resolved}행을 택배로 바꾸고 송장번호를 등록했어요."),
            ConflictDecision::Keep => format!("{resolved}행은 지금 번호를 그대로 두었어요."),
        });
    }
    if failed > 0 {
        sentences.push(format!("{failed}행은 처리하지 못했어요. 표시된 곳을 확인해 주세요."));
    }
    sentences.join(" ")
}

fn deliveries_completed(
    completed: &NumberList,
    [undispatched, cancelled, already, unchanged]: [&NumberList; 4],
    [held, despite_claim]: [&NumberList; 2],
) -> String {
    let mut sentences = Vec::new();
    if !completed.is_empty() {
        sentences.push(format!("배송 {}건을 완료했어요.", completed.len()));
    } else if unchanged.is_empty() && held.is_empty() {
        sentences.push("완료할 배송이 없어요.".to_owned());
    }
    sentences.extend(claim_sentences([held, despite_claim]));
    for (numbers, label) in [
        (undispatched, "출고 전이던 주문도 배송됨으로 바꿨어요"),
        (cancelled, "취소나 반품된 주문은 그대로 두었어요"),
        (already, "이미 배송된 주문은 그대로 두었어요"),
        (unchanged, "배송할 주문이 없는 배송이에요"),
    ] {
        if !numbers.is_empty() {
            sentences.push(format!("{label}: {}", numbers.shown()));
        }
    }
    sentences.join(" ")
}

fn bulk_action_undone(undone: &NumberList, changed: &NumberList, is_expired: bool) -> String {
    if is_expired {
        return "되돌릴 수 없어요. 이미 되돌렸거나 하루가 지났어요.".to_owned();
    }
    let mut sentences = vec![match undone.len() {
        0 => "되돌린 주문이 없어요.".to_owned(),
        count => format!("주문 {count}건을 되돌렸어요: {}.", undone.shown()),
    }];
    if !changed.is_empty() {
        let (count, numbers) = (changed.len(), changed.shown());
        sentences.push(format!("그 사이 바뀐 {count}건은 그대로 두었어요: {numbers}."));
    }
    sentences.join(" ")
}

fn completions_undone(undone: &NumberList, changed: &NumberList, expired: &NumberList) -> String {
    let mut sentences = vec![match undone.len() {
        0 if changed.is_empty() && expired.is_empty() => {
            "되돌릴 배송이 없어요. 이미 되돌렸거나 완료한 지 하루가 지났어요.".to_owned()
        }
        0 => "되돌린 배송이 없어요.".to_owned(),
        count => format!("배송 {count}건의 완료를 되돌렸어요."),
    }];
    if !changed.is_empty() {
        sentences.push(format!("그 사이 바뀐 주문은 그대로 두었어요: {}", changed.shown()));
    }
    if !expired.is_empty() {
        sentences.push(format!("완료한 지 하루 안의 배송만 되돌릴 수 있어요: {}", expired.shown()));
    }
    sentences.join(" ")
}
