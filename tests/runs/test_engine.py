"""The real engine in a real worker."""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from gradleak_core.config.admission import admit
from gradleak_core.config.links import from_query
from gradleak_core.runs.protocol import unpack_live
from gradleak_core.runs.supervisor import COMMAND
from gradleak_core.runs.workers import Patience
from gradleak_core.types import Refused
from tests.runs.serving import Server, serving

ROUNDED = 5e-5
"""How far five significant digits may be from what they round, as a share of it."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("engine"), command=COMMAND, patience=Patience(stop=5)) as server:
        yield server


def preset(server: Server) -> Any:
    return copy.deepcopy(server.service.catalogue()["presets"][0]["experiment"])


def test_the_first_preset_runs_and_says_what_it_found(server: Server) -> None:
    experiment = preset(server)
    experiment["attack"]["steps"] = 12
    run = server.service.submit(experiment)
    messages = server.watch(run)
    last, result = messages[-1][0], messages[-1][0]["result"]
    assert (last["status"], last["shape"], last["batch"], last["losses"][0]) == ("done", [3, 32, 32], 1, "distance")
    assert set(result["metrics"]) == {"mse", "rmse", "psnr", "ssim", "likeness", "label_accuracy", "distance"}
    assert (result["iterations"], result["seed"]) == (12, experiment["seed"])
    assert result["experiment"] == experiment | {"threads": 1}
    recording = server.client.get(f"/api/runs/{run}/recording").json()
    columns = recording["curve"]["columns"]
    assert {len(values) for values in columns.values()} == {12}
    assert columns["best"][-1] == pytest.approx(result["metrics"]["distance"], rel=ROUNDED)
    assert recording["frames"][-1]["layers"]
    for path in ("truth", "frames/12"):
        assert Image.open(io.BytesIO(server.client.get(f"/api/runs/{run}/{path}").content)).size == (32, 32)


SMALL = {"model": "mlp", "size": "16"}
SYSTEMS = {
    "sapag": {"attack.steps": "1000"},
    "dropout_inversion": SMALL | {"model.width": "128", "attack.steps": "600", "defence": "dropout:p=0.5"},
    "precode_bypass": SMALL | {"model.width": "256", "attack.steps": "500", "defence": "precode:width=64"},
    "precode_noise": SMALL | {"model.width": "128", "attack.steps": "600", "defence": "precode:width=64"},
}


@pytest.mark.parametrize("attack", SYSTEMS)
def test_the_picture_comes_back(server: Server, attack: str) -> None:
    experiment = from_query({"attack": attack, **SYSTEMS[attack]}, server.service.catalogue())
    row = server.until_status(server.service.submit(experiment), "done", "recovered")
    assert row["result"]["metrics"]["ssim"] >= 0.6


def test_every_attack_and_every_defence_runs(server: Server) -> None:
    families = server.service.catalogue()["families"]
    pair = preset(server) | {"images": ["sample:astronaut", "sample:rocket"], "size": 16}
    pair["model"] = families["models"]["convnet"]["default"]
    searches = [row for row in families["attacks"].values() if "steps" in row["default"]]
    quick = [row["default"] | {"steps": 2, "restarts": 2} for row in searches]
    matching = families["attacks"]["inverting_gradients"]["default"] | {"steps": 2}
    experiments = [pair | {"images": pair["images"][:1], "attack": attack} for attack in quick]
    experiments += [pair | {"attack": matching, "defences": [row["default"]]} for row in families["defences"].values()]
    computed = pair | {"images": pair["images"][:1], "model": families["models"]["mlp"]["default"]}
    certified = server.service.submit(computed | {"attack": families["attacks"]["linear_inversion"]["default"]})
    assert server.until_status(certified, "certified", "done", "failed")["status"] == "certified"
    for experiment, run in [(experiment, server.service.submit(experiment)) for experiment in experiments]:
        row = server.until_status(run, "done", "stuck", "failed", "refused", "diverged")
        assert (row["status"], row["message"]) == ("done", None), experiment


def test_every_preset_and_every_part_passes_the_door(server: Server) -> None:
    catalogue = server.service.catalogue()
    for row in catalogue["presets"]:
        assert admit(row["experiment"], catalogue) == row["experiment"]
    for family, field in (("attacks", "attack"), ("models", "model")):
        for row in catalogue["families"][family].values():
            changed = preset(server) | {field: row["default"]}
            assert complaint(changed, catalogue) in {None, *needs(catalogue)}


def test_what_is_left_out_is_filled_in_with_the_defaults_of_its_part(server: Server) -> None:
    catalogue = server.service.catalogue()
    short = {"model": {"kind": "lenet"}, "attack": {"kind": "recipe", "name": "dlg"}}
    whole = admit(short, catalogue)
    assert whole["model"] == catalogue["families"]["models"]["lenet"]["default"]
    assert whole["attack"] == catalogue["families"]["attacks"]["dlg"]["default"]
    with pytest.raises(Refused, match=r"attack\.name is missing; add it\."):
        admit({"attack": {"kind": "recipe"}}, catalogue)


def complaint(experiment: Any, catalogue: Any) -> str | None:
    try:
        admit(experiment, catalogue)
    except Refused as refused:
        return str(refused)
    return None


def needs(catalogue: Any) -> list[str]:
    """The sentences of every part's needs."""
    rows = [row for family in catalogue["families"].values() for row in family.values()]
    return [need["why"] for row in rows for need in row["needs"]]


