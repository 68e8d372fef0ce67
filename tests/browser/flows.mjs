// What a person of the office does, in the words that stand on the page.

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
