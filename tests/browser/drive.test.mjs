// A driver's day without a signal: the server is off, pages are closed, the browser is started again. Nothing is lost and
// nothing is doubled.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';
import { checkEnhancedContrast, checkPage, closeBrowser, enterDemo, open } from './browser.mjs';
import { DEMO, DONE, PHONE, handOut, leave, list, phone, stored } from './driving.mjs';
import { startServer } from './server.mjs';

after(closeBrowser);

test('a day of ten stops or more without the server loses and doubles nothing', async (t) => {
  const { page: office, server, folder, atEnd } = await open(t, { command: DEMO });
  const tour = await handOut(office);
  const profile = path.join(folder, 'phone');
  let context = await phone(profile, server.url);
  atEnd(() => context.close());
  let page = context.pages()[0] ?? (await context.newPage());

  await enterDemo(page, '배송팀');
  await leave(page);
  const stops = await list(page).getByRole('listitem').count();
  assert.ok(stops >= 10, `${stops} stops`);

  await server.stop();
  let plain = 0;
  const expected = { delivered: 0, failed: 0 };
  for (let at = 0; at < stops; at += 1) {
    if (at % 3 === 1) {
      await page.close({ runBeforeUnload: false });
      page = await context.newPage();
      await page.goto('/drive');
    }
    if (at === 5) {
      await context.close();
      context = await phone(profile, server.url);
      page = context.pages()[0] ?? (await context.newPage());
      await page.goto('/drive');
    }
    await list(page).getByRole('link').nth(at).click();
    const isStopped = (await page.locator('.drive-stop-sign').count()) > 0;
    if (at % 4 === 3 || isStopped) {
      await page.getByRole('button', { name: '실패', exact: true }).click();
      await page.getByRole('button', { name: '부재' }).click();
      expected.failed += 1;
    } else {
      await page.getByRole('button', { name: DONE }).click();
      expected.delivered += 1;
      plain = at;
    }
    await page.getByText(`전할 기록 ${at + 1}건`).waitFor();
  }

  // A mistake is taken back while nothing was handed in, and the stop is reported again.
  await list(page).getByRole('link').nth(plain).click();
  await page.getByRole('button', { name: /되돌리기$/ }).click();
  await page.getByRole('button', { name: DONE }).click();
  await page.getByText(`전할 기록 ${stops + 2}건`).waitFor();
  await page.reload();
  await page.getByText(`전할 기록 ${stops + 2}건`).waitFor();

  const again = await startServer({ data: server.data, port: server.port, command: DEMO });
  atEnd(() => again.stop());
  await page.getByRole('button', { name: '지금 전하기' }).click();
  await page.getByText('모두 전했어요').waitFor();
  await page.reload();
  await page.getByText('모두 전했어요').waitFor();

  await office.goto(tour);
  const known = office.locator('table.driving tbody tr');
  assert.equal(await known.count(), stops);
  assert.equal(await known.getByText(DONE).count(), expected.delivered);
  assert.equal(await known.getByText('실패: 부재').count(), expected.failed);
  await checkPage(office, 'drive-live');
  await office.goto(`${tour}/close`);
  await checkPage(office, 'drive-close');
});

test('a slip is taken back within seconds also where the server answers', async (t) => {
  const { page: office, server, folder, atEnd } = await open(t, { command: DEMO });
  await handOut(office, 10);
  const context = await phone(path.join(folder, 'phone'), server.url);
  atEnd(() => context.close());
  const page = context.pages()[0] ?? (await context.newPage());
  await enterDemo(page, '배송팀');
  await leave(page);
  const receipts = async () => (await stored(page, 'receipts')).length;
  const stop = list(page).getByRole('link').filter({ hasNotText: '멈춤' }).first();

  await stop.click();
  await page.getByRole('button', { name: DONE }).click();
  assert.match(await stop.innerText(), /완료 \d\d:\d\d/);
  assert.equal(await receipts(), 0, 'nothing is handed in yet');
  await page.getByRole('button', { name: /완료’ 되돌리기$/ }).click();
  await page.getByText('모두 전했어요').waitFor();
  assert.doesNotMatch(await stop.innerText(), /완료/);
  assert.equal(await receipts(), 2, 'the record and its correction went together');

  await stop.click();
  await page.getByRole('button', { name: DONE }).click();
  await page.getByText('전할 기록 1건').waitFor();
  await page.getByText('모두 전했어요').waitFor();
  assert.equal(await page.getByRole('button', { name: /완료’ 되돌리기$/ }).count(), 0, 'too late');
  await stop.click();
  await page.getByText('이미 전한 기록이에요').waitFor();
  assert.match(await page.getByRole('link', { name: '사무실 전화' }).getAttribute('href'), /^tel:\d/);
  assert.equal((await stored(page, 'events')).length, 3);
});

