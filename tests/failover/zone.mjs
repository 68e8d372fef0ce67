// Cuts off the zone of both primaries while visitors work through HAProxy on two nodes; run by tests/failover/run in
// its namespaces. Some visitors edit orders, some upload large files, some are only signed in, some have just signed
// out or been disabled. Drivers are out with their phones.
//
// A request waits and succeeds, or gets a page of the program with 503 and Retry-After. Each acknowledged edit exists
// exactly once; an upload is complete or absent, and its page shows which. All sessions survive, and none that has
// ended is valid again. Each record of a phone exists exactly once, at its own stop.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { koreanDay } from '../browser/browser.mjs';
import { ADMIN, HttpClient, generate, run, visibleText } from '../browser/server.mjs';
import { BrowserPhone, Phone, handOutTours } from './phones.mjs';

const ENTRANCE = 'http://10.99.0.254:8080';
// A browser has a service worker only at a secure address or on its own machine.
const LOCAL_ENTRANCE = 'http://127.0.0.1:8080';
const NODES = ['http://10.99.0.254:8081', 'http://10.99.0.254:8082'];
const { DATABASE, FOLDER } = process.env;
const EDITORS = 6;
const UPLOADERS = 2;
const STAYING = 15;
// of those, with a session that is one second old when the zone is cut off
const FRESH = 5;
const LEAVING = 5;
const ROWS = 2000;
// of the tours; the first driver has a browser
const TOURS = 10;
const STOPS = 14;
const PAUSE_MS = 2000;
const FORMER = { username: 'former', password: 'gone-by-then-2026' };

const waits = [];
const errorPages = [];

/** A client that checks every error response and records all latencies. */
class Witness extends HttpClient {
  async fetch(where, options) {
    const began = performance.now();
    const answer = await super.fetch(where, options);
    waits.push(performance.now() - began);
    if (answer.status >= 500) {
      const text = visibleText(await answer.clone().text());
      errorPages.push(text);
      assert.equal(answer.status, 503, `${where}: ${text}`);
      assert.equal(answer.headers.get('retry-after'), '5', text);
      assert.match(text, /지금은 연결할 수 없어요|저장되었는지 아직 몰라요/);
    }
    return answer;
  }

  async isSignedIn() {
    const answer = await this.fetch('/');
    if (answer.status !== 200) assert.match(answer.headers.get('location'), /^\/login/);
    return answer.status === 200;
  }

  /** A client with a copy of the present cookies. */
  copy() {
    const copy = new Witness(this.url);
    copy.cookies = new Map(this.cookies);
    return copy;
  }
}

async function signedIn(member = ADMIN) {
  const visitor = new Witness(ENTRANCE);
  await visitor.logIn(member);
  return visitor;
}

/** Retries while the response is 503. */
async function retry(act) {
  for (;;) {
    try {
      return await act();
    } catch (fault) {
      if (!/: 503\b/.test(fault.message)) throw fault;
      await sleep(500);
    }
  }
}

async function waitFor(what, isSo, seconds = 60) {
  const deadline = Date.now() + seconds * 1000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`gave up: ${what}`);
    await sleep(100);
  }
}

/** Queries a MariaDB server through its local socket. */
const sql = (server, text) =>
  execFileSync('mariadb', ['--no-defaults', '--user=root', `--socket=${FOLDER}/${server}/socket`, '--skip-column-names', '--batch', 'mukkeum', '--execute', text], { encoding: 'utf8' }).trim();

const link = (zone, state) => execFileSync('ip', ['link', 'set', `v${zone}`, state]);

const isReady = async (node) => (await fetch(`${node}/health/ready`)).text();

let over = false;
const acknowledged = [];

/** Edits the memo of one order repeatedly. */
async function edit(visitor, number, memos) {
  for (let count = 1; !over; count += 1) {
    const memo = `${number}-${count}`;
    const form = await retry(() =>
      visitor.form(`/orders?field=order_number&q=${number}&edit=1`, ({ inputs }) => inputs.some(({ name }) => name === 'tick')),
    );
    const id = form.hidden.find(({ name }) => name.startsWith('version-')).name.slice('version-'.length);
    const answer = await visitor.submit(form, { act: 'edit', tick: id, [`state-${id}`]: 'PLACED', [`admin_memo-${id}`]: memo });
    assert.ok([303, 503].includes(answer.status), `${answer.status} ${visibleText(await answer.text()).slice(0, 500)}`);
    memos.set(memo, answer.status === 303);
    if (answer.status === 303) acknowledged.push(Date.now());
  }
}

