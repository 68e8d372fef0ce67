// Order page: form errors, concurrent edits, bundles, addresses.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { checkAccessibility, checkPage, closeBrowser, mainText, open, screenshot, setUpAndLogIn } from './browser.mjs';
import { apply, clickButton, field, gotoOrders, openOrder, orderNumbers, preview, saveOrder } from './flows.mjs';

const ORDERS = '01_smartstore_orders_72col.xlsx';
const [ORDER, SIBLING, UNMERGEABLE] = ['2024031500000001', '2024031500000002', '2024031500000017'];
const BUNDLE = '3100000001';
const PURCHASE = '2024031590000001';

after(closeBrowser);

/** A shop with the orders of one file. */
async function shop(t, options) {
  const opened = await open(t, options);
  await setUpAndLogIn(opened.page);
  await preview(opened.page, ORDERS);
  await apply(opened.page);
  return opened;
}

/** Bundle panel of the order page. */
const bundle = (page) => page.getByRole('region', { name: '묶음', exact: true });

test('form errors are shown at their fields, and conflicts with both values', async (t) => {
  const { page, window } = await shop(t);
  await openOrder(page, ORDER);
  const second = await window({ storageState: await page.context().storageState() });
  await second.goto(page.url());

  await field(page, '수량').fill('두 개');
  await field(page, '수취인명').fill('');
  await field(page, /이 주문만 바꾸고/).check();
  await field(page, '배송메모').fill('문 앞에 놓아 주세요');
  await saveOrder(page);
  assert.equal(await page.locator('[aria-invalid=true]').count(), 2);
  assert.match(await mainText(page), /수량을 1 이상의 숫자로[^]*수취인명을 입력해/);
  assert.equal(await field(page, '수량').inputValue(), '두 개');
  assert.equal(await field(page, '배송메모').inputValue(), '문 앞에 놓아 주세요');
  await screenshot(page, 'order-mistakes');
  await checkAccessibility(page, 'an order with mistakes');
  await field(page, '수량').fill('2');
  await field(page, '수취인명').fill('홍길동');
  await saveOrder(page);
  assert.match(await mainText(page), /주문을 저장했어요/);

  await field(second, '배송메모').fill('경비실에 맡겨 주세요');
  await field(second, '관리자메모').fill('단골');
  await saveOrder(second);
  const choices = second.getByRole('group', { name: /다른 사람이 바꿨어요/ });
  assert.equal(await choices.count(), 2, 'the memo, changed by both, and the quantity, changed by one');
  assert.match(await choices.filter({ hasText: '경비실' }).innerText(), /‘문 앞에 놓아 주세요’[^]*‘경비실에 맡겨 주세요’/);
  assert.ok(await choices.filter({ hasText: '‘1’' }).getByLabel(/저장된 값/).isChecked(), 'an unchanged field keeps the stored value');
  await screenshot(second, 'order-conflict');
  await checkAccessibility(second, 'an order with conflicts');
  await choices.filter({ hasText: '경비실' }).getByLabel(/저장된 값/).check();
  await field(second, '배송메모').fill('경비실에 맡기고 전화');
  assert.ok(await choices.filter({ hasText: '경비실' }).getByLabel(/이 화면의 값/).isChecked(), 'typing selects the own value');
  await saveOrder(second);
  assert.match(await mainText(second), /주문을 저장했어요/);
  assert.equal(await field(second, '수량').inputValue(), '2');
  assert.equal(await field(second, '배송메모').inputValue(), '경비실에 맡기고 전화');
  assert.equal(await field(second, '관리자메모').inputValue(), '단골');
});

