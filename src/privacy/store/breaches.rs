//! SQL of leaks: cases, their steps, and the orders and people that the access records name.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::law::last_verification;
use crate::access::list::{for_each_between, usernames};
use crate::access::{ChainReport, Seal};
use crate::audit::{self, Actor, AuditEvent, AuditObject};
use crate::id::{BreachId, MemberId, OrderId};
use crate::orders::store::contacts::{OrderContacts, contacts_between, contacts_of};
use crate::privacy::breach::{
    AffectedPeople, Breach, BreachCause, BreachScope, BreachStep, DeviceScope, ExposedOrders, StepEntry, StepOutcome,
    check_cases, missing_steps, newest,
};
use crate::privacy::person::Person;
use crate::storage::{Diagnostic, Param, Result, Row, StorageError, Tx, text_limits};
use crate::time::Moment;

const COLUMNS: &str = "id, cause, is_confirmed, noticed_at, from_at, to_at, scope, story, measures, evidence, \
                       opened_at, opened_by, closed_at, people";

/// Maximum length of [`Breach::evidence`] in characters.
const MAX_EVIDENCE_CHARS: usize = 255;

/// How far back a case looks that the program opens when nothing was verified before: a month.
const UNVERIFIED_MS: i64 = 31 * 24 * 60 * 60 * 1000;

/// Entries that one transaction deletes.
const DELETE_BATCH_ROWS: i64 = 500;

/// What a member enters about a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreachDraft {
    /// why
    pub cause: BreachCause,
    /// whether it is certain
    pub is_confirmed: bool,
    /// when the shop learned of it
    pub noticed_at: Moment,
    /// first and last moment of the window
    pub window: (Moment, Moment),
    /// whose accesses
    pub scope: BreachScope,
    /// what happened
    pub story: String,
    /// what the shop does
    pub measures: String,
}

fn breach(mut row: Row) -> Result<Breach> {
    let closed_at = row.opt_moment(12)?;
    Ok(Breach {
        id: row.id(0)?,
        cause: row.code(1, "breaches.cause")?,
        is_confirmed: row.bool(2)?,
        noticed_at: row.moment(3)?,
        window: (row.moment(4)?, row.moment(5)?),
        scope: row.json(6, "breaches.scope")?,
        story: row.text(7)?,
        measures: row.text(8)?,
        evidence: row.opt_text(9)?,
        opened_at: row.moment(10)?,
        opened_by: row.opt_id(11)?,
        closed: closed_at.zip(row.opt_int(13)?.map(|people| u64::try_from(people).unwrap_or_default())),
    })
}

fn scope_json(scope: &BreachScope) -> Result<String> {
    serde_json::to_string(scope).map_err(|error| StorageError::Inconsistent(error.to_string()))
}

/// Opens a case. Returns its identifier.
pub fn open(tx: &mut dyn Tx, actor: Actor, draft: &BreachDraft, evidence: Option<&str>) -> Result<BreachId> {
    let (id, now) = (tx.new_id::<BreachId>(), tx.now());
    tx.exec(
        "INSERT INTO breaches (id, cause, is_confirmed, noticed_at, from_at, to_at, scope, story, measures, evidence, \
         opened_at, opened_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            id.into(),
            draft.cause.code().into(),
            i64::from(draft.is_confirmed).into(),
            draft.noticed_at.into(),
            draft.window.0.into(),
            draft.window.1.into(),
            scope_json(&draft.scope)?.into(),
            (&draft.story).into(),
            (&draft.measures).into(),
            evidence.into(),
            now.into(),
            actor.member_id().into(),
        ],
    )?;
    record(tx, actor, format!("새 사건, {}", draft.cause.label()))?;
    Ok(id)
}

fn record(tx: &mut dyn Tx, actor: Actor, what: String) -> Result<()> {
    audit::record(tx, actor, AuditObject::UNNUMBERED, &AuditEvent::BreachRecorded { what }).map(drop)
}

/// Saves what was entered about an open case. False if there is none.
pub fn save(tx: &mut dyn Tx, actor: Actor, id: BreachId, draft: &BreachDraft) -> Result<bool> {
    let sql = "UPDATE breaches SET cause = ?, is_confirmed = ?, noticed_at = ?, from_at = ?, to_at = ?, scope = ?, \
               story = ?, measures = ? WHERE id = ? AND closed_at IS NULL";
    let params: [Param<'_>; 9] = [
        draft.cause.code().into(),
        i64::from(draft.is_confirmed).into(),
        draft.noticed_at.into(),
        draft.window.0.into(),
        draft.window.1.into(),
        scope_json(&draft.scope)?.into(),
        (&draft.story).into(),
        (&draft.measures).into(),
        id.into(),
    ];
    if tx.exec(sql, &params)? == 0 {
        return Ok(false);
    }
    record(tx, actor, format!("{}부터 {}까지로 살펴봄", draft.window.0, draft.window.1))?;
    Ok(true)
}

