// A person clicks while 1,100 connections send a byte each 5 seconds and 20 clients send floods of form fields.
//
//   cargo build --release && MUKKEUM_BINARY=target/release/mukkeum node tests/load/slow_clients.mjs
//
// Prints the latency of the person and the memory of the server, and fails above the limits: p99 300 ms, 250 MB.
// The attack runs in another process, so that its work does not delay the clock of the person.

import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpClient, startServer, temporaryFolder } from '../browser/server.mjs';

const SLOW_CONNECTIONS = 1_100;
const FLOODS = 20;
const FLOOD_BYTES = 2_000_000;
const CLICK_MS = 200;
const SECONDS = Number(process.env.MUKKEUM_LOAD_SECONDS ?? 40);
const MAX_P99_MS = 300;
const MAX_MEMORY_MB = 250;

/** Loopback addresses of the attackers: one, or eleven networks. */
const SPREADS = { 'one address': () => '127.0.0.1', 'eleven addresses': (index) => `127.0.0.${2 + (index % 11)}` };

const head = (length) =>
  `POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${length}\r\n\r\n`;

function attack(port, spread) {
  const localAddress = SPREADS[spread];
  const slow = (index) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: localAddress(index) }, () => socket.write(head(FLOOD_BYTES)));
    const timer = setInterval(() => socket.write('a'), 5_000);
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(timer);
      setTimeout(() => slow(index), 1_000);
    });
  };
  for (let index = 0; index < SLOW_CONNECTIONS; index += 1) slow(index);
  const fields = Buffer.alloc(FLOOD_BYTES, 'a&');
  const flood = (index) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: localAddress(index) }, () => {
      // Without a length, so that the server has to read.
      socket.write('POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n');
      socket.write(`${fields.length.toString(16)}\r\n`);
      socket.write(fields);
      socket.write('\r\n0\r\n\r\n');
    });
    socket.on('error', () => {});
    socket.on('data', () => socket.destroy());
    socket.on('close', () => setTimeout(() => flood(index), 50));
  };
  for (let index = 0; index < FLOODS; index += 1) flood(index);
}

const memoryMb = (pid) => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

async function measure(spread) {
  const cleanups = [];
  const folder = temporaryFolder(cleanups);
  const server = await startServer({ data: folder });
  const attackers = fork(fileURLToPath(import.meta.url), [String(server.port), spread]);
  try {
    const person = new HttpClient(server.url);
    await person.createFirstAdmin();
    await sleep(3_000);
    const times = [];
    const until = performance.now() + SECONDS * 1_000;
    while (performance.now() < until) {
      const begin = performance.now();
      const response = await person.fetch('/orders');
      await response.arrayBuffer();
      assert.equal(response.status, 200);
      times.push(performance.now() - begin);
      await sleep(CLICK_MS);
    }
    times.sort((one, other) => one - other);
    const [p50, p99] = [0.5, 0.99].map((part) => times[Math.floor(times.length * part)]);
    const memory = memoryMb(server.child.pid);
    console.log(`${spread}: ${times.length} clicks, p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, longest ${times.at(-1).toFixed(0)} ms; server at most ${memory.toFixed(0)} MB`);
    assert.ok(p99 <= MAX_P99_MS, `p99 ${p99} ms`);
    assert.ok(memory <= MAX_MEMORY_MB, `${memory} MB`);
  } finally {
    attackers.kill('SIGKILL');
    await server.stop();
    for (const cleanup of cleanups) cleanup();
  }
}

const [port, spread] = process.argv.slice(2);
if (port) attack(Number(port), spread);
else for (const each of process.env.MUKKEUM_LOAD_SPREAD ? [process.env.MUKKEUM_LOAD_SPREAD] : Object.keys(SPREADS)) await measure(each);
