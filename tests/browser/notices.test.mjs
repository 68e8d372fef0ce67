// Texts for customers: from a fixed plan to the file for a sender, and again after the plan has changed.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, enterDemo, koreanDay, mainText, open } from './browser.mjs';

after(closeBrowser);

const DEMO = { command: ['demo', '--orders', '2000'] };

/** Plans and fixes the first day that the demo has deliveries for and no plan; returns it. */
async function fixDay(page) {
  const day = koreanDay(3);
  await page.goto(`/plans?day=${day}`);
  for (const name of ['모두 배차', '모두 확정']) {
    await page.getByRole('button', { name, exact: true }).click();
    await page.locator('.notice').first().waitFor();
  }
  return day;
}

/** Presses the button of the form and returns the text of the file. */
async function download(page) {
  const waiting = page.waitForEvent('download');
  await page.getByRole('button', { name: /내려받고/ }).click();
  return readFileSync(await (await waiting).path(), 'utf8');
}

test('customers of a fixed plan are told once, and again when the file was not sent', async (t) => {
  const { page } = await open(t, DEMO);
  await enterDemo(page);
  const day = await fixDay(page);
  await page.getByRole('link', { name: '안내 문자', exact: true }).click();
  await checkPage(page, 'notices');
  const waiting = await page.getByText('안내 전', { exact: true }).count();
  assert.ok(waiting >= 4, `${waiting} customers wait`);
  await page.getByRole('link', { name: '파일로 받기' }).first().click();
  await checkPage(page, 'notices-download');
  await page.getByLabel('CSV (.csv)').check();
  const csv = await download(page);
  const lines = csv.trim().split('\r\n');
  assert.match(lines[0], /수신번호,이름,종류,바이트,내용/);
  assert.match(csv, /\d\d:\d\d~\d\d:\d\d/);

  await page.goto(`/notices?day=${day}`);
  assert.match(await mainText(page), /방문 안내 \d\d:\d\d~\d\d:\d\d/);
  await checkPage(page, 'notices-told');
  await page.goto(`/plans?day=${day}`);
  assert.ok((await page.locator('.plan-card .tag.accent', { hasText: '~' }).count()) > 0, 'the plan keeps what was told');
  await page.goto(`/notices?day=${day}`);
  await page.getByRole('button', { name: /보내지 않았어요/ }).click();
  assert.match(await mainText(page), /보내지 않은 것으로 바꿨어요/);
  assert.equal(await page.getByText('안내 전', { exact: true }).count(), waiting);
});

test('wording is previewed with its bytes and saved', async (t) => {
  const { page } = await open(t, DEMO);
  await enterDemo(page);
  await page.goto('/notices/wordings');
  await checkPage(page, 'notices-wordings');
  const form = page.locator('form.wording').first();
  await form.getByLabel(/^문구/).fill('{이름} 님, {시간대}에 가요.');
  await form.getByRole('button', { name: '미리보기' }).click();
  assert.match(await form.innerText(), /SMS \d+바이트/);
  await form.getByLabel(/^문구/).fill('{없는말}');
  await form.getByRole('button', { name: '저장' }).click();
  assert.match(await form.innerText(), /이 문구에 쓸 수 없어요/);
  await form.getByLabel(/^문구/).fill('{이름} 님, {시간대}에 가요.');
  await form.getByRole('button', { name: '저장' }).click();
  assert.match(await mainText(page), /방문 안내 문구를 저장했어요/);
});

test('texts are prepared without scripts', async (t) => {
  const { page } = await open(t, { ...DEMO, javaScriptEnabled: false });
  await enterDemo(page);
  const day = await fixDay(page);
  await page.goto(`/notices/download?day=${day}&batch=visit`);
  assert.match(await download(page), /PK/);
});
