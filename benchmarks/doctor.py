"""Whether the doctor names the right cause: 30 runs built to fail in a known way, and 30 that recover.

Twenty of the failing set-ups were used while its rules were made; ten, marked `held`, have pictures and networks that
were not. A cause is right if it is the one that was built in. `mended` is whether the set-up that the doctor offers is
recognisable, played for at most `LIMIT` seconds. A set-up that recovers must have no diagnosis.
"""

from __future__ import annotations

from typing import Any

from benchmarks import forecast
from benchmarks.bare import play
from benchmarks.setting import SEED, Setting
from gradleak_core.catalogue import catalogue
from gradleak_core.doctor import Diagnosis, diagnose
from gradleak_core.experiment import load
from gradleak_core.types import Refused
from gradleak_core.verdicts import recognisable

JSON = Any
LIMIT = 4.0
"""The most seconds of a run that should prove a diagnosis; those of Inverting Gradients on a CPU would take minutes."""
RIGHT = 27
TWO = "image=sample:coffee&image=sample:flower"
FOUR = f"image=sample:astronaut&image=sample:chelsea&{TWO}"
IG = "attack=inverting_gradients"
BUILT = (
    ("defence", "image=sample:astronaut&attack.steps=300&defence=gaussian_noise:std=0.05&seed=0"),
    ("defence", "image=sample:coffee&attack.steps=300&defence=pruning:share=0.9"),
    ("defence", "image=sample:astronaut&attack.steps=300&defence=dropout:p=0.5&seed=0"),
    ("defence", "image=sample:coin&attack.steps=150&defence=precode&model=mlp&model.width=256&model.activation=tanh"),
    ("defence", "image=sample:chelsea&attack.steps=150&defence=sign"),
    ("defence", f"{TWO}&attack.steps=150&defence=mixup&attack.labels=known_labels"),
    ("relu", "image=sample:astronaut&attack.steps=300&model.activation=relu&seed=0"),
    ("relu", "image=sample:coffee&attack.steps=150&model=convnet"),
    ("hidden", "image=sample:flower&attack.steps=150&threat.hidden=conv1.*"),
    ("hidden", f"image=sample:chelsea&attack.steps=300&{IG}&model=mlp&model.width=256&threat.hidden=linear1.*"),
    (
        "local_steps",
        "image=sample:astronaut&attack.steps=150&client.local_epochs=5&client.lr=1&threat.local_steps=one&seed=0",
    ),
    ("client_divergence", f"{TWO}&attack.steps=60&{IG}&model=convnet&client.local_epochs=4&client.lr=1"),
    ("client_divergence", f"{FOUR}&attack.steps=60&{IG}&model=convnet&client.local_epochs=5&client.lr=10"),
    ("mode", f"{TWO}&attack.steps=100&{IG}&model=convnet&client.train=true&threat.mode=eval"),
    ("statistics", f"{FOUR}&attack.steps=300&{IG}&model=convnet&client.train=true"),
    ("labels", "image=sample:astronaut&image=sample:camera&attack.steps=200&attack.labels=row_sum&seed=0"),
    ("labels", "image=sample:astronaut&image=sample:camera&attack.steps=400&attack.labels=known_labels&seed=0"),
    ("saturated", "image=sample:brick&label=1&size=64&channels=1&classes=2&seed=0"),
    ("divergence", "image=sample:astronaut&attack.steps=150&attack.optimiser=adam&attack.optimiser.lr=10&seed=0"),
    ("iterations", "image=sample:astronaut&attack.steps=8&seed=0"),
)
"""The cause that was built in, and the set-up; those without a seed have one of the benchmarks."""
HELD = (
    ("defence", f"image=sample:horse&attack.steps=100&size=16&{IG}&model=resnet20&defence=laplace_noise:scale=0.1"),
    ("defence", "image=sample:galaxy&attack.steps=100&model=mlp&model.width=64&model.depth=3&model.activation=gelu"
     "&defence=pruning:share=0.99"),
    ("relu", "image=sample:retina&attack.steps=100&size=16&model=resnet20"),
    ("mode", f"image=sample:eye&image=sample:cell&attack.steps=60&size=16&{IG}&model=resnet20&client.train=true"
     "&threat.mode=eval"),
    ("hidden", "image=sample:shuttle&attack.steps=150&model=mlp&model.width=64&model.depth=3&model.activation=gelu"
     "&threat.hidden=linear1.*"),
    ("iterations", "image=sample:shuttle&attack.steps=12&size=16&model=vit"),
    ("local_steps", "image=sample:eye&attack.steps=150&model.activation=tanh&client.local_epochs=6&client.lr=0.5"
     "&threat.local_steps=one"),
    ("labels", "image=sample:eye&image=sample:horse&image=sample:cell&attack.steps=150&attack.labels=row_sum"
     "&model=mlp&model.width=64&model.depth=3&model.activation=gelu"),
    ("divergence", "image=sample:gravel&attack.steps=60&size=16&model=vit&attack.optimiser=adam"
     "&attack.optimiser.lr=10"),
    ("client_divergence", f"image=sample:retina&image=sample:gravel&attack.steps=40&size=16&{IG}&model=resnet20"
     "&client.local_epochs=3&client.lr=10"),
)  # fmt: skip
"""Set-ups of pictures and networks that were not used while the rules were made."""
MORE = tuple(f"image=sample:{name}&attack.steps=500" for name in ("brick", "grass", "gravel", "digit_0"))
RECOVER = tuple(dict.fromkeys((*forecast.FITTED, *forecast.HELD, *MORE)))[:30]


