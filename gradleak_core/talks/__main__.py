"""`python -m gradleak_core.talks KIND`: reads a gathered talk's JSON and answers with the file, or with why not."""

from __future__ import annotations

import sys

from gradleak_core.runs.exports.__main__ import answer_export
from gradleak_core.talks.exports import write_talk_export

if __name__ == "__main__":
    answer_export(sys.argv[1], write_talk_export)
