// Practice: a member does the tasks of the demo; the trainer's overview.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, enterDemo, mainText, open } from './browser.mjs';
import { DONE } from './driving.mjs';
import { apply, beginReading, chooseShipping, clickButton, field, orderRow } from './flows.mjs';

after(closeBrowser);

const TITLES = [
  '오늘 주문 파일 올리기',
  '새 상품의 옵션에 발주서 표기 정하기',
  '공장에 발주하기',
  '점심에 들어온 취소요청 처리하기',
  '택배 송장 파일 올리기',
  '포항시 전표 인쇄하기',
  '묶음 중 한 건 반품 처리하기',
  '같은 수취인의 주문 합치기',
  '묶음의 주소 수정하기',
  '하루를 배차하고 확정하기',
  '한 곳을 다른 차로 옮기고 순서 고정하기',
  '오늘 배송에서 한 곳 완료하기',
  '배송 완료와 되돌리기',
  '상담주문 받기',
];

const task = (page, title) => page.locator('.tasks > li').filter({ has: page.getByRole('heading', { name: title }) });

async function openDemo(t, options) {
  const shop = await open(t, { command: ['demo', '--orders', '200'], ...options });
  await enterDemo(shop.page);
  return shop;
}

/** Titles of the tasks shown as done. */
async function finishedTasks(page) {
  await page.goto('/practice');
  const titles = await page.locator('.tasks > li.done h2').allInnerTexts();
  return titles.map((title) => title.replace(/마침:\s*/, '').trim());
}

async function startTask(page, title) {
  await page.goto('/practice');
  await task(page, title).getByRole('link', { name: '바로 해 보기' }).click();
  await page.waitForURL((url) => url.pathname !== '/practice');
}

async function uploadPracticeFile(page, folder, title) {
  await page.goto('/practice');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    task(page, title).getByRole('link', { name: '연습 파일 내려받기' }).click(),
  ]);
  const file = path.join(folder, download.suggestedFilename());
  await download.saveAs(file);
  await startTask(page, title);
  await page.getByLabel('파일 선택').setInputFiles(file);
  await beginReading(page);
  await page.waitForURL(/\/uploads\/[^/?]+/);
  await apply(page);
}

async function label(page) {
  await startTask(page, TITLES[1]);
  await page.getByRole('main').locator('td a[href^="/products/"]').first().click();
  await page.waitForURL(/\/products\/[^/?]+/);
  const labels = page.locator('input[name^="label-"]');
  assert.equal(await labels.count(), 2);
  for (const [index, label] of ['N01', 'W02'].entries()) {
    await labels.nth(index).fill(label);
    await page.locator('tbody').getByRole('checkbox').nth(index).check();
  }
  await clickButton(page, '입력 저장');
  await page.getByText('발주서 표기 2개를 저장했어요').waitFor();
}

async function purchase(page) {
  await startTask(page, TITLES[2]);
  const orders = page.locator('tbody').getByRole('checkbox');
  assert.equal(await orders.count(), 3);
  for (const order of await orders.all()) await order.check();
  await clickButton(page, '발주로 바꾸기');
  await page.getByText('3건을 발주 상태로 바꿨어요').waitFor();
  const search = new URL(page.url()).searchParams;
  await page.goto(`/orders?state=PURCHASED&product=${search.get('product')}`);
  await page.getByText('내려받기', { exact: true }).click();
  await page.getByRole('link', { name: '발주서' }).click();
  await page.waitForURL(/\/orders\/download/);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: '내려받기' }).click()]);
  assert.match(download.suggestedFilename(), /발주건\.xlsx$/);
}

async function holdBack(page, folder) {
  const hint = await (await page.goto('/practice'), task(page, TITLES[3])).innerText();
  const [claimed, other] = hint.match(/\d{16}/g);
  await uploadPracticeFile(page, folder, TITLES[3]);
  await page.goto('/orders?state=PURCHASED');
  for (const number of [claimed, other]) await orderRow(page, number).getByRole('checkbox').first().check();
  await clickButton(page, '출고로 바꾸기');
  await page.getByText(/1건을 출고 상태로 바꿨어요/).waitFor();
  assert.match(await mainText(page), new RegExp(claimed), 'it is left, and named');
}

