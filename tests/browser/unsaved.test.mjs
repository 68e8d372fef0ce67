// Nothing typed is lost: every way out of a page with something typed and not saved asks first, and no other does.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { closeBrowser, open, setUpAndLogIn } from './browser.mjs';
import { apply, clickButton, field, gotoOrders, memoField, openOrder, orderRow, preview, selectRows } from './flows.mjs';
import { ADMIN } from './server.mjs';

const ORDER = '2024031500000001';
const OTHER = '2024031500000004';
const LOST = '저장하지 않은 내용이 있어요';

after(closeBrowser);

async function shop(t, options) {
  const opened = await open(t, options);
  await setUpAndLogIn(opened.page);
  await preview(opened.page, '01_smartstore_orders_72col.xlsx', { isNew: true });
  await apply(opened.page);
  return opened;
}

/** Counts the questions of the browser, and stays on the page. */
function stay(page) {
  const asked = { count: 0 };
  page.on('dialog', (dialog) => { asked.count += 1; return dialog.dismiss(); });
  return asked;
}

/** Leaves by the menu; whether the browser has asked, and so the page is still there. */
async function isKept(page, asked) {
  const before = asked.count;
  const here = page.url();
  await page.locator('nav.menu a[href^="/products"]').click();
  if (asked.count === before) await page.waitForURL(/\/products/);
  else assert.equal(page.url(), here);
  return asked.count > before;
}

/** Presses a button that would lose something typed, and stays. */
async function refuse(page, button, question = LOST) {
  await button.click();
  const dialog = page.getByRole('dialog').filter({ hasText: question });
  await dialog.getByRole('button', { name: '아니요' }).click();
  assert.equal(await page.getByRole('dialog').count(), 0);
}

const reset = (page) => page.evaluate(() => [...document.forms].forEach((form) => form.reset()));

const idOf = (page) => new URL(page.url()).pathname.split('/').at(-1);

// The first field of a form that is saved.
const typedField = (page) => page.locator('main form[method=post]:not([data-unguarded], [data-download])')
  .locator('textarea, input:not([type]), input[type=text]').locator('visible=true').first();

test('every form with text asks before it is left, and only when something was typed', async (t) => {
  const { page } = await shop(t);
  await openOrder(page, ORDER);
  const order = idOf(page);
  await page.locator('#bundle ~ p a').first().click();
  await page.waitForURL(/\/deliveries\/\w{13}/);
  const delivery = idOf(page);
  const asked = stay(page);
  for (const path of [
    `/orders/${order}`, `/deliveries/${delivery}`, `/sites/${delivery}`, `/plans/jobs/${delivery}`, `/plans/jobs/new?delivery=${delivery}`, `/consumer/orders/${order}`,
    '/products/new', '/members/new', '/shop', '/settings', '/trucks/settings', '/trucks/holidays', '/trucks/handling', '/sites/rates', '/notices/wordings',
    '/privacy/breaches', '/products',
  ]) {
    await page.goto(path);
    const typed = typedField(page);
    if (path === '/settings') await page.locator('details').evaluateAll((all) => all.forEach((details) => { details.open = true; }));
    await typed.click();
    assert.equal(await isKept(page, asked), false, `${path} asks without anything typed`);
    await page.goto(path);
    if (path === '/settings') await page.locator('details').evaluateAll((all) => all.forEach((details) => { details.open = true; }));
    await typed.click();
    await typed.press('End');
    await typed.pressSequentially('7');
    assert.equal(await isKept(page, asked), true, `${path} is left without a question`);
    assert.match(await typed.inputValue(), /7$/);
    await reset(page);
  }

  await page.goto('/deliveries');
  await page.locator('tbody .tick input').first().check();
  assert.equal(await isKept(page, asked), false, 'a tick chooses, and nothing was typed');
  await page.goto('/deliveries');
  await field(page, '희망배송일').last().fill('2030-05-04');
  await page.locator('h1').click();
  assert.equal(await isKept(page, asked), true, 'a date to set');
});

test('a search and a form that keeps its draft are left without a question', async (t) => {
  const { page } = await shop(t);
  const asked = stay(page);
  await page.goto('/orders');
  await page.locator('#q').pressSequentially('홍길동');
  assert.equal(await isKept(page, asked), false);
  await page.goto('/orders/new');
  await page.locator('#customer_message').pressSequentially('문 앞에');
  assert.equal(await isKept(page, asked), false);
  await page.goto('/orders/new');
  await page.locator('[data-draft-told]').waitFor();
  assert.equal(await page.locator('#customer_message').inputValue(), '문 앞에');
  // The draft does not outlive the session.
  await page.locator('details.account summary').click();
  await refuse(page, page.getByRole('button', { name: '로그아웃' }));
});

