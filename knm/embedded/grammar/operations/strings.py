"""Operations on one string and on two strings."""

# One operation reads best as one aligned entry, however long its templates are.
# fmt: off

from collections.abc import Iterator

from knm.embedded.grammar.model import LetterConstant, Operation, Type
from knm.embedded.grammar.operations.idioms import K, op

L, I, B, S, W = Type.LIST, Type.INT, Type.BOOL, Type.STR, Type.WORDS
TWO_STRS = Type.TWO_STRS
LETTER = LetterConstant()


def operations() -> Iterator[Operation]:
    """All of them."""
    yield from _to_strings()
    yield from _character_filters()
    yield from _measures()
    yield from _to_others()
    yield from _of_two()


def _to_strings() -> Iterator[Operation]:
    yield op("str-reverse", S, S, ("reverse the text", "write the text backwards"), ("$y = $x[::-1]", "$y = ''.join(reversed($x))"), ("local $y = $x:reverse()", "local $y = string.reverse($x)"))
    yield op("str-upper", S, S, ("change it to upper case", "capitalise every letter"), "$y = $x.upper()", ("local $y = $x:upper()", "local $y = string.upper($x)"))
    yield op("str-lower", S, S, ("change it to lower case", "make every letter small"), "$y = $x.lower()", ("local $y = $x:lower()", "local $y = string.lower($x)"))
    yield op("str-repeat", S, S, ("repeat the text $k times", "concatenate $k copies of the text"), "$y = $x * $k", ("local $y = $x:rep($k)", "local $y = string.rep($x, $k)"), k=K(2, 4))
    yield op("str-prefix", S, S, ("take its first $k characters", "cut the text after $k characters"), "$y = $x[:$k]", ("local $y = $x:sub(1, $k)", "local $y = string.sub($x, 1, $k)"), k=K(1, 5))
    yield op("str-suffix", S, S, ("take its last $k characters", "keep only the final $k characters"), "$y = $x[-$k:]", ("local $y = $x:sub(-$k)", "local $y = string.sub($x, -$k)"), k=K(1, 5))
    yield op("str-drop-prefix", S, S, ("drop its first $k characters", "cut off $k characters at the front"), "$y = $x[$k:]", ("local $y = $x:sub($k + 1)", "local $y = string.sub($x, 1 + $k)"), k=K(1, 3))
    yield op(
        "str-rotate", S, S,
        ("move its first character to the end", "rotate the text left by one place"),
        "$y = $x[1:] + $x[:1]",
        ("local $y = $x:sub(2) .. $x:sub(1, 1)", "local $y = string.sub($x, 2) .. string.sub($x, 1, 1)"),
    )
    yield op(
        "str-mirror", S, S,
        ("append its reverse", "extend the text by its mirror image"),
        "$y = $x + $x[::-1]",
        ("local $y = $x .. $x:reverse()", "local $y = $x .. string.reverse($x)"),
    )
    yield op(
        "str-double-letters", S, S,
        ("write every character twice", "double each character"),
        "$y = ''.join(c * 2 for c in $x)",
        ("local $y = $x:gsub('.', '%0%0')", "local $y = ''\nfor c in $x:gmatch('.') do $y = $y .. c .. c end"),
    )
    yield op(
        "str-swap-case", S, S,
        ("swap upper and lower case", "change small letters to capitals and capitals to small letters"),
        "$y = $x.swapcase()",
        (
            "local $y = $x:gsub('%a', function(c)\n  return c == c:upper() and c:lower() or c:upper()\nend)",
            "local $y = ''\nfor c in $x:gmatch('.') do\n  if c:match('%l') then $y = $y .. c:upper() else $y = $y .. c:lower() end\nend",
        ),
    )
    yield op(
        "str-caesar", S, S,
        ("shift every lower-case letter by $k places cyclically", "apply a Caesar shift of $k to the lower-case letters"),
        "$y = ''.join(chr((ord(c) - 97 + $k) % 26 + 97) if c.islower() else c for c in $x)",
        (
            "local $y = $x:gsub('%l', function(c)\n  return string.char((c:byte() - 97 + $k) % 26 + 97)\nend)",
        ),
        k=K(1, 9),
    )
    yield op(
        "str-sort", S, S,
        ("sort the characters by their codes", "arrange the characters in order of their codes"),
        "$y = ''.join(sorted($x))",
        (
            "local chars = {}\nfor c in $x:gmatch('.') do chars[#chars + 1] = c end\ntable.sort(chars)\nlocal $y = table.concat(chars)",
            "local chars = {}\nfor j = 1, #$x do chars[j] = $x:sub(j, j) end\ntable.sort(chars)\nlocal $y = table.concat(chars, '')",
        ),
    )
    yield op(
        "str-compress", S, S,
        ("replace every block of equal characters by the character and the length of the block", "compress the text by run-length encoding"),
        (
            "from itertools import groupby\n$y = ''.join(c + str(len(list(part))) for c, part in groupby($x))",
            "$y, j = '', 0\nwhile j < len($x):\n    h = j\n    while h < len($x) and $x[h] == $x[j]:\n        h += 1\n    $y += $x[j] + str(h - j)\n    j = h",
        ),
        "local $y, j = '', 1\nwhile j <= #$x do\n  local h = j\n  while h <= #$x and $x:sub(h, h) == $x:sub(j, j) do h = h + 1 end\n  $y = $y .. $x:sub(j, j) .. (h - j)\n  j = h\nend",
    )
    yield op(
        "str-squeeze", S, S,
        ("reduce every block of equal characters to one character", "remove characters equal to the one before them"),
        "$y = ''.join(c for j, c in enumerate($x) if j == 0 or c != $x[j - 1])",
        "local $y = ''\nfor j = 1, #$x do\n  local c = $x:sub(j, j)\n  if c ~= $x:sub(j - 1, j - 1) or j == 1 then $y = $y .. c end\nend",
    )


