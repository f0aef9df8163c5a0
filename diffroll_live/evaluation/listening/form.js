// Keeps the answers of this page in the browser, and saves them as a file.
const form = document.querySelector("form");
const kept = "blind " + location.pathname;
const answers = () => Object.fromEntries(new FormData(form));
const store = (use) => {
  try {
    return use(window.localStorage);
  } catch {
    return null; // a browser that keeps nothing for files
  }
};
for (const [name, value] of Object.entries(JSON.parse(store((s) => s.getItem(kept)) ?? "{}"))) {
  const choice = form.querySelector(`input[name="${CSS.escape(name)}"][value="${CSS.escape(value)}"]`);
  if (choice) choice.checked = true;
}
form.addEventListener("change", () => store((s) => s.setItem(kept, JSON.stringify(answers()))));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(answers(), null, 1)], { type: "application/json" }));
  link.download = "answers.json";
  link.click();
  const open = form.querySelectorAll("fieldset").length - Object.keys(answers()).length;
  form.querySelector("output").textContent = open ? `Saved; ${open} passages have no answer yet.` : "Saved.";
});
