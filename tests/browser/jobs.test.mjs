// Jobs of the office with their clicks, fields and page loads counted: a courier's file and the channel's, the address of a
// bundle, the deliveries of a district, and a day by the keyboard alone.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, koreanDay, mainText, open, setUpAndLogIn } from './browser.mjs';
import { apply, clickButton, field, gotoOrders, openOrder, orderNumbers, preview, selectRows } from './flows.mjs';
import { fixture } from './server.mjs';

const ORDERS = '01_smartstore_orders_72col.xlsx';
const NUMBER = '2024031500000001';

after(closeBrowser);

async function shop(t, options) {
  const opened = await open(t, options);
  await setUpAndLogIn(opened.page);
  await preview(opened.page, ORDERS, { isNew: true });
  await apply(opened.page);
  return opened;
}

/** Counts the clicks, the fields and the page loads of a job. */
async function counted(page, job) {
  const used = { clicks: 0, fields: 0, loads: 0 };
  const count = () => { used.loads += 1; };
  page.on('domcontentloaded', count);
  await job(
    async (locator, options) => { used.clicks += 1; await locator.click(options); },
    async (locator, text) => { used.fields += 1; await locator.fill(text); },
  );
  page.off('domcontentloaded', count);
  return used;
}

test('a courier file is applied, and the 발송처리 file follows from its report', async (t) => {
  const { page, folder } = await shop(t);
  await gotoOrders(page);
  const numbers = (await orderNumbers(page)).slice(0, 5);
  await selectRows(page, numbers);
  await page.getByText('한꺼번에 정하기').click();
  await page.getByLabel('배송방법', { exact: true }).selectOption('PARCEL');
  await clickButton(page, /정하기 ?: 배송방법/);
  const file = path.join(folder, '송장.csv');
  const lines = numbers.map((number, at) => `${number},4516830013${at},로젠택배`);
  writeFileSync(file, `상품주문번호,송장번호,택배사\n${lines.join('\n')}\n`);
  await page.goto('/uploads');
  const used = await counted(page, async (click) => {
    await page.getByLabel('파일 선택').setInputFiles(file); // instead of a drop
    await page.waitForURL(/\/uploads\/[0-9A-Z]{13}/);
    await click(page.getByRole('button', { name: '적용' }));
    await page.getByRole('button', { name: '발송처리 파일 받기' }).waitFor();
    await checkPage(page, 'courier-report');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      click(page.getByRole('button', { name: '발송처리 파일 받기' })),
    ]);
    assert.match(download.suggestedFilename(), /발송처리\.xlsx$/);
  });
  assert.ok(used.clicks <= 6 && used.loads <= 3, JSON.stringify(used));
});

test('the address of a bundle is changed with the question where the field is', async (t) => {
  const { page } = await shop(t);
  await gotoOrders(page, { field: 'order_number', q: NUMBER });
  const used = await counted(page, async (click, fill) => {
    await click(page.getByRole('row').getByRole('link', { name: NUMBER }).first());
    await page.waitForURL(/\/orders\/[0-9A-Z]{13}/);
    await fill(field(page, '주소'), '경상북도 포항시 남구 예시로 99');
    await click(page.getByRole('radio', { name: /함께 가는 주문/ }));
    await click(page.getByRole('button', { name: '저장', exact: true }));
    await page.getByText(/함께 가는 주문 \d+건/).first().waitFor();
    await page.locator('.notice').first().waitFor();
  });
  assert.ok(used.clicks <= 4 && used.fields <= 2 && used.loads <= 3, JSON.stringify(used));
});

test('the deliveries of a district tomorrow are two clicks away', async (t) => {
  const { page } = await shop(t);
  await gotoOrders(page, { state: 'PLACED' });
  await page.getByRole('checkbox', { name: '이 페이지의 주문 모두 선택' }).check();
  await page.getByText('한꺼번에 정하기').click();
  const tomorrow = koreanDay(1);
  await page.getByLabel('희망배송일', { exact: true }).fill(tomorrow);
  await clickButton(page, /정하기 ?: 희망배송일/);
  await page.getByText(/희망배송일/).first().waitFor();
  await page.goto('/');
  const used = await counted(page, async (click) => {
    await click(page.locator('nav.menu a[href^="/districts"]'));
    await page.waitForURL(/\/districts/);
    await click(page.getByRole('link', { name: /^내일/ }).first());
    await page.waitForLoadState();
  });
  assert.ok(used.clicks <= 2 && used.loads <= 2, JSON.stringify(used));
  assert.match(await mainText(page), /인천\n1/, 'the delivery of the own team is on the map');
});

test('a day is worked by the keyboard alone, with its keys counted', async (t) => {
  const { page } = await shop(t);
  let keys = 0;
  const press = async (key, times = 1) => {
    for (let presses = 0; presses < times; presses += 1) { keys += 1; await page.keyboard.press(key); }
  };
  const type = async (text) => { keys += text.length; await page.keyboard.type(text); };
  // Presses Tab until the selector has the focus.
  const tabTo = async (selector) => {
    for (let presses = 0; presses < 80; presses += 1) {
      if (await page.evaluate((selector) => document.activeElement?.matches(selector), selector)) return;
      await press('Tab');
    }
    assert.fail(`Tab never reaches ${selector}`);
  };
  await page.goto('/orders?state=PLACED&size=10');

  // The morning: the first five orders go to the factory.
  await tabTo('table[data-rows] tbody tr');
  await press('Space');
  await press('Shift+ArrowDown', 4);
  await press('Control+Enter');
  await press('Enter');
  await page.getByText(/건을 발주 상태로 바꿨어요/).waitFor();

  // A customer calls: the order is found from anywhere, and opened.
  await press('Control+k');
  await type(NUMBER.slice(-8));
  await press('Enter');
  await page.waitForURL(/\/search\?q=/);
  await tabTo(`main a[href^="/orders/"]`);
  await press('Enter');
  await page.waitForURL(/\/orders\/[0-9A-Z]{13}/);
  await tabTo('#shipping_memo');
  await type('door');
  await press('Enter');
  await press('Control+Enter');
  const isSaved = await page.locator('.notice').first().waitFor({ timeout: 3000 }).then(() => true, () => false);
  if (!isSaved) {
    await tabTo('.acts-bar button[type=submit]');
    await press('Enter');
    await page.locator('.notice').first().waitFor();
  }
  // 143 of them when this was written, most of them Tab.
  t.diagnostic(`keys of the day: ${keys}`);
  assert.ok(keys <= 150, `${keys} keys`);
});
