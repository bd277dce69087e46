"""What there is to translate: every literal given to ``say``, ``count`` and ``mark`` in the package."""

from __future__ import annotations

import ast
from pathlib import Path

REPORTS = Path(__file__).resolve().parents[2] / "reports"


def used() -> set[str | tuple[str, str]]:
    """Messages, and (one, many) pairs for those with a plural."""
    found: set[str | tuple[str, str]] = set()
    pairs: set[tuple[str, str]] = set()
    for file in sorted(REPORTS.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                texts = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
                if name in ("say", "mark") and texts:
                    found.add(texts[0])
                elif name == "count" and len(texts) >= 2:
                    pairs.add((texts[0], texts[1]))
            elif isinstance(node, ast.Tuple) and len(node.elts) == 3:
                marked = [_marked(one) for one in node.elts[:2]]
                if all(marked):
                    pairs.add((marked[0], marked[1]))
    plural = {text for pair in pairs for text in pair}
    return {text for text in found if text not in plural} | pairs


def _marked(node: ast.expr) -> str:
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "mark" and isinstance(node.args[0], ast.Constant):
        return str(node.args[0].value)
    return ""