test('the number of a purchase finds its orders, and names them in a list of a courier', async (t) => {
  const { page, folder } = await shop(t);
  await gotoOrders(page, { q: '2024-0315-9000-0001' });
  assert.deepEqual((await orderNumbers(page)).toSorted(), [ORDER, SIBLING]);
  await gotoOrders(page, { field: 'channel_order_number', q: PURCHASE });
  assert.equal(await page.getByLabel('검색 항목').locator('option:checked').innerText(), '주문번호');
  await openOrder(page, ORDER);
  assert.match(await mainText(page), new RegExp(`주문번호\\s+${PURCHASE}`));
  await checkPage(page, 'order-of-a-purchase');

  const file = path.join(folder, '송장.csv');
  writeFileSync(file, `주문번호,송장번호,택배사\n${PURCHASE},45168300137,로젠택배\n`);
  await preview(page, file);
  assert.match(await mainText(page), /주문번호로 찾은 주문이에요/);
  await checkPage(page, 'upload-of-a-purchase');
  await apply(page);
  await gotoOrders(page, { q: '45168300137' });
  assert.deepEqual((await orderNumbers(page)).toSorted(), [ORDER, SIBLING]);
});

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with' : 'without';

  test(`order leaves its bundle, is merged and moved back, ${how} JavaScript`, async (t) => {
    const { page } = await shop(t, { javaScriptEnabled });
    await openOrder(page, ORDER);
    assert.match(await bundle(page).innerText(), new RegExp(`${UNMERGEABLE}[^]*합칠 수 없어요. 배송비 형태가 달라요`));
    await clickButton(page, '묶음에서 빼기');
    assert.match(await mainText(page), /묶음에서 뺐어요/);
    assert.match(await bundle(page).innerText(), new RegExp(`같은 수취인의 다른 주문[^]*${SIBLING}`));
    await screenshot(page, 'order-offers');

    await clickButton(page, '이 묶음으로 합치기');
    assert.match(await mainText(page), /1건을 이 묶음으로 합쳤어요/);
    assert.match(await bundle(page).innerText(), new RegExp(`함께 가는 주문[^]*${SIBLING}`));
    await clickButton(page, '원래 묶음으로');
    assert.match(await mainText(page), new RegExp(`원래 묶음으로 되돌렸어요. 묶음배송번호: ${BUNDLE}`));

    await field(page, '묶음배송번호').fill('3100000017');
    await saveOrder(page);
    assert.match(await mainText(page), /배송비 형태가 달라요/);
    assert.equal(await field(page, '묶음배송번호').inputValue(), '3100000017');
    await field(page, '묶음배송번호').fill(BUNDLE);
    await saveOrder(page);
    assert.match(await mainText(page), /다른 묶음으로 옮겼어요/);
    await gotoOrders(page, { field: 'bundle_number', q: BUNDLE });
    assert.deepEqual((await orderNumbers(page)).toSorted(), [ORDER, SIBLING]);
  });

  test(`address change applies to one order or the bundle, ${how} JavaScript`, async (t) => {
    const { page } = await shop(t, { javaScriptEnabled });
    await openOrder(page, ORDER);
    const question = page.getByRole('group', { name: '수취인·주소·배송방법·배송비를 바꾸면' });
    assert.equal(await question.isVisible(), !javaScriptEnabled, 'it is asked once there is something to ask');
    await field(page, '상세주소').fill('2층');
    if (javaScriptEnabled) {
      await question.waitFor();
      await page.getByRole('button', { name: '저장', exact: true }).click();
      assert.equal(await field(page, /함께 가는 주문 1건도 바꿔요/).evaluate((choice) => choice.validity.valueMissing), true, 'beside the button that saves');
    }
    // What a browser without the script sends.
    await page.evaluate(() => document.querySelectorAll('[name=scope]').forEach((choice) => { choice.required = false; }));
    await saveOrder(page);
    assert.match(await mainText(page), /어느 주문을 바꿀지 선택해 주세요/);
    await screenshot(page, 'order-scope');
    await field(page, /함께 가는 주문 1건도 바꿔요/).check();
    await saveOrder(page);
    assert.match(await mainText(page), /함께 가는 주문 1건도 바꿨어요/);

    await field(page, '상세주소').fill('3층');
    await field(page, /이 주문만 바꾸고/).check();
    await saveOrder(page);
    assert.match(await mainText(page), /묶음에서 뺐어요/);
    await openOrder(page, SIBLING);
    assert.equal(await field(page, '상세주소').inputValue(), '2층');
  });
}
