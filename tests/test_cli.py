"""The command line as a user meets it: exit codes, one sentence for bad input, files that open."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from PIL import Image

from gradleak_core.__main__ import main
from gradleak_core.speed.threads import ALL_THREADS, keep_choices
from tests.data.test_uploads import twelve_bits

ROOT = Path(__file__).resolve().parents[1]
SMALL = ["attack", "--size", "16", "--steps", "12", "--device", "cpu"]
COMMAND = [sys.executable, "-m", "gradleak_core"]


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADLEAK_DATA", str(tmp_path / "data"))


def result(capsys: pytest.CaptureFixture[str], *options: str) -> dict:
    assert main([*SMALL, "--json", "-", *options]) == 0
    return json.loads(capsys.readouterr().out)


def test_stdout_holds_only_the_json_that_the_issue_names(capsys: pytest.CaptureFixture[str]) -> None:
    found = result(capsys, "--sample", "chelsea", "--model", "lenet", "--attack", "idlg")
    assert found.keys() >= {"experiment", "status", "metrics", "iterations", "seconds", "iterations_per_second",
                            "seconds_to_recognisable", "verdict", "device", "seed"}  # fmt: skip
    assert found["metrics"].keys() == {"mse", "rmse", "psnr", "ssim", "likeness", "label_accuracy", "distance"}
    assert (found["status"], found["iterations"], found["device"]) == ("done", 12, "cpu")
    assert found["true_labels"] == [1]
    assert found["diagnosis"]["cause"] == "iterations"
    assert found["diagnosis"]["mend"]["changes"] == {"attack.steps": 3000}
    assert found["versions"].keys() >= {"gradleak", "python", "torch"}


def test_the_table_says_how_much_came_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--sample", "chelsea"]) == 0
    shown = capsys.readouterr().out
    assert "Finished" in shown
    assert "verdict" in shown
    assert "The picture stayed hidden, but its label leaked." in shown
    assert "The run ended too early" in shown
    assert "Run it for 3,000 iterations: --set attack.steps=3000" in shown
    assert "SSIM" in shown
    assert "labels" in shown
    assert "note" not in shown
    assert main([*SMALL, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_what_one_has_to_know_of_a_result_is_noted_beneath(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = str(tmp_path / "mine.png")
    Image.new("L", (30, 20), 90).save(mine)
    assert main([*SMALL, "--image", mine]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "cut to a square of 16 × 16 pixels, and their label is 0 unless --label says another." in shown
    assert main([*SMALL, "--image", mine, "--label", "3", "--attack", "precode_bypass", "--restarts", "2"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "cut to a square of 16 × 16 pixels." in shown
    assert "the model has neither" in shown
    assert "2 first guesses side by side" in shown


def test_a_result_runs_again_to_the_same_numbers(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "first.json"
    assert main([*SMALL, "--seed", "3", "--defence", "gaussian_noise:std=0.001", "--json", str(file)]) == 0
    first = json.loads(file.read_text())
    assert first["experiment"]["threads"] == 1
    keep_choices({"LeNet": {1: ALL_THREADS}})  # what the tuner may find meanwhile
    capsys.readouterr()
    assert main(["attack", "--experiment", str(file), "--device", "cpu", "--json", "-"]) == 0
    second = json.loads(capsys.readouterr().out)
    assert (second["metrics"], second["experiment"]) == (first["metrics"], first["experiment"])
    assert result(capsys, "--seed", "4")["metrics"] != first["metrics"]


def test_options_reach_the_experiment(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--batch", "2", "--restarts", "2", "--channels", "1", "--set", "client.lr=0.02"]
    options += ["--defence", "clipping:norm=2", "--defence", "sign"]
    experiment = result(capsys, "--sample", "astronaut", *options)["experiment"]
    assert experiment["images"][0] == "sample:astronaut"
    assert len(set(experiment["images"])) == 2
    assert (experiment["attack"]["restarts"], experiment["channels"], experiment["client"]["lr"]) == (2, 1, 0.02)
    assert experiment["defences"][0]["norm"] == 2
    assert [part["kind"] for part in experiment["defences"]] == ["clipping", "sign"]


def test_a_model_is_trained_first_and_only_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    options = ["--model", "mlp", "--set", "model.width=32", "--set", "weights=trained", "--set", "weights.epochs=2"]
    found = result(capsys, *options)
    assert found["experiment"]["weights"] == {"kind": "trained", "dataset": "digits", "epochs": 2, "lr": 0.001}
    [kept] = (tmp_path / "data" / "weights").iterdir()
    written = kept.stat().st_mtime_ns
    assert result(capsys, *options)["metrics"] == found["metrics"]
    assert kept.stat().st_mtime_ns == written
    assert main([*SMALL, *options, "--set", "classes=4"]) == 2
    assert "digits has 10 classes and the model only 4" in capsys.readouterr().err


def test_a_preset_is_a_start_and_options_change_it(capsys: pytest.CaptureFixture[str]) -> None:
    experiment = result(capsys, "--preset", "pruning", "--set", "attack.optimiser.lr=0.5")["experiment"]
    assert experiment["defences"][0]["kind"] == "pruning"
    assert experiment["attack"]["optimiser"]["lr"] == 0.5


def test_a_very_dark_file_is_said_to_be_so_and_can_be_stretched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "scan.png"
    twelve_bits().save(file)
    assert main([*SMALL, "--image", str(file)]) == 0
    assert "A picture is very dark; --stretch makes" in capsys.readouterr().err
    assert main([*SMALL, "--image", str(file), "--stretch"]) == 0
    assert "very dark" not in capsys.readouterr().err


def test_a_file_of_ones_own_is_kept_and_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "own.jpg"
    Image.new("RGB", (40, 30), "teal").save(file)
    found = result(capsys, "--image", str(file), "--label", "7")
    assert found["experiment"]["images"][0].startswith("upload:")
    assert found["experiment"]["labels"] == [7]
    assert found["labels"] == [7]


def test_saved_pictures_open_and_have_a_frame_for_every_iteration(tmp_path: Path) -> None:
    for suffix, size in (("png", (1920, 1080)), ("gif", (960, 540))):
        file = tmp_path / f"run.{suffix}"
        assert main([*SMALL, "--batch", "2", "--attack", "dlg", "--save", str(file), "--quiet"]) == 0
        with Image.open(file) as image:
            image.load()
            assert (image.format, image.size) == (suffix.upper(), size)
            assert getattr(image, "n_frames", 1) == (12 if suffix == "gif" else 1)  # a frame an iteration


def test_the_saved_page_holds_the_run_and_needs_no_network(tmp_path: Path) -> None:
    file = tmp_path / "run.html"
    assert main([*SMALL, "--save", str(file), "--quiet"]) == 0
    page = file.read_text("utf-8")
    assert {*re.findall(r"https?://[^\"]+", page)} == {"http://www.w3.org/2000/svg"}  # a name, which nobody asks for
    whole = json.loads(page.split('id="recording">')[1].split("</script>")[0])
    (held,) = whole["lanes"]
    assert held["frames"][-1]["iteration"] == 12
    assert whole["truth"].startswith("data:image/")
    assert len(held["curve"]["columns"]["distance"]) == 12


BAD = {
    "sample": (["--sample", "astronut"], "astronaut"),
    "model": (["--model", "lenett"], "lenet"),
    "attack": (["--attack", "idgl"], "idlg"),
    "preset": (["--preset", "frist"], "first"),
    "defence": (["--defence", "gausian_noise"], "gaussian_noise"),
    "defence knob": (["--defence", "gaussian_noise:sdt=0.1"], "std"),
    "defence without value": (["--defence", "gaussian_noise:std"], "knob=value"),
    "knob out of range": (["--defence", "gaussian_noise:std=-1"], "must lie between"),
    "knob unknown": (["--set", "attack.stepps=3"], "steps"),
    "set without value": (["--set", "attack.steps"], "path=value"),
    "size out of range": (["--size", "4"], "8"),
    "size for the model": (["--model", "vit", "--size", "30"], "the patch divides"),
    "label out of range": (["--label", "12"], "13 classes"),
    "labels too many": (["--label", "1", "--label", "2"], "2 labels"),
    "file missing": (["--image", "nowhere.png"], "nowhere.png"),
    "a folder": (["--image", "."], "cannot be read"),
    "not an image": (["--image", __file__], "PNG"),
    "which is not an image": (["--image", __file__], Path(__file__).name),
    "sample unlike any": (["--sample", "nobody"], "python -m gradleak_core catalogue samples"),
    "experiment missing": (["--experiment", "nowhere.json"], "nowhere.json cannot be read"),
    "experiment not JSON": (["--experiment", __file__], "JSON"),
    "json path": (["--json", "nowhere/run.json"], "cannot be written"),
    "save path": (["--save", "nowhere/run.png"], "cannot be written"),
    "save kind": (["--save", "run.bmp"], ".png"),
    "batch": (["--batch", "17"], "16"),
    "option": (["--sampel", "astronaut"], "--sample"),
    "device name": (["--device", "tpu"], "cuda"),
}


@pytest.mark.parametrize(("options", "hint"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_in_one_sentence(
    options: list[str], hint: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["attack", "--steps", "1", *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert hint in err
    assert len(err.strip().splitlines()) == 1
    assert not err.strip().endswith("?.")


def test_a_device_that_is_not_here_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    absent = "mps" if not torch.backends.mps.is_available() else "cuda"
    assert main(["attack", "--device", absent]) == 2
    assert f"no {absent} device" in capsys.readouterr().err


def test_an_unknown_command_names_the_close_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["atack"]) == 2
    assert "attack" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_keeps_what_was_seen(tmp_path: Path) -> None:
    picture = tmp_path / "run.png"
    options = ["--steps", "100000", "--set", "attack.goal=0", "--json", "-", "--save", str(picture)]
    environment = os.environ | {"FORCE_COLOR": "1", "COLUMNS": "160"}
    process = subprocess.Popen(
        [*COMMAND, "attack", *options], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    seen = b""
    while b"PSNR" not in seen:
        seen += os.read(process.stderr.fileno(), 4096)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    found = json.loads(out)
    assert found["status"] == "stopped"
    assert 0 < found["iterations"] < 100000
    assert b"Traceback" not in err
    with Image.open(picture) as image:
        image.load()


def test_help_is_quick_because_it_loads_neither_torch_nor_streamlit() -> None:
    code = """
