"""Knobs by name: what a command line, a link and a form can say, and that a link says all of it."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest

from gradleak_core.catalogue import catalogue
from gradleak_core.config import knobs, links
from gradleak_core.config.titles import attack_title, run_title
from gradleak_core.experiment import CODEC, Experiment
from gradleak_core.types import Refused

KNOWN = catalogue()
START = knobs.start(KNOWN)


def put(path: str, value: Any, experiment: Any = START) -> Any:
    return knobs.put(experiment, path, value, KNOWN)


def test_start_is_the_default_and_not_the_catalogues_own_object() -> None:
    mine = knobs.start(KNOWN)
    mine["attack"]["steps"] = -1
    assert knobs.start(KNOWN) == KNOWN["experiment"]["default"] != mine


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("size", "28", 28),
        ("channels", "1", 1),
        ("client.lr", "0.5", 0.5),
        ("client.train", "yes", True),
        ("attack.steps", "1e3", 1000),
        ("model.activation", "relu", "relu"),
        ("model.init.scale", "0.25", 0.25),
    ],
)
def test_text_becomes_the_type_of_the_knob(path: str, text: str, value: Any) -> None:
    node = put(path, text)
    for name in path.split("."):
        node = node[name]
    assert node == value
    assert type(node) is type(value)


def test_put_leaves_the_old_experiment_alone() -> None:
    before = copy.deepcopy(START)
    changed = put("attack.priors.total_variation.weight", 0.01)
    assert before == START
    assert changed != START


def test_a_part_path_puts_the_default_of_that_kind_there() -> None:
    assert put("model", "convnet")["model"] == KNOWN["families"]["models"]["convnet"]["default"]
    assert put("attack", "inverting_gradients")["attack"]["name"] == "inverting_gradients"
    assert put("attack.optimiser", "adam")["attack"]["optimiser"] == KNOWN["families"]["optimisers"]["adam"]["default"]


def test_a_prior_that_is_not_there_yet_is_added_by_its_knob_and_changed_by_it_later() -> None:
    without = put("attack.priors", "none")
    once = put("attack.priors.total_variation.weight", "0.5", without)
    twice = put("attack.priors.total_variation.weight", "0.7", once)
    assert without["attack"]["priors"] == []
    assert [prior["weight"] for prior in twice["attack"]["priors"]] == [0.7]


def test_the_second_of_two_equal_defences_is_reached_by_its_position() -> None:
    twice = put("defences", [knobs.defence("gaussian_noise:std=0.1", KNOWN)] * 2)
    assert [part["std"] for part in put("defences.1.std", 0.5, twice)["defences"]] == [0.1, 0.5]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("attack.step", "3", "did you mean steps?"),
        ("modle", "lenet", "did you mean model?"),
        ("attack", "dgl", "did you mean dlg?"),
        ("attack.steps", "many", "attack.steps must be a whole number, not 'many'."),
        ("attack.steps", "2.5", "must be a whole number"),
        ("attack.steps", "0", "attack.steps must lie between 1 and 100000, not 0."),
        ("client.lr", "nan", "client.lr must be a number"),
        ("client.train", "perhaps", "must be true or false"),
        ("model.activation", "rleu", "model.activation must be one of sigmoid, "),
        ("attack.optimiser.lr.deep", "1", "has no knobs of its own"),
        ("attack.optimiser", "adam:lr=1", "give adam, and its knobs separately as attack.optimiser.KNOB=value."),
        ("model", "{", "must be valid JSON"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_nearest_word(path: str, value: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        put(path, value)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_defence_from_text_and_back() -> None:
    part = knobs.defence("gaussian_noise:std=0.02", KNOWN)
    assert (part["kind"], part["std"]) == ("gaussian_noise", 0.02)
    assert links.defence_text(part, KNOWN) == "gaussian_noise:std=0.02"
    assert knobs.defence("dropout", KNOWN) == KNOWN["families"]["defences"]["dropout"]["default"]


@pytest.mark.parametrize(
    "text", ["gaussian_nois", "gaussian_noise=0.1", *(f"gaussian_noise:{rest}" for rest in ("std", "sdt=1", "std=-1"))]
)
def test_a_broken_defence_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        knobs.defence(text, KNOWN)


def test_the_default_needs_no_query_and_a_change_is_readable() -> None:
    assert links.to_query(START, KNOWN) == {}
    changed = put(
        "attack.steps", 77, put("model", "convnet", put("defences", [knobs.defence("gaussian_noise:std=0.02", KNOWN)]))
    )
    assert links.to_query(changed, KNOWN) == {
        "model": "convnet", "defence": ["gaussian_noise:std=0.02"], "attack.steps": "77",
    }  # fmt: skip


def test_model_and_attack_come_first() -> None:
    changed = put(
        "size", 28, put("attack", "inverting_gradients", put("model", "convnet", START | {"images": ["sample:coffee"]}))
    )
    assert list(links.to_query(changed, KNOWN))[:2] == ["model", "attack"]


def test_the_order_of_a_links_words_does_not_matter() -> None:
    words = {"attack.optimiser.lr": "0.2", "attack.optimiser": "adam", "attack": "dlg"}
    assert links.from_query(words, KNOWN) == links.from_query(dict(reversed(words.items())), KNOWN)


@pytest.mark.parametrize("preset", KNOWN["presets"], ids=lambda preset: preset["name"])
def test_every_preset_survives_the_address_bar(preset: Any) -> None:
    assert links.from_query(links.to_query(preset["experiment"], KNOWN), KNOWN) == preset["experiment"]


@pytest.mark.parametrize("seed", range(100))
def test_any_experiment_survives_the_address_bar(seed: int) -> None:
    experiment = wander(random.Random(seed))
    query = links.to_query(experiment, KNOWN)
    assert all(isinstance(value, str) or all(isinstance(v, str) for v in value) for value in query.values())
    assert links.from_query(query, KNOWN) == experiment
    assert CODEC.encode(CODEC.decode(Experiment, experiment)) == experiment


ODD = (
    *("", ".", "..", " ", "kind", "images.0", "labels.0.x", "model.init.kind"),
    *("attack.", ".attack", "attack.kind", "attack.name", "attack..steps", "attack.labels."),
    *("attack.priors.", "attack.priors..weight", "attack.priors.0", "attack.priors.box", "attack.priors.box."),
    *("defences", "defences.", "defences..std", "defences.0.std", "client", "client.", "client..lr"),
)


@pytest.mark.parametrize("key", ODD)
def test_whatever_a_link_says_the_page_opens(key: str) -> None:
    for value in ("", "1", ".", "[]", "{}", "null", "[[", '{"kind": ""}', "none", "9" * 400, ["", "x"]):
        experiment, complaints = links.read_leniently({key: value}, KNOWN)
        assert experiment.keys() == knobs.start(KNOWN).keys() or complaints == []
        assert all(complaint.endswith((".", "?")) for complaint in complaints)
        assert all(links.tell_plainly(complaint, KNOWN).endswith((".", "?")) for complaint in complaints)


def test_a_pattern_that_begins_as_json_does_is_a_text() -> None:
    assert put("threat.hidden", "[cd]*.weight")["threat"]["hidden"] == "[cd]*.weight"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"model": "foo"}, "Model 'foo' is not known."),
        ({"defence": "gaussian_noise:std=99"}, "Deviation of Gaussian noise must lie between 1e-08 and 10, not 99.0."),
        ({"attack.optimiser.lr": "-1"}, "Step size must lie between 1e-05 and 10, not -1.0."),
        ({"client.lr": "x"}, "Learning rate must be a number, not 'x'."),
        ({"defence": "nosie"}, "Defence 'nosie' is not known."),
        ({"modle": "vit"}, "'modle' is not known here; did you mean model?"),
        ({"zzz": "1"}, "'zzz' is not known here."),
    ],
)
def test_what_a_link_has_wrong_is_told_without_the_names_of_code(query: dict[str, str], said: str) -> None:
    (complaint,) = links.read_leniently(query, KNOWN)[1]
    assert links.tell_plainly(complaint, KNOWN) == said


def test_a_broken_link_opens_with_what_was_understood() -> None:
    experiment, complaints = links.read_leniently(
        {"size": "28", "modle": "vit", "defence": ["nosie"], "seed": "4"}, KNOWN
    )
    assert (experiment["size"], experiment["seed"], experiment["model"]) == (28, 4, START["model"])
    assert len(complaints) == 2
    with pytest.raises(Refused):
        links.from_query({"modle": "vit"}, KNOWN)


def test_refusals_name_the_reason_and_presets_have_none() -> None:
    small = put("size", 8)
    assert knobs.refusals(small, small, KNOWN)
    for preset in KNOWN["presets"]:
        assert knobs.refusals(preset["experiment"], preset["experiment"], KNOWN) == []


def wander(rng: random.Random) -> Any:
    """An experiment some way from the default: random parts, random values, random lists."""
    experiment = START
    for family, path in (("models", "model"), ("attacks", "attack")):
        experiment = put(path, rng.choice(list(KNOWN["families"][family])), experiment)
    defences = [
        shaken(rng, KNOWN["families"]["defences"][kind])
        for kind in rng.choices(list(KNOWN["families"]["defences"]), k=rng.randrange(4))
    ]
    return experiment | {
        "images": rng.choice(
            [START["images"], ["sample:coffee"], ["sample:coffee", "sample:coffee", "upload:" + "a" * 64]]
        ),
        "defences": defences,
        "labels": rng.choice([None, [1], [1, 2, 3]]),
        "size": rng.choice([28, 32, 64]),
        "model": shaken(rng, knobs.find_entry("models", experiment["model"], KNOWN), experiment["model"]),
        "client": shaken(rng, KNOWN["client"]),
        "attack": shaken(rng, knobs.find_entry("attacks", experiment["attack"], KNOWN), experiment["attack"]),
    }


def shaken(rng: random.Random, entry: Any, part: Any = None) -> Any:
    """A part with some of its knobs changed, those of parts inside it too."""
    part = copy.deepcopy(part if part is not None else entry["default"])
    for knob in entry["knobs"]:
        if rng.random() < 0.5 and knob["name"] in part:
            part[knob["name"]] = another(rng, knob, part[knob["name"]])
    return part


def another(rng: random.Random, knob: Any, value: Any) -> Any:
    kind = knob["type"]
    if kind == "boolean":
        return not value
    if kind == "choice":
        return rng.choice(knob["choices"])
    if kind in ("part", "parts"):
        rows = KNOWN["families"][knob["family"]]
        chosen = [shaken(rng, rows[k]) for k in rng.choices(list(rows), k=1 if kind == "part" else rng.randrange(1, 4))]
        return chosen[0] if kind == "part" else chosen
    if kind in ("integer", "number"):
        low = knob["low"] if knob.get("low") is not None else 0
        high = knob["high"] if knob.get("high") is not None else low + 10
        drawn = rng.uniform(low, high)
        return int(drawn) if kind == "integer" else drawn
    return value


def test_an_attack_with_another_part_than_the_papers_is_called_changed() -> None:
    for row in KNOWN["families"]["attacks"].values():
        assert attack_title(row["default"], KNOWN) == row["title"]
    sapag = put("attack", "sapag")
    told = knobs.put(sapag, "attack.labels", "known_labels", KNOWN)
    slower = knobs.put(sapag, "attack.steps", 7, KNOWN)
    cosine = knobs.put(sapag, "attack.distance", "cosine", KNOWN)
    titles = [attack_title(each["attack"], KNOWN) for each in (told, slower, cosine)]
    assert titles == ["SAPAG", "SAPAG", "SAPAG, changed"]


def test_a_run_of_several_local_steps_says_so() -> None:
    assert run_title(put("client.local_epochs", 3), KNOWN) == f"{run_title(START, KNOWN)} · 3 local steps"


def test_a_run_is_named_after_what_the_attacker_does_not_see() -> None:
    assert run_title(put("threat.hidden", "classifier.*"), KNOWN) == f"{run_title(START, KNOWN)} · without classifier.*"
