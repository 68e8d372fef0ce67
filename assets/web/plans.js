// The board of a day: cards are dragged between trucks, or moved by keyboard. The form does the same without scripts.
//
// A drop sends the form of the board with `act=drop:CARD`, the column and the place. The answer replaces <main>, so that
// the place on the page and the focus stay.

const main = document.querySelector("main");
let dragged;

const form = () => document.querySelector("form[data-board]");
const cards = (column) => [...column.querySelectorAll("[data-card]")];
const allCards = () => [...document.querySelectorAll("[data-card]")];

const send = async (act, { to = "", at = "" } = {}) => {
  const board = form();
  if (!board || board.dataset.sent) return;
  board.dataset.sent = "yes";
  const body = new URLSearchParams(new FormData(board));
  body.delete("tick");
  body.set("act", act);
  body.set("drop_to", to);
  body.set("at", at);
  const focused = document.activeElement?.closest("[data-card]")?.dataset.card;
  const scroller = board.querySelector(".plan-board");
  const [left, top] = [scroller.scrollLeft, scrollY];
  try {
    const answer = await fetch(board.action, { method: "POST", body });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = page.querySelector("form[data-board]") && page.querySelector("main");
    if (!answer.ok || !next) {
      location.assign(answer.url);
      return;
    }
    history.replaceState(null, "", answer.url);
    document.title = page.title;
    main.replaceChildren(...document.adoptNode(next).childNodes);
    start();
    form().querySelector(".plan-board").scrollLeft = left;
    scrollTo(0, top);
    (document.querySelector(`[data-card="${CSS.escape(focused ?? "")}"]`) ?? main).focus({ preventScroll: true });
  } catch {
    location.reload();
  }
};

// ── what a move costs, before it is made ───────────────────────────────
let asked = "";
let timer;

const showCost = (text) => {
  const output = document.querySelector("[data-cost]");
  if (!output) return;
  output.textContent = text;
  output.hidden = !text;
};

// Asks after a moment, and for each place once: a dragged card passes many.
const ask = (ticks, to, at = "") => {
  const query = new URLSearchParams([["day", form()?.elements.day.value ?? ""], ["to", to], ["at", at], ...ticks.map((tick) => ["tick", tick])]);
  const question = ticks.length > 0 && to ? `${query}` : "";
  if (question === asked) return;
  asked = question;
  clearTimeout(timer);
  if (!question) { showCost(""); return; }
  timer = setTimeout(async () => {
    const answer = await fetch(`${document.documentElement.dataset.base ?? ""}/plans/cost?${question}`).catch(() => undefined);
    const cost = answer?.ok && await answer.json();
    if (cost && asked === question) showCost(cost.text);
  }, 150);
};

document.addEventListener("change", (event) => {
  if (!event.target.matches("[name=tick], [name=to]")) return;
  const ticks = [...document.querySelectorAll("[name=tick]:checked")].map((tick) => tick.value);
  ask(ticks, form()?.elements.to?.value ?? "");
});

// ── dragging ───────────────────────────────────────────────────────────
const place = (column, y) => {
  const others = cards(column).filter((card) => card !== dragged);
  const before = others.find((card) => {
    const box = card.getBoundingClientRect();
    return y < box.top + box.height / 2;
  });
  return before ? cards(column).indexOf(before) : cards(column).length;
};

document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.("[data-card]");
  if (!dragged) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.card);
  dragged.classList.add("dragged");
});

document.addEventListener("dragover", (event) => {
  const column = event.target.closest?.("[data-column]");
  document.querySelectorAll("[data-column].over").forEach((other) => other !== column && other.classList.remove("over"));
  if (!dragged || !column || "fixed" in column.dataset) return;
  event.preventDefault();
  column.classList.add("over");
  ask([dragged.dataset.card], column.dataset.column, column.dataset.column && `${place(column, event.clientY)}`);
});

document.addEventListener("drop", (event) => {
  const column = event.target.closest?.("[data-column]");
  if (!dragged || !column || "fixed" in column.dataset) return;
  event.preventDefault();
  const card = dragged.dataset.card;
  if (column.dataset.column) send(`drop:${card}`, { to: column.dataset.column, at: `${place(column, event.clientY)}` });
  else if (dragged.closest("[data-column]") !== column) send(`off:${card}`);
});

document.addEventListener("dragend", () => {
  dragged?.classList.remove("dragged");
  document.querySelectorAll("[data-column].over").forEach((column) => column.classList.remove("over"));
  dragged = undefined;
  ask([], "");
});

// ── keyboard: one stop for the tab key, arrows inside ──────────────────
const focus = (card) => {
  if (!card) return;
  allCards().forEach((other) => { other.tabIndex = -1; });
  card.tabIndex = 0;
  card.focus();
};

document.addEventListener("keydown", (event) => {
  const card = event.target.closest?.("[data-card]");
  if (!card || event.target !== card || event.ctrlKey || event.metaKey) return;
  const column = card.closest("[data-column]");
  const fixed = "fixed" in column.dataset;
  const id = card.dataset.card;
  const planned = column.dataset.column !== "";
  const trucks = [...document.querySelectorAll("[data-column]")].slice(1);
  const around = cards(column);
  const here = around.indexOf(card);
  const columns = [...document.querySelectorAll("[data-column]")].filter((other) => cards(other).length > 0);
  const beside = (step) => columns[columns.indexOf(column) + step];
  let act;
  if (event.altKey && planned && !fixed && event.key === "ArrowUp" && here > 0) act = () => send(`up:${id}`);
  else if (event.altKey && planned && !fixed && event.key === "ArrowDown" && here < around.length - 1) act = () => send(`down:${id}`);
  else if (event.altKey) return;
  else if (event.key === "ArrowDown") act = () => focus(around[here + 1]);
  else if (event.key === "ArrowUp") act = () => focus(around[here - 1]);
  else if (event.key === "ArrowRight" && beside(1)) act = () => focus(cards(beside(1))[0]);
  else if (event.key === "ArrowLeft" && beside(-1)) act = () => focus(cards(beside(-1))[0]);
  else if (event.key === " ") act = () => card.querySelector("[name=tick]")?.click();
  else if (event.key === "Enter") act = () => card.querySelector("a[href]")?.click();
  else if (event.key === "0" && planned && !fixed) act = () => send(`off:${id}`);
  else if (/^[hHㅗ]$/.test(event.key) && planned && !fixed) act = () => send(`hold:truck:${id}`);
  else if (/^[1-9]$/.test(event.key) && !fixed) {
    const truck = trucks[Number(event.key) - 1];
    if (truck && truck !== column && !("fixed" in truck.dataset)) act = () => send(`drop:${id}`, { to: truck.dataset.column });
  }
  if (!act) return;
  event.preventDefault();
  act();
});

const start = () => {
  const first = allCards()[0];
  if (first) first.tabIndex = 0;
  document.querySelectorAll("[data-keys]").forEach((hint) => { hint.hidden = !first; });
};
start();
