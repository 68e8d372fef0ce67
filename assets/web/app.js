// What makes the pages quicker to use. Every page does its work without it.
//
// data-search       on an input: `/` goes there
// data-tick-all     on a checkbox in a table head: ticks every .tick of the table
// data-rows         on a table: arrows move between rows, space ticks, enter opens its first link
// data-autosubmit   on a select: choosing sends its form
// data-confirm="…"  on a form or a submit button: asks before it is sent
// data-unsaved      on the form of a list: asks before what was typed in other rows is lost
// data-download     on a form that answers with a file: the page stays, so it may be sent again soon
// data-drop         on a file form: files may be dropped on it, progress is shown
// data-follows="…"  on a select with groups: shows those of the choice in the select of that id
// data-print-now    on a page that was opened to be printed: prints it
// data-menu         on a <details>: closes on escape or a click elsewhere

const typing = (element) => element?.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const search = document.querySelector("[data-search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select?.();
});

// ── ticks ──────────────────────────────────────────────────────────────
const ticks = (table) => [...table.querySelectorAll("tbody .tick input[type=checkbox]:not(:disabled)")];

const count = (table) => {
  const all = ticks(table);
  const ticked = all.filter((tick) => tick.checked).length;
  const head = table.querySelector("[data-tick-all]");
  if (head) {
    head.checked = ticked > 0 && ticked === all.length;
    head.indeterminate = ticked > 0 && ticked < all.length;
  }
  table.closest("form")?.querySelectorAll("[data-ticked]").forEach((place) => { place.textContent = `${ticked}`; });
};

document.addEventListener("change", (event) => {
  const table = event.target.closest("table");
  if (table && event.target.matches("[data-tick-all]")) {
    ticks(table).forEach((tick) => { tick.checked = event.target.checked; });
  }
  if (table && event.target.matches("[type=checkbox]")) count(table);
  if (event.target.matches("select[data-autosubmit]")) event.target.form?.requestSubmit();
});

document.querySelectorAll("[data-tick-all]").forEach((tick) => count(tick.closest("table")));

// ── rows by keyboard: one stop for the tab key, arrows inside ───────────
document.querySelectorAll("table[data-rows]").forEach((table) => {
  const every = [...table.querySelectorAll(table.matches(".pairs") ? "tbody > tr:first-child" : "tbody > tr")];
  if (every[0]) every[0].tabIndex = 0;
  const go = (row) => {
    if (!row) return;
    every.forEach((other) => { other.tabIndex = -1; });
    row.tabIndex = 0;
    row.focus();
  };
  table.addEventListener("keydown", (event) => {
    const row = event.target.closest("tr");
    if (event.target !== row) {
      if (event.key === "Escape" && row) go(every.find((one) => one === row || one.parentElement === row.parentElement));
      return;
    }
    const here = every.indexOf(row);
    const steps = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: every.length - 1 };
    if (event.key in steps) {
      event.preventDefault();
      go(every[steps[event.key]]);
    } else if (event.key === " ") {
      event.preventDefault();
      row.querySelector(".tick input")?.click();
    } else if (event.key === "Enter") {
      row.querySelector("a[href]")?.click();
    }
  });
});

// ── asking first, and sending once ─────────────────────────────────────
const ask = (question) => new Promise((answer) => {
  const dialog = document.createElement("dialog");
  dialog.className = "ask";
  const words = document.createElement("p");
  words.id = "ask-words";
  words.textContent = question;
  dialog.setAttribute("aria-labelledby", "ask-words");
  const acts = document.createElement("form");
  acts.method = "dialog";
  acts.className = "acts";
  for (const [value, label, look] of [["no", "아니요", "btn btn-quiet"], ["yes", "네", "btn btn-primary"]]) {
    const button = document.createElement("button");
    Object.assign(button, { value, textContent: label, className: look });
    acts.append(button);
  }
  dialog.append(words, acts);
  document.body.append(dialog);
  dialog.addEventListener("close", () => { dialog.remove(); answer(dialog.returnValue === "yes"); });
  dialog.showModal();
});

