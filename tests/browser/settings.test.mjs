// 설정: from an empty folder to a backup and a phone that signs in over TLS, by mouse alone; where a value comes from; a restart
// without a failed request.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkPage, closeBrowser, createFirstAdmin, mainText, open, setUpAndLogIn } from './browser.mjs';
import { clickButton, openFolder, orderFile, totalCount } from './flows.mjs';
import { ADMIN, addMember, freePort, startServer } from './server.mjs';

after(closeBrowser);

// The tests need a free port, which a flag would fix. The page may overrule the file.
const listenByFile = (data, port, more = '') => {
  mkdirSync(data, { recursive: true });
  writeFileSync(path.join(data, 'mukkeum.toml'), `listen = "127.0.0.1:${port}"\n${more}`);
};

/** Opens 설정 from the menu; enters the password again if asked. */
async function openSettings(page) {
  await page.goto('/');
  await page.locator('details.account summary').click();
  await page.locator('details.account').getByRole('link', { name: '설정', exact: true }).click();
  await page.waitForURL(/\/(settings|password)/);
  if (new URL(page.url()).pathname === '/password') {
    await page.getByLabel('비밀번호', { exact: true }).fill(ADMIN.password);
    await clickButton(page, '확인');
  }
  await page.waitForURL(/\/settings/);
}

/** Clicks from 설정 to a folder. */
async function chooseFolder(page, folder) {
  await page.getByRole('link', { name: '드라이브나 폴더 선택하기' }).click();
  await openFolder(page, folder);
}

const saveNetwork = async (page, port) => {
  await page.getByLabel('같은 공유기의 다른 컴퓨터와 휴대전화에서도').check();
  await page.getByLabel('포트').fill(`${port}`);
  await page.locator('form[action="/settings/network"]').getByRole('button', { name: '저장하고 다시 켜기' }).click();
  await page.waitForLoadState();
};

test('empty folder to a backup and a phone that signs in over TLS', async (t) => {
  const [firstPort, port] = [await freePort(), await freePort()];
  const prepare = (data) => listenByFile(data, firstPort);
  const start = (options) => startServer({ ...options, port: firstPort, hasListenFlag: false });
  const { page, folder, server, window } = await open(t, { prepare, start, externalHosts: [`https://127.0.0.1:${port}`] });
  await createFirstAdmin(page);
  await page.goto('/members/new');
  if (new URL(page.url()).pathname === '/password') {
    await page.getByLabel('비밀번호', { exact: true }).fill(ADMIN.password);
    await clickButton(page, '확인');
  }
  await page.getByLabel('아이디').fill('김기사');
  await page.getByLabel('배송팀').check();
  await clickButton(page, '추가하기');
  const password = (await mainText(page)).match(/[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}/)[0];

  // Backup: a folder that does not survive with the data, a drive that is away, a folder that works.
  await openSettings(page);
  await checkPage(page, 'settings');
  assert.match(await mainText(page), /데이터가 이 컴퓨터에만 있어요/);
  await chooseFolder(page, server.data);
  await clickButton(page, '여기에 백업하기');
  assert.match(await mainText(page), /데이터 폴더 안이에요/);
  const usb = path.join(folder, 'usb');
  mkdirSync(usb);
  await openSettings(page);
  await chooseFolder(page, usb);
  rmSync(usb, { recursive: true });
  await clickButton(page, '여기에 백업하기');
  assert.match(await mainText(page), /폴더가 없어요/);
  await checkPage(page, 'settings-folders');
  mkdirSync(usb);
  await clickButton(page, '여기에 백업하기');
  await page.waitForURL(/\/settings/);
  assert.match(await mainText(page), /이제 여기에 백업해요/);
  await checkPage(page, 'settings-backup');
  for (let tries = 0; tries < 200 && !existsSync(path.join(usb, 'mukkeum-backup', 'mukkeum-backup')); tries += 1) await sleep(50);
  await page.goto('/backup');
  assert.match(await mainText(page), /usb\/mukkeum-backup/);

  // Other devices: a port that is taken, then a free one.
  const taken = net.createServer().listen(0, '0.0.0.0');
  await new Promise((resolve) => { taken.on('listening', resolve); });
  t.after(() => taken.close());
  await openSettings(page);
  await saveNetwork(page, taken.address().port);
  assert.match(await mainText(page), /다른 프로그램이 쓰고 있어요/);
  await checkPage(page, 'settings-port-taken');
  await saveNetwork(page, port);
  assert.match(await mainText(page), new RegExp(`https://localhost:${port}`));
  await checkPage(page, 'settings-restarting');

  const plain = `http://127.0.0.1:${port}/phones`;
  let answer;
  for (let tries = 0; tries < 200 && !answer; tries += 1) answer = await fetch(plain).catch(() => sleep(50));
  assert.match(await answer.text(), /가게 인증서를 한 번 설치하면/);
  const phone = await window({ baseURL: `https://127.0.0.1:${port}`, ignoreHTTPSErrors: true, viewport: { width: 360, height: 740 } });
  await phone.goto('/login');
  await phone.getByLabel('아이디').fill('김기사');
  await phone.getByLabel('비밀번호', { exact: true }).fill(password);
  await clickButton(phone, '로그인');
  assert.match(await mainText(phone), /나만 아는 비밀번호로 바꾸면/);
});

