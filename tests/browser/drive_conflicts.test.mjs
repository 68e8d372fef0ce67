// An order that is cancelled while its truck is on the road: the phone stops it with the next contact, and a delivery that was
// reported all the same is a fact that the office looks at.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, enterDemo, mainText, open } from './browser.mjs';
import { DEMO, DONE, PHONE, cancelOne, handOut, leave, stored } from './driving.mjs';

after(closeBrowser);

test('what was cancelled on the way stops on the phone after the next contact, and was delivered if the driver says so', async (t) => {
  const { page: office, folder, window } = await open(t, { command: DEMO });
  await handOut(office);
  const page = await window(PHONE);
  await enterDemo(page, '배송팀');
  await leave(page);
  // Stops with one order, none of which is stopped yet.
  const stops = (await stored(page, 'packs')).flatMap((pack) => pack.stops);
  const single = stops.filter(({ goods, kind, is_stopped: isStopped }) => kind === 'deliver' && goods.length === 1 && !isStopped);
  const cancelled = await cancelOne(office, folder, single.map(({ goods }) => goods[0].id));
  const stop = single.find(({ goods }) => goods[0].id === cancelled);
  const item = page.locator('.drive-stops li').filter({ has: page.locator(`a[href="#${stop.key}"]`) });
  assert.ok(!(await item.innerText()).includes('멈춤'), 'nothing is known before a contact');

  await page.evaluate(() => dispatchEvent(new Event('online')));
  await item.getByText('멈춤: 배송하지 마세요').waitFor();
  assert.match(await item.getAttribute('class'), /stopped/);
  await item.getByRole('link').click();
  await page.getByText('멈춤: 취소된 배송이에요. 내리지 마세요.').waitFor();
  await checkPage(page, 'drive-stopped');
  await page.getByRole('button', { name: DONE }).click();
  await page.getByText('모두 전했어요').waitFor();

  await office.goto('/drive/findings');
  const row = office.getByRole('row', { name: new RegExp(`취소 뒤 배송됨.*${stop.name}`) });
  await row.waitFor();
  await office.goto(`/orders/${cancelled}`);
  assert.match(await mainText(office), /취소요청/, 'the order stays as the office has it');
  await office.goto('/drive/findings');
  await row.getByRole('button', { name: /확인$/ }).click();
  await office.locator('.notice').first().waitFor();
  assert.equal(await row.count(), 0);
});
