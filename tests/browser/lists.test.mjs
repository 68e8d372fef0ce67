// The lists of orders and deliveries: how much of them a screen shows, what stays in view, and where one comes back to.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkAccessibility, closeBrowser, enterDemo, open, screenshot } from './browser.mjs';
import { clickButton } from './flows.mjs';

const LAPTOP = { width: 1366, height: 768 };

after(closeBrowser);

/** A demo with so many orders, logged in. */
async function demo(t, options = {}) {
  const opened = await open(t, { command: ['demo', '--orders', '2000'], ...options });
  await enterDemo(opened.page, options.account);
  return opened;
}

/** Rows of a table that are wholly in view, below its head and above the bar of actions. */
const rowsInView = (page) => page.evaluate(() => {
  const bar = document.querySelector('.acts-bar')?.getBoundingClientRect().top ?? innerHeight;
  const rows = [...document.querySelectorAll('table[data-rows] > tbody > tr')].map((row) => row.getBoundingClientRect());
  return rows.filter(({ top, bottom }) => top >= 0 && bottom <= Math.min(bar, innerHeight)).length;
});

/** Whether the head of the table is in view and nothing covers it, while its last row is. */
const isHeadInView = (page) => page.evaluate(() => {
  [...document.querySelectorAll('table[data-rows] > tbody > tr')].at(-1).scrollIntoView({ block: 'end' });
  const head = document.querySelector('table[data-rows] thead th:nth-child(3)');
  const { left, top, width, height } = head.getBoundingClientRect();
  const last = [...document.querySelectorAll('table[data-rows] > tbody > tr')].at(-1).getBoundingClientRect();
  return last.bottom > 0 && last.top < innerHeight && head.contains(document.elementFromPoint(left + width / 2, top + height / 2));
});

test('a laptop shows ten deliveries with their addresses', async (t) => {
  const { page } = await demo(t, { viewport: LAPTOP });
  for (const path of ['/deliveries?size=25', '/deliveries?state=READY_TO_SHIP&state=PREPARING&size=25']) {
    await page.goto(path);
    const { length, width } = await page.evaluate(() => ({
      length: document.querySelectorAll('table.deliveries tbody tr').length,
      width: document.querySelector('table.deliveries').scrollWidth - document.querySelector('.table-wrap').clientWidth,
    }));
    assert.ok(length >= 10 && width <= 0, `${length} deliveries, ${width} px too wide`);
    const shown = await rowsInView(page);
    assert.ok(shown >= 10, `${shown} of ${length} deliveries of ${path} are in view`);
    assert.match(await page.locator('td.where').first().innerText(), /[로길동읍면리]/);
  }
  await page.screenshot({ path: new URL('./shots/deliveries-1366x768.png', import.meta.url).pathname });
  await checkAccessibility(page, 'deliveries of a laptop');
});

test('a phone shows the first delivery without scrolling', async (t) => {
  for (const viewport of [{ width: 390, height: 844 }, { width: 360, height: 780 }]) {
    const { page } = await demo(t, { viewport, account: '배송팀' });
    await page.getByRole('link', { name: '나갈 배송' }).click();
    await page.waitForURL(/state=READY_TO_SHIP/);
    const { y, height } = await page.locator('table.deliveries tbody tr').first().boundingBox();
    const menu = await page.locator('nav.menu').boundingBox();
    assert.ok(y + height <= menu.y, `${viewport.width} px: the first delivery begins at ${y} and is ${height} px high, the menu begins at ${menu.y}`);
  }
});

test('the head of the order list stays in view, also with more columns than fit', async (t) => {
  const { page } = await demo(t, { viewport: LAPTOP });
  await page.goto('/orders?size=25');
  assert.ok(await isHeadInView(page), 'the columns of the beginning at 1366 px');
  await page.getByRole('link', { name: '열 선택' }).click();
  for (const column of await page.locator('form.columns input[type=checkbox]').all()) await column.check();
  await clickButton(page, '저장');
  await page.goto('/orders?size=25');
  const width = await page.evaluate(() => document.querySelector('table.orders').scrollWidth - document.querySelector('.table-wrap').clientWidth);
  assert.ok(width > 0, 'the table is wider than the page');
  assert.ok(await isHeadInView(page), 'every column');
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'the page does not scroll sideways');
  await screenshot(page, 'orders-every-column');
  await checkAccessibility(page, 'the order list with every column');
  await page.goto('/deliveries?size=25');
  assert.ok(await isHeadInView(page), 'deliveries');
});

for (const [what, path, save] of [
  ['orders', '/orders?size=25&page=2', async (page) => { await page.getByLabel('배송메모', { exact: true }).fill('문 앞에'); await clickButton(page, '저장'); }],
  ['deliveries', '/deliveries?size=25&page=2', async (page) => { await page.getByLabel('팀 메모').fill('사다리차'); await clickButton(page, '메모 저장'); }],
]) {
  test(`the way back to the list of ${what} keeps the place, also after a save`, async (t) => {
    const { page } = await demo(t, { viewport: LAPTOP });
    const link = page.locator('table[data-rows] > tbody').locator(what === 'orders' ? 'td.nowrap a' : 'a.bundle-number').nth(17);
    const place = async () => ({ href: await link.getAttribute('href'), y: Math.round((await link.boundingBox()).y) });
    const isSame = (now, then, when) => assert.ok(now.href === then.href && Math.abs(now.y - then.y) <= 2, `${when}: ${JSON.stringify(now)} instead of ${JSON.stringify(then)}`);
    for (const [when, act] of [['after a look', () => {}], ['after a save', save]]) {
      await page.goto(path);
      await link.scrollIntoViewIfNeeded();
      await page.mouse.move(683, 400);
      await page.mouse.wheel(0, 150);
      await page.waitForTimeout(300);
      const before = await place();
      await link.click();
      await page.waitForURL(/\/\w{13}$/);
      await act(page);
      await page.locator('.trail a').first().click();
      await page.waitForURL(/page=2/);
      await page.evaluate(() => document.fonts.ready.then(() => undefined));
      isSame(await place(), before, when);
    }
    // The keyboard goes on from the row that was left.
    assert.equal(await page.evaluate(() => document.activeElement.matches('table[data-rows] > tbody > tr')), true);
    // The list by the menu begins at its beginning.
    await page.locator(`nav.menu a[href^="/${what}"]`).click();
    assert.equal(await page.evaluate(() => scrollY), 0);
  });
}
