// What was typed is kept over a login that ran out, for the member who typed it.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, mainText, open } from './browser.mjs';
import { apply, clickButton, openOrder, preview, saveOrder } from './flows.mjs';
import { ADMIN, TEAM, addMember } from './server.mjs';

const NUMBER = '2024031500000001';
const MEMO = '문 앞 "왼쪽" & 벨 누르지 말아 주세요';

after(closeBrowser);

const enter = async (page, { username, password }) => {
  await page.getByLabel('아이디').fill(username);
  await page.getByLabel('비밀번호', { exact: true }).fill(password);
  await clickButton(page, '로그인');
};

/** A member who types a memo into the page of an order, while the session ends. */
async function typeWhileTheSessionEnds(t, options) {
  const opened = await open(t, { prepare: (data) => { addMember(data, ADMIN, 'admin'); addMember(data, TEAM, 'logistics'); }, ...options });
  const { page } = opened;
  await page.goto('/login');
  await enter(page, ADMIN);
  await preview(page, '01_smartstore_orders_72col.xlsx');
  await apply(page);
  await openOrder(page, NUMBER);
  await page.getByLabel('배송메모', { exact: true }).fill(MEMO);
  await page.context().clearCookies({ name: /session/ });
  await clickButton(page, '저장');
  await page.waitForURL(/\/login/);
  assert.match(await mainText(page), /로그인이 끊겼어요/);
  return opened;
}

for (const javaScriptEnabled of [true, false]) {
  test(`a form is sent after the next login, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async (t) => {
    const { page } = await typeWhileTheSessionEnds(t, { javaScriptEnabled });
    await checkPage(page, 'login-form-kept');
    await enter(page, ADMIN);
    await page.waitForURL('**/account/unsent');
    await checkPage(page, 'unsent');
    await clickButton(page, '마저 저장하기');
    await page.locator('.notice').first().waitFor();
    await openOrder(page, NUMBER);
    assert.equal(await page.getByLabel('배송메모', { exact: true }).inputValue(), MEMO);
    await page.goto('/account/unsent');
    assert.notEqual(new URL(page.url()).pathname, '/account/unsent', 'it is offered once');
  });
}

test('another member does not get the form, and nothing stays in the browser', async (t) => {
  const { page } = await typeWhileTheSessionEnds(t);
  await enter(page, TEAM);
  assert.doesNotMatch(page.url(), /unsent/);
  await page.goto('/account/unsent');
  assert.doesNotMatch(await page.content(), /벨 누르지/);
  await page.locator('details.account summary').click();
  await page.locator('details.account').getByRole('button', { name: '로그아웃' }).click();
  await page.waitForURL('**/login?bye=1');
  const stored = await page.evaluate(() => [...Object.entries(sessionStorage), ...Object.entries(localStorage)]);
  assert.deepEqual(stored, []);
});

test('a form of an earlier login is offered again in another tab', async (t) => {
  const { page, server } = await typeWhileTheSessionEnds(t);
  await enter(page, ADMIN);
  await page.waitForURL('**/account/unsent');
  await clickButton(page, '버리기');
  await openOrder(page, NUMBER);
  await page.getByLabel('배송메모', { exact: true }).fill('다른 탭');
  const tab = await page.context().newPage();
  await page.context().clearCookies({ name: /session/ });
  await tab.goto(`${server.url}/login`);
  await enter(tab, ADMIN);
  await saveOrder(page).catch(() => {});
  await page.waitForURL('**/account/unsent');
  await clickButton(page, '마저 저장하기');
  await openOrder(page, NUMBER);
  assert.equal(await page.getByLabel('배송메모', { exact: true }).inputValue(), '다른 탭');
});
