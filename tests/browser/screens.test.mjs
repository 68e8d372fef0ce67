// Every page of a working shop at six widths, in dark and on paper: nothing scrolls sideways, no text is cut off, no two
// controls overlap. With SCREENS=folder the test writes the pictures and contact sheets of them there, to be looked at.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { closeBrowser, enterDemo, open } from './browser.mjs';

after(closeBrowser);

const WIDTHS = [360, 390, 768, 1366, 1440, 1920];
// Widths of the sheet by which a style asks, and of the paper of a list within its margins, in px.
const A4 = 794;
const A4_ACROSS = 1054;
const FOLDER = process.env.SCREENS;
const ROUTES = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../docs/ROUTES.md');

// Pages that are no pages of a member at a desk: they come before the login, end it, answer a form, or belong to the phone
// of a driver, whose tests look at them.
const ELSEWHERE = [/^\/setup/, /^\/log(in|out)/, /^\/drive(\/|$)/, /^\/masking/, /^\/account\/unsent/, /^\/orders\/job/, /^\/uploads\/batch/];

/** Paths of the routes that are read, in the order of the list. */
function readRoutes() {
  const rows = readFileSync(ROUTES, 'utf8').matchAll(/^\| GET \| `([^`]+)` \|/gm);
  return [...rows].map(([, route]) => route).filter((route) => !ELSEWHERE.some((other) => other.test(route)));
}

const patternOf = (route) => new RegExp(`^${route.replaceAll(/[.]/g, '\\$&').replaceAll(/\{[^}]+\}/g, '[^/?#]+')}$`);

/** What is wrong with the layout of a page at its present width. */
function faultsOfLayout() {
  const faults = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) faults.push(`is ${document.documentElement.scrollWidth} px wide`);
  const name = (element) => {
    const text = (element.innerText || element.value || element.getAttribute('aria-label') || '').trim().replaceAll(/\s+/g, ' ').slice(0, 30);
    const classes = typeof element.className === 'string' && element.className ? `.${element.className.trim().replaceAll(/\s+/g, '.')}` : '';
    return `${element.localName}${element.id ? `#${element.id}` : ''}${classes} “${text}”`;
  };
  const isShown = (element) => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  const isHidden = (element) => element.closest('.visually-hidden, .skip, [hidden]');

  // Text that does not fit into its own box.
  for (const element of document.querySelectorAll('button, .btn, label, legend, h1, h2, h3, p, li, dt, dd, th, td, summary, .tag, .state, .count')) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!hasText || !isShown(element) || isHidden(element)) continue;
    const style = getComputedStyle(element);
    if (style.display === 'inline' || style.textOverflow === 'ellipsis') continue;
    const isCut = element.scrollWidth > element.clientWidth + 1 && (style.overflowX !== 'visible' || element.matches('button, .btn, .tag, .state'));
    const isCutBelow = element.scrollHeight > element.clientHeight + 4 && ['hidden', 'clip'].includes(style.overflowY);
    if (style.overflowX !== 'auto' && style.overflowX !== 'scroll' && (isCut || isCutBelow)) faults.push(`text is cut: ${name(element)}`);
  }

  // Controls over each other. What stays in view while the page scrolls is above it on purpose.
  const floats = (element) => {
    for (let one = element; one && one !== document.body; one = one.parentElement) {
      if (['fixed', 'sticky', 'absolute'].includes(getComputedStyle(one).position)) return true;
    }
    return false;
  };
  const controls = [...document.querySelectorAll('main a[href], main button, main input:not([type=hidden]), main select, main textarea, main summary, header a[href], header summary')]
    .filter((element) => isShown(element) && !isHidden(element) && !floats(element))
    .flatMap((element) => [...element.getClientRects()].filter((box) => box.width > 2 && box.height > 2).map((box) => ({ element, box })))
    .slice(0, 900);
  controls.sort((one, other) => one.box.top - other.box.top);
  for (let at = 0; at < controls.length; at += 1) {
    const { element, box } = controls[at];
    for (let next = at + 1; next < controls.length && controls[next].box.top < box.bottom - 3; next += 1) {
      const { element: other, box: its } = controls[next];
      const across = Math.min(box.right, its.right) - Math.max(box.left, its.left);
      const down = Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top);
      if (across > 3 && down > 3 && element !== other && !element.contains(other) && !other.contains(element)) {
        faults.push(`overlap: ${name(element)} and ${name(other)}`);
      }
    }
  }
  return [...new Set(faults)];
}

/** What is wrong with a page on paper: lists are printed on the long side. */
function faultsOnPaper({ upright, across }) {
  const faults = [];
  const list = [...document.querySelectorAll('table.list')].filter((table) => table.checkVisibility());
  const width = list.length > 0 ? across : upright;
  document.documentElement.style.width = `${width}px`;
  const { scrollWidth } = document.documentElement;
  document.documentElement.style.width = '';
  if (scrollWidth > width) faults.push(`is ${scrollWidth} px wide`);
  if (list.some((table) => [...table.rows].some((row) => row.checkVisibility() && getComputedStyle(row).display !== 'table-row'))) {
    faults.push('rows of a list are no rows');
  }
  return faults;
}

/** Pictures of one look, side by side on sheets. */
async function writeContactSheets(page, look, pictures) {
  const isWide = Number(look.match(/\d+$/)?.[0] ?? A4) > A4;
  const [columns, height, perSheet] = isWide ? [3, 600, 12] : [6, 420, 24];
  for (let first = 0; first < pictures.length; first += perSheet) {
    const shown = pictures.slice(first, first + perSheet);
    const cells = shown.map(({ route, file }) => `<figure><img src="data:image/jpeg;base64,${readFileSync(file).toString('base64')}"><figcaption>${route}</figcaption></figure>`);
    await page.setViewportSize({ width: 2400, height: 1200 });
    await page.setContent(`<style>body{margin:8px;display:grid;grid-template-columns:repeat(${columns},1fr);gap:8px;font:13px sans-serif}figure{margin:0;border:1px solid #999}img{width:100%;height:${height}px;object-fit:contain;object-position:top}</style>${cells.join('')}`);
    await page.screenshot({ path: path.join(FOLDER, `sheet-${look}-${String(first / perSheet + 1).padStart(2, '0')}.png`), fullPage: true });
  }
}

