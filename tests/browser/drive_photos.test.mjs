// Photographs of the driver's day: taken without the server, sent when it answers, shown to the office without a position.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { checkPage, closeBrowser, enterDemo, open } from './browser.mjs';
import { DEMO, DONE, PHONE, handOut, leave, list, phone } from './driving.mjs';
import { startServer } from './server.mjs';

after(closeBrowser);

/** A JPEG of 1,600 × 1,200 px as a phone held upright writes it: EXIF data with orientation 6, a maker and a position. */
async function cameraFile(page) {
  const plain = await page.evaluate(async () => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [1600, 1200];
    const pen = canvas.getContext('2d');
    for (let at = 0; at < 160; at += 1) {
      pen.fillStyle = `hsl(${at * 7} 60% ${at < 80 ? 80 : 30}%)`;
      pen.fillRect(at * 10, (at * 37) % 600, 10, 600);
    }
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.9));
    return [...new Uint8Array(await blob.arrayBuffer())];
  });
  const entry = (tag, kind, count, value) => {
    const bytes = Buffer.alloc(12);
    bytes.writeUInt16LE(tag, 0);
    bytes.writeUInt16LE(kind, 2);
    bytes.writeUInt32LE(count, 4);
    bytes.writeUInt32LE(value, 8);
    return bytes;
  };
  const tiff = Buffer.concat([
    Buffer.from('II*\0\x08\0\0\0\x03\0', 'latin1'), entry(0x0112, 3, 1, 6), entry(0x010f, 2, 4, Buffer.from('SAM\0').readUInt32LE()),
    entry(0x8825, 4, 1, 50), Buffer.alloc(4), Buffer.from('\x01\0', 'latin1'), entry(1, 2, 2, Buffer.from('N\0\0\0').readUInt32LE()), Buffer.alloc(4),
  ]);
  const content = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]);
  const head = Buffer.from([0xff, 0xe1, (content.length + 2) >> 8, (content.length + 2) & 0xff]);
  return Buffer.concat([Buffer.from(plain.slice(0, 2)), head, content, Buffer.from(plain.slice(2))]);
}

const files = (data) => {
  const folder = path.join(data, 'proofs');
  return readdirSync(folder).flatMap((below) => readdirSync(path.join(folder, below)));
};

