"""Uploads at the server: what they may cost, and how long they are kept."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks.hostile.pictures import mutated
from gradleak_core.data import uploads
from gradleak_core.data.decoder import PLACES
from gradleak_core.runs.pictures import DAY
from gradleak_core.types import Refused
from tests.data.test_uploads import encoded, header_only, twelve_bits
from tests.runs.serving import Server, serving, until
from tests.runs.toy_engine import experiment


def colour(server: Server, name: str) -> str:
    """The reference of an upload of one colour."""
    return uploads.keep_upload(
        server.service.pictures.folder, uploads.check_both(encoded(Image.new("RGB", (20, 20), name)))[0]
    )


def run(server: Server, *images: str) -> str:
    answer = server.client.post("/api/runs", json={"experiment": experiment() | {"images": [*images]}})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def kept(server: Server) -> set[str]:
    return {f"upload:{file.stem}" for file in server.service.pictures.folder.glob("*.png")}


def age(server: Server, reference: str, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(uploads.upload_path(server.service.pictures.folder, reference), (then, then))


def test_hostile_pictures_are_refused_in_a_sentence_and_the_list_answers_meanwhile(server: Server) -> None:
    hostile = [header_only(1, 40_000_000), header_only(40_000_000, 1), header_only(6000, 6000), header_only(4400, 4400)]
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda data: server.client.post("/api/uploads", content=data), hostile)
        assert server.client.get("/api/runs").status_code == 200
    assert [answer.status_code for answer in answers] == [422] * 4


def test_mutated_pictures_are_kept_or_refused_in_a_sentence(server: Server) -> None:
    """A sample of what `python -m benchmarks.hostile uploads` sends."""
    for _, data in islice(mutated(16), 6):
        answer = server.client.post("/api/uploads", content=data)
        assert answer.status_code == 201 or (answer.status_code == 422 and answer.json()["error"].endswith("."))
    assert server.client.get("/api/runs").status_code == 200


def test_a_very_dark_picture_is_kept_twice_for_the_choice(server: Server) -> None:
    answer = server.client.post("/api/uploads", content=encoded(twelve_bits())).json()
    folder = server.service.pictures.folder
    brightest = [
        Image.open(uploads.upload_path(folder, answer[name])).getextrema()[1] for name in ("image", "stretched")
    ]
    assert brightest == [16, 255]


def test_who_comes_when_all_places_are_taken_is_asked_to_come_again(server: Server) -> None:
    decoder = server.service.pictures.decoder
    places = [decoder.place() for _ in range(PLACES)]
    for place in places:
        place.__enter__()
    answer = server.client.post("/api/uploads", content=b"x")
    for place in places:
        place.__exit__(None, None, None)
    assert answer.status_code == 429
    assert answer.json()["error"].endswith("try again in a few seconds.")
    assert server.client.post("/api/uploads", content=b"x").status_code == 422


def test_an_upload_goes_with_the_last_run_that_needs_it(server: Server) -> None:
    shared, own, other = (colour(server, name) for name in ("red", "green", "blue"))
    first, second = run(server, shared, own), run(server, shared)
    server.service.delete(first)
    assert kept(server) >= {shared, other}
    assert own not in kept(server)
    server.service.delete(second)
    assert shared not in kept(server)
    assert other in kept(server)  # nobody has run it yet


def test_the_name_of_an_uploads_file_is_kept_beside_it_and_goes_with_it(server: Server) -> None:
    picture, folder = encoded(Image.new("RGB", (20, 20), "navy")), server.service.pictures.folder
    name = "C:\\photos/my\nrocket" + "x" * 200
    image = server.client.post("/api/uploads", params={"name": name}, content=picture).json()["image"]
    number = run(server, image)
    (said,) = server.service.file_names(server.service.run(number)["experiment"])
    assert said == f"myrocket{'x' * 112}"
    assert uploads.read_name(folder, "upload:../../etc") == ""
    server.service.pictures.sweep_once()
    assert uploads.read_name(folder, image) == said
    server.service.delete(number)
    assert list(folder.glob("*.name")) == []


def test_an_upload_without_a_run_is_kept_for_a_day(server: Server) -> None:
    needed, young, old, again = (colour(server, name) for name in ("cyan", "magenta", "yellow", "black"))
    run(server, needed)
    for reference in (needed, old, again):
        age(server, reference, DAY + 60)
    age(server, young, DAY - 60)
    assert colour(server, "black") == again
    server.service.pictures.sweep_once()
    assert {needed, young, again} <= kept(server)
    assert old not in kept(server)


def test_old_uploads_are_looked_for_at_the_start(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    old = uploads.keep_upload(folder, uploads.check_both(encoded(Image.new("RGB", (20, 20), "orange")))[0])
    (folder / "half.part").write_bytes(b"cut off")
    for file in folder.iterdir():
        os.utime(file, (0, 0))
    with serving(tmp_path, ready=False):
        until(lambda: not [*folder.iterdir()])
    with pytest.raises(Refused, match="not kept here"):
        uploads.upload_path(folder, old)


@pytest.mark.parametrize("value", [None, 3, [], {"images": None}, {"images": "upload:x"}, {"images": [None, {}, "x"]}])
def test_an_experiment_without_uploads_needs_none(value: Any) -> None:
    assert uploads.uploads_of(value) == set()
