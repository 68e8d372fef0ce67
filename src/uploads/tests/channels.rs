//! The files of a day of every channel, with the headers of its real files and its own words: orders follow them.

use super::*;
use crate::channels::{Field, FileKind, Profile};

/// A file of a channel.
struct ChannelFile {
    code: &'static str,
    /// row of the header
    header_row: usize,
    headers: &'static str,
    /// words of an order without claim that was not sent
    plain: &'static [(&'static str, &'static str)],
    /// column and word of an open claim; none: the file has no column for it
    claim: Option<(&'static str, &'static str)>,
    /// whether the file would name every open claim, so that a plain word closes one
    tells_claims: bool,
    /// column and word of a later state
    further: Option<(&'static str, &'static str, OrderState)>,
}

static FILES: [ChannelFile; 12] = [
    ChannelFile {
        code: "SMART_STORE",
        header_row: 2,
        headers: "상품주문번호 · 주문번호 · 배송속성 · 풀필먼트사(주문 기준) · 택배사(주문 기준) · 배송방법(구매자 요청) · 배송방법 · 택배사 · 송장번호 · 발송일 · 판매채널 · 구매자명 · 구매자ID · 수취인명 · 주문상태 · 주문세부상태 · 수량클레임 여부 · 결제위치 · 결제일 · 상품번호 · 상품명 · 상품종류 · 반품안심케어 · 멤버십N배송 · 옵션정보 · 옵션관리코드 · 수량 · 옵션가격 · 상품가격 · 최종 상품별 할인액 · 최초 상품별 할인액 · 판매자 부담 할인액 · 최종 상품별 총 주문금액 · 최초 상품별 총 주문금액 · 사은품 · 발주확인일 · 발송기한 · 발송처리일 · 송장출력일 · 배송비 형태 · 배송비 묶음번호 · 배송비 유형 · 배송비 합계 · 제주/도서 추가배송비 · 배송비 할인액 · 판매자 상품코드 · 판매자 내부코드1 · 판매자 내부코드2 · 수취인연락처1 · 수취인연락처2 · 통합배송지 · 기본배송지 · 상세배송지 · 구매자연락처 · 우편번호 · 배송메세지 · 출고지 · 결제수단 · 네이버페이 주문관리 수수료 · 매출연동 수수료 · 정산예정금액 · 개인통관고유부호 · 주문일시 · 배송희망일 · 구독신청회차 · 구독진행회차 · 구독배송희망일 · 배송태그 유형 · 출입방법 유형 · 출입방법 내용 · 수령위치 유형 · 수령위치 내용",
        plain: &[("주문상태", "결제완료"), ("주문세부상태", "발주확인")],
        claim: Some(("주문세부상태", "취소요청")),
        tells_claims: true,
        further: Some(("주문상태", "배송중", OrderState::Shipped)),
    },
    ChannelFile {
        code: "SMART_STORE",
        header_row: 2,
        headers: "상품주문번호 · 주문번호 · 배송방법(구매자 요청) · 배송방법 · 택배사 · 송장번호 · 발송일 · 판매채널 · 구매자명 · 구매자ID · 수취인명 · 주문상태 · 주문세부상태 · 결제위치 · 결제일 · 상품번호 · 상품명 · 상품종류 · 옵션정보 · 옵션관리코드 · 수량 · 옵션가격 · 상품가격 · 상품별 할인액 · 판매자 부담 할인액 · 상품별 총 주문금액 · 사은품 · 발주확인일 · 발송기한 · 발송처리일 · 송장출력일 · 배송비 형태 · 배송비 묶음번호 · 배송비 유형 · 배송비 합계 · 제주/도서 추가배송비 · 배송비 할인액 · 판매자 상품코드 · 판매자 내부코드1 · 판매자 내부코드2 · 수취인연락처1 · 수취인연락처2 · 배송지 · 구매자연락처 · 우편번호 · 배송메세지 · 출고지 · 결제수단 · 수수료 과금구분 · 수수료결제방식 · 결제수수료 · 매출연동 수수료 · 매출연동 수수료 구분 · 정산예정금액 · 유입경로 · 구매자 주민등록번호 · 개인통관고유부호 · 주문일시 · 배송속성 · 배송희망일 · (수취인연락처1) · (수취인연락처2) · (우편번호) · (기본주소) · (상세주소) · (구매자연락처)",
        plain: &[("주문상태", "결제완료"), ("주문세부상태", "신규주문")],
        claim: Some(("주문세부상태", "취소처리중")),
        tells_claims: true,
        further: Some(("주문세부상태", "구매확정", OrderState::Confirmed)),
    },
    ChannelFile {
        code: "SMART_STORE",
        header_row: 2,
        headers: "상품주문번호 · 배송방법(구매자 요청) · 배송방법 · 택배사 · 송장번호 · 구매자명 · 수취인명 · 옵션정보 · 수량 · 수취인연락처1 · 수취인연락처2 · 통합배송지 · 배송메세지 · 구매자연락처 · 주문번호 · 발송일 · 주문상태 · 결제일 · 상품번호 · 상품명 · 정산예정금액 · 주문일시 · 발송기한 · 구매자ID · 고객 등급 · 1년 주문건수 · 주문 유입경로",
        plain: &[("주문상태", "결제완료")],
        claim: None,
        tells_claims: false,
        further: Some(("주문상태", "배송중", OrderState::Shipped)),
    },
    ChannelFile {
        code: "COUPANG",
        header_row: 1,
        headers: "번호 · 묶음배송번호 · 주문번호 · 택배사 · 운송장번호 · 분리배송 Y/N · 분리배송 출고예정일 · 주문시 출고예정일 · 출고일(발송일) · 주문일 · 등록상품명 · 등록옵션명 · 노출상품명(옵션명) · 노출상품ID · 옵션ID · 최초등록등록상품명/옵션명 · 업체상품코드 · 바코드 · 결제액 · 배송비구분 · 배송비 · 도서산간 추가배송비 · 구매수(수량) · 옵션판매가(판매단가) · 구매자 · 구매자전화번호 · 수취인이름 · 수취인전화번호 · 우편번호 · 수취인 주소 · 배송메세지 · 상품별 추가메시지 · 주문자 추가메시지 · 배송완료일 · 구매확정일자 · 개인통관번호(PCCC) · 통관용구매자/수취인전화번호 · 기타 · 결제위치 · 배송유형",
        plain: &[],
        claim: None,
        tells_claims: false,
        further: Some(("출고일(발송일)", "2024-03-15 11:00", OrderState::Shipped)),
    },
    ChannelFile {
        code: "ESM",
        header_row: 1,
        headers: "판매아이디 · 주문번호 · 주문상태 · 상품번호 · 상품명 · 수량 · 옵션 · 추가구성 · 사은품 · 판매단가 · 판매금액 · 판매자 관리코드 · 판매자 상세관리코드 · 구매자명 · 구매자ID · 구매자 휴대폰 · 구매자 전화번호 · 수령인명 · 수령인 휴대폰 · 수령인 전화번호 · 우편번호 · 주소 · 배송시 요구사항 · 배송비 금액 · 배송번호 · 장바구니번호(결제번호) · 주문일(결제확인전) · 결제일/결제완료일 · 발송마감일 · 택배사명(발송방법) · 송장번호 · 정산예정금액 · 서비스이용료 · 판매자쿠폰할인 · 구매쿠폰적용금액 · (옥션)우수회원할인 · 복수구매할인 · 스마일캐시적립 · SKU번호 및 수량 · 발송정책",
        plain: &[("주문상태", "결제완료")],
        claim: Some(("주문상태", "취소요청")),
        tells_claims: true,
        further: Some(("주문상태", "발송완료", OrderState::Shipped)),
    },
    ChannelFile {
        code: "ELEVEN_STREET",
        header_row: 3,
        headers: "번호 · 주문일시 · 결제일시 · 주문번호 · 주문상태 · 배송번호 · 상품번호 · 상품명 · 옵션 · 수량 · 구매자 · 수취인 · 휴대폰번호 · 전화번호 · 우편번호 · 주소 · 배송메시지 · 셀러재고코드 · 정산예정금액 · 서비스이용료 · 판매자기본할인금액 · 배송비",
        plain: &[("주문상태", "결제완료")],
        claim: Some(("주문상태", "취소신청")),
        tells_claims: true,
        further: Some(("주문상태", "배송중", OrderState::Shipped)),
    },
    ChannelFile {
        code: "KAKAO",
        header_row: 1,
        headers: "결제번호 · 배송지/수신자정보 입력일 · 주문상태 · 주문번호 · 개인통관고유부호 · 채널상품번호 · 상품명 · 옵션 · 수량 · 배송방법 · 택배사코드 · 송장번호 · 수령인명 · 수령인연락처1 · 하이픈포함 수령인연락처1 · 수령인연락처2 · 하이픈포함 수령인연락처2 · 배송지주소 · 우편번호 · 배송메세지 · 타입 · 발송예정일 · 배송지연출고일 · 주문일 · 상품금액 · 옵션금액 · 판매자할인금액 · 판매자쿠폰할인금액 · 정산기준금액 · 기본수수료 · 노출추가수수료 · 추천리워드수수료 · 수수료할인금액 · 채널 · 브랜드 · 모델명 · 판매자상품번호 · 옵션코드 · 최초배송비번호 · 배송비지불방법 · 기본배송비 유형 · 기본배송비 금액 · 도서산간 주문 여부 · 도서산간 추가 배송비 금액 · 유입경로 · 톡딜여부 · 상품유형 · biz판매여부",
        plain: &[("주문상태", "배송요청")],
        claim: Some(("주문상태", "취소요청")),
        tells_claims: true,
        further: Some(("주문상태", "배송중", OrderState::Shipped)),
    },
    ChannelFile {
        code: "OHOUSE",
        header_row: 2,
        headers: "주문옵션번호 · 주문상태 · 주문번호 · 주문상품번호 · 묶음배송그룹 · 상품명 · 상품아이디 · 상품자체관리코드 · 옵션명 · 옵션아이디 · 수량 · 판매가 · 판매가 * 수량 · 조립비/조립신청 · 배송비 · 판매가*수량 + 조립비 + 배송비 · 정산예정금액 · 배송방법 · 배송정보(택배사) · 운송장번호 · 주문결제완료일 · 출고예정일 · 배송예정일 · 희망배송일 · 오늘출발 · 주문자명 · 주문자 연락처 · 수취인명 · 수취인 연락처 · 수취인 우편번호 · 수취인 주소 · 수취인 주소상세 · 배송메모 · 구매확정일",
        plain: &[("주문상태", "결제완료")],
        claim: Some(("주문상태", "취소요청")),
        tells_claims: true,
        further: Some(("주문상태", "구매확정", OrderState::Confirmed)),
    },
    ChannelFile {
        code: "TOSS",
        header_row: 2,
        headers: "주문번호 · 주문상품번호 · 주문상태 · 발송기한 · 배송속성 · 받은 혜택 · 물류사 · 택배사 · 송장번호 · 상품명 · 옵션명 · 주문건수 · 상품ID · 상품 관리 코드 · 옵션 ID · 옵션 관리 코드 · 구매자명 · 구매자 연락처 · 수령인명 · 수령인 연락처 · 우편번호 · 배송지 · 주문요청사항 · 주문일시 · 구매확정일 · 희망배송일 · 발송처리일시 · 배송완료일시 · 주문금액 · 배송비 묶음 번호 · 배송비 합계",
        plain: &[("주문상태", "결제완료")],
        claim: Some(("주문상태", "취소요청")),
        tells_claims: true,
        further: Some(("주문상태", "배송중", OrderState::Shipped)),
    },
    ChannelFile {
        code: "LOTTE_ON",
        header_row: 1,
        headers: "주문번호 · 주문순번 · 주문상태 · 발송예정일 · 도착예정일 · 발송지연여부 · 배송희망일/배송예약일 · 발송약속일 · 합배송그룹번호 · 합배송가능여부 · 배송상품유형 · 배송예약구분 · 판매유형 · 상품명 · 상품번호 · 옵션명 · 단품번호 · 판매단가 · 수량 · 입력형추가옵션 · 배송메세지 · 판매자 내부 상품번호 · 판매자 내부 단품번호 · 선물여부 · 선물포장요청여부 · 명절상품여부 · 해외배송여부 · 개인통관번호 · 배송수단 · 배송사 · 송장번호 · 운송장규칙 위배사유 · 송장개수 · 주문접수일시 · 출고지시일시 · 상품준비일시 · 발송완료일시 · 배송완료일시 · 기배송 · 우편번호 · 우편번호순번 · 수취인 배송지 · 수취인명 · 수취인 휴대폰번호 · 주문자명 · 주문자 휴대폰번호 · 주문자ID · 판매가 · 롯데온부담 할인금액 · 판매자부담 할인금액 · 상품별 총 할인금액 · 실 결제금액 · 배송비 · 도서산간 추가여부 · 제주지역 추가여부 · 하위거래처",
        plain: &[("주문상태", "출고지시")],
        claim: Some(("주문상태", "취소접수")),
        tells_claims: true,
        further: Some(("주문상태", "발송완료", OrderState::Shipped)),
    },
    ChannelFile {
        code: "INTERPARK",
        header_row: 6,
        headers: "주문번호 · 주문순번 · 수령자명 · 상품명 · 옵션명 · 결제일 · 수량 · 우편번호 · 주소 · 수령자휴대폰번호 · 수령자전화 · 구매자휴대폰번호 · 배송메시지",
        plain: &[],
        claim: None,
        tells_claims: false,
        further: None,
    },
    ChannelFile {
        code: "CAFE24",
        header_row: 1,
        headers: "주문번호 · 품목별 주문번호 · 주문상품명 · 상품옵션 · 추가입력옵션 · 상품품목코드 · 자체품목코드 · 수량 · 취소구분 · 총 결제금액 · 주문자명 · 주문자 휴대전화 · 수령인 · 수령인 휴대전화 · 수령인 우편번호 · 수령인 주소(전체) · 배송메시지 · 주문일시 · 결제일시(입금확인일)",
        plain: &[("취소구분", "취소안함")],
        claim: Some(("취소구분", "부분취소")),
        tells_claims: false,
        further: Some(("취소구분", "취소", OrderState::Cancelled)),
    },
];

