//! Synthetic orders: what people bought in fourteen months, as a channel's file would tell it.

use chrono::Duration;

use super::people::{Person, Population, safe_number};
use super::random::Random;
use super::shop::{ITEMS, Item};
use crate::orders::model::{ChargeType, NewOrder, OrderOption, ShippingMethod};
use crate::time::Moment;

/// How far back the orders go: fourteen months.
const SPAN_MS: i64 = 425 * 24 * 60 * 60 * 1000;

/// Of a hundred baskets, so many hold two or three orders that go out together: a quarter of all
/// orders.
const BUNDLES_PERCENT: u32 = 12;

/// Spreads a running number over its range so that neighbours look unlike, and no two meet: a
/// prime that divides none of the ranges.
const STRIDE: u64 = 7919;

const MESSAGES: [&str; 8] = [
    "",
    "",
    "",
    "문 앞에 놓아주세요",
    "부재 시 경비실에 맡겨주세요",
    "배송 전에 꼭 연락 주세요",
    "엘리베이터가 없는 3층입니다.\n사다리차가 필요할까요?",
    "오후 2시 이후에 받을 수 있습니다",
];

/// What the orders of one basket share.
struct Basket {
    left: u32,
    buyer: Person,
    recipient: Person,
    recipient_tel: String,
    method: ShippingMethod,
    charge: ChargeType,
    number: u64,
    placed_at: Moment,
    message: &'static str,
}

/// An iterator over synthetic orders, oldest first.
pub struct NewOrders {
    population: Population,
    random: Random,
    begin: Moment,
    count: u64,
    made: u64,
    baskets: u64,
    basket: Option<Basket>,
}

/// `count` orders of the fourteen months before `now`, oldest first. The first people of
/// [`people`](super::people()) of the same seed buy them.
pub fn new_orders(seed: u64, count: u64, now: Moment) -> NewOrders {
    NewOrders {
        population: Population::new(seed),
        random: Random::new(seed),
        begin: now.plus_ms(-SPAN_MS),
        count,
        made: 0,
        baskets: 0,
        basket: None,
    }
}

fn method(random: &mut Random) -> ShippingMethod {
    match random.below(100) {
        0..60 => ShippingMethod::Direct,
        60..94 => ShippingMethod::Parcel,
        94..97 => ShippingMethod::Quick,
        _ => ShippingMethod::Pickup,
    }
}

fn charge(random: &mut Random) -> ChargeType {
    match random.below(10) {
        0..5 => ChargeType::Prepaid,
        5..8 => ChargeType::Cod,
        _ => ChargeType::Free,
    }
}

/// What goes by that method: the team brings big things, and a small one only beside a big one.
fn item(random: &mut Random, method: ShippingMethod, first: bool) -> Item {
    let bulky = method == ShippingMethod::Direct && (first || random.chance(50));
    let fitting: Vec<Item> = ITEMS.iter().copied().filter(|item| item.bulky == bulky).collect();
    let most = u32::try_from(fitting.len()).unwrap_or_default();
    // The lesser of two draws: things at the head of the list sell best.
    let at = random.below(most).min(random.below(most));
    fitting.get(at as usize).copied().unwrap_or(ITEMS[0])
}

fn options(random: &mut Random, item: &Item) -> Vec<OrderOption> {
    item.choices
        .iter()
        .map(|choice| OrderOption { key: choice.key.to_owned(), value: random.word(choice.values).to_owned() })
        .collect()
}

fn options_text(options: &[OrderOption]) -> String {
    options.iter().map(|option| format!("{}: {}", option.key, option.value)).collect::<Vec<_>>().join(" / ")
}

fn quantity(random: &mut Random, item: &Item) -> u32 {
    match (item.bulky, random.below(100)) {
        (false, 90..) => random.between(2, 12),
        (false, 70..) | (true, 96..) => 2,
        _ => 1,
    }
}

impl NewOrders {
    fn moment(&self) -> Moment {
        let done = i128::from(self.made) * i128::from(SPAN_MS) / i128::from(self.count.max(1));
        self.begin.plus_ms(i64::try_from(done).unwrap_or_default() / 1000 * 1000)
    }

    fn person(&mut self) -> Person {
        let customers = u32::try_from(self.count / 2).unwrap_or(u32::MAX).max(1);
        let index = u64::from(self.random.below(customers));
        self.population.person(index)
    }