async function slips(page) {
  const names = (await (await page.goto('/practice'), task(page, TITLES[5])).innerText()).match(/선택해 (.+) 님의 배송/)[1].split(', ');
  await startTask(page, TITLES[5]);
  for (const name of names) {
    await page.locator('table.deliveries tbody tr').filter({ hasText: name }).getByRole('checkbox').first().check();
  }
  await clickButton(page, '선택 전표');
  await page.waitForURL(/\/deliveries\/slips\?id=/);
  assert.match(await mainText(page), /교육용/, 'slips of a demo are marked');
  await clickButton(page, '인쇄');
  await page.getByText('배송 2건의 전표를 인쇄한 것으로 표시했어요').waitFor();
}

async function openOrderOf(page, title) {
  await startTask(page, title);
  await page.getByRole('row').getByRole('link', { name: /\d{16}/ }).first().click();
  await page.waitForURL(/\/orders\/[0-9A-Z]{13}/);
}

async function merge(page) {
  await openOrderOf(page, TITLES[7]);
  await clickButton(page, '이 묶음으로 합치기');
  await page.getByText('주문 1건을 이 묶음으로 합쳤어요').waitFor();
}

async function correctAddress(page) {
  await openOrderOf(page, TITLES[8]);
  const correct = (await field(page, '고객메시지').inputValue()).match(/'(.+)'로 보내 주세요/)[1];
  await field(page, '상세주소').fill(correct);
  await page.getByLabel('함께 가는 주문 1건도 바꿔요').check();
  await clickButton(page, '저장');
  await page.getByText('함께 가는 주문 1건도 바꿨어요').waitFor();
}

async function plan(page) {
  await startTask(page, TITLES[9]);
  await clickButton(page, '모두 배차');
  await page.getByText(/곳을 배차했/).waitFor();
  await clickButton(page, '모두 확정');
  await page.getByText(/배차를 확정했어요/).waitFor();
}

async function hold(page) {
  await startTask(page, TITLES[10]);
  for (const name of await page.getByRole('button', { name: /확정 풀기$/ }).evaluateAll((found) => found.map((one) => one.getAttribute('aria-label')))) {
    await clickButton(page, name);
    await page.getByText(/확정을 풀었어요/).waitFor();
  }
  const from = page.locator('[data-column]:not([data-column=""])').filter({ has: page.locator('[data-card]') }).first();
  const own = await from.getAttribute('data-column');
  await from.getByRole('checkbox').first().check();
  const others = await page.getByLabel('옮길 차').locator('option').evaluateAll((found) => found.map((one) => one.value));
  await page.getByLabel('옮길 차').selectOption(others.find((value) => value !== own));
  await clickButton(page, '이 차로 옮기기');
  await page.getByText(/1곳을 옮겼어요/).waitFor();
  await page.getByRole('button', { name: /여기까지 순서 고정$/ }).first().click();
  await page.getByText(/여기까지 순서를 고정했어요/).waitFor();
}

async function drive(page) {
  await startTask(page, TITLES[11]);
  await page.getByRole('link', { name: /진행 보기$/ }).click();
  await page.getByRole('link', { name: '상차 보기' }).click();
  for (const box of await page.locator('.drive-loading li:not(.stopped) input[name=tick]').all()) await box.check();
  const despite = page.getByLabel('그대로 출발하는 이유');
  if (await despite.count()) await despite.fill('연습');
  await page.getByRole('button', { name: '출발' }).click();
  await startTask(page, TITLES[11]);
  await page.getByRole('link', { name: /진행 보기$/ }).click();
  await page.locator('table.driving').getByRole('link').first().click();
  await page.getByRole('button', { name: DONE }).click();
  await page.waitForURL((url) => !/^\/drive\/[0-9A-Z]/.test(url.pathname));
}

