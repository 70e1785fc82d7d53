"""What is in deploy/ and compose.yaml fits the program: settings, commands, ports, paths, users.

No engine, cluster or systemd runs here: the files are read, not carried out.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.emails.smtp_server import server_of
from app.migrations import FOLDER
from app.secret_files import secret_fields
from app.settings import Settings
from tests.guards.test_readme_commands import offences

ROOT = Path(__file__).resolve().parents[2]
KUBERNETES = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
UNITS = sorted((ROOT / "deploy" / "systemd").iterdir())
FILES = [ROOT / "Dockerfile", ROOT / "compose.yaml", *KUBERNETES, *UNITS]
NAME = re.compile(r"\bENMUSUBI_[A-Z0-9_]*[A-Z0-9]\b")
SETTINGS = {f"ENMUSUBI_{name.upper()}" for name in Settings.model_fields} | {
    f"ENMUSUBI_{name.upper()}_FILE" for name in secret_fields(Settings)
}
OF_COMPOSE = {"ENMUSUBI_OWNER_PASSWORD", "ENMUSUBI_WEB_PASSWORD"}
"""Passwords that compose.yaml hands to PostgreSQL; no settings of the program."""


def objects() -> list[dict[str, Any]]:
    """Every object of the manifests."""
    return [found for path in KUBERNETES for found in yaml.safe_load_all(path.read_text())]


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """The pod templates of the manifests by the kind of what makes them."""
    for found in objects():
        spec = found.get("spec", {})
        if found["kind"] == "CronJob":
            yield found["kind"], spec["jobTemplate"]["spec"]["template"]
        elif found["kind"] in ("Deployment", "Job"):
            yield found["kind"], spec["template"]


def composed() -> dict[str, Any]:
    """compose.yaml, its anchors resolved."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return found


def _name(found: dict[str, Any]) -> str:
    name: str = found.get("metadata", {}).get("name", "")
    return name


def one(kind: str, name: str = "enmusubi") -> dict[str, Any]:
    """The object of that kind and name."""
    (found,) = [o for o in objects() if (o["kind"], _name(o)) == (kind, name)]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_settings_exist(path: Path) -> None:
    assert set(NAME.findall(path.read_text())) - SETTINGS - OF_COMPOSE == set()


def _commands() -> Iterator[str]:
    for service in composed()["services"].values():
        if isinstance(service.get("command"), list):
            yield " ".join(service["command"])
    for _, pod in pods():
        yield from (" ".join(c["command"]) for c in pod["spec"]["containers"])
    for path in (*UNITS, ROOT / "Dockerfile"):
        for line in path.read_text().splitlines():
            if line.startswith(("ExecStart", "CMD")):
                yield line


def test_commands_exist() -> None:
    found = [line for line in _commands() if "enmusubi " in line]
    assert len(found) >= 9
    assert [wrong for line in found for wrong in offences(line)] == []
    assert offences("enmusubi serve-all")


