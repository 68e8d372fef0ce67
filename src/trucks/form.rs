//! Forms of trucks, handling and settings, validated. Fields are text as typed, so that a rejected form is shown again.

use serde::Deserialize;

use super::handling::PieceEffort;
use super::model::{Truck, VOLUME_UNITS, clock_label, volume_label};
use super::settings::{MAX_LEAD_DAYS, TruckSettings, ferry_text, parse_ferry_text};
use super::weekdays::Weekdays;
use crate::id::TruckId;
use crate::text::{nfkc, one_line, typed_zip_code};

/// Maximum length of a truck's name.
const MAX_NAME_CHARS: usize = 40;

/// Maximum length of a licence plate.
const MAX_PLATE_CHARS: usize = 20;

/// Minutes of a day.
const DAY_MINUTES: i64 = 24 * 60;

/// A validation error of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldProblem {
    /// name of the field
    pub field: &'static str,
    /// Korean message
    pub message: String,
}

/// The form of a truck.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TruckForm {
    /// name
    pub name: String,
    /// licence plate
    pub plate: String,
    /// `1` when the truck is planned
    pub enabled: String,
    /// people
    pub crew: String,
    /// cubic metres
    pub volume: String,
    /// pieces
    pub pieces: String,
    /// numbers of the weekdays, 0 being Monday
    pub weekday: Vec<usize>,
    /// `HH:MM`
    pub starts_at: String,
    /// `HH:MM`
    pub ends_at: String,
    /// minutes
    pub overtime: String,
    /// `HH:MM`, or empty
    pub second_round_at: String,
    /// postal code, or empty
    pub depot_zip: String,
    /// version that the form was made from
    pub version: i64,
}

impl From<&Truck> for TruckForm {
    fn from(truck: &Truck) -> Self {
        Self {
            name: truck.name.clone(),
            plate: truck.plate.clone(),
            enabled: if truck.enabled { "1" } else { "" }.to_owned(),
            crew: truck.crew.to_string(),
            volume: volume_label(truck.volume),
            pieces: truck.pieces.to_string(),
            weekday: (0..7).filter(|number| truck.weekdays.has(*number)).collect(),
            starts_at: clock_label(truck.starts_at),
            ends_at: clock_label(truck.ends_at()),
            overtime: truck.overtime_minutes.to_string(),
            second_round_at: truck.second_round_at.map(clock_label).unwrap_or_default(),
            depot_zip: truck.depot_zip.clone(),
            version: truck.version,
        }
    }
}

impl TruckForm {
    /// The truck with that identifier; `is_known` tells whether a postal code has a point.
    ///
    /// # Errors
    /// All validation errors.
    pub fn truck(&self, id: TruckId, is_known: impl Fn(&str) -> bool) -> Result<Truck, Vec<FieldProblem>> {
        let mut problems = Problems::default();
        let name = one_line(&self.name);
        if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
            problems.add("name", "이름을 40자까지 입력해 주세요. 예: 1호차");
        }
        let plate = one_line(&self.plate);
        if plate.chars().count() > MAX_PLATE_CHARS {
            problems.add("plate", "차량번호를 20자까지 입력해 주세요.");
        }
        let weekdays = Weekdays::from_numbers(self.weekday.iter().copied());
        if weekdays.is_empty() {
            problems.add("weekday", "운행하는 요일을 하나 이상 선택해 주세요.");
        }
        let starts_at = problems.time("starts_at", &self.starts_at);
        let ends_at = problems.time("ends_at", &self.ends_at);
        if problems.is_empty_of(&["starts_at", "ends_at"]) && ends_at <= starts_at {
            problems.add("ends_at", "퇴근 시각은 출발 시각보다 늦어야 해요.");
        }
        let is_second_empty = self.second_round_at.trim().is_empty();
        let second_round_at = (!is_second_empty).then(|| problems.time("second_round_at", &self.second_round_at));
        if let Some(second) = second_round_at
            && problems.is_empty_of(&["starts_at", "ends_at", "second_round_at"])
            && !(starts_at < second && second < ends_at)
        {
            problems.add("second_round_at", "두 번째 출발은 첫 출발과 퇴근 사이여야 해요.");
        }
        let depot_zip = typed_zip_code(&self.depot_zip).unwrap_or_default();
        let is_own = !self.depot_zip.trim().is_empty();
        if is_own && (depot_zip.is_empty() || !is_known(&depot_zip)) {
            problems.add("depot_zip", "이 차가 출발하는 곳의 우편번호 다섯 자리를 입력하거나 비워 두세요.");
        }
        let truck = Truck {
            id,
            name,
            plate,
            enabled: !self.enabled.is_empty(),
            crew: problems.number("crew", &self.crew, 1, 4, "명"),
            volume: problems.volume("volume", &self.volume, 1),
            pieces: problems.number("pieces", &self.pieces, 1, 1_000, "개"),
            weekdays,
            starts_at,
            shift_minutes: ends_at - starts_at,
            overtime_minutes: problems.number("overtime", &self.overtime, 0, 600, "분"),
            second_round_at,
            depot_zip,
            version: self.version,
        };
        problems.or(truck)
    }
}