impl ChannelFile {
    fn headers(&self) -> Vec<&'static str> {
        self.headers.split(" · ").map(str::trim).collect()
    }

    /// The file with five orders, of which `changed` replaces cells: order from 1 on, header, value.
    fn bytes(&self, profile: &Profile, changed: &[(usize, &str, &str)]) -> Vec<u8> {
        let headers = self.headers();
        let row = |number: usize| -> Vec<String> {
            let cell = |header: &&str| {
                let is_of = |one: &(usize, &str, &str)| one.0 == number && one.1 == *header;
                changed
                    .iter()
                    .find(|one| is_of(one))
                    .map_or_else(|| self.cell(profile, header, number), |one| one.2.into())
            };
            headers.iter().map(cell).collect()
        };
        let rows: Vec<Vec<String>> = (1..=5).map(row).collect();
        let mut sheet: Vec<Vec<&str>> = vec![vec!["안내"]; self.header_row - 1];
        sheet.push(headers.clone());
        sheet.extend(rows.iter().map(|row| row.iter().map(String::as_str).collect()));
        sheet_package(&sheet.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// A cell of a plain order.
    fn cell(&self, profile: &Profile, header: &str, number: usize) -> String {
        let has = |headers: &[String]| headers.iter().any(|known| known.split('|').any(|name| name == header));
        let field = profile.columns.iter().find(|(_, headers)| has(headers)).map(|(field, _)| *field);
        let is_key = profile.key.iter().any(|known| known == header);
        let plain = self.plain.iter().find(|(column, _)| *column == header);
        match field {
            _ if plain.is_some() => plain.map_or("", |(_, word)| word).to_owned(),
            _ if is_key => format!("20240315{number:08}"),
            _ if profile.address.iter().any(|pair| pair[0] == header) => "서울특별시 중구 세종대로 110".to_owned(),
            Some(Field::ProductName) => "예시 침대".to_owned(),
            Some(Field::ProductNumber) => "BED".to_owned(),
            Some(Field::Options) => "색상: 월넛".to_owned(),
            Some(Field::Quantity) => "3".to_owned(),
            Some(Field::Price) => "12000".to_owned(),
            Some(Field::RecipientName | Field::CustomerName) => "김견본".to_owned(),
            Some(Field::RecipientTel1 | Field::CustomerTel) => format!("010-0000-000{number}"),
            Some(Field::ZipCode) => "04524".to_owned(),
            Some(Field::PlacedAt) => "2024-03-15 08:00:00".to_owned(),
            Some(Field::DispatchDeadline) => "2024-03-20".to_owned(),
            _ => String::new(),
        }
    }

    /// The header of the file that a field prefers.
    fn header_of(&self, preferred: &[String]) -> &'static str {
        let found = preferred.iter().find_map(|name| self.headers().into_iter().find(|header| header == name));
        found.expect("a column")
    }
}

