//! Imports of all fixtures into a database.

mod channels;

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::audit::Actor;
use crate::orders::filter::OrderFilter;
use crate::orders::list::{self, OrderRow};
use crate::orders::model::OrderState;
use crate::sheets::tests::sheet_package;
use crate::storage::StorageOptions;
use crate::storage::testing::ScratchDatabase;
use crate::time::{Clock, ManualClock, Moment, SystemClock, parse_moment};

struct Shop {
    uploads: Uploads,
    _folder: ScratchDatabase,
}

impl Shop {
    fn open() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    fn with_clock(clock: Arc<dyn Clock>) -> Self {
        let folder = ScratchDatabase::new();
        let options = StorageOptions { clock, readers: 2 };
        let storage = folder.open(&options);
        let uploads = Uploads {
            turns: crate::uploads::FileTurns::default(),
            password_tries: crate::uploads::PasswordTries::default(),
            queue: crate::uploads::ApplyQueue::default(),
            foreground: crate::uploads::FOREGROUND_TIMEOUT,
            storage,
            shipped: Arc::new(Profiles::shipped().expect("the embedded profiles")),
            districts: DistrictCache::default(),
            vault: Vault::open(&folder.path().join("secret.key")).expect("a key"),
            limits: Limits::default(),
        };
        Self { uploads, _folder: folder }
    }

    async fn upload(&self, name: &str, password: Option<&str>) -> Result<Report, UploadError> {
        let options = ImportOptions::default();
        let UploadPreview { id, result, .. } =
            self.uploads.receive_and_preview(None, name, fixture(name), &options).await?;
        let preview = match (result, password) {
            (Err(UploadError::Refused(error)), Some(password)) if error.needs_password() => {
                self.uploads.preview_stored(id, password, &options).await?
            }
            (result, _) => result?,
        };
        let applied = self.uploads.apply_stored(id, Actor::Program, &options).await?;
        assert_eq!(preview.report, applied.report, "preview and import agree");
        Ok(applied.report)
    }

    async fn counts(&self, name: &str, password: Option<&str>) -> [usize; 4] {
        let report = self.upload(name, password).await.expect("is taken");
        RowOutcome::ALL.map(|outcome| report.count(outcome))
    }

    async fn orders(&self) -> Vec<OrderRow> {
        self.uploads
            .storage
            .read(|tx| {
                let mut orders = Vec::new();
                list::for_each(tx, &OrderFilter::default(), &mut |order| {
                    orders.push(order);
                    Ok(())
                })?;
                Ok::<_, StorageError>(orders)
            })
            .await
            .expect("lists")
    }

    async fn order(&self, number: &str) -> OrderRow {
        self.orders().await.into_iter().find(|listed| listed.order.order_number == number).expect("is there")
    }
}

/// `2024-03-15 10:00` in Korea.
fn at(text: &str) -> Moment {
    parse_moment(&format!("{text}:00")).expect("a moment")
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).expect("a fixture")
}

#[tokio::test]
async fn program_that_ends_waits_for_files_that_are_applied_or_wait_for_their_turn() {
    let (shop, options) = (Shop::open(), ImportOptions::default());
    let name = "01_smartstore_orders_72col.xlsx";
    let received = shop.uploads.receive_and_preview(None, name, fixture(name), &options).await.expect("is stored");
    let others = (shop.uploads.turns.wait().await, shop.uploads.turns.wait().await);
    drop(shop.uploads.start_apply_all(vec![(received.id, options)], Actor::Program));
    let idle = shop.uploads.idle();
    tokio::pin!(idle);
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut idle).await.is_err(), "it waits for its turn");
    drop(others);
    tokio::time::timeout(Duration::from_mins(1), idle).await.expect("ends");
    assert!(!shop.orders().await.is_empty(), "it is applied");
}

