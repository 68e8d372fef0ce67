//! SQL of the audit log.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Actor, AuditEntry, AuditEvent, AuditObject, MemberActor, Verb};
use crate::id::{AuditEntryId, Identifier, MemberId};
use crate::storage::{Result, Row, StorageError, Tx};
use crate::time::Moment;

/// Appends an entry in the transaction of the action. Returns its identifier.
pub fn record(
    tx: &mut dyn Tx,
    actor: impl Into<Actor>,
    object: AuditObject,
    event: &AuditEvent,
) -> Result<AuditEntryId> {
    let (id, now, verb, actor) = (tx.new_id::<AuditEntryId>(), tx.now(), event.verb(), actor.into());
    let (member_id, address) = match actor {
        Actor::Member(MemberActor { id, address }) => (Some(id), address.to_string()),
        Actor::CommandLine | Actor::Program => (None, String::new()),
    };
    tx.exec(
        "INSERT INTO audit_entries \
         (id, recorded_at, actor, member_id, address, verb, object_type, object_id, object_count, details) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            id.into(),
            now.into(),
            actor.code().into(),
            member_id.into(),
            address.into(),
            verb.code().into(),
            verb.object_type().into(),
            object.id.into(),
            i64::try_from(object.count).unwrap_or(i64::MAX).into(),
            details(event)?.into(),
        ],
    )?;
    Ok(id)
}

/// The fields of an event as JSON, without the verb.
fn details(event: &AuditEvent) -> Result<String> {
    let inconsistent = |error: &dyn std::fmt::Display| StorageError::Inconsistent(format!("audit event: {error}"));
    match serde_json::to_value(event) {
        Ok(Value::Object(mut fields)) => {
            fields.remove("verb");
            Ok(Value::Object(fields).to_string())
        }
        Ok(other) => Err(inconsistent(&other)),
        Err(error) => Err(inconsistent(&error)),
    }
}

const ENTRY: &str = "SELECT id, recorded_at, actor, member_id, address, verb, object_id, object_count, details \
                     FROM audit_entries";

fn entry(mut row: Row) -> Result<AuditEntry> {
    let id = row.id(0)?;
    let inconsistent =
        |what: &dyn std::fmt::Display| StorageError::Inconsistent(format!("audit_entries {id:?}: {what}"));
    let actor = match (row.text(2)?.as_str(), row.opt_id(3)?) {
        ("member", Some(id)) => {
            let address = row.text(4)?.parse().map_err(|error| inconsistent(&error))?;
            Actor::Member(MemberActor { id, address })
        }
        ("command-line", None) => Actor::CommandLine,
        ("program", None) => Actor::Program,
        (other, _) => return Err(inconsistent(&other)),
    };
    let mut fields: Value = row.json(8, "audit_entries.details")?;
    fields["verb"] = Value::String(row.text(5)?);
    let event: AuditEvent = serde_json::from_value(fields).map_err(|error| inconsistent(&error))?;
    let object = AuditObject { id: row.opt_int(6)?, count: usize::try_from(row.int(7)?).unwrap_or_default() };
    Ok(AuditEntry { id, at: row.moment(1)?, actor, object, event })
}

/// The entry with this identifier.
pub fn find(tx: &mut dyn Tx, id: AuditEntryId) -> Result<Option<AuditEntry>> {
    tx.query_one(&format!("{ENTRY} WHERE id = ?"), &[id.into()])?.map(entry).transpose()
}

/// The newest entries about a member's rights: added, role, 사용 and 사용 중지. Newest first.
pub fn grants(tx: &mut dyn Tx, member_id: MemberId, limit: i64) -> Result<Vec<AuditEntry>> {
    let codes = Verb::GRANTS.map(Verb::code).join("', '");
    let sql = format!(
        "{ENTRY} WHERE object_type = 'member' AND object_id = ? AND verb IN ('{codes}') ORDER BY id DESC LIMIT ?"
    );
    tx.query(&sql, &[member_id.into(), limit.into()])?.into_iter().map(entry).collect()
}

/// The entries of these identifiers.
pub fn by_ids(tx: &mut dyn Tx, ids: &[AuditEntryId]) -> Result<BTreeMap<AuditEntryId, AuditEntry>> {
    let mut entries = BTreeMap::new();
    tx.for_ids(ids, &[], |ids| format!("{ENTRY} WHERE id IN ({ids})"), &mut |row| {
        let entry = entry(row)?;
        entries.insert(entry.id, entry);
        Ok(())
    })?;
    Ok(entries)
}

/// Deletes entries before `before`, at most `limit`; answers how many. Identifiers are in the order of time.
pub fn delete_old(tx: &mut dyn Tx, before: Moment, limit: i64) -> Result<u64> {
    let sql = "SELECT id, recorded_at FROM audit_entries ORDER BY id LIMIT ?";
    let mut old: Vec<AuditEntryId> = Vec::new();
    tx.for_each(sql, &[limit.into()], &mut |row| {
        if row.moment(1)? < before {
            old.push(row.id(0)?);
        }
        Ok(())
    })?;
    tx.delete_ids("audit_entries", "id", &old)
}

/// The verbs of a member's entries with greater identifiers than `since`, which may be of another kind: all are in the
/// order of time.
pub fn verbs_since(tx: &mut dyn Tx, member_id: MemberId, since: impl Identifier) -> Result<BTreeSet<Verb>> {
    let sql = "SELECT DISTINCT verb FROM audit_entries WHERE member_id = ? AND id > ?";
    let rows = tx.query(sql, &[member_id.into(), since.raw().into()])?;
    let verbs = rows.into_iter().map(|mut row| {
        let code = row.text(0)?;
        let verb = Verb::ALL.iter().copied().find(|verb| verb.code() == code);
        verb.ok_or_else(|| StorageError::Inconsistent(format!("audit_entries.verb: {code}")))
    });
    verbs.collect()
}
