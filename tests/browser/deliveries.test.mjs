// Deliveries: the team's list, completion and undo, slips.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, logIn, mainText, open } from './browser.mjs';
import { apply, clickButton, editXlsx, gotoOrders, pressWithNothingTicked, preview, reveal } from './flows.mjs';
import { ADMIN, TEAM, addMember, fixture, numberAfter } from './server.mjs';

const ORDERS = '01_smartstore_orders_72col.xlsx';

after(closeBrowser);

/** A shop with orders; an administrator (`office`) and a member of the delivery team (`team`) are logged in. */
async function openShop(t, options = {}) {
  const { page: office, window, ...rest } = await open(t, {
    prepare: (data) => {
      addMember(data, ADMIN, 'admin');
      addMember(data, TEAM, 'logistics');
    },
    ...options,
  });
  await logIn(office);
  await preview(office, ORDERS);
  await apply(office);
  const team = await window();
  await logIn(team, TEAM);
  return { office, team, window, ...rest };
}

const totalCount = async (page) => numberAfter(await mainText(page), '총') ?? 0; // an empty list says no total
const numbers = async (page) => (await page.locator('tbody a.bundle-number').allInnerTexts()).map((text) => text.split('\n').at(-1));
const rowOf = (page, number) => page.locator('table.deliveries tbody tr').filter({ hasText: number });