/** Uploads and applies the files in order. */
async function upload(visitor, files, uploads) {
  for (const file of files) {
    if (over) return;
    const bytes = readFileSync(file.path);
    const one = { ...file, where: await retry(() => visitor.upload(path.basename(file.path), bytes)), acknowledged: false };
    uploads.push(one);
    one.applying = true;
    const form = await retry(() => visitor.form(one.where, ({ action }) => action.endsWith('/apply')));
    one.acknowledged = (await visitor.submit(form, {})).status === 303;
    one.applying = false;
  }
}

async function main() {
  for (const { username, password } of [ADMIN, FORMER]) {
    const added = run(['user', 'add', username, '--role', 'admin', '--database', DATABASE, '--data', `${FOLDER}/app1`], { input: `${password}\n`, env: { MUKKEUM_PASSWORD: password } });
    assert.equal(added.status, 0, added.stderr);
  }
  const files = Array.from({ length: 12 }, (_, index) => {
    const prefix = `2026${String(index).padStart(4, '0')}`;
    const rows = index === 0 ? 50 : ROWS;
    return { prefix, rows, path: generate(FOLDER, { rows, seed: index, prefix }) };
  });
  await waitFor('the nodes are ready', async () => (await Promise.all(NODES.map(isReady))).every((word) => word === 'ready\n'));
  await waitFor('HAProxy knows', async () => (await fetch(`${ENTRANCE}/login`)).ok);

  const first = await signedIn();
  const roads = generate(FOLDER, { rows: 2400, seed: 99, prefix: '20269999' });
  await first.apply(await first.upload('roads.xlsx', readFileSync(roads)));
  const drivers = await handOutTours(first, koreanDay(), { trucks: TOURS, stops: STOPS, folder: `${FOLDER}/app1`, database: DATABASE });
  const browser = new BrowserPhone(LOCAL_ENTRANCE, `${FOLDER}/phone`);
  await browser.leave(drivers[0]);
  const phones = [];
  for (const driver of drivers.slice(1)) {
    const phone = new Phone(await signedIn(driver));
    await phone.leave();
    phones.push(phone);
  }
  await first.apply(await first.upload('first.xlsx', readFileSync(files[0].path)));
  const numbers = sql(1, `SELECT order_number FROM orders ORDER BY order_number LIMIT ${EDITORS}`).split('\n');
  const [staying, leaving, later, former] = [[], [], [], []];
  for (let count = 0; count < STAYING; count += 1) staying.push(await signedIn());
  for (let count = 0; count < LEAVING; count += 1) {
    leaving.push(await signedIn());
    later.push(await signedIn());
    former.push(await signedIn(FORMER));
  }
  const leave = async (visitor) => {
    const form = await retry(() => visitor.form('/', ({ action }) => action === '/logout'));
    assert.equal((await visitor.submit(form, {})).status, 303);
  };
  const before = [...leaving, ...later, ...former].map((visitor) => visitor.copy());

  const [memos, uploads] = [new Map(), []];
  const stop = (fault) => {
    over = true;
    return fault;
  };
  const editing = Promise.all(numbers.map(async (number) => edit(await signedIn(), number, memos))).catch(stop);
  const readiness = NODES.map(() => new Set());
  const watching = Promise.all(
    NODES.map(async (node, index) => {
      while (!over) {
        readiness[index].add((await isReady(node)).trim());
        await sleep(200);
      }
    }),
  );
  const driving = Promise.all(phones.map((phone) => phone.drive(PAUSE_MS))).catch(stop);
  await browser.tap();
  await sleep(6000);
  await browser.tap();
  for (let count = 0; count < FRESH; count += 1) staying.push(await signedIn());
  await sleep(1000);
  // Starts only now, so that files are still being applied when the zone is cut off, however fast the machine is.
  const uploading = Promise.all(
    Array.from({ length: UPLOADERS }, async (_, index) =>
      upload(await signedIn(), files.slice(1).filter((_, file) => file % UPLOADERS === index), uploads),
    ),
  ).catch(stop);
  const applies = () => waitFor('a file is being applied', () => over || uploads.some(({ applying }) => applying), 20);
  await applies();
  assert.equal(run(['user', 'disable', FORMER.username, '--database', DATABASE, '--data', `${FOLDER}/app1`]).status, 0);
  await Promise.all(leaving.map(leave));
  await applies();

  // Cuts replication first, so that the last writes have not reached the replicas.
  link(2, 'down');
  link(3, 'down');
  await sleep(300);
  const cutAt = Date.now();
  link(1, 'down');
  link(2, 'up');
  link(3, 'up');
  const inFlight = uploads.filter(({ applying }) => applying);
  const leftMeanwhile = Promise.all(later.map(leave));
  // Its outcome is not handed in yet.
  await browser.kill();
  await browser.tap();
  await browser.kill();
  await browser.tap();
  await waitFor('MHA promotes a replica', () => over || existsSync(`${FOLDER}/open`));
  const open = Number(readFileSync(`${FOLDER}/open`, 'utf8'));
  await waitFor('edits continue', () => over || acknowledged.filter((at) => at > open).length >= 3 * EDITORS);
  await sleep(3000);
  over = true;
  const faults = (await Promise.all([editing, uploading, driving])).filter((result) => result instanceof Error);
  if (faults.length > 0) throw faults[0];
  await Promise.all([watching, leftMeanwhile]);

  const primary = sql(2, 'SELECT @@read_only') === '0' ? 2 : 3;
  const count = (text) => Number(sql(primary, `SELECT count(*) FROM ${text}`));
  for (const [memo, must] of memos) {
    const times = count(`order_events WHERE changes LIKE '%"${memo}"]%'`);
    assert.ok(times === 1 || (times === 0 && !must), `${memo} was ${must ? '' : 'not '}acknowledged and is there ${times} times`);
  }
  let there = 0;
  for (const { prefix, rows, where, acknowledged: must } of uploads) {
    const orders = count(`orders WHERE order_number LIKE '${prefix}%'`);
    assert.ok(orders === rows || (orders === 0 && !must), `${orders} of ${rows} orders of ${prefix}`);
    const page = await (await first.fetch(where)).text();
    assert.equal(/action="[^"]*\/apply"/.test(page), orders === 0, `the page of ${prefix}`);
    there += Number(orders > 0);
  }
  const records = await drivenRecords(primary, browser, phones);
  for (const visitor of [first, ...staying]) assert.ok(await visitor.isSignedIn(), 'a session was lost');
  for (const visitor of before) assert.ok(!(await visitor.isSignedIn()), 'an ended session is valid again');
  for (const words of readiness) {
    assert.ok(words.has('storage') || words.has('sessions'), `what was wrong: ${[...words]}`);
    assert.ok(words.has('ready'));
  }
  for (const node of NODES) assert.equal(await isReady(node), 'ready\n');

  const gap = Math.max(...acknowledged.slice(1).map((at, index) => at - acknowledged[index]));
  const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
  const edits = [...memos.values()].filter(Boolean).length;
  console.log(
    `edits acknowledged ${edits} of ${memos.size}, uploads there ${there} of ${uploads.length}, ${inFlight.length} of them applied at that moment; ` +
      `none lost, none twice; ${staying.length + 1} stayed signed in, ${before.length} stayed out`,
  );
  console.log(
    `${seconds(gap)} without an edit: MHA took ${seconds(open - cutAt)}; requests turned away ${errorPages.length}, longest wait ` +
      `${seconds(Math.max(...waits))}; readiness said ${[...new Set(readiness.flatMap((words) => [...words]))].join(', ')}`,
  );
  const turnedAway = phones.reduce((sum, { unanswered }) => sum + unanswered, 0);
  console.log(
    `${records} records of ${TOURS} phones are there once, at their stops; ${turnedAway} times a phone was not answered and handed in again, ` +
      `a browser was killed ${browser.kills} times`,
  );
  await testWithoutPrimary(first, primary);
}

