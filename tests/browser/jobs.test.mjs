// The jobs of a day with their clicks, fields and page loads counted from where they begin: 오늘, or a list without a filter.
// The goals are those that were set when the pages were read as their users would.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { checkAccessibility, checkPage, closeBrowser, koreanDay, logIn, mainText, open, screenshot, setUpAndLogIn } from './browser.mjs';
import { apply, clickButton, counted, field, gotoOrders, orderFile, orderNumbers, preview, selectRows, totalCount } from './flows.mjs';
import { ADMIN, TEAM, addMember, fixture } from './server.mjs';

const ORDERS = '01_smartstore_orders_72col.xlsx';
const NUMBER = '2024031500000001';

after(closeBrowser);

/** A shop with the orders of a fixture, or those that `file(folder)` writes. */
async function shop(t, { file = () => ORDERS, ...options } = {}) {
  const opened = await open(t, options);
  await (options.prepare ? logIn(opened.page) : setUpAndLogIn(opened.page));
  await preview(opened.page, file(opened.folder), { isNew: true });
  await apply(opened.page);
  return opened;
}

/** Moves all orders of a search to 출고. */
async function dispatchAll(page, query) {
  await gotoOrders(page, query);
  await page.getByRole('checkbox', { name: '이 페이지의 주문 모두 선택' }).check();
  await clickButton(page, '출고로 바꾸기');
  await clickButton(page, /그래도 출고로 바꾸기$/);
  await page.getByText(/건을 출고 상태로 바꿨어요/).waitFor();
}

test('the morning file is uploaded from 오늘', async (t) => {
  const { page } = await open(t);
  await setUpAndLogIn(page);
  await page.goto('/');
  await screenshot(page, 'today-upload');
  await counted(page, [2, 0, 2], async ({ click }) => {
    await page.getByLabel('파일 선택').setInputFiles(fixture(ORDERS)); // instead of a drop
    await page.waitForURL(/\/uploads\/[0-9A-Z]{13}/);
    await click(page.getByRole('button', { name: '적용' }));
    await page.getByRole('link', { name: '이 파일의 주문 보기' }).waitFor();
  });
});

test('thirty orders of one product among others are purchased, and their 발주서 is downloaded', async (t) => {
  // Every other order is of another product, so that neither the page nor the list has only those.
  const ofOther = { '판매자 상품코드': 'PILLOW', 상품명: '예시침구 경추 베개', 옵션정보: '' };
  const { page } = await shop(t, { file: (folder) => orderFile(folder, 60, (index) => (index % 2 === 0 ? {} : ofOther)) });
  await page.goto('/orders');
  assert.equal(await totalCount(page), 60);
  await counted(page, [6, 0, 3], async ({ click, choose }) => {
    await choose(page.getByLabel('상품종류'), { label: '예시공방 원목 협탁' });
    await page.waitForURL(/product=/);
    await click(page.getByRole('checkbox', { name: '검색한 30건 전체' }));
    await click(page.getByRole('button', { name: '발주로 바꾸기' }));
    await click(page.getByRole('button', { name: /30건 발주로 바꾸기$/ }));
    await page.getByRole('link', { name: '바꾼 30건 보기' }).waitFor();
    await screenshot(page, 'after-purchase');
    await checkAccessibility(page, 'the answer to a bulk action');
    const [download] = await Promise.all([page.waitForEvent('download'), click(page.getByRole('button', { name: '발주서 받기' }))]);
    assert.match(download.suggestedFilename(), /발주건\.xlsx$/);
  });
  await gotoOrders(page, { state: 'PLACED' });
  assert.equal(await totalCount(page), 30, 'the other orders are as they were');
});

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
  await page.goto('/');
  await counted(page, [6, 0, 3], async ({ click }) => {
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
  await page.goto(`${new URL(page.url()).pathname}?rows=all`);
  const number = page.locator('table.report').getByRole('link', { name: /^4516830013\d/ }).first();
  assert.match(await number.getAttribute('href'), /^https:\/\/www\.ilogen\.com\/web\/personal\/trace\/4516830013\d$/, 'a number leads to its parcel');
});

test('an order is found from anywhere, and so is its parcel', async (t) => {
  const { page } = await shop(t);
  await gotoOrders(page, { q: NUMBER, edit: '1' });
  await page.getByLabel(`${NUMBER} 송장번호`).fill('45168300137');
  await page.getByLabel(`${NUMBER} 택배사`, { exact: true }).selectOption('로젠택배');
  await clickButton(page, '입력 저장');
  await page.goto('/products');
  await counted(page, [0, 1, 1], async ({ type }) => {
    await page.keyboard.press('Control+k');
    await checkAccessibility(page, 'the search over everything');
    await type('68300137');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/search\?q=/);
  });
  assert.match(await mainText(page), new RegExp(NUMBER));
  assert.equal(await page.getByRole('link', { name: /45168300137/ }).getAttribute('href'), 'https://www.ilogen.com/web/personal/trace/45168300137');
  await screenshot(page, 'search');
  await checkAccessibility(page, 'the page of the search');
});

test('the address of a bundle is changed, with the question where the field is', async (t) => {
  const { page } = await shop(t);
  await page.goto('/');
  await counted(page, [4, 2, 3], async ({ click, fill, type }) => {
    await page.keyboard.press('Control+k');
    await type(NUMBER);
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/search\?q=/);
    await click(page.getByRole('main').getByRole('link', { name: NUMBER }));
    await page.waitForURL(/\/orders\/[0-9A-Z]{13}/);
    await fill(field(page, '주소'), '경상북도 포항시 남구 예시로 99');
    await click(page.getByRole('radio', { name: /함께 가는 주문/ }));
    await click(page.getByRole('button', { name: '저장', exact: true }));
    await page.locator('.notice').first().waitFor();
  });
  assert.match(await mainText(page), /함께 가는 주문 \d+건/);
});

