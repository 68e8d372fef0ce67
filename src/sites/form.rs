//! The card and the rates as forms. Fields are text as typed, so that a rejected form is shown again.

use serde::Deserialize;

use super::model::{Elevator, LadderTruck, MAX_CODE_CHARS, MAX_NOTE_CHARS, SiteFacts, SiteRates};
use crate::text::{find_sensitive, nfkc, one_line};

/// Errors: name of the field and message.
pub type SiteProblems = Vec<(&'static str, &'static str)>;

/// The form of a card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct SiteForm {
    /// code of [`Elevator`], or empty
    pub elevator: String,
    /// number, or empty
    pub floor: String,
    /// code of [`LadderTruck`], or empty
    pub ladder_truck: String,
    /// metres, or empty
    pub parking_metres: String,
    /// note
    pub note: String,
    /// code of the entrance
    pub entry_code: String,
    /// version that the form was made from
    pub version: String,
}

impl SiteForm {
    /// The form of a card.
    pub fn new(facts: &SiteFacts, entry_code: &str, version: i64) -> Self {
        let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
        Self {
            elevator: facts.elevator.map(Elevator::code).unwrap_or_default().to_owned(),
            floor: number(facts.floor),
            ladder_truck: facts.ladder_truck.map(LadderTruck::code).unwrap_or_default().to_owned(),
            parking_metres: number(facts.parking_metres),
            note: facts.note.clone(),
            entry_code: entry_code.to_owned(),
            version: version.to_string(),
        }
    }

    /// The card, and the code of the entrance.
    ///
    /// # Errors
    /// All validation errors.
    pub fn facts(&self) -> Result<(SiteFacts, String), SiteProblems> {
        let mut problems = Vec::new();
        let mut number = |field, text: &str, range: std::ops::RangeInclusive<i64>, unit: &str, message| {
            let text = nfkc(text);
            let text = text.trim().trim_end_matches(unit).trim();
            let number = text.parse::<i64>().ok().filter(|number| range.contains(number));
            if !text.is_empty() && number.is_none() {
                problems.push((field, message));
            }
            number
        };
        let floor = number("floor", &self.floor, -3..=100, "층", "-3에서 100층 사이로 입력해 주세요.");
        let message = "0에서 1000m 사이로 입력해 주세요.";
        let parking_metres = number("parking_metres", &self.parking_metres, 0..=1_000, "m", message);
        let note = nfkc(&self.note.replace("\r\n", "\n")).trim().to_owned();
        if note.chars().count() > MAX_NOTE_CHARS {
            problems.push(("note", "500자까지 입력할 수 있어요."));
        } else if let Some(kind) = find_sensitive(&note) {
            problems.push(("note", kind.rejection()));
        }
        let code = one_line(&self.entry_code);
        if code.chars().count() > MAX_CODE_CHARS {
            problems.push(("entry_code", "40자까지 입력할 수 있어요."));
        }
        let facts = SiteFacts {
            elevator: Elevator::from_code(&self.elevator),
            floor,
            ladder_truck: LadderTruck::from_code(&self.ladder_truck),
            parking_metres,
            note,
        };
        if problems.is_empty() { Ok((facts, code)) } else { Err(problems) }
    }
}

/// The form of the rates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RatesForm {
    /// minutes
    pub stairs_minutes: String,
    /// minutes
    pub carry_minutes: String,
    /// minutes
    pub ladder_minutes: String,
    /// won
    pub stairs_fee: String,
    /// won
    pub ladder_fee: String,
}

impl From<SiteRates> for RatesForm {
    fn from(rates: SiteRates) -> Self {
        Self {
            stairs_minutes: rates.stairs_minutes.to_string(),
            carry_minutes: rates.carry_minutes.to_string(),
            ladder_minutes: rates.ladder_minutes.to_string(),
            stairs_fee: rates.stairs_fee.to_string(),
            ladder_fee: rates.ladder_fee.to_string(),
        }
    }
}

impl RatesForm {
    /// The rates.
    ///
    /// # Errors
    /// All validation errors.
    pub fn rates(&self) -> Result<SiteRates, SiteProblems> {
        let mut problems = Vec::new();
        let mut number = |field, text: &str, most: i64, message| {
            let text = nfkc(text).replace([',', '원', '분'], "");
            let number = text.trim().parse::<i64>().ok().filter(|number| (0..=most).contains(number));
            number.unwrap_or_else(|| {
                problems.push((field, message));
                0
            })
        };
        let (minutes, won) = ("0에서 120분 사이로 입력해 주세요.", "0에서 1,000,000원 사이로 입력해 주세요.");
        let rates = SiteRates {
            stairs_minutes: number("stairs_minutes", &self.stairs_minutes, 120, minutes),
            carry_minutes: number("carry_minutes", &self.carry_minutes, 120, minutes),
            ladder_minutes: number("ladder_minutes", &self.ladder_minutes, 120, minutes),
            stairs_fee: number("stairs_fee", &self.stairs_fee, 1_000_000, won),
            ladder_fee: number("ladder_fee", &self.ladder_fee, 1_000_000, won),
        };
        if problems.is_empty() { Ok(rates) } else { Err(problems) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_round_trip_and_name_their_mistakes() {
        let facts = SiteFacts {
            elevator: Some(Elevator::Missing),
            floor: Some(3),
            ladder_truck: Some(LadderTruck::Impossible),
            parking_metres: Some(80),
            note: "뒷문으로".to_owned(),
        };
        assert_eq!(SiteForm::new(&facts, "#1234", 2).facts(), Ok((facts, "#1234".to_owned())));
        assert_eq!(SiteForm::default().facts(), Ok((SiteFacts::default(), String::new())));
        let wrong = SiteForm {
            floor: "꼭대기".to_owned(),
            parking_metres: "2000".to_owned(),
            note: "가".repeat(501),
            entry_code: "1".repeat(41),
            ..SiteForm::default()
        };
        let fields: Vec<_> = wrong.facts().expect_err("mistakes").into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["floor", "parking_metres", "note", "entry_code"]);
        assert_eq!(RatesForm::from(SiteRates::INITIAL).rates(), Ok(SiteRates::INITIAL));
        let form = RatesForm { stairs_fee: "10,000원".to_owned(), ..RatesForm::from(SiteRates::INITIAL) };
        assert_eq!(form.rates().map(|rates| rates.stairs_fee), Ok(10_000));
        assert!(RatesForm::default().rates().is_err());
    }
}
