// What waits today, the files that leave the shop, and rows that somebody has to decide about: once
// with JavaScript, once without.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { axe, closeBrowser, enter, mainText, open, shot } from './browser.mjs';
import { apply, list, preview, press, total } from './flows.mjs';
import { countAfter } from './server.mjs';

after(closeBrowser);

const ORDERS = '01_smartstore_orders_72col.xlsx';
const PARCELS = '08_logen_result_header_row2.xls';

// Pictures and axe need scripts; a page looks the same without.
const scripts = new WeakSet();

async function look(page, name) {
  if (!scripts.has(page)) return;
  await shot(page, name);
  await axe(page, name);
}

async function opened(t, options = {}) {
  const shop = await open(t, options);
  if (options.javaScriptEnabled ?? true) scripts.add(shop.page);
  return shop;
}

async function shopAtWork(page) {
  await enter(page);
  for (const file of [ORDERS, PARCELS]) {
    await preview(page, file);
    await apply(page);
  }
}

async function save(page, folder) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: '내려받기' }).click()]);
  const file = path.join(folder, 'download');
  await download.saveAs(file);
  return { name: download.suggestedFilename(), bytes: readFileSync(file) };
}

async function startPage(page) {
  await page.goto('/');
  const links = await page.getByRole('main').locator('a[href^="/orders"], a[href^="/uploads?"]').evaluateAll((all) =>
    all.map((link) => [link.getAttribute('href'), Number(link.querySelector('strong').textContent.replaceAll(',', ''))]));
  assert.equal(links.length, 7 + 6 + 2);
  for (const [href, number] of links) {
    await page.goto(href);
    assert.equal(countAfter(await mainText(page), '총'), number, href);
  }
}

async function conflict(page) {
  await page.goto('/');
  await page.locator('a[href="/uploads?rows=rejected"]').click();
  await page.getByRole('link', { name: PARCELS }).click();
  await page.getByRole('link', { name: /다른 송장번호/ }).click();
  assert.match(await mainText(page), /45168300411[\s\S]*45168301507/);
  await look(page, 'upload-conflicts');
  await press(page, '새 번호로 바꾸기');
  assert.match(await mainText(page), /1행을 새 번호로 바꿨어요/);
  await list(page, { q: '45168301507' });
  assert.equal(await total(page), 1);
  await page.goBack();
}

async function downloads(page, folder) {
  await list(page, { state: 'SHIPPED', channel: 'SMART_STORE' });
  await page.getByText('내려받기', { exact: true }).click();
  await look(page, 'orders-downloads');
  await page.getByRole('link', { name: '스마트스토어 발송처리' }).click();
  await page.waitForURL(/\/orders\/download/);
  await look(page, 'download');
  const dispatch = await save(page, folder);
  assert.match(dispatch.name, /^\d{4}-\d\d-\d\d 스마트스토어 발송처리\.xlsx$/);
  assert.equal(dispatch.bytes.subarray(0, 2).toString(), 'PK');

  await page.goto('/orders/download?product=PILLOW&content=purchase-order');
  const purchase = await save(page, folder);
  assert.match(purchase.name, /^\d{4}-\d\d-\d\d .+ 발주건\.xlsx$/);

  await page.goto('/orders/download?q=홍길동&content=orders');
  await page.getByLabel('CSV').check();
  await page.getByLabel('기타').check();
  await page.getByLabel('덧붙일 말').fill('보험 서류');
  const result = await save(page, folder);
  assert.match(result.name, /주문 검색 결과\.csv$/);
  assert.equal(result.bytes.toString().trim().split('\r\n').length, 1 + 3);

  await page.goto('/downloads');
  const record = await mainText(page);
  for (const words of ['총 3건', '발송처리', '발주서', '보험 서류', '판매채널 스마트스토어']) assert.ok(record.includes(words), `${words}: ${record}`);
  await look(page, 'downloads');
}

test('the start page of a shop at work, and of one on its first day', async (t) => {
  const { page } = await opened(t);
  await enter(page);
  await page.goto('/');
  assert.match(await mainText(page), /처음 오셨네요/);
  await look(page, 'first-day');
  await page.getByRole('main').getByRole('link', { name: '파일 올리기' }).click();
  await page.waitForURL('**/uploads');
  for (const file of [ORDERS, PARCELS, 'B06_bad_values.xlsx']) {
    await preview(page, file);
    await apply(page);
  }
  await startPage(page);
  await page.goto('/');
  await look(page, 'today');
});

for (const javaScriptEnabled of [true, false]) {
  test(`numbers are decided about and files taken ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async (t) => {
    const { page, folder } = await opened(t, { javaScriptEnabled });
    await shopAtWork(page);
    await conflict(page);
    await downloads(page, folder);
    await page.goto('/uploads?rows=rejected');
    await look(page, 'uploads-to-deal-with');
    await page.getByRole('link', { name: PARCELS }).click();
    await page.getByRole('button', { name: '처리함' }).click();
    if (javaScriptEnabled) await page.getByRole('dialog').getByRole('button', { name: '네' }).click();
    await page.getByText('거절된 행을 모두 처리했어요').waitFor();
    await page.goto('/uploads?rows=rejected');
    assert.match(await mainText(page), /총 0건/);
  });
}

test('a file is not given before it is said what for', async (t) => {
  const { page } = await opened(t);
  await enter(page);
  await preview(page, ORDERS);
  await apply(page);
  await page.goto('/orders/download?content=orders');
  await page.locator('form[data-download]').evaluate((form) => { form.noValidate = true; });
  await page.getByLabel('덧붙일 말').fill('그냥');
  await press(page, '내려받기');
  assert.match(await mainText(page), /무엇에 쓸 파일인지 골라 주세요/);
  assert.equal(await page.getByLabel('덧붙일 말').inputValue(), '그냥');
  await look(page, 'download-mistakes');
  await page.goto('/orders/download?content=dispatch');
  await page.locator('form[data-download]').evaluate((form) => { form.noValidate = true; });
  await press(page, '내려받기');
  assert.match(await mainText(page), /판매채널 ‘스마트스토어’로 찾아야/);
});

test('a list that does not name its courier asks for it', async (t) => {
  const { page, folder } = await opened(t);
  await enter(page);
  await preview(page, ORDERS);
  await apply(page);
  const file = path.join(folder, '송장.csv');
  writeFileSync(file, '주문번호,송장번호\n2024031500000001,45168300137\n');
  await preview(page, file);
  await look(page, 'upload-asks-courier');
  await page.getByRole('main').getByLabel('택배사').fill('한진택배');
  await apply(page);
  await list(page, { q: '45168300137' });
  assert.match(await mainText(page), /한진택배/);
});
