// Authenticator app: setting up, login with it, recovery codes, a lost phone.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, logIn, mainText, open } from './browser.mjs';
import { clickButton, confirmedClick } from './flows.mjs';
import { ADMIN, TEAM, addMember } from './server.mjs';

after(closeBrowser);

const withMembers = { prepare: (data) => { addMember(data, ADMIN, 'admin'); addMember(data, TEAM, 'logistics'); } };

/** The code that an app shows: RFC 6238 over node:crypto, independent of the program. */
function totp(secret, now = Date.now()) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(now / 30_000)));
  const hash = createHmac('sha1', key).update(counter).digest();
  const number = hash.readUInt32BE(hash[19] & 0xf) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}

const enroll = async (page, { password } = ADMIN) => {
  await page.goto('/account');
  await page.getByRole('link', { name: '연결하기', exact: true }).click();
  await checkPage(page, 'totp');
  const secret = (await page.locator('code.secret').innerText()).replaceAll(' ', '');
  // The code of the step before: that of the present one stays unused for the login.
  await page.getByLabel('앱에 나오는 여섯 자리').fill(totp(secret, Date.now() - 30_000));
  await page.getByLabel('현재 비밀번호').fill(password);
  await clickButton(page, '연결');
  await checkPage(page, 'recovery-codes');
  const codes = await page.locator('.recovery-codes code').allInnerTexts();
  assert.equal(codes.length, 10);
  await page.getByRole('link', { name: '적어 두었어요' }).click();
  return { secret, codes };
};

const enterCode = async (page, code) => {
  await page.getByLabel('인증 앱에 지금 나오는 여섯 자리').fill(code);
  await clickButton(page, '확인');
};

test('login asks for the code of the app, or for a recovery code', async (t) => {
  const { page, window } = await open(t, withMembers);
  await logIn(page);
  const { secret, codes } = await enroll(page);
  const other = await window();
  await logIn(other);
  await other.waitForURL('**/login/code');
  await checkPage(other, 'login-code');
  await enterCode(other, '000000');
  assert.match(await mainText(other), /인증 번호가 맞지 않아요/);
  await checkPage(other, 'login-code-wrong');
  await enterCode(other, totp(secret));
  await other.waitForURL((url) => url.pathname === '/');

  const phone = await window({ viewport: { width: 360, height: 740 } });
  await logIn(phone);
  await enterCode(phone, codes[0].toLowerCase());
  await phone.waitForURL((url) => url.pathname === '/');
  await phone.goto('/account/totp');
  assert.match(await mainText(phone), /남은 복구 코드는 9개/);
});

test('administrator demands the app of a member and resets it', async (t) => {
  const { page, window } = await open(t, withMembers);
  await logIn(page);
  await page.goto('/members');
  await page.getByRole('link', { name: TEAM.username }).click();
  await clickButton(page, '인증 앱을 꼭 쓰게 하기');
  const driver = await window({ viewport: { width: 360, height: 740 } });
  await logIn(driver, TEAM);
  assert.equal(new URL(driver.url()).pathname, '/account');
  await checkPage(driver, 'account-must-enroll');
  await enroll(driver, TEAM);
  await driver.goto('/deliveries');
  assert.equal(new URL(driver.url()).pathname, '/deliveries');
  await page.reload();
  assert.match(await mainText(page), /연결함 · 꼭 써야 해요/);
  await confirmedClick(page, '인증 앱 풀기');
  assert.match(await mainText(page), /인증 앱을 풀었어요/);
});
