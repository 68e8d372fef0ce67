// Uploads: encrypted files, rejected rows, refused files, several files at once, drag and drop.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, mainText, open, screenshot, setUpAndLogIn } from './browser.mjs';
import { apply, beginReading, clickButton, counts, editXlsx, gotoOrders, preview, totalCount } from './flows.mjs';
import { fixture } from './server.mjs';

const ORDERS = '01_smartstore_orders_72col.xlsx';
const ENCRYPTED = '02_smartstore_encrypted_agile_aes256_sha512.xlsx';
const SEVERAL = [ORDERS, ENCRYPTED, 'B01_missing_key_column.xlsx', 'B06_bad_values.xlsx'];

after(closeBrowser);

test('encrypted file needs its password', async (t) => {
  const { page } = await open(t);
  await setUpAndLogIn(page);
  await preview(page, ENCRYPTED);
  const password = page.getByLabel('비밀번호');
  await password.waitFor();
  await screenshot(page, 'upload-locked');
  await password.fill('4321');
  await page.getByRole('button', { name: '열기' }).click();
  await page.waitForLoadState();
  assert.match(await mainText(page), /비밀번호가 (맞지 않|틀)/);
  assert.equal(await page.getByLabel('비밀번호').inputValue(), '', 'the password is not kept in the form');

  await page.getByLabel('비밀번호').fill('1234');
  await page.getByRole('button', { name: '열기' }).click();
  await page.getByRole('button', { name: '적용' }).waitFor();
  assert.deepEqual(await counts(page), [12, 0, 0]);
  await apply(page);
  await gotoOrders(page);
  assert.equal(await totalCount(page), 12);
});

test('rejected rows are downloaded, corrected and uploaded again', async (t) => {
  const { page, folder } = await open(t);
  await setUpAndLogIn(page);
  await preview(page, 'B06_bad_values.xlsx');
  assert.deepEqual(await counts(page), [3, 0, 13]);
  await apply(page);
  assert.deepEqual(await counts(page), [3, 0, 13]);
  const text = await mainText(page);
  for (const shown of ['두개', '내일까지', '2024-02-30', '연락처 없음', '만이천원', '20240318-ABC', '수취인명', '수량']) {
    assert.ok(text.includes(shown), `the report shows ${shown}`);
  }
  await screenshot(page, 'upload-rejected');

  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: '오류 행 내려받기' }).click(),
  ]);
  assert.match(download.suggestedFilename(), /\.xlsx$/);
  const saved = path.join(folder, 'rejected.xlsx');
  await download.saveAs(saved);
  assert.ok(statSync(saved).size > 0);
  assert.equal(readFileSync(saved).subarray(0, 2).toString(), 'PK');

  await preview(page, saved);
  assert.deepEqual(await counts(page), [0, 0, 13], 'the downloaded rows are rejected with the same problems');

  const corrected = path.join(folder, 'corrected.xlsx');
  const replacements = { '두개': '2', '내일까지': '2024-03-25', '연락처 없음': '010-0000-1234', '만이천원': '12,000' };
  writeFileSync(corrected, editXlsx(readFileSync(saved), replacements));
  await preview(page, corrected);
  assert.deepEqual(await counts(page), [4, 0, 9], 'corrected rows are created');
  await apply(page);
  await gotoOrders(page);
  assert.equal(await totalCount(page), 7);
});

const REFUSED = [
  ['B01_missing_key_column.xlsx', /상품주문번호/],
  ['B03_empty_sheet.xlsx', /비어|빈 /],
  ['B10_csv_cp949_renamed.xlsx', /CSV/],
  ['B11_truncated_zip.xlsx', /손상/],
  ['B15_zero_bytes.xlsx', /비어|빈 /],
];

test('invalid file is refused with a message', async (t) => {
  const { page } = await open(t);
  await setUpAndLogIn(page);
  for (const [name, message] of REFUSED) {
    await preview(page, name);
    assert.match(await mainText(page), message, name);
    assert.equal(await page.getByRole('button', { name: '적용' }).count(), 0, `${name} cannot be applied`);
    await screenshot(page, `refused-${name.slice(0, 3)}`);
  }
  await gotoOrders(page);
  assert.equal(await totalCount(page), 0);
});

