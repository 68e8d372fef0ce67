// Plans of the own trucks: the board with scripts, by keyboard, without scripts, and by two dispatchers.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, enterDemo, koreanDay, mainText, open } from './browser.mjs';

after(closeBrowser);

const DEMO = { command: ['demo', '--orders', '2000'] };

/** A demo shop, with a board open that nobody has planned. */
async function openBoard(t, options = {}) {
  const shop = await open(t, { ...DEMO, ...options });
  await enterDemo(shop.page, '배송팀');
  await gotoBoard(shop.page);
  return shop;
}

/** The sizes of the pages of a PDF, in points. */
const pages = (pdf) => [...pdf.toString('latin1').matchAll(/\/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)/g)]
  .map(([, width, height]) => `${Math.round(width)}x${Math.round(height)}`);

/** The board of the first day that the demo has deliveries for and no plan; counts as one click. */
async function gotoBoard(page) {
  await page.goto(`/plans?day=${koreanDay(3)}`);
}

const column = (page, name) => page.getByRole('region', { name: '배차판' }).locator('[data-column]').filter({ has: page.getByRole('heading', { name }) });
const names = (page, name) => column(page, name).locator('.plan-name').allInnerTexts();
/** The cards of a column: two masked names may be alike. */
const cards = (page, name) => column(page, name).locator('[data-card]').evaluateAll((found) => found.map((card) => card.dataset.card));
/** Presses a key of a card, and waits for the answer: each has another address. */
const pressKey = async (page, key) => {
  const before = page.url();
  await page.keyboard.press(key);
  await page.waitForURL((url) => url.href !== before);
};
const press = async (page, name) => {
  await page.getByRole('button', { name, exact: true }).click();
  await page.locator('.notice').first().waitFor();
};

test('empty board becomes a fixed plan in two clicks', async (t) => {
  const { page } = await openBoard(t);
  await checkPage(page, 'plans-empty');
  const waiting = (await names(page, /^미배차/)).length;
  assert.ok(waiting >= 4, `${waiting} deliveries wait`);
  await press(page, '모두 배차');
  assert.match(await mainText(page), /곳을 배차했/);
  const planned = (await Promise.all([/^1호차/, /^2호차/].map((name) => names(page, name)))).flat();
  assert.ok(planned.length >= 1, `${planned.length} of ${waiting} are planned`);
  await checkPage(page, 'plans-planned');
  await press(page, '모두 확정');
  assert.match(await mainText(page), /배차를 확정했어요/);
  assert.equal(await page.getByRole('button', { name: '모두 확정' }).count(), 0);
  await checkPage(page, 'plans-fixed');
  const tours = await page.getByRole('link', { name: /배차표/ }).count();
  assert.ok(tours >= 1, `${tours} trucks`);
  await page.getByRole('link', { name: /배차표/ }).first().click();
  await checkPage(page, 'plans-tour');
  assert.ok((await page.pdf({ preferCSSPageSize: true })).length > 1000, 'it prints');
  await page.getByRole('link', { name: '상차표' }).click();
  await checkPage(page, 'plans-loading');
  await gotoBoard(page);
  await page.getByRole('link', { name: '모두 인쇄' }).click();
  await checkPage(page, 'plans-print');
  const sheets = pages(await page.pdf({ preferCSSPageSize: true }));
  // A truck that loads nothing has no loading list.
  const papers = (await page.locator('.paper h2').allInnerTexts()).map((title) => title.split(' ')[0]);
  assert.equal(papers.filter((paper) => paper === '배차표').length, tours);
  assert.ok(papers.includes('상차표') && sheets.length >= papers.length, `${sheets.length} sheets for ${papers.length} papers`);
  assert.deepEqual([...new Set(sheets)], ['595x842'], 'A4 upright, all of them');
});