async function complete(page) {
  await startTask(page, TITLES[12]);
  await page.locator('table.deliveries tbody tr').getByRole('checkbox').first().check();
  await clickButton(page, '배송 완료');
  await page.getByText('배송 1건을 완료했어요').waitFor();
  await clickButton(page, '되돌리기');
  await page.getByText('배송 1건의 완료를 되돌렸어요').waitFor();
}

async function enterManualOrder(page, javaScriptEnabled) {
  await startTask(page, TITLES[13]);
  await page.locator('#product-0').selectOption({ label: '예시공방 원목 협탁' });
  if (!javaScriptEnabled) await clickButton(page, '선택한 상품의 옵션 보기');
  await page.locator('select[id^=option-0-]').first().waitFor();
  await page.locator('select[id^=option-0-]').first().selectOption({ index: 1 });
  await page.locator('#quantity-0').fill('1');
  await page.locator('#price-0').fill('68,000');
  await field(page, '구매자명').fill('홍길동');
  await field(page, '구매자연락처').fill('010-0000-1001');
  await field(page, '우편번호').fill('37683');
  await field(page, '주소').fill('경상북도 포항시 남구 예시로 12');
  await chooseShipping(page);
  await clickButton(page, '상담주문 저장');
  await page.getByText('상담주문 1건을 저장했어요').waitFor();
}

for (const javaScriptEnabled of [true, false]) {
  test(`all tasks are done and ticked, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async (t) => {
    const { page, folder } = await openDemo(t, { javaScriptEnabled });
    await page.getByRole('navigation', { name: '주 메뉴' }).getByRole('link', { name: '연습' }).click();
    await page.waitForURL('**/practice');
    await checkPage(page, 'practice-before');
    await clickButton(page, '연습 시작하기');
    await page.getByText('연습을 시작했어요').waitFor();
    assert.deepEqual(await page.locator('.tasks > li h2').allInnerTexts(), TITLES);
    await checkPage(page, 'practice-begun');

    const upload = (title) => () => uploadPracticeFile(page, folder, title);
    const tasks = [
      upload(TITLES[0]),
      () => label(page),
      () => purchase(page),
      () => holdBack(page, folder),
      upload(TITLES[4]),
      () => slips(page),
      upload(TITLES[6]),
      () => merge(page),
      () => correctAddress(page),
      () => plan(page),
      () => hold(page),
      () => drive(page),
      () => complete(page),
      () => enterManualOrder(page, javaScriptEnabled),
    ];
    for (const [index, perform] of tasks.entries()) {
      await perform();
      assert.deepEqual(await finishedTasks(page), TITLES.slice(0, index + 1));
    }
    assert.match(await mainText(page), /모두 해냈어요/);
    await checkPage(page, 'practice-done');

    await page.getByRole('link', { name: '누가 어디까지 했는지 보기' }).click();
    await page.waitForURL('**/practice/members');
    assert.match(await mainText(page), /demo-admin[^]*14\/14[^]*demo-team[^]*0\/5[^]*아직 시작하지 않았어요/);
    await checkPage(page, 'practice-members');
    await page.locator('.trainee').filter({ hasText: 'demo-admin' }).getByRole('button').click();
    if (javaScriptEnabled) await page.getByRole('dialog').getByRole('button', { name: '네' }).click();
    await page.getByText('demo-admin 님의 연습을 새로 시작했어요').waitFor();
    assert.deepEqual(await finishedTasks(page), []);
  });
}

test('delivery team has five tasks', async (t) => {
  const { window } = await openDemo(t);
  const team = await window();
  await enterDemo(team, '배송팀');
  await team.getByRole('complementary', { name: '교육용 안내' }).getByRole('link', { name: '연습하기' }).click();
  await clickButton(team, '연습 시작하기');
  assert.deepEqual(await team.locator('.tasks > li h2').allInnerTexts(), [TITLES[5], TITLES[9], TITLES[10], TITLES[11], TITLES[12]]);
  await checkPage(team, 'practice-team');
  await complete(team);
  assert.deepEqual(await finishedTasks(team), [TITLES[12]]);
});
