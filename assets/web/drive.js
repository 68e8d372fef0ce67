// The driver's day on the phone. What happens is written to an append-only queue first, and handed in whenever the server
// answers. Only an answer of the server counts as handed in. Without this script the page works by forms.

const BASE = document.documentElement.dataset.base ?? "";
const root = document.getElementById("drive");
// The form has the token of the page. The screen replaces it, so it is found once.
const keyForm = document.getElementById("drive-keys");
const MINUTE_MS = 60_000;
const MAX_CLOCK_ERROR_MS = 2 * MINUTE_MS;
const REQUEST_TIMEOUT_MS = 20_000;
const STORAGE_PATIENCE_MS = 10_000;
/** Events of one request; the server takes 200. */
const BATCH = 100;
const KEEP_DAYS = 14;
/** A clock that jumps by more was set by somebody. */
const MAX_STEP_MS = 1000;
/** Photographs of one record, as the server takes them. */
const MAX_PHOTOS = 6;
// Of the script before this one: photographs are stored and sent apart from the records.
const { signaturePad, ...photos } = globalThis.driveProofs;

/** Ends a request that gets no answer; older phones wait for their own timeout. */
const deadline = () => AbortSignal.timeout?.(REQUEST_TIMEOUT_MS);

// ── storage: one version for ever, so that no upgrade can lose the queue ──

let database;

