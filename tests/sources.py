"""The source of a tree, read and not run: its modules, what they import, and what they define."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path


@cache
def sources(root: Path) -> dict[str, ast.Module]:
    """Returns the syntax tree of each module of app.py, pages/ and gradleak_core/ by its name, read once.

    Packages are named `package.__init__`.
    """
    files = [*root.glob("app.py"), *root.glob("pages/**/*.py"), *root.glob("gradleak_core/**/*.py")]
    return {
        ".".join(file.relative_to(root).with_suffix("").parts): ast.parse(file.read_text("utf-8")) for file in files
    }


def imports(module: str, tree: ast.AST, *, typing: bool = False) -> Iterator[str]:
    """Every dotted name a module imports, inside functions too; those for the type checker only with `typing`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) and not typing:
            for other in node.orelse:
                yield from imports(module, ast.Module([other], []), typing=typing)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield origin(module, node)
            yield from (f"{origin(module, node)}.{alias.name}" for alias in node.names)
        else:
            yield from imports(module, node, typing=typing)


def origin(module: str, node: ast.ImportFrom) -> str:
    """What stands after `from`, made absolute."""
    above = module.split(".")[: -node.level] if node.level else []
    return ".".join([*above, *([node.module] if node.module else [])])


def internal(module: str, known: dict[str, ast.Module], *, typing: bool = False) -> set[str]:
    """The modules of the tree that a module imports; a name inside one (`types.Secret`) is not a module."""
    found = set(imports(module, known[module], typing=typing))
    return {name for name in known if name in found or name.removesuffix(".__init__") in found} - {module}


def external(module: str, known: dict[str, ast.Module], *, typing: bool = False) -> set[str]:
    return {name.partition(".")[0] for name in imports(module, known[module], typing=typing)}


def loaded_by_web(known: dict[str, ast.Module]) -> set[str]:
    """Everything that app.py and pages/ load, directly or not, packages on the way included."""
    waiting = [name for name in known if name == "app" or name.startswith("pages.")]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        parts = name.split(".")
        packages = {".".join([*parts[:end], "__init__"]) for end in range(1, len(parts))}
        waiting += internal(name, known) | (packages & known.keys())
    return seen


def texts(root: Path) -> Iterator[tuple[Path, str]]:
    """Every text file of the repository, caches and virtual environments left out."""
    kept = {".ci", ".streamlit"}
    for folder, folders, files in os.walk(root):
        folders[:] = [d for d in folders if d in kept or not (d.startswith(".") or d in ("__pycache__", "build"))]
        for file in (Path(folder, name) for name in files):
            if file.name == ".git":  # where a work tree's repository lies
                continue
            try:
                yield file.relative_to(root), file.read_text("utf-8")
            except UnicodeDecodeError:
                continue
