"""A button that copies a text, for touch as well: that of `st.code` shows only under a pointer."""

from __future__ import annotations

import streamlit as st

from gradleak_core.translating import translate

HTML = '<button type="button"></button>'
CSS = """
button { padding: 0.4rem 0.9rem; border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius);
  background: var(--st-background-color); color: var(--st-text-color); font: inherit; cursor: pointer; }
button:hover { border-color: var(--st-primary-color); }
"""
JS = """
export default function ({ data: [{ text, says, done }], parentElement }) {
  const button = parentElement.querySelector("button");
  button.textContent = says;
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const field = document.body.appendChild(Object.assign(document.createElement("textarea"), { value: text }));
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    button.textContent = done;
  };
}
"""
_mount = st.components.v2.component("gradleak_copying", html=HTML, css=CSS, js=JS)


def copy_button(text: str, *, key: str) -> None:
    """Shows a button that puts a text on the clipboard, and then says so."""
    # In a list, because Streamlit looks for tables among the values of a dict and imports pandas for it.
    _mount(data=[{"text": text, "says": translate("Copy"), "done": translate("Copied")}], key=key)
