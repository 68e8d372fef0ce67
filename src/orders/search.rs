//! Search terms of an order: which of its texts are searchable, as which field and how they are split. The index and
//! the queries are in [`search`](crate::search).

use super::fields::FIELDS;
use super::model::Order;
use super::search_field::SearchField;
use crate::id::OrderId;
use crate::search::tokenizer::{FieldText, Postings, TextKind};

/// Searchable texts of an order: those of the fields that [`FIELDS`] makes searchable, and the number of its bundle.
#[derive(Clone, Copy, Debug)]
pub struct Searchable<'a> {
    /// the order
    pub order: &'a Order,
    /// 묶음배송번호
    pub bundle_number: &'a str,
}

impl<'a> Searchable<'a> {
    /// The texts of the fields; equal texts are merged, since customer and recipient are usually the same.
    pub fn texts(&self) -> Vec<FieldText<'a>> {
        let fields = FIELDS.iter().filter_map(|field| Some((field.search?, field.text(self.order))));
        let bundle = ((SearchField::BundleNumber, TextKind::Number), self.bundle_number);
        let mut texts: Vec<FieldText<'_>> = Vec::with_capacity(SearchField::ALL.len() + 1);
        for ((field, kind), text) in fields.chain([bundle]) {
            match texts.iter_mut().find(|other| other.kind == kind && other.text == text) {
                Some(same) => same.fields |= field.bits(),
                None => texts.push(FieldText { kind, fields: field.bits(), text }),
            }
        }
        texts
    }

    /// Adds the terms of the order to `postings`.
    pub fn add_to(&self, postings: &mut Postings, order_id: OrderId) {
        postings.add(order_id.raw(), &self.texts());
    }
}

/// All terms of an order.
pub fn tokenize(order: Searchable<'_>) -> Postings {
    let mut terms = Postings::with_capacity(1);
    order.add_to(&mut terms, OrderId::UNSTORED);
    terms
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::model::{Customer, Recipient};
    use crate::search::tokenizer::search_words;

    fn found(field: SearchField, query: &str) -> bool {
        let order = Order {
            order_number: "2024031500000001".into(),
            channel_order_number: "2024031500900001".into(),
            customer: Customer { name: "홍길동".into(), tel: "010-1234-5678".into() },
            recipient: Recipient {
                name: "정 더미".into(),
                tel1: "0504-0000-1010".into(),
                tel2: String::new(),
                zip_code: "37683".into(),
                address1: "경상북도 포항시 북구 중앙로 346-1".into(),
                address2: "101동 1203호 (포항센트럴하이츠)".into(),
            },
            tracking_number: "45168300137".into(),
            ..Order::default()
        };
        let terms = tokenize(Searchable { order: &order, bundle_number: "3100000001" });
        terms.matches_all(field.bits(), &search_words(query))
    }

    #[test]
    fn field_finds_only_its_own_texts() {
        assert!(found(SearchField::CustomerName, "홍길동") && !found(SearchField::RecipientName, "홍길동"));
        assert!(found(SearchField::RecipientName, "정 더미") && !found(SearchField::CustomerName, "정더미"));
        assert!(found(SearchField::CustomerTel, "5678") && !found(SearchField::RecipientTel1, "5678"));
        assert!(found(SearchField::RecipientTel1, "050400001010"));
        assert!(found(SearchField::Address, "포항 1203호") && !found(SearchField::Address, "길동"));
    }

    #[test]
    fn every_field_is_searched_when_none_is_chosen() {
        for query in [
            "길동",
            "0504",
            "중앙로",
            "45168300137",
            "3100000001",
            "2024031500000001",
            "2024-0315 0090-0001",
            "길동 포항",
        ] {
            assert!(found(SearchField::All, query), "{query}");
        }
    }

    #[test]
    fn all_fields_are_the_union_of_every_field() {
        let single = SearchField::ALL.into_iter().filter(|field| *field != SearchField::All);
        assert_eq!(single.fold(0, |bits, field| bits | field.bits()), SearchField::All.bits());
    }
}
