// Undo of bulk actions, ranges of rows, bulk sets, columns, saved searches, the list of keys, visible focus.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkAccessibility, closeBrowser, enterDemo, mainText, open, screenshot, setUpAndLogIn } from './browser.mjs';
import { apply, clickButton, gotoOrders, orderNumbers, preview, selectRows, totalCount } from './flows.mjs';

const ORDERS = '01_smartstore_orders_72col.xlsx';

after(closeBrowser);

async function shop(t, options) {
  const opened = await open(t, options);
  await setUpAndLogIn(opened.page);
  await preview(opened.page, ORDERS, { isNew: true });
  await apply(opened.page);
  return opened;
}

test('a bulk action leads to its orders, and is undone as a whole', async (t) => {
  const { page } = await shop(t);
  await gotoOrders(page, { state: 'PLACED', product: 'PILLOW' });
  const before = await orderNumbers(page);
  await page.getByRole('checkbox', { name: '이 페이지의 주문 모두 선택' }).check();
  await clickButton(page, '발주로 바꾸기');
  await page.getByRole('link', { name: /바꾼 \d+건 보기/ }).click();
  assert.deepEqual((await orderNumbers(page)).toSorted(), before.toSorted());
  await page.goto('/actions');
  await screenshot(page, 'actions');
  await checkAccessibility(page, 'recent actions');
  await page.getByRole('button', { name: /작업 되돌리기/ }).first().click();
  await page.getByText(`주문 ${before.length}건을 되돌렸어요`).waitFor();
  await gotoOrders(page, { state: 'PLACED', product: 'PILLOW' });
  assert.deepEqual(await orderNumbers(page), before);
});

test('rows are chosen by ranges, by a click, by the keyboard, and all that were found', async (t) => {
  const { page } = await shop(t);
  await page.goto('/orders?size=10');
  const total = await totalCount(page);
  const ticks = page.locator('tbody .tick input');
  const chosen = () => page.locator('[data-ticked]').first().innerText();
  await ticks.nth(1).click();
  await ticks.nth(5).click({ modifiers: ['Shift'] });
  assert.equal(await chosen(), '5', 'Shift and a click choose a range');
  await page.locator('tbody.order').nth(7).locator('td.product').click();
  assert.equal(await chosen(), '6', 'a click on the row chooses it');
  await page.locator('tbody.order > tr:first-child').nth(8).focus();
  await page.keyboard.press('Shift+ArrowDown');
  assert.equal(await chosen(), '8', 'Shift and an arrow extend the choice');
  await page.keyboard.press('Control+Enter');
  assert.equal(await page.evaluate(() => document.activeElement.textContent.trim()), '발주로 바꾸기', 'the actions are one key away');

  await page.getByRole('checkbox', { name: '이 페이지의 주문 모두 선택' }).check();
  await page.getByRole('checkbox', { name: new RegExp(`검색한 ${total}건`) }).check();
  assert.equal(await chosen(), `${total}`);
  await clickButton(page, '발주로 바꾸기');
  assert.match(await mainText(page), new RegExp(`검색한 주문 ${total}건을 모두 바꿔요`));
  await screenshot(page, 'all-found-question');
  await checkAccessibility(page, 'the question about everything found');
  await clickButton(page, /건 발주로 바꾸기$/);
  // Orders with an open cancellation are asked about, beside the message about the others, which is said once.
  await page.getByRole('link', { name: /바꾼 \d+건 보기/ }).waitFor();
  await page.getByRole('link', { name: /그대로 두기$/ }).click();
  await page.waitForURL(/\/orders\?size=10/);
});

test('dates and memos of many orders are set at once, and files of the chosen ones are downloaded', async (t) => {
  const { page } = await shop(t);
  await gotoOrders(page, { state: 'PLACED' });
  const [one, two] = await orderNumbers(page);
  await selectRows(page, [one, two]);
  await page.getByText('한꺼번에 정하기').click();
  await page.getByLabel('배송메모', { exact: true }).fill('문 앞에 놓아 주세요');
  await screenshot(page, 'bulk-set');
  await checkAccessibility(page, 'the bulk set');
  await clickButton(page, /정하기 ?: 배송메모/);
  await page.getByText('주문 2건을 배송메모').waitFor();
  await selectRows(page, [one]);
  await page.getByText('선택 내려받기').click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('.offers.up').getByRole('button', { name: '발주서' }).click()]);
  assert.match(download.suggestedFilename(), /발주건\.xlsx$/);
  await page.getByRole('status').filter({ hasText: '내려받기를 시작했어요' }).waitFor();
  await selectRows(page, [two]);
  await page.getByText('선택 내려받기').click();
  await page.locator('.offers.up').getByRole('button', { name: '발주서' }).click();
  await page.getByText('이미 파일로 받은 주문 1건도 다시 넣기').waitFor();
  await checkAccessibility(page, 'a download with an order that was sent');
});