/** Number of printed pages. */
async function printedPages(page) {
  const pdf = await page.pdf({ preferCSSPageSize: true });
  return pdf.toString('latin1').match(/\/Type\s*\/Page\b(?!s)/g).length;
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with' : 'without';

  test(`team filters and sorts deliveries, ${how} JavaScript`, async (t) => {
    const { team } = await openShop(t, { javaScriptEnabled });
    await team.goto('/');
    assert.match(team.url(), /\/deliveries$/);
    const everything = await totalCount(team);
    assert.ok(everything > 5);
    const methods = await team.locator('tbody .channel .visually-hidden').allInnerTexts();
    const direct = methods.lastIndexOf('직접전달');
    assert.ok(direct >= 0 && methods.slice(0, direct).every((method) => method === '직접전달'), 'direct deliveries come first');

    const openFilters = () => team.locator('details.filters > summary').click();
    const districts = async () => (await team.locator('tbody td.where .quiet').allInnerTexts()).map((text) => text.split(' '));
    const [sido] = (await districts()).find(([name]) => name !== '미분류');
    await openFilters();
    await team.getByLabel('시/도', { exact: true }).selectOption({ label: sido });
    if (javaScriptEnabled) {
      assert.deepEqual(await team.getByLabel('시/군/구').locator('optgroup').evaluateAll((groups) => groups.map((group) => group.label)), [sido]);
    }
    await clickButton(team, '검색');
    const inSido = await totalCount(team);
    assert.ok(inSido > 0 && inSido < everything, `${inSido} of ${everything}`);
    const sigungu = (await districts())[0].slice(1).join(' ');
    assert.match(await team.locator('details.filters > summary').innerText(), /필터\s*1/, 'closed filters are counted');
    await openFilters();
    await team.getByLabel('시/군/구').selectOption({ label: sigungu });
    await clickButton(team, '검색');
    assert.ok((await districts()).every(([, ...name]) => name.join(' ') === sigungu));
    await team.getByRole('link', { name: '전체 보기' }).click();
    assert.equal(await totalCount(team), everything);

    await openFilters();
    await team.getByRole('checkbox', { name: '완료' }).check();
    await clickButton(team, '검색');
    assert.equal(await totalCount(team), 0);
    await team.goto('/deliveries?size=50');
    const [number] = await numbers(team);
    await team.getByLabel('검색 항목').selectOption({ label: '묶음배송번호' });
    await team.getByLabel('검색어').fill(number);
    await clickButton(team, '검색');
    assert.deepEqual(await numbers(team), [number]);

    await team.goto('/deliveries?size=5');
    await team.getByRole('link', { name: /^희망배송일(?! 없음)/ }).click();
    await team.waitForURL(/sort=preferred_shipping_date\.asc/);
    assert.match(await team.locator('th[aria-sort]').innerText(), /희망배송일/);
  });

  test(`deliveries are completed and reverted, ${how} JavaScript`, async (t) => {
    const { team, office } = await openShop(t, { javaScriptEnabled });
    await team.goto('/deliveries?size=50');
    await pressWithNothingTicked(team, '배송 완료');
    const [one, other] = await numbers(team);
    for (const number of [one, other]) await rowOf(team, number).getByRole('checkbox').check();
    await clickButton(team, '배송 완료');
    assert.match(await mainText(team), /아직 출고되지 않은 주문이 있는 배송이 2건 있어요/);
    if (javaScriptEnabled) await checkPage(team, 'deliveries-question');
    await clickButton(team, '2건 그래도 완료하기');
    assert.match(await mainText(team), /배송 2건을 완료했어요/);
    assert.match(await rowOf(team, one).innerText(), /완료/);
    if (javaScriptEnabled) await checkPage(team, 'deliveries-completed');
    await clickButton(team, '되돌리기');
    assert.match(await mainText(team), /배송 2건의 완료를 되돌렸어요/);
    assert.match(await rowOf(team, one).innerText(), /준비/);

    await rowOf(team, one).getByRole('link', { name: new RegExp(`${one}$`) }).click();
    await team.waitForURL(/\/deliveries\/\w{13}/);
    await clickButton(team, '배송 완료');
    assert.match(await mainText(team), /아직 출고되지 않은 주문이 있는 배송이 1건/);
    await clickButton(team, '1건 그래도 완료하기');
    await team.getByText('배송 1건을 완료했어요').waitFor();
    await office.goto(new URL(team.url()).pathname);
    assert.match(await mainText(office), /truck1 배송 완료/, 'the log shows who completed it');
    await clickButton(office, '완료 되돌리기');
    assert.match(await mainText(office), /배송 1건의 완료를 되돌렸어요/);

    await team.goto(new URL(team.url()).pathname);
    await reveal(team);
    await team.getByLabel('팀 메모').fill('사다리차 필요\n2인');
    await clickButton(team, '메모 저장');
    await team.goto('/deliveries?size=50');
    assert.match(await rowOf(team, one).innerText(), /사다리차 필요/);
  });

  test(`printed slips are marked with the member, ${how} JavaScript`, async (t) => {
    const { team } = await openShop(t, { javaScriptEnabled });
    await team.goto('/deliveries?size=50&sort=preferred_shipping_date.asc');
    const three = (await numbers(team)).slice(0, 3);
    for (const number of three) await rowOf(team, number).getByRole('checkbox').check();
    await clickButton(team, '선택 전표');
    await team.waitForURL(/\/deliveries\/slips\?id=/);
    assert.deepEqual(await team.locator('.slip-number strong').allInnerTexts(), three, 'in the order of the list');
    assert.equal(await printedPages(team), 3);
    if (javaScriptEnabled) await checkPage(team, 'slips');
    await team.goto('/deliveries?size=50');
    assert.equal(await team.locator('.printed').count(), 0, 'viewing does not count as printing');
    await team.goBack();
    await clickButton(team, '인쇄');
    await team.getByText('배송 3건의 전표를 인쇄한 것으로 표시했어요').waitFor();
    assert.match(await team.locator('.slip-small').first().innerText(), /인쇄 .* truck1/);
    await team.goto('/deliveries?size=50');
    assert.equal(await team.locator('.printed').count(), 3);
    assert.match(await rowOf(team, three[0]).innerText(), /truck1\s인쇄/);
  });
}