def _character_filters() -> Iterator[Operation]:
    yield op("str-drop-vowels", S, S, ("remove the vowels", "delete all vowels"), "$y = ''.join(c for c in $x if c not in 'aeiouAEIOU')", ("local $y = $x:gsub('[aeiouAEIOU]', '')", "local $y = string.gsub($x, '[aeiouAEIOU]', '')"))
    yield op("str-keep-digits", S, S, ("keep only the digits", "delete everything that is not a digit"), "$y = ''.join(c for c in $x if c.isdigit())", ("local $y = $x:gsub('%D', '')", "local $y = string.gsub($x, '%D', '')"))
    yield op("str-keep-letters", S, S, ("keep only the letters", "delete everything that is not a letter"), "$y = ''.join(c for c in $x if c.isalpha())", ("local $y = $x:gsub('%A', '')", "local $y = string.gsub($x, '%A', '')"))
    yield op("str-drop-letter", S, S, ("remove every letter $k", "delete all occurrences of the letter $k"), "$y = $x.replace('$k', '')", ("local $y = $x:gsub('$k', '')", "local $y = string.gsub($x, '$k', '')"), k=LETTER)
    yield op("str-star-letter", S, S, ("replace every letter $k by a star", "write * instead of each letter $k"), "$y = $x.replace('$k', '*')", ("local $y = $x:gsub('$k', '*')", "local $y = string.gsub($x, '$k', '*')"), k=LETTER)
    yield op(
        "str-dedupe", S, S,
        ("remove repeated characters keeping first occurrences", "keep only the first occurrence of each character"),
        "$y = ''.join(dict.fromkeys($x))",
        (
            "local $y, seen = '', {}\nfor c in $x:gmatch('.') do\n  if not seen[c] then\n    seen[c] = true\n    $y = $y .. c\n  end\nend",
            "local $y = ''\nfor c in $x:gmatch('.') do\n  if not $y:find(c, 1, true) then $y = $y .. c end\nend",
        ),
    )
    yield op(
        "str-odd-places", S, S,
        ("take the characters at odd positions", "keep every second character starting from the first"),
        "$y = $x[::2]",
        (
            "local $y = ''\nfor j = 1, #$x, 2 do $y = $y .. $x:sub(j, j) end",
            "local $y = $x:gsub('(.).?', '%1')",
        ),
    )


