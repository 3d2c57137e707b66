"""The Lab: presets, knobs, links, pictures, and what cannot be done."""

from __future__ import annotations

import base64
import copy
import io
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from gradleak_core.config import knobs, links
from gradleak_core.runs.service import Service
from pages._parts.fixes import fixes
from pages._parts.images import apart
from pages._parts.presets import keep_uploads, pressed
from tests.data.test_uploads import encoded, twelve_bits
from tests.pages.conftest import Open, field, view, views, warnings
from tests.runs.serving import until


def words(app: AppTest) -> str:
    said = [element.value for element in [*app.markdown, *app.info, *app.warning, *app.error]]
    return "\n".join([*said, *(data.get("foreword", "") for data in views(app))])


def address(app: AppTest) -> dict[str, Any]:
    """The query, a single value as itself."""
    query = {key: [value] if isinstance(value, str) else value for key, value in app.query_params.items()}
    return {key: value if len(value) > 1 else value[0] for key, value in query.items()}


def test_a_first_visit_plays_the_recording_and_says_what_is_assumed(service: Service, open_page: Open) -> None:
    app = open_page("lab")
    assert not app.exception
    assert view(app)["recording"] == "first"
    assert view(app)["run"] is None
    assert view(app)["refused"] is None
    assert "The attacker knows the LeNet with all its weights" in words(app)
    assert "Watch its picture come back from it." in words(app)
    assert pixels(view(app)["preview"]).size == (32, 32)
    assert address(app) == {}


def test_a_failed_run_says_why_and_one_press_proves_it_and_keeps_it_near(service: Service, open_page: Open) -> None:
    experiment = copy.deepcopy(service.catalogue()["experiment"]["default"])
    experiment["attack"] |= {"steps": 3}
    noise = knobs.defence("gaussian_noise:std=1", service.catalogue())
    run = service.submit(experiment | {"defences": [noise]}, "the failed one")
    until(lambda: service.run(run)["result"])
    app = open_page("lab", run=run)
    assert "Why it failed.** The defence changed the update" in words(app)
    app.button("mend").click().run()
    assert not app.exception
    proof = view(app)["run"]
    assert proof not in (None, run)
    assert service.run(proof)["experiment"] == view(app)["experiment"] == experiment
    assert app.button("show").label == "the failed one"
    app.button("show").click().run()
    assert view(app)["run"] == run
    until(lambda: service.run(proof)["result"])


def test_a_first_visit_can_join_the_run_that_is_under_way(service: Service, open_page: Open) -> None:
    experiment = copy.deepcopy(service.catalogue()["experiment"]["default"]) | {"seed": 5}
    experiment["attack"] |= {"steps": 100_000}
    run = service.submit(experiment, "the *class's* run")
    until(lambda: service.run(run)["status"] == "running")
    app = open_page("lab")
    assert "Under way on this server" in [header.value for header in app.subheader]
    assert app.button("show").label == "the \\*class's\\* run"
    app.button("show").click().run()
    assert view(app)["run"] == run
    assert view(app)["experiment"] == experiment
    assert len(app.subheader) == 2
    service.stop(run)
    until(lambda: service.run(run)["status"] == "stopped")
    assert len(open_page("lab").subheader) == 2


def test_every_preset_becomes_the_whole_set_up_and_the_address_says_it(service: Service, open_page: Open) -> None:
    app = open_page("lab")
    for preset in service.catalogue()["presets"]:
        app.button(f"preset:{preset['name']}").click().run()
        assert not app.exception
        shown = view(app).get("race") or {"lanes": [view(app).get("experiment")]}
        assert shown["lanes"] == [preset["experiment"], *preset["against"]]
        said = "defence holds." if preset["promise"] == "holds" else "picture leaks: recognisable in about "
        assert f"Expect that the {said}" in words(app)
        query = {key: app.query_params[key] for key in app.query_params if key != "lane"}
        assert links.from_query(query, service.catalogue()) == preset["experiment"]
    assert view(app)["recording"] is None


