"""The command line: `python -m gradleak_core --help`. Nothing heavy is imported before a command is chosen."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from gradleak_core.cli.options import (
    Address,
    AllowedHosts,
    AllowedOrigins,
    AttackName,
    BasePath,
    Certificate,
    CertificateKey,
    Channels,
    Cluster,
    Exposed,
    File,
    FrameAncestors,
    KeepDays,
    LimitTexts,
    LogFormat,
    LogOption,
    ModelName,
    OpenToAll,
    PinOption,
    PresetName,
    Quiet,
    Samples,
    Seed,
    Settings,
    Size,
    Steps,
    TrustedProxies,
    Way,
    Where,
    Workers,
    combine_options,
    reword,
)
from gradleak_core.cli.talk import ToRehearse, rehearse_first, talk_app
from gradleak_core.config.former import renew_environment
from gradleak_core.runs.processes import end_with_parent
from gradleak_core.types import Refused

if TYPE_CHECKING:
    pass

BAD_INPUT, INTERRUPTED = 2, 130
STDOUT, STDERR = Console(), Console(stderr=True)

app = typer.Typer(
    help="Watch a private picture come back from a shared gradient.", no_args_is_help=True, add_completion=False
)
app.add_typer(talk_app, name="talk")


@app.command("attack")
def run_attack(
    sample: Samples = None,
    image: Annotated[list[str] | None, typer.Option(help="Picture file or reference; may be repeated.")] = None,
    stretch: Annotated[bool, typer.Option("--stretch", help="Brighten very dark picture files.")] = False,
    label: Annotated[list[int] | None, typer.Option(help="Class of each image, in order.", min=0)] = None,
    batch: Annotated[int | None, typer.Option(help="Images in all; further samples follow.", min=1, max=16)] = None,
    size: Size = None,
    channels: Channels = None,
    classes: Annotated[int | None, typer.Option(help="Classes the model tells apart.")] = None,
    model: ModelName = None,
    attack: AttackName = None,
    defence: Annotated[list[str] | None, typer.Option(help="kind:knob=value,… or none; may be repeated.")] = None,
    settings: Settings = None,
    steps: Steps = None,
    restarts: Annotated[int | None, typer.Option(help="First guesses, followed side by side.")] = None,
    seeds: Annotated[int | None, typer.Option(hidden=True)] = None,
    seed: Seed = None,
    preset: PresetName = None,
    experiment: File = None,
    device: Where = None,
    json: Annotated[str | None, typer.Option(help="Write the result as JSON; - for stdout.")] = None,
    save: Annotated[Path | None, typer.Option(help="Write a .mp4, .gif, .html, .png, .zip, .py or .csv.")] = None,
    quiet: Quiet = False,
) -> int:
    """Run one attack here and now."""
    from gradleak_core.cli.attack import attack as run

    numbers = {"size": size, "channels": channels, "classes": classes, "seed": seed, "attack.steps": steps}
    numbers["attack.restarts"] = seeds if restarts is None else restarts
    pictures = {"images": image or [], "stretch": stretch, "labels": label or [], "batch": batch}
    choice = combine_options(
        preset, experiment, sample, model, attack, settings, numbers, defences=defence or [], **pictures
    )
    return run(choice, device and device.value, json, save, quiet, STDERR)


@app.command("race")
def run_race(
    lane: Annotated[list[str] | None, typer.Option(help="How a lane differs: path=value&path=value.")] = None,
    sweep: Annotated[str | None, typer.Option(help="A lane for each value: path=value,value,…")] = None,
    by: Annotated[Way, typer.Option(help="The same iterations or the same seconds of all lanes.")] = Way.iterations,
    sample: Samples = None,
    model: ModelName = None,
    attack: AttackName = None,
    settings: Settings = None,
    size: Size = None,
    steps: Steps = None,
    seed: Seed = None,
    preset: PresetName = None,
    experiment: File = None,
    device: Where = None,
    json: Annotated[str | None, typer.Option(help="Write the results as JSON; - for stdout.")] = None,
    save: Annotated[Path | None, typer.Option(help="Write a .mp4, .gif, .html, .png or .zip of all lanes.")] = None,
    quiet: Quiet = False,
) -> int:
    """Run attacks side by side that differ by what you name: a defence, an attack, a model or any knob."""
    from gradleak_core.cli.race import race as run

    numbers = {"size": size, "seed": seed, "attack.steps": steps}
    choice = combine_options(preset, experiment, sample, model, attack, settings, numbers)
    return run(choice, lane or [], sweep, by.value, device and device.value, json, save, quiet, STDERR)


@app.command("sweep")
def run_sweep(
    file: Annotated[Path, typer.Argument(help="JSON file with a set-up and a grid; see docs/scaling.md.")],
    workers: Annotated[int | None, typer.Option(help="Runs played at once here.", min=1, max=256)] = None,
    cluster: Cluster = None,
    device: Where = None,
    json: Annotated[Path | None, typer.Option(help="Write every row to this file as soon as it is there.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Play again what an earlier sweep has done.")] = False,
    quiet: Quiet = False,
) -> int:
    """Play every point of a grid over any knobs, and go on where an earlier sweep broke off."""
    from gradleak_core.cli.sweep import Order, play_sweep

    return play_sweep(Order(file, workers, cluster, device and device.value, json, fresh, quiet), STDERR)


@app.command("price")
def price_defences(
    defence: Annotated[list[str] | None, typer.Option(help="A setting, kind:knob=value,…; repeat for more.")] = None,
    data: Annotated[str | None, typer.Option(help="digits, a torchvision set, or folder:NAME.")] = None,
    rounds: Annotated[int | None, typer.Option(help="Steps of the server if accuracy does not level off.")] = None,
    clients: Annotated[int | None, typer.Option(help="Updates averaged in a round.")] = None,
    batch: Annotated[int | None, typer.Option(help="Pictures a client takes in a round.")] = None,
    lr: Annotated[float | None, typer.Option(help="Adam's; a fifth and five times of it are tried too.")] = None,
    seeds: Annotated[int | None, typer.Option(help="Trainings, each with other weights and draws.")] = None,
    sample: Samples = None,
    model: ModelName = None,
    attack: AttackName = None,
    settings: Settings = None,
    size: Size = None,
    channels: Channels = None,
    steps: Steps = None,
    seed: Seed = None,
    preset: PresetName = None,
    experiment: File = None,
    device: Where = None,
    json: Annotated[Path | None, typer.Option(help="Write every point to this file as soon as it is there.")] = None,
    quiet: Quiet = False,
    end_with_stdin: Annotated[bool, typer.Option("--end-with-stdin", help="End when stdin is closed.")] = False,
) -> int:
    """Price defences: accuracy of federated training beside what an attack brings back."""
    if end_with_stdin:
        end_with_parent()

    from gradleak_core.cli.price import price_command as run

    numbers = {"size": size, "channels": channels, "seed": seed, "attack.steps": steps}
    choice = combine_options(preset, experiment, sample, model, attack, settings, numbers)
    federation = {"data": data, "rounds": rounds, "clients": clients, "batch": batch, "lr": lr, "seeds": seeds}
    return run(choice, defence or [], federation, device and device.value, json, quiet, STDERR)


@app.command("catalogue")
def print_catalogue(
    parts: Annotated[list[str] | None, typer.Argument(help="Only these, such as attacks, defences, presets.")] = None,
    json: Annotated[bool, typer.Option("--json", help="The whole catalogue as JSON.")] = False,
) -> int:
    """List attacks, defences, models, samples, metrics and every knob."""
    from gradleak_core.cli.listing import print_catalogue_parts

    return print_catalogue_parts(parts or [], json, STDOUT)


@app.command("lessons")
def check_lessons(
    files: Annotated[list[Path] | None, typer.Argument(help="Files to check; else all lessons of a dashboard.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="The data folder with one's own lessons.")] = None,
) -> int:
    """List the lessons, and say what is wrong with a file that is to be one."""
    from gradleak_core.cli.lessons import list_lessons

    return list_lessons(files or [], data_dir, STDOUT)


@app.command("check")
def run_check(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Port that the dashboard shall use.", min=1, max=65535)] = 8501,
) -> int:
    """Check versions, device, engine, data folder and port of this machine."""
    from gradleak_core.cli.check import check_machine

    return check_machine(port, STDOUT, context.find_root().command_path)


@app.command("tune")
def tune_threads(
    seconds: Annotated[float, typer.Option(help="For each network and number of images.", min=0, max=60)] = 1.0,
    data_dir: Annotated[Path | None, typer.Option(help="The data folder of the dashboard that is tuned.")] = None,
) -> int:
    """Measure how many CPU threads suit each network here, and keep it for the runs to come."""
    from gradleak_core.cli.tune import tune

    return tune(seconds, data_dir, STDOUT)


@app.command("serve")
def serve_site(
    host: Address = None,
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes any free one.", min=0, max=65535)] = 8501,
    workers: Workers = None,
    cluster: Cluster = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where runs and uploads are kept.")] = None,
    allowed_host: AllowedHosts = None,
    expose: Exposed = None,
    timeout: Annotated[int, typer.Option(help="Seconds that a client may keep it waiting.", min=1, max=3600)] = 20,
    allowed_origin: AllowedOrigins = None,
    trusted_proxy: TrustedProxies = None,
    frame_ancestors: FrameAncestors = None,
    limit: LimitTexts = None,
    base_path: BasePath = "",
    open: OpenToAll = None,
    pin: PinOption = "",
    keep_days: KeepDays = None,
    ephemeral: Annotated[bool, typer.Option("--ephemeral", help="Keep nothing once the server has stopped.")] = False,
    log_format: LogOption = LogFormat.text,
    room: Annotated[bool, typer.Option("--room", help="A class joins by phone, over the network, with a PIN.")] = False,
    certfile: Certificate = None,
    keyfile: CertificateKey = None,
    rehearse: ToRehearse = None,
) -> int:
    """Serve the dashboard."""
    from gradleak_core.cli.serve import Site, serve

    if rehearse and (code := rehearse_first(rehearse, data_dir)):
        return code
    doors = [door.value for door in expose or []]
    reached = (base_path, allowed_origin or [], trusted_proxy or [], frame_ancestors or [], limit or [])
    people = (open, pin, keep_days, ephemeral, cluster)
    host = host or ("0.0.0.0" if room else "127.0.0.1")
    listening = (host, port, workers, data_dir, allowed_host or [], doors, timeout)
    site = Site(
        *listening, *reached, *people, log_format=log_format.value, room=room, certfile=certfile, keyfile=keyfile
    )
    return serve(site, STDOUT)


def run_installed() -> int:
    """Runs the installed command `gradleak`, which serves the dashboard when it is given no arguments."""
    return main(sys.argv[1:] or ["serve"], "gradleak")


def main(arguments: Sequence[str] | None = None, program: str = "python -m gradleak_core") -> int:
    """Runs one command and returns its exit code. Whatever is wrong with the input is one sentence on stderr."""
    renew_environment(os.environ)
    try:
        return int(app(args=arguments, prog_name=program, standalone_mode=False) or 0)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Refused as refused:
        complaint = str(refused)
    except Exception as error:
        if not hasattr(error, "format_message"):  # what typer says about options and commands
            raise
        asked = getattr(error, "ctx", None)
        complaint = reword(error.format_message())
        if complaint and asked is not None:
            complaint = f"{complaint.rstrip('.')}; see `{asked.command_path} --help`."
    if complaint:  # none where the help was shown
        STDERR.print(complaint, style="red", highlight=False, markup=False, soft_wrap=True)
    return BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
