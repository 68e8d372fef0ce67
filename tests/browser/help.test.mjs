// 도움말, and its pictures: taken of the training shop, and written into assets/help when
// MUKKEUM_HELP_PICTURES is set (`MUKKEUM_HELP_PICTURES=1 node --test tests/browser/help.test.mjs`).

import assert from 'node:assert/strict';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { axe, closeBrowser, mainText, open, shot } from './browser.mjs';
import { press } from './flows.mjs';

after(closeBrowser);

const HELP = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../assets/help');
const MOST_BYTES = 1.5 * 1024 * 1024;

async function training(t, options) {
  const shop = await open(t, { command: ['demo', '--orders', '2000'], ...options });
  await shop.page.goto('/login');
  await shop.page.getByRole('button', { name: '관리자 아이디로 들어가기' }).click();
  await shop.page.waitForURL((url) => url.pathname === '/');
  return shop;
}

/** What the window shows, as WebP. */
async function picture(page, painter) {
  const png = (await page.screenshot()).toString('base64');
  const webp = await painter.evaluate(async (source) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${source}`)).blob());
    const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
    canvas.getContext('2d').drawImage(image, 0, 0);
    return canvas.toDataURL('image/webp', 0.72).split(',')[1];
  }, png);
  return Buffer.from(webp, 'base64');
}

async function begin(page, task) {
  await page.goto('/practice');
  await page.locator('.tasks > li').filter({ hasText: task }).getByRole('link', { name: '시작하는 화면으로' }).click();
  await page.waitForURL((url) => url.pathname !== '/practice');
}

// Each leaves the window on what its picture shows.
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
    await page.getByRole('button', { name: '미리보기' }).click();
    await page.waitForURL(/\/uploads\/[^/?]+/);
  },
  orders: (page) => page.goto('/orders?state=PURCHASED&size=5'),
  async order(page) {
    await begin(page, '묶음의 주소 고치기');
    await page.getByRole('row').getByRole('link', { name: /\d{16}/ }).first().click();
    await page.waitForURL(/\/orders\/[0-9A-Z]{13}/);
  },
  counter: (page) => page.goto('/orders/new'),
  deliveries: (page) => page.goto('/deliveries?state=READY_TO_SHIP&size=5'),
  async slips(page) {
    await begin(page, '포항시 전표 인쇄하기');
    await page.locator('table.deliveries tbody tr').getByRole('checkbox').first().check();
    await press(page, '선택 전표');
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

test('the pictures show the screens of today, and are small', async (t) => {
  const { page, window, folder } = await training(t, { viewport: { width: 1120, height: 700 } });
  const painter = await window();
  await page.goto('/practice');
  await press(page, '연습 시작하기');
  for (const [name, show] of Object.entries(SCREENS)) {
    await show(page, folder);
    const bytes = await picture(page, painter);
    assert.equal(bytes.subarray(8, 12).toString(), 'WEBP', name);
    if (process.env.MUKKEUM_HELP_PICTURES) writeFileSync(path.join(HELP, `${name}.webp`), bytes);
  }
  const files = readdirSync(HELP).filter((name) => name.endsWith('.webp'));
  assert.deepEqual(files.toSorted(), Object.keys(SCREENS).map((name) => `${name}.webp`).toSorted());
  const sum = files.reduce((bytes, name) => bytes + statSync(path.join(HELP, name)).size, 0);
  assert.ok(sum < MOST_BYTES, `${sum} bytes`);
});

test('help is one click away from a screen, and is searched', async (t) => {
  const { page } = await training(t);
  for (const [screen, topic] of [['/', '오늘'], ['/orders', '주문'], ['/deliveries', '배송'], ['/practice', '연습']]) {
    await page.goto(screen);
    await page.getByRole('link', { name: '이 화면의 도움말' }).click();
    await page.waitForURL(/\/help\//);
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), topic);
  }
  await page.goto('/help');
  await shot(page, 'help');
  await axe(page, 'help');
  await page.getByLabel('도움말에서 찾기').fill('거절 파일');
  await press(page, '찾기');
  await shot(page, 'help-found');
  await axe(page, 'help-found');
  await page.getByRole('link', { name: '업로드 · 거절된 행 고치기' }).click();
  await page.waitForURL(/\/help\/uploads#/);
  assert.ok(await page.getByRole('heading', { name: '거절된 행 고치기' }).isVisible());
  await page.goto('/help?q=없는말이에요');
  assert.match(await mainText(page), /맞는 도움말이 없어요/);
});

test('every topic is laid out well, and its links and pictures are there', async (t) => {
  const { page } = await open(t);
  await page.goto('/help');
  const topics = await page.locator('.topics a').evaluateAll((links) => links.map((link) => link.getAttribute('href')));
  for (const topic of topics) {
    assert.equal((await page.goto(topic)).status(), 200);
    await page.waitForLoadState('networkidle');
    const broken = await page.locator('article img').evaluateAll((images) => images.filter((image) => image.naturalWidth === 0).length);
    assert.equal(broken, 0, topic);
    await shot(page, `help-${topic.split('/').at(-1)}`);
    await axe(page, topic);
  }
});
