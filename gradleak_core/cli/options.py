"""The options of the command line: their types, sentences and bounds."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from gradleak_core.cli.choose import Choice

Device = Enum("Device", {"cpu": "cpu", "cuda": "cuda", "mps": "mps"})
Way = Enum("Way", {"iterations": "iterations", "seconds": "seconds"})
Door = Enum("Door", {"metrics": "metrics", "agent": "agent"})
LogFormat = Enum("LogFormat", {"text": "text", "json": "json"})

Samples = Annotated[list[str] | None, typer.Option("--sample", help="Name of a sample image; may be repeated.")]
Size = Annotated[int | None, typer.Option(help="Pixels a side.")]
Channels = Annotated[int | None, typer.Option(help="3 for colour, 1 for grey.")]
ModelName = Annotated[str | None, typer.Option(help="The client's network.")]
AttackName = Annotated[str | None, typer.Option(help="How the attacker inverts the update.")]
Settings = Annotated[list[str] | None, typer.Option("--set", help="path=value of any knob; repeatable.")]
Steps = Annotated[int | None, typer.Option(help="Iterations of the attack.")]
Seed = Annotated[int | None, typer.Option(help="Draws weights, pictures, noise and first guesses.")]
PresetName = Annotated[str | None, typer.Option("--preset", help="Set-up to start from; see `catalogue`.")]
File = Annotated[Path | None, typer.Option(help="JSON file of a run or an experiment to start from.")]
Where = Annotated[Device | None, typer.Option(help="Where to compute; the best one here if left out.")]
Cluster = Annotated[
    str | None, typer.Option(help="Ray cluster to compute on, as HOST:PORT or auto.", envvar="GRADLEAK_CLUSTER")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bar and no table.")]
Address = Annotated[
    str | None,
    typer.Option(
        "--host",
        help="Address to listen on; 0.0.0.0, the whole network, with --room, else this machine alone.",
        show_default=False,
    ),
]
Certificate = Annotated[Path | None, typer.Option(help="PEM file of a certificate, for https; needs --keyfile.")]
CertificateKey = Annotated[Path | None, typer.Option(help="PEM file of the certificate's key.")]
Workers = Annotated[
    int | None, typer.Option(help="Processes that compute: 1, or all that a cluster has room for.", min=1, max=64)
]
AllowedHosts = Annotated[
    list[str] | None,
    typer.Option(help="Name by which browsers may call it; repeatable.", envvar="GRADLEAK_ALLOWED_HOSTS"),
]
Exposed = Annotated[
    list[Door] | None,
    typer.Option(help="Way in that no page needs, to open; repeatable.", envvar="GRADLEAK_EXPOSE"),
]
AllowedOrigins = Annotated[
    list[str] | None,
    typer.Option(
        help="Address of its pages behind a proxy that rewrites Host; repeatable.", envvar="GRADLEAK_ALLOWED_ORIGINS"
    ),
]
TrustedProxies = Annotated[
    list[str] | None,
    typer.Option(
        help="Address of a proxy whose X-Forwarded-* is believed; repeatable.", envvar="GRADLEAK_TRUSTED_PROXIES"
    ),
]
FrameAncestors = Annotated[
    list[str] | None,
    typer.Option(help="Site that may show it in a frame; repeatable.", envvar="GRADLEAK_FRAME_ANCESTORS"),
]
LimitTexts = Annotated[
    list[str] | None,
    typer.Option(help="What one person may have, such as queued=20; repeatable.", envvar="GRADLEAK_LIMITS"),
]
BasePath = Annotated[str, typer.Option(help="Path under which it is served, such as /gl.", envvar="GRADLEAK_BASE_PATH")]
OpenToAll = Annotated[
    bool | None,
    typer.Option(
        "--open/--people",
        help="Everybody may do everything, or has runs of their own; open on this machine, else people.",
        envvar="GRADLEAK_OPEN",
        show_default=False,
    ),
]
PinOption = Annotated[str, typer.Option(help="PIN that starts a run; made up unless given.", envvar="GRADLEAK_PIN")]
KeepDays = Annotated[
    int | None, typer.Option(help="Days after which runs are deleted.", min=1, max=36_500, envvar="GRADLEAK_KEEP_DAYS")
]
LogOption = Annotated[
    LogFormat, typer.Option("--log-format", help="Plain text, or one JSON object a line.", envvar="GRADLEAK_LOG_FORMAT")
]


def combine_options(
    preset: str | None,
    experiment: Path | None,
    samples: list[str] | None,
    model: str | None,
    attack: str | None,
    settings: list[str] | None,
    numbers: dict[str, int | None],
    **more: Any,
) -> Choice:
    """Returns the set-up that a command's options choose; `more` are those that other commands do not have."""
    from gradleak_core.cli.choose import Choice

    return Choice(
        preset=preset, experiment=experiment, samples=samples or [], parts={"model": model, "attack": attack},
        settings=settings or [], numbers=numbers, **more,
    )  # fmt: skip


KIND = re.compile(r"Input should be a valid (boolean|integer|number)\b[^.;]*")
PLAIN_KINDS = {
    "boolean": "it must be yes or no",
    "integer": "it must be a whole number",
    "number": "it must be a number",
}


def reword(complaint: str) -> str:
    """Returns what typer says of a value in plain words."""
    return KIND.sub(lambda found: PLAIN_KINDS[found[1]], complaint.replace("Value error, ", ""))
