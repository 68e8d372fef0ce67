//! Events of the audit log: verbs with their details.

mod details;
mod verb;

use serde::{Deserialize, Serialize};

pub use self::details::{
    BundleChange, ConflictDecision, Departure, JobOfDelivery, NumberList, PhoneOfTour, PromisedDay, RejectedFile,
    StopsReport,
};
pub use self::verb::Verb;
use crate::time::Moment;

/// An action: the verb with its details. Stored as the verb's code and the fields as JSON.
///
/// Roles and order states are codes, because their rooms come after this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case")]
pub enum AuditEvent {
    /// 회원 추가
    MemberAdded {
        /// username of the new member
        username: String,
        /// code of the role
        role: String,
    },
    /// 역할 변경
    RoleChanged {
        /// username of the member
        username: String,
        /// code of the new role
        role: String,
    },
    /// 사용
    MemberEnabled {
        /// username of the member
        username: String,
    },
    /// 사용 중지, which logs the member out
    MemberDisabled {
        /// username of the member
        username: String,
    },
    /// 계속 쓰기: an administrator decided that a member stays who has not come for a long time
    MemberKept {
        /// username of the member
        username: String,
    },
    /// 비밀번호 변경, by the member or on the command line
    PasswordChanged {
        /// username of the member
        username: String,
    },
    /// 임시 비밀번호
    OneTimePasswordIssued {
        /// username of the member
        username: String,
    },
    /// 다른 기기에서 로그아웃
    DevicesLoggedOut {
        /// number of devices
        devices: u64,
    },
    /// A member was warned, after a login, that a stolen remember-me token was used.
    TokenTheftReported {
        /// when it was detected
        detected_at: Moment,
    },
    /// A member set up an authenticator app.
    TotpEnabled {
        /// the member
        username: String,
    },
    /// The authenticator app of a member was removed.
    TotpDisabled {
        /// the member
        username: String,
    },
    /// An administrator demands an authenticator app of a member.
    TotpDemanded {
        /// the member
        username: String,
    },
    /// A member may log in without an authenticator app again.
    TotpOptional {
        /// the member
        username: String,
    },
    /// An administrator signed the inspection of the access records.
    AccessInspected {
        /// the month: `2026-11`
        month: String,
    },
    /// Something was done about a leak.
    BreachRecorded {
        /// what, in words
        what: String,
    },
    /// Something was done about the demand of a person.
    PersonRequestRecorded {
        /// what, in words
        what: String,
    },
    /// A member logged in with a recovery code.
    RecoveryCodeUsed {
        /// the member
        username: String,
        /// codes that are left
        left: i64,
    },
    /// 가게 정보 저장
    ShopSaved {
        /// name of the shop
        name: String,
        /// address of the server
        address: String,
    },
    /// 상품 추가
    ProductAdded {
        /// 상품번호
        number: String,
        /// name
        name: String,
    },
    /// Names, priorities or 사용 of products in the list.
    ProductsEdited {
        /// 상품번호 of the saved products
        saved: NumberList,
        /// number of products with errors
        rejected: usize,
    },
    /// 옵션 추가
    VariantAdded {
        /// 옵션 이름
        key: String,
        /// 옵션 값
        value: String,
    },
    /// 발주서 표기 저장
    VariantsLabelled {
        /// number of saved labels
        saved: u64,
        /// number of labels with errors
        rejected: usize,
    },
    /// to 발주, 출고 or 배송됨
    OrdersAdvanced {
        /// code of the state
        to: String,
        /// order numbers
        changed: NumberList,
        /// orders at or past the state
        unchanged: NumberList,
        /// orders that an open claim keeps where they are
        held: NumberList,
        /// changed orders that have such a claim and that the member named
        despite_claim: NumberList,
        /// orders whose typed values were saved by the same act
        saved: NumberList,
    },
    /// 입력 저장 in the list
    OrdersEdited {
        /// order numbers
        changed: NumberList,
        /// orders without a difference
        unchanged: NumberList,
        /// number of orders with errors
        rejected: usize,
    },
    /// One value of one field for many orders
    OrdersBulkSet {
        /// column: `preferred_shipping_date`, `shipping_method`, `courier`, `purchase_memo`, `shipping_memo`
        field: String,
        /// the value in Korean; empty clears the field
        value: String,
        /// order numbers
        changed: NumberList,
        /// number of orders that had the value
        unchanged: usize,
        /// orders that do not take the value
        rejected: NumberList,
        /// orders whose typed values were saved by the same act
        saved: NumberList,
    },
    /// One order, on its page. The order log has the values.
    OrderEdited {
        /// order number
        number: String,
        /// what became of its bundle
        bundle: BundleChange,
    },
    /// 상담주문
    ManualOrdersCreated {
        /// order numbers
        orders: NumberList,
        /// number of their bundle
        bundle_number: String,
    },
    /// 묶음에서 빼기
    OrderUnbundled {
        /// order numbers
        orders: NumberList,
        /// number of the new bundle
        bundle_number: String,
    },
    /// 합치기
    OrdersMerged {
        /// order numbers
        orders: NumberList,
        /// number of the bundle that they joined
        bundle_number: String,
    },
    /// 합치기 되돌리기
    OrdersRejoined {
        /// order numbers
        orders: NumberList,
        /// number of the bundle that they returned to
        bundle_number: String,
    },
    /// 미분류 주문의 지역 정하기
    OrdersClassified {
        /// order numbers
        orders: NumberList,
    },
    /// A manual correction of a postal code was deleted.
    ZipCorrectionUndone {
        /// the postal code
        zip_code: String,
    },
    /// The manual district of an order was deleted.
    OrderCorrectionUndone {
        /// order number, or nothing if the order does not exist any more
        orders: NumberList,
    },
    /// 지역 목록 적용
    DistrictListApplied {
        /// first day, `YYYY-MM-DD`
        valid_from: String,
    },
    /// An uploaded list was deleted without being applied.
    DistrictListDiscarded {},
    /// 적용한 목록 거두기
    DistrictListWithdrawn {},
    /// Several files of one form. One file is in its upload.
    UploadsReceived {
        /// number of files that were read
        received: usize,
        /// files over the size limit
        too_large: Vec<RejectedFile>,
        /// number of files beyond the limit of one form
        skipped: usize,
        /// that limit
        limit: usize,
    },
    /// 업로드 취소
    UploadDiscarded {
        /// name of the file
        file_name: String,
    },
    /// 적용한 업로드 되돌리기
    UploadUndone {
        /// name of the file
        file_name: String,
        /// numbers of the deleted orders
        deleted: NumberList,
        /// numbers of the orders with former values
        restored: NumberList,
        /// numbers of the orders that later work keeps, as a whole or in part
        kept: NumberList,
        /// numbers of the deleted products
        products: NumberList,
        /// number of deleted variants
        variants: usize,
    },
    /// 충돌한 송장번호 정하기
    ConflictsResolved {
        /// the decision
        decision: ConflictDecision,
        /// number of rows
        resolved: usize,
        /// number of rows that could not be resolved
        failed: usize,
    },
    /// 판매채널 값과 우리 값 중 정하기
    ChannelChangesDecided {
        /// the orders took the channel's values
        takes_channel: bool,
        /// number of values
        resolved: usize,
        /// number of values that stay open
        failed: usize,
    },
    /// 열 알려 주기: columns of a channel's files have other names
    ProfileTaught {
        /// name of the channel
        channel: String,
        /// former and new header of each column
        columns: Vec<(String, String)>,
    },
    /// 양식 저장
    ProfileSaved {
        /// name of the channel
        channel: String,
    },
    /// 양식 삭제
    ProfileRemoved {
        /// name of the channel
        channel: String,
    },
    /// 삭제한 양식 복원
    ProfileRestored {
        /// name of the channel
        channel: String,
    },
    /// 오류 행을 처리 완료로 표시
    RejectedRowsResolved {
        /// number of rows
        rows: u64,
    },
    /// 되돌리기 of a bulk action
    BulkActionUndone {
        /// order numbers
        undone: NumberList,
        /// orders that have changed since
        changed: NumberList,
        /// whether it is too late, or was undone before
        is_expired: bool,
    },
    /// 배송 완료
    DeliveriesCompleted {
        /// bundle numbers
        completed: NumberList,
        /// bundle numbers of deliveries without an order to complete
        unchanged: NumberList,
        /// orders completed before they were dispatched
        undispatched: NumberList,
        /// orders that were at 배송 or 확정 already
        already: NumberList,
        /// cancelled and refunded orders
        cancelled: NumberList,
        /// orders that an open claim keeps where they are
        held: NumberList,
        /// completed orders that have such a claim and that the member named
        despite_claim: NumberList,
    },
    /// 완료 되돌리기
    CompletionsUndone {
        /// bundle numbers
        undone: NumberList,
        /// orders that have changed since
        changed: NumberList,
        /// bundle numbers of deliveries without a completion that can be undone
        expired: NumberList,
    },
    /// 전표 인쇄
    SlipsPrinted {
        /// bundle numbers
        bundles: NumberList,
    },
    /// 팀 메모. The delivery log has the texts.
    DeliveryMemoChanged {
        /// number of the bundle
        bundle_number: String,
        /// whether an earlier change was taken back
        is_undo: bool,
    },
    /// 설정: settings of the program
    SettingsSaved {
        /// `key = value` of each changed setting, without credentials
        changed: Vec<String>,
    },
    /// 전체 백업 뜨기
    SnapshotRequested {},
    /// 복원 테스트하기
    TrialRestoreRequested {
        /// the backup target, from 1
        target: usize,
    },
    /// A target that another program wrote to was taken over.
    BackupTargetTakenOver {
        /// the backup target, from 1
        target: usize,
    },
    /// 암호화 열쇠 만들기
    BackupKeyCreated {
        /// public identifier of the key
        key: String,
    },
    /// 암호화 열쇠 보기
    BackupKeyShown {
        /// public identifier of the key
        key: String,
    },
    /// 데이터 내려받기: the whole database
    DatabaseDownloaded {},
    /// A practice session was started, by the member or a trainer.
    PracticeStarted {
        /// username of the practising member
        username: String,
    },
    /// A demo shop was created or reset.
    DemoShopCreated {
        /// number of generated orders
        orders: u64,
    },
    /// 차량 저장: added or changed
    TruckSaved {
        /// name
        name: String,
    },
    /// 요일: the weekdays of a district
    DistrictWeekdaysSaved {
        /// name of the district
        district: String,
        /// the weekdays in words; none: the district has no weekdays of its own any more
        weekdays: Option<String>,
    },
    /// 휴무: a day off, or a working day in spite of a holiday
    SpecialDaySaved {
        /// `YYYY-MM-DD`
        day: String,
        /// name of the truck; none: all trucks
        truck: Option<String>,
        /// a day off, or a working day
        is_off: bool,
    },
    /// 휴무 지우기
    SpecialDayDeleted {
        /// `YYYY-MM-DD`
        day: String,
    },
    /// 작업 기준 of products or options
    HandlingSaved {
        /// number of saved rows
        saved: usize,
        /// number of rows with errors
        rejected: usize,
    },
    /// 차고지, 기본값 and 배로 가는 곳
    TruckSettingsSaved {
        /// postal code of the depot
        depot_zip: String,
    },
    /// 위치: the point of a postal code, corrected by hand
    PointCorrected {
        /// postal code
        zip: String,
        /// whether the correction was taken back
        is_undo: bool,
    },
    /// 길: how much longer a drive between two districts takes
    RoadFactorSaved {
        /// names of the districts: `구미시 ↔ 김천시`
        districts: String,
        /// percent of the estimate; none: the estimate holds again
        percent: Option<i64>,
        /// drives that it was learnt from; 0: by hand
        drives: i64,
    },
    /// 배차 by the route engine
    StopsAssigned {
        /// `YYYY-MM-DD`
        day: String,
        /// stops of the planned tours
        planned: usize,
        /// deliveries that fit nowhere
        left_out: usize,
    },
    /// Deliveries were moved to a truck or out of their tours by hand.
    StopsMoved {
        /// `YYYY-MM-DD`
        day: String,
        /// name of the truck; none: 미배차
        truck: Option<String>,
        /// bundle numbers
        bundles: NumberList,
    },
    /// 차 고정, 순서 고정, 고정 풀기
    StopsHeld {
        /// `YYYY-MM-DD`
        day: String,
        /// code of the hold
        hold: String,
        /// bundle numbers
        bundles: NumberList,
    },
    /// 바뀐 내용 확인
    StopChangesAcknowledged {
        /// `YYYY-MM-DD`
        day: String,
        /// bundle numbers
        bundles: NumberList,
    },
    /// 확정
    ToursFixed {
        /// `YYYY-MM-DD`
        day: String,
        /// names of the trucks
        trucks: Vec<String>,
    },
    /// 확정 풀기
    ToursReopened {
        /// `YYYY-MM-DD`
        day: String,
        /// names of the trucks
        trucks: Vec<String>,
    },
    /// 배차 정보 of a delivery
    JobSaved {
        /// number of the bundle
        bundle_number: String,
    },
    /// A job beside the delivery itself was made (일감).
    JobCreated(JobOfDelivery),
    /// It is no longer needed.
    JobCancelled(JobOfDelivery),
    /// It is to be done again.
    JobReopened(JobOfDelivery),
    /// 배송일 약속
    DeliveryPromised(PromisedDay),
    /// The site card of a delivery's building.
    SiteSaved {
        /// whether it has a code of the entrance
        has_code: bool,
    },
    /// What stairs, carrying and a ladder truck take and cost.
    SiteRatesSaved {},
    /// A member accepted the minutes of a product that finished days say.
    MinutesLearnt {
        /// minutes before
        was: i64,
        /// minutes from now on
        is: i64,
        /// stops that they were learnt from
        stops: usize,
    },
    /// Texts for customers were written into a file.
    NoticesExported {
        /// `YYYY-MM-DD`
        day: String,
        /// code of the batch
        batch: String,
        /// number of texts
        texts: usize,
    },
    /// A file with texts was not sent.
    NoticesWithdrawn {
        /// `YYYY-MM-DD`
        day: String,
        /// number of texts
        texts: u64,
    },
    /// The wording of a kind of text.
    NoticeWordingSaved {
        /// code of the kind
        kind: String,
        /// whether it is that of the program again
        is_initial: bool,
    },
    /// The buyer was told that an order is late.
    DelayNoticeRecorded {
        /// order number
        number: String,
        /// `YYYY-MM-DD`; none: the new day is not known yet
        new_day: Option<String>,
    },
    /// 주문 제작 동의: the buyer cannot withdraw
    WithdrawalConsentRecorded {
        /// order number
        number: String,
    },
    /// A tour was given to a driver.
    TourHandedOut {
        /// `YYYY-MM-DD`
        day: String,
        /// name of the truck
        truck: String,
        /// username of the driver
        driver: String,
    },
    /// 출발
    TourLeft(Departure),
    /// A tour went back to an earlier state.
    TourTakenBack {
        /// `YYYY-MM-DD`
        day: String,
        /// name of the truck
        truck: String,
        /// why
        reason: String,
    },
    /// 마감
    TourClosed {
        /// `YYYY-MM-DD`
        day: String,
        /// name of the truck
        truck: String,
        /// pieces that came back
        returned: i64,
        /// pieces that stayed on the truck
        aboard: i64,
    },
    /// A phone, a page or paper said what happened at stops.
    StopsReported(StopsReport),
    /// A member looked at a finding.
    FindingResolved {
        /// bundle number
        bundle_number: String,
        /// code
        finding: String,
    },
    /// The key of a phone was revoked.
    PhoneCutOff(PhoneOfTour),
}
