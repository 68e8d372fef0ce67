// Reads QR codes with the camera until it is closed, on an element with [data-scanner] that ui.html makes. It is shown only
// where the browser can: BarcodeDetector and the camera exist on secure pages only. Each code that is held in the middle is an
// event "code" on the element; a listener answers with `detail.say(tone, text)`, the tone being done, stop or unknown.

const PAUSE_MS = 150;
/** A list has a code on each line: only the one in the middle counts, after so many looks in a row. */
const STEADY_LOOKS = 3;
/** A code that is out of the middle for so long may be read again. */
const FORGET_MS = 2000;
/** Vibration of an answer, in ms: on, off, on … */
const VIBRATIONS = { done: [80], stop: [400, 150, 400, 150, 400], unknown: [80, 80, 80] };

const scanner = document.querySelector("[data-scanner]");

async function canScan() {
  if (!globalThis.BarcodeDetector || !navigator.mediaDevices?.getUserMedia) return false;
  return (await BarcodeDetector.getSupportedFormats()).includes("qr_code");
}

/** The code nearest to the middle of the picture, and not near its edge; or an empty text. */
function middle(codes, { videoWidth, videoHeight }) {
  const distance = ({ boundingBox: { x, y, width, height } }) => Math.hypot(x + width / 2 - videoWidth / 2, y + height / 2 - videoHeight / 2);
  const near = codes.filter((code) => distance(code) < Math.min(videoWidth, videoHeight) / 3);
  return near.sort((one, other) => distance(one) - distance(other))[0]?.rawValue ?? "";
}

function start() {
  const opener = scanner.querySelector("[data-opens]");
  const view = scanner.querySelector(".scanner-view");
  const [video, answer, closer] = ["video", "p", "button"].map((tag) => view.querySelector(tag));
  const detector = new BarcodeDetector({ formats: ["qr_code"] });
  /** When a code was last in the middle, and how many looks the present one has been there. */
  const seen = new Map();
  let held = { code: "", looks: 0 };
  let stream;
  /** Counts openings: what was begun in an earlier one goes no further. */
  let opening = 0;

  const say = (tone, text) => {
    answer.className = tone;
    answer.textContent = text;
    if (tone) navigator.vibrate?.(VIBRATIONS[tone]);
  };
  const close = () => {
    opening += 1;
    stream?.getTracks().forEach((track) => track.stop());
    stream = video.srcObject = undefined;
    view.hidden = true;
    opener.hidden = false;
  };
  const look = async (own) => {
    if (own !== opening) return;
    // The first pictures of a camera may not be there yet.
    const codes = await detector.detect(video).catch(() => []);
    if (own !== opening) return;
    const code = middle(codes, video);
    held = { code, looks: code === held.code ? held.looks + 1 : 1 };
    if (code && held.looks >= STEADY_LOOKS) {
      const now = performance.now();
      const isNew = !(now - seen.get(code) < FORGET_MS);
      seen.set(code, now);
      if (isNew) scanner.dispatchEvent(new CustomEvent("code", { detail: { code, say } }));
    }
    setTimeout(look, PAUSE_MS, own);
  };
  const open = async () => {
    opening += 1;
    const own = opening;
    seen.clear();
    opener.hidden = true;
    view.hidden = false;
    say("", "QR 코드를 가운데에 비추세요.");
    closer.focus();
    try {
      const found = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      if (own !== opening) return found.getTracks().forEach((track) => track.stop());
      stream = video.srcObject = found;
      await video.play();
      look(own);
    } catch (error) {
      if (own !== opening) return;
      close();
      view.hidden = false;
      say("unknown", error.name === "NotAllowedError" ? "카메라를 허용하지 않았어요. 브라우저의 설정에서 이 사이트의 카메라를 허용해 주세요." : "카메라를 열지 못했어요. 직접 표시해 주세요.");
    }
  };

  opener.addEventListener("click", open);
  closer.addEventListener("click", () => {
    close();
    opener.focus();
  });
  document.addEventListener("visibilitychange", () => document.hidden && close());
  addEventListener("pagehide", close);
  scanner.hidden = false;
}

if (scanner && (await canScan().catch(() => false))) start();
