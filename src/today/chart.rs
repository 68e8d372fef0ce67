//! Pictures of what goes out: bars by day and by district, as lengths for inline SVG. A table has the same numbers.

use chrono::{Days, NaiveDate};

use crate::deliveries::store::overview::DayRegionCount;
use crate::districts::Districts;
use crate::orders::bundle::DeliveryState;
use crate::orders::model::ShippingMethod;

/// Days of the chart, from today.
pub const CHART_DAYS: u64 = 7;

/// Districts of the chart; the others are one bar.
const MAX_DISTRICTS: usize = 8;

/// Height or length of the longest bar, in units of the picture.
const BAR_LENGTH: i64 = 100;

/// The overview of all districts, with the deliveries of the coming days.
const OVERVIEW_URL: &str = "/districts";

/// A bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// day or district
    pub label: String,
    /// deliveries
    pub count: i64,
    /// 0 to 100
    pub length: i64,
    /// the deliveries; none where one link cannot list them
    pub href: Option<String>,
}

/// Own deliveries under way by 희망배송일 and district.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryChart {
    /// today and the following days
    pub days: Vec<Bar>,
    /// districts of these days, the largest first
    pub districts: Vec<Bar>,
}

impl DeliveryChart {
    /// Whether nothing goes out.
    pub fn is_empty(&self) -> bool {
        self.days.iter().all(|bar| bar.count == 0)
    }

    /// The chart of the days from `today`.
    pub fn new(counts: &[DayRegionCount], districts: &Districts, today: NaiveDate) -> Self {
        let days = (0..CHART_DAYS).map(|days| today + Days::new(days)).map(|day| {
            let count = counts.iter().filter(|count| count.day == day).map(|count| count.deliveries).sum();
            Bar { label: day_label(day, today), count, length: 0, href: Some(list_url(day, day, None)) }
        });
        let last = today + Days::new(CHART_DAYS - 1);
        let mut regions: Vec<(Option<i64>, i64)> = Vec::new();
        for count in counts {
            match regions.iter_mut().find(|(code, _)| *code == count.sigungu_code) {
                Some((_, sum)) => *sum += count.deliveries,
                None => regions.push((count.sigungu_code, count.deliveries)),
            }
        }
        regions.sort_by_key(|(code, sum)| (-sum, *code));
        let others: i64 = regions.iter().skip(MAX_DISTRICTS).map(|(_, sum)| sum).sum();
        let mut bars: Vec<Bar> = regions
            .iter()
            .take(MAX_DISTRICTS)
            .map(|(code, sum)| Bar {
                label: code.and_then(|code| districts.display_name(code)).unwrap_or_else(|| "미분류".to_owned()),
                count: *sum,
                length: 0,
                href: code.map(|code| list_url(today, last, Some(code))),
            })
            .collect();
        if others > 0 {
            bars.push(Bar {
                label: "그 밖의 지역".to_owned(),
                count: others,
                length: 0,
                href: Some(OVERVIEW_URL.to_owned()),
            });
        }
        Self { days: scaled(days.collect()), districts: scaled(bars) }
    }
}

/// Bars with their lengths relative to the longest one. A bar that counts something is seen.
fn scaled(mut bars: Vec<Bar>) -> Vec<Bar> {
    let longest = bars.iter().map(|bar| bar.count).max().unwrap_or_default().max(1);
    for bar in &mut bars {
        bar.length = (bar.count * BAR_LENGTH / longest).max(i64::from(bar.count > 0));
    }
    bars
}

/// `오늘`, `내일`, `12/1 (화)`
fn day_label(day: NaiveDate, today: NaiveDate) -> String {
    match (day - today).num_days() {
        0 => "오늘".to_owned(),
        1 => "내일".to_owned(),
        _ => {
            let text = crate::time::date_with_weekday(day);
            let weekday = text.split_once(' ').map_or("", |(_, weekday)| weekday);
            format!("{} {weekday}", day.format("%-m/%-d"))
        }
    }
}

fn list_url(from: NaiveDate, to: NaiveDate, sigungu_code: Option<i64>) -> String {
    let states = DeliveryState::UNDER_WAY.map(|state| format!("state={}&", state.code())).concat();
    let district = sigungu_code.map(|code| format!("&sido={}&sigungu={code}", code / 1000)).unwrap_or_default();
    format!("/deliveries?{states}method={}&date_from={from}&date_to={to}{district}", ShippingMethod::Direct.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(day: &str, sigungu_code: Option<i64>, deliveries: i64) -> DayRegionCount {
        DayRegionCount { day: crate::time::parse_date(day).expect("a date"), sigungu_code, deliveries }
    }

    fn chart(counts: &[DayRegionCount]) -> DeliveryChart {
        DeliveryChart::new(counts, &Districts::embedded(), crate::time::parse_date("2026-11-30").expect("a date"))
    }

    #[test]
    fn days_are_named_and_scaled_to_the_longest() {
        let chart = chart(&[count("2026-11-30", None, 4), count("2026-12-01", Some(47_110), 1)]);
        let seen: Vec<_> = chart.days.iter().take(3).map(|bar| (bar.label.as_str(), bar.count, bar.length)).collect();
        assert_eq!(seen, [("오늘", 4, 100), ("내일", 1, 25), ("12/2 (수)", 0, 0)]);
        assert_eq!(chart.days.len(), 7);
        assert!(!chart.is_empty() && super::DeliveryChart::default().is_empty());
    }

    #[test]
    fn largest_districts_have_a_bar_and_the_rest_share_one() {
        let counts: Vec<_> = (0..10).map(|n| count("2026-11-30", Some(47_110 + 10 * n), 20 - n)).collect();
        let chart = chart(&counts);
        assert_eq!(chart.districts.len(), MAX_DISTRICTS + 1);
        assert_eq!(chart.districts[0].count, 20);
        let rest = chart.districts.last().expect("a bar");
        let href = rest.href.as_deref();
        assert_eq!(
            (rest.label.as_str(), rest.count, rest.length, href),
            ("그 밖의 지역", 12 + 11, 100, Some("/districts"))
        );
        assert!(chart.districts[0].href.as_deref().is_some_and(|href| href.contains("sigungu=47110")));
    }
}
