"""A run or a race as an animation or a video, captioned, one picture for each frame that was seen."""

from __future__ import annotations

import io
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from gradleak_core.runs.exports.drawing import Film
from gradleak_core.runs.exports.recorded import MOST_FRAMES, choose_evenly
from gradleak_core.types import Refused

MILLISECONDS = 100
"""The time that one frame is shown; the last is shown twenty times as long."""
REST = 20
MOST_ANIMATED = 120
"""The most frames of an animation, whose size grows with each."""
ANIMATED_SCALE = 0.5
"""The share of 1920 × 1080 pixels that an animation has."""
NO_PICTURES = "This run has no pictures yet; wait for its first."
NO_VIDEO = "Videos cannot be made here: install imageio-ffmpeg, or take the animation (GIF), which needs nothing."


def draw_gif(film: Film) -> bytes:
    """Returns a film as a GIF that rests on its last frame. Raises `Refused` for a film without pictures."""
    chosen = choose_evenly(film.moments, MOST_ANIMATED)
    if not chosen:
        raise Refused(NO_PICTURES)
    palette = choose_palette([film.frame(moment) for moment in choose_evenly(chosen, 3)])
    steps = [film.frame(moment).quantize(palette=palette, dither=Image.Dither.NONE) for moment in chosen]
    durations = [MILLISECONDS] * (len(steps) - 1) + [REST * MILLISECONDS]
    out = io.BytesIO()
    steps[0].save(out, "GIF", save_all=True, append_images=steps[1:], duration=durations, loop=0, optimize=False)
    return out.getvalue()


def choose_palette(images: list[Image.Image]) -> Image.Image:
    """Returns the 256 colours that some frames have in common."""
    width, height = images[0].size
    whole = Image.new("RGB", (width, height * len(images)))
    for index, image in enumerate(images):
        whole.paste(image, (0, index * height))
    return whole.quantize(256)


def draw_mp4(film: Film) -> bytes:
    """Returns a film as an MP4 (H.264), ten frames a second, that rests on its last frame.

    Raises `Refused` for a film without pictures, and where imageio-ffmpeg is missing or fails.
    """
    chosen = choose_evenly(film.moments, MOST_FRAMES)
    if not chosen:
        raise Refused(NO_PICTURES)
    return make_video(film, [*chosen, *[chosen[-1]] * (REST - 1)])


def make_video(film: Film, moments: Sequence[Any]) -> bytes:
    """Returns the frames of some moments as an MP4. Raises `Refused` where imageio-ffmpeg is missing or fails."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "film.mp4"
        try:
            encode_video(film, moments, file)
            return file.read_bytes()
        except (ImportError, OSError, RuntimeError) as error:
            raise Refused(NO_VIDEO) from error


def encode_video(film: Film, moments: Sequence[Any], file: Path) -> None:
    """Draws the frames of some moments and writes them to a file by ffmpeg.

    Raises ImportError, OSError and RuntimeError.
    """
    from imageio_ffmpeg import get_ffmpeg_exe

    width, height = film.size
    command = [
        *(get_ffmpeg_exe(), "-loglevel", "quiet", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s"),
        *(f"{width}x{height}", "-r", str(1000 // MILLISECONDS), "-i", "-", "-c:v", "libx264", "-preset", "veryfast"),
        *("-crf", "18", "-pix_fmt", "yuv420p", "-vf", "scale=out_color_matrix=bt709", "-colorspace", "bt709"),
        *("-color_primaries", "bt709", "-color_trc", "bt709", "-movflags", "+faststart", str(file)),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as ffmpeg:
        assert ffmpeg.stdin is not None
        for moment in moments:
            ffmpeg.stdin.write(film.frame(moment).tobytes())
    if ffmpeg.returncode:
        raise RuntimeError(f"ffmpeg ended with code {ffmpeg.returncode}")