/** Asserts the stage of each of the four files on the upload page. */
async function assertStages(page) {
  await page.getByText('파일 4개를 읽었어요').waitFor();
  const rows = page.getByRole('table').getByRole('row');
  for (const [name, stage] of SEVERAL.map((name, at) => [name, ['적용 전', '비밀번호 필요', '읽지 못함', '적용 전'][at]])) {
    assert.match(await rows.filter({ hasText: name }).innerText(), new RegExp(stage), name);
  }
}

for (const javaScriptEnabled of [true, false]) {
  test(`several files are uploaded at once, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async (t) => {
    const { page } = await open(t, { javaScriptEnabled });
    await setUpAndLogIn(page);
    await page.goto('/uploads');
    await page.getByLabel('파일 선택').setInputFiles(SEVERAL.map(fixture));
    await beginReading(page);
    await assertStages(page);
    await checkPage(page, 'upload-batch');
    await clickButton(page, '2개 모두 적용');
    await page.getByText('파일 2개를 적용했어요').waitFor();
    const rows = page.getByRole('table').getByRole('row');
    assert.match(await rows.filter({ hasText: SEVERAL[1] }).innerText(), /비밀번호 입력/);
    assert.match(await rows.filter({ hasText: SEVERAL[2] }).innerText(), /상품주문번호/);
    await checkPage(page, 'upload-batch-applied');
    await gotoOrders(page);
    assert.equal(await totalCount(page), 26);
  });
}

/** Another program that writes: what is applied meanwhile takes longer. Returns what ends it. */
async function holdDatabase(data) {
  const program = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.read()";
  const holder = spawn('/usr/bin/python3', ['-c', program, path.join(data, 'mukkeum.db')], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  return async () => {
    holder.stdin.end();
    await once(holder, 'exit');
  };
}

test('what takes long is applied in the background, and its page can be left', async (t) => {
  const { page, folder } = await open(t);
  await setUpAndLogIn(page);
  await preview(page, ORDERS);
  const here = page.url();
  const release = await holdDatabase(path.join(folder, 'data'));
  try {
    await page.getByRole('button', { name: '적용' }).click({ noWaitAfter: true });
    await page.getByText('24행을 적용하고 있어요').waitFor();
    await screenshot(page, 'upload-applying'); // the program waits 15 s for the database
    await page.goto('/orders');
    await page.goto(here);
    await page.getByText('24행을 적용하고 있어요').waitFor();
  } finally {
    await release();
  }
  await page.getByText('에 적용했어요').waitFor();
  assert.deepEqual(await counts(page), [23, 1, 0]);
});

test('files are dropped on the page repeatedly', async (t) => {
  const { page } = await open(t);
  await setUpAndLogIn(page);
  await page.goto('/uploads');
  const drop = async (names) => {
    const files = names.map((name) => ({ name, bytes: readFileSync(fixture(name)).toString('base64') }));
    const transfer = await page.evaluateHandle((files) => {
      const transfer = new DataTransfer();
      for (const { name, bytes } of files) {
        transfer.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name));
      }
      return transfer;
    }, files);
    await page.locator('.drop').dispatchEvent('drop', { dataTransfer: transfer });
  };
  await drop(SEVERAL);
  await assertStages(page);
  await drop([ORDERS]);
  await page.waitForURL(/\/uploads\/[0-9A-Z]{13}/);
  assert.match(await mainText(page), /미리보기/);
});

test('tracking list without a courier column asks for the courier', async (t) => {
  const { page, folder } = await open(t);
  await setUpAndLogIn(page);
  await preview(page, ORDERS);
  await apply(page);
  const file = path.join(folder, '송장.csv');
  writeFileSync(file, '주문번호,송장번호\n2024031500000001,45168300137\n');
  await preview(page, file);
  await checkPage(page, 'upload-asks-courier');
  await page.getByRole('main').getByLabel('택배사').fill('한진택배');
  await apply(page);
  await gotoOrders(page, { q: '45168300137' });
  assert.match(await mainText(page), /한진택배/);
});