def measure(setting: Setting) -> JSON:
    rows = [*((*row, False) for row in BUILT), *((*row, True) for row in HELD)][:: setting.count(1, 7)]
    values = [examine_failure(*row, setting) for row in rows]
    fine = [examine_success(text, setting) for text in RECOVER[:: setting.count(1, 10)]]
    failed = [row for row in values if row["failed"]]
    right, alarms = sum(row["right"] for row in failed), sum(row["cause"] is not None for row in fine)
    mended = [row["mended"] for row in failed if row["mended"] is not None]
    return {
        "measured": f"{right} of {len(failed)} right, of those not used before "
        f"{sum(row['right'] for row in failed if row['held'])} of {sum(row['held'] for row in failed)}; "
        f"{alarms} false alarms of {len(fine)}; {sum(mended)} of {len(mended)} mended set-ups recover in {LIMIT:g} s",
        "met": right >= RIGHT * len(values) / 30 and not alarms,
        "seeds": [0, SEED],
        "values": values,
        "recovering": fine,
    }


def examine_failure(cause: str, text: str, held: bool, setting: Setting) -> JSON:
    """One run that was built to fail: what the doctor says, and whether its mend recovers."""
    row = finish(text, setting.device)
    found = diagnose(row, catalogue())
    said = found.cause if found is not None else None
    failed = row["result"] is None or not recognisable(row["result"]["metrics"])
    print(f"  {text}: built {cause}, said {said}", flush=True)
    return {
        "set_up": text, "held": held, "built": cause, "said": said, "failed": failed, "right": said == cause,
        "ssim": row["result"] and row["result"]["metrics"]["ssim"], "evidence": found and found.evidence,
        "mend": found and found.mend and found.mend.title, "mended": prove(found, setting.device) if failed else None,
    }  # fmt: skip


def prove(found: Diagnosis | None, device: str) -> bool | None:
    """Whether the mended set-up is recognisable; None without one."""
    if found is None or found.mend is None:
        return None
    result = play(load(found.mend.experiment), device, LIMIT, look=0.5)
    return recognisable({"likeness": result["highest_likeness"]})


def examine_success(text: str, setting: Setting) -> JSON:
    """One run that should recover, and the cause that the doctor names all the same."""
    row = finish(text, setting.device)
    found = diagnose(row, catalogue())
    recovered = recognisable(row["result"]["metrics"])
    said = found.cause if found is not None and recovered else None
    print(f"  {text}: recovered {recovered}", flush=True)
    return {"set_up": text, "recovered": recovered, "ssim": row["result"]["metrics"]["ssim"], "cause": said}


def finish(text: str, device: str) -> JSON:
    """The row of a run that was played to its end, as a stored run has it."""
    experiment = forecast.read(text)
    try:
        result = play(load(experiment), device)
    except Refused as refused:
        return {"status": "refused", "message": str(refused), "experiment": experiment, "result": None}
    return {"status": result["status"], "message": None, "experiment": experiment, "result": result}
