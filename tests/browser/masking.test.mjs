// Masked personal data: 상담 sees masks, opens one order with a reason, and the access records have it.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, logIn, mainText, open } from './browser.mjs';
import { apply, clickButton, gotoOrders, orderNumbers, preview, search } from './flows.mjs';
import { ADMIN, addMember } from './server.mjs';

after(closeBrowser);

const SUPPORT = { username: '상담', password: 'mattress-on-the-line' };
const VIEWER = { username: '조회', password: 'only-looking-at-beds' };

const prepare = (data) => {
  addMember(data, ADMIN, 'admin');
  addMember(data, SUPPORT, 'support');
  addMember(data, VIEWER, 'viewer');
};

for (const javaScriptEnabled of [true, false]) {
  test(`masked order is opened with a reason, which is recorded, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async (t) => {
    const { page, window } = await open(t, { prepare, javaScriptEnabled });
    await logIn(page);
    await preview(page, '01_smartstore_orders_72col.xlsx');
    await apply(page);
    await gotoOrders(page);
    const [number] = await orderNumbers(page);
    await page.getByRole('link', { name: number, exact: true }).first().click();
    await page.waitForURL(/\/orders\/[^/?]+/);
    const url = new URL(page.url()).pathname;
    const name = await page.getByLabel('수취인명', { exact: true }).inputValue();
    const tel = await page.getByLabel('수취인연락처1').inputValue();

    const support = await window({ viewport: { width: 1440, height: 900 } });
    await logIn(support, SUPPORT);
    await support.goto('/orders');
    assert.match(await mainText(support), /이름과 연락처, 주소를 가렸어요/);
    assert.equal(await support.getByRole('button', { name: '발주로 바꾸기' }).count(), 0);
    if (javaScriptEnabled) await checkPage(support, 'orders-masked');
    // The search compares the full number; the result is masked.
    await support.goto(`/orders?q=${encodeURIComponent(tel)}`);
    assert.match(await mainText(support), new RegExp(number));
    assert.ok(!(await mainText(support)).includes(name));

    await support.goto(url);
    assert.ok(!(await mainText(support)).includes(name), 'masked');
    assert.equal(await support.getByLabel('수취인명').count(), 0, 'masked fields are not edited');
    if (javaScriptEnabled) await checkPage(support, 'order-masked');
    await support.getByLabel('보는 이유').selectOption({ label: '고객 문의' });
    await support.getByLabel('메모', { exact: false }).first().fill('도착 시간을 물어보셨어요');
    await clickButton(support, '보기');
    assert.equal(await support.getByLabel('수취인명', { exact: true }).inputValue(), name);
    if (javaScriptEnabled) await checkPage(support, 'order-opened');

    const viewer = await window({ viewport: { width: 360, height: 740 } });
    await logIn(viewer, VIEWER);
    await viewer.goto(url);
    assert.ok(!(await mainText(viewer)).includes(name), 'opened for one member only');
    assert.equal(await viewer.getByLabel('보는 이유').count(), 0);

    await page.goto('/access');
    await search(page, async () => {
      await page.getByLabel('누구의 정보').fill(number);
      await page.getByLabel('작업', { exact: true }).selectOption('reveal');
    });
    const text = await mainText(page);
    assert.match(text, new RegExp(SUPPORT.username));
    assert.match(text, /도착 시간을 물어보셨어요/);
    await page.goto('/members/roles');
    assert.match(await mainText(page), /가림, 이유를 입력하면 보기/);
    if (javaScriptEnabled) await checkPage(page, 'roles');
  });
}
