//! A page of deliveries among a million.
//!
//! A list is a row of [`Section`]s, each sorted by one index: by state, one a state; by 희망배송일, the
//! dated and then the undated ones. What a section's filters leave over is counted, up to
//! [`COUNTED`], by the index of its narrowest filter. When that ends before the bound, a page is
//! *gathered*: that index is read whole and sorted. Otherwise so much is left over that the index of
//! the sort is *walked* and soon fills the page. [`search`] narrows by words.

mod search;

use chrono::Datelike;

use super::filter::{DeliveryFilter, Place, Preferred, Sort};
use super::model::{DeliveryState, came_later};
use super::store::{self, Delivery};
use crate::orders::list::{Listed, Total, listed};
use crate::orders::model::ShippingMethod;
use crate::orders::terms::search_words;
use crate::storage::{PRIMARY, Param, Result, Tx, placeholders};

/// Deliveries are counted up to here. Small under test, so that a small shop reaches what lies
/// beyond.
const COUNTED: i64 = if cfg!(test) { 60 } else { 50_000 };

/// Of a section that is most of the list no more than this are gathered and sorted: walking to a page
/// is shorter then.
const GATHERED: i64 = if cfg!(test) { 20 } else { 1_000 };

/// A delivery with the orders it carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// the delivery
    pub delivery: Delivery,
    /// its orders, oldest first
    pub orders: Vec<Part>,
}

/// An order of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// the order with its product and labels
    pub listed: Listed,
    /// it came when the slip was printed already, or when all the others could go
    pub came_later: bool,
}

impl Carried {
    /// The order that stands for all: whose recipient is the delivery's.
    pub fn primary(&self) -> Option<&Listed> {
        let primary = self.orders.iter().find(|part| Some(part.listed.order.id) == self.delivery.primary_order_id);
        primary.or(self.orders.first()).map(|part| &part.listed)
    }

    /// What customers wrote, each message once.
    pub fn customer_messages(&self) -> Vec<&str> {
        self.texts(|listed| &listed.order.customer_message)
    }

    /// What the office wrote for the delivery team, each memo once.
    pub fn shipping_memos(&self) -> Vec<&str> {
        self.texts(|listed| &listed.order.shipping_memo)
    }

    fn texts(&self, text: fn(&Listed) -> &String) -> Vec<&str> {
        let mut texts: Vec<&str> = Vec::new();
        for part in &self.orders {
            let text = text(&part.listed).trim();
            if !text.is_empty() && !texts.contains(&text) {
                texts.push(text);
            }
        }
        texts
    }
}

/// A page of identifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// in the sequence of the list
    pub ids: Vec<i64>,
    /// of the whole list
    pub total: Total,
    /// too much answers the search to look at all of it
    pub search_was_cut: bool,
}

/// The deliveries from `offset`, at most `size`.
pub fn find(tx: &mut dyn Tx, filter: &DeliveryFilter, offset: i64, size: i64) -> Result<Found> {
    let words = search_words(&filter.search);
    if !words.is_empty() {
        return search::search(tx, filter, &words, offset, size);
    }
    let (mut ids, mut before) = (Vec::new(), 0);
    for section in sections(filter) {
        let (count, missing, within) = (section.count(tx)?, size - length(&ids), (offset - before).max(0));
        if count <= COUNTED {
            if missing > 0 && within < count {
                ids.extend(section.ids(tx, count, within, missing)?);
            }
            before += count;
            continue;
        }
        let found = if missing > 0 { section.ids(tx, count, within, missing)? } else { Vec::new() };
        let (read, full) = (length(&found), length(&found) == missing);
        ids.extend(found);
        if full {
            let total = Total::AtLeast(before + (within + read).max(COUNTED));
            return Ok(Found { ids, total, search_was_cut: false });
        }
        before += if read > 0 { within + read } else { section.length(tx)? };
    }
    Ok(Found { ids, total: Total::Exactly(before), search_was_cut: false })
}