def _measures() -> Iterator[Operation]:
    yield op("str-length", S, I, ("find the length of the text", "count the characters"), "$y = len($x)", ("local $y = #$x", "local $y = string.len($x)"))
    yield op("str-vowels", S, I, ("count the vowels", "find how many vowels it has"), "$y = sum(c in 'aeiouAEIOU' for c in $x)", "local _, $y = $x:gsub('[aeiouAEIOU]', '')")
    yield op("str-capitals", S, I, ("count the upper-case letters", "find how many capital letters it has"), "$y = sum(c.isupper() for c in $x)", "local _, $y = $x:gsub('%u', '')")
    yield op("str-digit-count", S, I, ("count the digits in the text", "find how many of its characters are digits"), "$y = sum(c.isdigit() for c in $x)", "local _, $y = $x:gsub('%d', '')")
    yield op("str-count-letter", S, I, ("count the occurrences of the letter $k", "find how often the letter $k appears"), "$y = $x.count('$k')", "local _, $y = $x:gsub('$k', '')", k=LETTER)
    yield op("str-find-letter", S, I, ("find the position of the first letter $k (0 if there is none)", "give the 1-based place of the first letter $k (0 if it is absent)"), "$y = $x.find('$k') + 1", ("local $y = $x:find('$k') or 0", "local $y = string.find($x, '$k', 1, true) or 0"), k=LETTER)
    yield op(
        "str-distinct", S, I,
        ("count the distinct characters", "find how many different characters it has"),
        "$y = len(set($x))",
        "local $y, seen = 0, {}\nfor c in $x:gmatch('.') do\n  if not seen[c] then\n    seen[c] = true\n    $y = $y + 1\n  end\nend",
    )
    yield op(
        "str-digit-total", S, I,
        ("add up the digits that occur in the text", "find the sum of all digit characters"),
        "$y = sum(int(c) for c in $x if c.isdigit())",
        "local $y = 0\nfor c in $x:gmatch('%d') do $y = $y + tonumber(c) end",
    )
    yield op(
        "str-code-total", S, I,
        ("add up the character codes", "find the sum of the codes of its characters"),
        "$y = sum(ord(c) for c in $x)",
        (
            "local $y = 0\nfor j = 1, #$x do $y = $y + $x:byte(j) end",
            "local $y = 0\nfor c in $x:gmatch('.') do $y = $y + string.byte(c) end",
        ),
    )
    yield op(
        "str-most-common", S, I,
        ("find how often its most common character occurs", "count the occurrences of the most frequent character"),
        "$y = max(map($x.count, $x), default=0)",
        "local times, $y = {}, 0\nfor c in $x:gmatch('.') do\n  times[c] = (times[c] or 0) + 1\n  $y = math.max($y, times[c])\nend",
    )


