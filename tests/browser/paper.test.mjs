// Paper: the papers of a tour, and its results keyed at the desk; an order that is cancelled after its truck was loaded.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, koreanDay, mainText, open } from './browser.mjs';
import { DEMO, handOut } from './driving.mjs';
import { apply, preview } from './flows.mjs';

after(closeBrowser);

/** Ticks everything that may be loaded on the loading list of a tour, and presses a button. */
async function load(page, tour, button) {
  await page.goto(`/drive/loading/${tour.split('/').at(-1)}`);
  for (const box of await page.locator('.drive-loading li:not(.stopped) input[name=tick]').all()) await box.check();
  const despite = page.getByLabel('그대로 출발하는 이유');
  if (await despite.count()) await despite.fill('전화로 확인');
  await page.getByRole('button', { name: button, exact: true }).click();
  await page.locator('.notice', { hasText: button === '출발' ? /출발했어요/ : /저장했어요/ }).waitFor();
}

test('results of a tour are keyed from its paper: thirty stops within three minutes', async (t) => {
  const { page } = await open(t, { command: DEMO });
  const tour = await handOut(page);
  assert.ok((await page.locator('.stop-qr').count()) >= 10, 'a QR code for each stop');
  await page.emulateMedia({ media: 'print' });
  assert.ok(await page.locator('.written').first().isVisible(), 'printed only');
  await page.emulateMedia({ media: 'screen' });
  assert.ok(!(await page.locator('.written').first().isVisible()));
  await load(page, tour, '출발');

  await page.goto(`/plans?day=${koreanDay()}`);
  await page.getByRole('link', { name: '종이 결과' }).click();
  await checkPage(page, 'plans-paper');
  const id = tour.split('/').at(-1);
  const form = page.locator('[data-paper]').filter({ has: page.locator(`input[name=tour][value="${id}"]`) });
  const times = form.locator('.paper-time');
  const stops = await times.count();
  assert.ok(stops >= 10, `${stops} stops`);
  let keys = 0;
  const press = async (key) => {
    await page.keyboard.press(key);
    keys += 1;
  };
  await times.first().focus();
  let [recorded, failed] = [0, 0];
  for (let at = 0; at < stops; at += 1) {
    assert.ok(await times.nth(at).evaluate((time) => time === document.activeElement), `line ${at + 1} is next`);
    // A stop that must not be delivered is not recorded, unless its line says so.
    if ((await form.locator('select').nth(at).inputValue()) !== '') {
      for (const digit of `${1000 + at}`) await press(digit);
      recorded += 1;
      if (recorded % 10 === 5) {
        await press('Tab');
        await press('ArrowDown');
        failed += 1;
      }
    }
    await press('Enter');
  }
  await page.getByText(`${recorded}곳의 결과를 기록했어요`).waitFor();
  // A key a second is slow; thirty stops have three minutes.
  assert.ok((keys / stops) * 30 <= 180, `${keys} keys for ${stops} stops`);
  await page.goto(tour);
  const known = page.locator('table.driving tbody tr');
  assert.equal(await known.getByText('실패: 부재').count(), failed);
  assert.equal(await known.getByText('종이', { exact: true }).count(), recorded, 'the source is paper');
});

test('order that is cancelled after loading is shouted', async (t) => {
  const { page, folder } = await open(t, { command: DEMO });
  const tour = await handOut(page);
  await load(page, tour, '저장');
  await page.goto('/');
  assert.doesNotMatch(await mainText(page), /실은 다음 바뀐 배송/);
  await page.goto(tour);
  // A stop with a tag may be held already, or may be no delivery.
  const plain = page.locator('table.tour tbody tr').filter({ hasNot: page.locator('.tag') });
  const hrefs = await plain.locator('a[href^="/deliveries/"]').evaluateAll((links) => links.map((link) => link.getAttribute('href')));
  let number;
  for (const href of hrefs) {
    await page.goto(href);
    number = (await page.locator('.order-number').allInnerTexts()).find((text) => /^\d{16}$/.test(text));
    if (number) break;
  }
  assert.ok(number, 'an order of the channel is aboard');
  const file = path.join(folder, '취소관리.csv');
  writeFileSync(file, `상품주문번호,주문상태,취소 처리상태,취소요청일\n${number},결제완료,취소요청,${koreanDay()} 00:01\n`);
  await preview(page, file);
  await apply(page);

  await page.goto('/');
  const notice = page.locator('.notices li.danger', { hasText: '실은 다음 바뀐 배송' });
  await notice.waitFor();
  await checkPage(page, 'today-changed-after-loading');
  await notice.getByRole('link').click();
  assert.match(await mainText(page), /바뀜: /);
  await page.goto(`${tour}/loading`);
  assert.match(await page.locator('tr.stopped').first().innerText(), /멈춤[\s\S]*싣지 마세요: 취소요청/);
  assert.match(await mainText(page), /클레임 정보/);
  await checkPage(page, 'plans-loading-stopped');
});
