//! `mukkeum import undo`: takes an applied upload back as a whole, as the page does.

use std::io::{self, Write};

use serde::Serialize;

use crate::audit::Actor;
use crate::cli::{CliError, CommandResult, Outcome, block_on, open_existing};
use crate::config::Config;
use crate::id::Id;
use crate::orders::follow::FieldChange;
use crate::orders::model::Order;
use crate::uploads::change_texts_of;
use crate::uploads::undo::rules::KeptChange;
use crate::uploads::undo::{self, UndoPlan};

#[derive(clap::Args)]
pub(in crate::cli) struct Undo {
    /// 업로드 번호. 업로드 화면의 주소나 적용할 때 나온 번호
    #[arg(value_name = "UPLOAD")]
    upload: String,
    /// 무엇이 바뀔지 보여 주기만 해요
    #[arg(long)]
    dry_run: bool,
    /// JSON으로 출력해요
    #[arg(long)]
    json: bool,
}

/// The result; also the JSON output.
#[derive(Debug, Serialize)]
struct UndoResult {
    upload: String,
    file: String,
    deleted: usize,
    restored: usize,
    kept: usize,
    products_deleted: Vec<String>,
    variants_deleted: usize,
    orders: Vec<OrderResult>,
}

#[derive(Debug, Serialize)]
struct OrderResult {
    order_number: String,
    /// deleted, restored or kept
    outcome: &'static str,
    changes: Vec<FieldChange>,
    reasons: Vec<String>,
}

impl Undo {
    pub(in crate::cli) fn run(self, config: &Config) -> CommandResult {
        let refused =
            || CliError(format!("적용한 업로드가 아니에요: {}. 업로드 화면에서 번호를 확인해 주세요.", self.upload));
        let id = Id::parse(self.upload.trim()).ok_or_else(refused)?;
        let storage = open_existing(config)?;
        let dry_run = self.dry_run;
        let plan = block_on(async {
            Ok(if dry_run {
                storage.read(move |tx| undo::plan_undo(tx, id)).await?
            } else {
                storage.write(move |tx| undo::undo(tx, id, Actor::CommandLine)).await?.map(|(plan, _)| plan)
            })
        })?;
        let plan = plan.ok_or_else(refused)?;
        let result = result(&plan);
        let printed =
            if self.json { print_json(&result) } else { print_text(&mut io::stdout().lock(), &result, dry_run) };
        match printed {
            // A closed pipe (`| head`) does not change the result.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
            _ => {}
        }
        Ok(if result.kept == 0 { Outcome::Complete } else { Outcome::Partial })
    }
}

fn result(plan: &UndoPlan) -> UndoResult {
    let row = |order: &Order, outcome, changes, kept: &[&KeptChange]| OrderResult {
        order_number: order.order_number.clone(),
        outcome,
        changes,
        reasons: kept.iter().map(|kept| reason_text(kept)).collect(),
    };
    let deleted = plan.deleted.iter().map(|order| row(order, "deleted", Vec::new(), &[]));
    let restored = plan.restored.iter().filter(|order| order.before != order.after || !order.kept.is_empty());
    let restored = restored.map(|order| {
        let outcome = if order.before == order.after { "kept" } else { "restored" };
        row(&order.before, outcome, order.changes(), &order.kept.iter().collect::<Vec<_>>())
    });
    let kept = plan.kept.iter().map(|(order, kept)| row(order, "kept", Vec::new(), &[kept]));
    UndoResult {
        upload: plan.upload.id.to_string(),
        file: plan.upload.file_name.clone(),
        deleted: plan.deleted.len(),
        restored: plan.restored_count(),
        kept: plan.kept_count(),
        products_deleted: plan.products.iter().map(|product| product.number.clone()).collect(),
        variants_deleted: plan.variants.len(),
        orders: deleted.chain(restored).chain(kept).collect(),
    }
}

fn reason_text(kept: &KeptChange) -> String {
    if kept.fields.is_empty() { kept.reason.clone() } else { format!("{}: {}", kept.fields.join(", "), kept.reason) }
}

fn print_json(result: &UndoResult) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, result)?;
    writeln!(out)
}

fn print_text(out: &mut impl Write, result: &UndoResult, dry_run: bool) -> io::Result<()> {
    let UndoResult { file, deleted, restored, kept, products_deleted, variants_deleted, orders, .. } = result;
    writeln!(
        out,
        "{file}: 지운 주문 {deleted}건, 이전 값으로 되돌린 주문 {restored}건, 그대로 둔 주문 {kept}건, \
         지운 상품 {}개, 지운 옵션 {variants_deleted}개",
        products_deleted.len()
    )?;
    for order in orders {
        if !order.changes.is_empty() {
            writeln!(out, "  {} 되돌림: {}", order.order_number, change_texts_of(&order.changes).join(", "))?;
        }
        if !order.reasons.is_empty() {
            writeln!(out, "  {} 그대로: {}", order.order_number, order.reasons.join(" / "))?;
        }
    }
    if dry_run {
        writeln!(out, "미리 보기예요. 아무것도 바꾸지 않았어요.")?;
    }
    Ok(())
}