test('other forms of a page ask before they lose what was typed', async (t) => {
  const { page } = await shop(t);
  stay(page);
  // A notice with an undo, a saved search and the account menu beside a row with a memo.
  await gotoOrders(page, { state: 'PLACED' });
  await selectRows(page, [OTHER]);
  await clickButton(page, '발주로 바꾸기');
  await page.getByText('1건을 발주 상태로 바꿨어요').waitFor();
  await orderRow(page, ORDER).getByRole('button', { name: /메모 쓰기/ }).click();
  await memoField(page, ORDER).pressSequentially('회색으로');
  await refuse(page, page.getByRole('button', { name: '되돌리기' }));
  await page.getByText('저장한 검색').click();
  await page.getByLabel('이 검색의 이름').fill('새 주문');
  await refuse(page, page.getByRole('button', { name: '저장', exact: true }));
  await page.locator('details.account summary').click();
  await refuse(page, page.getByRole('button', { name: '로그아웃' }));
  assert.equal(await memoField(page, ORDER).inputValue(), '회색으로');
  await reset(page);

  // Two forms of a delivery.
  await page.goto('/deliveries');
  await page.locator('a.bundle-number').first().click();
  await page.waitForURL(/\/deliveries\/\w{13}/);
  await page.getByLabel('팀 메모').pressSequentially('사다리차');
  await refuse(page, page.getByRole('button', { name: '배송 완료' }));
  await clickButton(page, '메모 저장');
  await page.locator('.notice').first().waitFor();
  assert.equal(await page.getByLabel('팀 메모').inputValue(), '사다리차');
});

test('a value to set for many orders is not lost by another button', async (t) => {
  const { page } = await shop(t);
  stay(page);
  await gotoOrders(page, { state: 'PLACED' });
  await selectRows(page, [ORDER]);
  await page.getByText('한꺼번에 정하기').click();
  await field(page, '배송메모').fill('문 앞에');
  await field(page, '발주메모').fill('회색으로');
  await refuse(page, page.getByRole('button', { name: /정하기 ?: 발주메모/ }));
  await field(page, '발주메모').fill('');
  await refuse(page, page.getByRole('button', { name: '발주로 바꾸기' }));
  await page.getByText('한꺼번에 정하기').click();
  await clickButton(page, /정하기 ?: 배송메모/);
  await page.getByText('주문 1건을 배송메모').waitFor();
});

test('a file is downloaded beside rows with something typed', async (t) => {
  const { page } = await shop(t);
  stay(page);
  const offer = async () => {
    const button = page.locator('.offers.up').getByRole('button', { name: '발주서' });
    if (!(await button.isVisible())) await page.getByText('선택 내려받기').click(); // a question leaves the menu open
    return button;
  };
  await gotoOrders(page, { state: 'PLACED' });
  await selectRows(page, [ORDER]);
  await Promise.all([page.waitForEvent('download'), (await offer()).click()]);
  await orderRow(page, ORDER).getByRole('button', { name: /메모 쓰기/ }).click();
  await memoField(page, ORDER).pressSequentially('회색으로');
  await refuse(page, await offer(), '아직 저장하지 않아서 파일에 없어요');
  // The order is in a file already: instead of a file comes a question.
  await (await offer()).click();
  const [question] = await Promise.all([page.waitForEvent('popup'), page.getByRole('dialog').getByRole('button', { name: '네' }).click()]);
  await question.getByText('이미 파일로 받은 주문 1건도 다시 넣기').waitFor();
  await question.close();
  assert.equal(await memoField(page, ORDER).inputValue(), '회색으로');
  await clickButton(page, '입력 저장');
  await page.getByText('1건을 저장했어요').waitFor();
});

test('what a form says after the login has run out is kept', async (t) => {
  const { page } = await shop(t);
  await page.goto('/deliveries');
  await page.locator('a.bundle-number').first().click();
  await page.waitForURL(/\/deliveries\/\w{13}/);
  const delivery = new URL(page.url()).pathname;
  for (const [path, label, button] of [[delivery, '팀 메모', '메모 저장'], ['/shop', '상호', '저장']]) {
    await page.goto(path);
    await page.getByLabel(label).fill('사다리차 필요');
    await page.context().clearCookies({ name: /session/ });
    await clickButton(page, button);
    await page.waitForURL(/\/login/);
    await page.getByLabel('아이디').fill(ADMIN.username);
    await page.getByLabel('비밀번호', { exact: true }).fill(ADMIN.password);
    await clickButton(page, '로그인');
    await page.waitForURL('**/account/unsent');
    await clickButton(page, '마저 저장하기');
    await page.locator('.notice').first().waitFor();
    await page.goto(path);
    assert.equal(await page.getByLabel(label).inputValue(), '사다리차 필요');
  }
});
