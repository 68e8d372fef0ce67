// 마감 대조: a channel's own list compared with the shop.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, mainText, open, setUpAndLogIn } from './browser.mjs';
import { apply, clickButton, preview } from './flows.mjs';
import { fixture, run } from './server.mjs';

const ORDERS = '01_smartstore_orders_72col.xlsx';
const LEGACY = '05_smartstore_legacy_66col_text.xlsx';

after(closeBrowser);

/** Compares a file and opens the report. */
async function compare(page, file) {
  await page.goto('/uploads');
  await page.getByRole('link', { name: '마감 대조' }).click();
  await page.getByLabel('파일 선택').setInputFiles(file);
  await clickButton(page, '대조하기');
  await page.waitForURL(/\/reconcile\/[0-9A-Z]{13}/);
}

/** The number of orders in a row of the sums. */
async function sum(page, label) {
  const row = page.locator('.sums').getByRole('row').filter({ has: page.getByRole('rowheader', { name: label, exact: true }) });
  return Number((await row.getByRole('cell').first().innerText()).replaceAll(/\D/g, ''));
}

for (const javaScriptEnabled of [true, false]) {
  test(`list is compared and what is missing is taken in, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async (t) => {
    const { page } = await open(t, { javaScriptEnabled });
    await setUpAndLogIn(page);
    await preview(page, ORDERS);
    await apply(page);

    await compare(page, fixture(LEGACY));
    const missing = await sum(page, '여기에 없음');
    assert.ok(missing > 0, await mainText(page));
    await checkPage(page, 'reconcile-report');
    await page.locator('.sums').getByRole('row', { name: /여기에 없음/ }).getByRole('link').click();
    assert.equal(await page.locator('table.list').last().getByRole('row').count(), 1 + Math.min(missing, 25));

    await page.getByRole('link', { name: '여기에 없는 주문 확인하고 등록하기' }).click();
    await page.waitForURL(/\/uploads\//);
    await apply(page);
    await compare(page, fixture(LEGACY));
    assert.equal(await sum(page, '여기에 없음'), 0);

    await page.goto('/reconcile');
    assert.match(await mainText(page), /총 2건/);
    await checkPage(page, 'reconcile');
  });
}

test('command compares a settlement list and names what differs', async (t) => {
  const { page, folder } = await open(t);
  await setUpAndLogIn(page);
  await preview(page, ORDERS);
  await apply(page);
  const list = path.join(folder, '정산.csv');
  const lines = ['상품주문번호,구분,정산기준금액,Npay 수수료', '2024031500000001,상품주문,1,-1', '2099010100000001,상품주문,50000,-500'];
  writeFileSync(list, `${lines.join('\n')}\n`);
  const { status, stdout, stderr } = run(['reconcile', list, '--data', path.join(folder, 'data'), '--json']);
  assert.equal(status, 1, stderr);
  const found = JSON.parse(stdout);
  assert.deepEqual([found.listed.orders, found.missing_here.orders, found.amount_differs.orders], [2, 1, 1]);
  assert.deepEqual(found.missing_here, { orders: 1, listed_amount: 49_500, shop_amount: 0 });
  await page.goto(`/reconcile/${found.report}`);
  assert.match(await mainText(page), /정산\.csv[\s\S]*프로그램/);

  const second = path.join(folder, '정산2.csv');
  writeFileSync(second, `${lines[0]}\n2024031500000002,상품주문,1,-1\n`);
  const both = JSON.parse(run(['reconcile', list, second, '--data', path.join(folder, 'data'), '--json']).stdout);
  assert.deepEqual([both.files.length, both.listed.orders, both.missing_there.orders], [2, 3, 0], 'one list of two files');
  await page.goto('/reconcile');
  await page.getByLabel('파일 선택').setInputFiles([list, second]);
  await clickButton(page, '대조하기');
  await page.waitForURL(/\/reconcile\/[0-9A-Z]{13}/);
  assert.equal(await sum(page, '목록의 주문'), 3);
  await page.locator('.sums').getByRole('row', { name: /목록의 주문/ }).getByRole('link').click();
  assert.match(await mainText(page), /정산2\.csv 2/);
});
