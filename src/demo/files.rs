//! Channel files (스마트스토어 order export) written from synthetic orders.

use std::io::{Seek, Write};

use chrono::{Duration, NaiveDateTime, NaiveTime};
use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

use crate::orders::model::NewOrder;
use crate::time::Moment;

/// The 72 columns of a 스마트스토어 order file (since 2024), A to BT.
const COLUMNS: [&str; 72] = [
    "상품주문번호",
    "주문번호",
    "배송속성",
    "풀필먼트사(주문 기준)",
    "택배사(주문 기준)",
    "배송방법(구매자 요청)",
    "배송방법",
    "택배사",
    "송장번호",
    "발송일",
    "판매채널",
    "구매자명",
    "구매자ID",
    "수취인명",
    "주문상태",
    "주문세부상태",
    "수량클레임 여부",
    "결제위치",
    "결제일",
    "상품번호",
    "상품명",
    "상품종류",
    "반품안심케어",
    "멤버십N배송",
    "옵션정보",
    "옵션관리코드",
    "수량",
    "옵션가격",
    "상품가격",
    "최종 상품별 할인액",
    "최초 상품별 할인액",
    "판매자 부담 할인액",
    "최종 상품별 총 주문금액",
    "최초 상품별 총 주문금액",
    "사은품",
    "발주확인일",
    "발송기한",
    "발송처리일",
    "송장출력일",
    "배송비 형태",
    "배송비 묶음번호",
    "배송비 유형",
    "배송비 합계",
    "제주/도서 추가배송비",
    "배송비 할인액",
    "판매자 상품코드",
    "판매자 내부코드1",
    "판매자 내부코드2",
    "수취인연락처1",
    "수취인연락처2",
    "통합배송지",
    "기본배송지",
    "상세배송지",
    "구매자연락처",
    "우편번호",
    "배송메세지",
    "출고지",
    "결제수단",
    "네이버페이 주문관리 수수료",
    "매출연동 수수료",
    "정산예정금액",
    "개인통관고유부호",
    "주문일시",
    "배송희망일",
    "구독신청회차",
    "구독진행회차",
    "구독배송희망일",
    "배송태그 유형",
    "출입방법 유형",
    "출입방법 내용",
    "수령위치 유형",
    "수령위치 내용",
];

/// Information text that the channel writes above the header (first lines).
const INFO: &str = "◈ 다운로드 받은 파일로 '엑셀 일괄발송' 처리하는 방법\n1. 엑셀 파일에 아래 네 가지 항목을 확인 후 \
    입력해주세요.\n- 상품주문번호, 배송방법, 택배사, 송장번호\n※ 파일 업로드 시, 1행 삭제 후 업로드 부탁 드립니다.";
const INFO_FIELDS: &str = "◈ 각 항목 입력 방법\n배송방법 - 택배,등기,소포 / 퀵서비스 / 방문수령 / 직접전달\n송장번호";

/// Zero-based row of the first order, below the information row and the header.
const FIRST_ORDER_ROW: u32 = 2;

enum ColumnValue {
    Empty,
    Text(String),
    Number(i64),
    Money(i64),
    Moment(NaiveDateTime),
}

impl From<&str> for ColumnValue {
    fn from(text: &str) -> Self {
        if text.is_empty() { Self::Empty } else { Self::Text(text.to_owned()) }
    }
}

/// Last second of a day: the form of deadlines in channel files.
fn end_of_day(date: chrono::NaiveDate) -> NaiveDateTime {
    date.and_time(NaiveTime::MIN) + Duration::seconds(24 * 60 * 60 - 1)
}

/// Last eight characters: the part that distinguishes the numbers of one day.
fn last_digits(number: &str) -> &str {
    number.get(number.len().saturating_sub(8)..).unwrap_or(number)
}

/// 주문번호 of the purchase that is in one bundle.
pub fn purchase_number(placed_at: Moment, bundle_number: &str) -> String {
    format!("{}{}", placed_at.kst().format("%Y%m%d"), last_digits(bundle_number))
}

/// Last eight digits of the channel's own product number (상품번호).
fn channel_product_number(product_number: &str) -> u64 {
    product_number.bytes().fold(0, |number, byte| (number * 31 + u64::from(byte)) % 100_000_000)
}

