// A shop that the previous release has made is migrated, checked, exported and served by this version; run by
// tests/upgrade/run. Without a previous release the shop is one of this version.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { ADMIN, BINARY, HttpClient, generate, startServer, temporaryFolder } from '../browser/server.mjs';

const PREVIOUS = process.env.MUKKEUM_PREVIOUS || BINARY;
const SERVER = process.env.MUKKEUM_TEST_DATABASE;
const ORDERS = 300;

const closing = [];
test.after(() => closing.forEach((close) => close()));

/** Runs a command of a program, which must exit with one of `options.statuses`, by default 0; returns its output. */
function done(program, shop, args, options = {}) {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('MUKKEUM_'));
  const database = shop.database ? ['--database', shop.database] : [];
  const env = { ...Object.fromEntries(inherited), ...options.env };
  const { status, stdout, stderr } = spawnSync(program, [...args, '--data', shop.data, ...database], { encoding: 'utf8', env, input: options.input ?? '', maxBuffer: 1 << 28 });
  assert.ok((options.statuses ?? [0]).includes(status), `${path.basename(program)} ${args.join(' ')}: ${stderr}${stdout}`);
  return stdout;
}

function exported(program, shop, name) {
  const file = path.join(shop.folder, name);
  done(program, shop, ['export', 'orders', '--out', file]);
  return JSON.parse(readFileSync(file, 'utf8')).sort((one, other) => one.order_number.localeCompare(other.order_number));
}

function createDatabase(name) {
  const { hostname, port } = new URL(SERVER);
  const client = ['--no-defaults', '--user=root', '--protocol=tcp', `--host=${hostname}`, `--port=${port}`];
  const { status, stderr } = spawnSync('mariadb', [...client, '--execute', `CREATE DATABASE ${name}`], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

/** A shop of the previous release: a member, three hundred orders, tracking numbers of some. */
function previousShop(engine) {
  const folder = temporaryFolder(closing);
  const shop = { folder, data: path.join(folder, 'data'), database: engine === 'MariaDB' ? `${SERVER}/upgrade` : undefined };
  if (shop.database) createDatabase('upgrade');
  // The first command of a program creates an empty shop.
  done(PREVIOUS, shop, ['user', 'add', ADMIN.username, '--role', 'admin'], { input: `${ADMIN.password}\n`, env: { MUKKEUM_PASSWORD: ADMIN.password } });
  done(PREVIOUS, shop, ['import', 'orders', generate(folder, { rows: ORDERS, seed: 7 })]);
  return shop;
}

for (const engine of ['SQLite', 'MariaDB']) {
  test(`a shop of the previous release is upgraded on ${engine}`, async (t) => {
    const shop = previousShop(engine);
    const before = exported(PREVIOUS, shop, 'before.json');
    assert.equal(before.length, ORDERS);

    const dry = JSON.parse(done(BINARY, shop, ['migrate', '--dry-run', '--json']));
    const migrated = JSON.parse(done(BINARY, shop, ['migrate', '--json']));
    t.diagnostic(`${PREVIOUS === BINARY ? 'no previous release: this version' : PREVIOUS}; ${JSON.stringify(dry)}, ${JSON.stringify(migrated)}`);
    // The shop has no backup, and the server of the test never flushes: `doctor` says so. The data must be well.
    const findings = done(BINARY, shop, ['doctor'], { statuses: [1, 2] });
    for (const well of ['데이터베이스', '스키마', '접속기록']) assert.match(findings, new RegExp(`^\\[좋아요\\] ${well}`, 'm'));

    const after = exported(BINARY, shop, 'after.json');
    assert.equal(after.length, ORDERS);
    for (const [index, order] of before.entries()) {
      for (const [key, value] of Object.entries(order)) assert.deepEqual(after[index][key], value, `${order.order_number}: ${key}`);
    }

    await t.test('its pages are served, its member logs in, and its orders are found and uploaded again', async () => {
      const command = ['serve', ...(shop.database ? ['--database', shop.database] : [])];
      const server = await startServer({ data: shop.data, command });
      try {
        const visitor = new HttpClient(server.url);
        await visitor.logIn();
        for (const page of ['/', '/orders', '/deliveries', '/uploads', '/products']) {
          assert.equal((await visitor.fetch(page)).status, 200, page);
        }
        const { order_number: number } = before[0];
        assert.match(await (await visitor.fetch(`/orders?q=${number}`)).text(), new RegExp(number));
      } finally {
        await server.stop();
      }
      const again = JSON.parse(done(BINARY, shop, ['import', 'orders', '--json', path.join(shop.folder, uploaded(shop))]));
      assert.equal(again.created, 0, JSON.stringify(again).slice(0, 400));
    });

    if (engine === 'SQLite' && PREVIOUS !== BINARY && migrated.migrated) {
      assert.ok(readdirSync(shop.data).some((name) => /^mukkeum\.db\.schema-\d+$/.test(name)), 'the older database is kept');
    }
    assert.ok(engine === 'MariaDB' || existsSync(path.join(shop.data, 'mukkeum.db')));
  });
}

/** The order file that `generate` has written. */
function uploaded(shop) {
  return readdirSync(shop.folder).find((name) => name.endsWith('.xlsx'));
}
