// Steps of the user flows, located by visible labels.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { koreanDay, mainText } from './browser.mjs';
import { numberAfter, fixture } from './server.mjs';

/** A file as the channel would have made it just now: the time is in its name, so that its claims are new. */
export function madeNow(file) {
  const time = new Date(Date.now() + 9 * 3600_000).toISOString().replaceAll(/\D/g, '').slice(0, 12);
  return { name: `주문_${time}${path.extname(file)}`, mimeType: 'application/octet-stream', buffer: readFileSync(file) };
}

/** Uploads a file (fixture name or path) and opens its preview. `isNew`: the channel made it just now. */
export async function preview(page, name, { isNew = false } = {}) {
  await page.goto('/uploads');
  const file = name.includes('/') ? name : fixture(name);
  await page.getByLabel('파일 선택').setInputFiles(isNew ? madeNow(file) : file);
  await beginReading(page);
  await page.waitForURL(/\/uploads\/[^/?]+/);
}

/** Without JavaScript the button begins to read the chosen files; else choosing them does. */
export async function beginReading(page) {
  const button = page.getByRole('button', { name: '미리보기' });
  if (await button.isVisible()) await button.click();
}

/** Applies the previewed upload and waits for its report, also where it is applied in the background. */
export async function apply(page) {
  await clickButton(page, '적용');
  await page.locator('[data-poll]').waitFor({ state: 'detached' });
  await page.waitForLoadState();
}

/** `[created, skipped, rejected]` of the upload page. */
export async function counts(page) {
  const text = await mainText(page);
  return ['등록', '변경 없음', '오류'].map((word) => numberAfter(text, word));
}

/** Total of a list: `총 N건`; 0 for an empty one, which says no total. */
export async function totalCount(page) {
  return numberAfter(await mainText(page), '총') ?? 0;
}

/** Order numbers of the list from top to bottom. */
export async function orderNumbers(page) {
  const links = await page.getByRole('row').getByRole('link', { name: /^\D*\d{16}$/ }).allInnerTexts();
  return links.map((text) => text.match(/\d{16}/)[0]);
}

/** Opens the order list with a query string. */
export async function gotoOrders(page, query = {}) {
  await page.goto(`/orders?${new URLSearchParams({ size: '50', ...query })}`);
}

/** Fills in and submits the search form. */
export async function search(page, fill) {
  await fill();
  await followedByPage(page, () => page.getByRole('button', { name: '검색', exact: true }).click());
}

/** Ticks the rows that contain these texts. */
export async function selectRows(page, numbers) {
  for (const number of numbers) {
    await page.getByRole('row').filter({ hasText: number }).first().getByRole('checkbox').check();
  }
}

/** Clicks a button whose answer is another page, and waits until that page is loaded. */
export async function clickButton(page, name) {
  await followedByPage(page, () => page.getByRole('button', { name }).first().click());
}

/** Presses a button of a list with nothing ticked: scripts answer on the page, without them the server does. */
export async function pressWithNothingTicked(page, name) {
  await page.getByRole('button', { name }).first().click();
  await page.getByText(/선택한 .+ 없어요|먼저 선택해 주세요/).first().waitFor();
}

/**
 * Runs an action and waits until the page that it asks for is loaded.
 *
 * A click ends when the browser has handled it, and a form is sent after that: on a busy machine the page that is left is
 * still there then, and it is loaded. Only the event of the next document tells that it is gone.
 */
export async function followedByPage(page, action) {
  await page.waitForLoadState();
  const loaded = page.waitForEvent('load');
  await Promise.all([loaded, action()]);
}

/** Clicks a button and confirms the dialog that follows. */
export async function confirmedClick(page, name) {
  await page.getByRole('button', { name }).click();
  await followedByPage(page, () => page.getByRole('dialog').getByRole('button', { name: '네' }).click());
}

/**
 * Counts the clicks, the fields and the page loads of a job, and asserts that they are at most those of its goal:
 * `[clicks, fields, loads]`. A choice from a select box is two clicks.
 */
export async function counted(page, [clicks, fields, loads], job) {
  const used = { clicks: 0, fields: 0, loads: 0 };
  const load = () => { used.loads += 1; };
  page.on('domcontentloaded', load);
  await job({
    click: (locator, options) => { used.clicks += 1; return locator.click(options); },
    choose: (select, option) => { used.clicks += 2; return select.selectOption(option); },
    fill: (locator, text) => { used.fields += 1; return locator.fill(text); },
    type: (text) => { used.fields += 1; return page.keyboard.type(text); },
  });
  await page.waitForLoadState();
  page.off('domcontentloaded', load);
  assert.ok(used.clicks <= clicks && used.fields <= fields && used.loads <= loads, `${JSON.stringify(used)}, the goal is ${clicks} / ${fields} / ${loads}`);
}

