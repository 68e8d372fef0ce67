// Keys of every page: Ctrl+K searches everything, `?` lists the keys. Without this script the search is a page of its own.
//
// data-find         on the link to that page: opens the search over the present page
// data-window       on a link: opens in one window that is used again, beside the list

const typing = (element) => element?.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");

const dialog = (name, label) => {
  const box = document.createElement("dialog");
  box.className = `ask ${name}`;
  box.setAttribute("aria-label", label);
  box.addEventListener("close", () => box.remove());
  box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
  document.body.append(box);
  return box;
};

const link = document.querySelector("[data-find]");

const find = () => {
  if (document.querySelector("dialog[open]")) return;
  const box = dialog("find", "모두 찾기");
  const form = Object.assign(document.createElement("form"), { method: "get", action: link.href });
  const field = Object.assign(document.createElement("input"), { type: "search", name: "q", className: "form-control", required: true, placeholder: "이름, 전화번호 뒷자리, 주소, 주문번호, 송장번호, 상품" });
  field.setAttribute("aria-label", "모두 찾기");
  const button = Object.assign(document.createElement("button"), { className: "btn btn-primary", textContent: "찾기" });
  form.setAttribute("role", "search");
  form.append(field, button);
  box.append(form);
  box.showModal();
  field.focus();
};

const KEYS = [
  ["Ctrl + K", "어디서나 모두 찾기"],
  ["/", "이 목록에서 찾기"],
  ["?", "단축키 보기"],
  ["↑ ↓ Home End", "목록에서 줄 옮기기"],
  ["Space", "줄 선택, Shift와 함께는 여러 줄"],
  ["Enter", "줄의 화면 열기"],
  ["e 또는 F2", "주문 줄의 칸 모두 열기"],
  ["m", "주문 줄의 메모 쓰기"],
  ["Esc", "칸에서 줄로 돌아가기, 메뉴 닫기"],
  ["Ctrl + Enter", "선택한 줄로 할 일로 가기"],
];

const help = () => {
  if (document.querySelector("dialog[open]")) return;
  const box = dialog("keys", "단축키");
  const title = Object.assign(document.createElement("h2"), { textContent: "단축키" });
  const list = document.createElement("dl");
  for (const [keys, act] of KEYS) {
    list.append(Object.assign(document.createElement("dt"), { textContent: keys }), Object.assign(document.createElement("dd"), { textContent: act }));
  }
  const form = Object.assign(document.createElement("form"), { method: "dialog", className: "acts" });
  form.append(Object.assign(document.createElement("button"), { className: "btn btn-quiet", textContent: "닫기" }));
  box.append(title, list, form);
  box.showModal();
};

document.addEventListener("keydown", (event) => {
  if (link && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    find();
  } else if (event.key === "?" && link && !event.ctrlKey && !event.metaKey && !event.altKey && !typing(event.target)) {
    event.preventDefault();
    help();
  }
});
link?.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  find();
});

// A slip beside the list: one window, which shows the next slip too.
document.addEventListener("click", (event) => {
  const slip = event.target.closest("a[data-window]");
  if (!slip || event.ctrlKey || event.metaKey || event.shiftKey || matchMedia("(max-width: 63.99rem)").matches) return;
  const opened = open(slip.href, slip.dataset.window, "width=800,height=960");
  if (!opened) return;
  event.preventDefault();
  opened.focus();
});
