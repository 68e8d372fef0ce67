//! Finds the orders of a person in the search index, also those of disabled products, which the order list hides.

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::downloads;
use crate::consumer::store as consumer;
use crate::deliveries;
use crate::drive::model::StopEvent;
use crate::drive::store::events as stop_events;
use crate::id::{DeliveryId, JobId, OrderId};
use crate::notices::store as notices;
use crate::orders::list::{OrderRow, load_rows};
use crate::orders::search_field::SearchField;
use crate::orders::store::{self as orders, seal};
use crate::plans::model::Job;
use crate::plans::store::{promises, tasks};
use crate::privacy::RetentionYears;
use crate::privacy::person::{
    DeliveryRecord, FoundPerson, Likeness, OrderRecord, Person, PersonRecord, PersonRole, kept_until, people_in,
};
use crate::privacy::store::due;
use crate::proofs::store as proofs;
use crate::search::tokenizer::search_words;
use crate::search::{Limits, store as index};
use crate::storage::{Result, Tx};

/// Orders of a search that are read.
pub const MAX_PERSON_ORDERS: usize = 1_000;

/// Newest orders first; whether there are more than [`MAX_PERSON_ORDERS`], or too many to look up.
fn search(tx: &mut dyn Tx, texts: &[&str]) -> Result<(Vec<OrderRow>, bool)> {
    let fields = [
        SearchField::CustomerName,
        SearchField::CustomerTel,
        SearchField::RecipientName,
        SearchField::RecipientTel1,
        SearchField::RecipientTel2,
    ];
    let bits = fields.into_iter().fold(0, |bits, field| bits | field.bits());
    let (mut ids, mut is_cut) = (BTreeSet::new(), false);
    for text in texts {
        // The longest word finds the fewest orders; the persons are compared as a whole afterwards.
        let Some(word) = search_words(text).into_iter().max_by_key(|word| word.chars().count()) else { continue };
        match index::lookup_word(tx, &word, bits, &Limits::DEFAULT)? {
            Some(found) => ids.extend(found),
            None => is_cut = true,
        }
    }
    for text in texts {
        ids.extend(seal::find_sealed(tx, text, MAX_PERSON_ORDERS + 1)?);
    }
    is_cut |= ids.len() > MAX_PERSON_ORDERS;
    let ids: Vec<OrderId> = ids.into_iter().rev().take(MAX_PERSON_ORDERS).collect();
    Ok((load_unsealed(tx, &ids)?, is_cut))
}

/// Orders that a text finds by any searched field, also sealed ones and those of disabled products, newest first; at most
/// [`MAX_PERSON_ORDERS`], and whether there may be more.
pub fn find_orders(tx: &mut dyn Tx, text: &str) -> Result<(Vec<OrderId>, bool)> {
    let (mut common, mut is_cut): (Option<BTreeSet<OrderId>>, bool) = (None, false);
    for word in search_words(text) {
        let Some(found) = index::lookup_word(tx, &word, SearchField::All.bits(), &Limits::DEFAULT)? else {
            is_cut = true;
            continue;
        };
        let found: BTreeSet<OrderId> = found.into_iter().collect();
        common = Some(match common {
            Some(common) => common.intersection(&found).copied().collect(),
            None => found,
        });
    }
    // A word that is too frequent to look up hides nothing where another one narrows the search.
    is_cut &= common.is_none();
    let mut ids = common.unwrap_or_default();
    ids.extend(seal::find_sealed(tx, text, MAX_PERSON_ORDERS + 1)?);
    is_cut |= ids.len() > MAX_PERSON_ORDERS;
    Ok((ids.into_iter().rev().take(MAX_PERSON_ORDERS).collect(), is_cut))
}

/// The rows of these orders with what was moved apart: what a person may see and demand is all of it.
fn load_unsealed(tx: &mut dyn Tx, ids: &[OrderId]) -> Result<Vec<OrderRow>> {
    let (mut rows, sealed) = (load_rows(tx, ids)?, seal::contents(tx, ids)?);
    for row in &mut rows {
        if let Some(content) = sealed.get(&row.order.id) {
            content.fill(&mut row.order);
        }
    }
    Ok(rows)
}

/// The different persons that a name or a telephone number finds, and whether there may be more.
pub fn find_people(tx: &mut dyn Tx, text: &str) -> Result<(Vec<FoundPerson>, bool)> {
    let (rows, is_cut) = search(tx, &[text])?;
    Ok((people_in(&rows, text), is_cut))
}

