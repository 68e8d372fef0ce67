//! The shop's wording of a text: variables in braces, and the length in bytes as senders count it.

use encoding_rs::EUC_KR;

use super::model::NoticeKind;
use crate::text::nfkc;

/// Longest SMS (단문), in bytes of CP949.
pub const MAX_SMS_BYTES: usize = 90;

/// Longest LMS (장문), in bytes of CP949.
pub const MAX_LMS_BYTES: usize = 2_000;

/// Longest wording as it is stored, in characters.
pub const MAX_WORDING_CHARS: usize = 1_000;

/// Longest short wording as it is stored, in characters.
pub const MAX_SHORT_WORDING_CHARS: usize = 200;

/// The wording of a kind of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeWording {
    /// for mobile numbers: SMS, or LMS if it is longer
    pub body: String,
    /// for safe numbers, which take an SMS only
    pub short_body: String,
    /// version for optimistic locking; 0 for the one that the program brings
    pub version: i64,
}

impl NoticeWording {
    /// What is sent until the shop writes its own.
    pub fn initial(kind: NoticeKind) -> Self {
        let (body, short_body) = match kind {
            NoticeKind::Visit => (
                "[{가게}] {이름} 님, {날짜} {시간대} 사이에 방문해요.\n상품: {상품}\n도로 사정에 따라 조금 달라질 수 있어요. \
                 시간이 어려우면 {가게전화}로 알려 주세요.",
                "[{가게}] {날짜} {시간대}에 방문해요. 문의 {가게전화}",
            ),
            NoticeKind::Change => (
                "[{가게}] {이름} 님, 방문 시간이 바뀌었어요.\n새 시간: {날짜} {시간대}\n전에 안내한 시간: {처음안내}\n상품: {상품}\n\
                 불편을 드려 죄송해요. 어려우면 {가게전화}로 알려 주세요.",
                "[{가게}] 방문이 {날짜} {시간대}로 바뀌었어요. 문의 {가게전화}",
            ),
            NoticeKind::Cancellation => (
                "[{가게}] {이름} 님, {처음안내}에 안내한 방문은 하지 않아요.\n상품: {상품}\n다시 정해지면 알려 드릴게요. 문의 {가게전화}",
                "[{가게}] {처음안내} 방문은 하지 않아요. 문의 {가게전화}",
            ),
            NoticeKind::Completion => (
                "[{가게}] {이름} 님, {날짜} {완료시각}에 배송을 마쳤어요.\n상품: {상품}\n살펴보시고 문제가 있으면 {가게전화}로 알려 주세요.",
                "[{가게}] {날짜} {완료시각}에 배송을 마쳤어요. 문의 {가게전화}",
            ),
        };
        Self { body: body.to_owned(), short_body: short_body.to_owned(), version: 0 }
    }
}

/// A variable: its name in braces, and what stands for it.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// `이름` for `{이름}`
    pub name: &'static str,
    /// what it is
    pub meaning: &'static str,
    value: fn(&NoticeValues) -> &str,
}

const NAME: Variable = Variable { name: "이름", meaning: "수취인 이름", value: |values| &values.name };
const DAY: Variable =
    Variable { name: "날짜", meaning: "방문하는 날: 12월 1일(화)", value: |values| &values.day };
const WINDOW: Variable =
    Variable { name: "시간대", meaning: "방문하는 두 시간: 09:30~11:30", value: |values| &values.window };
const PRODUCT: Variable =
    Variable { name: "상품", meaning: "상품 이름, 여럿이면 외 몇 건", value: |values| &values.product };
const FORMER: Variable =
    Variable { name: "처음안내", meaning: "전에 안내한 날과 시간대", value: |values| &values.former };
const DONE_AT: Variable =
    Variable { name: "완료시각", meaning: "배송을 마친 시각: 14:05", value: |values| &values.done_at };
