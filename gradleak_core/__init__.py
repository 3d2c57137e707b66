"""GradLeak: watch a private picture come back from a shared gradient."""

import ctypes
import os
import sys

# Threads that wait should sleep, not spin: beside a busy browser, spinning makes a step up to 50 times slower.
# OpenMP reads this when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _keep_freed_memory() -> None:
    """Ask glibc not to hand what one iteration frees back to the system, which zeroes it for the next.

    Restarts of LeNet, ConvNet and ViT are an eighth faster for it. Elsewhere than in glibc nothing happens.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        trim, pad, mapped = -1, -2, -3
        libc.mallopt(mapped, 32 << 20)
        libc.mallopt(trim, 512 << 20)
        libc.mallopt(pad, 32 << 20)


_keep_freed_memory()
