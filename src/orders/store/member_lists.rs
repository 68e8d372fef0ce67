//! What a member keeps about the order list: its columns, named searches and the last courier.

use crate::id::{MemberId, SavedSearchId};
use crate::orders::filter::OrderQuery;
use crate::orders::list_column::{ListColumn, column_codes, parse_columns};
use crate::orders::model::Order;
use crate::storage::{Result, Tx};
use crate::time::Moment;

/// Searches that a member can keep.
pub const MAX_SAVED_SEARCHES: usize = 30;

/// Longest name of a search, in characters.
pub const MAX_SEARCH_NAME_CHARS: usize = 40;

/// Longest query string of a search, in bytes.
pub const MAX_SEARCH_QUERY_BYTES: usize = 1000;

/// A search that a member kept under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedSearch {
    /// generated identifier
    pub id: SavedSearchId,
    /// its name
    pub name: String,
    /// query string of the order list, without page
    pub query: String,
}

impl SavedSearch {
    /// Its identifier as text.
    pub fn code(&self) -> String {
        self.id.to_string()
    }
}

/// The columns of the member's list.
pub fn columns(tx: &mut dyn Tx, member_id: MemberId) -> Result<Vec<ListColumn>> {
    let row = tx.query_one("SELECT codes FROM member_columns WHERE member_id = ?", &[member_id.into()])?;
    match row {
        Some(mut row) => Ok(parse_columns(&row.text(0)?)),
        None => Ok(ListColumn::default_columns()),
    }
}

/// Keeps the columns of the member's list; the default ones are not stored.
pub fn save_columns(tx: &mut dyn Tx, member_id: MemberId, columns: &[ListColumn]) -> Result<()> {
    tx.exec("DELETE FROM member_columns WHERE member_id = ?", &[member_id.into()])?;
    if columns != ListColumn::default_columns() {
        let sql = "INSERT INTO member_columns (member_id, codes) VALUES (?, ?)";
        tx.exec(sql, &[member_id.into(), column_codes(columns).into()])?;
    }
    Ok(())
}

/// The courier that the member entered last; empty before the first.
pub fn last_courier(tx: &mut dyn Tx, member_id: MemberId) -> Result<String> {
    let row = tx.query_one("SELECT courier FROM member_couriers WHERE member_id = ?", &[member_id.into()])?;
    row.map_or(Ok(String::new()), |mut row| row.text(0))
}

/// Keeps the courier of the last of these changes that gave an order a tracking number. Each pair is an order before and
/// after.
pub fn keep_courier<'o>(
    tx: &mut dyn Tx,
    member_id: MemberId,
    changes: impl DoubleEndedIterator<Item = (&'o Order, &'o Order)>,
) -> Result<()> {
    let is_entered = |before: &Order, after: &Order| {
        let has_parcel = !after.tracking_number.is_empty() && !after.courier.is_empty();
        has_parcel && (before.tracking_number != after.tracking_number || before.courier != after.courier)
    };
    let entered = changes.rev().find(|(before, after)| is_entered(before, after));
    let Some((_, Order { courier, .. })) = entered else { return Ok(()) };
    if last_courier(tx, member_id)? == *courier {
        return Ok(());
    }
    tx.exec("DELETE FROM member_couriers WHERE member_id = ?", &[member_id.into()])?;
    let sql = "INSERT INTO member_couriers (member_id, courier) VALUES (?, ?)";
    tx.exec(sql, &[member_id.into(), courier.as_str().into()]).map(drop)
}

/// The searches that the member kept, by name.
pub fn searches(tx: &mut dyn Tx, member_id: MemberId) -> Result<Vec<SavedSearch>> {
    let sql = "SELECT id, name, query FROM saved_searches WHERE member_id = ? ORDER BY name";
    let mut rows = tx.query(sql, &[member_id.into()])?;
    rows.iter_mut().map(|row| Ok(SavedSearch { id: row.id(0)?, name: row.text(1)?, query: row.text(2)? })).collect()
}

/// Keeps the search under the name, instead of another one of that name.
///
/// # Errors
/// In the inner result: why the search is not kept.
pub fn save_search(
    tx: &mut dyn Tx,
    member_id: MemberId,
    name: &str,
    query: &OrderQuery,
) -> Result<std::result::Result<(), &'static str>> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let query = query.to_query_string(&[("page", ""), ("size", ""), ("edit", "")]);
    if name.is_empty() {
        return Ok(Err("검색의 이름을 입력해 주세요."));
    }
    if name.chars().count() > MAX_SEARCH_NAME_CHARS {
        return Ok(Err("검색의 이름은 40자까지 입력할 수 있어요."));
    }
    if query.is_empty() {
        return Ok(Err("모든 주문을 보고 있어요. 먼저 검색해 주세요."));
    }
    if query.len() > MAX_SEARCH_QUERY_BYTES {
        return Ok(Err("검색어가 길어서 저장할 수 없어요."));
    }
    let sql = "DELETE FROM saved_searches WHERE member_id = ? AND name = ?";
    tx.exec(sql, &[member_id.into(), name.as_str().into()])?;
    let count: i64 = tx.scalar("SELECT count(*) FROM saved_searches WHERE member_id = ?", &[member_id.into()])?;
    if usize::try_from(count).unwrap_or(usize::MAX) >= MAX_SAVED_SEARCHES {
        return Ok(Err("검색은 30개까지 저장할 수 있어요. 쓰지 않는 검색을 먼저 삭제해 주세요."));
    }
    let id = tx.new_id::<SavedSearchId>();
    let sql = "INSERT INTO saved_searches (id, member_id, name, query) VALUES (?, ?, ?, ?)";
    tx.exec(sql, &[id.into(), member_id.into(), name.into(), query.into()])?;
    Ok(Ok(()))
}

