// Layout and accessibility of every page at phone and desktop width: screenshots, no horizontal scrolling, no axe
// violations.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import path from 'node:path';
import { after, test } from 'node:test';
import { checkAccessibility, checkPage, closeBrowser, createFirstAdmin, enterDemo, logIn, open, setUpAndLogIn, submitFirstAdmin } from './browser.mjs';
import { apply, clickButton, gotoOrders, pressWithNothingTicked, preview } from './flows.mjs';
import { ADMIN, TEAM, addMember, setupPath, startServer } from './server.mjs';

after(closeBrowser);

test('pages before login', async (t) => {
  const { page, server } = await open(t);
  await page.goto(setupPath(server.url));
  await checkPage(page, 'setup');
  await submitFirstAdmin(page, ADMIN.username, ADMIN.password, `${ADMIN.password}?`);
  await page.locator('[aria-invalid=true]').first().waitFor();
  await checkPage(page, 'setup-mistakes');
  await createFirstAdmin(page);
  await page.context().clearCookies();
  await page.goto('/login');
  await checkPage(page, 'login');
  await page.getByLabel('아이디').fill(ADMIN.username);
  await page.getByLabel('비밀번호', { exact: true }).fill('wrong-password');
  await page.getByRole('button', { name: '로그인' }).click();
  await page.getByRole('alert').waitFor();
  await checkPage(page, 'login-wrong');
});

test('demo pages', async (t) => {
  const { page } = await open(t, { command: ['demo', '--orders', '60'] });
  await page.goto('/login');
  await checkPage(page, 'demo-login');
  await enterDemo(page);
  await page.waitForURL((url) => url.pathname === '/');
  await checkPage(page, 'demo-today');
  await page.goto('/orders');
  await checkPage(page, 'demo-orders');
});

test('dialogs and open menus', async (t) => {
  const { page } = await open(t, { command: ['demo', '--orders', '60'] });
  await enterDemo(page);
  for (const [key, name] of [['Control+k', '모두 찾기'], ['?', '단축키']]) {
    await page.goto('/orders');
    await page.keyboard.press(key);
    await page.getByRole('dialog', { name }).waitFor();
    await checkAccessibility(page, `dialog ${name}`);
    await page.keyboard.press('Escape');
  }
  for (const menu of ['details.account', 'details.choices']) {
    await page.locator(`${menu} > summary`).first().click();
    await checkAccessibility(page, `open ${menu}`);
    await page.keyboard.press('Escape');
  }
});

test('pages of an office', async (t) => {
  const { page } = await open(t, { command: ['demo', '--orders', '300'] });
  await enterDemo(page);
  const pages = ['/plans', '/districts', '/trucks', '/trucks/days', '/trucks/holidays', '/trucks/settings', '/members', '/access', '/access/law', '/privacy/people', '/privacy/destructions', '/shop', '/help', '/help/job-factory', '/help/handbook', '/search?q=0000', '/orders/columns'];
  for (const path of pages) {
    assert.equal((await page.goto(path)).status(), 200, path);
    await checkPage(page, `office${path.replaceAll(/[/?=]/g, '-')}`);
  }
});

test('pages of an empty shop', async (t) => {
  const { page } = await open(t);
  await setUpAndLogIn(page);
  for (const [name, where] of [['orders', '/orders'], ['products', '/products'], ['uploads', '/uploads'], ['deliveries', '/deliveries']]) {
    await page.goto(where);
    await checkPage(page, `empty-${name}`);
  }
});

test('page with the URLs for other devices', async (t) => {
  // The certificate is self-signed.
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  t.after(() => delete process.env.NODE_TLS_REJECT_UNAUTHORIZED);
  const variants = {
    closed: {},
    unsafe: { address: '0.0.0.0', command: ['serve', '--admin-totp', 'off'] },
    encrypted: { address: '0.0.0.0', scheme: 'https', command: ['serve', '--tls', '--admin-totp', 'off'] },
  };
  for (const [name, variant] of Object.entries(variants)) {
    const start = (options) => startServer({ ...options, ...variant });
    const { page } = await open(t, { start, ignoreHTTPSErrors: true });
    await setUpAndLogIn(page);
    await page.goto('/other-devices');
    await checkPage(page, `other-devices-${name}`);
  }
});

