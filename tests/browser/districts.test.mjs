// Districts: overview, orders with unknown postal codes, imported editions.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, logIn, mainText, open, setUpAndLogIn } from './browser.mjs';
import { apply, clickButton, editXlsx, pressWithNothingTicked, preview } from './flows.mjs';
import { ADMIN, TEAM, addMember, fixture, numberAfter, run } from './server.mjs';

const ORDERS = '01_smartstore_orders_72col.xlsx';
const HEAD =
  '우편번호|시도|시도영문|시군구|시군구영문|읍면|읍면영문|도로명코드|도로명|도로명영문|지하여부|건물번호본번|건물번호부번|건물관리번호|' +
  '다량배달처명|시군구용건물명|법정동코드|법정동명|리명|행정동명|산여부|지번본번|읍면동일련번호|지번부번|구우편번호|우편번호일련번호';

after(closeBrowser);

/** A 우편번호 DB file that assigns the postal codes of central 서울 to a new 구. */
function writeEdition(folder) {
  const lines = [HEAD];
  for (let zip = 4500; zip < 4600; zip += 1) {
    lines.push(`0${zip}|서울특별시|Seoul|새구|Sae-gu|||119990000001|예시로|Yesi-ro|0|12|0|1|||1199910100|예시동|||0|1|01||`);
  }
  const file = path.join(folder, '서울특별시.txt');
  writeFileSync(file, lines.join('\r\n'));
  return file;
}

/** Order file in which some orders have an unassigned postal code. */
function withUnknownZipCodes(folder, zip) {
  const file = path.join(folder, 'unknown.xlsx');
  writeFileSync(file, editXlsx(readFileSync(fixture(ORDERS)), { [zip]: '01599' }));
  return file;
}

// Uses no script, so that it works with and without JavaScript.
async function openUnknown(page, folder) {
  await setUpAndLogIn(page);
  await preview(page, withUnknownZipCodes(folder, '04524'));
  await apply(page);
  await page.goto('/districts');
  const unknown = numberAfter(await mainText(page), '모르는 주문이');
  assert.ok(unknown > 0);
  await page.getByRole('link', { name: '바로잡기' }).click();
  await page.waitForURL('**/districts/unknown');
  assert.equal(numberAfter(await mainText(page), '총'), unknown);

  await pressWithNothingTicked(page, '선택한 주문의 지역 정하기');
  const row = page.locator('.unknown tbody tr').first();
  await row.getByRole('checkbox').first().check();
  await row.getByLabel('지역').fill('없는 곳');
  await clickButton(page, '선택한 주문의 지역 정하기');
  await page.locator('[aria-invalid=true]').first().waitFor();
  assert.match(await mainText(page), /목록에 있는 지역 이름/);
  return { unknown, row };
}

/** Corrects the first row; returns the remaining total. */
async function correct(page, { unknown, row }) {
  await row.getByLabel('지역').fill('서울 중구');
  await row.getByLabel('이 우편번호 모두').check();
  await clickButton(page, '선택한 주문의 지역 정하기');
  assert.match(await mainText(page), /지역을 정했어요/);
  const remaining = numberAfter(await mainText(page), '총') ?? 0;
  assert.ok(remaining < unknown);
  assert.match(await mainText(page), /우편번호 01599 모두/);
  return remaining;
}

test('unknown postal code is corrected and the correction reverted', async (t) => {
  const { page, folder } = await open(t);
  const found = await openUnknown(page, folder);
  await checkPage(page, 'districts-unknown-mistake');
  await correct(page, found);
  await checkPage(page, 'districts-unknown');
  await clickButton(page, '되돌리기');
  assert.match(await mainText(page), /되돌렸어요/);
  assert.equal(numberAfter(await mainText(page), '총'), found.unknown);
});

test('unknown postal code is corrected without JavaScript', async (t) => {
  const { page, folder } = await open(t, { javaScriptEnabled: false });
  await correct(page, await openUnknown(page, folder));
});

