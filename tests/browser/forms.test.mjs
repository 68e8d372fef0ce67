// Columns under other names are taught with one click, an unknown file is mapped and recognised the next time, and profiles are
// taken back.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, mainText, open, setUpAndLogIn } from './browser.mjs';
import { apply, clickButton, counts, editXlsx, field, followedByPage, gotoOrders, orderNumbers, preview, totalCount } from './flows.mjs';
import { fixture } from './server.mjs';

const ORDERS = '01_smartstore_orders_72col.xlsx';
const PARTNER = [
  '11월 27일 출고 요청',
  '접수번호,받는분,받는분 핸드폰,받는분 주소,품목명,갯수,접수일자,비고',
  'P-20261127-001,김영희,010-0000-0002,대구 북구 칠성로 1,침대,2,2026-11-27,문 앞',
  'P-20261127-002,홍길동,010-0000-0003,서울 중구 세종대로 110,소파,1,2026-11-27,',
].join('\n');

after(closeBrowser);

/** Chooses the kind of an unknown file; without JavaScript its button shows the columns of the kind. */
async function chooseKind(page, label, javaScriptEnabled) {
  const kind = field(page, '파일의 종류');
  if (javaScriptEnabled) {
    if ((await kind.locator('option:checked').innerText()) === label) return;
    await followedByPage(page, () => kind.selectOption({ label }));
  } else {
    await kind.selectOption({ label });
    await clickButton(page, '이렇게 보기');
  }
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with' : 'without';

  test(`renamed column is taught with one click, ${how} JavaScript`, async (t) => {
    const { page, folder } = await open(t, { javaScriptEnabled });
    await setUpAndLogIn(page);
    const renamed = path.join(folder, 'renamed.xlsx');
    const bytes = readFileSync(fixture(ORDERS));
    writeFileSync(renamed, editXlsx(bytes, { 수취인연락처1: '받는 사람 휴대폰', 발송기한: '발송 마감일' }));
    await preview(page, renamed);
    let text = await mainText(page);
    assert.match(text, /양식과 다른 열/);
    assert.match(text, /수취인연락처1[\s\S]*꼭 필요해요/);
    const phone = page.getByLabel('수취인연락처1 열은 이 파일의 어느 열인가요');
    assert.equal(await phone.inputValue(), '받는 사람 휴대폰', 'the name and the values suggest it');
    await checkPage(page, 'columns-drift');
    const here = page.url().split('?')[0];
    await clickButton(page, '이 열이 그 열이에요');
    await page.getByRole('button', { name: '적용' }).waitFor();
    assert.equal(page.url().split('?')[0], here, 'the original is read again in its place');
    assert.match(await mainText(page), /파일의 열을 알려 주었어요/);
    assert.deepEqual(await counts(page), [23, 1, 0]);
    await apply(page);

    await page.goto('/channels/profiles');
    text = await mainText(page);
    assert.match(text, /우리 가게의 양식[\s\S]*스마트스토어[\s\S]*1개/);
    await checkPage(page, 'profiles');
    await page.getByRole('link', { name: '스마트스토어', exact: true }).click();
    assert.match(await field(page, '수취인연락처1').inputValue(), /받는 사람 휴대폰/);
    await checkPage(page, 'profile');
    await clickButton(page, '이 양식 삭제');
    assert.match(await mainText(page), /삭제했어요[\s\S]*복원할 수 있어요/);

    // Without the profile the file is not read; the upload that used it stays.
    await preview(page, renamed);
    assert.match(await mainText(page), /필요한 열이 없어요/);
    await page.goto(here);
    assert.match(await mainText(page), /적용했어요/);
    await page.goto('/channels/profiles');
    await clickButton(page, '스마트스토어 주문 양식 복원');
    await preview(page, renamed);
    await page.getByRole('button', { name: '적용' }).waitFor();
  });

  test(`unknown file is mapped and recognised the next time, ${how} JavaScript`, async (t) => {
    const { page, folder } = await open(t, { javaScriptEnabled });
    await setUpAndLogIn(page);
    const first = path.join(folder, 'partner.csv');
    writeFileSync(first, PARTNER);
    await preview(page, first);
    await page.getByRole('link', { name: '새 양식 만들기' }).click();
    let text = await mainText(page);
    assert.match(text, /받는분[\s\S]*김영희/, 'sample rows');
    assert.equal(await field(page, '제목 줄').inputValue(), '2');
    assert.equal(await page.getByLabel('갯수 열의 항목').inputValue(), 'quantity');
    await checkPage(page, 'new-profile');

    // A wrong turn has its sentence, and keeps what was chosen.
    await field(page, '판매채널이나 거래처 이름').fill('쿠팡');
    await page.getByLabel('비고 열의 항목').selectOption('quantity');
    await page.getByLabel('접수번호 열의 항목').selectOption('');
    await clickButton(page, '저장하고 다시 읽기');
    text = await mainText(page);
    assert.match(text, /이미 있는 판매채널 이름이에요/);
    assert.match(text, /꼭 필요한 항목의 열이 없어요: 상품주문번호/);
    assert.match(text, /‘수량’ 항목은 ‘갯수’ 열에 이미 선택했어요/);
    assert.equal(await page.getByLabel('비고 열의 항목').inputValue(), 'quantity');
    await checkPage(page, 'new-profile-problems');

    await field(page, '판매채널이나 거래처 이름').fill('칠성 협력점');
    await page.getByLabel('비고 열의 항목').selectOption('customer_message');
    await page.getByLabel('접수번호 열의 항목').selectOption('order_number');
    await clickButton(page, '저장하고 다시 읽기');
    await page.getByRole('button', { name: '적용' }).waitFor();
    assert.match(await mainText(page), /칠성 협력점 주문/);
    assert.deepEqual(await counts(page), [2, 0, 0]);
    await apply(page);
    await gotoOrders(page);
    assert.equal(await totalCount(page), 2);

    const next = path.join(folder, 'next.csv');
    writeFileSync(next, PARTNER.replaceAll('20261127', '20261128'));
    await preview(page, next);
    await page.getByRole('button', { name: '적용' }).waitFor();
    assert.match(await mainText(page), /칠성 협력점 주문/);

    // Another shop gets the profile as a file.
    await page.goto('/channels/profiles');
    const row = page.getByRole('row').filter({ hasText: '칠성 협력점' });
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      row.getByRole('link', { name: /내려받기/ }).click(),
    ]);
    const toml = path.join(folder, 'partner.toml');
    await download.saveAs(toml);
    assert.match(readFileSync(toml, 'utf8'), /name = "칠성 협력점"/);
    await page.getByLabel('양식 파일').setInputFiles(toml);
    await clickButton(page, '추가');
    assert.match(await mainText(page), /이미 있어요/);
  });

  test(`unknown tracking list and list of claims are mapped by their kind, ${how} JavaScript`, async (t) => {
    const { page, folder } = await open(t, { javaScriptEnabled });
    await setUpAndLogIn(page);
    await preview(page, ORDERS);
    await apply(page);
    await gotoOrders(page);
    const [order] = await orderNumbers(page);

    const parcels = path.join(folder, 'parcels.csv');
    writeFileSync(parcels, `의뢰번호,화물 추적번호,도착지\n${order},451683001370,중구\n`);
    await preview(page, parcels);
    await page.getByRole('link', { name: '새 양식 만들기' }).click();
    await chooseKind(page, '택배 송장 목록', javaScriptEnabled);
    await field(page, '목록 이름').fill('동네 물류');
    await field(page, '택배사 (선택)').fill('경동택배');
    await page.getByLabel('의뢰번호 열의 항목').selectOption('order_number');
    await page.getByLabel('화물 추적번호 열의 항목').selectOption('tracking_number');
    await checkPage(page, 'new-profile-tracking');
    await clickButton(page, '저장하고 다시 읽기');
    assert.match(await mainText(page), /동네 물류 송장/);
    await apply(page);
    assert.match(await mainText(page), /적용했어요/);

    const claims = path.join(folder, 'claims.csv');
    writeFileSync(claims, `주문 식별,진행 단계,처리된 날\n${order},없던 일로,2026-11-28 10:00\n`);
    await preview(page, claims);
    await page.getByRole('link', { name: '새 양식 만들기' }).click();
    await chooseKind(page, '취소·반품·교환·구매확정 목록', javaScriptEnabled);
    await field(page, '판매채널').selectOption({ label: '스마트스토어' });
    await page.getByLabel('주문 식별 열의 항목').selectOption('order_number');
    await page.getByLabel('진행 단계 열의 항목').selectOption('status');
    await page.getByLabel('처리된 날 열의 항목').selectOption('moment');
    await clickButton(page, '저장하고 다시 읽기');
    assert.match(await mainText(page), /무슨 뜻인지 모르는 상태가 있어요: ‘없던 일로’/);
    await checkPage(page, 'new-profile-states');
    await field(page, '취소된 주문의 낱말').fill('없던 일로');
    await clickButton(page, '저장하고 다시 읽기');
    assert.match(await mainText(page), /스마트스토어 주문상태/);
    await apply(page);
    await gotoOrders(page, { state: 'CANCELLED' });
    assert.deepEqual(await orderNumbers(page), [order]);

    // Taken back, the lists are unknown again.
    await page.goto('/channels/profiles');
    await clickButton(page, '동네 물류 송장 양식 삭제');
    await preview(page, parcels);
    await page.getByRole('link', { name: '새 양식 만들기' }).waitFor();
  });
}
