//! Form of the page of one order.

use super::Problem;
use super::fields::{FormReader, Inputs, OptionInput, picked, read_option, read_quantity};
use super::row_form::{
    DEADLINE_MISSING, deadline_locked, goods_locked, held_by_claim, missing_courier, needs_consent,
    preferred_date_locked, tracking_number,
};
use crate::orders::fields::FIELDS;
use crate::orders::model::{ChargeType, Customer, Order, OrderState, Recipient, ShippingMethod};
use crate::time::Moment;

/// Form field of the checkbox 그래도 진행: the member moves the order on despite its open claim.
pub const DESPITE_CLAIM: &str = "despite_claim";

/// Form fields with the values of the order in the bundle with that number.
pub fn inputs_of(order: &Order, bundle_number: &str) -> Inputs {
    let mut inputs = Inputs::default();
    for field in FIELDS.iter().filter(|field| field.is_edited) {
        inputs.set(field.column, field.plain_text(order));
    }
    inputs.set("bundle_number", bundle_number);
    inputs
}

/// Applies the form to the order at `now`, except the bundle number. `options` is `None` if the options are not
/// in the form.
///
/// # Errors
/// Every validation error of the form.
pub fn apply_order_form(
    order: &Order,
    inputs: &Inputs,
    options: Option<&[OptionInput]>,
    now: Moment,
) -> Result<Order, Vec<Problem>> {
    let mut reader = FormReader::of(inputs);
    let mut edited = order.clone();
    goods_fields(&mut reader, &mut edited, inputs, options);
    contact_fields(&mut reader, &mut edited);
    shipping_fields(&mut reader, &mut edited, inputs);
    edited.customer_message = reader.memo("customer_message");
    edited.purchase_memo = reader.memo("purchase_memo");
    edited.shipping_memo = reader.memo("shipping_memo");
    edited.admin_memo = reader.memo("admin_memo");
    if let Some(state) = reader.choice("state", OrderState::parse, "상태를 선택해 주세요.") {
        if order.is_held_from(state) && inputs.get(DESPITE_CLAIM).is_empty() {
            reader.problem("state", held_by_claim(order));
        } else {
            edited.set_state(state, now);
        }
    }
    if reader.problems.is_empty() { Ok(edited) } else { Err(reader.problems) }
}

/// Options and quantity, which are locked once the goods have left the factory.
fn goods_fields(reader: &mut FormReader<'_>, order: &mut Order, inputs: &Inputs, options: Option<&[OptionInput]>) {
    let locked = goods_locked(order);
    if let Some(options) = options {
        let chosen = picked(options);
        if let Some(message) = options.iter().find_map(|option| read_option(option).err()) {
            reader.problem("options", message);
        } else if let Some(message) = locked.as_ref().filter(|_| chosen != order.options) {
            reader.problem("options", message);
        } else {
            order.options = chosen;
        }
    }
    match read_quantity(inputs.get("quantity")) {
        Err(message) => reader.problem("quantity", message),
        Ok(quantity) => match &locked {
            Some(message) if quantity != order.quantity => reader.problem("quantity", message),
            _ => order.quantity = quantity,
        },
    }
}

fn contact_fields(reader: &mut FormReader<'_>, order: &mut Order) {
    let (customer, recipient) = (&order.customer, &order.recipient);
    order.customer = Customer {
        name: reader.required_line("customer_name", Some(&customer.name), "구매자명을 입력해 주세요."),
        tel: reader.phone("customer_tel", &customer.tel),
    };
    order.recipient = Recipient {
        name: reader.required_line("recipient_name", Some(&recipient.name), "수취인명을 입력해 주세요."),
        tel1: reader.phone("recipient_tel1", &recipient.tel1),
        tel2: reader.phone("recipient_tel2", &recipient.tel2),
        zip_code: reader.zip_code("recipient_zip_code", &recipient.zip_code),
        address1: reader.required_line("recipient_address1", Some(&recipient.address1), "주소를 입력해 주세요."),
        address2: reader.line("recipient_address2", &recipient.address2),
    };
}

/// Message for a parcel with a tracking number that is given to somebody else.
const NUMBER_STAYS: &str = "송장번호가 있는 주문이에요. 택배가 아니면 송장번호를 지워 주세요.";

