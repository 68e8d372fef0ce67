//! Recognition and validation of each channel and courier, with headers of real files.

use super::*;
use crate::sheets::tests::sheet_package;
use crate::time::Moment;

/// A sample value for a header.
fn sample(header: &str) -> &'static str {
    match header.replace(' ', "").as_str() {
        text if text.contains("일시") || text.contains("결제완료일") || text.starts_with("주문일") => {
            "2025.7.18  12:42:43 PM"
        }
        text if text.contains("기한") || text.contains("예정일") || text.contains("마감일") => "2025-07-21",
        text if text.contains("연락처") || text.contains("휴대폰") || text.contains("전화") => "010-0000-0001",
        text if text.contains("우편번호") => "04524",
        text if text.contains("주소") || text == "배송지" || text == "수취인배송지" => {
            "서울특별시 중구 세종대로 110"
        }
        text if text.contains("수량") || text == "주문건수" => "2",
        text if text.contains("금액") || text.contains("판매가") => "12,000",
        "옵션" | "옵션명" => "색상: 아이보리 / 사이즈: 퀸",
        text if text.contains("번호") || text.contains("순번") || text.ends_with("ID") => "1234567890",
        "배송희망일/배송예약일" | "희망배송일" | "주문상태" | "택배사" | "받은혜택" | "배송방법" => {
            ""
        }
        _ => "예시",
    }
}

/// A file with headers in row `row`, one row of samples, and optionally a helper row between.
fn file(row: usize, headers: &str, helper: Option<&str>) -> Vec<u8> {
    let headers: Vec<&str> = headers.split(" · ").map(str::trim).collect();
    let line: Vec<&str> = headers.iter().map(|header| sample(header)).collect();
    let helper: Vec<&str> = helper.map(|word| vec![word; headers.len()]).unwrap_or_default();
    let mut rows: Vec<&[&str]> = vec![&["안내: 주문번호를 확인해 주세요"]; row - 1];
    rows.push(&headers);
    if !helper.is_empty() {
        rows.push(&helper);
    }
    rows.push(&line);
    sheet_package(&rows)
}

