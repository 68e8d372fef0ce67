//! Merged cells: what a person sees in each row counts for each row, except sums.

use super::*;

/// A list of ESM as HTML, with the cells of the rows below the header.
fn list(rows: &str) -> Vec<u8> {
    let headers = [
        "판매아이디",
        "주문번호",
        "주문상태",
        "상품번호",
        "상품명",
        "수량",
        "옵션",
        "판매자 관리코드",
        "구매자명",
        "구매자 휴대폰",
        "수령인명",
        "수령인 휴대폰",
        "우편번호",
        "주소",
        "배송시 요구사항",
        "배송번호",
        "주문일(결제확인전)",
        "발송마감일",
        "정산예정금액",
    ];
    let head = headers.join("</td><td>");
    format!("<html><meta charset=utf-8><table><tr><td>{head}</td></tr>{rows}</table></html>").into_bytes()
}

/// A row: the cells before the recipient are its own; `shared` are the cells from the recipient to the parcel number.
fn row(number: &str, quantity: &str, shared: &str, amount: &str) -> String {
    format!(
        "<tr><td>shop</td><td>{number}</td><td>결제완료</td><td>77</td><td>원목 침대</td>{quantity}<td></td><td>BED</td><td>김고객</td>\
         <td>010-0000-0001</td>{shared}<td>2026-11-27 10:00:00</td><td>2026-11-30</td>{amount}</tr>"
    )
}

const RECIPIENT: &str = "<td rowspan=3>박수령</td><td rowspan=3>010-0000-0002</td><td rowspan=3>04524</td>\
    <td rowspan=3>서울특별시 중구 세종대로 110</td><td rowspan=3>경비실에 맡겨 주세요</td><td rowspan=3>5550001</td>";

#[test]
fn merged_recipient_counts_for_each_order() {
    let bytes = list(
        &[
            row("1000000001", "<td>1</td>", RECIPIENT, "<td>1000</td>"),
            row("1000000002", "<td>1</td>", "", "<td>1000</td>"),
            row("1000000003", "<td>1</td>", "", "<td>1000</td>"),
        ]
        .concat(),
    );
    let (_, rows) = run(bytes, check_orders);
    assert_eq!(counts(&rows), [3, 0, 0, 0]);
    for number in 2..=4 {
        let order = valid(&rows, number);
        assert_eq!(order.recipient.name, "박수령");
        assert_eq!(order.recipient.zip_code, "04524");
        assert_eq!(
            (order.customer_message.as_str(), order.bundle_number.as_str()),
            ("경비실에 맡겨 주세요", "5550001")
        );
    }
}

#[test]
fn merged_quantity_and_amount_count_once() {
    let bytes = list(
        &[
            row("1000000001", "<td rowspan=3>3</td>", RECIPIENT, "<td rowspan=3>90000</td>"),
            row("1000000002", "", "", ""),
            row("1000000003", "", "", ""),
        ]
        .concat(),
    );
    let (_, rows) = run(bytes, check_orders);
    assert_eq!((valid(&rows, 2).quantity, valid(&rows, 2).price), (3, 90_000));
    for number in 3..=4 {
        assert_eq!(problems(&rows, number)[0].column, "수량");
    }
}
