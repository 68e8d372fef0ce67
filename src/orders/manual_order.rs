//! 상담주문: an order taken in the shop or by telephone.
//!
//! Products of one form become orders of one bundle. They are converted to [`NewOrder`]s and created like those
//! of an upload.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

use super::edit::{
    FormReader, Inputs, OptionInput, Problem, format_options, picked, read_memo, read_option, read_price, read_quantity,
};
use super::model::{ChargeType, Customer, NewOrder, OrderOption, Recipient, ShippingMethod};
use crate::products::model::{Product, Variant};
use crate::time::Moment;

/// Sales channel of these orders: code and name.
pub const CHANNEL: (&str, &str) = ("LOCAL", "매장");

/// Default 발송기한, in days from today.
const DAYS_TO_DISPATCH: u64 = 31;

/// 발송기한 of an order placed at `now` that states none.
fn default_deadline(now: Moment) -> NaiveDate {
    now.date().checked_add_days(Days::new(DAYS_TO_DISPATCH)).unwrap_or(now.date())
}

/// Maximum number of products in one form.
pub const MAX_ITEMS: usize = 30;

/// Form fields of one product.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemInput {
    /// 상품번호
    pub product: String,
    /// chosen options
    pub options: Vec<OptionInput>,
    /// 수량
    pub quantity: String,
    /// 금액
    pub price: String,
    /// 발주메모
    pub purchase_memo: String,
}

impl ItemInput {
    /// A line without a product, quantity 1.
    pub fn empty() -> Self {
        Self { quantity: "1".to_owned(), ..Self::default() }
    }
}

/// Form body of a manual order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManualOrderForm {
    /// the products
    pub items: Vec<ItemInput>,
    /// the other fields: customer, recipient, shipping
    pub inputs: Inputs,
    /// 구매자와 동일
    pub same: bool,
}

/// Products that the form names, by number, with their variants.
pub type Catalogue = BTreeMap<String, (Product, Vec<Variant>)>;

/// Validated order without order and bundle number, which are generated on creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManualOrder {
    /// the order
    pub new: NewOrder,
    /// 발주메모
    pub purchase_memo: String,
    /// 배송메모
    pub shipping_memo: String,
    /// 관리자메모
    pub admin_memo: String,
}

impl ManualOrderForm {
    /// Form with its default values. 배송방법 and 배송비 형태 have none: a wrong default is not noticed.
    pub fn empty(now: Moment) -> Self {
        let mut inputs = Inputs::default();
        inputs.set("dispatch_deadline", default_deadline(now).to_string());
        Self { items: vec![ItemInput::empty()], inputs, same: true }
    }

    /// Gives each product exactly the options it has: removes options of a product chosen before, and adds
    /// missing ones as not chosen.
    pub fn sync_options(&mut self, catalogue: &Catalogue) {
        for item in &mut self.items {
            let variants = catalogue.get(&item.product).map(|(_, variants)| variants.as_slice()).unwrap_or_default();
            let keys: BTreeSet<&str> = variants.iter().map(|variant| variant.key.as_str()).collect();
            let typed = std::mem::take(&mut item.options);
            let option = |key: &str| {
                let found = typed.iter().find(|option| option.key == key).cloned();
                found.unwrap_or_else(|| OptionInput { key: key.to_owned(), ..OptionInput::default() })
            };
            item.options = keys.into_iter().map(option).collect();
        }
    }

    /// Validates the form and converts it to orders placed at `now`. Call [`Self::sync_options`] first.
    ///
    /// # Errors
    /// Every validation error; a field of a product has the product's position as suffix.
    pub fn manual_orders(&self, catalogue: &Catalogue, now: Moment) -> Result<Vec<ManualOrder>, Vec<Problem>> {
        let mut reader = FormReader::of(&self.inputs);
        let items: Vec<_> = self
            .items
            .iter()
            .enumerate()
            .map(|(place, item)| read_line_item(&mut reader, place, item, catalogue))
            .collect();
        let shared = self.shared(&mut reader, now);
        let (shipping_memo, admin_memo) = (reader.memo("shipping_memo"), reader.memo("admin_memo"));
        if !reader.problems.is_empty() {
            return Err(reader.problems);
        }
        let manual_order = |item: LineItem| ManualOrder {
            purchase_memo: item.purchase_memo,
            shipping_memo: shipping_memo.clone(),
            admin_memo: admin_memo.clone(),
            new: NewOrder {
                product_number: item.product_number,
                product_name: item.product_name,
                options_raw: format_options(&item.options),
                options: item.options,
                quantity: item.quantity,
                price: item.price,
                ..shared.clone()
            },
        };
        Ok(items.into_iter().map(manual_order).collect())
    }