/// The deliveries of these identifiers with their orders, in the sequence given.
pub fn carried(tx: &mut dyn Tx, ids: &[i64]) -> Result<Vec<Carried>> {
    let mut carried = Vec::with_capacity(ids.len());
    for some in ids.chunks(100) {
        let joined = store::joined(tx, some)?;
        let order_ids: Vec<i64> = joined.iter().map(|joined| joined.order_id).collect();
        let mut orders = listed(tx, &order_ids)?.into_iter().zip(&joined).collect::<Vec<_>>();
        for delivery in store::some(tx, some)? {
            let (own, others) = orders.into_iter().partition(|(_, joined)| joined.delivery_id == delivery.id);
            orders = others;
            let part = |(listed, joined): (Listed, &store::Joined)| Part {
                listed,
                came_later: came_later(joined.at, delivery.printed_at, delivery.ready_at),
            };
            let orders = Vec::into_iter(own).map(part).collect();
            carried.push(Carried { delivery, orders });
        }
    }
    Ok(carried)
}

/// At most `size` of the identifiers, from `offset`.
fn page_of(ids: impl IntoIterator<Item = i64>, offset: i64, size: i64) -> Vec<i64> {
    let skip = usize::try_from(offset).unwrap_or(usize::MAX);
    let take = usize::try_from(size).unwrap_or(usize::MAX);
    ids.into_iter().skip(skip).take(take).collect()
}

fn length(ids: &[i64]) -> i64 {
    i64::try_from(ids.len()).unwrap_or(i64::MAX)
}

/// A part of a list that one index sorts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Section {
    states: Vec<DeliveryState>,
    methods: Vec<ShippingMethod>,
    place: Place,
    zip_codes: Vec<String>,
    preferred: Preferred,
    order: Order,
    descending: bool,
}

/// What sorts a section; deliveries that are alike in it are sorted by their identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Made,
    Preferred,
    District,
}

impl Order {
    /// The index to walk.
    const fn index(self) -> &'static str {
        match self {
            Self::Made => PRIMARY,
            Self::Preferred => "deliveries_by_date",
            Self::District => "deliveries_by_district",
        }
    }

    const fn column(self) -> &'static str {
        match self {
            Self::Made => "id",
            Self::Preferred => "preferred_shipping_date",
            Self::District => "sigungu",
        }
    }

    fn sql(self, descending: bool) -> String {
        let direction = if descending { "DESC" } else { "ASC" };
        match self {
            Self::Made => format!("id {direction}"),
            Self::Preferred | Self::District => format!("{} {direction}, id {direction}", self.column()),
        }
    }
}

fn sections(filter: &DeliveryFilter) -> Vec<Section> {
    let whole = Section {
        states: chosen(&filter.states, &DeliveryState::ALL),
        methods: chosen(&filter.methods, &ShippingMethod::ALL),
        place: filter.place,
        zip_codes: filter.zip_codes.clone(),
        preferred: filter.preferred,
        order: Order::Made,
        descending: true,
    };
    match filter.sort {
        Sort::Newest => vec![whole],
        Sort::District { descending } => vec![Section { order: Order::District, descending, ..whole }],
        Sort::DirectFirst => {
            let (direct, others) = whole.methods.iter().partition(|method| **method == ShippingMethod::Direct);
            let of = |methods| Section { methods, ..whole.clone() };
            [direct, others].into_iter().filter(|methods: &Vec<_>| !methods.is_empty()).map(of).collect()
        }
        Sort::Preferred { descending } => {
            let whole = Section { order: Order::Preferred, descending, ..whole };
            if whole.preferred != Preferred::Any {
                return vec![whole];
            }
            [Preferred::Some, Preferred::None].map(|preferred| Section { preferred, ..whole.clone() }).into()
        }
        Sort::State { descending } => {
            let mut states = whole.states.clone();
            if descending {
                states.reverse();
            }
            states.into_iter().map(|state| Section { states: vec![state], ..whole.clone() }).collect()
        }
    }
}

