// People work through HAProxy on two nodes while the zone with both primaries is cut off: run by
// tests/failover/run, in its namespace. Some edit orders, some upload large files, some only stay
// signed in, some have just left or been shut out.
//
// A request waits and is answered, or gets a page of the program with 503 and Retry-After. What was
// acknowledged is there, once; an upload is whole or absent, and its page says which. Nobody is
// signed out, nobody comes back.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ADMIN, HttpClient, generate, run, visibleText } from '../browser/server.mjs';

const ENTRANCE = 'http://10.99.0.254:8080';
const NODES = ['http://10.99.0.254:8081', 'http://10.99.0.254:8082'];
const { DATABASE, FOLDER } = process.env;
const EDITORS = 6;
const UPLOADERS = 2;
const STAYING = 15;
// … whose session is a second old when the zone is cut off
const FRESH = 5;
const LEAVING = 5;
const ROWS = 2000;
const FORMER = { username: 'former', password: 'gone-by-then-2026' };

const waits = [];
const turnedAway = [];

/** A visitor that looks at what it is told when there is no page for it. */
class Witness extends HttpClient {
  async fetch(where, options) {
    const began = performance.now();
    const answer = await super.fetch(where, options);
    waits.push(performance.now() - began);
    if (answer.status >= 500) {
      const text = visibleText(await answer.clone().text());
      turnedAway.push(text);
      assert.equal(answer.status, 503, `${where}: ${text}`);
      assert.equal(answer.headers.get('retry-after'), '5', text);
      assert.match(text, /지금은 답하지 못해요|저장되었는지 아직 몰라요/);
    }
    return answer;
  }

  async isSignedIn() {
    const answer = await this.fetch('/');
    if (answer.status !== 200) assert.match(answer.headers.get('location'), /^\/login/);
    return answer.status === 200;
  }

  /** The same browser before its cookies were taken away. */
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

/** Does something again while its answer is 503. */
async function persistently(act) {
  for (;;) {
    try {
      return await act();
    } catch (fault) {
      if (!/: 503\b/.test(fault.message)) throw fault;
      await sleep(500);
    }
  }
}

async function until(what, isSo, seconds = 60) {
  const deadline = Date.now() + seconds * 1000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`gave up: ${what}`);
    await sleep(100);
  }
}

/** Asks a server of MariaDB itself, not through the network. */
const sql = (server, text) =>
  execFileSync('mariadb', ['--no-defaults', '--user=root', `--socket=${FOLDER}/${server}/socket`, '--skip-column-names', '--batch', 'mukkeum', '--execute', text], { encoding: 'utf8' }).trim();

const link = (zone, state) => execFileSync('ip', ['link', 'set', `v${zone}`, state]);

const isReady = async (node) => (await fetch(`${node}/health/ready`)).text();

let over = false;
const acknowledged = [];

/** Writes a new memo into one order again and again. */
async function edit(visitor, number, memos) {
  for (let turn = 1; !over; turn += 1) {
    const memo = `${number}-${turn}`;
    const form = await persistently(() =>
      visitor.form(`/orders?field=order_number&q=${number}`, ({ inputs }) => inputs.some(({ name }) => name === 'tick')),
    );
    const id = form.hidden.find(({ name }) => name.startsWith('version-')).name.slice('version-'.length);
    const answer = await visitor.submit(form, { act: 'edit', tick: id, [`state-${id}`]: 'PLACED', [`admin_memo-${id}`]: memo });
    assert.ok([303, 503].includes(answer.status), `${answer.status} ${visibleText(await answer.text()).slice(0, 500)}`);
    memos.set(memo, answer.status === 303);
    if (answer.status === 303) acknowledged.push(Date.now());
  }
}

/** Uploads and applies one file after the other. */
async function upload(visitor, files, uploads) {
  for (const file of files) {
    if (over) return;
    const bytes = readFileSync(file.path);
    const one = { ...file, where: await persistently(() => visitor.upload(path.basename(file.path), bytes)), acknowledged: false };
    uploads.push(one);
    one.applying = true;
    const form = await persistently(() => visitor.form(one.where, ({ action }) => action.endsWith('/apply')));
    one.acknowledged = (await visitor.submit(form, {})).status === 303;
    one.applying = false;
  }
}

