// QR codes of the 상차표 read with the camera while the truck is loaded, and those of the 배차표 at the desk. The camera is a fake
// one of the browser; what is read is said by the test, since BarcodeDetector is missing in Chromium for Linux.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, enterDemo, koreanDay, open } from './browser.mjs';
import { DEMO, PHONE, cancelOne, handOut } from './driving.mjs';

after(closeBrowser);

/** Codes in `codes` are in the middle of the picture, and another one is at its edge. */
function fakeDetector() {
  globalThis.codes = [];
  globalThis.streams = [];
  globalThis.vibrations = [];
  globalThis.BarcodeDetector = class {
    static getSupportedFormats = async () => ['qr_code'];
    detect = async (video) => {
      if (!video.videoWidth) throw new DOMException('no picture', 'InvalidStateError');
      const at = (x, y, rawValue) => ({ rawValue, boundingBox: { x, y, width: 20, height: 20 } });
      return [at(0, 0, 'https://shop.example/at-the-edge'), ...globalThis.codes.map((code) => at(video.videoWidth / 2 - 10, video.videoHeight / 2 - 10, code))];
    };
  };
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wish) => {
    const stream = await real(wish);
    globalThis.streams.push(stream);
    return stream;
  };
  navigator.vibrate = (pattern) => globalThis.vibrations.push(pattern);
}

const answerIs = (page, text) => page.locator('.scanner-view p', { hasText: text }).waitFor();

/** Holds a code into the middle of the picture until the page says this about it. */
async function hold(page, code, text) {
  await page.evaluate((shown) => { globalThis.codes = [shown]; }, code);
  await answerIs(page, text);
}

const mayFilm = (page) => page.evaluate(() => document.featurePolicy.allowsFeature('camera'));
const isFilming = (page) => page.evaluate(() => globalThis.streams.some((stream) => stream.getTracks().some((track) => track.readyState === 'live')));

/** A browser page with the fake camera, where the member is in. */
async function withCamera(window, account, options = {}) {
  const page = await window({ ...options, permissions: ['camera'] });
  await page.addInitScript(fakeDetector);
  await enterDemo(page, account);
  return page;
}

test('pieces are ticked by the codes of the loading list, and what was cancelled stops', async (t) => {
  const { page: office, folder, window } = await open(t, { command: DEMO });
  const tour = await handOut(office);
  const id = tour.split('/').at(-1);
  const page = await withCamera(window, '배송팀', PHONE);
  const lines = page.locator('.drive-loading li');
  const read = () => lines.evaluateAll((items) => items.map((item) => ({ ...item.dataset })));
  await page.goto(`/drive/loading/${id}`);
  const loadable = (await read()).filter((fact) => !('stopped' in fact));
  const cancelled = await cancelOne(office, folder, loadable.map(({ order }) => order));
  await page.reload();
  const facts = await read();
  const urlOf = ({ job, order }) => `https://shop.example/base/drive/${id}-${job}#${order}`;
  const box = ({ order }) => page.locator(`[data-order="${order}"]`).getByRole('checkbox');
  const isAlone = (fact) => facts.filter((other) => other.job === fact.job || other.delivery === fact.delivery).length === 1;
  const [first, second] = facts.filter((fact) => !('stopped' in fact) && isAlone(fact));

  const opener = page.getByRole('button', { name: '카메라로 찍기' });
  assert.ok(await mayFilm(page));
  await opener.click();
  await checkPage(page, 'drive-scan');
  await hold(page, urlOf(first), `실었어요: ${first.product} ${first.expected}개 (1/${facts.length}줄)`);
  assert.ok(await box(first).isChecked());
  assert.equal(await page.locator('h1 .drive-day').innerText(), `1/${facts.length}줄`);
  // Held there it is read once; after the next code it is the same piece again.
  await page.waitForTimeout(1000);
  await answerIs(page, '실었어요');
  const unknown = 'https://shop.example/drive/0000000000001-0000000000002#0000000000003';
  await hold(page, unknown, `이 차에 싣는 것이 아니에요: ${unknown}`);
  await page.waitForTimeout(2200);
  await hold(page, urlOf(first), `이미 표시했어요: ${first.product}`);
  const stopped = facts.find(({ order }) => order === cancelled);
  await hold(page, urlOf(stopped), `멈춤: ${stopped.product}. 취소요청. 싣지 마세요`);
  assert.ok(!(await box(stopped).isChecked()));
  assert.deepEqual(await page.evaluate(() => globalThis.vibrations.map((pattern) => pattern.length)), [1, 3, 3, 5]);
  await hold(page, `https://shop.example/deliveries/${second.delivery}`, `실었어요: ${second.product}`);
  assert.equal(await lines.getByRole('checkbox', { checked: true }).count(), 2);
  const several = facts.find((fact) => facts.filter(({ job }) => job === fact.job).length > 1 && !facts.some(({ job, stopped: reason }) => job === fact.job && reason));
  if (several) await hold(page, `https://shop.example/drive/${id}-${several.job}`, '직접 표시하세요');

  // The camera ends when it is closed, when the page is hidden, and with the page.
  assert.ok(await isFilming(page));
  await page.getByRole('button', { name: '카메라 닫기' }).click();
  assert.ok(!(await isFilming(page)));
  await opener.click();
  await page.waitForFunction(() => globalThis.streams.length === 2);
  await page.evaluate(() => {
    Object.defineProperty(document, 'hidden', { value: true, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
    delete document.hidden;
  });
  assert.ok(!(await isFilming(page)));
  await opener.click();
  await page.waitForFunction(() => globalThis.streams.length === 3);
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide')));
  assert.ok(!(await isFilming(page)));

  await page.getByRole('button', { name: '저장', exact: true }).click();
  await page.locator('.notice', { hasText: '저장했어요' }).waitFor();
  assert.ok((await box(first).isChecked()) && (await box(second).isChecked()));

  // No other page of the driver may film, and where the browser reads no codes the button is not there.
  await page.goto('/drive');
  assert.ok(!(await mayFilm(page)));
  const plain = await window(PHONE);
  await enterDemo(plain, '배송팀');
  await plain.goto(`/drive/loading/${id}`);
  await plain.evaluate(() => document.fonts.ready.then(() => undefined));
  assert.ok(!(await plain.getByRole('button', { name: '카메라로 찍기' }).isVisible()));
});

test('a camera at the desk goes to the line of a paper result', async (t) => {
  const { page: office, window } = await open(t, { command: DEMO });
  const tour = await handOut(office);
  await office.goto(`/drive/loading/${tour.split('/').at(-1)}`);
  for (const box of await office.locator('.drive-loading li:not(.stopped) input[name=tick]').all()) await box.check();
  const despite = office.getByLabel('그대로 출발하는 이유');
  if (await despite.count()) await despite.fill('전화로 확인');
  await office.getByRole('button', { name: '출발', exact: true }).click();
  const page = await withCamera(window, '관리자');
  await page.goto(`/plans/paper?day=${koreanDay()}`);
  const key = await page.locator('[data-stop]').nth(3).getAttribute('data-stop');
  await page.getByRole('button', { name: '카메라로 찍기' }).click();
  const name = await page.locator('[data-stop]').nth(3).getByRole('link').innerText();
  await hold(page, `https://shop.example/drive/${key}`, name);
  assert.ok(await page.locator('[data-stop]').nth(3).locator('.paper-time').evaluate((time) => time === document.activeElement));
  await hold(page, 'https://shop.example/drive/1-2', '이 화면에 없는 QR 코드예요: https://shop.example/drive/1-2');
});