const TO_POHANG = { 우편번호: '37683', 배송지: '경상북도 포항시 남구 예시로 12' };
const TO_SEOUL = { 우편번호: '04524', 배송지: '서울특별시 중구 세종대로 110' };

test('five deliveries of 포항 among others are completed', async (t) => {
  const { page } = await shop(t, { file: (folder) => orderFile(folder, 40, (index) => (index % 8 === 0 ? TO_POHANG : TO_SEOUL)) });
  await dispatchAll(page, {});
  await page.goto('/deliveries');
  await counted(page, [7, 0, 3], async ({ click, choose }) => {
    await click(page.locator('details.filters > summary'));
    await choose(page.getByLabel('시/군/구'), { label: '포항시' });
    await click(page.getByRole('button', { name: '검색', exact: true }));
    await page.waitForURL(/sigungu=/);
    const ticks = page.locator('tbody .tick input');
    assert.equal(await ticks.count(), 5);
    await click(ticks.nth(0));
    await click(ticks.nth(4), { modifiers: ['Shift'] });
    await click(page.getByRole('button', { name: '배송 완료', exact: true }));
    await page.getByText('배송 5건을 완료했어요').waitFor();
  });
});

test('a driver completes a stop with one tap, and the next one slides up', async (t) => {
  const { page, window } = await shop(t, {
    file: (folder) => orderFile(folder, 8, () => TO_POHANG),
    prepare: (data) => { addMember(data, ADMIN, 'admin'); addMember(data, TEAM, 'logistics'); },
  });
  await dispatchAll(page, {});
  const phone = await window({ viewport: { width: 390, height: 844 }, hasTouch: true });
  await logIn(phone, TEAM);
  await phone.goto('/deliveries');
  await phone.getByRole('link', { name: '나갈 배송' }).click();
  await phone.waitForURL(/state=READY_TO_SHIP/);
  const cards = phone.locator('table.deliveries tbody tr');
  const first = await cards.first().boundingBox();
  assert.ok(first.y < 844 / 2 && first.y + first.height < 844, `the first card begins at ${first.y} and is ${first.height} px high`);
  await screenshot(phone, 'deliveries-phone');
  await checkAccessibility(phone, 'the list of deliveries');
  // Somewhere down the list, where the driver is.
  await cards.nth(3).scrollIntoViewIfNeeded();
  await phone.evaluate(() => scrollBy(0, 200));
  const [done, next] = await cards.locator('a.bundle-number').evaluateAll((links) => links.slice(3, 5).map((link) => link.href));
  const { y } = await cards.nth(3).boundingBox();
  await counted(phone, [1, 0, 1], async ({ click }) => {
    await click(cards.nth(3).getByRole('button', { name: /완료$/ }));
    await phone.getByText('배송 1건을 완료했어요').waitFor();
  });
  const now = await cards.locator('a.bundle-number').evaluateAll((links) => links.map((link) => link.href));
  assert.ok(!now.includes(done) && now[3] === next);
  const after = await cards.nth(3).boundingBox();
  assert.ok(Math.abs(after.y - y) <= 2, `the next card is at ${after.y}, the completed one was at ${y}`);
  const undo = phone.getByRole('button', { name: '되돌리기' });
  const { y: undoAt } = await undo.boundingBox();
  assert.ok(undoAt > 0 && undoAt < 844, 'the way back is in view');
  await undo.click();
  await phone.getByText(/완료를 되돌렸어요/).waitFor();
});

test('ten slips are printed', async (t) => {
  const { page } = await shop(t);
  await page.goto('/deliveries');
  await counted(page, [5, 0, 4], async ({ click }) => {
    const ticks = page.locator('tbody .tick input');
    await click(ticks.nth(0));
    await click(ticks.nth(9), { modifiers: ['Shift'] });
    await click(page.getByRole('button', { name: '선택 전표' }));
    await page.waitForURL(/\/deliveries\/slips/);
    await click(page.getByRole('button', { name: '인쇄' }));
    await page.getByText('배송 10건의 전표를 인쇄한 것으로 표시했어요').waitFor();
  });
});

test('the deliveries of a district tomorrow are two clicks away, and their list two more', async (t) => {
  const { page } = await shop(t);
  await gotoOrders(page, { state: 'PLACED' });
  await page.getByRole('checkbox', { name: '이 페이지의 주문 모두 선택' }).check();
  await page.getByText('한꺼번에 정하기').click();
  await page.getByLabel('희망배송일', { exact: true }).fill(koreanDay(1));
  await clickButton(page, /정하기 ?: 희망배송일/);
  await page.getByText(/희망배송일/).first().waitFor();
  await page.goto('/');
  const toMap = async ({ click }) => {
    await click(page.locator('nav.menu a[href^="/districts"]'));
    await page.waitForURL(/\/districts/);
    await click(page.getByRole('link', { name: /^내일/ }).first());
    await page.waitForURL(/\/districts\?/);
  };
  await counted(page, [2, 0, 2], toMap);
  assert.match(await mainText(page), /인천\n1/, 'the delivery of the own team is on the map');
  await page.goto('/');
  await counted(page, [4, 0, 4], async (act) => {
    await toMap(act);
    await act.click(page.locator('.tile').filter({ hasText: '인천' }).getByRole('link', { name: '1', exact: true }));
    await page.waitForURL(/\/deliveries\?/);
  });
  assert.equal(await totalCount(page), 1);
});
