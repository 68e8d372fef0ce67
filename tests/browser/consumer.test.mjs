// The dates of an order: delay notice, cost of a cancellation; and the demand of a person.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, enterDemo, open } from './browser.mjs';

after(closeBrowser);

test('order has its dates, and a delay is recorded with its text', async (t) => {
  const { page } = await open(t, { command: ['demo', '--orders', '60'] });
  await enterDemo(page);
  await page.goto('/consumer');
  await checkPage(page, 'consumer');
  await page.goto('/orders');
  await page.locator('tbody.order a[href^="/orders/"]').first().click();
  await page.getByRole('link', { name: '기한과 청약철회' }).click();
  await page.getByRole('heading', { name: '공급 기한' }).waitFor();
  await page.getByLabel('왜 늦나요').fill('원목이 늦게 들어왔어요.');
  await page.getByRole('button', { name: '알렸어요' }).click();
  await page.getByText('지연을 알린 것을 기록했어요.').first().waitFor();
  assert.match(await page.locator('.notice.info').first().innerText(), /원목이 늦게 들어왔어요/);
  await page.getByLabel('배달하기로 한 날').fill('2030-01-10');
  await page.getByLabel('취소하는 날').fill('2030-01-08');
  await page.getByLabel('상품대금').fill('1000000');
  await page.getByLabel('받은 돈').fill('1000000');
  await page.getByRole('button', { name: '계산하기' }).first().click();
  await page.getByText('위약금 100,000원').waitFor();
  await checkPage(page, 'consumer-order');
});

test('demand of a person is recorded, done and answered', async (t) => {
  const { page } = await open(t, { command: ['demo', '--orders', '60'] });
  await enterDemo(page);
  await page.goto('/orders');
  await page.locator('tbody.order a[href^="/orders/"]').first().click();
  const id = new URL(page.url()).pathname.split('/')[2];
  await page.goto(`/privacy/people/${id}?role=customer`);
  await page.getByLabel('요구', { exact: true }).selectOption('delete');
  await page.getByLabel('누가 무엇을 요구했나요').fill('본인이 전화로 삭제를 요구함');
  await page.getByRole('button', { name: '기록하기' }).click();
  await page.getByRole('heading', { name: '삭제 요구' }).waitFor();
  await checkPage(page, 'request');
  await page.getByLabel('어떻게 답했나요').selectOption('refused');
  await page.getByLabel('내용').fill('본인이 아니었어요');
  await page.getByRole('button', { name: '답 기록하기' }).click();
  await page.getByText('거절함').first().waitFor();
  await page.goto('/privacy/requests');
  await page.getByText('본인이 전화로 삭제를 요구함').waitFor();
  await checkPage(page, 'requests');
});
