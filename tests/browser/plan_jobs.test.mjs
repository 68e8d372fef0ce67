// Jobs beside deliveries (일감): from a claim with one click, by hand, a divided delivery, and a collection on the road with
// fewer pieces than planned, without a signal.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, enterDemo, koreanDay, mainText, open } from './browser.mjs';
import { DEMO, PHONE, leave, list, phone } from './driving.mjs';
import { chooseShipping, clickButton, field } from './flows.mjs';
import { startServer } from './server.mjs';

after(closeBrowser);

const gotoBoard = (page, days = 0) => page.goto(`/plans?day=${koreanDay(days)}`);

const card = (page, kind) => page.locator('[data-card]').filter({ has: page.locator('.plan-tags .tag', { hasText: kind }) });

for (const javaScriptEnabled of [true, false]) {
  test(`a job is made from a claim and by hand, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async (t) => {
    const { page } = await open(t, { command: DEMO, javaScriptEnabled });
    await enterDemo(page, '관리자');
    await gotoBoard(page);
    await checkPage(page, 'plan-jobs-board');

    // A job of the demo was made from a claim; once it is cancelled, the order offers it again.
    await card(page, '회수').first().getByRole('link').first().click();
    await checkPage(page, 'plan-jobs-job');
    await clickButton(page, '일감 취소');
    if (javaScriptEnabled) await page.getByRole('dialog').getByRole('button', { name: '네' }).click({ timeout: 2_000 }).catch(() => undefined);
    await page.getByText('일감을 취소했어요: 회수').waitFor();
    await page.getByRole('link', { name: '배송 보기' }).click();
    await page.getByRole('button', { name: /회수 일감 만들기$/ }).first().click();
    await page.getByText('일감을 만들었어요: 회수').waitFor();
    await field(page, '가는 날').fill(koreanDay());
    await field(page, '기사에게').fill('현관 앞에 있어요');
    await clickButton(page, '저장');
    await page.getByText('배차 정보를 저장했어요').waitFor();
    const name = (await page.locator('h1').innerText()).replace('회수', '').trim();

    await gotoBoard(page);
    assert.match(await card(page, '회수').filter({ hasText: name }).first().innerText(), /회수 \S+m³ · \d+개/);
    await page.getByRole('link', { name: '일감 추가' }).click();
    await checkPage(page, 'plan-jobs-search');
    await field(page, '묶음배송번호나 상품주문번호').fill('없는 번호');
    await clickButton(page, '찾기');
    await page.getByText('그런 번호의 배송이 없어요').waitFor();
    await page.goto('/deliveries?state=COMPLETED&method=DIRECT');
    await page.locator('table.deliveries tbody').getByRole('link').first().click();
    await page.getByRole('link', { name: '일감 추가' }).click();
    await page.getByLabel('실측').check();
    await field(page, '가져올 물건이나 할 일').fill('옷장 놓을 자리');
    await field(page, '가는 날').fill(koreanDay());
    await checkPage(page, 'plan-jobs-new');
    await clickButton(page, '만들기');
    await page.getByText('일감을 만들었어요: 실측').waitFor();
    await gotoBoard(page);
    assert.ok((await card(page, '실측').filter({ hasText: '옷장 놓을 자리' }).count()) === 1);
  });
}

test('a customer without an order gets a visit from the board', async (t) => {
  const { page } = await open(t, { command: DEMO });
  await enterDemo(page, '관리자');
  await gotoBoard(page, 3);
  await page.getByRole('link', { name: '일감 추가' }).click();
  await page.getByRole('link', { name: '실측 고객 받기' }).click();
  await checkPage(page, 'plan-jobs-visitor');
  await page.locator('#product-0').selectOption({ label: '예시공방 원목 협탁' });
  await page.locator('select[id^=option-0-]').first().waitFor();
  await page.locator('select[id^=option-0-]').first().selectOption({ index: 1 });
  await page.locator('#quantity-0').fill('1');
  await page.locator('#price-0').fill('0');
  await field(page, '구매자명').fill('홍길동');
  await field(page, '구매자연락처').fill('010-0000-1001');
  await field(page, '우편번호').fill('39200');
  await field(page, '주소').fill('경상북도 구미시 예시로 12');
  await chooseShipping(page);
  await clickButton(page, '상담주문 저장');
  await page.waitForURL(/\/plans\/jobs\/new\?delivery=/);
  assert.ok(await page.getByLabel('실측').isChecked());
  await field(page, '가져올 물건이나 할 일').fill('붙박이장 자리');
  await field(page, '가는 날').fill(koreanDay(3));
  await clickButton(page, '만들기');
  await page.getByText('일감을 만들었어요: 실측').waitFor();
  await gotoBoard(page, 3);
  assert.equal(await card(page, '실측').filter({ hasText: '홍길동' }).count(), 1);
});

test('a collection fails, comes back with its reason, and is done in part without a signal', async (t) => {
  const { page: office, server, folder, atEnd } = await open(t, { command: DEMO });
  await enterDemo(office, '관리자');
  await gotoBoard(office);
  // The collection and two deliveries that wait or are planned.
  const collection = card(office, '회수').first();
  const job = await collection.getAttribute('data-card');
  await office.goto(`/plans/jobs/${job}`);
  await field(office, '가져올 수량 (개)').fill('3');
  await clickButton(office, '저장');
  await gotoBoard(office);
  await office.locator(`[data-card="${job}"]`).getByRole('checkbox').check();
  await clickButton(office, '이 차로 옮기기');
  await office.getByRole('button', { name: /1호차 확정$/ }).click();
  await office.getByRole('link', { name: '1호차 배차표' }).click();
  assert.match(await mainText(office), /회수/);
  await checkPage(office, 'plan-jobs-tour');
  await office.getByRole('link', { name: '전표 (배송 순서)' }).click();
  await office.getByRole('heading', { name: /회수 전표/ }).first().waitFor();
  await office.goBack();
  await office.getByLabel('운전').selectOption({ label: 'demo-team' });
  await clickButton(office, '기사에게 넘기기');
  const tour = new URL(office.url()).pathname;

  const profile = path.join(folder, 'phone');
  const context = await phone(profile, server.url);
  atEnd(() => context.close());
  const page = context.pages()[0] ?? (await context.newPage());
  await enterDemo(page, '배송팀');
  await leave(page);
  await server.stop();

  const stop = list(page).getByRole('listitem').filter({ has: page.locator('.drive-kind', { hasText: '회수' }) }).first();
  await stop.getByRole('link').click();
  await page.getByText(/회수 3개/).first().waitFor();
  await checkPage(page, 'plan-jobs-phone');
  await page.getByText('더 적기').click();
  await page.locator('#planned').fill('2');
  await page.getByRole('button', { name: '회수 완료' }).click();
  await page.getByText('다 가져오지 못한 이유를 선택해 주세요').waitFor();
  await page.locator('#collect_reason').selectOption({ label: '파손' });
  await page.getByRole('button', { name: '회수 완료' }).click();
  await page.getByText('전할 기록 1건').waitFor();

  const again = await startServer({ data: server.data, port: server.port, command: DEMO });
  atEnd(() => again.stop());
  await page.getByRole('button', { name: '지금 전하기' }).click();
  await page.getByText('모두 전했어요').waitFor();
  await office.goto('/drive/findings');
  assert.match(await mainText(office), /다 가져오지 못한 상품/);
  await office.goto(`${tour}/close`);
  const row = office.getByRole('row').filter({ hasText: '회수:' });
  assert.match(await row.innerText(), /2/);
  await checkPage(office, 'plan-jobs-close');
  await office.goto(`/plans/jobs/${job}`);
  assert.match(await mainText(office), /완료/);
});

test('a bundle is divided over two days and stays one', async (t) => {
  const { page } = await open(t, { command: DEMO, ...PHONE });
  await enterDemo(page, '관리자');
  // Every day of the demo has a delivery of two orders or more; this one nobody has planned.
  await gotoBoard(page, 3);
  const divided = page.getByRole('heading', { name: '나누어 배송' });
  for (const key of await page.locator('[data-card]').evaluateAll((found) => found.map((one) => one.dataset.card))) {
    await page.goto(`/plans/jobs/${key}`);
    if (await divided.count()) break;
  }
  assert.equal(await divided.count(), 1, 'the day has a delivery of several orders');
  const own = new URL(page.url()).pathname;
  const form = page.locator('form').filter({ has: page.getByRole('heading', { name: '나누어 배송' }) });
  await form.getByRole('checkbox').first().check();
  await form.getByLabel('다른 날').fill(koreanDay(4));
  await form.getByRole('button', { name: '나누기' }).click();
  await page.getByText('일감을 만들었어요: 나눈 배송').waitFor();
  await checkPage(page, 'plan-jobs-part');
  const part = new URL(page.url()).pathname;
  await page.goto(`/deliveries/slips?id=${own.split('/').at(-1)}&id=${part.split('/').at(-1)}`);
  assert.equal(await page.getByText('다른 날 배송:').count(), 2);
  await page.goto(part);
  await clickButton(page, '나누기 취소');
  await page.getByText('일감을 취소했어요: 나눈 배송').waitFor();
  await page.goto(own);
  await page.getByRole('heading', { name: '나누어 배송' }).waitFor();
});
