// A claim that arrives at noon, against every act and file.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, mainText, open, setUpAndLogIn } from './browser.mjs';
import { apply, clickButton, field, gotoOrders, openOrder, preview, selectRows } from './flows.mjs';
import { run } from './server.mjs';

const ORDERS = '01_smartstore_orders_72col.xlsx';
// Placed orders; the customer of the first asks to cancel at noon.
const CLAIMED = '2024031500000004';
const OTHER = '2024031500000005';

after(closeBrowser);

/** Uploads a CSV file and applies it. */
async function upload(page, folder, name, lines, courier) {
  const file = path.join(folder, name);
  writeFileSync(file, `${lines.join('\n')}\n`);
  await preview(page, file);
  if (courier) await field(page, '택배사').fill(courier);
  await apply(page);
}

const claimList = (number) => ['상품주문번호,주문상태,취소 처리상태,취소요청일', `${number},결제완료,취소요청,2024-03-15 12:00`];

const stateOf = async (page, number) => {
  await openOrder(page, number);
  return (await page.getByRole('heading', { level: 1 }).innerText()).split(/\s/)[0];
};

for (const javaScriptEnabled of [true, false]) {
  test(`claim at noon keeps the order where it is, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async (t) => {
    const { page, folder } = await open(t, { javaScriptEnabled });
    await setUpAndLogIn(page);
    await preview(page, ORDERS);
    await apply(page);
    await upload(page, folder, '취소관리.csv', claimList(CLAIMED));

    await page.goto('/');
    await page.locator('.notices li', { hasText: '처리할 클레임' }).getByRole('link').last().click();
    assert.match(await mainText(page), new RegExp(`취소요청[\\s\\S]*${CLAIMED}`));

    // 발주로 바꾸기 leaves it out, says so, and asks.
    await gotoOrders(page, { state: 'PLACED' });
    await selectRows(page, [CLAIMED, OTHER]);
    await clickButton(page, '발주로 바꾸기');
    await page.waitForURL(/\/orders\/held/);
    const held = await mainText(page);
    assert.ok(held.includes(CLAIMED) && !held.includes(`${OTHER}\n`), held);
    await checkPage(page, 'orders-held');
    await page.getByRole('link', { name: /그대로 두기$/ }).click();
    assert.equal(await stateOf(page, CLAIMED), '주문');
    assert.equal(await stateOf(page, OTHER), '발주');

    // A tracking list does not ship it.
    await upload(page, folder, '송장.csv', ['주문번호,송장번호', `${CLAIMED},45168300999`, `${OTHER},45168301000`], '로젠택배');
    assert.match(await mainText(page), /취소 요청이 들어온 주문이라 송장번호를 등록하지 않았어요/);
    await page.getByRole('link', { name: /정할 송장번호/ }).click();
    await checkPage(page, 'uploads-held');
    await clickButton(page, '2행 등록하지 않기');
    assert.equal(await stateOf(page, CLAIMED), '주문');

    // Its page changes the state only with the checkbox.
    await openOrder(page, CLAIMED);
    await page.getByLabel('상태', { exact: true }).selectOption('SHIPPED');
    await clickButton(page, '저장');
    assert.match(await mainText(page), /‘그래도 진행’을 선택해야 바꿀 수 있어요/);
    await checkPage(page, 'order-held');

    // 배송 완료 of its delivery leaves it, and completes it once it is named.
    await openOrder(page, CLAIMED);
    await page.locator('.beside a[href^="/deliveries/"]').first().click();
    await page.waitForURL(/\/deliveries\/[0-9A-Z]{13}/);
    await clickButton(page, '배송 완료');
    await page.waitForURL(/\/deliveries\/held/);
    await checkPage(page, 'deliveries-held');
    const heldPage = page.url();
    assert.equal(await stateOf(page, CLAIMED), '주문');
    await page.goto(heldPage);
    await page.getByRole('checkbox').first().check();
    await clickButton(page, '선택한 주문만 그래도 배송 완료');
    assert.equal(await stateOf(page, CLAIMED), '배송됨');
    assert.match(await mainText(page), /클레임에도 진행/);

    // The dispatch file leaves it out and says what a dispatch does to the claim.
    await page.goto('/orders/download?state=SHIPPED&channel=SMART_STORE&content=dispatch');
    assert.match(await mainText(page), new RegExp(`고객의 취소 요청이 거부돼요[\\s\\S]*${CLAIMED}`));
    await checkPage(page, 'download-held');
    const download = async () => {
      await page.getByLabel('CSV').check();
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: '내려받기' }).click()]);
      const file = path.join(folder, 'download.csv');
      await download.saveAs(file);
      return readFileSync(file, 'utf8');
    };
    const without = await download();
    assert.ok(without.includes(OTHER) && !without.includes(CLAIMED), without);
    await page.reload(); // the page names what the file leaves out, and one order has been sent since
    await page.locator('.held-in-file').getByRole('checkbox').check();
    assert.ok((await download()).includes(CLAIMED));
    assert.match(await stateOf(page, CLAIMED), /배송/);
    assert.match(await mainText(page), /클레임에도 진행[\s\S]*스마트스토어 발송처리/);

    // Its slip carries the claim.
    await page.locator('.beside a[href^="/deliveries/"]').first().click();
    await page.getByRole('link', { name: '전표' }).click();
    assert.match(await mainText(page), /【취소요청】/);
  });
}

test('export commands leave the order out, name it, and put it in on request', async (t) => {
  const { page, folder } = await open(t);
  await setUpAndLogIn(page);
  await preview(page, ORDERS);
  await apply(page);
  await upload(page, folder, '취소관리.csv', claimList(CLAIMED));
  const out = path.join(folder, '발주.csv');
  const command = (...more) => run(['export', 'purchase-order', '--data', path.join(folder, 'data'), '--out', out, '--json', ...more]);
  const without = command();
  assert.equal(without.status, 0, without.stderr);
  const report = JSON.parse(without.stdout);
  assert.ok(report.left_out.some((order) => order.order_number === CLAIMED && order.claim === '취소요청'), without.stdout);
  assert.ok(!readFileSync(out, 'utf8').includes(CLAIMED));
  const named = JSON.parse(command('--despite-claim', CLAIMED).stdout);
  assert.deepEqual(named.despite_claim, [{ order_number: CLAIMED, claim: '취소요청' }]);
  assert.equal(named.rows, report.rows + 1);
  assert.ok(readFileSync(out, 'utf8').includes(CLAIMED));
});
