// The rows of lists: ticks, ranges, the keyboard, and what the chosen rows may become.
//
// data-tick-all     on a checkbox in a table head: ticks every .tick of the table
// data-all-found    on the label that chooses everything found: ticks the whole page too
// data-rows         on a table: arrows move between rows, space ticks, shift extends, enter opens its first link,
//                   escape leaves a field, Ctrl+Enter goes to the actions
// data-acts="주문"   on the bar of actions: says so when nothing is chosen, instead of sending the form

const ticks = (table) => [...table.querySelectorAll("tbody .tick input[type=checkbox]:not(:disabled)")];
const all = (form) => form?.querySelector("[data-all-found] input");

const count = (table) => {
  const form = table.closest("form");
  const every = ticks(table);
  const ticked = every.filter((tick) => tick.checked).length;
  const head = table.querySelector("[data-tick-all]");
  if (head) {
    head.checked = ticked > 0 && ticked === every.length;
    head.indeterminate = ticked > 0 && ticked < every.length;
  }
  const found = all(form);
  if (found && ticked < every.length) found.checked = false;
  const shown = found?.checked ? found.dataset.count : `${ticked}`;
  form?.querySelectorAll("[data-ticked]").forEach((place) => { place.textContent = shown; });
  form?.querySelector("[data-acts] .nothing")?.remove();
};

// A press with nothing chosen is answered at once.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-acts] button[type=submit]");
  const form = button?.form;
  const table = form?.querySelector("table[data-rows]");
  if (!table || all(form)?.checked || ticks(table).some((tick) => tick.checked)) return;
  event.preventDefault();
  const bar = button.closest("[data-acts]");
  bar.querySelector(".nothing")?.remove();
  const told = document.createElement("p");
  told.className = "nothing";
  told.setAttribute("role", "status");
  told.textContent = `선택한 ${bar.dataset.acts}이 없어요. 먼저 선택해 주세요.`;
  bar.prepend(told);
});

// The tick at which a range began.
let anchor;

const range = (table, from, to, on) => {
  const every = ticks(table);
  const [first, last] = [every.indexOf(from), every.indexOf(to)].sort((a, b) => a - b);
  if (first < 0) return;
  every.slice(first, last + 1).forEach((tick) => { tick.checked = on; });
};

// The rows of a table; of a pair of lines the first.
const rowsOf = (table) => [...table.querySelectorAll(table.matches(".pairs") ? "tbody > tr:first-child" : "tbody > tr")];
const rowOf = (place) => {
  const row = place?.closest("table[data-rows] > tbody > tr");
  return row?.closest("table.pairs") ? row.parentElement.rows[0] : row;
};

const tickOf = (row) => (row?.closest("table.pairs") ? row.closest("tbody") : row)?.querySelector(".tick input");

document.addEventListener("click", (event) => {
  const table = event.target.closest("table[data-rows]");
  if (!table) return;
  const cell = event.target.closest("td");
  const own = event.target.closest("a, button, input, select, textarea, label, summary");
  const tick = own?.matches(".tick input") ? own : tickOf(event.target.closest("tbody tr"));
  if (!tick || !cell) return;
  // A click on the row ticks it, unless it selected text or hit something of its own.
  if (!own) {
    if (getSelection()?.toString()) return;
    tick.checked = !tick.checked;
  } else if (own !== tick) return;
  if (event.shiftKey && anchor?.isConnected) range(table, anchor, tick, tick.checked);
  anchor = tick;
  count(table);
});
// Shift and a click would select the text between.
document.addEventListener("mousedown", (event) => {
  if (event.shiftKey && event.target.closest("table[data-rows] tbody") && !event.target.closest("input:not([type=checkbox]), textarea")) event.preventDefault();
});

document.addEventListener("change", (event) => {
  const table = event.target.closest("table") ?? event.target.closest("form")?.querySelector("table[data-rows]");
  if (!table) return;
  if (event.target.matches("[data-tick-all], [data-all-found] input")) {
    ticks(table).forEach((tick) => { tick.checked = event.target.checked; });
  }
  if (event.target.matches("[type=checkbox]")) count(table);
});

// A row that is edited is chosen by itself.
document.addEventListener("input", (event) => {
  const row = event.target.closest("form[data-unsaved] table[data-rows] tbody tr");
  const tick = row && !event.target.matches(".tick input") && tickOf(row);
  if (!tick || tick.checked) return;
  tick.checked = true;
  count(row.closest("table"));
});

document.querySelectorAll("table[data-rows]").forEach((table) => {
  if (table.querySelector(".tick")) count(table);
  // One stop for the tab key, arrows inside; a click on a row lets the arrows go on from there.
  const every = rowsOf(table);
  every.forEach((row, index) => { row.tabIndex = index ? -1 : 0; });
  const go = (row) => {
    if (!row) return;
    every.forEach((other) => { other.tabIndex = -1; });
    row.tabIndex = 0;
    row.focus();
  };
  table.addEventListener("keydown", (event) => {
    const row = event.target.closest("tr");
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      table.closest("form")?.querySelector(".acts-bar button")?.focus();
      return;
    }
    if (event.target !== row) {
      if (event.key === "Escape" && row) go(every.find((one) => one === row || one.parentElement === row.parentElement));
      return;
    }
    const here = every.indexOf(row);
    const steps = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: every.length - 1 };
    if (event.key in steps) {
      event.preventDefault();
      const next = every[steps[event.key]];
      if (event.shiftKey && next && tickOf(row)) {
        if (!tickOf(row).checked) anchor = tickOf(row);
        anchor ??= tickOf(row);
        range(table, anchor, tickOf(next), true);
        count(table);
      }
      go(next);
    } else if (event.key === " ") {
      event.preventDefault();
      tickOf(row)?.click();
    } else if (event.key === "Enter") {
      row.querySelector("a[href]")?.click();
    }
  });
});

