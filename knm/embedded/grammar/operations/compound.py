"""Operations on words, pairs of lists, pairs, matrices and character grids."""

# One operation reads best as one aligned entry, however long its templates are.
# fmt: off

from collections.abc import Iterator

from knm.embedded.grammar.model import Operation, Type
from knm.embedded.grammar.operations.idioms import K, count, each, keep, op

L, I, B, S, W = Type.LIST, Type.INT, Type.BOOL, Type.STR, Type.WORDS
TWO_LISTS, MATRIX, GRID, PAIRS = Type.TWO_LISTS, Type.MATRIX, Type.GRID, Type.PAIRS


def operations() -> Iterator[Operation]:
    """All of them."""
    yield from _of_words()
    yield from _from_words()
    yield from _of_two_lists()
    yield from _of_pairs()
    yield from _of_matrices()
    yield from _of_grids()


def _of_words() -> Iterator[Operation]:
    yield keep("words-long", W, ("keep only the words of at least $k characters", "discard the words shorter than $k"), "len(v) >= $k", "#v >= $k", k=K(2, 5))
    yield keep("words-palindromes", W, ("keep only the words that are palindromes", "discard the words that do not read the same backwards"), "v == v[::-1]", "v == v:reverse()")
    yield each("words-upper", W, ("change all words to upper case", "capitalise every letter of every word"), "v.upper()", "v:upper()")
    yield each("words-reverse-each", W, ("reverse every word", "write each word backwards"), "v[::-1]", "v:reverse()")
    yield each("words-initials", W, ("replace every word by its first letter", "take the first letter of each word"), "v[:1]", "v:sub(1, 1)")
    yield op(
        "words-sort", W, W,
        ("sort the words by character codes", "arrange the words in dictionary order of their codes"),
        "$y = sorted($x)",
        ("local $y = {unpack($x)}\ntable.sort($y)", "local $y = {}\nfor j = 1, #$x do $y[j] = $x[j] end\ntable.sort($y)"),
    )
    yield op(
        "words-reverse-order", W, W,
        ("put the words in reverse order", "list the words from the last to the first"),
        "$y = $x[::-1]",
        "local $y = {}\nfor j = #$x, 1, -1 do $y[#$y + 1] = $x[j] end",
    )
    yield op(
        "words-dedupe", W, W,
        ("remove repeated words keeping first occurrences", "drop the words that occurred before"),
        "$y = list(dict.fromkeys($x))",
        "local $y, seen = {}, {}\nfor _, v in ipairs($x) do\n  if not seen[v] then\n    seen[v] = true\n    $y[#$y + 1] = v\n  end\nend",
    )
    yield op(
        "words-by-length", W, W,
        ("sort the words by length and equal lengths by character codes", "order the words from short to long and ties by their codes"),
        "$y = sorted($x, key=lambda v: (len(v), v))",
        "local $y = {unpack($x)}\ntable.sort($y, function(p, q)\n  if #p ~= #q then return #p < #q end\n  return p < q\nend)",
    )


def _from_words() -> Iterator[Operation]:
    yield op("words-join", W, S, ("join the words into one text", "glue all words together"), "$y = ''.join($x)", "local $y = table.concat($x)")
    yield op("words-hyphenate", W, S, ("join the words with hyphens", "write the words one after another with - between them"), "$y = '-'.join($x)", "local $y = table.concat($x, '-')")
    yield each("words-lengths", W, ("list the lengths of the words", "replace every word by its length"), "len(v)", "#v", target=L)
    yield op("words-count", W, I, ("count the words", "find how many words there are"), "$y = len($x)", "local $y = #$x")
    yield count("words-count-long", W, ("count the words longer than $k characters", "find how many words have more than $k characters"), "len(v) > $k", "#v > $k", k=K(1, 5))
    yield op(
        "words-longest", W, S,
        ("take the first longest word", "choose the longest word (the first of equals)"),
        "$y = max($x, key=len, default='')",
        "local $y = ''\nfor _, v in ipairs($x) do\n  if #v > #$y then $y = v end\nend",
    )
    yield op(
        "words-total-length", W, I,
        ("add up the lengths of the words", "find the total number of characters"),
        "$y = sum(map(len, $x))",
        ("local $y = 0\nfor _, v in ipairs($x) do $y = $y + #v end", "local $y = #table.concat($x)"),
    )
    yield op(
        "words-distinct", W, I,
        ("count the different words", "find how many distinct words there are"),
        "$y = len(set($x))",
        "local $y, seen = 0, {}\nfor _, v in ipairs($x) do\n  if not seen[v] then $y = $y + 1 end\n  seen[v] = true\nend",
    )