test('a photograph taken without the server arrives once, upright and without a position', async (t) => {
  const { page: office, server, folder, atEnd } = await open(t, { command: DEMO });
  const tour = await handOut(office);
  const camera = await cameraFile(office);
  assert.ok(camera.includes('Exif'));
  const profile = path.join(folder, 'phone');
  let context = await phone(profile, server.url);
  atEnd(() => context.close());
  let page = context.pages()[0] ?? (await context.newPage());
  await enterDemo(page, '배송팀');
  await leave(page);
  await server.stop();

  // The first stop that may be delivered.
  for (let at = 0; ; at += 1) {
    await list(page).getByRole('link').nth(at).click();
    await page.locator('.drive-address').waitFor();
    if ((await page.locator('.drive-stop-sign').count()) === 0) break;
    await page.getByRole('link', { name: /^‹/ }).click();
  }
  const name = (await page.locator('#drive h1').innerText()).replace(/^\d+\. /, '').split(' ')[0];
  await page.locator('#photo').setInputFiles({ name: 'text.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('no photograph') });
  await page.getByText('사진을 담지 못했어요').waitFor();
  await page.locator('#photo').setInputFiles({ name: 'photo.jpg', mimeType: 'image/jpeg', buffer: camera });
  await page.getByText('사진 1장 · 더 찍기').waitFor();
  await page.locator('.drive-photos canvas').waitFor();

  // The browser is killed before the stop is reported: the photograph is still there.
  const stop = new URL(page.url()).hash;
  await context.close();
  context = await phone(profile, server.url);
  page = context.pages()[0] ?? (await context.newPage());
  await page.goto(`/drive${stop}`);
  await page.getByText('사진 1장 · 더 찍기').waitFor();
  await page.getByRole('button', { name: DONE }).click();
  await page.getByText('전할 기록 1건 · 사진 1장 남음').waitFor();

  // The same file at another stop is a photograph of that stop too.
  const first = await page.locator('.drive-stops li.delivered').count();
  for (let at = 1; ; at += 1) {
    await list(page).getByRole('link').nth(at).click();
    await page.locator('.drive-address').waitFor();
    if ((await page.locator('.drive-stop-sign, .drive-state').count()) === 0) break;
    await page.getByRole('link', { name: /^‹/ }).click();
  }
  assert.equal(first, 1);
  const second = (await page.locator('#drive h1').innerText()).replace(/^\d+\. /, '').split(' ')[0];
  await page.locator('#photo').setInputFiles({ name: 'photo.jpg', mimeType: 'image/jpeg', buffer: camera });
  await page.getByText('사진 1장 · 더 찍기').waitFor();
  await page.getByRole('button', { name: DONE }).click();
  await page.getByText('전할 기록 2건 · 사진 2장 남음').waitFor();

  const again = await startServer({ data: server.data, port: server.port, command: DEMO });
  atEnd(() => again.stop());
  // The answer to the first photograph is lost on its way.
  await page.evaluate(() => {
    const real = window.fetch;
    window.fetch = async (...request) => {
      const answer = await real(...request);
      if (request[1]?.method !== 'PUT' || window.isLost) return answer;
      window.isLost = true;
      throw new TypeError('the answer is lost');
    };
  });
  await page.getByRole('button', { name: '지금 전하기' }).click();
  await page.waitForFunction(() => window.isLost);
  await page.getByText('· 사진 2장 남음').waitFor();
  await page.getByRole('button', { name: '지금 전하기' }).click();
  await page.getByText('모두 전했어요').waitFor();
  assert.equal(files(server.data).length, 1, 'one file');

  const images = office.locator('.photos img');
  for (const recipient of [second, name]) {
    await office.goto(tour);
    await office.getByRole('row', { name: new RegExp(recipient) }).getByRole('link').first().click();
    await images.first().waitFor();
    assert.equal(await images.count(), 1, recipient);
  }
  const shown = await images.first().evaluate(async (image) => {
    await image.decode();
    const bytes = new Uint8Array(await (await fetch(image.src)).arrayBuffer());
    return { width: image.naturalWidth, height: image.naturalHeight, size: bytes.length, text: new TextDecoder('latin1').decode(bytes) };
  });
  assert.deepEqual([shown.width, shown.height], [960, 1280], 'upright');
  assert.ok(shown.size <= 160_000, `${shown.size} bytes`);
  for (const word of ['Exif', 'SAM\0', 'ICC_PROFILE', 'http']) assert.ok(!shown.text.includes(word), word);
});

test('the screen with a photograph is large and readable', async (t) => {
  const { page: office, window } = await open(t, { command: DEMO });
  await handOut(office);
  const camera = await cameraFile(office);
  const page = await window(PHONE);
  await enterDemo(page, '배송팀');
  await leave(page);
  await list(page).getByRole('link').first().click();
  await page.locator('#photo').setInputFiles({ name: 'photo.jpg', mimeType: 'image/jpeg', buffer: camera });
  await page.getByText('사진 1장 · 더 찍기').waitFor();
  await page.locator('.drive-photos canvas').waitFor();
  await checkPage(page, 'drive-photo');
  await page.setViewportSize(PHONE.viewport);
  const small = await page.locator('.drive a:visible, .drive button:visible, .drive label.drive-button:visible').evaluateAll((targets) =>
    targets.filter((target) => target.getBoundingClientRect().height < 48).map((target) => target.textContent));
  assert.deepEqual(small, [], 'targets lower than 48 px');
  await page.getByRole('button', { name: '사진 1 지우기' }).click();
  await page.getByText('사진 찍기', { exact: true }).waitFor();
});