/// Value of a column for an order. Columns that the importer ignores are filled too, so that a file has the size
/// of a real one.
fn column_value(column: &str, order: &NewOrder) -> ColumnValue {
    let placed = order.placed_at.kst();
    let recipient = &order.recipient;
    match column {
        "상품주문번호" => order.order_number.as_str().into(),
        "주문번호" => ColumnValue::Text(purchase_number(order.placed_at, &order.bundle_number)),
        "배송속성" => "일반배송".into(),
        "배송방법(구매자 요청)" | "배송방법" => order.shipping_method_raw.as_str().into(),
        "판매채널" => "스마트스토어".into(),
        "구매자명" => order.customer.name.as_str().into(),
        "구매자ID" => "test****".into(),
        "수취인명" => recipient.name.as_str().into(),
        "주문상태" => "결제완료".into(),
        "주문세부상태" => if order.claim.is_empty() { "발주확인" } else { &order.claim }.into(),
        "수량클레임 여부" | "반품안심케어" | "멤버십N배송" => "N".into(),
        "결제위치" => "모바일".into(),
        "결제일" | "발주확인일" => ColumnValue::Moment(placed + Duration::minutes(1)),
        "상품번호" => ColumnValue::Text(format!("91{:08}", channel_product_number(&order.product_number))),
        "상품명" => order.product_name.as_str().into(),
        "상품종류" => if order.options.is_empty() { "단일상품" } else { "조합형옵션상품" }.into(),
        "옵션정보" => order.options_raw.as_str().into(),
        "수량" => ColumnValue::Number(order.quantity),
        "옵션가격"
        | "최종 상품별 할인액"
        | "최초 상품별 할인액"
        | "판매자 부담 할인액"
        | "제주/도서 추가배송비"
        | "배송비 할인액"
        | "매출연동 수수료" => ColumnValue::Money(0),
        "상품가격" => ColumnValue::Money(order.price / order.quantity.max(1)),
        "최종 상품별 총 주문금액" | "최초 상품별 총 주문금액" | "정산예정금액" => {
            ColumnValue::Money(order.price)
        }
        "발송기한" => {
            order.dispatch_deadline.map_or(ColumnValue::Empty, |date| ColumnValue::Moment(end_of_day(date)))
        }
        "배송비 형태" => order.charge_type.label().into(),
        "배송비 묶음번호" => order.bundle_number.as_str().into(),
        "배송비 유형" => "유료".into(),
        "배송비 합계" => ColumnValue::Money(3000),
        "판매자 상품코드" => order.product_number.as_str().into(),
        "수취인연락처1" => recipient.tel1.as_str().into(),
        "수취인연락처2" => recipient.tel2.as_str().into(),
        "통합배송지" => ColumnValue::Text(format!("{} {}", recipient.address1, recipient.address2)),
        "기본배송지" => recipient.address1.as_str().into(),
        "상세배송지" => recipient.address2.as_str().into(),
        "구매자연락처" => order.customer.tel.as_str().into(),
        "우편번호" => recipient.zip_code.as_str().into(),
        "배송메세지" => order.customer_message.as_str().into(),
        "출고지" => "경상북도 (가상) 출고지".into(),
        "결제수단" => "신용카드 간편결제".into(),
        "네이버페이 주문관리 수수료" => ColumnValue::Money(-order.price / 30),
        "주문일시" => ColumnValue::Moment(placed),
        "배송희망일" => order
            .preferred_shipping_date
            .map_or(ColumnValue::Empty, |date| ColumnValue::Moment(date.and_time(NaiveTime::MIN))),
        _ => ColumnValue::Empty,
    }
}

fn write_cell(
    sheet: &mut Worksheet,
    at: (u32, u16),
    cell: ColumnValue,
    money: &Format,
    moment: &Format,
) -> Result<(), XlsxError> {
    let (row, column) = at;
    match cell {
        ColumnValue::Empty => return Ok(()),
        ColumnValue::Text(text) => sheet.write_string(row, column, text)?,
        ColumnValue::Number(number) => sheet.write_number(row, column, as_number(number))?,
        ColumnValue::Money(won) => sheet.write_number_with_format(row, column, as_number(won), money)?,
        ColumnValue::Moment(wall) => sheet.write_datetime_with_format(row, column, wall, moment)?,
    };
    Ok(())
}

/// Converts to a spreadsheet number; amounts and quantities of a synthetic shop fit into 32 bits.
fn as_number(whole: i64) -> f64 {
    i32::try_from(whole).map_or(f64::MAX, f64::from)
}

/// Writes the orders as an unencrypted 스마트스토어 order file: sheet 발주발송관리 with an information row, the header
/// and one row per order. Streams: only one row is in memory.
///
/// # Errors
/// An [`XlsxError`] if writing fails.
pub fn write_smart_store<W>(writer: W, orders: impl Iterator<Item = NewOrder>) -> Result<(), XlsxError>
where
    W: Write + Seek + Send,
{
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet_with_constant_memory()?;
    sheet.set_name("발주발송관리")?;
    let info = Format::new().set_text_wrap();
    let money = Format::new().set_num_format("\"₩\"#,##0");
    let moment = Format::new().set_num_format("yyyy/mm/dd\\ hh:mm");
    sheet.merge_range(0, 0, 0, 2, INFO, &info)?;
    sheet.merge_range(0, 3, 0, 5, INFO_FIELDS, &info)?;
    for (column, name) in (0..).zip(COLUMNS) {
        sheet.write_string(1, column, name)?;
    }
    for (row, order) in (FIRST_ORDER_ROW..).zip(orders) {
        for (column, name) in (0..).zip(COLUMNS) {
            write_cell(sheet, (row, column), column_value(name, &order), &money, &moment)?;
        }
    }
    workbook.save_to_writer(writer)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use calamine::{DataRef, Reader, Xlsx};

    use super::*;
    use crate::demo::new_orders;

    #[test]
    fn file_has_the_header_and_all_orders() {
        let orders: Vec<NewOrder> = new_orders(5, 40, Moment(1_795_000_000_000)).collect();
        let mut bytes = Cursor::new(Vec::new());
        write_smart_store(&mut bytes, orders.iter().cloned()).expect("a file");
        bytes.set_position(0);

        let mut workbook = Xlsx::new(bytes).expect("a workbook");
        assert_eq!(workbook.sheet_names(), ["발주발송관리"]);
        let mut cells = workbook.worksheet_cells_reader("발주발송관리").expect("cells");
        let mut headers = Vec::new();
        let mut numbers = Vec::new();
        while let Some(cell) = cells.next_cell().expect("a cell") {
            let text = match cell.get_value() {
                DataRef::SharedString(text) => (*text).to_owned(),
                DataRef::String(text) => text.clone(),
                _ => continue,
            };
            match cell.get_position() {
                (1, _) => headers.push(text),
                (2.., 0) => numbers.push(text),
                _ => {}
            }
        }
        assert_eq!(headers, COLUMNS);
        assert!(numbers.iter().eq(orders.iter().map(|order| &order.order_number)));
    }
}