import sys
from gradleak_core.__main__ import main
assert main(["--help"]) == main(["serve", "--help"]) == main(["attack", "--help"]) == 0
assert not {"torch", "streamlit", "numpy"} & sys.modules.keys(), "loaded"
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for command in ("attack", "catalogue", "serve", "check"):
        assert command in done.stdout


def test_an_attack_loads_no_compiler_and_nothing_else_that_takes_seconds() -> None:
    code = """
import sys
from gradleak_core.__main__ import main
assert main("attack --steps 13 --size 16 --restarts 2 --quiet".split()) == 0
assert "torch" in sys.modules
assert not {"torch._dynamo", "torchvision", "scipy", "pandas"} & sys.modules.keys(), "loaded"
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_catalogue_names_everything(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["catalogue", "--json"]) == 0
    catalogue = json.loads(capsys.readouterr().out)
    assert main(["catalogue"]) == 0
    shown = capsys.readouterr().out
    families = catalogue["families"]
    names = [*(name for family in families.values() for name in family), *catalogue["samples"]]
    names += [*catalogue["metrics"], *(preset["name"] for preset in catalogue["presets"])]
    assert [name for name in names if name not in shown] == []
    assert "local_epochs=" in shown


def test_the_catalogue_shows_only_the_parts_that_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalogue", "presets", "metrics"]) == 0
    shown = capsys.readouterr().out
    assert "One photo leaks" in shown
    assert "PSNR" in shown.upper()
    assert "inverting_gradients" not in shown
    assert main(["catalogue", "atacks"]) != 0
    assert "has no part atacks; choose from attacks, models" in " ".join(capsys.readouterr().err.split())
    assert main(["catalogue", "presets", "--json"]) != 0
    assert "--json writes the whole catalogue" in " ".join(capsys.readouterr().err.split())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_what_is_installed_names_its_own_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--port", str(free_port())], "gradleak") == 0
    assert "start with `gradleak serve`." in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--expose", "--log-format"])
def test_an_unknown_choice_is_told_in_plain_words(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", option, "unheard-of"]) == 2
    said = capsys.readouterr().err
    assert "'unheard-of' is not one of" in said
    assert "Value error" not in said


def test_check_is_content_here_and_says_what_is_not(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert main(["check", "--port", str(free_port())]) == 0
    assert "lowered the distance" in capsys.readouterr().out
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("GRADLEAK_DATA", str(blocked / "data"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["check", "--port", str(taken.getsockname()[1])]) == 1
    shown = capsys.readouterr().out
    assert "set GRADLEAK_DATA" in shown
    assert "in use" in shown


@pytest.mark.parametrize("host", ["127.0.0.1", "nowhere.invalid"])
def test_an_address_that_cannot_be_had_is_one_sentence(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["serve", "--host", host, "--port", str(taken.getsockname()[1])]) == 2
    err = capsys.readouterr().err
    assert len(err.strip().splitlines()) == 1
    assert "--port" in err or "127.0.0.1" in err


@pytest.mark.parametrize("name", ["http://lab.example", "lab.example:8501", "*", ""])
def test_a_name_that_no_host_can_have_is_one_sentence(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--allowed-host", name]) == 2
    err = capsys.readouterr().err
    assert len(err.strip().splitlines()) == 1
    assert "write it like lab.example" in err


def test_serve_says_where_it_is_and_ends_with_its_worker(tmp_path: Path) -> None:
    command = [*COMMAND, "serve", "--port", "0", "--data-dir", str(tmp_path / "served")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    watchdog = threading.Timer(90, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        url = said.split()[3].rstrip(";")
        worker = None
        while worker is None:
            with urllib.request.urlopen(f"{url}/api/health", timeout=60) as reply:
                workers = json.load(reply)["workers"]
            worker = next((row["pid"] for row in workers if row["state"] == "ready"), None)
            time.sleep(0.2)
        process.terminate()
        rest = process.communicate()[0]
    finally:
        watchdog.cancel()
        process.kill()
    assert rest == ""
    assert (tmp_path / "served" / "runs.sqlite3").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


ATTACKED = {
    "sapag": [],
    "gradinversion": [
        "--model", "convnet", "--batch", "2", "--set", "client.train=true", "--set", "threat.statistics=told"
    ],
    "general_deep_leakage": ["--batch", "2", "--set", "threat.rounds=2"],
    "dropout_readoff": ["--defence", "dropout:p=0.5"],
    "dropout_inversion": ["--defence", "dropout:p=0.5,place=both"],
    "precode_bypass": ["--model", "mlp", "--set", "model.width=32", "--defence", "precode:width=8"],
    "precode_noise": ["--model", "mlp", "--set", "model.width=32", "--defence", "partial_perturbation:width=8"],
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKED)
def test_each_attack_ends_well(capsys: pytest.CaptureFixture[str], name: str) -> None:
    found = result(capsys, "--attack", name, *ATTACKED[name])
    assert found["experiment"]["attack"]["name"] == name
    assert found["status"] in ("done", "recovered")
    assert found["metrics"]["distance"] >= 0
    assert found["metrics"].keys() == {"mse", "rmse", "psnr", "ssim", "likeness", "label_accuracy", "distance"}


def test_the_attack_in_closed_form_is_certified(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ["--attack", "linear_inversion", "--model", "mlp", "--set", "model.width=32", "--size", "16"]
    assert main(["attack", *wanted, "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["status"], found["iterations"]) == ("certified", 1)
    assert found["diagnosis"] is None


UNFIT = {
    "Batch statistics need a model with batch norm": ["--attack", "gradinversion", "--model", "lenet"],
    "use a batch of one": ["--attack", "dropout_readoff", "--defence", "dropout", "--batch", "2"],
    "one local step only": ["--attack", "dropout_readoff", "--set", "client.local_epochs=2"],
    "choose one round": ["--defence", "precode", "--set", "threat.rounds=2"],
    "in train mode with one local step": ["--set", "threat.statistics=inferred"],
    "at least two images": ["--defence", "mixup"],
    "No parameter is called conv9": ["--set", "threat.hidden=conv9.*"],
    "Every layer is hidden": ["--attack", "dlg", "--set", "threat.hidden=*"],
    "the update of the classifier, which is hidden": ["--attack", "idlg", "--set", "threat.hidden=classifier.*"],
    "The place before the classifier is taken": ["--defence", "dropout", "--defence", "precode"],
    "lies ahead of the randomness": [
        "--attack", "precode_bypass", "--defence", "precode", "--set", "threat.hidden=conv*"
    ],
}  # fmt: skip


@pytest.mark.parametrize("words", UNFIT)
def test_what_does_not_fit_together_is_one_sentence(capsys: pytest.CaptureFixture[str], words: str) -> None:
    assert main([*SMALL, "--json", "-", *UNFIT[words]]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert len(err.strip().splitlines()) == 1


RACE = ["race", "--size", "16", "--steps", "12", "--device", "cpu"]


def test_a_race_says_what_came_of_each_lane(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RACE, "--lane", "defence=pruning:share=0.5", "--lane", "attack=dlg&attack.steps=9"]) == 0
    shown = capsys.readouterr().out
    assert "Race of 3: defences, attack" in shown
    assert "Pruning (share 0.5)" in " ".join(shown.split())
    assert main([*RACE, "--sweep", "attack.optimiser.lr=0.5,1", "--quiet", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [lane["name"] for lane in found["lanes"]] == ["Step size 0.5", "Step size 1"]
    assert [lane["iterations"] for lane in found["lanes"]] == [12, 12]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "A race needs 2 to 12 lanes, and this one would have 1."),
        (["--lane", "defence=none"], "Lanes 1 and 2 are the same"),
        (["--lane", "noise"], "'noise' is not of the form path=value"),
        (["--sweep", "attack.steps"], "--sweep 'attack.steps' is not of the form path=value,value"),
        (["--sweep", "attack.steps=1,many"], "attack.steps"),
    ],
)
def test_what_is_no_race_is_one_sentence(options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RACE, *options]) == 2
    assert sentence in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(("variable", "value", "wanted"), [
    ("GRADLEAK_OPEN", "maybe", "it must be yes or no"), ("GRADLEAK_KEEP_DAYS", "ten", "it must be a whole number"),
])  # fmt: skip
def test_a_value_of_the_wrong_kind_is_told_in_plain_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str, wanted: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert main(["serve", "--port", "0"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"(env var: '{variable}'): {wanted}; see `" in err
    assert "Input" not in err
