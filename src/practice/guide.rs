//! Instructions and start screen of each practice task.

use super::exercises::ExerciseSet;
use super::model::Task;
use crate::orders::model::NewOrder;

/// Recipient and order number: `김서윤 님의 주문 9…001`.
fn describe(order: &NewOrder) -> String {
    format!("{} 님의 주문 {}", order.recipient.name, order.order_number)
}

impl Task {
    /// Instructions for the task.
    pub fn hint(self, exercises: &ExerciseSet) -> String {
        let orders = exercises.of_task(self);
        let first = orders.first().map(|order| describe(order)).unwrap_or_default();
        let name = orders.first().map_or("", |order| order.recipient.name.as_str());
        match self {
            Self::Upload => {
                "아침에 스마트스토어에서 받은 파일이에요. 내려받아 업로드에 올리고, 미리보기를 확인한 다음 적용하세요."
                    .to_owned()
            }
            Self::Label => format!(
                "주문 파일이 처음 보는 상품({})을 만들었어요. 상품을 눌러, 옵션마다 발주서 표기를 입력하고 ‘입력 저장’을 누르세요.",
                exercises.product_number()
            ),
            Self::Purchase => format!(
                "‘바로 해 보기’를 누르면 새 상품 {product}의 주문만 검색돼 있어요. {}건을 모두 선택해 ‘발주로 바꾸기’를 누르고, 알림에 나온 ‘발주서 받기’를 누르세요. 알림이 닫혔으면 주문에서 상태를 발주로, 상품종류를 {product}의 상품으로 검색하고 내려받기를 누르세요.",
                orders.len(),
                product = exercises.product_number()
            ),
            Self::Claim => format!(
                "점심에 받은 취소 목록이에요. 올리고 적용하면 {first}에 취소요청이 표시돼요. 그다음 ‘두 주문 찾기’로 {}까지 두 주문을 검색해 모두 선택하고 ‘출고로 바꾸기’를 누르세요. 취소요청이 있는 주문은 남아요.",
                orders.get(1).map(|order| describe(order)).unwrap_or_default()
            ),
            Self::Courier => {
                "로젠택배에서 받은 파일이에요. 올리고 적용하면 송장번호가 들어가고 배송됨으로 바뀌어요.".to_owned()
            }
            Self::Slips => {
                let names: Vec<_> = orders.iter().map(|order| order.recipient.name.as_str()).collect();
                format!(
                    "배송에서 경상북도 포항시를 선택해 {} 님의 배송을 선택하고, 전표를 열어 인쇄를 누르세요. 인쇄 창은 닫아도 돼요.",
                    names.join(", ")
                )
            }
            Self::Return => format!(
                "{first}은 둘이 함께 간 묶음이에요. 한 건만 돌아왔어요. 반품 파일을 올려 적용하고, ‘이 묶음 찾기’로 묶음이 반품으로 보이는지 확인하세요."
            ),
            Self::Merge => format!("{first}을 열어, 같은 수취인의 다른 주문을 이 묶음으로 합치세요."),
            Self::Address => format!(
                "{first}을 여세요. 고객메시지대로 상세주소를 수정하고, ‘함께 가는 주문도 바꿔요’를 선택해 저장하세요."
            ),
            Self::Plan => "모두 배차를 눌러 차마다 순서를 정하고, 막대와 미배차의 이유를 확인한 다음 모두 확정을 누르세요. 회수와 교환도 함께 가요. 이미 확정되어 있으면 다음 날을 여세요."
                .to_owned(),
            Self::Hold => "계획 중인 차의 한 곳을 선택해 다른 차로 옮기세요. 옮긴 곳은 차에 고정돼요. 그다음 그곳의 순서 고정을 눌러, 다시 배차해도 여기까지의 순서가 남게 하세요."
                .to_owned(),
            Self::Drive => "오늘 2호차는 기사에게 넘긴 차예요. 메뉴에 ‘오늘 배송’이 있으면 그 상차하기에서, 없으면 배차의 2호차 ‘진행 보기’의 상차 보기에서 상품을 모두 표시하고 출발하세요. 그다음 한 곳을 눌러 완료를 누르세요. 휴대전화에서는 demo-driver로 들어가 볼 수 있어요."
                .to_owned(),
            Self::Complete => format!("{name} 님의 배송을 배송 완료하고, 잘못 눌렀다고 생각하고 되돌리세요."),
            Self::Counter => {
                "매장에 온 손님의 주문을 상담주문으로 받으세요. 이름과 주소는 마음대로 지어도 돼요.".to_owned()
            }
        }
    }

    /// The search that a later step of the task needs: label and URL.
    pub fn search(self, exercises: &ExerciseSet) -> Option<(&'static str, String)> {
        let orders = exercises.of_task(self);
        match self {
            Self::Claim => {
                let numbers: Vec<&str> = orders.iter().map(|order| order.order_number.as_str()).collect();
                Some(("두 주문 찾기", format!("/orders?field=order_number&q={}", numbers.join("+"))))
            }
            Self::Return => {
                let bundle = orders.first().map_or("", |order| order.bundle_number.as_str());
                Some(("이 묶음 찾기", format!("/deliveries?field=delivery_number&q={bundle}")))
            }
            _ => None,
        }
    }

    /// URL of the screen where the task starts.
    pub fn start_url(self, exercises: &ExerciseSet) -> String {
        let orders = exercises.of_task(self);
        let first = orders.first();
        let (number, bundle) =
            first.map_or(("", ""), |order| (order.order_number.as_str(), order.bundle_number.as_str()));
        match self {
            Self::Upload | Self::Claim | Self::Courier | Self::Return => "/uploads".to_owned(),
            Self::Label => format!("/products?q={}", exercises.product_number()),
            Self::Purchase => format!("/orders?state=PLACED&product={}", exercises.product_number()),
            Self::Slips => exercises.pohang.map_or_else(
                || "/deliveries".to_owned(),
                |(sido, sigungu)| format!("/deliveries?state=READY_TO_SHIP&sido={sido}&sigungu={sigungu}"),
            ),
            Self::Merge | Self::Address => format!("/orders?field=order_number&q={number}"),
            Self::Plan | Self::Hold => format!("/plans?day={}", exercises.plan_day()),
            Self::Drive => format!("/plans?day={}", exercises.today()),
            Self::Complete => format!("/deliveries?field=delivery_number&q={bundle}"),
            Self::Counter => "/orders/new".to_owned(),
        }
    }
}
