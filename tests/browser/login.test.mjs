// Login: remember-me, reauthentication, stolen token, wrong password.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, mainText, open, setUpAndLogIn } from './browser.mjs';
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

/** Drops the session cookies, as closing the browser does. */
const reopenBrowser = async (page) => {
  const cookies = await page.context().cookies();
  await page.context().clearCookies();
  await page.context().addCookies(cookies.filter(({ expires }) => expires > 0));
};

test('remember-me login survives a browser restart and can be revoked', async (t) => {
  const { page, window } = await open(t, withMembers);
  await submitLogin(page, ADMIN, true);
  await reopenBrowser(page);
  await page.goto('/orders');
  assert.equal(new URL(page.url()).pathname, '/orders');
  await page.goto('/members');
  assert.equal(new URL(page.url()).pathname, '/password', 'sensitive pages need the password again');
  await checkPage(page, 'password-again');
  await page.getByLabel('비밀번호', { exact: true }).fill('wrong-password');
  await clickButton(page, '확인');
  await checkPage(page, 'password-again-wrong');
  await page.getByLabel('비밀번호', { exact: true }).fill(ADMIN.password);
  await clickButton(page, '확인');
  assert.equal(new URL(page.url()).pathname, '/members');

  const phone = await window({ viewport: { width: 360, height: 740 } });
  await submitLogin(phone, ADMIN, true);
  await page.goto('/account');
  await checkPage(page, 'account');
  await confirmedClick(page, '다른 기기 모두 로그아웃');
  assert.match(await mainText(page), /다른 기기 1대에서 로그아웃했어요/);
  await phone.goto('/orders');
  assert.equal(new URL(phone.url()).pathname, '/login');

  await page.locator('details.account summary').click();
  await page.locator('details.account').getByRole('button', { name: '로그아웃' }).click();
  await page.waitForURL('**/login?bye=1');
  await page.goto('/orders');
  assert.equal(new URL(page.url()).pathname, '/login', 'logging out revokes the token');
});

test('reauthentication keeps the submitted form', async (t) => {
  const { page } = await open(t, withMembers);
  await submitLogin(page, ADMIN, true);
  await page.goto('/members/new');
  await page.getByLabel('아이디').fill('박기사');
  await reopenBrowser(page);
  await clickButton(page, '추가하기');
  assert.match(await mainText(page), /입력한 내용은 그대로 있어요/);
  await page.getByLabel('비밀번호', { exact: true }).fill(ADMIN.password);
  await clickButton(page, '확인');
  assert.match(await mainText(page), /회원을 추가했어요/);
});

test('page about a stolen remember-me token', async (t) => {
  const { page } = await open(t, withMembers);
  await page.goto('/login?stolen=1');
  assert.match(await page.getByRole('alert').innerText(), /모든 기기에서 로그아웃했어요/);
  await checkPage(page, 'login-stolen');
});

test('wrong password keeps the username only', async (t) => {
  const { page } = await open(t);
  await setUpAndLogIn(page);
  await page.context().clearCookies();
  await page.goto('/login');
  await page.getByLabel('아이디').fill(ADMIN.username);
  await page.getByLabel('비밀번호', { exact: true }).fill('not-the-password');
  await page.getByRole('button', { name: '로그인' }).click();
  await page.getByRole('alert').waitFor();
  assert.equal(await page.getByLabel('아이디').inputValue(), ADMIN.username);
  assert.equal(await page.getByLabel('비밀번호', { exact: true }).inputValue(), '');
});
