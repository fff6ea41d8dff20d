"""Small wrong changes of a source, one at a time. Pure."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
RECKONED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
}
SQL_SWAPS: tuple[tuple[str, str | Callable[[re.Match], str]], ...] = (
    (r"(?<![<>=:|])\+(?!\d)", "-"),
    (r"(?<![-<>=:|'])-(?![->0-9'])", "+"),
    (r">=", ">"),
    (r"<=", "<"),
    (r"(?<![-<>=])>(?![=>])", ">="),
    (r"(?<![<>=])<(?![=>])", "<="),
    (r"<>", "="),
    (r"\bgreatest\b", "least"),
    (r"\bleast\b", "greatest"),
    (r"\bsum\b", "max"),
    (r"\bAND\b", "OR"),
    (r"\bIS NOT NULL\b", "IS NULL"),
    (r"\bON CONFLICT [^;\n]*DO NOTHING", ""),
    (r"'live'", "'expired'"),
    (r"\bNOT live\b", "live"),
    (r"\btrue\b", "false"),
    (r"(?<!PERFORM )(?<!RETURNING )(?<![\w$.'])\d{1,2}(?![\w.'])", lambda found: str(int(found[0]) + 1)),
    # Left out: a lock, the order in which they are taken, a condition.
    (r"\bFOR (?:NO KEY UPDATE|UPDATE|KEY SHARE)(?: OF \w+)?(?: SKIP LOCKED)?", ""),
    (r" SKIP LOCKED", ""),
    (r"\bORDER BY [\w., ]+?(?= FOR\b|\s*\n|;)", ""),
    (r"\b(?:AND|OR) (?:\([^()]*\)|[\w.]+(?: [-+] [\w.]+)* (?:[<>]?=|<>|[<>]) [\w.']+)", ""),
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """`source` is the whole changed text; `what` says where and how it differs."""

    line: int
    what: str
    source: str


def python_mutants(source: str) -> Iterator[Mutant]:
    """Of a module: another comparison, operator, constant, or a statement left out."""
    count = len(list(_places(ast.parse(source))))
    for number in range(count):
        tree = ast.parse(source)
        line, change = list(_places(tree))[number]
        what = change()
        changed = ast.unparse(ast.fix_missing_locations(tree))
        if changed != ast.unparse(ast.parse(source)):
            yield Mutant(line, what, changed)


def _places(tree: ast.AST) -> Iterator[tuple[int, "Change"]]:
    for parent in ast.walk(tree):
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, ast.Compare):
                yield from ((node.lineno, _compared(node, place)) for place in range(len(node.ops)))
            elif isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in RECKONED and not _annotation(parent):
                yield node.lineno, _reckoned(node)
            elif isinstance(node, ast.BoolOp):
                yield node.lineno, _either(node)
            elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
                yield node.lineno, _negated(node)
            elif isinstance(node, ast.Constant) and isinstance(node.value, (bool, int)) and not _no_sum(parent):
                yield node.lineno, _constant(node)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("min", "max"):
                yield node.lineno, _extreme(node.func)
            elif isinstance(node, (ast.Expr, ast.AugAssign)) and not _docstring(node) and _body(parent, node):
                yield node.lineno, _left_out(parent, node)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " SET " in node.value:
                yield from _sql_constant(node)


class Change:
    """Made by a closure: does it, and says what it did."""

    def __init__(self, do, what: str) -> None:
        self._do, self._what = do, what

    def __call__(self) -> str:
        self._do()
        return self._what


def _compared(node: ast.Compare, place: int) -> Change:
    old = type(node.ops[place])
    new = COMPARED[old]
    return Change(lambda: node.ops.__setitem__(place, new()), f"{old.__name__} → {new.__name__}: {ast.unparse(node)}")


def _reckoned(node) -> Change:
    old = type(node.op)
    new = RECKONED[old]
    return Change(lambda: setattr(node, "op", new()), f"{old.__name__} → {new.__name__}: {ast.unparse(node)}")


def _either(node: ast.BoolOp) -> Change:
    new = ast.Or if isinstance(node.op, ast.And) else ast.And
    return Change(lambda: setattr(node, "op", new()), f"→ {new.__name__}: {ast.unparse(node)}")


def _negated(node: ast.UnaryOp) -> Change:
    def do() -> None:
        node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), node.operand)

    return Change(do, f"not left out: {ast.unparse(node)}")


def _constant(node: ast.Constant) -> Change:
    old = node.value
    new = (not old) if isinstance(old, bool) else old + 1
    return Change(lambda: setattr(node, "value", new), f"{old} → {new}")


def _extreme(name: ast.Name) -> Change:
    new = "max" if name.id == "min" else "min"
    return Change(lambda: setattr(name, "id", new), f"{name.id} → {new}")


def _left_out(parent: ast.AST, node: ast.stmt) -> Change:
    def do() -> None:
        for body in _bodies(parent):
            if node in body:
                body[body.index(node)] = ast.Pass()

    return Change(do, f"left out: {ast.unparse(node)[:100]}")


def _sql_constant(node: ast.Constant) -> Iterator[tuple[int, Change]]:
    old = node.value
    for mutant in sql_mutants(old):
        yield node.lineno, Change(lambda new=mutant.source: setattr(node, "value", new), f"SQL {mutant.what}")


def _bodies(parent: ast.AST) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        found = getattr(parent, name, None)
        if isinstance(found, list):
            yield found


def _body(parent: ast.AST, node: ast.AST) -> bool:
    return any(node in body for body in _bodies(parent))


def _docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _annotation(parent: ast.AST) -> bool:
    return isinstance(parent, (ast.arg, ast.AnnAssign)) and not getattr(parent, "value", None)


def _no_sum(parent: ast.AST) -> bool:
    """The flags of a dataclass forbid mistakes of ours and save memory; no sum depends on them."""
    return _annotation(parent) or (isinstance(parent, ast.keyword) and parent.arg in ("frozen", "slots", "repr"))


def sql_mutants(source: str) -> Iterator[Mutant]:
    """Of a text of SQL: another operator, function, condition, or a guard left out. Comments stay."""
    comments = [match.span() for match in re.finditer(r"--[^\n]*", source)]
    for pattern, new in SQL_SWAPS:
        for match in re.finditer(pattern, source):
            if any(start <= match.start() < end for start, end in comments):
                continue
            line = source.count("\n", 0, match.start()) + 1
            text = source.splitlines()[line - 1].strip()[:100]
            put = new if isinstance(new, str) else new(match)
            changed = source[: match.start()] + put + source[match.end() :]
            yield Mutant(line, f"{match[0]} → {put or 'nothing'}: {text}", changed)