const SHOP: Variable = Variable { name: "가게", meaning: "가게 정보의 상호", value: |values| &values.shop };
const SHOP_TEL: Variable =
    Variable { name: "가게전화", meaning: "가게 정보의 전화번호", value: |values| &values.shop_tel };

/// The variables of a kind of text.
pub const fn variables(kind: NoticeKind) -> &'static [Variable] {
    match kind {
        NoticeKind::Visit => &[NAME, DAY, WINDOW, PRODUCT, SHOP, SHOP_TEL],
        NoticeKind::Change => &[NAME, DAY, WINDOW, FORMER, PRODUCT, SHOP, SHOP_TEL],
        NoticeKind::Cancellation => &[NAME, FORMER, PRODUCT, SHOP, SHOP_TEL],
        NoticeKind::Completion => &[NAME, DAY, DONE_AT, PRODUCT, SHOP, SHOP_TEL],
    }
}

/// What stands for the variables. A value that is not known is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoticeValues {
    /// name of the recipient
    pub name: String,
    /// day of the visit
    pub day: String,
    /// window of the visit
    pub window: String,
    /// goods in short
    pub product: String,
    /// what was told before
    pub former: String,
    /// when the goods were handed over
    pub done_at: String,
    /// name of the shop
    pub shop: String,
    /// telephone number of the shop
    pub shop_tel: String,
}

impl NoticeValues {
    /// Values that show what a text looks like.
    pub fn sample() -> Self {
        let text = str::to_owned;
        Self {
            name: text("김예시"),
            day: text("12월 1일(화)"),
            window: text("09:30~11:30"),
            product: text("예시 침대 외 1건"),
            former: text("12월 1일(화) 13:00~15:00"),
            done_at: text("14:05"),
            shop: text("예시 가구"),
            shop_tel: text("054-000-0000"),
        }
    }

    /// The value of a variable.
    pub fn of(&self, variable: &Variable) -> &str {
        (variable.value)(self)
    }
}

/// What is wrong with a wording or with a text that was made from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WordingProblem {
    /// no words
    Empty,
    /// braces that do not hold a variable of this kind of text
    Unknown(String),
    /// a variable without a value
    NoValue(&'static str),
    /// a character that telephones do not show
    Unsendable(char),
    /// more bytes than the form takes
    TooLong {
        /// bytes of the text
        bytes: usize,
        /// bytes that fit
        most: usize,
    },
}

impl WordingProblem {
    /// Korean sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::Empty => "문구를 입력해 주세요.".to_owned(),
            Self::Unknown(name) => format!("‘{{{name}}}’은(는) 이 문구에 쓸 수 없어요. 아래 목록의 말을 써 주세요."),
            Self::NoValue(name) => format!("{name} 값이 비어 있어요"),
            Self::Unsendable(letter) => format!("‘{letter}’은(는) 문자로 보낼 수 없는 글자예요"),
            Self::TooLong { bytes, most } => format!("{bytes}바이트예요. {most}바이트까지 보낼 수 있어요"),
        }
    }
}

