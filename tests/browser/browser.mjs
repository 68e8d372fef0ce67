// Headless Chromium around the program under test. A page that logs an error, breaks the
// Content-Security-Policy, throws, or asks for something that is not there fails its test.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { ADMIN, startServer, temporaryFolder } from './server.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const SHOTS = path.join(HERE, 'shots');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const AXE_RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** The driver's phone and the office screen. */
export const WIDTHS = [360, 1440];

let chrome;

async function browser() {
  chrome ??= await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
  return chrome;
}

/** To be called once a test file, in `after`. */
export async function closeBrowser() {
  await chrome?.close();
  chrome = undefined;
}

/**
 * A server with an empty shop, and a way to open windows on it; all end with the test. Pages may
 * ask the hosts in `elsewhere`, which the test plays itself. `start` begins something else than one
 * program that answers under one address.
 */
export async function open(t, { prepare, command, start = startServer, elsewhere = [], ...contextOptions } = {}) {
  const closing = [];
  t.after(async () => {
    const faults = [];
    for (const close of closing.reverse()) await Promise.resolve().then(close).catch((fault) => faults.push(fault));
    if (faults.length > 0) throw faults[0];
  });
  const folder = temporaryFolder(closing);
  const data = path.join(folder, 'data');
  await prepare?.(data);
  const server = await start({ data, command });
  closing.push(() => server.stop());

  const all = [];
  closing.push(() => assert.deepEqual(all.flat(), [], `faults of the pages; the program said:\n${server.log().slice(-2000)}`));
  const window = async (options) => {
    const context = await (await browser()).newContext({
      baseURL: server.url,
      locale: 'ko-KR',
      timezoneId: 'Asia/Seoul',
      viewport: { width: 1440, height: 900 },
      ...contextOptions,
      ...options,
    });
    closing.push(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    all.push(watch(page, server, elsewhere));
    return page;
  };
  return { server, folder, window, page: await window() };
}

// A page that answers 403, 404 or 422 on purpose makes Chromium log a line about the document
// itself; that line is no fault, the same line about a style or a script is.
function watch(page, server, elsewhere) {
  const faults = [];
  const documents = new Set();
  const played = (url) => elsewhere.some((host) => url.startsWith(`${host}/`));
  page.on('request', (request) => request.isNavigationRequest() && documents.add(request.url()));
  page.on('response', (response) => {
    if (response.status() >= 500) faults.push(`${response.status()} ${response.url()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(server.url) && !/^(data|blob|about):/.test(request.url()) && !played(request.url())) {
      faults.push(`asks another host: ${request.url()}`);
    }
  });
  page.on('pageerror', (error) => faults.push(`${error}`));
  page.on('console', (message) => {
    if (message.type() !== 'error') return;
    const aboutDocument = message.text().startsWith('Failed to load resource') && documents.has(message.location().url);
    if (!aboutDocument && !played(message.location().url)) faults.push(`${message.text()} (${message.location().url})`);
  });
  return faults;
}

/** The words of the page's main part. */
export const mainText = (page) => page.getByRole('main').innerText();

/** The first administrator, made on the page that an empty shop shows. */
export async function firstAdmin(page, { username, password } = ADMIN) {
  await page.goto('/');
  await page.waitForURL('**/setup');
  await chooseFirstAdmin(page, username, password, password);
  await page.waitForURL((url) => url.pathname !== '/setup');
}

/** Fills in and sends the page of the first administrator. */
export async function chooseFirstAdmin(page, username, password, again) {
  await page.getByLabel('아이디').fill(username);
  await page.getByLabel(/^(새 )?비밀번호$/).fill(password);
  await page.getByLabel(/비밀번호 (확인|한 번 더)$/).fill(again);
  await page.getByRole('button', { name: /관리자 만들/ }).click();
}

export async function login(page, { username, password } = ADMIN) {
  await page.goto('/login');
  await page.getByLabel('아이디').fill(username);
  await page.getByLabel('비밀번호', { exact: true }).fill(password);
  await page.getByRole('button', { name: '로그인' }).click();
  await page.waitForURL((url) => url.pathname !== '/login');
}

/** First administrator and logged in, whether or not making the first one logs them in. */
export async function enter(page) {
  await firstAdmin(page);
  if (new URL(page.url()).pathname === '/login') await login(page);
}

/** Pictures at both widths, and no page that must be pushed sideways. */
export async function shot(page, name) {
  mkdirSync(SHOTS, { recursive: true });
  const before = page.viewportSize();
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    await page.screenshot({ path: path.join(SHOTS, `${name}-${width}.png`), fullPage: true });
    assert.ok(wide <= width, `${name} is ${wide} px wide at ${width} px`);
  }
  await page.setViewportSize(before);
}

/**
 * Nothing to find for axe: WCAG 2.2 AA and its best practices, at both widths. The window is as
 * high as the page, so that what sticks to its lower edge does not count as covering a field.
 */
export async function axe(page, name = page.url()) {
  const before = page.viewportSize();
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    await page.setViewportSize({ width, height: Math.max(900, height) });
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(
      (rules) => window.axe.run(document, { runOnly: { type: 'tag', values: rules }, resultTypes: ['violations'] }),
      AXE_RULES,
    );
    const found = violations.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map((node) => `${node.target} ${node.failureSummary}`).join('\n  ')}`);
    assert.deepEqual(found, [], `${name} at ${width} px`);
  }
  await page.setViewportSize(before);
}
