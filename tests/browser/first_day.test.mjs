// The first day: from an empty folder to a shop with a backup, two members, orders, and a phone that signs in over TLS, by
// mouse alone; a new shop is tried out before it is set up; a new colleague gets a printed page.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkPage, closeBrowser, createFirstAdmin, mainText, open, setUpAndLogIn } from './browser.mjs';
import { apply, clickButton, field, openFolder } from './flows.mjs';
import { ADMIN, fixture, freePort, setupPath, startServer } from './server.mjs';

after(closeBrowser);

const pagesOf = (pdf) => pdf.toString('latin1').match(/\/Type\s*\/Page[^s]/g).length;

test('new shop opens a demo shop to practise in, which ends with it', async (t) => {
  const { page, server } = await open(t);
  await page.goto(setupPath(server.url));
  for (const way of ['백업에서 복원하기', '연습해 보기']) await page.locator('summary').filter({ hasText: way }).click();
  await checkPage(page, 'setup-ways');
  await page.goto('/setup');
  await page.locator('summary').filter({ hasText: '연습해 보기' }).click();
  const form = page.locator('form[action="/setup/practice"]');
  await form.getByLabel('설치 확인 번호').fill('AAAA-AAAA-AAAA');
  await clickButton(page, '연습 가게 켜기');
  assert.match(await form.innerText(), /설치 확인 번호가 맞지 않아요/);

  await page.goto(setupPath(server.url));
  await page.locator('summary').filter({ hasText: '연습해 보기' }).click();
  await clickButton(page, '연습 가게 켜기');
  const link = page.getByRole('link', { name: '연습 가게 열기' });
  const url = await link.getAttribute('href');
  await checkPage(page, 'setup-practice');
  const login = await fetch(`${url}/login`);
  assert.match(await login.text(), /demo-admin/);
  await page.getByRole('link', { name: /내 가게 시작하기/ }).click();
  await page.waitForURL(/\/setup\?code=/);
  await createFirstAdmin(page);
  await server.stop();
  await assert.rejects(fetch(url), 'ends with the program');
});

test('handbook of each role is one sheet with the data of the shop', async (t) => {
  const { page } = await open(t);
  await setUpAndLogIn(page);
  await page.goto('/shop');
  await page.getByLabel('상호').fill('보기 침대');
  await page.getByLabel('프로그램을 물어볼 사람').fill('김과장 010-0000-0001');
  await page.getByLabel('A4 한 장에 둘').check();
  await clickButton(page, '저장');
  await checkPage(page, 'shop');
  assert.ok(await page.getByLabel('A4 한 장에 둘').isChecked());
  await page.goto('/help');
  await page.getByRole('link', { name: '새 직원 안내서' }).click();
  await page.waitForURL('**/help/handbook');
  for (const role of ['관리자', '배송팀', '기사']) {
    await page.getByRole('navigation', { name: '역할' }).getByRole('link', { name: role }).click();
    await page.waitForURL(/role=/);
    assert.match(await mainText(page), /보기 침대[^]*김과장 010-0000-0001/);
    assert.equal(pagesOf(await page.pdf({ preferCSSPageSize: true })), 1, role);
  }
  await checkPage(page, 'handbook');
});

/** Enters the password again where a page asks for it. */
async function confirmPassword(page) {
  if (new URL(page.url()).pathname !== '/password') return;
  await field(page, '비밀번호').fill(ADMIN.password);
  await clickButton(page, '확인');
}

/** Opens the page of a step on 오늘. */
async function takeStep(page, name) {
  await page.getByRole('banner').getByRole('link', { name: '오늘' }).first().click();
  await page.getByRole('region', { name: /처음 오셨네요/ }).getByRole('link', { name, exact: true }).click();
  await confirmPassword(page);
}

/** Clicks from 설정 to a folder. */
async function chooseFolder(page, folder) {
  await page.getByRole('link', { name: '드라이브나 폴더 선택하기' }).click();
  await openFolder(page, folder);
}

const problem = (page) => page.getByRole('alert').first().innerText();