/// A part of a wording.
enum Piece<'w> {
    Words(&'w str),
    Name(&'w str),
}

fn pieces(wording: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = wording;
    while let Some((words, after)) = rest.split_once('{') {
        pieces.push(Piece::Words(words));
        let (name, behind) = after.split_once('}').unwrap_or((after, ""));
        pieces.push(Piece::Name(name));
        rest = behind;
    }
    pieces.push(Piece::Words(rest));
    pieces
}

/// Checks a wording of a kind of text.
///
/// # Errors
/// It has no words, or braces without a variable of this kind.
pub fn check(kind: NoticeKind, wording: &str) -> Result<(), WordingProblem> {
    if wording.trim().is_empty() {
        return Err(WordingProblem::Empty);
    }
    let known = |name: &str| variables(kind).iter().any(|variable| variable.name == name.trim());
    let unknown = pieces(wording).into_iter().find_map(|piece| match piece {
        Piece::Name(name) if !known(name) => Some(name.chars().take(20).collect()),
        Piece::Name(_) | Piece::Words(_) => None,
    });
    unknown.map_or(Ok(()), |name| Err(WordingProblem::Unknown(name)))
}

/// The text of a wording with these values.
///
/// # Errors
/// An unknown variable, or one without a value.
pub fn fill(kind: NoticeKind, wording: &str, values: &NoticeValues) -> Result<String, WordingProblem> {
    check(kind, wording)?;
    let mut text = String::new();
    for piece in pieces(wording) {
        match piece {
            Piece::Words(words) => text.push_str(words),
            Piece::Name(name) => {
                let variable = variables(kind).iter().find(|variable| variable.name == name.trim());
                let variable = variable.ok_or_else(|| WordingProblem::Unknown(name.to_owned()))?;
                let value = values.of(variable);
                if value.trim().is_empty() {
                    return Err(WordingProblem::NoValue(variable.name));
                }
                text.push_str(value);
            }
        }
    }
    Ok(sendable(&text))
}

/// The text with the characters that senders take: line breaks of one byte, and the usual forms of letters.
fn sendable(text: &str) -> String {
    nfkc(&text.replace("\r\n", "\n").replace('\u{00A0}', " ")).trim().to_owned()
}

/// The bytes of a text as senders count them: CP949, a line break is one byte.
///
/// # Errors
/// The first character that CP949 does not have.
pub fn text_bytes(text: &str) -> Result<usize, WordingProblem> {
    let (bytes, _, has_unmappable) = EUC_KR.encode(text);
    if !has_unmappable {
        return Ok(bytes.len());
    }
    let unsendable = text.chars().find(|letter| EUC_KR.encode(letter.encode_utf8(&mut [0; 4])).2);
    Err(WordingProblem::Unsendable(unsendable.unwrap_or('?')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_by_their_values() {
        let text = |wording: &str| fill(NoticeKind::Visit, wording, &NoticeValues::sample());
        assert_eq!(text("{이름} 님, { 시간대 }").as_deref(), Ok("김예시 님, 09:30~11:30"));
        assert_eq!(text("{완료시각}"), Err(WordingProblem::Unknown("완료시각".to_owned())), "of another kind");
        assert_eq!(text("{이름"), Ok("김예시".to_owned()));
        assert_eq!(text(" \n"), Err(WordingProblem::Empty));
        let nameless = NoticeValues { shop_tel: " ".to_owned(), ..NoticeValues::sample() };
        assert_eq!(fill(NoticeKind::Visit, "{가게전화}", &nameless), Err(WordingProblem::NoValue("가게전화")));
    }

    #[test]
    fn initial_wordings_fit_and_short_ones_are_an_sms() {
        for kind in NoticeKind::ALL {
            let wording = NoticeWording::initial(kind);
            let bytes = |wording: &str| {
                let text = fill(kind, wording, &NoticeValues::sample()).expect("a text");
                text_bytes(&text).expect("sendable")
            };
            assert!(bytes(&wording.body) <= MAX_LMS_BYTES, "{kind:?}");
            assert!(bytes(&wording.short_body) <= MAX_SMS_BYTES, "{kind:?} {}", bytes(&wording.short_body));
            assert!(wording.body.chars().count() <= MAX_WORDING_CHARS);
        }
    }

    #[test]
    fn bytes_are_those_of_cp949() {
        assert_eq!(text_bytes("가나 12\n"), Ok(8));
        assert_eq!(text_bytes("똠방"), Ok(4), "a syllable that KS X 1001 does not have");
        assert_eq!(text_bytes("🛏 침대"), Err(WordingProblem::Unsendable('🛏')));
    }

    #[test]
    fn values_of_a_customer_cannot_bring_variables() {
        let values = NoticeValues { name: "{가게전화}".to_owned(), ..NoticeValues::sample() };
        assert_eq!(fill(NoticeKind::Visit, "{이름}", &values).as_deref(), Ok("{가게전화}"));
    }
}
