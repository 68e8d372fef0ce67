// An order taken in the shop or by telephone, and the search for an address.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { axe, closeBrowser, enter, mainText, open, shot } from './browser.mjs';
import { apply, field, list, openOrder, preview, press, total } from './flows.mjs';

const FIRST = '01_smartstore_orders_72col.xlsx';
const ONE = '2024031500000001';

after(closeBrowser);

async function shop(t, options) {
  const opened = await open(t, options);
  await enter(opened.page);
  await preview(opened.page, FIRST);
  await apply(opened.page);
  return opened;
}

/** Fills in one product; every option it turns out to have gets its first value. */
async function choose(page, place, { product, quantity, price, javaScriptEnabled = true }) {
  await page.locator(`#product-${place}`).selectOption({ label: product });
  // Without a script inside, a noscript part is not part of the page's tree.
  if (!javaScriptEnabled) await press(page, '고른 상품의 옵션 보기');
  const options = page.locator(`select[id^=option-${place}-]`);
  await options.first().waitFor();
  for (const option of await options.all()) await option.selectOption({ index: 1 });
  await page.locator(`#quantity-${place}`).fill(quantity);
  await page.locator(`#price-${place}`).fill(price);
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with' : 'without';

  test(`two products are taken in one go, ${how} JavaScript`, async (t) => {
    const { page } = await shop(t, { javaScriptEnabled });
    await list(page);
    await page.getByRole('link', { name: '상담주문 추가' }).click();
    await page.waitForURL('**/orders/new');
    await choose(page, 0, { product: '예시침구 경추 베개', quantity: '2', price: '38,000', javaScriptEnabled });
    await page.getByRole('button', { name: '상품 추가' }).click();
    await page.locator('#product-1').waitFor();
    await choose(page, 1, { product: '예시공방 린넨 3인 소파', quantity: '1', price: '590000', javaScriptEnabled });
    await field(page, '구매자명').fill('홍길동');
    await field(page, '우편번호').fill('37683');
    if (javaScriptEnabled) await page.getByText('경상북도 포항시 남구').waitFor();
    await press(page, '상담주문 저장');
    await page.locator('#customer_tel-problem').waitFor();
    assert.match(await mainText(page), /경상북도 포항시 남구[^]*주소를 입력해 주세요/);
    assert.equal(await page.locator('#quantity-0').inputValue(), '2', 'what was typed stays');
    await shot(page, 'counter-mistakes');
    if (javaScriptEnabled) await axe(page, 'a shop order with mistakes');

    await field(page, '구매자연락처').fill('010-0000-1001');
    await field(page, '주소').fill('경상북도 포항시 남구 예시로 12');
    await press(page, '상담주문 저장');
    await page.getByText('상담주문 2건을 저장했어요').waitFor();
    assert.match(await page.getByRole('region', { name: '묶음', exact: true }).innerText(), /2건[^]*함께 가는 주문/);
    assert.equal(await field(page, '수취인명').inputValue(), '홍길동');
    await shot(page, 'counter-taken');
    if (javaScriptEnabled) await axe(page, 'a shop order that was taken');
    await page.getByRole('link', { name: '같은 고객의 주문 하나 더' }).click();
    await page.waitForURL('**/orders/new?like=*');
    assert.equal(await field(page, '구매자명').inputValue(), '홍길동');
    assert.equal(await field(page, '주소').inputValue(), '경상북도 포항시 남구 예시로 12');
    assert.equal(await page.locator('#product-0').inputValue(), '', 'the goods are new');
    await list(page, { channel: 'LOCAL' });
    assert.equal(await total(page), 2);
  });
}

test('a shop order that was being typed survives a reload, and nothing of it stays behind', async (t) => {
  const { page } = await shop(t);
  await page.goto('/orders/new');
  await shot(page, 'counter');
  await axe(page, 'a shop order');
  await choose(page, 0, { product: '예시침구 경추 베개', quantity: '3', price: '57,000' });
  await page.getByRole('button', { name: '상품 추가' }).click();
  await choose(page, 1, { product: '예시공방 린넨 3인 소파', quantity: '1', price: '590000' });
  await field(page, '구매자명').fill('홍길동');
  await field(page, '구매자연락처').fill('010-0000-1001');
  await page.reload();
  await page.getByText('적던 내용을 되살렸어요').waitFor();
  assert.equal(await page.locator('#quantity-0').inputValue(), '3');
  assert.equal(await page.locator('#price-1').inputValue(), '590000');
  assert.notEqual(await page.locator('#option-0-0').inputValue(), '');
  assert.equal(await field(page, '구매자명').inputValue(), '홍길동');
  await axe(page, 'a shop order that came back');

  await field(page, '주소').fill('경상북도 포항시 남구 예시로 12');
  await press(page, '상담주문 저장');
  await page.getByText('상담주문 2건을 저장했어요').waitFor();
  const kept = () => page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }));
  assert.equal(await kept(), '{}', 'nothing is left of what was sent');

  await page.goto('/orders/new');
  assert.equal(await field(page, '구매자명').inputValue(), '');
  await field(page, '구매자명').fill('이표본');
  assert.match(await kept(), /customer_name/);
  await page.locator('details.account summary').click();
  await page.getByRole('button', { name: '로그아웃' }).click();
  await page.waitForURL(/\/login/);
  assert.equal(await kept(), '{}', 'nor of what was typed, once somebody signs out');
});

