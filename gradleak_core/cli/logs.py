"""The server's log: what belongs in it, and, where asked for, as JSON lines. Imports no torch."""

from __future__ import annotations

import logging
import sys

STRANGE = (
    "ASGI callable returned without completing handshake.",
    "Invalid HTTP request received.",
    "Unsupported upgrade request.",
    "Invalid UTF-8 sequence received from client.",
    "Error deserializing back message",
)
"""The lines about requests that make no sense. They have been answered, and strangers could fill the log with them."""
FILTERED = ("uvicorn.error", "uvicorn.access", "streamlit.web.server.starlette.starlette_websocket")
"""The loggers that write such lines."""
TIME = "%Y-%m-%dT%H:%M:%S%z"
NAMES = {"asctime": "time", "levelname": "level", "name": "logger"}


def worth_logging(record: logging.LogRecord) -> bool:
    """Returns whether a record of the web server belongs in the log."""
    return record.levelno >= logging.WARNING and record.getMessage() not in STRANGE


def leave_out_strangers() -> None:
    """Keeps what is not worth logging out of the log, whatever levels and handlers Streamlit sets later."""
    for name in FILTERED:
        logging.getLogger(name).addFilter(worth_logging)


class Passing(logging.Logger):
    """A logger that passes everything on to the root's handlers, whatever a library sets up for it."""

    @property
    def propagate(self) -> bool:
        return True

    @propagate.setter
    def propagate(self, value: bool) -> None:
        pass

    def addHandler(self, hdlr: logging.Handler) -> None:
        pass


def write_json_lines() -> logging.Logger:
    """Makes the log JSON, one object a line, with the `run` that a line is about. Returns the server's own logger.

    What makes loggers later, as Streamlit does, has to be imported later.
    """
    from pythonjsonlogger.json import JsonFormatter

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s", TIME, rename_fields=NAMES))
    logging.root.handlers[:] = [handler]
    logging.captureWarnings(True)
    for logger in list(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            logger.handlers.clear()
            logger.propagate = True
    logging.setLoggerClass(Passing)
    server_log = logging.getLogger("gradleak.server")
    server_log.setLevel(logging.INFO)
    return server_log
