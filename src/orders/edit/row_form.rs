//! Form fields of a row of the order list.

use super::Problem;
use super::fields::{date, read_memo};
use crate::channels::TYPED_COURIER;
use crate::orders::model::{Order, OrderState, PARCEL_SEPARATOR, ShippingMethod};
use crate::storage::text_limits;
use crate::text::one_line;
use crate::time::Moment;

/// Raw form fields of one row. The list sends only the fields that were opened; one that is missing stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowForm {
    /// version of the order that the page shows
    pub version: i64,
    /// code of a state
    pub state: Option<String>,
    /// 발송기한, `YYYY-MM-DD` or empty
    pub dispatch_deadline: Option<String>,
    /// 희망배송일, `YYYY-MM-DD` or empty
    pub preferred_shipping_date: Option<String>,
    /// 택배사, which counts together with a 송장번호
    pub courier: Option<String>,
    /// 송장번호
    pub tracking_number: Option<String>,
    /// 발주메모
    pub purchase_memo: Option<String>,
    /// 배송메모
    pub shipping_memo: Option<String>,
    /// 관리자메모
    pub admin_memo: Option<String>,
}

impl RowForm {
    /// Form fields with the values of the order.
    pub fn of(order: &Order) -> Self {
        let date = |date: Option<chrono::NaiveDate>| date.map(|date| date.to_string()).unwrap_or_default();
        Self {
            version: order.version,
            state: Some(order.state.code().to_owned()),
            dispatch_deadline: Some(date(order.dispatch_deadline)),
            preferred_shipping_date: Some(date(order.preferred_shipping_date)),
            courier: Some(order.courier.clone()),
            tracking_number: Some(order.tracking_number.clone()),
            purchase_memo: Some(order.purchase_memo.clone()),
            shipping_memo: Some(order.shipping_memo.clone()),
            admin_memo: Some(order.admin_memo.clone()),
        }
    }

    /// The form with the values of the order where it sends none.
    #[must_use]
    pub fn completed(&self, order: &Order) -> Self {
        let is = Self::of(order);
        let given = |typed: &Option<String>, is| typed.clone().or(is);
        Self {
            version: self.version,
            state: given(&self.state, is.state),
            dispatch_deadline: given(&self.dispatch_deadline, is.dispatch_deadline),
            preferred_shipping_date: given(&self.preferred_shipping_date, is.preferred_shipping_date),
            courier: given(&self.courier, is.courier),
            tracking_number: given(&self.tracking_number, is.tracking_number),
            purchase_memo: given(&self.purchase_memo, is.purchase_memo),
            shipping_memo: given(&self.shipping_memo, is.shipping_memo),
            admin_memo: given(&self.admin_memo, is.admin_memo),
        }
    }

    /// Whether a field was sent that differs from the order. A page whose rows are all open sends each of them; a courier
    /// counts together with a number, because the field offers one before it is typed.
    pub fn differs(&self, order: &Order) -> bool {
        let is = Self::of(order);
        let has_number = self.tracking_number.as_deref().is_some_and(|number| !number.trim().is_empty());
        self.sent().any(|(field, value)| value != is.value(field) && (field != "courier" || has_number))
    }

    /// Sets a field by its name; other names are ignored.
    pub fn set(&mut self, field: &str, value: String) {
        let lines = |value: String| Some(value.replace("\r\n", "\n"));
        match field {
            "version" => self.version = value.parse().unwrap_or(-1),
            "state" => self.state = Some(value),
            "dispatch_deadline" => self.dispatch_deadline = Some(value),
            "preferred_shipping_date" => self.preferred_shipping_date = Some(value),
            "courier" => self.courier = Some(value),
            // The text field beside the select box counts only where that says so.
            "courier_other" if self.courier.as_deref() == Some(TYPED_COURIER) => self.courier = Some(value),
            "tracking_number" => self.tracking_number = Some(value),
            "purchase_memo" => self.purchase_memo = lines(value),
            "shipping_memo" => self.shipping_memo = lines(value),
            "admin_memo" => self.admin_memo = lines(value),
            _ => {}
        }
    }

    /// The value of a field, or an empty text.
    pub fn value(&self, field: &str) -> &str {
        self.fields().into_iter().find(|(name, ..)| *name == field).and_then(|(.., value)| value).unwrap_or_default()
    }

    /// The fields that were sent, with name and value.
    pub fn sent(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.fields().into_iter().filter_map(|(name, _, value)| Some((name, value?)))
    }

