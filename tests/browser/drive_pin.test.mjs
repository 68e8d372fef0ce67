// The PIN of a driver's phone: it covers the day after ten minutes and in a browser that was started again, hands in the queue
// under the cover, and takes the day off the phone after five wrong PINs, but never a record that was not handed in.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';
import { checkAccessibility, closeBrowser, enterDemo, mainText, open } from './browser.mjs';
import { DEMO, DONE, handOut, leave, list, startPhone, stored } from './driving.mjs';
import { startServer } from './server.mjs';

after(closeBrowser);

const PIN = '258036';
const MINUTE_MS = 60_000;

const cover = (page) => page.locator('.drive-cover');

async function enter(page, pin) {
  await cover(page).getByLabel('PIN').fill(pin);
  await cover(page).getByRole('button', { name: '열기' }).click();
}

async function enterWrongPins(page, count) {
  for (let wrong = 1; wrong <= count; wrong += 1) {
    await enter(page, '0000');
    if (wrong < 5) await cover(page).getByText(`${5 - wrong}번 더 틀리면`).waitFor();
  }
}

/** Moves the clock of the page, and lets it look at the time as it does when it is shown again. */
const pass = (page, minutes) =>
  page.evaluate((ms) => {
    globalThis.clockShift += ms;
    document.dispatchEvent(new Event('visibilitychange'));
  }, minutes * MINUTE_MS);

/** Reports the stop at a place of the list. */
async function complete(page, at) {
  await list(page).getByRole('link').nth(at).click();
  await page.getByRole('button', { name: DONE }).click();
}

/** A shop whose first tour is out, with its phone; `start` opens the page as the icon does. */
async function onTheRoad(t) {
  const { page: office, server, folder, atEnd } = await open(t, { command: DEMO });
  const tour = await handOut(office);
  const profile = path.join(folder, 'phone');
  const phone = { device: await startPhone(profile, server.url, 0) };
  atEnd(() => phone.device.kill().catch(() => undefined));
  await enterDemo(phone.device.page, '배송팀');
  await leave(phone.device.page);
  const restart = async () => {
    await phone.device.kill();
    phone.device = await startPhone(profile, server.url, 0);
    await phone.device.page.goto('/drive');
    return phone.device.page;
  };
  const serve = async () => {
    const again = await startServer({ data: server.data, port: server.port, command: DEMO });
    atEnd(() => again.stop());
    return again;
  };
  return { office, server, tour, page: phone.device.page, restart, serve };
}

test('the day is covered after ten minutes and after a kill, and is handed in under the cover', async (t) => {
  const road = await onTheRoad(t);
  let { page } = road;
  const name = (await stored(page, 'packs'))[0].stops[0].name;
  await checkAccessibility(page, 'drive-pin-offer');
  await page.getByLabel('새 PIN').fill('12');
  await page.getByRole('button', { name: 'PIN 정하기' }).click();
  await page.getByText('숫자 네 자리에서 여섯 자리를').waitFor();
  await page.getByLabel('새 PIN').fill(PIN);
  await page.getByRole('button', { name: 'PIN 정하기' }).click();
  await page.locator('.drive-pin:not([open])').waitFor();
  assert.ok((await page.locator('body').innerText()).includes(name));

  await road.server.stop();
  await complete(page, 0);
  await page.getByText('전할 기록 1건').waitFor();
  await pass(page, 9);
  assert.ok(!(await cover(page).isVisible()), 'nine minutes');
  await list(page).click({ position: { x: 1, y: 1 } });
  await pass(page, 9);
  assert.ok(!(await cover(page).isVisible()), 'nine minutes after a touch');
  await pass(page, 1);
  await cover(page).waitFor();
  assert.ok(!(await page.locator('body').innerText()).includes(name));
  await checkAccessibility(page, 'drive-pin-cover');

  const again = await road.serve();
  await page.evaluate(() => dispatchEvent(new Event('online')));
  await road.office.goto(road.tour);
  await assert.doesNotReject(async () => {
    for (let tries = 0; tries < 40; tries += 1) {
      if ((await road.office.locator('table.driving tbody tr').getByText(DONE).count()) === 1) return;
      await road.office.waitForTimeout(500);
      await road.office.reload();
    }
    throw new Error('the record was not handed in');
  });
  assert.ok(await cover(page).isVisible());
  await again.stop();

  await enter(page, '0000');
  await cover(page).getByText('4번 더 틀리면').waitFor();
  await enter(page, PIN);
  await page.getByText('모두 전했어요').waitFor();
  assert.ok((await page.locator('body').innerText()).includes(name));
  await complete(page, 1);
  await page.getByText('전할 기록 1건').waitFor();

  page = await road.restart();
  await cover(page).waitFor();
  assert.ok(!(await page.locator('body').innerText()).includes(name));
  await enterWrongPins(page, 2);
  page = await road.restart();
  await enter(page, '0000');
  await cover(page).getByText('2번 더 틀리면').waitFor();
  await enter(page, PIN);
  await page.getByText('전할 기록 1건').waitFor();
  await page.locator('.drive-pin summary').click();
  await page.getByRole('button', { name: 'PIN 끄기' }).click();
  // It closes when it is stored.
  await page.locator('.drive-pin:not([open])').waitFor();
  page = await road.restart();
  await page.getByText('전할 기록 1건').waitFor();
  assert.ok(!(await cover(page).isVisible()), 'without a PIN nothing is covered');
});

