// The main job: a file of orders goes in, the day's work is done in the list.

import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { closeBrowser, enter, firstAdmin, login, mainText, open, shot } from './browser.mjs';
import { apply, counts, list, mend, orderNumbers, press, preview, search, tick, total } from './flows.mjs';
import { ADMIN } from './server.mjs';

const FIRST = '01_smartstore_orders_72col.xlsx';
const LOCKED = '02_smartstore_encrypted_agile_aes256_sha512.xlsx';
const THREE = ['2024031500000001', '2024031500000005', '2024031500000009'];

after(closeBrowser);

// Kept free of scripts, so that it is the same with JavaScript on and off.
async function theDay(page) {
  await firstAdmin(page);
  if (new URL(page.url()).pathname === '/login') await login(page);

  await preview(page, FIRST);
  assert.deepEqual(await counts(page), [23, 1, 0]);
  assert.match(await mainText(page), /미리보기/);
  await list(page);
  assert.equal(await total(page), 0, 'a preview changes nothing');

  await preview(page, FIRST);
  await apply(page);
  assert.deepEqual(await counts(page), [23, 1, 0]);
  await list(page);
  assert.equal(await total(page), 23);

  await search(page, async () => {
    await page.locator('select[name=field]').selectOption({ label: '수취인명' });
    await page.locator('input[name=q]').fill('홍길동');
  });
  assert.equal(await total(page), 3);
  await list(page, { field: 'recipient_name', q: 'ㅎㄱㄷ' });
  assert.equal(await total(page), 3, 'initial consonants find names');

  await list(page);
  await search(page, () => page.locator('select[name=product]').selectOption({ label: '예시침구 경추 베개' }));
  assert.equal(await total(page), 4);

  await list(page);
  const header = () => page.getByRole('columnheader', { name: /주문일/ }).getByRole('link');
  await header().click();
  await header().click();
  const oldestFirst = await orderNumbers(page);
  assert.equal(oldestFirst.length, 23);
  assert.deepEqual(oldestFirst, oldestFirst.toSorted());

  await list(page, { q: '', state: 'PLACED' });
  const address = page.url();
  await press(page, '선택발주');
  assert.match(await mainText(page), /선택/, 'nothing ticked says so');
  await tick(page, THREE);
  await press(page, '선택발주');
  assert.equal(new URL(page.url()).searchParams.get('state'), new URL(address).searchParams.get('state'));
  assert.match(await mainText(page), /(?<!\d)3건/);
  assert.equal(await total(page), 20);
  await list(page, { state: 'PURCHASED' });
  assert.equal(await total(page), 3);
  assert.deepEqual((await orderNumbers(page)).toSorted(), THREE);

  await list(page);
  await tick(page, [...THREE, '2024031500000002']);
  await press(page, '선택발주');
  await list(page, { state: 'PURCHASED' });
  assert.equal(await total(page), 4, 'those already ordered are left as they are');

  await preview(page, FIRST);
  assert.deepEqual(await counts(page), [0, 24, 0], 'the same file again changes nothing');
}

test('a day in the office', async (t) => {
  const { page } = await open(t);
  await theDay(page);
});

test('a day in the office without JavaScript', async (t) => {
  const { page } = await open(t, { javaScriptEnabled: false });
  await theDay(page);
});

test('an encrypted file opens with its password and with no other', async (t) => {
  const { page } = await open(t);
  await enter(page);
  await preview(page, LOCKED);
  const password = page.getByLabel('비밀번호');
  await password.waitFor();
  await shot(page, 'upload-locked');
  await password.fill('4321');
  await page.getByRole('button', { name: '열기' }).click();
  await page.waitForLoadState();
  assert.match(await mainText(page), /비밀번호가 (맞지 않|틀)/);
  assert.equal(await page.getByLabel('비밀번호').inputValue(), '', 'a password is not kept in the form');

  await page.getByLabel('비밀번호').fill('1234');
  await page.getByRole('button', { name: '열기' }).click();
  await page.getByRole('button', { name: '적용' }).waitFor();
  assert.deepEqual(await counts(page), [12, 0, 0]);
  await apply(page);
  await list(page);
  assert.equal(await total(page), 12);
});

