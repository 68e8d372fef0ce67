// Site cards: asked once for a building, found for its next order, reckoned with by the plan.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, enterDemo, koreanDay, mainText, open } from './browser.mjs';

after(closeBrowser);

const DEMO = { command: ['demo', '--orders', '2000'] };

test('card of a building adds its stairs to the work of the delivery', async (t) => {
  const { page } = await open(t, DEMO);
  await enterDemo(page);
  const day = koreanDay(1);
  await page.goto(`/plans?day=${day}`);
  await page.locator('.plan-name').first().click();
  const minutes = async () => {
    const [, hours = 0, rest = 0] = /(?:(\d+)시간 ?)?(?:(\d+)분)? · \d+명/.exec(await mainText(page));
    return Number(hours) * 60 + Number(rest);
  };
  await page.getByRole('link', { name: '현장 카드' }).click();
  await checkPage(page, 'sites-show');
  await page.getByLabel('엘리베이터').selectOption('fits');
  await page.getByLabel('사다리차').selectOption('');
  await page.getByLabel('차에서 입구까지 (m)').fill('0');
  await page.getByRole('button', { name: '저장' }).click();
  assert.match(await mainText(page), /현장 카드를 저장했어요/);
  const job = page.url().replace('/sites/', '/plans/jobs/').split('?')[0];
  await page.goto(job);
  const before = await minutes();
  await page.getByRole('link', { name: '현장 카드' }).click();
  await page.getByLabel('엘리베이터').selectOption('missing');
  await page.getByLabel('층', { exact: true }).fill('4');
  await page.getByLabel('공동현관 비밀번호').fill('#8246');
  await page.getByRole('button', { name: '저장' }).click();
  assert.match(await mainText(page), /공동현관 비밀번호가 있어요/);
  assert.match(await mainText(page), /상품 한 개마다 6분/);
  await checkPage(page, 'sites-saved');
  await page.goto(job);
  assert.ok((await minutes()) >= before + 6, 'three floors of stairs');
});

test('rates and learnt values are shown', async (t) => {
  const { page } = await open(t, DEMO);
  await enterDemo(page);
  await page.goto('/sites/rates');
  await checkPage(page, 'sites-rates');
  await page.getByLabel('계단 한 층 (원)').fill('5000');
  await page.getByRole('button', { name: '저장' }).click();
  assert.match(await mainText(page), /현장 기준을 저장했어요/);
  await page.goto('/learning');
  await checkPage(page, 'learning');
  await page.getByRole('button', { name: /받아들이기/ }).first().click();
  assert.match(await mainText(page), /작업 시간을 .+에서 .+으로 바꿨어요/);
});