fn shipping_fields(reader: &mut FormReader<'_>, order: &mut Order, inputs: &Inputs) {
    let method = reader.choice("shipping_method", ShippingMethod::from_code, "배송방법을 선택해 주세요.");
    let was = order.shipping_method;
    if let Some(method) = method {
        order.set_shipping_method(method);
    }
    if let Some(charge) = reader.choice("charge_type", ChargeType::from_code, "배송비 형태를 선택해 주세요.")
    {
        order.charge_type = charge;
    }
    let deadline = reader.date("dispatch_deadline", order.dispatch_deadline, deadline_locked(order));
    if deadline.is_none() && order.dispatch_deadline.is_some() && inputs.get("dispatch_deadline").trim().is_empty() {
        reader.problem("dispatch_deadline", DEADLINE_MISSING);
    }
    order.dispatch_deadline = deadline;
    order.preferred_shipping_date =
        reader.date("preferred_shipping_date", order.preferred_shipping_date, preferred_date_locked(order));
    order.courier = reader.line("courier", &order.courier);
    match tracking_number(order, inputs.get("tracking_number")) {
        Ok(number) if needs_consent(order, &number) && inputs.get(DESPITE_CLAIM).is_empty() => {
            reader.problem("tracking_number", held_by_claim(order));
        }
        Ok(number)
            if !number.is_empty() && order.shipping_method != was && order.shipping_method.is_without_courier() =>
        {
            reader.problem("tracking_number", NUMBER_STAYS);
        }
        Ok(number) => {
            if let Err(message) = missing_courier(order, &number, &order.courier) {
                reader.problem("courier", message);
            }
            order.tracking_number = number;
        }
        Err(message) => reader.problem("tracking_number", message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::model::OrderOption;
    use crate::orders::model::tests::order;

    fn complete(state: OrderState) -> Order {
        let mut order = order(state);
        order.customer = Customer { name: "홍길동".into(), tel: "010-0000-1234".into() };
        order.recipient.name = "김견본".into();
        order.recipient.address1 = "경상북도 포항시 북구 예시로 12".into();
        order
    }

    fn fields(result: Result<Order, Vec<Problem>>) -> Vec<String> {
        result.expect_err("problems").into_iter().map(|problem| problem.field.into_owned()).collect()
    }

    fn option(value: &str) -> Vec<OptionInput> {
        vec![OptionInput { key: "색상".into(), value: value.into(), other: String::new() }]
    }

    #[test]
    fn unchanged_form_changes_nothing() {
        for state in OrderState::ALL {
            let order = complete(state);
            assert_eq!(apply_order_form(&order, &inputs_of(&order, "1"), None, Moment(9)), Ok(order));
        }
    }

    #[test]
    fn message_of_the_customer_is_corrected_and_the_deadline_stays() {
        let mut order = complete(OrderState::Placed);
        order.dispatch_deadline = crate::time::parse_date("2024-03-20");
        let mut inputs = inputs_of(&order, "1");
        inputs.set("customer_message", "문 앞에 두지 마세요");
        let edited = apply_order_form(&order, &inputs, None, Moment(9)).expect("saved");
        assert_eq!(edited.customer_message, "문 앞에 두지 마세요");
        inputs.set("dispatch_deadline", "");
        assert_eq!(fields(apply_order_form(&order, &inputs, None, Moment(9))), ["dispatch_deadline"]);
        order.dispatch_deadline = None;
        assert!(apply_order_form(&order, &inputs, None, Moment(9)).is_ok(), "an order without one needs none");
    }

    #[test]
    fn tracking_number_of_a_claimed_order_needs_consent() {
        let order = Order {
            claim: "취소요청".into(),
            shipping_method: ShippingMethod::Parcel,
            ..complete(OrderState::Dispatched)
        };
        let mut inputs = inputs_of(&order, "1");
        inputs.set("tracking_number", "45168300137");
        inputs.set("courier", "로젠택배");
        assert_eq!(fields(apply_order_form(&order, &inputs, None, Moment(9))), ["tracking_number"]);
        inputs.set(DESPITE_CLAIM, "1");
        assert!(apply_order_form(&order, &inputs, None, Moment(9)).is_ok());
    }

    #[test]
    fn dispatched_order_locks_goods_and_deadline() {
        let mut before = complete(OrderState::Dispatched);
        before.options = vec![OrderOption { key: "색상".into(), value: "월넛".into() }];
        let mut inputs = inputs_of(&before, "1");
        inputs.set("quantity", "2");
        inputs.set("dispatch_deadline", "2024-03-20");
        let result = apply_order_form(&before, &inputs, Some(&option("체리")), Moment(9));
        assert_eq!(fields(result), ["options", "quantity", "dispatch_deadline"]);

        let purchased = Order { state: OrderState::Purchased, ..before.clone() };
        let edited = apply_order_form(&purchased, &inputs, Some(&option("체리")), Moment(9)).expect("saved");
        assert_eq!((edited.quantity, edited.options[0].value.as_str()), (2, "체리"));
        assert_eq!(edited.dispatch_deadline.map(|date| date.to_string()).as_deref(), Some("2024-03-20"));
    }

    #[test]
    fn shipped_order_locks_the_preferred_date() {
        let order = complete(OrderState::Shipped);
        let mut inputs = inputs_of(&order, "1");
        inputs.set("preferred_shipping_date", "2024-03-20");
        assert_eq!(fields(apply_order_form(&order, &inputs, None, Moment(9))), ["preferred_shipping_date"]);
    }

    #[test]
    fn all_errors_of_the_form_are_reported_at_once() {
        let order = complete(OrderState::Placed);
        let mut inputs = inputs_of(&order, "1");
        for (name, wrong) in [
            ("customer_name", " "),
            ("recipient_tel1", "모름"),
            ("recipient_zip_code", "포항"),
            ("recipient_address1", ""),
            ("shipping_method", "BICYCLE"),
            ("tracking_number", "45168300137"),
            ("quantity", "0"),
            ("state", ""),
        ] {
            inputs.set(name, wrong);
        }
        let invalid = fields(apply_order_form(&order, &inputs, None, Moment(9)));
        let wrong = [
            "quantity",
            "customer_name",
            "recipient_tel1",
            "recipient_zip_code",
            "recipient_address1",
            "shipping_method",
            "tracking_number",
            "state",
        ];
        assert_eq!(invalid, wrong);
    }

    #[test]
    fn parcel_gets_method_and_tracking_number_together() {
        let order = complete(OrderState::Purchased);
        let mut inputs = inputs_of(&order, "1");
        inputs.set("shipping_method", "PARCEL");
        inputs.set("tracking_number", "451-6830-0137");
        assert_eq!(fields(apply_order_form(&order, &inputs, None, Moment(9))), ["courier"]);
        inputs.set("courier", "로젠택배");
        let edited = apply_order_form(&order, &inputs, None, Moment(9)).expect("saved");
        assert_eq!(
            (edited.tracking_number.as_str(), edited.shipping_method_raw.as_str()),
            ("45168300137", "택배,등기,소포")
        );
    }

    #[test]
    fn parcel_with_a_number_is_not_given_to_the_own_team() {
        let order = Order {
            shipping_method: ShippingMethod::Parcel,
            courier: "로젠택배".to_owned(),
            tracking_number: "45168300137".to_owned(),
            ..complete(OrderState::Purchased)
        };
        let mut inputs = inputs_of(&order, "1");
        inputs.set("shipping_method", "DIRECT");
        assert_eq!(fields(apply_order_form(&order, &inputs, None, Moment(9))), ["tracking_number"]);
        inputs.set("tracking_number", "");
        let edited = apply_order_form(&order, &inputs, None, Moment(9)).expect("saved");
        assert_eq!((edited.shipping_method, edited.tracking_number.as_str()), (ShippingMethod::Direct, ""));
    }

    #[test]
    fn setting_an_earlier_state_clears_later_moments() {
        let order = complete(OrderState::Shipped);
        let mut inputs = inputs_of(&order, "1");
        inputs.set("state", "PLACED");
        let edited = apply_order_form(&order, &inputs, None, Moment(9)).expect("saved");
        assert_eq!(edited.moments.of(OrderState::Shipped), None);
    }
}
