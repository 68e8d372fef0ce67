// Kill −9 while files are taken in, at random moments. Afterwards every upload is there whole or
// not at all, and nothing that was acknowledged is missing.
//
// One shop lives through all rounds. Each round uploads files of new orders over HTTP until the
// program is killed; the next start must recover by itself. What was acknowledged is remembered
// here, outside the program. MUKKEUM_KILL_ROUNDS and MUKKEUM_KILL_SEED change how many rounds and
// which moments.
//
// A round chooses one of its files and one of two steps, sending it for the preview or applying it,
// and kills at a random moment of that step: as long after its beginning as such steps have taken
// so far, and a little beyond, so that kills land before, inside and after the commit.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpClient, numberAfter, exportOrders, freePort, generate, startServer, temporaryFolder, visibleText } from '../browser/server.mjs';

const ROUNDS = Number(process.env.MUKKEUM_KILL_ROUNDS ?? 50);
const SEED = Number(process.env.MUKKEUM_KILL_SEED ?? 20261122);

const FILES_A_ROUND = 3;
const ROWS = { least: 200, most: 500 };

// How many of the kills are meant for the applying of a file, and how far beyond the usual length
// of a step they may come.
const APPLYING = 0.75;
const BEYOND = 1.15;

// mulberry32: the same rounds for the same seed.
function randomness(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Uploads and applies one file after the other until the program is gone; tells of each step. */
async function work(visitor, files, uploads, begins, ends) {
  for (const [place, file] of files.entries()) {
    const upload = { ...file, stage: 'sent', must: false };
    uploads.push(upload);
    begins(place, 'sent');
    upload.where = await visitor.upload(path.basename(file.path), readFileSync(file.path));
    ends('sent');
    upload.stage = 'applying';
    begins(place, 'applying');
    await visitor.apply(upload.where);
    ends('applying');
    upload.stage = 'acknowledged';
    upload.must = true;
  }
}

/** How long a step has taken so far, in milliseconds. */
class Lengths {
  constructor(guess) {
    this.all = [guess];
  }

  add(length) {
    this.all.push(length);
  }

  usual() {
    return this.all.reduce((sum, length) => sum + length, 0) / this.all.length;
  }
}

/** Where a round's last file stood when the program died. */
function landed({ stage, there }) {
  if (stage === 'sent') return 'while it was sent and read';
  if (stage === 'applying') return there > 0 ? 'applied, not yet answered' : 'while it was applied';
  return 'after the answer';
}

test(`${ROUNDS} times kill -9 while files are taken in`, { timeout: 25 * 60_000 }, async (t) => {
  const closing = [];
  t.after(async () => {
    for (const close of closing.reverse()) await close();
  });
  const random = randomness(SEED);
  const folder = temporaryFolder(closing);
  const data = path.join(folder, 'data');
  const port = await freePort();
  let server = await startServer({ data, port });
  closing.push(() => server.kill());
  await new HttpClient(server.url).createFirstAdmin();

  let next = 0;
  const newFile = () => {
    next += 1;
    const rows = ROWS.least + Math.floor(random() * (ROWS.most - ROWS.least));
    const prefix = `2026${String(next).padStart(4, '0')}`;
    return { path: generate(folder, { rows, seed: SEED + next, prefix }), rows, prefix };
  };

  const uploads = [];
  const table = [];
  const lengths = { sent: new Lengths(120), applying: new Lengths(200) };
  for (let round = 1; round <= ROUNDS; round += 1) {
    const files = Array.from({ length: FILES_A_ROUND }, newFile);
    const begun = uploads.length;
    const [victim, step] = [Math.floor(random() * FILES_A_ROUND), random() < APPLYING ? 'applying' : 'sent'];
    const fuse = random() * BEYOND * lengths[step].usual();
    const visitor = new HttpClient(server.url);
    await visitor.logIn();
    let since;
    let working;
    const lit = new Promise((light) => {
      const begins = (place, now) => {
        since = performance.now();
        if (place === victim && now === step) light();
      };
      const ends = (now) => lengths[now].add(performance.now() - since);
      working = work(visitor, files, uploads, begins, ends).catch(() => {}).then(light);
    });
    await lit;
    await sleep(fuse);
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
      if (upload.stage === 'sent') assert.equal(there, 0, `round ${round}: an upload nobody applied`);
      upload.must = there > 0;
      upload.there = there;
    }
    assert.equal(
      [...stored.values()].reduce((sum, count) => sum + count, 0),
      uploads.reduce((sum, upload) => sum + upload.there, 0),
      'no order without an upload',
    );
    server = await startServer({ data, port });
    await reportsAgree(server, uploads.slice(begun), round);

    table.push({
      round,
      'meant for': `${step} of file ${victim + 1}, ${Math.round(fuse)} ms`,
      landed: landed(uploads.at(-1)),
      uploads: uploads.slice(begun).map(({ stage, there, rows }) => `${stage} ${there}/${rows}`).join(', '),
      'orders in all': uploads.reduce((sum, { there }) => sum + there, 0),
    });
  }
  console.table(table);
  const places = new Map();
  for (const { landed: place } of table) places.set(place, (places.get(place) ?? 0) + 1);
  console.log(`killed ${[...places].map(([place, rounds]) => `${place}: ${rounds}`).join(' · ')}`);
  await server.stop();
});

/** The page of each upload tells what is really there. */
async function reportsAgree(server, uploads, round) {
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
