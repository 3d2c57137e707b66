"""Who may import whom, and what must never be written: docs/architecture.md, checked on the source itself.

Every rule takes the root of a source tree and returns one sentence a violation. Each is run twice: on this repository,
where it must find nothing, and on a small tree with the mistake planted in it, where it must find exactly that file.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.sources import external, imports, internal, loaded_by_web, origin, sources, texts

ROOT = Path(__file__).resolve().parents[1]
CORE = "gradleak_core."
HEAVY = {"torch", "torchvision", "scipy"}

WITHOUT_TORCH = (
    "__init__",
    "samples",
    "uploads",
    "decoder",
    "folders",
    "datasets",
    "references",
    "sources",
    "files",
)

FIRST = ("types", "places", "languages", "translating", "config", "verdicts", "doctor", "forecast", "__init__")
"""The first layer of both rows."""
# Each layer imports from itself and from the layers above it here; the longest matching name counts.
ENGINE = (
    (
        *(*FIRST, "seeds"),
        *("runs.__init__", "runs.jobs", "runs.pulse", "runs.protocol", "runs.disk", "spread"),
        *("cluster.__init__", "cluster.connection"),
    ),
    ("data", "config.admission", "models", "metrics", "cluster.node", "cluster.tasks"),
    ("client", "updates", "threat", "defences", "training", "speed.threads"),
    ("speed",),
    ("attacks",),
    ("experiment", "onlooker", "tiles", "evidence", "takeover", "presets", "catalogue", "federation", "pricing"),
    (
        *(f"runs.{name}" for name in ("worker", "tuning", "controls", "checkpoints", "losses", "loop", "turns")),
        "spread.points",
    ),
)
WEB = (
    (
        *FIRST,
        *(f"data.{name}" for name in WITHOUT_TORCH),
        *("cluster.__init__", "cluster.connection", "cluster.node"),
    ),
    ("config.admission", "people"),
    ("room", "lessons"),
    ("runs", "cluster"),
    ("talks",),
    ("api",),
    ("/pages._parts",),
    ("/pages",),
    ("/app",),
)
OUTSIDE_WEB = ("data", *ENGINE[-1])
ABOVE_ALL = (CORE + "__main__", CORE + "cli.")


def names(layer: tuple[str, ...]) -> Iterator[str]:
    return (name[1:] if name.startswith("/") else CORE + name for name in layer)


def table(layers: tuple[tuple[str, ...], ...], outside: tuple[str, ...] = ()) -> dict[str, int | None]:
    rows: dict[str, int | None] = dict.fromkeys(names(outside))
    return rows | {name: level for level, layer in enumerate(layers) for name in names(layer)}


COLUMNS = (table(ENGINE), table(WEB, OUTSIDE_WEB))


def level(column: dict[str, int | None], module: str) -> int | None:
    """The layer of a module in one column; None when the module has no place there."""
    matches = [name for name in column if module == name or module.startswith(name + ".")]
    return column[max(matches, key=len)] if matches else None


# --- the rules --------------------------------------------------------------------------------------------------------


def layers(root: Path) -> Iterator[str]:
    known = sources(root)
    for module in (name for name in known if not name.startswith(ABOVE_ALL)):
        if all(level(column, module) is None for column in COLUMNS):
            yield f"{module} has no layer: give it one in docs/architecture.md and here"
            continue
        for target in internal(module, known):
            places = [(level(column, module), level(column, target)) for column in COLUMNS]
            if not any(here is not None and there is not None and there <= here for here, there in places):
                yield f"{module} imports {target}, which does not lie to its left"


def no_circles(root: Path) -> Iterator[str]:
    """A module that is imported only for the type checker counts as well."""
    known = sources(root)
    try:
        TopologicalSorter({module: internal(module, known, typing=True) for module in known}).prepare()
    except CycleError as error:
        yield "modules import each other: " + " -> ".join(reversed(error.args[1]))


SPEED = re.compile(
    r"\b(tap|factor(?!s? of)|sweep|captur|record|thread|parallel|vmap|unfold|replay|mkldnn|onednn|compil)\w*",
    re.IGNORECASE,
)
"""Words for what makes an attack faster."""
PLAIN = ("client", "attacks.inversion.loop", "attacks.parts.distances")
"""What reads as the papers do; it may ask `speed` for something quicker, and knows no more of it."""


def no_speed_in_the_heart(root: Path) -> Iterator[str]:
    for module in (CORE + name for name in PLAIN):
        file = root.joinpath(*module.split(".")).with_suffix(".py")
        for number, line in enumerate(file.read_text("utf-8").splitlines() if file.exists() else (), 1):
            if found := SPEED.search(line):
                yield f"{module}:{number} names {found.group()}, which belongs in speed/"


def no_streamlit_in_the_core(root: Path) -> Iterator[str]:
    known = sources(root)
    for module in known:
        if module.startswith(CORE) and "streamlit" in external(module, known, typing=True):
            yield f"{module} imports streamlit"


def no_torch_in_the_web_process(root: Path) -> Iterator[str]:
    known = sources(root)
    for module in loaded_by_web(known):
        for library in HEAVY & external(module, known):
            yield f"{module} imports {library}, and app.py or a page loads it"


def attacks_see_no_secret(root: Path) -> Iterator[str]:
    known = sources(root)
    for module in (name for name in known if name.startswith(CORE + "attacks.")):
        for name in set(imports(module, known[module], typing=True)):
            if name.startswith((CORE + "metrics", CORE + "data", CORE + "defences")):
                yield f"{module} imports {name}"
        if re.search(r"\bSecret\b", root.joinpath(*module.split(".")).with_suffix(".py").read_text("utf-8")):
            yield f"{module} names Secret"


def papers_only_vary_papers(root: Path) -> Iterator[str]:
    known = sources(root)
    papers = {n for n in known if re.fullmatch(r"gradleak_core\.attacks\.\w+", n) and not n.endswith("__init__")}
    for module in papers:
        parents = {
            alias.asname or alias.name
            for node in ast.walk(known[module])
            if isinstance(node, ast.ImportFrom) and origin(module, node) in papers
            for alias in node.names
        }
        uses = [n for n in ast.walk(known[module]) if isinstance(n, ast.Name) and n.id in parents]
        varied = [n.args[0] for n in ast.walk(known[module]) if isinstance(n, ast.Call) and is_replace(n) and n.args]
        if (internal(module, known) & papers and not parents) or any(use not in varied for use in uses):
            yield f"{module} uses another paper otherwise than in replace(PARENT, ...)"


def is_replace(call: ast.Call) -> bool:
    return ast.unparse(call.func) in ("replace", "dataclasses.replace")


def no_catch_all_names(root: Path) -> Iterator[str]:
    for module in sources(root):
        if module.rpartition(".")[2] in {"utils", "util", "helpers", "helper", "common", "misc"}:
            yield f"{module} says nothing about what is in it"


FORBIDDEN = {
    r"(?<![\w.:-])/(?:home|Users|root|work|mnt)/\w": "an absolute path on somebody's machine",
    r"\b[A-Z]:\\+Users\\": "an absolute path on somebody's machine",
    r"pypi\.org|pythonhosted\.org|download\.pytorch|registry\.npmjs": "a package registry's host",
}


def nothing_local(root: Path) -> Iterator[str]:
    for file, text in texts(root):
        for pattern, meaning in FORBIDDEN.items():
            if found := re.search(pattern, text):
                yield f"{file} holds {meaning}: {found.group()}"


def samples_are_licensed(root: Path) -> Iterator[str]:
    folder = root / "assets" / "samples"
    if not folder.is_dir():
        return
    index = folder / "samples.json"
    rows = {row["file"]: row for row in json.loads(index.read_text("utf-8"))["samples"]} if index.exists() else {}
    pictures = {file.name for file in folder.iterdir() if file.suffix not in {".json", ".md"}}
    yield from (f"{name} is not listed in samples.json" for name in pictures - rows.keys())
    yield from (f"{name} is listed in samples.json but missing" for name in rows.keys() - pictures)
    yield from (f"{name} has no licence or source" for name, r in rows.items() if not (r["licence"] and r["source"]))


LOADER = "loader.js"
"""Has no address of its own, and so cannot name its siblings in the head."""


def modules_are_plain(root: Path) -> Iterator[str]:
    for file in [*root.glob("assets/*.js"), *root.glob("assets/live/*.js"), *root.glob("assets/room/*.js")]:
        text = file.read_text("utf-8")
        if not text.startswith("// @ts-check\n"):
            yield f"{file.name} is not checked: it must begin with // @ts-check"
        if file.name != LOADER and re.search(r"\bimport\s*\(", text):
            yield f"{file.name} hides what it imports: write import ... from at its head"
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) > 120:
                yield f"{file.name}, line {number} is longer than 120 columns"


Rule = Callable[[Path], Iterator[str]]
RULES: list[Rule] = [
    layers,
    no_circles,
    no_speed_in_the_heart,
    no_streamlit_in_the_core,
    no_torch_in_the_web_process,
    attacks_see_no_secret,
    papers_only_vary_papers,
    no_catch_all_names,
    nothing_local,
    samples_are_licensed,
    modules_are_plain,
]


@pytest.mark.parametrize("rule", RULES)
def test_the_repository_keeps(rule: Rule) -> None:
    assert sorted(rule(ROOT)) == []


def test_the_repository_is_really_read() -> None:
    assert {"gradleak_core.types", "gradleak_core.attacks.dlg"} <= sources(ROOT).keys()
    assert Path("README.md") in dict(texts(ROOT))


# --- every rule can fail ----------------------------------------------------------------------------------------------

HOME = "/ho" + "me/someone/data"
HOST = "https://py" + "pi.org/simple"
PARENT = {"gradleak_core/attacks/dlg.py": "ATTACK = 1"}
CHECKED = "// @ts-check\n"
MISTAKES: list[tuple[Rule, dict[str, str], str]] = [
    (layers, {"gradleak_core/client.py": "", "gradleak_core/models/mlp.py": "import gradleak_core.client"}, "mlp"),
    (layers, {"gradleak_core/client.py": "", "gradleak_core/types.py": "def f():\n    from . import client"}, "types"),
    (layers, {"gradleak_core/runs/worker.py": "", "gradleak_core/api.py": "from .runs import worker"}, "api"),
    (layers, {"gradleak_core/data/pixels.py": "", "app.py": "from gradleak_core.data import pixels"}, "app"),
    (layers, {"gradleak_core/experiment.py": "", "pages/lab.py": "from gradleak_core import experiment"}, "lab"),
    (layers, {"gradleak_core/stray.py": ""}, "stray"),
    (
        no_circles,
        {
            "gradleak_core/client.py": "import typing\nif typing.TYPE_CHECKING:\n    from gradleak_core import threat",
            "gradleak_core/threat.py": "from gradleak_core.client import observe",
        },
        "client",
    ),
    (no_speed_in_the_heart, {"gradleak_core/client.py": "from torch.func import vmap"}, "client"),
    (no_streamlit_in_the_core, {"gradleak_core/api.py": "from streamlit import starlette"}, "api"),
    (no_torch_in_the_web_process, {"pages/lab.py": "def f():\n    import torch.nn"}, "lab"),
    (
        no_torch_in_the_web_process,
        {
            "app.py": "from gradleak_core.runs.hub import Hub",
            "gradleak_core/runs/__init__.py": "from gradleak_core import metrics",
            "gradleak_core/runs/hub.py": "",
            "gradleak_core/metrics/__init__.py": "import torchvision",
        },
        "metrics",
    ),
    (attacks_see_no_secret, {"gradleak_core/attacks/parts/priors.py": "from gradleak_core import metrics"}, "priors"),
    (attacks_see_no_secret, {"gradleak_core/attacks/dlg.py": "def f(truth: 'Secret'): ..."}, "dlg"),
    (papers_only_vary_papers, PARENT | {"gradleak_core/attacks/x.py": "from .dlg import ATTACK\nA = [ATTACK]"}, "x"),
    (papers_only_vary_papers, PARENT | {"gradleak_core/attacks/x.py": "from gradleak_core.attacks import dlg"}, "x"),
    (no_catch_all_names, {"gradleak_core/data/utils.py": ""}, "utils"),
    (nothing_local, {"docs/notes.md": f"see {HOME}"}, "notes"),
    (nothing_local, {"requirements.txt": f"--index-url {HOST}"}, "requirements"),
    (samples_are_licensed, {"assets/samples/cat.png": ""}, "cat"),
    (modules_are_plain, {"assets/live/loose.js": "export const a = 1;\n"}, "loose"),
    (modules_are_plain, {"assets/live/wide.js": f"{CHECKED}// {'-' * 118}\n"}, "wide.js, line 2"),
    (modules_are_plain, {"assets/live/late.js": f'{CHECKED}const x = await import(\n"./trace.js");\n'}, "late"),
]


@pytest.mark.parametrize(("rule", "files", "culprit"), MISTAKES)
def test_a_planted_mistake_is_found(rule: Rule, files: dict[str, str], culprit: str, tmp_path: Path) -> None:
    plant(tmp_path, files)
    found = list(rule(tmp_path))
    assert len(found) == 1
    assert culprit in found[0]


def test_what_is_allowed_is_not_found(tmp_path: Path) -> None:
    allowed = {
        "app.py": "import streamlit\nfrom gradleak_core import api",
        "gradleak_core/api.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch",
        "gradleak_core/attacks/dlg.py": "ATTACK = 1",
        "gradleak_core/attacks/idlg.py": "from .dlg import ATTACK as DLG\nATTACK = replace(DLG, name=2)",
        "gradleak_core/experiment.py": "from gradleak_core.attacks import dlg\nfrom gradleak_core.types import Secret",
        "gradleak_core/types.py": "",
        "assets/live/loader.js": f"{CHECKED}const view = await import(address);",
        "assets/live/view.js": f'{CHECKED}import {{ Trace }} from "./trace.js"; // {"-" * 60}',
    }
    plant(tmp_path, allowed)
    assert [sentence for rule in RULES for sentence in rule(tmp_path)] == []


def plant(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")


# --- the same question asked of the running interpreter ---------------------------------------------------------------

LOADED = """
import importlib, sys
for name in sys.argv[2:]:
    importlib.import_module(name)
print(*sorted(set(sys.argv[1].split(",")) & sys.modules.keys()))
"""


def heavy_after_importing(modules: list[str], root: Path) -> list[str]:
    command = [sys.executable, "-c", LOADED, ",".join(sorted(HEAVY)), *modules]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_web_process_does_not_load_torch() -> None:
    """Pages and the router are scripts that Streamlit runs; what they import is imported here in their place."""
    loaded = {name.removesuffix(".__init__") for name in loaded_by_web(sources(ROOT))}
    scripts = {name for name in loaded if re.fullmatch(r"pages\.(\w+|_parts\.router)", name)} - {"pages._parts"}
    assert "app" in loaded
    assert heavy_after_importing(sorted(loaded - scripts), ROOT) == []


def test_a_planted_torch_is_seen_running(tmp_path: Path) -> None:
    plant(tmp_path, {"app.py": "import quiet", "quiet.py": "import torch_in_disguise", "torch_in_disguise.py": ""})
    plant(tmp_path, {"torchvision.py": "", "torch_in_disguise.py": "__import__('torchvision')"})
    assert heavy_after_importing(["app"], tmp_path) == ["torchvision"]