test('pages of a shop with orders', async (t) => {
  const { page } = await open(t);
  await setUpAndLogIn(page);
  await preview(page, '01_smartstore_orders_72col.xlsx');
  await checkPage(page, 'upload-preview');
  await apply(page);
  await checkPage(page, 'upload-report');
  await page.goto('/uploads');
  await checkPage(page, 'uploads');
  await gotoOrders(page);
  await checkPage(page, 'orders');
  await pressWithNothingTicked(page, '발주로 바꾸기');
  await checkPage(page, 'orders-none-ticked');
  await gotoOrders(page, { q: '없는 사람' });
  await checkPage(page, 'orders-none-found');

  await gotoOrders(page);
  await page.getByRole('row').getByRole('link', { name: /2024031500000001/ }).click();
  await page.waitForURL(/\/orders\/[^/?]+/);
  await checkPage(page, 'order');
  await page.getByRole('main').locator('a[href^="/deliveries/"]').first().click();
  await page.waitForURL(/\/deliveries\/[^/?]+/);
  await checkPage(page, 'delivery');

  await page.goto('/products');
  await checkPage(page, 'products');
  await page.getByRole('main').locator('a[href^="/products/"]').first().click();
  await page.waitForURL(/\/products\/[^/?]+/);
  await checkPage(page, 'product');

  await preview(page, 'B06_bad_values.xlsx');
  await checkPage(page, 'upload-preview-rejected');
  await apply(page);
  await checkPage(page, 'upload-report-rejected');
});

test('pages with errors', async (t) => {
  const { page, window } = await open(t);
  await setUpAndLogIn(page);
  await page.goto('/account');
  await checkPage(page, 'account');
  await page.getByLabel('현재 비밀번호').fill('wrong-password');
  await page.getByLabel('새 비밀번호', { exact: true }).fill('another-password');
  await page.getByLabel('새 비밀번호 확인').fill('yet-another-password');
  await clickButton(page, '바꾸기');
  await page.locator('[aria-invalid=true]').first().waitFor();
  await checkPage(page, 'account-mistakes');

  await preview(page, '02_smartstore_encrypted_agile_aes256_sha512.xlsx');
  await checkPage(page, 'upload-locked');
  await page.getByLabel('비밀번호').fill('4321');
  await clickButton(page, '열기');
  await page.locator('[aria-invalid=true]').waitFor();
  await checkPage(page, 'upload-locked-wrong');
  await preview(page, 'B01_missing_key_column.xlsx');
  await checkPage(page, 'upload-refused');
  await preview(page, '01_smartstore_orders_72col.xlsx');
  await apply(page);
  await page.goto('/uploads');
  await checkPage(page, 'uploads-of-all-stages');
  await page.goto('/uploads?stage=discarded');
  await checkPage(page, 'uploads-none');

  const other = await window({ storageState: await page.context().storageState() });
  await gotoOrders(page, { edit: '1' });
  await gotoOrders(other, { edit: '1' });
  await page.locator('textarea[name^=purchase_memo]').first().fill('먼저');
  await page.locator('tbody .tick input[type=checkbox]').first().check();
  await clickButton(page, '입력 저장');
  await checkPage(page, 'orders-saved');
  await other.locator('textarea[name^=purchase_memo]').first().fill('나중');
  await other.locator('tbody .tick input[type=checkbox]').first().check();
  await other.locator('input[name^=tracking_number]:not([type=hidden])').nth(1).fill('한글');
  await other.locator('tbody .tick input[type=checkbox]').nth(1).check();
  await clickButton(other, '입력 저장');
  await other.locator('[aria-invalid=true]').first().waitFor();
  await checkPage(other, 'orders-with-problems');

  await page.goto('/products');
  await page.locator('input[name^=name]').first().fill('');
  await page.locator('input[name^=priority]').first().fill('처음');
  await page.locator('tbody .tick input[type=checkbox]').first().check();
  await clickButton(page, '입력 저장');
  await page.locator('[aria-invalid=true]').first().waitFor();
  await checkPage(page, 'products-with-problems');
  await page.goto('/products');
  await page.getByRole('main').locator('td a[href^="/products/"]').first().click();
  await page.waitForURL(/\/products\/[^/?]+/);
  await page.locator('input[name^=label]').first().fill('');
  await page.locator('tbody .tick input[type=checkbox]').first().check();
  await clickButton(page, '입력 저장');
  await checkPage(page, 'product-with-problems');
  await page.goto('/products?q=%EC%97%86%EB%8A%94');
  await checkPage(page, 'products-none-found');
  await page.goto('/deliveries');
  await checkPage(page, 'deliveries');
  await page.goto('/deliveries?q=9999999');
  await checkPage(page, 'deliveries-none-found');
});