def test_a_link_restores_the_set_up(service: Service, open_page: Open) -> None:
    known = service.catalogue()
    wanted = knobs.put(knobs.put(knobs.start(known), "model", "convnet", known), "attack.steps", 77, known)
    wanted["defences"] = [knobs.defence("gaussian_noise:std=0.02", known)]
    app = open_page("lab", **links.to_query(wanted, known))
    assert view(app)["experiment"] == wanted
    assert app.selectbox("knob:model").value == "convnet"
    assert app.number_input("knob:attack.steps").value == 77


def test_a_broken_link_says_so_and_opens_with_the_rest(service: Service, open_page: Open) -> None:
    app = open_page("lab", modle="convnet", size="28")
    assert "did you mean model?" in warnings(app)[0]
    assert view(app)["experiment"]["size"] == 28


def test_a_link_to_a_run_shows_it_with_its_set_up(service: Service, full: list[str], open_page: Open) -> None:
    app = open_page("lab", run=full[0])
    assert view(app)["run"] == full[0]
    assert view(app)["experiment"] == service.run(full[0])["experiment"]
    assert address(app)["run"] == full[0]


def test_a_link_to_a_run_that_is_gone_says_so(service: Service, open_page: Open) -> None:
    app = open_page("lab", run="0123456789ab")
    assert warnings(app)[0].endswith("is not stored here; this is the first set-up instead.")
    assert view(app)["run"] is None
    app = open_page("lab", run="0123456789ab", attack="dlg")
    assert warnings(app)[0].endswith("is not stored here; press Run it live to start it.")


def test_an_attack_against_what_the_model_has_not_says_so(service: Service, open_page: Open) -> None:
    assert "the model has neither" in words(open_page("lab", attack="precode_bypass"))
    assert "the model has neither" not in words(open_page("lab", attack="precode_bypass", defence="precode"))


def test_a_changed_set_up_has_the_stage_to_itself_and_the_run_before_is_a_press_away(
    service: Service, full: list[str], open_page: Open
) -> None:
    app = open_page("lab", run=full[0])
    before = view(app)
    assert before["run"] == full[0]
    assert "Before" not in [header.value for header in app.subheader]
    app.number_input("knob:attack.steps").set_value(44).run()
    assert view(app)["run"] is None
    assert view(app)["preview"] == before["preview"]
    assert view(app)["experiment"]["attack"]["steps"] == 44
    assert address(app)["attack.steps"] == "44"
    assert app.button("show").label == "the second"
    app.button("show").click().run()
    assert (view(app)["run"], view(app)["experiment"]) == (full[0], before["experiment"])
    assert "Before" not in [header.value for header in app.subheader]


def test_knobs_inside_parts_follow_the_part(service: Service, open_page: Open) -> None:
    app = open_page("lab")
    field(app.selectbox, "knob:attack").set_value("inverting_gradients").run()
    field(app.selectbox, "knob:attack.optimiser").set_value("lbfgs").run()
    assert not app.exception
    assert view(app)["experiment"]["attack"]["optimiser"]["kind"] == "lbfgs"
    field(app.multiselect, "knob:attack.priors").set_value([]).run()
    assert view(app)["experiment"]["attack"]["priors"] == []


