// Switches the traffic between blue and green under load, with the scripts and the haproxy.cfg of deploy/blue-green; run
// by tests/blue-green/run. Visitors edit orders, read pages and upload files. No request may fail, no session may end,
// and every edit must exist exactly once.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ADMIN, BINARY, HttpClient, freePort, generate, run, temporaryFolder, visibleText } from '../browser/server.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const DEPLOY = path.resolve(HERE, '../../deploy/blue-green');
const SERVER = process.env.MUKKEUM_TEST_DATABASE;
const ROUNDS = 20;
const EDITORS = 5;
const READERS = 6;
const PAGES = ['/', '/orders', '/deliveries', '/uploads'];

const closing = [];
const folder = temporaryFolder(closing);
const ports = { blue: await freePort(), green: await freePort(), shop: await freePort(), redis: await freePort() };
const shop = `http://127.0.0.1:${ports.shop}`;
const database = `${SERVER}/colours`;
const running = [];

test.after(async () => {
  for (const colour of ['blue', 'green']) systemctl('stop', colour);
  await Promise.all(running.map((child) => (child.exitCode === null ? (child.kill(), once(child, 'exit')) : null)));
  for (const close of closing) close();
});

function daemon(program, args) {
  const child = spawn(program, args, { stdio: 'ignore' });
  running.push(child);
  return child;
}

const surroundings = {
  ...process.env,
  FOLDER: folder,
  PROGRAM: BINARY,
  PREVIOUS: process.env.MUKKEUM_PREVIOUS ?? '',
  MUKKEUM_SYSTEMCTL: path.join(HERE, 'systemctl'),
  MUKKEUM_HAPROXY: `UNIX-CONNECT:${folder}/haproxy.sock`,
  MUKKEUM_STATE: `${folder}/state`,
};

const systemctl = (act, colour) => execFileSync(surroundings.MUKKEUM_SYSTEMCTL, [act, `mukkeum@${colour}`], { env: surroundings });