// What was typed into rows that this button does not save.
const unsaved = (form, button) => {
  const saves = !button?.name || button.value === "edit";
  const changed = (field) => (field.matches("select")
    ? [...field.options].some((option) => option.selected !== option.defaultSelected)
    : field.type === "checkbox" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue);
  const rows = [...form.querySelectorAll("table.pairs > tbody, table:not(.pairs) > tbody > tr")];
  const ticked = (row) => row.querySelector(".tick input")?.checked;
  if (!rows.some(ticked)) return 0;
  const typed = (row) => [...row.querySelectorAll("td:not(.tick) :is(input, select, textarea)")].some(changed);
  return rows.filter((row) => typed(row) && !(saves && ticked(row))).length;
};

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method === "dialog") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  const left = "unsaved" in form.dataset ? unsaved(form, event.submitter) : 0;
  const question = event.submitter?.dataset.confirm ?? form.dataset.confirm
    ?? (left > 0 ? `${left}줄에 적은 내용은 저장되지 않아요. 그대로 할까요?` : undefined);
  if (question && !form.dataset.asked) {
    event.preventDefault();
    const submitter = event.submitter;
    if (await ask(question)) {
      form.dataset.asked = "yes";
      form.requestSubmit(submitter);
      delete form.dataset.asked;
    }
    return;
  }
  if (event.defaultPrevented || form.method === "get") return;
  form.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-busy", "true");
  if ("download" in form.dataset) setTimeout(release, 3000);
});

const release = () => {
  document.querySelectorAll("form[data-sent]").forEach((form) => { delete form.dataset.sent; });
  document.querySelectorAll("[aria-busy]").forEach((button) => { button.removeAttribute("aria-busy"); });
};

// Coming back by the browser's history: the form may be sent again.
addEventListener("pageshow", release);

// ── files ──────────────────────────────────────────────────────────────
document.querySelectorAll("form[data-drop]").forEach((form) => {
  const input = form.querySelector("input[type=file]");
  const place = form.querySelector(".drop") ?? form;
  const told = form.querySelector("[data-progress]");
  for (const kind of ["dragenter", "dragover"]) {
    place.addEventListener(kind, (event) => { event.preventDefault(); place.classList.add("over"); });
  }
  for (const kind of ["dragleave", "drop"]) {
    place.addEventListener(kind, (event) => { event.preventDefault(); place.classList.remove("over"); });
  }
  place.addEventListener("drop", (event) => {
    if (!event.dataTransfer?.files.length) return;
    input.files = event.dataTransfer.files;
    form.requestSubmit();
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.dataset.sent || !input.files.length) return;
    form.dataset.sent = "yes";
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.setAttribute("aria-label", "보내는 중");
    told?.replaceChildren(bar);
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.upload.onprogress = (sent) => { if (sent.lengthComputable) bar.value = sent.loaded / sent.total; };
    request.upload.onload = () => {
      bar.removeAttribute("value");
      told?.append(Object.assign(document.createElement("p"), { textContent: "파일을 읽고 있어요…" }));
    };
    const failed = () => {
      delete form.dataset.sent;
      told?.replaceChildren(Object.assign(document.createElement("p"), { textContent: "보내지 못했어요. 연결을 확인하고 다시 해 주세요." }));
    };
    request.onerror = failed;
    request.onload = () => {
      // The answer was a redirect, which was followed; or a page that says what is wrong.
      if (request.responseURL && request.status < 400 && request.responseURL !== form.action) {
        location.assign(request.responseURL);
        return;
      }
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      const main = page.querySelector("main");
      if (!main) { failed(); return; }
      document.title = page.title;
      document.querySelector("main").replaceWith(document.adoptNode(main));
      main.focus();
    };
    request.send(new FormData(form));
  });
});

// ── a choice that narrows another ──────────────────────────────────────
document.querySelectorAll("select[data-follows]").forEach((follower) => {
  const leader = document.getElementById(follower.dataset.follows);
  const groups = [...follower.querySelectorAll("optgroup")];
  const follow = () => {
    const chosen = leader.value;
    groups.forEach((group) => {
      if (chosen && group.dataset.of !== chosen) group.remove();
      else follower.append(group);
    });
    if (follower.selectedIndex < 0) follower.selectedIndex = 0;
  };
  leader?.addEventListener("change", follow);
  if (leader) follow();
});

// ── printing ───────────────────────────────────────────────────────────
if (document.querySelector("[data-print-now]")) {
  const here = new URL(location);
  here.searchParams.delete("print");
  history.replaceState(null, "", here);
  addEventListener("load", () => print());
}

// ── nothing typed is left for the next person ──────────────────────────
if (document.body.classList.contains("signed-out")) sessionStorage.clear();

// ── menus ──────────────────────────────────────────────────────────────
document.addEventListener("click", (event) => {
  document.querySelectorAll("details[data-menu][open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  document.querySelectorAll("details[data-menu][open]").forEach((menu) => { menu.open = false; menu.querySelector("summary").focus(); });
});
