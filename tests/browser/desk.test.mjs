// The same desk with two people at it, without a mouse, and with many files at once.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { axe, closeBrowser, enter, login, mainText, open } from './browser.mjs';
import { apply, list, press, preview, row, tick, total } from './flows.mjs';
import { ADMIN, addMember, fixture } from './server.mjs';

const FIRST = '01_smartstore_orders_72col.xlsx';
const [ONE, OTHER] = ['2024031500000001', '2024031500000005'];
const SECOND_ADMIN = { username: 'manager', password: 'second-admin-2026' };

after(closeBrowser);

const memo = (page, number, name = '발주메모') => page.getByRole('textbox', { name: `${number} ${name}` });

test('two people change the same order: the second is told both values', async (t) => {
  const { page, window } = await open(t, {
    prepare: (data) => [ADMIN, SECOND_ADMIN].forEach((member) => addMember(data, member, 'admin')),
  });
  const second = await window();
  await login(page);
  await login(second, SECOND_ADMIN);
  await preview(page, FIRST);
  await apply(page);
  await list(page, { state: 'PLACED' });
  await list(second, { state: 'PLACED' });

  await memo(page, ONE).fill('회색으로');
  await row(page, ONE).getByRole('combobox', { name: `${ONE} 상태` }).selectOption({ label: '발주' });
  await tick(page, [ONE]);
  await press(page, '선택수정');
  assert.match(await mainText(page), /1건을 저장했어요/);

  await memo(second, ONE).fill('흰색으로');
  await memo(second, OTHER).fill('천천히');
  await press(second, '선택수정');
  assert.match(await mainText(second), /선택한 주문이 없어요/);
  assert.equal(await memo(second, ONE).inputValue(), '흰색으로', 'what was typed stays');
  await tick(second, [ONE, OTHER]);
  await press(second, '선택수정');
  assert.match(await mainText(second), /1건을 저장했어요: \S+ 1건은 저장하지 못했어요/);
  const refused = row(second, ONE);
  assert.match(await refused.innerText(), /지금 ‘회색으로’, 입력 ‘흰색으로’/, 'the row stays though it left the search');
  assert.match(await refused.innerText(), /지금 ‘발주’, 입력 ‘주문’/);
  assert.equal(await memo(second, ONE).inputValue(), '흰색으로');
  assert.equal(await memo(second, ONE).getAttribute('aria-invalid'), 'true');
  await list(page);
  assert.equal(await memo(page, ONE).inputValue(), '회색으로', 'nothing is overwritten');
  assert.equal(await memo(page, OTHER).inputValue(), '천천히');

  await refused.getByRole('combobox', { name: `${ONE} 상태` }).selectOption({ label: '발주' });
  await press(second, '선택수정');
  assert.match(await mainText(second), /1건을 저장했어요/);
  await list(page);
  assert.equal(await memo(page, ONE).inputValue(), '흰색으로', 'who has seen both decides');
});

test('a product that somebody else renamed is not overwritten', async (t) => {
  const { page, window } = await open(t);
  await enter(page);
  await preview(page, FIRST);
  await apply(page);
  const second = await window({ storageState: await page.context().storageState() });
  const save = async (who, name) => {
    await who.getByRole('textbox', { name: 'PILLOW 상품명' }).fill(name);
    await who.locator('tr').filter({ has: who.getByRole('link', { name: 'PILLOW' }) }).getByRole('checkbox', { name: /선택$/ }).check();
    await press(who, '선택수정');
  };
  await page.goto('/products');
  await second.goto('/products');
  await save(page, '메밀 베개');
  await save(second, '경추 베개');
  assert.match(await mainText(second), /지금 ‘메밀 베개’, 입력 ‘경추 베개’/);
  await page.goto('/products');
  assert.equal(await page.getByRole('textbox', { name: 'PILLOW 상품명' }).inputValue(), '메밀 베개');
  await press(second, '선택수정');
  await page.goto('/products');
  assert.equal(await page.getByRole('textbox', { name: 'PILLOW 상품명' }).inputValue(), '경추 베개');
});