def _to_others() -> Iterator[Operation]:
    yield op("str-palindrome", S, B, ("check whether the text is a palindrome", "decide whether the text reads the same backwards"), "$y = $x == $x[::-1]", ("local $y = $x == $x:reverse()", "local $y = $x == string.reverse($x)"))
    yield op("str-has-letter", S, B, ("check whether the letter $k occurs", "decide whether it contains the letter $k"), "$y = '$k' in $x", ("local $y = $x:find('$k') ~= nil", "local $y = string.find($x, '$k', 1, true) and true or false"), k=LETTER)
    yield op("str-starts-with", S, B, ("check whether it starts with the letter $k", "decide whether its first character is $k"), ("$y = $x.startswith('$k')", "$y = $x[:1] == '$k'"), ("local $y = $x:sub(1, 1) == '$k'", "local $y = $x:match('^$k') ~= nil"), k=LETTER)
    yield op(
        "str-codes", S, L,
        ("list the character codes", "turn each character into its code"),
        "$y = [ord(c) for c in $x]",
        ("local $y = {}\nfor j = 1, #$x do $y[j] = $x:byte(j) end", "local $y = {$x:byte(1, -1)}"),
    )
    yield op(
        "str-digit-list", S, L,
        ("list the digits that occur in it", "collect its digits as numbers"),
        "$y = [int(c) for c in $x if c.isdigit()]",
        "local $y = {}\nfor c in $x:gmatch('%d') do $y[#$y + 1] = tonumber(c) end",
    )
    yield op(
        "str-chunks", S, W,
        ("cut it into pieces of $k characters (the last may be shorter)", "split it after every $k characters"),
        "$y = [$x[j:j + $k] for j in range(0, len($x), $k)]",
        "local $y = {}\nfor j = 1, #$x, $k do $y[#$y + 1] = $x:sub(j, j + $k - 1) end",
        k=K(2, 4),
    )
    yield op(
        "str-split-letter", S, W,
        ("split it at every letter $k and drop empty pieces", "cut it at the letters $k keeping the non-empty parts"),
        "$y = [part for part in $x.split('$k') if part]",
        "local $y = {}\nfor part in $x:gmatch('[^$k]+') do $y[#$y + 1] = part end",
        k=LETTER,
    )


def _of_two() -> Iterator[Operation]:
    yield op("strs-join", TWO_STRS, S, ("join the second text after the first", "append the second text to the first"), "$y = s1 + s2", "local $y = s1 .. s2")
    yield op("strs-contains", TWO_STRS, B, ("check whether the second text occurs inside the first", "decide whether the first text contains the second"), "$y = s2 in s1", "local $y = s1:find(s2, 1, true) ~= nil")
    yield op(
        "strs-interleave", TWO_STRS, S,
        ("alternate their characters and ignore what is left of the longer one", "interleave the two texts up to the end of the shorter one"),
        "$y = ''.join(p + q for p, q in zip(s1, s2))",
        "local $y = ''\nfor j = 1, math.min(#s1, #s2) do\n  $y = $y .. s1:sub(j, j) .. s2:sub(j, j)\nend",
    )
    yield op(
        "strs-longer", TWO_STRS, S,
        ("take the longer text (the first if they are equally long)", "choose the text with more characters (the first if equal)"),
        "$y = s1 if len(s1) >= len(s2) else s2",
        ("local $y = #s1 >= #s2 and s1 or s2", "local $y = s1\nif #s2 > #s1 then $y = s2 end"),
    )
    yield op(
        "strs-common-prefix", TWO_STRS, S,
        ("take their longest common prefix", "find the longest text with which both begin"),
        "j = 0\nwhile j < min(len(s1), len(s2)) and s1[j] == s2[j]:\n    j += 1\n$y = s1[:j]",
        "local j = 0\nwhile j < math.min(#s1, #s2) and s1:byte(j + 1) == s2:byte(j + 1) do j = j + 1 end\nlocal $y = s1:sub(1, j)",
    )
    yield op(
        "strs-only-first", TWO_STRS, S,
        ("keep the characters of the first text that do not occur in the second", "delete from the first text all characters of the second"),
        "$y = ''.join(c for c in s1 if c not in s2)",
        "local $y = ''\nfor c in s1:gmatch('.') do\n  if not s2:find(c, 1, true) then $y = $y .. c end\nend",
    )
    yield op(
        "strs-mismatches", TWO_STRS, I,
        ("count the places where they differ within the shorter length", "find how many matching places hold different characters"),
        "$y = sum(p != q for p, q in zip(s1, s2))",
        "local $y = 0\nfor j = 1, math.min(#s1, #s2) do\n  if s1:sub(j, j) ~= s2:sub(j, j) then $y = $y + 1 end\nend",
    )
    yield op(
        "strs-anagrams", TWO_STRS, B,
        ("check whether they are anagrams", "decide whether the two consist of the same characters in some order"),
        "$y = sorted(s1) == sorted(s2)",
        "local function letters(s)\n  local t = {s:byte(1, -1)}\n  table.sort(t)\n  return table.concat(t, ' ')\nend\nlocal $y = letters(s1) == letters(s2)",
    )