test('five wrong PINs lose no record, and take the day off the phone once all is handed in', async (t) => {
  const road = await onTheRoad(t);
  let { page } = road;
  await page.getByLabel('새 PIN').fill(PIN);
  await page.getByRole('button', { name: 'PIN 정하기' }).click();
  await road.server.stop();
  await complete(page, 0);
  await page.getByText('전할 기록 1건').waitFor();
  page = await road.restart();
  await enterWrongPins(page, 5);
  await cover(page).getByText('전하지 않은 기록이 1건, 사진이 0장 있어서 지우지 않았어요. 사무실에 전화해 주세요').waitFor();
  assert.ok(!(await cover(page).getByLabel('PIN').isVisible()), 'no more tries');
  page = await road.restart();
  await cover(page).getByText('사무실에 전화해 주세요').waitFor();
  assert.equal((await stored(page, 'events')).length, 1);
  assert.equal((await stored(page, 'packs')).length, 1);

  await road.serve();
  await page.evaluate(() => dispatchEvent(new Event('online')));
  // The session ended with the browser.
  await page.waitForURL('**/login**');
  assert.deepEqual([await stored(page, 'events'), await stored(page, 'packs')], [[], []]);
  await road.office.goto(road.tour);
  assert.equal(await road.office.locator('table.driving tbody tr').getByText(DONE).count(), 1, 'handed in');

  await enterDemo(page, '배송팀');
  await page.goto('/drive');
  await page.locator('#drive[data-app]').waitFor();
  assert.ok(!(await cover(page).isVisible()));
  assert.match(await mainText(page), /1\/\d+곳/);
});

test('five wrong PINs without the server take the day off the phone, and the session ends with the next contact', async (t) => {
  const road = await onTheRoad(t);
  let { page } = road;
  const name = (await stored(page, 'packs'))[0].stops[0].name;
  await page.getByLabel('새 PIN').fill(PIN);
  await page.getByRole('button', { name: 'PIN 정하기' }).click();
  await road.server.stop();
  await pass(page, 10);
  await enterWrongPins(page, 5);
  await page.locator('#drive-empty').waitFor({ state: 'attached' });
  await cover(page).getByText('이 휴대전화에서 지웠어요').waitFor();
  assert.deepEqual(await stored(page, 'packs'), []);
  await road.serve();
  // The session of the browser is still there: it shows nothing, and ends.
  await page.goto('/drive');
  await page.waitForURL('**/login**');
  assert.ok(!(await page.locator('body').innerText()).includes(name));
  await page.goto('/drive');
  await page.getByText('이 휴대전화에 오늘 배송이 없어요').waitFor();
});