/** The number of an identifier that is written in base 32. */
const idNumber = (text) => `${[...text].reduce((sum, digit) => sum * 32n + BigInt('0123456789ABCDEFGHJKMNPQRSTVWXYZ'.indexOf(digit)), 0n)}`;

/** Checks that the records of all phones are in the database, each once and at its stop; answers how many. */
async function drivenRecords(primary, browser, phones) {
  const expected = new Map((await browser.handIn()).map(({ id, job }) => [id, job]));
  assert.equal(expected.size, browser.taps, 'on the phone');
  for (const { recorded } of phones) for (const { id, job } of recorded.values()) expected.set(id, job);
  const rows = sql(primary, "SELECT id, job_id FROM stop_events WHERE source = 'phone'").split('\n').map((row) => row.split('\t'));
  const stored = new Map(rows);
  for (const [id, job] of expected) assert.equal(stored.get(id), idNumber(job), `a record of ${job}`);
  assert.equal(rows.length, expected.size, 'doubled');
  return rows.length;
}

/** Without a primary every page is a 503; service resumes as soon as there is one. */
async function testWithoutPrimary(visitor, primary) {
  sql(primary, 'SET GLOBAL read_only = 1');
  const before = errorPages.length;
  const answers = await Promise.all([visitor.fetch('/orders'), fetch(`${ENTRANCE}/health/ready`), isReady(NODES[0])]);
  assert.equal(answers[0].status, 503);
  assert.equal(errorPages.length, before + 1);
  assert.equal(answers[2], 'storage\n');
  sql(primary, 'SET GLOBAL read_only = 0');
  await waitFor('there is a primary again', () => visitor.isSignedIn(), 10);
  console.log('without a primary: 503 with Retry-After, and back by itself');
}

await main();
process.exit(0);
