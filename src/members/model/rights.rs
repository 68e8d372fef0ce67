//! Rights of the roles: who may do what on which kind of page, and whose personal data the page shows them.
//!
//! Routes declare the page and the action that they need ([`crate::web::Access`]); [`may`] decides. Pages ask [`sight`]
//! what of a buyer's name, telephone numbers and address they may show. The page `/members/roles` is generated from both.

use super::Role;
use crate::text::coded;

coded! {
    /// A kind of page, by the job that it belongs to.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum PageKind {
        /// orders: list, order page, orders taken by telephone
        Orders = "orders" "주문",
        /// files of channels and couriers, 마감 대조
        Uploads = "uploads" "업로드",
        /// products and their options
        Products = "products" "상품",
        /// deliveries: list, page, slips
        Deliveries = "deliveries" "배송",
        /// own trucks and their days
        Plans = "plans" "배차",
        /// numbers by district, districts of orders without one
        Districts = "districts" "지역",
        /// members, settings, backup, records, duties of the law
        Administration = "administration" "관리",
    }
}

coded! {
    /// What is done on a page.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum PageAction {
        /// look at it
        View = "view" "보기",
        /// change one thing, or add one
        Edit = "edit" "수정",
        /// change many at once: proceed, apply a file, complete, plan
        Process = "process" "처리하기",
        /// print it
        Print = "print" "인쇄",
        /// take a file away
        Download = "download" "내려받기",
    }
}

coded! {
    /// Where personal data appears.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Surface {
        /// lists of orders
        OrderList = "order-list" "주문 목록",
        /// the page of one order
        OrderPage = "order-page" "주문 화면",
        /// lists of deliveries, also by district
        DeliveryList = "delivery-list" "배송 목록",
        /// the page of one delivery
        DeliveryPage = "delivery-page" "배송 화면",
        /// printed slips
        Slip = "slip" "배송 전표",
        /// days of the own trucks
        Plan = "plan" "배차",
        /// results of the search of everything
        Search = "search" "모두 찾기",
        /// files of channels, reports about them, orders without a district
        Upload = "upload" "업로드, 대조, 미분류",
        /// the own tour of today
        Tour = "tour" "내가 가는 오늘 배송",
        /// files that leave the program
        Download = "download" "내려받은 파일",
        /// the memo of the office
        AdminMemo = "admin-memo" "관리자메모",
        /// access records, requests of people
        Records = "records" "접속기록, 본인 정보 열람",
    }
}

coded! {
    /// What a member sees of the personal data on a page.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Sight {
        /// nothing: the page is not for the role, or leaves it out
        None = "none" "없음",
        /// always masked
        Masked = "masked" "가림",
        /// masked until the member opens the delivery with a reason
        Opened = "opened" "가림, 이유를 입력하면 보기",
        /// in full what is delivered today or tomorrow; the rest until it is opened with a reason
        Due = "due" "오늘과 내일 것만, 나머지는 이유를 입력하면 보기",
        /// everything
        Full = "full" "전체",
    }
}

impl Sight {
    /// Whether 보기 with a reason opens what is masked.
    pub const fn can_be_opened(self) -> bool {
        matches!(self, Self::Opened | Self::Due)
    }
}

impl PageKind {
    /// Whether the page opens only from the networks of the office, where the shop has named them.
    pub const fn is_office(self) -> bool {
        !matches!(self, Self::Deliveries | Self::Plans | Self::Districts)
    }
}

/// Whether a role may take an action on a kind of page. The own day of a driver and the own account are for every role.
#[expect(clippy::match_same_arms, reason = "each role in the order of the table")]
pub const fn may(role: Role, page: PageKind, action: PageAction) -> bool {
    use PageAction::{Download, Edit, View};
    use PageKind::{Administration, Deliveries, Districts, Orders, Plans, Products, Uploads};
    match (role, page) {
        (Role::Admin, _) => true,
        (_, Administration) | (Role::Driver, _) => false,
        (Role::Orders, Orders | Uploads | Products | Deliveries | Plans | Districts) => true,
        (Role::Logistics, Deliveries | Plans) => !matches!(action, Download),
        (Role::Logistics | Role::Support | Role::Viewer, Districts) => matches!(action, View),
        (Role::Support, Orders | Deliveries) => matches!(action, View | Edit),
        (Role::Support, Products) | (Role::Viewer, Orders | Deliveries | Products) => matches!(action, View),
        // Listed, so that a new role or page has to be decided about.
        (Role::Logistics, Orders | Uploads | Products) | (Role::Support | Role::Viewer, Uploads | Plans) => false,
    }
}

