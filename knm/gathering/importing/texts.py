"""Statements as plain text: out of MediaWiki's markup, HTML and Markdown, and out of comments."""

import html
import re
from typing import Final

_COMMENT: Final = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TEMPLATE: Final = re.compile(r"\{\{[^{}]*\}\}")
_TABLE_MARK: Final = re.compile(r"^(?:\{\||\|\}|\|-).*$", re.MULTILINE)
_CATEGORY: Final = re.compile(r"\[\[(?:Category|File|Image):[^\]]*\]\]", re.IGNORECASE)
_LINK: Final = re.compile(r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]")
_ADDRESS: Final = re.compile(r"\[(?:https?:)?//\S+ ([^\]]+)\]")
_QUOTES: Final = re.compile(r"'{2,5}")
_HEADING: Final = re.compile(r"^(={1,6})([^=\n]+)\1[ \t]*$", re.MULTILINE)
_TERM: Final = re.compile(r"^;\s*", re.MULTILINE)
_INDENT: Final = re.compile(r"^:+[ \t]*", re.MULTILINE)
_MAGIC: Final = re.compile(r"__[A-Z]+__")

_RAISED: Final = re.compile(r"<sup>\s*([^<>]*?)\s*</sup>", re.IGNORECASE)
_ORDINAL: Final = re.compile(r"(?:st|nd|rd|th)", re.IGNORECASE)
_BREAK: Final = re.compile(
    r"<(?:br|hr|/?p|/?div|/?h[1-6]|/?pre|/?ul|/?ol|/?table|/tr|/?blockquote)\b[^<>]*>",
    re.IGNORECASE,
)
_ITEM: Final = re.compile(r"\s*<li\b[^<>]*>\s*", re.IGNORECASE)
_DROPPED: Final = re.compile(r"<(script|style)\b.*?(?:</\1>|\Z)", re.IGNORECASE | re.DOTALL)
# Only what can be a tag: `a < b` and `<n>` within backquotes are text.
_TAG: Final = re.compile(
    r"</?(?:a|abbr|b|big|blockquote|body|br|center|code|del|div|em|font|h[1-6]|head|html|hr|i|img|"
    r"ins|kbd|lang|li|math|nowiki|ol|p|pre|q|s|samp|small|source|span|strike|strong|sub|sup|"
    r"syntaxhighlight|table|tbody|td|th|thead|title|tr|tt|u|ul|var)\b[^<>]*>",
    re.IGNORECASE,
)

# A heading behind which a README of a solution goes on to how it is solved.
_ANSWER: Final = re.compile(
    r"^(?:#{1,6}[ \t]*|\*\*)(?:\d+[.)][ \t]*)?"
    r"(?:(?:solutions?|approach(?:es)?|intuition|complexity)\b|"
    r"(?:code|implementation|algorithm|how it works|题解|解法|思路)[^\w\n]*$).*",
    re.IGNORECASE | re.DOTALL | re.MULTILINE,
)
_IMAGE: Final = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_MARKDOWN_LINK: Final = re.compile(r"\[([^\]\[]+)\]\([^()\s]*\)")
_FRONT_MATTER: Final = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)

_DIRECTIVE: Final = re.compile(
    r"^(?:@diagnostic\b|@module\b|luacheck\b|luacov\b|stylua\b|selene\b|vim:|EmmyLua\b|[-=*#_~ ]+$)"
)


def plain_wikitext(text: str) -> str:
    """The text of MediaWiki's markup, without links, templates and categories."""
    text = _COMMENT.sub("", text).replace("&nbsp;", " ")
    text = _CATEGORY.sub("", text)
    for _ in range(4):  # templates stand within each other
        text, found = _TEMPLATE.subn("", text)
        if not found:
            break
    text = _LINK.sub(r"\1", text)
    text = _ADDRESS.sub(r"\1", text)
    text = _QUOTES.sub("", text)
    text = _HEADING.sub(lambda match: match[2].strip(), text)
    text = _TABLE_MARK.sub("", _MAGIC.sub("", text))
    text = _INDENT.sub("", _TERM.sub("", text))
    return plain_html(text)


def plain_html(text: str) -> str:
    """Text without HTML's tags and entities; what is not a tag of HTML stays."""
    text = _DROPPED.sub("", _COMMENT.sub("", text))
    text = _RAISED.sub(_raised, text)
    text = _ITEM.sub("\n- ", text)
    text = _TAG.sub("", _BREAK.sub("\n", text))
    return tidy(html.unescape(text))


def plain_markdown(text: str, answer_fence: str) -> str:
    """The statement in a README: without pictures, HTML and what follows on how it is solved.

    Blocks of code in the language of the fence are left out: they are the answer.
    """
    text = _FRONT_MATTER.sub("", text)
    text = _ANSWER.sub("", text)
    fence = re.escape(answer_fence)
    text = re.sub(rf"```{fence}\b.*?(?:```|\Z)", "", text, flags=re.DOTALL | re.IGNORECASE)
    text = _MARKDOWN_LINK.sub(r"\1", _IMAGE.sub("", text))
    return plain_html(text)


def comment_text(comments: list[str]) -> str:
    """What comments of Lua say, one below the other, without their marks."""
    lines: list[str] = []
    for comment in comments:
        block = re.fullmatch(r"--\[(=*)\[(.*?)\]\1\](?:--)?", comment, re.DOTALL)
        if block:
            inner = block[2].strip().splitlines()
            lines += [re.sub(r"^\s*\*(?!\*) ?", "", line) for line in inner]
        else:
            lines.append(re.sub(r"^-{2,}!? ?", "", comment))
    kept = [line.rstrip() for line in lines if not _DIRECTIVE.match(line.strip())]
    return tidy("\n".join(kept))


def tidy(text: str) -> str:
    """Text without spaces at the ends of lines and without more than one empty line at a time."""
    text = text.replace("\xa0", " ").replace("\u200b", "")
    text = "\n".join(re.sub(r"(?<=\S) {2,}(?=\S)", " ", line).rstrip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n")


def _raised(match: re.Match[str]) -> str:
    raised = match[1]
    return raised if _ORDINAL.fullmatch(raised) or not raised else f"^{raised}"