/// A case.
pub fn find(tx: &mut dyn Tx, id: BreachId) -> Result<Option<Breach>> {
    let sql = format!("SELECT {COLUMNS} FROM breaches WHERE id = ?");
    tx.query_one(&sql, &[id.into()])?.map(breach).transpose()
}

/// All cases, newest first.
pub fn all(tx: &mut dyn Tx) -> Result<Vec<Breach>> {
    let sql = format!("SELECT {COLUMNS} FROM breaches ORDER BY id DESC");
    tx.query(&sql, &[])?.into_iter().map(breach).collect()
}

/// Cases that are not closed, the most urgent first.
pub fn open_cases(tx: &mut dyn Tx) -> Result<Vec<Breach>> {
    let sql = format!("SELECT {COLUMNS} FROM breaches WHERE closed_at IS NULL ORDER BY noticed_at, id");
    tx.query(&sql, &[])?.into_iter().map(breach).collect()
}

/// Number of cases that are not closed.
pub fn count_open(tx: &mut dyn Tx) -> Result<i64> {
    tx.scalar("SELECT count(*) FROM breaches WHERE closed_at IS NULL", &[])
}

/// What 법 점검 and `mukkeum doctor` say about open cases.
pub fn check(tx: &mut dyn Tx) -> Result<Diagnostic> {
    let (open, now) = (open_cases(tx)?, tx.now());
    let mut late = 0;
    for breach in &open {
        let is_told = newest(&steps(tx, breach.id)?, BreachStep::Notify).is_some();
        late += usize::from(!is_told && breach.hours_left(now) < 0);
    }
    Ok(check_cases(open.len(), late))
}

/// The steps of a case, oldest first.
pub fn steps(tx: &mut dyn Tx, breach_id: BreachId) -> Result<Vec<StepEntry>> {
    let sql = "SELECT s.step, s.outcome, s.note, s.acted_at, m.username FROM breach_steps s \
               LEFT JOIN members m ON m.id = s.member_id WHERE s.breach_id = ? ORDER BY s.id";
    let rows = tx.query(sql, &[breach_id.into()])?.into_iter().map(|mut row| {
        Ok(StepEntry {
            step: row.code(0, "breach_steps.step")?,
            outcome: row.code(1, "breach_steps.outcome")?,
            note: row.text(2)?,
            at: row.moment(3)?,
            username: row.opt_text(4)?,
        })
    });
    rows.collect()
}

/// Records a step of an open case. False if there is none.
pub fn add_step(
    tx: &mut dyn Tx,
    actor: Actor,
    breach_id: BreachId,
    (step, outcome): (BreachStep, StepOutcome),
    note: &str,
) -> Result<bool> {
    if find(tx, breach_id)?.is_none_or(|breach| breach.closed.is_some()) {
        return Ok(false);
    }
    let (id, now) = (tx.new_number(), tx.now());
    tx.exec(
        "INSERT INTO breach_steps (id, breach_id, step, outcome, note, acted_at, member_id) VALUES (?, ?, ?, ?, ?, ?, ?)",
        &[
            id.into(),
            breach_id.into(),
            step.code().into(),
            outcome.code().into(),
            note.into(),
            now.into(),
            actor.member_id().into(),
        ],
    )?;
    record(tx, actor, format!("{}: {}", step.label(), outcome.label()))?;
    Ok(true)
}

/// Closes a case with the number of people. Answers the steps that are missing, which prevent it.
pub fn close(tx: &mut dyn Tx, actor: Actor, id: BreachId) -> Result<Vec<BreachStep>> {
    let missing = missing_steps(&steps(tx, id)?);
    let Some(breach) = find(tx, id)?.filter(|breach| missing.is_empty() && breach.closed.is_none()) else {
        return Ok(missing);
    };
    let exposed = exposed(tx, &breach)?;
    let people = affected(tx, &exposed)?.people.into_list().len();
    let (now, count) = (tx.now(), i64::try_from(people).unwrap_or(i64::MAX));
    tx.exec(
        "UPDATE breaches SET closed_at = ?, closed_by = ?, people = ? WHERE id = ?",
        &[now.into(), actor.member_id().into(), count.into(), id.into()],
    )?;
    record(tx, actor, format!("마침, 대상 {people}명"))?;
    Ok(missing)
}

/// The orders that the records of a case name.
pub fn exposed(tx: &mut dyn Tx, breach: &Breach) -> Result<ExposedOrders> {
    let mut exposed = ExposedOrders::default();
    for_each_between(tx, breach.window.0, breach.window.1, &mut |record| {
        exposed.add(&breach.scope, record);
        Ok(())
    })?;
    Ok(exposed)
}