/** Writes jobs into the database of a running server, as its other node would: two that run, and how others ended. */
function writeJobs(data) {
  const program = `
import sqlite3, sys, time
shop, now = sqlite3.connect(sys.argv[1], timeout=20), int(time.time() * 1000)
member = shop.execute("SELECT id FROM members").fetchone()[0]
shop.execute("INSERT INTO leases (name, holder, expires_at) VALUES ('bulk-job', 1, ?)", (now + 600000,))
shop.execute("INSERT INTO bulk_jobs (id, member_id, title, order_count, started_at, saved_count) VALUES (1, ?, '발주 상태로 바꾸기', 50000, ?, 12000)", (member, now))
for id, seen, failure in ((1, now + 600000, None), (2, now, '디스크가 가득 찼어요.'), (3, 0, None)):
    shop.execute("INSERT INTO file_jobs (id, member_id, title, order_count, started_at, seen_at, written_count, failure) VALUES (?, ?, '발주서', 100000, ?, ?, 12000, ?)", (id, member, now, seen, failure))
shop.execute("INSERT INTO downloads (id, downloaded_at, member_id, content, source, row_count, purpose, note) VALUES (1, ?, ?, 'orders', '/orders', 1, 'factory', '')", (now, member))
shop.execute("INSERT INTO file_jobs (id, member_id, title, order_count, started_at, seen_at, written_count, download_id) VALUES (4, ?, '검색 결과', 20000, ?, ?, 20000, 1)", (member, now, now))
shop.commit()
`;
  execFileSync('/usr/bin/python3', ['-c', program, path.join(data, 'mukkeum.db')]);
}

test('pages of work in the background', async (t) => {
  const { page, folder } = await open(t);
  await setUpAndLogIn(page);
  writeJobs(path.join(folder, 'data'));
  // What is shown stays while it is checked.
  await page.route(/\/orders\/(job|files)$/, (route) => (route.request().resourceType() === 'document' ? route.continue() : undefined));
  await page.goto('/orders/job');
  await page.getByText('50,000건 중 12,000건').waitFor();
  await checkPage(page, 'job');
  await page.goto('/orders/files');
  await page.getByText('12,000 / 100,000건').waitFor();
  assert.equal(await page.getByRole('alert').count(), 2, 'one failed, and one lost its program');
  await checkPage(page, 'files');
  await page.getByRole('link', { name: '받을 파일 1개' }).waitFor();
});

test('page of a restore in progress', async (t) => {
  const store = http.createServer(() => { /* never answers */ }).listen(0, '127.0.0.1');
  await once(store, 'listening');
  const { page, server, atEnd } = await open(t);
  atEnd(() => store.closeAllConnections());
  atEnd(() => store.close());
  await page.goto(setupPath(server.url));
  await page.locator('summary').filter({ hasText: '백업에서 복원하기' }).click();
  await clickButton(page, '백업이 있는 곳 선택하기');
  await page.locator('summary').filter({ hasText: '클라우드' }).click();
  const form = page.locator('form').filter({ hasText: '클라우드에서 복원해서 시작하기' });
  await form.getByLabel('버킷').fill('shop');
  await form.getByLabel('리전').fill('kr-standard');
  await form.getByLabel('주소').fill(`http://127.0.0.1:${store.address().port}`);
  await form.getByLabel('액세스 키').fill('key');
  await form.getByLabel('비밀 키').fill('secret');
  await form.getByLabel('암호화하지 않은 백업').check();
  await clickButton(page, '클라우드에서 복원해서 시작하기');
  await page.getByText('백업이 있는 곳을 살펴보고 있어요').waitFor();
  await checkPage(page, 'setup-restore-progress');
});

test('error pages', async (t) => {
  const { page, window } = await open(t, {
    prepare: (data) => {
      addMember(data, ADMIN, 'admin');
      addMember(data, TEAM, 'logistics');
    },
  });
  await logIn(page);
  assert.equal((await page.goto('/nowhere')).status(), 404);
  await checkPage(page, 'not-found');
  assert.equal((await page.goto('/orders/0000000000000')).status(), 404);
  await checkPage(page, 'order-not-found');

  const team = await window();
  await logIn(team, TEAM);
  assert.equal((await team.goto('/orders')).status(), 403);
  await checkPage(team, 'forbidden');
  await team.goto('/');
  await checkPage(team, 'deliveries-of-the-team');
  await team.goto('/account');
  await team.locator('form[action="/account"] input[name=csrf]').evaluate((field) => { field.value = 'another'; });
  await team.getByLabel('현재 비밀번호').fill('x'.repeat(8));
  await team.getByLabel('새 비밀번호', { exact: true }).fill('another-password');
  await team.getByLabel('새 비밀번호 확인').fill('another-password');
  await clickButton(team, '바꾸기');
  await checkPage(team, 'form-expired');
});
