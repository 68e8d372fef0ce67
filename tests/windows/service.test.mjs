// Tests the Windows service under Wine; run by tests/windows/run. Wine stores and starts services. It has no delayed
// start, no restart after a failure, only one account, and no firewall.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import net from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpClient, freePort, run, temporaryFolder } from '../browser/server.mjs';

const KEY = String.raw`HKLM\System\CurrentControlSet\Services\mukkeum`;

const closing = [];
const folder = temporaryFolder(closing);
test.after(() => closing.forEach((close) => close()));

const data = path.join(folder, 'data of the shop');
const log = () => readdirSync(path.join(data, 'logs')).map((name) => readFileSync(path.join(data, 'logs', name), 'utf8')).join('');

function service(...args) {
  const { status, stdout, stderr } = run(['service', ...args]);
  return { status, output: stdout + stderr };
}

const install = (listen) => service('install', '--data', data, '--listen', listen);

/** Output and exit code of `service status`. */
function serviceState() {
  const { status, output } = service('status', '--json');
  return { status, ...JSON.parse(output) };
}

/** Runs a Windows program. */
const runWindows = (...args) => spawnSync(process.env.WINE, args, { encoding: 'utf8', timeout: 120_000 });

/** Output of a Windows program. Retries, because Wine 8 under load sometimes loses the output of a program. */
function outputOf(...args) {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const { stdout } = runWindows(...args);
    if (stdout) return stdout;
  }
  throw new Error(`${args.join(' ')} prints nothing`);
}

const isReady = (port) => fetch(`http://127.0.0.1:${port}/health/ready`).then((answer) => answer.ok, () => false);

test('service is installed, started, stopped, upgraded and removed', async (t) => {
  assert.deepEqual(serviceState(), { status: 1, installed: false, enabled: false, running: false });
  assert.equal(service('uninstall').status, 2);

  const port = await freePort();
  const began = performance.now();
  const installed = install(`127.0.0.1:${port}`);
  t.diagnostic(`installed and ready after ${((performance.now() - began) / 1000).toFixed(2)} s`);
  assert.equal(installed.status, 0, installed.output);
  assert.match(installed.output, /설치하고 켰어요/);
  assert.match(installed.output, /켜지는 때를 늦추거나 실패한 뒤 다시 켜게 할 수 없어요/, 'this Wine supports it: extend the test');
  assert.deepEqual(serviceState(), { status: 0, installed: true, enabled: true, running: true });

  const registered = outputOf('reg', 'query', KEY);
  const program = `Z:${process.env.EXE}`.replaceAll('/', '\\');
  const shop = `Z:${data}`.replaceAll('/', '\\');
  assert.match(registered, /\bStart\s+REG_DWORD\s+0x2\b/);
  assert.match(registered, /\bObjectName\s+REG_SZ\s+NT AUTHORITY\\LocalService/);
  const command = registered.match(/\bImagePath\s+REG_\w+\s+(.*?)\r?\n/)[1];
  assert.equal(command, `${program} service run --data "${shop}" --listen 127.0.0.1:${port}`);

  const shopkeeper = new HttpClient(`http://127.0.0.1:${port}`);
  assert.match(log(), /묶음 \d/);
  await shopkeeper.createFirstAdmin(log().match(/\/setup\?code=[0-9A-Z-]+/)[0]);
  assert.equal((await shopkeeper.fetch('/orders')).status, 200);

  // Stopped by the service manager: a request in flight still gets its response.
  const late = net.connect(port, '127.0.0.1').setEncoding('utf8');
  let answer = '';
  late.on('data', (text) => (answer += text));
  const ended = once(late, 'end');
  late.write(`POST /login HTTP/1.1\r\nHost: localhost:${port}\r\nOrigin: http://localhost:${port}\r\n`);
  late.write('Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 4\r\n\r\na=');
  await sleep(300);
  const stopping = once(spawn(process.env.WINE, ['net', 'stop', 'mukkeum'], { stdio: 'ignore' }), 'exit');
  while (await isReady(port)) await sleep(20);
  assert.equal(answer, '');
  late.write('b&');
  await ended;
  assert.match(answer, /^HTTP\/1\.1 [34]/);
  assert.deepEqual(await stopping, [0, null]);
  while (!/STATE\s+: 1\b/.test(outputOf('sc', 'query', 'mukkeum'))) await sleep(100);
  assert.deepEqual(serviceState(), { status: 1, installed: true, enabled: true, running: false });
  assert.match(outputOf('sc', 'query', 'mukkeum'), /WIN32_EXIT_CODE\s+: 0\b/);
  assert.match(log(), /프로그램을 끄고 있어요[^]*프로그램이 꺼졌어요\n/);

  assert.equal(runWindows('net', 'start', 'mukkeum').status, 0);
  while (!(await isReady(port))) await sleep(20);
  assert.equal((await shopkeeper.fetch('/orders')).status, 200, 'still signed in');

  // Upgrade: the running service is stopped first.
  const other = await freePort();
  assert.equal(install(`127.0.0.1:${other}`).status, 0);
  assert.deepEqual([await isReady(port), await isReady(other)], [false, true]);

  // The port is in use: installation reports that the service did not start, and the log has the reason.
  const blocker = net.createServer().listen(0, '127.0.0.1');
  closing.push(() => blocker.close());
  await once(blocker, 'listening');
  const failed = install(`127.0.0.1:${blocker.address().port}`);
  assert.equal(failed.status, 2);
  assert.match(failed.output, /설치했지만 켜지지 않았어요[^]*logs/);
  assert.match(log(), /mukkeum: 127\.0\.0\.1:\d+ 주소를 다른 프로그램이 쓰고 있어요/);
  assert.match(outputOf('sc', 'query', 'mukkeum'), /SERVICE_EXIT_CODE\s+: 1\b/);

  // Started at boot, after a crash of the computer.
  assert.equal(install(`127.0.0.1:${port}`).status, 0);
  for (const word of ['--kill', '--wait', '--persistent']) spawnSync(process.env.SERVER, [word], { stdio: 'ignore' });
  assert.equal(await isReady(port), false);
  spawnSync(process.env.WINE, ['wineboot'], { stdio: 'ignore' });
  while (!(await isReady(port))) await sleep(20);

  const removed = service('uninstall');
  assert.equal(removed.status, 0, removed.output);
  assert.equal(await isReady(port), false);
  assert.deepEqual(serviceState(), { status: 1, installed: false, enabled: false, running: false });
  assert.notEqual(runWindows('reg', 'query', KEY).status, 0);
  assert.ok(existsSync(path.join(data, 'mukkeum.db')), 'the data is kept');
});