    /// Fields that all orders of the form share.
    fn shared(&self, reader: &mut FormReader<'_>, now: Moment) -> NewOrder {
        let customer = Customer {
            name: reader.required_line("customer_name", None, "구매자명을 입력해 주세요."),
            tel: reader.required_phone("customer_tel", "구매자연락처를 입력해 주세요."),
        };
        let method = reader.choice("shipping_method", ShippingMethod::from_code, "배송방법을 선택해 주세요.");
        let charge = reader.choice("charge_type", ChargeType::from_code, "배송비 형태를 선택해 주세요.");
        let method = method.unwrap_or(ShippingMethod::Direct);
        NewOrder {
            sales_channel: CHANNEL.0.to_owned(),
            recipient: self.recipient(reader, &customer, method),
            customer,
            customer_message: reader.memo("customer_message"),
            shipping_method: method,
            shipping_method_raw: method.label().to_owned(),
            charge_type: charge.unwrap_or(ChargeType::Prepaid),
            placed_at: now,
            // Without one, the order would be in no list of what is due.
            dispatch_deadline: reader.date("dispatch_deadline", None, None).or(Some(default_deadline(now))),
            preferred_shipping_date: reader.date("preferred_shipping_date", None, None),
            ..NewOrder::default()
        }
    }

    /// An order with 방문수령 needs no address.
    fn recipient(&self, reader: &mut FormReader<'_>, customer: &Customer, method: ShippingMethod) -> Recipient {
        let (name, tel1) = if self.same {
            for (field, of_customer) in [("recipient_name", "customer_name"), ("recipient_tel1", "customer_tel")] {
                let typed = self.inputs.get(field).trim();
                if !typed.is_empty() && typed != self.inputs.get(of_customer).trim() {
                    reader.problem(field, "구매자와 다른 수취인이면 ‘구매자와 동일’ 표시를 지워 주세요.");
                }
            }
            (customer.name.clone(), customer.tel.clone())
        } else {
            (
                reader.required_line("recipient_name", None, "수취인명을 입력해 주세요."),
                reader.required_phone("recipient_tel1", "수취인연락처를 입력해 주세요."),
            )
        };
        let zip_code = reader.zip_code("recipient_zip_code", "");
        let address1 = if method == ShippingMethod::Pickup {
            reader.line("recipient_address1", "")
        } else {
            reader.required_line("recipient_address1", None, "주소를 입력해 주세요.")
        };
        let address2 = reader.line("recipient_address2", "");
        Recipient { name, tel1, tel2: reader.phone("recipient_tel2", ""), zip_code, address1, address2 }
    }
}

/// Validated fields of one product.
struct LineItem {
    product_number: String,
    product_name: String,
    options: Vec<OrderOption>,
    quantity: i64,
    price: i64,
    purchase_memo: String,
}

