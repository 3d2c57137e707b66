"""How fast GradLeak is: `python -m benchmarks.speed --help`. Every bar is a ratio inside one run."""

from __future__ import annotations

from benchmarks import Benchmark
from benchmarks.speed import card, graph, limit, memory, peers, races, scaling, seeds, start, threads

__all__ = ["SPEED"]

SPEED: dict[str, Benchmark] = {
    "peers": Benchmark(
        "One iteration of Inverting Gradients, 32 × 32 pixels, one restart, against breaching and a bare loop",
        "breaching ≥ 3× (LeNet), ≥ 3× (ConvNet), ≥ 2× (ResNet-18); bare loop ≥ 1.0×, on ResNet-18 ≥ 1.3×",
        peers.measure,
    ),
    "recognisable": Benchmark(
        "Seconds to SSIM 0.6, first preset, each program with its own defaults",
        "≥ 5× against breaching",
        races.first_preset,
    ),
    "race": Benchmark(
        "Seconds to SSIM 0.6 from the same update of each network, median of five images",
        "none: how iterations and defaults come together",
        races.networks,
    ),
    "seeds": Benchmark(
        "32 restarts together against 32 in turn, Adam and L-BFGS", "≥ 5× (LeNet), ≥ 3× (ConvNet)", seeds.measure
    ),
    "threads": Benchmark(
        "The threads the engine chooses against one and all, batch 1 and 8",
        "never more than 5 % slower than the better",
        threads.measure,
    ),
    "memory": Benchmark("Memory that steps take, against the bare loop", "≤ 1.5×", memory.measure),
    "start": Benchmark(
        "From an experiment to its first iteration, and from nothing to a worker that is ready",
        "≤ 0.3 s warm; ≤ 6 s cold",
        start.measure,
    ),
    "limit": Benchmark("A step against what the machine can do", "none: it says which bound applies", limit.measure),
    "scaling": Benchmark("What a step costs as things grow", "none: curves with their exponents", scaling.measure),
    "graph": Benchmark(
        "On a GPU: the step as a CUDA graph against the same step eagerly, and 64 restarts against one",
        "graph ≥ 3×; 64 restarts ≥ 20× the throughput of one",
        graph.measure,
        "not measured on a GPU",
    ),
    "card": Benchmark(
        "On a GPU: iterations a second and memory as pictures, batches and restarts grow, and of several workers",
        "none: what one card serves",
        card.measure,
        "not measured on a GPU",
    ),
}