#[tokio::test]
async fn files_of_a_working_day_are_imported_in_sequence() {
    let shop = Shop::open();
    assert_eq!(shop.counts("01_smartstore_orders_72col.xlsx", None).await, [23, 0, 1, 0]);
    assert_eq!(shop.counts("01_smartstore_orders_72col.xlsx", None).await, [0, 0, 24, 0], "again changes nothing");
    let orders = shop.orders().await;
    assert_eq!(orders.iter().map(|listed| listed.order.quantity).sum::<i64>(), 34);
    let first = shop.order("2024031500000001").await;
    assert_eq!((first.bundle_number.as_str(), first.bundle_count), ("3100000001", 2));

    assert_eq!(shop.counts("02_smartstore_encrypted_agile_aes256_sha512.xlsx", Some("1234")).await, [9, 3, 0, 0]);
    assert_eq!(shop.counts("08_logen_result_header_row2.xls", None).await, [0, 8, 2, 3]);
    let tracked = shop.order("2024031500000004").await.order;
    assert_eq!((tracked.tracking_number.as_str(), tracked.courier.as_str()), ("45168300548", "로젠택배"));
    assert_eq!(tracked.state, OrderState::Shipped);

    let states = shop.upload("10_order_state_list_header_row1.xlsx", None).await.expect("is taken");
    assert_eq!(RowOutcome::ALL.map(|outcome| states.count(outcome)), [0, 8, 4, 1]);
    // An exchange that has ended is counted as that, and not as a 반품 beside it.
    let kinds: Vec<_> = states.change_summary().kinds.into_iter().collect();
    let expected = [("claim:교환완료", 1), ("state:CANCELLED", 2), ("state:CONFIRMED", 4), ("state:REFUNDED", 1)];
    assert_eq!(kinds, expected.map(|(kind, count)| (kind.to_owned(), count)));
    let confirmed = shop.order("2024031500000001").await.order;
    assert_eq!(confirmed.state, OrderState::Confirmed);
    assert_eq!(confirmed.moments.of(OrderState::Confirmed).expect("a moment").to_string(), "2024-03-28 00:10");
    let exchanged = shop.order("2024031500000005").await.order;
    assert_eq!((exchanged.state, exchanged.claim.as_str()), (OrderState::Refunded, "교환완료"));
}

#[tokio::test]
async fn noon_file_changes_the_orders_of_the_morning() {
    let shop = Shop::open();
    assert_eq!(shop.counts("21_morning.xlsx", None).await, [5, 0, 0, 0]);
    let report = shop.upload("21_noon.xlsx", None).await.expect("is taken");
    assert_eq!(RowOutcome::ALL.map(|outcome| report.count(outcome)), [0, 5, 0, 0], "{report:?}");
    let orders: Vec<_> = shop.orders().await.into_iter().map(|listed| listed.order).collect();
    let order = |number: u8| {
        let number = format!("202611270000000{number}");
        orders.iter().find(|order| order.order_number == number).expect("is there")
    };
    assert_eq!((order(1).claim.as_str(), order(1).state), ("취소요청", OrderState::Placed));
    let recipient = &order(2).recipient;
    assert_eq!((recipient.tel1.as_str(), recipient.zip_code.as_str()), ("010-0000-9999", "48058"));
    assert_eq!((recipient.address1.as_str(), recipient.address2.as_str()), ("부산광역시 해운대구 센텀로 9", "909호"));
    assert_eq!((order(3).quantity, order(3).cancelled_quantity, order(3).claim.as_str()), (2, 1, ""));
    assert_eq!(order(4).state, OrderState::Cancelled);
    assert_eq!(order(5).customer_message, "12월 3일에 와 주세요");
    let quantity = report.rows[2].changes.iter().find(|change| change.field == "quantity").expect("is told");
    assert_eq!((quantity.old.as_str(), quantity.new.as_str()), ("3", "2"));
    assert_eq!(shop.counts("21_noon.xlsx", None).await, [0, 0, 5, 0], "again changes nothing");
    let older = shop.upload("21_morning.xlsx", None).await.expect("is taken");
    assert_eq!((older.count(RowOutcome::Updated), older.is_older_file), (0, true));
    assert_eq!(shop.orders().await.into_iter().map(|listed| listed.order).collect::<Vec<_>>(), orders);
}

#[tokio::test]
async fn other_fixtures_give_their_documented_counts() {
    for (name, password, counts) in [
        ("02_smartstore_encrypted_agile_aes256_sha512.xlsx", Some("1234"), [12, 0, 0, 0]),
        ("03_smartstore_encrypted_agile_aes128_sha1.xlsx", Some("1234"), [12, 0, 0, 0]),
        ("05_smartstore_legacy_66col_text.xlsx", None, [12, 0, 0, 0]),
        ("12_coupang_deliverylist.xlsx", None, [8, 0, 1, 1]),
        ("B06_bad_values.xlsx", None, [3, 0, 0, 13]),
    ] {
        assert_eq!(Shop::open().counts(name, password).await, counts, "{name}");
    }
}