test('what was typed and would be lost is asked about', async (t) => {
  const { page } = await open(t);
  await enter(page);
  await preview(page, FIRST);
  await apply(page);
  await list(page);
  await memo(page, ONE).fill('회색으로');
  await memo(page, OTHER).fill('천천히');
  await tick(page, [ONE]);
  await page.getByRole('button', { name: '선택발주' }).click();
  const question = page.getByRole('dialog');
  assert.match(await question.innerText(), /2줄에 적은 내용은 저장되지 않아요/);
  await axe(page, 'the question');
  await question.getByRole('button', { name: '아니요' }).click();
  assert.equal(await memo(page, ONE).inputValue(), '회색으로');
  await page.getByRole('button', { name: '선택수정' }).click();
  assert.match(await question.innerText(), /1줄에/);
  await page.keyboard.press('Escape');
  await tick(page, [OTHER]);
  await press(page, '선택수정');
  await page.getByText('2건을 저장했어요').waitFor();
  await tick(page, [ONE]);
  await page.getByLabel(`${ONE} 송장번호`).fill('45168300137');
  await page.keyboard.press('Enter');
  await page.getByText('1건을 저장했어요').waitFor();
  assert.equal(await page.getByLabel(`${ONE} 송장번호`).inputValue(), '45168300137', 'enter in a field saves');
  await memo(page, OTHER).fill('다르게');
  await tick(page, [ONE]);
  await page.getByRole('button', { name: '선택발주' }).click();
  await question.getByRole('button', { name: '네' }).click();
  await page.getByText('1건을 발주 상태로 바꿨어요').waitFor();
  assert.equal(await memo(page, OTHER).inputValue(), '천천히');
});

const SEVERAL = [FIRST, '02_smartstore_encrypted_agile_aes256_sha512.xlsx', 'B01_missing_key_column.xlsx', 'B06_bad_values.xlsx'];

async function severalAreThere(page) {
  await page.getByText('파일 4개를 읽었어요').waitFor();
  const rows = page.getByRole('table').getByRole('row');
  for (const [name, stage] of SEVERAL.map((name, at) => [name, ['적용 전', '비밀번호 필요', '거절됨', '적용 전'][at]])) {
    assert.match(await rows.filter({ hasText: name }).innerText(), new RegExp(stage), name);
  }
}