function openDatabase() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("mukkeum-drive", 1);
    request.onupgradeneeded = () => {
      for (const name of ["events", "receipts", "packs", "keys", "facts"]) request.result.createObjectStore(name, { keyPath: "id" });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Measured in WebKit: a page that is left while it writes for the first time may block the storage until the browser ends. */
function tellBlocked() {
  if (root?.querySelector(".drive-blocked")) return;
  root?.prepend(el("p", { class: "drive-warn drive-blocked", role: "alert" }, "이 휴대전화의 저장 공간이 답하지 않아요. 브라우저를 완전히 닫고 다시 열어 주세요."));
}

/** Runs `work` on stores in one transaction; reopens the database once, which some phones need. */
async function stored(names, mode, work) {
  const late = setTimeout(tellBlocked, STORAGE_PATIENCE_MS);
  try {
    return await storedOrLate(names, mode, work);
  } finally {
    clearTimeout(late);
  }
}

async function storedOrLate(names, mode, work) {
  for (const isLast of [false, true]) {
    try {
      database ??= await openDatabase();
      return await new Promise((resolve, reject) => {
        const transaction = database.transaction(names, mode, mode === "readwrite" ? { durability: "strict" } : {});
        let answer;
        transaction.oncomplete = () => resolve(answer?.result ?? answer);
        transaction.onabort = transaction.onerror = () => reject(transaction.error);
        answer = work(...names.map((name) => transaction.objectStore(name)));
      });
    } catch (error) {
      if (isLast) throw error;
      database?.close();
      database = undefined;
    }
  }
}

const all = (name) => stored([name], "readonly", (store) => store.getAll());
const put = (name, row) => stored([name], "readwrite", (store) => store.put(row));
const remove = (name, id) => stored([name], "readwrite", (store) => store.delete(id));
const get = (name, id) => stored([name], "readonly", (store) => store.get(id));

// ── what is known ──

const known = { packs: [], keys: new Map(), events: [], receipts: new Map(), photos: [], facts: { offset: 0, width: Infinity, contact: 0, latest: 0 }, problem: "" };

/** Records that were made while the page is open: one that was made during a reading is in the next reading. */
let recordings = 0;

/** An outcome waits so long before it is handed in, and can be taken back until then. */
const REGRET_MS = 6_000;

/** Outcomes that may still be taken back, by id. The next start of the page hands them in. */
const delayed = new Set();

async function load() {
  const before = recordings;
  const [packs, keys, events, receipts, facts] = await Promise.all(["packs", "keys", "events", "receipts", "facts"].map(all));
  if (before !== recordings) return load();
  known.packs = packs.sort((one, other) => one.name.localeCompare(other.name, "ko"));
  known.keys = new Map(keys.map((row) => [row.id, row]));
  known.events = events.sort((one, other) => one.number - other.number);
  known.receipts = new Map(receipts.map((row) => [row.id, row]));
  // From then on this page knows them first.
  if (known.facts.contact === 0) for (const { id, value } of facts) known.facts[id] = value;
  await loadPhotos();
}

async function loadPhotos() {
  known.photos = (await photos.all()).sort((one, other) => one.taken_at - other.taken_at);
}

/** The records that another one takes back. One that the server did not accept takes nothing back. */
const takenBack = (events) => new Set(events.filter(({ id, kind }) => kind === "undone" && known.receipts.get(id)?.accepted !== false).map(({ details }) => details.undone));
/** The records of its stop that name a photograph. The same file may be a photograph of several stops. */
const naming = (photo) =>
  known.events.filter((event) => event.tour === photo.tour && event.job === photo.job && event.details.photos?.some(({ hash }) => hash === photo.hash));
/** Whether no record names it, or only one that was taken back: the next record of the stop names it. */
function isPending(photo) {
  const undone = takenBack(known.events);
  return naming(photo).every((event) => undone.has(event.id));
}

const photosLeft = () => known.photos.filter(({ refused }) => !refused);
const waiting = () => known.events.filter((event) => !known.receipts.has(event.id));
const rejected = () => known.events.filter((event) => known.receipts.get(event.id)?.accepted === false);
const clock = (ms) => new Date(ms).toLocaleTimeString("ko-KR", { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: "Asia/Seoul" });
const dayOf = (ms) => new Date(ms).toLocaleDateString("sv-SE", { timeZone: "Asia/Seoul" });
const serverNow = () => Date.now() + known.facts.offset;

// ── the clock ──

let lastTick;

/**
 * Reads the clock. One that was set back is corrected: the steady clock of the page goes on, and no moment comes before one
 * that the phone has seen. A phone that sleeps stops the steady clock, so that one set forward is known at the next contact only.
 */
function tick() {
  const [wall, steady] = [Date.now(), performance.now()];
  const expected = lastTick ? lastTick.wall + steady - lastTick.steady : 0;
  const back = Math.max(expected - wall, known.facts.latest - wall - known.facts.offset);
  if (back > MAX_STEP_MS) known.facts.offset += back;
  known.facts.latest = Math.max(known.facts.latest, wall + known.facts.offset);
  lastTick = { wall, steady };
  return wall;
}

function putFacts(store) {
  for (const [id, value] of Object.entries(known.facts)) store.put({ id, value });
}

const saveFacts = () => stored(["facts"], "readwrite", putFacts);

/**
 * An answer of the server says between what the offset is: it was given after the request was sent and before its first byte
 * came. A measure that was more exact stays as long as it is possible.
 */
async function contact({ sentAt, answeredAt }, now) {
  const [least, most] = [now - answeredAt, now - sentAt];
  const { offset, width } = known.facts;
  if (offset < least || offset > most || most - least <= width) Object.assign(known.facts, { offset: (least + most) / 2, width: most - least });
  Object.assign(known.facts, { contact: now, latest: now });
  lastTick = undefined;
  tick();
  await saveFacts();
}

/** The outcome that can still be taken back, with its tour and stop. */
function regretted() {
  for (const pack of known.packs) {
    for (const stop of pack.stops) {
      const now = stateOf(pack, stop);
      if (now.own && delayed.has(now.own.id)) return { pack, stop, ...now };
    }
  }
  return undefined;
}

/** The last event of a stop that was not taken back. */
function ownState(tour, job) {
  const own = known.events.filter((event) => event.tour === tour && event.job === job);
  const undone = takenBack(own);
  const live = own.filter((event) => event.kind !== "undone" && !undone.has(event.id) && known.receipts.get(event.id)?.accepted !== false);
  return live.findLast((event) => event.kind !== "arrived") ?? live.at(-1);
}

/** State and label of a stop: what the phone knows precedes what the server said last. */
function stateOf(pack, stop) {
  const own = ownState(pack.id, stop.job);
  if (!own) return { state: stop.state, label: stop.label, at: stop.at };
  const labels = { arrived: "도착", delivered: stop.done, failed: `실패: ${new Map(pack.reasons).get(own.details.reason) ?? ""}` };
  return { state: own.kind, label: labels[own.kind], at: clock(own.happened_at + own.clock_offset), own };
}

// ── recording ──

function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Writes an event, and reads it back before it counts. */
async function record(pack, stop, kind, details) {
  const number = known.events.filter((event) => event.tour === pack.id).reduce((most, event) => Math.max(most, event.number), 0) + 1;
  const happened_at = tick();
  const event = {
    id: newId(), tour: pack.id, job: stop.job, number, happened_at, clock_offset: Math.round(known.facts.offset),
    contact: Math.round(known.facts.contact), kind, details, saw: stop.version,
  };
  try {
    await stored(["events", "facts"], "readwrite", (events, facts) => {
      putFacts(facts);
      return events.add(event);
    });
    const back = await get("events", event.id);
    if (JSON.stringify(back) !== JSON.stringify(event)) throw new Error("the stored event differs");
  } catch {
    known.problem = "이 휴대전화에 기록하지 못했어요. 종이에 적고, 다시 눌러 주세요.";
    render();
    return false;
  }
  known.problem = "";
  recordings += 1;
  if (!known.events.some(({ id }) => id === event.id)) known.events.push(event);
  if (kind === "delivered" || kind === "failed") delay(event.id);
  // A record that takes another back goes with it.
  delayed.delete(details.undone);
  render();
  flush();
  return true;
}

/** Keeps an outcome back for a moment, in which the driver may see a slip. */
function delay(id) {
  delayed.add(id);
  setTimeout(() => delayed.delete(id) && flush(), REGRET_MS);
}

/** Hands in what waits: the page may never be seen again. */
function sendDelayed() {
  if (delayed.size === 0) return;
  delayed.clear();
  flush();
}

// ── handing in ──

let isFlushing = false;
let wantsFlush = false;

async function request(path, key, body) {
  const sentAt = Date.now();
  const answer = await fetch(`${BASE}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { "x-drive-key": key, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    body: body === undefined ? undefined : JSON.stringify(body),
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
    signal: deadline(),
  });
  // The body may take its time.
  const answeredAt = Date.now();
  // A captive portal answers too: only JSON is an answer of the server.
  const text = answer.headers.get("content-type")?.startsWith("application/json") ? await answer.json() : undefined;
  if (!text) throw new Error(`no answer of the server: ${answer.status}`);
  return { status: answer.status, text, times: { sentAt, answeredAt } };
}

/** Hands in the events of a tour, oldest first. */
async function handIn(tour, key) {
  const own = waiting().filter((event) => event.tour === tour && !delayed.has(event.id));
  const kept = waiting().filter((event) => event.tour === tour && delayed.has(event.id)).length;
  for (let from = 0; from < own.length; from += BATCH) {
    const batch = own.slice(from, from + BATCH);
    const events = batch.map(({ tour: _, ...event }) => event);
    const stuck = rejected().filter((event) => event.tour === tour).map(({ job }) => job);
    const body = { waiting: own.length - from - batch.length + kept, rejected: stuck, clock: Date.now(), events };
    const { status, text, times } = await request("/drive/events", key, body);
    if (status === 401) await closeDay(tour, text);
    else if (status !== 200) known.problem = text.error ?? "";
    if (status !== 200) return status;
    await stored(["receipts"], "readwrite", (store) => {
      for (const { id, accepted, reason } of text.events) store.put({ id, accepted, reason });
    });
    for (const receipt of text.events) known.receipts.set(receipt.id, receipt);
    await contact(times, text.now);
  }
  return 200;
}

/** Sends the photographs of a tour whose record the server has. */
async function sendPhotos(tour, key) {
  const own = photosLeft().filter((photo) => photo.tour === tour && naming(photo).some(({ id }) => known.receipts.get(id)?.accepted));
  for (const photo of own) {
    const { isSent, refused } = await photos.send(photo, `${BASE}/drive/proofs`, key);
    if (isSent) await photos.remove(photo);
    else if (refused) await photos.saveNote({ ...photo, refused });
    await loadPhotos();
    render();
  }
}

/** Takes the names and addresses of a tour off a phone whose key opens nothing any more; its records stay. A key that has ended
    is replaced after the next login, that of a phone that was cut off is not. */
async function closeDay(tour, { error, ended }) {
  known.problem = error ?? "";
  await remove("packs", tour);
  if (ended) await remove("keys", tour);
}

/** What a driver acts on at a stop, by its name on the screen. */
function shownOf(stop) {
  const { task } = stop;
  return {
    주소: `${stop.address} ${stop.address_detail}`.trim(),
    시간: stop.window,
    상품: stop.goods.map(({ product }) => product).join(", "),
    "할 일": task ? [task.label, task.goods, task.note].filter(Boolean).join(" ") : "",
  };
}

/** What the office changed of a stop since this phone first had it: name, and what it was. */
const changesOf = (stop) => Object.entries(shownOf(stop)).filter(([name, text]) => stop.first && stop.first[name] !== text).map(([name]) => [name, stop.first[name]]);

async function fetchPack(tour, key) {
  const { status, text, times } = await request("/drive/pack", key);
  if (status === 401) await closeDay(tour, text);
  if (status !== 200) return;
  await contact(times, text.now);
  if (text.wiped) return remove("packs", tour);
  const before = new Map(known.packs.find(({ id }) => id === tour)?.stops.map((stop) => [stop.job, stop]));
  for (const stop of text.stops) stop.first = before.get(stop.job)?.first ?? shownOf(stop);
  await put("packs", { ...text, id: tour });
}

async function flush() {
  if (isFlushing) {
    wantsFlush = true;
    return;
  }
  isFlushing = true;
  try {
    do {
      wantsFlush = false;
      for (const [tour, { key }] of known.keys) {
        if ((await handIn(tour, key)) !== 200) continue;
        await fetchPack(tour, key);
        await sendPhotos(tour, key);
      }
    } while (wantsFlush);
    known.problem = known.problem.startsWith("이 휴대전화에 기록하지") ? "" : known.problem;
    await load();
    await tidy();
  } catch {
    // No answer: the queue waits for the next occasion.
  } finally {
    isFlushing = false;
    render();
  }
}

/** Deletes what a day leaves behind, but no event that the server has not accepted. */
async function tidy() {
  // Over by the clock as it is and as it was corrected: a correction may be out of date.
  const today = [Date.now(), serverNow()].map(dayOf).sort()[0];
  for (const pack of known.packs.filter(({ day }) => day < today)) await remove("packs", pack.id);
  const old = serverNow() - KEEP_DAYS * 24 * 60 * MINUTE_MS;
  const done = known.events.filter((event) => known.receipts.get(event.id)?.accepted && event.happened_at < old);
  for (const event of done) await remove("events", event.id);
  // A photograph that no record names belongs to nothing once its day is over.
  const isOver = (photo) => naming(photo).length === 0 && !known.packs.some(({ id, day }) => id === photo.tour && day >= today);
  for (const photo of known.photos.filter((photo) => isOver(photo) || photo.taken_at < old)) await photos.remove(photo);
  await loadPhotos();
  for (const row of known.keys.values()) {
    const hasPhotos = photosLeft().some((photo) => photo.tour === row.id);
    const hasRecords = known.events.some((event) => event.tour === row.id && known.receipts.get(event.id)?.accepted !== true);
    if (row.day < today && !hasRecords && !hasPhotos) await remove("keys", row.id);
  }
  await load();
  // The worker replaces itself between two days, never in one.
  const isBetween = known.packs.length === 0 && waiting().length === 0 && photosLeft().length === 0;
  if (isBetween) (await navigator.serviceWorker?.getRegistration?.(`${BASE}/drive`))?.waiting?.postMessage("nothing-waits");
}

// ── the screen ──

/** An element with attributes and children. */
function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false && child !== ""));
  return element;
}

let canReopen = true;

function syncLine() {
  const count = waiting().length;
  const left = photosLeft().length;
  const rest = [count && `전할 기록 ${count}건`, left && `사진 ${left}장 남음`].filter(Boolean).join(" · ");
  const at = known.facts.contact ? clock(known.facts.contact) : "없음";
  const line = [el("p", { role: "status" }, `마지막 연락 ${at} · ${rest || "모두 전했어요"}`)];
  if (known.facts.contact) line.push(el("p", {}, `${at} 이후의 취소는 사무실이 전화로 알려요.`));
  if (rest) line.push(el("button", { type: "button", click: () => (delayed.size > 0 ? sendDelayed() : flush()) }, "지금 전하기"));
  const warnings = [];
  if (known.problem) warnings.push(known.problem);
  if (!canReopen) warnings.push("이 화면을 닫지 마세요. 신호가 없는 곳에서는 다시 열리지 않아요.");
  if (Math.abs(known.facts.offset) > MAX_CLOCK_ERROR_MS) warnings.push("휴대전화 시계가 틀려요. 시각은 수정해서 기록해요.");
  for (const event of rejected()) warnings.push(`받아들이지 않은 기록 ${clock(event.happened_at)}: ${known.receipts.get(event.id).reason ?? ""}`);
  for (const photo of known.photos.filter(({ refused }) => refused)) warnings.push(`받아들이지 않은 사진 ${clock(photo.taken_at)}: ${photo.refused}`);
  const slip = regretted();
  const undo = slip && el("p", { class: "drive-regret" }, `${slip.stop.position}. ${slip.stop.name} ${slip.label} `,
    el("button", { type: "button", class: "drive-button", click: () => record(slip.pack, slip.stop, "undone", { undone: slip.own.id }) }, `‘${slip.label}’ 되돌리기`));
  return [el("div", { class: "drive-sync" }, ...line, undo || ""), ...warnings.map((text) => el("p", { class: "drive-warn", role: "alert" }, text))];
}

function stopItem(pack, stop) {
  const { state, label, at } = stateOf(pack, stop);
  const note = stop.moved_to ? `옮김: ${stop.moved_to}` : stop.is_stopped ? "멈춤: 배송하지 마세요" : "";
  const isEnded = state === "delivered" || state === "failed";
  const changed = isEnded ? [] : changesOf(stop).map(([name]) => name);
  const facts = [stop.window, stop.what, state === "open" ? "" : `${label} ${at}`].filter(Boolean).join(" · ");
  return el(
    "li", { class: `${state}${note ? " stopped" : ""}` },
    el("a", { href: `#${stop.key}` }, el("strong", {}, `${stop.position}. ${stop.name}`), stop.task && el("b", { class: "drive-kind" }, stop.task.label), note && el("em", {}, note),
      changed.length > 0 && el("em", {}, `바뀜: ${changed.join(", ")}`),
      el("span", {}, `${stop.address} ${stop.address_detail}`), el("span", {}, facts)),
  );
}