/// The fields of a handling: minutes, people, cubic metres, pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct HandlingForm {
    /// minutes
    pub minutes: String,
    /// people
    pub crew: String,
    /// cubic metres
    pub volume: String,
    /// pieces
    pub pieces: String,
}

impl From<PieceEffort> for HandlingForm {
    fn from(handling: PieceEffort) -> Self {
        Self {
            minutes: handling.minutes.to_string(),
            crew: handling.crew.to_string(),
            volume: volume_label(handling.volume),
            pieces: handling.pieces.to_string(),
        }
    }
}

impl HandlingForm {
    /// Whether all fields are empty, which means the default.
    pub fn is_empty(&self) -> bool {
        [&self.minutes, &self.crew, &self.volume, &self.pieces].iter().all(|text| text.trim().is_empty())
    }

    /// The handling; empty fields have the values of `default`.
    ///
    /// # Errors
    /// All validation errors.
    pub fn handling(&self, default: PieceEffort) -> Result<PieceEffort, Vec<FieldProblem>> {
        let mut problems = Problems::default();
        let mut number = |field, text: &str, default: i64, min, max, unit| {
            if text.trim().is_empty() { default } else { problems.number(field, text, min, max, unit) }
        };
        let minutes = number("minutes", &self.minutes, default.minutes, 0, 600, "분");
        let crew = number("crew", &self.crew, default.crew, 1, 4, "명");
        let pieces = number("pieces", &self.pieces, default.pieces, 0, 1_000, "개");
        let volume =
            if self.volume.trim().is_empty() { default.volume } else { problems.volume("volume", &self.volume, 0) };
        problems.or(PieceEffort { minutes, crew, volume, pieces })
    }
}

/// The form of the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct SettingsForm {
    /// postal code
    pub depot_zip: String,
    /// default of the handling
    #[serde(flatten)]
    pub handling: HandlingForm,
    /// ranges of postal codes, one a line
    pub ferry_zips: String,
    /// working days from the purchase until the goods are ready
    pub lead_days: String,
}

impl From<&TruckSettings> for SettingsForm {
    fn from(settings: &TruckSettings) -> Self {
        Self {
            depot_zip: settings.depot_zip.clone(),
            handling: settings.default_handling.into(),
            ferry_zips: ferry_text(&settings.ferry_zips),
            lead_days: settings.lead_days.to_string(),
        }
    }
}

impl SettingsForm {
    /// The settings; `is_known` tells whether a postal code has a point.
    ///
    /// # Errors
    /// All validation errors.
    pub fn settings(&self, is_known: impl Fn(&str) -> bool) -> Result<TruckSettings, Vec<FieldProblem>> {
        let mut problems = Problems::default();
        let depot_zip = typed_zip_code(&self.depot_zip).unwrap_or_default();
        if depot_zip.is_empty() || !is_known(&depot_zip) {
            problems.add("depot_zip", "차가 출발하는 곳의 우편번호 다섯 자리를 입력해 주세요.");
        }
        let ferry_zips = parse_ferry_text(&nfkc(&self.ferry_zips)).unwrap_or_else(|item| {
            problems.add("ferry_zips", &format!("‘{item}’을 읽지 못했어요. 63000-63644처럼 입력해 주세요."));
            Vec::new()
        });
        let default_handling = self.handling.handling(PieceEffort::INITIAL).unwrap_or_else(|found| {
            problems.0.extend(found);
            PieceEffort::INITIAL
        });
        let lead_days = problems.number("lead_days", &self.lead_days, 0, MAX_LEAD_DAYS, "일");
        problems.or(TruckSettings { depot_zip, default_handling, ferry_zips, lead_days })
    }
}

/// Parses `HH:MM` of one day as minutes.
pub fn parse_clock(text: &str) -> Option<i64> {
    let text = nfkc(text);
    let (hours, minutes) = text.trim().split_once(':')?;
    let part = |part: &str| part.trim().parse::<i64>().ok();
    let (hours, minutes) = (part(hours)?, part(minutes)?);
    ((0..24).contains(&hours) && (0..60).contains(&minutes)).then_some(hours * 60 + minutes)
}