/// A day in a shop of one channel.
struct Day {
    shop: Shop,
    clock: ManualClock,
    file: &'static ChannelFile,
    profile: Profile,
}

impl Day {
    fn of(file: &'static ChannelFile) -> Self {
        let clock = ManualClock::at(at("2024-03-15 08:55"));
        let shop = Shop::with_clock(Arc::new(clock.clone()));
        let profile = shop.uploads.shipped.find(FileKind::Orders, file.code).expect("a profile").clone();
        Self { shop, clock, file, profile }
    }

    fn label(&self) -> String {
        format!("{} with {} columns", self.file.code, self.file.headers().len())
    }

    /// Lets the time pass until so many minutes after that time; an earlier one changes nothing.
    fn pass(&self, time: &str, minutes: i64) {
        let until = at(&format!("2024-03-15 {time}")).plus_ms(minutes * 60 * 1000);
        self.clock.advance_ms((until.0 - self.clock.now().0).max(0));
    }

    /// Uploads the file that the channel made at that time, as its name says, five minutes later.
    async fn upload(&self, time: &str, changed: &[(usize, &str, &str)]) -> Report {
        self.pass(time, 5);
        let name = format!("주문_20240315_{}.xlsx", time.replace(':', ""));
        self.receive(&name, self.file.bytes(&self.profile, changed)).await
    }

