"""Everything that a run can be taken home as, each made of its recording. Imports no torch.

`python -m gradleak_core.runs.exports KIND` reads a recording and writes the file: a process of its own, which the
server can end.
"""