    /// Fields with name, Korean label and value.
    fn fields(&self) -> [(&'static str, &'static str, Option<&str>); 8] {
        [
            ("state", "상태", self.state.as_deref()),
            ("dispatch_deadline", "발송기한", self.dispatch_deadline.as_deref()),
            ("preferred_shipping_date", "희망배송일", self.preferred_shipping_date.as_deref()),
            ("courier", "택배사", self.courier.as_deref()),
            ("tracking_number", "송장번호", self.tracking_number.as_deref()),
            ("purchase_memo", "발주메모", self.purchase_memo.as_deref()),
            ("shipping_memo", "배송메모", self.shipping_memo.as_deref()),
            ("admin_memo", "관리자메모", self.admin_memo.as_deref()),
        ]
    }
}

/// Applies the row to the order at `now`.
///
/// # Errors
/// Every validation error of the row. If the order was changed since the page was loaded, every field that
/// differs, with both values.
pub fn apply_row_form(order: &Order, typed: &RowForm, now: Moment) -> Result<Order, Vec<Problem>> {
    if typed.version != order.version {
        return Err(conflicts(order, typed));
    }
    let typed = &typed.completed(order);
    let mut edited = order.clone();
    let mut problems = Vec::new();
    let mut problem = |field, message: String| problems.push(Problem::at(field, message));

    match date(typed.value("dispatch_deadline"), order.dispatch_deadline, deadline_locked(order)) {
        Err(message) => problem("dispatch_deadline", message),
        Ok(None) if order.dispatch_deadline.is_some() => problem("dispatch_deadline", DEADLINE_MISSING.to_owned()),
        Ok(date) => edited.dispatch_deadline = date,
    }
    match date(typed.value("preferred_shipping_date"), order.preferred_shipping_date, preferred_date_locked(order)) {
        Err(message) => problem("preferred_shipping_date", message),
        Ok(date) => edited.preferred_shipping_date = date,
    }
    match tracking_number(order, typed.value("tracking_number")) {
        Err(message) => problem("tracking_number", message.to_owned()),
        Ok(number) if needs_consent(order, &number) => problem("tracking_number", held_by_claim(order)),
        Ok(number) => edited.tracking_number = number,
    }
    match courier(order, &edited.tracking_number, typed.value("courier")) {
        Err(message) => problem("courier", message),
        Ok(courier) => edited.courier = courier,
    }
    for (field, is) in [
        ("purchase_memo", &mut edited.purchase_memo),
        ("shipping_memo", &mut edited.shipping_memo),
        ("admin_memo", &mut edited.admin_memo),
    ] {
        match read_memo(typed.value(field)) {
            Err(message) => problem(field, message.to_owned()),
            Ok(memo) => *is = memo,
        }
    }
    match OrderState::parse(typed.value("state")) {
        Some(state) if order.is_held_from(state) => problem("state", held_by_claim(order)),
        Some(state) => edited.set_state(state, now),
        None => problem("state", "상태를 선택해 주세요.".to_owned()),
    }
    if problems.is_empty() { Ok(edited) } else { Err(problems) }
}

/// The 택배사 of a row, which goes with its 송장번호: the field offers one before a number is typed.
fn courier(order: &Order, number: &str, typed: &str) -> Result<String, String> {
    let typed = one_line(typed);
    match () {
        () if number.is_empty() || typed == order.courier => missing_courier(order, number, &order.courier),
        () if typed.chars().count() > text_limits::COURIER => {
            Err(format!("{}자까지 입력할 수 있어요.", text_limits::COURIER))
        }
        () => missing_courier(order, number, &typed),
    }
}

/// The courier, unless another number has none: nobody could follow the parcel, and no channel takes the number.
pub(super) fn missing_courier(order: &Order, number: &str, courier: &str) -> Result<String, String> {
    let needs_one = !number.is_empty() && number != order.tracking_number && courier.is_empty();
    if needs_one { Err("택배사를 선택해 주세요.".to_owned()) } else { Ok(courier.to_owned()) }
}

/// Message for 발송기한 that is emptied: without one the order would vanish from the lists of what is due.
pub(super) const DEADLINE_MISSING: &str = "발송기한은 비울 수 없어요. 날짜를 선택해 주세요.";

/// Message for 옵션 and 수량 if they are locked.
pub(super) fn goods_locked(order: &Order) -> Option<String> {
    order.goods_are_locked().then(|| locked(order, "옵션과 수량은"))
}

/// Message for 발송기한 if it is locked.
pub(super) fn deadline_locked(order: &Order) -> Option<String> {
    order.deadline_is_settled().then(|| locked(order, "발송기한은"))
}

/// Message for 희망배송일 if it is locked.
pub(super) fn preferred_date_locked(order: &Order) -> Option<String> {
    order.preferred_date_is_settled().then(|| locked(order, "희망배송일은"))
}

fn locked(order: &Order, what: &str) -> String {
    format!("{} 주문의 {what} 바꿀 수 없어요.", order.state.participle())
}