/** Runs a script of deploy/blue-green. */
async function script(name, args = [], env = {}) {
  const began = performance.now();
  const child = spawn(path.join(DEPLOY, name), args, { env: { ...surroundings, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => output.push(bytes));
  const [status] = await once(child, 'close');
  return { status, output: Buffer.concat(output).toString(), seconds: (performance.now() - began) / 1000 };
}

async function succeeds(name, ...args) {
  const done = await script(name, args);
  assert.equal(done.status, 0, done.output);
  return done;
}

const address = new URL(SERVER);
const sql = (text) =>
  execFileSync('mariadb', ['--no-defaults', '--user=root', '--protocol=tcp', `--host=${address.hostname}`, `--port=${address.port}`, '--skip-column-names', '--batch', '--execute', text], { encoding: 'utf8' }).trim();

const haproxy = () => daemon('haproxy', ['-db', '-f', `${folder}/haproxy.cfg`]);

const other = (colour) => (colour === 'blue' ? 'green' : 'blue');

/** HAProxy's status of a colour: UP, DRAIN, MAINT, DOWN. */
const status = (colour) =>
  execFileSync('socat', ['-', surroundings.MUKKEUM_HAPROXY], { input: 'show stat\n', encoding: 'utf8' })
    .match(new RegExp(`^ready,${colour},(?:[^,]*,){15}([^,]*)`, 'm'))[1];

async function waitFor(what, isSo, seconds = 30) {
  const deadline = Date.now() + seconds * 1000;
  while (!(await isSo().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`gave up: ${what}`);
    await sleep(50);
  }
}

// --- visitors -----------------------------------------------------------------------------------

let over = false;
let requests = 0;
const failed = [];
const memos = new Map();

/** A client that records every failed request. */
class Witness extends HttpClient {
  async fetch(where, options) {
    requests += 1;
    try {
      const answer = await super.fetch(where, options);
      if (![200, 303].includes(answer.status)) failed.push(`${where}: ${answer.status} ${visibleText(await answer.clone().text()).slice(0, 200)}`);
      if (/^\/login/.test(answer.headers.get('location') ?? '')) failed.push(`${where}: signed out`);
      return answer;
    } catch (fault) {
      failed.push(`${where}: ${fault.cause ?? fault}`);
      throw fault;
    }
  }
}

async function signedIn() {
  const visitor = new Witness(shop);
  await visitor.logIn();
  return visitor;
}

/** Edits the memo of one order repeatedly; each time the previous edit must be visible. */
async function edit(visitor, number) {
  const where = `/orders?field=order_number&q=${number}&edit=1`;
  for (let count = 1; !over; count += 1) {
    const memo = `${number}-${count}`;
    const html = await (await visitor.fetch(where)).text();
    const [, id, seen] = html.match(/name="admin_memo-([^"]+)"[^>]*>([^<]*)</);
    assert.equal(seen, count === 1 ? '' : `${number}-${count - 1}`, 'the previous edit is visible');
    const form = await visitor.form(where, ({ inputs }) => inputs.some(({ name }) => name === 'tick'));
    await visitor.submit(form, { act: 'edit', tick: id, [`state-${id}`]: 'PLACED', [`admin_memo-${id}`]: memo });
    memos.set(number, count);
  }
}

async function read(visitor, index) {
  const options = index % 2 === 0 ? {} : { headers: { connection: 'close' } };
  for (let count = index; !over; count += 1) {
    const answer = await visitor.fetch(PAGES[count % PAGES.length], options);
    await answer.arrayBuffer();
    await sleep(20);
  }
}

async function upload(visitor, file) {
  let applied = 0;
  for (; !over; applied += 1) {
    const name = generate(folder, file(applied));
    await visitor.apply(await visitor.upload('orders.xlsx', readFileSync(name)));
    await sleep(500);
  }
  return applied;
}

// --- the test ---------------------------------------------------------------------------------

function configure() {
  const config = readFileSync(path.join(DEPLOY, 'haproxy.cfg'), 'utf8')
    .replace(/bind :443.*/, `bind 127.0.0.1:${ports.shop}`)
    .replace('/run/haproxy/mukkeum.sock', `${folder}/haproxy.sock`)
    .replace('/var/lib/haproxy/mukkeum.state', `${folder}/state`)
    .replaceAll('127.0.0.1:8081', `127.0.0.1:${ports.blue}`)
    .replaceAll('127.0.0.1:8082', `127.0.0.1:${ports.green}`);
  writeFileSync(`${folder}/haproxy.cfg`, config);
  writeFileSync(
    `${folder}/common.env`,
    `MUKKEUM_DATABASE=${database}\nMUKKEUM_SESSIONS=redis://127.0.0.1:${ports.redis}\nMUKKEUM_TRUSTED_PROXIES=127.0.0.1\nMUKKEUM_ADMIN_TOTP=off\n`,
  );
  for (const colour of ['blue', 'green']) {
    mkdirSync(`${folder}/${colour}`);
    writeFileSync(`${folder}/${colour}.env`, `MUKKEUM_LISTEN=127.0.0.1:${ports[colour]}\n`);
  }
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const spread = (numbers) => `${Math.min(...numbers).toFixed(2)} / ${median(numbers).toFixed(2)} / ${Math.max(...numbers).toFixed(2)} s`;

test('twenty switches and rollbacks lose no request, session or edit', async (t) => {
  sql('CREATE DATABASE colours');
  configure();
  daemon('redis-server', ['--bind', '127.0.0.1', '--port', `${ports.redis}`, '--save', '', '--dir', folder]);
  haproxy();
  await waitFor('HAProxy', async () => existsSync(`${folder}/haproxy.sock`) && status('blue') === 'DOWN');

  assert.equal((await script('switch')).status, 1, 'without an active colour it needs an argument');
  await succeeds('switch', 'blue');
  copyFileSync(`${folder}/blue/secret.key`, `${folder}/green/secret.key`);
  const added = run(['user', 'add', ADMIN.username, '--role', 'admin', '--data', `${folder}/blue`, '--database', database], { input: `${ADMIN.password}\n`, env: { MUKKEUM_PASSWORD: ADMIN.password } });
  assert.equal(added.status, 0, added.stderr);

  const first = await signedIn();
  const file = (seed, rows = 100) => ({ rows, seed, prefix: `2026${String(seed).padStart(4, '0')}` });
  await first.apply(await first.upload('first.xlsx', readFileSync(generate(folder, file(9000, 20)))));
  const numbers = sql(`SELECT order_number FROM colours.orders ORDER BY order_number LIMIT ${EDITORS}`).split('\n');
  const visitors = [];
  while (visitors.length < EDITORS + READERS + 1) visitors.push(await signedIn());
  const work = [
    ...numbers.map((number, index) => edit(visitors[index], number)),
    ...Array.from({ length: READERS }, (_, index) => read(visitors[EDITORS + index], index)),
    upload(visitors.at(-1), file),
  ];
  const working = Promise.all(work.map((one) => one.catch((fault) => failed.push(`${fault}`))));

  let now = 'blue';
  const moves = { switch: [], rollback: [] };
  for (const act of ['switch', 'rollback']) {
    for (let round = 0; round < ROUNDS && failed.length === 0; round += 1) {
      const done = await succeeds(act);
      now = other(now);
      assert.match(done.output, new RegExp(`^${now} serves: moved in`, 'm'));
      moves[act].push(done.seconds);
    }
  }

  await t.test('a colour that does not become ready gets no traffic', async () => {
    const refused = await script('switch', [], { PROGRAM: '/bin/false', MUKKEUM_READY_WITHIN: '1' });
    assert.equal(refused.status, 1);
    assert.match(refused.output, new RegExp(`${other(now)} was not ready within 1 s`));
    assert.equal((await script('retire', [now])).status, 1, 'the active colour is not retired');
    assert.match((await script('switch', [now])).output, /is already active/);
    await succeeds('switch');
    now = other(now);
  });

  await t.test('a retired colour is stopped, and started again by a rollback', async () => {
    const left = other(now);
    await succeeds('retire', left);
    assert.ok(!existsSync(`${folder}/${left}.pid`));
    const asked = readFileSync(`${folder}/asked`, 'utf8').trim().split('\n').slice(-5);
    assert.deepEqual(asked, [
      `enable mukkeum@${now}`,
      `disable mukkeum@${left}`,
      `stop mukkeum-retire@${now}.timer`,
      `restart mukkeum-retire@${left}.timer`,
      `stop mukkeum-retire@${left}.timer`,
    ]);
    await succeeds('rollback');
    now = left;
  });

  await t.test('a migration of the next version does not disturb running instances', async () => {
    const tables = sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'colours'").split('\n');
    for (const table of tables) sql(`ALTER TABLE colours.${table} ADD COLUMN later INTEGER NOT NULL DEFAULT 7`);
    sql('CREATE TABLE colours.added (id BIGINT NOT NULL PRIMARY KEY)');
    const version = Number(sql('SELECT max(version) FROM colours.schema_versions')) + 1;
    sql(`INSERT INTO colours.schema_versions (version, applied_at) VALUES (${version}, 0)`);
    const written = [...memos.values()].reduce((sum, count) => sum + count, 0);
    await waitFor('edits continue', async () => [...memos.values()].reduce((sum, count) => sum + count, 0) > written + 3 * EDITORS);
    await succeeds('rollback');
    await succeeds('rollback');
    const refused = await script('switch', [], { MUKKEUM_READY_WITHIN: '2' });
    assert.equal(refused.status, 1, 'an instance of this version does not start on the newer schema');
    assert.match(readFileSync(`${folder}/${other(now)}.log`, 'utf8'), /더 새로운 버전/);
  });

  over = true;
  const uploads = (await working).at(-1);
  assert.deepEqual(failed, []);
  assert.ok(uploads > 0 && memos.size === EDITORS);
  for (const visitor of [first, ...visitors]) assert.equal((await visitor.fetch('/')).status, 200, 'still signed in');
  const events = sql("SELECT changes FROM colours.order_events WHERE changes LIKE '%admin_memo%'").split('\n');
  const times = new Map();
  for (const change of events) {
    const memo = change.match(/"([^"]+-\d+)"\]/)[1];
    times.set(memo, (times.get(memo) ?? 0) + 1);
  }
  const edits = [...memos].flatMap(([number, count]) => Array.from({ length: count }, (_, index) => `${number}-${index + 1}`));
  for (const memo of edits) assert.equal(times.get(memo), 1, memo);
  assert.equal(times.size, edits.length);
  for (const [number, count] of memos) {
    assert.equal(sql(`SELECT admin_memo FROM colours.orders WHERE order_number = '${number}'`), `${number}-${count}`);
  }
  assert.equal(sql('SELECT count(*) FROM colours.orders'), `${20 + uploads * 100}`);
  t.diagnostic(
    `${requests} requests, none failed; ${edits.length} edits and ${uploads} uploads there, once; ${visitors.length + 1} visitors stayed signed in; ` +
      `min / median / max: ${moves.switch.length} switches ${spread(moves.switch)}, ${moves.rollback.length} rollbacks ${spread(moves.rollback)}`,
  );

  await t.test('HAProxy keeps the state of both colours over a restart', async () => {
    const old = running.at(-1);
    old.kill();
    await once(old, 'exit');
    haproxy();
    await waitFor('HAProxy', async () => status(now) === 'UP');
    assert.equal(status(other(now)), 'MAINT');
  });
});
