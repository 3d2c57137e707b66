"""Our pages, opened over Streamlit's own socket, which costs a thousandth of what a browser does."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from benchmarks.hostile.tally import Tally
from benchmarks.serving import Server

PAGES = ("", "runs", "trade-off", "claims", "how-it-works", "about")
LISTS = ("health", "catalogue", "runs")
PATIENCE = 60.0
"""Seconds a page may take; the machine may be busy."""


def look(server: Server) -> Tally:
    """Asks for every list, every run and every page, and for the Lab with every run."""
    tally = Tally()
    for path in LISTS:
        tally.take(server.client.get(f"/api/{path}"), path)
    runs = [row["id"] for row in server.get("runs")]
    for run in runs:
        for part in ("", "/recording", "/export.zip"):
            tally.take(server.client.get(f"/api/runs/{run}{part}"), f"{run}{part}")
    for page in PAGES:
        opened(server, tally, page)
    for run in runs[:20]:
        opened(server, tally, "", run=run)
        opened(server, tally, "", run=run, watch="1")
    return tally


def opened(server: Server, tally: Tally, page: str, **query: str) -> None:
    """Counts a page as answered when it was drawn to its end without Streamlit's box for exceptions."""
    where = f"page /{page}?{urlencode(query)}"
    try:
        boxes = list(exceptions(server, page, query))
    except (ConnectionClosed, TimeoutError) as error:
        tally.fail("no page", f"{where}: {error!r}")
        return
    for box in boxes:
        tally.fail("exception on a page", f"{where}: {box}")
    tally.answers["page"] += not boxes


def exceptions(server: Server, page: str, query: dict[str, str]) -> Iterator[str]:
    """What the boxes of exceptions say on a page, until it is drawn."""
    ask = BackMsg()
    ask.rerun_script.query_string = urlencode(query)
    ask.rerun_script.page_name = page
    own = str(server.client.base_url).rstrip("/")
    address = f"{own.replace('http', 'ws', 1)}/_stcore/stream"
    with connect(address, origin=own, max_size=None) as socket:  # type: ignore[arg-type]
        socket.send(ask.SerializeToString())
        while True:
            told = ForwardMsg.FromString(socket.recv(PATIENCE))  # type: ignore[arg-type]
            if told.WhichOneof("type") == "script_finished":
                return
            element = told.delta.new_element
            if element.WhichOneof("type") == "exception":
                yield f"{element.exception.type}: {element.exception.message}"
