// A refused form says so in the title, lists the fields to correct with links, and has the focus on the first one; a message
// is said once. With and without JavaScript.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, mainText, open, setUpAndLogIn } from './browser.mjs';
import { clickButton, field } from './flows.mjs';
import { ADMIN } from './server.mjs';

after(closeBrowser);

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with' : 'without';

  test(`fields to correct are listed, and the first has the focus, ${how} JavaScript`, async (t) => {
    const { page } = await open(t, { javaScriptEnabled });
    await setUpAndLogIn(page);
    await page.goto('/account');
    assert.doesNotMatch(await page.title(), /오류/);
    await field(page, '현재 비밀번호').fill('wrong-password');
    await field(page, '새 비밀번호').fill('another-password');
    await field(page, '새 비밀번호 확인').fill('yet-another-password');
    await clickButton(page, '바꾸기');
    assert.match(await page.title(), /^오류: (?!오류)/);
    const links = page.getByRole('navigation', { name: '확인할 곳' }).getByRole('link');
    const names = await links.allInnerTexts();
    assert.ok(names.length > 1 && names.every((name) => name.includes('비밀번호')), names.join());
    const invalid = page.locator('[aria-invalid=true]');
    assert.equal(await invalid.count(), names.length);
    assert.ok(await invalid.first().evaluate((one) => one === document.activeElement), 'the first has the focus');
    await links.last().click();
    if (javaScriptEnabled) {
      assert.ok(await invalid.last().evaluate((one) => one === document.activeElement), 'a link leads to its field');
      await checkPage(page, 'fields-to-correct');
    }
  });

  test(`message is not repeated by a reload, ${how} JavaScript`, async (t) => {
    const { page } = await open(t, { javaScriptEnabled });
    await setUpAndLogIn(page);
    await page.goto('/shop');
    await page.getByLabel('상호').fill('보기 침대');
    await clickButton(page, '저장');
    assert.match(await mainText(page), /가게 정보를 저장했어요/);
    await page.reload();
    assert.doesNotMatch(await mainText(page), /가게 정보를 저장했어요/);
  });
}

test('refusal without a field is in the title once, also after a drop that replaces the page', async (t) => {
  const { page, folder } = await open(t);
  await setUpAndLogIn(page);
  const file = path.join(folder, 'note.py');
  writeFileSync(file, 'print("no sheet")');
  await page.goto('/uploads');
  await page.getByLabel('파일 선택').setInputFiles(file);
  await page.waitForFunction(() => document.title.startsWith('오류: '));
  assert.doesNotMatch(await page.title(), /오류: 오류/);
  await page.goto('/settings');
  if (new URL(page.url()).pathname === '/password') {
    await field(page, '비밀번호').fill(ADMIN.password);
    await clickButton(page, '확인');
  }
  await page.getByLabel('업로드 파일 하나의 최대 크기').fill('0');
  await page.locator('form[action="/settings/limits"]').getByRole('button').first().click();
  await page.locator('[aria-invalid=true]').waitFor();
  assert.match(await page.title(), /^오류: 설정/);
});
