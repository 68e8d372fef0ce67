// What a person of the office does, in the words that stand on the page.

import { inflateRawSync } from 'node:zlib';
import { mainText } from './browser.mjs';
import { countAfter, fixture } from './server.mjs';

/** Chooses a file and asks for its preview. */
export async function preview(page, name) {
  await page.goto('/uploads');
  await page.getByLabel('파일 선택').setInputFiles(name.includes('/') ? name : fixture(name));
  await page.getByRole('button', { name: '미리보기' }).click();
  await page.waitForURL(/\/uploads\/[^/?]+/);
}

/** Applies what the preview shows. */
export async function apply(page) {
  await page.getByRole('button', { name: '적용' }).click();
  await page.waitForLoadState();
  await page.getByRole('button', { name: '적용' }).waitFor({ state: 'detached' });
}

/** Created, skipped and rejected, as the page of an upload tells them. */
export async function counts(page) {
  const text = await mainText(page);
  return ['등록', '그대로', '거절'].map((word) => countAfter(text, word));
}

/** `총 N건` of the order list. */
export async function total(page) {
  return countAfter(await mainText(page), '총');
}

/** The order numbers of the list, from top to bottom. */
export async function orderNumbers(page) {
  const links = await page.getByRole('row').getByRole('link', { name: /^\D*\d{16}$/ }).allInnerTexts();
  return links.map((text) => text.match(/\d{16}/)[0]);
}

/** The list by its address: every search is one. */
export async function list(page, query = {}) {
  await page.goto(`/orders?${new URLSearchParams({ size: '50', ...query })}`);
}

/** Asks by filling in the search form. */
export async function search(page, fill) {
  await fill();
  await page.getByRole('button', { name: '검색', exact: true }).click();
  await page.waitForLoadState();
}

export async function tick(page, numbers) {
  for (const number of numbers) {
    await page.getByRole('row').filter({ hasText: number }).first().getByRole('checkbox').check();
  }
}

export async function press(page, button) {
  await page.getByRole('button', { name: button }).first().click();
  await page.waitForLoadState();
}

/** The row of an order in the list. */
export const row = (page, number) => page.locator('tbody.order').filter({ hasText: number });

/** Goes from the list to the page of an order. */
export async function openOrder(page, number) {
  await list(page, { field: 'order_number', q: number });
  await page.getByRole('row').getByRole('link', { name: number }).first().click();
  await page.waitForURL(/\/orders\/[0-9A-Z]{13}/);
}

/** Saves the page of an order; it answers in every case. */
export async function save(page) {
  await press(page, '저장');
  await page.locator('.notice').first().waitFor();
}

/** The field of that label. */
export const field = (page, label) => page.getByLabel(label, { exact: true });

/** Reads an .xlsx, puts other texts into its cells, and writes it again. */
export function mend(bytes, texts) {
  const parts = unzip(bytes);
  for (const [name, content] of parts) {
    if (!/sheet\d*\.xml$|sharedStrings\.xml$/.test(name)) continue;
    let xml = content.toString();
    for (const [from, to] of Object.entries(texts)) xml = xml.replaceAll(`>${from}</t>`, `>${to}</t>`);
    parts.set(name, Buffer.from(xml));
  }
  return zip(parts);
}

function unzip(bytes) {
  const parts = new Map();
  const end = bytes.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  let at = bytes.readUInt32LE(end + 16);
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left -= 1) {
    const [packed, name, extra, comment] = [bytes.readUInt32LE(at + 20), bytes.readUInt16LE(at + 28), bytes.readUInt16LE(at + 30), bytes.readUInt16LE(at + 32)];
    const local = bytes.readUInt32LE(at + 42);
    const from = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const content = bytes.subarray(from, from + packed);
    parts.set(bytes.toString('utf8', at + 46, at + 46 + name), bytes.readUInt16LE(at + 10) === 0 ? content : inflateRawSync(content));
    at += 46 + name + extra + comment;
  }
  return parts;
}

function zip(parts) {
  const [files, folder] = [[], []];
  let place = 0;
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
    tail.writeUInt32LE(place, 10);
    folder.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), head, tail, path);
    place += 30 + path.length + content.length;
  }
  const size = folder.reduce((sum, { length }) => sum + length, 0);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(parts.size, 8);
  end.writeUInt16LE(parts.size, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(place, 16);
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