test('slip has a QR code and the delivery page has phone links', async (t) => {
  const { office, team } = await openShop(t);
  await office.goto('/deliveries');
  await office.locator('details.account summary').click();
  await office.getByRole('link', { name: '가게 정보' }).click();
  await office.getByLabel('상호').fill('보기 침대');
  await office.getByLabel('휴대전화에서 여는 주소').fill('침대 가게');
  await clickButton(office, '저장');
  assert.match(await mainText(office), /https:\/\/로 시작하는 주소를 입력해 주세요/);
  assert.equal(await office.getByLabel('상호').inputValue(), '보기 침대', 'the input is kept');
  await checkPage(office, 'shop-with-problems');
  await office.getByLabel('휴대전화에서 여는 주소').fill('https://order.example.kr');
  await clickButton(office, '저장');
  assert.match(await mainText(office), /가게 정보를 저장했어요/);
  await team.goto('/deliveries');
  const [slip] = await Promise.all([team.waitForEvent('popup'), team.locator('.slip-link').first().click()]);
  await slip.waitForURL(/\/slip$/);
  assert.match(await mainText(slip), /보기 침대/);
  assert.equal(await slip.getByRole('img', { name: /QR/ }).count(), 1);
  await slip.close();

  await team.setViewportSize({ width: 360, height: 780 });
  await team.goto('/deliveries');
  await team.locator('a.bundle-number').first().click();
  await team.waitForURL(/\/deliveries\/\w{13}/);
  await reveal(team);
  const call = team.locator('.reach a[href^="tel:"]').first();
  assert.ok((await call.boundingBox()).height >= 44, 'large enough for a thumb');
  assert.match(await team.getByRole('link', { name: /카카오맵/ }).getAttribute('href'), /^https:\/\/map\.kakao\.com\/\?q=%/);
  await checkPage(team, 'delivery-of-the-team');
});

test('slip fits one page with up to twelve orders and long texts', async (t) => {
  const { office, folder } = await openShop(t);
  // Eleven bundles of the file are merged into the first.
  const bundles = Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`${3100000002 + index}`, '3100000001']));
  const newOrderNumbers = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`${2024031500000001n + BigInt(index)}`, `${2024031600000001n + BigInt(index)}`]));
  const merged = path.join(folder, 'merged.xlsx');
  writeFileSync(merged, editXlsx(readFileSync(fixture(ORDERS)), { ...bundles, ...newOrderNumbers }));
  await preview(office, merged);
  await apply(office);

  const long = '문 앞에 두지 마시고 꼭 전화 주세요. 엘리베이터가 좁아 사다리차가 필요할 수 있어요. '.repeat(40).slice(0, 1900);
  await gotoOrders(office, { edit: '1' });
  const memos = office.locator('textarea[name^=shipping_memo]');
  for (const memo of await memos.all()) await memo.fill(long);
  for (const tick of await office.locator('tbody .tick input[type=checkbox]').all()) await tick.check();
  await clickButton(office, '입력 저장');

  await office.goto('/deliveries?size=50');
  const quantities = await office.locator('tbody td[data-label="수량"]').allInnerTexts(); // 주문 2 · 3개, or 3개 of one order
  const counts = quantities.map((text) => Number(text.match(/주문 (\d+)/)?.[1] ?? 1));
  assert.ok(Math.max(...counts) >= 12 && counts.includes(1) && counts.includes(2), `${counts}`);
  const expectedPages = counts.map((count) => (count <= 12 ? 1 : 1 + Math.ceil((count - 12) / 26)));
  await office.goto('/deliveries/slips?size=50');
  assert.equal(await printedPages(office), expectedPages.reduce((sum, pages) => sum + pages, 0), `of ${counts}`);
  const overflowing = await office.locator('.slip').evaluateAll((slips) => slips.filter((slip) => slip.scrollHeight > slip.clientHeight + 1).length);
  assert.equal(overflowing, 0, 'no text is cut off');

  // Two on a sheet: half as many sheets, the last one perhaps half empty.
  await office.getByRole('link', { name: 'A4 한 장에 둘' }).click();
  await office.waitForURL(/paper=a5/);
  const halves = counts.map((count) => (count <= 8 ? 1 : 1 + Math.ceil((count - 8) / 16))).reduce((sum, pages) => sum + pages, 0);
  assert.equal(await printedPages(office), Math.ceil(halves / 2), `of ${counts}`);
  const cut = await office.locator('.slip').evaluateAll((slips) => slips.filter((slip) => slip.scrollHeight > slip.clientHeight + 1).length);
  assert.equal(cut, 0, 'no text is cut off');
  await checkPage(office, 'slips-two-on-a-sheet');
});