#[tokio::test]
async fn rejected_file_changes_nothing_and_reports_why() {
    let shop = Shop::open();
    for (name, code) in [
        ("B01_missing_key_column.xlsx", "missing_columns"),
        ("B03_empty_sheet.xlsx", "no_header"),
        ("B10_csv_cp949_renamed.xlsx", "csv"),
        ("B11_truncated_zip.xlsx", "damaged"),
        ("B15_zero_bytes.xlsx", "empty"),
        ("02_smartstore_encrypted_agile_aes256_sha512.xlsx", "password_required"),
    ] {
        match shop.upload(name, None).await {
            Err(UploadError::Refused(refusal)) => assert_eq!(refusal.code(), code, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(shop.orders().await.is_empty());
}

#[tokio::test]
async fn stored_channel_password_opens_the_next_file() {
    let shop = Shop::open();
    let name = "03_smartstore_encrypted_agile_aes128_sha1.xlsx";
    shop.uploads.set_channel_password("SMART_STORE", "스마트스토어", "1234").await.expect("keeps");
    assert_eq!(shop.counts(name, None).await, [12, 0, 0, 0]);
}

#[tokio::test]
async fn exported_rejected_rows_are_recognised_again() {
    let shop = Shop::open();
    let options = ImportOptions::default();
    let bytes = fixture("B06_bad_values.xlsx");
    let (id, result) =
        shop.uploads.receive_and_apply(Actor::Program, "B06.xlsx", bytes, None, &options).await.expect("is stored");
    result.expect("is applied");
    let rejected = shop.uploads.export_rejected(id).await.expect("is written");
    let again = shop.uploads.dry_run(rejected, None, &options).await.expect("is recognised");
    assert_eq!(RowOutcome::ALL.map(|outcome| again.report.count(outcome)), [0, 0, 0, 13]);
}

#[tokio::test]
async fn order_number_of_another_channel_settles_no_row() {
    let shop = Shop::open();
    let options = ImportOptions::default();
    let bytes = fixture("B06_bad_values.xlsx");
    let (id, result) =
        shop.uploads.receive_and_apply(Actor::Program, "B06.xlsx", bytes, None, &options).await.expect("is stored");
    let mut report = result.expect("is applied").report;
    for row in &mut report.rows {
        row.outcome = RowOutcome::Created;
    }
    let open = |code: &'static str| {
        let report = report.clone();
        shop.uploads.storage.write(move |tx| {
            store::resolve_earlier(tx, (FileKind::Orders, code), &report, None)?;
            let counted = tx.scalar("SELECT open_rows FROM uploads WHERE id = ?", &[id.into()])?;
            let open = "SELECT count(*) FROM upload_rows WHERE upload_id = ? AND open_order IS NOT NULL";
            Ok::<_, StorageError>((counted, tx.scalar(open, &[id.into()])?))
        })
    };
    assert_eq!(open("COUPANG").await.expect("writes"), (13, 13));
    let (counted, rows) = open("SMART_STORE").await.expect("writes");
    assert!(counted == rows && rows < 13, "rows without a number stay open: {counted} {rows}");
}

#[tokio::test]
async fn upload_is_applied_once() {
    let shop = Shop::open();
    let options = ImportOptions::default();
    let bytes = fixture("01_smartstore_orders_72col.xlsx");
    let preview = shop.uploads.receive_and_preview(None, "01.xlsx", bytes, &options).await.expect("is stored");
    shop.uploads.apply_stored(preview.id, Actor::Program, &options).await.expect("is applied");
    assert!(matches!(shop.uploads.apply_stored(preview.id, Actor::Program, &options).await, Err(UploadError::NotOpen)));
}

/// Columns of a 스마트스토어 file: header, sample, and the length that is too long (0: none).
const COLUMNS: [(&str, &str, usize); 19] = [
    ("상품주문번호", "2024031500000001", 65),
    ("판매자 상품코드", "BED", 65),
    ("상품명", "예시 침대", 256),
    ("옵션정보", "색상: 월넛", 401),
    ("수량", "1", 0),
    ("구매자명", "홍길동", 101),
    ("구매자연락처", "010-0000-1234", 41),
    ("수취인명", "김견본", 101),
    ("수취인연락처1", "010-0000-5678", 41),
    ("우편번호", "04524", 11),
    ("기본배송지", "서울특별시 중구 세종대로 110", 501),
    ("상세배송지", "1층", 501),
    ("배송메세지", "문 앞에", 10_001),
    ("배송방법(구매자 요청)", "직접전달", 65),
    ("배송비 묶음번호", "", 65),
    ("주문일시", "2024-03-15 10:00", 0),
    ("발송기한", "2024-03-20", 0),
    ("택배사", "", 65),
    ("주문세부상태", "", 65),
];

#[tokio::test]
async fn numbers_that_must_not_be_stored_are_masked_and_reported() {
    let headers = COLUMNS.map(|(header, ..)| header);
    let message = "문 앞에. 900101-1234567, 카드 4111 1111 1111 1111";
    let row = COLUMNS.map(|(header, sample, _)| if header == "배송메세지" { message } else { sample });
    let shop = Shop::open();
    let (_, result) = shop
        .uploads
        .receive_and_apply(
            Actor::Program,
            "주민.xlsx",
            sheet_package(&[&headers[..], &row[..]]),
            None,
            &ImportOptions::default(),
        )
        .await
        .expect("is stored");
    let report = result.expect("is applied").report;
    let masked = "문 앞에. ******-*******, 카드 **** **** **** 1111";
    assert_eq!(shop.orders().await[0].order.customer_message, masked);
    let reason = &report.rows[0].reasons[0];
    assert_eq!((reason.column.as_str(), reason.value.as_str()), ("배송메세지", masked));
    assert_eq!(reason.message, "저장하면 안 되는 번호를 가렸어요: 주민등록번호, 카드 번호");
}

#[tokio::test]
async fn text_that_is_too_long_rejects_only_its_row() {
    let headers = COLUMNS.map(|(header, ..)| header);
    let mut rows: Vec<Vec<String>> = vec![COLUMNS.map(|(_, sample, _)| sample.to_owned()).into()];
    let long: Vec<(usize, &str, usize)> =
        COLUMNS.iter().enumerate().map(|(at, column)| (at, column.0, column.2)).collect();
    let long: Vec<_> = long.into_iter().filter(|(.., length)| *length > 0).collect();
    for (at, header, length) in &long {
        let mut row = rows[0].clone();
        row[0] = format!("20240315000001{:02}", rows.len());
        row[*at] = match *header {
            "옵션정보" => format!("색상: {}", "가".repeat(*length)),
            "주문세부상태" => format!("{}취소요청", "가".repeat(*length)),
            _ => "가".repeat(*length),
        };
        rows.push(row);
    }
    // Texts of the maximum length are imported.
    let mut fits = rows[0].clone();
    for (at, header, length) in &long {
        if ["상품명", "구매자명", "수취인명", "기본배송지", "상세배송지", "배송방법(구매자 요청)", "택배사"]
            .contains(header)
        {
            fits[*at] = "나".repeat(length - 1);
        }
    }
    // The second product of a name gets a suffix, which has to fit as well.
    for (number, product) in [("2024031500000098", "CHAIR"), ("2024031500000099", "SOFA")] {
        (fits[0], fits[1]) = (number.to_owned(), product.to_owned());
        rows.push(fits.clone());
    }
    let rows: Vec<Vec<&str>> = rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
    let sheet: Vec<&[&str]> = std::iter::once(&headers[..]).chain(rows.iter().map(Vec::as_slice)).collect();

    let shop = Shop::open();
    let options = ImportOptions::default();
    let UploadPreview { id, result, .. } =
        shop.uploads.receive_and_preview(None, "긴.xlsx", sheet_package(&sheet), &options).await.expect("is stored");
    let preview = result.expect("is previewed").report;
    let report = shop.uploads.apply_stored(id, Actor::Program, &options).await.expect("is applied").report;
    assert_eq!(preview, report);
    // Secondary texts are truncated with a warning.
    let truncated = ["구매자연락처", "우편번호", "배송방법(구매자 요청)", "택배사", "주문세부상태"];
    let (_, fitting) = report.rows.split_at(long.len() + 1);
    assert!(report.rows[..1].iter().chain(fitting).all(|row| row.outcome == RowOutcome::Created), "{fitting:?}");
    for (row, (_, header, _)) in report.rows[1..].iter().zip(&long) {
        let expected = if truncated.contains(header) { RowOutcome::Created } else { RowOutcome::Rejected };
        assert_eq!(row.outcome, expected, "{header}: {row:?}");
        let is_reported = row.reasons.iter().any(|reason| reason.column == *header && !reason.message.is_empty());
        assert!(is_reported, "{header}: {row:?}");
    }
    let orders = shop.orders().await;
    assert_eq!(orders.len(), report.count(RowOutcome::Created));
    let longest = orders.iter().map(|listed| listed.order.claim.chars().count()).max();
    assert_eq!(longest, Some(64), "the claim is truncated to its column");
}

#[tokio::test]
async fn composed_order_number_must_fit_its_column() {
    let (one, other) = ("1".repeat(40), "2".repeat(40));
    let headers = [
        "주문번호",
        "옵션ID",
        "묶음배송번호",
        "노출상품ID",
        "등록상품명",
        "구매수(수량)",
        "주문일",
        "수취인이름",
        "수취인전화번호",
        "수취인 주소",
        "우편번호",
    ];
    let row = [
        &*one,
        &*other,
        "3",
        "4",
        "예시 침대",
        "1",
        "2024-03-15 10:00",
        "김견본",
        "010-0000-5678",
        "서울특별시 중구 세종대로 110",
        "04524",
    ];
    let shop = Shop::open();
    let options = ImportOptions::default();
    let bytes = sheet_package(&[&headers, &row]);
    let (_, result) =
        shop.uploads.receive_and_apply(Actor::Program, "키.xlsx", bytes, None, &options).await.expect("is stored");
    let report = result.expect("is applied").report;
    assert_eq!(report.rows[0].outcome, RowOutcome::Rejected, "{report:?}");
}
