// Manual orders (상담주문): several products, drafts.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkAccessibility, closeBrowser, mainText, open, screenshot, setUpAndLogIn } from './browser.mjs';
import { apply, chooseShipping, clickButton, field, gotoOrders, preview, totalCount } from './flows.mjs';

const ORDERS = '01_smartstore_orders_72col.xlsx';

after(closeBrowser);

/** A shop with the orders of one file. */
async function shop(t, options) {
  const opened = await open(t, options);
  await setUpAndLogIn(opened.page);
  await preview(opened.page, ORDERS);
  await apply(opened.page);
  return opened;
}

/** Fills in one product; selects the first value of each of its options. */
async function fillProduct(page, index, { product, quantity, price, javaScriptEnabled = true }) {
  await page.locator(`#product-${index}`).selectOption({ label: product });
  // Without JavaScript the options appear after the button in <noscript> is clicked.
  if (!javaScriptEnabled) await clickButton(page, '선택한 상품의 옵션 보기');
  const options = page.locator(`select[id^=option-${index}-]`);
  await options.first().waitFor();
  for (const option of await options.all()) await option.selectOption({ index: 1 });
  await page.locator(`#quantity-${index}`).fill(quantity);
  await page.locator(`#price-${index}`).fill(price);
}

/** Delays the responses with the options of products and with the draft. In ms. */
const delayOptions = (page, delay) =>
  page.route('**/orders/new', async (route) => {
    if (route.request().resourceType() === 'fetch') await sleep(delay);
    // The page may have gone meanwhile.
    await route.continue().catch(() => {});
  });

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with' : 'without';

  test(`two products are saved as one bundle, ${how} JavaScript`, async (t) => {
    const { page } = await shop(t, { javaScriptEnabled });
    await gotoOrders(page);
    await page.getByRole('link', { name: '상담주문 추가' }).click();
    await page.waitForURL('**/orders/new');
    await fillProduct(page, 0, { product: '예시침구 경추 베개', quantity: '2', price: '38,000', javaScriptEnabled });
    await page.getByRole('button', { name: '상품 추가' }).click();
    await page.locator('#product-1').waitFor();
    await fillProduct(page, 1, { product: '예시공방 린넨 3인 소파', quantity: '1', price: '590000', javaScriptEnabled });
    await field(page, '구매자명').fill('홍길동');
    await field(page, '우편번호').fill('37683');
    if (javaScriptEnabled) await page.getByText('경상북도 포항시 남구').waitFor();
    await clickButton(page, '상담주문 저장');
    await page.locator('#customer_tel-problem').waitFor();
    await page.waitForLoadState();
    assert.match(await mainText(page), /경상북도 포항시 남구[^]*주소를 입력해 주세요/);
    assert.equal(await page.locator('#quantity-0').inputValue(), '2', 'the input is kept');
    await screenshot(page, 'counter-mistakes');
    if (javaScriptEnabled) await checkAccessibility(page, 'a manual order with mistakes');

    assert.match(await mainText(page), /배송방법을 선택해 주세요[^]*배송비 형태를 선택해 주세요/);
    await field(page, '구매자연락처').fill('010-0000-1001');
    await field(page, '주소').fill('경상북도 포항시 남구 예시로 12');
    await chooseShipping(page);
    await clickButton(page, '상담주문 저장');
    await page.getByText('상담주문 2건을 저장했어요').waitFor();
    assert.match(await page.getByRole('region', { name: '묶음', exact: true }).innerText(), /2건[^]*함께 가는 주문/);
    assert.equal(await field(page, '수취인명').inputValue(), '홍길동');
    await screenshot(page, 'counter-taken');
    if (javaScriptEnabled) await checkAccessibility(page, 'a saved manual order');
    await page.getByRole('link', { name: '같은 고객의 주문 하나 더' }).click();
    await page.waitForURL('**/orders/new?like=*');
    assert.equal(await field(page, '구매자명').inputValue(), '홍길동');
    assert.equal(await field(page, '주소').inputValue(), '경상북도 포항시 남구 예시로 12');
    assert.equal(await page.locator('#product-0').inputValue(), '', 'the product is empty');
    await gotoOrders(page, { channel: 'LOCAL' });
    assert.equal(await totalCount(page), 2);
  });
}

