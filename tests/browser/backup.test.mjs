// Backup: status page, manual snapshot and verification, key, restore in the browser and on the command line.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, logIn, mainText, open, setUpAndLogIn } from './browser.mjs';
import { apply, clickButton, openFolder, preview } from './flows.mjs';
import { ADMIN, run, setupPath } from './server.mjs';

after(closeBrowser);

/** Reloads the page until its text matches. */
async function waitForText(page, pattern) {
  for (let tries = 0; tries < 60; tries += 1) {
    await page.goto('/backup');
    if (pattern.test(await mainText(page))) return;
    await page.waitForTimeout(500);
  }
  assert.fail(`${pattern} not found: ${await mainText(page)}`);
}

async function confirmPassword(page) {
  const password = page.getByLabel('비밀번호', { exact: true });
  if (await password.isVisible()) {
    await password.fill(ADMIN.password);
    await page.getByRole('main').getByRole('button').first().click();
  }
}

test('page without a backup explains how to configure it', async (t) => {
  const { page } = await open(t);
  await setUpAndLogIn(page);
  await page.goto('/backup');
  assert.match(await mainText(page), /백업이 꺼져 있어요/);
  await checkPage(page, 'backup-off');
});

test('upload is backed up, verified, encrypted and restored', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'mukkeum-backup-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const copies = path.join(folder, 'copies');
  mkdirSync(copies);
  const { page, server } = await open(t, { command: ['serve', '--backup', `file://${copies}`] });
  await setUpAndLogIn(page);
  await preview(page, '01_smartstore_orders_72col.xlsx');
  await apply(page);
  await waitForText(page, /복사 중/);

  await page.getByRole('button', { name: '지금 전체 백업' }).click();
  await page.getByText('전체 백업을 만들고 있어요').waitFor();
  await page.getByRole('button', { name: '지금 복원 테스트' }).click();
  await page.getByText('임시로 복원해서 확인하고 있어요').first().waitFor();
  await waitForText(page, /복원 테스트\s+20\d\d[^\n]*주문 \d+건/);
  // The page loads itself again when the full backup has ended as well.
  await page.locator('[data-poll]').waitFor({ state: 'detached' });
  await checkPage(page, 'backup');

  await page.getByRole('button', { name: '열쇠 보고 인쇄하기' }).click();
  await confirmPassword(page);
  await page.getByRole('heading', { name: '백업 열쇠' }).waitFor();
  assert.equal(await page.getByRole('listitem').locator('code').count(), 14);
  await checkPage(page, 'backup-key');
  const key = (await page.getByRole('listitem').locator('code').allInnerTexts()).join('-');
  await page.getByRole('link', { name: '인쇄했거나 적어 뒀어요' }).click();

  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: '데이터 파일 받기' }).click();
  const file = path.join(folder, 'downloaded.db');
  await (await download).saveAs(file);
  assert.ok(existsSync(file));

  const orders = Number(/주문 (\d+)건/.exec(await mainText(page))[1]);
  const out = path.join(folder, 'restored.db');
  const keyFile = ['--key-file', path.join(server.data, 'backup.key')];
  const restored = run(['restore', '--from', `file://${copies}`, '--out', out, ...keyFile, '--json']);
  assert.equal(restored.status, 0, restored.stderr);
  assert.equal(JSON.parse(restored.stdout).orders, orders);
  const second = run(['restore', '--from', `file://${copies}`, '--out', out, ...keyFile]);
  assert.equal(second.status, 2);
  assert.match(second.stderr, /이미 있어요/);
  const empty = await open(t);
  await empty.page.goto(setupPath(empty.server.url));
  await empty.page.locator('summary').filter({ hasText: '백업에서 복원하기' }).click();
  await clickButton(empty.page, '백업이 있는 곳 선택하기');
  await openFolder(empty.page, folder);
  await empty.page.getByText('이 폴더에는 백업이 없어요').waitFor();
  await empty.page.getByRole('link', { name: 'copies', exact: true }).click();
  const form = empty.page.locator('form').filter({ hasText: '폴더에 백업이 있어요' });
  await form.getByLabel('암호화하지 않은 백업').check();
  await checkPage(empty.page, 'setup-restore');
  await clickButton(empty.page, '복원해서 시작하기');
  await empty.page.getByRole('heading', { name: '복원하지 못했어요' }).waitFor();
  await checkPage(empty.page, 'setup-restore-failed');
  await empty.page.getByRole('link', { name: '다시 복원하기' }).click();
  await form.getByLabel('백업 열쇠').fill(key);
  await clickButton(empty.page, '복원해서 시작하기');
  await empty.page.getByText(`주문은 ${orders}건`).waitFor();
  await empty.page.waitForURL('**/login');
  await logIn(empty.page);
  await empty.page.goto('/orders');
  assert.match(await mainText(empty.page), new RegExp(`${orders}건`));

  const live = run(['restore', '--from', `file://${copies}`, '--out', path.join(server.data, 'mukkeum.db'), '--overwrite', ...keyFile]);
  assert.equal(live.status, 2);
  assert.match(live.stderr, /켜져 있는/);
});