test('overview adds up and links to the deliveries', async (t) => {
  const { page, window } = await open(t, {
    prepare: (data) => {
      addMember(data, ADMIN, 'admin');
      addMember(data, TEAM, 'logistics');
    },
  });
  await logIn(page);
  await preview(page, ORDERS);
  await apply(page);
  await page.goto('/districts?method=all');
  await checkPage(page, 'districts');
  const numbers = await page.locator('.districts tbody td:nth-child(2)').allInnerTexts();
  const sum = numbers.reduce((all, text) => all + Number(text.match(/\d+/)[0]), 0);
  assert.equal(Number((await page.locator('.districts tfoot td').first().innerText()).match(/\d+/)[0]), sum);

  const team = await window({ viewport: { width: 360, height: 740 } });
  await logIn(team, TEAM);
  await team.getByRole('link', { name: '지역' }).click();
  await team.waitForURL('**/districts');
  assert.doesNotMatch(await mainText(team), /바로잡기|새 목록/);
  const tile = team.locator('.tile').filter({ has: team.locator('a[href^="/deliveries"]') }).first();
  await tile.locator('a.name').click();
  await team.waitForURL(/sido=\d+/);
  await checkPage(team, 'districts-sido');
  await team.getByRole('link', { name: '큰 시를 일반구로 나누어 보기' }).click();
  await team.waitForURL(/gu=1/);
  await checkPage(team, 'districts-gu');
  await team.goBack();
  await team.locator('.tile a[href^="/deliveries"]').first().click();
  await team.waitForURL(/\/deliveries\?state=PREPARING&state=READY_TO_SHIP&method=DIRECT&sigungu=\d+/);
});

async function previewEdition(page, file) {
  await page.goto('/districts/import');
  await page.getByLabel('파일 선택').setInputFiles(file);
  await page.getByRole('button', { name: '미리보기' }).click();
}

/** Uploads orders and previews the edition. */
async function openEditionPreview(page, folder) {
  await setUpAndLogIn(page);
  await preview(page, ORDERS);
  await apply(page);
  await previewEdition(page, writeEdition(folder));
  await page.waitForURL(/\/districts\/import\/\w+/);
  const text = await mainText(page);
  assert.match(text, /새 지역/);
  assert.ok(numberAfter(text, '다시 분류할 주문') > 0);
}

/** Applies the previewed edition; an invalid date first. */
async function applyEdition(page, onMistake = () => {}) {
  const where = page.url();
  await page.getByLabel('언제부터').fill('2020-01-01');
  await clickButton(page, '적용');
  await page.locator('[aria-invalid=true]').waitFor();
  await onMistake();
  await page.goto(where);
  await page.getByRole('button', { name: '적용', exact: true }).click();
  await page.getByText('부터의 지역으로 바꿨어요').waitFor();
  assert.match(await mainText(page), /부터의 지역으로 바꿨어요/);
  await page.goto('/districts?method=all&sido=11');
  assert.match(await mainText(page), /새구/);
}

test('imported edition is previewed, applied and withdrawn', async (t) => {
  const { page, folder } = await open(t);
  await openEditionPreview(page, folder);
  await checkPage(page, 'districts-report');
  const where = page.url();
  await applyEdition(page, () => checkPage(page, 'districts-report-mistake'));
  await page.goto('/districts/import');
  await checkPage(page, 'districts-lists');
  await page.goto(where);
  await checkPage(page, 'districts-list-in-force');
  await page.getByRole('button', { name: '적용 취소' }).click();
  await page.getByRole('dialog').getByRole('button', { name: '네' }).click();
  await page.waitForURL(/districts\/import$/);
  await page.goto('/districts?method=all&sido=11');
  assert.doesNotMatch(await mainText(page), /새구/);

  await previewEdition(page, fixture(ORDERS));
  await page.getByText('압축 파일을 열지 못했어요').or(page.getByText('우편번호 DB나 도로명주소 변동분 파일이 아니에요')).waitFor();
});

test('imported edition is applied without JavaScript', async (t) => {
  const { page, folder } = await open(t, { javaScriptEnabled: false });
  await openEditionPreview(page, folder);
  await applyEdition(page);
});

test('edition imported on the command line is visible in the running server', async (t) => {
  const { page, folder, server } = await open(t);
  await setUpAndLogIn(page);
  await preview(page, ORDERS);
  await apply(page);
  const file = writeEdition(folder);
  const dry = run(['import', 'districts', file, '--dry-run', '--json', '--data', server.data]);
  assert.equal(dry.status, 0, dry.stderr);
  const { applied, codes_moved: moved, orders_affected: affected } = JSON.parse(dry.stdout);
  assert.deepEqual([applied, moved], [false, 100]);
  assert.ok(affected > 0);
  await page.goto('/districts?method=all&sido=11');
  assert.doesNotMatch(await mainText(page), /새구/);
  const done = run(['import', 'districts', file, '--data', server.data]);
  assert.equal(done.status, 0, done.stderr);
  assert.match(done.stdout, /적용했어요/);
  await page.reload();
  assert.match(await mainText(page), /새구/);
  const refused = run(['import', 'districts', fixture(ORDERS), '--json', '--data', server.data]);
  assert.equal(refused.status, 2);
  assert.match(JSON.parse(refused.stdout).refused, /우편번호 DB/);
});
