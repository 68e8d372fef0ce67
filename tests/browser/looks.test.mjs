// Every page at the width of a phone and of a screen: pictures for a person to look at, nothing
// that must be pushed sideways, nothing for axe to find.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { axe, chooseFirstAdmin, closeBrowser, enter, firstAdmin, login, open, shot } from './browser.mjs';
import { apply, list, preview, press } from './flows.mjs';
import { ADMIN, TEAM, addMember } from './server.mjs';

after(closeBrowser);

async function look(page, name) {
  await shot(page, name);
  await axe(page, name);
}

test('pages before anybody is logged in', async (t) => {
  const { page } = await open(t);
  await page.goto('/setup');
  await look(page, 'setup');
  await chooseFirstAdmin(page, ADMIN.username, ADMIN.password, `${ADMIN.password}?`);
  await page.locator('[aria-invalid=true]').first().waitFor();
  await look(page, 'setup-mistakes');
  await firstAdmin(page);
  await page.context().clearCookies();
  await page.goto('/login');
  await look(page, 'login');
  await page.getByLabel('아이디').fill(ADMIN.username);
  await page.getByLabel('비밀번호', { exact: true }).fill('wrong-password');
  await page.getByRole('button', { name: '로그인' }).click();
  await page.getByRole('alert').waitFor();
  await look(page, 'login-wrong');
});

test('pages of an empty shop', async (t) => {
  const { page } = await open(t);
  await enter(page);
  for (const [name, where] of [['orders', '/orders'], ['products', '/products'], ['uploads', '/uploads'], ['deliveries', '/deliveries']]) {
    await page.goto(where);
    await look(page, `empty-${name}`);
  }
});

test('pages of a shop at work', async (t) => {
  const { page } = await open(t);
  await enter(page);
  await preview(page, '01_smartstore_orders_72col.xlsx');
  await look(page, 'upload-preview');
  await apply(page);
  await look(page, 'upload-report');
  await page.goto('/uploads');
  await look(page, 'uploads');
  await list(page);
  await look(page, 'orders');
  await press(page, '선택발주');
  await look(page, 'orders-none-ticked');
  await list(page, { q: '없는 사람' });
  await look(page, 'orders-none-found');

  await list(page);
  await page.getByRole('row').getByRole('link', { name: /2024031500000001/ }).click();
  await page.waitForURL(/\/orders\/[^/?]+/);
  await look(page, 'order');
  await page.getByRole('main').locator('a[href^="/deliveries/"]').first().click();
  await page.waitForURL(/\/deliveries\/[^/?]+/);
  await look(page, 'delivery');

  await page.goto('/products');
  await look(page, 'products');
  await page.getByRole('main').locator('a[href^="/products/"]').first().click();
  await page.waitForURL(/\/products\/[^/?]+/);
  await look(page, 'product');

  await preview(page, 'B06_bad_values.xlsx');
  await look(page, 'upload-preview-rejected');
});

test('pages that say no', async (t) => {
  const { page, window } = await open(t, {
    prepare: (data) => {
      addMember(data, ADMIN, 'admin');
      addMember(data, TEAM, 'logistics');
    },
  });
  await login(page);
  assert.equal((await page.goto('/nowhere')).status(), 404);
  await look(page, 'not-found');
  assert.equal((await page.goto('/orders/0000000000000')).status(), 404);
  await look(page, 'order-not-found');

  const team = await window();
  await login(team, TEAM);
  assert.equal((await team.goto('/orders')).status(), 403);
  await look(team, 'forbidden');
});
