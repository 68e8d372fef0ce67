// Signing out takes the driver's day off this browser, from whatever page: names, addresses, codes of entrances, day keys,
// photographs, the PIN and the page that opens without the server. It is refused while something was not handed in.

const BASE = document.documentElement.dataset.base ?? "";
const form = document.querySelector('form[action$="/logout"]');

/** Opens a database of the driver's day. One that is not there is not made. */
function open(name) {
  return new Promise((resolve) => {
    const request = indexedDB.open(name);
    request.onupgradeneeded = () => request.transaction.abort();
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => resolve(undefined);
  });
}

/** Runs `work` on stores of a database in one transaction; answers the result of the request that it returns. */
function within(database, names, mode, work) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(names, mode);
    let answer;
    transaction.oncomplete = () => resolve(answer?.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
    answer = work(...names.map((name) => transaction.objectStore(name)));
  });
}

const all = (database, name) => (database ? within(database, [name], "readonly", (store) => store.getAll()) : []);

/** Records and photographs that the server has not answered; what it has refused is not handed in any more. */
async function unsent(day, photos) {
  const [events, receipts, notes] = await Promise.all([all(day, "events"), all(day, "receipts"), all(photos, "notes")]);
  const answered = new Set(receipts.map(({ id }) => id));
  const isNamed = ({ id, hash = id, tour, job }) =>
    events.some((event) => event.tour === tour && event.job === job && event.details.photos?.some((photo) => photo.hash === hash));
  return { records: events.filter(({ id }) => !answered.has(id)).length, photos: notes.filter((note) => !note.refused && isNamed(note)).length };
}

/** Takes everything but the records that were not accepted, which somebody still has to look at. */
async function wipe(day, photos) {
  if (day) {
    const accepted = (await all(day, "receipts")).filter((receipt) => receipt.accepted);
    await within(day, ["packs", "keys", "events", "receipts"], "readwrite", (packs, keys, events, receipts) => {
      packs.clear();
      keys.clear();
      for (const { id } of accepted) {
        events.delete(id);
        receipts.delete(id);
      }
    });
  }
  if (photos) {
    await within(photos, ["notes", "bytes"], "readwrite", (notes, bytes) => {
      notes.clear();
      bytes.clear();
    });
  }
}

/** Takes what opens the page without the server. */
async function wipePage() {
  indexedDB.deleteDatabase("mukkeum-drive-pin");
  const names = (await globalThis.caches?.keys?.()) ?? [];
  await Promise.all(names.filter((name) => name.startsWith("drive ")).map((name) => caches.delete(name)));
  await (await navigator.serviceWorker?.getRegistration?.(`${BASE}/drive`))?.unregister();
}

/** Runs `work` on both databases, and closes them. */
async function withDay(work) {
  const databases = await Promise.all([open("mukkeum-drive"), open("mukkeum-drive-photos")]);
  try {
    return await work(...databases);
  } finally {
    for (const database of databases) database?.close();
  }
}

// For the PIN, whose page stays.
globalThis.driveDay = { unsent: () => withDay(unsent), wipe: () => withDay(wipe) };

// After the page has asked whether something typed may be lost.
document.addEventListener("submit", async (event) => {
  if (!form || event.target !== form || event.defaultPrevented) return;
  event.preventDefault();
  try {
    const left = await withDay(unsent);
    if (left.records + left.photos > 0) {
      alert(`아직 전하지 않은 기록이 ${left.records}건, 사진이 ${left.photos}장 있어요. 오늘 배송 화면에서 전한 다음 로그아웃해 주세요.`);
      document.dispatchEvent(new Event("submit-refused"));
      return;
    }
    await withDay(wipe);
    await wipePage();
  } catch {
    // A browser without storage has nothing to take off.
  }
  form.submit();
});
