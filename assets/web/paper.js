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

/** Goes to the line of a code, which names an order after its stop on the 상차표; answers its name, if there is one. */
function goTo(code) {
  const key = code.trim().split("/").at(-1).split("#")[0];
  const line = document.querySelector(`[data-stop="${CSS.escape(key)}"]`);
  line?.querySelector(".paper-time").focus();
  return line?.querySelector("a").textContent;
}

const scan = document.querySelector("#scan");
scan?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  goTo(scan.value);
  scan.value = "";
});

document.querySelector("[data-scanner]").addEventListener("code", ({ detail: { code, say } }) => {
  const name = goTo(code);
  if (name) say("done", name);
  else say("unknown", `이 화면에 없는 QR 코드예요: ${code}`);
});

const first = [...document.querySelectorAll("[data-paper]")].flatMap(open)[0];
if (first && !document.querySelector(".is-invalid")) first.focus();
else document.querySelector(".is-invalid")?.focus();
