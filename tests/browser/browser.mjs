// Headless Chromium for the browser tests. A test fails if its page logs an error, violates the
// Content-Security-Policy, throws, gets a 5xx response, or requests an unexpected host.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { ADMIN, setupPath, startServer, temporaryFolder } from './server.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const SCREENSHOTS = path.join(HERE, 'shots');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const AXE_RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Viewport widths of a phone and of a desktop, in px. */
export const WIDTHS = [360, 1440];

// Shared by the tests of a file.
let chromiumInstance;

// Pages whose context has JavaScript disabled.
const withoutScripts = new WeakSet();

async function browser() {
  chromiumInstance ??= await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--lang=ko-KR', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
    // Korean date inputs, if the package chromium-l10n is installed.
    env: { ...process.env, LANGUAGE: 'ko_KR' },
  });
  return chromiumInstance;
}

/** Closes Chromium; call it in `after` of each test file. */
export async function closeBrowser() {
  await chromiumInstance?.close();
  chromiumInstance = undefined;
}

/**
 * Starts a server with an empty shop and opens a page on it; both end with the test.
 *
 * - `prepare(data)` runs before the start, `command` replaces `serve`, `start` replaces the whole server.
 * - `externalHosts`: hosts that pages may request; the test stubs them.
 * - Other options go to the browser context. `window(options)` opens a page in another context.
 */
export async function open(t, { prepare, command, start = startServer, externalHosts = [], ...contextOptions } = {}) {
  const cleanups = [];
  t.after(async () => {
    const faults = [];
    for (const close of cleanups.reverse()) await Promise.resolve().then(close).catch((fault) => faults.push(fault));
    if (faults.length > 0) throw faults[0];
  });
  const folder = temporaryFolder(cleanups);
  const data = path.join(folder, 'data');
  await prepare?.(data);
  const server = await start({ data, command });
  cleanups.push(() => server.stop());

  const faultsOfPages = [];
  cleanups.push(() => assert.deepEqual(faultsOfPages.flat(), [], `faults of the pages; log of the server:\n${server.log().slice(-2000)}`));
  const window = async (options) => {
    const context = await (await browser()).newContext({
      baseURL: server.url,
      locale: 'ko-KR',
      timezoneId: 'Asia/Seoul',
      // Colours that are measured while they change have a contrast between the old and the new one.
      reducedMotion: 'reduce',
      viewport: { width: 1440, height: 900 },
      ...contextOptions,
      ...options,
    });
    cleanups.push(() => context.close());
    const page = await context.newPage();
    improveActions(page);
    // Far longer than a page takes, so that a busy machine fails no test.
    page.setDefaultTimeout(30_000);
    if (!(options?.javaScriptEnabled ?? contextOptions.javaScriptEnabled ?? true)) withoutScripts.add(page);
    faultsOfPages.push(collectFaults(page, server, externalHosts));
    return page;
  };
  // Ends before the folder is removed, unlike what a test adds with t.after.
  const atEnd = (close) => cleanups.push(close);
  return { server, folder, window, atEnd, page: await window() };
}

// Actions that may lead to another page. They end as soon as the browser has its first bytes: a test that then reads the page
// sees the part that has arrived.
const LEADING = new Set(['click', 'press', 'goBack', 'goForward', 'selectOption']);

// Prototypes whose methods describe their timeouts.
const describing = new WeakSet();

// Adds the URL and the visible text of the page to the message of every timeout, and waits after each action that leads to
// another page until that page is loaded.
function improveActions(page) {
  const pageOf = new Map([
    [Object.getPrototypeOf(page), (self) => self],
    [Object.getPrototypeOf(page.locator('body')), (self) => self.page()],
  ]);
  for (const [prototype, ofSelf] of pageOf) {
    if (describing.has(prototype)) continue;
    describing.add(prototype);
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const method = Object.getOwnPropertyDescriptor(prototype, name).value;
      if (typeof method !== 'function' || name === 'constructor' || name.startsWith('_')) continue;
      prototype[name] = function (...args) {
        const result = method.apply(this, args);
        if (!(result instanceof Promise)) return result;
        const settled = LEADING.has(name) ? result.then((value) => loaded(ofSelf(this), value)) : result;
        return settled.catch((fault) => rejectDescribed(fault, ofSelf(this)));
      };
    }
  }
}

// Waits until a page is loaded, unless the action has closed it.
async function loaded(page, value) {
  if (!page.isClosed()) await page.waitForLoadState();
  return value;
}

const described = new WeakSet();

async function rejectDescribed(fault, page) {
  if (fault.name === 'TimeoutError' && !described.has(fault)) {
    described.add(fault);
    const text = page.evaluate(() => document.body.innerText).catch(({ message }) => message);
    fault.message += `\nThe page is ${page.url()}:\n${await Promise.race([text, sleep(2000, '(no text within 2 s)', { ref: false })])}`;
  }
  throw fault;
}

