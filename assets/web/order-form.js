// The forms of an order. They do their work without it.
//
// data-district="id"        on a postal code: writes its district into that element
// data-address-search="…"   on a button: searches for an address on that page, in a dialog
// data-same, data-same-as   a checkbox, and the fields that then say what others say
// data-conflict="field"     on a choice of values: typing into the field chooses what is typed
// data-refresh              on a form: what changes data-refresh-on, or clicks data-refresh-by, sends
//                           the form and shows its products as they come back
// data-draft="name"         on such a form: an accidental reload does not lose what was typed

const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// ── postal code → district ─────────────────────────────────────────────
const district = async (input) => {
  const told = document.getElementById(input.dataset.district);
  const zip = input.value.replace(/\D/g, "");
  if (zip.length !== 5) { told.textContent = "우편번호를 적으면 지역이 나와요."; return; }
  const answer = await fetch(`/districts/of?zip=${zip}`).catch(() => undefined);
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

const send = async (fields, part) => {
  const answer = await fetch(form.action, { method: "POST", body: fields }).catch(() => undefined);
  if (!answer?.ok) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const [old, fresh] = [document.querySelector(part), page.querySelector(part)];
  if (!fresh) return false;
  const at = document.activeElement?.id;
  old.replaceChildren(...[...fresh.childNodes].map((node) => document.adoptNode(node)));
  prepare();
  document.getElementById(at)?.focus();
  return true;
};

const refresh = async (act) => {
  const fields = typed();
  fields.set("act", act);
  const done = await send(fields, "[data-goods]");
  if (done) keep();
  return done;
};

form?.addEventListener("change", (event) => { if (event.target.matches("[data-refresh-on]")) refresh("show"); });

form?.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-refresh-by]");
  if (!button || form.dataset.plain) return;
  event.preventDefault();
  if (!(await refresh(button.value))) {
    form.dataset.plain = "yes";
    form.requestSubmit(button);
    return;
  }
  const products = all("[data-refresh-on]", form);
  (button.value === "add" ? products.at(-1) : products[0]).focus();
});

// ── what was typed survives a reload, in this tab and until it is sent ──
const draft = form && `draft:${form.dataset.draft}`;

const keep = () => {
  if (!draft) return;
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
  if (await send(fields, "form[data-refresh]")) document.querySelector("[data-draft-told]").hidden = false;
};

document.querySelector("[data-draft-forget]")?.addEventListener("click", () => {
  sessionStorage.removeItem(draft);
  location.assign(location.pathname);
});

all("[data-draft-done]").forEach((place) => sessionStorage.removeItem(`draft:${place.dataset.draftDone}`));

// ── at the beginning, and when a part of the page is new ───────────────
function prepare() {
  all("[data-address-search]").forEach((button) => { button.hidden = false; });
  same();
}

prepare();
if (form && "draftRestore" in form.dataset) restore();
