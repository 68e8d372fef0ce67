// The forms of an order. They do their work without it.
//
// data-district="id"        on a postal code: writes its district into that element
// data-address-search="…"   on a button: searches for an address on that page, in a dialog
// data-same, data-same-as   a checkbox, and the fields that then say what others say
// data-scope                on the question whether a change is for the bundle: asked once a field changes that its
//                           orders share
// data-conflict="field"     on a choice of values: typing into the field chooses what is typed
// data-last-courier="…"     around the choice of a courier: the one that the member entered last
// data-refresh              on a form: what changes data-refresh-on, or clicks data-refresh-by, sends
//                           the form and shows its products as they come back
// data-refresh-part="…"     on such a button: the part of the form that comes back instead of the products
// data-draft="name"         on such a form: an accidental reload does not lose what was typed

const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// ── postal code → district ─────────────────────────────────────────────
const district = async (input) => {
  const told = document.getElementById(input.dataset.district);
  const zip = input.value.replace(/\D/g, "");
  if (zip.length !== 5) { told.textContent = "우편번호를 입력하면 지역이 나와요."; return; }
  const answer = await fetch(`${document.documentElement.dataset.base ?? ''}/districts/of?zip=${zip}`).catch(() => undefined);
  if (!answer?.ok || input.value.replace(/\D/g, "") !== zip) return;
  const { name } = await answer.json();
  told.textContent = name ?? "미분류: 모르는 우편번호예요.";
};

document.addEventListener("input", (event) => { if (event.target.matches("[data-district]")) district(event.target); });

// ── the search for an address ──────────────────────────────────────────
const fillIn = (name, value) => {
  const field = document.getElementById(name);
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
};

const hint = (words) => all("[data-address-told]").forEach((place) => { place.textContent = words; });

const search = (button) => {
  const dialog = document.createElement("dialog");
  dialog.className = "address-search";
  dialog.setAttribute("aria-label", "주소 검색");
  const frame = Object.assign(document.createElement("iframe"), { src: button.dataset.addressSearch, title: "주소 검색" });
  const close = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-quiet", textContent: "닫기" });
  close.addEventListener("click", () => dialog.close());
  const hear = ({ source, origin, data }) => {
    if (source !== frame.contentWindow || origin !== location.origin) return;
    dialog.close();
    if (data.unreachable) {
      hint("주소 검색에 연결하지 못했어요. 우편번호와 주소를 직접 입력해 주세요.");
      document.getElementById("recipient_zip_code").focus();
      return;
    }
    hint("");
    fillIn("recipient_zip_code", data.zip);
    fillIn("recipient_address1", data.address);
    document.getElementById("recipient_address2").focus();
  };
  addEventListener("message", hear);
  dialog.addEventListener("close", () => { removeEventListener("message", hear); dialog.remove(); });
  dialog.append(frame, close);
  document.body.append(dialog);
  dialog.showModal();
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-address-search]");
  if (button) search(button);
});

// ── the recipient is the customer ──────────────────────────────────────
const same = () => {
  const ticked = document.querySelector("[data-same]")?.checked;
  all("[data-same-as]").forEach((field) => {
    field.readOnly = Boolean(ticked);
    if (ticked) field.value = document.getElementById(field.dataset.sameAs).value;
  });
};

document.addEventListener("input", same);
document.addEventListener("change", same);

// ── a change of what the orders of a bundle share: for which of them? ──
const scope = document.querySelector("[data-scope]");
const SHARED = "[name^=recipient_], [name=shipping_method], [name=charge_type]";

const isChanged = (field) =>
  field.options ? [...field.options].some((option) => option.selected !== option.defaultSelected) : field.value !== field.defaultValue;

// A form that came back with problems has what was typed as it stands: it may have to ask, and the server knows.
const askScope = () => {
  if (!scope) return;
  const { form } = scope;
  const isRefused = form.querySelector(".is-invalid") !== null;
  const isAsked = all(SHARED, form).some(isChanged);
  scope.hidden = !isAsked && !isRefused;
  all("input", scope).forEach((choice) => { choice.required = isAsked && !isRefused; });
};

document.addEventListener("input", askScope);

// ── two values for one field ───────────────────────────────────────────
document.addEventListener("input", ({ target }) => {
  if (target.closest("[data-conflict]")) return;
  const field = target.name?.startsWith("option_") ? "options" : target.name;
  const mine = document.querySelector(`[data-conflict="${CSS.escape(field ?? "")}"] [value=mine]`);
  if (mine) mine.checked = true;
});

// ── products that come back with their options ─────────────────────────
const form = document.querySelector("form[data-refresh]");

const typed = () => new URLSearchParams(new FormData(form));

// Values of the fields by their ids. Removing a product moves the fields of those after it.
const values = (part) => {
  const fields = all("input[id], select[id], textarea[id]", document.querySelector(part));
  return new Map(fields.map(({ id, value }) => [id, value]));
};

