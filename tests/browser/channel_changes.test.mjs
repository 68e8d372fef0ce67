// The noon download of the same orders: changes are shown and taken, and what was edited here waits for a decision.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, mainText, open, setUpAndLogIn } from './browser.mjs';
import { apply, clickButton, field, openOrder, preview, saveOrder } from './flows.mjs';

const MORNING = '21_morning.xlsx';
const NOON = '21_noon.xlsx';
const MOVED = '2026112700000002';
const SMALLER = '2026112700000003';

after(closeBrowser);

for (const javaScriptEnabled of [true, false]) {
  test(`orders follow their channel, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async (t) => {
    const { page } = await open(t, { javaScriptEnabled });
    await setUpAndLogIn(page);
    await preview(page, MORNING);
    await apply(page);

    await openOrder(page, MOVED);
    await field(page, '수취인연락처1').fill('010-0000-7777');
    await saveOrder(page);

    await preview(page, NOON);
    let text = await mainText(page);
    assert.match(text, /판매채널에서 바뀐 주문[\s\S]*취소요청 1건/);
    await page.getByRole('link', { name: /^반영/ }).click();
    text = await mainText(page);
    assert.match(text, /부산광역시 해운대구 센텀로 9/);
    assert.match(text, /취소 수량/);
    await checkPage(page, 'upload-changes');
    await apply(page);

    await page.goto('/');
    await page.locator('a[href="/uploads?rows=decisions"]').click();
    await page.getByRole('link', { name: NOON }).click();
    await page.getByRole('link', { name: '결정할 값 보기' }).click();
    assert.match(await mainText(page), /010-0000-7777[\s\S]*010-0000-9999[\s\S]*여기서 수정한 값이 있어요/);
    await checkPage(page, 'upload-decisions');
    await clickButton(page, '판매채널 값으로');
    assert.match(await mainText(page), /값 1개를 판매채널 값으로 바꿨어요/);
    await openOrder(page, MOVED);
    assert.equal(await field(page, '수취인연락처1').inputValue(), '010-0000-9999');
    await openOrder(page, SMALLER);
    assert.match(await mainText(page), /1개가 취소되어 남은 수량은 2개/);

    await preview(page, MORNING);
    assert.match(await mainText(page), /더 오래된 파일 같아요/);
    await checkPage(page, 'upload-older-file');
  });
}
