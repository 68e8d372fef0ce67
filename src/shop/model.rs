//! What a shop says of itself on paper.

/// The shop, as an administrator wrote it down; empty where nobody did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shop {
    /// 상호: the company's name on slips
    pub name: String,
    /// the telephone number on slips
    pub tel: String,
    /// where phones reach these pages, `https://…` without a slash at the end; empty is wherever
    /// the office reaches them
    pub address: String,
}

/// A mistake at a field of the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// the field's name
    pub field: &'static str,
    /// what is wrong and what to do
    pub message: &'static str,
}

/// Characters of a field.
const LONGEST: usize = 100;

impl Shop {
    /// The shop of what was typed.
    ///
    /// # Errors
    /// Every mistake.
    pub fn typed(name: &str, tel: &str, address: &str) -> Result<Self, Vec<Problem>> {
        let shop = Self {
            name: name.trim().to_owned(),
            tel: tel.trim().to_owned(),
            address: address.trim().trim_end_matches('/').to_owned(),
        };
        let mut problems = Vec::new();
        for (field, text) in [("name", &shop.name), ("tel", &shop.tel), ("address", &shop.address)] {
            if text.chars().count() > LONGEST || text.chars().any(char::is_control) {
                problems.push(Problem { field, message: "100자까지 한 줄로 적어 주세요." });
            }
        }
        if !shop.address.is_empty() && !is_address(&shop.address) {
            let message = "https://로 시작하는 주소를 적어 주세요. 예: https://order.example.kr";
            problems.push(Problem { field: "address", message });
        }
        if problems.is_empty() { Ok(shop) } else { Err(problems) }
    }
}

fn is_address(text: &str) -> bool {
    let host = ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    host.is_some_and(|host| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_that_a_phone_can_open() {
        let address = |text| Shop::typed("", "", text).map(|shop| shop.address);
        assert_eq!(address(" https://order.example.kr/ ").as_deref(), Ok("https://order.example.kr"));
        assert_eq!(address("http://192.168.0.10:8080").as_deref(), Ok("http://192.168.0.10:8080"));
        assert_eq!(address("").as_deref(), Ok(""));
        for wrong in ["order.example.kr", "javascript:alert(1)", "https://", "https://a b", "https://가게"] {
            assert_eq!(address(wrong).expect_err(wrong)[0].field, "address");
        }
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let long = "가".repeat(101);
        assert_eq!(Shop::typed(&long, "02\n1", "x").expect_err("mistakes").len(), 3);
    }
}