def test_ports_and_paths_agree() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    port = Settings.model_fields["port"].default
    (container,) = one("Deployment")["spec"]["template"]["spec"]["containers"]
    assert f"EXPOSE {port}" in dockerfile
    assert container["ports"] == [{"name": "http", "containerPort": port}]
    assert one("NetworkPolicy")["spec"]["ingress"][0]["ports"] == [{"port": port}]
    assert composed()["services"]["service"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    folder = "/var/lib/enmusubi"
    assert f"ENMUSUBI_DATA_DIR={folder}" in dockerfile
    assert f"VOLUME {folder}" in dockerfile
    assert composed()["services"]["service"]["volumes"] == [f"state:{folder}"]
    ledger = Path(one("ConfigMap")["data"]["ENMUSUBI_ERASURE_LEDGER"])
    for _, pod in pods():
        mounts = {m["mountPath"] for c in pod["spec"]["containers"] for m in c["volumeMounts"]}
        assert {folder, str(ledger.parent)} <= mounts
        assert {m["name"] for c in pod["spec"]["containers"] for m in c["volumeMounts"]} == {
            volume["name"] for volume in pod["spec"]["volumes"]
        }


def test_probes_ask_what_the_service_answers() -> None:
    (container,) = one("Deployment")["spec"]["template"]["spec"]["containers"]
    hosts = Settings(_env_file=None, **_fields(one("ConfigMap")["data"])).allowed_host_names
    for probe, path in (
        ("livenessProbe", "/healthz"),
        ("startupProbe", "/healthz"),
        ("readinessProbe", "/readyz"),
    ):
        asked = container[probe]["httpGet"]
        assert (asked["path"], asked["port"]) == (path, "http")
        assert [h["value"] for h in asked["httpHeaders"]] == hosts
    assert "/healthz" in (ROOT / "Dockerfile").read_text()


def test_pods_run_as_nobody_with_bounds() -> None:
    user = re.search(r"useradd --system --uid (\d+)", (ROOT / "Dockerfile").read_text())
    assert user
    for _, pod in pods():
        assert pod["spec"]["securityContext"]["runAsUser"] == int(user[1])
        assert pod["spec"]["automountServiceAccountToken"] is False
        for container in pod["spec"]["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert {"requests", "limits"} == container["resources"].keys()
    assert re.search(rf"^USER {user[1]}$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)


def test_selectors_find_the_pods() -> None:
    labels = [pod["metadata"]["labels"] for _, pod in pods()]
    deployment = one("Deployment")
    for wanted in (
        deployment["spec"]["selector"]["matchLabels"],
        one("Service")["spec"]["selector"],
        one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
    ):
        assert [own for own in labels if wanted.items() <= own.items()] == [
            deployment["spec"]["template"]["metadata"]["labels"]
        ]
    everything = one("NetworkPolicy")["spec"]["podSelector"]["matchLabels"]
    assert all(everything.items() <= own.items() for own in labels)
    assert one("PodDisruptionBudget")["spec"]["minAvailable"] < deployment["spec"]["replicas"]


def test_only_the_migration_is_given_the_owner() -> None:
    """What serves connects as a role that owns no table."""
    for kind, pod in pods():
        (container,) = pod["spec"]["containers"]
        named = [e["secretRef"]["name"] for e in container["envFrom"] if "secretRef" in e]
        assert named == ["enmusubi-owner" if kind == "Job" else "enmusubi"]
    for name in ("enmusubi", "enmusubi-owner"):
        secret = one("Secret", name)["stringData"]
        assert ("enmusubi_owner" in secret["ENMUSUBI_DATABASE_URL"]) == name.endswith("owner")
    for name, service in composed()["services"].items():
        url = service.get("environment", {}).get("ENMUSUBI_DATABASE_URL", "")
        assert ("enmusubi_owner" in url) == (name == "migrate")


def test_kustomization_lists_everything_but_secrets() -> None:
    (listed,) = [o for o in objects() if o["kind"] == "Kustomization"]
    assert set(listed["resources"]) == {p.name for p in KUBERNETES} - {
        "kustomization.yaml",
        "secret.example.yaml",
    }


def _fields(environment: dict[str, str]) -> dict[str, Any]:
    return {
        name.removeprefix("ENMUSUBI_").lower(): re.sub(r"\$\{\w+(?::-(.*?)|:\?.*?)?\}", r"\1", text)
        for name, text in environment.items()
        if name in SETTINGS
    }


def test_the_settings_of_compose_can_be_used(tmp_path: Path) -> None:
    """Of the nightly run also that its mail server is one that it takes without TLS."""
    services = composed()["services"]
    for name in ("service", "migrate", "nightly"):
        given = services[name]["environment"]
        settings = Settings(_env_file=None, **_fields(given))
        assert settings.url.startswith("postgresql://")
    assert server_of(settings).host == "127.0.0.1"
    assert services["nightly"]["network_mode"] == "service:mail"
    assert services["service"]["depends_on"]["migrate"] == {
        "condition": "service_completed_successfully"
    }


def test_roles_are_those_of_the_migrations() -> None:
    roles = (ROOT / "deploy" / "postgres" / "roles.sh").read_text()
    migration = next((FOLDER / "versions").glob("0007_*.py")).read_text()
    assert 'APPLICATION = "enmusubi_app"' in migration
    assert "CREATE ROLE enmusubi_app NOLOGIN" in roles
    assert "GRANT enmusubi_app TO enmusubi_owner, enmusubi_web" in roles


def test_the_image_holds_what_it_needs_and_no_secrets() -> None:
    kept = [
        line[1:]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    dockerfile = (ROOT / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(.+) \./$", dockerfile, re.MULTILINE)
    assert set(copied[0].split()) <= set(kept)
    assert {"LICENSE", "app", "alembic", "data", "matching", "models", "README.md"} <= set(kept)
    assert all((ROOT / name).exists() for name in kept)
    assert (ROOT / "data" / "encoders" / "table" / "NOTICE").exists()
    assert {".env", "var", ".git", "tests"}.isdisjoint(kept)


def test_kubectl_reads_the_manifests() -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    made = subprocess.run(
        ["kubectl", "kustomize", str(ROOT / "deploy" / "kubernetes")],
        capture_output=True,
        text=True,
        check=True,
    )
    kinds = {found["kind"] for found in yaml.safe_load_all(made.stdout)}
    assert {"Deployment", "Job", "CronJob", "PodDisruptionBudget", "NetworkPolicy"} <= kinds


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_reads_the_units(path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    told = subprocess.run(
        ["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False
    ).stderr
    ours = [line for line in told.splitlines() if "enmusubi" in line]
    # The program is not installed where the unit says.
    assert [line for line in ours if "is not executable" not in line] == []
