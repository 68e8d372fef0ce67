//! How much time, crew and room a product takes (작업 기준).

use crate::id::ProductId;
use std::collections::HashMap;

/// Effort of one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PieceEffort {
    /// minutes at the door
    pub minutes: i64,
    /// people needed
    pub crew: i64,
    /// volume in hundredths of a cubic metre
    pub volume: i64,
    /// pieces
    pub pieces: i64,
}

impl PieceEffort {
    /// Used until the shop sets its own.
    pub const INITIAL: Self = Self { minutes: 20, crew: 2, volume: 100, pieces: 1 };

    /// The greater value of each.
    fn greatest(self, other: Self) -> Self {
        Self {
            minutes: self.minutes.max(other.minutes),
            crew: self.crew.max(other.crew),
            volume: self.volume.max(other.volume),
            pieces: self.pieces.max(other.pieces),
        }
    }
}

/// The stored handling of a product or of one of its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandlingRow {
    /// the product
    pub product_id: ProductId,
    /// key and value of the option; none is the product itself
    pub option: Option<(String, String)>,
    /// the effort
    pub handling: PieceEffort,
}

/// Effort of an order line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// of one piece
    pub handling: PieceEffort,
    /// whether nothing is set for the product, so that the default of the shop holds
    pub is_default: bool,
}

/// The handling of all products.
#[derive(Clone, Debug)]
pub struct HandlingTable {
    default: PieceEffort,
    products: HashMap<ProductId, PieceEffort>,
    options: HashMap<ProductId, HashMap<(String, String), PieceEffort>>,
}

impl HandlingTable {
    /// The table of these rows.
    pub fn new(default: PieceEffort, rows: impl IntoIterator<Item = HandlingRow>) -> Self {
        let (mut products, mut options) = (HashMap::new(), HashMap::<_, HashMap<_, _>>::new());
        for row in rows {
            match row.option {
                None => {
                    products.insert(row.product_id, row.handling);
                }
                Some(option) => {
                    options.entry(row.product_id).or_default().insert(option, row.handling);
                }
            }
        }
        Self { default, products, options }
    }

    /// The effort of one piece of a product with these options. An option replaces the product; of several options the
    /// greatest of each number holds.
    pub fn effort<'o>(&self, product_id: ProductId, options: impl IntoIterator<Item = (&'o str, &'o str)>) -> Effort {
        let of_product = self.options.get(&product_id);
        let found = options
            .into_iter()
            .filter_map(|(key, value)| of_product?.get(&(key.to_owned(), value.to_owned())).copied());
        let handling = found.reduce(PieceEffort::greatest).or_else(|| self.products.get(&product_id).copied());
        Effort { handling: handling.unwrap_or(self.default), is_default: handling.is_none() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(product_id: ProductId, option: Option<(&str, &str)>, minutes: i64, volume: i64) -> HandlingRow {
        let handling = PieceEffort { minutes, crew: 2, volume, pieces: 1 };
        HandlingRow { product_id, option: option.map(|(key, value)| (key.to_owned(), value.to_owned())), handling }
    }

    #[test]
    fn option_replaces_the_product_and_the_product_the_default() {
        let rows = [
            row(ProductId::from_raw(1), None, 30, 150),
            row(ProductId::from_raw(1), Some(("크기", "킹")), 45, 220),
            row(ProductId::from_raw(1), Some(("서랍", "있음")), 60, 180),
        ];
        let table = HandlingTable::new(PieceEffort::INITIAL, rows);
        let minutes = |product, options: &[(&'static str, &'static str)]| {
            let effort = table.effort(product, options.iter().copied());
            (effort.handling.minutes, effort.handling.volume, effort.is_default)
        };
        assert_eq!(minutes(ProductId::from_raw(1), &[("크기", "퀸")]), (30, 150, false));
        assert_eq!(minutes(ProductId::from_raw(1), &[("크기", "킹")]), (45, 220, false));
        assert_eq!(minutes(ProductId::from_raw(1), &[("크기", "킹"), ("서랍", "있음")]), (60, 220, false));
        assert_eq!(minutes(ProductId::from_raw(2), &[]), (20, 100, true));
    }
}
