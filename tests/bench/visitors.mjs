// Cost of the public demo: how long a visitor waits for a sandbox, and the memory of the maximum number of sandboxes:
//
//   MUKKEUM_BINARY=target/dist/mukkeum-0.1.0-linux-x86_64 node tests/bench/visitors.mjs
//
// Each visitor has a separate client address (X-Forwarded-For), because one address may have ten sandboxes at most. Visitors
// arrive one by one, log in as the administrator and read pages. Then the same number arrives at a new server all at once.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BINARY, HttpClient, startServer, temporaryFolder } from '../browser/server.mjs';

const VISITORS = 50;
const PAGES = ['/', '/orders', '/orders?q=김', '/deliveries', '/products', '/districts'];
const TRAINER = { username: 'demo-admin', password: 'mukkeum-demo' };

const closing = [];
const folder = temporaryFolder(closing);

class Guest extends HttpClient {
  constructor(url, number) {
    super(url, { connection: 'keep-alive' });
    this.from = `10.0.${number}.1`;
  }

  fetch(where, options = {}) {
    return super.fetch(where, { ...options, headers: { ...options.headers, 'x-forwarded-for': this.from } });
  }

  /** Requests the first page, which creates the sandbox; returns the latency in ms. */
  async arrive() {
    const began = performance.now();
    const answer = await this.fetch('/login');
    if (answer.status !== 200) throw new Error(`GET /login: ${answer.status}`);
    await answer.arrayBuffer();
    return performance.now() - began;
  }

  async readPages() {
    await this.logIn(TRAINER);
    for (const page of PAGES) {
      const answer = await this.fetch(page);
      if (answer.status !== 200) throw new Error(`GET ${page}: ${answer.status}`);
      await answer.arrayBuffer();
    }
  }
}

const sorted = (numbers) => [...numbers].sort((a, b) => a - b);
const spread = (times) => `${sorted(times)[times.length >> 1].toFixed(0)} ms, at most ${sorted(times).at(-1).toFixed(0)} ms`;
const resident = (pid) => `${(Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]) / 1024).toFixed(1)} MiB`;

async function open(name) {
  const data = path.join(folder, name);
  const server = await startServer({ data, command: ['demo', '--public', '--trusted-proxies', '127.0.0.1'] });
  return [server, Array.from({ length: VISITORS }, (_, number) => new Guest(server.url, number))];
}

console.log(path.basename(BINARY));
const [server, guests] = await open('one-by-one');
const { pid } = server.child;
console.log(`without visitors: ${resident(pid)}`);
const times = [];
for (const guest of guests) times.push(await guest.arrive());
console.log(`creating a sandbox, ${VISITORS} visitors one by one: ${spread(times)} (the first ${times[0].toFixed(0)} ms)`);
console.log(`${VISITORS} sandboxes: ${resident(pid)}`);
for (const guest of guests) await guest.readPages();
console.log(`after each has read ${PAGES.length} pages: ${resident(pid)}`);
// A sandbox releases its caches after two idle minutes; the check runs every minute.
await sleep(200_000);
console.log(`after two idle minutes: ${resident(pid)}`);
await server.stop();

const [crowded, crowd] = await open('at-once');
console.log(`${VISITORS} at once: ${spread(await Promise.all(crowd.map((guest) => guest.arrive())))}`);
await crowded.stop();
for (const close of closing) close();
