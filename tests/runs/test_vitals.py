"""What an operator's programs are told, by a whole server and by a broken one."""

from __future__ import annotations

from pathlib import Path

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.runs.serving import BROKEN, serving, until


def test_a_server_that_is_well_says_so(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        until(lambda: server.client.get("/api/healthz").status_code == 200)
        found = server.client.get("/api/healthz").json()
        assert found["disk_free_bytes"] > 0
        assert (found["ok"], [worker["state"] for worker in found["workers"]]) == (True, ["ready"])
        server.until_status(server.submit(steps=3), "done")
        answer = server.client.get("/api/metrics")
        assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
        values = {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }
    assert values[("gradleak_up",)] == 1
    assert values[("gradleak_runs", "done")] == 1
    assert values[("gradleak_queued_runs",)] == 0
    assert values[("gradleak_workers", "ready")] + values[("gradleak_workers", "busy")] == 1
    assert values[("gradleak_disk_free_bytes",)] > 0


def test_a_server_that_cannot_compute_or_read_is_not_well(tmp_path: Path) -> None:
    with serving(tmp_path / "no worker", ready=False, command=BROKEN) as server:
        until(lambda: server.client.get("/api/health").json()["workers"][0].get("error"))
        assert server.client.get("/api/healthz").status_code == 503
    with serving(tmp_path / "no file") as server:
        until(lambda: server.client.get("/api/healthz").status_code == 200)
        server.service.store.path.unlink()
        answer = server.client.get("/api/healthz")
        assert (answer.status_code, answer.json()["ok"]) == (503, False)
        assert "cannot be read" in answer.json()["error"]
