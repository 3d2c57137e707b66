// On a narrow screen the sidebar covers the page: it closes when a page or a preset was chosen in it.
const CHOICES = "[data-testid=stSidebar] :is(a, [class*=st-key-preset] button)";
const NARROW = matchMedia("(max-width: 767px)");

document.addEventListener("click", ({ target }) => {
  if (!NARROW.matches || !target.closest(CHOICES)) return;
  setTimeout(() => document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click());
});
