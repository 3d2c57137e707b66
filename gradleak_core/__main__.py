"""The command line: `python -m gradleak_core --help`. Nothing heavy is imported before a command is chosen."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gradleak_core.types import Refused

BAD_INPUT, INTERRUPTED = 2, 130
STDOUT, STDERR = Console(), Console(stderr=True)

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def commands() -> None:
    """Watch a private image come back from a shared gradient."""


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for the whole network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes any free one.", min=0, max=65535)] = 8501,
    workers: Annotated[int, typer.Option(help="Processes that compute; one per GPU.", min=1, max=64)] = 1,
    data_dir: Annotated[Path | None, typer.Option(help="Where runs and uploads are kept.")] = None,
) -> int:
    """Serve the dashboard."""
    from gradleak_core.cli.serve import serve

    return serve(host, port, workers, data_dir, STDOUT)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; whatever is wrong with the input is one sentence on stderr."""
    try:
        return int(app(args=arguments, prog_name="python -m gradleak_core", standalone_mode=False) or 0)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Refused as refused:
        complaint = str(refused)
    except Exception as error:
        if not hasattr(error, "format_message"):  # what typer says about options and commands
            raise
        complaint = error.format_message()
    STDERR.print(complaint, style="red", highlight=False, markup=False, soft_wrap=True)
    return BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
