//! The notice to the people concerned: the items that 개인정보 보호법 제34조 ① wants, and what is still missing from it.

use super::{Breach, BreachCause};
use crate::shop::model::Shop;

/// What a person can do. The text is general, because the program holds neither passwords of customers nor account
/// numbers.
const WHAT_YOU_CAN_DO: &str = "모르는 번호로 온 전화와 문자에 주의해 주세요. 문자에 있는 주소를 누르거나 인증번호, 계좌번호, 비밀번호를 알려 주지 마세요. \
     저희와 판매채널은 전화로 결제를 다시 요구하지 않아요. 의심스러우면 저희에게 먼저 확인해 주세요. 피해가 생겼으면 경찰청(112)에 신고하세요.";

/// Where help is found besides the shop: 제34조 ①6.
const YOUR_RIGHTS: &str = "개인정보 보호법 제39조와 제39조의2에 따라 손해배상을 청구할 수 있고, 개인정보 분쟁조정위원회(1833-6972, www.kopico.go.kr)에 \
     조정을 신청할 수 있어요. 침해 신고는 개인정보침해 신고센터(118, privacy.kisa.or.kr)가 받아요.";

/// The items that the shop still has to write before the notice can be sent.
pub fn missing_items(breach: &Breach, shop: &Shop) -> Vec<&'static str> {
    let items = [
        (breach.story.trim().is_empty(), "무슨 일이 있었는지"),
        (breach.measures.trim().is_empty(), "가게가 한 일과 피해를 구제하는 방법"),
        (shop.name.trim().is_empty() || shop.tel.trim().is_empty(), "가게 이름과 전화번호 (가게 정보 화면)"),
    ];
    items.into_iter().filter(|(is_missing, _)| *is_missing).map(|(_, item)| item).collect()
}

/// The text of the notice.
pub fn notice_text(breach: &Breach, shop: &Shop) -> String {
    let name = if shop.name.trim().is_empty() { "(가게 이름)" } else { shop.name.trim() };
    let tel = if shop.tel.trim().is_empty() { "(전화번호)" } else { shop.tel.trim() };
    let or = |text: &str, missing: &'static str| {
        if text.trim().is_empty() { missing.to_owned() } else { text.trim().to_owned() }
    };
    let (title, verb, lead) = match (breach.is_confirmed, breach.cause) {
        (true, BreachCause::Tampering) => {
            ("개인정보 훼손 안내", "바뀌거나 훼손된", "고객님의 개인정보가 바뀌거나 훼손되어 알려 드려요.")
        }
        (true, _) => ("개인정보 유출 안내", "유출된", "고객님의 개인정보가 유출되어 알려 드려요."),
        (false, _) => (
            "개인정보 유출 가능성 안내",
            "유출되었을 수 있는",
            "고객님의 개인정보가 유출되었을 가능성이 있어 미리 알려 드려요. 유출된 것으로 확인되면 다시 알려 드릴게요.",
        ),
    };
    let (from, to) = breach.window;
    let lines = [
        format!("[{name}] {title}"),
        String::new(),
        lead.to_owned() + " 걱정을 끼쳐 드려 죄송해요.",
        String::new(),
        format!("1. {verb} 개인정보의 항목: 이름, 전화번호, 주소, 주문한 상품과 배송 요청"),
        format!("2. 시점과 경위: {from}부터 {to} 사이. {}", or(&breach.story, "(무슨 일이 있었는지)")),
        format!("3. 피해를 줄이기 위해 하실 수 있는 일: {WHAT_YOU_CAN_DO}"),
        format!("4. 저희가 한 일과 피해 구제 절차: {}", or(&breach.measures, "(가게가 한 일과 피해를 구제하는 방법)")),
        format!("5. 피해 신고와 상담: {name}, {tel}"),
        format!("6. 손해배상과 분쟁조정: {YOUR_RIGHTS}"),
    ];
    lines.join("\n")
}
