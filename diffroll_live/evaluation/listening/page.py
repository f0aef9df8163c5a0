"""The page of examples: sounds and pictures in a folder, and an HTML file that shows them. No script, no network."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path

from diffroll_live.engine.engine import TorchEngine
from diffroll_live.evaluation.listening.examples import Example, chapters
from diffroll_live.evaluation.listening.pieces import shipped_scores
from diffroll_live.evaluation.listening.sounds import mp3
from diffroll_live.files.atomic import make_folder, write_atomic
from diffroll_live.files.plot import FAINT, INK, PAPER, REGION_COLOUR

PAGE = "index.html"
STYLE = f"""body {{ background: {PAPER}; color: {INK}; font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto;
max-width: 70rem; padding: 0 1rem }} h1, h2 {{ font-weight: 500 }} section {{ border-top: 1px solid {FAINT} }}
img {{ max-width: 100% }} figure {{ margin: 1rem 0 2rem }} audio {{ vertical-align: middle; height: 2rem }}
label {{ margin-right: 1.5rem }} a {{ color: {REGION_COLOUR} }}"""
SOURCES = (
    "The pieces are piano parts of songs from OpenScore Lieder (CC0), which no weights were trained on. No example was"
    " picked: the places are the middles of the pieces, the seeds the first two."
)


def make_page(engine: TorchEngine, folder: Path, say: Callable[[str], None]) -> Path:
    """Make the page with its sounds and pictures in a folder, and return its path. Raises FileError."""
    make_folder(folder)
    parts = []
    for chapter in chapters(engine, shipped_scores()):
        parts.append(f"<section><h2>{html.escape(chapter.title)}</h2><p>{html.escape(chapter.about)}</p>")
        for number, example in enumerate(chapter.examples):
            say(f"{chapter.title}: {example.name}")
            parts.append(_figure(folder, f"{chapter.title.lower().replace(' ', '-')}-{number + 1}", example))
        parts.append("</section>")
    text = document(f"What {engine.info.name} does", f"<p>{html.escape(SOURCES)}</p>{''.join(parts)}")
    write_atomic(folder / PAGE, text.encode())
    return folder / PAGE


def document(title: str, body: str) -> str:
    """A whole page in the project's colours; ``body`` is HTML."""
    heading = html.escape(title)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{heading}</title>'
        f"<style>{STYLE}</style><h1>{heading}</h1>{body}</html>\n"
    )


def player(file: str, label: str) -> str:
    """A player of a sound file with its label."""
    return f'<label>{html.escape(label)} <audio controls preload="none" src="{html.escape(file)}"></audio></label>'


def _figure(folder: Path, name: str, example: Example) -> str:
    players = []
    for label, sound in example.sounds.items():
        file = f"{name}-{label.replace(' ', '-')}.mp3"
        write_atomic(folder / file, mp3(sound))
        players.append(player(file, label))
    picture = f"{name}.{example.kind}"
    example.draw(folder / picture)
    caption = html.escape(example.name)
    shown = f'<img loading="lazy" src="{picture}" alt="{caption}">'
    return f"<figure><figcaption>{caption}: {''.join(players)}</figcaption>{shown}</figure>"