    async fn receive(&self, name: &str, bytes: Vec<u8>) -> Report {
        let options = ImportOptions::default();
        let received = self.shop.uploads.receive_and_apply(Actor::Program, name, bytes, None, &options).await;
        let (_, result) = received.expect("is stored");
        result.unwrap_or_else(|error| panic!("{}: {error}", self.label())).report
    }

    async fn orders(&self) -> Vec<crate::orders::model::Order> {
        let mut orders: Vec<_> = self.shop.orders().await.into_iter().map(|listed| listed.order).collect();
        orders.sort_by(|one, other| one.recipient.tel1.cmp(&other.recipient.tel1));
        orders
    }

    /// Until when the claims of the channel are known: `2024-03-15 09:00`.
    async fn claims_until(&self) -> String {
        let codes = vec![self.file.code.to_owned()];
        let found = self.shop.uploads.storage.read(move |tx| store::claim_data_of_channels(tx, &codes)).await;
        found.expect("reads").channels[0].newest_at.map_or_else(String::new, |at| at.to_string())
    }
}

#[tokio::test]
async fn orders_of_every_channel_follow_its_files_of_the_day() {
    for file in &FILES {
        let day = Day::of(file);
        let label = day.label();
        let morning = day.upload("09:00", &[]).await;
        assert_eq!(morning.count(RowOutcome::Created), 5, "{label}: {morning:?}");
        let address = file.header_of(&day.profile.address.iter().map(|pair| pair[0].clone()).collect::<Vec<_>>());
        let quantity = file.header_of(&day.profile.columns[&Field::Quantity]);
        let mut noon = vec![(2, address, "부산광역시 해운대구 센텀로 9"), (3, quantity, "1")];
        noon.extend(file.claim.map(|(column, word)| (1, column, word)));
        noon.extend(file.further.map(|(column, word, _)| (4, column, word)));
        let before = day.orders().await;
        let report = day.upload("12:00", &noon).await;
        assert_eq!(
            (report.count(RowOutcome::Updated), report.conflict_count(), report.is_older_file),
            (noon.len(), 0, false),
            "{label}: {report:?}"
        );
        let after = day.orders().await;
        assert_eq!(after[0].claim, file.claim.map_or("", |(_, word)| word), "{label}");
        assert_eq!(after[0].is_held(), file.claim.is_some(), "{label}");
        assert_eq!(after[1].recipient.address1, "부산광역시 해운대구 센텀로 9", "{label}");
        assert_eq!((after[2].quantity, after[2].cancelled_quantity), (1, 2), "{label}");
        assert_eq!(after[3].state, file.further.map_or(OrderState::Placed, |(.., state)| state), "{label}");
        assert_eq!(after[4], before[4], "{label}: nothing is said of it");

        let older = day.upload("09:00", &[]).await;
        assert_eq!((older.count(RowOutcome::Updated), older.is_older_file), (0, true), "{label}: {older:?}");
        assert_eq!(day.orders().await, after, "{label}: the morning undoes nothing");

        let evening: Vec<_> = noon.into_iter().filter(|(number, ..)| *number != 1).collect();
        day.upload("18:00", &evening).await;
        let claim = if file.tells_claims { String::new() } else { after[0].claim.clone() };
        assert_eq!(day.orders().await[0].claim, claim, "{label}: only a file that names claims closes one");
    }
}

