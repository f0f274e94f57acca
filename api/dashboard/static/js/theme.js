/**
 * Light, dark or as the system says. Loaded before the first paint, so that nothing flashes;
 * therefore a plain script and not a module.
 */
(() => {
  const CHOICES = ["auto", "light", "dark"];
  const LABELS = { auto: "◐ Auto", light: "☀ Light", dark: "☾ Dark" };
  const system = matchMedia("(prefers-color-scheme: dark)");
  let choice = "auto";
  try {
    choice = localStorage.getItem("fjord.theme") || "auto";
  } catch {
    // Storage may be forbidden; the system's choice then holds.
  }

  function apply() {
    const dark = choice === "dark" || (choice === "auto" && system.matches);
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    const button = document.getElementById("theme");
    if (button) {
      button.textContent = LABELS[choice];
      button.setAttribute("aria-label", `Theme: ${choice}`);
    }
  }

  function next() {
    choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
    try {
      localStorage.setItem("fjord.theme", choice);
    } catch {
      // The choice then lasts as long as the page.
    }
    apply();
  }

  apply();
  system.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme").addEventListener("click", next);
    apply();
  });
})();
