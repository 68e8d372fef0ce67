// Documents: the evidence of an order as a PDF file, and whether a file is still the one that was handed out.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, mainText, open, setUpAndLogIn } from './browser.mjs';
import { apply, gotoOrders, preview } from './flows.mjs';

after(closeBrowser);

for (const javaScriptEnabled of [true, false]) {
  test(`evidence of an order is a file that is recognised later, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async (t) => {
    const { page, folder } = await open(t, { javaScriptEnabled });
    await setUpAndLogIn(page);
    await preview(page, '01_smartstore_orders_72col.xlsx');
    await apply(page);
    await gotoOrders(page, { q: '홍길동' });
    await page.locator('a[href^="/orders/0"]').first().click();
    await page.getByRole('link', { name: '주문 증빙' }).click();
    await page.waitForURL(/\/orders\/\w+\/evidence/);
    await checkPage(page, 'order-evidence');
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'PDF로 받기' }).click()]);
    assert.match(download.suggestedFilename(), /^\d{4}-\d\d-\d\d 주문 증빙 \d+\.pdf$/);
    const file = path.join(folder, 'evidence.pdf');
    await download.saveAs(file);
    // Another program reads its text, and finds its font inside.
    const text = execFileSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' });
    for (const part of ['주문 증빙', '홍길동', '주문의 기록', '1 / ']) assert.ok(text.includes(part) || text.replaceAll(' ', '').includes(part.replaceAll(' ', '')), `${part}: ${text}`);
    assert.match(execFileSync('pdffonts', [file], { encoding: 'utf8' }), /MukkeumDocument\s+CID TrueType\s+Identity-H\s+yes yes yes/);

    await page.goto('/downloads');
    assert.match(await mainText(page), /주문 증빙\s+지문 [0-9a-f]{12}…/);
    await page.getByRole('link', { name: '문서 확인' }).click();
    await checkPage(page, 'downloads-verify');
    const verify = async (name) => {
      await page.getByLabel('확인할 파일').setInputFiles(name);
      await page.getByRole('button', { name: '확인', exact: true }).click();
      await page.waitForLoadState();
      return mainText(page);
    };
    assert.match(await verify(file), /이 가게에서 받은 그대로예요/);
    const changed = path.join(folder, 'changed.pdf');
    writeFileSync(changed, Buffer.concat([readFileSync(file), Buffer.from('\n')]));
    assert.match(await verify(changed), /이 가게에서 받은 문서가 아니에요/);
    await checkPage(page, 'downloads-verified');
  });
}
