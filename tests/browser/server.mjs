// The program under test: started on a free local port with a temporary data folder and stopped afterwards. Also
// an HTTP client for tests that need no browser.

import { spawn, execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const TARGET = process.env.CARGO_TARGET_DIR ?? path.join(ROOT, 'target');

export const BINARY = process.env.MUKKEUM_BINARY ?? path.join(TARGET, 'debug', 'mukkeum');
export const EXAMPLES = path.join(TARGET, 'debug', 'examples');
export const ADMIN = { username: 'sajang', password: 'mattress-and-bed-2026' };
export const TEAM = { username: 'truck1', password: 'driver-and-truck-2026' };

export const fixture = (name) => path.join(ROOT, 'tests', 'fixtures', name);

// Running servers; killed on exit, so that a failed test leaves none behind.
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

/** Creates a temporary folder and adds its removal to the cleanups. */
export function temporaryFolder(cleanups) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mukkeum-test-'));
  // A browser with a profile in it may still be writing its last file.
  cleanups.push(() => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  return folder;
}

export async function freePort() {
  const listener = net.createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  listener.close();
  await once(listener, 'close');
  return port;
}

// Environment without the caller's MUKKEUM_ variables.
function environment(extra = {}) {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('MUKKEUM_'));
  return { ...Object.fromEntries(inherited), ...extra };
}

/** Runs a command to completion: `{ status, stdout, stderr }`. */
export function run(args, { input, env } = {}) {
  const { status, stdout, stderr, error } = spawnSync(BINARY, args, {
    input: input ?? '',
    env: environment(env),
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    timeout: 120_000,
  });
  if (error) throw error;
  return { status, stdout, stderr };
}

/** Adds a member with the command line, before the server locks the data folder. */
export function addMember(data, { username, password }, role) {
  const { status, stderr } = run(['user', 'add', username, '--role', role, '--data', data], {
    input: `${password}\n`,
    env: { MUKKEUM_PASSWORD: password },
  });
  if (status !== 0) throw new Error(`user add ${username}: exit ${status}: ${stderr}`);
}

/** Functions that return the output of a server, by its URL. */
const logs = new Map();

/** The path of the setup page with the code that the server at a URL has printed. */
export function setupPath(url) {
  const [path] = (logs.get(new URL(url).origin)?.() ?? '').match(/\/setup\?code=[0-9A-Z-]+/) ?? [];
  if (!path) throw new Error(`the server at ${url} has printed no setup code`);
  return path;
}

/** Starts the server and waits until it is ready. Timeouts in ms. */
export async function startServer({ data, port, command = ['serve'], scheme = 'http', address = '127.0.0.1', hasListenFlag = true, env, readyTimeout = 60_000 } = {}) {
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is missing: run cargo build`);
  const listenPort = port ?? (await freePort());
  const listen = hasListenFlag ? ['--listen', `${address}:${listenPort}`] : [];
  const child = spawn(BINARY, [...command, ...listen, '--data', data], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment(env),
  });
  running.add(child);
  const log = [];
  child.stdout.on('data', (bytes) => log.push(bytes));
  child.stderr.on('data', (bytes) => log.push(bytes));
  const exited = once(child, 'exit').then(() => running.delete(child));

  const url = `${scheme}://127.0.0.1:${listenPort}`;
  logs.set(url, () => Buffer.concat(log).toString());
  const server = {
    url,
    port: listenPort,
    data,
    child,
    log: () => Buffer.concat(log).toString(),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const slow = sleep(10_000, 'slow', { ref: false });
      if ((await Promise.race([exited, slow])) === 'slow') await server.kill();
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };

  const deadline = Date.now() + readyTimeout;
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) break;
    const ready = await fetch(`${server.url}/health/ready`).then((response) => response.ok, () => false);
    if (ready) return server;
    await sleep(25);
  }
  await server.kill();
  throw new Error(`the program was not ready within ${readyTimeout} ms:\n${server.log()}`);
}

// --- HTTP client ----------------------------------------------------------------------------