fn read_line_item(reader: &mut FormReader<'_>, place: usize, item: &ItemInput, catalogue: &Catalogue) -> LineItem {
    let product = catalogue.get(&item.product).map(|(product, _)| product).filter(|product| product.enabled);
    if product.is_none() {
        reader.problem(format!("product-{place}"), "상품을 선택해 주세요.");
    }
    for (at, option) in item.options.iter().enumerate() {
        let wrong = if option.is_open() { Some("옵션을 선택해 주세요.") } else { read_option(option).err() };
        if let Some(message) = wrong {
            reader.problem(format!("option-{place}-{at}"), message);
        }
    }
    LineItem {
        product_number: item.product.clone(),
        product_name: product.map(|product| product.name.clone()).unwrap_or_default(),
        options: picked(&item.options),
        quantity: reader.item_field("quantity", place, read_quantity(&item.quantity)),
        price: reader.item_field("price", place, read_price(&item.price)),
        purchase_memo: reader.item_field("purchase_memo", place, read_memo(&item.purchase_memo)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ProductId, VariantId};
    use crate::orders::edit::NO_CHOICE;
    use crate::orders::testing::NOW;

    fn catalogue() -> Catalogue {
        let product = Product {
            id: ProductId::from_raw(1),
            number: "BED".to_owned(),
            name: "예시 침대".to_owned(),
            priority: 0,
            enabled: true,
            version: 0,
        };
        let variant = |key: &str, value: &str| Variant {
            id: VariantId::from_raw(1),
            product_id: ProductId::from_raw(1),
            key: key.to_owned(),
            value: value.to_owned(),
            label: value.to_owned(),
            version: 0,
        };
        let variants = vec![variant("사이즈", "퀸"), variant("사이즈", "킹"), variant("색상", "월넛")];
        Catalogue::from([("BED".to_owned(), (product, variants))])
    }

    fn filled() -> ManualOrderForm {
        let mut form = ManualOrderForm::empty(NOW);
        let option =
            |key: &str, value: &str| OptionInput { key: key.into(), value: value.into(), other: String::new() };
        form.items = vec![ItemInput {
            product: "BED".to_owned(),
            options: vec![option("색상", "월넛"), option("사이즈", "퀸")],
            quantity: "2".to_owned(),
            price: "1,200,000".to_owned(),
            purchase_memo: String::new(),
        }];
        for (field, value) in [
            ("customer_name", "홍길동"),
            ("customer_tel", "01000001234"),
            ("recipient_zip_code", "37683"),
            ("recipient_address1", "경상북도 포항시 북구 예시로 12"),
            ("shipping_method", "DIRECT"),
            ("charge_type", "PREPAID"),
        ] {
            form.inputs.set(field, value);
        }
        form.sync_options(&catalogue());
        form
    }

    fn fields(form: &ManualOrderForm) -> Vec<String> {
        let problems = form.manual_orders(&catalogue(), NOW).expect_err("problems");
        problems.into_iter().map(|problem| problem.field.into_owned()).collect()
    }

    #[test]
    fn recipient_defaults_to_the_customer() {
        let mut form = filled();
        let new = form.manual_orders(&catalogue(), NOW).expect("an order").remove(0).new;
        assert_eq!((new.recipient.name.as_str(), new.recipient.tel1.as_str()), ("홍길동", "010-0000-1234"));
        assert_eq!(new.options_raw, "사이즈: 퀸 / 색상: 월넛");
        assert_eq!((new.quantity, new.price), (2, 1_200_000));
        assert_eq!(new.dispatch_deadline.map(|date| date.to_string()).as_deref(), Some("2026-12-23"));
        form.inputs.set("dispatch_deadline", "");
        let emptied = form.manual_orders(&catalogue(), NOW).expect("an order").remove(0).new;
        assert_eq!(emptied.dispatch_deadline, new.dispatch_deadline, "no order is without one");

        form.same = false;
        assert_eq!(fields(&form), ["recipient_name", "recipient_tel1"]);
    }

    #[test]
    fn other_recipient_conflicts_with_the_same_as_customer_box() {
        let mut form = filled();
        form.inputs.set("recipient_name", "이표본");
        assert_eq!(fields(&form), ["recipient_name"]);
        form.inputs.set("recipient_name", "홍길동");
        assert!(form.manual_orders(&catalogue(), NOW).is_ok(), "the script writes the customer there");
    }

    #[test]
    fn all_errors_are_reported_at_their_product() {
        let mut form = filled();
        form.items.push(ItemInput { quantity: "0".to_owned(), ..ItemInput::empty() });
        form.items[0].price = "-1".to_owned();
        form.inputs.set("customer_tel", "모름");
        form.inputs.set("recipient_address1", " ");
        let wrong = ["price-0", "product-1", "quantity-1", "price-1", "customer_tel", "recipient_address1"];
        assert_eq!(fields(&form), wrong);
    }

    #[test]
    fn each_option_must_be_chosen_or_declined() {
        let mut form = filled();
        form.items[0].options[0].value = String::new();
        assert_eq!(fields(&form), ["option-0-0"]);
        form.items[0].options[0].value = NO_CHOICE.to_owned();
        let new = form.manual_orders(&catalogue(), NOW).expect("an order").remove(0).new;
        assert_eq!(new.options_raw, "색상: 월넛");
    }

    #[test]
    fn method_and_charge_must_be_chosen() {
        let mut form = filled();
        for field in ["shipping_method", "charge_type"] {
            form.inputs.set(field, "");
        }
        assert_eq!(fields(&form), ["shipping_method", "charge_type"]);
    }

    #[test]
    fn options_of_a_replaced_product_are_removed() {
        let mut form = filled();
        form.items[0].product = "SOFA".to_owned();
        form.sync_options(&catalogue());
        assert!(form.items[0].options.is_empty());
        assert_eq!(fields(&form), ["product-0"]);
    }

    #[test]
    fn pickup_needs_no_address() {
        let mut form = filled();
        form.inputs.set("recipient_address1", "");
        form.inputs.set("shipping_method", "PICKUP");
        assert!(form.manual_orders(&catalogue(), NOW).is_ok());
    }
}
