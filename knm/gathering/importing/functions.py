"""Functions in a text of Lua, by tree-sitter's grammar, each with the comment above it."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from knm.errors import UserError
from knm.gathering.importing.texts import comment_text

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_DECLARATION: Final = "function_declaration"
_VALUE: Final = "function_definition"
_STATEMENTS: Final = frozenset({"variable_declaration", "assignment_statement", "return_statement"})


@dataclass(frozen=True)
class Function:
    """A function that can stand alone: a statement that declares, assigns or returns it.

    `name` is as written, such as `M.sum`, empty where it is returned; `line` and `column` are from
    1; `comment` is what stands right above it, without marks. `broken` says that it does not parse.
    """

    name: str
    text: str
    comment: str
    line: int
    column: int
    broken: bool


def find_functions(text: str) -> Iterator[Function]:
    """The functions of a text, in their order; those within others are part of these.

    Functions without a statement of their own (in a table, as an argument) are left out.

    Raises:
        UserError: the grammar is not installed.
    """
    data = text.encode()
    left = [_parser().parse(data).root_node]
    while left:
        node = left.pop()
        name = _name(node)
        if name is None:
            left += reversed(node.named_children)
            continue
        yield Function(
            name=name,
            text=_alone(data, node),
            comment=comment_text(_comments_above(node)),
            line=node.start_point.row + 1,
            column=node.start_point.column + 1,
            broken=node.has_error,
        )


@cache
def _parser() -> "Parser":
    try:
        import tree_sitter
        import tree_sitter_lua
    except ImportError:
        raise UserError(
            "functions are found by the packages tree-sitter and tree-sitter-lua: python -m pip "
            "install 'knm[import]'"
        ) from None
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_lua.language()))


def _name(node: "Node") -> str | None:
    """What a statement that is a function calls it; None of any other node."""
    if node.type == _DECLARATION:
        return _text(node.child_by_field_name("name"))
    if node.type not in _STATEMENTS:
        return None
    if node.type == "variable_declaration":
        (node, *more) = node.named_children or [node]
        if more or node.type != "assignment_statement":
            return None
    lists = node.named_children
    if not lists or lists[-1].type != "expression_list":
        return None
    values = lists[-1].named_children
    if len(values) != 1 or values[0].type != _VALUE:
        return None
    if node.type == "return_statement":
        return ""
    names = lists[0].named_children
    return _text(names[0]) if len(names) == 1 else None


def _text(node: "Node | None") -> str:
    return "" if node is None or node.text is None else node.text.decode(errors="replace")


def _alone(data: bytes, node: "Node") -> str:
    """The text of a statement, moved to the left edge if no text of many lines is in it."""
    text = _text(node)
    begin = data.rfind(b"\n", 0, node.start_byte) + 1
    indent = data[begin : node.start_byte].decode(errors="replace")
    if indent and not indent.strip() and "[[" not in text and "[=" not in text:
        text = textwrap.dedent(indent + text)
    return text + "\n"


def _comments_above(node: "Node") -> list[str]:
    """The comments that end right above a statement, each on lines of its own."""
    found: list[str] = []
    below = node.start_point.row
    comment = _before(node)
    while comment is not None and comment.type == "comment" and comment.end_point.row == below - 1:
        before = _before(comment)
        if before is not None and before.end_point.row == comment.start_point.row:
            break  # it ends a line of code
        found.append(_text(comment))
        below = comment.start_point.row
        comment = before
    return found[::-1]


def _before(node: "Node") -> "Node | None":
    """What stands before a node; a block's first comment stands before the block."""
    if node.prev_sibling is None and node.parent is not None and node.parent.type == "block":
        return node.parent.prev_sibling
    return node.prev_sibling
