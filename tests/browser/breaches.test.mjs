// The worksheet of a leak.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, logIn, open } from './browser.mjs';
import { ADMIN, addMember } from './server.mjs';

after(closeBrowser);

test('case is opened, worked on and closed', async (t) => {
  const { page } = await open(t, { prepare: (data) => addMember(data, ADMIN, 'admin') });
  await logIn(page);
  await page.goto('/privacy/breaches');
  await checkPage(page, 'breaches');
  await page.getByLabel('무슨 일인가요').selectOption('device');
  await page.getByLabel('무슨 일이 있었는지').fill('기사의 휴대전화를 잃어버렸어요.');
  await page.getByLabel('가게가 한 일과 피해를 구제하는 방법').fill('휴대전화를 끊고 경찰에 신고했어요.');
  await page.getByRole('button', { name: '사건 열기' }).click();
  await page.getByRole('heading', { name: '휴대전화·컴퓨터·USB를 잃어버림' }).waitFor();
  await checkPage(page, 'breach');
  assert.match(await page.locator('.sample').innerText(), /유출 가능성 안내[\s\S]*휴대전화를 끊고/);
  for (;;) {
    const form = page.locator('.breach-steps li', { has: page.locator('.tag', { hasText: /아직|72시간/ }) }).first();
    if (await form.count() === 0) break;
    await form.getByRole('textbox').fill('했어요');
    await form.getByRole('button', { name: /했어요$/ }).click();
    await page.getByRole('heading', { name: '할 일' }).waitFor();
  }
  page.on('dialog', (dialog) => dialog.accept());
  await page.getByRole('button', { name: '사건 마치기' }).click();
  const sure = page.getByRole('dialog').getByRole('button', { name: /사건 마치기|확인|네/ });
  if (await sure.count() > 0) await sure.first().click();
  await page.getByText('에 마쳤어요. 대상은').waitFor();
});
