//! Random histories of two phones and the office against a model: what becomes of each stop, what is found, and the sums of
//! 마감.

use super::conflicts::move_away;
use super::*;
use crate::id::DeliveryId;
use crate::storage::StorageError;

const STOPS: usize = 4;
const PIECES: i64 = 2;
const ROLLED_BACK: &str = "rolled back";

/// What the office did with a stop while the phones had no signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Nothing,
    Claimed,
    AddressChanged,
    Moved,
}

/// An outcome that a phone reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Outcome {
    /// minutes before the hand-in
    ago: i64,
    /// pieces that the customer took; none: it failed
    taken: Option<i64>,
}

/// The model of a stop: what is expected of it, from the rules of the manual and not from the code.
#[derive(Clone, Debug, Default)]
struct StopModel {
    ruling: Option<(usize, Outcome)>,
    /// whether it counted as done at some time
    was_done: bool,
    findings: Vec<DriveFinding>,
}

impl StopModel {
    fn pieces(&self) -> i64 {
        self.ruling.and_then(|(_, outcome)| outcome.taken).unwrap_or_default()
    }

    /// A phone hands in its last word on the stop. The outcome that happened first rules.
    fn hear(&mut self, phone: usize, outcome: Outcome, change: Change) {
        let before = self.ruling;
        if before.is_some() {
            self.findings.push(DriveFinding::SecondReport);
        }
        if outcome.taken.is_some() {
            match change {
                Change::Moved => self.findings.push(DriveFinding::Moved),
                Change::Claimed | Change::AddressChanged => self.findings.push(DriveFinding::Changed),
                Change::Nothing => {}
            }
        }
        if before.is_some_and(|(_, known)| known.ago >= outcome.ago) {
            return;
        }
        self.ruling = Some((phone, outcome));
        self.was_done |= outcome.taken.is_some();
        match outcome.taken {
            None if before.is_some_and(|(_, known)| known.taken.is_some()) => {
                self.findings.push(DriveFinding::Reversed);
            }
            Some(_) if change == Change::Claimed => self.findings.push(DriveFinding::Cancelled),
            Some(taken) if taken < PIECES => self.findings.push(DriveFinding::Partial),
            None | Some(_) => {}
        }
    }

    fn is_shipped(&self, change: Change) -> bool {
        change != Change::Claimed && self.pieces() == PIECES
    }
}

fn shuffled_minutes(random: &mut Random) -> Vec<i64> {
    let mut minutes: Vec<i64> = (1..=60).collect();
    for at in (1..minutes.len()).rev() {
        minutes.swap(at, random.below(u32::try_from(at + 1).expect("small")) as usize);
    }
    minutes
}

fn history(tx: &mut dyn Tx, (mut day, seed): (Day, u64)) -> Result<()> {
    let mut random = Random::new(seed);
    let before = day.load(tx)?;
    let first = day.on_another_phone(day.key, 0);
    let changes: Vec<Change> = (0..STOPS)
        .map(|_| match random.below(6) {
            0 => Change::Claimed,
            1 => Change::AddressChanged,
            2 => Change::Moved,
            _ => Change::Nothing,
        })
        .collect();
    let of = |change: Change| (0..STOPS).filter(|at| changes[*at] == change).collect::<Vec<_>>();
    let moved: Vec<DeliveryId> = of(Change::Moved).into_iter().map(|at| before.stops[at].delivery_id).collect();
    if moved.len() == STOPS {
        return Ok(());
    }
    if !moved.is_empty() {
        move_away(tx, &mut day, &moved)?;
    }
    for (change, sql) in [
        (Change::Claimed, "UPDATE orders SET claim = '취소요청' WHERE id = ?"),
        (Change::AddressChanged, "UPDATE orders SET recipient_address2 = '다른 동' WHERE id = ?"),
    ] {
        for at in of(change) {
            tx.exec(sql, &[before.stops[at].goods[0].order_id.into()])?;
        }
    }
    let helper = key::issue(tx, (day.tour, self::day(), day.actor.id), &format!("helper {seed}"), "전화 2")?;
    let phones = [first, day.on_another_phone(helper, 100)];

    // Each phone may change its mind: its last word counts.
    let mut minutes = shuffled_minutes(&mut random);
    let mut model = vec![StopModel::default(); STOPS];
    let wrong_clock = [0, 0, 3 * HOUR_MS, -3 * HOUR_MS][random.below(4) as usize];
    for (phone, device) in phones.iter().enumerate() {
        let (mut queue, mut last) = (Vec::new(), BTreeMap::new());
        for (at, stop) in model.iter_mut().enumerate() {
            for _ in 0..random.below(3) {
                let outcome = Outcome {
                    ago: minutes.pop().expect("enough minutes"),
                    taken: match random.below(4) {
                        0 => None,
                        // Of two phones, only the first one counts: what the other says is whole.
                        1 if phone == 0 => Some(1),
                        _ => Some(PIECES),
                    },
                };
                let kind = if outcome.taken.is_some() { EventKind::Delivered } else { EventKind::Failed };
                let offset = if phone == 0 { wrong_clock } else { 0 };
                let mut event = NewEvent {
                    happened_at: NOW.plus_ms(-outcome.ago * 60_000 - offset),
                    clock_offset: offset,
                    ..device.event(&before, at, kind)
                };
                if outcome.taken == Some(1) {
                    event.details.accepted = hand_in::accepted_pairs([(before.stops[at].goods[0].order_id, 1)]);
                }
                if offset != 0 {
                    stop.findings.push(DriveFinding::Clock);
                }
                last.insert(at, outcome);
                queue.push(event);
            }
        }
        // Handed in as a whole, and once more because the answer was lost.
        for _ in 0..=random.below(2) {
            let clock = NOW.plus_ms(if phone == 0 { -wrong_clock } else { 0 });
            let receipts = device.hand_in_by(tx, Some(clock), &queue)?;
            assert!(receipts.iter().all(|(_, verdict)| verdict.is_ok()), "history {seed}: {receipts:?}");
        }
        for (at, outcome) in last {
            model[at].hear(phone, outcome, changes[at]);
        }
    }

    let tour = day.load(tx)?;
    for (at, expected) in model.iter().enumerate() {
        let place = format!("history {seed}, stop {at}, {:?}, {expected:?}", changes[at]);
        let job = before.stops[at].job_id;
        let stop = tour.stop(job).expect("a stop");
        let ruling = expected.ruling.map(|(phone, outcome)| (phone, NOW.plus_ms(-outcome.ago * 60_000)));
        let found = stop.status.ruling.as_ref();
        let found = found.map(|event| (usize::from(event.key_id == Some(helper)), event.at()));
        assert_eq!(found, ruling, "{place}");
        let order = before.stops[at].goods[0].order_id;
        let state = all_orders(tx)?.into_iter().find(|found| found.id == order).expect("the order").state;
        assert_eq!(state == OrderState::Shipped, expected.is_shipped(changes[at]), "{place}: {state:?}");
        let mut findings: Vec<&str> =
            findings::open(tx)?.into_iter().filter(|row| row.job_id == job).map(|row| row.finding.code()).collect();
        let mut wanted: Vec<&str> = expected.findings.iter().map(|finding| finding.code()).collect();
        findings.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(findings, wanted, "{place}");
        if changes[at] == Change::Moved {
            let is_live = store::live_tour(tx, job)?.is_some();
            assert_ne!(is_live, expected.was_done, "{place}: the other truck need not go where it was done");
        }
    }
    close_by(tx, &day, (&model, &changes), &mut random)
}