test('every page fits its width, also in dark and on paper', { timeout: 900_000 }, async (t) => {
  const { page, window } = await open(t, { command: ['demo', '--orders', '300'] });
  await enterDemo(page);
  if (FOLDER) mkdirSync(FOLDER, { recursive: true });

  const patterns = new Map(readRoutes().map((route) => [route, patternOf(route)]));
  const waiting = [...patterns.keys()].filter((route) => !route.includes('{')).map((route) => ({ route, url: route }));
  const found = new Set(waiting.map(({ route }) => route));
  const [faults, pictures] = [[], new Map()];
  const keep = async (look, route) => {
    if (!FOLDER) return;
    const file = path.join(FOLDER, `${look}${route.replaceAll(/[/{}.]/g, '-')}.jpg`);
    await page.screenshot({ path: file, type: 'jpeg', quality: 60 });
    pictures.set(look, [...(pictures.get(look) ?? []), { route, file }]);
  };
  const look = async (route, at) => faults.push(...(await page.evaluate(faultsOfLayout)).map((fault) => `${route} ${at}: ${fault}`));

  let pages = 0;
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const { route, url } = next;
    await page.setViewportSize({ width: 1440, height: 1000 });
    const head = await page.request.get(url);
    if (!/text\/html/.test(head.headers()['content-type'] ?? '') || head.status() !== 200) continue;
    await page.goto(url);
    if (!patterns.get(route).test(new URL(page.url()).pathname)) continue;
    pages += 1;
    // The first link to a page with parameters leads to it.
    for (const href of await page.locator('a[href^="/"]').evaluateAll((links) => links.map((link) => link.getAttribute('href')))) {
      const [to] = href.split(/[?#]/);
      for (const [other, pattern] of patterns) {
        if (other.includes('{') && !found.has(other) && pattern.test(to) && !patterns.has(to)) {
          found.add(other);
          waiting.push({ route: other, url: href });
        }
      }
    }
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 1000 });
      await look(route, `at ${width} px`);
      await keep(`${width}`, route);
    }
    if (FOLDER) {
      await page.emulateMedia({ colorScheme: 'dark' });
      for (const width of [360, 1440]) {
        await page.setViewportSize({ width, height: 1000 });
        await keep(`dark-${width}`, route);
      }
      await page.emulateMedia({ colorScheme: null });
    }
    await page.setViewportSize({ width: A4, height: 1123 });
    await page.emulateMedia({ media: 'print' });
    faults.push(...(await page.evaluate(faultsOnPaper, { upright: A4, across: A4_ACROSS })).map((fault) => `${route} on paper: ${fault}`));
    await keep('print', route);
    await page.emulateMedia({ media: null });
  }
  if (FOLDER) {
    writeFileSync(path.join(FOLDER, 'faults.txt'), faults.join('\n'));
    const sheets = await window();
    for (const [of, taken] of pictures) await writeContactSheets(sheets, of, taken);
  }
  t.diagnostic(`${pages} pages of ${patterns.size} routes`);
  assert.ok(pages > 60, `${pages} pages`);
  assert.deepEqual(faults, []);
});