def _of_two_lists() -> Iterator[Operation]:
    yield op("lists-append", TWO_LISTS, L, ("join the second list after the first", "append the second list to the first"), "$y = l1 + l2", "local $y = {}\nfor _, v in ipairs(l1) do $y[#$y + 1] = v end\nfor _, v in ipairs(l2) do $y[#$y + 1] = v end")
    yield op("lists-add", TWO_LISTS, L, ("add the lists position by position", "form the elementwise sums"), "$y = [p + q for p, q in zip(l1, l2)]", "local $y = {}\nfor j = 1, #l1 do $y[j] = l1[j] + l2[j] end")
    yield op("lists-subtract", TWO_LISTS, L, ("subtract the second list from the first position by position", "form the elementwise differences"), "$y = [p - q for p, q in zip(l1, l2)]", "local $y = {}\nfor j = 1, #l1 do $y[j] = l1[j] - l2[j] end")
    yield op("lists-maxima", TWO_LISTS, L, ("take the larger element at each position", "form the elementwise maxima"), "$y = [max(p, q) for p, q in zip(l1, l2)]", "local $y = {}\nfor j = 1, #l1 do $y[j] = math.max(l1[j], l2[j]) end")
    yield op("lists-dot", TWO_LISTS, I, ("compute the dot product", "add up the products of matching elements"), "$y = sum(p * q for p, q in zip(l1, l2))", "local $y = 0\nfor j = 1, #l1 do $y = $y + l1[j] * l2[j] end")
    yield op(
        "lists-common", TWO_LISTS, L,
        ("keep the elements of the first list that occur in the second", "take the members of the first list also present in the second"),
        "$y = [v for v in l1 if v in l2]",
        "local $y, other = {}, {}\nfor _, v in ipairs(l2) do other[v] = true end\nfor _, v in ipairs(l1) do\n  if other[v] then $y[#$y + 1] = v end\nend",
    )
    yield op(
        "lists-only-first", TWO_LISTS, L,
        ("keep the elements of the first list that do not occur in the second", "remove from the first list all members of the second"),
        "$y = [v for v in l1 if v not in l2]",
        "local $y, other = {}, {}\nfor _, v in ipairs(l2) do other[v] = true end\nfor _, v in ipairs(l1) do\n  if not other[v] then $y[#$y + 1] = v end\nend",
    )
    yield op(
        "lists-interleave", TWO_LISTS, L,
        ("interleave the lists", "alternate elements of the first and the second list"),
        "$y = [v for pair in zip(l1, l2) for v in pair]",
        "local $y = {}\nfor j = 1, #l1 do\n  $y[#$y + 1] = l1[j]\n  $y[#$y + 1] = l2[j]\nend",
    )
    yield op(
        "lists-matches", TWO_LISTS, I,
        ("count the positions where both lists agree", "find how many places hold equal elements"),
        "$y = sum(p == q for p, q in zip(l1, l2))",
        "local $y = 0\nfor j = 1, #l1 do\n  if l1[j] == l2[j] then $y = $y + 1 end\nend",
    )
    yield op(
        "lists-wins", TWO_LISTS, B,
        ("check whether the first list wins more positions than the second (has the larger element)", "decide whether the first list is larger in more places than the second"),
        "$y = sum((p > q) - (p < q) for p, q in zip(l1, l2)) > 0",
        "local lead = 0\nfor j = 1, #l1 do\n  if l1[j] > l2[j] then lead = lead + 1 end\n  if l1[j] < l2[j] then lead = lead - 1 end\nend\nlocal $y = lead > 0",
    )


