// Every page of a working shop at six widths, in dark and on paper: nothing scrolls sideways, no text is cut off, no two
// controls overlap, on a phone buttons and fields are 48 px high, and nothing is hard to read in dark. The pages that no link of a member
// leads to are opened one by one. With SCREENS=folder the test writes the pictures and contact sheets of them there, to be
// looked at.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkAccessibility, checkContrast, closeBrowser, enterDemo, koreanDay, logIn, open, setUpAndLogIn } from './browser.mjs';
import { clickButton, preview } from './flows.mjs';
import { fixture, setupPath } from './server.mjs';

after(closeBrowser);

const WIDTHS = [360, 390, 768, 1366, 1440, 1920];
// Widths of the sheet by which a style asks, and of the paper of a list within its margins, in px.
const A4 = 794;
const A4_ACROSS = 1054;
const FOLDER = process.env.SCREENS;
const ROUTES = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../docs/ROUTES.md');

// Pages that are no pages of a member at a desk: they come before the login, end it, answer a form, or belong to the phone
// of a driver. The second test and those of the driver look at them.
const ELSEWHERE = [/^\/setup/, /^\/log(in|out)/, /^\/drive(\/|$)/, /^\/masking/, /^\/account\/unsent/, /^\/orders\/job/, /^\/uploads\/batch/];