test('a shop order by the keyboard alone', async (t) => {
  const { page } = await shop(t);
  await page.goto('/orders/new');
  const focused = () => page.evaluate(() => document.activeElement?.id ?? '');
  const tabTo = async (id) => {
    for (let presses = 0; presses < 80; presses += 1) {
      if ((await focused()) === id) return;
      await page.keyboard.press('Tab');
    }
    assert.fail(`${id} is not reached by the tab key`);
  };
  await tabTo('product-0');
  await page.keyboard.press('ArrowDown');
  await page.locator('#option-0-0').waitFor();
  assert.equal(await focused(), 'product-0', 'the options come, and the focus stays');
  for (const option of await page.locator('select[id^=option-0-]').all()) {
    await tabTo(await option.getAttribute('id'));
    await page.keyboard.press('ArrowDown');
  }
  for (const [id, text] of [
    ['price-0', '38000'],
    ['customer_name', '홍길동'],
    ['customer_tel', '01000001001'],
    ['recipient_zip_code', '37683'],
    ['recipient_address1', '경상북도 포항시 남구 예시로 12'],
  ]) {
    await tabTo(id);
    await page.keyboard.type(text);
  }
  await page.keyboard.press('Enter');
  await page.getByText('상담주문 1건을 저장했어요').waitFor();
});

const [SCRIPT, FRAME] = ['https://t1.kakaocdn.net', 'https://postcode.map.kakao.com'];

/** The public service, played: its script opens its frame, and a button finds an address. */
const SERVICE = `window.kakao = { Postcode: class {
  constructor(options) { this.options = options; }
  embed(place) {
    place.append(Object.assign(document.createElement('iframe'), { src: '${FRAME}/search', title: '우편번호' }));
    const found = Object.assign(document.createElement('button'), { textContent: '세종대로 110' });
    found.onclick = () => this.options.oncomplete({
      zonecode: '04524', userSelectedType: 'R', roadAddress: '서울 중구 세종대로 110', bname: '태평로1가', apartment: 'N',
    });
    place.append(found);
  }
} };`;

test('the address search asks the public service only when it is wanted', async (t) => {
  const { page } = await shop(t, { elsewhere: [SCRIPT, FRAME] });
  const asked = [];
  await page.context().route(`${SCRIPT}/**`, (route) => {
    asked.push(route.request().url());
    return route.fulfill({ contentType: 'text/javascript', body: SERVICE });
  });
  await page.context().route(`${FRAME}/**`, (route) => {
    asked.push(route.request().url());
    return route.fulfill({ contentType: 'text/html', body: '<meta charset="utf-8"><title>우편번호</title><p>검색</p>' });
  });
  await page.goto('/orders/new');
  assert.deepEqual(asked, []);
  await page.getByRole('button', { name: '주소 검색' }).click();
  const found = page.frameLocator('dialog iframe').getByRole('button', { name: '세종대로 110' });
  await found.waitFor();
  await shot(page, 'address-search');
  await found.click();
  await page.getByText('서울특별시 중구').waitFor();
  assert.equal(await field(page, '우편번호').inputValue(), '04524');
  assert.equal(await field(page, '주소').inputValue(), '서울 중구 세종대로 110 (태평로1가)');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'recipient_address2', 'the detail comes next');
  assert.equal(asked.length, 2, 'the script and its frame, nothing else');
});

test('without the internet an address is typed, and a hint says so', async (t) => {
  const { page } = await shop(t, { elsewhere: [SCRIPT] });
  await page.context().route(`${SCRIPT}/**`, (route) => route.abort());
  await openOrder(page, ONE);
  await page.getByRole('button', { name: '주소 검색' }).click();
  await page.getByText('주소 검색에 연결하지 못했어요').waitFor();
  assert.equal(await page.locator('dialog').count(), 0);
  await shot(page, 'address-search-unreachable');
  await axe(page, 'an order whose address is typed');
  await field(page, '우편번호').fill('99999');
  await page.getByText('미분류: 모르는 우편번호예요').waitFor();
});

test('a training shop has no address search', async (t) => {
  const { page } = await open(t, { command: ['demo', '--orders', '60'] });
  await page.goto('/login');
  await page.getByRole('button', { name: '관리자 아이디로 들어가기' }).click();
  await page.waitForURL((url) => url.pathname !== '/login');
  await page.goto('/orders/new');
  await field(page, '우편번호').waitFor();
  assert.equal(await page.getByRole('button', { name: '주소 검색' }).count(), 0);
  assert.equal((await page.goto('/addresses/search')).status(), 404);
});
