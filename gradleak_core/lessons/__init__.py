"""Lessons: Markdown files with a small header, read, checked and judged. Imports no torch."""
