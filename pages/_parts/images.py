"""Choosing the private pictures: samples, uploads, the camera, datasets and folders; and their labels."""

from __future__ import annotations

from itertools import cycle

from gradleak_core.data import class_names, datasets, folders
from gradleak_core.types import JSON
from pages._parts import forms, setup, teaching
from pages._parts.engine import catalogue
from pages._parts.entrance import entrance, in_room
from pages._parts.handed_in import stretched, take
from pages._parts.picture_button import picture_button
from pages._parts.pictures import caption, class_title, own_label, thumbnail, title
from pages._parts.scrolling import scroll_here
from pages._parts.sheets import offer_setup
from pages._parts.speaking import st
from pages._parts.texts import escaped, note, segment

MOST, PAGE = 16, 12
TYPES = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "avif"]
SOURCES = ("Samples", "Upload", "Camera", "Datasets", "Folders")


def images() -> None:
    """Shows the pictures of the set-up and the way to others."""
    experiment = setup.current()
    chosen = experiment["images"]
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        for index, reference in enumerate(chosen[:4]):
            width = 64 if len(chosen) == 1 else 48
            picture_button(thumbnail(reference), width=width, key=f"chosen:{index}", on_click=opened)
        with st.container(width="stretch", gap=None):
            st.markdown(f"**{caption(chosen, catalogue())}**")
            st.button("Change picture", icon=":material/image:", key="choose-images", on_click=opened, width="stretch",
                      disabled=teaching.locked("images"))  # fmt: skip
    forms.say_lock("images")
    if None in own(chosen) and not experiment["labels"]:
        note("Picture and label are read from the data set when the run starts.")
    elif teaching.hidden("labels"):
        return
    elif len(chosen) > 1 or chosen[0].startswith("upload:"):
        labels(chosen)


def own(chosen: list[str]) -> list[int | None]:
    return [own_label(reference) for reference in chosen]


def labels(chosen: list[str]) -> None:
    """Shows the label of each picture, which is its own unless changed here."""
    experiment = setup.current()
    known = class_names(chosen)
    given = experiment["labels"] or own(chosen)
    choices = sorted({*range(experiment["classes"]), *given})
    with st.expander("Labels: " + ", ".join(class_title(label, known) for label in given)):
        note("The label that the client gives each picture. The model is trained on it, so it shapes the gradient.")
        for index, (reference, label) in enumerate(zip(chosen, given, strict=False)):
            key = forms.keep(f"label:{index}:{reference}", label)
            st.selectbox(
                f"{index + 1}. {title(reference, catalogue())}", choices, choices.index(label), key=key,
                format_func=lambda label: class_title(label, known), on_change=relabel, args=(index, key, given),
                disabled=teaching.locked("labels"),
            )  # fmt: skip


def relabel(index: int, key: str, given: list[int]) -> None:
    changed = [*given]
    changed[index] = st.session_state[key]
    setup.change("labels", None if changed == own(setup.current()["images"]) else changed)


def opened() -> None:
    """Opens the dialog, which stays open over reruns, such as the one at the end of a run, until it is closed."""
    if teaching.locked("images"):
        return
    st.session_state["dialogs"] = opened_dialogs() + 1
    st.session_state.update(choosing=True, several=len(setup.current()["images"]) > 1)


def opened_dialogs() -> int:
    """Returns how often the dialog was opened. The forms that opened it would cover it, so others take their place."""
    return int(st.session_state.get("dialogs", 0))


def show_dialog() -> None:
    """Shows the dialog of all pictures, if it was opened."""
    if st.session_state.get("choosing"):
        choose()


def closed() -> None:
    st.session_state["choosing"] = False


@st.dialog("The private picture", width="large", on_dismiss=closed)
def choose() -> None:
    """Shows all sources of pictures. In a batch, picks add up; otherwise a pick replaces the picture."""
    note("The attacker never sees the picture, only the update that it causes.")
    several = st.toggle(
        "Several pictures in one update", key="several",
        on_change=lambda: st.session_state["several"] or set_images(setup.current()["images"][:1]),
    )  # fmt: skip
    if several:
        basket()
    source = st.segmented_control(
        "From", SOURCES, default="Samples", required=True, key="source", wrap=True, format_func=segment
    )
    if source not in ("Upload", "Camera") or entrance("upload"):
        {"Samples": samples, "Upload": upload, "Camera": camera, "Datasets": dataset, "Folders": folder}[source]()
    if several:
        st.button("Done", type="primary", key="images-done", on_click=closed)
    if not st.session_state["choosing"]:
        st.rerun()


def basket() -> None:
    """Shows the pictures in the batch so far."""
    chosen = setup.current()["images"]
    st.markdown(f"**{len(chosen)} of at most {MOST}.** The update mixes all of them. Press one to take it out.")
    with st.grid("auto", min_column_width=72, gap="xsmall"):
        for index, reference in enumerate(chosen):
            with st.container(gap="xxsmall"):
                picture_button(thumbnail(reference), width=64, key=f"picture:{index}", on_click=take_out, args=(index,))
                st.button(
                    "Take out", key=f"out:{index}:{reference}", on_click=take_out, args=(index,), type="tertiary",
                    disabled=len(chosen) == 1,
                )  # fmt: skip


def pick(reference: str) -> None:
    """Adds a picture to a batch, or makes it the only one."""
    chosen = setup.current()["images"] if st.session_state.get("several") else []
    if len(chosen) < MOST:
        set_images([*chosen, reference])
    st.session_state["choosing"] = bool(st.session_state.get("several"))


def take_out(index: int) -> None:
    """Takes a picture out of the batch, but never the last one."""
    chosen = setup.current()["images"]
    set_images([*chosen[:index], *chosen[index + 1 :]] or chosen)


