"""A review of a change as one HTML page that needs nothing else."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence

from mlops_constructs.compliance.diff.review import Review
from mlops_constructs.compliance.diff.text import markdown

STYLE = """
:root { color-scheme: light dark; --line: #8884; --bad: #b3261e; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 0 auto; padding: 1rem; }
h2 { border-bottom: 1px solid var(--line); padding-bottom: .2rem; margin-top: 2.5rem; }
h3.bad { color: var(--bad); }
code { font-size: .85em; overflow-wrap: anywhere; }
li { margin: .25rem 0; overflow-wrap: anywhere; }
"""


def page(reviews: Sequence[Review]) -> str:
    """The whole page."""
    body = "\n".join(_lines(markdown(reviews, most=None)))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Review of the change</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _lines(text: str) -> Iterator[str]:
    """The little Markdown that `text` writes: headings, paragraphs, flat lists, code and bold."""
    in_list = False
    for line in text.splitlines():
        is_item = line.startswith("- ")
        if is_item != in_list:
            yield "<ul>" if is_item else "</ul>"
            in_list = is_item
        if is_item:
            yield f"<li>{_inline(line[2:])}</li>"
        elif heading := re.match(r"(#+) (.*)", line):
            level = len(heading[1])
            bad = ' class="bad"' if "blocks)" in line or "outside the account" in line else ""
            yield f"<h{level}{bad}>{_inline(heading[2])}</h{level}>"
        elif line:
            yield f"<p>{_inline(line)}</p>"
    if in_list:
        yield "</ul>"


def _inline(text: str) -> str:
    escaped = html.escape(text)
    escaped = re.sub(r"`([^`]*)`", r"<code>\1</code>", escaped)
    return re.sub(r"\*\*([^*]*)\*\*", r"<strong>\1</strong>", escaped)
