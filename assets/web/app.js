// What makes the pages quicker to use. Every page does its work without it. rows.js has the rows of lists.
//
// data-search       on an input: `/` goes there
// data-autosubmit   on a select or a checkbox: choosing sends its form; the arrow keys go through the options first. On a menu
//                   of checkboxes: closing it with another choice does
// data-confirm="…"  on a form or a submit button: asks before it is sent
// data-unguarded    on a form that is sent, or inside: what was typed in it may be lost without a question
// data-part         around fields of a form with a button of their own: other buttons do not save them
// data-unsaved      on the form of a list: its buttons save the ticked rows only
// data-typed        on a row of it: shows what was typed and refused
// data-saves        on a button of it that saves the ticked rows too; its text while they have something typed
// data-file         on a button that answers with a file: the page stays
// data-drop-now     on a file form: is sent as soon as a file is chosen
// data-download     on a form that answers with a file: the page stays, so it may be sent again soon
// data-drop         on a file form: files may be dropped on it, progress is shown
// data-follows="…"  on a select with groups: shows those of the choice in the select of that id
// data-print-now    on a page that was opened to be printed: prints it
// data-print        on a button that prints the page; without JavaScript it is hidden, as the browser can print
// data-poll         on what shows the progress of work: the page is asked again until the work has ended
// data-menu         on a <details>: closes on escape or a click elsewhere

// Tabs that do not fit are scrolled sideways: the one that is open is in sight.
const openTab = document.querySelector(".tabs [aria-current]");
if (openTab) {
  const [tab, tabs] = [openTab, openTab.closest(".tabs")].map((element) => element.getBoundingClientRect());
  openTab.closest(".tabs").scrollLeft += tab.left - tabs.left - (tabs.width - tab.width) / 2;
}

// Numbers copied from a sheet have line breaks, which a field of one line would drop.
document.addEventListener("paste", (event) => {
  if (!event.target.matches?.("[data-search]")) return;
  const text = event.clipboardData?.getData("text") ?? "";
  if (!/\S[\r\n\t]+\S/.test(text)) return;
  event.preventDefault();
  const field = event.target;
  field.setRangeText(text.trim().split(/\s+/).join(" "), field.selectionStart, field.selectionEnd, "end");
});

// A message is said once, and its address is not kept: a bookmark would name a message that is gone.
const address = new URL(location.href);
if (address.searchParams.has("done")) {
  address.searchParams.delete("done");
  history.replaceState(history.state, "", address);
}

// A question answers a sent form: the way back would make the browser offer to send it again.
const asked = document.querySelector("[data-here]");
if (asked) history.replaceState(history.state, "", asked.dataset.here);

// A refused form: the server has named it in the title and listed the fields; the first one has the focus.
const focusWrong = () => {
  const wrong = [...document.querySelectorAll("main [aria-invalid=true], main fieldset.is-invalid input")].find((field) => field.offsetParent);
  wrong?.focus();
  return Boolean(wrong);
};
focusWrong();
document.addEventListener("click", (event) => {
  const link = event.target.closest(".wrong-fields a");
  if (!link) return;
  event.preventDefault();
  document.getElementById(link.hash.slice(1))?.focus();
});

const typing = (element) => element?.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const search = document.querySelector("[data-search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select?.();
});

// The arrow keys change a closed select with every press.
let pressed;
document.addEventListener("keydown", (event) => { pressed = event.target; });
document.addEventListener("pointerdown", () => { pressed = undefined; });
document.addEventListener("change", (event) => {
  const isChosen = event.target.matches("select[data-autosubmit]") ? pressed !== event.target : event.target.matches("input[data-autosubmit]");
  if (isChosen) event.target.form?.requestSubmit();
});
document.addEventListener("toggle", ({ target: menu }) => {
  if (menu.open || !menu.matches("details[data-autosubmit]")) return;
  const boxes = [...menu.querySelectorAll("[type=checkbox]")];
  const form = boxes[0]?.form;
  // The press that closed it may have been on the form's own button.
  if (boxes.some((box) => box.checked !== box.defaultChecked) && !("searching" in form.dataset)) form.requestSubmit();
}, true);
document.addEventListener("submit", ({ target: form }) => { if (!isPost(form)) form.dataset.searching = ""; });
addEventListener("pageshow", () => document.querySelectorAll("[data-searching]").forEach((form) => { delete form.dataset.searching; }));

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