test('screens of the phone are large and readable', async (t) => {
  const { page: office, window } = await open(t, { command: DEMO });
  const tour = await handOut(office);
  const page = await window(PHONE);
  await enterDemo(page, '배송팀');
  await page.goto('/drive');
  await checkPage(page, 'drive-list');
  await page.goto(await page.getByRole('link', { name: '상차하기' }).getAttribute('href'));
  await checkEnhancedContrast(page, '.drive', 'drive-loading');
  await leave(page);
  await checkEnhancedContrast(page, '.drive', 'drive-list');

  // The office changes an address after the phone has had it.
  await page.evaluate(() => {
    const real = window.fetch;
    window.fetch = async (...request) => {
      const answer = await real(...request);
      if (!answer.ok || !request[0].endsWith('/drive/pack')) return answer;
      const pack = await answer.json();
      pack.stops[0].address_detail = '909동 909호';
      return new Response(JSON.stringify(pack), { headers: { 'content-type': 'application/json' } });
    };
    // A request that fails waits for the next occasion, as on the road.
    const occasions = setInterval(() => dispatchEvent(new Event('online')), 1000);
    setTimeout(clearInterval, 25_000, occasions);
  });
  await list(page).getByText('바뀜: 주소').waitFor();
  await list(page).getByRole('link').first().click();
  await page.getByText('전에는').waitFor();
  await page.locator('.drive-address.drive-changed', { hasText: '909동 909호' }).waitFor();
  await page.locator('.drive-more summary').click();
  await checkEnhancedContrast(page, '.drive', 'drive-stop');
  await page.locator('.drive-more summary').click();
  await page.setViewportSize(PHONE.viewport);
  const small = await page.locator('.drive a:visible, .drive button:visible, .drive label.drive-button:visible').evaluateAll((targets) =>
    targets.filter((target) => target.getBoundingClientRect().height < 48).map((target) => target.textContent));
  assert.deepEqual(small, [], 'targets lower than 48 px');

  // Another version of the worker waits for the end of the day.
  await page.evaluate(() => {
    window.told = [];
    navigator.serviceWorker.getRegistration = async () => ({ waiting: { postMessage: (text) => window.told.push(text) } });
    window.contacts = 0;
    const real = window.fetch;
    window.fetch = async (...request) => {
      const answer = await real(...request);
      window.contacts += Number(request[0].endsWith('/drive/pack'));
      return answer;
    };
    dispatchEvent(new Event('online'));
  });
  await page.waitForFunction(() => window.contacts > 0);
  await page.waitForTimeout(500);
  assert.deepEqual(await page.evaluate(() => window.told), [], 'not with a day on the phone');

  // The office cuts the phone off: names and addresses leave its screen at the next contact.
  await office.goto(tour);
  await office.getByRole('button', { name: /끊기$/ }).click();
  await page.evaluate(() => dispatchEvent(new Event('online')));
  await page.getByText('사무실에서 이 휴대전화를 끊었어요').waitFor();
  assert.equal(await page.locator('.drive-address').count() + await list(page).count(), 0);
  await page.waitForFunction(() => window.told.includes('nothing-waits'));
});

/** Rows of a store on the phone; with `row`, puts one first. */
const phoneRows = (page, store, row) =>
  page.evaluate(([name, value]) => new Promise((resolve, reject) => {
    const request = indexedDB.open('mukkeum-drive');
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const rows = request.result.transaction(name, 'readwrite').objectStore(name);
      if (value) rows.put(value);
      const all = rows.getAll();
      all.onsuccess = () => {
        request.result.close();
        resolve(all.result);
      };
    };
  }), [store, row]);

test('signing out on any page takes the day off the phone, unless something was not handed in', async (t) => {
  const { page: office, window } = await open(t, { command: DEMO });
  await handOut(office);
  const page = await window(PHONE);
  await enterDemo(page, '배송팀');
  await leave(page);
  assert.ok((await phoneRows(page, 'packs')).length > 0);
  const [{ id: tour }] = await phoneRows(page, 'keys');
  await page.goto('/deliveries');
  const waits = { id: '0'.repeat(32), tour, job: 'X', number: 1, happened_at: Date.now(), clock_offset: 0, kind: 'arrived', details: {} };
  await phoneRows(page, 'events', waits);
  const signOut = async () => {
    await page.locator('details.account summary').click();
    await page.getByRole('button', { name: '로그아웃' }).click();
  };
  const told = page.waitForEvent('dialog').then(async (dialog) => {
    await dialog.accept();
    return dialog.message();
  });
  await page.locator('details.account summary').click();
  await Promise.all([told, page.getByRole('button', { name: '로그아웃' }).click({ noWaitAfter: true })]);
  assert.match(await told, /기록이 1건, 사진이 0장/);
  assert.equal((await phoneRows(page, 'keys')).length > 0, true, 'nothing is lost');

  await phoneRows(page, 'receipts', { id: waits.id, accepted: true });
  await page.reload();
  await signOut();
  await page.waitForURL((url) => url.pathname === '/login');
  for (const store of ['packs', 'keys', 'events', 'receipts']) assert.deepEqual(await phoneRows(page, store), [], store);
});
