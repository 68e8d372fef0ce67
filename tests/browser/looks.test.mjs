// Every page at the width of a phone and of a screen: pictures for a person to look at, nothing
// that must be pushed sideways, nothing for axe to find.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { axe, chooseFirstAdmin, closeBrowser, enter, firstAdmin, login, open, shot } from './browser.mjs';
import { apply, list, preview, press } from './flows.mjs';
import { ADMIN, TEAM, addMember, startServer } from './server.mjs';

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

test('a training shop', async (t) => {
  const { page } = await open(t, { command: ['demo', '--orders', '60'] });
  await page.goto('/login');
  await look(page, 'demo-login');
  await page.getByRole('button', { name: '관리자 아이디로 들어가기' }).click();
  await page.waitForURL((url) => url.pathname === '/');
  await look(page, 'demo-today');
  await page.goto('/orders');
  await look(page, 'demo-orders');
});

test('pages of an empty shop', async (t) => {
  const { page } = await open(t);
  await enter(page);
  for (const [name, where] of [['orders', '/orders'], ['products', '/products'], ['uploads', '/uploads'], ['deliveries', '/deliveries']]) {
    await page.goto(where);
    await look(page, `empty-${name}`);
  }
});

test('the address for other devices', async (t) => {
  // Nobody vouches for the certificate that the program makes.
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  t.after(() => delete process.env.NODE_TLS_REJECT_UNAUTHORIZED);
  const ways = {
    closed: {},
    unsafe: { address: '0.0.0.0' },
    encrypted: { address: '0.0.0.0', scheme: 'https', command: ['serve', '--tls'] },
  };
  for (const [name, way] of Object.entries(ways)) {
    const start = (options) => startServer({ ...options, ...way });
    const { page } = await open(t, { start, ignoreHTTPSErrors: true });
    await enter(page);
    await page.goto('/other-devices');
    await look(page, `other-devices-${name}`);
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
  await apply(page);
  await look(page, 'upload-report-rejected');
});

test('pages with something wrong on them', async (t) => {
  const { page, window } = await open(t);
  await enter(page);
  await page.goto('/account');
  await look(page, 'account');
  await page.getByLabel('지금 비밀번호').fill('wrong-password');
  await page.getByLabel('새 비밀번호', { exact: true }).fill('another-password');
  await page.getByLabel('새 비밀번호 한 번 더').fill('yet-another-password');
  await press(page, '바꾸기');
  await page.locator('[aria-invalid=true]').first().waitFor();
  await look(page, 'account-mistakes');

  await preview(page, '02_smartstore_encrypted_agile_aes256_sha512.xlsx');
  await look(page, 'upload-locked');
  await page.getByLabel('비밀번호').fill('4321');
  await press(page, '열기');
  await page.locator('[aria-invalid=true]').waitFor();
  await look(page, 'upload-locked-wrong');
  await preview(page, 'B01_missing_key_column.xlsx');
  await look(page, 'upload-refused');
  await preview(page, '01_smartstore_orders_72col.xlsx');
  await apply(page);
  await page.goto('/uploads');
  await look(page, 'uploads-of-all-stages');
  await page.getByRole('button', { name: '미리보기' }).click();
  await page.goto('/uploads?stage=discarded');
  await look(page, 'uploads-none');

  const other = await window({ storageState: await page.context().storageState() });
  await list(page);
  await list(other);
  await page.locator('textarea[name^=purchase_memo]').first().fill('먼저');
  await page.locator('tbody .tick input').first().check();
  await press(page, '선택수정');
  await look(page, 'orders-saved');
  await other.locator('textarea[name^=purchase_memo]').first().fill('나중');
  await other.locator('tbody .tick input').first().check();
  await other.locator('input[name^=tracking_number]:not([type=hidden])').nth(1).fill('한글');
  await other.locator('tbody .tick input').nth(1).check();
  await press(other, '선택수정');
  await other.locator('[aria-invalid=true]').first().waitFor();
  await look(other, 'orders-with-problems');

  await page.goto('/products');
  await page.locator('input[name^=name]').first().fill('');
  await page.locator('input[name^=priority]').first().fill('처음');
  await page.locator('tbody .tick input').first().check();
  await press(page, '선택수정');
  await page.locator('[aria-invalid=true]').first().waitFor();
  await look(page, 'products-with-problems');
  await page.goto('/products');
  await page.getByRole('main').locator('td a[href^="/products/"]').first().click();
  await page.waitForURL(/\/products\/[^/?]+/);
  await page.locator('input[name^=label]').first().fill('');
  await page.locator('tbody .tick input').first().check();
  await press(page, '선택수정');
  await look(page, 'product-with-problems');
  await page.goto('/products?q=%EC%97%86%EB%8A%94');
  await look(page, 'products-none-found');
  await page.goto('/deliveries');
  await look(page, 'deliveries');
  await page.goto('/deliveries?q=9999999');
  await look(page, 'deliveries-none-found');
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
  await team.goto('/');
  await look(team, 'deliveries-of-the-team');
  await team.goto('/account');
  await team.locator('form[action="/account"] input[name=csrf]').evaluate((field) => { field.value = 'another'; });
  await team.getByLabel('지금 비밀번호').fill('x'.repeat(8));
  await team.getByLabel('새 비밀번호', { exact: true }).fill('another-password');
  await team.getByLabel('새 비밀번호 한 번 더').fill('another-password');
  await press(team, '바꾸기');
  await look(team, 'form-expired');
});
