// Tests the Windows executable under Wine; run by tests/windows/run. Drive Z: is the root of the Linux file system.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { HttpClient, fixture, run, startServer, temporaryFolder, visibleText } from '../browser/server.mjs';

const closing = [];
const folder = temporaryFolder(closing);
test.after(() => closing.forEach((close) => close()));

const data = path.join(folder, 'data');
const copies = `file:///Z:${folder}/copies`;

function succeeds(...args) {
  const { status, stdout, stderr } = run(args);
  assert.equal(status, 0, `${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

const orders = (...from) => {
  const out = path.join(folder, `orders-${process.hrtime.bigint()}.json`);
  succeeds('export', 'orders', '--out', out, ...from);
  return JSON.parse(readFileSync(out, 'utf8'));
};

test('Windows executable serves, imports, exports, backs up and restores', async (t) => {
  assert.match(succeeds('version'), /^mukkeum \d/);
  const began = performance.now();
  const server = await startServer({ data, command: ['serve', '--backup', copies], readyTimeout: 60_000 });
  const ready = performance.now() - began;
  const visitor = new HttpClient(server.url);
  await visitor.createFirstAdmin();
  const name = '01_smartstore_orders_72col.xlsx';
  await visitor.apply(await visitor.upload(name, readFileSync(fixture(name))));
  assert.match(visibleText(await (await visitor.fetch('/orders')).text()), /23/);

  const kept = orders('--data', data);
  assert.equal(kept.length, 23);
  succeeds('export', 'purchase-order', '--out', path.join(folder, 'factory.xlsx'), '--data', data, '--purpose', '공장 발주');

  // Ctrl+C in the console.
  server.child.kill('SIGINT');
  const [status] = await once(server.child, 'exit');
  assert.equal(status, 0, server.log());
  assert.match(server.log(), /프로그램이 꺼졌어요/);

  assert.ok(readdirSync(path.join(folder, 'copies')).length > 0);
  const restored = path.join(folder, 'restored');
  mkdirSync(restored);
  succeeds('restore', '--from', copies, '--out', path.join(restored, 'mukkeum.db'), '--data', restored, '--key-file', path.join(data, 'backup.key'));
  assert.deepEqual(orders('--data', restored), kept);

  const again = await startServer({ data: restored, readyTimeout: 60_000 });
  const back = new HttpClient(again.url);
  await back.logIn();
  assert.equal((await back.fetch('/orders')).status, 200);
  await again.stop();
  t.diagnostic(`ready after ${(ready / 1000).toFixed(2)} s`);
});
