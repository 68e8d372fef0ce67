// The focus is visible on every kind of control: pixels before and after focus differ, in light and in dark.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { closeBrowser, open, setUpAndLogIn } from './browser.mjs';
import { apply, openOrder, preview } from './flows.mjs';

const ORDERS = '01_smartstore_orders_72col.xlsx';

after(closeBrowser);

// What takes the focus, by kind: tag, type and the classes that style it.
const kindsOfPage = () => {
  const kinds = new Map();
  const selector = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]';
  for (const element of document.querySelectorAll(selector)) {
    if (element.matches(':disabled') || element.closest('[inert], template') || !element.checkVisibility({ visibilityProperty: true })) continue;
    const looks = [...element.classList].filter((name) => !/^(is-invalid|reached|active)$/.test(name)).sort().join('.');
    const inside = ['nav.menu', '.acts-bar', '.tabs', '.sizes', 'thead', '.panel', '.drop', 'header', 'main'].find((place) => element.closest(place)) ?? '';
    const kind = `${element.tagName.toLowerCase()}[${element.type ?? ''}].${looks} in ${inside}`;
    if (!kinds.has(kind)) {
      element.dataset.focusKind = kinds.size;
      kinds.set(kind, kinds.size);
    }
  }
  return [...kinds];
};

/** Asserts for each kind of control of the page that its pixels, and those around it, change with the focus. */
async function checkFocus(page, where) {
  const kinds = await page.evaluate(kindsOfPage);
  assert.ok(kinds.length > 0, where);
  const same = [];
  for (const [kind, index] of kinds) {
    const control = page.locator(`[data-focus-kind="${index}"]`);
    // In the middle, so that no sticky bar covers it.
    await control.evaluate((element) => element.scrollIntoView({ block: 'center', behavior: 'instant' }));
    await page.evaluate(() => { document.activeElement?.blur(); document.body.tabIndex = -1; });
    const box = await control.boundingBox();
    // What is off the screen until it has the focus is the link to the content.
    if (!box || box.width < 2 || box.height < 2 || box.y + box.height < 0 || box.x + box.width < 0) continue;
    const { width, height } = page.viewportSize();
    const [x, y] = [Math.max(0, box.x - 6), Math.max(0, box.y - 6)];
    const clip = { x, y, width: Math.min(box.width + 12, width - x), height: Math.min(box.height + 12, height - y) };
    if (clip.width < 1 || clip.height < 1) continue;
    const options = { clip, animations: 'disabled', caret: 'hide' };
    const before = await page.screenshot(options);
    // A key beforehand makes the browser show the focus as after Tab.
    await page.keyboard.press('Shift');
    await control.focus();
    await page.keyboard.press('Shift');
    const after = await page.screenshot(options);
    if (before.equals(after)) same.push(kind);
  }
  assert.deepEqual(same, [], `${where}: these look the same with the focus`);
  return kinds.length;
}

for (const colorScheme of ['light', 'dark']) {
  test(`focus is visible on every kind of control, in ${colorScheme}`, async (t) => {
    const { page } = await open(t, { colorScheme, reducedMotion: 'reduce' });
    await page.goto('/');
    await checkFocus(page, 'setup');
    await setUpAndLogIn(page);
    await preview(page, ORDERS);
    await checkFocus(page, 'preview of an upload');
    await apply(page);
    let kinds = 0;
    for (const path of ['/', '/orders?size=5', '/orders/new', '/uploads', '/deliveries?size=5', '/districts', '/products', '/plans', '/account', '/actions', '/search?q=홍길동', '/settings', '/help']) {
      await page.goto(path);
      kinds += await checkFocus(page, path);
    }
    await openOrder(page, '2024031500000001');
    kinds += await checkFocus(page, 'an order');
    t.diagnostic(`${kinds} kinds of controls`);
  });
}
