// Crash test: kill −9 during uploads, at random moments. Afterwards every upload is complete or absent, and no
// acknowledged upload is missing.
//
// All rounds use one shop. Each round uploads files of new orders over HTTP until the server is killed; the next
// start must recover without help. The test keeps the list of acknowledged uploads. MUKKEUM_KILL_ROUNDS and
// MUKKEUM_KILL_SEED set the number of rounds and the random choices.
//
// A round selects one of its files and one of two steps (upload with preview, or apply) and kills after a random
// part of the average duration of that step, or slightly later, so that kills hit before, during and after the
// commit.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpClient, numberAfter, exportOrders, freePort, generate, startServer, temporaryFolder, visibleText } from '../browser/server.mjs';

const ROUNDS = Number(process.env.MUKKEUM_KILL_ROUNDS ?? 50);
const SEED = Number(process.env.MUKKEUM_KILL_SEED ?? 20261122);

const FILES_A_ROUND = 3;
const ROWS = { min: 200, max: 500 };

// Share of the kills that target the apply step, and the latest kill as a multiple of the average duration.
const APPLY_SHARE = 0.75;
const MAX_DELAY_FACTOR = 1.15;

// Deterministic random numbers (mulberry32).
function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Uploads and applies the files until the server is killed; reports the start and end of each step. */
async function work(visitor, files, uploads, onStart, onEnd) {
  for (const [index, file] of files.entries()) {
    const upload = { ...file, stage: 'sent', must: false };
    uploads.push(upload);
    onStart(index, 'sent');
    upload.where = await visitor.upload(path.basename(file.path), readFileSync(file.path));
    onEnd('sent');
    upload.stage = 'applying';
    onStart(index, 'applying');
    await visitor.apply(upload.where);
    onEnd('applying');
    upload.stage = 'acknowledged';
    upload.must = true;
  }
}

/** Durations of a step in milliseconds. */
class Durations {
  constructor(initial) {
    this.all = [initial];
  }

  add(duration) {
    this.all.push(duration);
  }

  average() {
    return this.all.reduce((sum, duration) => sum + duration, 0) / this.all.length;
  }
}

/** State of a round's last upload at the kill. */
function killedAt({ stage, there }) {
  if (stage === 'sent') return 'while it was sent and read';
  if (stage === 'applying') return there > 0 ? 'applied, not yet answered' : 'while it was applied';
  return 'after the answer';
}

test(`uploads are complete or absent after ${ROUNDS} kill -9`, { timeout: 25 * 60_000 }, async (t) => {
  const closing = [];
  t.after(async () => {
    for (const close of closing.reverse()) await close();
  });
  const random = randomNumbers(SEED);
  const folder = temporaryFolder(closing);
  const data = path.join(folder, 'data');
  const port = await freePort();
  let server = await startServer({ data, port });
  closing.push(() => server.kill());
  await new HttpClient(server.url).createFirstAdmin();

  let next = 0;
  const newFile = () => {
    next += 1;
    const rows = ROWS.min + Math.floor(random() * (ROWS.max - ROWS.min));
    const prefix = `2026${String(next).padStart(4, '0')}`;
    return { path: generate(folder, { rows, seed: SEED + next, prefix }), rows, prefix };
  };

  const uploads = [];
  const table = [];
  const durations = { sent: new Durations(120), applying: new Durations(200) };
  for (let round = 1; round <= ROUNDS; round += 1) {
    const files = Array.from({ length: FILES_A_ROUND }, newFile);
    const begun = uploads.length;
    const [victim, step] = [Math.floor(random() * FILES_A_ROUND), random() < APPLY_SHARE ? 'applying' : 'sent'];
    const delay = random() * MAX_DELAY_FACTOR * durations[step].average();
    const visitor = new HttpClient(server.url);
    await visitor.logIn();
    let startedAt;
    let working;
    const stepStarted = new Promise((resolve) => {
      const onStart = (index, current) => {
        startedAt = performance.now();
        if (index === victim && current === step) resolve();
      };
      const onEnd = (current) => durations[current].add(performance.now() - startedAt);
      working = work(visitor, files, uploads, onStart, onEnd).catch(() => {}).then(resolve);
    });
    await stepStarted;
    await sleep(delay);
    await server.kill();
    await working;

    const stored = new Map();
    for (const { order_number: number } of JSON.parse(readFileSync(exportOrders(data, folder)))) {
      const prefix = number.slice(0, 8);
      stored.set(prefix, (stored.get(prefix) ?? 0) + 1);
    }
    for (const upload of uploads) {
      const there = stored.get(upload.prefix) ?? 0;
      assert.ok(there === 0 || there === upload.rows, `round ${round}: ${there} of ${upload.rows} orders of ${upload.prefix}`);
      if (upload.must) assert.equal(there, upload.rows, `round ${round}: an acknowledged upload is missing`);
      if (upload.stage === 'sent') assert.equal(there, 0, `round ${round}: an upload that was not applied`);
      upload.must = there > 0;
      upload.there = there;
    }
    assert.equal(
      [...stored.values()].reduce((sum, count) => sum + count, 0),
      uploads.reduce((sum, upload) => sum + upload.there, 0),
      'no order without an upload',
    );
    server = await startServer({ data, port });
    await assertReportsMatch(server, uploads.slice(begun), round);

    table.push({
      round,
      'meant for': `${step} of file ${victim + 1}, ${Math.round(delay)} ms`,
      landed: killedAt(uploads.at(-1)),
      uploads: uploads.slice(begun).map(({ stage, there, rows }) => `${stage} ${there}/${rows}`).join(', '),
      'orders in all': uploads.reduce((sum, { there }) => sum + there, 0),
    });
  }
  console.table(table);
  const counts = new Map();
  for (const { landed } of table) counts.set(landed, (counts.get(landed) ?? 0) + 1);
  console.log(`killed ${[...counts].map(([state, rounds]) => `${state}: ${rounds}`).join(' · ')}`);
  await server.stop();
});

/** Asserts that the page of each upload matches the stored orders. */
async function assertReportsMatch(server, uploads, round) {
  const visitor = new HttpClient(server.url);
  await visitor.logIn();
  for (const upload of uploads.filter(({ where }) => where)) {
    const answer = await visitor.fetch(upload.where);
    if (upload.there === 0 && answer.status === 404) continue;
    assert.equal(answer.status, 200, `round ${round}: ${upload.where}`);
    const html = await answer.text();
    const applied = !/action="[^"]*\/apply"/.test(html);
    assert.equal(applied, upload.there > 0, `round ${round}: ${upload.where} says ${applied ? 'applied' : 'not applied'}`);
    assert.equal(numberAfter(visibleText(html), '등록'), upload.rows, `round ${round}: ${upload.where}`);
  }
}
