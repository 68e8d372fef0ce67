// Address search by the public postal code service, which the test stubs.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkAccessibility, closeBrowser, enterDemo, open, screenshot, setUpAndLogIn } from './browser.mjs';
import { apply, field, openOrder, preview } from './flows.mjs';

const ORDERS = '01_smartstore_orders_72col.xlsx';
const ORDER = '2024031500000001';

after(closeBrowser);

/** A shop with the orders of one file. */
async function shop(t, options) {
  const opened = await open(t, options);
  await setUpAndLogIn(opened.page);
  await preview(opened.page, ORDERS);
  await apply(opened.page);
  return opened;
}

const [SCRIPT, FRAME] = ['https://t1.kakaocdn.net', 'https://postcode.map.kakao.com'];

/** Stub of the public service: its script opens its frame and a button returns an address. */
const SERVICE = `window.kakao = { Postcode: class {
  constructor(options) { this.options = options; }
  embed(container) {
    container.append(Object.assign(document.createElement('iframe'), { src: '${FRAME}/search', title: '우편번호' }));
    const found = Object.assign(document.createElement('button'), { textContent: '세종대로 110' });
    found.onclick = () => this.options.oncomplete({
      zonecode: '04524', userSelectedType: 'R', roadAddress: '서울 중구 세종대로 110', bname: '태평로1가', apartment: 'N',
    });
    container.append(found);
  }
} };`;

test('public service is requested only after a click', async (t) => {
  const { page } = await shop(t, { externalHosts: [SCRIPT, FRAME] });
  const requests = [];
  await page.context().route(`${SCRIPT}/**`, (route) => {
    requests.push(route.request().url());
    return route.fulfill({ contentType: 'text/javascript', body: SERVICE });
  });
  await page.context().route(`${FRAME}/**`, (route) => {
    requests.push(route.request().url());
    return route.fulfill({ contentType: 'text/html', body: '<meta charset="utf-8"><title>우편번호</title><p>검색</p>' });
  });
  await page.goto('/orders/new');
  assert.deepEqual(requests, []);
  await page.getByRole('button', { name: '주소 검색' }).click();
  const found = page.frameLocator('dialog iframe').getByRole('button', { name: '세종대로 110' });
  await found.waitFor();
  await screenshot(page, 'address-search');
  await found.click();
  await page.getByText('서울특별시 중구').waitFor();
  assert.equal(await field(page, '우편번호').inputValue(), '04524');
  assert.equal(await field(page, '주소').inputValue(), '서울 중구 세종대로 110 (태평로1가)');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'recipient_address2', 'the detail address has the focus');
  assert.equal(requests.length, 2, 'the script and its frame only');
});

test('unreachable service shows a hint and the address is typed', async (t) => {
  const { page } = await shop(t, { externalHosts: [SCRIPT] });
  await page.context().route(`${SCRIPT}/**`, (route) => route.abort());
  await openOrder(page, ORDER);
  await page.getByRole('button', { name: '주소 검색' }).click();
  await page.getByText('주소 검색에 연결하지 못했어요').waitFor();
  assert.equal(await page.locator('dialog').count(), 0);
  await screenshot(page, 'address-search-unreachable');
  await checkAccessibility(page, 'an order with an unreachable address search');
  await field(page, '우편번호').fill('99999');
  await page.getByText('미분류: 모르는 우편번호예요').waitFor();
});

test('demo has no address search', async (t) => {
  const { page } = await open(t, { command: ['demo', '--orders', '60'] });
  await enterDemo(page);
  await page.goto('/orders/new');
  await field(page, '우편번호').waitFor();
  assert.equal(await page.getByRole('button', { name: '주소 검색' }).count(), 0);
  assert.equal((await page.goto('/addresses/search')).status(), 404);
});