/// Message for a state that an open claim keeps the order from.
pub(super) fn held_by_claim(order: &Order) -> String {
    format!("‘{}’ 클레임이 있는 주문이에요. 주문 화면의 ‘그래도 진행’을 선택해야 바꿀 수 있어요.", order.claim)
}

/// Whether the order has an open cancellation and gets another tracking number: the parcel must not leave unless the
/// member names the order.
pub(super) fn needs_consent(order: &Order, number: &str) -> bool {
    order.is_held() && !number.is_empty() && number != order.tracking_number
}

fn conflicts(order: &Order, typed: &RowForm) -> Vec<Problem> {
    let is = RowForm::of(order);
    let shown = |field: &str, value: &str| match (field, OrderState::parse(value)) {
        _ if value.is_empty() => "비어 있음".to_owned(),
        ("state", Some(state)) => format!("‘{}’", state.label()),
        _ => format!("‘{value}’"),
    };
    let differing: Vec<Problem> = is
        .fields()
        .into_iter()
        .zip(typed.fields())
        .filter_map(|((field, word, is), (.., typed))| Some((field, word, is?, typed?)))
        .filter(|(.., is, typed)| is != typed)
        // The field beside an untouched number only offers a courier.
        .filter(|(field, ..)| *field != "courier" || typed.tracking_number != is.tracking_number)
        .map(|(field, word, is, typed)| {
            let (is, typed) = (shown(field, is), shown(field, typed));
            let message = format!(
                "그 사이 다른 사람이 주문을 바꿨어요. {word}: 지금 {is}, 입력 {typed}. 확인하고 다시 저장해 주세요."
            );
            Problem::at(field, message)
        })
        .collect();
    if differing.is_empty() { vec![changed_meanwhile()] } else { differing }
}

/// Message for an order that was changed by another member in fields that the row does not show.
pub fn changed_meanwhile() -> Problem {
    Problem::at("state", "그 사이 다른 사람이 주문을 바꿨어요. 확인하고 다시 저장해 주세요.")
}

