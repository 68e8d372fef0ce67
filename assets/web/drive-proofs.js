// Photographs and signatures of the driver's day. A photograph is re-encoded on the phone, so that nothing but the image is left of the camera's
// file: no position, no maker. It is kept in a database of its own until the server has said that it has it.

const MAX_EDGE = 1280;
/** Tried one after the other before the picture becomes smaller. */
const QUALITIES = [0.6, 0.5, 0.4];
/** Sixty of them go over a slow network in the evening. */
const MAX_BYTES = 160_000;
const REQUEST_TIMEOUT_MS = 60_000;

// ── storage: versionless like the queue; notes are small and read often, bytes are not ──

let database;

function openDatabase() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("mukkeum-drive-photos", 1);
    request.onupgradeneeded = () => {
      for (const name of ["notes", "bytes"]) request.result.createObjectStore(name, { keyPath: "id" });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function stored(mode, work) {
  for (const isLast of [false, true]) {
    try {
      database ??= await openDatabase();
      return await new Promise((resolve, reject) => {
        const transaction = database.transaction(["notes", "bytes"], mode, mode === "readwrite" ? { durability: "strict" } : {});
        let answer;
        transaction.oncomplete = () => resolve(answer?.result);
        transaction.onabort = transaction.onerror = () => reject(transaction.error);
        answer = work(transaction.objectStore("notes"), transaction.objectStore("bytes"));
      });
    } catch (error) {
      if (isLast) throw error;
      database?.close();
      database = undefined;
    }
  }
}

// A note is of one photograph of one stop; its bytes are stored once under their hash.
const withHash = (note) => ({ hash: note.id, ...note });
const all = async () => (await stored("readonly", (notes) => notes.getAll())).map(withHash);
const bytesOf = async (hash) => (await stored("readonly", (_, bytes) => bytes.get(hash)))?.bytes;
const saveNote = (note) => stored("readwrite", (notes) => notes.put(note));

/** Removes a photograph of a stop, and its bytes unless another stop has them too. */
const remove = ({ id, hash }) =>
  stored("readwrite", (notes, bytes) => {
    notes.delete(id);
    const others = notes.getAll();
    others.onsuccess = () => {
      if (!others.result.map(withHash).some((note) => note.hash === hash)) bytes.delete(hash);
    };
  });

// ── SHA-256: browsers have it on secure pages only, and a shop's own network may be none ──

const FRACTIONS = (() => {
  const primes = [];
  for (let number = 2; primes.length < 64; number += 1) if (primes.every((prime) => number % prime)) primes.push(number);
  const bits = (root) => Math.floor((root - Math.floor(root)) * 2 ** 32) | 0;
  return { rounds: primes.map((prime) => bits(Math.cbrt(prime))), start: primes.slice(0, 8).map((prime) => bits(Math.sqrt(prime))) };
})();

function sha256(bytes) {
  const length = (((bytes.length + 8) >> 6) + 1) << 6;
  const padded = new Uint8Array(length);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(length - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(length - 4, (bytes.length << 3) >>> 0);
  const hash = [...FRACTIONS.start];
  const words = new Int32Array(64);
  const turn = (word, by) => (word >>> by) | (word << (32 - by));
  for (let block = 0; block < length; block += 64) {
    for (let at = 0; at < 16; at += 1) words[at] = view.getInt32(block + at * 4);
    for (let at = 16; at < 64; at += 1) {
      const [late, early] = [words[at - 2], words[at - 15]];
      const mixed = turn(late, 17) ^ turn(late, 19) ^ (late >>> 10);
      words[at] = (words[at - 16] + (turn(early, 7) ^ turn(early, 18) ^ (early >>> 3)) + words[at - 7] + mixed) | 0;
    }
    let [a, b, c, d, e, f, g, h] = hash;
    for (let at = 0; at < 64; at += 1) {
      const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + FRACTIONS.rounds[at] + words[at]) | 0;
      const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
    }
    for (const [at, value] of [a, b, c, d, e, f, g, h].entries()) hash[at] = (hash[at] + value) | 0;
  }
  return hash.map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

async function hashOf(bytes) {
  if (!globalThis.crypto?.subtle) return sha256(bytes);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// ── taking ──

/** A JPEG without the segments that the image does not need: some browsers write EXIF data of their own. */
function withoutMetadata(bytes) {
  const parts = [bytes.subarray(0, 2)];
  let at = 2;
  while (bytes[at + 1] !== 0xd9) {
    if (bytes[at] !== 0xff || at + 4 > bytes.length) throw new Error("not a JPEG");
    const marker = bytes[at + 1];
    let end = at + 2 + ((bytes[at + 2] << 8) | bytes[at + 3]);
    if (marker === 0xda) {
      const isMarker = (to) => bytes[to] === 0xff && bytes[to + 1] !== 0 && !(bytes[to + 1] >= 0xd0 && bytes[to + 1] <= 0xd7);
      while (end < bytes.length && !isMarker(end)) end += 1;
    }
    const isImage = !(marker >= 0xe0 && marker <= 0xef) && marker !== 0xfe;
    if (isImage) parts.push(bytes.subarray(at, end));
    at = end;
  }
  parts.push(bytes.subarray(at, at + 2));
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let to = 0;
  for (const part of parts) {
    whole.set(part, to);
    to += part.length;
  }
  return whole;
}

/** The file of a camera as an upright JPEG of MAX_BYTES at most: of less quality first, then of fewer pixels. */
async function reencode(file) {
  const image = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => createImageBitmap(file));
  const canvas = document.createElement("canvas");
  for (let edge = MAX_EDGE; ; edge *= 0.8) {
    const scale = Math.min(1, edge / Math.max(image.width, image.height));
    canvas.width = Math.max(1, Math.round(image.width * scale));
    canvas.height = Math.max(1, Math.round(image.height * scale));
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    for (const quality of QUALITIES) {
      const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
      const bytes = withoutMetadata(new Uint8Array(await blob.arrayBuffer()));
      if (bytes.length <= MAX_BYTES) {
        image.close?.();
        return bytes;
      }
    }
  }
}

/** Takes a photograph for a stop: on return it is on the phone's disk, read back and compared. */
async function take(file, tour, job) {
  const bytes = await reencode(file);
  const hash = await hashOf(bytes);
  const note = { id: `${tour}-${job}-${hash}`, hash, tour, job, taken_at: Date.now() };
  await stored("readwrite", (notes, store) => {
    notes.put(note);
    // An array buffer: some phones give a damaged file back for a stored one.
    store.put({ id: hash, bytes: bytes.buffer });
  });
  const back = await bytesOf(hash);
  if (!back || (await hashOf(new Uint8Array(back))) !== hash) throw new Error("the stored photograph differs");
  return note;
}

/** A small picture of a photograph. */
async function thumbnail(hash) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 96;
  const image = await createImageBitmap(new Blob([await bytesOf(hash)], { type: "image/jpeg" }));
  const edge = Math.min(image.width, image.height);
  canvas.getContext("2d").drawImage(image, (image.width - edge) / 2, (image.height - edge) / 2, edge, edge, 0, 0, 96, 96);
  return canvas;
}

/** The part on the screen. The screen may be drawn anew while a photograph is being taken. */
let current;

/** The part of a stop's page that takes photographs. `pending` are those that no record names yet; `el` makes elements. */
function field({ el, tour, job, pending, most, changed }) {
  const problem = el("p", { class: "drive-warn", role: "alert", hidden: true });
  const shown = el("ul", { class: "drive-photos" });
  const input = el("input", { type: "file", accept: "image/*", capture: "environment", id: "photo", class: "visually-hidden", change: () => add() });
  const label = el("label", { class: "drive-button", for: "photo" }, "사진 찍기");
  const tell = (text) => {
    problem.textContent = text;
    problem.hidden = text === "";
  };
  const show = () => {
    const photos = pending();
    shown.replaceChildren(...photos.map((photo, at) => {
      const item = el("li", {}, el("button", { type: "button", class: "drive-button", "aria-label": `사진 ${at + 1} 지우기`, click: () => takeBack(photo) }, "지우기"));
      thumbnail(photo.hash).then((picture) => item.prepend(picture)).catch(() => undefined);
      return item;
    }));
    label.textContent = photos.length ? `사진 ${photos.length}장 · 더 찍기` : "사진 찍기";
  };
  const takeBack = async (photo) => {
    await remove(photo).catch(() => undefined);
    await changed();
    current.show();
  };
  const add = async () => {
    const [file] = input.files;
    if (!file) return;
    if (pending().length >= most) return tell(`사진은 ${most}장까지 찍을 수 있어요.`);
    tell("");
    try {
      await take(file, tour, job);
    } catch {
      current.tell("사진을 담지 못했어요. 다시 찍어 주세요.");
    }
    input.value = "";
    await changed();
    current.show();
  };
  current = { show, tell };
  show();
  return el("div", { class: "drive-photo-field" }, problem, shown, input, label, el("p", { class: "drive-small" }, "물건만 찍어요. 사람은 찍지 않아요. 위치는 사진에서 지워요."));
}

// ── handing in ──

/** Sends a photograph. Answers whether it may be removed from the phone, or why the server refuses it for good. */
async function send({ hash }, url, key) {
  const bytes = await bytesOf(hash);
  if (!bytes || (await hashOf(new Uint8Array(bytes))) !== hash) return { refused: "사진이 휴대전화에서 깨졌어요." };
  const answer = await fetch(`${url}/${hash}`, {
    method: "PUT",
    headers: { "x-drive-key": key, "content-type": "image/jpeg" },
    body: bytes,
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
    signal: AbortSignal.timeout?.(REQUEST_TIMEOUT_MS),
  });
  if (!answer.headers.get("content-type")?.startsWith("application/json")) throw new Error(`no answer of the server: ${answer.status}`);
  const text = await answer.json();
  if (text.accepted) return { isSent: true };
  return text.accepted === false && !text.retry ? { refused: text.error } : {};
}

// ── signature ──

/** A pad whose strokes become an SVG path of whole numbers. */
function signaturePad(el) {
  const canvas = el("canvas", { class: "drive-sign", width: 600, height: 240, "aria-label": "서명하는 곳" });
  const pen = canvas.getContext("2d");
  pen.lineWidth = 4;
  let path = "";
  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    const scale = (value, size, most) => Math.max(0, Math.min(most, Math.round((value / size) * most)));
    return [scale(event.clientX - box.left, box.width, 600), scale(event.clientY - box.top, box.height, 240)];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    const [x, y] = point(event);
    path += `M${x} ${y}`;
    pen.beginPath();
    pen.moveTo(x, y);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.buttons === 0 || path === "" || path.length > 19_000) return;
    const [x, y] = point(event);
    path += `L${x} ${y}`;
    pen.lineTo(x, y);
    pen.stroke();
  });
  const clear = () => {
    path = "";
    pen.clearRect(0, 0, 600, 240);
  };
  return { canvas, clear, path: () => path };
}

globalThis.driveProofs = { signaturePad, all, field, hashOf, remove, saveNote, send };