function listView() {
  const view = [el("h1", {}, "오늘 배송")];
  for (const pack of known.packs) {
    const ended = pack.stops.filter((stop) => ["delivered", "failed"].includes(stateOf(pack, stop).state)).length;
    view.push(el("h2", {}, `${pack.name} `, el("span", { class: "drive-count" }, `${ended}/${pack.stops.length}곳`)));
    if (pack.state === "loading") view.push(el("p", {}, el("a", { class: "drive-button main", href: `${BASE}/drive/loading/${pack.id}` }, "상차하기")));
    view.push(el("ol", { class: "drive-stops" }, ...pack.stops.map((stop) => stopItem(pack, stop))));
  }
  view.push(officeCall(known.packs[0]));
  return view;
}

/** The telephone of the office. */
const officeCall = ({ office_tel }) => office_tel && el("p", { class: "drive-row" }, el("a", { class: "drive-button", href: `tel:${office_tel}` }, "사무실 전화"));

function stopView(pack, stop) {
  const { state, label, at, own } = stateOf(pack, stop);
  const isOut = pack.state === "out";
  const isEnded = state === "delivered" || state === "failed";
  const back = () => {
    location.hash = "";
  };
  const finish = async (kind, details) => {
    if (await record(pack, stop, kind, details)) back();
  };
  const pad = signaturePad(el);
  const note = el("input", { class: "form-control", id: "note", maxlength: 500 });
  const what = el("input", { class: "form-control", id: "what", maxlength: 200, placeholder: "헌 매트리스" });
  const count = el("input", { class: "form-control", id: "count", inputmode: "numeric", value: 1 });
  // What the job says is to be taken back: all of it, unless the driver counts less and says why.
  const planned = stop.task?.pieces > 0 ? el("input", { class: "form-control", id: "planned", inputmode: "numeric", value: stop.task.pieces }) : undefined;
  const whyLess = planned && el("select", { class: "form-select", id: "collect_reason" }, el("option", { value: "" }, "모두 가져왔어요"), ...pack.reasons.map(([code, name]) => el("option", { value: code }, name)));
  const inputs = stop.goods.filter((goods) => !goods.stop).map((goods) => [goods, el("input", { class: "form-control", id: `accepted-${goods.id}`, inputmode: "numeric", value: goods.pieces })]);
  const pending = () => known.photos.filter((photo) => photo.tour === pack.id && photo.job === stop.job && isPending(photo));
  const photoField = () =>
    pack.photos ? el("div", {}, photos.field({ el, tour: pack.id, job: stop.job, pending, most: MAX_PHOTOS, changed: loadPhotos })) : el("p", { class: "drive-small" }, "이 서버는 사진을 받지 않아요.");
  const extras = () => {
    const details = {};
    if (pending().length) details.photos = pending().slice(0, MAX_PHOTOS).map(({ hash, taken_at }) => ({ hash, taken_at }));
    if (note.value.trim()) details.note = note.value.trim();
    if (what.value.trim()) details.collected = [{ what: what.value.trim(), count: Math.min(1000, Math.max(1, Number.parseInt(count.value, 10) || 1)) }];
    if (pad.path()) details.signature = pad.path();
    return details;
  };
  const deliver = () => {
    const taken = inputs.map(([goods, input]) => [goods, Number(input.value)]);
    if (taken.some(([goods, number]) => !Number.isInteger(number) || number < 0 || number > goods.pieces)) {
      known.problem = "받은 수량은 0부터 실은 수량까지 입력해 주세요.";
      return showProblem();
    }
    if (taken.length && taken.every(([, number]) => number === 0)) {
      known.problem = "받은 상품이 하나도 없으면 ‘실패’를 눌러 주세요.";
      return showProblem();
    }
    const fetched = planned ? Number(planned.value) : 0;
    if (planned && (!Number.isInteger(fetched) || fetched < 0 || fetched > stop.task.pieces)) {
      known.problem = "회수한 수량은 0부터 회수할 수량까지 입력해 주세요.";
      return showProblem();
    }
    if (planned && fetched === 0 && stop.kind === "collect") {
      known.problem = "하나도 가져오지 못했으면 ‘실패’를 눌러 주세요.";
      return showProblem();
    }
    if (planned && fetched < stop.task.pieces && !whyLess.value) {
      known.problem = "다 가져오지 못한 이유를 선택해 주세요.";
      return showProblem();
    }
    const details = extras();
    if (planned && fetched < stop.task.pieces) {
      details.collected = [{ what: stop.task.goods, count: fetched, planned: true }, ...(details.collected ?? [])];
      details.collect_reason = whyLess.value;
    }
    if (taken.some(([goods, number]) => number < goods.pieces)) details.accepted = Object.fromEntries(taken.map(([goods, number]) => [goods.id, number]));
    return finish("delivered", details);
  };
  const problem = el("p", { class: "drive-warn", role: "alert", hidden: true });
  const showProblem = () => {
    problem.textContent = known.problem;
    problem.hidden = false;
    known.problem = "";
  };
  const canUndo = own && !known.receipts.has(own.id);
  const goods = stop.goods.map((one) => el("li", { class: one.stop ? "stopped" : "" }, el("b", {}, one.product), one.stop && el("em", {}, `멈춤: ${one.stop}`), el("span", {}, ` ${one.pieces}개`), isOut && !one.stop && one.pieces === 0 && el("em", {}, "싣지 않은 상품이에요")));
  const changes = isEnded ? [] : changesOf(stop);
  const isChanged = (name) => changes.some(([changed]) => changed === name);
  const reasons = el("div", { class: "drive-reasons", hidden: true }, ...pack.reasons.map(([code, name]) => el("button", { type: "button", class: "drive-button danger", click: () => finish("failed", { ...extras(), reason: code }) }, name)));
  const isSilent = !isOut || isEnded;
  return [
    el("p", {}, el("a", { class: "drive-back", href: "#" }, `‹ ${pack.name}`)),
    el("h1", {}, `${stop.position}. ${stop.name} `, stop.window && el("span", { class: "drive-day" }, stop.window)),
    stop.moved_to && el("p", { class: "drive-stop-sign" }, `사무실이 다른 차로 옮겼어요: ${stop.moved_to}`),
    stop.is_stopped && el("p", { class: "drive-stop-sign" }, stop.kind === "deliver" ? "멈춤: 취소된 배송이에요. 내리지 마세요." : "멈춤: 취소된 일이에요. 하지 마세요."),
    stop.attempts.length > 0 && el("p", { class: "drive-words" }, el("b", {}, "지난 방문 "), `${stop.attempts.length}번: ${stop.attempts.join(", ")}`),
    stop.task && el("p", { class: "drive-task" }, el("b", { class: "drive-kind" }, stop.task.label), stop.task.goods && ` ${stop.task.goods}`, planned && el("span", {}, ` 회수 ${stop.task.pieces}개`)),
    stop.task?.note && el("p", { class: "drive-words" }, el("b", {}, "할 일 메모 "), stop.task.note),
    state !== "open" && el("p", { class: "drive-state" }, `${label} ${at}`),
    canUndo && el("p", {}, el("button", { type: "button", class: "drive-button", click: () => record(pack, stop, "undone", { undone: own.id }) }, `‘${label}’ 되돌리기`)),
    isEnded && !canUndo && el("p", { class: "drive-small" }, "이미 전한 기록이에요. 수정하려면 사무실에 전화해 주세요."),
    isEnded && !canUndo && officeCall(pack),
    ...changes.map(([name, before]) => el("p", { class: "drive-warn" }, el("b", {}, `바뀜: ${name}`), ` 전에는 ${before || "없음"}`)),
    el("p", { class: `drive-address${isChanged("주소") ? " drive-changed" : ""}` }, stop.address, el("br"), stop.address_detail),
    !isEnded && el("p", { class: "drive-row" },
      ...stop.maps.map(([name, href]) => el("a", { class: "drive-button", href, target: "_blank", rel: "noopener noreferrer" }, name)),
      ...stop.tels.map((tel) => el("a", { class: "drive-button", href: `tel:${tel}` }, `전화 ${tel}`))),
    goods.length > 0 && el("ul", { class: `drive-goods${isChanged("상품") ? " drive-changed" : ""}` }, ...goods),
    stop.apart.length > 0 && el("p", { class: "drive-words" }, el("b", {}, "다른 날 배송 "), stop.apart.join(", ")),
    !isEnded && stop.entry_code && el("p", { class: "drive-words" }, el("b", {}, "공동현관 "), stop.entry_code),
    !isEnded && stop.site?.length > 0 && el("p", { class: "drive-words" }, el("b", {}, "현장 "), stop.site.join(" · ")),
    stop.message && el("p", { class: "drive-words" }, el("b", {}, "고객 "), stop.message),
    stop.memo && el("p", { class: "drive-words" }, el("b", {}, "메모 "), stop.memo),
    problem,
    !isOut && el("p", { class: "drive-none" }, "출발한 다음에 기록할 수 있어요."),
    !isSilent && el("p", { class: "drive-row" },
      state === "open" && el("button", { type: "button", class: "drive-button", click: () => record(pack, stop, "arrived", {}) }, "도착"),
      el("button", { type: "button", class: "drive-button main", click: deliver }, stop.done),
      el("button", { type: "button", class: "drive-button danger", click: () => { reasons.hidden = !reasons.hidden; } }, "실패")),
    !isSilent && reasons,
    !isSilent && photoField(),
    !isSilent && el("details", { class: "drive-more" }, el("summary", {}, "더 적기: 일부, 가져온 상품, 메모, 서명"),
      planned && el("p", { class: "drive-field" }, el("label", { for: "planned" }, `회수한 수량: ${stop.task.goods}`), planned),
      planned && el("p", { class: "drive-field" }, el("label", { for: "collect_reason" }, "다 가져오지 못한 이유"), whyLess),
      ...inputs.map(([one, input]) => el("p", { class: "drive-field" }, el("label", { for: input.id }, `${one.product} 받은 수량`), input)),
      el("p", { class: "drive-field" }, el("label", { for: "what" }, "가져온 상품"), what),
      el("p", { class: "drive-field" }, el("label", { for: "count" }, "가져온 개수"), count),
      el("p", { class: "drive-field" }, el("label", { for: "note" }, "메모"), note),
      el("p", { class: "drive-small" }, `서명: ${stop.signed}`), pad.canvas,
      el("button", { type: "button", class: "drive-button", click: pad.clear }, "서명 지우기")),
  ];
}

