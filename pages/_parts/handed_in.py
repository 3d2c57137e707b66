"""Pictures that are handed in on the page: what the service says of each, and the very dark ones."""

from __future__ import annotations

from streamlit.runtime.uploaded_file_manager import UploadedFile

from gradleak_core.runs.pictures import FOR_LATER
from gradleak_core.types import JSON, Refused
from pages._parts.engine import service
from pages._parts.handover import release
from pages._parts.sheets import setup_in
from pages._parts.speaking import st
from pages._parts.texts import escaped


def stretched(dark: list[str], alone: bool) -> bool:
    """Says which pictures are very dark. Returns whether to use them stretched."""
    if not dark:
        return False
    which = "This picture is very dark" if alone else f"Very dark: {escaped(', '.join(dark))}"
    st.warning(
        f"{which}. Nothing in it is brighter than a quarter of the file's range, as when 12 bits are stored in 16. "
        "Stretching makes the darkest value black and the brightest white."
    )
    return st.toggle("Stretch", key="stretch")


def take(file: UploadedFile, name: str = "") -> JSON | None:
    """Hands a picture to the service and returns its answer. A refusal is shown, after the file's name if given.

    Streamlit hands a file in again at every rerun. The service is asked once, and Streamlit keeps no copy.
    """
    answers = st.session_state.setdefault("answers", {})
    if file.file_id not in answers:
        try:
            data = file.getvalue()
            answers[file.file_id] = service().upload(data, file.name) | setup_in(data)
        except FOR_LATER as passing:
            st.error(str(passing))
            return None
        except Refused as refused:
            answers[file.file_id] = {"refused": str(refused)}
        release(file)
    answer = answers[file.file_id]
    if refusal := answer.get("refused"):
        st.error(f"{escaped(name)}: {refusal}" if name else refusal)
        return None
    return answer
