// Two nodes behind HAProxy (round robin) with MariaDB and Redis. The test starts and stops all servers.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { closeBrowser, logIn, mainText, open } from './browser.mjs';
import { apply, counts, field, gotoOrders, openOrder, orderNumbers, preview, saveOrder, totalCount } from './flows.mjs';
import { ADMIN, freePort, run, startServer } from './server.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const CONFIG = path.join(ROOT, 'deploy/ha/haproxy.cfg');
const FILE = '01_smartstore_orders_72col.xlsx';
const ORDER = '2024031500000001';

after(closeBrowser);

/** Starts a process; returns a function that kills it. */
function background(program, args) {
  const child = spawn(program, args, { stdio: 'ignore', env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });
  const exited = once(child, 'exit');
  process.on('exit', () => child.kill('SIGKILL'));
  return async () => {
    child.kill('SIGKILL');
    await exited;
  };
}

/** Starts a MariaDB that runs until its standard input ends; returns the URL of a database. */
async function mariadb(closing) {
  const server = spawn(path.join(ROOT, 'tests/with-mariadb'), ['sh', '-c', 'echo "$MUKKEUM_TEST_DATABASE"; cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(server, 'exit');
  closing.push(async () => {
    server.stdin.end();
    await exited;
  });
  const url = new URL(`${await Promise.race([once(server.stdout, 'data'), exited])}`.trim());
  execFileSync('mariadb', ['--no-defaults', `--user=${url.username}`, `--host=${url.hostname}`, `--port=${url.port}`, '--execute', 'CREATE DATABASE shop']);
  return `${url}/shop`;
}

/** HAProxy configuration of deploy/ with one connection per request and a header that names the node. */
function haproxyConfig(port, nodes) {
  const [servers, options] = [nodes.map((node, index) => `    server ${index} 127.0.0.1:${node.port}`).join('\n'), '    option http-server-close\n    http-response set-header x-node %s\n'];
  return readFileSync(CONFIG, 'utf8')
    .replace(/bind :443.*/, `bind 127.0.0.1:${port}\n    use_backend assets if { path_beg /assets/ }`)
    .replace(/(?: {4}server [ab] .*\n?)+/g, `${servers}\n`)
    .replaceAll('balance roundrobin\n', `balance roundrobin\n${options}`)
    .concat(`\nbackend assets\n    balance roundrobin\n${servers}\n`);
}

async function twoNodes({ data }) {
  const [redis, port, folder, closing] = [await freePort(), await freePort(), path.dirname(data), []];
  const shared = ['--database', await mariadb(closing), '--sessions', `redis://127.0.0.1:${redis}`];
  closing.push(background('redis-server', ['--bind', '127.0.0.1', '--port', `${redis}`, '--save', '', '--dir', folder]));
  const made = run(['user', 'add', ADMIN.username, '--role', 'admin', '--data', `${data}-1`, ...shared], { input: `${ADMIN.password}\n`, env: { MUKKEUM_PASSWORD: ADMIN.password } });
  assert.equal(made.status, 0, made.stderr);

  const nodes = [];
  for (const number of [1, 2]) {
    const own = `${data}-${number}`;
    mkdirSync(own, { recursive: true });
    if (number > 1) cpSync(`${data}-1/secret.key`, `${own}/secret.key`);
    const command = ['serve', ...shared, '--trusted-proxies', '127.0.0.1', '--admin-totp', 'off'];
    nodes.push(await startServer({ data: own, command }));
    closing.push(() => nodes[number - 1].stop());
  }
  const config = path.join(folder, 'haproxy.cfg');
  writeFileSync(config, haproxyConfig(port, nodes));
  closing.push(background('haproxy', ['-db', '-f', config]));
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 100; !(await fetch(`${url}/health/live`).then(({ ok }) => ok, () => false)); tries -= 1) {
    assert.ok(tries > 0, 'HAProxy is ready');
    await sleep(100);
  }
  return {
    url,
    log: () => nodes.map((node) => node.log()).join('\n'),
    async stop() {
      for (const close of closing.reverse()) await close();
    },
  };
}

test('requests alternate between the nodes from login to logout', { timeout: 180_000 }, async (t) => {
  const { page, window } = await open(t, { start: twoNodes });
  const responses = [];
  const listen = (from) =>
    from.on('response', (response) => {
      const { pathname } = new URL(response.url());
      if (!pathname.startsWith('/assets/')) responses.push([response.headers()['x-node'], response.request().method(), pathname]);
    });
  listen(page);

  await logIn(page);
  await preview(page, FILE);
  const [created] = await counts(page);
  await apply(page);
  await gotoOrders(page);
  assert.equal(await totalCount(page), created);
  assert.ok((await orderNumbers(page)).includes(ORDER));

  await openOrder(page, ORDER);
  for (const memo of ['처음', '다음', '마지막']) {
    await field(page, '관리자메모').fill(memo);
    await saveOrder(page);
    assert.match(await mainText(page), /주문을 저장했어요/, 'the other node shows the flash message');
    assert.equal(await field(page, '관리자메모').inputValue(), memo);
    await page.reload();
    assert.equal(await field(page, '관리자메모').inputValue(), memo, 'and the saved value');
  }

  const copy = await window({ storageState: await page.context().storageState() });
  listen(copy);
  await copy.goto('/orders');
  assert.equal(new URL(copy.url()).pathname, '/orders', 'logged in on both nodes');
  await page.locator('form[action="/logout"] button').evaluate((button) => button.click());
  await page.waitForURL('**/login**');
  for (let turn = 0; turn < 4; turn += 1) {
    await copy.goto('/orders');
    assert.equal(new URL(copy.url()).pathname, '/login', 'logged out on both nodes');
  }

  const countOf = (node, method) => responses.filter(([by, how]) => by === node && (!method || how === method)).length;
  assert.equal(countOf('0') + countOf('1'), responses.length, JSON.stringify(responses));
  assert.ok(Math.abs(countOf('0') - countOf('1')) <= 1, `alternating: ${countOf('0')} and ${countOf('1')}`);
  assert.ok(countOf('0', 'POST') > 0 && countOf('1', 'POST') > 0, 'both handled POST requests');
  t.diagnostic(`${responses.length} requests: ${countOf('0')} and ${countOf('1')}`);
});