/// What a role sees of personal data on a surface. `masks_lists` is the shop's setting to mask the lists of 주문 담당.
#[expect(clippy::match_same_arms, reason = "each role in the order of the table")]
pub const fn sight(role: Role, surface: Surface, masks_lists: bool) -> Sight {
    use Surface::{
        AdminMemo, DeliveryList, DeliveryPage, Download, OrderList, OrderPage, Plan, Records, Search, Slip, Tour,
        Upload,
    };
    match (role, surface) {
        (Role::Admin, _) => Sight::Full,
        (Role::Orders, OrderList | DeliveryList | Search) if masks_lists => Sight::Masked,
        (_, Records) => Sight::None,
        (Role::Orders, _) | (Role::Logistics | Role::Driver, Tour) => Sight::Full,
        (Role::Logistics, DeliveryList | DeliveryPage | Slip | Plan | Search) => Sight::Due,
        (Role::Support, OrderPage | DeliveryPage) => Sight::Opened,
        (Role::Support, OrderList | DeliveryList | Search) => Sight::Masked,
        (Role::Viewer, OrderList | OrderPage | DeliveryList | DeliveryPage | Search) => Sight::Masked,
        (Role::Logistics, OrderList | OrderPage | Upload | Download | AdminMemo)
        | (Role::Support | Role::Viewer, Slip | Plan | Upload | Tour | Download | AdminMemo)
        | (Role::Driver, _) => Sight::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actions(role: Role, page: PageKind) -> Vec<PageAction> {
        PageAction::ALL.into_iter().filter(|action| may(role, page, *action)).collect()
    }

    #[test]
    fn only_administrators_administer() {
        for role in Role::ALL {
            let expected = if role == Role::Admin { PageAction::ALL.to_vec() } else { Vec::new() };
            assert_eq!(actions(role, PageKind::Administration), expected, "{role:?}");
        }
    }

    #[test]
    fn only_the_office_takes_files_away() {
        let downloads = |role| PageKind::ALL.iter().any(|page| may(role, *page, PageAction::Download));
        let able: Vec<Role> = Role::ALL.into_iter().filter(|role| downloads(*role)).collect();
        assert_eq!(able, [Role::Admin, Role::Orders]);
    }

    #[test]
    fn viewer_changes_nothing_and_sees_nobody_in_full() {
        for page in PageKind::ALL {
            assert!(actions(Role::Viewer, page).iter().all(|action| *action == PageAction::View), "{page:?}");
        }
        for surface in Surface::ALL {
            assert!(sight(Role::Viewer, surface, false) <= Sight::Masked, "{surface:?}");
        }
    }

    #[test]
    fn driver_has_the_own_day_only() {
        assert!(PageKind::ALL.iter().all(|page| actions(Role::Driver, *page).is_empty()));
    }

    #[test]
    fn setting_masks_the_lists_of_the_order_desk_and_no_other() {
        for (role, surface) in Role::ALL.into_iter().flat_map(|role| Surface::ALL.iter().map(move |one| (role, *one))) {
            let is_list = matches!(surface, Surface::OrderList | Surface::DeliveryList | Surface::Search);
            let differs = sight(role, surface, true) != sight(role, surface, false);
            assert_eq!(differs, role == Role::Orders && is_list, "{role:?} {surface:?}");
        }
    }

    #[test]
    fn page_that_is_not_viewed_shows_nothing() {
        let pages = [
            (Surface::OrderList, PageKind::Orders),
            (Surface::OrderPage, PageKind::Orders),
            (Surface::DeliveryList, PageKind::Deliveries),
            (Surface::DeliveryPage, PageKind::Deliveries),
            (Surface::Plan, PageKind::Plans),
        ];
        for (role, (surface, page)) in Role::ALL.into_iter().flat_map(|role| pages.map(|one| (role, one))) {
            let is_seen = sight(role, surface, false) != Sight::None;
            assert_eq!(is_seen, may(role, page, PageAction::View), "{role:?} {surface:?}");
        }
    }
}
