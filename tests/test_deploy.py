"""The files of `deploy/` against what they name: schemas, settings, metrics, alerts and their chapters in the runbook."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from app.orders.measures import SHOP_MEASURES, Measures
from app.settings import Settings
from app.web.metrics import _registry

DEPLOY = Path(__file__).parents[1] / "deploy"
TOOLS = Path(sys.executable).parent
ALERTS = yaml.safe_load((DEPLOY / "alerts.yaml").read_text())["groups"][0]["rules"]
COUNTED = {
    "reseller_webhook_seconds_bucket",
    "reseller_webhook_seconds_count",
    "reseller_jwks_refreshes_total",
    "reseller_mail_attempts_total",
}


NOT_ALERTED = {
    "reseller_queue_length": "its age is what hurts",
    "reseller_unmatched_money": "the lines are alerted, whatever they bring",
    "reseller_licenses_waiting": "its age is what hurts",
    "reseller_mails_waiting": "its age is what hurts",
    "reseller_cases_waiting": "its age is what hurts",
    "reseller_tasks_open": "its age is what hurts",
    "reseller_mail_attempts_total": "what was not sent waits, or failed",
}


def run(*command: str) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=DEPLOY)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def shown_metrics() -> set[str]:
    by_shop = {name: {("shop", "USD")[: 1 + (name == "unmatched_money")]: 1.0} for name in SHOP_MEASURES}
    looked = Measures(0, 0.0, 0, by_shop, mailbox_age=1.0)
    return {family.name for family in _registry(looked).collect()} | COUNTED


def used_metrics(text: str) -> set[str]:
    return set(re.findall(r"\breseller_[a-z_]+", text))


@pytest.mark.parametrize("file", sorted((DEPLOY / "kubernetes").glob("*.yaml")), ids=lambda file: file.name)
def test_manifests_are_what_kubernetes_takes(file: Path) -> None:
    for resource in yaml.safe_load_all(file.read_text()):
        if resource["kind"] != "Kustomization":
            kubernetes_validate.validate(resource, "1.33", strict=True)


def test_the_kustomization_names_every_manifest() -> None:
    named = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())["resources"]
    assert sorted([*named, "kustomization.yaml"]) == sorted(file.name for file in (DEPLOY / "kubernetes").iterdir())


def test_compose_files_are_what_compose_takes() -> None:
    run(str(TOOLS / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "compose.yaml", "compose.saleor.yaml")


def test_the_dockerfile_follows_the_rules_of_its_kind() -> None:
    run(str(TOOLS / "hadolint"), "Dockerfile")


def test_images_are_pinned_by_one_command_and_a_release_is_refused_without(tmp_path: Path) -> None:
    deploy, tools = tmp_path / "deploy", tmp_path / "tools"
    shutil.copytree(DEPLOY, deploy)
    tools.mkdir()
    asked = tmp_path / "asked"
    registry = tools / "docker"
    registry.write_text(f'#!/bin/sh\necho "$4" >> {asked}\necho "sha256:$(echo "$4-$DAY" | sha256sum | cut -c1-64)"\n')
    registry.chmod(0o755)

    def pin(*given: str, day: str = "1") -> subprocess.CompletedProcess[str]:
        environment = {"PATH": f"{tools}:/usr/bin:/bin", "DAY": day}
        return subprocess.run([deploy / "pin.sh", *given], capture_output=True, text=True, check=False, env=environment)

    refused = pin("--check")
    loose = refused.stderr.partition(": ")[2].split()
    assert (refused.returncode, "postgres:17-bookworm" in loose) == (1, True)
    assert {"python:3.13-slim-bookworm", "ghcr.io/saleor/saleor:3.23", "axllent/mailpit:v1.27"} <= set(loose)
    assert not any("reseller-program" in name for name in loose)
    done = pin()
    assert (done.returncode, sorted(asked.read_text().split())) == (0, sorted(loose)), done.stderr
    assert pin("--check").returncode == 0
    assert pin().stdout == "", "the same again changes nothing"
    first = (deploy / "Dockerfile").read_text()
    assert pin(day="2").stdout.count(" is sha256:") == len(loose)
    assert (deploy / "Dockerfile").read_text() != first
    assert (deploy / "compose.yaml").read_text().count("@sha256:") == 1
    run(str(TOOLS / "hadolint"), str(deploy / "Dockerfile"))
    files = [str(deploy / name) for name in ("compose.yaml", "compose.saleor.yaml")]
    run(str(TOOLS / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", *files)
    registry.write_text("#!/bin/sh\necho nothing\n")
    assert "which is no digest" in pin().stderr
    assert pin("--check").returncode == 0


def test_every_setting_that_is_named_exists() -> None:
    known = {f"RESELLER_{name.upper()}" for name in Settings.model_fields}
    for file in DEPLOY.rglob("*"):
        if file.is_file():
            named = set(re.findall(r"\bRESELLER_[A-Z_]+[A-Z]\b", file.read_text()))
            assert named <= known, file.name


def test_alerts_and_panels_ask_for_metrics_that_exist() -> None:
    for name in ("alerts.yaml", "alerts.test.yaml", "grafana.json"):
        text = (DEPLOY / name).read_text()
        assert used_metrics(text) <= shown_metrics(), name


def test_every_metric_has_a_panel_and_an_alert_or_a_reason_for_none() -> None:
    panels = used_metrics((DEPLOY / "grafana.json").read_text())
    alerts = used_metrics(" ".join(rule["expr"] for rule in ALERTS))
    assert panels == shown_metrics()
    counted = {name.replace("_bucket", "_count") for name in shown_metrics()}
    assert {name.replace("_bucket", "_count") for name in alerts} | NOT_ALERTED.keys() == counted
    assert not alerts & NOT_ALERTED.keys()


def test_what_every_process_reads_in_the_database_is_not_summed_over_processes() -> None:
    text = (DEPLOY / "grafana.json").read_text() + (DEPLOY / "alerts.yaml").read_text()
    in_database = "|".join(sorted(shown_metrics() - COUNTED))
    assert not re.findall(rf"\bsum(?: by \(\w+\))? ?\((?:{in_database})\b", text)


def test_every_alert_has_its_chapter_in_the_runbook_and_no_chapter_is_left() -> None:
    runbook = (DEPLOY / "runbook.md").read_text()
    assert re.findall(r"^### (Reseller\w+)$", runbook, re.M) == [rule["alert"] for rule in ALERTS]


def test_the_dashboard_has_panels_that_do_not_cover_each_other() -> None:
    places: list[dict[str, Any]] = [panel["gridPos"] for panel in json.loads((DEPLOY / "grafana.json").read_text())["panels"]]
    assert len({(place["x"], place["y"]) for place in places}) == len(places)


def test_the_alerts_fire_when_they_should() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool (Debian's package prometheus) is not installed")
    run(promtool, "check", "rules", "alerts.yaml")
    run(promtool, "test", "rules", "alerts.test.yaml")
