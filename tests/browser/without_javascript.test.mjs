// Forms without JavaScript that no other file covers.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { closeBrowser, logIn, mainText, open, setUpAndLogIn } from './browser.mjs';
import { apply, clickButton, gotoOrders, memoField, orderRow, preview, selectRows, totalCount } from './flows.mjs';
import { ADMIN } from './server.mjs';

const ORDERS = '01_smartstore_orders_72col.xlsx';
const ENCRYPTED = '02_smartstore_encrypted_agile_aes256_sha512.xlsx';
const ORDER = '2024031500000001';

after(closeBrowser);

test('password, bulk edit, product and account forms work without JavaScript', async (t) => {
  const { page } = await open(t, { javaScriptEnabled: false });
  await setUpAndLogIn(page);
  await preview(page, ENCRYPTED);
  await page.getByLabel('비밀번호').fill('1234');
  await clickButton(page, '열기');
  assert.match(await mainText(page), /미리보기/);
  await clickButton(page, '취소');
  assert.match(await mainText(page), /올린 파일을 취소했어요/);
  await preview(page, ORDERS);
  await apply(page);

  await gotoOrders(page);
  await page.getByRole('link', { name: '입력칸 모두 열기' }).click();
  await memoField(page, ORDER, '관리자메모').fill('첫 줄\n둘째 줄');
  await page.getByLabel(`${ORDER} 송장번호`).fill('451-6830-0137');
  await page.getByLabel(`${ORDER} 택배사`, { exact: true }).selectOption('로젠택배');
  await selectRows(page, [ORDER]);
  await clickButton(page, '입력 저장');
  assert.equal(await memoField(page, ORDER, '관리자메모').inputValue(), '첫 줄\n둘째 줄');
  assert.equal(await page.getByLabel(`${ORDER} 송장번호`).inputValue(), '45168300137');

  await page.goto('/products');
  const product = page.getByRole('row').filter({ has: page.getByRole('link', { name: 'PILLOW' }) });
  await product.getByRole('switch').uncheck();
  await product.getByRole('checkbox', { name: /선택$/ }).check();
  await clickButton(page, '입력 저장');
  await product.getByText('주문이 있는 상품이에요').waitFor();
  await clickButton(page, '입력 저장');
  await gotoOrders(page);
  assert.equal(await totalCount(page), 19, 'orders of a disabled product are not listed');
  await page.goto('/products');
  await page.getByRole('link', { name: 'SOFA3-LINEN' }).click();
  await page.getByLabel('색상 아이보리 발주서 표기').fill('IV');
  await page.getByRole('checkbox', { name: '아이보리 선택' }).check();
  await clickButton(page, '입력 저장');
  await gotoOrders(page);
  assert.match(await orderRow(page, ORDER).innerText(), /\[IV\]/);

  await page.goto('/account');
  await page.getByLabel('현재 비밀번호').fill(ADMIN.password);
  await page.getByLabel('새 비밀번호', { exact: true }).fill('another-password');
  await page.getByLabel('새 비밀번호 확인').fill('another-password');
  await clickButton(page, '바꾸기');
  assert.match(await mainText(page), /비밀번호를 바꿨어요/);
  await page.locator('details.account summary').click();
  await clickButton(page, '로그아웃');
  await logIn(page, { ...ADMIN, password: 'another-password' });
});
