// A driver's day of thirty stops in aeroplane mode, from a cold start of the icon: the browser is killed twenty times, its clock
// is moved, the server is killed and started again, an answer is lost. No record is lost, doubled or at a wrong stop.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';
import { closeBrowser, enterDemo, open } from './browser.mjs';
import { DONE, handOut, leave, list, startPhone, stored } from './driving.mjs';
import { startServer } from './server.mjs';

after(closeBrowser);

const HOUR_MS = 3_600_000;
const MIN_STOPS = 30;
const KILLS = 20;
/** Stops before which the clock is set back by three hours, the server answers once, and the clock is set right again. */
const [SET_BACK, CONTACT, SET_RIGHT] = [7, 13, 20];
const COMMAND = ['demo', '--orders', '40000'];

const minute = (ms) => new Date(ms + 9 * HOUR_MS).toISOString().slice(11, 16);

test('thirty stops without a signal, twenty kills and a clock that moves lose and double nothing', async (t) => {
  const { page: office, server, folder, atEnd } = await open(t, { command: COMMAND });
  const tour = await handOut(office, MIN_STOPS);
  const profile = path.join(folder, 'phone');
  let shift = 0;
  let device = await startPhone(profile, server.url, shift);
  atEnd(() => device.kill().catch(() => undefined));
  await enterDemo(device.page, '배송팀');
  await leave(device.page);
  const manifest = await device.page.evaluate(async () => (await fetch(document.querySelector('link[rel=manifest]').href)).json());
  const start = manifest.start_url;
  // With those that the truck had already.
  const stops = await list(device.page).getByRole('listitem').count();
  assert.ok(stops >= MIN_STOPS, `${stops} stops`);

  await server.kill();
  let current = server;
  let kills = 0;
  /** What was tapped: name of the stop, label, and the real time. */
  const taps = [];
  let handedIn = 0;
  let fewest = Infinity;
  const waits = () => device.page.getByText(`전할 기록 ${taps.length - handedIn}건`).waitFor();
  const flush = async () => {
    await device.page.getByRole('button', { name: '지금 전하기' }).click();
    await device.page.getByText('모두 전했어요').waitFor();
    handedIn = taps.length;
  };
  for (let at = 0; at < stops; at += 1) {
    if (at === CONTACT) {
      current = await startServer({ data: server.data, port: server.port, command: COMMAND });
      await flush();
      await current.kill();
    }
    if (at === SET_BACK) {
      shift = -3 * HOUR_MS;
      await device.page.evaluate((ms) => { globalThis.clockShift = ms; }, shift);
    }
    const isKilled = at === SET_RIGHT || (at !== SET_BACK && kills < KILLS && at % 10 < 7);
    if (isKilled) {
      if (at === SET_RIGHT) shift = 0;
      await device.kill();
      kills += 1;
      device = await startPhone(profile, server.url, shift);
      await device.page.goto(start);
    }
    const { page } = device;
    const before = await page.evaluate(() => globalThis.taps);
    await list(page).getByRole('link').nth(at).click();
    await page.locator('.drive-address').waitFor();
    const name = (await page.locator('#drive h1').innerText()).replace(/^\d+\. /, '').split(' ')[0];
    const isStopped = (await page.locator('.drive-stop-sign').count()) > 0;
    if (at % 5 === 4) {
      await page.getByRole('button', { name: '도착' }).click();
      taps.push({ at, name, label: '도착', time: Date.now() });
      await page.locator('.drive-state', { hasText: '도착' }).waitFor();
    }
    const isFailed = at % 4 === 3 || isStopped;
    if (isFailed) await page.getByRole('button', { name: '실패', exact: true }).click();
    await page.getByRole('button', { name: isFailed ? '부재' : DONE }).click();
    taps.push({ at, name, label: isFailed ? '실패: 부재' : '완료', time: Date.now() });
    await waits();
    const needed = (await page.evaluate(() => globalThis.taps)) - before;
    assert.ok(needed >= 2 && needed <= 4, `stop ${at + 1} took ${needed} taps`);
    fewest = Math.min(fewest, needed);
  }
  while (kills < KILLS) {
    await device.kill();
    kills += 1;
    device = await startPhone(profile, server.url, shift);
    await device.page.goto(start);
    await waits();
  }
  assert.equal(kills, KILLS);

  // Until the clock was set right by a browser that was not there, the phone itself knows each time within a second.
  const recorded = await stored(device.page, 'events');
  assert.equal(recorded.length, taps.length);
  recorded.sort((one, other) => one.number - other.number);
  const errors = recorded.map((event, at) => Math.abs(event.happened_at + event.clock_offset - taps[at].time));
  const known = errors.filter((_, at) => taps[at].at < SET_RIGHT);
  assert.ok(Math.max(...known) <= 1000, `ms: ${known.join(' ')}`);

  current = await startServer({ data: server.data, port: server.port, command: COMMAND });
  atEnd(() => current.stop());
  await device.page.evaluate(() => {
    const real = window.fetch;
    window.fetch = async (...request) => {
      const answer = await real(...request);
      if (window.isLost || !request[0].endsWith('/drive/events')) return answer;
      window.isLost = true;
      throw new TypeError('the answer is lost');
    };
  });
  await device.page.getByRole('button', { name: '지금 전하기' }).click();
  await device.page.waitForFunction(() => window.isLost);
  await flush();

  await office.goto(tour);
  const rows = office.locator('table.driving tbody tr');
  assert.equal(await rows.count(), stops);
  const links = await rows.getByRole('link').evaluateAll((found) => found.map((link) => [link.textContent, link.getAttribute('href')]));
  let received = 0;
  for (const [at, [name, href]] of links.entries()) {
    const text = await office.evaluate(async (path) => {
      const page = new DOMParser().parseFromString(await (await fetch(path)).text(), 'text/html');
      return [...page.querySelectorAll('.drive-events > li')].map((item) => item.textContent.trim());
    }, href);
    const own = taps.filter((tap) => tap.at === at);
    assert.equal(own[0].name, name.split(' ')[0], 'at its own stop');
    assert.equal(text.length, own.length, `${name}: ${text.join(' | ')}`);
    for (const { label, time } of own) {
      const times = [minute(time - 1000), minute(time), minute(time + 1000)];
      const isThere = text.some((line) => times.some((clock) => line.includes(clock)) && line.includes(label));
      assert.ok(isThere, `${name} ${label} ${minute(time)}: ${text.join(' | ')}`);
    }
    received += text.length;
  }
  assert.equal(received, taps.length, 'lost or doubled');
  t.diagnostic(`${stops} stops, ${taps.length} records, ${kills} kills, largest error of the phone ${Math.max(...known)} ms, ${fewest} taps for a plain stop`);
});
