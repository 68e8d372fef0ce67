//! The text that tells a buyer of a delay (법 제15조 ②): why, until when, and that he may cancel.

use chrono::NaiveDate;

use crate::shop::model::Shop;
use crate::time::date_with_weekday;

/// The text. Without a new day it says that one follows.
pub fn delay_text(shop: &Shop, order_number: &str, product: &str, reason: &str, new_day: Option<NaiveDate>) -> String {
    let name = if shop.name.trim().is_empty() { "판매자" } else { shop.name.trim() };
    let until = match new_day {
        Some(day) => format!("{}까지 보내 드릴게요.", date_with_weekday(day)),
        None => "보내 드릴 날이 정해지면 바로 다시 알려 드릴게요.".to_owned(),
    };
    let contact = if shop.tel.trim().is_empty() { String::new() } else { format!(" 문의: {}", shop.tel.trim()) };
    format!(
        "[{name}] 주문하신 {product}({order_number})이 늦어져서 알려 드려요. 이유: {reason} {until} 기다리기 어려우시면 취소하실 수 있고, \
         취소하시면 3영업일 안에 돌려드려요. 불편을 드려 죄송해요.{contact}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_reason_new_day_and_the_right_to_cancel() {
        let shop = Shop { name: "나무공방".to_owned(), tel: "02-123-4567".to_owned(), ..Shop::default() };
        let day = crate::time::parse_date("2026-12-15");
        let text = delay_text(&shop, "2026112200000001", "벙커 침대", "원목이 늦게 들어왔어요.", day);
        for words in
            ["나무공방", "2026112200000001", "원목이 늦게", "2026-12-15 (화)까지", "취소하실 수", "02-123-4567"]
        {
            assert!(text.contains(words), "{words}: {text}");
        }
        let text = delay_text(&shop, "1", "침대", "이유", None);
        assert!(text.contains("정해지면 바로 다시"), "{text}");
    }
}