/** A store of objects without buckets. */
async function startStore(t) {
  const store = createServer((request, response) => {
    request.resume();
    response.writeHead(404, { 'content-type': 'application/xml' });
    response.end('<?xml version="1.0"?><Error><Code>NoSuchBucket</Code><Message>none</Message></Error>');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => { store.on('listening', resolve); });
  t.after(() => { store.closeAllConnections(); store.close(); });
  return `http://127.0.0.1:${store.address().port}`;
}

test('first day by mouse alone, with every wrong turn', async (t) => {
  const [firstPort, port] = [await freePort(), await freePort()];
  // A free port, which a flag would fix for the page too; everything else is as in an empty folder.
  const prepare = (data) => {
    mkdirSync(data, { recursive: true });
    writeFileSync(path.join(data, 'mukkeum.toml'), `listen = "127.0.0.1:${firstPort}"\n`);
  };
  const start = (options) => startServer({ ...options, port: firstPort, hasListenFlag: false });
  const { page, folder, server, window } = await open(t, { prepare, start, externalHosts: [`https://127.0.0.1:${port}`] });
  await createFirstAdmin(page);
  assert.match(await mainText(page), /6개 중 0개 완료/);
  await checkPage(page, 'first-day');

  await takeStep(page, '가게 정보 입력');
  await page.getByLabel('상호').fill('첫날 침대');
  await clickButton(page, '저장');

  // Backup: a folder that cannot be written, a drive that is away, a bucket that is not there; then the drive.
  await takeStep(page, '백업 켜기');
  await page.getByRole('main').getByRole('link', { name: /백업할 곳|설정|선택/ }).first().click();
  await confirmPassword(page);
  await chooseFolder(page, '/sys');
  await clickButton(page, '여기에 백업하기');
  assert.match(await problem(page), /쓸 권한이 없어요|쓸 수 없어요/);
  const usb = path.join(folder, 'usb');
  mkdirSync(usb);
  await page.getByRole('link', { name: '‹ 설정' }).click();
  await chooseFolder(page, usb);
  rmSync(usb, { recursive: true });
  await clickButton(page, '여기에 백업하기');
  assert.match(await problem(page), /폴더가 없어요: .*usb/);
  await page.getByRole('link', { name: '‹ 설정' }).click();
  await page.locator('summary').filter({ hasText: '클라우드 저장소 추가' }).click();
  await page.getByLabel('버킷(컨테이너)').fill('no-such-bucket');
  await page.getByLabel('주소 (S3 호환 저장소만)').fill(await startStore(t));
  await page.getByLabel('액세스 키 ID').fill('key');
  await page.getByLabel('비밀 키').fill('secret');
  await clickButton(page, '시험하고 추가');
  assert.match(await problem(page), /버킷이나 컨테이너가 없어요/);
  await checkPage(page, 'first-day-bucket');
  mkdirSync(usb);
  await chooseFolder(page, usb);
  await clickButton(page, '여기에 백업하기');
  assert.match(await mainText(page), /이제 여기에 백업해요/);

  // Two colleagues, each with a password for the first login.
  const passwords = {};
  for (const [name, role] of [['김기사', '배송팀'], ['이사무', '상담']]) {
    if (name === '김기사') await takeStep(page, '회원 추가');
    else await page.getByRole('link', { name: '한 사람 더 추가하기' }).click();
    await confirmPassword(page);
    await page.getByLabel('아이디').fill(name);
    await page.getByLabel(role).first().check();
    await clickButton(page, '추가하기');
    passwords[name] = (await mainText(page)).match(/[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}/)[0];
  }

  // The first file: one that is not whole says what is missing, the next one is applied.
  await takeStep(page, '파일 올리기');
  await page.getByLabel('파일 선택').setInputFiles(fixture('B01_missing_key_column.xlsx'));
  await page.waitForURL(/\/uploads\/[^/?]+/);
  assert.match(await mainText(page), /필요한 열이 없어요/);
  await page.getByRole('link', { name: '다른 파일 올리기' }).click();
  await page.getByLabel('파일 선택').setInputFiles(fixture('01_smartstore_orders_72col.xlsx'));
  await page.waitForURL(/\/uploads\/[^/?]+/);
  await apply(page);
  assert.match(await mainText(page), /적용했어요/);

  // Other devices: a port that is taken, then a free one.
  const taken = net.createServer().listen(0, '0.0.0.0');
  await new Promise((resolve) => { taken.on('listening', resolve); });
  t.after(() => taken.close());
  await takeStep(page, '연결하기');
  await page.getByRole('main').getByRole('link', { name: /설정/ }).first().click();
  await confirmPassword(page);
  const share = async (number) => {
    await page.getByLabel('같은 공유기의 다른 컴퓨터와 휴대전화에서도').check();
    await page.getByLabel('포트').fill(`${number}`);
    await clickButton(page, '저장하고 다시 켜기');
  };
  await share(taken.address().port);
  assert.match(await mainText(page), /다른 프로그램이 쓰고 있어요/);
  await share(port);
  assert.match(await mainText(page), new RegExp(`https://localhost:${port}`));

  // The driver's phone, over TLS: a password of one's own, then the deliveries of the first file.
  let answer;
  for (let tries = 0; tries < 200 && !answer; tries += 1) answer = await fetch(`http://127.0.0.1:${port}/phones`).catch(() => sleep(50));
  assert.match(await answer.text(), /가게 인증서를 한 번 설치하면/);
  const phone = await window({ baseURL: `https://127.0.0.1:${port}`, ignoreHTTPSErrors: true, viewport: { width: 360, height: 740 } });
  await phone.goto('/login');
  await phone.getByLabel('아이디').fill('김기사');
  await field(phone, '비밀번호').fill(passwords['김기사']);
  await clickButton(phone, '로그인');
  await field(phone, '현재 비밀번호').fill(passwords['김기사']);
  for (const label of ['새 비밀번호', '새 비밀번호 확인']) await field(phone, label).fill('first-day-of-the-driver');
  await clickButton(phone, '바꾸기');
  await phone.goto('/deliveries');
  assert.match(await mainText(phone), /총 \d+건/);

  for (let tries = 0; tries < 400 && !existsSync(path.join(usb, 'mukkeum-backup', 'mukkeum-backup')); tries += 1) await sleep(50);
  assert.ok(existsSync(path.join(usb, 'mukkeum-backup', 'mukkeum-backup')), server.log());
});
