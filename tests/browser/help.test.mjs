// The manual (도움말) and its pictures. With MUKKEUM_HELP_PICTURES set, the pictures are taken from the demo and
// written to assets/help, and that of the README to docs: `MUKKEUM_HELP_PICTURES=1 node --test
// tests/browser/help.test.mjs`. The package chromium-l10n makes the date inputs Korean.

import assert from 'node:assert/strict';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkAccessibility, closeBrowser, enterDemo, mainText, open, screenshot } from './browser.mjs';
import { clickButton } from './flows.mjs';

after(closeBrowser);

const HELP = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../assets/help');
const README_PICTURE = path.resolve(HELP, '../../docs/orders.webp');
const MAX_PICTURES_BYTES = 1.5 * 1024 * 1024;

async function openDemo(t, options) {
  const shop = await open(t, { command: ['demo', '--orders', '2000'], ...options });
  await enterDemo(shop.page);
  return shop;
}

/** Screenshot of the viewport as WebP, converted in another page. */
async function picture(page, converter) {
  const png = (await page.screenshot()).toString('base64');
  const webp = await converter.evaluate(async (source) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${source}`)).blob());
    const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
    canvas.getContext('2d').drawImage(image, 0, 0);
    return canvas.toDataURL('image/webp', 0.72).split(',')[1];
  }, png);
  return Buffer.from(webp, 'base64');
}

async function startTask(page, task) {
  await page.goto('/practice');
  await page.locator('.tasks > li').filter({ hasText: task }).getByRole('link', { name: '바로 해 보기' }).click();
  await page.waitForURL((url) => url.pathname !== '/practice');
}

// Opens the screen of each picture.
const SCREENS = {
  today: (page) => page.goto('/'),
  async uploads(page, folder) {
    await page.goto('/practice');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: '연습 파일 내려받기' }).first().click(),
    ]);
    const file = path.join(folder, 'orders.xlsx');
    await download.saveAs(file);
    await page.goto('/uploads');
    await page.getByLabel('파일 선택').setInputFiles(file);
    await page.waitForURL(/\/uploads\/[^/?]+/);
  },
  orders: (page) => page.goto('/orders?state=PURCHASED&size=5'),
  async order(page) {
    await startTask(page, '묶음의 주소 수정하기');
    await page.getByRole('row').getByRole('link', { name: /\d{16}/ }).first().click();
    await page.waitForURL(/\/orders\/[0-9A-Z]{13}/);
  },
  counter: (page) => page.goto('/orders/new'),
  deliveries: (page) => page.goto('/deliveries?state=READY_TO_SHIP&size=5'),
  async slips(page) {
    await startTask(page, '포항시 전표 인쇄하기');
    await page.locator('table.deliveries tbody tr').getByRole('checkbox').first().check();
    await clickButton(page, '선택 전표');
    await page.waitForURL(/\/deliveries\/slips\?id=/);
  },
  districts: (page) => page.goto('/districts'),
  async products(page) {
    await page.goto('/products');
    await page.getByRole('main').locator('td a[href^="/products/"]').first().click();
    await page.waitForURL(/\/products\/[^/?]+/);
  },
  practice: (page) => page.goto('/practice'),
};

test('pictures can be taken of all screens and are small', async (t) => {
  const { page, window, folder } = await openDemo(t, { viewport: { width: 1120, height: 700 } });
  const converter = await window();
  await page.goto('/practice');
  await clickButton(page, '연습 시작하기');
  for (const [name, openScreen] of Object.entries(SCREENS)) {
    await openScreen(page, folder);
    const bytes = await picture(page, converter);
    assert.equal(bytes.subarray(8, 12).toString(), 'WEBP', name);
    if (process.env.MUKKEUM_HELP_PICTURES) writeFileSync(path.join(HELP, `${name}.webp`), bytes);
  }
  await page.setViewportSize({ width: 1680, height: 900 });
  await page.goto('/orders?size=25&page=2');
  const bytes = await picture(page, converter);
  if (process.env.MUKKEUM_HELP_PICTURES) writeFileSync(README_PICTURE, bytes);
  const files = readdirSync(HELP).filter((name) => name.endsWith('.webp'));
  assert.deepEqual(files.toSorted(), Object.keys(SCREENS).map((name) => `${name}.webp`).toSorted());
  const sum = files.reduce((bytes, name) => bytes + statSync(path.join(HELP, name)).size, 0);
  assert.ok(sum < MAX_PICTURES_BYTES, `${sum} bytes`);
});

test('screens link to their topics and the search finds sections', async (t) => {
  const { page } = await openDemo(t);
  for (const [screen, topic] of [['/', '오늘'], ['/orders', '주문'], ['/deliveries', '배송'], ['/practice', '연습']]) {
    await page.goto(screen);
    await page.getByRole('link', { name: '이 화면의 도움말' }).click();
    await page.waitForURL(/\/help\//);
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), topic);
  }
  await page.goto('/help');
  await screenshot(page, 'help');
  await checkAccessibility(page, 'help');
  await page.getByLabel('도움말에서 찾기').fill('오류 파일');
  await clickButton(page, '찾기');
  await screenshot(page, 'help-found');
  await checkAccessibility(page, 'help-found');
  await page.getByRole('link', { name: '업로드 · 오류 행 수정하기' }).click();
  await page.waitForURL(/\/help\/uploads#/);
  assert.ok(await page.getByRole('heading', { name: '오류 행 수정하기' }).isVisible());
  await page.goto('/help?q=없는말이에요');
  assert.match(await mainText(page), /맞는 도움말이 없어요/);
});

test('every topic is accessible and has its pictures', async (t) => {
  const { page } = await open(t);
  await page.goto('/help');
  const topics = await page.locator('.topics a').evaluateAll((links) => links.map((link) => link.getAttribute('href')));
  for (const topic of topics) {
    assert.equal((await page.goto(topic)).status(), 200);
    await page.waitForLoadState('networkidle');
    const broken = await page.locator('article img').evaluateAll((images) => images.filter((image) => image.naturalWidth === 0).length);
    assert.equal(broken, 0, topic);
    await screenshot(page, `help-${topic.split('/').at(-1)}`);
    await checkAccessibility(page, topic);
  }
});
