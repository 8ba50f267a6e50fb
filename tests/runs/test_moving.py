"""Figures that move: every position of the sliders has a state, and a page holds all of them."""

import json
import re

import pytest

from disentangle.runs import moving
from disentangle.runs.moving import Moving, Part, Slider

SLIDERS = (Slider("Method", ("a", "b"), words=True), Slider("Step", ("0", "1", "2"), "sd"))


def figure(parts):
    return Moving("T", "Caption <x>", 'Words "here"', SLIDERS, ({"type": "bar"},), {"height": 300}, parts, b"png")


def states(*keys):
    return {key: {"traces": [{"y": [1]}]} for key in keys}


def test_a_position_without_a_state_is_refused():
    figure((Part((0,), states("0", "1")), Part((1,), states("0", "1", "2"))))
    with pytest.raises(ValueError, match="need 6 states, found 1"):
        figure((Part((0, 1), states("0,0")),))


def test_a_page_holds_the_still_picture_its_words_and_all_states():
    stored = {
        "title": "T", "caption": "Caption <x>", "alt": 'Words "here"', "still": "data:image/png;base64,AA",
        "sliders": [], "traces": [], "layout": {}, "parts": [{"by": [0], "states": {"0": {"said": "</script>"}}}],
    }  # fmt: skip
    text = moving.figure_html("some_name", stored)
    assert 'id="moving-some-name"' in text and "Caption &lt;x&gt;" in text and "Words &quot;here&quot;" in text
    (packed,) = re.findall(r'<script type="application/json">(.*?)</script>', text)
    assert json.loads(packed)["parts"][0]["states"]["0"]["said"] == "</script>"


def test_the_figures_of_the_book_are_drawn_and_small():
    root = moving.project.root()
    for name in moving.figures():
        stored = json.loads((root / moving.FOLDER / f"{name}.json").read_text(encoding="utf8"))
        assert len(json.dumps(stored)) < moving.LARGEST_BYTES * 1.1, name
        assert stored["alt"] and stored["caption"] and stored["still"].startswith("data:image/png"), name