test('rejected rows are shown, downloaded, and recognised when they come back', async (t) => {
  const { page, folder } = await open(t);
  await enter(page);
  await preview(page, 'B06_bad_values.xlsx');
  assert.deepEqual(await counts(page), [3, 0, 13]);
  await apply(page);
  assert.deepEqual(await counts(page), [3, 0, 13]);
  const text = await mainText(page);
  for (const shown of ['두개', '내일까지', '2024-02-30', '연락처 없음', '만이천원', '20240318-ABC', '수취인명', '수량']) {
    assert.ok(text.includes(shown), `the report tells of ${shown}`);
  }
  await shot(page, 'upload-rejected');

  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: '거절된 행 내려받기' }).click(),
  ]);
  assert.match(download.suggestedFilename(), /\.xlsx$/);
  const saved = path.join(folder, 'rejected.xlsx');
  await download.saveAs(saved);
  assert.ok(statSync(saved).size > 0);
  assert.equal(readFileSync(saved).subarray(0, 2).toString(), 'PK');

  await preview(page, saved);
  assert.deepEqual(await counts(page), [0, 0, 13], 'the rows are recognised, and their faults with them');

  const mended = path.join(folder, 'mended.xlsx');
  const texts = { '두개': '2', '내일까지': '2024-03-25', '연락처 없음': '010-0000-1234', '만이천원': '12,000' };
  writeFileSync(mended, mend(readFileSync(saved), texts));
  await preview(page, mended);
  assert.deepEqual(await counts(page), [4, 0, 9], 'what was mended is taken');
  await apply(page);
  await list(page);
  assert.equal(await total(page), 7);
});

const REFUSED = [
  ['B01_missing_key_column.xlsx', /상품주문번호/],
  ['B03_empty_sheet.xlsx', /비어|빈 /],
  ['B10_csv_cp949_renamed.xlsx', /CSV/],
  ['B11_truncated_zip.xlsx', /손상/],
  ['B15_zero_bytes.xlsx', /비어|빈 /],
];

test('a file that is not what it should be is refused with a sentence', async (t) => {
  const { page } = await open(t);
  await enter(page);
  for (const [name, sentence] of REFUSED) {
    await preview(page, name);
    assert.match(await mainText(page), sentence, name);
    assert.equal(await page.getByRole('button', { name: '적용' }).count(), 0, `${name} cannot be applied`);
    await shot(page, `refused-${name.slice(0, 3)}`);
  }
  await list(page);
  assert.equal(await total(page), 0);
});

test('a slash goes to the search', async (t) => {
  const { page } = await open(t);
  await enter(page);
  await page.goto('/orders');
  await page.keyboard.press('/');
  assert.equal(await page.evaluate(() => document.activeElement.name), 'q');
  assert.equal(await page.locator('input[name=q]').inputValue(), '', 'the slash itself is not typed');
  await page.keyboard.press('/');
  assert.equal(await page.locator('input[name=q]').inputValue(), '/', 'in a field a slash is a slash');
});

test('a wrong password says no more than it must', async (t) => {
  const { page } = await open(t);
  await enter(page);
  await page.context().clearCookies();
  await page.goto('/login');
  await page.getByLabel('아이디').fill(ADMIN.username);
  await page.getByLabel('비밀번호', { exact: true }).fill('not-the-password');
  await page.getByRole('button', { name: '로그인' }).click();
  await page.getByRole('alert').waitFor();
  assert.equal(await page.getByLabel('아이디').inputValue(), ADMIN.username);
  assert.equal(await page.getByLabel('비밀번호', { exact: true }).inputValue(), '');
});