async function main() {
  for (const { username, password } of [ADMIN, FORMER]) {
    const added = run(['user', 'add', username, '--role', 'admin', '--database', DATABASE, '--data', `${FOLDER}/app1`], { input: `${password}\n`, env: { MUKKEUM_PASSWORD: password } });
    assert.equal(added.status, 0, added.stderr);
  }
  const files = Array.from({ length: 12 }, (_, place) => {
    const prefix = `2026${String(place).padStart(4, '0')}`;
    return { prefix, rows: place === 0 ? 50 : ROWS, path: generate(FOLDER, { rows: place === 0 ? 50 : ROWS, seed: place, prefix }) };
  });
  await until('the nodes are ready', async () => (await Promise.all(NODES.map(isReady))).every((word) => word === 'ready\n'));
  await until('HAProxy knows', async () => (await fetch(`${ENTRANCE}/login`)).ok);

  const first = await signedIn();
  await first.apply(await first.upload('first.xlsx', readFileSync(files[0].path)));
  const numbers = sql(1, `SELECT order_number FROM orders ORDER BY order_number LIMIT ${EDITORS}`).split('\n');
  const [staying, leaving, later, former] = [[], [], [], []];
  for (let place = 0; place < STAYING; place += 1) staying.push(await signedIn());
  for (let place = 0; place < LEAVING; place += 1) {
    leaving.push(await signedIn());
    later.push(await signedIn());
    former.push(await signedIn(FORMER));
  }
  const leave = async (visitor) => {
    const form = await persistently(() => visitor.form('/', ({ action }) => action === '/logout'));
    assert.equal((await visitor.submit(form, {})).status, 303);
  };
  const before = [...leaving, ...later, ...former].map((visitor) => visitor.copy());

  const [memos, uploads] = [new Map(), []];
  const work = [
    ...numbers.map(async (number) => edit(await signedIn(), number, memos)),
    ...Array.from({ length: UPLOADERS }, async (_, place) =>
      upload(await signedIn(), files.slice(1).filter((_, file) => file % UPLOADERS === place), uploads),
    ),
  ];
  const working = Promise.all(work).catch((fault) => {
    over = true;
    return fault;
  });
  const said = NODES.map(() => new Set());
  const watching = Promise.all(
    NODES.map(async (node, place) => {
      while (!over) {
        said[place].add((await isReady(node)).trim());
        await sleep(200);
      }
    }),
  );
  await sleep(6000);
  for (let place = 0; place < FRESH; place += 1) staying.push(await signedIn());
  await sleep(1000);
  const applies = () => until('a file is being applied', () => over || uploads.some(({ applying }) => applying), 20);
  await applies();
  assert.equal(run(['user', 'disable', FORMER.username, '--database', DATABASE, '--data', `${FOLDER}/app1`]).status, 0);
  await Promise.all(leaving.map(leave));
  await applies();

  // What was written last has not reached the replicas of Redis yet.
  link(2, 'down');
  link(3, 'down');
  await sleep(300);
  const dead = Date.now();
  link(1, 'down');
  link(2, 'up');
  link(3, 'up');
  const inMidst = uploads.filter(({ applying }) => applying);
  const leftMeanwhile = Promise.all(later.map(leave));
  await until('MHA promotes a replica', () => over || existsSync(`${FOLDER}/open`));
  const open = Number(readFileSync(`${FOLDER}/open`, 'utf8'));
  await until('people work again', () => over || acknowledged.filter((at) => at > open).length >= 3 * EDITORS);
  await sleep(3000);
  over = true;
  const fault = await working;
  if (fault instanceof Error) throw fault;
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
  for (const visitor of [first, ...staying]) assert.ok(await visitor.isSignedIn(), 'somebody was signed out');
  for (const visitor of before) assert.ok(!(await visitor.isSignedIn()), 'somebody came back');
  for (const words of said) {
    assert.ok(words.has('storage') || words.has('sessions'), `what was wrong: ${[...words]}`);
    assert.ok(words.has('ready'));
  }
  for (const node of NODES) assert.equal(await isReady(node), 'ready\n');

  const gap = Math.max(...acknowledged.slice(1).map((at, place) => at - acknowledged[place]));
  const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
  const edits = [...memos.values()].filter(Boolean).length;
  console.log(
    `edits acknowledged ${edits} of ${memos.size}, uploads there ${there} of ${uploads.length}, ${inMidst.length} of them applied at that moment; ` +
      `none lost, none twice; ${staying.length + 1} stayed signed in, ${before.length} stayed out`,
  );
  console.log(
    `${seconds(gap)} without an edit: MHA took ${seconds(open - dead)}; requests turned away ${turnedAway.length}, longest wait ` +
      `${seconds(Math.max(...waits))}; readiness said ${[...new Set(said.flatMap((words) => [...words]))].join(', ')}`,
  );
  await withoutAPrimary(first, primary);
}

/** Nobody is promoted: people are told, and need nothing but a primary. */
async function withoutAPrimary(visitor, primary) {
  sql(primary, 'SET GLOBAL read_only = 1');
  const told = turnedAway.length;
  const answers = await Promise.all([visitor.fetch('/orders'), fetch(`${ENTRANCE}/health/ready`), isReady(NODES[0])]);
  assert.equal(answers[0].status, 503);
  assert.equal(turnedAway.length, told + 1);
  assert.equal(answers[2], 'storage\n');
  sql(primary, 'SET GLOBAL read_only = 0');
  await until('there is a primary again', () => visitor.isSignedIn(), 10);
  console.log('without a primary: 503 with Retry-After, and back by itself');
}

await main();
process.exit(0);