def _of_pairs() -> Iterator[Operation]:
    yield op("pairs-lengths", PAIRS, L, ("list for each pair the absolute difference of its two numbers", "replace every pair by the distance of its parts"), "$y = [abs(p - q) for p, q in zip(l1, l2)]", "local $y = {}\nfor j = 1, #l1 do $y[j] = math.abs(l1[j] - l2[j]) end")
    # + 0 turns the negative zero of 0 * -3 into 0.
    yield op("pairs-products", PAIRS, L, ("list the product of each pair", "multiply the two numbers of every pair"), "$y = [p * q for p, q in zip(l1, l2)]", "local $y = {}\nfor j = 1, #l1 do $y[j] = l1[j] * l2[j] + 0 end")
    yield op("pairs-larger", PAIRS, L, ("list the larger number of each pair", "take the maximum of every pair"), "$y = [max(p, q) for p, q in zip(l1, l2)]", "local $y = {}\nfor j = 1, #l1 do $y[j] = math.max(l1[j], l2[j]) end")
    yield op(
        "pairs-ascending", PAIRS, I,
        ("count the pairs whose first number is smaller than the second", "find how many pairs are increasing"),
        "$y = sum(p < q for p, q in zip(l1, l2))",
        "local $y = 0\nfor j = 1, #l1 do\n  if l1[j] < l2[j] then $y = $y + 1 end\nend",
    )
    yield op(
        "pairs-best", PAIRS, I,
        ("find the number of the first pair with the largest sum", "give the 1-based index of the first pair whose sum is largest"),
        "sums = [p + q for p, q in zip(l1, l2)]\n$y = sums.index(max(sums)) + 1",
        "local $y = 1\nfor j = 2, #l1 do\n  if l1[j] + l2[j] > l1[$y] + l2[$y] then $y = j end\nend",
    )
    yield op(
        "pairs-sorted-seconds", PAIRS, L,
        ("sort the pairs by first and then second number and list the second numbers", "order the pairs increasingly and take their second numbers"),
        "$y = [q for p, q in sorted(zip(l1, l2))]",
        "local order, $y = {}, {}\nfor j = 1, #l1 do order[j] = j end\ntable.sort(order, function(p, q)\n  if l1[p] ~= l1[q] then return l1[p] < l1[q] end\n  return l2[p] < l2[q]\nend)\nfor j, h in ipairs(order) do $y[j] = l2[h] end",
    )


def _of_matrices() -> Iterator[Operation]:
    rows = "for r = 1, n do\n"
    yield op("matrix-row-sums", MATRIX, L, ("compute the sum of each row", "list the row sums"), "$y = [sum(row) for row in g]", "local $y = {}\n" + rows + "  $y[r] = 0\n  for c = 1, m do $y[r] = $y[r] + g[r][c] end\nend")
    yield op("matrix-column-sums", MATRIX, L, ("compute the sum of each column", "list the column sums"), "$y = [sum(col) for col in zip(*g)]", "local $y = {}\nfor c = 1, m do\n  $y[c] = 0\n  for r = 1, n do $y[c] = $y[c] + g[r][c] end\nend")
    yield op("matrix-flatten", MATRIX, L, ("read the cells row by row", "flatten the matrix row by row"), "$y = [v for row in g for v in row]", "local $y = {}\n" + rows + "  for c = 1, m do $y[#$y + 1] = g[r][c] end\nend")
    yield op("matrix-row-maxima", MATRIX, L, ("take the maximum of each row", "list the row maxima"), "$y = [max(row) for row in g]", "local $y = {}\n" + rows + "  $y[r] = math.max(unpack(g[r]))\nend")
    yield op("matrix-diagonal", MATRIX, L, ("list the cells of the main diagonal", "take the main diagonal"), "$y = [g[r][r] for r in range(min(n, m))]", "local $y = {}\nfor r = 1, math.min(n, m) do $y[r] = g[r][r] end")
    yield op("matrix-columns", MATRIX, L, ("read the cells column by column", "flatten the matrix column by column"), "$y = [v for col in zip(*g) for v in col]", "local $y = {}\nfor c = 1, m do\n  for r = 1, n do $y[#$y + 1] = g[r][c] end\nend")
    yield op("matrix-sum", MATRIX, I, ("add up all cells", "find the total of the matrix"), "$y = sum(map(sum, g))", "local $y = 0\n" + rows + "  for c = 1, m do $y = $y + g[r][c] end\nend")
    yield op("matrix-border", MATRIX, I, ("add up the cells on the border", "find the total of the outer cells"), "$y = sum(g[r][c] for r in range(n) for c in range(m) if r in (0, n - 1) or c in (0, m - 1))", "local $y = 0\n" + rows + "  for c = 1, m do\n    if r == 1 or r == n or c == 1 or c == m then $y = $y + g[r][c] end\n  end\nend")


