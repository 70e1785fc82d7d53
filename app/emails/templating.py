"""The templates of mails and pages."""

import re
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from app.emails.wrapping import wrap

_FOLDER: Final = Path(__file__).resolve().parents[1] / "templates"

_JAPANESE: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uff66-\uff9f]")
"""For the `lang` of a text: readers speak it right, browsers choose Japanese forms of letters."""

_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(_FOLDER),
    undefined=StrictUndefined,
    autoescape=select_autoescape(enabled_extensions=("html",), default=False),
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_TEMPLATES.filters["wrapped"] = wrap
_TEMPLATES.filters["tongue"] = lambda text: "ja" if _JAPANESE.search(text) else "en"


def fill(name: str, **values: object) -> str:
    """A template with its values; in one whose name ends in .html they are escaped.

    Raises jinja2.UndefinedError where the template asks for a value that is not given.
    """
    return _TEMPLATES.get_template(name).render(values)


def asset(name: str) -> Markup:
    """A file of the templates as it is, for a style block."""
    return Markup((_FOLDER / name).read_text(encoding="utf-8"))  # noqa: S704  # our own file