#[test]
fn channels_are_recognised_by_their_headers() {
    let files = [
        (
            "ESM",
            1,
            "판매아이디 · 주문번호 · 주문상태 · 상품번호 · 상품명 · 수량 · 옵션 · 추가구성 · 판매자 관리코드 · 구매자명 · 구매자ID · 구매자 휴대폰 · 구매자 전화번호 · 수령인명 · 수령인 휴대폰 · 수령인 전화번호 · 우편번호 · 주소 · 배송시 요구사항 · 배송번호 · 장바구니번호(결제번호) · 주문일(결제확인전) · 결제일/결제완료일 · 발송마감일 · 정산예정금액",
            "1234567890",
        ),
        (
            "ELEVEN_STREET",
            3,
            "번호 · 주문일시 · 결제일시 · 주문번호 · 주문상태 · 배송번호 · 상품번호 · 상품명 · 옵션 · 수량 · 구매자 · 수취인 · 휴대폰번호 · 전화번호 · 우편번호 · 주소 · 배송메시지 · 셀러재고코드 · 정산예정금액 · 서비스이용료 · 판매자기본할인금액 · 배송비",
            "1234567890-1234567890-1234567890-",
        ),
        (
            "KAKAO",
            1,
            "결제번호 · 배송지/수신자정보 입력일 · 주문상태 · 주문번호 · 개인통관고유부호 · 채널상품번호 · 상품명 · 옵션 · 수량 · 배송방법 · 택배사코드 · 수령인명 · 수령인연락처1 · 하이픈포함 수령인연락처1 · 수령인연락처2 · 하이픈포함 수령인연락처2 · 배송지주소 · 우편번호 · 배송메세지 · 타입 · 발송예정일 · 주문일 · 상품금액 · 정산기준금액 · 판매자상품번호 · 최초배송비번호",
            "1234567890",
        ),
        (
            "OHOUSE",
            2,
            "주문옵션번호 · 주문상태 · 주문번호 · 주문상품번호 · 묶음배송그룹 · 상품명 · 상품아이디 · 상품자체관리코드 · 옵션명 · 옵션아이디 · 수량 · 판매가 · 정산예정금액 · 배송방법 · 주문결제완료일 · 출고예정일 · 희망배송일 · 주문자명 · 주문자 연락처 · 수취인명 · 수취인 연락처 · 수취인 우편번호 · 수취인 주소 · 수취인 주소상세 · 배송메모",
            "1234567890",
        ),
        (
            "LOTTE_ON",
            1,
            "주문번호 · 주문순번 · 주문상태 · 발송예정일 · 배송희망일/배송예약일 · 합배송그룹번호 · 상품명 · 상품번호 · 옵션명 · 단품번호 · 판매단가 · 수량 · 배송메세지 · 판매자 내부 상품번호 · 주문접수일시 · 출고지시일시 · 상품준비일시 · 우편번호 · 수취인 배송지 · 수취인명 · 수취인 휴대폰번호 · 주문자명 · 주문자 휴대폰번호 · 실 결제금액",
            "1234567890-1234567890",
        ),
        (
            "INTERPARK",
            6,
            "주문번호 · 주문순번 · 수령자명 · 상품명 · 옵션명 · 결제일시 · 주문일 · 수량 · 우편번호 · 주소 · 수령자휴대폰번호 · 수령자전화 · 구매자휴대폰번호 · 배송메시지",
            "1234567890-1234567890",
        ),
    ];
    for (code, row, headers, key) in files {
        let (table, rows) = run(file(row, headers, None), check_orders);
        assert_eq!((table.profile.code.as_str(), table.profile.kind), (code, FileKind::Orders));
        let first = u32::try_from(row).expect("small") + 1;
        let order = valid(&rows, first);
        assert!(order.order_number.starts_with(key), "{code}: {}", order.order_number);
        assert_eq!((order.quantity, order.recipient.tel1.as_str()), (2, "010-0000-0001"), "{code}");
        assert_eq!(order.placed_at.kst().to_string(), "2025-07-18 12:42:43", "{code}");
        assert_eq!(order.options.len(), 2, "{code}: {:?}", order.options);
        assert_eq!(order.channel_order_number, "1234567890", "{code}");
    }
}

#[test]
fn helper_row_of_toss_is_skipped() {
    let headers = "주문번호 · 주문상품번호 · 주문상태 · 발송기한 · 배송속성 · 받은 혜택 · 물류사 · 택배사 · 상품명 · 옵션명 · 주문건수 · 상품ID · 상품 관리 코드 · 구매자명 · 구매자 연락처 · 수령인명 · 수령인 연락처 · 우편번호 · 배송지 · 주문요청사항 · 주문일시 · 희망배송일 · 주문금액 · 배송비 묶음 번호";
    let (table, rows) = run(file(2, headers, Some("수정 불가")), check_orders);
    assert_eq!(table.profile.code, "TOSS");
    assert!(rows.len() == 2 && rows[&3].outcome == RowCheck::Ignored, "{rows:?}");
    assert_eq!(valid(&rows, 4).dispatch_deadline.map(|day| day.to_string()).as_deref(), Some("2025-07-21"));
}

#[test]
fn mojibake_of_kakao_is_repaired() {
    let latin =
        |text: &str| encoding_rs::EUC_KR.encode(text).0.iter().map(|&byte| char::from(byte)).collect::<String>();
    let headers: Vec<String> =
        ["결제번호", "주문번호", "채널상품번호", "상품명", "수량", "수령인명", "수령인연락처1", "배송지주소", "주문일"]
            .map(latin)
            .into();
    let values: Vec<String> =
        ["1", "22", "333", "소파", "1", "홍길동", "01000000001", "서울시", "20240315100000"].map(latin).into();
    let row = |row: &'_ [String]| row.iter().map(String::from).collect::<Vec<_>>();
    let (headers, values) = (row(&headers), row(&values));
    let refs = |row: &'_ [String]| -> Vec<&'static str> { row.iter().map(|text| &*text.clone().leak()).collect() };
    let (table, rows) = run(sheet_package(&[&refs(&headers), &refs(&values)]), check_orders);
    assert_eq!(table.profile.code, "KAKAO");
    assert_eq!(valid(&rows, 2).recipient.name, "홍길동");
    assert_eq!(valid(&rows, 2).product_name, "소파");
}

