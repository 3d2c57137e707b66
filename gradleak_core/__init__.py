"""GradLeak: watch a private image come back from a shared gradient."""

import os

# Threads that wait should sleep, not spin: beside a busy browser, spinning makes a step up to 50 times slower.
# OpenMP reads this when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