/// Parses 송장번호. `order` has the new 배송방법 already.
pub(super) fn tracking_number(order: &Order, typed: &str) -> Result<String, &'static str> {
    let number = typed.replace(['/', ';', '\n'], ",");
    let numbers = number.split(',').map(|number| number.chars().filter(|c| !c.is_whitespace() && *c != '-').collect());
    let numbers: Vec<String> = numbers.filter(|number: &String| !number.is_empty()).collect();
    let number = numbers.join(PARCEL_SEPARATOR);
    if number == order.tracking_number {
        return Ok(number);
    }
    if order.shipping_method != ShippingMethod::Parcel {
        if number.is_empty() {
            return Ok(number);
        }
        return Err("택배로 보내는 주문에만 송장번호를 넣을 수 있어요. 배송방법을 먼저 택배로 바꿔 주세요.");
    }
    let sound = |number: &String| number.len() <= 30 && number.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if number.len() > text_limits::TRACKING_NUMBER {
        return Err("송장번호가 너무 많아요. 64자까지 입력할 수 있어요.");
    }
    if numbers.iter().all(sound) {
        Ok(number)
    } else {
        Err("송장번호는 숫자와 영문으로 입력해 주세요.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::model::tests::order;
    use crate::time::parse_date;

    fn typed(order: &Order, change: impl FnOnce(&mut RowForm)) -> RowForm {
        let mut form = RowForm::of(order);
        change(&mut form);
        form
    }

    fn fields(result: Result<Order, Vec<Problem>>) -> Vec<String> {
        result.expect_err("problems").into_iter().map(|problem| problem.field.into_owned()).collect()
    }

    #[test]
    fn unchanged_row_changes_nothing() {
        for state in OrderState::ALL {
            let order = order(state);
            assert_eq!(apply_row_form(&order, &RowForm::of(&order), Moment(9)), Ok(order));
        }
    }

    #[test]
    fn all_errors_of_a_row_are_reported_at_once() {
        let order = order(OrderState::Shipped);
        let form = typed(&order, |form| {
            form.dispatch_deadline = Some("2024-03-20".into());
            form.preferred_shipping_date = Some("내일".into());
            form.tracking_number = Some("45168300137".into());
            form.courier = Some("로젠택배".into());
            form.state = Some("배달".into());
        });
        assert_eq!(
            fields(apply_row_form(&order, &form, Moment(9))),
            ["dispatch_deadline", "preferred_shipping_date", "tracking_number", "state"]
        );
    }

    #[test]
    fn concurrently_changed_row_is_rejected_with_both_values() {
        let mut order = order(OrderState::Placed);
        let form = typed(&order, |form| form.purchase_memo = Some("문 앞".into()));
        order.purchase_memo = "옆문".into();
        order.version += 1;
        let problems = apply_row_form(&order, &form, Moment(9)).expect_err("a conflict");
        assert_eq!(problems.len(), 1);
        assert!(problems[0].message.contains("‘옆문’") && problems[0].message.contains("‘문 앞’"));
    }

    #[test]
    fn field_that_is_not_sent_stays_and_is_no_conflict() {
        let mut order = order(OrderState::Placed);
        order.admin_memo = "단골".into();
        let form = RowForm { version: order.version, purchase_memo: Some("회색으로".into()), ..RowForm::default() };
        let saved = apply_row_form(&order, &form, Moment(9)).expect("saved");
        assert_eq!((saved.purchase_memo.as_str(), saved.admin_memo.as_str()), ("회색으로", "단골"));
        order.version += 1;
        let problems = apply_row_form(&order, &form, Moment(9)).expect_err("a conflict");
        assert_eq!(problems.iter().map(|problem| &*problem.field).collect::<Vec<_>>(), ["purchase_memo"]);
    }

    #[test]
    fn row_differs_by_what_was_typed_and_not_by_an_offered_courier() {
        let order = order(OrderState::Placed);
        assert!(!RowForm::of(&order).differs(&order));
        assert!(!typed(&order, |form| form.courier = Some("로젠택배".into())).differs(&order));
        assert!(typed(&order, |form| form.tracking_number = Some("45168300137".into())).differs(&order));
        assert!(typed(&order, |form| form.purchase_memo = Some("회색으로".into())).differs(&order));
    }

    #[test]
    fn deadline_is_not_emptied() {
        let mut order = order(OrderState::Placed);
        order.dispatch_deadline = parse_date("2024-03-20");
        let form = typed(&order, |form| form.dispatch_deadline = Some(String::new()));
        assert_eq!(fields(apply_row_form(&order, &form, Moment(9))), ["dispatch_deadline"]);
    }

    #[test]
    fn memo_keeps_line_breaks_and_loses_control_characters() {
        let order = order(OrderState::Placed);
        let form = typed(&order, |form| form.admin_memo = Some(" a\0b\u{7}\n\tc\u{1b} ".into()));
        assert_eq!(apply_row_form(&order, &form, Moment(9)).expect("saved").admin_memo, "ab\n c");
    }

    #[test]
    fn tracking_number_of_a_claimed_order_needs_the_page_of_the_order() {
        let mut order = order(OrderState::Dispatched);
        order.shipping_method = ShippingMethod::Parcel;
        order.claim = "취소요청".into();
        order.courier = "로젠택배".into();
        let form = typed(&order, |form| form.tracking_number = Some("45168300137".into()));
        assert_eq!(fields(apply_row_form(&order, &form, Moment(9))), ["tracking_number"]);
        order.claim = "반품요청".into();
        assert!(apply_row_form(&order, &form, Moment(9)).is_ok());
    }

    #[test]
    fn tracking_number_needs_a_courier_which_counts_only_with_it() {
        let mut order = order(OrderState::Dispatched);
        order.shipping_method = ShippingMethod::Parcel;
        let form = |number: &str, courier: &str, other: &str| {
            typed(&order, |form| {
                form.set("tracking_number", number.into());
                form.set("courier", courier.into());
                form.set("courier_other", other.into());
            })
        };
        let saved = |form: &RowForm| apply_row_form(&order, form, Moment(9)).expect("saved").courier;
        assert_eq!(fields(apply_row_form(&order, &form("45168300137", "", ""), Moment(9))), ["courier"]);
        assert_eq!(saved(&form("45168300137", "로젠택배", "")), "로젠택배");
        assert_eq!(saved(&form("45168300137", TYPED_COURIER, " 동네  용달 ")), "동네 용달");
        assert_eq!(saved(&form("45168300137", "로젠택배", "동네 용달")), "로젠택배");
        assert_eq!(saved(&form("", "로젠택배", "")), "", "the field only offers it");
        let sent = Order { courier: "한진택배".into(), tracking_number: "1".into(), ..order.clone() };
        let unchanged = RowForm { courier: Some(String::new()), ..RowForm::of(&sent) };
        assert!(apply_row_form(&sent, &unchanged, Moment(9)).is_ok(), "a file may have left it out");
    }

    #[test]
    fn tracking_number_is_for_parcels_and_loses_its_hyphens() {
        let mut order = order(OrderState::Dispatched);
        order.shipping_method = ShippingMethod::Parcel;
        order.courier = "로젠택배".into();
        let form = typed(&order, |form| form.tracking_number = Some("451-6830-0137".into()));
        assert_eq!(apply_row_form(&order, &form, Moment(9)).expect("saved").tracking_number, "45168300137");
        let form = typed(&order, |form| form.tracking_number = Some("모름".into()));
        assert_eq!(fields(apply_row_form(&order, &form, Moment(9))), ["tracking_number"]);
    }
}
