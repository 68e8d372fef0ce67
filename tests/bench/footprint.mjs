// How large an executable is, how fast it is there, how much memory it takes:
//
//   MUKKEUM_BINARY=target/dist/mukkeum-0.1.0-linux-x86_64 node tests/bench/footprint.mjs
//
// Start-up is from the start of the process to the first 200 of /health/ready, in a new folder and in one that is there;
// memory is what is resident, in a shop with 2,000 orders: idle, while 16 people read pages, while 10,000 orders are
// uploaded and applied, and a minute later. Wants target/debug/examples/generate for the file.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ADMIN, BINARY, HttpClient, addMember, freePort, generate, run, startServer, temporaryFolder } from '../browser/server.mjs';

const RUNS = 15;
const READERS = 16;
const READING_MS = 20_000;

const closing = [];
const folder = temporaryFolder(closing);

const ready = (port) =>
  new Promise((told) => {
    const asked = http.get({ port, host: '127.0.0.1', path: '/health/ready', agent: false }, (answer) => told(answer.resume().statusCode === 200));
    asked.on('error', () => told(false));
  });

async function startUp(data) {
  const port = await freePort();
  const began = performance.now();
  const child = spawn(BINARY, ['serve', '--data', data, '--listen', `127.0.0.1:${port}`], { stdio: 'ignore' });
  while (!(await ready(port))) await sleep(1);
  const took = performance.now() - began;
  child.kill();
  await once(child, 'exit');
  return took;
}

const middle = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const megabytes = (bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

/** What the process has resident now, in bytes, and at most since it was last asked. */
const now = (pid) => Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]) * 1024;
async function most(pid, work) {
  let highest = 0;
  const watch = setInterval(() => (highest = Math.max(highest, now(pid))), 20);
  const answer = await work();
  clearInterval(watch);
  return [highest, answer];
}

console.log(`${path.basename(BINARY)}: ${megabytes(statSync(BINARY).size)}`);
const [fresh, again] = [[], []];
for (let place = 0; place < RUNS; place += 1) {
  fresh.push(await startUp(path.join(folder, `new-${place}`)));
  again.push(await startUp(path.join(folder, 'new-0')));
}
console.log(`ready after ${middle(fresh).toFixed(0)} ms in a new folder, ${middle(again).toFixed(0)} ms in one that is there (middle of ${RUNS})`);

const data = path.join(folder, 'shop');
addMember(data, ADMIN, 'admin');
const first = run(['import', 'orders', generate(folder, { rows: 2000, seed: 1 }), '--data', data]);
if (first.status === 2) throw new Error(first.stderr);
const server = await startServer({ data });
const { pid } = server.child;
await sleep(10_000);
console.log(`idle: ${megabytes(now(pid))}`);

const visitors = Array.from({ length: READERS }, () => new HttpClient(server.url));
for (const visitor of visitors) await visitor.logIn();
const until = performance.now() + READING_MS;
const [reading, pages] = await most(pid, async () => {
  const counts = visitors.map(async (visitor) => {
    let count = 0;
    for (; performance.now() < until; count += 1) await (await visitor.fetch(['/', '/orders', '/deliveries', '/products'][count % 4])).arrayBuffer();
    return count;
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
});
console.log(`${READERS} people reading, ${(pages / (READING_MS / 1000)).toFixed(0)} pages a second: at most ${megabytes(reading)}`);

const big = readFileSync(generate(folder, { rows: 10_000, seed: 2 }));
const [uploading] = await most(pid, async () => visitors[0].apply(await visitors[0].upload('big.xlsx', big)));
console.log(`an upload of 10,000 orders: at most ${megabytes(uploading)}`);
await sleep(60_000);
console.log(`a minute later: ${megabytes(now(pid))}`);
await server.stop();
for (const close of closing) close();