    fn new_basket(&mut self) -> Basket {
        let left = if self.random.chance(BUNDLES_PERCENT) { 2 + u32::from(self.random.chance(40)) } else { 1 };
        let buyer = self.person();
        let gift = self.random.chance(15);
        let recipient = if gift { self.person() } else { buyer.clone() };
        let safe = self.random.chance(30);
        let recipient_tel = if safe { safe_number(&mut self.random) } else { recipient.tel.clone() };
        self.baskets += 1;
        Basket {
            left,
            buyer,
            recipient,
            recipient_tel,
            method: method(&mut self.random),
            charge: charge(&mut self.random),
            number: 1_000_000_000 + self.baskets * STRIDE % 9_000_000_000,
            placed_at: self.moment(),
            message: self.random.word(&MESSAGES),
        }
    }

    fn order(&mut self, basket: &Basket, first: bool) -> NewOrder {
        let random = &mut self.random;
        let item = item(random, basket.method, first);
        let options = options(random, &item);
        let quantity = quantity(random, &item);
        let placed_on = basket.placed_at.date();
        let wished = random.chance(20).then(|| placed_on + Duration::days(i64::from(random.between(7, 30))));
        NewOrder {
            order_number: format!("{}{:08}", placed_on.format("%Y%m%d"), self.made * STRIDE % 100_000_000),
            sales_channel: "SMART_STORE".to_owned(),
            product_number: item.number.to_owned(),
            product_name: item.name.to_owned(),
            options_text: options_text(&options),
            options,
            quantity: i64::from(quantity),
            price: i64::from(item.price) * i64::from(quantity),
            customer: basket.buyer.customer(),
            recipient: basket.recipient.recipient(basket.recipient_tel.clone()),
            customer_message: basket.message.to_owned(),
            shipping_method: basket.method,
            shipping_method_word: basket.method.label().to_owned(),
            charge_type: basket.charge,
            bundle_number: basket.number.to_string(),
            placed_at: basket.placed_at,
            dispatch_deadline: Some(placed_on + Duration::days(i64::from(random.between(5, 14)))),
            preferred_shipping_date: wished,
            claim: String::new(),
            courier: String::new(),
            tracking_number: String::new(),
        }
    }
}

impl Iterator for NewOrders {
    type Item = NewOrder;

    fn next(&mut self) -> Option<NewOrder> {
        if self.made == self.count {
            return None;
        }
        let (mut basket, first) = match self.basket.take() {
            Some(basket) => (basket, false),
            None => (self.new_basket(), true),
        };
        let order = self.order(&basket, first);
        self.made += 1;
        basket.left -= 1;
        self.basket = (basket.left > 0).then_some(basket);
        Some(order)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.count - self.made).ok();
        (left.unwrap_or(usize::MAX), left)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    const NOW: Moment = Moment(1_795_000_000_000);

    fn share(part: usize, whole: usize) -> usize {
        part * 100 / whole
    }

    #[test]
    fn the_shop_is_the_same_for_a_seed_and_shaped_as_promised() {
        let orders: Vec<NewOrder> = new_orders(1, 20_000, NOW).collect();
        assert_eq!(orders.len(), 20_000);
        assert!(orders.iter().take(100).eq(&new_orders(1, 20_000, NOW).take(100).collect::<Vec<_>>()));

        let numbers: HashSet<&str> = orders.iter().map(|order| order.order_number.as_str()).collect();
        assert_eq!(numbers.len(), orders.len(), "order numbers are unique");
        assert!(numbers.iter().all(|number| number.len() == 16));

        let direct = orders.iter().filter(|order| order.shipping_method == ShippingMethod::Direct).count();
        assert!((58..=62).contains(&share(direct, orders.len())));

        let mut bundles: HashMap<&str, Vec<&NewOrder>> = HashMap::new();
        for order in &orders {
            bundles.entry(&order.bundle_number).or_default().push(order);
        }
        let bundled: usize = bundles.values().map(Vec::len).filter(|count| *count > 1).sum();
        assert!((22..=28).contains(&share(bundled, orders.len())));
        for bundle in bundles.values() {
            assert!(bundle.len() <= 3);
            assert!(bundle.iter().all(|order| order.recipient == bundle[0].recipient));
            assert!(bundle.iter().all(|order| order.shipping_method == bundle[0].shipping_method));
            assert!(bundle.iter().all(|order| order.charge_type == bundle[0].charge_type));
        }
    }

    #[test]
    fn orders_are_in_time_and_within_fourteen_months() {
        let moments: Vec<Moment> = new_orders(2, 1000, NOW).map(|order| order.placed_at).collect();
        assert!(moments.is_sorted());
        assert!(moments.iter().all(|moment| *moment < NOW && NOW.plus_ms(-SPAN_MS - 1000) <= *moment));
    }
}
