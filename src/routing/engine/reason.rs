//! Why a stop is left out.

use serde::{Serialize, Serializer};

use super::problem::Problem;
use super::route::IgnoredRules;
use super::solution::{Solution, UNSERVED_COST};
use crate::text::coded;

coded! {
    /// A rule of the plan.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Rule {
        /// enough people on the truck
        Crew = "crew" "필요한 인원이 타는 차",
        /// one of the days of the stop
        Day = "day" "배송할 수 있는 날의 차",
        /// the truck of the stop
        Truck = "truck" "정해 둔 차의 공간",
        /// volume and pieces
        Capacity = "capacity" "차에 실을 공간",
        /// the window of the stop, and those of the stops after it
        Window = "window" "약속한 시간",
        /// shift and overtime of the truck
        Shift = "shift" "근무 시간",
        /// a stop must not cost more than a stop left out
        Cost = "cost" "다녀올 만한 거리",
    }
}

/// The rules that a plan may break; [`Rule::Cost`] is a preference.
const RULES: [Rule; 6] = [Rule::Crew, Rule::Day, Rule::Truck, Rule::Capacity, Rule::Window, Rule::Shift];

/// The fewest rules without which the stop would fit into the routes as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(Vec<Rule>);

impl Reason {
    /// The rules, at least one.
    pub fn rules(&self) -> &[Rule] {
        &self.0
    }

    /// Korean sentence.
    pub fn sentence(&self) -> String {
        let labels: Vec<_> = self.0.iter().map(|rule| rule.label()).collect();
        format!("부족한 것: {}", labels.join(", "))
    }
}

/// The codes, joined by `+`: `capacity+shift`.
impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let codes: Vec<_> = self.0.iter().map(|rule| rule.code()).collect();
        serializer.serialize_str(&codes.join("+"))
    }
}

/// Finds the reason: fewer rules first, then in the order of [`RULES`].
pub(super) fn reason(problem: &Problem, solution: &Solution, stop: usize) -> Reason {
    if fits(problem, solution, stop, 0, i32::MAX) && !fits(problem, solution, stop, 0, UNSERVED_COST) {
        return Reason(vec![Rule::Cost]);
    }
    let mut sets: Vec<u32> = (1..1 << RULES.len()).collect();
    sets.sort_by_key(|set| set.count_ones());
    let found = sets.into_iter().find(|set| fits(problem, solution, stop, *set, i32::MAX));
    // Without any truck no relaxed rule helps.
    let found = found.unwrap_or(1 << (Rule::Truck as u32));
    Reason(RULES.into_iter().filter(|rule| has(found, *rule)).collect())
}

fn has(set: u32, rule: Rule) -> bool {
    set & (1 << (rule as u32)) != 0
}

/// Whether the stop can be inserted for less than `limit` when the rules of the set are ignored.
fn fits(problem: &Problem, solution: &Solution, stop: usize, ignored: u32, limit: i32) -> bool {
    let relaxed = IgnoredRules {
        capacity: has(ignored, Rule::Capacity),
        window: has(ignored, Rule::Window),
        shift: has(ignored, Rule::Shift),
    };
    problem.trucks.iter().enumerate().any(|(number, truck)| {
        (has(ignored, Rule::Crew) || problem.has_crew(stop, number))
            && (has(ignored, Rule::Day) || problem.is_its_day(stop, number))
            && (has(ignored, Rule::Truck) || problem.is_its_truck(stop, number))
            && solution.routes[number].best_insertion(problem, truck, stop, limit, relaxed, &mut || false).is_some()
    })
}
