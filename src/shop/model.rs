//! The shop's data for slips, and its validation.

use serde::Deserialize;

use crate::text::{coded, parse_phone};

/// Default of [`Shop::max_claim_data_hours`].
pub const DEFAULT_CLAIM_DATA_HOURS: u32 = 4;

/// Largest choice of [`Shop::max_claim_data_hours`].
const MAX_CLAIM_DATA_HOURS: u32 = 72;

coded! {
    /// The paper of a delivery slip.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum SlipPaper {
        /// one sheet of A4
        #[default]
        A4 = "a4" "A4 한 장에 하나",
        /// half a sheet: two slips side by side on A4, to be cut apart
        A5 = "a5" "A4 한 장에 둘",
    }
}

impl SlipPaper {
    /// Slips on a sheet of A4.
    pub const fn slips_per_sheet(self) -> usize {
        match self {
            Self::A4 => 1,
            Self::A5 => 2,
        }
    }
}

/// The shop's data. Fields are empty until an administrator fills them in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shop {
    /// 상호, on slips
    pub name: String,
    /// telephone number, on slips
    pub tel: String,
    /// postal address, the sender's in files for couriers
    pub address: String,
    /// origin for the QR codes of slips, `https://…` without a trailing slash; empty: the origin of the request
    pub origin: String,
    /// age of the newest claims of a channel, in hours of working days, from which files that send goods warn
    pub max_claim_data_hours: u32,
    /// paper of slips, unless their page chooses another
    pub slip_paper: SlipPaper,
    /// whom the staff ask about the program, with a telephone number; in the manual for new colleagues
    pub helper: String,
    /// whether names, telephone numbers and addresses are masked in the lists of 주문 담당
    pub masks_lists: bool,
}

impl Default for Shop {
    fn default() -> Self {
        let empty = String::new;
        Self {
            name: empty(),
            tel: empty(),
            address: empty(),
            origin: empty(),
            max_claim_data_hours: DEFAULT_CLAIM_DATA_HOURS,
            slip_paper: SlipPaper::default(),
            helper: empty(),
            masks_lists: false,
        }
    }
}

/// The fields of the shop's form, as typed.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct ShopForm {
    /// [`Shop::name`]
    pub name: String,
    /// [`Shop::tel`]
    pub tel: String,
    /// [`Shop::address`]
    pub address: String,
    /// [`Shop::origin`]
    pub origin: String,
    /// [`Shop::max_claim_data_hours`]
    pub claim_data_hours: String,
    /// code of [`Shop::slip_paper`]
    pub slip_paper: String,
    /// [`Shop::helper`]
    pub helper: String,
    /// [`Shop::masks_lists`]: `1` or empty
    pub mask_lists: String,
}

impl Default for ShopForm {
    fn default() -> Self {
        Shop::default().into()
    }
}

impl From<Shop> for ShopForm {
    fn from(shop: Shop) -> Self {
        let Shop { name, tel, address, origin, max_claim_data_hours, slip_paper, helper, masks_lists } = shop;
        let claim_data_hours = max_claim_data_hours.to_string();
        let mask_lists = if masks_lists { "1" } else { "" }.to_owned();
        let slip_paper = slip_paper.code().to_owned();
        Self { name, tel, address, origin, claim_data_hours, slip_paper, helper, mask_lists }
    }
}

/// A validation error of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopFieldError {
    /// name of the field
    pub field: &'static str,
    /// Korean message
    pub message: &'static str,
}

/// Maximum length of a field.
const MAX_FIELD_CHARS: usize = 100;

impl Shop {
    /// The footer of documents: name, telephone number, and who made it when.
    pub fn document_footer(&self, made: &str) -> String {
        let parts = [self.name.as_str(), &self.tel, made];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
    }

