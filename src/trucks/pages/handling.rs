//! `/trucks/handling`: minutes, crew, volume and pieces of products and of their options.

pub(super) mod list;
pub(super) mod show;

use std::collections::BTreeMap;

use super::problem;
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::id::{Identifier, ProductId};
use crate::storage::{Result, Tx};
use crate::trucks::form::{FieldProblem, HandlingForm};
use crate::trucks::handling::PieceEffort;
use crate::trucks::store::{self, HandlingKey};
use crate::web::{Flash, FlashId};

/// A product or an option, with its handling as typed.
struct HandlingLine<I> {
    /// identifier of the product or variant
    id: I,
    name: String,
    /// link to the options of the product
    href: Option<String>,
    /// number of its options with a handling of their own
    own_options: usize,
    form: HandlingForm,
    /// the stored handling that the form was made from
    was: Option<PieceEffort>,
    problems: Vec<FieldProblem>,
}

impl<I: Identifier> HandlingLine<I> {
    fn new(id: I, name: String, stored: Option<PieceEffort>) -> Self {
        let form = stored.map(HandlingForm::from).unwrap_or_default();
        Self { id, name, href: None, own_options: 0, form, was: stored, problems: Vec::new() }
    }

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn problem(&self, field: &str) -> Option<&str> {
        problem(&self.problems, field)
    }

    fn was(&self) -> String {
        self.was.map(stored_text).unwrap_or_default()
    }
}

/// The handling that a form was made from, as text.
fn stored_text(handling: PieceEffort) -> String {
    let PieceEffort { minutes, crew, volume, pieces } = handling;
    format!("{minutes},{crew},{volume},{pieces}")
}

fn parse_stored(text: &str) -> Option<PieceEffort> {
    let mut numbers = text.split(',').map(|number| number.parse().ok());
    let mut next = || numbers.next().flatten();
    Some(PieceEffort { minutes: next()?, crew: next()?, volume: next()?, pieces: next()? })
}

/// A line as typed.
#[derive(Clone, Debug, Default)]
struct TypedLine {
    form: HandlingForm,
    was: Option<PieceEffort>,
}

impl TypedLine {
    /// The handling to be stored; none deletes it.
    fn parse(&self, default: PieceEffort) -> std::result::Result<Option<PieceEffort>, Vec<FieldProblem>> {
        if self.form.is_empty() { Ok(None) } else { self.form.handling(default).map(Some) }
    }
}

/// Parses fields named `minutes-ID`, `crew-ID`, `volume-ID`, `pieces-ID` and `was-ID`.
fn parse_lines<I: Identifier>(pairs: Vec<(String, String)>) -> BTreeMap<I, TypedLine> {
    let mut lines = BTreeMap::<I, TypedLine>::new();
    for (name, value) in pairs {
        let Some((field, id)) = name.split_once('-') else { continue };
        let Some(id) = I::parse(id) else { continue };
        let line = lines.entry(id).or_default();
        match field {
            "minutes" => line.form.minutes = value,
            "crew" => line.form.crew = value,
            "volume" => line.form.volume = value,
            "pieces" => line.form.pieces = value,
            "was" => line.was = parse_stored(&value),
            _ => {}
        }
    }
    lines
}

/// The outcome of saving: lines that were not saved, with their messages, and the flash message.
struct SaveOutcome<I> {
    rejected: BTreeMap<I, (TypedLine, Vec<FieldProblem>)>,
    flash: FlashId,
}

/// Saves the changed lines. `key` makes the stored key of a line.
fn save<I: Identifier>(
    tx: &mut dyn Tx,
    actor: MemberActor,
    lines: &BTreeMap<I, TypedLine>,
    default: PieceEffort,
    (product_id, key): (Option<ProductId>, impl Fn(I) -> HandlingKey),
) -> Result<SaveOutcome<I>> {
    let (mut saved, mut rejected) = (Vec::new(), BTreeMap::new());
    for (id, line) in lines {
        match line.parse(default) {
            Ok(is) if is == line.was => {}
            Ok(is) if store::set_handling(tx, key(*id), line.was, is)? => saved.push(*id),
            Ok(_) => {
                let message = "그 사이 다른 사람이 바꿨어요. 새로고침해서 확인해 주세요.".to_owned();
                rejected.insert(*id, (line.clone(), vec![FieldProblem { field: "minutes", message }]));
            }
            Err(problems) => {
                rejected.insert(*id, (line.clone(), problems));
            }
        }
    }
    let event = AuditEvent::HandlingSaved { saved: saved.len(), rejected: rejected.len() };
    if !saved.is_empty() {
        let object = product_id.map_or_else(|| AuditObject::of(&saved), AuditObject::one);
        audit::record(tx, actor, object, &event)?;
    }
    let flash = match (saved.is_empty(), rejected.is_empty()) {
        (true, true) => Flash::warning("바뀐 내용이 없어요."),
        (_, true) => Flash::success(event.sentence()),
        (_, false) => Flash::warning(event.sentence()),
    };
    Ok(SaveOutcome { rejected, flash: flash.save(tx, actor.id)? })
}

/// Shows what was typed in the lines that were not saved.
fn show_rejected<I: Identifier>(lines: &mut [HandlingLine<I>], rejected: BTreeMap<I, (TypedLine, Vec<FieldProblem>)>) {
    for (id, (typed, problems)) in rejected {
        if let Some(line) = lines.iter_mut().find(|line| line.id == id) {
            (line.form, line.was, line.problems) = (typed.form, typed.was, problems);
        }
    }
}
