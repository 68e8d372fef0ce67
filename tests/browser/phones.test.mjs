// 휴대전화 준비: the shop's certificate authority in the store of a browser, and a real service worker.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { chromium } from 'playwright-core';
import { checkPage, closeBrowser } from './browser.mjs';
import { ADMIN, addMember, startServer, temporaryFolder } from './server.mjs';

after(closeBrowser);

// As in the certificate: the first label of the host name.
const HOST = `${os.hostname().split('.')[0].toLowerCase()}.local`;

/** Starts a shop with its own certificate authority on this computer. */
async function startShop(t) {
  const cleanups = [];
  t.after(async () => { for (const close of cleanups.reverse()) await close(); });
  const data = path.join(temporaryFolder(cleanups), 'data');
  addMember(data, ADMIN, 'admin');
  // Node does not trust the certificate when it asks whether the server is ready.
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  const server = await startServer({ data, scheme: 'https', command: ['serve', '--tls'] });
  delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  cleanups.push(() => server.stop());
  return { server, cleanups };
}

/**
 * A page of a browser that trusts the certificates in `files` (DER) and no others that its system does not trust. Context
 * options may let it open pages with another certificate, as a person does who clicks the warning away.
 */
async function browserThatTrusts(files, cleanups, contextOptions = {}) {
  const home = temporaryFolder(cleanups);
  // Chromium for Linux reads the first of these that exists.
  for (const store of ['.local/share/pki/nssdb', '.pki/nssdb']) {
    const folder = path.join(home, store);
    mkdirSync(folder, { recursive: true });
    execFileSync('certutil', ['-N', '-d', `sql:${folder}`, '--empty-password']);
    for (const file of files) execFileSync('certutil', ['-A', '-d', `sql:${folder}`, '-n', 'shop', '-t', 'C,,', '-i', file]);
  }
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--lang=ko-KR', `--host-resolver-rules=MAP ${HOST} 127.0.0.1`],
    env: { ...process.env, HOME: home, XDG_DATA_HOME: path.join(home, '.local/share') },
  });
  cleanups.push(() => browser.close());
  const page = await (await browser.newContext({ locale: 'ko-KR', viewport: { width: 360, height: 780 }, ...contextOptions })).newPage();
  page.setDefaultTimeout(30_000);
  return page;
}

const testedResult = async (page) => {
  await page.getByRole('button', { name: '시험하기' }).click();
  const result = page.locator('[data-result][data-works]');
  await result.waitFor();
  return result.innerText();
};

test('phone that trusts the certificate authority registers a service worker', async (t) => {
  const { server, cleanups } = await startShop(t);
  const certificate = await fetch(`http://127.0.0.1:${server.port}/phones/ca.crt`);
  assert.equal(certificate.headers.get('content-type'), 'application/x-x509-ca-cert');
  const file = path.join(temporaryFolder(cleanups), 'ca.crt');
  writeFileSync(file, Buffer.from(await certificate.arrayBuffer()));

  const page = await browserThatTrusts([file], cleanups);
  await page.goto(`http://${HOST}:${server.port}/phones`);
  await checkPage(page, 'phones-plain');
  assert.equal(await page.locator('h2').count(), 6);
  for (const file of ['인증서 받기', '프로파일 받기']) {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: file }).click()]);
    assert.match(download.suggestedFilename(), /^mukkeum-ca\.(crt|mobileconfig)$/);
  }
  await page.getByRole('link', { name: 'https로 열어 시험하기' }).click();
  assert.equal(new URL(page.url()).protocol, 'https:');
  assert.match(await testedResult(page), /^✔ 준비됐어요/);
  await checkPage(page, 'phones');
  const left = await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length);
  assert.equal(left, 0, 'the worker of the test is removed');

  await page.goto(`https://127.0.0.1:${server.port}/phones`);
  assert.match(await testedResult(page), /^✔ 준비됐어요/, 'also by address');
  await page.goto(`https://${HOST}:${server.port}/login`);
  assert.equal(await page.title(), '로그인 · 묶음');
});

test('phone that only clicked the warning away learns what will not work', async (t) => {
  const { server, cleanups } = await startShop(t);
  const url = `https://${HOST}:${server.port}/phones`;
  const warned = await browserThatTrusts([], cleanups);
  await assert.rejects(warned.goto(url), /ERR_CERT_AUTHORITY_INVALID/);
  const page = await browserThatTrusts([], cleanups, { ignoreHTTPSErrors: true });
  await page.goto(url);
  assert.match(await testedResult(page), /^아직 안 돼요\. 가게 인증서를 믿지 않아서/);
});
