//! Mapping of files that no profile matches.

use super::*;
use crate::channels::StatusEffect;
use crate::channels::tests::profiles;

fn mapping(columns: &[(&str, &str)]) -> ColumnMapping {
    ColumnMapping {
        kind: FileKind::Orders,
        name: "칠성 협력점".to_owned(),
        courier: String::new(),
        has_all_claims: false,
        columns: columns.iter().map(|(header, code)| ((*header).to_owned(), (*code).to_owned())).collect(),
        words: BTreeMap::new(),
    }
}

const PARTNER: [(&str, &str); 7] = [
    ("접수번호", "order_number"),
    ("받는분", "recipient_name"),
    ("받는분 핸드폰", "recipient_tel1"),
    ("받는분 주소", "address"),
    ("품목명", "product_name"),
    ("갯수", "quantity"),
    ("접수일자", "placed_at"),
];

#[test]
fn every_field_of_an_order_file_can_be_mapped() {
    let fields = mapped_fields(FileKind::Orders);
    for profile in profiles().all().iter().filter(|profile| profile.kind == FileKind::Orders) {
        for field in profile.columns.keys().filter(|field| **field != Field::QuantityClaim) {
            assert!(fields.iter().any(|mapped| mapped.role == ColumnRole::Field(*field)), "{field:?}");
        }
    }
    assert!(fields.iter().all(|field| !field.label.is_empty()));
    let needed: Vec<&str> = fields.iter().filter(|field| field.is_needed).map(|field| field.label).collect();
    assert_eq!(needed, ["상품주문번호", "상품명", "수량", "수취인명", "수취인연락처1", "주소", "주문일"]);
}

#[test]
fn mapped_list_of_a_partner_is_a_profile_of_the_shop() {
    let profile = mapping(&PARTNER).profile("SHOP_1", &profiles()).expect("a profile");
    assert_eq!((profile.name.as_str(), profile.key.as_slice()), ("칠성 협력점", &["접수번호".to_owned()][..]));
    assert_eq!(profile.address, [["받는분 주소".to_owned()]]);
    assert_eq!(Profile::parse("SHOP_1", &profile.to_toml()).expect("valid"), profile);
    assert!(profile.status_rule("취소요청").is_some(), "the words that all channels use are known");
}

#[test]
fn own_words_of_states_win_over_the_common_ones() {
    let words = [("cancel", "없던 일로, 접수확인"), ("ship", "나감")];
    let words = words.map(|(code, words)| (code.to_owned(), words.to_owned()));
    let mapping = ColumnMapping { words: BTreeMap::from(words), ..mapping(&PARTNER) };
    let profile = mapping.profile("SHOP_1", &profiles()).expect("a profile");
    let effect = |word: &str| profile.status_rule(word).map(|rule| rule.change);
    assert_eq!(effect("없던일로"), Some(StatusEffect::Cancel));
    assert_eq!(effect("나감"), Some(StatusEffect::Ship));
    assert_eq!(effect("취소완료"), Some(StatusEffect::Cancel));
}

#[test]
fn all_problems_of_a_mapping_are_told_at_once() {
    let mut columns = PARTNER.to_vec();
    columns[0] = ("접수번호", "quantity");
    columns.push(("배송|주소", "address_detail"));
    let mapping = ColumnMapping { name: "  ".to_owned(), ..mapping(&columns) };
    let problems = mapping.profile("SHOP_1", &profiles()).expect_err("wrong");
    assert!(matches!(&problems[0], MappingProblem::Name(_)), "{problems:?}");
    let told = |wanted: &str| {
        problems.iter().any(|problem| match problem {
            MappingProblem::Column(_, message) | MappingProblem::Missing(message) => message.contains(wanted),
            MappingProblem::Name(_) => false,
        })
    };
    assert!(told("‘수량’ 항목은 ‘접수번호’ 열에 이미 선택했어요"), "{problems:?}");
    assert!(
        told("파일에서 열 이름을 바꿔 주세요") && told("꼭 필요한 항목의 열이 없어요: 상품주문번호"),
        "{problems:?}"
    );
}