// Chromium logs an error for every response with an error status. For the document itself (an expected 403, 404
// or 422) it is ignored; for a style sheet or a script it is a fault. A phone that was cut off learns it by a 401, one without a
// network asks in vain.
function collectFaults(page, server, externalHosts) {
  const faults = [];
  const documents = new Set();
  const isStubbed = (url) => externalHosts.some((host) => url.startsWith(`${host}/`));
  page.on('request', (request) => request.isNavigationRequest() && documents.add(request.url()));
  page.on('response', (response) => {
    if (response.status() >= 500) faults.push(`${response.status()} ${response.url()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(server.url) && !/^(data|blob|about):/.test(request.url()) && !isStubbed(request.url())) {
      faults.push(`requests another host: ${request.url()}`);
    }
  });
  page.on('pageerror', (error) => faults.push(`${error}`));
  page.on('console', (message) => {
    if (message.type() !== 'error') return;
    const aboutDocument = message.text().startsWith('Failed to load resource') && documents.has(message.location().url);
    const isCutOff = message.text().includes('status of 401') && new URL(message.location().url).pathname.startsWith('/drive/');
    const isOffline = message.text().includes('ERR_INTERNET_DISCONNECTED');
    if (!aboutDocument && !isCutOff && !isOffline && !isStubbed(message.location().url)) faults.push(`${message.text()} (${message.location().url})`);
  });
  return faults;
}

/** Text of the page's main landmark. */
export const mainText = (page) => page.getByRole('main').innerText();

/** Creates the first administrator on the setup page of an empty shop. */
export async function createFirstAdmin(page, { username, password } = ADMIN) {
  await page.goto('/');
  await page.waitForURL('**/setup');
  await page.goto(setupPath(page.url()));
  await submitFirstAdmin(page, username, password, password);
  await page.waitForURL((url) => url.pathname !== '/setup');
}

/** Fills in and submits the setup form. */
export async function submitFirstAdmin(page, username, password, again) {
  await page.getByLabel('아이디').fill(username);
  await page.getByLabel(/^(새 )?비밀번호$/).fill(password);
  await page.getByLabel(/비밀번호 (확인|한 번 더)$/).fill(again);
  await page.getByRole('button', { name: /관리자 만들/ }).click();
}

/** Logs in on the login page. */
export async function logIn(page, { username, password } = ADMIN) {
  await page.goto('/login');
  await page.getByLabel('아이디').fill(username);
  await page.getByLabel('비밀번호', { exact: true }).fill(password);
  await page.getByRole('button', { name: '로그인' }).click();
  await page.waitForURL((url) => url.pathname !== '/login');
}

/** Creates the first administrator and logs in. */
export async function setUpAndLogIn(page) {
  await createFirstAdmin(page);
  if (new URL(page.url()).pathname === '/login') await logIn(page);
}

/** Logs in to a demo with the button of an account on the login page. */
export async function enterDemo(page, account = '관리자') {
  await page.goto('/login');
  await page.getByRole('button', { name: `${account} 아이디로 들어가기` }).click();
  await page.waitForURL((url) => url.pathname !== '/login');
}

/** The day in Korea so many days from today, as YYYY-MM-DD: the program reckons in Korean time wherever it runs. */
export const koreanDay = (days = 0) => new Date(Date.now() + (days * 24 + 9) * 3_600_000).toISOString().slice(0, 10);

/** Takes screenshots at both widths and asserts that the page does not scroll horizontally. */
export async function screenshot(page, name) {
  mkdirSync(SCREENSHOTS, { recursive: true });
  const before = page.viewportSize();
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    const scrollWidth = await page.evaluate(() => document.documentElement.scrollWidth);
    await page.screenshot({ path: path.join(SCREENSHOTS, `${name}-${width}.png`), fullPage: true });
    assert.ok(scrollWidth <= width, `${name} is ${scrollWidth} px wide at ${width} px`);
  }
  await page.setViewportSize(before);
}

/**
 * Asserts that axe finds no violation (WCAG 2.2 AA and best practices) at both widths, and no weak contrast in dark. The
 * viewport is as high as the page, so that sticky elements do not count as obscuring a field.
 */
export async function checkAccessibility(page, name = page.url()) {
  const before = page.viewportSize();
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    await page.setViewportSize({ width, height: Math.max(900, height) });
    await page.evaluate(AXE);
    await assertNoViolations(page, AXE_RULES.map((value) => ({ type: 'tag', value })), `${name} at ${width} px`);
  }
  // Colours do not depend on the width.
  await page.emulateMedia({ colorScheme: 'dark' });
  await checkContrast(page, `${name} in dark`);
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize(before);
}

/** Asserts that axe finds no weak contrast in the present colours. */
export async function checkContrast(page, name) {
  await page.evaluate(AXE);
  await assertNoViolations(page, [{ type: 'rule', value: 'color-contrast' }], name);
}

/** Asserts that a part of the page has a contrast of 7:1 (WCAG AAA), light and dark: it is read in the sun. */
export async function checkEnhancedContrast(page, selector, name) {
  await page.evaluate(AXE);
  for (const colorScheme of ['dark', null]) {
    await page.emulateMedia({ colorScheme });
    await assertNoViolations(page, [{ type: 'rule', value: 'color-contrast-enhanced' }], `${name} in the sun`, selector);
  }
}

/** Runs axe, which the page has loaded, with some tags or rules, on the page or a part of it. */
async function assertNoViolations(page, chosen, where, selector) {
  const runOnly = { type: chosen[0].type, values: chosen.map(({ value }) => value) };
  const { violations } = await page.evaluate(
    ([only, part]) => window.axe.run(part ?? document, { runOnly: only, resultTypes: ['violations'] }),
    [runOnly, selector],
  );
  const found = violations.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map((node) => `${node.target} ${node.failureSummary}`).join('\n  ')}`);
  assert.deepEqual(found, [], where);
}

/** Screenshots and the accessibility check; skipped without JavaScript, where the layout is the same. */
export async function checkPage(page, name) {
  if (withoutScripts.has(page)) return;
  await page.waitForLoadState();
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
  await screenshot(page, name);
  await checkAccessibility(page, name);
}
