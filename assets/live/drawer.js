// @ts-check
// On a narrow screen the sidebar covers the page: it closes when a page or a preset was chosen in it.
// Both `data-testid`s are Streamlit's own markup: where it calls them otherwise, the sidebar stays open over the page
// until its arrow is pressed.
const CHOICES = "[data-testid=stSidebar] :is(a, [class*=st-key-preset] button)";
const CLOSE = "[data-testid=stSidebarCollapseButton] button";
const NARROW = matchMedia("(max-width: 767px)");

document.addEventListener("click", ({ target }) => {
  if (!NARROW.matches || !(target instanceof Element) || !target.closest(CHOICES)) return;
  setTimeout(() => {
    /** @type {HTMLElement | null} */
    const close = document.querySelector(CLOSE);
    close?.click();
  });
});