/// Deletes searches for a word that were kept before that moment: the word may be the name of a person whose orders are
/// destroyed.
pub fn delete_old_searches(tx: &mut dyn Tx, before: Moment) -> Result<u64> {
    let sql = "SELECT id FROM saved_searches WHERE query LIKE 'q=%' OR query LIKE '%&q=%'";
    let ids: Vec<SavedSearchId> = tx.query(sql, &[])?.iter().map(|row| row.id(0)).collect::<Result<_>>()?;
    let old: Vec<SavedSearchId> = ids.into_iter().filter(|id| id.moment() < before).collect();
    tx.delete_ids("saved_searches", "id", &old)
}

/// Deletes a search of the member; whether there was one.
pub fn delete_search(tx: &mut dyn Tx, member_id: MemberId, id: SavedSearchId) -> Result<bool> {
    let sql = "DELETE FROM saved_searches WHERE id = ? AND member_id = ?";
    Ok(tx.exec(sql, &[id.into(), member_id.into()])? > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::members::model::Role;
    use crate::members::store;
    use crate::orders::filter::DateField;
    use crate::orders::model::OrderState;
    use crate::orders::model::tests::order;
    use crate::orders::testing::Shop;

    #[test]
    fn last_courier_of_each_member_is_kept() {
        let shop = Shop::open();
        shop.write(|tx, _| {
            let kim = store::add(tx, "kim", Role::Admin, "hash")?.expect("a free name");
            let lee = store::add(tx, "lee", Role::Admin, "hash")?.expect("a free name");
            let before = order(OrderState::Dispatched);
            let sent = |number: &str, courier: &str| Order {
                tracking_number: number.to_owned(),
                courier: courier.to_owned(),
                ..before.clone()
            };
            let [logen, hanjin] = [sent("1", "로젠택배"), sent("2", "한진택배")];
            keep_courier(tx, kim, [(&before, &logen), (&before, &hanjin), (&hanjin, &hanjin)].into_iter())?;
            assert_eq!((&*last_courier(tx, kim)?, &*last_courier(tx, lee)?), ("한진택배", ""));
            keep_courier(tx, kim, [(&hanjin, &logen)].into_iter())?;
            keep_courier(tx, kim, [(&before, &sent("", "대신택배"))].into_iter())?;
            assert_eq!(last_courier(tx, kim)?, "로젠택배");
            Ok(())
        })
        .expect("writes");
    }

    #[test]
    fn columns_and_searches_belong_to_their_member() {
        let shop = Shop::open();
        shop.write(|tx, _| {
            let kim = store::add(tx, "kim", Role::Admin, "hash")?.expect("a free name");
            let lee = store::add(tx, "lee", Role::Admin, "hash")?.expect("a free name");
            let chosen = [ListColumn::Date(DateField::Shipped), ListColumn::OrderNumber];
            save_columns(tx, kim, &chosen)?;
            save_columns(tx, kim, &chosen)?;
            assert_eq!((columns(tx, kim)?, columns(tx, lee)?), (chosen.to_vec(), ListColumn::default_columns()));
            save_columns(tx, kim, &ListColumn::default_columns())?;
            assert_eq!(columns(tx, kim)?, ListColumn::default_columns());

            let query = |q: &str| OrderQuery { q: q.to_owned(), page: "3".to_owned(), ..OrderQuery::default() };
            assert!(save_search(tx, kim, "  단골 ", &query("홍길동"))?.is_ok());
            assert!(save_search(tx, kim, "단골", &query("김"))?.is_ok());
            for (name, q) in [("", "홍길동"), (&*"가".repeat(41), "홍길동"), ("모두", ""), ("긴", &*"x".repeat(1001))]
            {
                assert!(save_search(tx, kim, name, &query(q))?.is_err(), "{name}");
            }
            let kept = searches(tx, kim)?;
            assert_eq!(kept.iter().map(|one| (&*one.name, &*one.query)).collect::<Vec<_>>(), [("단골", "q=%EA%B9%80")]);
            assert!(searches(tx, lee)?.is_empty() && !delete_search(tx, lee, kept[0].id)?);
            assert!(delete_search(tx, kim, kept[0].id)? && searches(tx, kim)?.is_empty());
            Ok(())
        })
        .expect("writes");
    }
}