/// Truck zero: the tour closes when every piece has its account, and never otherwise.
fn close_by(
    tx: &mut dyn Tx,
    day: &Day,
    (model, changes): (&[StopModel], &[Change]),
    random: &mut Random,
) -> Result<()> {
    let close =
        |tx: &mut dyn Tx, counts: &BTreeMap<String, (i64, i64)>| close::close(tx, day.actor, day.tour, counts, false);
    let tour = day.load(tx)?;
    // Nobody has to say anything about a stop that another truck has, or that a cancellation stopped: its pieces are counted.
    let is_asked = |at: &usize| !matches!(changes[*at], Change::Moved | Change::Claimed);
    let silent = (0..STOPS).filter(|at| model[*at].ruling.is_none() && is_asked(at)).count();
    let refused = close(tx, &BTreeMap::new())?;
    assert_eq!(
        matches!(&refused, Err(CloseRefusal::Unreported(stops)) if stops.len() == silent),
        silent > 0,
        "{refused:?}"
    );
    if refused.is_ok() {
        return Ok(());
    }
    day.next.set(200);
    for at in 0..tour.stops.len() {
        if !tour.stops[at].status.state.is_ended() && tour.stops[at].moved_to.is_none() {
            day.type_paper(tx, &day.event(&tour, at, EventKind::Failed))?;
        }
    }
    let counted = lines(&day.load(tx)?, &BTreeMap::new());
    let loaded: i64 = changes.iter().filter(|change| **change != Change::Moved).map(|_| PIECES).sum();
    let moved = model.iter().zip(changes).filter(|(_, change)| **change == Change::Moved);
    let done_elsewhere: i64 = moved.map(|(stop, _)| stop.pieces()).sum();
    let delivered: i64 = model.iter().map(StopModel::pieces).sum();
    assert_eq!(counted.iter().map(|line| line.taken).sum::<i64>(), loaded + done_elsewhere);
    assert_eq!(counted.iter().map(|line| line.delivered).sum::<i64>(), delivered);
    let mut counts = BTreeMap::new();
    for line in &counted {
        let returned = i64::from(random.below(u32::try_from(line.remaining() + 1).expect("small")));
        counts.insert(line.key.clone(), (returned, line.remaining() - returned));
    }
    if let Some(line) = counted.first() {
        let (returned, aboard) = counts[&line.key];
        let wrong = counts.clone().into_iter().chain([(line.key.clone(), (returned + 1, aboard))]).collect();
        assert!(matches!(close(tx, &wrong)?, Err(CloseRefusal::Missing(lines)) if lines.len() == 1));
    }
    let back: i64 = counts.values().map(|(returned, aboard)| returned + aboard).sum();
    assert_eq!(loaded + done_elsewhere, delivered + back);
    close(tx, &counts)?.expect("closes");
    Ok(())
}

#[test]
fn two_hundred_random_histories_of_phones_and_office_agree_with_a_model() {
    let shop = Shop::open();
    let numbers: Vec<String> = (1..=STOPS).map(|number| number.to_string()).collect();
    let (actor, columns, tour, key) = shop
        .write(move |tx, files| {
            let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
            let day = set_up(tx, files, &numbers)?;
            Ok((day.actor, day.columns, day.tour, day.key))
        })
        .expect("writes");
    for seed in 0..200 {
        let columns = columns.clone();
        let outcome: Result<()> = shop.write(move |tx, _| {
            let day = Day { actor, columns: columns.clone(), tour, key, next: Cell::new(0) };
            history(tx, (day, seed))?;
            // The next history begins on the same morning.
            Err(StorageError::Inconsistent(ROLLED_BACK.to_owned()))
        });
        assert!(matches!(&outcome, Err(StorageError::Inconsistent(text)) if text == ROLLED_BACK), "{outcome:?}");
    }
}
