"""The server's log as JSON lines: whatever a library sets up, every line is an object, with its run if it has one."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gradleak_core.cli.logs import worth_logging
from tests.runs.serving import serving

SAID = """
import logging, warnings
from gradleak_core.cli.logs import write_json_lines
early = logging.getLogger("early")
early.addHandler(logging.StreamHandler())
write_json_lines().info("GradLeak is at …")
import streamlit.logger, uvicorn
uvicorn.Config("app:app").configure_logging()
streamlit.logger.init_uvicorn_logs()
early.warning("two\\nlines")
logging.getLogger("uvicorn.error").error("broken")
streamlit.logger.get_logger("streamlit.late").warning("late")
logging.getLogger("gradleak.worker").warning("about", extra={"run": "0123456789ab"})
warnings.warn("a warning")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("gradleak.store").exception("lost")
"""


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_every_line_is_an_object_whatever_a_library_sets_up() -> None:
    done = subprocess.run([sys.executable, "-c", SAID], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == ""
    found = lines(done.stderr)
    assert [line["logger"] for line in found] == [
        "gradleak.server", "early", "uvicorn.error", "streamlit.late", "gradleak.worker", "py.warnings",
        "gradleak.store",
    ]  # fmt: skip
    assert [line["level"] for line in found] == ["INFO", "WARNING", "ERROR", "WARNING", "WARNING", "WARNING", "ERROR"]
    assert found[1]["message"] == "two\nlines"
    assert [line["run"] for line in found if "run" in line] == ["0123456789ab"]
    assert "ZeroDivisionError" in found[-1]["exc_info"]
    assert all(datetime.strptime(line["time"], "%Y-%m-%dT%H:%M:%S%z").tzinfo for line in found)


def test_a_traceback_of_the_worker_is_one_line_of_the_log_and_says_its_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(tmp_path) as server:
        run = server.submit(trouble="error")
        server.until_status(run, "failed")
    (record,) = [record for record in caplog.records if "Traceback" in record.getMessage()]
    assert (record.name, record.levelname, getattr(record, "run", None)) == ("gradleak.worker", "ERROR", run)


@pytest.mark.parametrize(("level", "words", "kept"), [
    (logging.WARNING, "Invalid HTTP request received.", False),
    (logging.ERROR, "Invalid UTF-8 sequence received from client.", False),
    (logging.ERROR, "Exception in ASGI application", True),
    (logging.INFO, "connection open", False),
])  # fmt: skip
def test_what_strangers_send_writes_no_line(level: int, words: str, kept: bool) -> None:
    assert worth_logging(logging.LogRecord("uvicorn.error", level, "", 0, words, None, None)) == kept