/** Paths of the routes that are read, in the order of the list. */
function readRoutes() {
  const rows = readFileSync(ROUTES, 'utf8').matchAll(/^\| GET \| `([^`]+)` \|/gm);
  return [...rows].map(([, route]) => route).filter((route) => !ELSEWHERE.some((other) => other.test(route)));
}

// Pages that no other test measures in dark.
const DARK_CONTRAST = [/^\/plans\/promises/, /^\/privacy\/destructions\/\{/, /^\/access/, /^\/learning/, /^\/notices/];

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
    if (style.display === 'inline' || style.textOverflow === 'ellipsis' || style.clipPath !== 'none') continue;
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
  // The part of a box that is in sight: a list that scrolls by itself hides the rest of its rows.
  const seen = (element, { left, top, right, bottom }) => {
    for (let one = element.parentElement; one && one !== document.body; one = one.parentElement) {
      if (getComputedStyle(one).overflow === 'visible') continue;
      const its = one.getBoundingClientRect();
      [left, top, right, bottom] = [Math.max(left, its.left), Math.max(top, its.top), Math.min(right, its.right), Math.min(bottom, its.bottom)];
    }
    return { left, top, right, bottom };
  };
  const controls = [...document.querySelectorAll('main a[href], main button, main input:not([type=hidden]), main select, main textarea, main summary, header a[href], header summary')]
    .filter((element) => isShown(element) && !isHidden(element) && !floats(element))
    .flatMap((element) => [...element.getClientRects()].map((box) => ({ element, box: seen(element, box) })))
    .filter(({ box }) => box.right - box.left > 2 && box.bottom - box.top > 2)
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

/**
 * Controls that a finger misses: buttons, fields and menus lower than 48 px. Links of text are as high as their line, and a
 * box without a label in a cell is pressed by its row.
 */
function smallTargets() {
  const MIN = 47.5;
  const faults = [];
  const isShown = (element) => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  const text = (element) => (element.innerText ?? '').trim().replaceAll(/\s+/g, ' ');
  const isInSentence = (link) => {
    const around = link.closest('p, li, dd, dt, td, th, figcaption, caption, legend, label, summary, h1, h2, h3, div');
    return around && text(around).length > text(link).length + 3 && getComputedStyle(link).display === 'inline';
  };
  for (const element of document.querySelectorAll('main a.btn[href], main button, main input:not([type=hidden]), main select, main summary, header a[href], header summary')) {
    const isOfRow = element.matches('td > [type=checkbox], th > [type=checkbox]');
    if (!isShown(element) || isOfRow || element.closest('.visually-hidden, .skip, [hidden]') || element.matches('a') && isInSentence(element)) continue;
    // A box is pressed by its label, and a place on a map by its field.
    const pressed = element.matches('[type=checkbox], [type=radio]') ? element.closest('label, .form-check, .pill') ?? element : element;
    const { width, height } = pressed.getBoundingClientRect();
    if (width > 2 && height > 2 && height < MIN) {
      const classes = typeof element.className === 'string' ? element.className.trim().replaceAll(/\s+/g, '.') : '';
      faults.push(`${Math.round(height)} px high: ${element.parentElement.localName} > ${element.localName}.${classes} “${text(element).slice(0, 20)}”`);
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
  // What a board shows depends on its day: each day of the demo's week is looked at, whatever today is.
  waiting.push(...[...Array(7).keys()].map((days) => ({ route: '/plans', url: `/plans?day=${koreanDay(days)}` })));
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
      if (width === 360) faults.push(...(await page.evaluate(smallTargets)).map((fault) => `${route} ${fault}`));
      await keep(`${width}`, route);
    }
    await page.emulateMedia({ colorScheme: 'dark' });
    for (const width of [360, 1440]) {
      await page.setViewportSize({ width, height: 1000 });
      await look(route, `in dark at ${width} px`);
      await keep(`dark-${width}`, route);
    }
    if (DARK_CONTRAST.some((pattern) => pattern.test(route))) await checkContrast(page, `${route} in dark`);
    await page.emulateMedia({ colorScheme: null });
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

/** The page as it is now, at both widths in both schemes: layout, targets of a finger, axe. */
async function inspect(page, name) {
  const faults = [];
  for (const colorScheme of [null, 'dark']) {
    await page.emulateMedia({ colorScheme });
    for (const width of [360, 1440]) {
      await page.setViewportSize({ width, height: 1000 });
      const found = await page.evaluate(faultsOfLayout);
      if (width === 360) found.push(...await page.evaluate(smallTargets));
      faults.push(...found.map((fault) => `${name} at ${width} px${colorScheme ? ' in dark' : ''}: ${fault}`));
    }
  }
  await page.emulateMedia({ colorScheme: null });
  await checkAccessibility(page, name);
  return faults;
}

test('pages before the login fit a phone and a desktop, light and dark', async (t) => {
  const { page, server } = await open(t);
  const faults = [];
  await page.goto(setupPath(server.url));
  faults.push(...await inspect(page, 'setup'));
  for (const way of ['백업에서 복원하기', '연습해 보기']) await page.locator('summary').filter({ hasText: way }).click();
  faults.push(...await inspect(page, 'setup, opened'));
  await clickButton(page, '백업이 있는 곳 선택하기');
  await page.locator('summary').filter({ hasText: '클라우드' }).click();
  faults.push(...await inspect(page, 'restore'));
  await setUpAndLogIn(page);
  await page.context().clearCookies();
  await page.goto('/login');
  faults.push(...await inspect(page, 'login'));
  await logIn(page);
  await page.goto('/uploads');
  await page.getByLabel('파일 선택').setInputFiles(['01_smartstore_orders_72col.xlsx', 'B01_missing_key_column.xlsx'].map(fixture));
  await page.waitForURL(/\/uploads\/batch/);
  faults.push(...await inspect(page, 'several uploads'));
  await preview(page, '01_smartstore_orders_72col.xlsx');
  faults.push(...await inspect(page, 'preview'));
  assert.deepEqual(faults, []);
});

test('pages of a driver, masked data and dialogs fit a phone and a desktop, light and dark', async (t) => {
  const { page, window } = await open(t, { command: ['demo', '--orders', '300'] });
  const faults = [];
  await enterDemo(page);
  for (const [name, url] of [['promises', '/plans/promises'], ['destructions', '/privacy/destructions']]) {
    await page.goto(url);
    faults.push(...await inspect(page, name));
  }
  const certificate = page.locator('main a[href^="/privacy/destructions/"]').first();
  if (await certificate.count()) {
    await certificate.click();
    faults.push(...await inspect(page, 'certificate of destruction'));
  }
  await page.goto('/orders?state=PLACED');
  await page.getByRole('row').getByRole('checkbox').nth(1).check();
  await page.getByRole('button', { name: '배송됨으로 바꾸기' }).first().click();
  await page.waitForLoadState();
  faults.push(...await inspect(page, 'question before a step is jumped'));
  await page.goto('/orders');
  await page.keyboard.press('Control+k');
  await page.locator('dialog[open]').first().waitFor();
  faults.push(...await inspect(page, 'search of everything'));
  const support = await window();
  await enterDemo(support, '배송팀');
  await support.goto('/deliveries');
  const reveal = support.locator('main a[href^="/masking/reveal"]').first();
  if (await reveal.count()) {
    await support.goto(await reveal.getAttribute('href'));
    faults.push(...await inspect(support, 'reveal'));
  }
  const driver = await window();
  await enterDemo(driver, '기사');
  await driver.goto('/drive');
  faults.push(...await inspect(driver, 'drive'));
  assert.deepEqual(faults, []);
});
