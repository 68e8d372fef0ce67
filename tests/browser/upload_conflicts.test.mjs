// Conflicting tracking numbers and rejected rows that wait for a decision, with and without JavaScript.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, mainText, open, setUpAndLogIn } from './browser.mjs';
import { apply, clickButton, gotoOrders, preview, totalCount } from './flows.mjs';

const ORDERS = '01_smartstore_orders_72col.xlsx';
const TRACKING = '08_logen_result_header_row2.xls';

after(closeBrowser);

for (const javaScriptEnabled of [true, false]) {
  test(`conflicts are resolved and rejected rows handled, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async (t) => {
    const { page } = await open(t, { javaScriptEnabled });
    await setUpAndLogIn(page);
    for (const file of [ORDERS, TRACKING]) {
      await preview(page, file);
      await apply(page);
    }

    await page.goto('/');
    await page.locator('a[href="/uploads?rows=rejected"]').click();
    await page.getByRole('link', { name: TRACKING }).click();
    await page.getByRole('link', { name: /정할 송장번호/ }).click();
    assert.match(await mainText(page), /45168300411[\s\S]*45168301507/);
    await checkPage(page, 'upload-conflicts');
    await clickButton(page, '새 번호로 바꾸기');
    assert.match(await mainText(page), /1행을 새 번호로 바꿨어요/);
    await gotoOrders(page, { q: '45168301507' });
    assert.equal(await totalCount(page), 1);

    await page.goto('/uploads?rows=rejected');
    await checkPage(page, 'uploads-to-deal-with');
    await page.getByRole('link', { name: TRACKING }).click();
    await page.getByRole('button', { name: '처리 완료' }).click();
    if (javaScriptEnabled) await page.getByRole('dialog').getByRole('button', { name: '네' }).click();
    await page.getByText('오류 행을 모두 처리했어요').waitFor();
    await page.goto('/uploads?rows=rejected');
    assert.match(await mainText(page), /확인할 오류 행이 없어요/);
  });
}

test('number for an order of the own team makes it a parcel only by a decision, which can be undone', async (t) => {
  const { page, folder } = await open(t);
  await setUpAndLogIn(page);
  await preview(page, ORDERS);
  await apply(page);
  const file = path.join(folder, '송장.csv');
  writeFileSync(file, '상품주문번호,송장번호,택배사\n2024031500000009,45168300959,로젠택배\n');
  await preview(page, file);
  assert.match(await mainText(page), /택배로 보내는 주문이 아니라 송장번호를 등록하지 않았어요/);
  await checkPage(page, 'upload-own-team-preview');
  await apply(page);
  await page.getByRole('link', { name: /정할 송장번호/ }).click();
  await page.getByRole('button', { name: '2행 택배로 바꾸고 등록' }).waitFor();
  await checkPage(page, 'upload-own-team');
  await clickButton(page, '2행 택배로 바꾸고 등록');
  assert.match(await mainText(page), /1행을 택배로 바꾸고 송장번호를 등록했어요/);
  await clickButton(page, '되돌리기');
  assert.match(await mainText(page), /주문 1건을 되돌렸어요/);
  await page.getByRole('link', { name: /정할 송장번호/ }).click();
  await page.getByRole('button', { name: '2행 택배로 바꾸고 등록' }).waitFor();
});
