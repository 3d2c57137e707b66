"""Answers that a browser keeps as files. Imports no torch."""

from __future__ import annotations

from starlette.responses import Response


def answer_with_file(data: bytes, name: str, media: str) -> Response:
    """Returns an answer that a browser keeps as a file of this name."""
    return Response(data, media_type=media, headers={"content-disposition": f'attachment; filename="{name}"'})


def answer_with_table(text: str, name: str) -> Response:
    """Returns a CSV table as a file. It begins with a byte order mark, by which spreadsheets recognise UTF-8."""
    return answer_with_file(f"\ufeff{text}".encode(), name, "text/csv; charset=utf-8")
