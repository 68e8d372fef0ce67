// Public demo: each visitor has a sandbox.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, enterDemo, open } from './browser.mjs';
import { field, gotoOrders, openOrder, orderNumbers, saveOrder } from './flows.mjs';

after(closeBrowser);

test('two visitors have separate sandboxes', async (t) => {
  const { page, window } = await open(t, { command: ['demo', '--public', '--orders', '50'] });
  await enterDemo(page);
  const other = await window();
  await enterDemo(other);
  assert.match(await other.locator('.banner').innerText(), /혼자 쓰는 가게예요/);

  await gotoOrders(page);
  const [number] = await orderNumbers(page);
  const memo = (visitor) => field(visitor, '관리자메모');
  for (const visitor of [page, other]) await openOrder(visitor, number);
  await memo(page).fill('나만 보는 메모');
  await saveOrder(page);
  for (const visitor of [page, other]) await visitor.reload();
  assert.deepEqual([await memo(page).inputValue(), await memo(other).inputValue()], ['나만 보는 메모', '']);
  await checkPage(page, 'practice-public');
});