def test_an_upload_is_found_by_the_worker(server: Server) -> None:
    picture = io.BytesIO()
    Image.effect_mandelbrot((64, 48), (-2, -1, 1, 1), 20).save(picture, "PNG")
    reference = server.service.pictures.upload(picture.getvalue())["image"]
    experiment = preset(server) | {"images": [reference]}
    experiment["attack"]["steps"] = 2
    assert server.until_status(server.service.submit(experiment), "done", "failed", "refused")["status"] == "done"


def test_what_only_the_engine_can_know_ends_the_run_with_its_sentence(server: Server) -> None:
    run = server.service.submit(preset(server) | {"threat": {"hidden": "layer99.*"}})
    assert "layer99" in server.until_status(run, "refused", "failed", "done")["message"]


def test_more_memory_than_is_free_is_refused_at_the_door(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADLEAK_MEMORY", "0.04")
    with pytest.raises(Refused, match=r"^This run may need 0\.\d GB of memory, and 0\.0 GB are free; lower the size"):
        server.service.submit(preset(server))


def test_viewers_hear_how_far_the_training_is_and_then_see_the_attack(server: Server) -> None:
    experiment = preset(server)
    experiment["attack"]["steps"] = 3
    experiment["weights"] = {"kind": "trained", "epochs": 20}
    messages = [head for head, _ in server.watch(server.service.submit(experiment))]
    said = [head["message"] for head in messages if head["message"]]
    assert any(message.startswith("Training on the built-in digits: epoch ") for message in said)
    assert (messages[-1]["status"], messages[-1]["message"]) == ("done", None)
    assert messages[-1]["result"]["experiment"]["weights"]["epochs"] == 20


def test_a_run_can_be_stopped_while_its_model_is_trained(server: Server) -> None:
    experiment = preset(server) | {"weights": {"kind": "trained", "epochs": 100, "lr": 0.002}}
    run = server.service.submit(experiment)
    with server.live(run) as viewer:
        heard = (unpack_live(message)[0] for message in viewer if isinstance(message, bytes))
        assert any((head["message"] or "").startswith("Training") for head in heard)
        server.command(run, "stop")
    row = server.until_status(run, "stopped", "done", "failed")
    assert (row["status"], row["message"]) == ("stopped", None)
    assert row["result"]["iterations"] == 0


@pytest.mark.parametrize("weights", [None, {}, "trained", {"kind": "lenet"}, {"kind": "trained", "epochs": 101}])
def test_weights_that_are_none_are_refused_at_the_door(server: Server, weights: Any) -> None:
    with pytest.raises(Refused, match=r"^weights.*\.$"):
        server.service.submit(preset(server) | {"weights": weights})