const moved = (id, removed) => {
  const [, field, index, rest] = id.match(/^([a-z_]+)-(\d+)(.*)$/) ?? [];
  if (index === undefined || Number(index) < removed) return id;
  return Number(index) === removed ? undefined : `${field}-${index - 1}${rest}`;
};

const hasValue = (field, value) => !field.options || [...field.options].some((option) => option.value === value);

// Sends the form and shows the part that comes back. What was typed meanwhile is newer and stays.
const send = async (fields, part, removed = Infinity) => {
  const before = values(part);
  let answer, page;
  try {
    answer = await fetch(form.action, { method: "POST", body: fields, signal: AbortSignal.timeout(30_000) });
    page = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch { return false; }
  const fresh = page && page.querySelector(part);
  if (!fresh) return false;
  const newer = [...values(part)].filter(([id, value]) => before.has(id) && before.get(id) !== value);
  const at = moved(document.activeElement?.id ?? "", removed);
  document.querySelector(part).replaceChildren(...[...fresh.childNodes].map((node) => document.adoptNode(node)));
  newer.forEach(([id, value]) => {
    const field = document.getElementById(moved(id, removed));
    if (field && hasValue(field, value)) field.value = value;
  });
  prepare();
  document.getElementById(at)?.focus();
  return true;
};

// One request at a time: the answer to an older one does not replace that to a newer one, and the form is not saved
// before the last is there.
let requests = 0;
let last = Promise.resolve();

const inTurn = (act) => {
  requests += 1;
  const done = last.then(act).finally(() => { requests -= 1; });
  last = done.catch(() => {});
  return done;
};

const refresh = (act, part = "[data-goods]") => inTurn(async () => {
  const fields = typed();
  fields.set("act", act);
  const removed = act.startsWith("remove-") ? Number(act.slice("remove-".length)) : undefined;
  const done = await send(fields, part, removed);
  if (done) keep();
  return done;
});

form?.addEventListener("change", (event) => { if (event.target.matches("[data-refresh-on]")) refresh("show"); });

// The button may have been replaced by the same one of a newer page.
const submitBy = ({ name, value } = {}) => {
  form.requestSubmit(all("[type=submit]", form).find((button) => button.name === name && button.value === value));
};

let pressed = false;

form?.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-refresh-by]");
  if (!button || form.dataset.plain) return;
  event.preventDefault();
  // A second click meanwhile would remove another product.
  if (pressed) return;
  pressed = true;
  const part = button.dataset.refreshPart;
  const done = await refresh(button.value, part);
  pressed = false;
  if (!done) {
    form.dataset.plain = "yes";
    submitBy(button);
    return;
  }
  if (part) return;
  const products = all("[data-refresh-on]", form);
  (button.value === "add" ? products.at(-1) : products[0]).focus();
});

form?.addEventListener("submit", async (event) => {
  if (requests === 0) return;
  event.preventDefault();
  if (form.dataset.waiting) return;
  form.dataset.waiting = "yes";
  const button = event.submitter ?? undefined;
  button?.setAttribute("aria-busy", "true");
  while (requests > 0) await last;
  delete form.dataset.waiting;
  submitBy(button);
});

// ── what was typed survives a reload, in this tab and until it is sent ──
const draft = form && `draft:${form.dataset.draft}`;
// while the form does not have what the draft has
let paused = false;

// The draft knows more than what the browser itself restores, which is not the options.
if (form) form.autocomplete = "off";

const keep = () => {
  if (!draft || paused) return;
  const fields = typed();
  fields.delete("csrf");
  sessionStorage.setItem(draft, fields);
};

form?.addEventListener("input", keep);

const restore = async () => {
  const kept = sessionStorage.getItem(draft);
  if (!kept) return;
  const fields = new URLSearchParams(kept);
  fields.set("csrf", typed().get("csrf"));
  fields.set("act", "show");
  paused = true;
  const done = await inTurn(() => send(fields, "form[data-refresh]"));
  paused = false;
  if (!done) return;
  keep();
  document.querySelector("[data-draft-told]").hidden = false;
};

document.querySelector("[data-draft-forget]")?.addEventListener("click", () => {
  paused = true;
  sessionStorage.removeItem(draft);
  location.assign(location.pathname);
});

all("[data-draft-done]").forEach((place) => sessionStorage.removeItem(`draft:${place.dataset.draftDone}`));

// ── at the beginning, and when a part of the page is new ───────────────
function prepare() {
  all("[data-address-search]").forEach((button) => { button.hidden = false; });
  same();
  askScope();
}

prepare();
if (form && "draftRestore" in form.dataset) restore();

// ── the courier of a typed tracking number: the one that was entered last ──
document.addEventListener("input", (event) => {
  if (!event.target.matches("#tracking_number")) return;
  const choice = document.querySelector("[data-last-courier]");
  const select = choice?.querySelector("select");
  if (select && !select.value && choice.dataset.lastCourier) select.value = choice.dataset.lastCourier;
});