/// Validation errors found so far. A parser answers any valid value after an error.
#[derive(Default)]
struct Problems(Vec<FieldProblem>);

impl Problems {
    fn add(&mut self, field: &'static str, message: &str) {
        self.0.push(FieldProblem { field, message: message.to_owned() });
    }

    fn is_empty_of(&self, fields: &[&str]) -> bool {
        !self.0.iter().any(|problem| fields.contains(&problem.field))
    }

    fn or<T>(self, value: T) -> Result<T, Vec<FieldProblem>> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0) }
    }

    fn number(&mut self, field: &'static str, text: &str, min: i64, max: i64, unit: &str) -> i64 {
        let number = nfkc(text).trim().trim_end_matches(unit).trim().parse().ok();
        number.filter(|number| (min..=max).contains(number)).unwrap_or_else(|| {
            self.add(field, &format!("{min}에서 {max}{unit} 사이로 입력해 주세요."));
            min
        })
    }

    fn volume(&mut self, field: &'static str, text: &str, min: i64) -> i64 {
        let metres: Option<f64> = nfkc(text).trim().trim_end_matches("m3").trim().parse().ok();
        #[expect(clippy::cast_possible_truncation, reason = "at most 10,000")]
        let volume =
            metres.filter(|metres| (0.0..=100.0).contains(metres)).map(|metres| (metres * 100.0).round() as i64);
        volume.filter(|volume| *volume >= min).unwrap_or_else(|| {
            self.add(field, "부피를 m³로, 100까지 입력해 주세요. 예: 1.5");
            min * VOLUME_UNITS
        })
    }

    fn time(&mut self, field: &'static str, text: &str) -> i64 {
        parse_clock(text).unwrap_or_else(|| {
            self.add(field, "시각을 08:30처럼 입력해 주세요.");
            DAY_MINUTES / 2
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> TruckForm {
        TruckForm::from(&Truck::suggestion("1호차".to_owned()))
    }

    fn fields(form: &TruckForm) -> Vec<&'static str> {
        form.truck(TruckId::UNSTORED, |_| true).err().unwrap_or_default().iter().map(|problem| problem.field).collect()
    }

    #[test]
    fn form_of_a_truck_round_trips() {
        let truck = Truck { second_round_at: Some(780), volume: 1_250, ..Truck::suggestion("2호차".to_owned()) };
        assert_eq!(TruckForm::from(&truck).truck(TruckId::UNSTORED, |_| true), Ok(truck));
    }

    #[test]
    fn all_errors_of_a_truck_are_reported_at_once() {
        let wrong = TruckForm { starts_at: "8".to_owned(), pieces: "0".to_owned(), ..TruckForm::default() };
        assert_eq!(fields(&wrong), ["name", "weekday", "starts_at", "ends_at", "crew", "volume", "pieces", "overtime"]);
        assert_eq!(fields(&TruckForm { ends_at: "08:00".to_owned(), ..form() }), ["ends_at"]);
        let elsewhere = TruckForm { depot_zip: "99999".to_owned(), ..form() };
        let problems = elsewhere.truck(TruckId::UNSTORED, |_| false).expect_err("unknown");
        assert_eq!(problems[0].field, "depot_zip");
        assert_eq!(fields(&TruckForm { second_round_at: "19:00".to_owned(), ..form() }), ["second_round_at"]);
        assert_eq!(
            fields(&TruckForm { volume: "1.5m3".to_owned(), crew: "２명".to_owned(), ..form() }),
            Vec::<&str>::new()
        );
    }

    #[test]
    fn empty_handling_field_has_the_default() {
        let form = HandlingForm { minutes: "45".to_owned(), ..HandlingForm::default() };
        assert_eq!(form.handling(PieceEffort::INITIAL), Ok(PieceEffort { minutes: 45, ..PieceEffort::INITIAL }));
        assert!(HandlingForm::default().is_empty() && !form.is_empty());
        let wrong = HandlingForm { crew: "다섯".to_owned(), volume: "1000".to_owned(), ..HandlingForm::default() };
        assert_eq!(wrong.handling(PieceEffort::INITIAL).map_err(|problems| problems.len()), Err(2));
    }

    #[test]
    fn depot_needs_a_known_postal_code() {
        let form = SettingsForm { depot_zip: "99999".to_owned(), ..SettingsForm::from(&TruckSettings::default()) };
        let problems = form.settings(|zip| zip == "39867").expect_err("unknown");
        assert_eq!(problems[0].field, "depot_zip");
        let known = SettingsForm { depot_zip: "39867".to_owned(), ..form };
        assert_eq!(known.settings(|zip| zip == "39867").map(|settings| settings.depot_zip).as_deref(), Ok("39867"));
    }
}
