// The driver's day in WebKit, the engine of iPhones: what was recorded without the server is there after the browser was killed,
// the icon opens without the server, and the page of a stop fits a phone.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { startServer, temporaryFolder } from '../browser/server.mjs';
import { startBrowser, startScreen } from './webdriver.mjs';

const DEMO = ['demo', '--orders', '8000'];

let screen;
before(async () => { screen = await startScreen(); });
after(() => screen?.stop());

/** The driver of the demo has loaded and left; `restart` kills the browser and starts it with the same profile. */
async function onTheRoad(t) {
  const cleanups = [];
  t.after(async () => { for (const close of cleanups.reverse()) await close(); });
  const folder = temporaryFolder(cleanups);
  const data = path.join(folder, 'data');
  const profile = path.join(folder, 'profile');
  mkdirSync(profile);
  const server = await startServer({ data, command: DEMO });
  cleanups.push(() => server.stop());
  const serve = async () => {
    const again = await startServer({ data, port: server.port, command: DEMO });
    cleanups.push(() => again.stop());
  };
  const phone = { browser: await startBrowser(profile, screen.display) };
  cleanups.push(() => phone.browser.kill());
  const restart = async (where) => {
    await phone.browser.kill();
    phone.browser = await startBrowser(profile, screen.display);
    await phone.browser.goto(`${server.url}${where}`);
    return phone.browser;
  };
  const { browser } = phone;
  await browser.goto(`${server.url}/login`);
  await browser.click('button', '기사 아이디로 들어가기');
  // A page that is left while it writes for the first time may block the storage of WebKit.
  await browser.until(() => Boolean(document.querySelector('#drive[data-app]')));
  await browser.click('a', '상차하기');
  await browser.until(() => Boolean(document.querySelector('.drive-loading')));
  await browser.evaluate(() => {
    document.querySelectorAll('.drive-loading li:not(.stopped) input[name=tick]').forEach((box) => { box.checked = true; });
    const despite = document.getElementById('despite');
    if (despite) despite.value = '전화로 확인';
  });
  await browser.click('button', '출발');
  await browser.until(() => Boolean(document.querySelector('#drive[data-app]')));
  return { browser, server, serve, restart };
}

const openStop = async (browser, at) => {
  await browser.until((place) => {
    const link = document.querySelectorAll('#drive .drive-stops li:not(.stopped) a')[place];
    link?.click();
    return Boolean(link);
  }, at);
  await browser.until(() => Boolean(document.querySelector('#drive .drive-address')));
};

/** Puts a photograph of 1,600 × 1,200 px into the field, as the camera does. */
const takePhoto = (browser) =>
  browser.evaluate(async () => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [1600, 1200];
    const pen = canvas.getContext('2d');
    for (let at = 0; at < 160; at += 1) {
      pen.fillStyle = `hsl(${at * 7} 60% ${at < 80 ? 80 : 30}%)`;
      pen.fillRect(at * 10, (at * 37) % 600, 10, 600);
    }
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.9));
    const files = new DataTransfer();
    files.items.add(new File([blob], 'photo.jpg', { type: 'image/jpeg' }));
    const input = document.getElementById('photo');
    input.files = files.files;
    input.dispatchEvent(new Event('change', { bubbles: true }));
  });

test('records and photographs outlive the browser, and the page opens without the server', async (t) => {
  const { browser, server, serve, restart } = await onTheRoad(t);
  assert.deepEqual(await browser.evaluate(() => [innerWidth, innerHeight]), [390, 844]);
  assert.ok(await browser.until(() => navigator.serviceWorker?.ready.then(({ active }) => active?.state)), 'the service worker');
  // The first page was loaded before the worker was there.
  await browser.goto(`${server.url}/drive`);
  await browser.until(() => Boolean(navigator.serviceWorker.controller));
  await server.stop();
  await openStop(browser, 0);
  await takePhoto(browser);
  await browser.waitForText('사진 1장 · 더 찍기');

  let again = await restart('/drive');
  await again.until(() => Boolean(document.querySelector('#drive[data-app]')));
  await openStop(again, 0);
  await again.waitForText('사진 1장 · 더 찍기');
  await again.click('#drive button.main');
  await again.waitForText('전할 기록 1건 · 사진 1장 남음');

  again = await restart('/drive');
  await again.waitForText('전할 기록 1건 · 사진 1장 남음');
  await serve();
  await again.click('button', '지금 전하기');
  await again.waitForText('모두 전했어요');
});

test('the page of a stop fits a phone: nothing is wider than it, and no target is lower than 48 px', async (t) => {
  const { browser } = await onTheRoad(t);
  await openStop(browser, 0);
  await takePhoto(browser);
  await browser.waitForText('사진 1장 · 더 찍기');
  await browser.evaluate(() => document.querySelectorAll('#drive details').forEach((part) => { part.open = true; }));
  const found = await browser.evaluate(() => ({
    width: document.documentElement.scrollWidth,
    small: [...document.querySelectorAll('#drive :is(a, button, summary, .form-control, .form-select, label.drive-button)')]
      .filter((target) => target.getClientRects().length && target.getBoundingClientRect().height < 48)
      .map((target) => `${target.tagName} ${target.innerText} ${target.getBoundingClientRect().height}`),
  }));
  assert.deepEqual(found, { width: 390, small: [] });
});
