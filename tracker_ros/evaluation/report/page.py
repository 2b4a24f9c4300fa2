"""Fills the pages of ``templates``: one page without any request to elsewhere."""

from pathlib import Path

from ...core.io.files import UNTOLD, replacing


def write_page(path: Path, template: str, **content) -> None:
    """Render ``template`` with ``content``, all of which is escaped, to the file ``path``."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    page = environment.get_template(template).render(content)
    with replacing(path) as part:
        part.write_text(page, encoding="utf-8", errors=UNTOLD)
