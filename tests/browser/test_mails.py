"""Every mail on a telephone and on a desk, light and dark: nothing runs out of it, and everything can be read."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from playwright.async_api import Browser

from app.colors import TEXT_CONTRAST, contrast
from app.mail.markup import Look
from app.mail.overrides import LANGUAGES
from app.mail.rules import Templates, words_and_pictures
from app.mail.samples import sample
from app.mail.schemas import MailKind, MailLine

pytestmark = pytest.mark.asyncio(loop_scope="module")
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft mbH & Co. KG"
NAMES: dict[str, Any] = {
    "company": LONG, "end_customer": LONG, "name": "Maximiliane-Friederike von und zu Hohenlohe-Langenburg-Schillingsfürst",
    "po_number": "4500012345-PROJECT-NORTHWIND-MIGRATION-2026-PHASE-2",
    "lines": (MailLine("GRID-DEV-ENTERPRISE-UNLIMITED-SUBSCRIPTION-2026-EMEA", f"{LONG}, Developer Edition", 12_000),),
}  # fmt: skip
LOOK = Look(accent="#ffcc00", portal="https://partners.example/portal")
SEEN = r"""() => {
  const paper = element => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (!/^rgba\(.*, 0\)$/.test(color)) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (words.nextNode()) {
    const text = words.currentNode.textContent.trim(), element = words.currentNode.parentElement;
    if (text && element.offsetWidth && getComputedStyle(element).display !== 'none' && element.tagName !== 'STYLE')
      found.push([text, getComputedStyle(element).color, paper(element)]);
  }
  return {over: document.documentElement.scrollWidth - innerWidth, found,
          broken: [...document.querySelectorAll('.facts [align=right]')].filter(cell => {
            const range = document.createRange();
            range.selectNodeContents(cell);
            return new Set([...range.getClientRects()].map(line => line.top)).size > 1;
          }).length};
}"""


def hexadecimal(color: str) -> str:
    red, green, blue = (int(part) for part in color.removeprefix("rgb(").removesuffix(")").split(","))
    return f"#{red:02x}{green:02x}{blue:02x}"


@pytest.mark.parametrize(("width", "scheme"), [(375, "light"), (375, "dark"), (600, "light"), (600, "dark")])
async def test_every_mail_fits_and_is_read(chromium: Browser, width: int, scheme: Literal["light", "dark"]) -> None:
    context = await chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = await context.new_page()
    for kind in MailKind:
        for language in LANGUAGES:
            made, _ = words_and_pictures(kind, language, sample(kind, **NAMES), LOOK, Templates(), "m@x")
            await page.set_content(made.html)
            seen = await page.evaluate(SEEN)
            assert (seen["over"], seen["broken"]) == (0, 0), (kind, language)
            assert len(seen["found"]) > 4
            for text, ink, paper in seen["found"]:
                assert contrast(hexadecimal(ink), hexadecimal(paper)) >= TEXT_CONTRAST, (kind, language, text, ink, paper)
    await context.close()