/// Everything of the person in a role of an order; none if there is no such order.
pub fn record_of(
    tx: &mut dyn Tx,
    order_id: OrderId,
    role: PersonRole,
    keep: RetentionYears,
) -> Result<Option<PersonRecord>> {
    let Some(first) = load_unsealed(tx, &[order_id])?.pop() else { return Ok(None) };
    let person = Person::of(&first.order, role);
    let texts: Vec<&str> = person.tels.iter().chain([&person.name]).map(String::as_str).collect();
    let (mut rows, is_cut) = search(tx, &texts)?;
    if rows.iter().all(|row| row.order.id != order_id) {
        rows.push(first);
    }
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for row in rows {
        let is_person = |role: &PersonRole| Person::of(&row.order, *role).likeness(&person) == Likeness::Same;
        let roles: Vec<PersonRole> =
            [PersonRole::Customer, PersonRole::Recipient].into_iter().filter(is_person).collect();
        if roles.is_empty() && row.order.id != order_id { others.push(row) } else { own.push((row, roles)) }
    }
    let similar = similar(&person, &others);
    let mut records = Vec::with_capacity(own.len());
    let ids: Vec<OrderId> = own.iter().map(|(row, _)| row.order.id).collect();
    let mut sealed = seal::contents(tx, &ids)?;
    let holds = due::holds(tx, &ids)?;
    for (row, roles) in own {
        let id = row.order.id;
        let hold = holds.get(&id).copied().unwrap_or_default();
        let mut delays = consumer::notices(tx, id)?;
        delays.reverse();
        records.push(OrderRecord {
            events: orders::events_with(tx, id, &sealed.remove(&id).unwrap_or_default())?,
            files: downloads::files_of_order(tx, id)?,
            delays,
            consent: consumer::consent(tx, id)?,
            kept_until: kept_until(&row.order, hold, keep),
            hold,
            roles: if roles.is_empty() { vec![role] } else { roles },
            row,
        });
    }
    let deliveries = deliveries_of(tx, &records)?;
    Ok(Some(PersonRecord { person, orders: records, deliveries, similar, is_cut }))
}

/// What was written down and reported of the deliveries of these orders, those of the newest orders first.
fn deliveries_of(tx: &mut dyn Tx, orders: &[OrderRecord]) -> Result<Vec<DeliveryRecord>> {
    let mut found: Vec<(DeliveryId, DeliveryRecord)> = Vec::new();
    for OrderRecord { row, .. } in orders {
        let (id, number) = (row.order.delivery_id, row.order.order_number.clone());
        if let Some((_, record)) = found.iter_mut().find(|(delivery_id, _)| *delivery_id == id) {
            record.orders.push(number);
        } else {
            let bundle_number = row.bundle_number.clone();
            let mut promises = promises::of_delivery(tx, id)?;
            promises.reverse();
            let record = DeliveryRecord {
                bundle_number,
                orders: vec![number],
                memo: deliveries::store::find(tx, id)?.map(|delivery| delivery.memo).unwrap_or_default(),
                promises,
                jobs: Vec::new(),
                events: Vec::new(),
                photos: Vec::new(),
                notices: Vec::new(),
            };
            found.push((id, record));
        }
    }
    let ids: Vec<DeliveryId> = found.iter().map(|(id, _)| *id).collect();
    let jobs: Vec<Job> = tasks::of_deliveries(tx, &ids)?.into_iter().map(|planned| planned.job).collect();
    let job_ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
    let mut events = stop_events::of_jobs(tx, &job_ids)?;
    let mut notices = notices::of_jobs(tx, &job_ids)?;
    let mut photos: BTreeMap<JobId, Vec<_>> = BTreeMap::new();
    for photo in proofs::of_jobs(tx, &job_ids)? {
        photos.entry(photo.job_id).or_default().push(photo);
    }
    for job in jobs {
        let Some((_, record)) = found.iter_mut().find(|(id, _)| *id == job.delivery_id) else { continue };
        record.events.extend(events.remove(&job.id).unwrap_or_default());
        record.photos.extend(photos.remove(&job.id).unwrap_or_default());
        record.notices.extend(notices.remove(&job.id).unwrap_or_default());
        record.jobs.extend(job.task);
    }
    for (_, record) in &mut found {
        record.events.sort_by_key(StopEvent::at);
        record.photos.sort_by_key(|photo| (photo.taken_at, photo.id));
    }
    let has_more = |record: &DeliveryRecord| {
        let is_written = !record.memo.is_empty() || !record.promises.is_empty() || !record.notices.is_empty();
        is_written || !record.jobs.is_empty() || !record.events.is_empty() || !record.photos.is_empty()
    };
    Ok(found.into_iter().map(|(_, record)| record).filter(has_more).collect())
}

/// The persons in other orders who have the same telephone number or the same name.
fn similar(person: &Person, others: &[OrderRow]) -> Vec<(FoundPerson, Likeness)> {
    let texts: Vec<&str> = person.tels.iter().chain([&person.name]).map(String::as_str).collect();
    let mut similar: Vec<(FoundPerson, Likeness)> = Vec::new();
    for found in texts.into_iter().flat_map(|text| people_in(others, text)) {
        let likeness = found.person.likeness(person);
        let is_listed = similar.iter().any(|(other, _)| other.person == found.person);
        if matches!(likeness, Likeness::SameTel | Likeness::SameName) && !is_listed {
            similar.push((found, likeness));
        }
    }
    similar.sort_by_key(|(_, likeness)| *likeness);
    similar
}