test('a truck that is overfilled is said, and the move undone', async (t) => {
  const { page } = await openBoard(t);
  const boxes = column(page, /^미배차/).getByRole('checkbox');
  const count = await boxes.count();
  for (const box of await boxes.all()) await box.check();
  await page.getByLabel('옮길 차').selectOption({ label: '3호차' });
  await press(page, '이 차로 옮기기');
  assert.match(await page.locator('.notice.warning').first().innerText(), /이대로는 맞지 않아요: .*초과 \(/);
  await checkPage(page, 'plans-exceeded');
  await column(page, /^3호차/).getByRole('checkbox').first().check();
  await page.getByLabel('옮길 차').selectOption({ label: '3호차' });
  await press(page, '이 차로 옮기기');
  assert.match(await mainText(page), /이미 3호차에 있어요/);
  await page.goBack();
  await press(page, '되돌리기');
  assert.match(await mainText(page), /되돌렸어요/);
  assert.equal((await names(page, /^미배차/)).length, count);
});

test('a fixed truck offers no choice and is handed to its driver on the board', async (t) => {
  const { page } = await openBoard(t);
  await press(page, '모두 배차');
  await press(page, '모두 확정');
  assert.equal(await page.locator('[data-fixed] input[name=tick]').count(), 0);
  await page.getByLabel('운전').first().selectOption({ label: 'demo-driver' });
  await page.getByRole('button', { name: /기사에게 넘기기$/ }).first().click();
  assert.match(await mainText(page), /demo-driver 기사에게 넘겼어요/);
  await page.getByRole('link', { name: /진행 보기$/ }).first().waitFor();
  await checkPage(page, 'plans-handed-out');
});

test('a driver lands on the own stops and sees nothing of planning', async (t) => {
  const { page, window } = await open(t, DEMO);
  await enterDemo(page, '기사');
  assert.equal(new URL(page.url()).pathname, '/drive');
  assert.match(await mainText(page), /2호차/);
  assert.deepEqual(await page.getByRole('navigation', { name: '주 메뉴' }).getByRole('link').allInnerTexts(), ['오늘 배송']);
  assert.equal(await page.locator('a[href^="/plans"], a[href^="/deliveries"], a[href^="/orders"]').count(), 0);
  await checkPage(page, 'driver-home');
  // Who plans helps on that truck, and has its stops in the menu as well.
  const admin = await window();
  await enterDemo(admin);
  await admin.getByRole('navigation', { name: '주 메뉴' }).getByRole('link', { name: '오늘 배송' }).click();
  assert.match(await mainText(admin), /2호차/);
});

test('card is dragged to a truck and back', async (t) => {
  const { page } = await openBoard(t);
  const [first] = await names(page, /^미배차/);
  const card = column(page, /^미배차/).locator('[data-card]').first();
  const id = await card.getAttribute('data-card');
  await card.dragTo(column(page, /^2호차/));
  await page.locator('[data-column]').nth(2).locator(`[data-card="${id}"]`).waitFor();
  assert.deepEqual(await names(page, /^2호차/), [first]);
  assert.match(await column(page, /^2호차/).innerText(), /차 고정/);
  await page.locator(`[data-card="${id}"]`).dragTo(column(page, /^미배차/), { targetPosition: { x: 60, y: 12 } });
  await column(page, /^미배차/).locator(`[data-card="${id}"]`).waitFor();
  assert.deepEqual(await names(page, /^2호차/), []);
});

test('card is moved by keyboard', async (t) => {
  const { page } = await openBoard(t);
  const pool = column(page, /^미배차/).locator('[data-card]');
  for (const count of [1, 2]) {
    await pool.first().focus();
    await pressKey(page, '1');
    await column(page, /^1호차/).locator('[data-card]').nth(count - 1).waitFor();
  }
  const before = await cards(page, /^1호차/);
  await column(page, /^1호차/).locator('[data-card]').first().focus();
  await pressKey(page, 'Alt+ArrowDown');
  await page.getByText('1곳을 옮겼어요: 1호차').waitFor();
  await page.waitForFunction((name) => document.querySelectorAll('[data-column]')[1].querySelector('[data-card]').dataset.card !== name, before[0]);
  assert.deepEqual(await cards(page, /^1호차/), before.toReversed());
  await column(page, /^1호차/).locator('[data-card]').first().focus();
  await pressKey(page, '0');
  await page.getByText('1곳을 옮겼어요: 미배차').waitFor();
  assert.equal((await names(page, /^1호차/)).length, 1);
});

test('what a move costs is told before it is made', async (t) => {
  const { page } = await openBoard(t);
  await column(page, /^미배차/).getByRole('checkbox').first().check();
  await page.locator('[data-cost]', { hasText: /운전 \+.*km/ }).waitFor();
  assert.deepEqual(await names(page, /^1호차/), []);
  await page.getByRole('link', { name: '한 주', exact: true }).click();
  await checkPage(page, 'plans-week');
  assert.equal(await page.locator('table.week-loads tbody tr').count(), 7);
});

test('board works without JavaScript', async (t) => {
  const { page } = await openBoard(t, { javaScriptEnabled: false });
  const [first] = await names(page, /^미배차/);
  await column(page, /^미배차/).getByRole('checkbox').first().check();
  await page.getByLabel('옮길 차').selectOption({ label: '2호차' });
  await press(page, '미리 보기');
  assert.match(await mainText(page), /아직 옮기지 않았어요\. 2호차에 넣으면: 운전 \+/);
  assert.deepEqual(await names(page, /^2호차/), []);
  assert.ok(await column(page, /^미배차/).getByRole('checkbox').first().isChecked(), 'what was chosen stays');
  await press(page, '이 차로 옮기기');
  assert.deepEqual(await names(page, /^2호차/), [first]);
  await page.getByRole('button', { name: `${first} 고정 풀기` }).click();
  assert.match(await mainText(page), /고정을 풀었어요/);
  await page.getByRole('button', { name: `${first} 빼기` }).click();
  assert.deepEqual(await names(page, /^2호차/), []);
});

test('second dispatcher is told what the first has changed', async (t) => {
  const { page, window } = await openBoard(t);
  const other = await window();
  await enterDemo(other);
  await other.goto(page.url());
  await press(page, '모두 배차');
  await press(other, '모두 배차');
  assert.match(await mainText(other), /그 사이 demo-team 님이 .*배차를 바꿨어요/);
  await press(other, '모두 확정');
  assert.match(await mainText(other), /배차를 확정했어요/);
});

test('pages of trucks are accessible and fit a phone', async (t) => {
  const { page } = await openBoard(t);
  for (const path of ['/trucks', '/trucks/new', '/trucks/days', '/trucks/holidays', '/trucks/handling', '/trucks/points?zip=39867', '/trucks/roads', '/trucks/settings']) {
    await page.goto(path);
    await checkPage(page, `trucks${path.slice(7).split('?')[0].replaceAll('/', '-')}`);
  }
  await page.goto('/trucks/handling');
  await page.getByRole('link', { name: /옵션별/ }).first().click();
  await checkPage(page, 'trucks-handling-options');
  await gotoBoard(page);
  await page.locator('.plan-name').first().click();
  await checkPage(page, 'plans-job');
});
