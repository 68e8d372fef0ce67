// Members: add, first login, disable, change role, issue a password.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, logIn, mainText, open } from './browser.mjs';
import { clickButton, confirmedClick } from './flows.mjs';
import { ADMIN, TEAM, addMember } from './server.mjs';

after(closeBrowser);

const withMembers = { prepare: (data) => { addMember(data, ADMIN, 'admin'); addMember(data, TEAM, 'logistics'); } };

const submitLogin = async (page, { username, password }, remember) => {
  await page.goto('/login');
  await page.getByLabel('아이디').fill(username);
  await page.getByLabel('비밀번호', { exact: true }).fill(password);
  if (remember) await page.getByLabel('로그인 유지').check();
  await clickButton(page, '로그인');
};

for (const javaScriptEnabled of [true, false]) {
  test(`member is added, disabled, promoted and removed, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async (t) => {
    const { page, window } = await open(t, { ...withMembers, javaScriptEnabled });
    const act = javaScriptEnabled ? confirmedClick : clickButton;
    await logIn(page);
    await page.locator('details.account summary').click();
    await page.locator('details.account').getByRole('link', { name: '회원', exact: true }).click();
    await page.waitForURL('**/members');
    await checkPage(page, 'members');
    await page.getByRole('link', { name: '회원 추가' }).click();
    await page.getByLabel('아이디').fill(TEAM.username);
    await checkPage(page, 'member-new');
    await clickButton(page, '추가하기');
    assert.match(await mainText(page), /이미 쓰고 있는 아이디예요/);
    await checkPage(page, 'member-new-mistake');
    await page.getByLabel('아이디').fill('김기사');
    await page.getByLabel('배송팀').check();
    await clickButton(page, '추가하기');
    const password = (await mainText(page)).match(/[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}/)[0];
    await checkPage(page, 'member-issued');

    const driver = await window({ viewport: { width: 360, height: 740 } });
    await submitLogin(driver, { username: '김기사', password });
    assert.match(await mainText(driver), /나만 아는 비밀번호로 바꾸면/);
    await driver.goto('/deliveries');
    assert.equal(new URL(driver.url()).pathname, '/account', 'no other page before the password is changed');
    await checkPage(driver, 'account-must-change');
    await driver.getByLabel('현재 비밀번호').fill(password);
    await driver.getByLabel('새 비밀번호', { exact: true }).fill('트럭-열쇠는-주머니에');
    await driver.getByLabel('새 비밀번호 확인').fill('트럭-열쇠는-주머니에');
    await clickButton(driver, '바꾸기');
    assert.equal(new URL(driver.url()).pathname, '/deliveries');

    await page.goto('/members');
    await page.getByRole('link', { name: '김기사' }).click();
    await page.waitForURL(/\/members\/[^/]+$/);
    await checkPage(page, 'member');
    await act(page, '사용 중지');
    assert.match(await mainText(page), /이제 로그인하지 못해요/);
    await driver.goto('/deliveries');
    assert.equal(new URL(driver.url()).pathname, '/login', 'the session ends at once');
    await clickButton(page, '사용 재개');
    await page.getByLabel('역할').selectOption({ label: '관리자' });
    await act(page, '역할 바꾸기');
    assert.match(await mainText(page), /‘관리자’ 역할이에요/);
    await act(page, '임시 비밀번호 발급');
    assert.match(await mainText(page), /[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}/);
    await page.goto('/members');
    await page.getByRole('link', { name: ADMIN.username, exact: true }).click();
    await page.waitForURL(/\/members\/[^/]+$/);
    await act(page, '사용 중지');
    assert.equal(new URL(page.url()).pathname, '/login', 'the last but one administrator can be disabled');
  });
}