    /// Validates the fields of a form.
    ///
    /// # Errors
    /// All validation errors.
    pub fn from_form(form: &ShopForm) -> Result<Self, Vec<ShopFieldError>> {
        let tel = phone_numbers(&form.tel);
        let shop = Self {
            name: form.name.trim().to_owned(),
            tel: tel.clone().unwrap_or_default(),
            address: form.address.trim().to_owned(),
            origin: form.origin.trim().trim_end_matches('/').to_owned(),
            max_claim_data_hours: form.claim_data_hours.trim().parse().unwrap_or_default(),
            slip_paper: SlipPaper::from_code(&form.slip_paper).unwrap_or_default(),
            helper: form.helper.trim().to_owned(),
            masks_lists: form.mask_lists == "1",
        };
        let mut problems = Vec::new();
        if !(1..=MAX_CLAIM_DATA_HOURS).contains(&shop.max_claim_data_hours) {
            problems.push(ShopFieldError {
                field: "claim_data_hours", message: "1부터 72까지 숫자로 입력해 주세요."
            });
        }
        for (field, text) in
            [("name", &shop.name), ("address", &shop.address), ("origin", &shop.origin), ("helper", &shop.helper)]
        {
            if text.chars().count() > MAX_FIELD_CHARS || text.chars().any(char::is_control) {
                problems.push(ShopFieldError { field, message: "100자까지 한 줄로 입력해 주세요." });
            }
        }
        if tel.is_none_or(|tel| tel.chars().count() > MAX_FIELD_CHARS) {
            let message = "전화번호를 지역번호부터 입력해 주세요. 여럿이면 쉼표로 나눠요. 예: 054-123-4567";
            problems.push(ShopFieldError { field: "tel", message });
        }
        if !shop.origin.is_empty() && !is_origin(&shop.origin) {
            let message = "https://로 시작하는 주소를 입력해 주세요. 예: https://order.example.kr";
            problems.push(ShopFieldError { field: "origin", message });
        }
        if problems.is_empty() { Ok(shop) } else { Err(problems) }
    }
}

/// Telephone numbers between commas, with hyphens; none if one of them is no number.
fn phone_numbers(text: &str) -> Option<String> {
    let numbers = text.split([',', '/']).map(str::trim).filter(|number| !number.is_empty());
    let numbers: Option<Vec<String>> = numbers.map(|number| parse_phone(number).ok()).collect();
    numbers.map(|numbers| numbers.join(", "))
}

/// Whether the text is a URL of scheme, host and perhaps port.
fn is_origin(text: &str) -> bool {
    let host = ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    host.is_some_and(|host| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_is_that_of_a_url() {
        let origin = |text: &str| {
            Shop::from_form(&ShopForm { origin: text.to_owned(), ..ShopForm::default() }).map(|shop| shop.origin)
        };
        assert_eq!(origin(" https://order.example.kr/ ").as_deref(), Ok("https://order.example.kr"));
        assert_eq!(origin("http://192.168.0.10:8080").as_deref(), Ok("http://192.168.0.10:8080"));
        assert_eq!(origin("").as_deref(), Ok(""));
        for wrong in ["order.example.kr", "javascript:alert(1)", "https://", "https://a b", "https://가게"] {
            assert_eq!(origin(wrong).expect_err(wrong)[0].field, "origin");
        }
    }

    #[test]
    fn telephone_is_one_that_can_be_called() {
        let tel = |text: &str| {
            Shop::from_form(&ShopForm { tel: text.to_owned(), ..ShopForm::default() }).map(|shop| shop.tel)
        };
        assert_eq!(tel(" 0541234567 / 010-1234-5678 ").as_deref(), Ok("054-123-4567, 010-1234-5678"));
        assert_eq!(tel("1588-1234").as_deref(), Ok("1588-1234"));
        assert_eq!(tel("").as_deref(), Ok(""));
        assert_eq!(tel("031-12-34a").expect_err("a letter")[0].field, "tel");
    }

    #[test]
    fn all_errors_are_reported_at_once() {
        let (name, helper) = ("가".repeat(101), "나".repeat(101));
        let [tel, origin, claim_data_hours] = ["02\n1", "x", "네"].map(str::to_owned);
        let form = ShopForm { name, tel, origin, claim_data_hours, helper, ..ShopForm::default() };
        assert_eq!(Shop::from_form(&form).expect_err("mistakes").len(), 5);
    }
}