const attribute = (tag, name) => {
  const value = tag.match(new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i'));
  return value && decode(value[1] ?? value[2] ?? value[3]);
};

const decode = (text) =>
  text
    .replace(/&#x([0-9a-f]+);/gi, (_, hex) => String.fromCodePoint(parseInt(hex, 16)))
    .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&quot;/g, '"').replace(/&amp;/g, '&');

/** Visible text of an HTML page. */
export const visibleText = (html) =>
  decode(html.replace(/<(script|style)\b[\s\S]*?<\/\1>/gi, ' ').replace(/<[^>]*>/g, ' ')).replace(/\s+/g, ' ').trim();

/** Number after a word in a text: 23 in `등록 23`. */
export function numberAfter(text, word) {
  const found = text.match(new RegExp(`${word}[\\s:]*([\\d,]+)`));
  return found ? Number(found[1].replaceAll(',', '')) : undefined;
}

/**
 * HTTP client with a cookie jar that submits forms with their hidden fields.
 *
 * Each request has its own connection, except in benchmarks (`connection: 'keep-alive'`): a server or a proxy may close
 * an idle connection at any time. A POST that is being sent on it then fails, and nobody knows whether it took effect.
 * Browsers retry; this client never does, so that each failure it sees is one of the program.
 */
export class HttpClient {
  constructor(url, { connection = 'close' } = {}) {
    this.url = url;
    this.connection = connection;
    this.cookies = new Map();
  }

  async fetch(where, options = {}) {
    const response = await fetch(new URL(where, this.url), {
      redirect: 'manual',
      ...options,
      headers: {
        cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        origin: this.url,
        connection: this.connection,
        ...options.headers,
      },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
      this.cookies.set(name, value);
    }
    return response;
  }

  /** Forms of a page (method, action, hidden and visible inputs) and its visible text. */
  async forms(where) {
    const response = await this.fetch(where);
    const html = await response.text();
    if (response.status !== 200) throw new Error(`GET ${where}: ${response.status}`);
    const forms = [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, head, body]) => {
      const inputs = [...body.matchAll(/<input\b[^>]*>/gi)].map(([tag]) => ({
        name: attribute(tag, 'name'),
        type: (attribute(tag, 'type') ?? 'text').toLowerCase(),
        value: attribute(tag, 'value') ?? '',
      }));
      return {
        action: attribute(` ${head}`, 'action') || where,
        method: (attribute(` ${head}`, 'method') ?? 'get').toLowerCase(),
        hidden: inputs.filter((input) => input.type === 'hidden' && input.name),
        inputs: inputs.filter((input) => input.type !== 'hidden' && input.name),
      };
    });
    return { forms, text: visibleText(html) };
  }

  async form(where, matches) {
    const { forms, text } = await this.forms(where);
    const form = forms.find((form) => form.method === 'post' && matches(form));
    if (!form) throw new Error(`${where} has no matching form: ${text}`);
    return form;
  }

  /** Submits a form with its hidden fields; does not follow redirects. */
  submit(form, fields, { signal } = {}) {
    const body = new URLSearchParams(form.hidden.map(({ name, value }) => [name, value]));
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    return this.fetch(form.action, { method: 'POST', body, signal });
  }

  async submitCredentials(where, { username, password }) {
    const form = await this.form(where, (form) => form.inputs.some((input) => input.type === 'password'));
    const fields = {};
    for (const { name, type, value } of form.inputs) {
      if (type === 'password') fields[name] = password;
      if (type === 'text') fields[name] = name === 'code' ? value : username;
    }
    const response = await this.submit(form, fields);
    if (response.status !== 303 && response.status !== 302) {
      throw new Error(`POST ${form.action}: ${response.status} ${visibleText(await response.text()).slice(0, 300)}`);
    }
  }

  /** Creates the first administrator, with the setup code of the link that the program prints. */
  createFirstAdmin(path = setupPath(this.url)) {
    return this.submitCredentials(path, ADMIN);
  }

  logIn(member = ADMIN) {
    return this.submitCredentials('/login', member);
  }

  /** Uploads a file for preview; returns the path of its page. */
  async upload(name, bytes, { signal } = {}) {
    const form = await this.form('/uploads', (form) => form.inputs.some((input) => input.type === 'file'));
    const body = new FormData();
    for (const { name: field, value } of form.hidden) body.append(field, value);
    body.append(form.inputs.find((input) => input.type === 'file').name, new Blob([bytes]), name);
    const response = await this.fetch(form.action, { method: 'POST', body, signal });
    if (response.status !== 303) throw new Error(`upload of ${name}: ${response.status} ${visibleText(await response.text()).slice(0, 300)}`);
    return new URL(response.headers.get('location'), this.url).pathname;
  }

  /** Applies an upload; returns once the server has acknowledged it. */
  async apply(where, { signal } = {}) {
    const form = await this.form(where, (form) => form.action.endsWith('/apply'));
    const response = await this.submit(form, {}, { signal });
    if (response.status !== 303) throw new Error(`apply of ${where}: ${response.status}`);
    await response.arrayBuffer();
  }
}

/** Exports all orders with `mukkeum export orders`; returns the path of the JSON file. */
export function exportOrders(data, folder) {
  const out = path.join(folder, `export-${process.hrtime.bigint()}.json`);
  const { status, stderr } = run(['export', 'orders', '--out', out, '--data', data]);
  if (status !== 0) throw new Error(`export orders: exit ${status}: ${stderr}`);
  return out;
}

/** Generates a 스마트스토어 order file; returns its path. */
export function generate(folder, { rows, seed, prefix }) {
  const out = path.join(folder, `orders-${seed}.xlsx`);
  execFileSync(path.join(EXAMPLES, 'generate'), ['--rows', `${rows}`, '--seed', `${seed}`, '--out', out, ...(prefix ? ['--prefix', prefix] : [])]);
  return out;
}
