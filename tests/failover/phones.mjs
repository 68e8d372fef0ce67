// Phones of drivers in the failover test. The office hands tours out through its forms. Most phones are HTTP clients that keep
// their records until the server has acknowledged them, as `drive.js` does; one is a browser.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { logIn } from '../browser/browser.mjs';
import { DONE, leave, list, startPhone, stored } from '../browser/driving.mjs';
import { run, visibleText } from '../browser/server.mjs';

/** An order list holds so many rows. */
const PAGE = 100;
/** Records of a stop: the driver presses 도착 so often, then 완료. */
const ARRIVALS = 7;

const driver = (number) => ({ username: `driver${number}`, password: `away-with-truck-${number}-2026` });

/** Submits a form with its hidden fields and these pairs; several may have one name. */
async function submitFields(client, form, fields) {
  const body = new URLSearchParams(form.hidden.map(({ name, value }) => [name, value]));
  for (const [name, value] of fields) body.append(name, value);
  const answer = await client.fetch(form.action, { method: 'POST', body });
  assert.equal(answer.status, 303, `${form.action}: ${visibleText(await answer.text()).slice(0, 500)}`);
}

async function text(client, where) {
  const answer = await client.fetch(where);
  assert.equal(answer.status, 200, where);
  return answer.text();
}

/** Makes every new order 출고, so that deliveries of the own team are due. */
async function dispatchOrders(office) {
  const hasRows = ({ inputs }) => inputs.some(({ name }) => name === 'tick');
  for (;;) {
    const { forms } = await office.forms(`/orders?state=PLACED&size=${PAGE}&edit=1`);
    const form = forms.find(hasRows);
    if (!form) return;
    const ids = form.hidden.filter(({ name }) => name.startsWith('version-')).map(({ name }) => name.slice('version-'.length));
    await submitFields(office, form, [['act', 'edit'], ...ids.flatMap((id) => [['tick', id], [`state-${id}`, 'DISPATCHED']])]);
  }
}

/** Plans today for so many trucks and hands each to its driver; answers the drivers. */
export async function handOutTours(office, day, { trucks, stops, folder, database }) {
  const drivers = Array.from({ length: trucks }, (_, number) => driver(number + 1));
  for (const { username, password } of drivers) {
    const added = run(['user', 'add', username, '--role', 'driver', ...(database ? ['--database', database] : []), '--data', folder], { input: `${password}\n`, env: { MUKKEUM_PASSWORD: password } });
    assert.equal(added.status, 0, added.stderr);
  }
  await dispatchOrders(office);
  const settings = { depot_zip: '13529', lead_days: '5', minutes: '20', crew: '1', volume: '0.5', pieces: '1', ferry_zips: '' };
  await submitFields(office, await office.form('/trucks/settings', ({ action }) => action === '/trucks/settings'), Object.entries(settings));
  for (let number = 1; number <= trucks; number += 1) {
    const truck = { name: `${number}호차`, plate: `12가${3400 + number}`, crew: '2', volume: '25', pieces: '200', starts_at: '08:00', ends_at: '18:00', overtime: '0', enabled: '1' };
    const weekdays = [0, 1, 2, 3, 4, 5, 6].map((weekday) => ['weekday', `${weekday}`]);
    await submitFields(office, await office.form('/trucks/new', ({ inputs }) => inputs.some(({ name }) => name === 'plate')), [...Object.entries(truck), ...weekdays]);
  }
  // Also on a public holiday.
  const holidays = await office.form('/trucks/holidays', ({ inputs }) => inputs.some(({ name }) => name === 'name'));
  await submitFields(office, holidays, [['day', day], ['name', '배송하는 날'], ['truck', ''], ['act', 'work']]);
  const board = `/plans?day=${day}`;
  const columns = [...(await text(office, board)).matchAll(/name="version-([^"]+)"/g)].map(([, key]) => key);
  assert.equal(columns.length, trucks);
  const act = async (fields) => submitFields(office, await office.form(board, ({ action }) => action === '/plans'), fields);
  const due = [...(await text(office, board)).matchAll(/name="tick" value="([^"]+)"/g)].map(([, id]) => id);
  assert.ok(due.length >= trucks * stops, `${due.length} deliveries are due`);
  for (const [at, column] of columns.entries()) {
    await act([['act', 'move'], ['to', column], ...due.slice(at * stops, (at + 1) * stops).map((id) => ['tick', id])]);
  }
  await act([['act', 'fix']]);
  const options = (await text(office, board)).matchAll(/<option value="([^"]+)">(driver\d+)<\/option>/g);
  const ids = new Map([...options].map(([, id, name]) => [name, id]));
  for (const [at, column] of columns.entries()) await act([['act', `hand-out:${column}`], [`driver-${column}`, ids.get(drivers[at].username)]]);
  return drivers;
}

