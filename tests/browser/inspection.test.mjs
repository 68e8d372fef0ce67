// Pages of the inspection and of 법 점검.

import { after, test } from 'node:test';
import { checkPage, closeBrowser, koreanDay, logIn, open } from './browser.mjs';
import { ADMIN, addMember } from './server.mjs';

after(closeBrowser);

test('inspection and law pages', async (t) => {
  const { page } = await open(t, { prepare: (data) => addMember(data, ADMIN, 'admin') });
  await logIn(page);
  await page.goto('/access/inspections');
  await checkPage(page, 'inspections');
  await page.goto(`/access/inspections/${koreanDay().slice(0, 7)}`);
  await checkPage(page, 'inspection');
  await page.goto('/access/law');
  await checkPage(page, 'law');
});
