//! What 법 점검 measures, as metrics for Prometheus.

use metrics::gauge;

use super::LawScope;
use super::store::{self, breaches, law, requests, seals};
use crate::consumer;
use crate::storage::{Result, Storage, Tx};
use crate::time::Moment;

/// Values of the metrics, in the order of their description.
type Values = [(&'static str, f64); 17];

fn seconds(at: Option<Moment>) -> f64 {
    at.map_or(0.0, |at| number(at.0 / 1_000))
}

#[expect(clippy::cast_precision_loss, reason = "counts and seconds are far below 2^52")]
fn number(value: i64) -> f64 {
    value as f64
}

fn count(value: usize) -> f64 {
    number(i64::try_from(value).unwrap_or(i64::MAX))
}

/// Measures all of them.
fn values(tx: &mut dyn Tx, scope: LawScope) -> Result<Values> {
    let (measured, today) = (law::measure(tx, scope)?, tx.now().date());
    let (destruction, seals) = (store::status(tx, scope.keep)?, seals::status(tx)?);
    let (admins, with_app) = measured.admins;
    let yesterday = today.pred_opt().unwrap_or(today);
    Ok([
        ("mukkeum_law_verification_timestamp_seconds", seconds(measured.verification.map(|done| done.at))),
        ("mukkeum_law_verification_faults", count(measured.verification.map_or(0, |done| done.faults))),
        ("mukkeum_law_records_guarded", number(measured.is_guarded.into())),
        ("mukkeum_law_access_years", number(measured.access_years.into())),
        ("mukkeum_law_unencrypted", number(measured.is_insecure.into())),
        ("mukkeum_law_inspections_due", count(measured.due_inspections)),
        ("mukkeum_law_unclassified_columns", count(measured.unclassified)),
        ("mukkeum_law_admins_without_totp", number(admins - with_app)),
        ("mukkeum_law_idle_members", number(measured.idle_members)),
        ("mukkeum_law_destruction_timestamp_seconds", seconds(destruction.checked_at)),
        ("mukkeum_law_overdue_orders", number(destruction.overdue)),
        ("mukkeum_law_unsettled_orders", number(destruction.open)),
        ("mukkeum_law_sealing_timestamp_seconds", seconds(seals.checked_at)),
        ("mukkeum_law_sealed_orders", number(seals.sealed)),
        ("mukkeum_law_late_orders", number(consumer::store::count_late(tx, today)?.number())),
        ("mukkeum_law_late_requests", number(requests::count_due(tx, yesterday)?)),
        ("mukkeum_law_open_breaches", number(breaches::count_open(tx)?)),
    ])
}

/// Measures and exports all of them.
///
/// # Errors
/// The database failed; the metrics keep their last values.
pub async fn export(storage: &Storage, scope: LawScope) -> Result<()> {
    let values = storage.read_replica(move |tx| values(tx, scope)).await?;
    for (name, value) in values {
        gauge!(name).set(value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::testing::{DAY_MS, Shop};
    use crate::privacy::RetentionYears;

    #[test]
    fn metrics_say_what_the_page_says() {
        let shop = Shop::open();
        shop.write(|tx, _| {
            let sql =
                "INSERT INTO members (id, username, role, password_hash, created_at) VALUES (1, 'a', 'admin', '', ?)";
            let created = tx.now().plus_ms(-100 * DAY_MS);
            tx.exec(sql, &[created.into()])?;
            seals::save_check(tx)
        })
        .expect("writes");
        let scope =
            LawScope { access_years: 1, keep: RetentionYears::new(5), seal: None, is_public: true, is_insecure: true };
        let measured = shop.read(move |tx, _| values(tx, scope)).expect("measures");
        let value = |name: &str| {
            let found = measured.iter().find(|(metric, _)| *metric == format!("mukkeum_law_{name}"));
            found.map(|(_, value)| *value)
        };
        assert_eq!((value("admins_without_totp"), value("idle_members")), (Some(1.0), Some(1.0)));
        assert_eq!((value("unclassified_columns"), value("overdue_orders")), (Some(0.0), Some(0.0)));
        assert_eq!([value("records_guarded"), value("access_years"), value("unencrypted")], [Some(1.0); 3]);
        assert_eq!(value("verification_timestamp_seconds"), Some(0.0), "never verified");
        assert!(value("sealing_timestamp_seconds").is_some_and(|at| at > 1.7e9));
    }
}
