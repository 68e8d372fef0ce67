//! An order as it is shown to a member from whom its data is hidden.

use super::edit::{Inputs, Problem, inputs_of};
use super::list::OrderRow;
use super::model::{Customer, Order, Recipient};
use crate::masking::mask;

/// Fields of the form of an order that hold personal data.
pub(super) const PERSONAL_FIELDS: [&str; 12] = [
    "customer_name",
    "customer_tel",
    "customer_message",
    "recipient_name",
    "recipient_tel1",
    "recipient_tel2",
    "recipient_zip_code",
    "recipient_address1",
    "recipient_address2",
    "purchase_memo",
    "shipping_memo",
    "admin_memo",
];

/// Whether a column of an order holds personal data: its former values in the log are not shown where it is masked.
pub fn is_personal(column: &str) -> bool {
    PERSONAL_FIELDS.contains(&column)
}

fn replace(text: &mut String, mask: impl Fn(&str) -> String) {
    *text = mask(text);
}

impl Customer {
    /// Masks name and telephone number.
    pub fn mask(&mut self) {
        replace(&mut self.name, mask::name);
        replace(&mut self.tel, mask::telephone);
    }
}

impl Recipient {
    /// Masks name, telephone numbers and address.
    pub fn mask(&mut self) {
        replace(&mut self.name, mask::name);
        replace(&mut self.tel1, mask::telephone);
        replace(&mut self.tel2, mask::telephone);
        replace(&mut self.zip_code, mask::zip_code);
        replace(&mut self.address1, mask::address);
        // The mask of the road address stands for the rest too.
        self.address2.clear();
    }
}

impl Order {
    /// Masks customer, recipient and memos; the memo of the office is left out.
    pub fn mask(&mut self) {
        self.customer.mask();
        self.recipient.mask();
        for memo in [&mut self.customer_message, &mut self.purchase_memo, &mut self.shipping_memo] {
            replace(memo, mask::memo);
        }
        self.admin_memo.clear();
    }
}

impl Order {
    /// Masks telephone numbers, address and memos, and keeps the names: for a file whose purpose needs no contact.
    pub fn mask_contact(&mut self) {
        let names = (self.customer.name.clone(), self.recipient.name.clone());
        self.mask();
        (self.customer.name, self.recipient.name) = names;
    }
}

impl OrderRow {
    /// The row, masked if it is hidden. A sealed order has no more than masks.
    #[must_use]
    pub fn masked_if(mut self, is_hidden: bool) -> Self {
        if is_hidden && !self.is_sealed {
            self.order.mask();
        }
        self
    }
}

/// Problems of inputs that are the mask of what is stored: somebody sent back what a masked page showed.
pub fn mask_problems(order: &Order, inputs: &Inputs) -> Vec<Problem> {
    let stored = inputs_of(order, "");
    let mut masked = order.clone();
    masked.mask();
    let masked = inputs_of(&masked, "");
    let is_mask = |field: &&&str| {
        let typed = inputs.get(field).trim();
        typed.contains('*') && typed != stored.get(field).trim() && typed == masked.get(field).trim()
    };
    let message = "가린 값이에요. 전체를 입력하거나, 원래 값을 불러온 다음 수정해 주세요.";
    PERSONAL_FIELDS.iter().filter(is_mask).map(|field| Problem::at(*field, message)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::model::OrderState;
    use crate::orders::model::tests::order;

    fn full() -> Order {
        Order {
            customer: Customer { name: "김구매".to_owned(), tel: "010-1111-2222".to_owned() },
            recipient: Recipient {
                name: "박수취".to_owned(),
                tel1: "010-3333-4444".to_owned(),
                tel2: String::new(),
                zip_code: "38171".to_owned(),
                address1: "경북 경주시 태종로 777".to_owned(),
                address2: "101동 1203호".to_owned(),
            },
            customer_message: "공동현관 1234".to_owned(),
            admin_memo: "단골".to_owned(),
            ..order(OrderState::Placed)
        }
    }

    #[test]
    fn masked_order_has_nothing_that_identifies() {
        let mut masked = full();
        masked.mask();
        let shown = format!("{masked:?}");
        for hidden in ["김구매", "박수취", "1111", "3333", "777", "1203", "1234", "38171", "단골"] {
            assert!(!shown.contains(hidden), "{hidden} in {shown}");
        }
        assert_eq!(masked.recipient.address1, "경북 경주시 태종로 ***");
        let again = {
            let mut again = masked.clone();
            again.mask();
            again
        };
        assert_eq!(again, masked);
    }

    #[test]
    fn mask_is_not_written_back() {
        let order = full();
        let mut inputs = inputs_of(&order, "");
        assert_eq!(mask_problems(&order, &inputs), []);
        inputs.set("recipient_name", "박*취");
        inputs.set("recipient_tel1", "010-****-4444");
        inputs.set("recipient_address1", "경북 경주시 태종로 ***");
        let fields: Vec<_> = mask_problems(&order, &inputs).into_iter().map(|problem| problem.field).collect();
        assert_eq!(fields, ["recipient_name", "recipient_tel1", "recipient_address1"]);
        // What the channel masked is stored that way and may stay.
        let gift = Order { customer: Customer { name: "홍*동".to_owned(), tel: String::new() }, ..order };
        assert_eq!(mask_problems(&gift, &inputs_of(&gift, "")), []);
    }
}
