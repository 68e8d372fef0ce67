//! What the cancellation of an order of furniture costs before its delivery, by 소비자분쟁해결기준 (공정거래위원회 고시), 가구.
//!
//! The tariff is a recommendation for disputes; another agreement with the buyer that is better for him goes before it.

use chrono::NaiveDate;

use crate::text::coded;

coded! {
    /// Whose doing the cancellation is.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum Fault {
        /// the buyer changed his mind
        #[default]
        Buyer = "buyer" "고객의 사정",
        /// the shop cannot deliver
        Seller = "seller" "가게의 사정",
    }
}

/// A cancellation before the delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancellation {
    /// price of the good in won
    pub price: i64,
    /// what the buyer has paid so far in won
    pub paid: i64,
    /// day of the cancellation
    pub cancelled_on: NaiveDate,
    /// day of the delivery, as it was agreed
    pub delivery_on: NaiveDate,
    /// whose doing it is
    pub fault: Fault,
    /// whether it is made to order
    pub is_made_to_order: bool,
    /// whether the work on it has begun
    pub has_begun: bool,
}

/// What the tariff says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Penalty {
    /// The buyer owes so much; the rest of what he paid goes back.
    BuyerOwes {
        /// won
        amount: i64,
        /// won; negative if he has paid less than he owes
        refund: i64,
    },
    /// The shop pays back what it got and so much more.
    SellerOwes {
        /// won
        amount: i64,
        /// won
        refund: i64,
    },
    /// The actual loss, which has to be shown.
    ActualLoss,
    /// The tariff says nothing: the delivery day is here or over.
    NotCovered,
}

fn percent(of: i64, percent: i64) -> i64 {
    of.max(0).saturating_mul(percent) / 100
}

/// What the tariff says, and the sentence of it.
pub fn penalty(of: &Cancellation) -> (Penalty, String) {
    let days = (of.delivery_on - of.cancelled_on).num_days();
    let buyer = |share: i64| {
        let amount = percent(of.price, share);
        Penalty::BuyerOwes { amount, refund: of.paid - amount }
    };
    match (of.fault, of.is_made_to_order) {
        (Fault::Seller, _) => {
            let tenth = percent(of.price, 10);
            if of.paid <= tenth {
                let text = "가게의 사정으로 해약, 선금이 상품대금의 10% 이하: 선금의 두 배를 돌려줘요.";
                (Penalty::SellerOwes { amount: of.paid, refund: of.paid * 2 }, text.to_owned())
            } else {
                let text = "가게의 사정으로 해약, 선금이 상품대금의 10% 초과: 선금에 상품대금의 10%를 더해 돌려줘요.";
                (Penalty::SellerOwes { amount: tenth, refund: of.paid + tenth }, text.to_owned())
            }
        }
        (Fault::Buyer, true) if of.has_begun => {
            let text = "주문 제작 가구, 제작을 시작한 뒤: 실제 손해를 물어요. 얼마인지 가게가 보여 줘야 해요.";
            (Penalty::ActualLoss, text.to_owned())
        }
        (Fault::Buyer, true) => {
            (buyer(10), "주문 제작 가구, 제작을 시작하기 전: 상품대금의 10%를 빼고 돌려줘요.".to_owned())
        }
        (Fault::Buyer, false) if days >= 3 => {
            (buyer(5), format!("배달 {days}일 전 해약 (3일 전까지): 상품대금의 5%를 빼고 돌려줘요."))
        }
        (Fault::Buyer, false) if days >= 1 => {
            (buyer(10), format!("배달 {days}일 전 해약 (1일 전까지): 상품대금의 10%를 빼고 돌려줘요."))
        }
        (Fault::Buyer, false) => {
            let text = "배달하는 날이거나 지났어요. 이 기준에 없으니 고객과 정하세요. 받은 뒤 7일 안이면 청약철회예요.";
            (Penalty::NotCovered, text.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn cancelled_on(text: &str) -> Cancellation {
        Cancellation {
            price: 1_000_000,
            paid: 1_000_000,
            cancelled_on: day(text),
            delivery_on: day("2026-12-10"),
            fault: Fault::Buyer,
            is_made_to_order: false,
            has_begun: false,
        }
    }

    #[test]
    fn buyer_pays_five_percent_until_three_days_before_and_ten_until_the_day_before() {
        for (on, amount) in
            [("2026-12-01", 50_000), ("2026-12-07", 50_000), ("2026-12-08", 100_000), ("2026-12-09", 100_000)]
        {
            let expected = Penalty::BuyerOwes { amount, refund: 1_000_000 - amount };
            assert_eq!(penalty(&cancelled_on(on)).0, expected, "{on}");
        }
        assert_eq!(penalty(&cancelled_on("2026-12-10")).0, Penalty::NotCovered, "the day of the delivery");
    }

    #[test]
    fn made_to_order_costs_ten_percent_before_the_work_and_the_actual_loss_after_it_began() {
        let order = Cancellation { is_made_to_order: true, ..cancelled_on("2026-11-20") };
        assert_eq!(penalty(&order).0, Penalty::BuyerOwes { amount: 100_000, refund: 900_000 });
        assert_eq!(penalty(&Cancellation { has_begun: true, ..order }).0, Penalty::ActualLoss);
    }

    #[test]
    fn shop_doubles_a_small_deposit_or_adds_ten_percent() {
        let by_shop = Cancellation { fault: Fault::Seller, ..cancelled_on("2026-12-09") };
        let deposit = |paid| penalty(&Cancellation { paid, ..by_shop }).0;
        assert_eq!(deposit(100_000), Penalty::SellerOwes { amount: 100_000, refund: 200_000 });
        assert_eq!(deposit(100_001), Penalty::SellerOwes { amount: 100_000, refund: 200_001 });
        assert_eq!(deposit(1_000_000), Penalty::SellerOwes { amount: 100_000, refund: 1_100_000 });
    }

    #[test]
    fn deposit_that_is_smaller_than_the_penalty_leaves_a_debt() {
        let order = Cancellation { paid: 30_000, ..cancelled_on("2026-12-09") };
        assert_eq!(penalty(&order).0, Penalty::BuyerOwes { amount: 100_000, refund: -70_000 });
    }
}
