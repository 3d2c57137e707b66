// @ts-check
// Light or dark: as the system says, until somebody chooses.
const dark = matchMedia("(prefers-color-scheme: dark)");

/** @param {() => void} changed */
export function followSystem(changed) {
  show();
  dark.addEventListener("change", () => {
    show();
    changed();
  });
}

export function switchTheme() {
  sessionStorage.setItem("theme", document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  show();
}

function show() {
  document.documentElement.dataset.theme = sessionStorage.getItem("theme") ?? (dark.matches ? "dark" : "light");
}