#[test]
fn header_below_a_title_is_found() {
    let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
    let rows = [
        (1, row(&["11월 27일 출고 요청"])),
        (3, row(&["접수번호", "받는분", "받는분 핸드폰", "품목명"])),
        (4, row(&["P-20261127-001", "홍길동", "010-1234-5678", "침대"])),
    ];
    assert_eq!(header_row(&rows), Some(3));
    let preview = SheetPreview { sheet: 0, rows: rows.to_vec(), is_broken: false };
    let found = sample(&profiles(), &[preview], SampleChoice::default()).expect("columns");
    assert_eq!((found.header_row, found.kind), (3, FileKind::Orders));
    let codes: Vec<Option<&str>> = found.columns.iter().map(|(_, code)| code.as_deref()).collect();
    assert_eq!(codes, [Some("order_number"), Some("recipient_name"), Some("recipient_tel1"), Some("product_name")]);
}

#[test]
fn mapped_list_of_a_courier_has_its_courier() {
    let columns = [("의뢰번호", "order_number"), ("화물번호", "tracking_number")];
    let mapping = ColumnMapping { kind: FileKind::Tracking, courier: " 경동택배 ".to_owned(), ..mapping(&columns) };
    let profile = mapping.profile("SHOP_1", &profiles()).expect("a profile");
    assert_eq!((profile.kind, profile.courier.as_deref()), (FileKind::Tracking, Some("경동택배")));
    assert_eq!((&profile.key[..], &profile.required[..]), (&["의뢰번호".to_owned()][..], &[Field::TrackingNumber][..]));
    assert!(profile.address.is_empty() && profile.changes.is_empty());
    assert_eq!(Profile::parse("SHOP_1", &profile.to_toml()).expect("valid"), profile);
    let none = ColumnMapping { columns: mapping.columns[..1].to_vec(), ..mapping };
    let problems = none.profile("SHOP_1", &profiles()).expect_err("no tracking number");
    assert!(
        matches!(&problems[..], [MappingProblem::Missing(message)] if message.contains("송장번호")),
        "{problems:?}"
    );
}

#[test]
fn mapped_list_of_states_has_words_and_moments() {
    let columns = [("주문", "order_number"), ("진행", "status"), ("처리한 날", "moment")];
    let words = BTreeMap::from([("cancel".to_owned(), "거둠".to_owned())]);
    let mapping = ColumnMapping { kind: FileKind::States, name: "쿠팡".to_owned(), words, ..mapping(&columns) };
    let profile = mapping.profile("COUPANG", &profiles()).expect("a profile");
    assert_eq!(profile.status_rule("거둠").map(|rule| rule.change), Some(StatusEffect::Cancel));
    assert_eq!(profile.status_rule("반품요청").map(|rule| rule.change), Some(StatusEffect::SetClaim));
    assert!(profile.changes.iter().all(|rule| rule.moments == ["처리한 날"] && rule.change != StatusEffect::Ship));
    assert_eq!(profile.detect, ["처리한 날"], "a list without moments is another one");
    assert!(profile.claim_headers.is_empty(), "nobody said that it has all claims");
    let whole = ColumnMapping { has_all_claims: true, ..mapping };
    assert_eq!(whole.profile("COUPANG", &profiles()).expect("a profile").claim_headers, ["진행"]);
}

#[test]
fn kind_is_suggested_by_the_columns() {
    let column = |(header, value): &(&str, &str)| ColumnSample {
        header: (*header).to_owned(),
        values: vec![(*value).to_owned()],
    };
    let kind = |columns: &[(&str, &str)]| suggested_kind(&profiles(), &columns.iter().map(column).collect::<Vec<_>>());
    let courier = [("접수번호", "20261127-0001"), ("운송장 번호", "451683001370"), ("받는분", "홍길동")];
    let claims = [("주문번호", "20261127-0001"), ("클레임 상태", "취소요청"), ("요청일시", "2026-11-27 10:00")];
    let orders =
        [("주문번호", "20261127-0001"), ("받는분", "홍길동"), ("주소", "서울"), ("수량", "2"), ("송장번호", "")];
    assert_eq!(kind(&courier), FileKind::Tracking);
    assert_eq!(kind(&claims), FileKind::States);
    assert_eq!(kind(&orders), FileKind::Orders);
    assert_eq!(kind(&[("가", "나")]), FileKind::Orders);
}