/** The phone of a driver who has left with everything. */
export class Phone {
  constructor(client) {
    this.client = client;
    /** records that the server has not acknowledged, oldest first */
    this.waiting = [];
    this.number = 0;
    this.recorded = new Map();
    this.unanswered = 0;
  }

  /** Loads, leaves and fetches the day. */
  async leave() {
    const { client } = this;
    const [loading] = (await text(client, '/drive')).match(/\/drive\/loading\/[0-9A-Z]+/) ?? assert.fail('no tour to load');
    const form = await client.form(loading, ({ action }) => action === loading);
    const goods = form.inputs.map(({ name, value }) => [name, name === 'despite' ? '전화로 확인' : value]);
    await submitFields(client, form, [...goods, ['act', 'leave']]);
    const csrf = form.hidden.find(({ name }) => name === 'csrf');
    const answer = await client.fetch('/drive/keys', { method: 'POST', body: new URLSearchParams([[csrf.name, csrf.value]]) });
    const { keys } = await answer.json();
    assert.equal(keys.length, 1);
    [{ key: this.key }] = keys;
    const pack = await (await fetch(new URL('/drive/pack', client.url), { headers: { 'x-drive-key': this.key } })).json();
    this.stops = pack.stops;
    assert.ok(this.stops.length > 0, 'stops');
  }

  record(stop, kind) {
    this.number += 1;
    const now = Date.now();
    const event = { id: randomBytes(16).toString('hex'), job: stop.job, number: this.number, happened_at: now, clock_offset: 0, contact: now, kind, details: {}, saw: stop.version };
    this.waiting.push(event);
    this.recorded.set(event.id, event);
  }

  /** Hands in what waits once; what is not acknowledged waits on. */
  async handIn() {
    const events = this.waiting.slice(0, 20);
    const body = JSON.stringify({ waiting: this.waiting.length - events.length, rejected: [], clock: Date.now(), events });
    let answer;
    try {
      answer = await fetch(new URL('/drive/events', this.client.url), {
        method: 'POST', body, headers: { 'x-drive-key': this.key, 'content-type': 'application/json', connection: 'close' }, signal: AbortSignal.timeout(20_000),
      });
    } catch {
      this.unanswered += 1;
      return;
    }
    if (answer.status !== 200) {
      assert.equal(answer.status, 503, await answer.text());
      this.unanswered += 1;
      return;
    }
    for (const { id, accepted, reason } of (await answer.json()).events) {
      assert.ok(accepted, `${JSON.stringify(this.recorded.get(id))}: ${reason}`);
      this.waiting = this.waiting.filter((event) => event.id !== id);
    }
  }

  /** Drives: a stop each `pause` ms; every record is handed in at once, and again until it is acknowledged. */
  async drive(pause) {
    for (const stop of this.stops) {
      for (let count = 0; count < ARRIVALS; count += 1) this.record(stop, 'arrived');
      this.record(stop, 'delivered');
      await this.handIn();
      await sleep(pause);
    }
    while (this.waiting.length > 0) {
      await this.handIn();
      await sleep(200);
    }
  }
}

/** A driver with a browser, which is killed while the primary is away. */
export class BrowserPhone {
  constructor(url, profile) {
    this.url = url;
    this.profile = profile;
    this.kills = 0;
    this.taps = 0;
  }

  async leave(member) {
    this.device = await startPhone(this.profile, this.url, 0);
    await logIn(this.device.page, member);
    await leave(this.device.page);
    const { page } = this.device;
    this.start = (await page.evaluate(async () => (await fetch(document.querySelector('link[rel=manifest]').href)).json())).start_url;
    this.stops = await list(page).getByRole('listitem').count();
  }

  async kill() {
    await this.device.kill();
    this.kills += 1;
    this.device = await startPhone(this.profile, this.url, 0);
    await this.device.page.goto(this.start);
    await list(this.device.page).waitFor();
  }

  /** Taps 완료 at the next stop. */
  async tap() {
    const { page } = this.device;
    await list(page).getByRole('link').nth(this.taps).click();
    await page.locator('.drive-address').waitFor();
    await page.getByRole('button', { name: DONE }).click();
    this.taps += 1;
    await list(page).waitFor();
  }

  /** Waits until the phone has handed in everything by itself; answers all records. */
  async handIn() {
    const { page } = this.device;
    await page.getByText('모두 전했어요').waitFor({ timeout: 90_000 });
    const records = await stored(page, 'events');
    await this.device.kill();
    return records;
  }
}