// The options that a page was sent with: without a marked one, a browser takes the first.
const marked = (select) => {
  const found = [...select.options].filter((option) => option.defaultSelected);
  return found.length || select.multiple ? found : [...select.options].slice(0, 1);
};

const changed = (field) => (field.matches("select")
  ? [...field.options].some((option) => option.selected !== marked(field).includes(option))
  : ["checkbox", "radio"].includes(field.type) ? field.checked !== field.defaultChecked : field.value !== field.defaultValue);

// A form may have fields named "method" and "action".
const isPost = (form) => /^post$/i.test(form.getAttribute("method") ?? "");

// Whether the answer is a file, so that the page stays.
const asksFile = (form, button) => "download" in form.dataset || "file" in (button?.dataset ?? {});

// What is typed or chosen in a form; ticks choose rows only.
const inputs = (form) => [...form.elements].filter((field) => field.matches("input:not([type=hidden], [type=password], [type=file]), select, textarea")
  && !field.closest(".tick, [data-all-found], [data-tick-all], [name=tick]"));

// Whether something may be typed into a form that would be lost.
const isGuarded = (form) => isPost(form) && !form.matches("[data-unguarded], [data-download], [data-drop]")
  && inputs(form).some((field) => !field.matches("select, [type=checkbox], [type=radio]"));

// Whether a form has something that is not saved: typed here, or before an answer that refused it.
const hasTyped = (form) => isGuarded(form) && (form.querySelector("[data-typed], [aria-invalid=true]") !== null || keepsDraft(form)
  || inputs(form).some(changed));

// What is typed into such a form survives a reload and a way round, but not the end of the session.
const keepsDraft = (form) => "draft" in form.dataset && sessionStorage.getItem(`draft:${form.dataset.draft}`) !== null;

// Whether a row has values that were not saved.
const typed = (row) => "typed" in row.dataset || [...row.querySelectorAll("td:not(.tick) :is(input, select, textarea)")].some(changed);

// The number of rows with something typed that this button does not save.
const unsavedRows = (form, button) => {
  const saves = !asksFile(form, button) && (!button?.name || button.value === "edit" || "saves" in button.dataset);
  const rows = [...form.querySelectorAll("table.pairs > tbody, table:not(.pairs) > tbody > tr")];
  const ticked = (row) => row.querySelector(".tick input")?.checked;
  if (!rows.some(ticked)) return 0;
  return rows.filter((row) => typed(row) && !(saves && ticked(row))).length;
};

// Whether a part of the form that has a button of its own has something typed that this button does not save.
const hasUnsavedPart = (form, button) => [...form.querySelectorAll("[data-part]")].some((part) => inputs(form).some((field) => part.contains(field) && changed(field))
  && ![...part.querySelectorAll("button")].some((own) => own.name === button?.name && own.value === button?.value));

const otherTyped = (form) => [...document.forms].some((other) => other !== form && hasTyped(other));

// What to ask before something typed is lost.
const lossOf = (form, button) => {
  const rows = "unsaved" in form.dataset ? unsavedRows(form, button) : 0;
  if (asksFile(form, button)) return rows > 0 ? `${rows}줄에 입력한 내용은 아직 저장하지 않아서 파일에 없어요. 그대로 받을까요?` : "";
  if (rows > 0) return `${rows}줄에 입력한 내용은 저장되지 않아요. 그대로 할까요?`;
  return hasUnsavedPart(form, button) || otherTyped(form) ? "저장하지 않은 내용이 있어요. 저장하지 않고 그대로 할까요?" : "";
};

// While a form is on its way, leaving the page loses nothing.
let leaves = false;

