// Concurrent edits of orders and products by two people, and unsaved changes.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkAccessibility, closeBrowser, logIn, mainText, open, setUpAndLogIn } from './browser.mjs';
import { apply, clickButton, gotoOrders, memoField, orderRow, preview, selectRows } from './flows.mjs';
import { ADMIN, addMember } from './server.mjs';

const ORDERS = '01_smartstore_orders_72col.xlsx';
const [ORDER, OTHER_ORDER] = ['2024031500000001', '2024031500000005'];
const SECOND_ADMIN = { username: 'manager', password: 'second-admin-2026' };

after(closeBrowser);

test('conflicting order edits show both values and overwrite nothing', async (t) => {
  const { page, window } = await open(t, {
    prepare: (data) => [ADMIN, SECOND_ADMIN].forEach((member) => addMember(data, member, 'admin')),
  });
  const second = await window();
  await logIn(page);
  await logIn(second, SECOND_ADMIN);
  await preview(page, ORDERS);
  await apply(page);
  await gotoOrders(page, { state: 'PLACED', edit: '1' });
  await gotoOrders(second, { state: 'PLACED', edit: '1' });

  await memoField(page, ORDER).fill('회색으로');
  await orderRow(page, ORDER).getByRole('combobox', { name: `${ORDER} 상태` }).selectOption({ label: '발주' });
  await selectRows(page, [ORDER]);
  await clickButton(page, '입력 저장');
  assert.match(await mainText(page), /1건을 저장했어요/);

  await memoField(second, ORDER).fill('흰색으로');
  await memoField(second, OTHER_ORDER).fill('천천히');
  assert.equal(await second.locator('tbody .tick input:checked').count(), 2, 'an edited row is chosen by itself');
  await clickButton(second, '입력 저장');
  assert.match(await mainText(second), /1건을 저장했어요: \S+ 1건은 저장하지 못했어요/);
  const refused = orderRow(second, ORDER);
  assert.match(await refused.innerText(), /지금 ‘회색으로’, 입력 ‘흰색으로’/, 'the row stays although it no longer matches the filter');
  assert.match(await refused.innerText(), /지금 ‘발주’, 입력 ‘주문’/);
  assert.equal(await memoField(second, ORDER).inputValue(), '흰색으로');
  assert.equal(await memoField(second, ORDER).getAttribute('aria-invalid'), 'true');
  await gotoOrders(page, { edit: '1' });
  assert.equal(await memoField(page, ORDER).inputValue(), '회색으로', 'nothing is overwritten');
  assert.equal(await memoField(page, OTHER_ORDER).inputValue(), '천천히');

  await refused.getByRole('combobox', { name: `${ORDER} 상태` }).selectOption({ label: '발주' });
  await clickButton(second, '입력 저장');
  assert.match(await mainText(second), /1건을 저장했어요/);
  await gotoOrders(page, { edit: '1' });
  assert.equal(await memoField(page, ORDER).inputValue(), '흰색으로', 'saving again after seeing both values overwrites');
});

test('conflicting product edits overwrite nothing', async (t) => {
  const { page, window } = await open(t);
  await setUpAndLogIn(page);
  await preview(page, ORDERS);
  await apply(page);
  const second = await window({ storageState: await page.context().storageState() });
  const rename = async (page, name) => {
    await page.getByRole('textbox', { name: 'PILLOW 상품명' }).fill(name);
    await page.locator('tr').filter({ has: page.getByRole('link', { name: 'PILLOW' }) }).getByRole('checkbox', { name: /선택$/ }).check();
    await clickButton(page, '입력 저장');
  };
  await page.goto('/products');
  await second.goto('/products');
  await rename(page, '메밀 베개');
  await rename(second, '경추 베개');
  assert.match(await mainText(second), /지금 ‘메밀 베개’, 입력 ‘경추 베개’/);
  await page.goto('/products');
  assert.equal(await page.getByRole('textbox', { name: 'PILLOW 상품명' }).inputValue(), '메밀 베개');
  await clickButton(second, '입력 저장');
  await page.goto('/products');
  assert.equal(await page.getByRole('textbox', { name: 'PILLOW 상품명' }).inputValue(), '경추 베개');
});

test('unsaved input needs a confirmation before it is discarded', async (t) => {
  const { page } = await open(t);
  await setUpAndLogIn(page);
  await preview(page, ORDERS);
  await apply(page);
  await gotoOrders(page, { edit: '1' });
  await memoField(page, ORDER).fill('회색으로');
  await memoField(page, OTHER_ORDER).fill('천천히');
  await page.getByRole('button', { name: '저장하고 발주로' }).waitFor();
  await orderRow(page, OTHER_ORDER).getByRole('checkbox').uncheck();
  await page.getByRole('button', { name: '저장하고 발주로' }).click();
  const dialog = page.getByRole('dialog');
  assert.match(await dialog.innerText(), /1줄에 입력한 내용은 저장되지 않아요/);
  await checkAccessibility(page, 'the unsaved changes dialog');
  await dialog.getByRole('button', { name: '아니요' }).click();
  assert.equal(await memoField(page, ORDER).inputValue(), '회색으로');
  await selectRows(page, [OTHER_ORDER]);
  await clickButton(page, '입력 저장');
  await page.getByText('2건을 저장했어요').waitFor();
  await selectRows(page, [ORDER]);
  await page.getByLabel(`${ORDER} 송장번호`).fill('45168300137');
  await page.getByLabel(`${ORDER} 택배사`, { exact: true }).selectOption('로젠택배');
  await page.getByLabel(`${ORDER} 송장번호`).press('Enter');
  await page.getByText('1건을 저장했어요').waitFor();
  assert.equal(await page.getByLabel(`${ORDER} 송장번호`).inputValue(), '45168300137', 'Enter in a field saves');
  await memoField(page, OTHER_ORDER).fill('다르게');
  await orderRow(page, OTHER_ORDER).getByRole('checkbox').uncheck();
  await selectRows(page, [ORDER]);
  await page.getByRole('button', { name: '발주로 바꾸기' }).click();
  await dialog.getByRole('button', { name: '네' }).click();
  await page.getByText('1건을 발주 상태로 바꿨어요').waitFor();
  assert.equal(await memoField(page, OTHER_ORDER).inputValue(), '천천히');
});
