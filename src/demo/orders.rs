//! Synthetic orders of fourteen months, in the form of parsed rows of a channel's file.

use chrono::Duration;

use super::catalogue::{CATALOGUE, CatalogueItem};
use super::files::purchase_number;
use super::names::{Person, Population, safe_number};
use crate::orders::model::{ChargeType, NewOrder, OrderOption, ShippingMethod};
use crate::random::seeded::Random;
use crate::time::Moment;

/// Period that the orders cover: fourteen months.
const PERIOD_MS: i64 = 425 * 24 * 60 * 60 * 1000;

/// Share of baskets with two or three orders in one bundle; these orders are a quarter of all orders.
const BUNDLES_PERCENT: u32 = 12;

/// Multiplier that turns sequence numbers into distinct numbers without visible sequence: a prime that divides
/// none of the moduli.
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

/// Data shared by the orders of one basket.
struct Basket {
    remaining: u32,
    buyer: Person,
    recipient: Person,
    recipient_tel: String,
    method: ShippingMethod,
    charge: ChargeType,
    number: u64,
    placed_at: Moment,
    message: &'static str,
}

/// Iterator over synthetic orders, oldest first.
pub struct NewOrders {
    population: Population,
    random: Random,
    start: Moment,
    count: u64,
    generated: u64,
    baskets: u64,
    basket: Option<Basket>,
}

/// Generates `count` orders of the fourteen months before `now`, oldest first. The buyers are the first
/// [`people`](super::people()) of the same seed.
pub fn new_orders(seed: u64, count: u64, now: Moment) -> NewOrders {
    NewOrders {
        population: Population::new(seed),
        random: Random::new(seed),
        start: now.plus_ms(-PERIOD_MS),
        count,
        generated: 0,
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

/// Picks a product that fits the shipping method: the own team delivers bulky products, and small ones only
/// together with a bulky one.
fn item(random: &mut Random, method: ShippingMethod, is_first: bool) -> CatalogueItem {
    let is_bulky = method == ShippingMethod::Direct && (is_first || random.chance(50));
    let fitting: Vec<CatalogueItem> = CATALOGUE.iter().copied().filter(|item| item.is_bulky == is_bulky).collect();
    let count = u32::try_from(fitting.len()).unwrap_or_default();
    // The smaller of two draws favours the head of the catalogue, where the best sellers are.
    let at = random.below(count).min(random.below(count));
    fitting.get(at as usize).copied().unwrap_or(CATALOGUE[0])
}

fn options(random: &mut Random, item: &CatalogueItem) -> Vec<OrderOption> {
    item.options
        .iter()
        .map(|option| OrderOption { key: option.key.to_owned(), value: random.word(option.values).to_owned() })
        .collect()
}

fn format_options(options: &[OrderOption]) -> String {
    options.iter().map(|option| format!("{}: {}", option.key, option.value)).collect::<Vec<_>>().join(" / ")
}

fn quantity(random: &mut Random, item: &CatalogueItem) -> u32 {
    match (item.is_bulky, random.below(100)) {
        (false, 90..) => random.between(2, 12),
        (false, 70..) | (true, 96..) => 2,
        _ => 1,
    }
}

impl NewOrders {
    fn moment(&self) -> Moment {
        let done = i128::from(self.generated) * i128::from(PERIOD_MS) / i128::from(self.count.max(1));
        self.start.plus_ms(i64::try_from(done).unwrap_or_default() / 1000 * 1000)
    }

    fn person(&mut self) -> Person {
        let customers = u32::try_from(self.count / 2).unwrap_or(u32::MAX).max(1);
        let index = u64::from(self.random.below(customers));
        self.population.person(index)
    }

    fn new_basket(&mut self) -> Basket {
        let remaining = if self.random.chance(BUNDLES_PERCENT) { 2 + u32::from(self.random.chance(40)) } else { 1 };
        let buyer = self.person();
        let is_gift = self.random.chance(15);
        let recipient = if is_gift { self.person() } else { buyer.clone() };
        let has_safe_number = self.random.chance(30);
        let recipient_tel = if has_safe_number { safe_number(&mut self.random) } else { recipient.tel.clone() };
        self.baskets += 1;
        Basket {
            remaining,
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

    fn order(&mut self, basket: &Basket, is_first: bool) -> NewOrder {
        let random = &mut self.random;
        let item = item(random, basket.method, is_first);
        let options = options(random, &item);
        let quantity = quantity(random, &item);
        let placed_on = basket.placed_at.date();
        let preferred_on = random.chance(20).then(|| placed_on + Duration::days(i64::from(random.between(7, 30))));
        NewOrder {
            order_number: format!("{}{:08}", placed_on.format("%Y%m%d"), self.generated * STRIDE % 100_000_000),
            sales_channel: "SMART_STORE".to_owned(),
            product_number: item.number.to_owned(),
            product_name: item.name.to_owned(),
            options_raw: format_options(&options),
            options,
            quantity: i64::from(quantity),
            price: i64::from(item.price) * i64::from(quantity),
            customer: basket.buyer.customer(),
            recipient: basket.recipient.recipient(basket.recipient_tel.clone()),
            customer_message: basket.message.to_owned(),
            shipping_method: basket.method,
            shipping_method_raw: basket.method.label().to_owned(),
            charge_type: basket.charge,
            channel_order_number: purchase_number(basket.placed_at, &basket.number.to_string()),
            bundle_number: basket.number.to_string(),
            placed_at: basket.placed_at,
            dispatch_deadline: Some(placed_on + Duration::days(i64::from(random.between(5, 14)))),
            preferred_shipping_date: preferred_on,
            ..NewOrder::default()
        }
    }
}

impl Iterator for NewOrders {
    type Item = NewOrder;

    fn next(&mut self) -> Option<NewOrder> {
        if self.generated == self.count {
            return None;
        }
        let (mut basket, is_first) = match self.basket.take() {
            Some(basket) => (basket, false),
            None => (self.new_basket(), true),
        };
        let order = self.order(&basket, is_first);
        self.generated += 1;
        basket.remaining -= 1;
        self.basket = (basket.remaining > 0).then_some(basket);
        Some(order)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let remaining = usize::try_from(self.count - self.generated).ok();
        (remaining.unwrap_or(usize::MAX), remaining)
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
    fn orders_are_deterministic_and_have_the_documented_distribution() {
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
    fn orders_are_sorted_by_time_and_within_fourteen_months() {
        let moments: Vec<Moment> = new_orders(2, 1000, NOW).map(|order| order.placed_at).collect();
        assert!(moments.is_sorted());
        assert!(moments.iter().all(|moment| *moment < NOW && NOW.plus_ms(-PERIOD_MS - 1000) <= *moment));
    }
}