#[tokio::test]
async fn mark_of_a_quantity_claim_holds_the_order_until_the_quantity_is_smaller() {
    const MARK: (usize, &str, &str) = (1, "수량클레임 여부", "Y");
    let day = Day::of(&FILES[0]);
    day.upload("09:00", &[]).await;
    let noon = day.upload("12:00", &[MARK]).await;
    assert!(noon.rows[0].reasons.iter().any(|reason| reason.column == MARK.1), "{noon:?}");
    let held = day.orders().await;
    assert_eq!((held[0].claim.as_str(), held[0].is_held(), held[1].is_held()), ("수량클레임", true, false));

    let odd = day.upload("12:30", &[(1, MARK.1, "예")]).await;
    assert!(odd.rows[0].reasons.iter().any(|reason| reason.message.contains("Y나 N이 아니라")), "{odd:?}");
    assert_eq!(day.orders().await, held, "an unknown mark is told and changes nothing");

    let faulty = day.upload("13:00", &[MARK, (1, "수량", "한개")]).await;
    assert_eq!(faulty.count(RowOutcome::Rejected), 1, "{faulty:?}");
    assert_eq!(day.orders().await, held, "a quantity that cannot be read settles nothing");

    day.upload("14:00", &[MARK, (1, "수량", "2")]).await;
    let settled = &day.orders().await[0];
    assert_eq!((settled.quantity, settled.cancelled_quantity, settled.claim.as_str()), (2, 1, ""));
    day.upload("15:00", &[MARK, (1, "수량", "2")]).await;
    assert_eq!(day.orders().await[0].claim, "", "the channel keeps the mark");
}

