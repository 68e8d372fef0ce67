//! Fuzz target for the bytes of a file: open it, recognise its kind, check every row, write rejected rows. Nothing may
//! panic, and memory use must stay small. Small limits keep each run short.
#![no_main]

use std::ops::ControlFlow;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use mukkeum::channels::{FileKind, OtherSheets, Profiles, write_rejected_rows};
use mukkeum::sheets::{Limits, open};
use mukkeum::uploads::check;

const LIMITS: Limits = Limits { bytes: 1 << 20, xls_bytes: 1 << 20, rows: 2_000, columns: 300, cells: 100_000 };

fn profiles() -> &'static Profiles {
    static PROFILES: OnceLock<Profiles> = OnceLock::new();
    PROFILES.get_or_init(|| Profiles::shipped().expect("embedded profiles are right"))
}

fuzz_target!(|bytes: &[u8]| {
    let profiles = profiles();
    let Ok(mut workbook) = open(bytes.to_vec(), Some("1234"), LIMITS) else { return };
    let Ok(table) = profiles.recognise_any(&mut workbook) else {
        for sheet in 0..workbook.sheets().len().min(4) {
            let _ = workbook.rows(sheet, &mut |_| ControlFlow::Continue(()));
        }
        return;
    };
    let _ = OtherSheets::find(&mut workbook, &table);
    let mut rows = Vec::new();
    let mut seen = |row: u32| {
        rows.push((row, String::from("사유")));
        ControlFlow::Continue(())
    };
    let _ = match table.profile.kind {
        FileKind::Orders => check::check_orders(&mut workbook, &table, &mut |row| seen(row.row)),
        FileKind::Tracking => check::check_tracking(&mut workbook, &table, &mut |row| seen(row.row)),
        FileKind::States => check::check_states(&mut workbook, &table, &mut |row| seen(row.row)),
        FileKind::Settlement => check::check_listed(&mut workbook, &table, &mut |row| seen(row.row)),
    };
    rows.truncate(20);
    let _ = write_rejected_rows(&mut workbook, &[(&table, rows)]);
});