def set_images(references: list[str]) -> None:
    """Sets other pictures, each with its own label, and enough classes for them."""
    setup.change("images", references)
    needed = len(class_names(references))
    if needed > setup.current()["classes"]:
        setup.change("classes", needed)
    setup.change("labels", apart(references, setup.current()["classes"]))


def apart(references: list[str], classes: int) -> list[int] | None:
    """Returns the labels of a batch in which each upload gets a label that no other picture has."""
    given = dict(enumerate(own(references)))
    uploads = [place for place in given if references[place].startswith("upload:")]
    rest = {label for place, label in given.items() if place not in uploads}
    if len(references) == 1 or not uploads or None in rest:
        return None
    free = cycle([label for label in range(classes) if label not in rest] or [0])
    return [*(given | dict(zip(uploads, free, strict=False))).values()]


def unnamed(experiment: JSON) -> list[int]:
    """Returns the places of the uploads whose labels nobody has chosen."""
    references = experiment["images"]
    given = experiment["labels"] not in (None, apart(references, experiment["classes"]))
    return [] if given else [at for at, reference in enumerate(references) if reference.startswith("upload:")]


def gallery(references: list[str], captions: list[str] | None = None) -> None:
    """Shows pictures in a grid. Each can be pressed, and so can the button with its name."""
    chosen = setup.current()["images"]
    with st.grid("auto", min_column_width=128):
        for index, reference in enumerate(references):
            with st.container(border=True, height="stretch", gap="xxsmall"):
                picture_button(thumbnail(reference), key=f"picture:{reference}", on_click=pick, args=(reference,))
                if captions:
                    note(captions[index])
                st.space("stretch")
                st.button(
                    title(reference, catalogue()).rsplit("/", 1)[-1], key=f"pick:{reference}", width="stretch",
                    type="primary" if reference in chosen else "secondary", on_click=pick, args=(reference,), wrap=True,
                )  # fmt: skip


def samples() -> None:
    rows = catalogue()["samples"]
    gallery([f"sample:{name}" for name in rows], [row["sentence"] for row in rows.values()])


def upload() -> None:
    files = st.file_uploader(
        "PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF, at most 8 MB each",
        type=TYPES,
        accept_multiple_files=True,
        key="upload",
    )
    offered = st.container()
    answers = [(take(file, file.name if len(files) > 1 else ""), file.name) for file in files]
    taken = [(picture, name) for picture, name in answers if picture]
    with offered:
        for picture, _ in taken:
            offer_setup(picture)
        offer(taken)
        if taken:
            scroll_here(" ".join(file.file_id for file in files))
    note(
        "The picture stays on this server, with the name of its file. It is cropped to a square and loses the position "
        "and camera data of its file. It is deleted with the last run that uses it, or after a day without one. Choose "
        "its label afterwards, under Labels. The contact sheet of a run restores its set-up. Both can also be dropped "
        "anywhere on the Lab."
    )
    note_host()


def note_host() -> None:
    """Says in a room who else sees a picture that is handed in."""
    if in_room():
        note("The host of the room sees your picture too. Nobody else in the room does until you show it there.")


def camera() -> None:
    shot = st.camera_input("Take a picture", key="camera", width=440)
    note("Browsers allow the camera only on https pages and on this machine itself.")
    note_host()
    if shot is not None and (picture := take(shot)):
        offer([(picture, "")])


def offer(taken: list[tuple[JSON, str]]) -> None:
    """Offers pictures that were just handed in, with the names of their files, for use with one press."""
    stretch = stretched([name for picture, name in taken if picture["stretched"]], alone=len(taken) == 1)
    names = {(stretch and picture["stretched"]) or picture["image"]: name for picture, name in taken}
    references = [*names]
    if len(references) == 1:
        st.button(
            "Use this picture", key=f"pick:{references[0]}", type="primary", icon=":material/check:", on_click=pick,
            args=(references[0],),
        )  # fmt: skip
        picture_button(thumbnail(references[0]), width=160, key="offered", on_click=pick, args=(references[0],))
    elif references:
        note("Press a picture to use it.")
        gallery(references, [escaped(name) for name in names.values()])


def dataset() -> None:
    rows = datasets.DATASETS
    name = st.selectbox("Dataset", list(rows), format_func=lambda known: rows[known].title, key="dataset")
    split = st.segmented_control(
        "Part", ("test", "train"), default="test", required=True, key="split", format_func=segment
    )
    count = rows[name].test if split == "test" else rows[name].train
    index = st.number_input(f"Picture, 0 to {count - 1}", 0, count - 1, 0, key=f"index:{name}:{split}")
    note(
        f"{rows[name].title} is downloaded when a run first needs it ({rows[name].megabytes} MB); the run shows the "
        "progress. The picture appears when the run starts."
    )
    reference = f"dataset:{name}/{split}/{index}"
    st.button("Use this picture", key="use-dataset", type="primary", on_click=pick, args=(reference,))


def folder() -> None:
    found = folders.folders()
    if not found:
        st.info(
            "No folders are set up. Set the environment variable GRADLEAK_DATASETS to folders that hold one folder of "
            "pictures per class, and start the server again."
        )
        return
    name = st.selectbox("Folder", list(found), key="folder")
    label = st.selectbox("Class", [label for label, count in found[name].items() if count], key=f"class:{name}")
    references = folders.items(name, label)
    pages = -(-len(references) // PAGE)
    page = st.pagination(pages, key=f"page:{name}:{label}") if pages > 1 else 1
    gallery(references[(page - 1) * PAGE : page * PAGE])