document.addEventListener("submit", async (event) => {
  const [form, submitter] = [event.target, event.submitter];
  if (!isPost(form)) return;
  if (form.dataset.sent || submitter?.ariaBusy === "true") { event.preventDefault(); return; }
  const question = [lossOf(form, submitter), submitter?.dataset.confirm ?? form.dataset.confirm].filter(Boolean).join(" ");
  if (question && !form.dataset.asked) {
    event.preventDefault();
    if (await ask(question)) {
      form.dataset.asked = "yes";
      form.requestSubmit(submitter);
      delete form.dataset.asked;
    }
    return;
  }
  if (event.defaultPrevented) return;
  submitter?.setAttribute("aria-busy", "true");
  form.removeAttribute("target");
  if (!asksFile(form, submitter)) {
    form.dataset.sent = "yes";
    leaves = true;
    return;
  }
  // Instead of the file, a question may come: it opens beside the page where something is typed.
  if ([...document.forms].some(hasTyped)) form.target = "_blank";
  if (submitter) awaitFile(submitter);
});

// The pressed button of a file says that it is being made until the answer begins, which takes the cookie away.
const said = new Map();
const awaitFile = async (button) => {
  said.set(button, [...button.childNodes]);
  button.replaceChildren("만드는 중…");
  document.cookie = "download=1; path=/; max-age=600; samesite=strict";
  do await new Promise((resolve) => { setTimeout(resolve, 1000); });
  while (/(?:^|; )download=/.test(document.cookie));
  free(button);
  // What opened beside the page says there what it is.
  if (button.form?.target !== "_blank") tellFile(button);
};

const tellFile = (button) => {
  // What the page had asked for is answered.
  document.querySelectorAll("[data-asked]").forEach((asked) => asked.remove());
  document.querySelectorAll("[data-file-told]").forEach((told) => told.remove());
  const told = Object.assign(document.createElement("p"), { className: "file-told", textContent: "내려받기를 시작했어요. 브라우저의 다운로드 목록에서 확인해 주세요." });
  told.dataset.fileTold = "";
  told.setAttribute("role", "status");
  (button.closest(".acts, .acts-bar, .outcome-acts") ?? button.form ?? button).append(told);
};

const free = (button) => {
  button.removeAttribute("aria-busy");
  if (said.has(button)) button.replaceChildren(...said.get(button));
  said.delete(button);
};

addEventListener("beforeunload", (event) => {
  if (!leaves && [...document.forms].some((form) => !keepsDraft(form) && hasTyped(form))) event.preventDefault();
});

// A button that saves says so while the rows that it is for have something typed.
const nameSaving = (form) => {
  const rows = [...form.querySelectorAll("table.pairs > tbody")];
  const saves = rows.some((row) => row.querySelector(".tick input")?.checked && typed(row));
  form.querySelectorAll("button[data-plain]").forEach((button) => { button.textContent = saves ? button.dataset.saves : button.dataset.plain; });
};
document.querySelectorAll("form[data-unsaved]").forEach((form) => {
  if (!form.querySelector("button[data-plain]")) return;
  for (const kind of ["input", "change", "click"]) form.addEventListener(kind, () => setTimeout(nameSaving, 0, form));
  nameSaving(form);
});

const release = () => {
  leaves = false;
  document.querySelectorAll("form[data-sent]").forEach((form) => { delete form.dataset.sent; });
  document.querySelectorAll("[aria-busy]").forEach(free);
};

// Coming back by the browser's history: the form may be sent again.
addEventListener("pageshow", release);
// So may one that another script has refused.
document.addEventListener("submit-refused", release);

