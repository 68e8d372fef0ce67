// The first page (오늘): every figure links to the list it counts.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, mainText, open, setUpAndLogIn } from './browser.mjs';
import { apply, preview } from './flows.mjs';
import { numberAfter } from './server.mjs';

after(closeBrowser);

/** Follows the figures of the first page to their lists and compares the totals. */
async function assertFigures(page) {
  await page.goto('/');
  const links = await page.getByRole('main').locator('a[href^="/orders"]:has(strong), a[href^="/uploads?"]:has(strong)').evaluateAll((all) =>
    all.map((link) => [link.getAttribute('href'), Number(link.querySelector('strong').textContent.replaceAll(',', ''))]));
  assert.ok(links.length >= 7 + 6 + 2, 'states, deadlines, and notices of claims and error rows');
  for (const [href, figure] of links) {
    await page.goto(href);
    const isEmpty = (await page.locator('main .empty').count()) > 0;
    assert.equal(isEmpty ? 0 : numberAfter(await mainText(page), '총'), figure, href);
  }
}

test('figures match their lists, and a first day shows the first steps', async (t) => {
  const { page } = await open(t);
  await setUpAndLogIn(page);
  await page.goto('/');
  assert.match(await mainText(page), /처음 오셨네요/);
  await checkPage(page, 'first-day');
  await page.getByRole('main').getByRole('link', { name: '파일 올리기' }).click();
  await page.waitForURL('**/uploads');
  for (const file of ['01_smartstore_orders_72col.xlsx', '08_logen_result_header_row2.xls', 'B06_bad_values.xlsx']) {
    await preview(page, file);
    await apply(page);
  }
  await assertFigures(page);
  await page.goto('/');
  await checkPage(page, 'today');
});
