// Keyboard operation: a working day, a manual order, the search shortcut.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { closeBrowser, open, setUpAndLogIn } from './browser.mjs';
import { apply, madeNow, orderFile, preview, totalCount } from './flows.mjs';
import { ADMIN, fixture, setupPath } from './server.mjs';

const ORDERS = '01_smartstore_orders_72col.xlsx';

after(closeBrowser);

// Presses Tab until an element that matches the selector has the focus. Asserts that the focused element is always
// visible, once the page has scrolled.
async function tabTo(page, selector, maxPresses = 80) {
  for (let presses = 0; presses < maxPresses; presses += 1) {
    await page.keyboard.press('Tab');
    let [isMatch, isVisible] = [false, false];
    for (let tries = 0; tries < 20 && !isVisible; tries += 1) {
      if (tries > 0) await page.waitForTimeout(50);
      [isMatch, isVisible] = await inspectFocus(page, selector);
    }
    assert.ok(isVisible, `the focused element is obscured: ${await page.evaluate(() => document.activeElement.outerHTML.slice(0, 200))}`);
    if (isMatch) return;
  }
  assert.fail(`Tab never reaches ${selector}`);
}

// Whether the focused element matches the selector, and whether it is visible.
function inspectFocus(page, selector) {
  return page.evaluate((selector) => {
    const element = document.activeElement;
    const { left, top, width, height } = element.getBoundingClientRect();
    const isVisible = [[0.5, 0.5], [0.1, 0.2], [0.9, 0.8]].some(([x, y]) => {
      const topmost = document.elementFromPoint(left + width * x, top + height * y);
      return topmost && (element.contains(topmost) || topmost.contains(element));
    });
    return [element.matches(selector), isVisible || element.className === 'skip' || element.type === 'file'];
  }, selector);
}

test('setup, upload, search, bulk action and navigation work by keyboard', async (t) => {
  const { page } = await open(t);
  await page.goto('/');
  await page.goto(setupPath(page.url()));
  await page.keyboard.type(ADMIN.username);
  await tabTo(page, '#password');
  await page.keyboard.type(ADMIN.password);
  await tabTo(page, '#again');
  await page.keyboard.type(ADMIN.password);
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => url.pathname === '/');

  await tabTo(page, 'nav.menu a[href="/uploads"]');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/uploads');
  await tabTo(page, 'input[type=file]');
  await page.locator('input[type=file]').setInputFiles(fixture(ORDERS)); // instead of the system's file dialog
  await page.waitForURL(/\/uploads\/[^/?]+/);
  await tabTo(page, 'form[action$="/apply"] button');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: '적용' }).waitFor({ state: 'detached' });
  await tabTo(page, 'nav.menu a[href="/orders"]');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/orders');

  await page.keyboard.press('/');
  await page.keyboard.type('홍길동');
  await page.keyboard.press('Enter');
  await page.waitForURL(/q=/);
  assert.equal(await totalCount(page), 3);

  await tabTo(page, 'table[data-rows] tr');
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  assert.equal(await page.locator('tbody .tick input:checked').count(), 2);
  await tabTo(page, 'button[value=purchase]');
  await page.keyboard.press('Enter');
  await page.getByText('2건을 발주 상태로 바꿨어요').waitFor();

  await tabTo(page, 'table[data-rows] tr');
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/orders\/[^/?]+/);
  await tabTo(page, 'a[href^="/deliveries/"]');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/deliveries\/[^/?]+/);
});

test('manual order is entered by keyboard', async (t) => {
  const { page } = await open(t);
  await setUpAndLogIn(page);
  await preview(page, ORDERS);
  await apply(page);
  await page.goto('/orders/new');
  const focused = () => page.evaluate(() => document.activeElement?.id ?? '');
  const tabTo = async (id) => {
    for (let presses = 0; presses < 80; presses += 1) {
      if ((await focused()) === id) return;
      await page.keyboard.press('Tab');
    }
    assert.fail(`Tab never reaches #${id}`);
  };
  await tabTo('product-0');
  await page.keyboard.press('ArrowDown');
  await page.locator('#option-0-0').waitFor();
  assert.equal(await focused(), 'product-0', 'loading the options keeps the focus');
  for (const option of await page.locator('select[id^=option-0-]').all()) {
    await tabTo(await option.getAttribute('id'));
    await page.keyboard.press('ArrowDown');
  }
  for (const [id, text] of [
    ['price-0', '38000'],
    ['customer_name', '홍길동'],
    ['customer_tel', '01000001001'],
    ['recipient_zip_code', '37683'],
    ['recipient_address1', '경상북도 포항시 남구 예시로 12'],
  ]) {
    await tabTo(id);
    await page.keyboard.type(text);
  }
  for (const id of ['shipping_method', 'charge_type']) {
    await tabTo(id);
    await page.keyboard.press('ArrowDown');
  }
  for (let presses = 0; presses < 80 && (await page.evaluate(() => document.activeElement?.value)) !== 'take'; presses += 1) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByText('상담주문 1건을 저장했어요').waitFor();
});

