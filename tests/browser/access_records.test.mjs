// Access records: who saw whose data.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, logIn, mainText, open } from './browser.mjs';
import { apply, gotoOrders, orderNumbers, preview, search } from './flows.mjs';
import { ADMIN, addMember } from './server.mjs';

after(closeBrowser);

test('records name the orders of a viewed page and are found by person', async (t) => {
  const { page } = await open(t, { prepare: (data) => addMember(data, ADMIN, 'admin') });
  await logIn(page);
  await preview(page, '01_smartstore_orders_72col.xlsx');
  await apply(page);
  await gotoOrders(page);
  const [number] = await orderNumbers(page);
  await page.getByRole('link', { name: number, exact: true }).first().click();
  await page.waitForURL(/\/orders\/[^/?]+/);
  await page.goto('/access');
  await checkPage(page, 'access-records');
  await search(page, async () => {
    await page.getByLabel('누구의 정보').fill(number);
    await page.getByLabel('작업', { exact: true }).selectOption('view');
  });
  const text = await mainText(page);
  assert.match(text, new RegExp(`${number}`));
  assert.match(text, new RegExp(ADMIN.username));
  assert.match(text, /127\.0\.0\.1/);
  await checkPage(page, 'access-records-of-a-person');
});
