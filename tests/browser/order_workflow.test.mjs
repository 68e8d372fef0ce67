// The main workflow: upload an order file, search the list, move orders to the next state.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { closeBrowser, createFirstAdmin, logIn, mainText, open } from './browser.mjs';
import { apply, clickButton, counts, gotoOrders, openOrder, orderNumbers, pressWithNothingTicked, preview, search, selectRows, totalCount } from './flows.mjs';

const ORDERS = '01_smartstore_orders_72col.xlsx';
const THREE = ['2024031500000001', '2024031500000005', '2024031500000009'];

after(closeBrowser);

// Uses no script, so that it works with and without JavaScript.
async function workflow(page) {
  await createFirstAdmin(page);
  if (new URL(page.url()).pathname === '/login') await logIn(page);

  await preview(page, ORDERS);
  assert.deepEqual(await counts(page), [23, 1, 0]);
  assert.match(await mainText(page), /미리보기/);
  await gotoOrders(page);
  assert.equal(await totalCount(page), 0, 'a preview changes nothing');

  await preview(page, ORDERS);
  await apply(page);
  assert.deepEqual(await counts(page), [23, 1, 0]);
  await gotoOrders(page);
  assert.equal(await totalCount(page), 23);

  await search(page, async () => {
    await page.locator('select[name=field]').selectOption({ label: '수취인명' });
    await page.locator('input[name=q]').fill('홍길동');
  });
  assert.equal(await totalCount(page), 3);
  await gotoOrders(page, { field: 'recipient_name', q: 'ㅎㄱㄷ' });
  assert.equal(await totalCount(page), 3, 'choseong find names');

  await gotoOrders(page);
  await search(page, () => page.locator('select[name=product]').selectOption({ label: '예시침구 경추 베개' }));
  assert.equal(await totalCount(page), 4);

  await gotoOrders(page);
  const header = () => page.getByRole('columnheader', { name: /주문일/ }).getByRole('link');
  await header().click();
  await header().click();
  const oldestFirst = await orderNumbers(page);
  assert.equal(oldestFirst.length, 23);
  assert.deepEqual(oldestFirst, oldestFirst.toSorted());

  await gotoOrders(page, { q: '', state: 'PLACED' });
  const address = page.url();
  await pressWithNothingTicked(page, '발주로 바꾸기');
  await selectRows(page, THREE);
  await clickButton(page, '발주로 바꾸기');
  assert.equal(new URL(page.url()).searchParams.get('state'), new URL(address).searchParams.get('state'));
  assert.match(await mainText(page), /(?<!\d)3건/);
  assert.equal(await totalCount(page), 20);
  await gotoOrders(page, { state: 'PURCHASED' });
  assert.equal(await totalCount(page), 3);
  assert.deepEqual((await orderNumbers(page)).toSorted(), THREE);

  await gotoOrders(page);
  await selectRows(page, [...THREE, '2024031500000002']);
  await clickButton(page, '발주로 바꾸기');
  await gotoOrders(page, { state: 'PURCHASED' });
  assert.equal(await totalCount(page), 4, 'purchased orders are skipped');

  await preview(page, ORDERS);
  assert.deepEqual(await counts(page), [0, 24, 0], 'the same file again changes nothing');
}

for (const javaScriptEnabled of [true, false]) {
  test(`orders are uploaded, found and advanced, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async (t) => {
    const { page } = await open(t, { javaScriptEnabled });
    await workflow(page);
  });
}

test('what the factory has is asked about before it is cancelled, and the way back asks for nothing again', async (t) => {
  const { page } = await open(t);
  await createFirstAdmin(page);
  if (new URL(page.url()).pathname === '/login') await logIn(page);
  await preview(page, ORDERS);
  await apply(page);
  const cancel = async () => {
    await openOrder(page, THREE[0]);
    await page.locator('select[name=state]').selectOption('CANCELLED');
    await clickButton(page, '저장');
  };
  await gotoOrders(page);
  await selectRows(page, [THREE[0]]);
  await clickButton(page, '발주로 바꾸기');
  await cancel();
  assert.match(await mainText(page), /발주된 주문 1건을 취소해요: 2024031500000001\. 만들지 않게 공장에 알려 주세요/);
  await clickButton(page, '상태는 그대로 두고 저장');
  await openOrder(page, THREE[0]);
  assert.equal(await page.locator('select[name=state]').inputValue(), 'PURCHASED');
  await cancel();
  const order = new URL(page.url()).pathname;
  await clickButton(page, '취소됨으로 저장');
  assert.match(await mainText(page), /주문을 저장했어요: 2024031500000001/);
  await page.goBack();
  assert.equal(new URL(page.url()).pathname, order);
  assert.equal(await page.locator('select[name=state]').inputValue(), 'CANCELLED', 'the order, and no form that is sent again');
});
