// A driver's day without a signal: the server is off, pages are closed, the browser is started again. Nothing is lost and
// nothing is doubled.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';
import { chromium } from 'playwright-core';
import { checkPage, closeBrowser, enterDemo, mainText, open } from './browser.mjs';
import { startServer } from './server.mjs';

after(closeBrowser);

const DEMO = ['demo', '--orders', '4000'];
const PHONE = { viewport: { width: 390, height: 844 }, locale: 'ko-KR', timezoneId: 'Asia/Seoul' };
const today = () => new Date(Date.now() + 9 * 3600 * 1000).toISOString().slice(0, 10);

/** Plans the day for the first truck and hands it out; returns the path of the tour. */
async function handOut(page) {
  await enterDemo(page, '관리자');
  const board = `/plans?day=${today()}`;
  await page.goto(board);
  if ((await page.locator('[data-column]').count()) < 2) {
    await page.goto('/trucks/holidays');
    await page.getByLabel('날짜').fill(today());
    await page.getByLabel('이름').fill('시험');
    await page.getByRole('button', { name: '일하는 날로' }).click();
    await page.goto(board);
  }
  // Those that are planned and those that wait.
  const due = page.locator('#board input[name=tick]');
  const count = Math.min(await due.count(), 14);
  assert.ok(count >= 10, `${count} deliveries are due`);
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
async function phone(profile, url) {
  const context = await chromium.launchPersistentContext(profile, {
    ...PHONE, baseURL: url, executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--lang=ko-KR'],
  });
  context.setDefaultTimeout(30_000);
  return context;
}

const list = (page) => page.locator('.drive-stops');

test('a day of ten stops or more without the server loses and doubles nothing', async (t) => {
  const { page: office, server, folder } = await open(t, { command: DEMO });
  const tour = await handOut(office);
  const profile = path.join(folder, 'phone');
  let context = await phone(profile, server.url);
  t.after(() => context.close());
  let page = context.pages()[0] ?? (await context.newPage());

  await enterDemo(page, '배송팀');
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
  const stops = await list(page).getByRole('listitem').count();
  assert.ok(stops >= 10, `${stops} stops`);

  await server.stop();
  let plain = 0;
  let taps = 0;
  const expected = { delivered: 0, failed: 0 };
  for (let at = 0; at < stops; at += 1) {
    if (at % 3 === 1) {
      await page.close({ runBeforeUnload: false });
      page = await context.newPage();
      await page.goto('/drive');
    }
    if (at === 5) {
      await context.close();
      context = await phone(profile, server.url);
      page = context.pages()[0] ?? (await context.newPage());
      await page.goto('/drive');
    }
    await list(page).getByRole('link').nth(at).click();
    const isStopped = (await page.locator('.drive-stop-sign').count()) > 0;
    if (at % 4 === 3 || isStopped) {
      await page.getByRole('button', { name: '실패', exact: true }).click();
      await page.getByRole('button', { name: '부재' }).click();
      expected.failed += 1;
    } else {
      await page.getByRole('button', { name: '완료', exact: true }).click();
      expected.delivered += 1;
      plain = at;
      taps = 2;
    }
    await page.getByText(`전할 기록 ${at + 1}건`).waitFor();
  }
  assert.ok(taps <= 4, 'a plain stop is done in four taps or fewer');

  // A mistake is taken back while nothing was handed in, and the stop is reported again.
  await list(page).getByRole('link').nth(plain).click();
  await page.getByRole('button', { name: /취소$/ }).click();
  await page.getByRole('button', { name: '완료', exact: true }).click();
  await page.getByText(`전할 기록 ${stops + 2}건`).waitFor();
  await page.reload();
  await page.getByText(`전할 기록 ${stops + 2}건`).waitFor();

  const again = await startServer({ data: server.data, port: server.port, command: DEMO });
  t.after(() => again.stop());
  await page.getByRole('button', { name: '지금 전하기' }).click();
  await page.getByText('모두 전했어요').waitFor();
  await page.reload();
  await page.getByText('모두 전했어요').waitFor();

  await office.goto(tour);
  const known = office.locator('table.driving tbody tr');
  assert.equal(await known.count(), stops);
  assert.equal(await known.getByText('완료', { exact: true }).count(), expected.delivered);
  assert.equal(await known.getByText('실패: 부재').count(), expected.failed);
  await checkPage(office, 'drive-live');
  await office.goto(`${tour}/close`);
  await checkPage(office, 'drive-close');
});

test('screens of the phone are large and readable', async (t) => {
  const { page: office, window } = await open(t, { command: DEMO });
  await handOut(office);
  const page = await window(PHONE);
  await enterDemo(page, '배송팀');
  await page.goto('/drive');
  await checkPage(page, 'drive-list');
  await page.locator('#drive[data-app]').waitFor();
  await list(page).getByRole('link').first().click();
  await page.locator('.drive-address').waitFor();
  await page.setViewportSize(PHONE.viewport);
  const small = await page.locator('.drive a:visible, .drive button:visible').evaluateAll((targets) =>
    targets.filter((target) => target.getBoundingClientRect().height < 48).map((target) => target.textContent));
  assert.deepEqual(small, [], 'targets lower than 48 px');
});