def test_what_needs_too_much_memory_or_time_is_said_before_the_run(
    service: Service, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADLEAK_MEMORY", "1")
    asked = {"model": "mlp", "size": "64", "attack.restarts": "256"}
    assert "and 1.0 GB are free; lower the restarts (256)" in view(open_page("lab", **asked))["refused"]
    monkeypatch.setenv("GRADLEAK_MEMORY", "100")
    app = open_page("lab", model="resnet18", size="224", **{"attack.restarts": "256"})
    assert view(app)["refused"] is None
    assert view(app)["foreword"].startswith("One iteration may take")


def test_how_long_a_long_run_may_take_is_said_before_it_is_started(service: Service, open_page: Open) -> None:
    assert view(open_page("lab"))["length"] == ""
    long = view(open_page("lab", **{"attack.steps": "100000"}))
    assert re.fullmatch(r"may take roughly \d+ min", long["length"])
    assert long["foreword"] == "Nothing hides the update."


def test_what_cannot_be_done_is_refused_with_the_reason_in_sight(service: Service, open_page: Open) -> None:
    app = open_page("lab", size="8")
    assert "The LeNet reads 16 to 128 pixels a side" in view(app)["refused"]
    assert not app.error  # the view says it, once
    assert any("not with this set-up" in option for option in app.selectbox("knob:model").options)
    assert "LeNet" in words(app)


def test_every_model_and_attack_opens_without_an_error(service: Service, open_page: Open) -> None:
    app = open_page("lab")
    for path, family in (("model", "models"), ("attack", "attacks")):
        for kind in service.catalogue()["families"][family]:
            app.selectbox(f"knob:{path}").set_value(kind).run()
            assert not app.exception
            assert knobs.kind_of(family, view(app)["experiment"][path], service.catalogue()) == kind


def test_defences_are_shown_in_order_and_can_be_moved_and_removed(service: Service, open_page: Open) -> None:
    app = open_page("lab", defence=["gaussian_noise:std=0.02", "pruning"])
    kinds = lambda: [part["kind"] for part in view(app)["experiment"]["defences"]]  # noqa: E731
    assert kinds() == ["gaussian_noise", "pruning"]
    app.button("down:0").click().run()
    assert kinds() == ["pruning", "gaussian_noise"]
    app.button("remove:0").click().run()
    assert kinds() == ["gaussian_noise"]
    assert "changed by the defence" in words(app)
    assert address(app)["defence"] == "gaussian_noise:std=0.02"


def test_every_defence_can_be_shown(service: Service, open_page: Open) -> None:
    app = open_page("lab", defence=list(service.catalogue()["families"]["defences"]))
    assert not app.exception
    assert len(view(app)["experiment"]["defences"]) == len(service.catalogue()["families"]["defences"])


def test_a_sample_is_picked_from_the_gallery(service: Service, open_page: Open) -> None:
    app = open_page("lab")
    app.button("choose-images").click().run()
    app.button("pick:sample:rocket").click().run()
    assert view(app)["experiment"]["images"] == ["sample:rocket"]
    assert address(app) == {"image": "sample:rocket"}


def test_a_batch_is_put_together_and_taken_apart(service: Service, open_page: Open) -> None:
    app = open_page("lab", image=["sample:astronaut", "sample:rocket"])
    assert "2 colour pictures" in words(app)
    app.button("choose-images").click().run()
    app.button("pick:sample:coffee").click().run()
    assert view(app)["experiment"]["images"] == ["sample:astronaut", "sample:rocket", "sample:coffee"]
    app.button("out:0:sample:astronaut").click().run()
    assert view(app)["experiment"]["images"] == ["sample:rocket", "sample:coffee"]


def test_a_label_can_be_changed_and_changed_back(service: Service, open_page: Open) -> None:
    app = open_page("lab", image=["sample:astronaut", "sample:rocket"])
    app.selectbox("label:0:sample:astronaut").set_value(7).run()
    assert view(app)["experiment"]["labels"] == [7, 5]
    app.selectbox("label:0:sample:astronaut").set_value(0).run()
    assert view(app)["experiment"]["labels"] is None


def test_what_hides_every_layer_is_refused_before_run_and_only_what_helps_is_offered(
    service: Service, open_page: Open
) -> None:
    layers = service.catalogue()["families"]["models"]["lenet"]["layers"]
    app = open_page("lab", **{"threat.hidden": [", ".join(f"{layer}.*" for layer in layers)]})
    assert "Every layer is hidden, so there is nothing to attack; leave one visible." in view(app)["refused"]
    assert view(app)["fixes"] == ["Show every layer"]
    app = open_page("lab", **{"threat.hidden": ["conv1.*, conv2.*, conv3.*, classifier.bias"]})
    assert "Every layer" not in (view(app)["refused"] or "")


def test_a_label_beyond_the_classes_is_refused_before_run(service: Service, open_page: Open) -> None:
    app = open_page("lab", label=["12"])
    assert view(app)["refused"].startswith("Label 12, of picture 1, is not one of the model's 10 classes")


@pytest.mark.parametrize(("content", "said"), [(b"", "empty"), (b"not a picture", "not a picture")])
def test_a_bad_upload_is_refused_in_one_sentence(service: Service, open_page: Open, content: bytes, said: str) -> None:
    app = uploaded(open_page, content)
    assert [said in error.value for error in app.error] == [True]
    assert view(app)["experiment"]["images"] == ["sample:astronaut"]


def test_a_good_upload_can_be_used_and_its_label_chosen(service: Service, open_page: Open) -> None:
    app = with_own_picture(open_page)
    experiment = view(app)["experiment"]
    assert experiment["images"][0].startswith("upload:")
    assert experiment["labels"] is None
    app.selectbox(f"label:0:{experiment['images'][0]}").set_value(3).run()
    assert view(app)["experiment"]["labels"] == [3]


def test_the_label_of_an_own_picture_is_a_number_and_that_of_a_sample_a_name(service: Service, open_page: Open) -> None:
    assert view(open_page("lab"))["classes"][0] == "person"
    assert view(with_own_picture(open_page))["classes"] == []


def test_a_deleted_picture_is_not_shown_from_memory(service: Service, open_page: Open) -> None:
    app = with_own_picture(open_page)
    experiment = view(app)["experiment"]
    assert view(app)["preview"] is not None
    service.delete(service.submit(experiment))
    shown = view(app.run())
    assert shown["preview"] is None
    assert "not kept here" in shown["refused"]


def test_a_very_dark_picture_can_be_used_stretched(service: Service, open_page: Open) -> None:
    app = uploaded(open_page, encoded(twelve_bits()))
    assert "very dark" in app.warning[0].value
    app.toggle("stretch").set_value(True).run()
    app = next(button for button in app.button if button.key.startswith("pick:upload:")).click().run()
    assert pixels(view(app)["preview"]).getextrema()[0][1] > 240


def test_a_dataset_picture_keeps_its_own_label_and_gets_classes_enough(service: Service, open_page: Open) -> None:
    app = open_page("lab")
    app.button("choose-images").click().run()
    app.segmented_control("source").set_value("Datasets").run()
    app.selectbox("dataset").set_value("cifar100").run()
    app.button("use-dataset").click().run()
    shown = view(app)
    assert shown["experiment"]["images"] == ["dataset:cifar100/test/0"]
    assert shown["experiment"]["labels"] is None
    assert shown["experiment"]["classes"] == 100
    assert shown["classes"][:2] == ["apple", "aquarium_fish"]
    assert shown["preview"] is None
    assert shown["refused"] is None
    assert "Picture and label are read from the data set when the run starts." in words(app)


def test_a_test_folder_is_shown_with_the_labels_of_its_train_folder_as_they_are_now(
    service: Service, open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("train/cat", "train/dog", "test/cat", "test/dog"):
        (tmp_path / "pets" / place).mkdir(parents=True)
    Image.new("L", (12, 12)).save(tmp_path / "pets" / "test" / "dog" / "0.png")
    monkeypatch.setenv("GRADLEAK_DATASETS", str(tmp_path / "pets"))
    dog = "folder:pets/test/dog/0.png"
    app = open_page("lab", image=[dog, dog])
    assert view(app)["classes"] == ["cat", "dog"]
    assert app.selectbox(f"label:0:{dog}").value == 1
    (tmp_path / "pets" / "train" / "ape").mkdir()
    assert open_page("lab", image=[dog, dog]).selectbox(f"label:0:{dog}").value == 2
    app.button("choose-images").click().run()
    app.segmented_control("source").set_value("Folders").run()
    assert app.selectbox("class:pets/test").options == ["dog"]


def test_a_label_beyond_the_classes_is_shown_as_it_is(service: Service, open_page: Open) -> None:
    app = open_page("lab", image=["sample:astronaut", "sample:coin"], classes="4")
    assert app.selectbox("label:1:sample:coin").value == 9


def test_label_names_are_those_of_the_pictures_and_none_when_they_disagree(service: Service, open_page: Open) -> None:
    samples, digits = "sample:astronaut", "dataset:fashion_mnist/test/0"
    assert view(open_page("lab", image=samples))["classes"] == service.catalogue()["classes"]
    assert view(open_page("lab", image=digits))["classes"][0] == "T-shirt/top"
    assert view(open_page("lab", image=[samples, digits]))["classes"] == []


def test_a_picture_that_is_not_there_is_refused_before_the_run(service: Service, open_page: Open) -> None:
    app = open_page("lab", image="folder:pets/dog/1.png")
    assert "No folder of images is set up" in view(app)["refused"]
    assert view(app)["preview"] is None
    assert "did you mean 'sample:rocket'" in view(open_page("lab", image="sample:rokcet"))["refused"]


def test_a_batch_is_previewed_as_the_model_will_see_it(service: Service, open_page: Open) -> None:
    app = open_page("lab", image=["sample:astronaut", "sample:rocket"], size="28", channels="1")
    shown = pixels(view(app)["preview"])
    assert (shown.mode, shown.size) == ("L", (28, 56))


def pixels(address: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))


def test_the_set_up_survives_a_visit_to_another_page(service: Service, open_page: Open) -> None:
    app = open_page("lab", size="28")
    before = copy.deepcopy(view(app)["experiment"])
    app.switch_page("../about.py").run()
    app.query_params.clear()
    app.switch_page("../lab.py").run()
    assert view(app)["experiment"] == before
    assert address(app) == {"size": "28"}


def uploaded(open_page: Open, content: bytes) -> AppTest:
    app = open_page("lab")
    app.button("choose-images").click().run()
    app.segmented_control("source").set_value("Upload").run()
    return app.file_uploader("upload").upload("picture.png", content, "image/png").run()


def with_own_picture(open_page: Open) -> AppTest:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(file, "PNG")
    app = uploaded(open_page, file.getvalue())
    return next(button for button in app.button if button.key.startswith("pick:upload:")).click().run()


def test_a_model_is_trained_first_when_the_link_or_the_form_says_so(service: Service, open_page: Open) -> None:
    app = open_page("lab", **{"weights": "trained", "weights.epochs": "3"})
    assert not app.warning
    wanted = {"kind": "trained", "dataset": "digits", "epochs": 3, "lr": 0.001}
    assert view(app)["experiment"]["weights"] == wanted
    assert "the LeNet, trained on digits for 3 epochs, with all its weights" in words(app)
    app.number_input("knob:weights.epochs").set_value(20).run()
    assert view(app)["experiment"]["weights"] == wanted | {"epochs": 20}
    assert address(app) == {"weights": "trained", "weights.epochs": "20"}
    app.selectbox("knob:weights").set_value("untrained").run()
    assert view(app)["experiment"]["weights"] == {"kind": "untrained"}
    assert address(app) == {}


def test_what_the_attacker_knows_is_set_in_one_place_and_said_before_the_run(service: Service, open_page: Open) -> None:
    known = service.catalogue()
    app = open_page("lab")
    assert "What the attacker knows" in [header.value for header in app.subheader]
    for knob in known["threat"]["knobs"]:
        labels = [widget.label for widget in (*app.multiselect, *app.number_input, *app.segmented_control)]
        assert labels.count(knob["label"]) == 1, knob["label"]
    assert [box.label for box in app.selectbox].count("Labels") == 1
    assert [box.label for box in app.selectbox].count("Randomness") == 1
    app.multiselect("knob:threat.hidden").set_value(["conv1.*", "conv2.*"]).run()
    assert view(app)["experiment"]["threat"]["hidden"] == "conv1.*, conv2.*"
    assert address(app)["threat.hidden"] == "conv1.*, conv2.*"
    assert "sees one update, without conv1 and conv2, made from" in words(app)
    app.number_input("knob:threat.rounds").set_value(3).run()
    assert "sees 3 updates, each from the server's next model, without conv1 and conv2" in words(app)
    app.number_input("knob:client.local_epochs").set_value(4).run()
    assert "knows that the client took 4 local training steps" in words(app)
    app.segmented_control("knob:threat.local_steps").set_value("one").run()
    assert "mistakes the client's 4 local training steps for a single one" in words(app)
    assert "in 4 local steps. The attacker knows this." in words(app)
    again = open_page("lab", **address(app))
    assert view(again)["experiment"] == view(app)["experiment"]


@pytest.mark.parametrize("model", ["mlp", "lenet", "convnet", "resnet20", "resnet18", "vit"])
def test_each_models_own_layers_can_be_hidden(service: Service, open_page: Open, model: str) -> None:
    app = open_page("lab", model=model)
    layers = service.catalogue()["families"]["models"][model]["layers"]
    assert app.multiselect("knob:threat.hidden").options == layers
    assert layers[-1] == "classifier"


def test_the_sentence_names_stance_and_statistics_where_they_matter(service: Service, open_page: Open) -> None:
    stances = service.catalogue()["families"]["stances"]
    app = open_page("lab", defence="dropout")
    assert "computes as if nothing in the model were random" in words(app)
    for stance in ("guess", "told", "solve", "read_off"):
        app.selectbox("knob:attack.stance").set_value(stance).run()
        assert stances[stance]["knows"] in words(app)
    assert "Expect a better picture than an attack that ignores the randomness would get." in words(app)
    plain = open_page("lab", **{"attack.stance": "solve"})
    assert stances["solve"]["knows"] not in words(plain)
    assert "Nothing in this client's model is random, so this changes nothing here." in words(plain)

    app = open_page("lab", model="resnet20", attack="gradinversion", **{"threat.statistics": "told"})
    assert "is told the batch statistics before each batch norm" in words(app)
    assert "This model has no batch norm" not in words(app)


@pytest.mark.parametrize(
    ("defence", "name"), [("input_noise", "noisy picture"), ("mixup", "mixture"), ("instahide", "encrypted mixture")]
)
def test_what_comes_back_from_a_changed_input_is_said_before_and_beside_the_result(
    service: Service, open_page: Open, defence: str, name: str
) -> None:
    app = open_page("lab", defence=defence, image=["sample:astronaut", "sample:rocket"])
    assert f"Expect the {name} at best: that is what the client trained on." in words(app)
    assert view(app)["remark"].startswith(f"At best this recovers the {name}.")
    assert view(open_page("lab"))["remark"] == ""


def test_a_refused_set_up_offers_single_changes_that_make_it_possible(service: Service, open_page: Open) -> None:
    app = open_page("lab", attack="gradinversion")
    assert view(app)["refused"] == "Batch statistics need a model with batch norm; choose the ConvNet or a ResNet."
    assert "Use the ConvNet" in view(app)["fixes"]
    mended = fixes(view(app)["experiment"])["Use the ConvNet"]
    assert (mended["model"]["kind"], mended["attack"]["name"]) == ("convnet", "gradinversion")
    assert view(open_page("lab", **links.to_query(mended, service.catalogue())))["refused"] is None

    cut = view(open_page("lab", model="vit", size="224"))
    assert cut["fixes"][0] == "Use patches of 16", "what was asked for is kept"
    assert fixes(cut["experiment"])["Use patches of 16"]["size"] == 224

    two = open_page("lab", attack="dropout_readoff", defence="dropout", image=["sample:astronaut", "sample:rocket"])
    assert "use a batch of one" in view(two)["refused"]
    mended = fixes(view(two)["experiment"])["Use one picture"]
    one = view(open_page("lab", **links.to_query(mended, service.catalogue())))
    assert (one["refused"], one["fixes"]) == (None, [])


def test_a_picture_that_is_not_there_can_be_exchanged_and_a_single_one_for_a_mixture_completed(
    service: Service, open_page: Open
) -> None:
    app = open_page("lab", image="sample:nobody")
    assert "There is no image 'sample:nobody'" in view(app)["refused"]
    assert view(app)["fixes"] == ["Use Astronaut"]
    assert fixes(view(app)["experiment"])["Use Astronaut"]["images"] == ["sample:astronaut"]

    mixed = view(open_page("lab", defence="mixup"))
    assert len(fixes(mixed["experiment"])["Add a second picture"]["images"]) == 2


def test_labels_that_the_attacker_is_told_are_not_called_recovered(service: Service, open_page: Open) -> None:
    assert view(open_page("lab", attack="inverting_gradients"))["told"]
    assert not view(open_page("lab", attack="idlg"))["told"]


def test_a_run_stays_while_the_browser_has_not_yet_written_it_into_the_address(
    service: Service, full: list[str], open_page: Open
) -> None:
    app = open_page("lab", run=full[0])
    assert view(app)["run"] == full[0]
    del app.query_params["run"]
    app.run()
    assert (view(app)["run"], address(app)["run"]) == (full[0], full[0])


def test_a_preset_takes_the_stage_and_offers_the_run_before(service: Service, full: list[str], open_page: Open) -> None:
    app = open_page("lab", run=full[0])
    app.button("preset:fedavg").click().run()
    assert view(app)["run"] is None
    assert "run" not in address(app), "a link to this set-up is none to a run of another"
    assert app.button("show").label == "the second"


def test_a_number_beyond_its_bounds_is_refused_beneath_its_field(service: Service, open_page: Open) -> None:
    app = open_page("lab")
    before = view(app)["experiment"]["attack"]["restarts"]
    field(app.number_input, "knob:attack.restarts").set_value(9999).run()
    assert ":red[Restarts must lie between 1 and 256, not 9999.]" in words(app)
    assert (
        view(app)["experiment"]["attack"]["restarts"] == before == field(app.number_input, "knob:attack.restarts").value
    )
    assert ":red[" not in words(app.run())


def test_a_preset_keeps_a_picture_of_the_users_own(service: Service, open_page: Open) -> None:
    app = with_own_picture(open_page)
    own = view(app)["experiment"]["images"]
    app.selectbox(f"label:0:{own[0]}").set_value(3).run()
    app.button("preset:convnet").click().run()
    assert (view(app)["experiment"]["images"], view(app)["experiment"]["labels"]) == (own, [3])
    assert view(app)["experiment"]["model"]["kind"] == "convnet"
    assert view(app)["foreword"] == "This example has your picture in it; press it again for its own."
    app.button("preset:convnet").click().run()
    assert (view(app)["experiment"]["images"], view(app)["experiment"]["labels"]) == (["sample:chelsea"], None)
    assert "your picture" not in view(app)["foreword"]

    app = with_own_picture(open_page)
    app.button("preset:batch").click().run()
    assert own[0] not in view(app)["experiment"]["images"]


def test_uploads_in_a_batch_get_labels_of_their_own() -> None:
    upload, other, person = "upload:a", "upload:b", "sample:astronaut"
    assert apart([upload], 10) is None
    assert apart([person, "sample:rocket"], 10) is None
    assert apart([person, upload, other], 10) == [0, 1, 2]
    assert apart([upload, other, upload], 2) == [0, 1, 0]
    assert apart([upload, "dataset:mnist/test/0"], 10) is None


@pytest.mark.parametrize(("own", "kept"), [("upload:ab", True), ("sample:coffee", False)])
def test_a_preset_shows_the_picture_that_it_would_be_run_with(own: str, kept: bool) -> None:
    preset = {"images": ["sample:astronaut"], "labels": None, "classes": 10}
    found = keep_uploads(preset, {"images": [own], "labels": [3]})
    assert (found["images"], found["labels"]) == (([own], [3]) if kept else (["sample:astronaut"], None))
    assert keep_uploads(preset | {"classes": 3}, {"images": [own], "labels": [3]})["labels"] is None
    once = pressed(preset, {"images": [own], "labels": [3]})
    assert once["images"] == ([own] if kept else ["sample:astronaut"])
    assert pressed(preset, once) == preset, "pressed again it has its own picture"
    four = preset | {"images": ["sample:astronaut"] * 4}
    assert keep_uploads(four, {"images": [own], "labels": [3]}) == four
