//! What undoes a move, as text in the address of the board that follows it. Nothing is stored: the button disappears with the
//! next change of the day.

use super::{column_text, parse_column};
use crate::id::Id;
use crate::plans::edit::FormerPosition;
use crate::plans::model::Hold;

/// Most deliveries of a move that can be undone; more would make the address too long.
const MAX_UNDONE: usize = 40;

/// Places of deliveries before a move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UndoToken {
    /// sum of the versions of the day's tours after the move
    pub(super) versions: i64,
    /// where the deliveries were
    pub(super) former: Vec<FormerPosition>,
}

impl UndoToken {
    /// The versions, and of each delivery its name, column, position and hold; none for too many.
    pub(super) fn text(&self) -> Option<String> {
        let place = |place: &FormerPosition| {
            let column = place.column.map(column_text).unwrap_or_default();
            format!("{}.{column}.{}.{}", place.key, place.at, place.hold.code())
        };
        let places: Vec<String> = self.former.iter().map(place).collect();
        (1..=MAX_UNDONE).contains(&places.len()).then(|| format!("{}_{}", self.versions, places.join("_")))
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (versions, places) = text.split_once('_')?;
        let place = |text: &str| {
            let [key, column, at, hold] = text.split('.').collect::<Vec<_>>()[..] else { return None };
            let column = match column {
                "" => None,
                column => Some(parse_column(column)?),
            };
            Some(FormerPosition { key: Id::parse(key)?, column, at: at.parse().ok()?, hold: Hold::from_code(hold)? })
        };
        let former = places.split('_').map(place).collect::<Option<Vec<_>>>()?;
        (former.len() <= MAX_UNDONE).then_some(Self { versions: versions.parse().ok()?, former })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{TruckId, WorkId};
    use crate::plans::model::ColumnKey;

    #[test]
    fn undo_is_read_as_it_was_written() {
        let column = ColumnKey { truck_id: TruckId::from_raw(9), round: 2 };
        let token = UndoToken {
            versions: 17,
            former: vec![
                FormerPosition { key: WorkId::from_raw(7), column: Some(column), at: 3, hold: Hold::Place },
                FormerPosition { key: WorkId::from_raw(8), column: None, at: 0, hold: Hold::Free },
            ],
        };
        assert_eq!(UndoToken::parse(&token.text().expect("a text")), Some(token.clone()));
        let many = UndoToken { former: vec![token.former[0]; MAX_UNDONE + 1], ..token };
        assert_eq!(many.text(), None);
        for wrong in ["", "17", "17_", "x_7.1.1.free", "17_7..0", "17_7..x.free", "17_7..0.sometimes"] {
            assert_eq!(UndoToken::parse(wrong), None, "{wrong}");
        }
    }
}