test('draft survives a reload and is deleted when saved or logged out', async (t) => {
  const { page } = await shop(t);
  await page.goto('/orders/new');
  await screenshot(page, 'counter');
  await checkAccessibility(page, 'a manual order');
  await fillProduct(page, 0, { product: '예시침구 경추 베개', quantity: '3', price: '57,000' });
  await page.getByRole('button', { name: '상품 추가' }).click();
  await fillProduct(page, 1, { product: '예시공방 린넨 3인 소파', quantity: '1', price: '590000' });
  await field(page, '구매자명').fill('홍길동');
  await field(page, '구매자연락처').fill('010-0000-1001');
  await page.reload();
  await page.getByText('입력하던 내용을 다시 불러왔어요').waitFor();
  assert.equal(await page.locator('#quantity-0').inputValue(), '3');
  assert.equal(await page.locator('#price-1').inputValue(), '590000');
  assert.notEqual(await page.locator('#option-0-0').inputValue(), '');
  assert.equal(await field(page, '구매자명').inputValue(), '홍길동');
  await checkAccessibility(page, 'a restored draft');

  await field(page, '주소').fill('경상북도 포항시 남구 예시로 12');
  await chooseShipping(page);
  await clickButton(page, '상담주문 저장');
  await page.getByText('상담주문 2건을 저장했어요').waitFor();
  const storage = () => page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }));
  assert.doesNotMatch(await storage(), /draft:/, 'saving deletes the draft');

  await page.goto('/orders/new');
  assert.equal(await field(page, '구매자명').inputValue(), '');
  await field(page, '구매자명').fill('이표본');
  assert.match(await storage(), /customer_name/);
  await page.locator('details.account summary').click();
  await page.getByRole('button', { name: '로그아웃' }).click();
  await page.getByRole('dialog').getByRole('button', { name: '네' }).click();
  await page.waitForURL(/\/login/);
  assert.equal(await storage(), '{}', 'logging out deletes the draft and the way back to searches');
});

test('slow network loses nothing of a manual order', async (t) => {
  const { page } = await shop(t);
  await delayOptions(page, 1000);
  const value = (id) => page.locator(`#${id}`).inputValue();
  const select = (index, product) => page.locator(`#product-${index}`).selectOption({ label: product });
  const chooseOptions = async (index) => {
    await page.locator(`#option-${index}-0`).waitFor();
    for (const option of await page.locator(`select[id^=option-${index}-]`).all()) await option.selectOption({ index: 1 });
  };

  await page.goto('/orders/new');
  await select(0, '예시침구 경추 베개');
  // The options are not there yet.
  await page.locator('#quantity-0').fill('3');
  await page.getByRole('button', { name: '상품 추가' }).click();
  await page.locator('#price-0').fill('57,000');
  await chooseOptions(0);
  await page.locator('#product-1').waitFor();
  assert.deepEqual([await value('quantity-0'), await value('price-0')], ['3', '57,000'], 'typed while the options came');
  assert.notEqual(await value('option-0-0'), '', 'chosen while the product was added');

  await select(1, '예시침구 경추 베개');
  await select(1, '예시공방 린넨 3인 소파');
  await page.locator('#price-1').fill('590000');
  await field(page, '구매자명').fill('홍길동');
  await clickButton(page, '상담주문 저장');
  await page.locator('#customer_tel-problem').waitFor();
  assert.equal(await page.locator('#product-1 option:checked').innerText(), '예시공방 린넨 3인 소파');
  assert.equal(await value('price-1'), '590000');
  assert.notEqual(await value('option-0-0'), '', 'saving waits for the options');
  await chooseOptions(1);
  await page.locator('#quantity-1').fill('1');

  await page.goto('/orders/new');
  // The draft is not there yet, and a reload interrupts its request.
  await field(page, '구매자연락처').fill('010-0000-1001');
  await page.reload();
  await field(page, '구매자연락처').fill('010-0000-1001');
  await field(page, '주소').fill('경상북도 포항시 남구 예시로 12');
  await chooseShipping(page);
  await clickButton(page, '상담주문 저장');
  await page.getByText('상담주문 2건을 저장했어요').waitFor();
  assert.equal(await field(page, '구매자명').inputValue(), '홍길동');
});

test('second click on remove does not remove another product', async (t) => {
  const { page } = await shop(t);
  await delayOptions(page, 500);
  await page.goto('/orders/new');
  for (const number of [1, 2]) {
    await page.getByRole('button', { name: '상품 추가' }).click();
    await page.locator(`#product-${number}`).waitFor();
  }
  for (const number of [0, 1, 2]) await page.locator(`#price-${number}`).fill(`${number + 1}000`);
  await page.getByRole('button', { name: '상품 2 빼기' }).dblclick();
  await page.locator('#product-2').waitFor({ state: 'detached' });
  await page.waitForLoadState('networkidle');
  const prices = page.locator('input[id^=price-]');
  assert.deepEqual(await prices.evaluateAll((fields) => fields.map(({ value }) => value)), ['1000', '3000']);
});