test('value of the page overrules the file, and is withdrawn; the file keeps its comments', async (t) => {
  const port = await freePort();
  const file = 'upload_max_mb = 7\n# 우리 가게의 메모\n';
  const prepare = (data) => { listenByFile(data, port, file); addMember(data, ADMIN, 'admin'); };
  const start = (options) => startServer({ ...options, port, hasListenFlag: false, env: { MUKKEUM_SESSION_IDLE_MINUTES: '90' } });
  const { page, server } = await open(t, { prepare, start });
  await page.goto('/login');
  await page.getByLabel('아이디').fill(ADMIN.username);
  await page.getByLabel('비밀번호', { exact: true }).fill(ADMIN.password);
  await clickButton(page, '로그인');
  await openSettings(page);
  const size = page.getByLabel('업로드 파일 하나의 최대 크기');
  assert.equal(await size.inputValue(), '7');
  assert.match(await page.locator('#upload_max_mb-origin').innerText(), /mukkeum\.toml 파일/);
  assert.match(await page.locator('#session_idle_minutes-origin').innerText(), /환경 변수 MUKKEUM_SESSION_IDLE_MINUTES.*빼고 프로그램을 다시 켜/);
  assert.ok(await page.getByLabel('사용하지 않으면 로그아웃되는 시간').isDisabled());

  // Requests of others during the restart: new connections wait in the backlog of the socket.
  let isRunning = true;
  const failures = [];
  let answered = 0;
  const clients = Array.from({ length: 4 }, async () => {
    while (isRunning) {
      await fetch(`${server.url}/login`, { headers: { connection: 'close' } }).then(
        async (response) => { await response.text(); if (response.status === 200) answered += 1; else failures.push(response.status); },
        (error) => failures.push(`${error} ${error.cause}`),
      );
    }
  });
  for (const megabytes of ['12', '13', '14']) {
    await size.fill(megabytes);
    await page.locator('form[action="/settings/limits"]').getByRole('button', { name: '저장하고 다시 켜기' }).click();
    await page.getByText('설정을 저장하고 프로그램을 다시 켰어요').waitFor();
    await openSettings(page);
    assert.equal(await size.inputValue(), megabytes);
  }
  isRunning = false;
  await Promise.all(clients);
  assert.deepEqual(failures, []);
  assert.ok(answered > 20, `${answered} requests`);
  t.diagnostic(`${answered} requests during three restarts, none failed`);

  assert.match(await page.locator('#upload_max_mb-origin').innerText(), /설정 화면/);
  await clickButton(page, '여기서 바꾼 값 지우기');
  await openSettings(page);
  assert.equal(await size.inputValue(), '7');
  assert.match(readFileSync(path.join(server.data, 'mukkeum.toml'), 'utf8'), /# 우리 가게의 메모/);
});

test('a restart waits for the uploads that are being applied', async (t) => {
  const [FILES, ROWS] = [4, 5000];
  const { page, folder } = await open(t);
  await setUpAndLogIn(page);
  const files = Array.from({ length: FILES }, (_, at) => {
    const inside = path.join(folder, `${at}`);
    mkdirSync(inside);
    return orderFile(inside, ROWS, (index) => ({
      상품주문번호: `${2026110100000000n + BigInt(at * ROWS + index)}`,
      '배송비 묶음번호': `${4100000000 + at * ROWS + index}`,
    }));
  });
  await page.goto('/uploads');
  await page.getByLabel('파일 선택').setInputFiles(files);
  await page.getByText(`파일 ${FILES}개를 읽었어요`).waitFor({ timeout: 120_000 });
  const settings = await page.context().newPage();
  await settings.goto('/settings');
  await settings.getByLabel('업로드 파일 하나의 최대 크기').fill('12');
  await page.getByRole('button', { name: `${FILES}개 모두 적용` }).click({ noWaitAfter: true });
  await page.waitForTimeout(1000);
  const began = Date.now();
  await settings.locator('form[action="/settings/limits"]').getByRole('button', { name: '저장하고 다시 켜기' }).click({ noWaitAfter: true });
  await settings.getByText('설정을 저장하고 프로그램을 다시 켰어요').waitFor({ timeout: 120_000 });
  t.diagnostic(`the restart took ${Date.now() - began} ms`);
  await settings.goto('/orders');
  assert.equal(await totalCount(settings), FILES * ROWS);
});
