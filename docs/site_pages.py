"""Pages of the site that do not lie in `docs`: a hook of MkDocs, see `mkdocs.yml`."""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "build" / "reference"
PAGES = {
    "index.md": ROOT / "README.md",
    "contributing.md": ROOT / "CONTRIBUTING.md",
    "security.md": ROOT / "SECURITY.md",
    "changelog.md": ROOT / "CHANGELOG.md",
    "reference/http.md": REFERENCE / "http.md",
    "reference/python.md": REFERENCE / "python.md",
}
LINKS = {
    "](docs/adr/)": "](adr/0000-how-decisions-are-recorded.md)",
    "](docs/": "](",
    "](CONTRIBUTING.md)": "](contributing.md)",
    "](SECURITY.md)": "](security.md)",
    "](CHANGELOG.md)": "](changelog.md)",
    "](../CONTRIBUTING.md": "](contributing.md",
}


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages; their links are mended like those of all others."""
    for address, path in PAGES.items():
        files.append(File.generated(config, address, content=path.read_text()))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Let links lead to where the site has their pages."""
    for before, after in LINKS.items():
        markdown = markdown.replace(before, after)
    return markdown