def _of_grids() -> Iterator[Operation]:
    yield op("grid-walls", GRID, I, ("count the # cells", "find how many cells are #"), "$y = sum(row.count('#') for row in g)", "local $y = 0\nfor r = 1, n do\n  local _, c = g[r]:gsub('#', '')\n  $y = $y + c\nend")
    yield op("grid-row-counts", GRID, L, ("count the # cells of each row", "list how many # each row has"), "$y = [row.count('#') for row in g]", "local $y = {}\nfor r = 1, n do\n  local _, c = g[r]:gsub('#', '')\n  $y[r] = c\nend")
    yield op("grid-column-counts", GRID, L, ("count the # cells of each column", "list how many # each column has"), "$y = [col.count('#') for col in zip(*g)]", "local $y = {}\nfor c = 1, m do\n  $y[c] = 0\n  for r = 1, n do\n    if g[r]:sub(c, c) == '#' then $y[c] = $y[c] + 1 end\n  end\nend")
    yield op(
        "grid-neighbours", GRID, I,
        ("count the pairs of # cells that share a side", "find how many sides are shared by two # cells"),
        "$y = 0\nfor r in range(n):\n    for c in range(m):\n        if g[r][c] == '#':\n            $y += r + 1 < n and g[r + 1][c] == '#'\n            $y += c + 1 < m and g[r][c + 1] == '#'",
        "local $y = 0\nfor r = 1, n do\n  for c = 1, m do\n    if g[r]:sub(c, c) == '#' then\n      if r < n and g[r + 1]:sub(c, c) == '#' then $y = $y + 1 end\n      if g[r]:sub(c + 1, c + 1) == '#' then $y = $y + 1 end\n    end\n  end\nend",
    )
    yield op(
        "grid-rotate", GRID, W,
        ("turn the grid by 90 degrees clockwise", "rotate the grid a quarter turn to the right"),
        "$y = [''.join(col[::-1]) for col in zip(*g)]",
        "local $y = {}\nfor c = 1, m do\n  local line = ''\n  for r = n, 1, -1 do line = line .. g[r]:sub(c, c) end\n  $y[c] = line\nend",
    )
    yield op(
        "grid-flip", GRID, W,
        ("mirror every row of the grid", "flip the grid left to right"),
        "$y = [row[::-1] for row in g]",
        "local $y = {}\nfor r = 1, n do $y[r] = g[r]:reverse() end",
    )
    yield op(
        "grid-invert", GRID, W,
        ("swap . and # in every cell", "turn every . into # and every # into ."),
        "$y = [row.translate(str.maketrans('.#', '#.')) for row in g]",
        "local $y = {}\nfor r = 1, n do\n  $y[r] = g[r]:gsub('.', {['.'] = '#', ['#'] = '.'})\nend",
    )
