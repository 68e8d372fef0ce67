// The results of a tour, keyed from its paper: Enter goes to the next time, and saves after the last. A scanned QR code
// goes to its line. The form does the same without scripts.

const times = (form) => [...form.querySelectorAll(".paper-time")];
const open = (form) => times(form).filter((time) => !time.closest(".known"));

document.querySelectorAll("[data-paper]").forEach((form) => {
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !event.target.matches("input, select")) return;
    event.preventDefault();
    const here = event.target.closest("tr").querySelector(".paper-time");
    const all = times(form);
    const next = all.slice(all.indexOf(here) + 1).find((time) => open(form).includes(time));
    if (next) {
      next.focus();
      next.select();
    } else {
      form.requestSubmit();
    }
  });
});

document.querySelectorAll("[data-paper-keys], [data-scan]").forEach((hint) => { hint.hidden = false; });

const scan = document.querySelector("#scan");
scan?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  const key = scan.value.trim().split("/").at(-1);
  scan.value = "";
  const time = document.querySelector(`[data-stop="${CSS.escape(key)}"] .paper-time`);
  if (time) time.focus();
});

const first = [...document.querySelectorAll("[data-paper]")].flatMap(open)[0];
if (first && !document.querySelector(".is-invalid")) first.focus();
else document.querySelector(".is-invalid")?.focus();
