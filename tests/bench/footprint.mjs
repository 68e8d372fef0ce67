// Size, start-up time and memory of an executable:
//
//   MUKKEUM_BINARY=target/dist/mukkeum-0.1.0-linux-x86_64 node tests/bench/footprint.mjs
//
// Start-up is the time from the start of the process to the first 200 of /health/ready, with a new and with an existing
// data folder. Memory is the resident set size with 2,000 orders: idle, while 16 people read pages, while 10,000 orders
// are uploaded and applied, and a minute later. Needs target/debug/examples/generate for the files.

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
  new Promise((resolve) => {
    const request = http.get({ port, host: '127.0.0.1', path: '/health/ready', agent: false }, (answer) => resolve(answer.resume().statusCode === 200));
    request.on('error', () => resolve(false));
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

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const megabytes = (bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

/** Resident set size in bytes. */
const residentBytes = (pid) => Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]) * 1024;
/** Runs `work`; returns the peak resident set size meanwhile and its result. */
async function withPeak(pid, work) {
  let highest = 0;
  const watch = setInterval(() => (highest = Math.max(highest, residentBytes(pid))), 20);
  const answer = await work();
  clearInterval(watch);
  return [highest, answer];
}

console.log(`${path.basename(BINARY)}: ${megabytes(statSync(BINARY).size)}`);
const [fresh, again] = [[], []];
for (let number = 0; number < RUNS; number += 1) {
  fresh.push(await startUp(path.join(folder, `new-${number}`)));
  again.push(await startUp(path.join(folder, 'new-0')));
}
console.log(`ready after ${median(fresh).toFixed(0)} ms with a new data folder, ${median(again).toFixed(0)} ms with an existing one (median of ${RUNS})`);

const data = path.join(folder, 'shop');
addMember(data, ADMIN, 'admin');
const first = run(['import', 'orders', generate(folder, { rows: 2000, seed: 1 }), '--data', data]);
if (first.status === 2) throw new Error(first.stderr);
const server = await startServer({ data });
const { pid } = server.child;
await sleep(10_000);
console.log(`idle: ${megabytes(residentBytes(pid))}`);

const visitors = Array.from({ length: READERS }, () => new HttpClient(server.url, { connection: 'keep-alive' }));
for (const visitor of visitors) await visitor.logIn();
const until = performance.now() + READING_MS;
const [reading, pages] = await withPeak(pid, async () => {
  const counts = visitors.map(async (visitor) => {
    let count = 0;
    for (; performance.now() < until; count += 1) await (await visitor.fetch(['/', '/orders', '/deliveries', '/products'][count % 4])).arrayBuffer();
    return count;
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
});
console.log(`${READERS} people reading, ${(pages / (READING_MS / 1000)).toFixed(0)} pages a second: at most ${megabytes(reading)}`);

const big = readFileSync(generate(folder, { rows: 10_000, seed: 2 }));
const [uploading] = await withPeak(pid, async () => visitors[0].apply(await visitors[0].upload('big.xlsx', big)));
console.log(`an upload of 10,000 orders: at most ${megabytes(uploading)}`);
await sleep(60_000);
console.log(`a minute later: ${megabytes(residentBytes(pid))}`);
await server.stop();
for (const close of closing) close();
