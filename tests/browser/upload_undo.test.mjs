// An applied upload is taken back as a whole, after later work; its original is read again.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, mainText, open, setUpAndLogIn } from './browser.mjs';
import { apply, clickButton, field, gotoOrders, openOrder, preview, saveOrder, totalCount } from './flows.mjs';

const MORNING = '21_morning.xlsx';
const NOON = '21_noon.xlsx';
const FRESH = '01_smartstore_orders_72col.xlsx';
const MOVED = '2026112700000002';
const CLAIMED = '2026112700000001';

after(closeBrowser);

for (const javaScriptEnabled of [true, false]) {
  test(`upload is taken back, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async (t) => {
    const { page } = await open(t, { javaScriptEnabled });
    await setUpAndLogIn(page);
    await preview(page, MORNING);
    await apply(page);
    const morning = page.url();
    await preview(page, NOON);
    await apply(page);
    const noon = page.url();

    await openOrder(page, MOVED);
    await field(page, '수취인연락처1').fill('010-0000-7777');
    await saveOrder(page);

    await page.goto(noon);
    await page.getByRole('link', { name: '이 업로드 되돌리기' }).click();
    let text = await mainText(page);
    assert.match(text, /아직 아무것도 바뀌지 않았어요/);
    assert.match(text, /그대로 둘 주문[\s\S]*2026112700000002[\s\S]*수취인연락처1[\s\S]*수정/);
    assert.match(text, /클레임[\s\S]*취소요청/);
    await checkPage(page, 'upload-undo');
    await clickButton(page, '되돌리기');
    text = await mainText(page);
    assert.match(text, /되돌렸어요/);
    assert.match(text, /그 뒤에 일이 이어진 주문 1건은 그대로 두었어요/);
    await checkPage(page, 'upload-undone');

    await openOrder(page, MOVED);
    assert.equal(await field(page, '수취인연락처1').inputValue(), '010-0000-7777', 'what was edited since stays');
    assert.doesNotMatch(await field(page, '주소').first().inputValue(), /센텀로/, 'what was not gets its former value');
    await openOrder(page, CLAIMED);
    assert.doesNotMatch(await mainText(page), /취소요청이|취소 요청이 들어온/);

    // A later file that was taken back is no later work; the order that was edited stays.
    await page.goto(morning);
    await page.getByRole('link', { name: '이 업로드 되돌리기' }).click();
    await clickButton(page, '되돌리기');
    text = await mainText(page);
    assert.match(text, /등록한 주문 4건을 지웠어요/);
    assert.match(text, /그 뒤에 일이 이어진 주문 1건은 그대로 두었어요/);

    // Orders that nobody touched go with their file, which is read again.
    await preview(page, FRESH);
    await apply(page);
    const fresh = page.url();
    await gotoOrders(page);
    const all = await totalCount(page);
    assert.ok(all > 1);
    await page.goto(fresh);
    await page.getByRole('link', { name: '이 업로드 되돌리기' }).click();
    await clickButton(page, '되돌리기');
    assert.match(await mainText(page), new RegExp(`등록한 주문 ${all - 1}건을 지웠어요`));
    await gotoOrders(page);
    assert.equal(await totalCount(page), 1);

    await page.goto(fresh);
    await clickButton(page, '원본 다시 읽기');
    await page.getByRole('button', { name: '적용' }).waitFor();
    assert.notEqual(page.url(), fresh, 'the original is a new upload with a preview');
    await apply(page);
    await gotoOrders(page);
    assert.equal(await totalCount(page), all);
  });
}
