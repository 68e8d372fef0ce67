//! SQL of the shop's data, in table `settings`.

use super::model::{DEFAULT_CLAIM_DATA_HOURS, Shop, SlipPaper};
use crate::storage::{Result, Tx};

/// Name of the setting that masks the lists of 주문 담당; its value is `1`.
const MASK_LISTS: &str = "shop.mask_lists";

/// Whether the lists of 주문 담당 are masked. One row by its key.
pub fn masks_lists(tx: &mut dyn Tx) -> Result<bool> {
    let row = tx.query_one("SELECT value FROM settings WHERE name = ?", &[MASK_LISTS.into()])?;
    row.map_or(Ok(false), |mut row| Ok(row.text(0)? == "1"))
}

/// Telephone number of the shop, or empty. One row by its key.
pub fn tel(tx: &mut dyn Tx) -> Result<String> {
    let row = tx.query_one("SELECT value FROM settings WHERE name = 'shop.tel'", &[])?;
    row.map_or(Ok(String::new()), |mut row| row.text(0))
}

/// Loads the shop's data.
pub fn find(tx: &mut dyn Tx) -> Result<Shop> {
    let mut shop = Shop::default();
    for mut row in tx.query("SELECT name, value FROM settings WHERE name LIKE 'shop.%'", &[])? {
        let (name, value) = (row.text(0)?, row.text(1)?);
        match name.as_str() {
            "shop.name" => shop.name = value,
            "shop.tel" => shop.tel = value,
            "shop.address" => shop.address = value,
            "shop.origin" => shop.origin = value,
            MASK_LISTS => shop.masks_lists = value == "1",
            "shop.claim_data_hours" => {
                shop.max_claim_data_hours = value.parse().unwrap_or(DEFAULT_CLAIM_DATA_HOURS);
            }
            "shop.slip_paper" => shop.slip_paper = SlipPaper::from_code(&value).unwrap_or_default(),
            "shop.helper" => shop.helper = value,
            _ => {}
        }
    }
    Ok(shop)
}

/// Saves the shop's data.
pub fn save(tx: &mut dyn Tx, shop: &Shop) -> Result<()> {
    let (hours, paper) = (shop.max_claim_data_hours.to_string(), shop.slip_paper.code().to_owned());
    let masks_lists = if shop.masks_lists { "1" } else { "0" }.to_owned();
    for (name, value) in [
        ("shop.name", &shop.name),
        ("shop.tel", &shop.tel),
        ("shop.address", &shop.address),
        ("shop.origin", &shop.origin),
        ("shop.claim_data_hours", &hours),
        ("shop.slip_paper", &paper),
        ("shop.helper", &shop.helper),
        (MASK_LISTS, &masks_lists),
    ] {
        tx.upsert("settings", &[("name", name.into())], &[("value", value.into())])?;
    }
    Ok(())
}