/** A screen is not redrawn while somebody types or signs in it. */
function isBusy() {
  const field = document.activeElement;
  return location.hash !== "" && (root.querySelector("details[open]") || (field && root.contains(field) && field.matches("input, canvas")));
}

let shown = "";

function render(force = false) {
  if (!root || known.packs.length === 0) {
    // The day was taken off the phone while it was on the screen.
    if (root && "app" in root.dataset) {
      root.replaceChildren(...syncLine());
      return;
    }
    if (root && (known.events.length > 0 || known.problem)) {
      root.querySelector(".drive-sync-only")?.remove();
      if (waiting().length > 0 || photosLeft().length > 0 || rejected().length > 0 || known.problem) root.prepend(el("div", { class: "drive-sync-only" }, ...syncLine()));
    }
    return;
  }
  const hash = decodeURIComponent(location.hash.slice(1));
  if (!force && shown === hash && isBusy()) return;
  const pack = known.packs.find(({ stops }) => stops.some(({ key }) => key === hash));
  const stop = pack?.stops.find(({ key }) => key === hash);
  const view = stop ? stopView(pack, stop) : [...syncLine(), ...listView()];
  if (stop && known.problem) view.unshift(el("p", { class: "drive-warn", role: "alert" }, known.problem));
  root.replaceChildren(...view.filter(Boolean));
  root.dataset.app = "";
  if (shown !== hash) scrollTo(0, 0);
  shown = hash;
}

