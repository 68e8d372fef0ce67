// Shared by the tests of the driver's day.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { checkPage, enterDemo, koreanDay, mainText } from './browser.mjs';
import { apply, preview } from './flows.mjs';

/** The button of a stop that is done, whatever is done there. */
export const DONE = /^(회수 |교환 |방문 )?완료$/;
// Of so many orders, ten deliveries or more are due today beside those that the demo's own driver has.
export const DEMO = ['demo', '--orders', '8000'];
export const PHONE = { viewport: { width: 390, height: 844 }, locale: 'ko-KR', timezoneId: 'Asia/Seoul' };

/** Plans up to `most` deliveries of the day for the first truck and hands it out; returns the path of the tour. */
export async function handOut(page, most = 14) {
  await enterDemo(page, '관리자');
  const board = `/plans?day=${koreanDay()}`;
  await page.goto(board);
  // Those that are planned and those that wait; a truck that a driver has keeps its stops.
  const due = page.locator('#board [data-column]:not([data-fixed]) input[name=tick]');
  const count = Math.min(await due.count(), most);
  assert.ok(count >= Math.min(most, 10), `${count} deliveries are due`);
  for (let at = 0; at < count; at += 1) await due.nth(at).check();
  await page.getByRole('button', { name: '이 차로 옮기기' }).click();
  await page.getByRole('button', { name: /1호차 확정$/ }).click();
  await page.getByRole('link', { name: '1호차 배차표' }).click();
  await page.getByLabel('운전').selectOption({ label: 'demo-team' });
  await page.getByRole('button', { name: '기사에게 넘기기' }).click();
  assert.match(await mainText(page), /demo-team 기사에게 넘겼어요/);
  await checkPage(page, 'drive-handed-out');
  return new URL(page.url()).pathname;
}

/** A browser with a profile of its own, as on a phone. */
export async function phone(profile, url) {
  const context = await chromium.launchPersistentContext(profile, {
    ...PHONE, baseURL: url, executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--lang=ko-KR'],
  });
  context.setDefaultTimeout(30_000);
  return context;
}

/** A browser with a profile of its own, which can be killed as phones kill it. Its clock is `shift` ms ahead. */
export async function startPhone(profile, url, shift) {
  const args = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--lang=ko-KR', '--no-first-run', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'];
  const child = spawn(process.env.CHROMIUM ?? '/usr/bin/chromium', args, { detached: true, stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, TZ: PHONE.timezoneId } });
  const exited = once(child, 'exit');
  const address = await new Promise((resolve, reject) => {
    let text = '';
    child.stderr.on('data', (bytes) => {
      text += bytes;
      const [, found] = text.match(/DevTools listening on (ws:\S+)/) ?? [];
      if (found) resolve(found);
    });
    exited.then(() => reject(new Error(`the browser ended:\n${text}`)));
  });
  const browser = await chromium.connectOverCDP(address);
  const [context] = browser.contexts();
  context.setDefaultTimeout(30_000);
  await context.addInitScript((ms) => {
    const real = Date.now.bind(Date);
    globalThis.clockShift = ms;
    Date.now = () => real() + globalThis.clockShift;
    globalThis.taps = 0;
    document.addEventListener('click', (event) => (globalThis.taps += Number(event.isTrusted)), true);
  }, shift);
  const page = context.pages()[0] ?? (await context.newPage());
  await page.setViewportSize(PHONE.viewport);
  const goto = page.goto.bind(page);
  page.goto = (where) => goto(new URL(where, url).href);
  const kill = async () => {
    process.kill(-child.pid, 'SIGKILL');
    await exited;
    await browser.close().catch(() => undefined);
  };
  return { page, kill };
}

/** What is on the phone: records in `events`, the day in `packs`. */
export const stored = (page, store) =>
  page.evaluate((name) => new Promise((resolve, reject) => {
    const request = indexedDB.open('mukkeum-drive');
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const all = request.result.transaction(name).objectStore(name).getAll();
      all.onsuccess = () => resolve(all.result);
    };
  }), store);

export const list = (page) => page.locator('.drive-stops');

/** Loads everything that may be loaded, and leaves; the phone then shows the day. */
export async function leave(page) {
  await page.goto('/drive');
  await page.getByRole('link', { name: '상차하기' }).click();
  for (const box of await page.locator('.drive-loading li:not(.stopped) input[name=tick]').all()) await box.check();
  const despite = page.getByLabel('그대로 출발하는 이유');
  if (await despite.count()) await despite.fill('전화로 확인');
  await page.getByRole('button', { name: '출발' }).click();
  await page.goto('/drive');
  await page.locator('#drive[data-app]').waitFor();
  await page.evaluate(() => navigator.serviceWorker.ready);
  // The first page was loaded before the worker was there.
  await page.reload();
  await page.locator('#drive[data-app]').waitFor();
}

/** Uploads a request for the cancellation of the first of these orders that the channel knows; returns its identifier. */
export async function cancelOne(office, folder, orders) {
  for (const order of orders) {
    await office.goto(`/orders/${order}`);
    const [number] = (await mainText(office)).match(/\b\d{16}\b/) ?? [];
    if (!number) continue;
    const file = path.join(folder, '취소관리.csv');
    writeFileSync(file, `상품주문번호,주문상태,취소 처리상태,취소요청일\n${number},결제완료,취소요청,${koreanDay()} 00:01\n`);
    await preview(office, file);
    await apply(office);
    return order;
  }
  return assert.fail('no order of the channel is aboard');
}