test('slash focuses the search field', async (t) => {
  const { page } = await open(t);
  await setUpAndLogIn(page);
  await page.goto('/orders');
  await page.keyboard.press('/');
  assert.equal(await page.evaluate(() => document.activeElement.name), 'q');
  assert.equal(await page.locator('input[name=q]').inputValue(), '', 'the shortcut itself is not typed');
  await page.keyboard.press('/');
  assert.equal(await page.locator('input[name=q]').inputValue(), '/', 'in a field the slash is typed');
});

test('a day is worked by the keyboard alone, with its keys counted', async (t) => {
  const { page, folder } = await open(t);
  await setUpAndLogIn(page);
  const ofParcel = { 배송방법: '택배,등기,소포' };
  const orders = orderFile(folder, 12, (index) => (index < 5 ? ofParcel : {}));
  let keys = 0;
  const press = async (key, times = 1) => {
    for (let presses = 0; presses < times; presses += 1) { keys += 1; await page.keyboard.press(key); }
  };
  const type = async (text) => { keys += text.length; await page.keyboard.type(text); };
  const isAt = (selector) => page.evaluate((selector) => document.activeElement?.matches(selector), selector);
  // Presses Tab until the selector has the focus; a new page is entered past its menu.
  const go = async (selector, key = 'Tab') => {
    if (await isAt('body') && key === 'Tab' && !selector.startsWith('nav')) { await press('Tab'); await press('Enter'); }
    for (let presses = 0; presses < 60; presses += 1) {
      if (await isAt(selector)) return;
      await press(key);
    }
    assert.fail(`${key} never reaches ${selector} of ${page.url()}`);
  };
  const menu = async (place) => {
    await go(`nav.menu a[href^="${place}"]`, await isAt('body') ? 'Tab' : 'Shift+Tab');
    await press('Enter');
    await page.waitForURL((url) => url.pathname === place);
    await page.waitForLoadState();
  };
  page.on('filechooser', () => {}); // from now on no dialog of the system opens, also not for a key that comes at once
  const upload = async (file) => {
    await go('input[type=file]');
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), press('Enter')]);
    await chooser.setFiles(file); // the dialog of the system
    await page.waitForURL(/\/uploads\/[^/?]+/);
    await page.waitForLoadState();
    await go('form[action$="/apply"] button');
    await press('Enter');
    await page.getByRole('button', { name: '적용' }).waitFor({ state: 'detached' });
    await page.waitForLoadState();
  };
  const downloaded = async (pattern, selector) => {
    await go(selector);
    const [download] = await Promise.all([page.waitForEvent('download'), press('Enter')]);
    assert.match(download.suggestedFilename(), pattern);
  };

  // The morning file, and its orders to the factory with their 발주서.
  await page.goto('/');
  await upload(madeNow(orders));
  await go('a[href^="/orders?upload="]');
  await press('Enter');
  await page.waitForURL(/\/orders\?upload=/);
  await go('[data-tick-all]');
  await press('Space');
  await press('Control+Enter');
  await press('Enter');
  await page.getByText('12건을 발주 상태로 바꿨어요').waitFor();
  await downloaded(/발주건\.xlsx$/, '.notice-acts .btn-primary');

  // A customer calls: the order is found from anywhere, and a memo is written.
  await press('Control+k');
  await type('2026110100000007');
  await press('Enter');
  await page.waitForURL(/\/search\?q=/);
  await go('main a[href^="/orders/"]');
  await press('Enter');
  await page.waitForURL(/\/orders\/[0-9A-Z]{13}/);
  await go('#shipping_memo');
  await type('door');
  await go('.acts-bar button[type=submit]');
  await press('Enter');
  await page.getByText('주문을 저장했어요').waitFor();

  // The courier's file, and what the channel is told.
  await menu('/');
  const list = path.join(folder, '송장.csv');
  const lines = Array.from({ length: 5 }, (_, index) => `${2026110100000000n + BigInt(index)},4516830013${index},로젠택배`);
  writeFileSync(list, `상품주문번호,송장번호,택배사\n${lines.join('\n')}\n`);
  await upload(list);
  await downloaded(/발송처리\.xlsx$/, 'form[data-download] button');

  // The own team's orders leave the factory; their slips are printed, and they are delivered.
  await menu('/orders');
  await go('[data-tick-all]');
  await press('Space');
  await press('Control+Enter');
  await press('Tab');
  await press('Enter');
  await page.getByText('7건을 출고 상태로 바꿨어요').waitFor();
  await menu('/deliveries');
  await go('table[data-rows] tbody tr');
  await press('Space');
  await press('Shift+ArrowDown', 6);
  await press('Control+Enter');
  await go('button[value=slips]');
  await press('Enter');
  await page.waitForURL(/\/deliveries\/slips/);
  await go('.slip-print button');
  await press('Enter');
  await page.getByText('배송 7건의 전표를 인쇄한 것으로 표시했어요').waitFor();
  await menu('/deliveries');
  await go('table[data-rows] tbody tr');
  await press('Space');
  await press('Shift+ArrowDown', 6);
  await press('Control+Enter');
  await go('button[value=complete]');
  await press('Enter');
  await page.getByText('배송 7건을 완료했어요').waitFor();

  // 283 of them when this was written, half of them Tab.
  t.diagnostic(`keys of the day: ${keys}`);
  assert.ok(keys <= 300, `${keys} keys`);
});