/// What was chosen; nothing chosen is everything.
fn chosen<T: Copy>(chosen: &[T], all: &[T]) -> Vec<T> {
    if chosen.is_empty() { all.to_vec() } else { chosen.to_vec() }
}

/// A condition and what it is bound to.
type Condition = (String, Vec<Param<'static>>);

impl Section {
    /// The index of the narrowest filter. Through that of the states everything is found when all
    /// states and methods are named, and a range of dates under each of them.
    fn narrowest(&self) -> &'static str {
        let finished = self.states.contains(&DeliveryState::Completed);
        match (self.place, self.preferred) {
            (Place::Sigungu(_) | Place::Gu { .. } | Place::Unclassified, _) => "deliveries_by_district",
            (Place::Sido(_), Preferred::Any | Preferred::Some | Preferred::None) if finished => {
                "deliveries_by_district"
            }
            _ => "deliveries_by_state",
        }
    }

    /// The conditions. Those that name all there is are there only for the index that begins with
    /// them.
    fn conditions(&self, index: &str, more: Option<Condition>) -> (String, Vec<Param<'static>>) {
        let by_state = index == "deliveries_by_state";
        let mut conditions = Vec::new();
        // First what leaves over least: they are looked at in this sequence.
        match self.place {
            Place::Anywhere => {}
            Place::Sido(code) => {
                conditions.push(("sigungu BETWEEN ? AND ?".to_owned(), vec![code.into(), (code + 999).into()]));
            }
            Place::Sigungu(code) => conditions.push(("sigungu = ?".to_owned(), vec![code.into()])),
            Place::Gu { city, gu } => {
                conditions.push(("sigungu = ?".to_owned(), vec![city.into()]));
                let of_primary = "(SELECT o.recipient_zip_code FROM orders o WHERE o.id = primary_order_id)";
                let sql = match (self.zip_codes.len(), gu) {
                    (0, None) => "1 = 1".to_owned(),
                    (0, Some(_)) => "1 = 0".to_owned(),
                    (count, None) => format!("{of_primary} NOT IN ({})", placeholders(count)),
                    (count, Some(_)) => format!("{of_primary} IN ({})", placeholders(count)),
                };
                conditions.push((sql, self.zip_codes.iter().cloned().map(Param::from).collect()));
            }
            Place::Unclassified => conditions.push(("sigungu IS NULL".to_owned(), Vec::new())),
        }
        if by_state || self.states.len() < DeliveryState::ALL.len() {
            let states = self.states.iter().map(|state| (*state as i64).into()).collect::<Vec<_>>();
            conditions.push((format!("state IN ({})", placeholders(states.len())), states));
        }
        if by_state || self.methods.len() < ShippingMethod::ALL.len() {
            let methods = self.methods.iter().map(|method| method.code().into()).collect::<Vec<_>>();
            conditions.push((format!("shipping_method IN ({})", placeholders(methods.len())), methods));
        }
        let date = |operator: &str, date: chrono::NaiveDate| {
            (format!("preferred_shipping_date {operator} ?"), vec![date.into()])
        };
        match self.preferred {
            Preferred::Any => {}
            Preferred::Some => conditions.push(("preferred_shipping_date IS NOT NULL".to_owned(), Vec::new())),
            Preferred::None => conditions.push(("preferred_shipping_date IS NULL".to_owned(), Vec::new())),
            Preferred::Between(from, to) => {
                conditions.extend(from.map(|from| date(">=", from)));
                conditions.extend(to.map(|to| date("<=", to)));
            }
        }
        conditions.extend(more);
        let sql: Vec<String> = conditions.iter().map(|(sql, _)| sql.clone()).collect();
        let params = conditions.into_iter().flat_map(|(_, params)| params).collect();
        (if sql.is_empty() { String::new() } else { format!("WHERE {}", sql.join(" AND ")) }, params)
    }

    /// How many there are, up to one more than [`COUNTED`].
    fn count(&self, tx: &mut dyn Tx) -> Result<i64> {
        let index = self.narrowest();
        let (conditions, params) = self.conditions(index, None);
        tx.count_up_to(COUNTED + 1, &format!("FROM deliveries {} {conditions}", tx.walking(index)), &params)
    }

    /// How many there are, however long that takes: for a page that nobody is led to.
    fn length(&self, tx: &mut dyn Tx) -> Result<i64> {
        let index = self.narrowest();
        let (conditions, params) = self.conditions(index, None);
        tx.number(&format!("SELECT count(*) FROM deliveries {} {conditions}", tx.walking(index)), &params)
    }

    /// Whether it takes in what is finished, by one of the usual methods and of all dates, of everywhere
    /// or, where the index of the sort knows the district, of a 시/도: a good part of a shop that has
    /// been at work for a while, spread over the whole list.
    fn is_most(&self) -> bool {
        let everywhere = match self.place {
            Place::Anywhere => true,
            Place::Sido(_) => self.order == Order::Preferred,
            Place::Sigungu(_) | Place::Gu { .. } | Place::Unclassified => false,
        };
        everywhere
            && self.methods.iter().any(|method| matches!(method, ShippingMethod::Direct | ShippingMethod::Parcel))
            && !matches!(self.preferred, Preferred::Between(..))
            && self.states.contains(&DeliveryState::Completed)
    }

    /// The identifiers from `offset`; `count` says whether they are gathered or walked to.
    fn ids(&self, tx: &mut dyn Tx, count: i64, offset: i64, size: i64) -> Result<Vec<i64>> {
        let walks = count > COUNTED || count > GATHERED && self.is_most();
        let index = if walks { self.order.index() } else { self.narrowest() };
        self.read(tx, index, None, offset, size)
    }

    /// The identifiers from `offset` of those that meet one more condition, through that index.
    fn read(&self, tx: &mut dyn Tx, index: &str, more: Option<Condition>, offset: i64, size: i64) -> Result<Vec<i64>> {
        if index != self.order.index() {
            return self.gather(tx, index, more, offset, size);
        }
        let (conditions, mut params) = self.conditions(index, more);
        params.extend([size.into(), offset.into()]);
        let sql = format!(
            "SELECT id FROM deliveries {} {conditions} ORDER BY {} LIMIT ? OFFSET ?",
            tx.walking(index),
            self.order.sql(self.descending)
        );
        let mut ids = Vec::new();
        tx.for_each(&sql, &params, &mut |row| {
            ids.push(row.int(0)?);
            Ok(())
        })?;
        Ok(ids)
    }

    /// The same through an index of another sequence: sorted here, which takes half as long as in
    /// the database.
    fn gather(
        &self,
        tx: &mut dyn Tx,
        index: &str,
        more: Option<Condition>,
        offset: i64,
        size: i64,
    ) -> Result<Vec<i64>> {
        let (conditions, params) = self.conditions(index, more);
        let sql = format!("SELECT id, {} FROM deliveries {} {conditions}", self.order.column(), tx.walking(index));
        let mut keys: Vec<(Option<i64>, i64)> = Vec::new();
        tx.for_each(&sql, &params, &mut |row| {
            let key = match self.order {
                Order::Preferred => row.opt_date(1)?.map(|date| i64::from(date.num_days_from_ce())),
                Order::Made | Order::District => row.opt_int(1)?,
            };
            keys.push((key, row.int(0)?));
            Ok(())
        })?;
        keys.sort_unstable();
        if self.descending {
            keys.reverse();
        }
        Ok(page_of(keys.into_iter().map(|(_, id)| id), offset, size))
    }
}
