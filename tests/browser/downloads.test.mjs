// Downloads: dispatch file, purchase order, search result, and the record of downloads.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, enterDemo, mainText, open, setUpAndLogIn } from './browser.mjs';
import { apply, clickButton, gotoOrders, preview } from './flows.mjs';

const ORDERS = '01_smartstore_orders_72col.xlsx';
const TRACKING = '08_logen_result_header_row2.xls';

after(closeBrowser);

/** Clicks 내려받기; returns the file's name and content. */
async function download(page, folder) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: '내려받기' }).click()]);
  const file = path.join(folder, 'download');
  await download.saveAs(file);
  return { name: download.suggestedFilename(), bytes: readFileSync(file) };
}

for (const javaScriptEnabled of [true, false]) {
  test(`files are downloaded and recorded, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async (t) => {
    const { page, folder } = await open(t, { javaScriptEnabled });
    await setUpAndLogIn(page);
    for (const file of [ORDERS, TRACKING]) {
      await preview(page, file);
      await apply(page);
    }

    await gotoOrders(page, { state: 'SHIPPED', channel: 'SMART_STORE' });
    await page.getByText('내려받기', { exact: true }).click();
    await checkPage(page, 'orders-downloads');
    await page.getByRole('link', { name: '스마트스토어 발송처리' }).click();
    await page.waitForURL(/\/orders\/download/);
    await checkPage(page, 'download');
    const dispatch = await download(page, folder);
    assert.match(dispatch.name, /^\d{4}-\d\d-\d\d 스마트스토어 발송처리\.xlsx$/);
    assert.equal(dispatch.bytes.subarray(0, 2).toString(), 'PK');

    await page.goto('/orders/download?product=PILLOW&content=purchase-order');
    const purchase = await download(page, folder);
    assert.match(purchase.name, /^\d{4}-\d\d-\d\d .+ 발주건\.xlsx$/);

    await page.goto('/orders/download?q=홍길동&content=orders');
    await page.getByLabel('CSV').check();
    await page.getByLabel('기타').check();
    await page.getByLabel('메모 (선택)').fill('보험 서류');
    const result = await download(page, folder);
    assert.match(result.name, /주문 검색 결과\.csv$/);
    assert.equal(result.bytes.toString().trim().split('\r\n').length, 1 + 3);

    await page.goto('/downloads');
    const record = await mainText(page);
    for (const text of ['총 3건', '발송처리', '발주서', '보험 서류', '판매채널 스마트스토어']) assert.ok(record.includes(text), `${text}: ${record}`);
    await checkPage(page, 'downloads');
  });
}

test('download needs a purpose and a matching filter', async (t) => {
  const { page } = await open(t);
  await setUpAndLogIn(page);
  await preview(page, ORDERS);
  await apply(page);
  await page.goto('/orders/download?content=orders');
  await page.locator('form[data-download]').evaluate((form) => { form.noValidate = true; });
  await page.getByLabel('메모 (선택)').fill('그냥');
  await clickButton(page, '내려받기');
  assert.match(await mainText(page), /무엇에 쓸 파일인지 선택해 주세요/);
  assert.equal(await page.getByLabel('메모 (선택)').inputValue(), '그냥');
  await checkPage(page, 'download-mistakes');
  await page.goto('/orders/download?content=dispatch');
  await page.locator('form[data-download]').evaluate((form) => { form.noValidate = true; });
  await clickButton(page, '내려받기');
  assert.match(await mainText(page), /판매채널 ‘스마트스토어’로 찾아야/);
});

// So many that the progress is seen.
for (const [javaScriptEnabled, orders] of [[true, '40000'], [false, '10500']]) {
  test(`a file of many orders is made in the background, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async (t) => {
    const { page, folder } = await open(t, { command: ['demo', '--orders', orders], javaScriptEnabled });
    await enterDemo(page);
    await page.goto('/orders/download?content=orders');
    await page.getByLabel('정산·회계').check();
    const begun = Date.now();
    await page.getByRole('button', { name: '내려받기' }).click();
    await page.waitForURL('**/orders/files');
    if (javaScriptEnabled) {
      await page.getByText(/[\d,]+ \/ [\d,]+건/).waitFor();
      await page.goto('/orders/download?content=orders&state=PLACED');
      await page.goto('/orders/files');
    }
    const button = page.getByRole('button', { name: /^검색 결과 [\d,]+건 파일 받기$/ });
    await button.waitFor({ timeout: 240_000 });
    t.diagnostic(`${Date.now() - begun} ms`);
    await page.goto('/');
    await page.getByRole('link', { name: '받을 파일 1개' }).click();
    await checkPage(page, 'orders-files');
    const [file] = await Promise.all([page.waitForEvent('download'), button.click()]);
    assert.match(file.suggestedFilename(), /주문 검색 결과\.xlsx$/);
    const saved = path.join(folder, 'many.xlsx');
    await file.saveAs(saved);
    const bytes = readFileSync(saved);
    assert.equal(bytes.subarray(0, 2).toString(), 'PK');
    await page.goto('/orders/files');
    await page.getByRole('button', { name: /다시 받기$/ }).waitFor();
    assert.equal(await page.getByRole('link', { name: /^받을 파일 \d/ }).count(), 0);
  });
}

test('the pressed button says that a file is being made, and a second press makes no second file', async (t) => {
  const { page } = await open(t);
  await setUpAndLogIn(page);
  await preview(page, ORDERS);
  await apply(page);
  await page.goto('/orders/download?content=orders');
  await page.getByLabel('정산·회계').check();
  let requests = 0;
  await page.route('**/orders/download?*', async (route) => {
    requests += 1;
    await new Promise((resolve) => { setTimeout(resolve, 2500); });
    await route.continue();
  });
  // Inside the page: Playwright asks it nothing while a request that it holds is under way.
  await page.evaluate(() => {
    const button = document.querySelector('form[data-download] button[type=submit]');
    window.seen = [];
    new MutationObserver(() => window.seen.push(button.textContent)).observe(button, { childList: true });
    setTimeout(() => button.click(), 1500);
  });
  const button = page.getByRole('button', { name: '내려받기', exact: true });
  await Promise.all([page.waitForEvent('download'), button.click({ noWaitAfter: true })]);
  await button.waitFor();
  assert.deepEqual(await page.evaluate(() => window.seen), ['만드는 중…', '내려받기']);
  assert.equal(requests, 1);
  await page.goto('/downloads');
  assert.match(await mainText(page), /총 1건/);
});
