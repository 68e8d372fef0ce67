// Members, one's own account, staying signed in, and the products: each flow as a person goes it.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { axe, closeBrowser, login, mainText, open, shot } from './browser.mjs';
import { apply, preview, press } from './flows.mjs';
import { ADMIN, TEAM, addMember } from './server.mjs';

after(closeBrowser);

async function look(page, name) {
  await shot(page, name);
  await axe(page, name);
}

const members = { prepare: (data) => { addMember(data, ADMIN, 'admin'); addMember(data, TEAM, 'logistics'); } };

/** Answers the question that stands before an act, where scripts ask it. */
async function sure(page, button) {
  await page.getByRole('button', { name: button }).click();
  // The form is sent after the dialog has closed: what the click itself waits for is not enough.
  await Promise.all([page.waitForNavigation(), page.getByRole('dialog').getByRole('button', { name: '네' }).click()]);
}

const signIn = async (page, { username, password }, stays) => {
  await page.goto('/login');
  await page.getByLabel('아이디').fill(username);
  await page.getByLabel('비밀번호', { exact: true }).fill(password);
  if (stays) await page.getByLabel('로그인 유지').check();
  await press(page, '로그인');
};

/** What remains when a browser is closed and opened again. */
const reopened = async (page) => {
  const cookies = await page.context().cookies();
  await page.context().clearCookies();
  await page.context().addCookies(cookies.filter(({ expires }) => expires > 0));
};

for (const javaScriptEnabled of [true, false]) {
  test(`a member from the first day to the last, scripts ${javaScriptEnabled ? 'on' : 'off'}`, async (t) => {
    const { page, window } = await open(t, { ...members, javaScriptEnabled });
    const act = javaScriptEnabled ? sure : press;
    const show = javaScriptEnabled ? look : async () => {};
    await login(page);
    await page.locator('details.account summary').click();
    await page.locator('details.account').getByRole('link', { name: '회원', exact: true }).click();
    await page.waitForURL('**/members');
    await show(page, 'members');
    await page.getByRole('link', { name: '회원 추가' }).click();
    await page.getByLabel('아이디').fill(TEAM.username);
    await show(page, 'member-new');
    await press(page, '추가하기');
    assert.match(await mainText(page), /이미 쓰고 있는 아이디예요/);
    await show(page, 'member-new-mistake');
    await page.getByLabel('아이디').fill('김기사');
    await page.getByLabel('배송팀').check();
    await press(page, '추가하기');
    const password = (await mainText(page)).match(/[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}/)[0];
    await show(page, 'member-issued');

    const driver = await window({ viewport: { width: 360, height: 740 } });
    await signIn(driver, { username: '김기사', password });
    assert.match(await mainText(driver), /나만 아는 비밀번호로 바꾸면/);
    await driver.goto('/deliveries');
    assert.equal(new URL(driver.url()).pathname, '/account', 'nothing before the password');
    await show(driver, 'account-must-change');
    await driver.getByLabel('지금 비밀번호').fill(password);
    await driver.getByLabel('새 비밀번호', { exact: true }).fill('트럭-열쇠는-주머니에');
    await driver.getByLabel('새 비밀번호 한 번 더').fill('트럭-열쇠는-주머니에');
    await press(driver, '바꾸기');
    assert.equal(new URL(driver.url()).pathname, '/deliveries');

    await page.goto('/members');
    await page.getByRole('link', { name: '김기사' }).click();
    await page.waitForURL(/\/members\/[^/]+$/);
    await show(page, 'member');
    await act(page, '로그인 막기');
    assert.match(await mainText(page), /이제 로그인하지 못해요/);
    await driver.goto('/deliveries');
    assert.equal(new URL(driver.url()).pathname, '/login', 'out at once');
    await press(page, '다시 로그인할 수 있게 하기');
    await page.getByLabel('역할').selectOption({ label: '관리자' });
    await act(page, '역할 바꾸기');
    assert.match(await mainText(page), /‘관리자’ 역할이에요/);
    await act(page, '비밀번호 새로 만들기');
    assert.match(await mainText(page), /[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}/);
    await page.goto('/members');
    await page.getByRole('link', { name: ADMIN.username, exact: true }).click();
    await page.waitForURL(/\/members\/[^/]+$/);
    await act(page, '로그인 막기');
    assert.equal(new URL(page.url()).pathname, '/login', 'another administrator is there, so this one may go');
  });
}

