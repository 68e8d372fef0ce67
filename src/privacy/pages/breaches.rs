//! `/privacy/breaches`: the worksheets of leaks.

pub(super) mod close;
pub(super) mod list;
pub(super) mod people;
pub(super) mod show;
pub(super) mod steps;

use std::net::IpAddr;

use serde::Deserialize;

use crate::access::list::usernames;
use crate::id::Id;
use crate::privacy::breach::{Breach, BreachCause, BreachScope, DeviceScope, MAX_STORY_CHARS};
use crate::privacy::store::breaches::{self, BreachDraft};
use crate::storage::{Result, Tx};
use crate::text::multi_line;
use crate::time::{Moment, parse_moment};

/// Most addresses of a case: a network is entered as its single addresses.
const MAX_ADDRESSES: usize = 50;

/// What is entered about a case.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct BreachForm {
    cause: String,
    confirmed: String,
    noticed: String,
    from: String,
    to: String,
    member: Vec<String>,
    device: Vec<String>,
    addresses: String,
    story: String,
    measures: String,
}

/// A member or device that may be chosen.
#[derive(Clone, Debug)]
struct ScopeChoice {
    value: String,
    label: String,
    is_chosen: bool,
}

/// A moment as the fields of the form show it.
fn field(at: Moment) -> String {
    at.kst().format("%Y-%m-%dT%H:%M").to_string()
}

impl BreachForm {
    /// The form of a new case: the last day.
    fn new(now: Moment) -> Self {
        Self {
            cause: BreachCause::Outside.code().to_owned(),
            noticed: field(now),
            from: field(now.plus_ms(-24 * 60 * 60 * 1000)),
            to: field(now),
            ..Self::default()
        }
    }

    fn of(breach: &Breach) -> Self {
        let device = |device: &DeviceScope| format!("{} {}", device.member_id, device.description);
        Self {
            cause: breach.cause.code().to_owned(),
            confirmed: if breach.is_confirmed { "1".to_owned() } else { String::new() },
            noticed: field(breach.noticed_at),
            from: field(breach.window.0),
            to: field(breach.window.1),
            member: breach.scope.members.iter().map(ToString::to_string).collect(),
            device: breach.scope.devices.iter().map(device).collect(),
            addresses: breach.scope.addresses.join("\n"),
            story: breach.story.clone(),
            measures: breach.measures.clone(),
        }
    }

    /// The case that was entered, or what is wrong.
    fn draft(&self, now: Moment, devices: &[(DeviceScope, String)]) -> std::result::Result<BreachDraft, &'static str> {
        let cause = BreachCause::from_code(&self.cause).ok_or("무슨 일인지 선택해 주세요.")?;
        // A minute means its start, except at the end of the window.
        let start = |text: &str| parse_moment(&format!("{}:00", text.trim())).or_else(|| parse_moment(text));
        let noticed_at = start(&self.noticed).ok_or("알게 된 때를 입력해 주세요.")?;
        let window = start(&self.from).zip(parse_moment(&self.to)).ok_or("살펴볼 기간을 입력해 주세요.")?;
        if window.1 < window.0 {
            return Err("기간의 끝이 시작보다 빨라요.");
        }
        if noticed_at > now {
            return Err("알게 된 때가 아직 오지 않았어요.");
        }
        let members = self.member.iter().filter_map(|id| Id::parse(id)).collect();
        let lines = self.addresses.split([' ', ',', '\n', '\r', '\t']).filter(|line| !line.is_empty());
        let addresses: Option<Vec<String>> =
            lines.map(|line| line.parse::<IpAddr>().ok().map(|address| address.to_string())).collect();
        let addresses = addresses.ok_or("접속한 주소를 192.168.0.20처럼 한 줄에 하나씩 입력해 주세요.")?;
        if addresses.len() > MAX_ADDRESSES {
            return Err("주소는 50개까지 입력할 수 있어요.");
        }
        let is_chosen = |device: &DeviceScope| {
            let value = format!("{} {}", device.member_id, device.description);
            self.device.contains(&value)
        };
        let devices = devices.iter().map(|(device, _)| device).filter(|device| is_chosen(device)).cloned().collect();
        let (story, measures) = (multi_line(&self.story), multi_line(&self.measures));
        if story.chars().count() > MAX_STORY_CHARS || measures.chars().count() > MAX_STORY_CHARS {
            return Err("설명은 2,000자까지 입력할 수 있어요.");
        }
        let scope = BreachScope { members, addresses, devices };
        if serde_json::to_string(&scope).map_or(usize::MAX, |json| json.chars().count()) > 4_000 {
            return Err("회원과 기기를 너무 많이 선택했어요. 몇 개만 선택하거나, 선택하지 않고 모두 살펴보세요.");
        }
        Ok(BreachDraft { cause, is_confirmed: self.confirmed == "1", noticed_at, window, scope, story, measures })
    }

    /// The members and devices to choose from.
    fn choices(&self, tx: &mut dyn Tx) -> Result<(Vec<ScopeChoice>, Vec<ScopeChoice>)> {
        let mut members: Vec<ScopeChoice> = usernames(tx)?
            .into_iter()
            .map(|(id, name)| {
                let value = id.to_string();
                ScopeChoice { is_chosen: self.member.contains(&value), value, label: name }
            })
            .collect();
        members.sort_by(|one, other| one.label.cmp(&other.label));
        let devices = breaches::devices(tx)?.into_iter().map(|(device, name)| {
            let value = format!("{} {}", device.member_id, device.description);
            let label = format!("{name} · {} ({})", device.description, device.addresses.join(", "));
            ScopeChoice { is_chosen: self.device.contains(&value), value, label }
        });
        Ok((members, devices.collect()))
    }
}