/** Writes a 스마트스토어 file of `count` new orders; `of(index)` has their special values by column. Returns its path. */
export function orderFile(folder, count, of = () => ({})) {
  const day = koreanDay(-1);
  const rows = Array.from({ length: count }, (_, index) => ({
    상품주문번호: `${2026110100000000n + BigInt(index)}`,
    주문상태: '결제완료',
    클레임상태: '',
    발송기한: koreanDay(3),
    주문일시: `${day} 10:00:00`,
    '판매자 상품코드': 'TABLE',
    상품명: '예시공방 원목 협탁',
    옵션정보: '색상: 월넛',
    수량: 1,
    구매자명: '홍길동',
    구매자연락처: '010-0000-1001',
    수취인명: `받는이${index}`,
    수취인연락처1: '010-0000-1001',
    우편번호: '37683',
    배송지: '경상북도 포항시 남구 예시로 12',
    배송방법: '직접전달',
    '배송비 형태': '선결제',
    '배송비 묶음번호': `${4100000000 + index}`,
    ...of(index),
  }));
  const columns = Object.keys(rows[0]);
  const file = path.join(folder, '주문.csv');
  writeFileSync(file, `\ufeff${[columns, ...rows.map((row) => columns.map((column) => row[column]))].map((cells) => cells.join(',')).join('\n')}\n`);
  return file;
}

/** Row of an order in the list. */
export const orderRow = (page, number) => page.locator('tbody.order').filter({ hasText: number });

/** Opens the page of an order from the list. */
export async function openOrder(page, number) {
  await gotoOrders(page, { field: 'order_number', q: number });
  await page.getByRole('row').getByRole('link', { name: number }).first().click();
  await page.waitForURL(/\/orders\/[0-9A-Z]{13}/);
}

/** Saves the order page and waits for the notice. */
export async function saveOrder(page) {
  await clickButton(page, '저장');
  await page.locator('.notice').first().waitFor();
}

/** Input with this label. */
export const field = (page, label) => page.getByLabel(label, { exact: true });

/** Chooses method and charge of a manual order. */
export async function chooseShipping(page) {
  await field(page, '배송방법').selectOption('DIRECT');
  await field(page, '배송비 형태').selectOption('PREPAID');
}

/** Memo input of an order in the list. */
export const memoField = (page, number, name = '발주메모') => page.getByRole('textbox', { name: `${number} ${name}` });

/** Replaces cell texts of an .xlsx file. */
export function editXlsx(bytes, replacements) {
  const parts = unzip(bytes);
  for (const [name, content] of parts) {
    if (!/sheet\d*\.xml$|sharedStrings\.xml$/.test(name)) continue;
    let xml = content.toString();
    for (const [from, to] of Object.entries(replacements)) xml = xml.replaceAll(`>${from}</t>`, `>${to}</t>`);
    parts.set(name, Buffer.from(xml));
  }
  return zip(parts);
}

function unzip(bytes) {
  const parts = new Map();
  const end = bytes.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  let offset = bytes.readUInt32LE(end + 16);
  for (let remaining = bytes.readUInt16LE(end + 10); remaining > 0; remaining -= 1) {
    const [packed, name, extra, comment] = [bytes.readUInt32LE(offset + 20), bytes.readUInt16LE(offset + 28), bytes.readUInt16LE(offset + 30), bytes.readUInt16LE(offset + 32)];
    const local = bytes.readUInt32LE(offset + 42);
    const from = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const content = bytes.subarray(from, from + packed);
    parts.set(bytes.toString('utf8', offset + 46, offset + 46 + name), bytes.readUInt16LE(offset + 10) === 0 ? content : inflateRawSync(content));
    offset += 46 + name + extra + comment;
  }
  return parts;
}

function zip(parts) {
  const [files, folder] = [[], []];
  let offset = 0;
  for (const [name, content] of parts) {
    const path = Buffer.from(name);
    const head = Buffer.alloc(26);
    head.writeUInt16LE(20, 0);
    head.writeUInt32LE(crc32(content), 10);
    head.writeUInt32LE(content.length, 14);
    head.writeUInt32LE(content.length, 18);
    head.writeUInt16LE(path.length, 22);
    files.push(Buffer.from('PK\x03\x04', 'latin1'), head, path, content);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    folder.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), head, tail, path);
    offset += 30 + path.length + content.length;
  }
  const size = folder.reduce((sum, { length }) => sum + length, 0);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(parts.size, 8);
  end.writeUInt16LE(parts.size, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...files, ...folder, end]);
}

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** Opens masked data of a page with a reason, if it is masked. */
export async function reveal(page, reason = '배송 연락') {
  if (await page.getByLabel('보는 이유').count() === 0) return;
  await page.getByLabel('보는 이유').selectOption({ label: reason });
  await clickButton(page, '보기');
}

/** Clicks from the list of drives through the folders of the computer to a path. */
export async function openFolder(page, folder) {
  await page.getByRole('link', { name: '이 컴퓨터 전체' }).click();
  for (const name of folder.split('/').filter(Boolean)) {
    await page.getByRole('main').getByRole('link', { name, exact: true }).click();
  }
  await page.getByRole('heading', { name: folder }).waitFor();
}
