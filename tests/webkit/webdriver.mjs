// WebKitGTK behind WebKitWebDriver, over plain HTTP (W3C WebDriver). `browser.py` is its window.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../browser/server.mjs';

const BROWSER = path.join(path.dirname(fileURLToPath(import.meta.url)), 'browser.py');
const PATIENCE_MS = 30_000;

/** Starts a screen without a monitor; answers its name and how it ends. */
export async function startScreen() {
  const child = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '800x1000x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const [number] = await once(child.stdio[3], 'data');
  return { display: `:${`${number}`.trim()}`, stop: () => child.kill() };
}

/** Starts a browser whose storage is in `profile`. `kill` ends it as a phone does: without a word. */
export async function startBrowser(profile, display) {
  const port = await freePort();
  // No sandbox: bubblewrap needs namespaces that containers do not give. No bus of accessibility: there is none.
  const env = { ...process.env, DISPLAY: display, GDK_BACKEND: 'x11', NO_AT_BRIDGE: '1', LANG: 'C.UTF-8', TZ: 'Asia/Seoul' };
  const child = spawn('WebKitWebDriver', [`--port=${port}`], { detached: true, stdio: 'ignore', env });
  const exited = once(child, 'exit');
  const call = async (method, where, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}${where}`, { method, body: body && JSON.stringify(body) });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${where}: ${value.error} ${value.message}`);
    return value;
  };
  const kill = async () => {
    process.kill(-child.pid, 'SIGKILL');
    await exited;
  };
  try {
    for (let tries = 0; ; tries += 1) {
      if (await call('GET', '/status').then(({ ready }) => ready, () => false)) break;
      assert.ok(tries < 100, 'WebKitWebDriver is ready within ten seconds');
      await sleep(100);
    }
    const options = { binary: BROWSER, args: [profile] };
    const { sessionId } = await call('POST', '/session', { capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': options } } });
    const session = (method, where, body) => call(method, `/session/${sessionId}${where}`, body);
    return { ...page(session), kill };
  } catch (error) {
    await kill();
    throw error;
  }
}

function page(session) {
  const goto = (url) => session('POST', '/url', { url });
  /** Runs a function in the page, which may be asynchronous, and answers what it does. */
  const evaluate = async (work, ...args) => {
    const script = `const done = arguments[arguments.length - 1];
      Promise.resolve((${work})(...[...arguments].slice(0, -1))).then((value) => done({ value }), (error) => done({ error: String(error) }));`;
    const { value, error } = await session('POST', '/execute/async', { script, args });
    if (error) throw new Error(error);
    return value;
  };
  /** Waits until a function in the page answers something true. */
  const until = async (work, ...args) => {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      // The page may be on its way to the next one.
      const value = await evaluate(work, ...args).catch(() => undefined);
      if (value) return value;
      if (Date.now() > end) throw new Error(`in vain: ${work}\n${await evaluate(() => `${location.href}\n${document.body.innerText}`)}`);
      await sleep(100);
    }
  };
  const waitForText = (text) => until((wanted) => document.body.innerText.includes(wanted), text);
  /** Clicks the first visible element with a text. By its own method: the driver's click refuses what is below the window. */
  const click = (selector, text = '') =>
    until((css, wanted) => {
      const found = [...document.querySelectorAll(css)].find((item) => item.innerText.includes(wanted) && item.getClientRects().length);
      found?.click();
      return Boolean(found);
    }, selector, text);
  return { goto, evaluate, until, waitForText, click };
}
