// Shared by the tests of the driver's day.

import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { checkPage, enterDemo, koreanDay, mainText } from './browser.mjs';

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