// The number of rows a page is remembered in this browser, for links that do not name it.
const SIZE = "rows";
document.addEventListener("click", (event) => {
  const size = event.target.closest(".sizes a") && new URL(event.target.closest(".sizes a").href).searchParams.get("size");
  if (size) localStorage.setItem(SIZE, size);
});
const size = localStorage.getItem(SIZE);
if (/^(5|10|25|50)$/.test(size ?? "")) {
  const lists = ["/orders", "/deliveries"].map((path) => `${document.documentElement.dataset.base ?? ""}${path}`);
  document.querySelectorAll(lists.map((path) => `a[href='${path}'], a[href^='${path}?']`).join()).forEach((link) => {
    const url = new URL(link.href);
    if (link.closest(".sizes, .page-bar") || url.searchParams.has("size")) return;
    url.searchParams.set("size", size);
    link.href = url;
  });
}

// The head of a table stays in view: in the page where the table fits, else in a box that scrolls both ways.
const fit = (wrap) => {
  const { scrollTop } = wrap;
  wrap.classList.remove("fits", "scrolls");
  wrap.classList.add(wrap.scrollWidth <= wrap.clientWidth ? "fits" : "scrolls");
  wrap.scrollTop = scrollTop;
};
const sizes = new ResizeObserver((entries) => entries.forEach((entry) => fit(entry.target)));
document.querySelectorAll(".table-wrap").forEach((wrap) => { fit(wrap); sizes.observe(wrap); });

// The way back to a list keeps its filter, its page and the place: the row that was left is where it was.
const kept = new URLSearchParams(location.search);
kept.delete("done");
const here = kept.size ? `${location.pathname}?${kept}` : location.pathname;
// A list has one place, whether or not its URL names what is the rule.
const placeOf = (list) => {
  const url = new URL(list, location);
  const named = [...url.searchParams].filter(([name, value]) => value && !["done", "size"].includes(name) && (name !== "page" || value !== "1"));
  return `place:${url.pathname}?${new URLSearchParams(named.sort())}`;
};
const listed = document.querySelector("table[data-rows]");
const keyOf = (row) => tickOf(row)?.value ?? row.querySelector("a[href]")?.href;

const leave = (row) => {
  const place = { row: keyOf(row), index: rowsOf(row.closest("table")).indexOf(row), top: row.getBoundingClientRect().top, page: scrollY, box: row.closest(".table-wrap")?.scrollTop };
  sessionStorage.setItem(placeOf(here), JSON.stringify(place));
};

const comeBack = () => {
  const place = JSON.parse(sessionStorage.getItem(placeOf(here)) ?? "null");
  if (!place || !listed) return;
  const box = listed.closest(".table-wrap");
  scrollTo({ top: place.page, behavior: "instant" });
  box?.scrollTo({ top: place.box, behavior: "instant" });
  // A row that is gone lets the next one take its place.
  const rows = rowsOf(listed);
  const row = rows.find((one) => keyOf(one) === place.row) ?? rows[Math.min(place.index, rows.length - 1)];
  (box?.classList.contains("scrolls") ? box : window).scrollBy({ top: row.getBoundingClientRect().top - place.top, behavior: "instant" });
  rows.forEach((one) => { one.tabIndex = one === row ? 0 : -1; });
  row.focus({ preventScroll: true });
};

if (listed) {
  sessionStorage.setItem(`list:${location.pathname}`, here);
  if (sessionStorage.getItem("way-back") === placeOf(here)) {
    // What the act has to say is above: it stays in view.
    document.querySelector("main > .notice")?.classList.add("kept");
    comeBack();
    document.fonts.ready.then(comeBack);
  }
  sessionStorage.removeItem("way-back");
}
document.addEventListener("click", (event) => {
  const row = rowOf(event.target.closest("a[href]"));
  if (row) leave(row);
});
// An act of one row answers with the list.
document.addEventListener("submit", (event) => {
  const row = rowOf(event.submitter);
  if (!row || event.defaultPrevented) return;
  leave(row);
  sessionStorage.setItem("way-back", placeOf(here));
});
// A page that the browser has kept is where it was.
addEventListener("pageshow", (event) => { if (event.persisted) sessionStorage.removeItem("way-back"); });
document.querySelectorAll(".trail a").forEach((link) => {
  const list = sessionStorage.getItem(`list:${new URL(link.href).pathname}`);
  if (!list || new URL(link.href).search) return;
  link.href = list;
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey) return;
    sessionStorage.setItem("way-back", placeOf(list));
    const before = document.referrer && new URL(document.referrer);
    if (!before || `${before.pathname}${before.search}` !== list) return;
    event.preventDefault();
    history.back();
  });
});
