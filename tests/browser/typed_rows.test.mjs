// Values typed into rows of the order list: saved with the act, kept by errors and questions; the courier beside a tracking number.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkAccessibility, closeBrowser, mainText, open, screenshot, setUpAndLogIn } from './browser.mjs';
import { apply, clickButton, gotoOrders, memoField, orderRow, preview, selectRows } from './flows.mjs';
import { fixture } from './server.mjs';

const ORDERS = '01_smartstore_orders_72col.xlsx';
const ORDER = '2024031500000001';

after(closeBrowser);

async function shop(t, options) {
  const opened = await open(t, options);
  await setUpAndLogIn(opened.page);
  await preview(opened.page, ORDERS);
  await apply(opened.page);
  return opened;
}

test('a typed tracking number is saved with the act, and its courier is offered next', async (t) => {
  const { page } = await shop(t);
  await gotoOrders(page, { state: 'PLACED' });
  const row = orderRow(page, ORDER);
  await row.locator('td.tracking').click();
  await page.getByLabel(`${ORDER} 송장번호`).fill('451-6830-0137');
  await screenshot(page, 'typed-number');
  await checkAccessibility(page, 'a typed tracking number');
  await clickButton(page, '저장하고 배송됨으로');
  assert.match(await mainText(page), /택배사를 선택해 주세요/, 'a number needs a courier');
  assert.equal(await page.getByLabel(`${ORDER} 송장번호`).inputValue(), '451-6830-0137', 'what was typed is kept');
  await page.getByRole('button', { name: '저장하고 배송됨으로' }).waitFor();
  await page.getByLabel(`${ORDER} 택배사`, { exact: true }).selectOption('직접 입력');
  await page.getByLabel(`${ORDER} 택배사 직접 입력`).fill('동네 용달');
  await screenshot(page, 'typed-courier');
  await clickButton(page, '저장하고 배송됨으로');
  assert.match(await mainText(page), /단계를 건너뛰는 주문이 1건/);
  await clickButton(page, '1건 그래도 배송됨으로 바꾸기');
  await page.getByText('1건은 입력한 값도 저장했어요').waitFor();

  await gotoOrders(page, { state: 'PLACED' });
  const other = page.locator('td.tracking[data-edit]').first();
  await other.click();
  assert.equal(await other.getByRole('combobox').inputValue(), '동네 용달', 'the last courier is offered');
  await page.keyboard.press('Escape');

  await page.goto('/actions');
  assert.match(await mainText(page), /배송됨 상태로 바꿨어요/);
  await checkAccessibility(page, 'the recent actions');
});

test('a question keeps what was typed, and its main button leaves out what it asks about', async (t) => {
  const { page } = await shop(t);
  await gotoOrders(page, { state: 'PLACED', edit: '1' });
  await memoField(page, ORDER).fill('회색으로');
  await clickButton(page, '저장하고 출고로');
  await checkAccessibility(page, 'the question');
  await screenshot(page, 'question');
  const main = page.locator('.question .btn-primary');
  assert.equal(await main.innerText(), '1건 그대로 두기');
  await clickButton(page, '1건 그대로 두기');
  assert.equal(await memoField(page, ORDER).inputValue(), '회색으로', 'the way back keeps it');
  await page.getByRole('button', { name: '저장하고 발주로' }).click();
  await page.getByText('1건을 발주 상태로 바꿨어요').waitFor();
  await gotoOrders(page, { edit: '1' });
  assert.equal(await memoField(page, ORDER).inputValue(), '회색으로');
});

test('a saved order is undone from its page, and a parcel is entered on the page of its delivery', async (t) => {
  const { page } = await shop(t);
  await gotoOrders(page, { q: ORDER });
  await page.getByRole('link', { name: ORDER }).click();
  await page.getByLabel('발주메모').fill('회색으로');
  await clickButton(page, '저장');
  await page.getByText('주문을 저장했어요').waitFor();
  await clickButton(page, '되돌리기');
  assert.equal(await page.getByLabel('발주메모').inputValue(), '');

  await page.locator('#bundle ~ p a').first().click();
  await page.getByRole('heading', { name: '송장' }).waitFor();
  await page.getByLabel('송장번호').fill('45168300137');
  await page.getByLabel('택배사', { exact: true }).selectOption('로젠택배');
  await screenshot(page, 'delivery-parcel');
  await checkAccessibility(page, 'the parcel of a delivery');
  await clickButton(page, '송장 저장');
  assert.equal(await page.getByLabel('송장번호').inputValue(), '45168300137');
  await page.getByRole('button', { name: '되돌리기' }).waitFor();
});

test('chosen files stay while the login runs out, and are sent after another login', async (t) => {
  const { page } = await shop(t);
  await page.goto('/uploads');
  const cookies = await page.context().cookies();
  await page.context().clearCookies();
  await page.getByLabel('파일 선택').setInputFiles(fixture(ORDERS));
  await page.getByText('로그인이 끝나서 아직 보내지 못했어요').waitFor();
  await screenshot(page, 'login-ran-out');
  await checkAccessibility(page, 'a login that ran out');
  await page.getByRole('button', { name: '다시 보내기' }).click();
  await page.getByText('로그인이 끝나서 아직 보내지 못했어요').waitFor();
  await page.context().addCookies(cookies);
  await page.getByRole('button', { name: '다시 보내기' }).click();
  await page.waitForURL(/\/uploads\/[^/?]+/);
});

test('without JavaScript the typed row is saved by the act as well', async (t) => {
  const { page } = await shop(t, { javaScriptEnabled: false });
  await gotoOrders(page, { state: 'PLACED', edit: '1' });
  await memoField(page, ORDER).fill('회색으로');
  await selectRows(page, [ORDER]);
  await clickButton(page, '저장하고 발주로');
  assert.match(await mainText(page), /1건을 발주 상태로 바꿨어요[\s\S]*1건은 입력한 값도 저장했어요/);
});