test('25 orders fit two screens of 1440 px, and a text becomes its field', async (t) => {
  const { page } = await open(t, { command: ['demo', '--orders', '2000'] });
  await enterDemo(page);
  const html = (await (await page.goto('/orders?size=25')).body()).length;
  const { width, height } = await page.evaluate(() => {
    const table = document.querySelector('table.orders');
    return { width: table.scrollWidth - table.parentElement.clientWidth, height: table.offsetHeight, };
  });
  assert.ok(width <= 0, `the table is ${width} px too wide`);
  assert.ok(height < 2 * 900, `25 orders are ${height} px high`);
  assert.ok(html < 60 * 1024, `${html} bytes of HTML`);
  await page.evaluate(() => scrollTo(0, 700));
  const head = await page.locator('table.orders thead th').nth(3).boundingBox();
  assert.ok(head.y >= 0 && head.y < 100, 'the head stays in view');
  await page.evaluate(() => scrollTo(0, 0));
  await screenshot(page, 'orders-light');
  await checkAccessibility(page, 'the order list');

  await page.goto('/orders?size=25&state=PLACED');
  // An order whose claim is open keeps its state, and on some days the newest has one.
  const row = page.locator('tbody.order').filter({ hasNot: page.locator('.claim') }).first();
  await row.locator('td[data-edit=preferred_shipping_date]').click();
  await row.locator('input[type=date]').fill('2030-05-04');
  await page.keyboard.press('Escape'); // closes the calendar, which the click opened
  await page.keyboard.press('Escape');
  await page.keyboard.press('m');
  await row.locator('textarea').first().pressSequentially('회색으로');
  assert.equal(await row.locator('.tick input[type=checkbox]').isChecked(), true, 'an edited row is chosen by itself');
  await screenshot(page, 'orders-open-row');
  await checkAccessibility(page, 'an opened row');
  await clickButton(page, '입력 저장');
  await page.getByText('1건을 저장했어요').waitFor();
  assert.match(await row.innerText(), /2030-05-04[^]*발주\s*회색으로/);
  await row.locator('tr').first().focus();
  await page.keyboard.press('e');
  await row.locator('select').selectOption({ label: '발주' });
  await row.locator('textarea').first().fill('흰색으로');
  await clickButton(page, '입력 저장');
  await page.getByText('1건을 저장했어요').waitFor();

  await page.getByRole('link', { name: '열 선택' }).click();
  await checkAccessibility(page, 'the choice of columns');
  await screenshot(page, 'columns');
  await page.getByLabel('수취인연락처').check();
  await page.getByLabel('구매자', { exact: true }).uncheck();
  await clickButton(page, '저장');
  await page.getByRole('columnheader', { name: '수취인연락처' }).waitFor();
  assert.equal(await page.getByRole('columnheader', { name: '구매자' }).count(), 0);

  await page.goto('/orders?state=PLACED');
  await page.getByText('저장한 검색').click();
  await page.getByLabel('이 검색의 이름').fill('새 주문');
  await page.locator('.searches').getByRole('button', { name: '저장', exact: true }).click();
  await page.goto('/orders');
  await page.getByText('저장한 검색').click();
  await screenshot(page, 'saved-searches');
  await page.getByRole('link', { name: '새 주문' }).click();
  await page.waitForURL(/state=PLACED/);
});

test('focus is visible on every kind of control', async (t) => {
  const { page } = await shop(t);
  await gotoOrders(page);
  for (const selector of ['.acts-bar button[value=purchase]', '.acts-bar button[value=edit]', '.acts-bar summary', '.search button', 'tbody .tick input', '.sizes a', 'tbody.order tr', '.memo-add', '.list-ways a', 'thead a.sort', 'tbody td a', 'nav.menu a', '#q']) {
    const control = page.locator(selector).first();
    await control.scrollIntoViewIfNeeded();
    await page.evaluate(() => document.activeElement?.blur());
    const box = await control.boundingBox();
    const clip = { x: Math.max(0, box.x - 6), y: Math.max(0, box.y - 6), width: box.width + 12, height: box.height + 12 };
    const [before, after] = [await page.screenshot({ clip }), (await page.keyboard.press('Shift'), await control.focus(), await page.keyboard.press('Shift'), await page.screenshot({ clip }))];
    assert.ok(!before.equals(after), `${selector} looks the same with the focus`);
  }
});

test('several states are searched at once', async (t) => {
  const { page } = await shop(t);
  await gotoOrders(page, { state: 'PLACED' });
  const placed = await totalCount(page);
  await selectRows(page, (await orderNumbers(page)).slice(0, 3));
  await clickButton(page, '발주로 바꾸기');
  const choose = async () => {
    await page.goto('/orders');
    await page.locator('.choices summary').first().click();
    await page.getByRole('checkbox', { name: '주문', exact: true }).check();
    await page.getByRole('checkbox', { name: '발주', exact: true }).check();
  };
  await choose();
  await checkAccessibility(page, 'the choice of states');
  await page.getByRole('button', { name: '검색', exact: true }).click();
  await page.waitForURL(/state=PLACED/);
  assert.equal(await totalCount(page), placed);

  await choose();
  await page.keyboard.press('Escape');
  await page.waitForURL(/state=PLACED/);
  assert.equal(await totalCount(page), placed, 'a menu that closes with another choice searches, as one choice does');
  await page.locator('.choices summary').first().click();
  await page.keyboard.press('Escape');
  await page.getByLabel('클레임만').check();
  await page.waitForURL(/claim=open/);
});

test('`?` lists the keys', async (t) => {
  const { page } = await shop(t);
  await page.goto('/products');
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: '단축키' }).waitFor();
  await checkAccessibility(page, 'the keys');
  await page.keyboard.press('Escape');
  assert.equal(await page.getByRole('dialog').count(), 0);
});
