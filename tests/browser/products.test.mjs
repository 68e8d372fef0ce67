// Products and options added manually, disabled products, missing labels.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, logIn, mainText, open } from './browser.mjs';
import { apply, clickButton, preview } from './flows.mjs';
import { ADMIN, TEAM, addMember } from './server.mjs';

after(closeBrowser);

const withMembers = { prepare: (data) => { addMember(data, ADMIN, 'admin'); addMember(data, TEAM, 'logistics'); } };

for (const javaScriptEnabled of [true, false]) {
  test(`products and options are added manually, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async (t) => {
    const { page } = await open(t, { ...withMembers, javaScriptEnabled });
    await logIn(page);
    await preview(page, '01_smartstore_orders_72col.xlsx');
    await apply(page);
    await page.goto('/products');
    await checkPage(page, 'products-manual');
    await page.getByRole('link', { name: '상품 추가' }).click();
    await page.getByLabel('상품번호').fill('PILLOW');
    await page.getByLabel('상품명').fill('원목 침대');
    await clickButton(page, '추가하기');
    assert.match(await mainText(page), /이미 있는 상품번호예요/);
    await checkPage(page, 'product-new-mistake');
    await page.getByLabel('상품번호').fill('BED-OAK');
    await clickButton(page, '추가하기');
    assert.match(await mainText(page), /‘원목 침대’ 상품을 추가했어요/);
    await page.getByLabel('옵션 이름').fill('크기');
    await page.getByLabel('판매채널의 값').fill('퀸 (1500×2000)');
    await page.getByLabel('발주서 표기', { exact: true }).first().fill('Q');
    await clickButton(page, '옵션 추가');
    assert.equal(await page.getByLabel('크기 퀸 (1500×2000) 발주서 표기').inputValue(), 'Q');

    await page.goto('/products');
    const product = page.getByRole('row').filter({ has: page.getByRole('link', { name: 'PILLOW' }) });
    await product.getByRole('switch').uncheck();
    await product.getByRole('checkbox', { name: /선택$/ }).check();
    await clickButton(page, '입력 저장');
    assert.match(await mainText(page), /주문이 있는 상품이에요/);
    await checkPage(page, 'product-in-use');
    await clickButton(page, '입력 저장');
    await page.getByRole('link', { name: /^사용 안 함/ }).click();
    await page.waitForURL(/show=disabled/);
    await page.getByRole('textbox', { name: 'PILLOW 상품명' }).waitFor();
    await checkPage(page, 'products-disabled');

    await page.goto('/products?labels=missing');
    await page.getByRole('link', { name: /발주서 표기 미지정/ }).first().click();
    await page.waitForURL(/labels=missing/);
    await checkPage(page, 'product-labels-missing');
  });
}