// ── start ──

/** Asks for keys of the tours on the page that this phone has none of. */
async function fetchKeys() {
  const missing = (root.dataset.tours ?? "").split(" ").filter((tour) => tour && !known.keys.has(tour));
  if (!keyForm || missing.length === 0) return;
  const answer = await fetch(keyForm.action, { method: "POST", body: new URLSearchParams(new FormData(keyForm)), redirect: "error", signal: deadline() });
  if (!answer.ok) throw new Error(`no keys: ${answer.status}`);
  for (const { tour, day, key } of (await answer.json()).keys) if (missing.includes(tour)) await put("keys", { id: tour, day, key });
  await load();
}

async function registerWorker() {
  try {
    await navigator.serviceWorker.register(`${BASE}/drive/worker.js`, { scope: `${BASE}/drive` });
  } catch {
    canReopen = false;
  }
  await navigator.storage?.persist?.().catch(() => false);
}

/** A day that is over leaves the screen and the phone, also without the server. */
async function everyMinute() {
  tick();
  await saveFacts();
  await tidy();
  render();
  await flush();
}

async function start() {
  await load();
  registerWorker().then(() => render());
  await tidy();
  render();
  // A day that wrong PINs took off the phone comes back with a new session only.
  if (await globalThis.drivePin?.isWiped) return;
  // Before the first contact, which may take long: what happens meanwhile asks for another.
  addEventListener("hashchange", () => render(true));
  addEventListener("online", flush);
  document.addEventListener("visibilitychange", () => (document.visibilityState === "visible" ? flush() : sendDelayed()));
  await fetchKeys().catch(() => undefined);
  await flush();
  setInterval(() => everyMinute().catch(() => undefined), MINUTE_MS);
}

start().catch(() => undefined);