test('a browser that stays signed in is opened again', async (t) => {
  const { page, window } = await open(t, members);
  await signIn(page, ADMIN, true);
  await reopened(page);
  await page.goto('/orders');
  assert.equal(new URL(page.url()).pathname, '/orders');
  await page.goto('/members');
  assert.equal(new URL(page.url()).pathname, '/password', 'but much is at stake there');
  await look(page, 'password-again');
  await page.getByLabel('비밀번호', { exact: true }).fill('wrong-password');
  await press(page, '확인');
  await look(page, 'password-again-wrong');
  await page.getByLabel('비밀번호', { exact: true }).fill(ADMIN.password);
  await press(page, '확인');
  assert.equal(new URL(page.url()).pathname, '/members');

  const phone = await window({ viewport: { width: 360, height: 740 } });
  await signIn(phone, ADMIN, true);
  await page.goto('/account');
  await look(page, 'account');
  await sure(page, '다른 기기 모두 로그아웃');
  assert.match(await mainText(page), /다른 기기 1대에서 로그아웃했어요/);
  await phone.goto('/orders');
  assert.equal(new URL(phone.url()).pathname, '/login');

  await page.locator('details.account summary').click();
  await page.locator('details.account').getByRole('button', { name: '로그아웃' }).click();
  await page.waitForURL('**/login?bye=1');
  await page.goto('/orders');
  assert.equal(new URL(page.url()).pathname, '/login', 'a logout is a logout');
});

test('an act that needs the password again keeps its form', async (t) => {
  const { page } = await open(t, members);
  await signIn(page, ADMIN, true);
  await page.goto('/members/new');
  await page.getByLabel('아이디').fill('박기사');
  await reopened(page);
  await press(page, '추가하기');
  assert.match(await mainText(page), /적은 내용은 그대로 있어요/);
  await page.getByLabel('비밀번호', { exact: true }).fill(ADMIN.password);
  await press(page, '확인');
  assert.match(await mainText(page), /회원을 추가했어요/);
});

test('the page that tells of a copied cookie', async (t) => {
  const { page } = await open(t, members);
  await page.goto('/login?stolen=1');
  assert.match(await page.getByRole('alert').innerText(), /모든 기기에서 로그아웃했어요/);
  await look(page, 'login-stolen');
});

for (const javaScriptEnabled of [true, false]) {
  test(`products and their options by hand, scripts ${javaScriptEnabled ? 'on' : 'off'}`, async (t) => {
    const { page } = await open(t, { ...members, javaScriptEnabled });
    const show = javaScriptEnabled ? look : async () => {};
    await login(page);
    await preview(page, '01_smartstore_orders_72col.xlsx');
    await apply(page);
    await page.goto('/products');
    await show(page, 'products-by-hand');
    await page.getByRole('link', { name: '상품 추가' }).click();
    await page.getByLabel('상품번호').fill('PILLOW');
    await page.getByLabel('상품명').fill('원목 침대');
    await press(page, '추가하기');
    assert.match(await mainText(page), /이미 있는 상품번호예요/);
    await show(page, 'product-new-mistake');
    await page.getByLabel('상품번호').fill('BED-OAK');
    await press(page, '추가하기');
    assert.match(await mainText(page), /‘원목 침대’ 상품을 추가했어요/);
    await page.getByLabel('옵션 이름').fill('크기');
    await page.getByLabel('판매채널의 값').fill('퀸 (1500×2000)');
    await page.getByLabel('레이블', { exact: true }).first().fill('Q');
    await press(page, '옵션 추가');
    assert.equal(await page.getByLabel('크기 퀸 (1500×2000) 레이블').inputValue(), 'Q');

    await page.goto('/products');
    const product = page.getByRole('row').filter({ has: page.getByRole('link', { name: 'PILLOW' }) });
    await product.getByRole('switch').uncheck();
    await product.getByRole('checkbox', { name: /선택$/ }).check();
    await press(page, '선택수정');
    assert.match(await mainText(page), /주문이 있는 상품이에요/);
    await show(page, 'product-in-use');
    await press(page, '선택수정');
    await page.getByRole('link', { name: /^사용 안 함/ }).click();
    await page.waitForURL(/show=disabled/);
    await page.getByRole('textbox', { name: 'PILLOW 상품명' }).waitFor();
    await show(page, 'products-disabled');

    await page.goto('/products?labels=missing');
    await page.getByRole('link', { name: /레이블 안 정함/ }).first().click();
    await page.waitForURL(/labels=missing/);
    await show(page, 'product-labels-missing');
  });
}