#[test]
fn couriers_are_recognised_by_their_headers() {
    let files = [
        ("LOGEN", "번호 · 집하일자 · 운송장번호 · 수하인 · 택배운임 · 운임구분 · 주문번호"),
        ("CJ", "고객주문번호 · 운송장번호 · 받는분 · 받는분주소"),
        ("LOTTE", "주문번호 · 운송장번호 · 집하일자"),
        ("HANJIN", "출고번호 · 운송장번호 · 받는분성함"),
        ("EPOST", "주문번호 · 등기번호"),
        ("ANY", "주문번호 · 송장번호"),
        ("ANY", "상품주문번호 · 배송방법 · 택배사 · 송장번호"),
    ];
    for (code, headers) in files {
        let (table, rows) = run(file(1, headers, None), check_tracking);
        assert_eq!((table.profile.code.as_str(), table.profile.kind), (code, FileKind::Tracking), "{headers}");
        assert_eq!(valid(&rows, 2).order_number, "1234567890", "{headers}");
        assert_eq!(valid(&rows, 2).courier.is_some(), code != "ANY", "{headers}");
    }
}

#[test]
fn file_without_header_is_recognised_by_its_cell_patterns() {
    let line = |date: &'static str, order: &'static str, number: &'static str| {
        ["1", "", date, "", "", "", "", "", "", order, number, "김견본"]
    };
    let sheet = [
        line("2026-11-20", "2024031500000001", "451-6830-0137"),
        line("2026.11.20", "2024031500000002", "451-6830-0138"),
        line("2026-11-21", "2024031500000003", "45168300139"),
    ];
    let rows: Vec<&[&str]> = sheet.iter().map(<[&str; 12]>::as_slice).collect();
    let (table, checked) = run(sheet_package(&rows), check_tracking);
    assert_eq!((table.profile.code.as_str(), table.header_row), ("LOGEN_PICKUP", 0));
    assert_eq!(counts(&checked), [3, 0, 0, 0]);
    let first = valid(&checked, 1);
    assert_eq!((first.order_number.as_str(), first.tracking_number.as_str()), ("2024031500000001", "45168300137"));
    assert_eq!(first.courier.as_deref(), Some("로젠택배"));

    let other = line("내일", "2024031500000001", "451-6830-0137");
    let mut workbook = open(sheet_package(&[other.as_slice()]), None, Limits::default()).expect("opens");
    assert!(
        crate::channels::Profiles::shipped().expect("profiles").recognise_any(&mut workbook).is_err(),
        "one row is of another shape"
    );
}

#[test]
fn claim_state_takes_precedence_over_order_state() {
    let rows: [&[&str]; 7] = [
        &["상품주문번호", "주문상태", "취소 처리상태", "취소요청일", "취소승인일"],
        &["2024031500000001", "결제완료", "취소완료", "2024-03-16", "2024-03-17 09:00"],
        &["2024031500000002", "결제완료", "취소요청", "2024-03-16", ""],
        &["2024031500000003", "결제완료", "취소철회", "2024-03-16", ""],
        &["2024031500000004", "결제완료", "", "", ""],
        &["2024031500000005", "증발", "", "", ""],
        &["2024031500000006", "취소", "", "", "언젠가"],
    ];
    let (_, rows) = run(sheet_package(&rows), check_states);
    assert!(matches!(valid(&rows, 2).change, StateChange::Cancel(at) if at.kst().to_string() == "2024-03-17 09:00:00"));
    let asked_at = Some(Moment::start_of(chrono::NaiveDate::from_ymd_opt(2024, 3, 16).expect("a day")));
    assert_eq!(valid(&rows, 3).change, StateChange::SetClaim("취소요청".into(), asked_at));
    assert_eq!(valid(&rows, 4).change, StateChange::ClearClaim("취소철회".into(), None));
    assert!(matches!(rows[&5].outcome, RowCheck::Skipped(_)));
    assert!(problems(&rows, 6)[0].message.contains("증발"));
    assert_eq!(problems(&rows, 7)[0].column, "취소승인일");
}
