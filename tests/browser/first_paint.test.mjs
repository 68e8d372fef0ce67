// When the lists of 25 rows are first seen: First Contentful Paint, as Chromium measures it. `tests/bench/README.md` has the figures.
//
// MUKKEUM_BINARY=target/release/mukkeum FIRST_PAINT_ORDERS=20000 node --test tests/browser/first_paint.test.mjs

import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { closeBrowser, enterDemo, open } from './browser.mjs';

const ORDERS = process.env.FIRST_PAINT_ORDERS ?? '2000';
const LOADS = 5;
// Far more than a page takes, also in a debug build on a busy machine.
const LIMIT_MS = 10_000;

after(closeBrowser);

const median = (values) => values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];

test('the lists are painted soon', async (t) => {
  const { page } = await open(t, { command: ['demo', '--orders', ORDERS], viewport: { width: 1366, height: 768 } });
  await enterDemo(page);
  for (const path of ['/orders?size=25', '/deliveries?size=25']) {
    const measured = [];
    for (let loads = 0; loads <= LOADS; loads += 1) {
      await page.goto('about:blank');
      await page.goto(path);
      assert.equal(await page.locator('table[data-rows] .tick input[name=tick]').count(), 25);
      const painted = await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
      const { firstByte, size } = await page.evaluate(() => {
        const { responseStart, decodedBodySize } = performance.getEntriesByType('navigation')[0];
        return { firstByte: responseStart, size: decodedBodySize };
      });
      measured.push({ paint: await painted.jsonValue(), firstByte, size });
    }
    // The first load fills the cache of the browser.
    const [cold, ...warm] = measured;
    const [paint, firstByte] = [median(warm.map((one) => one.paint)), median(warm.map((one) => one.firstByte))];
    t.diagnostic(`${path} of ${ORDERS} orders: first paint ${Math.round(paint)} ms (without cached assets ${Math.round(cold.paint)} ms), first byte ${Math.round(firstByte)} ms, ${Math.round(warm[0].size / 1024)} KB`);
    assert.ok(paint < LIMIT_MS, `${path}: ${paint} ms`);
  }
});
