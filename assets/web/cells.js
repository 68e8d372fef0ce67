// The order list: texts become fields on a click or a key. Without this script the rows show all their fields at `edit=1`.
//
// data-edit="…"     on a cell or a memo: it becomes the field of the <template data-field="…">
// Keys on a row:    e or F2 opens the whole row, m its memos

const form = document.querySelector("form.order-list");
const templates = Object.fromEntries([...document.querySelectorAll("template[data-field]")].map((one) => [one.dataset.field, one]));
const MEMOS = ["purchase_memo", "shipping_memo", "admin_memo"];

const opened = (place) => place.querySelector("input:not([type=hidden]):not(.courier-other), textarea, select");

// The courier beside a tracking number: that of the order, or the one that the member entered last.
const courierField = (place, id, number) => {
  const offered = form.querySelector(".set-form .courier-choice");
  const choice = offered.cloneNode(true);
  const [select, other] = choice.children;
  select.name = `courier-${id}`;
  other.name = `courier_other-${id}`;
  for (const field of [select, other]) field.setAttribute("aria-label", `${number} ${field.getAttribute("aria-label")}`);
  const courier = place.dataset.courier || offered.dataset.lastCourier;
  if (courier) {
    if (![...select.options].some((option) => option.value === courier)) select.add(new Option(courier, courier), 1);
    [...select.options].forEach((option) => { option.defaultSelected = option.value === courier; });
    select.value = courier;
  }
  return choice;
};

// Turns the text of a cell into its field.
const openField = (place) => {
  if (opened(place)) return opened(place);
  const { edit } = place.dataset;
  const body = place.closest("tbody");
  const { version = "0" } = body.dataset;
  const id = body.querySelector("td.tick input").value;
  const number = body.querySelector("td.nowrap a")?.textContent ?? "";
  const field = templates[edit].content.firstElementChild.cloneNode(true);
  const text = place.querySelector("span");
  const state = edit === "state" && [...text.classList].find((name) => name !== "state").toUpperCase();
  const value = MEMOS.includes(edit) ? text?.textContent ?? "" : state || (place.dataset.value ?? "");
  field.name = `${edit}-${id}`;
  field.setAttribute("aria-label", `${number} ${field.getAttribute("aria-label")}`);
  if (field.matches("select")) {
    field.classList.add(value.toLowerCase());
    [...field.options].forEach((option) => { option.defaultSelected = option.value === value; });
    field.value = value;
  } else {
    field.defaultValue = value;
  }
  if (!body.querySelector(`[name="version-${id}"]`)) {
    const hidden = Object.assign(document.createElement("input"), { type: "hidden", name: `version-${id}` });
    hidden.setAttribute("value", version);
    body.querySelector("td.tick").append(hidden);
  }
  if (MEMOS.includes(edit) || edit === "state" || edit === "tracking_number") {
    if (text && !text.matches(".method, .claim")) text.replaceWith(field);
    else place.prepend(...[place.querySelector("b"), field].filter(Boolean));
  } else {
    place.replaceChildren(field);
  }
  if (edit === "tracking_number") field.after(courierField(place, id, number));
  return field;
};

// The memos of a row: those without text get an empty field.
const openMemos = (body) => {
  let row = body.querySelector("tr.memos");
  if (!row) {
    row = document.createElement("tr");
    row.className = "memos";
    const cell = document.createElement("td");
    cell.colSpan = body.querySelector("tr").cells.length;
    row.append(cell);
    body.append(row);
  }
  for (const name of MEMOS) {
    if (row.querySelector(`[data-edit="${name}"]`)) continue;
    const memo = document.createElement("div");
    memo.className = "memo";
    memo.dataset.edit = name;
    memo.append(Object.assign(document.createElement("b"), { textContent: templates[name].dataset.name }));
    row.cells[0].append(memo);
  }
  return MEMOS.map((name) => openField(row.querySelector(`[data-edit="${name}"]`)));
};

const open = (field) => {
  field.focus();
  field.select?.();
  if (field.type === "date") { try { field.showPicker(); } catch { /* the date is typed */ } }
};

if (form) {
  document.querySelectorAll("tbody.order").forEach((body) => {
    const add = Object.assign(document.createElement("button"), { type: "button", className: "memo-add", textContent: "메모", tabIndex: -1 });
    add.setAttribute("aria-label", `${body.querySelector("td.nowrap a")?.textContent ?? ""} 메모 쓰기`);
    (body.querySelector("td.product") ?? body.querySelector("td.nowrap"))?.append(add);
  });
  form.addEventListener("click", (event) => {
    if (event.target.matches(".memo-add")) {
      openMemos(event.target.closest("tbody"))[0].focus();
      return;
    }
    const place = event.target.closest("[data-edit]");
    if (!place || event.shiftKey || opened(place) || event.target.closest("a, button, label") || getSelection()?.toString()) return;
    event.stopPropagation();
    open(openField(place));
  });
  form.addEventListener("keydown", (event) => {
    const row = event.target;
    if (!row.matches("tbody.order > tr") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "e" || event.key === "F2") {
      event.preventDefault();
      const fields = [...row.querySelectorAll("[data-edit]")].map(openField);
      openMemos(row.parentElement);
      fields[0]?.focus();
    } else if (event.key === "m") {
      event.preventDefault();
      openMemos(row.parentElement)[0].focus();
    }
  });
}