/// The people of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AffectedReport {
    /// the people
    pub people: AffectedPeople,
    /// orders that exist
    pub orders: u64,
    /// listed orders that do not exist any more: destroyed, or deleted by an undo
    pub destroyed: u64,
}

/// The people of these orders.
pub fn affected(tx: &mut dyn Tx, exposed: &ExposedOrders) -> Result<AffectedReport> {
    let (mut affected, mut seen) = (AffectedReport::default(), BTreeSet::new());
    let mut add = |contacts: OrderContacts| {
        if let Some(exposure) = exposed.of(contacts.id)
            && seen.insert(contacts.id)
        {
            affected.orders += 1;
            affected.people.add(contacts.id, persons(&contacts), exposure);
        }
        Ok(())
    };
    let listed: Vec<OrderId> = exposed.listed.keys().copied().collect();
    contacts_of(tx, &listed, &mut add)?;
    for range in exposed.spans() {
        contacts_between(tx, range, &mut add)?;
    }
    affected.destroyed = listed.iter().filter(|id| !seen.contains(id)).count() as u64;
    Ok(affected)
}

fn persons(contacts: &OrderContacts) -> [Person; 2] {
    let person = |name: &str, tels: &[&String]| Person {
        name: name.to_owned(),
        tels: tels.iter().filter(|tel| !tel.is_empty()).map(|tel| (*tel).clone()).collect(),
    };
    let [tel1, tel2] = &contacts.recipient_tels;
    [person(&contacts.customer_name, &[&contacts.customer_tel]), person(&contacts.recipient_name, &[tel1, tel2])]
}

/// Devices from which members logged in, each with all its addresses.
pub fn devices(tx: &mut dyn Tx) -> Result<Vec<(DeviceScope, String)>> {
    let mut found: BTreeMap<(MemberId, String), BTreeSet<String>> = BTreeMap::new();
    for table in ["sign_ins", "devices"] {
        let sql = format!("SELECT DISTINCT member_id, description, address FROM {table} WHERE address <> ''");
        for mut row in tx.query(&sql, &[])? {
            found.entry((row.id(0)?, row.text(1)?)).or_default().insert(row.text(2)?);
        }
    }
    let names = usernames(tx)?;
    let device = |((member_id, description), addresses): ((MemberId, String), BTreeSet<String>)| {
        let name = names.get(&member_id).cloned().unwrap_or_default();
        (DeviceScope { member_id, description, addresses: addresses.into_iter().collect() }, name)
    };
    Ok(found.into_iter().map(device).collect())
}

/// Opens a case for faults in the chain of the access records, unless one was opened for the same. Its window begins with
/// the last verification without a fault.
pub fn open_for_faults(tx: &mut dyn Tx, report: &ChainReport, newest_seal: Option<&Seal>) -> Result<Option<BreachId>> {
    let Some(fault) = report.faults.first() else { return Ok(None) };
    let evidence = format!("{} 모두 {}군데예요.", fault.sentence(), report.faults.len());
    let evidence = text_limits::truncate(&evidence, MAX_EVIDENCE_CHARS);
    let known = tx.scalar("SELECT count(*) FROM breaches WHERE evidence = ?", &[evidence.into()])?;
    if known > 0 {
        return Ok(None);
    }
    let now = tx.now();
    let verified = last_verification(tx)?.filter(|verification| verification.faults == 0).map(|verified| verified.at);
    let sealed = newest_seal.map(|seal| seal.sealed_at);
    let from = verified.or(sealed).unwrap_or_else(|| now.plus_ms(-UNVERIFIED_MS));
    let draft = BreachDraft {
        cause: BreachCause::Tampering,
        is_confirmed: false,
        noticed_at: now,
        window: (from.min(now), now),
        scope: BreachScope::default(),
        story: "접속기록이 프로그램 밖에서 바뀌거나 지워졌어요.".to_owned(),
        measures: String::new(),
    };
    open(tx, Actor::Program, &draft, Some(evidence)).map(Some)
}

/// Deletes a batch of cases that were closed before this moment; answers how many rows.
pub fn delete_old(tx: &mut dyn Tx, before: Moment) -> Result<u64> {
    let sql = "SELECT id FROM breaches WHERE closed_at < ? ORDER BY id LIMIT ?";
    let rows = tx.query(sql, &[before.into(), DELETE_BATCH_ROWS.into()])?;
    let ids: Vec<BreachId> = rows.iter().map(|row| row.id(0)).collect::<Result<_>>()?;
    Ok(tx.delete_ids("breach_steps", "breach_id", &ids)? + tx.delete_ids("breaches", "id", &ids)?)
}
