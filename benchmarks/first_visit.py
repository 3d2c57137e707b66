"""The first ten seconds of a first visit, in a browser that has kept nothing: what is asked for, and how long it hangs.

Requests are those that reach the server; `ours` are the page itself and what is under /api, the others Streamlit's.
Bytes are as they were sent, compressed. `painted` is when the poster is there, whose film moves by itself; `moving`
when the Lab beneath it has drawn its first picture. While the longest task lasts the page cannot answer. An empty page
of Streamlit 1.67, measured the same way, makes 66 requests and moves 2.7 MB.
"""

from __future__ import annotations

import statistics
from typing import Any
from urllib.parse import urlsplit

from benchmarks.serving import Server, browsing, serving
from benchmarks.setting import Setting

JSON = Any
SECONDS = 10
NOTE = """
  window.noted = { tasks: [0], moving: null };
  new PerformanceObserver((list) => noted.tasks.push(...list.getEntries().map(({ duration }) => duration)))
    .observe({ type: "longtask", buffered: true });
  new MutationObserver(() => { noted.moving ??= performance.now(); })
    .observe(document, { subtree: true, attributeFilter: ["data-pictures"] });
"""
READ = """() => ({
  longest_task: Math.max(...noted.tasks), moving: noted.moving,
  painted: performance.getEntriesByName("first-contentful-paint")[0].startTime,
})"""


def measure(setting: Setting) -> JSON:
    with serving(setting) as server, browsing() as tab:
        values = [visit(tab.page.context.browser, server) for _ in range(setting.count(10, 1))]
    middle = {key: statistics.median(row[key] for row in values) for key in values[0]}
    return {
        "measured": f"there after {middle['painted'] / 1000:.2f} s, "
        f"the Lab moves after {middle['moving'] / 1000:.2f} s; longest task {middle['longest_task']:.0f} ms; "
        f"{middle['requests']:.0f} requests, {middle['ours']:.0f} of them ours, {middle['megabytes']:.2f} MB",
        "met": middle["painted"] <= 1500
        and middle["longest_task"] <= 200
        and middle["requests"] <= 60
        and middle["megabytes"] <= 3,
        "seeds": [],
        "values": values,
    }


def visit(browser: Any, server: Server) -> JSON:
    """Returns what one new visitor's browser asked for, in megabytes (10^6 bytes), and its times in milliseconds."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.add_init_script(NOTE)
    asked: dict[str, str] = {}
    sent: dict[str, int] = {}
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.on("Network.requestWillBeSent", lambda said: asked.update({said["requestId"]: said["request"]["url"]}))
    devtools.on("Network.loadingFinished", lambda said: sent.update({said["requestId"]: said["encodedDataLength"]}))
    page.goto(str(server.client.base_url), wait_until="commit")
    page.wait_for_timeout(1000 * SECONDS)
    paths = {key: urlsplit(url).path for key, url in asked.items() if url.startswith("http") and key in sent}
    ours = [path for path in paths.values() if path == "/" or path.startswith("/api/")]
    row = {"requests": len(paths), "ours": len(ours), "megabytes": sum(sent[key] for key in paths) / 1e6}
    row |= page.evaluate(READ)
    context.close()
    print(f"  {row}", flush=True)
    return row
