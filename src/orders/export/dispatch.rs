//! 스마트스토어 발송처리: the bulk dispatch file of the channel. The channel requires an .xlsx with a sheet of this name,
//! the header in row 1, these four columns and text cells only. Names and telephone numbers are not required,
//! so they are omitted.

use super::table::{Cell, columns, method, text};
use crate::orders::model::{Order, ShippingMethod};

/// Required name of the sheet.
pub(super) const SHEET: &str = "발송처리";

columns! {
    "상품주문번호" 21 |line| text(&line.order_row.order.order_number);
    "배송방법" 15 |line| text(method(&line.order_row.order));
    "택배사" 15 |line| of_parcel(&line.order_row.order, |order| courier(&order.courier));
    "송장번호" 24 |line| of_parcel(&line.order_row.order, |order| &order.tracking_number);
}

/// Courier and tracking number are for parcels; the channel requires them empty otherwise.
fn of_parcel(order: &Order, part: fn(&Order) -> &str) -> Cell<'_> {
    text(if order.shipping_method == ShippingMethod::Parcel { part(order) } else { "" })
}

/// Courier name in the channel's own list, for other common names.
pub(super) fn courier(name: &str) -> &str {
    const NAMES: &[(&str, &[&str])] = &[
        ("로젠택배", &["로젠", "iLOGEN", "LOGEN"]),
        ("CJ대한통운", &["대한통운", "CJ", "CJ택배", "CJ 대한통운", "CJ대한통운택배"]),
        ("롯데택배", &["롯데", "롯데글로벌로지스", "현대택배"]),
        ("한진택배", &["한진"]),
        ("우체국택배", &["우체국"]),
        ("경동택배", &["경동"]),
        ("대신택배", &["대신", "대신화물"]),
    ];
    NAMES.iter().find(|(_, others)| others.contains(&name)).map_or(name, |(channel, _)| channel)
}

#[cfg(test)]
mod tests {
    use super::courier;

    #[test]
    fn couriers_have_the_names_of_the_channel() {
        assert_eq!(
            ["로젠", "대한통운", "로젠택배", "하우저"].map(courier),
            ["로젠택배", "CJ대한통운", "로젠택배", "하우저"]
        );
    }
}
