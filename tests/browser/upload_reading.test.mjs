// Uploads of files that people have changed: the page says what was read.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, mainText, open, screenshot, setUpAndLogIn } from './browser.mjs';
import { apply, clickButton, counts, preview } from './flows.mjs';
import { fixture } from './server.mjs';

after(closeBrowser);

const caseFile = (name) => fixture(`cases/${name}`);

test('all visible sheets are read, and each row names its sheet', async (t) => {
  const { page } = await open(t);
  await setUpAndLogIn(page);
  await preview(page, caseFile('11-several-sheets/two-days.xlsx'));
  assert.deepEqual(await counts(page), [5, 0, 0]);
  await page.getByRole('heading', { name: '읽은 내용' }).waitFor();
  const text = await mainText(page);
  assert.match(text, /시트 2개를 읽었어요: 11월26일, 11월27일/);
  assert.match(text, /11월27일 2/, 'the row of the second sheet');
  await screenshot(page, 'upload-sheets');
  await checkPage(page);
  await apply(page);
  assert.deepEqual(await counts(page), [5, 0, 0]);
});

test('hidden rows are taken and told', async (t) => {
  const { page } = await open(t);
  await setUpAndLogIn(page);
  await preview(page, caseFile('10-hidden-rows/filtered.xlsx'));
  assert.deepEqual(await counts(page), [4, 0, 0]);
  assert.match(await mainText(page), /숨긴 행 2개도 들어 있어요/);
});

test('web table named .xls is read', async (t) => {
  const { page } = await open(t);
  await setUpAndLogIn(page);
  await preview(page, caseFile('34-html-and-xml-xls/orders-euckr.xls'));
  assert.deepEqual(await counts(page), [2, 0, 0]);
});

test('one tracking number for different people is decided by a person', async (t) => {
  const { page } = await open(t);
  await setUpAndLogIn(page);
  await preview(page, caseFile('20-duplicate-tracking/orders.xlsx'));
  await apply(page);
  await preview(page, caseFile('20-duplicate-tracking/same-number.xlsx'));
  await apply(page);
  assert.match(await mainText(page), /같은 송장번호가 다른 수취인/);
  await page.getByRole('link', { name: /정할 송장번호/ }).click();
  await page.getByRole('button', { name: '2행 새 번호로 바꾸기' }).waitFor();
  await screenshot(page, 'upload-shared-number');
  await clickButton(page, '2행 새 번호로 바꾸기');
  assert.match(await mainText(page), /새 번호로 바꿈/);
});
