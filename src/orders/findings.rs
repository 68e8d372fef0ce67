//! Products and variants that new orders name: which are missing, renamed or disabled.

use serde::{Deserialize, Serialize};

use crate::channels::ColumnDrift;

/// A product that is created because an order names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FoundProduct {
    /// 판매자 상품코드
    pub product_number: String,
    /// 상품명 in the file
    pub product_name: String,
}

/// A variant that is created because an order names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FoundVariant {
    /// whose option
    pub product_number: String,
    /// 색상
    pub key: String,
    /// 아이보리
    pub value: String,
}

/// A product whose name in the file differs from its stored name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RenamedProduct {
    /// 판매자 상품코드
    pub product_number: String,
    /// the stored name, which is kept
    pub product_name: String,
    /// the name in the file
    pub file_name: String,
}

/// A disabled product with the number of its new orders, which the order list hides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DisabledProduct {
    /// 판매자 상품코드
    pub product_number: String,
    /// its orders in the file
    pub orders: i64,
}

/// Products and variants that new orders name and that are missing, renamed or disabled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// products to create
    pub products_created: Vec<FoundProduct>,
    /// variants to create
    pub variants_created: Vec<FoundVariant>,
    /// products with a different name in the file; reported, not applied
    pub other_names: Vec<RenamedProduct>,
    /// disabled products among them
    #[serde(default)]
    pub disabled: Vec<DisabledProduct>,
    /// the file is a list of tracking numbers and does not name the courier
    #[serde(default)]
    pub courier_missing: bool,
    /// which part of the file was read, in Korean sentences: sheets, hidden rows, repeated columns
    #[serde(default)]
    pub notes: Vec<String>,
    /// rows below the header that are no data: blank, totals, notes
    #[serde(default)]
    pub ignored: usize,
    /// columns that the profile reads and the file lacks, and the other way round
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<ColumnDrift>,
}
