from __future__ import annotations

from tools.fences import Block, Command, blocks, cells_of, commands, links, rows_below

PAGE = """
```python title="net.py"
x = 1
```

```sh
gradient-diff check net.py a.npz   # exit code 1: one is wrong
pytest
```

says

```text
one
two
```

| a | b |
|---|---|
| 1 | x \\| y |

[f](b.md#c) ![g](e.svg) [h](https://i) [j](#k)
"""


def test_a_block_has_its_language_title_and_text() -> None:
    assert blocks(PAGE)[0] == Block("python", "net.py", "x = 1\n")
    assert [block.language for block in blocks(PAGE)] == ["python", "sh", "text"]


def test_a_command_has_its_exit_code_and_the_last_one_what_stands_below() -> None:
    first, last = commands(PAGE)
    assert first == Command("gradient-diff check net.py a.npz", 1, ())
    assert last == Command("pytest", 0, ("one", "two"))
    assert [*commands(PAGE, "console")] == []


def test_a_table_is_read_with_bars_in_its_cells() -> None:
    assert rows_below(PAGE, "| a | b |") == [["1", "x | y"]]
    assert cells_of("| a | b |") == ["a", "b"]


def test_links_are_relative_and_without_their_anchors() -> None:
    assert links(PAGE) == ["b.md", "e.svg"]
