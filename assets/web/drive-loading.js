// The loading list: the QR code of a line on the 상차표 ticks the line. One of a stop or of a slip does too, if nothing else is
// loaded for it. The form does the same without scripts.

const lines = [...document.querySelectorAll(".drive-loading li")];
const tickOf = (line) => line.querySelector("input[name=tick]");

/** The lines that a code means. A paper that was printed for another plan of the day names the same order. */
function linesOf(code) {
  const [, job, order] = code.match(/\/drive\/[0-9A-Z]+-([0-9A-Z]+)(?:#([0-9A-Z]+))?$/) ?? [];
  const [, delivery] = code.match(/\/deliveries\/([0-9A-Z]+)$/) ?? [];
  if (order) return lines.filter((line) => line.dataset.order === order);
  return lines.filter((line) => line.dataset.job === job || line.dataset.delivery === delivery);
}

function tick(line) {
  const pieces = line.querySelector("[name^=pieces-]");
  // It was saved as not loaded.
  if (Number(pieces.value) === 0) pieces.value = line.dataset.expected;
  tickOf(line).checked = true;
  tickOf(line).dispatchEvent(new Event("change", { bubbles: true }));
  return `실었어요: ${line.dataset.product} ${pieces.value}개 (${ticked()})`;
}

const ticked = () => `${lines.filter((line) => tickOf(line).checked).length}/${lines.length}줄`;
document.querySelector(".drive-loading")?.addEventListener("change", () => {
  document.querySelector("h1 .drive-day").textContent = ticked();
});

document.querySelector("[data-scanner]")?.addEventListener("code", ({ detail: { code, say } }) => {
  const meant = linesOf(code);
  const [line] = meant;
  const stopped = meant.find(({ dataset }) => "stopped" in dataset);
  if (!line) return say("unknown", `이 차에 싣는 것이 아니에요: ${code}`);
  (stopped ?? line).scrollIntoView({ block: "center" });
  if (stopped) return say("stop", `멈춤: ${stopped.dataset.product}. ${stopped.dataset.stopped}. 싣지 마세요`);
  if (meant.length > 1) return say("unknown", `상품이 ${meant.length}가지예요. 상차표의 QR 코드를 찍거나 직접 표시하세요.`);
  if (tickOf(line).checked) return say("unknown", `이미 표시했어요: ${line.dataset.product}`);
  say("done", tick(line));
});
