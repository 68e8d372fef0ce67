//! SQL of the shop's data, in table `settings`.

use super::model::{DEFAULT_CLAIM_DATA_HOURS, Shop, SlipPaper};
use crate::storage::{Result, Tx};

/// Loads the shop's data.
pub fn find(tx: &mut dyn Tx) -> Result<Shop> {
    let mut shop = Shop::default();
    for mut row in tx.query("SELECT name, value FROM settings WHERE name LIKE 'shop.%'", &[])? {
        let (name, value) = (row.text(0)?, row.text(1)?);
        match name.as_str() {
            "shop.name" => shop.name = value,
            "shop.tel" => shop.tel = value,
            "shop.address" => shop.address = value,
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
    for (name, value) in [
        ("shop.name", &shop.name),
        ("shop.tel", &shop.tel),
        ("shop.address", &shop.address),
        ("shop.claim_data_hours", &hours),
        ("shop.slip_paper", &paper),
        ("shop.helper", &shop.helper),
    ] {
        tx.upsert("settings", &[("name", name.into())], &[("value", value.into())])?;
    }
    Ok(())
}
