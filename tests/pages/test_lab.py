"""The Lab: presets, knobs, links, pictures, and what cannot be done."""

from __future__ import annotations

import base64
import copy
import io
from typing import Any

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from gradleak_core import knobs
from gradleak_core.runs.service import Service
from tests.pages.conftest import Open, view


def words(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.markdown, *app.info, *app.warning, *app.error])


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
    assert "Expect that the picture leaks" in words(app)
    assert pixels(view(app)["preview"]).size == (32, 32)
    assert address(app) == {}


def test_every_preset_becomes_the_whole_set_up_and_the_address_says_it(service: Service, open_page: Open) -> None:
    app = open_page("lab")
    for preset in service.catalogue()["presets"]:
        app.button(f"preset:{preset['name']}").click().run()
        assert not app.exception
        assert view(app)["experiment"] == preset["experiment"]
        what = "defence" if preset["promise"] == "holds" else "picture"
        assert f"Expect that the {what} {preset['promise']}." in words(app)
        query = {key: app.query_params[key] for key in app.query_params}
        assert knobs.from_query(query, service.catalogue()) == preset["experiment"]
    assert view(app)["recording"] is None


def test_a_link_restores_the_set_up(service: Service, open_page: Open) -> None:
    known = service.catalogue()
    wanted = knobs.put(knobs.put(knobs.start(known), "model", "convnet", known), "attack.steps", 77, known)
    wanted["defences"] = [knobs.defence("gaussian_noise:std=0.02", known)]
    app = open_page("lab", **knobs.to_query(wanted, known))
    assert view(app)["experiment"] == wanted
    assert app.selectbox("knob:model").value == "convnet"
    assert app.number_input("knob:attack.steps").value == 77


def test_a_broken_link_says_so_and_opens_with_the_rest(service: Service, open_page: Open) -> None:
    app = open_page("lab", modle="convnet", size="28")
    assert "did you mean model?" in app.warning[0].value
    assert view(app)["experiment"]["size"] == 28


def test_a_link_to_a_run_shows_it_with_its_set_up(service: Service, full: list[str], open_page: Open) -> None:
    app = open_page("lab", run=full[0])
    assert view(app)["run"] == full[0]
    assert view(app)["experiment"] == service.run(full[0])["experiment"]
    assert address(app)["run"] == full[0]


def test_a_link_to_a_run_that_is_gone_says_so(service: Service, open_page: Open) -> None:
    app = open_page("lab", run="0123456789ab")
    assert "no longer kept" in app.warning[0].value
    assert view(app)["run"] is None


def test_changing_a_knob_leaves_the_run_on_show_alone_and_says_it_differs(
    service: Service, full: list[str], open_page: Open
) -> None:
    app = open_page("lab", run=full[0])
    assert "run of another set-up" not in words(app)
    app.number_input("knob:attack.steps").set_value(44).run()
    assert view(app)["run"] == full[0]
    assert view(app)["experiment"]["attack"]["steps"] == 44
    assert address(app)["attack.steps"] == "44"
    assert "run of another set-up" in words(app)


def test_knobs_inside_parts_follow_the_part(service: Service, open_page: Open) -> None:
    app = open_page("lab")
    app.selectbox("knob:attack").set_value("inverting_gradients").run()
    app.selectbox("knob:attack.optimiser").set_value("lbfgs").run()
    assert not app.exception
    assert view(app)["experiment"]["attack"]["optimiser"]["kind"] == "lbfgs"
    app.multiselect("knob:attack.priors").set_value([]).run()
    assert view(app)["experiment"]["attack"]["priors"] == []


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


@pytest.mark.parametrize(("content", "said"), [(b"", "empty"), (b"not a picture", "not a picture")])
def test_a_bad_upload_is_refused_in_one_sentence(service: Service, open_page: Open, content: bytes, said: str) -> None:
    app = uploaded(open_page, content)
    assert [said in error.value for error in app.error] == [True]
    assert view(app)["experiment"]["images"] == ["sample:astronaut"]


def test_a_good_upload_can_be_used_and_its_label_chosen(service: Service, open_page: Open) -> None:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(file, "PNG")
    app = uploaded(open_page, file.getvalue())
    pick = next(button for button in app.button if button.key.startswith("pick:upload:"))
    app = pick.click().run()
    experiment = view(app)["experiment"]
    assert experiment["images"][0].startswith("upload:")
    assert experiment["labels"] is None
    app.selectbox(f"label:0:{experiment['images'][0]}").set_value(3).run()
    assert view(app)["experiment"]["labels"] == [3]


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
    assert "keeps the label that its data set gives it" in words(app)


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
