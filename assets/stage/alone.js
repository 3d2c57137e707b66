// @ts-check
// Stands in for the server in a talk that was taken along as one page: it answers from what the page itself holds.
{
  /** @type {Record<string, unknown>} */
  const answers = JSON.parse(/** @type {HTMLElement} */ (document.getElementById("answers")).textContent ?? "{}");
  const open = window.fetch.bind(window);

  window.fetch = async (asked, options) => {
    const address = String(asked instanceof Request ? asked.url : asked);
    const path = /\/(api\/[^?#]*)/.exec(address)?.[1];
    if (!path || address.startsWith("data:")) return open(asked, options);
    if (path === "api/health") return Response.json({ ok: true });
    if (options?.method === "POST" || !(path in answers)) return Response.json({ error: "" }, { status: 503 });
    return Response.json(answers[path]);
  };

  const replace = history.replaceState.bind(history);
  history.replaceState = (state, unused, address) => {
    try {
      replace(state, unused, address);
    } catch {
      replace(state, unused); // a browser that keeps the addresses of files as they are
    }
  };

  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !document.querySelector(".st-over:not([hidden])")) event.stopImmediatePropagation();
  }, true); // there is no page to go back to
}
