// The driver's PIN covers the pages of the day from who looks at the phone: after ten minutes without a touch, and in a browser
// that was started again. Under the cover the queue is handed in as ever. It is no encryption: who has the tools of a developer
// reads the stored day without it.
//
// Not a module: it covers the page before it is drawn, until it has read whether there is a PIN. After five wrong PINs the day goes off the phone and the session ends, but not
// while something was not handed in.
{
  const BASE = document.documentElement.dataset.base ?? "";
  const STORE = "mukkeum-drive-pin";
  /** When the page was last touched. It ends with the tab, so a new one starts covered. */
  const TOUCHED = "mukkeum-drive-touched";
  const IDLE_MS = 10 * 60_000;
  const CHECK_MS = 10_000;
  const STORAGE_PATIENCE_MS = 3000;
  const MAX_WRONG = 5;
  const FORM = /^\d{4,6}$/;

  const page = document.documentElement;
  /** Empty while it is not known yet whether there is a PIN. */
  const isCovered = () => "covered" in page.dataset;

  /** Runs `work` on the store of the PIN. A database, not localStorage: that one may lose the last minute when a browser is killed. */
  const stored = (mode, work) =>
    new Promise((resolve, reject) => {
      const request = indexedDB.open(STORE, 1);
      request.onupgradeneeded = () => request.result.createObjectStore("pin");
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const database = request.result;
        const transaction = database.transaction("pin", mode, mode === "readwrite" ? { durability: "strict" } : {});
        const answer = work(transaction.objectStore("pin"));
        transaction.oncomplete = () => {
          database.close();
          resolve(answer.result);
        };
        transaction.onabort = () => {
          database.close();
          reject(transaction.error);
        };
      };
    });

  /** `{ salt, hash, wrong, isWiped }`, `{ isDeclined }`, or nothing before the driver was asked. */
  let pin;
  const read = async () => (pin = await stored("readonly", (store) => store.get("pin")));
  async function save(changed) {
    await stored("readwrite", (store) => store.put(changed, "pin"));
    pin = changed;
  }
  const forget = () => stored("readwrite", (store) => store.delete("pin"));
  const isLocked = () => pin.wrong >= MAX_WRONG;
  const touch = () => sessionStorage.setItem(TOUCHED, Date.now());
  function isIdle() {
    const since = Date.now() - Number(sessionStorage.getItem(TOUCHED));
    return !(since >= 0 && since < IDLE_MS);
  }
  const hashOf = (salt, typed) => globalThis.driveProofs.hashOf(new TextEncoder().encode(`${salt} ${typed}`));

  const element = (html) => Object.assign(document.createElement("template"), { innerHTML: html.trim() }).content.firstChild;
  const cover = element(`<section class="drive drive-cover" aria-label="PIN"><h1>오늘 배송</h1><p role="alert" hidden></p>
    <form><p class="drive-field"><label for="pin">PIN</label><input class="form-control" id="pin" type="password" inputmode="numeric" maxlength="6" autocomplete="off"></p>
    <p><button class="drive-button main" type="submit">열기</button></p></form>
    <p hidden><a class="drive-button" href="${BASE}/login?next=/drive">다시 로그인</a></p></section>`);
  const [, message, form, again] = cover.children;
  const field = form.querySelector("input");
  const tell = (text) => {
    message.textContent = text;
    message.className = "drive-warn";
    message.hidden = text === "";
  };

  // ── covering ──

  function check() {
    if (pin?.hash && (isLocked() || isIdle())) page.dataset.covered = "pin";
    if (pin?.hash && isLocked()) lockOut().catch(() => undefined);
  }

  async function unlock(event) {
    event.preventDefault();
    const typed = field.value;
    field.value = "";
    // Another tab may have counted meanwhile.
    await read();
    if (isLocked()) return check();
    const isRight = (await hashOf(pin.salt, typed)) === pin.hash;
    await save({ ...pin, wrong: isRight ? 0 : pin.wrong + 1 });
    if (!isRight) {
      tell(`PIN이 달라요. ${MAX_WRONG - pin.wrong}번 더 틀리면 이 휴대전화에서 오늘 배송을 지워요.`);
      return check();
    }
    touch();
    tell("");
    return delete page.dataset.covered;
  }

  let isLockingOut = false;

  /** Takes the day off the phone and ends the session, if everything was handed in. */
  async function lockOut() {
    form.hidden = true;
    if (isLockingOut || !globalThis.driveDay) return;
    isLockingOut = true;
    try {
      const left = await globalThis.driveDay.unsent();
      if (left.records + left.photos > 0) {
        tell(`PIN을 다섯 번 틀렸어요. 전하지 않은 기록이 ${left.records}건, 사진이 ${left.photos}장 있어서 지우지 않았어요. 사무실에 전화해 주세요. 기록은 계속 전해요.`);
        return;
      }
      await globalThis.driveDay.wipe();
      tell("PIN을 다섯 번 틀려서 오늘 배송을 이 휴대전화에서 지웠어요. 사무실 와이파이에서 다시 로그인하면 담겨요.");
      again.hidden = false;
      const isNew = !pin.isWiped;
      await save({ ...pin, isWiped: true });
      if (await signOut()) {
        // What the page fetched while the session ended.
        await globalThis.driveDay.wipe();
        await forget();
        location.replace(`${BASE}/login?next=/drive`);
      } else if (isNew) {
        // The page still has the day in its memory.
        location.reload();
      }
    } finally {
      isLockingOut = false;
    }
  }

  /** Whether no session is left that opens the day again. The page that opens without the server has no form for it. */
  async function signOut() {
    const logout = document.querySelector('form[action$="/logout"]');
    const answer = logout
      ? await fetch(logout.action, { method: "POST", body: new URLSearchParams(new FormData(logout)) }).catch(() => undefined)
      : await fetch(`${BASE}/drive`, { redirect: "manual", cache: "no-store" }).catch(() => undefined);
    return logout ? answer?.ok : answer?.type === "opaqueredirect";
  }

  // ── setting ──

  /** The part of the page where the PIN is set: above the day until the driver has answered, then beneath it. */
  function offer(root) {
    const part = element(`<details class="drive drive-pin"><summary>배송을 가리는 PIN</summary>
      <p class="drive-small">휴대전화를 다른 사람이 봐도 고객의 이름과 주소가 보이지 않게 해요. 10분 동안 만지지 않거나 화면을 새로 열면 배송을 가려요. 다섯 번 틀리면 이 휴대전화에서 지우고, 다시 로그인하면 담겨요.</p><p class="drive-warn" role="alert" hidden></p>
      <form><p class="drive-field"><label for="new-pin">새 PIN: 숫자 4~6자리</label><input class="form-control" id="new-pin" inputmode="numeric" maxlength="6" autocomplete="off"></p>
      <p class="drive-row"><button class="drive-button main" type="submit">PIN 정하기</button><button class="drive-button" type="button"></button></p></form></details>`);
    const [problem, input, none] = [".drive-warn", "input", "button[type=button]"].map((found) => part.querySelector(found));
    const place = () => {
      none.textContent = pin?.hash ? "PIN 끄기" : "쓰지 않기";
      part.open = !pin;
      if (pin) root.after(part);
      else root.before(part);
    };
    part.querySelector("form").addEventListener("submit", async (event) => {
      event.preventDefault();
      problem.hidden = FORM.test(input.value);
      problem.textContent = "숫자 네 자리에서 여섯 자리를 입력해 주세요.";
      if (!problem.hidden) return;
      const salt = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
      await save({ salt, hash: await hashOf(salt, input.value), wrong: 0 });
      input.value = "";
      touch();
      place();
    });
    none.addEventListener("click", async () => {
      await save({ isDeclined: true });
      place();
    });
    place();
  }

  /** Covers the page or not, as soon as it is known. Where the storage does not answer, no day is stored. */
  async function start() {
    const late = setTimeout(() => delete page.dataset.covered, STORAGE_PATIENCE_MS);
    await read().catch(() => undefined);
    clearTimeout(late);
    delete page.dataset.covered;
    check();
    setInterval(check, CHECK_MS);
  }

  if (isIdle()) page.dataset.covered = "";
  const isKnown = start();
  globalThis.drivePin = { isWiped: isKnown.then(() => Boolean(pin?.isWiped)) };
  document.addEventListener("DOMContentLoaded", async () => {
    document.querySelector(".drive").before(cover);
    form.addEventListener("submit", unlock);
    for (const kind of ["pointerdown", "keydown", "change"]) document.addEventListener(kind, () => isCovered() || touch(), true);
    for (const kind of ["visibilitychange", "pageshow"]) addEventListener(kind, check, true);
    await isKnown;
    check();
    // The day is on the phone once its page shows it.
    const root = document.getElementById("drive");
    if (!root) return;
    if ("app" in root.dataset) return offer(root);
    new MutationObserver((_, observer) => {
      observer.disconnect();
      offer(root);
    }).observe(root, { attributeFilter: ["data-app"] });
  });
}
