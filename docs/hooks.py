"""Pages of the site beside those of docs/: the ones at the top of the repository, and one for each module; and links.

MkDocs calls these functions while it builds, see `hooks` in mkdocs.yml.
"""

from __future__ import annotations

import importlib
import os
import re
from pathlib import Path
from types import ModuleType

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
OF_THE_TOP = ("CHANGELOG.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "DESIGN.md", "SECURITY.md")
LINK = re.compile(r"(?<=\]\()(?!https?:|#)([^)\s#]+)(#[^)\s]*)?(?=\))")
MODULES = ["wasihost", *sorted(f"wasihost.{path.stem}" for path in (ROOT / "host/wasihost").glob("[!_]*.py"))]


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Adds the modules to the navigation, after the list of all public names."""
    (reference,) = (section["Reference"] for section in config.nav if "Reference" in section)
    (python,) = (section["Python"] for section in reference if "Python" in section)
    python[1:1] = map(_page, MODULES)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages of the repository's top, and one for each module."""
    for name in OF_THE_TOP:
        files.append(File.generated(config, name, content=(ROOT / name).read_text(encoding="utf-8")))
    for module in MODULES:
        parts = [name for name in _public(module) if isinstance(_public(module)[name], ModuleType)]
        content = f"# {module}\n\n::: {module}\n" + "".join(f"\n## {name}\n\n::: {name}\n" for name in parts)
        files.append(File.generated(config, _page(module), content=content))
    return files


def _page(module: str) -> str:
    return f"reference/{module}.md"


def _public(module: str) -> dict[str, object]:
    """The public objects of a module, by full names."""
    found = importlib.import_module(module)
    return {f"{module}.{name}": getattr(found, name) for name in found.__all__}


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Leads links of the repository to pages of the site, or else to the repository."""
    name = page.file.src_uri
    folder = ROOT if name in OF_THE_TOP else (ROOT / "docs" / name).parent

    def link(found: re.Match[str]) -> str:
        target = os.path.relpath(folder / found[1], ROOT)
        anchor = found[2] or ""
        on_site = target.removeprefix("docs/")
        if files.get_file_from_path(on_site):
            return os.path.relpath(on_site, Path(name).parent) + anchor
        return f"{config.extra['repository']}/blob/main/{target}{anchor}"

    return LINK.sub(link, markdown)


def on_post_build(config: MkDocsConfig) -> None:
    """Fails unless each public name has its place in the reference."""
    pages = [(Path(config.site_dir) / "reference" / module / "index.html").read_text() for module in MODULES]
    places = set(re.findall(r'id="(wasihost[\w.]*)"', "".join(pages)))
    shown = places | {place.rpartition(".")[0] for place in places}
    if missing := sorted({name for module in MODULES for name in _public(module)} - shown):
        raise PluginError(f"the reference lacks {', '.join(missing)}")