for (const javaScriptEnabled of [true, false]) {
  test(`several files are chosen at once, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async (t) => {
    const { page } = await open(t, { javaScriptEnabled });
    await enter(page);
    await page.goto('/uploads');
    await page.getByLabel('파일 선택').setInputFiles(SEVERAL.map(fixture));
    await press(page, '미리보기');
    await severalAreThere(page);
  });
}

test('the other forms do their work without JavaScript', async (t) => {
  const { page } = await open(t, { javaScriptEnabled: false });
  await enter(page);
  await preview(page, SEVERAL[1]);
  await page.getByLabel('비밀번호').fill('1234');
  await press(page, '열기');
  assert.match(await mainText(page), /미리보기/);
  await press(page, '취소');
  assert.match(await mainText(page), /올린 파일을 취소했어요/);
  await preview(page, FIRST);
  await apply(page);

  await list(page);
  await memo(page, ONE, '관리자메모').fill('첫 줄\n둘째 줄');
  await page.getByLabel(`${ONE} 송장번호`).fill('451-6830-0137');
  await tick(page, [ONE]);
  await press(page, '선택수정');
  assert.equal(await memo(page, ONE, '관리자메모').inputValue(), '첫 줄\n둘째 줄');
  assert.equal(await page.getByLabel(`${ONE} 송장번호`).inputValue(), '45168300137');

  await page.goto('/products');
  const product = page.getByRole('row').filter({ has: page.getByRole('link', { name: 'PILLOW' }) });
  await product.getByRole('switch').uncheck();
  await product.getByRole('checkbox', { name: /선택$/ }).check();
  await press(page, '선택수정');
  await product.getByText('주문이 있는 상품이에요').waitFor();
  await press(page, '선택수정');
  await list(page);
  assert.equal(await total(page), 19, 'the orders of a product that is off are not listed');
  await page.goto('/products');
  await page.getByRole('link', { name: 'SOFA3-LINEN' }).click();
  await page.getByLabel('색상 아이보리 레이블').fill('IV');
  await page.getByRole('checkbox', { name: '아이보리 선택' }).check();
  await press(page, '선택수정');
  await list(page);
  assert.match(await row(page, ONE).innerText(), /\[IV\]/);

  await page.goto('/account');
  await page.getByLabel('지금 비밀번호').fill(ADMIN.password);
  await page.getByLabel('새 비밀번호', { exact: true }).fill('another-password');
  await page.getByLabel('새 비밀번호 한 번 더').fill('another-password');
  await press(page, '바꾸기');
  assert.match(await mainText(page), /비밀번호를 바꿨어요/);
  await page.locator('details.account summary').click();
  await press(page, '로그아웃');
  await login(page, { ...ADMIN, password: 'another-password' });
});

test('files are dropped on the page, and dropped again', async (t) => {
  const { page } = await open(t);
  await enter(page);
  await page.goto('/uploads');
  const drop = async (names) => {
    const files = names.map((name) => ({ name, bytes: readFileSync(fixture(name)).toString('base64') }));
    const carried = await page.evaluateHandle((files) => {
      const carried = new DataTransfer();
      for (const { name, bytes } of files) {
        carried.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name));
      }
      return carried;
    }, files);
    await page.locator('.drop').dispatchEvent('drop', { dataTransfer: carried });
  };
  await drop(SEVERAL);
  await severalAreThere(page);
  await drop([FIRST]);
  await page.waitForURL(/\/uploads\/[^/?]+/);
  assert.match(await mainText(page), /미리보기/);
});

// Presses tab until what is wanted has the focus; what has it is always in sight, once the page has
// scrolled there.
async function tabTo(page, wanted, most = 80) {
  for (let presses = 0; presses < most; presses += 1) {
    await page.keyboard.press('Tab');
    let [there, seen] = [false, false];
    for (let looks = 0; looks < 20 && !seen; looks += 1) {
      if (looks > 0) await page.waitForTimeout(50);
      [there, seen] = await inSight(page, wanted);
    }
    assert.ok(seen, `the focus is covered: ${await page.evaluate(() => document.activeElement.outerHTML.slice(0, 200))}`);
    if (there) return;
  }
  assert.fail(`tab never comes to ${wanted}`);
}

// Whether what has the focus is what is wanted, and whether it can be seen.
function inSight(page, wanted) {
  return page.evaluate((wanted) => {
    const at = document.activeElement;
    const { left, top, width, height } = at.getBoundingClientRect();
    const seen = [[0.5, 0.5], [0.1, 0.2], [0.9, 0.8]].some(([x, y]) => {
      const over = document.elementFromPoint(left + width * x, top + height * y);
      return over && (at.contains(over) || over.contains(at));
    });
    return [at.matches(wanted), seen || at.className === 'skip' || at.type === 'file'];
  }, wanted);
}

test("a day's work by keyboard alone", async (t) => {
  const { page } = await open(t);
  await page.goto('/');
  await page.keyboard.type(ADMIN.username);
  await tabTo(page, '#password');
  await page.keyboard.type(ADMIN.password);
  await tabTo(page, '#again');
  await page.keyboard.type(ADMIN.password);
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => url.pathname === '/');

  await tabTo(page, 'nav.menu a[href="/uploads"]');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/uploads');
  await tabTo(page, 'input[type=file]');
  await page.locator('input[type=file]').setInputFiles(fixture(FIRST)); // the system's own window
  await tabTo(page, '.bring button[type=submit]');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/uploads\/[^/?]+/);
  await tabTo(page, 'form[action$="/apply"] button');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: '적용' }).waitFor({ state: 'detached' });
  await tabTo(page, 'nav.menu a[href="/orders"]');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/orders');

  await page.keyboard.press('/');
  await page.keyboard.type('홍길동');
  await page.keyboard.press('Enter');
  await page.waitForURL(/q=/);
  assert.equal(await total(page), 3);

  await tabTo(page, 'table[data-rows] tr');
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  assert.equal(await page.locator('tbody .tick input:checked').count(), 2);
  await tabTo(page, 'button[value=purchase]');
  await page.keyboard.press('Enter');
  await page.getByText('2건을 발주 상태로 바꿨어요').waitFor();

  await tabTo(page, 'table[data-rows] tr');
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/orders\/[^/?]+/);
  await tabTo(page, 'a[href^="/deliveries/"]');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/deliveries\/[^/?]+/);
});
