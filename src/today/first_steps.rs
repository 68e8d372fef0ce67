//! The first steps of a new shop, which the first page shows until all are done.

/// What a new shop has already.
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShopProgress {
    /// 가게 정보 has a name
    pub has_name: bool,
    /// the data is copied elsewhere
    pub is_backed_up: bool,
    /// other devices can connect
    pub is_public: bool,
    /// members, the first administrator too
    pub members: usize,
    /// the depot of the own trucks is known
    pub has_depot: bool,
    /// there is an own truck
    pub has_trucks: bool,
    /// whether a file was uploaded or an order taken
    pub has_orders: bool,
    /// an administrator does not need the rest: works alone, or has connected in another way
    pub is_dismissed: bool,
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstStep {
    /// what to do
    pub title: &'static str,
    /// why, and what happens
    pub hint: &'static str,
    /// the page on which it is done
    pub href: &'static str,
    /// label of its link
    pub action: &'static str,
    /// whether it is done
    pub is_done: bool,
    /// whether data is at risk until then
    pub is_urgent: bool,
}

impl FirstStep {
    /// The icon of its state.
    pub const fn icon(&self) -> &'static str {
        match (self.is_done, self.is_urgent) {
            (true, _) => "check-circle",
            (false, true) => "exclamation-triangle",
            (false, false) => "info-circle",
        }
    }
}

/// The steps in their order; empty when all are done, or the rest is dismissed and no data is at risk.
pub fn first_steps(shop: ShopProgress) -> Vec<FirstStep> {
    let step = |title, hint, href, action, is_done| FirstStep { title, hint, href, action, is_done, is_urgent: false };
    let steps = vec![
        step("가게 정보 입력", "상호와 전화번호가 배송 전표에 인쇄돼요.", "/shop", "가게 정보 입력", shop.has_name),
        FirstStep {
            is_urgent: !shop.is_backed_up,
            ..step(
                "백업 켜기",
                "켤 때까지 데이터가 이 컴퓨터에만 있어요. USB나 클라우드에 자동으로 복사해요.",
                "/backup",
                "백업 켜기",
                shop.is_backed_up,
            )
        },
        step(
            "휴대전화와 다른 컴퓨터 연결",
            "배송팀이 휴대전화로 배송을 보려면 필요해요.",
            "/other-devices",
            "연결하기",
            shop.is_public,
        ),
        step(
            "함께 일할 사람 추가",
            "사무실에서 주문을 보는 사람은 주문 담당, 배차하는 사람은 배송팀, 차로 배송하는 사람은 기사로 추가해요.",
            "/members/new",
            "회원 추가",
            shop.members > 1,
        ),
        step(
            "차고지와 차량 등록",
            "가게의 차로 배송하면 필요해요. 배차하고 배송일을 약속할 때 쓰여요.",
            if shop.has_depot { "/trucks" } else { "/trucks/settings" },
            "등록하기",
            shop.has_depot && shop.has_trucks,
        ),
        step(
            "첫 주문 파일 올리기",
            "판매채널에서 받은 엑셀 파일을 그대로 올리면 상품과 옵션이 자동으로 등록돼요.",
            "/uploads",
            "파일 올리기",
            shop.has_orders,
        ),
    ];
    if steps.iter().all(|step| step.is_done || (shop.is_dismissed && !step.is_urgent)) { Vec::new() } else { steps }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLETE: ShopProgress = ShopProgress {
        has_name: true,
        is_backed_up: true,
        is_public: true,
        members: 2,
        has_depot: true,
        has_trucks: true,
        has_orders: true,
        is_dismissed: false,
    };

    #[test]
    fn complete_shop_has_no_steps() {
        assert_eq!(first_steps(COMPLETE), []);
    }

    #[test]
    fn new_shop_has_every_step_and_backup_is_urgent() {
        let steps = first_steps(ShopProgress { members: 1, ..ShopProgress::default() });
        assert_eq!(steps.iter().filter(|step| step.is_done).count(), 0);
        let urgent: Vec<&str> = steps.iter().filter(|step| step.is_urgent).map(|step| step.href).collect();
        assert_eq!((steps.len(), urgent), (6, vec!["/backup"]));
    }

    #[test]
    fn one_who_works_alone_dismisses_the_rest_but_not_the_backup() {
        let alone = ShopProgress { is_public: false, members: 1, is_dismissed: true, ..COMPLETE };
        assert_eq!(first_steps(alone), []);
        assert_eq!(first_steps(ShopProgress { is_backed_up: false, ..alone }).len(), 6);
    }

    #[test]
    fn done_steps_are_ticked_while_others_are_left() {
        let steps = first_steps(ShopProgress { is_backed_up: false, ..COMPLETE });
        let left: Vec<&str> = steps.iter().filter(|step| !step.is_done).map(|step| step.title).collect();
        assert_eq!(left, ["백업 켜기"]);
    }
}