// ── files ──────────────────────────────────────────────────────────────
const acceptFiles = (form) => {
  const input = form.querySelector("input[type=file]");
  const place = form.querySelector(".drop") ?? form;
  const told = form.querySelector("[data-progress]");
  // Files may be dropped anywhere on the page, also after an answer has replaced its content.
  const isOld = () => !form.isConnected;
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  for (const kind of ["dragenter", "dragover"]) {
    addEventListener(kind, (event) => {
      if (isOld() || !hasFiles(event)) return;
      event.preventDefault();
      place.classList.add("over");
    });
  }
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) place.classList.remove("over"); });
  addEventListener("drop", (event) => {
    if (isOld() || !hasFiles(event)) return;
    event.preventDefault();
    place.classList.remove("over");
    input.files = event.dataTransfer.files;
    form.requestSubmit();
  });
  // Reading begins when a file is chosen, unless the form asks for more.
  if ("dropNow" in form.dataset) {
    form.querySelector("button[type=submit]").hidden = true;
    input.addEventListener("change", () => { if (input.files.length) form.requestSubmit(); });
  }

  // The login has run out: the chosen files stay on this page until they are sent after another login.
  const offerLogin = () => {
    delete form.dataset.sent;
    const box = document.createElement("div");
    box.className = "login-ran-out";
    box.setAttribute("role", "alert");
    box.append(Object.assign(document.createElement("p"), { textContent: `로그인이 끝나서 아직 보내지 못했어요. 선택한 파일 ${input.files.length}개는 이 화면에 그대로 있어요. 새 창에서 로그인한 다음 다시 보내 주세요.` }));
    const login = Object.assign(document.createElement("a"), { className: "btn btn-primary btn-sm", href: `${document.documentElement.dataset.base ?? ""}/login`, target: "_blank", textContent: "새 창에서 로그인" });
    const again = Object.assign(document.createElement("button"), { className: "btn btn-quiet btn-sm", type: "button", textContent: "다시 보내기" });
    again.addEventListener("click", () => renew());
    const acts = Object.assign(document.createElement("p"), { className: "acts" });
    acts.append(login, " ", again);
    box.append(acts);
    told?.replaceChildren(box);
    login.focus();
  };
  // Another login has another token; with it the form is sent again.
  const renew = async () => {
    const answer = await fetch(location.href).catch(() => undefined);
    if (!answer?.ok || isLogin(answer.url)) { offerLogin(); return; }
    const token = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("input[name=csrf]")?.value;
    if (!token) { offerLogin(); return; }
    document.querySelectorAll("input[name=csrf]").forEach((field) => { field.value = token; });
    delete form.dataset.sent;
    form.dataset.renewed = "yes";
    form.requestSubmit();
  };
  const isLogin = (url) => new URL(url).pathname.endsWith("/login");

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
    // The page is opened once more below: what it says is not said here.
    request.setRequestHeader("X-Fetched", "1");
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
      if (request.responseURL && isLogin(request.responseURL)) { offerLogin(); return; }
      if (request.status === 403 && !form.dataset.renewed) { renew(); return; }
      delete form.dataset.renewed;
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
      document.querySelectorAll("form[data-drop]").forEach(acceptFiles);
      if (!focusWrong()) main.focus();
    };
    request.send(new FormData(form));
  });
};
document.querySelectorAll("form[data-drop]").forEach(acceptFiles);

// ── work in the background ─────────────────────────────────────────────
const poll = async () => {
  const shown = document.querySelector("[data-poll]");
  if (!shown) return;
  await new Promise((resolve) => { setTimeout(resolve, 1000); });
  const answer = await fetch(location.href).catch(() => undefined);
  const page = answer?.ok && !answer.redirected && new DOMParser().parseFromString(await answer.text(), "text/html");
  const main = page ? page.querySelector("main") : null;
  if (!answer || answer.status >= 500) {
    // The server may be restarting; what is shown stays.
  } else if (!main?.querySelector("[data-poll]")) {
    location.reload();
    return;
  } else {
    document.querySelector("main").replaceWith(document.adoptNode(main));
  }
  poll();
};
poll();

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
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// ── nothing typed is left for the next person ──────────────────────────
if (document.body.classList.contains("signed-out")) sessionStorage.clear();

// ── menus ──────────────────────────────────────────────────────────────
document.addEventListener("click", (event) => {
  if (event.target.closest("dialog")) return;
  document.querySelectorAll("details[data-menu][open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  document.querySelectorAll("details[data-menu][open]").forEach((menu) => { menu.open = false; menu.querySelector("summary").focus(); });
});
