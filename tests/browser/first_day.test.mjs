// The first day: a new shop is tried out before it is set up, and a new colleague gets a printed page.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, createFirstAdmin, mainText, open, setUpAndLogIn } from './browser.mjs';
import { clickButton } from './flows.mjs';
import { setupPath } from './server.mjs';

after(closeBrowser);

const pagesOf = (pdf) => pdf.toString('latin1').match(/\/Type\s*\/Page[^s]/g).length;

test('new shop opens a demo shop to practise in, which ends with it', async (t) => {
  const { page, server } = await open(t);
  await page.goto(setupPath(server.url));
  for (const way of ['백업에서 복원하기', '연습해 보기']) await page.locator('summary').filter({ hasText: way }).click();
  await checkPage(page, 'setup-ways');
  await page.goto('/setup');
  await page.locator('summary').filter({ hasText: '연습해 보기' }).click();
  const form = page.locator('form[action="/setup/practice"]');
  await form.getByLabel('설치 확인 번호').fill('AAAA-AAAA-AAAA');
  await clickButton(page, '연습 가게 켜기');
  assert.match(await form.innerText(), /설치 확인 번호가 맞지 않아요/);

  await page.goto(setupPath(server.url));
  await page.locator('summary').filter({ hasText: '연습해 보기' }).click();
  await clickButton(page, '연습 가게 켜기');
  const link = page.getByRole('link', { name: '연습 가게 열기' });
  const url = await link.getAttribute('href');
  await checkPage(page, 'setup-practice');
  const login = await fetch(`${url}/login`);
  assert.match(await login.text(), /demo-admin/);
  await page.getByRole('link', { name: /내 가게 시작하기/ }).click();
  await page.waitForURL(/\/setup\?code=/);
  await createFirstAdmin(page);
  await server.stop();
  await assert.rejects(fetch(url), 'ends with the program');
});

test('handbook of each role is one sheet with the data of the shop', async (t) => {
  const { page } = await open(t);
  await setUpAndLogIn(page);
  await page.goto('/shop');
  await page.getByLabel('상호').fill('보기 침대');
  await page.getByLabel('프로그램을 물어볼 사람').fill('김과장 010-0000-0001');
  await page.getByLabel('A4 한 장에 둘').check();
  await clickButton(page, '저장');
  await checkPage(page, 'shop');
  assert.ok(await page.getByLabel('A4 한 장에 둘').isChecked());
  await page.goto('/help');
  await page.getByRole('link', { name: '새 직원 안내서' }).click();
  await page.waitForURL('**/help/handbook');
  for (const role of ['관리자', '배송팀', '기사']) {
    await page.getByRole('navigation', { name: '역할' }).getByRole('link', { name: role }).click();
    await page.waitForURL(/role=/);
    assert.match(await mainText(page), /보기 침대[^]*김과장 010-0000-0001/);
    assert.equal(pagesOf(await page.pdf({ preferCSSPageSize: true })), 1, role);
  }
  await checkPage(page, 'handbook');
});