/// 취소관리 with an open request.
const CLAIMS: &str = "상품주문번호,주문상태,취소 처리상태,취소요청일\n\
                      2024031500000001,결제완료,취소요청,2024-03-15 11:00\n";

#[tokio::test]
async fn file_without_a_column_of_claims_closes_none() {
    let day = Day::of(&FILES[2]);
    day.upload("09:00", &[]).await;
    assert_eq!(day.claims_until().await, "", "such a file is no news of claims");
    day.pass("11:00", 10);
    day.receive("취소관리.csv", CLAIMS.as_bytes().to_vec()).await;
    assert!(day.orders().await[0].is_held());
    let report = day.upload("15:00", &[]).await;
    assert_eq!((report.count(RowOutcome::Updated), report.conflict_count()), (0, 0), "{report:?}");
    assert!(day.orders().await[0].is_held(), "결제완료 says nothing of a request");
    assert_eq!(day.claims_until().await, "2024-03-15 11:10");
}

#[tokio::test]
async fn claims_are_known_until_the_channel_made_the_file() {
    let day = Day::of(&FILES[0]);
    let nameless = day.file.bytes(&day.profile, &[]);
    day.pass("08:30", 30);
    day.receive("주문.xlsx", nameless.clone()).await;
    assert_eq!(day.claims_until().await, "2024-03-15 08:00", "its newest order");
    day.upload("12:00", &[]).await;
    assert_eq!(day.claims_until().await, "2024-03-15 12:00", "the time in its name");
    day.upload("09:00", &[]).await;
    day.receive("주문.xlsx", nameless).await;
    assert_eq!(day.claims_until().await, "2024-03-15 12:00", "an older file is no news");
    day.pass("13:00", 0);
    day.receive("취소관리.csv", CLAIMS.as_bytes().to_vec()).await;
    assert_eq!(day.claims_until().await, "2024-03-15 13:00", "a list of claims without a time is of now");
    day.pass("15:00", 0);
    day.receive("취소관리.csv", CLAIMS.as_bytes().to_vec()).await;
    assert_eq!(day.claims_until().await, "2024-03-15 13:00", "the same list again is no news");
}
